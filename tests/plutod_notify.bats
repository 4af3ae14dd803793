#!/usr/bin/env bats
# What plutod tells a service manager [P10]: the test is the manager. With systemd itself: scenarios/systemd.bats.
# shellcheck disable=SC2034,SC2154 # lib/plutod.bash's words

load lib/plutod.bash

# manager NAME: a socket of that name (@: an abstract one); each datagram is a line of $dir/told, its lines joined by
# "; ". It ends with this test's shell. Abstract names are of a network namespace, so plutod will be in the manager's.
manager() {
    : >"$dir/told"
    # shellcheck disable=SC2016 # perl's variables
    unshare -n perl -MSocket -e '
        my ($name, $parent) = @ARGV; $name =~ s/^@/\0/;
        socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($name)) or die "bind: $!"; $| = 1;
        print "bound\n";
        while (kill 0, $parent) {
            my $in = ""; vec($in, fileno $s, 1) = 1;
            next if !select($in, undef, undef, 0.2);
            recv $s, my $text, 4096, 0; $text =~ s/\n/; /g; print "$text\n" }' "$1" $$ >"$dir/told" 3>&- &
    netns=(nsenter -t $! -n)
    within 5 grep -qx bound "$dir/told"
}

# told_are TEXT...: these datagrams and no other
told_are() {
    [ "$(<"$dir/told")" = "$(printf '%s\n' bound "$@")" ]
}

# is_told NAME: from the beginning to the end.
is_told() {
    manager "$1"
    export NOTIFY_SOCKET=$1
    start
    unset NOTIFY_SOCKET
    [ -S "$base.ctl" ] && [ -e "$base.pid" ]
    within 5 told_are 'READY=1; STATUS=waits for whack --listen'
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    ask --unlisten
    ask --shutdown
    assert_success
    within 5 told_are 'READY=1; STATUS=waits for whack --listen' 'STATUS=listening on 2 addresses' \
        'STATUS=not listening (whack --unlisten)' 'STOPPING=1; STATUS=tells peers, removes SAs, policies and routes' ||
        fail "$(<"$dir/told")"
    refute grep -q NOTIFY_SOCKET "$dir/err"
}

@test "[P10] NOTIFY_SOCKET is a path: READY=1, STATUS, STOPPING=1" {
    is_told "$dir/notify"
}

@test "[P10] NOTIFY_SOCKET is abstract: READY=1, STATUS, STOPPING=1" {
    is_told "@plutod-test-$$-$BATS_TEST_NUMBER"
}

@test "[P10] READY=1 comes when whack can be run, not before" {
    manager "$dir/notify"
    # What cannot have its lock is not ready.
    NOTIFY_SOCKET=$dir/notify run "$plutod" --nofork --ctlbase "$dir/no/such/folder/pluto"
    assert_failure 1
    assert_equal "$(<"$dir/told")" bound
    # shellcheck disable=SC2016 # the inner shell's
    NOTIFY_SOCKET=$dir/notify run unshare -n bash -c '"$@" 3>&- & daemon=$!
        for ((i = 0; i < 1000; i++)); do grep -q READY=1 "$0" && break; sleep 0.05; done
        '"'$whack' --ctlbase '$base'"' --status >/dev/null; echo "whack $?"; kill "$daemon"; wait "$daemon"' \
        "$dir/told" "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets"
    assert_line 'whack 0'
}

@test "[P10] NOTIFY_SOCKET is for plutod alone: no tool has it" {
    manager "$dir/notify"
    export NOTIFY_SOCKET=$dir/notify
    start --secrets-workers 1
    unset NOTIFY_SOCKET
    ask --listen
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:1'
    local pid
    while read -r pid; do
        assert_equal "$(tr '\0' '\n' <"/proc/$pid/environ" | cut -d= -f1)" PATH
    done < <(ps --no-headers -o pid:1 --ppid "$daemon")
}

@test "[P10] a NOTIFY_SOCKET that is no name is said, one that nobody has is logged; plutod runs" {
    local name long
    long=/$(printf 'x%.0s' {1..120})
    for name in notify @ / "$long"; do
        NOTIFY_SOCKET=$name start
        grep -qE '^plutod: NOTIFY_SOCKET: (neither|too long).*; nobody is told' "$dir/err" || fail "$name: $(<"$dir/err")"
        ask --shutdown
        assert_success
        wait "$daemon"
        daemon=
    done
    NOTIFY_SOCKET=$dir/nobody start
    within 5 grep -q '^NOTIFY_SOCKET: the service manager was not told READY=1: No such file' "$dir/err"
    ask --status
    assert_success
}

@test "[P10] a manager that does not read holds plutod up for some seconds at its start, and never later" {
    # shellcheck disable=SC2016 # perl's variables
    perl -MSocket -e '
        socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0])) or die "bind: $!";
        socket(my $c, AF_UNIX, SOCK_DGRAM, 0); connect($c, pack_sockaddr_un($ARGV[0])) or die "connect: $!";
        use Fcntl; fcntl $c, F_SETFL, O_NONBLOCK; 1 while send $c, "x", 0;
        $| = 1; print "full\n"; while (kill 0, $ARGV[1]) { sleep 1 }' "$dir/notify" $$ >"$dir/told" 3>&- &
    within 5 grep -qx full "$dir/told"
    NOTIFY_SOCKET=$dir/notify start
    within 10 grep -q '^NOTIFY_SOCKET: the service manager was not told READY=1: Resource temporarily' "$dir/err"
    # Held up as at the start, each would take 5 s; on a busy machine one or the other may.
    local begin shortest=60
    for _ in {1..5}; do
        begin=$SECONDS
        ask --listen
        assert_success
        [ $((SECONDS - begin)) -ge "$shortest" ] || shortest=$((SECONDS - begin))
    done
    [ "$shortest" -lt 5 ]
    begin=$SECONDS
    ask --shutdown
    assert_success
    [ $((SECONDS - begin)) -lt 10 ]
}
