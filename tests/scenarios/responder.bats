#!/usr/bin/env bats
# strongSwan's charon begins, we answer: pings go through as ESP, from both sides.

load ../lib/scenario.bash

charon_begins() {
    tunnel_is "$@"
    two_hosts
    pluto_on left
    charon_on right
    charon_initiates right
    traffic_is_protected
    ping_through right left
}

@test "[X2] responder: 3des-sha1-modp1536/3des-sha1" {
    charon_begins ike=3des-sha1-modp1536 esp=3des-sha1
}

@test "[X2] responder: 3des-md5-modp1024/3des-md5" {
    charon_begins ike=3des-md5-modp1024 esp=3des-md5
}

@test "[X1] [X4] responder: aes128-sha1-modp2048/aes128-sha1, transport mode" {
    charon_begins ike=aes128-sha1-modp2048 esp=aes128-sha1 mode=transport
}

@test "[X1] [X3] responder: aes256-sha2_256-modp2048/aes256-sha2_256 with PFS" {
    charon_begins ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 pfs=modp2048
}

@test "[X3] responder: aes256-sha2_512-ecp384/aes256gcm16" {
    charon_begins ike=aes256-sha2_512-ecp384 esp=aes256gcm16
}

@test "[X3] [W13] responder: nothing named, charon's defaults" {
    charon_begins
}

@test "[X3] [W13] responder: the word default" {
    tunnel_is ike=default esp=default
    two_hosts
    pluto_on left
    charon_on right ike=default esp=default
    charon_initiates right
    traffic_is_protected
}

@test "[X2] [W13] responder: the word classic" {
    tunnel_is ike=classic esp=classic
    two_hosts
    pluto_on left
    charon_on right ike=3des-sha1-modp1024 esp=3des-md5
    charon_initiates right
    traffic_is_protected
}

@test "[X3] responder: aes192-sha2_384-curve25519/aes192-sha2_384" {
    charon_begins ike=aes192-sha2_384-curve25519 esp=aes192-sha2_384
}

@test "[X3] responder: aes128-md5-modp3072/aes128gcm16 with PFS by ecp256" {
    charon_begins ike=aes128-md5-modp3072 esp=aes128gcm16 pfs=ecp256
}

@test "[X3] responder: aes256-sha2_512-modp4096/aes256-sha2_512 with PFS by ecp521" {
    charon_begins ike=aes256-sha2_512-modp4096 esp=aes256-sha2_512 pfs=ecp521
}

@test "[X3] responder: the first of the peer's offers that we allow is taken" {
    tunnel_is ike=aes128-sha1-modp1536 esp=aes128-sha1
    two_hosts
    pluto_on left
    charon_on right ike=aes256-sha2_512-ecp384,aes256-sha2_256-modp2048,aes128-sha1-modp1536 \
        esp=aes256gcm16,aes256-sha2_256,aes128-sha1
    charon_initiates right
    traffic_is_protected
}

@test "[W2a] responder: without --pfs a peer's PFS with an allowed group is accepted" {
    tunnel_is ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256
    two_hosts
    pluto_on left
    charon_on right pfs=modp2048
    charon_initiates right
    traffic_is_protected
}

@test "[W2a] responder: the peer's transport mode is taken from host to host" {
    tunnel_is mode=transport
    two_hosts
    pluto_with_secret left
    pluto_add left --tunnel
    whack_on left --listen
    charon_on right
    charon_initiates right
    traffic_is_protected
}

@test "[W5] responder: names as identities" {
    charon_begins left_id=@left.example right_id=@gate.right.example
}

@test "[X4] responder: IPv6 in IPv6" {
    charon_begins left=fd09::1 right=fd09::2 bits=64 left_net=fd01::/64 right_net=fd02::/64 \
        left_in=fd01::1 right_in=fd02::1
}

@test "[X4] responder: IPv6 in IPv4" {
    charon_begins left_net=fd01::/64 right_net=fd02::/64 left_in=fd01::1 right_in=fd02::1
}

@test "[X4] responder: IPv4 in IPv6" {
    charon_begins left=fd09::1 right=fd09::2 bits=64
}

@test "[X4] responder: IPv6 in transport mode" {
    charon_begins left=fd09::1 right=fd09::2 bits=64 mode=transport
}

@test "[Q12] responder: SHA2-256 cut to 96 bits, as charon does for old kernels" {
    tunnel_is esp=aes128-sha2_256_96
    two_hosts
    charon_on right
    pluto_on left
    charon_initiates right
    traffic_is_protected
}
