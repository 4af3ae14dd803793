#!/usr/bin/env bats
# Where plutod's log goes. Not: what a line says (unit/test_plutod_log.c), and when it fails (unit/test_plutod_lines.c,
# unit/test_plutod_peerlog.c).
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

# A connection whose peer is silent.
silent_peer() {
    nsenter -t "$daemon" -n sh -c 'ip link set lo up; ip addr add 10.9.0.1/24 dev lo
        ip -6 addr add 2001:db8::1/64 dev lo nodad'
    echo ': PSK "of both"' >"$dir/secrets"
    ask --name four --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    ask --name six --psk --encrypt --host 2001:db8::1 --to --host 2001:db8::2
    ask --listen
    refute_output --partial 'cannot' # an address that is not ours yet, as without nodad
    ask --initiate --name four --asynchronous
    assert_success
    ask --initiate --name six --asynchronous
    assert_success
}

@test "[P5] without --stderrlog: datagrams to /dev/log, facility authpriv, escaped" {
    mkdir "$dir/dev"
    touch "$dir/dev/null" "$dir/dev/urandom"
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        $| = 1; my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => shift) or die "bind: $!";
        my $m; while (defined $s->recv($m, 65536)) { print "[$m]\n" }' "$dir/dev/log" >"$dir/syslog" 3>&- &
    local reader=$!
    within 5 test -S "$dir/dev/log"
    # shellcheck disable=SC2016 # the inner shell's words
    unshare -nm sh -c 'for f in null urandom; do mount --bind /dev/$f "$0/$f"; done; mount --bind "$0" /dev; exec "$@"' \
        "$dir/dev" "$plutod" --nofork --ctlbase "$base" --secretsfile "$dir/secrets" >"$dir/out" 2>"$dir/err" 3>&- &
    daemon=$!
    within 5 grep -qx 'Pluto initialized' "$dir/out" || { cat "$dir/err" >&2; return 1; }
    nsenter -t "$daemon" -n ip link set lo up # else there is nothing to listen on
    ask --listen
    within 5 grep -q 'secrets read' "$dir/syslog"
    raw 'hello version=1 epoch=1 tool=whack
whack-connection name=net left-host=10.9.0.1 right-host=10.9.0.2 policy=psk
whack-initiate name=net
whack-initiate name=%0A%5C
'
    within 5 grep -q ': added connection description' "$dir/syslog" # a socket holds ten datagrams
    ask --shutdown
    assert_success
    wait "$daemon"
    daemon=
    within 5 grep -q ': shutting down' "$dir/syslog" # the reader may be behind
    kill "$reader"
    wait "$reader" || :
    cat "$dir/syslog"
    # <authpriv * 8 + info>Nov  8 17:30:04 plutod[123]: text
    run ! grep -vE '^\[<8[0-7]>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} plutod\[[0-9]+\]: [ -~]+\]$' "$dir/syslog"
    run grep -c '^\[<86>.*: listening for IKE messages\]$' "$dir/syslog"
    assert_output 1
    grep -q ': "net": added connection description\]$' "$dir/syslog"
    [ ! -s "$dir/err" ]
}

@test "[P6] --perpeerlog: one file a peer, IPv6 too, appended to, time stamps; nobody else has one" {
    start --perpeerlog --perpeerlogbase "$dir/peers"
    silent_peer
    local four=$dir/peers/10/9/0/2/10.9.0.2.log six=$dir/peers/2001/db8/0/0/0/0/0/2/2001:db8:0:0:0:0:0:2.log
    within 5 grep -qE '^20[0-9-]{8} [0-9:]{8}[-+][0-9]{4} "four" 10.9.0.2 #1: STATE_MAIN_I1: initiate$' "$four"
    within 15 grep -qE '^20[0-9-]{8} [0-9:]{8}[-+][0-9]{4} "six" 2001:db8::2 #[0-9]+: STATE_MAIN_I1: initiate$' "$six" ||
        fail "$(<"$dir/err")"
    run ! grep -q six "$four"
    # 10.9.0.1 is not a peer of anybody's, whatever it sends
    nsenter -t "$daemon" -n bash -c 'echo rubbish >/dev/udp/10.9.0.1/500'
    within 5 grep -q 'packet from 10.9.0.1:' "$dir/err"
    assert_equal "$(cd "$dir/peers" && find . -type f | sort)" \
        "$(printf '%s\n' ./10/9/0/2/10.9.0.2.log ./2001/db8/0/0/0/0/0/2/2001:db8:0:0:0:0:0:2.log)"
    assert_equal "$(find "$dir/peers" -type d -printf '%m\n' | sort -u)" 750
    local before
    before=$(cat "$four")
    ask --shutdown
    wait "$daemon"
    start --perpeerlog --perpeerlogbase "$dir/peers"
    ask --name again --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    nsenter -t "$daemon" -n sh -c 'ip link set lo up; ip addr add 10.9.0.1/24 dev lo'
    ask --listen
    ask --initiate --name again --asynchronous
    within 5 grep -q '"again" 10.9.0.2 #1' "$four"
    assert_equal "$(head -n "$(wc -l <<<"$before")" "$four")" "$before"
}

@test "[P6] a base that cannot be written to is said once, and all else goes on" {
    : >"$dir/file"
    start --perpeerlog --perpeerlogbase "$dir/file/peers"
    silent_peer
    within 5 grep -q '"four" 10.9.0.2 #1: STATE_MAIN_I1' "$dir/err"
    within 5 grep -q "perpeerlog: cannot write to $dir/file/peers: Not a directory" "$dir/err"
    assert_equal "$(grep -c perpeerlog "$dir/err")" 1
}

@test "[P6] --perpeerlogbase without --perpeerlog: it is said, and there are no files" {
    start --perpeerlogbase "$dir/peers"
    assert_equal "$(head -n 1 "$dir/err")" \
        "plutod: --perpeerlogbase $dir/peers: has no effect without --perpeerlog: no peer has a file of his own"
    silent_peer
    within 5 grep -q '"four" 10.9.0.2 #1: STATE_MAIN_I1' "$dir/err"
    [ ! -e "$dir/peers" ]
}

# shows CLASS PATTERN: with this class alone an initiate has debug lines, all begin with "| ", and one is like that.
shows() {
    start "--debug-$1"
    silent_peer
    within 5 grep -qE "$2" "$dir/err" || fail "$1: no line like $2 in: $(<"$dir/err")"
    ask --shutdown
    wait "$daemon"
    daemon=
}

@test "[P9] debug lines begin with a bar, and each class has its own: raw, emitting, control, kernel" {
    shows raw '^\| "four" 10.9.0.2 #1: sent to 10\.9\.0\.2:500, [0-9]+ bytes: [0-9a-f]{56}'
    run ! grep -q '^| .*ISAKMP 1.0' "$dir/err"
    shows emitting '^\| "four" 10.9.0.2 #1: .*ISAKMP 1\.0, cookies '
    run ! grep -q '^| .*sent to' "$dir/err"
    shows control '^\| "four" 10.9.0.2 #1: state [A-Z0-9_]+ -> '
    run ! grep -qE '^\| .*(ISAKMP 1.0|sent to)' "$dir/err"
    shows kernel '^\| kernel-sa takes spis '
    run ! grep -qE '^\| .*(ISAKMP 1.0|sent to|state [A-Z])' "$dir/err"
    start --debug-none
    silent_peer
    within 5 grep -q '"four" 10.9.0.2 #1: STATE_MAIN_I1' "$dir/err"
    run ! grep -q '^| ' "$dir/err"
}

@test "[P5] nothing that comes from the network forges a line of the log" {
    start --debug-all
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    # Names, Vendor IDs, notifications and whole datagrams that hold line ends, escapes and what looks like our lines.
    # shellcheck disable=SC2016 # perl's variables
    nsenter -t "$daemon" -n perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "127.0.0.1:500") or die "socket: $!";
        my $evil = "x\n\"net\" #1: STATE_MAIN_I4: ISAKMP SA established\n\e[2J\\\r\0\x80| forged\n";
        my $pay = sub { my ($next, $body) = @_; pack("C C n", $next, 0, 4 + length $body) . $body };
        my $msg = sub { my ($first, $type, $id, $rest) = @_;
            $s->send(pack("a8 a8 C4 N N", "\nevil\n\n\n", "", $first, 0x10, $type, 0, $id, 28 + length $rest) . $rest) };
        $s->send($evil) for 1 .. 3;
        $msg->(13, 2, 0, $pay->(0, $evil));                                      # Vendor ID alone
        $msg->(11, 5, 7, $pay->(0, pack("N C C n", 1, 1, 0, 14) . $evil));       # a notification with a text
        $msg->(11, 5, 8, $pay->(0, pack("N C C n", 1, 1, length $evil, 24) . $evil)); # ... with that as its SPI
        $msg->(5, 2, 0, $pay->(0, pack("C C n", 2, 0, 0) . $evil));              # a name
        $msg->(1, 4, 0, $pay->(5, "\n" x 40) . $pay->(0, pack("C C n", 3, 0, 0) . $evil)); # Aggressive Mode with one'
    within 5 grep -q 'Aggressive' "$dir/err"
    run cat -v "$dir/err"
    refute_line --regexp '^("net"|\| forged|.?\[2J)'
    run ! grep -aqP '[^ -~]' "$dir/err"
    grep -q '^| packet from 127.0.0.1:[0-9]*: received from ' "$dir/err"
}

@test "[P1] [P3] [P6] nothing given: /var/run/pluto for plutod and whack, /etc/ipsec.secrets, /var/log/pluto/peer" {
    mkdir "$dir/etc"
    cp /etc/passwd /etc/group "$dir/etc"
    echo '127.0.0.1 127.0.0.2 : PSK "a secret"' >"$dir/etc/ipsec.secrets"
    chmod 600 "$dir/etc/ipsec.secrets"
    # shellcheck disable=SC2016 # the inner shell's words
    run timeout 120 unshare -nm bash -c '
        mount -t tmpfs none /run && mount -t tmpfs none /var/log && mount --bind "$0/etc" /etc || exit 99
        [ -L /var/run ] || mount -t tmpfs none /var/run
        ip link set lo up
        "$1" --perpeerlog || exit
        "$2" --listen --name net --psk --encrypt --host 127.0.0.1 --to --host 127.0.0.2
        ls /var/run/pluto.*
        "$2" --initiate --name net --asynchronous
        for ((i = 0; i < 1000; i++)); do [ ! -s /var/log/pluto/peer/127/0/0/2/127.0.0.2.log ] || break; sleep 0.05; done
        cat /var/log/pluto/peer/127/0/0/2/127.0.0.2.log
        "$2" --shutdown; ls /var/run/pluto.*' "$dir" "$plutod" "$whack"
    assert_line --partial 'secrets read: 1 entry, 0 errors'
    assert_line /var/run/pluto.ctl
    assert_line /var/run/pluto.pid
    assert_line --regexp '^20[0-9-]{8} [0-9:]{8}[-+][0-9]{4} "net" 127.0.0.2 #1: '
    assert_line '002 shutting down'
    assert_equal "$(tail -n 1 <<<"$output" | grep -c 'No such file')" 1
}

logged_twice() {
    [ "$(grep -c "$1" "$dir/err")" = 2 ]
}

@test "[K3] [K4] [P7] whack --listen says itself what is wrong with the secrets file: none, others may read it, five of its errors" {
    rm "$dir/secrets"
    start --secrets-workers 3
    ask --listen
    assert_success
    assert_line "003 $dir/secrets: cannot be opened: No such file or directory; make it, or say where it is (ipsec.secrets(5))"
    assert_line '003 secrets read: 0 entries, 1 error'
    echo '@a : PSK "a secret"' >"$dir/secrets"
    chmod 644 "$dir/secrets"
    ask --listen
    assert_line "003 $dir/secrets: group or others may read or write it (mode 0644), so it is not read; run: chmod 600 $dir/secrets"
    assert_line '003 secrets read: 0 entries, 1 error'
    chmod 600 "$dir/secrets"
    for i in {1..12}; do echo "@name$i PSK \"tell nobody\""; done >>"$dir/secrets"
    echo 'include nothing*' >>"$dir/secrets"
    ask --listen
    for i in {2..6}; do # of all workers the one that speaks
        assert_equal "$(grep -c "^003 $dir/secrets:$i: expected a colon" <<<"$output")" 1
    done
    refute_line --partial "secrets:7:"
    refute_line --partial nobody
    assert_line '003 secrets read: 1 entry, 13 errors; 8 of the errors are in the log only'
    within 5 grep -q "secrets:14: no file matches the pattern after include: $dir/nothing\*" "$dir/err"
    echo '@a : PSK "a secret"' >"$dir/secrets"
    ask --listen
    assert_line '002 secrets read: 1 entry, 0 errors'
    refute_line --partial "$dir/secrets"
}

@test "[K3] [P5] what is wrong in the secrets file is logged once, by however many processes read it" {
    printf '%s\n' '10.9.0.1 10.9.0.2 PSK "tell nobody"' '@a : RSA /dev/null' '@b : PSK "another"' >"$dir/secrets"
    start --secrets-workers 4
    ask --listen
    assert_line '003 secrets read: 1 entry, 2 errors'
    within 5 grep -q "secrets:2: key file /dev/null: not a regular file" "$dir/err"
    assert_equal "$(grep -c "secrets:1: expected a colon" "$dir/err")" 1
    assert_equal "$(grep -c "secrets:2: " "$dir/err")" 1
    # one that is begun again reads anew, and says so
    kill -KILL "$(pgrep -P "$daemon" -x secrets | tail -n 1)"
    within 5 logged_twice 'secrets:1: expected a colon'
}
