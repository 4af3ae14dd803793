#!/usr/bin/env bats
# Peers that never answer, or never as they should. A negotiation is given up after 70 seconds of real time [C3], so
# all of them are begun at once when this file starts, and each test waits for its own.
#
# left (ours) has connections to: right (a bound port that nobody reads), shut (no daemon: ICMP says so), wrong (a
# charon with another secret), other (a charon with other proposals).

load ../lib/scenario.bash

setup_file() {
    scenario_begin "$BATS_FILE_TMPDIR"
    wire_up
    local n=1 host
    for host in left right shut wrong other; do
        host_up "$host" "10.9.0.$n/24"
        n=$((n + 1))
    done
    wire_watch
    start_on right /dev/null /dev/null perl -MSocket -e \
        'socket(S, PF_INET, SOCK_DGRAM, 0) && bind(S, sockaddr_in(500, INADDR_ANY)) && sleep 600'
    charon_start wrong
    charon_conn wrong wrong local=10.9.0.4 remote=10.9.0.1 psk='another secret' ike=aes128-sha1-modp2048
    charon_start other
    charon_conn other other local=10.9.0.5 remote=10.9.0.1 psk='the secret' ike=aes256-sha2_512-ecp384

    pluto_secrets left ': PSK "the secret"'
    pluto_start left
    n=2
    for host in right shut wrong other; do
        whack_on left --name "$host" --psk --encrypt --tunnel --ike aes128-sha1-modp2048 \
            --host 10.9.0.1 --updown /bin/true --to --host "10.9.0.$n" --updown /bin/true
        n=$((n + 1))
    done
    whack_on left --listen
    echo "$EPOCHSECONDS" >"$HOSTS_DIR/begun"
    for host in right shut wrong other; do
        {
            status=0
            whack_on left --initiate --name "$host" >"$HOSTS_DIR/$host.said" 2>&1 || status=$?
            echo "$status" >"$HOSTS_DIR/$host.status"
        } >/dev/null 2>&1 3>&- &
    done
}

teardown_file() {
    HOSTS_DIR=$BATS_FILE_TMPDIR
    hosts_down
}

# The hosts are this file's, not each test's.
setup() {
    trace_less
    HOSTS_DIR=$BATS_FILE_TMPDIR
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || scenario_show
}

# whack_gave_up NAME: sets $output and $status as `run` does, once that whack has ended.
whack_gave_up() {
    wait_for $(($(<"$HOSTS_DIR/begun") + 85 - EPOCHSECONDS)) test -s "$HOSTS_DIR/$1.status" || fail "whack still waits; so far: $(<"$HOSTS_DIR/$1.said")"
    status=$(<"$HOSTS_DIR/$1.status")
    output=$(<"$HOSTS_DIR/$1.said")
    # shellcheck disable=SC2034 # what assert_line reads
    mapfile -t lines <<<"$output"
}

@test "[C3] [W11] peer silent: 010 lines, then 031, exit status 31" {
    whack_gave_up right
    assert_equal "$status" 31
    assert_regex "$(codes_of "$output")" '^102 010 010 031$'
}

# sent_to ADDRESS: the seconds after the first at which messages of the first attempt went out. (The next attempt, of
# which whack does not wait for the end, begins when this one is given up.)
sent_to() {
    wire_packets -tt "udp dst port 500 and dst host $1" | awk '!first { first = $1 } $1 - first < 60 {
        printf "%s%.0f", sep, $1 - first; sep = " " }'
}

@test "[C3] peer silent: the message went out three times, at 0, 10 and 30 s" {
    whack_gave_up right
    assert_regex "$(sent_to 10.9.0.2)" '^0 (9|1[0-3]) (29|3[0-3])$'
}

@test "[P8] port closed: the kernel's ICMP error is logged and is not fatal" {
    whack_gave_up shut
    assert_equal "$status" 31
    log_has left 'Connection refused'
    assert_output --regexp '002 .*ICMP error for our message .*Connection refused'
    assert_regex "$(sent_to 10.9.0.3)" '^0 (9|1[0-3]) (29|3[0-3])$'
}

@test "[R4] we begin, the peer has another secret: the log says probably a wrong secret" {
    whack_gave_up wrong
    assert_not_equal "$status" 0
    log_has left 'probably a wrong secret'
    assert_equal "$(sa_count left)" 0
}

@test "[Q11] we begin, the peer's notification is a hint: whack shows NO-PROPOSAL-CHOSEN" {
    whack_gave_up other
    assert_not_equal "$status" 0
    assert_output --regexp 'NO-PROPOSAL-CHOSEN .*; we proposed '
    log_has left 'NO-PROPOSAL-CHOSEN (14): we proposed '
}

@test "[C3] after all of this plutod still answers" {
    whack_gave_up right
    run whack_on left --status
    assert_success
}
