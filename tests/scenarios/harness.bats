#!/usr/bin/env bats
# The harness itself: charon against charon with each proposal set that we are then shown with. Where one of these
# fails, the fault is in tests/lib or in the guest, not in our daemon.

load ../lib/scenario.bash

charon_against_charon() {
    tunnel_is "$@"
    two_hosts
    charon_on left
    charon_on right
    charon_initiates left
    traffic_is_protected
    assert_equal "$(charon_children right)" 1
    charon_terminate left net
    wait_for 15 no_sas right
}

@test "harness: charon against charon, 3des-sha1-modp1536/3des-sha1" {
    charon_against_charon ike=3des-sha1-modp1536 esp=3des-sha1
}

@test "harness: charon against charon, 3des-md5-modp1024/3des-md5" {
    charon_against_charon ike=3des-md5-modp1024 esp=3des-md5
}

@test "harness: charon against charon, aes128-sha1-modp2048/aes128-sha1, transport mode" {
    charon_against_charon ike=aes128-sha1-modp2048 esp=aes128-sha1 mode=transport
}

@test "harness: charon against charon, aes256-sha2_256-modp2048/aes256-sha2_256 with PFS" {
    charon_against_charon ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 pfs=modp2048
}

@test "harness: charon against charon, aes256-sha2_512-ecp384/aes256gcm16" {
    charon_against_charon ike=aes256-sha2_512-ecp384 esp=aes256gcm16
}

@test "harness: charon against charon, defaults" {
    charon_against_charon
}

@test "harness: charon against charon, names as identities" {
    charon_against_charon left_id=@left.example right_id=@right.example
}

@test "harness: charon against charon, IPv6 in IPv6" {
    charon_against_charon left=fd09::1 right=fd09::2 bits=64 \
        left_net=fd01::/64 right_net=fd02::/64 left_in=fd01::1 right_in=fd02::1
}

@test "harness: charon against charon, IPv6 in IPv4" {
    charon_against_charon left_net=fd01::/64 right_net=fd02::/64 left_in=fd01::1 right_in=fd02::1
}

@test "harness: charon against charon, IPv4 in IPv6" {
    charon_against_charon left=fd09::1 right=fd09::2 bits=64
}

# What is not there is not waited for. In `run`, which has a shell of its own.
protected_at_once() {
    # shellcheck disable=SC2317 # called by traffic_is_protected
    wait_for() { "${@:2}"; }
    traffic_is_protected
}

@test "harness: a wire without a tunnel shows pings in the clear" {
    two_hosts
    on left ping -n -c 1 -W 10 -I 10.1.0.1 10.2.0.1
    run -1 protected_at_once
    [ "$(clear_pings_seen)" -gt 0 ]
}
