#!/usr/bin/env bats
# What goes on when a process of ours, or the peer's daemon, is killed: traffic, and IKE with those who remember more.

load ../lib/scenario.bash

# constant_pings COUNT: from left to right, twenty a second; pings_lost waits for their end, and says how many had no answer.
constant_pings() {
    on left ping -n -q -c "$1" -i 0.05 -W 10 -I "${T[left_in]}" "${T[right_in]}" >"$HOSTS_DIR/ping.out" 2>&1 3>&- &
    pinger=$!
}

pings_lost() {
    wait_for 30 has_ended "$pinger" || fail 'the ping does not end'
    lost_in "$HOSTS_DIR/ping.out"
}

sas_are() {
    [ "$(sa_count "$1")" -eq "$2" ]
}

@test "kill -9 plutod: the next one leaves the tunnel in place, takes it over, and removes it in the end" {
    local lost
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    wait_for 15 sas_are_there
    constant_pings 100
    kill -KILL "$(pluto_pid left)"
    pluto_on left
    sleep 2
    assert_equal "$(sa_count left) $(policy_count left)" '2 3'
    assert_equal "$(pings_lost)" 0
    lost=$(lost_by_right)
    constant_pings 100
    run whack_on left --initiate --name net
    assert_success
    # What charon loses in the moment in which it changes to the new SAs, and nothing else.
    wait_for 15 ends_agree || fail 'charon has not got the new SAs'
    lost=$(($(lost_by_right) - lost))
    assert_equal "$(pings_lost)" "$lost"
    wait_for 30 sas_are left 2 || fail 'the old SAs are still there'
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
    whack_on left --shutdown
    wait_for 15 no_sas left
    wait_for 15 no_policies left
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
    wait_for 10 no_sas left
    wait_for 10 no_policies left
}

# killed_under_tunnel TOOL: and a moment for what plutod does about it.
killed_under_tunnel() {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left --secrets-workers 1
    whack_initiates left
    wait_for 15 sas_are_there
    kill -KILL "$(tool_pids left "$1")"
    wait_for 30 file_has "$(pluto_log left)" '#3: STATE_MAIN_I4' || fail 'no new ISAKMP SA was made'
    ping_through left right
}

@test "kill -9 ike-negotiate, secrets: the peer's Quick Mode and Delete find a living ISAKMP SA" {
    local tool
    for tool in ike-negotiate secrets; do
        killed_under_tunnel "$tool"
        charon_initiates right
        ping_through left right
        charon_terminate right net
        wait_for 15 no_sas left || fail "after the death of $tool the peer's Deletes were not understood"
        assert_equal "$(clear_pings_seen)" 0
        hosts_down
    done
}

@test "kill -9 ike-negotiate: our Delete finds a living ISAKMP SA" {
    killed_under_tunnel ike-negotiate
    whack_on left --terminate --name net
    wait_for 15 no_sas right
}

@test "kill -9 in the midst of an initiate: it is begun anew, and whack gets its 004" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left --secrets-workers 1
    local tool
    for tool in ike-negotiate secrets kernel-sa; do
        local pid whack code=0
        pid=$(tool_pids left "$tool")
        kill -STOP "$pid"
        whack_on left --initiate --name net >"$HOSTS_DIR/whack.out" 2>&1 3>&- &
        whack=$!
        nap 0.5
        kill -KILL "$pid"
        wait "$whack" || code=$?
        assert_equal "$tool $code $(tail -n 1 "$HOSTS_DIR/whack.out" | cut -c1-3)" "$tool 0 004"
        wait_for 15 sas_are left 2 || fail "SAs: $(ip -n left xfrm state)"
        ping_through left right
        whack_on left --terminate --name net
        wait_for 15 no_sas right
        forgotten_by right
    done
}

# replaced TOOL PID: another one is there.
replaced() {
    local now
    now=$(tool_pids left "$1")
    [ -n "$now" ] && [ "$now" != "$2" ]
}

@test "[F16] tools that stand still: the others negotiate on, the tunnel carries traffic, and IKE goes on by itself" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left --secrets-workers 1
    local tool whack code=0
    local -A pids
    pids[kernel-sa]=$(tool_pids left kernel-sa)
    kill -STOP "${pids[kernel-sa]}"
    whack_on left --initiate --name net >"$HOSTS_DIR/whack.out" 2>&1 3>&- &
    whack=$!
    wait_for 15 file_has "$(pluto_log left)" 'STATE_MAIN_I4' || fail 'no ISAKMP SA while kernel-sa stands still'
    assert_equal "$(tool_pids left kernel-sa)" "${pids[kernel-sa]}"
    wait "$whack" || code=$?
    assert_equal "$code $(tail -n 1 "$HOSTS_DIR/whack.out" | cut -c1-3)" '0 004'
    log_has left 'kernel-sa does not read what it is told'
    ping_through left right

    for tool in kernel-sa ike-negotiate secrets; do
        pids[$tool]=$(tool_pids left "$tool")
        kill -STOP "${pids[$tool]}"
    done
    constant_pings 200
    assert_equal "$(pings_lost)" 0
    for tool in kernel-sa ike-negotiate secrets; do
        wait_for 60 replaced "$tool" "${pids[$tool]}" || fail "$tool still stands there"
    done
    assert_equal "$(grep -c 'does not read what it is told' "$(pluto_log left)")" 4
    wait_for 30 file_has "$(pluto_log left)" '#3: STATE_MAIN_I4' || fail 'no new ISAKMP SA was made'
    charon_initiates right
    ping_through left right
    charon_terminate right net
    wait_for 15 no_sas left || fail "the peer's Deletes were not understood"
    assert_equal "$(clear_pings_seen)" 0
}
