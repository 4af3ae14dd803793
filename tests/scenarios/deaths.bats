#!/usr/bin/env bats
# What goes on when a process of ours, or the peer's daemon, is killed: traffic, and IKE with those who remember more.

load ../lib/scenario.bash

# constant_pings COUNT: from left to right, twenty a second; pings_lost waits for their end.
constant_pings() {
    on left ping -n -q -c "$1" -i 0.05 -W 2 -I "${T[left_in]}" "${T[right_in]}" >"$HOSTS_DIR/ping.out" 2>&1 3>&- &
    pinger=$!
}

pings_lost() {
    while is_running "$pinger"; do
        sleep 0.2
    done
    sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$HOSTS_DIR/ping.out"
}

sas_are() {
    [ "$(sa_count "$1")" -eq "$2" ]
}

@test "kill -9 plutod: the next one leaves the tunnel in place, takes it over, and removes it in the end" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    wait_for 5 sas_are_there
    constant_pings 300
    kill -KILL "$(pluto_pid left)"
    pluto_on left
    sleep 2
    assert_equal "$(sa_count left) $(policy_count left)" '2 3'
    run whack_on left --initiate --name net
    assert_success
    assert_equal "$(pings_lost)" 0
    wait_for 15 sas_are left 2 || fail 'the old SAs are still there'
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
    whack_on left --shutdown
    wait_for 5 no_sas left
    no_policies left
}

@test "kill -9 plutod: --terminate takes away what the dead one left" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    kill -KILL "$(pluto_pid left)"
    pluto_on left
    whack_on left --terminate --name net
    wait_for 3 no_sas left
    wait_for 3 no_policies left
}
