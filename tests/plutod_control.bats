#!/usr/bin/env bats
# plutod's control socket: whacks that wait, ask for much, or talk rubbish.
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

@test "[F22] rubbish on the control socket changes nothing" {
    start
    raw $'rubbish\n'
    assert_output --partial '030 bad message to plutod: record 1: unknown verb; records(5) says what is right'
    raw $'whack-status\n'
    assert_output --partial 'hello'
    raw $'hello version=9 epoch=1 tool=whack\nwhack-status\n'
    assert_output --partial '001 '
    refute_output --partial '000 '
    raw $'hello version=1 epoch=1 tool=whack\nhello version=1 epoch=1 tool=whack\nwhack-status\n'
    assert_output --partial '030 bad message to plutod: record 2, hello: came twice; '
    refute_output --partial '000 '
    raw $'hello version=1 epoch=1 tool=whack\nwhack-initiate name=a b=c\n'
    assert_output --partial '030 bad message to plutod: record 2, whack-initiate: unknown field; '
    raw $'hello version=1 epoch=1 tool=whack\nwhack-terminate name=net%00evil\n'
    assert_output --partial '030 bad message to plutod: record 2, whack-terminate, field name: %00, which no text holds; '
    raw $'hello version=1 epoch=1 tool=whack\nwhack-status'
    assert_output --partial '030 '
    raw $'hello version=1 epoch=1 tool=whack\nannounce exchange=1\n'
    assert_output --partial '030 '
    raw $'hello version=1 epoch=1 tool=whack\nbad why=x\nwhack-status\n'
    assert_output --partial '030 bad message to plutod: record 2, bad: is no request; '
    refute_output --partial '000 '
    local megabyte
    megabyte=$(head -c 1000000 /dev/zero | tr '\0' x)
    raw "$megabyte"
    assert_output --partial '030 bad message to plutod: record 1: a record without end; '
    raw $'hello version=1 epoch=1 tool=whack\n' "whack-initiate name=$megabyte" $'\n'
    assert_output --partial '030 bad message to plutod: record 2: a record without end; '
    raw "$(printf 'hello version=1 epoch=1 tool=whack\nwhack-connection name=%070d left-host=1.2.3.4 right-host=1.2.3.5 policy=psk\n' 7)"$'\n'
    assert_output --partial '030 '
    ask --status
    assert_success
}

# The longest record has 65,536 bytes with its newline: what is longer is refused before any newline comes.
@test "[F22] a record that is as long as may be, one byte more, and none that ends" {
    start
    # shellcheck disable=SC2016 # perl's variables
    run timeout 60 perl -MIO::Socket::UNIX -MIO::Select -e '
        my $hello = "hello version=1 epoch=1 tool=whack\n";
        for my $len (65534, 65535, 65536) { for my $end ("", "\n") {
            my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
            print $s $hello, "whack-initiate name=", "x" x ($len - 20), $end; $s->flush;
            my $got = IO::Select->new($s)->can_read($end || $len > 65535 ? 5 : 1) ? <$s> : "nothing\n";
            print "$len ", $end ? "ended" : "open", ": $got" } }' "$base.ctl"
    assert_success
    assert_line --index 0 '65534 open: nothing'
    assert_line --index 1 --partial '65534 ended: 030 bad message to plutod: record 2, whack-initiate, field name: text too'
    assert_line --index 2 '65535 open: nothing'
    assert_line --index 3 --partial '65535 ended: 030 bad message to plutod: record 2, whack-initiate, field name: text too'
    assert_line --index 4 --partial '65536 open: 030 bad message to plutod: record 2: a record without end; '
    assert_line --index 5 --regexp '65536 ended: 030 bad message to plutod: record 2: (record too long|a record without end); '
    ask --status
    assert_success
}

@test "[F22] only the superuser is heard, whatever the rights of the socket say" {
    start
    chmod 755 "$dir"
    chmod 666 "$base.ctl"
    local user
    for user in 0 65534; do
        # shellcheck disable=SC2016 # perl's variables
        run timeout 20 perl -MIO::Socket::UNIX -e '
            chdir $ARGV[0]; $> = $ARGV[1]; $SIG{PIPE} = "IGNORE";
            my $s = IO::Socket::UNIX->new(Peer => "pluto.ctl") or die "connect: $!";
            print $s "hello version=1 epoch=1 tool=whack\nwhack-status\n"; $s->flush; $s->shutdown(1);
            print while <$s>; print "over\n"' "$dir" "$user"
        assert_line 'over'
        if [ "$user" = 0 ]; then
            assert_line --partial '000 '
        else
            assert_output 'over'
        fi
    done
    ask --status
    assert_success
}

@test "[F22] more than there are places for, who say nothing, or half of something, or do not read: one makes way" {
    start
    local before
    before=$(fds | wc -l)
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        my $hello = "hello version=1 epoch=1 tool=whack\n"; my @c;
        for (1 .. 600) {
            my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!";
            $s->blocking(0); push @c, $s;
            syswrite $s, $hello . ("", "whack-sta", "whack-status\n" x 3000)[$_ % 3] if $_ % 4 }
        $| = 1; print "there\n"; sleep 60' "$base.ctl" >"$dir/crowd" 3>&- &
    local crowd=$!
    within 5 grep -q there "$dir/crowd"
    sleep 1 # they are taken as they come, while there are places
    [ "$(fds | wc -l)" -le $((before + 512)) ]
    for _ in 1 2 3; do
        run timeout 10 "$whack" --ctlbase "$base" --status
        assert_success
        assert_output --partial '"net"'
    done
    grep -q 'control socket: bad message: record [12]: nothing more came, and others wait for its place' "$dir/err"
    kill "$crowd"
    wait "$crowd" || :
}

@test "[F22] one that says nothing, or half of something, is told after 20 s that it takes too long" {
    start
    # shellcheck disable=SC2016 # perl's variables
    run timeout 60 perl -MIO::Socket::UNIX -e '
        my @said = ("", "hello version=1", "hello version=1 epoch=1 tool=whack\nwhack-sta");
        my @c = map { my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!"; print $s $_; $s->flush; $s } @said;
        my $since = time;
        for my $s (@c) { my $got = join "", <$s>; my $took = time - $since; print $took > 18 && $took < 30, " $got" }' "$base.ctl"
    assert_success
    assert_line --index 0 --partial '1 030 bad message to plutod: record 1: it did not come within 20 s; '
    assert_line --partial '1 030 bad message to plutod: record 2: it did not come within 20 s; '
    ask --status
    assert_success
}

@test "[F22] places that are all taken by those who do not read what they asked for" {
    start
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        my @c; for (1 .. 560) {
            my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!";
            $s->blocking(0); push @c, $s;
            syswrite $s, "hello version=1 epoch=1 tool=whack\n" . "whack-status\n" x 3000 }
        $| = 1; print "there\n"; sleep 60' "$base.ctl" >"$dir/crowd" 3>&- &
    local crowd=$!
    within 20 grep -q there "$dir/crowd"
    run timeout 20 "$whack" --ctlbase "$base" --status
    assert_success
    assert_output --partial '"net"'
    grep -q 'control socket: a whack that did not read what it had asked for was cut off' "$dir/err"
    kill "$crowd"
    wait "$crowd" || :
}

@test "[F22] a thousand clients at once, and afterwards none is left" {
    start
    ask --listen # all tools are there then
    local before
    before=$(fds)
    # shellcheck disable=SC2016 # perl's variables
    perl -MSocket -MFcntl -e '
        my @c; for (1 .. 1000) {
            socket(my $s, PF_UNIX, SOCK_STREAM, 0) or last; fcntl($s, F_SETFL, O_NONBLOCK);
            connect($s, pack_sockaddr_un($ARGV[0])) and syswrite($s, "x"); push @c, $s } sleep 1' "$base.ctl" 3>&-
    within 10 fds_are "$before" || fail "$(diff <(echo "$before") <(fds))"
    ask --status
    assert_success
}

@test "[F22] [W12] a thousand whacks at the same moment, half of which misbehave: the others get what they asked for" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    echo '127.0.0.1 10.64.0.1 : PSK "a secret"' >"$dir/secrets"
    ask --listen
    { echo there; seq -f 'old%g' 0 8 999; } |
        sed 's/.*/--name & --psk --encrypt --host 127.0.0.1 --to --host 10.64.0.1/' |
        "$whack" --ctlbase "$base" --optionsfrom - >"$dir/described"
    local before tools seed=${SEED-$RANDOM} longest beside
    before=$(fds)
    tools=$(pgrep -P "$daemon" | sort)
    echo "seed $seed"
    run --separate-stderr timeout 60 "$repo/tests/lib/crowd.pl" "$whack" "$base" 1000 "$seed" 3>&-
    echo "$output$stderr"
    assert_success
    refute_line --regexp '^(good|status)'
    read -r _ longest beside <<<"${lines[-1]}"
    at_most "$longest" 20000 'ms for all that are good'
    at_most "$beside" 2000 'ms for a status beside those that are not' # 200 are the aim
    ask --terminate --name there # whoever has been killed while it waited
    within 10 fds_are "$before" || fail "$(diff <(echo "$before") <(fds))"
    assert_equal "$(pgrep -P "$daemon" | sort)" "$tools"
    # All of a connection, or nothing.
    ask --status
    assert_success
    refute_line --partial '"half'
    refute_line --partial '"old'
    assert_equal "$(grep -cE '^000 "new[0-9]+": 127\.0\.0\.1\[' <<<"$output")" 125
    assert_equal "$(grep -cE '^000 "killed[0-9]+": 127\.0\.0\.1\[.*; unrouted' <<<"$output")" \
        "$(grep -oE '^000 "killed[0-9]+"' <<<"$output" | sort -u | wc -l)"
}

# fds: plutod's descriptors, one a line, without numbers
fds() {
    find "/proc/$daemon/fd" -type l -printf '%l\n' | sed 's/\[.*//' | sort
}

fds_are() {
    [ "$(fds)" = "$1" ]
}

@test "a plutod that stands still: whack says so, and goes on when it does" {
    start
    kill -STOP "$daemon"
    "$whack" --ctlbase "$base" --status >"$dir/out.whack" 2>"$dir/err.whack" 3>&- &
    local asker=$!
    within 10 grep -q '^whack: plutod has not answered for 5 s' "$dir/err.whack"
    [ ! -s "$dir/out.whack" ]
    kill -CONT "$daemon"
    wait "$asker"
    grep -q '^000 not listening' "$dir/out.whack"
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

@test "[F22] one that asks without end and never reads: what it asks waits with it, and what it is told is bounded" {
    start
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    local before asks deaf
    before=$(memory)
    for asks in 'whack-status' 'whack-terminate name=nosuch'; do # of which one is said in parts, the other at once
        rm -f "$dir/asked"
        # shellcheck disable=SC2016 # perl's variables
        perl -MIO::Socket::UNIX -e '
            my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $ARGV[0]) or die "connect: $!";
            $s->blocking(0); syswrite $s, "hello version=1 epoch=1 tool=whack\n";
            my $all = "$ARGV[1]\n" x (20_000_000 / length "$ARGV[1]\n"); my $at = 0;
            for (1 .. 300) { $at += syswrite($s, $all, 65000, $at) // 0; select undef, undef, undef, 0.01 }
            $| = 1; print "asked $at\n"; sleep 60' "$base.ctl" "$asks" >"$dir/asked" 3>&- &
        deaf=$!
        within 20 grep -q asked "$dir/asked"
        ask --status
        assert_success
        [ "$(sed 's/asked //' "$dir/asked")" -lt 5000000 ] || fail "plutod reads on and on: $(<"$dir/asked") bytes of $asks"
        at_most "$(($(memory) - before))" 6000 'KB for one that does not read'
        refute grep -q 'bad message' "$dir/err"
        kill "$deaf"
        wait "$deaf" || :
    done
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
    crowd 400
    run timeout 5 "$whack" --ctlbase "$base" --status
    assert_success
    assert_output --partial '"far"'
    run timeout 5 "$whack" --ctlbase "$base" --initiate --name far
    assert_failure 32
    assert_line --regexp '^032 .*384 whacks wait'
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

@test "[W9] a second --initiate says what it waits for; after one that was killed, it begins anew" {
    start
    far_away
    "$whack" --ctlbase "$base" --initiate --name far >"$dir/said" 3>&- & # not by timeout: it is killed itself
    within 5 grep -q '^102 ' "$dir/said"
    run timeout -s KILL 2 "$whack" --ctlbase "$base" --initiate --name far
    assert_output --regexp '^000 "far" #3: waits for the ISAKMP SA #1, whose Main Mode is under way: STATE_MAIN_I1: initiate$'
    ask --initiate --name far --asynchronous # the first one waits still, so its Main Mode stays
    kill -KILL "$!"
    wait "$!" || :
    run timeout -s KILL 2 "$whack" --ctlbase "$base" --initiate --name far
    assert_line --regexp '^102 "far" #[0-9]+: STATE_MAIN_I1: initiate$'
    ask --initiate --name far --asynchronous
    ask --status
    assert_equal "$(grep -cE '^000 #[0-9]+: "far"' <<<"$output")" 2 # one Main Mode, one Quick Mode
}

@test "[W9] one whack with several forms: in order, each when the one before is finished" {
    start
    raw $'hello version=1 epoch=1 tool=whack\nwhack-debug classes=control\nwhack-listen\nwhack-status\nwhack-initiate name=x\nwhack-shutdown\n'
    assert_line --index 0 'done' # with whack-debug
    assert_line --index 2 --partial '002 not listening' # after 003: no interface is up here
    assert_line --index 4 'done'
    assert_line --partial '000 not listening for IKE messages'
    assert_line --partial '000 debug control'
    assert_line --partial '021 '
    within 5 gone "$daemon"
}

# with_myid WORDS...: what --status says of the connection "mine", whose end is ours
with_myid() {
    nsenter -t "$daemon" -n ip link set lo up
    ask --name mine --psk --id %myid --host 127.0.0.1 --to --host 10.9.0.2
    assert_success
    ask --listen
    ask --status
}

@test "[W5] [W8] %myid without anybody who says it: 027 on use; whack --myid says it, and another later" {
    start
    with_myid
    assert_line '000 %myid = (none)'
    assert_line --partial '000 "mine":   unoriented: its --id is %myid, and nobody has said who that is: whack --myid ID does'
    ask --initiate --name mine
    assert_equal "$status" 27
    assert_output --partial '027 "mine": cannot orient: its --id is %myid, and nobody has said who that is'
    ask --myid @gate.example.com
    assert_success
    assert_output '002 %myid is @gate.example.com'
    ask --status
    assert_line '000 %myid = @gate.example.com'
    assert_line --partial '000 "mine": 127.0.0.1[@gate.example.com]...10.9.0.2[10.9.0.2]; unrouted'
    ask --initiate --name mine --myid @Gate.example.com --status --asynchronous
    assert_line --partial '000 "mine": 127.0.0.1[@Gate.example.com]...10.9.0.2[10.9.0.2]; unrouted'
    raw $'hello version=1 epoch=1 tool=whack\nwhack-myid myid=%25any\n'
    assert_output --partial '030 --myid %any: this is nobody'
    raw $'hello version=1 epoch=1 tool=whack\nwhack-myid myid=%25myid\n'
    assert_output --partial '030 --myid %myid: '
}

@test "[P1] [W5] %myid from plutod's --myid, else from IPSECmyid" {
    IPSECmyid=@env.example.com start
    with_myid
    assert_line --partial '000 "mine": 127.0.0.1[@env.example.com]...'
    kill -TERM "$daemon"
    within 5 gone "$daemon"
    IPSECmyid=@env.example.com start --myid @word.example.com
    with_myid
    assert_line --partial '000 "mine": 127.0.0.1[@word.example.com]...'
    kill -TERM "$daemon"
    within 5 gone "$daemon"
    IPSECmyid='' start # is as not set
    ask --status
    refute_output --partial '[@'
}

@test "[P1] [W5] --myid and IPSECmyid that are no identity: what is wrong, what to do, exit 1" {
    local there='neither an address nor @name nor user@name (a bare name needs looking up)'
    there+='; plutod looks none up: write @ before it, or say it by whack --myid, which does'
    run -1 "$plutod" --nofork --ctlbase "$base" --myid localhost
    assert_line "plutod: --myid localhost: $there"
    IPSECmyid=localhost run -1 "$plutod" --nofork --ctlbase "$base"
    assert_output "plutod: IPSECmyid localhost: $there" # it is no option: no usage
    run -1 "$plutod" --nofork --ctlbase "$base" --myid 10.9.0.300
    assert_line --regexp '^plutod: --myid 10.9.0.300: .* 255'
    refute_output --partial 'bare name'
    assert [ ! -e "$base.pid" ]
}

@test "[W5] %myid at the peer's end: 027 on use" {
    start --myid @gate.example.com
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    ask --name mine --psk --host 127.0.0.1 --to --host 10.9.0.2 --id %myid
    ask --initiate --name mine
    assert_equal "$status" 27
    assert_output --partial "the peer's end has --id %myid, which is who we are"
}

@test "[W2a] --delete with a description is silent where nothing had that name" {
    start
    ask --delete --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    assert_success
    assert_output '002 added connection description "net"'
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.3
    assert_equal "$status $output" \
        '20 020 attempt to redefine connection "net": --delete replaces it'
    ask --status
    assert_output --partial '10.9.0.1[10.9.0.1]...10.9.0.2[10.9.0.2]'
    ask --delete --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.3
    assert_success
    assert_output '002 added connection description "net"'
    ask --status
    assert_output --partial '10.9.0.1[10.9.0.1]...10.9.0.3[10.9.0.3]'
}

@test "[W8] [P9] debug classes in the call that describes a connection are that connection's" {
    start
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2 --debug-raw
    assert_success
    assert_output '002 added connection description "net"'
    ask --delete --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2 --debug-kernel --status
    assert_line '000 debug none'
    assert_line '000 "net":   debug kernel'
}

@test "[W8a] [W11] what is not there, and whom nobody can begin with: 21, 29" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --name road --psk --encrypt --tunnel --host 127.0.0.1 --nexthop %direct --to --host %any
    ask --listen
    local form
    for form in '--delete --name no' '--terminate --name no' '--initiate --name no' '--route --name no' \
        '--unroute --name no' '--debug-raw --name no' '--events --name no' '--explain --name no' '--deletestate 77'; do
        # shellcheck disable=SC2086 # words are wanted
        ask $form
        assert_equal "$form: $status" "$form: 21"
        assert_line --regexp '^021 no (connection named "no"|state #77)$'
    done
    ask --initiate --name road
    assert_equal "$status" 29
    assert_output --partial "029 \"road\": cannot initiate: the peer's address is not known (--host %any)"
}

@test "[P8] --shutdown --leave-state ends plutod, and leaves neither lock nor socket" {
    start
    ask --shutdown --leave-state
    assert_success
    wait "$daemon"
    grep -q 'shutting down; SAs, policies and routes stay' "$dir/err"
    [ ! -e "$base.pid" ] && [ ! -e "$base.ctl" ]
    daemon=
}

# definitions FROM TO [WORD...]: calls of whack, each over three lines
definitions() {
    local i
    for ((i = $1; i <= $2; i++)); do
        printf -- '%s--name site-%05d --psk --encrypt --tunnel\n    --id @gate.example.com --host 127.0.0.1 --client 10.%d.%d.0/24 \\\n' \
            "${3-}" "$i" $((i / 250)) $((i % 250))
        printf -- '    --to --id @peer%d.example.net --host 192.0.%d.%d --client 172.20.%d.0/24\n' \
            "$i" $((i / 250)) $((i % 250)) $((i % 250))
    done
}

# load_stream: what is on standard input; $seconds is how long it took
load_stream() {
    local begin=$EPOCHREALTIME
    run --separate-stderr timeout 60 "$whack" --ctlbase "$base" --optionsfrom -
    seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
}

memory() {
    awk '/^RssAnon/ { print $2 }' "/proc/$daemon/status"
}

@test "[P2] [W2] 10,000 definitions with one whack: at once, 1 KB each, found and deleted as fast as one" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    local before seconds
    definitions 0 9999 >"$dir/all"
    before=$(memory)
    load_stream <"$dir/all"
    assert_success
    assert_equal "$(grep -c '^002 added connection description' <<<"$output")" 10000
    echo "loaded in $seconds s"
    at_most "${seconds%.*}" 20 'seconds to load' # 2 s are the aim, on a machine that does nothing else
    local each=$((($(memory) - before) * 1024 / 10000))
    at_most "$each" 2000 'bytes each' # 1000 are the aim
    run bash -c "'$whack' --ctlbase '$base' --status | grep -c '^000 \"site-.*; unrouted'"
    assert_output 10000
    definitions 5000 5000 '--delete ' >"$dir/one"
    load_stream <"$dir/one"
    assert_output '002 added connection description "site-05000"'
    seq -f '--delete --name site-%05g' 0 9999 >"$dir/none"
    load_stream <"$dir/none"
    assert_success
    echo "deleted in $seconds s"
    at_most "${seconds%.*}" 20 'seconds to delete' # the same
    run bash -c "'$whack' --ctlbase '$base' --status | grep -c '^000 \"site-'"
    assert_output 0
}

@test "[P2] [W10] a stream: each refused call with its place, the others loaded; exit status of the last that failed" {
    start
    { definitions 1 3; definitions 2 2; definitions 4 4; echo; echo '--initiate --name nosuch'; definitions 5 5; } >"$dir/all"
    load_stream <"$dir/all"
    assert_equal "$status" 21
    assert_equal "$output" '002 added connection description "site-00001"
002 added connection description "site-00002"
002 added connection description "site-00003"
020 stdin:10:1: attempt to redefine connection "site-00002": --delete replaces it
002 added connection description "site-00004"
021 stdin:17:1: no connection named "nosuch"
002 added connection description "site-00005"'
    { definitions 2 2; echo '--nosuch'; definitions 6 6; } >"$dir/all"
    load_stream <"$dir/all"
    assert_equal "$status" 1 # whack's own
    assert_equal "$stderr" 'whack: stdin:4:1: --nosuch: unknown option (see whack --help)'
    assert_line '002 added connection description "site-00006"'
}

@test "[P2] [W10] a stream of deletions waits for kernel-sa before what is none, not at each; places are right" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    load_stream < <(definitions 1 50)
    local kernel
    kernel=$(pgrep -P "$daemon" kernel-sa)
    kill -STOP "$kernel"
    { seq -f '--delete --name site-%05g' 1 50; echo '--delete --name nosuch'; definitions 7 7; echo --status; } >"$dir/all"
    timeout 30 "$whack" --ctlbase "$base" --optionsfrom - <"$dir/all" >"$dir/said" 3>&- &
    local stream=$! code=0
    within 5 grep -q '^002 added' "$dir/said"
    sleep 0.2
    run grep -v '": deleted connection description$' "$dir/said"
    kill -CONT "$kernel"
    assert_output '021 stdin:51:1: no connection named "nosuch"
002 added connection description "site-00007"'
    wait "$stream" || code=$?
    assert_equal "$code" 21
    run cat "$dir/said"
    assert_line --partial '000 "site-00007"'
    refute_line --partial '000 "site-00008"'
}

@test "[P2] [F22] whacks that ask for nothing for a while are let be, unless others wait for their places" {
    # shellcheck disable=SC2034 # lib/plutod.bash uses it
    netns=(prlimit --nofile=80 unshare -n) # so there are 40 places
    start
    far_away
    # Those that wait for a negotiation keep their places: one hears of it, the other waits for the first one's.
    local i idle=() code parted=0 waits=()
    for i in 1 2; do
        timeout 60 "$whack" --ctlbase "$base" --initiate --name far >"$dir/waits.$i" 2>&1 3>&- &
        waits+=($!)
        within 5 grep -q '^[01]0[02] ' "$dir/waits.$i"
    done
    for i in {1..38}; do
        { { sleep 34; echo --status; } | "$whack" --ctlbase "$base" --optionsfrom - >"$dir/idle.$i" 2>&1; } 3>&- &
        idle+=($!)
    done
    sleep 22 # longer than a record may take to come
    run cat "$dir"/idle.*
    assert_output ''
    ask --status # in vain, until some have asked for nothing for 30 s
    assert_success
    assert_output --partial '"far"'
    for i in {1..38}; do
        code=0
        wait "${idle[i - 1]}" || code=$?
        run cat "$dir/idle.$i"
        if [ "$code" = 0 ]; then
            assert_output --partial '"far"'
        else
            assert_output --regexp '^032 nothing was asked for 30 s, and others wait for a place: plutod ends the connection; what was asked before is done'
            parted=$((parted + 1))
        fi
    done
    [ "$parted" -ge 1 ] && [ "$parted" -le 20 ]
    grep -q 'control socket: a whack is sent away: nothing was asked for 30 s' "$dir/err"
    refute grep -q 'bad message' "$dir/err"
    for i in 1 2; do
        refute grep -q '^032 ' "$dir/waits.$i"
        kill "${waits[i - 1]}"
        code=0
        wait "${waits[i - 1]}" || code=$?
        assert_equal "$code" 143 # until now
    done
}

@test "[P2] a stream that pauses, and a whack that reads slowly" {
    start
    load_stream < <(definitions 1 1; echo; sleep 1; echo --status)
    assert_success
    assert_line --index 0 '002 added connection description "site-00001"'
    assert_line --partial '000 "site-00001"'
    # Megabytes of answers wait for their reader, most of them with whack and not with plutod.
    load_stream < <(definitions 2 200)
    yes -- --status | head -n 400 >"$dir/asks"
    { timeout 60 "$whack" --ctlbase "$base" --optionsfrom - <"$dir/asks" | { sleep 2; grep -c '^000 not listening'; } >"$dir/count"; } 3>&- &
    local slow=$!
    sleep 1
    [ "$(memory)" -lt 12000 ]
    ask --status
    assert_success
    wait "$slow"
    assert_equal "$(<"$dir/count")" 400
}
