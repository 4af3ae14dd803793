#!/usr/bin/env bats
# kill -9 of each tool at each message of a negotiation with charon, in both roles, with real processes and a real kernel:
# what died is back, the tunnel that was being made comes up (or the next try does), an older tunnel loses no packet, and
# nothing leaves in the clear. What happens between two messages, record by record, is stepped through in
# tests/unit/test_deaths_stepped.c.
#
# `make check` takes one message for each tool and role; STEPPED=all (make soak) takes all nine, STEPPED='3 8' those.

load ../lib/scenario.bash

# The time that each message is on its way, in seconds. All that follows from the one before is done by then.
travel=0.15

# two_tunnels: one that is up and in use all the while, between other addresses, and the one that is made again and again.
two_tunnels() {
    tunnel_is ike=aes128-sha1-modp2048 esp=aes128-sha1
    two_hosts
    local port
    ip -n left addr add 10.9.0.11/24 dev eth0
    ip -n right addr add 10.9.0.12/24 dev eth0
    ip -n left addr add 10.3.0.1/24 dev net0
    ip -n right addr add 10.4.0.1/24 dev net0
    ip -n left route add 10.4.0.0/24 dev eth0
    ip -n right route add 10.3.0.0/24 dev eth0
    charon_on right
    pluto_secrets left "10.9.0.1 10.9.0.2 : PSK \"${T[psk]}\"" "10.9.0.11 10.9.0.12 : PSK \"${T[psk]}\""
    pluto_start left --secrets-workers 1
    pluto_add left
    tunnel_with name=old left=10.9.0.11 right=10.9.0.12 left_net=10.3.0.0/24 right_net=10.4.0.0/24 \
        left_in=10.3.0.1 right_in=10.4.0.1
    charon_add right left
    pluto_add left
    whack_on left --listen
    whack_initiates left
    wait_for 15 sas_are_there
    ping_through left right
    start_on left "$HOSTS_DIR/old.out" "$HOSTS_DIR/old.err" ping -n -i 0.2 -W 10 -I 10.3.0.1 10.4.0.1
    # shellcheck disable=SC2154 # of net.bash
    older=$started
    tunnel_with name=net left=10.9.0.1 right=10.9.0.2 left_net=10.1.0.0/24 right_net=10.2.0.0/24 \
        left_in=10.1.0.1 right_in=10.2.0.1
    for port in left right; do
        tc -n wire qdisc add dev "$port" root netem delay "${travel}s"
    done
}

# older_is_whole: the older tunnel has lost nothing.
older_is_whole() {
    all_were_answered "$older" "$HOSTS_DIR/old.out" || fail "$(tail -n 2 "$HOSTS_DIR/old.out")"
}

# Into fd and watcher, which the caller has: lines of the messages between the two hosts, as they come by.
watch_messages() {
    exec {fd}< <(exec nsenter --net=/run/netns/wire tcpdump -l -n --immediate-mode -Z root -i wire \
        'udp port 500 and host 10.9.0.1' 2>&1 3>&-)
    watcher=$!
    local line=
    until [[ $line == *'listening on'* ]]; do
        read -r -t 60 -u "$fd" line || fail 'tcpdump does not listen'
    done
}

# await_message NUMBER: until so many have come by.
await_message() {
    local line n=0
    while [ "$n" -lt "$1" ]; do
        read -r -t 60 -u "$fd" line || fail "message $1 was not sent, only $n"
        [[ $line != *isakmp* ]] || n=$((n + 1))
    done
}

# We begin: whack stays, and hears of the tunnel in the end.
we_began() {
    assert_equal "$1 $(tail -n 1 "$HOSTS_DIR/begin.out" | cut -c1-3)" '0 004'
}

# The peer began, and his try may have come to nothing; then the next one does not.
peer_began() {
    [ "$1" -eq 0 ] || within 3 is_there || charon_initiates right # where he had proved himself, we began
}

begin_we() {
    whack_on left --initiate --name net >"$HOSTS_DIR/begin.out" 2>&1
}

begin_peer() {
    charon_initiate right net
}

# Both ends have both SAs, and policies; before that a ping would leave in the clear.
is_there() {
    local host way said
    said=$(sas_packets left right)
    for host in left right; do
        for way in '10.9.0.1 10.9.0.2' '10.9.0.2 10.9.0.1'; do
            [[ $'\n'$said == *$'\n'"$host $way "* ]] || return 1
        done
    done
    ends_agree
}

can_ping() {
    on left ping -n -q -c 1 -W 1 -I 10.1.0.1 10.2.0.1 >/dev/null
}

nothing_is_left() {
    [[ $(sas_packets left right) != *' 10.9.0.1 10.9.0.2 '* ]]
}

tool_is_back() {
    [ -n "$(tool_pids left "$1")" ]
}

# One that dies again within five seconds is started again more slowly, and that is not what is looked at here.
has_lived() {
    local pid
    pid=$(tool_pids left "$1")
    [ -n "$pid" ] && [ "$(ps --no-headers -o etimes:1 -p "$pid")" -ge 6 ]
}

# killed_at TOOL we|peer MESSAGE: where the message is ours, TOOL dies when all that was to do about it is done; where it
# is the peer's, with that message, or what ike-negotiate asks because of it, unread.
killed_at() {
    local tool=$1 who=$2 message=$3 pid beginner code=0 fd watcher ours=1
    [ "$who" = we ] || ours=0
    wait_for 40 has_lived "$tool" || fail "$tool does not live"
    pid=$(tool_pids left "$tool")
    watch_messages
    "begin_$who" 3>&- &
    beginner=$!
    await_message "$message"
    if [ $((message % 2)) -eq "$ours" ]; then
        nap 0.08
    else
        kill -STOP "$pid"
        nap 0.3
    fi
    kill -KILL "$pid"
    wait "$beginner" || code=$?
    kill "$watcher"
    exec {fd}<&-
    "${who}_began" "$code"
    wait_for 15 is_there || fail "$tool killed at message $message, $who began: no tunnel"
    wait_for 15 can_ping || fail "$tool killed at message $message, $who began: nothing comes through the tunnel"
    wait_for 15 tool_is_back "$tool" || fail "$tool is not back"
    whack_on left --terminate --name net
    charon_terminate right net || true
    wait_for 15 nothing_is_left || fail "SAs are left after $tool was killed at message $message, $who began"
    kill -0 "$older" || fail 'the older tunnel is no longer watched'
}

# messages DEFAULT
messages() {
    case ${STEPPED-} in
    '') echo "$1" ;;
    all) echo 1 2 3 4 5 6 7 8 9 ;;
    *) echo "$STEPPED" ;;
    esac
}

# stepped we|peer TOOL=MESSAGE...: the one message of each tool where not more are wanted.
stepped() {
    local who=$1 tool message
    two_tunnels
    for tool in "${@:2}"; do
        for message in $(messages "${tool#*=}"); do
            echo "$who began, ${tool%=*} is killed at message $message"
            killed_at "${tool%=*}" "$who" "$message"
        done
    done
    older_is_whole
    assert_equal "$(clear_pings_seen)" 0
}

@test "kill -9 of each tool at a message of a negotiation that we begin: it comes up, and nothing else suffers" {
    stepped we ike-negotiate=8 secrets=4 kernel-sa=8
}

@test "kill -9 of each tool at a message of a negotiation that the peer begins: it comes up, or the next one does" {
    stepped peer ike-negotiate=7 secrets=3 kernel-sa=8
}

# again_under_ping TOOL MESSAGE: the tunnel stands and is in use when the peer makes another pair of SAs for it, and TOOL
# is killed at that message of Quick Mode. Whichever pair he sends on by then, we have it.
again_under_ping() {
    local tool=$1 message=$2 pid beginner pinger fd watcher
    wait_for 40 has_lived "$tool" || fail "$tool does not live"
    pid=$(tool_pids left "$tool")
    start_on left "$HOSTS_DIR/net.out" "$HOSTS_DIR/net.err" ping -n -q -i 0.1 -c 45 -W 10 -I 10.1.0.1 10.2.0.1
    pinger=$started
    watch_messages
    begin_peer 3>&- &
    beginner=$!
    await_message "$message"
    nap 0.08
    kill -KILL "$pid"
    wait "$beginner" || true # his try may have come to nothing
    kill "$watcher"
    exec {fd}<&-
    wait_for 30 has_ended "$pinger" || fail 'the ping does not end'
    run tail -n 3 "$HOSTS_DIR/net.out"
    assert_output --partial ' 0% packet loss'
}

@test "kill -9 of each tool while the peer makes another pair of SAs: what goes through the tunnel goes on" {
    two_tunnels
    begin_we
    wait_for 15 is_there || fail 'no tunnel'
    wait_for 15 can_ping || fail 'nothing comes through the tunnel'
    local tool
    for tool in ike-negotiate=2 ike-negotiate=3 secrets=2 kernel-sa=2; do
        echo "${tool%=*} is killed at message ${tool#*=} of Quick Mode"
        again_under_ping "${tool%=*}" "${tool#*=}"
    done
    older_is_whole
    assert_equal "$(clear_pings_seen)" 0
}
