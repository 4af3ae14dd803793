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
    ask --initiate --name four --asynchronous
    ask --initiate --name six --asynchronous
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
    ask --listen
    within 5 grep -q 'secrets read' "$dir/syslog"
    raw 'hello version=1 epoch=1 tool=whack
whack-connection name=net left-host=10.9.0.1 right-host=10.9.0.2 policy=psk
whack-initiate name=net
whack-initiate name=%0a%5c
'
    ask --shutdown
    assert_success
    wait "$daemon"
    daemon=
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
    within 5 grep -qE '^20[0-9-]{8} [0-9:]{8}[-+][0-9]{4} "four" #1: STATE_MAIN_I1: initiate$' "$four"
    within 15 grep -qE '^20[0-9-]{8} [0-9:]{8}[-+][0-9]{4} "six" #[0-9]+: STATE_MAIN_I1: initiate$' "$six" || {
        cat "$dir/err" >&2
        return 1
    }
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
    within 5 grep -q '"again" #1' "$four"
    assert_equal "$(head -n "$(wc -l <<<"$before")" "$four")" "$before"
}

@test "[P6] a base that cannot be written to is said once, and all else goes on" {
    : >"$dir/file"
    start --perpeerlog --perpeerlogbase "$dir/file/peers"
    silent_peer
    within 5 grep -q '"four" #1: STATE_MAIN_I1' "$dir/err"
    assert_equal "$(grep -c perpeerlog "$dir/err")" 1
    grep -q "perpeerlog: cannot write to $dir/file/peers: Not a directory" "$dir/err"
}

@test "[P6] without --perpeerlog there are no files" {
    start --perpeerlogbase "$dir/peers"
    silent_peer
    within 5 grep -q '"four" #1: STATE_MAIN_I1' "$dir/err"
    [ ! -e "$dir/peers" ]
}
