#!/usr/bin/env bats
# How tunnels and the daemon end, and what is left of them: nothing.

load ../lib/scenario.bash

charon_has_none() {
    [ "$(charon_children right)" -eq 0 ]
}

# gone_with_pluto: every process of it, its lock, its socket, and what it put into the kernel.
gone_with_pluto() {
    local pid tools=$1
    wait_for 30 has_ended "$(pluto_pid left)" || fail 'plutod still runs'
    for pid in $tools; do
        wait_for 15 has_ended "$pid" || fail "a tool of it still runs: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    done
    assert_equal "$(ls "$HOSTS_DIR"/left/pluto.pid "$HOSTS_DIR"/left/pluto.ctl 2>/dev/null)" ''
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 0 policies'
}

children_of_pluto() {
    ps --no-headers -o pid:1 --ppid "$(pluto_pid left)"
}

@test "[W8a] --terminate: our SAs go, charon is told, the connection can be initiated again" {
    a_tunnel
    run whack_on left --terminate --name net
    assert_success
    wait_for 15 no_sas left || fail "SAs are left: $(ip -n left xfrm state)"
    forgotten_by right
    grep -q 'received DELETE for ESP CHILD_SA' "$HOSTS_DIR/right/charon.log"
    grep -q 'received DELETE for IKE_SA' "$HOSTS_DIR/right/charon.log"
    whack_initiates left
    ping_through left right
}

@test "[W8a] --delete: SAs and policies go, the name is unknown afterwards" {
    a_tunnel
    run whack_on left --delete --name net
    assert_success
    wait_for 15 no_sas left
    wait_for 15 no_policies left || fail "policies are left: $(ip -n left xfrm policy)"
    wait_for 15 charon_has_none
    run whack_on left --initiate --name net
    assert_failure 21
}

@test "[W2a] --delete with a description replaces the connection" {
    a_tunnel
    run pluto_add left --delete
    assert_success
    wait_for 15 no_sas left
    forgotten_by left right
    whack_initiates left
    ping_through left right
}

@test "[X5] charon deletes the IPsec SA: ours goes too" {
    a_tunnel
    charon_swanctl right --terminate --child net >/dev/null
    wait_for 15 no_sas left || fail "SAs are left: $(ip -n left xfrm state)"
    whack_on left --status
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
}

# whack_waits_for_a_script: an initiate by left whose updown script runs until script_ends; $waiter says what it says to waited.
whack_waits_for_a_script() {
    tunnel_is
    two_hosts
    charon_on right
    pluto_with_secret left
    # shellcheck disable=SC2016 # the script's variables
    printf '#!/bin/sh\ncase $PLUTO_VERB in up-*) >%s; while [ -e %s ]; do sleep 0.2; done ;; esac\n' \
        "$HOSTS_DIR/runs" "$HOSTS_DIR/runs" >"$HOSTS_DIR/slow"
    chmod 755 "$HOSTS_DIR/slow"
    whack_on left --name net --psk --encrypt --tunnel --host 10.9.0.1 --client 10.1.0.0/24 \
        --updown "$HOSTS_DIR/slow" --to --host 10.9.0.2 --client 10.2.0.0/24
    whack_on left --listen
    whack_waits
}

whack_waits() {
    whack_on left --initiate --name net >"$HOSTS_DIR/waited" 2>&1 3>&- &
    waiter=$!
    wait_for 30 test -e "$HOSTS_DIR/runs" || fail 'the script does not run'
    wait_for 30 sas_are_there
}

script_ends() {
    rm "$HOSTS_DIR/runs"
}

@test "[W9] the SA goes while our script runs: whack says why, and ends with 31" {
    whack_waits_for_a_script
    local status=0
    charon_terminate right net
    wait_for 15 no_sas left || fail "SAs are left: $(ip -n left xfrm state)"
    script_ends
    wait "$waiter" || status=$?
    assert_equal "$status: $(codes_of "$(<"$HOSTS_DIR/waited")")" '31: 102 104 106 004 110 031'
    grep -q 'the peer deleted the IPsec SA' "$HOSTS_DIR/waited"
    forgotten_by right
    whack_waits
    whack_on left --terminate --name net
    script_ends
    status=0
    wait "$waiter" || status=$?
    assert_equal "$status" 31
    grep -q '^031 .*--terminate' "$HOSTS_DIR/waited"
}

@test "[X5] charon deletes the ISAKMP SA: a new initiate makes a new one" {
    a_tunnel
    charon_terminate right net
    wait_for 15 no_sas left || fail "SAs are left: $(ip -n left xfrm state)"
    forgotten_by left
    whack_initiates left
    ping_through left right
}

@test "[X5] ours and ours: --terminate at one end empties both" {
    tunnel_is
    two_hosts
    pluto_on left
    pluto_on right
    whack_initiates left
    traffic_is_protected
    run whack_on right --terminate --name net
    assert_success
    wait_for 15 no_sas right
    wait_for 15 no_sas left || fail "SAs are left: $(ip -n left xfrm state)"
    forgotten_by left right
    whack_initiates right
    ping_through left right
}

@test "[W8] --shutdown: exit 0, nothing is left, charon is told" {
    a_tunnel
    local tools status=0
    tools=$(children_of_pluto)
    whack_on left --shutdown || fail "whack --shutdown: exit status $?"
    gone_with_pluto "$tools"
    wait "$(pluto_pid left)" || status=$?
    assert_equal "$status" 0
    wait_for 15 charon_has_none
}

@test "[P8] SIGTERM is --shutdown" {
    a_tunnel
    local tools status=0
    tools=$(children_of_pluto)
    kill -TERM "$(pluto_pid left)"
    gone_with_pluto "$tools"
    wait "$(pluto_pid left)" || status=$?
    assert_equal "$status" 0
    wait_for 15 charon_has_none
}

@test "[P8] SIGHUP suggests whack --listen" {
    tunnel_is
    two_hosts
    pluto_on left
    kill -HUP "$(pluto_pid left)"
    log_has left 'whack --listen'
    run whack_on left --status
    assert_success
}

@test "[P3] a second daemon with the same PATH: a message, and exit 10" {
    tunnel_is
    two_hosts
    pluto_on left
    run on left timeout 10 "$(tool_path plutod)" --nofork --stderrlog --ctlbase "$HOSTS_DIR/left/pluto" \
        --secretsfile "$HOSTS_DIR/left/ipsec.secrets"
    assert_failure 10
    assert_output --partial "$HOSTS_DIR/left/pluto.pid"
    run whack_on left --status
    assert_success
}

@test "[P3] a lock whose process is gone is taken over, with a message" {
    tunnel_is
    two_hosts
    bash -c 'exit 0' &
    local gone=$!
    wait "$gone"
    echo "$gone" >"$HOSTS_DIR/left/pluto.pid"
    pluto_on left
    log_has left pluto.pid
    assert_equal "$(tr -d '[:space:]' <"$HOSTS_DIR/left/pluto.pid")" "$(pluto_pid left)"
}

@test "[P3] without --nofork: whack works as soon as the parent has ended; the pid file names the daemon" {
    tunnel_is
    two_hosts
    pluto_secrets left
    run on left timeout 20 "$(tool_path plutod)" --ctlbase "$HOSTS_DIR/left/pluto" \
        --secretsfile "$HOSTS_DIR/left/ipsec.secrets"
    assert_success
    run whack_on left --status
    assert_success
    local pid
    pid=$(tr -d '[:space:]' <"$HOSTS_DIR/left/pluto.pid")
    remember left "$pid"
    assert_equal "$(ps --no-headers -o comm "$pid")" plutod
    assert_equal "$(ps --no-headers -o sid:1 "$pid")" "$pid"
    whack_on left --shutdown
    wait_for 30 has_ended "$pid"
}

@test "[P3] the control socket is for root only" {
    tunnel_is
    two_hosts
    pluto_on left
    assert_equal "$(stat -c '%u %F' "$HOSTS_DIR/left/pluto.ctl")" '0 socket'
    assert_regex "$(stat -c %a "$HOSTS_DIR/left/pluto.ctl")" '^[0-7]00$'
}

@test "[W12] --status shows the topology and the SAs" {
    a_tunnel
    run whack_on left --status
    assert_success
    assert_output --partial '10.1.0.0/24===10.9.0.1'
    assert_output --partial '10.9.0.2'
    assert_output --partial '===10.2.0.0/24'
    assert_output --partial 'STATE_MAIN_I4'
    assert_output --partial 'STATE_QUICK_I2'
}

@test "[W12] [L1] the life that charon asks for, being the shorter one, is what --status shows" {
    tunnel_is
    two_hosts
    charon_on right
    printf '%s\n' 'connections {' 'net {' 'children {' 'net {' 'life_time = 600s' 'rekey_time = 500s' 'rand_time = 0' \
        '}' '}' '}' '}' >>"$HOSTS_DIR/right/swanctl.conf"
    charon_load right
    pluto_on left
    charon_initiates right
    wait_for 15 sas_are_there
    run whack_on left --status
    assert_output --regexp 'STATE_QUICK_R2.*EVENT_SA_EXPIRE in (600|5[0-9][0-9])s'
}

@test "[C7] the default updown script sets the route, and --delete takes it away" {
    tunnel_is
    wire_up
    host_up left 10.9.0.1/24 10.1.0.1/24
    host_up right 10.9.0.2/24 10.2.0.1/24
    wire_watch
    local host
    for host in left right; do
        pluto_with_secret "$host"
        whack_on "$host" --name net --psk --encrypt --tunnel --host 10.9.0.1 --client 10.1.0.0/24 \
            --to --host 10.9.0.2 --client 10.2.0.0/24
        whack_on "$host" --listen
    done
    whack_initiates left
    traffic_is_protected
    run ip -n left route show 10.2.0.0/24
    assert_output --partial 'dev eth0'
    whack_on left --delete --name net
    wait_for 15 has_no_route || fail "a route is left: $(ip -n left route show 10.2.0.0/24)"
}

has_no_route() {
    [ -z "$(ip -n left route show 10.2.0.0/24)" ]
}

@test "[C7] what a script prints is bounded" {
    tunnel_is
    two_hosts
    pluto_on right
    pluto_with_secret left
    cat >"$HOSTS_DIR/talker" <<'END'
#!/bin/sh
case $PLUTO_VERB in
prepare-*) seq 3000 ;;
up-*) head -c 2000000 /dev/zero | tr '\0' x | fold -w 900 ;;
esac
END
    chmod 755 "$HOSTS_DIR/talker"
    whack_on left --name net --psk --encrypt --tunnel --host 10.9.0.1 --client 10.1.0.0/24 \
        --updown "$HOSTS_DIR/talker" --to --host 10.9.0.2 --client 10.2.0.0/24
    whack_on left --listen
    whack_initiates left
    ping_through left right
    local log
    log=$(pluto_log left)
    log_has left 'up-client output: the rest is left out'
    assert_equal "$(grep -c 'up-client output: x' "$log")" 72
    log_has left 'prepare-client output: the rest is left out' 20
    assert_equal "$(grep -c 'prepare-client output: [0-9]' "$log")" 1000
}

@test "[P7] --listen again notices an address that came" {
    tunnel_is
    two_hosts
    pluto_on left
    ip -n left addr add 10.9.0.7/24 dev eth0
    whack_on left --listen
    run whack_on left --status
    assert_output --partial 10.9.0.7
}

@test "[P8] --shutdown --leave-state: the tunnel carries traffic without plutod, and the next plutod takes its place" {
    a_tunnel
    local tools pid
    tools=$(children_of_pluto)
    whack_on left --shutdown --leave-state || fail "whack --shutdown --leave-state: exit status $?"
    wait_for 30 has_ended "$(pluto_pid left)" || fail 'plutod still runs'
    for pid in $tools; do
        wait_for 15 has_ended "$pid" || fail "a tool of it still runs: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    done
    traffic_is_protected
    charon_has_none && fail 'charon was told that the tunnel is gone'
    pluto_on left
    whack_initiates left
    traffic_is_protected
}
