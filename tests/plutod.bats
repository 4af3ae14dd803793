#!/usr/bin/env bats
# plutod's command line, lock and control socket. What needs ESP is in scenarios/.
# shellcheck disable=SC2030,SC2031 # each test has a daemon of its own

bats_require_minimum_version 1.5.0
load /usr/lib/bats/bats-support/load.bash
load /usr/lib/bats/bats-assert/load.bash


setup() {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    plutod=${IPSEC_DIR:-$repo/plutod}/plutod
    whack=${IPSEC_DIR:-$repo/whack}/whack
    dir=$BATS_TEST_TMPDIR
    base=$dir/pluto
    : >"$dir/secrets"
    chmod 600 "$dir/secrets"
    daemon=
}

teardown() {
    [ -n "$daemon" ] || return 0
    kill -TERM "$daemon" 2>/dev/null || :
    wait "$daemon" 2>/dev/null || : # not for all children: a test's time limit is one, too
}

# start [OPTION...]: a plutod in a network namespace of its own; its pid is in $daemon.
start() {
    : >"$dir/out" # what one before it said is not this one's word
    : >"$dir/err"
    unshare -n "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets" "$@" \
        >"$dir/out" 2>"$dir/err" 3>&- &
    daemon=$!
    within 5 grep -qx 'Pluto initialized' "$dir/out" || { cat "$dir/err" >&2; return 1; }
}

# within SECONDS COMMAND...: until it succeeds
within() {
    local i
    for ((i = 0; i < $1 * 20; i++)); do
        "${@:2}" && return 0
        sleep 0.05
    done
    return 1
}

gone() {
    ! kill -0 "$1" 2>/dev/null
}

ask() {
    run timeout 20 "$whack" --ctlbase "$base" "$@"
}

# raw TEXT...: lines into the control socket, as they are; what came back is in $output
raw() {
    # shellcheck disable=SC2016 # perl's variables
    run timeout 20 perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Peer => shift) or die "connect: $!";
        $SIG{PIPE} = "IGNORE"; print $s $_ for @ARGV; $s->flush; $s->shutdown(1); print while <$s>;' "$base.ctl" "$@"
}

children() {
    ps --no-headers -o comm --ppid "$daemon" | sort | uniq -c | awk '{ printf "%s%s:%s", s, $2, $1; s = " " }'
}

children_are() {
    [ "$(children)" = "$1" ]
}

@test "[P1] --help and --version: stdout, exit 0" {
    run --separate-stderr "$plutod" --help
    assert_success
    assert_output --partial 'Usage: plutod'
    run --separate-stderr "$plutod" --version
    assert_success
    assert_output --regexp '^plutod [0-9]'
}

@test "[P1] --help and --version that cannot be written: a message, exit 1" {
    local word
    for word in --help --version; do
        run bash -c "'$plutod' $word >/dev/full"
        assert_equal "$word: $status" "$word: 1"
        assert_output --partial 'plutod: cannot write to stdout: No space left on device'
        run bash -c "'$plutod' $word >&-"
        assert_equal "$word: $status" "$word: 1"
        assert_output --partial 'plutod: stdout is closed: '
    done
}

@test "[P1] wrong options: usage on stderr, exit 1, no lock" {
    local words
    for words in '--nonsense' '--nofork --nofork' '--ikeport 0' '--ikeport 65536' '--ikeport 5x' '--ikeport' \
        '--interface ipsec0' '--interface a/very/long/name/of/one' '--interface eth0 --interface eth0' \
        '--secrets-workers 0' '--updown-timeout x' --perpeerlog --require-dnssec '--adns a' '--per' 'word' '--nofork=yes' \
        '--myid not/an/id' '--optionsfrom /nonexistent' --de '--debug-c' '--debug-p --nofork'; do
        # shellcheck disable=SC2086 # words are wanted
        run --separate-stderr "$plutod" --ctlbase "$base" $words
        assert_failure 1
        assert_equal "$output" ''
        # shellcheck disable=SC2154 # run sets it
        [[ $stderr == *Usage:* ]] || fail "$words: no usage: $stderr"
        [ ! -e "$base.pid" ]
    done
    run "$plutod" --adn /x/y
    assert_output --partial 'plutod: --adns /x/y: is not supported yet'
    for words in ctlbase secretsfile interface ikeport myid optionsfrom updown-timeout; do
        run "$plutod" "--$words" ''
        assert_failure 1
        assert_line --index 0 "plutod: --$words '': an empty value"
    done
    run "$plutod" --nofork --ikeport
    assert_line --index 0 'plutod: --ikeport: a value is missing'
    run "$plutod" --nofork --nosuch
    assert_line --index 0 'plutod: --nosuch: unknown option (see plutod --help)'
    run "$plutod" --nofork --debug-p
    assert_line --index 0 'plutod: --debug-p: ambiguous, may be --debug-parsing --debug-private'
    run "$plutod" --nofork=yes
    assert_line --index 0 'plutod: --nofork=yes: this option takes no value'
}

@test "[P2] --optionsfrom, and abbreviations" {
    printf '%s\n' '# a comment' "--nofork --stderr --ctl '$base'" >"$dir/inner"
    echo "--optionsfrom $dir/inner --secretsfile $dir/secrets --ikep 4501" >"$dir/options"
    unshare -n "$plutod" --optionsf "$dir/options" >"$dir/out" 2>"$dir/err" 3>&- &
    daemon=$!
    within 5 grep -qx 'Pluto initialized' "$dir/out"
    ask --status
    assert_success
}

@test "[P1] not the superuser: a message, exit 1" {
    install -m 755 "$plutod" /tmp/plutod.$$
    run setpriv --reuid 60999 --clear-groups "/tmp/plutod.$$" --nofork --ctlbase "$base"
    rm -f "/tmp/plutod.$$"
    assert_failure 1
    assert_output --partial superuser
}

@test "[P3] it becomes a daemon: socket and pid are there when it returns" {
    run unshare -n "$plutod" --ctlbase "$base" --secretsfile "$dir/secrets"
    assert_success
    assert_output ''
    daemon=$(<"$base.pid")
    assert_equal "$(cat "/proc/$daemon/comm")" plutod
    assert_equal "$(stat -c '%a %u' "$base.ctl")" '600 0'
    assert_equal "$(stat -c '%a %u' "$base.pid")" '644 0'
    assert_equal "$(readlink "/proc/$daemon/fd/0" "/proc/$daemon/fd/1" "/proc/$daemon/fd/2" | sort -u)" /dev/null
    assert_equal "$(ps -o sid= -p "$daemon" | tr -d ' ')" "$daemon"
    ask --shutdown
    assert_success
    within 5 gone "$daemon"
    [ ! -e "$base.pid" ] && [ ! -e "$base.ctl" ]
}

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

@test "[P3] a lock of a plutod that was killed and nobody has waited for yet is taken over" {
    # shellcheck disable=SC2016 # perl's variables
    perl -e 'my $pid = fork // die; exec @ARGV if !$pid; sleep 60' \
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

@test "[P8] SIGTERM: exit 0, nothing is left; SIGHUP only suggests" {
    start
    within 5 children_are 'ike-negotiate:1 kernel-sa:1'
    local tools status=0
    tools=$(ps --no-headers -o pid:1 --ppid "$daemon")
    kill -HUP "$daemon"
    within 5 grep -q 'whack --listen' "$dir/err"
    kill -TERM "$daemon"
    wait "$daemon" || status=$?
    assert_equal "$status" 0
    [ ! -e "$base.pid" ] && [ ! -e "$base.ctl" ]
    local pid
    for pid in $tools; do
        within 5 gone "$pid"
    done
    daemon=
}

@test "[P7] --listen starts as many secrets as told; again: new ones for the old" {
    start --secrets-workers 3
    ask --listen
    assert_success
    assert_output --partial 'listening for IKE messages'
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:3'
    local old
    old=$(pgrep -P "$daemon" -x secrets | sort)
    ask --listen
    assert_success
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:3'
    [ "$old" != "$(pgrep -P "$daemon" -x secrets | sort)" ]
}

@test "a tool that does not read what it is told is begun again" {
    start
    within 5 children_are 'ike-negotiate:1 kernel-sa:1'
    local tool pid
    for tool in kernel-sa ike-negotiate; do
        pid=$(pgrep -P "$daemon" -x "$tool")
        kill -STOP "$pid"
        # shellcheck disable=SC2016 # perl's variables
        timeout 20 perl -MIO::Socket::UNIX -e '
            for (1 .. 60) { # each tool is told each time: more than a socket holds
                my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!";
                print $s "hello version=1 epoch=1 tool=whack\n",
                    "whack-debug classes=raw,crypt,parsing,emitting,control,lifecycle,kernel,dns,oppo\n" x 150;
                $s->flush; $s->shutdown(1); 1 while <$s> }' "$base.ctl"
        within 60 gone "$pid"
        grep -q "^$tool does not read what it is told ([0-9]* bytes wait): it is ended" "$dir/err"
        within 5 children_are 'ike-negotiate:1 kernel-sa:1'
    done
    refute grep -q 'no memory' "$dir/err"
}

@test "[P7] --listen says it when secrets cannot be started, or ends before it has read its file" {
    mkdir "$dir/tools"
    local tool
    for tool in ike-negotiate kernel-sa secrets; do
        cp "${IPSEC_DIR:-$repo/$tool}/$tool" "$dir/tools"
    done
    IPSEC_DIR=$dir/tools start --secrets-workers 2
    rm "$dir/tools/secrets"
    ask --listen
    assert_line --regexp "^003 secrets 1 cannot be started: $dir/tools/secrets: .*; it is tried again"
    assert_equal "$(grep -c '^003 secrets' <<<"$output")" 1
    printf '#!/bin/sh\nexit 77\n' >"$dir/tools/secrets"
    chmod 755 "$dir/tools/secrets"
    ask --listen
    assert_line --regexp '^003 secrets [0-9]+ \(pid [0-9]+\) exited with status 77: no secrets were read'
    refute_line --partial 'secrets read'
}

@test "what dies is started again, at once, and not in a mad hurry" {
    start --secrets-workers 1
    ask --listen
    local tool pid
    for tool in ike-negotiate kernel-sa secrets; do
        pid=$(pgrep -P "$daemon" -x "$tool")
        kill -KILL "$pid"
        within 2 gone "$pid"
        within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:1'
        grep -q "^$tool.*was ended by signal 9" "$dir/err"
    done
    ask --status
    assert_success
}

@test "each tool has its channel and nothing else of ours" {
    start --secrets-workers 1
    ask --listen
    local tool pid
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:1'
    for tool in ike-negotiate kernel-sa secrets; do
        pid=$(pgrep -P "$daemon" -x "$tool")
        assert_equal "$(find "/proc/$pid/fd" -lname '*secrets' -o -lname '*pluto*' | wc -l)" 0
        assert_equal "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" | sort -u)" /dev/null
        assert_equal "$(tr '\0' '\n' <"/proc/$pid/environ" | cut -d= -f1)" PATH
    done
}

@test "[P5] a reader of the log that stands still keeps plutod not; afterwards the log says how much is missing" {
    mkfifo "$dir/log"
    sleep 1000 <>"$dir/log" 3>&- & # holds it open and never reads
    local reader=$!
    unshare -n "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets" >"$dir/out" \
        2>"$dir/log" 3>&- &
    daemon=$!
    within 5 grep -qx 'Pluto initialized' "$dir/out"
    # shellcheck disable=SC2016 # perl's variables
    timeout 60 perl -MIO::Socket::UNIX -e '
        my $name = "x" x 60;
        for (1 .. 150) {
            my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!";
            $SIG{PIPE} = "IGNORE";
            print $s "hello version=1 epoch=1 tool=whack\n";
            for my $i (1 .. 50) {
                print $s "whack-connection name=$name left-host=1.2.3.4 right-host=1.2.3.5 policy=psk replace=yes\n" }
            $s->flush; $s->shutdown(1); 1 while <$s> }' "$base.ctl"
    ask --status
    assert_success
    cat "$dir/log" >"$dir/err" 3>&- &
    local cat=$!
    within 5 grep -q 'lines of the log are lost here' "$dir/err"
    ask --shutdown
    assert_success
    wait "$daemon"
    daemon=
    kill "$reader" "$cat" 2>/dev/null || :
    wait "$reader" "$cat" || :
}

@test "[F22] rubbish on the control socket changes nothing" {
    start
    raw $'rubbish\n'
    assert_output --partial '030 bad message to plutod: record 1: unknown verb; records(5) says what is right'
    raw $'whack-status\n'
    assert_output --partial 'hello'
    raw $'hello version=9 epoch=1 tool=whack\nwhack-status\n'
    assert_output --partial '001 '
    refute_output --partial '000 '
    raw $'hello version=1 epoch=1 tool=whack\nwhack-initiate name=a b=c\n'
    assert_output --partial '030 bad message to plutod: record 2, whack-initiate: unknown field; '
    raw $'hello version=1 epoch=1 tool=whack\nwhack-terminate name=net%00evil\n'
    assert_output --partial '030 bad message to plutod: record 2, whack-terminate, field name: %00, which no text holds; '
    raw $'hello version=1 epoch=1 tool=whack\nwhack-status'
    assert_output --partial '030 '
    raw $'hello version=1 epoch=1 tool=whack\nannounce exchange=1\n'
    assert_output --partial '030 '
    raw "$(head -c 1000000 /dev/zero | tr '\0' x)"
    raw "$(printf 'hello version=1 epoch=1 tool=whack\nwhack-connection name=%070d left-host=1.2.3.4 right-host=1.2.3.5 policy=psk\n' 7)"$'\n'
    assert_output --partial '030 '
    ask --status
    assert_success
}

@test "[F22] many clients that say nothing" {
    start
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        my @c; for (1 .. 90) { push @c, IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or last } sleep 1' \
        "$base.ctl" 3>&- &
    local crowd=$!
    sleep 0.3
    kill -0 "$daemon"
    wait "$crowd" || :
    ask --status
    assert_success
}

@test "[F22] a thousand clients at once, and afterwards none is left" {
    start
    local before
    before=$(find "/proc/$daemon/fd" | wc -l)
    # shellcheck disable=SC2016 # perl's variables
    perl -MSocket -MFcntl -e '
        my @c; for (1 .. 1000) {
            socket(my $s, PF_UNIX, SOCK_STREAM, 0) or last; fcntl($s, F_SETFL, O_NONBLOCK);
            connect($s, pack_sockaddr_un($ARGV[0])) and syswrite($s, "x"); push @c, $s } sleep 1' "$base.ctl" 3>&-
    within 5 fds_are "$before"
    ask --status
    assert_success
}

fds_are() {
    [ "$(find "/proc/$daemon/fd" | wc -l)" -eq "$1" ]
}

@test "[F22] one that asks three thousand times and never reads its answers" {
    start
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!";
        print $s "hello version=1 epoch=1 tool=whack\n", "whack-status\n" x 3000; $s->flush;
        $| = 1; print "asked\n"; sleep 60' \
        "$base.ctl" >"$dir/asked" 3>&- &
    local deaf=$!
    within 10 grep -q asked "$dir/asked"
    ask --status
    assert_success
    assert_output --partial '"net"'
    kill "$deaf"
    wait "$deaf" || :
    ask --status
    assert_success
}

@test "[F22] a request that ends at every byte" {
    start
    # shellcheck disable=SC2016 # perl's variables
    run timeout 60 perl -MIO::Socket::UNIX -e '
        my $text = "hello version=1 epoch=1 tool=whack\nwhack-initiate name=none asynchronous=yes\n";
        for my $n (0 .. length($text)) {
            my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
            print $s substr($text, 0, $n); $s->flush; $s->shutdown(1);
            my $got = join("", <$s>); my $whole = substr($text, 0, $n) =~ /\A\z|\n\z/;
            print "$n: $got\n" if ($got =~ /^030 /m) == $whole }' "$base.ctl"
    assert_success
    assert_output ''
    ask --status
    assert_success
}

# far_away: a connection whose peer is silent. Needs `start`.
far_away() {
    echo '127.0.0.1 127.0.0.2 : PSK "a secret"' >"$dir/secrets"
    nsenter -t "$daemon" -n ip link set lo up
    ask --name far --psk --encrypt --host 127.0.0.1 --to --host 127.0.0.2
    ask --listen
}

# crowd COUNT [LINE]: as many whacks that wait for a peer who is silent (LINE is what they want after that), as
# ${crowd}, a pid. Needs `start`.
crowd() {
    far_away
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        my ($path, $count, $then) = @ARGV; my @c;
        for (1 .. $count) {
            my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "connect: $!";
            print $s "hello version=1 epoch=1 tool=whack\nwhack-initiate name=far\n$then"; $s->flush;
            $s->shutdown(1); push @c, $s }
        $| = 1; print "there\n"; sleep 60' "$base.ctl" "$1" "${2+$2$'\n'}" >"$dir/crowd" 3>&- &
    crowd=$!
    within 5 grep -q there "$dir/crowd"
    sleep 0.3
}

@test "[F22] [W9] whacks that wait leave places for short requests; one too many is told so" {
    start
    crowd 70
    run timeout 5 "$whack" --ctlbase "$base" --status
    assert_success
    assert_output --partial '"far"'
    run timeout 5 "$whack" --ctlbase "$base" --initiate --name far
    assert_failure 32
    assert_line --regexp '^032 .*48 whacks wait'
    run timeout 5 "$whack" --ctlbase "$base" --initiate --asynchronous --name far
    assert_success
    kill "$crowd"
    wait "$crowd" || :
    run timeout 2 "$whack" --ctlbase "$base" --initiate --name far # has a place again, and waits
    assert_failure 124
    refute_output --partial '032 '
    run timeout 5 "$whack" --ctlbase "$base" --shutdown
    assert_success
}

@test "[W9] what a whack that has gone had not begun is not begun later" {
    start
    crowd 2 'whack-debug classes=control'
    kill "$crowd"
    wait "$crowd" || :
    ask --terminate --name far # what it waited for ends
    ask --status
    assert_line '000 debug none'
}

@test "[F15] no secret for a peer that is silent: whack is told at once, with both identities, 028" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --name far --psk --encrypt --id @here --host 127.0.0.1 --to --id @there --host 127.0.0.2
    ask --listen
    run timeout 8 "$whack" --ctlbase "$base" --initiate --name far
    assert_failure 28
    assert_line --regexp '^028 "far" #[0-9]+: no preshared secret for "@here" and "@there" in ipsec.secrets: add a line @here @there : PSK'
    echo '@here @there : PSK "a secret"' >"$dir/secrets"
    ask --listen
    run timeout 2 "$whack" --ctlbase "$base" --initiate --name far # waits for an answer now
    assert_failure 124
    assert_line --regexp '^102 '
}

@test "[W9] plutod is killed while a whack waits: it says so, exit 1; --shutdown is finished when plutod is gone" {
    start
    far_away
    timeout 20 "$whack" --ctlbase "$base" --initiate --name far >"$dir/said" 2>"$dir/why" 3>&- &
    local waits=$! status=0
    within 5 grep -q '^102 ' "$dir/said"
    kill -KILL "$daemon"
    wait "$waits" || status=$?
    assert_equal "$status" 1
    run cat "$dir/why"
    assert_output --partial 'plutod went away before the request was finished'
    wait "$daemon" || :
    start
    run --separate-stderr timeout 20 "$whack" --ctlbase "$base" --shutdown
    assert_success
    assert_equal "$stderr" ''
}

@test "[W9] one whack with several forms: in order, each when the one before is finished" {
    start
    raw $'hello version=1 epoch=1 tool=whack\nwhack-debug classes=control\nwhack-listen\nwhack-status\nwhack-initiate name=x\nwhack-shutdown\n'
    assert_line --index 1 --partial '002 listening' # after 003: no interface is up here
    assert_line --partial '000 listening for IKE messages'
    assert_line --partial '000 debug control'
    assert_line --partial '021 '
    within 5 gone "$daemon"
}

@test "[P7] --interface limits; addresses that come and go are noticed by --listen" {
    start --interface lo
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    ask --status
    assert_line '000 interface lo 127.0.0.1:500'
    nsenter -t "$daemon" -n ip addr add 127.0.0.7/8 dev lo
    ask --listen
    ask --status
    assert_line '000 interface lo 127.0.0.7:500'
    nsenter -t "$daemon" -n ip addr del 127.0.0.7/8 dev lo
    ask --listen
    ask --status
    refute_line '000 interface lo 127.0.0.7:500'
    assert_line '000 interface lo 127.0.0.1:500'
    ask --unlisten
    ask --status
    assert_line --partial '000 not listening'
}

@test "[P7] an --interface that is not there" {
    start --interface nosuch0
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    assert_line --partial '003 no interface to listen on'
    ask --status
    refute_line --partial '000 interface'
}
