#!/usr/bin/env bats
# Networks as they are: packets that come twice, late, or in another order, and peers that come up late.

load ../lib/scenario.bash

# disturbed WORD...: what both hosts send is treated so (words of tc-netem).
disturbed() {
    tc -n left qdisc add dev eth0 root netem "$@"
    tc -n right qdisc add dev eth0 root netem "$@"
}

# one_tunnel_only: no duplicate made a second SA.
one_tunnel_only() {
    wait_for 15 ends_agree || fail 'one has SAs that the other does not have'
    assert_equal "$(sa_count left) SAs left, $(sa_count right) right" '2 SAs left, 2 right'
}

@test "[F12] every packet comes twice: we begin" {
    tunnel_is
    two_hosts
    disturbed duplicate 100%
    charon_on right
    pluto_on left
    whack_initiates left
    wait_for 15 sas_are_there
    one_tunnel_only
    run on left ping -n -c 3 -i 0.2 -W 10 -I 10.1.0.1 10.2.0.1
    assert_success
    assert_equal "$(clear_pings_seen)" 0
}

@test "[F12] every packet comes twice: charon begins" {
    tunnel_is
    two_hosts
    disturbed duplicate 100%
    pluto_on left
    charon_on right
    charon_initiates right
    wait_for 15 sas_are_there
    one_tunnel_only
    run on right ping -n -c 3 -i 0.2 -W 10 -I 10.2.0.1 10.1.0.1
    assert_success
}

@test "[F12] every packet comes twice: ours against ours" {
    tunnel_is
    two_hosts
    disturbed duplicate 100%
    pluto_on right
    pluto_on left
    whack_initiates left
    wait_for 15 sas_are_there
    one_tunnel_only
}

@test "[C3] a slow line, 400 ms each way: no retransmission" {
    tunnel_is
    two_hosts
    disturbed delay 400ms
    pluto_on right
    pluto_on left
    whack_initiates left
    wait_for 15 sas_are_there
    one_tunnel_only
}

@test "[C3] [P8] the peer comes up late: the message sent again after 10 s gets through" {
    tunnel_is
    two_hosts
    pluto_on left
    whack_on left --initiate --name net >"$HOSTS_DIR/left/whack.said" 2>&1 3>&- &
    local whack=$!
    log_has left 'Connection refused'
    charon_on right
    wait "$whack" || fail "whack gave up: $(<"$HOSTS_DIR/left/whack.said")"
    # once, or twice where charon takes more than ten seconds
    assert_regex "$(codes_of "$(<"$HOSTS_DIR/left/whack.said")")" '^102 002 010 (002 010 )?104 106 004 110 004$'
    [[ $(<"$HOSTS_DIR/left/whack.said") == *'002 "net" #1: '*'Connection refused'* ]]
    traffic_is_protected
}

@test "[P1] [W2] --ikeport: both daemons on another port" {
    tunnel_is
    two_hosts
    local host
    for host in left right; do
        pluto_with_secret "$host" --ikeport 4711
        whack_on "$host" --name net --psk --encrypt --tunnel \
            --ikeport 4711 --host 10.9.0.1 --client 10.1.0.0/24 --updown /bin/true --to \
            --ikeport 4711 --host 10.9.0.2 --client 10.2.0.0/24 --updown /bin/true
        whack_on "$host" --listen
    done
    whack_initiates left
    traffic_is_protected
    assert_equal "$(wire_seen 'udp port 500')" 0
}
