#!/usr/bin/env bats
# plutod's command line, lock, and processes. Not: plutod_control.bats. What needs ESP is in scenarios/.
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

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
        '--secrets-workers 0' '--updown-timeout x' '--perpeerlog --perpeerlog' --require-dnssec '--adns a --lwdnsq a' '--adns' '--per' 'word' '--nofork=yes' \
        '--myid not/an/id' '--optionsfrom /nonexistent' --de '--debug-c' '--debug-p --nofork'; do
        # shellcheck disable=SC2086 # words are wanted
        run --separate-stderr "$plutod" --ctlbase "$base" $words
        assert_failure 1
        assert_equal "$output" ''
        # shellcheck disable=SC2154 # run sets it
        [[ $stderr == *Usage:* ]] || fail "$words: no usage: $stderr"
        [ ! -e "$base.pid" ]
    done
    run "$plutod" --req
    assert_output --partial 'plutod: --require-dnssec: not supported yet'
    for words in ctlbase secretsfile perpeerlogbase interface ikeport myid optionsfrom updown-timeout; do
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

# debug_is TEXT OPTION...: what --status says of a plutod that was started so
debug_is() {
    start "${@:2}"
    ask --status
    assert_line "000 debug $1"
    kill -TERM "$daemon"
    within 5 gone "$daemon" || wait "$daemon" || :
    daemon=
}

@test "[P1] [P9] debug classes on plutod's command line: left to right, none clears, all is all but private" {
    debug_is none
    debug_is parsing,emitting --debug-emitting --debug-parsing
    debug_is raw,crypt,parsing,emitting,control,lifecycle,kernel,dns,oppo --debug-all
    debug_is raw,crypt,parsing,emitting,control,lifecycle,kernel,dns,oppo,private --debug-private --debug-all
    debug_is dns,oppo --debug-all --debug-private --debug-none --debug-oppo --debug-dns --debug-oppo
    debug_is none --debug-lifecycle --debug-none
    start --debug-raw
    ask --debug-kernel # whack's replaces
    ask --status
    assert_line '000 debug kernel'
}

@test "[P1] --secrets-workers: one a core if not given" {
    start
    ask --listen
    within 5 children_are "ike-negotiate:1 kernel-sa:1 secrets:$(nproc)"
}

@test "[P1] --secretsfile GLOB names several files; --insecure-secretsfile reads what others can read" {
    echo '10.9.0.1 10.9.0.2 : PSK "one"' >"$dir/a.secrets"
    echo '10.9.0.1 10.9.0.3 : PSK "two"' >"$dir/b.secrets"
    chmod 600 "$dir/a.secrets"
    chmod 644 "$dir/b.secrets"
    local words
    for words in '' --insecure-secretsfile; do
        : >"$dir/out"
        # shellcheck disable=SC2086 # a word or none
        unshare -n "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/*.secrets" $words >"$dir/out" \
            2>"$dir/err" 3>&- &
        daemon=$!
        within 5 grep -qx 'Pluto initialized' "$dir/out"
        ask --listen
        if [ -z "$words" ]; then
            assert_output --regexp 'secrets read: 1 entry, [1-9]'
            within 5 grep -q "chmod .*$dir/b.secrets" "$dir/err"
        else
            assert_output --partial 'secrets read: 2 entries, 0 errors'
        fi
        ask --shutdown
        wait "$daemon"
        daemon=
    done
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

@test "[P3] a daemon with --stderrlog: its stderr is kept, and the log goes there" {
    unshare -n "$plutod" --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets" 2>"$dir/err" 3>&-
    daemon=$(<"$base.pid")
    assert_equal "$(readlink "/proc/$daemon/fd/2")" "$dir/err"
    assert_equal "$(readlink "/proc/$daemon/fd/0" "/proc/$daemon/fd/1" | sort -u)" /dev/null
    ask --listen
    grep -q 'listening for IKE messages' "$dir/err"
    ask --shutdown
    within 5 gone "$daemon"
}

@test "[P4] --nofork: no fork; exactly one line on stdout, once lock and socket are there" {
    mkfifo "$dir/line"
    # What reads the line looks at once; it goes on reading to the end.
    # shellcheck disable=SC2016 # the inner shell's
    bash -c 'IFS= read -r line; echo "$line"; [ -S "$0.ctl" ] && cat "$0.pid"; cat' "$base" <"$dir/line" >"$dir/seen" 3>&- &
    local reader=$!
    unshare -n "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets" >"$dir/line" \
        2>"$dir/err" 3>&- &
    daemon=$!
    within 5 test -s "$dir/seen"
    ask --listen
    ask --shutdown
    assert_success
    wait "$daemon" "$reader"
    assert_equal "$(<"$dir/seen")" "$(printf '%s\n' 'Pluto initialized' "$daemon")"
    daemon=
}

@test "[P4] [P8] SIGTERM to one that has just said its line: exit 0, nothing is left" {
    # shellcheck disable=SC2016 # perl's variables
    for _ in {1..10}; do
        run timeout 60 perl -e '
            my $pid = open my $out, "-|", @ARGV or die "start: $!";
            print scalar <$out>; kill TERM => $pid; print <$out>; close $out; print "status $?\n"' \
            unshare -n "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets"
        assert_line 'Pluto initialized'
        assert_line 'status 0'
        [ ! -e "$base.pid" ] && [ ! -e "$base.ctl" ]
    done
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

@test "[P7] many --listen at once: none waits for ever, and as many secrets as told are left" {
    start --secrets-workers 4
    local i pids=()
    for i in {1..24}; do
        timeout 30 "$whack" --ctlbase "$base" --listen >"$dir/listen.$i" 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        wait "$i"
    done
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:4' || fail "$(children)"
    run cat "$dir"/listen.*
    assert_line --partial 'secrets read: 0 entries, 0 errors'
    run grep 'gets no work' "$dir/err"
    assert_failure
}

# Of secrets that read: they hear neither channel nor end of it.
@test "[F18] [P7] secrets that do not finish reading are ended, by another --listen and by --shutdown, and nobody waits for them" {
    mkdir "$dir/tools"
    local tool pid stuck
    for tool in ike-negotiate kernel-sa secrets; do
        cp "${IPSEC_DIR:-$repo/$tool}/$tool" "$dir/tools"
    done
    IPSEC_DIR=$dir/tools start --secrets-workers 2
    ask --listen
    assert_line --partial 'secrets read: 0 entries'
    mv "$dir/tools/secrets" "$dir/good"
    printf '#!/bin/sh\nexec sleep 300\n' >"$dir/tools/secrets"
    chmod 755 "$dir/tools/secrets"
    timeout 60 "$whack" --ctlbase "$base" --listen >"$dir/first" 3>&- &
    pid=$!
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2 sleep:2' || fail "$(children)"
    stuck=$(pgrep -P "$daemon" -x sleep)
    mv "$dir/good" "$dir/tools/secrets"
    ask --listen
    assert_line --partial 'secrets read: 0 entries'
    wait "$pid"
    grep -q 'what this one began is given up' "$dir/first"
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2' || fail "$(children)"
    run ps --no-headers -o stat,comm -p "$(tr '\n' ',' <<<"$stuck" | sed 's/,$//')"
    assert_output ''
    # and at the end
    mv "$dir/tools/secrets" "$dir/good"
    printf '#!/bin/sh\nexec sleep 300\n' >"$dir/tools/secrets"
    chmod 755 "$dir/tools/secrets"
    timeout 60 "$whack" --ctlbase "$base" --listen >"$dir/second" 3>&- &
    pid=$!
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2 sleep:2' || fail "$(children)"
    stuck=$(pgrep -P "$daemon" -x sleep)
    ask --shutdown
    assert_success
    within 5 gone "$daemon"
    wait "$pid" || :
    run ps --no-headers -o stat,comm -p "$(tr '\n' ',' <<<"$stuck" | sed 's/,$//')"
    assert_output ''
    run grep -E 'takes too long|was ended by signal' "$dir/err"
    assert_failure
    daemon=
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

# uses_secret LINE: of the secrets file, for the connection psk.
uses_secret() {
    ask --explain --name psk
    [[ $output == *"its secret is that of $dir/secrets:$1"* ]]
}

@test "[P7] --listen while secrets cannot be started: what was read before stays in use, and goes once others can be read" {
    mkdir "$dir/tools"
    local tool
    for tool in ike-negotiate kernel-sa secrets; do
        cp "${IPSEC_DIR:-$repo/$tool}/$tool" "$dir/tools"
    done
    echo '127.0.0.1 10.64.0.1 : PSK "a secret of both"' >"$dir/secrets"
    IPSEC_DIR=$dir/tools start --secrets-workers 2
    nsenter -t "$daemon" -n ip link set lo up
    ask --name psk --psk --encrypt --host 127.0.0.1 --to --host 10.64.0.1
    ask --listen
    mv "$dir/tools/secrets" "$dir/tools/good"
    printf '#!/bin/sh\nexit 77\n' >"$dir/tools/secrets"
    chmod 755 "$dir/tools/secrets"
    echo '127.0.0.1 10.64.0.1 : PSK "another one, and another line"' | cat - "$dir/secrets" >"$dir/more"
    cat "$dir/more" >"$dir/secrets"
    sed -i '1s/^/# a comment\n/' "$dir/secrets"
    ask --listen
    assert_success
    assert_line '003 the secrets that were read before stay in use until others can be read'
    ask --explain --name psk
    assert_output --partial "its secret is that of $dir/secrets:1"
    mv "$dir/tools/good" "$dir/tools/secrets"
    # All of them have to have read it, each begun again in its own time.
    within 20 uses_secret 2 || fail "$output"
    assert_equal "$(grep -c '^secrets read: 2 entries' "$dir/err")" 1
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2' || fail "$(children)"
    assert_equal "$(grep -c 'stay in use' "$dir/err")" 1
}

@test "what dies is started again, at once, and not in a mad hurry" {
    start --secrets-workers 1
    ask --listen
    local tool pid
    for tool in ike-negotiate kernel-sa secrets; do
        pid=$(pid_of "$tool")
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
        assert_equal "$(sed -n 's/^SigBlk:\t//p' "/proc/$pid/status")" 0000000000000000
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
    assert_success
    assert_line '003 there is no address to listen on yet on --interface nosuch0: it is taken when it comes'
    refute_line '002 listening for IKE messages'
    ask --status
    refute_line --partial '000 interface'
    assert_line --partial '000 not listening for IKE messages: there is no address'
    ask --name here --psk --host 127.0.0.1 --to --host 127.0.0.2
    ask --initiate --name here
    assert_failure 24
    nsenter -t "$daemon" -n ip link add nosuch0 type veth peer name other0
    nsenter -t "$daemon" -n ip addr add 10.9.0.1/24 dev nosuch0
    nsenter -t "$daemon" -n ip link set other0 up
    nsenter -t "$daemon" -n ip link set nosuch0 up
    within 5 listens_on nosuch0
    ask --explain --name here
    assert_line --partial 'neither of its hosts is an address of this machine that we listen on, which is on --interface nosuch0: 127.0.0.1 is not'
}

listens_on() {
    ask --status
    [[ $output == *"interface $1 "* && $output == *'000 listening for IKE messages'* ]]
}

@test "[P7] [W11] --listen where each address is taken by somebody else: 24, and nothing claims to listen" {
    start --interface lo
    nsenter -t "$daemon" -n sysctl -qw net.ipv6.conf.all.disable_ipv6=1
    nsenter -t "$daemon" -n ip link set lo up
    # shellcheck disable=SC2016 # perl's variables
    nsenter -t "$daemon" -n perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1:500") or die "socket: $!";
        $| = 1; print "ready\n"; sleep 300' >"$dir/taker" 3>&- &
    local taker=$!
    within 5 grep -q ready "$dir/taker"
    ask --listen
    assert_failure 24
    assert_line --partial '003 cannot listen on lo 127.0.0.1 port 500: bind: Address already in use'
    assert_line '024 not listening for IKE messages: no address could be listened on'
    ask --status
    refute_line '000 listening for IKE messages'
    kill "$taker"
    wait "$taker" || :
    ask --listen
    assert_success
    assert_line '002 listening for IKE messages'
}

# udp_500: how many UDP sockets of plutod's network namespace have that port
udp_500() {
    nsenter -t "$daemon" -n cat /proc/net/udp /proc/net/udp6 | grep -c ':01F4 '
}

@test "[P7] before --listen and after --unlisten no socket is open; --initiate is refused with 24, and status says so" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    echo '127.0.0.1 127.0.0.2 : PSK "a secret"' >"$dir/secrets"
    ask --name far --psk --encrypt --host 127.0.0.1 --to --host 127.0.0.2
    assert_equal "$(udp_500)" 0
    local when
    for when in before after; do
        ask --initiate --name far
        assert_equal "$when: $status" "$when: 24"
        assert_output '024 "far": not listening for IKE messages: whack --listen comes first'
        ask --status
        assert_line '000 not listening for IKE messages'
        [ "$when" = before ] || break
        ask --listen
        assert_success
        [ "$(udp_500)" -ge 1 ]
        ask --status
        assert_line '000 listening for IKE messages'
        ask --unlisten
        assert_output '002 no longer listening for IKE messages'
        within 5 no_udp_500
    done
    ask --listen
    ask --initiate --name far --asynchronous
    assert_success
}

no_udp_500() {
    [ "$(udp_500)" -eq 0 ]
}
