#!/usr/bin/env bats
# We begin, strongSwan's charon answers: whack's lines and status are the manual's, and pings go through as ESP.

load ../lib/scenario.bash

we_initiate() {
    tunnel_is "$@"
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    traffic_is_protected
    assert_equal "$(charon_children right)" 1
}

@test "[X2] [W11] initiator: 3des-sha1-modp1536/3des-sha1" {
    we_initiate ike=3des-sha1-modp1536 esp=3des-sha1
}

@test "[X2] [W11] initiator: 3des-md5-modp1024/3des-md5" {
    we_initiate ike=3des-md5-modp1024 esp=3des-md5
}

@test "[X1] [X4] initiator: aes128-sha1-modp2048/aes128-sha1, transport mode" {
    we_initiate ike=aes128-sha1-modp2048 esp=aes128-sha1 mode=transport
}

@test "[X1] [X3] initiator: aes256-sha2_256-modp2048/aes256-sha2_256 with PFS" {
    we_initiate ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 pfs=modp2048
}

@test "[X3] initiator: aes256-sha2_512-ecp384/aes256gcm16" {
    we_initiate ike=aes256-sha2_512-ecp384 esp=aes256gcm16
}

@test "[X3] [W13] initiator: nothing named, charon's defaults" {
    we_initiate
}

@test "[X3] [W13] initiator: the word default" {
    tunnel_is ike=default esp=default
    two_hosts
    charon_on right ike=default esp=default
    pluto_on left
    whack_initiates left
    traffic_is_protected
}

@test "[X2] [W13] initiator: the word classic" {
    tunnel_is ike=classic esp=classic
    two_hosts
    charon_on right ike=3des-sha1-modp1536,3des-md5-modp1024 esp=3des-sha1,3des-md5
    pluto_on left
    whack_initiates left
    traffic_is_protected
}

@test "[X3] initiator: aes192-sha2_384-curve25519/aes192-sha2_384" {
    we_initiate ike=aes192-sha2_384-curve25519 esp=aes192-sha2_384
}

@test "[X3] initiator: aes128-md5-modp3072/aes128gcm16 with PFS by ecp256" {
    we_initiate ike=aes128-md5-modp3072 esp=aes128gcm16 pfs=ecp256
}

@test "[X3] initiator: aes256-sha2_512-modp4096/aes256-sha2_512 with PFS by ecp521" {
    we_initiate ike=aes256-sha2_512-modp4096 esp=aes256-sha2_512 pfs=ecp521
}

@test "[X3] initiator: aes256-sha1-ecp521/3des-sha1 with PFS by curve25519" {
    we_initiate ike=aes256-sha1-ecp521 esp=3des-sha1 pfs=curve25519
}

@test "[X5] initiator: several proposals on offer, the peer takes the last" {
    tunnel_is ike=aes256-sha2_512-ecp384,aes256-sha2_256-modp2048,aes128-sha1-modp1536 \
        esp=aes256gcm16,aes256-sha2_256,aes128-sha1
    two_hosts
    charon_on right ike=aes128-sha1-modp1536 esp=aes128-sha1
    pluto_on left
    whack_initiates left
    traffic_is_protected
}

@test "[X1] initiator: PFS by the group of phase 1 where none is named" {
    tunnel_is ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256
    two_hosts
    charon_on right pfs=modp2048
    pluto_with_secret left
    pluto_add left --pfs
    whack_on left --listen
    whack_initiates left
    traffic_is_protected
}

@test "[W5] initiator: names as identities" {
    we_initiate left_id=@left.example right_id=@gate.right.example
}

@test "[W5] initiator: user@name as our identity" {
    we_initiate left_id=carol@left.example right_id=@right.example
}

@test "[X4] initiator: IPv6 in IPv6" {
    we_initiate left=fd09::1 right=fd09::2 bits=64 left_net=fd01::/64 right_net=fd02::/64 \
        left_in=fd01::1 right_in=fd02::1
}

@test "[X4] initiator: IPv6 in IPv4" {
    we_initiate left_net=fd01::/64 right_net=fd02::/64 left_in=fd01::1 right_in=fd02::1
}

@test "[X4] initiator: IPv4 in IPv6" {
    we_initiate left=fd09::1 right=fd09::2 bits=64
}

@test "[X4] initiator: IPv6 in transport mode" {
    we_initiate left=fd09::1 right=fd09::2 bits=64 mode=transport
}

@test "[W2] initiator: no clients, tunnel mode from host to host" {
    tunnel_is left_net= right_net= left_in=10.9.0.1 right_in=10.9.0.2
    wire_up
    host_up left 10.9.0.1/24
    host_up right 10.9.0.2/24
    wire_watch
    charon_on right
    pluto_on left
    whack_initiates left
    traffic_is_protected
}

@test "[W9] initiator: --asynchronous returns at once, the tunnel comes up alone" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left
    run whack_on left --initiate --name net --asynchronous
    assert_success
    refute_output --partial '004 '
    wait_for 30 sas_are_there
    traffic_is_protected
}

@test "[W8] initiator: several forms in one call of whack" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_with_secret left
    run pluto_add left
    assert_success
    run whack_on left --listen --initiate --name net
    assert_success
    assert_output --partial '004 '
    traffic_is_protected
}

@test "[W2a] initiator: a second --initiate replaces nothing and loses nothing" {
    we_initiate
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
}

@test "[Q12] initiator: SHA2-256 cut to 96 bits, as charon does for old kernels" {
    tunnel_is esp=aes128-sha2_256_96
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    traffic_is_protected
}
