#!/usr/bin/env bats
# Tools that live, but neither read nor answer (SIGSTOP). What that means for a tunnel: scenarios/deaths.bats.
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

# stop TOOL: the first process of that name stands still; its pid is in $pid.
stop() {
    pid=$(pid_of "$1")
    kill -STOP "$pid"
}

@test "[F16] a tool that does not read what it is told is begun again" {
    start
    within 5 children_are 'ike-negotiate:1 kernel-sa:1'
    local tool pid pids=()
    for tool in kernel-sa ike-negotiate; do
        stop "$tool"
        pids+=("$pid")
    done
    # shellcheck disable=SC2016 # perl's variables
    timeout 60 perl -MIO::Socket::UNIX -e '
        for (1 .. 60) { # each tool is told each time: more than a socket holds
            my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!";
            print $s "hello version=1 epoch=1 tool=whack\n",
                "whack-debug classes=raw,crypt,parsing,emitting,control,lifecycle,kernel,dns,oppo\n" x 150;
            $s->flush; $s->shutdown(1); 1 while <$s> }' "$base.ctl"
    for pid in "${pids[@]}"; do
        within 60 gone "$pid"
    done
    for tool in kernel-sa ike-negotiate; do
        grep -q "^$tool does not read what it is told ([0-9]* bytes wait): it is ended" "$dir/err"
    done
    within 5 children_are 'ike-negotiate:1 kernel-sa:1'
    refute grep -q 'no memory' "$dir/err"
}

@test "[F16] tools that stand still while nothing is said to them: begun again, and the others go on" {
    start --secrets-workers 2
    ask --listen
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2'
    local tool pid pids=() other begun longest=0 refused=
    other=$(pgrep -P "$daemon" -n -x secrets)
    for tool in kernel-sa ike-negotiate secrets; do
        stop "$tool"
        pids+=("$pid")
    done
    # One that waited for them would do so until they are ended, which is 20 s at least.
    all_gone() {
        begun=$SECONDS
        ask --status
        [ "$status" -eq 0 ] || refused=$output
        [ $((SECONDS - begun)) -le "$longest" ] || longest=$((SECONDS - begun))
        gone "${pids[0]}" && gone "${pids[1]}" && gone "${pids[2]}"
    }
    within 90 all_gone
    assert_equal "$refused" ''
    [ "$longest" -le 10 ] || fail "plutod took $longest s for --status"
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2'
    for tool in kernel-sa ike-negotiate 'secrets [12]'; do
        assert_equal "$tool: $(grep -c "^$tool does not read what it is told" "$dir/err")" "$tool: 1"
    done
    kill -0 "$other" || fail 'a worker that reads was ended, too'
    ask --listen
    assert_output --partial 'listening for IKE messages'
}

@test "[F16] --shutdown ends in time, though its tools stand still" {
    start --secrets-workers 1 --updown-timeout 1
    ask --listen
    local tool pid
    for tool in kernel-sa ike-negotiate secrets; do
        stop "$tool"
    done
    ask --shutdown
    within 30 gone "$daemon" || fail 'it is still there'
    within 2 gone "$pid" || fail 'secrets is still there'
}
