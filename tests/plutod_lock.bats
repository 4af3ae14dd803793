#!/usr/bin/env bats
# plutod becoming a daemon: its lock, its control socket, and those of others [P3].
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

# elsewhere COMMANDS WORD...: a plutod that is to become a daemon in a mount namespace where the commands were run
elsewhere() {
    # shellcheck disable=SC2016 # the inner shell's
    run --separate-stderr timeout 20 unshare -mn bash -c "$1"' && exec "$0" "$@"' "$plutod" --ctlbase "$base" \
        --secretsfile "$dir/secrets" "${@:2}"
}

@test "[P3] it cannot become a daemon, or write its pid: a message, exit 1, nothing is left" {
    elsewhere 'mount -t tmpfs none /dev'
    assert_failure 1
    assert_equal "$(wc -l <<<"$stderr")" 2
    [[ $stderr == *'plutod: cannot become a daemon '*'plutod: the daemon could not start'* ]] || fail "$stderr"
    [ ! -e "$base.pid" ] && [ ! -e "$base.ctl" ]

    mkdir "$dir/full"
    base=$dir/full/pluto
    elsewhere "mount -t tmpfs -o size=4k none '$dir/full' && head -c 4096 /dev/zero >'$dir/full/it'"
    assert_failure 1
    [[ $stderr == *"plutod: cannot write its pid to the lock file $base.pid: No space left"* ]] || fail "$stderr"
}

@test "[P3] paths that are relative hold for the daemon, too" {
    cd "$dir" || return 1
    unshare -n "$plutod" --ctlbase here --secretsfile secrets 3>&-
    daemon=$(cat here.pid)
    run timeout 20 "$whack" --ctlbase here --listen
    assert_output --partial 'secrets read: 0 entries, 0 errors'
    kill -TERM "$daemon"
    within 5 gone "$daemon"
    daemon=
    refute [ -e here.pid ]
    refute [ -e here.ctl ]
}

@test "[P3] a second one: exit 10; the first goes on" {
    start
    run "$plutod" --nofork --ctlbase "$base"
    assert_failure 10
    assert_output --partial "$base.pid"
    ask --status
    assert_success
}

@test "[P3] a lock of a process that is gone, or is no plutod, is taken over" {
    bash -c 'exit 0' &
    local pid=$!
    wait "$pid"
    echo "$pid" >"$base.pid"
    start
    grep -q 'taking it over' "$dir/err"
    assert_equal "$(<"$base.pid")" "$daemon"
    kill -TERM "$daemon"
    within 5 gone "$daemon"
    echo $$ >"$base.pid"
    start
    grep -q 'taking it over' "$dir/err"
}

@test "[P3] a lock with the process id of the one that starts is taken over: each start in a container gets the same" {
    # shellcheck disable=SC2016 # the inner shell's
    unshare -n bash -c 'echo $$ >"$0.pid"; exec "$@"' "$base" "$plutod" --nofork --stderrlog --ctlbase "$base" \
        --secretsfile "$dir/secrets" >"$dir/out" 2>"$dir/err" 3>&- &
    daemon=$!
    within 5 grep -qx 'Pluto initialized' "$dir/out"
    assert_equal "$(<"$base.pid")" "$daemon"
    grep -q "$base.pid is of process $daemon, which is this very one.*taking it over" "$dir/err"
    ask --status
    assert_success
}

@test "[P3] a lock of a plutod that /proc does not show (hidepid) is not taken over: exit 10" {
    start
    # shellcheck disable=SC2016 # the inner shells'
    run timeout 30 unshare -m sh -c 'mount -t proc -o hidepid=ptraceable proc /proc &&
        exec setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace "$@"' sh \
        sh -c 'kill -0 "$0" && [ ! -e "/proc/$0" ] && exec "$@"' "$daemon" "$plutod" --nofork --ctlbase "$base"
    assert_failure 10
    assert_output --partial 'another plutod runs'
    ask --status
    assert_success
}

@test "[P3] a lock of a plutod that was killed and nobody has waited for yet is taken over" {
    # shellcheck disable=SC2016 # perl's variables
    perl -e 'my $pid = fork // die; exec @ARGV if !$pid; sleep 300' \
        unshare -n "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets" \
        >"$dir/out" 2>/dev/null 3>&- &
    local parent=$! dead
    within 5 grep -qx 'Pluto initialized' "$dir/out"
    dead=$(<"$base.pid")
    kill -KILL "$dead"
    within 5 grep -q '^State:.Z' "/proc/$dead/status"
    start
    grep -q 'taking it over' "$dir/err"
    kill "$parent"
}

@test "[P3] a lock without a pid may be of one that is just starting: exit 10" {
    : >"$base.pid"
    run "$plutod" --nofork --ctlbase "$base"
    assert_failure 10
    [ -e "$base.pid" ]
}

@test "[P3] a plutod that ends takes only its own lock and socket away" {
    start
    local first=$daemon
    rm "$base.pid" "$base.ctl"
    start --ikeport 501
    kill -TERM "$first"
    wait "$first"
    assert_equal "$(<"$base.pid")" "$daemon"
    ask --status
    assert_success
}

@test "[P3] a lock that cannot be made: exit 1" {
    run "$plutod" --nofork --ctlbase "$dir/no/such/folder/pluto"
    assert_failure 1
    assert_output --partial 'no/such/folder/pluto.pid'
}

@test "[P3] what is at the place of the control socket and no socket is left alone: exit 1" {
    echo precious >"$base.ctl"
    run unshare -n "$plutod" --nofork --ctlbase "$base" --secretsfile "$dir/secrets"
    assert_failure 1
    assert_output --partial "$base.ctl"
    assert_equal "$(<"$base.ctl")" precious
    [ ! -e "$base.pid" ]
    rm "$base.ctl"
    start
    kill -KILL "$daemon"
    within 5 gone "$daemon" || wait "$daemon" || :
    [ -S "$base.ctl" ]
    start
}
