#!/usr/bin/env bats
# Two of ours against each other, with several workers, and with many tunnels.

load ../lib/scenario.bash

ours_against_ours() {
    tunnel_is "$@"
    two_hosts
    pluto_on left
    pluto_on right
    whack_initiates left
    traffic_is_protected
}

@test "[X1] ours: nothing named" {
    ours_against_ours
}

@test "[X2] ours: 3des-sha1-modp1536/3des-sha1" {
    ours_against_ours ike=3des-sha1-modp1536 esp=3des-sha1
}

@test "[X2] ours: 3des-md5-modp1024/3des-md5" {
    ours_against_ours ike=3des-md5-modp1024 esp=3des-md5
}

@test "[X4] ours: aes128-sha1-modp2048/aes128-sha1, transport mode" {
    ours_against_ours ike=aes128-sha1-modp2048 esp=aes128-sha1 mode=transport
}

@test "[X3] ours: aes256-sha2_256-modp2048/aes256-sha2_256 with PFS" {
    ours_against_ours ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 pfs=modp2048
}

@test "[X3] ours: aes256-sha2_512-ecp384/aes256gcm16" {
    ours_against_ours ike=aes256-sha2_512-ecp384 esp=aes256gcm16
}

@test "[Q12] ours: aes128-sha2_256_96, cut to 96 bits in the kernel and on the wire" {
    ours_against_ours esp=aes128-sha2_256_96
    local host
    for host in left right; do
        run ip -n "$host" xfrm state
        assert_output --partial 'auth-trunc hmac(sha256)'
        assert_output --regexp 'auth-trunc hmac\(sha256\) 0x[0-9a-f]+ 96'
        refute_output --regexp 'auth-trunc hmac\(sha256\) 0x[0-9a-f]+ 128'
    done
    wait_for 15 six_are_seen
    # IP 20, SPI and sequence 8, IV 16, the ping inside 84 padded to 96, and 12 of the HMAC where 16 would be 156.
    assert_equal "$(wire_seen 'esp and ip[2:2] == 152')" "$(wire_seen esp)"
}

# All that traffic_is_protected has sent.
six_are_seen() {
    [ "$(wire_seen esp)" -ge 6 ]
}

@test "[W13] ours: the word classic" {
    ours_against_ours ike=classic esp=classic
}

@test "[X4] ours: IPv6 in IPv6" {
    ours_against_ours left=fd09::1 right=fd09::2 bits=64 left_net=fd01::/64 right_net=fd02::/64 \
        left_in=fd01::1 right_in=fd02::1
}

@test "[X1] ours: the far end begins" {
    tunnel_is
    two_hosts
    pluto_on left
    pluto_on right
    whack_initiates right
    traffic_is_protected
}

@test "[X1] ours: both ends begin at once" {
    tunnel_is
    two_hosts
    pluto_on left
    pluto_on right
    whack_on left --initiate --name net --asynchronous
    whack_on right --initiate --name net --asynchronous
    wait_for 30 sas_are_there
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
}

@test "[P1] ours: --secrets-workers 3 at both ends" {
    tunnel_is
    two_hosts
    pluto_on left --secrets-workers 3
    pluto_on right --secrets-workers 3
    assert_equal "$(tool_pids left secrets | wc -l)" 3
    whack_initiates left
    traffic_is_protected
}

# ten_nets PEER_STARTER: connections net0 to net9 with their own client nets, at both ends.
ten_nets() {
    local i host far
    for i in 0 1 2 3 4 5 6 7 8 9; do
        tunnel_with name=net$i left_net=10.1.$i.0/24 right_net=10.2.$i.0/24
        for host in left right; do
            far=$(other "$host")
            [ "$i" -eq 0 ] || ip -n "$host" addr add "10.$([ "$host" = left ] && echo 1 || echo 2).$i.1/24" dev net0
            ip -n "$host" route replace "${T[${far}_net]}" dev eth0
        done
        "$1" "$i"
    done
}

# all_up SAS: both kernels have so many SAs, and three policies for two.
all_up() {
    local host
    for host in left right; do
        [ "$(sa_count "$host")" -ge "$1" ] && [ "$(policy_count "$host")" -ge $(($1 * 3 / 2)) ] || return 1
    done
}

ping_all_ten() {
    local i
    for i in 0 1 2 3 4 5 6 7 8 9; do
        on left ping -n -q -c 1 -W 10 -I "10.1.$i.1" "10.2.$i.1" >/dev/null || fail "no ping through net$i"
    done
    assert_equal "$(clear_pings_seen)" 0
}

@test "[C1] ours: ten tunnels at once, three workers" {
    tunnel_is
    two_hosts
    local host
    for host in left right; do
        pluto_with_secret "$host" --secrets-workers 3
    done
    # shellcheck disable=SC2317 # called by ten_nets
    add_at_both() {
        pluto_add left && pluto_add right
    }
    ten_nets add_at_both
    whack_on left --listen
    whack_on right --listen
    local i
    for i in 0 1 2 3 4 5 6 7 8 9; do
        whack_on left --initiate --name "net$i" --asynchronous
    done
    wait_for 20 all_up 20 || fail "SAs: $(sa_count left) left, $(sa_count right) right"
    ping_all_ten
}

@test "[C1] ten tunnels at once with charon, each waited for by a whack of its own" {
    tunnel_is
    two_hosts
    pluto_with_secret left
    charon_start right
    # shellcheck disable=SC2317 # called by ten_nets
    add_at_both() {
        pluto_add left || return 1
        # One connection with ten children: that is how charon has several nets of one peer.
        if [ "$1" -eq 0 ]; then charon_add right left; else charon_add_child right left net0; fi
    }
    ten_nets add_at_both
    whack_on left --listen
    local i pids=()
    for i in 0 1 2 3 4 5 6 7 8 9; do
        whack_on left --initiate --name "net$i" >"$HOSTS_DIR/left/whack.$i" 2>&1 3>&- &
        pids+=($!)
    done
    for i in 0 1 2 3 4 5 6 7 8 9; do
        wait "${pids[i]}" || fail "net$i: $(<"$HOSTS_DIR/left/whack.$i")"
    done
    wait_for 20 all_up 20 || fail "SAs: $(sa_count left) left, $(sa_count right) right"
    ping_all_ten
}
