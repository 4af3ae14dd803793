#!/usr/bin/env bats
# Two ends that want different lives: the responder tells his shorter one (RESPONDER-LIFETIME), and both keep it.

load ../lib/scenario.bash

short=(--ipseclifetime 600 --rekeymargin 60)

# life_on NAME: the lives of that host's SAs in the kernel, each once.
life_on() {
    ip -n "$1" -s xfrm state | sed -n 's/^[[:space:]]*expire add: //p' | sort -u
}

ours_on() {
    pluto_with_secret "$1"
    pluto_add "$@"
    whack_on "$1" --listen
}

@test "Q3: the initiator takes the shorter life of message 2 before he installs" {
    tunnel_is
    two_hosts
    ours_on left
    ours_on right "${short[@]}"
    whack_initiates left
    traffic_is_protected
    log_has left 'the peer lets the IPsec SA live 600 s, not 3600 s (RESPONDER-LIFETIME)'
    assert_equal "$(life_on left) / $(life_on right)" 'soft 540(sec), hard 600(sec) / soft 540(sec), hard 600(sec)'
    run on left "$(tool_path kernel-sa)" --list
    assert_success
    assert_output --partial 'lives 600 s, '
    refute_output --partial 'lives 3600 s'
    run whack_on left --status
    assert_output --regexp 'STATE_QUICK_I2 .*EVENT_SA_EXPIRE in (600|5[0-9][0-9])s'
}

@test "Q3: an initiator with the shorter life is told nothing" {
    tunnel_is
    two_hosts
    ours_on left "${short[@]}"
    ours_on right
    whack_initiates left
    traffic_is_protected
    assert_equal "$(life_on left) / $(life_on right)" 'soft 540(sec), hard 600(sec) / soft 540(sec), hard 600(sec)'
    run grep RESPONDER-LIFETIME "$(pluto_log left)" "$(pluto_log right)"
    assert_output ''
}

@test "Q3: charon, as initiator, bears to be told a shorter life" {
    tunnel_is
    two_hosts
    ours_on left "${short[@]}"
    charon_on right
    charon_initiates right
    traffic_is_protected
    assert_equal "$(life_on left)" 'soft 540(sec), hard 600(sec)'
    wait_for 15 file_has "$HOSTS_DIR/right/charon.log" '24576' || fail "charon saw no RESPONDER-LIFETIME"
}
