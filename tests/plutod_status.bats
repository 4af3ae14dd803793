#!/usr/bin/env bats
# [W12] whack --status and --status --json of a real plutod, as far as no ESP is needed. How each piece looks:
# unit/test_plutod_status.c; with a tunnel: scenarios/status.bats.
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

# document [WORD...]: of `whack --status --json` into $dir/json; it is as docs/status.schema.json says.
document() {
    timeout 60 "$whack" --ctlbase "$base" "$@" --status --json >"$dir/json" 2>"$dir/beside" || fail "$(<"$dir/beside")"
    run "$repo/tests/lib/status-valid" <"$dir/json"
    assert_success
    assert_output ''
}

# holds EXPRESSION: Python's, of the document d and its connections by name, c.
holds() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
c = {x["name"]: x for x in d["connections"]}
sys.exit(0 if eval(sys.argv[2]) else "not so: " + sys.argv[2])' "$dir/json" "$1" || {
        cat "$dir/json" >&2
        return 1
    }
}

loopback() {
    nsenter -t "$daemon" -n ip link set lo up
}

@test "[W12] --json: one document, alone on stdout, before and after --listen" {
    start
    document
    holds 'd["plutod"]["listening"] is False and d["connections"] == [] and d["states"] == [] and d["interfaces"] == []'
    loopback
    ask --name net --psk --encrypt --host 127.0.0.1 --client 10.1.0.0/24 --to --host 127.0.0.2 --id @right --ikeport 501
    ask --name far --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    ask --name road --psk --encrypt --tunnel --host 127.0.0.1 --nexthop %direct --to --host %any
    document --listen
    run cat "$dir/beside"
    assert_line '002 listening for IKE messages' # the other form's answers
    holds 'd["plutod"]["listening"] is True and d["plutod"]["version"] != ""'
    holds '{"name": "lo", "address": "127.0.0.1", "port": 500} in d["interfaces"]'
    holds '[p["pid"] for p in d["processes"] if p["tool"] == "plutod"] == ['"$daemon"']'
    holds 'sorted({p["tool"] for p in d["processes"]}) == ["ike-negotiate", "kernel-sa", "plutod", "secrets"]'
    holds '[x["name"] for x in d["connections"]] == ["net", "far", "road"]'
    holds 'c["net"]["state"] == "down" and c["net"]["routing"] == "unrouted" and c["net"]["interface"] == "lo"'
    holds 'c["net"]["ours"]["client"] == "10.1.0.0/24" and c["net"]["peer"]["id"] == "@right" and c["net"]["peer"]["ikeport"] == 501'
    holds 'c["far"]["state"] == "unoriented" and "neither" in c["far"]["unoriented"]'
    holds 'c["road"]["instances"] == 0 and c["road"]["peer"]["host"] is None'
}

@test "[W12] --json: a negotiation, and how it failed, are counted" {
    start
    loopback
    echo '@here @there : PSK "a secret"' >"$dir/secrets"
    ask --name far --psk --encrypt --host 127.0.0.1 --id @here --to --host 127.0.0.2 --id @there
    ask --name none --psk --encrypt --host 127.0.0.1 --to --host 127.0.0.3
    ask --listen
    ask --initiate --name none
    assert_failure 28
    ask --initiate --asynchronous --name far
    document
    holds 'c["far"]["negotiating"] and c["far"]["state"] == "down" and c["far"]["attempt"] == 1'
    holds '[s["state"] for s in d["states"] if s["connection"] == "far" and s["kind"] == "isakmp"] == ["MAIN_I1"]'
    holds '[s["pending_for"] is not None for s in d["states"] if s["connection"] == "far" and s["kind"] == "ipsec"] == [True]'
    holds 'd["counters"]["failed"]["no_secret"] == 1 and d["counters"]["negotiations"]["begun_by_us"] == 4'
    ask --status
    assert_line --regexp '^000 counted, failed: no_secret 1 with_its_main_mode 1$'
}

@test "[C3] [W12] messages that are ignored are counted by their flaw, a flood of them too" {
    start
    loopback
    ask --listen
    # shellcheck disable=SC2016 # perl's variables
    nsenter -t "$daemon" -n perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(Proto => "udp", PeerAddr => "127.0.0.1:500") or die "socket: $!";
        $s->send("x" x 40) for 1 .. 300;                                    # no ISAKMP header
        $s->send(pack("a8 a8 C4 N N", "initiate", "", 1, 0x10, 4, 0, 0, 28)); # Aggressive Mode
        $s->send(pack("a8 a8 C4 N N", "initiate", "response", 1, 0x10, 32, 0, 7, 28)) for 1 .. 3'
    within 5 counted
}

counted() {
    "$whack" --ctlbase "$base" --status | grep -qx '000 counted, ignored messages: malformed 300 unsupported 1 unknown 3'
}

@test "[W12] a process that was begun again: its restarts, and the pid it has now" {
    start
    document
    local old
    old=$(pid_of ike-negotiate)
    kill -KILL "$old"
    restarted() {
        document
        holds '[(p["restarts"], p["pid"] not in (None, '"$old"')) for p in d["processes"] if p["tool"] == "ike-negotiate"] == [(1, True)]'
    }
    within 5 restarted 2>/dev/null
}

@test "[W12] a tool that reads nothing shows how much waits for it" {
    start
    loopback
    ask --listen
    local tool
    tool=$(pid_of ike-negotiate)
    kill -STOP "$tool"
    for _ in {1..20}; do
        ask --debug-control
        ask --debug-none
    done
    document
    kill -CONT "$tool"
    holds '[p["queued"] + p["unread"] > 100 for p in d["processes"] if p["tool"] == "ike-negotiate"] == [True]'
}

# describe COUNT: as many connections.
describe() {
    awk -v count="$1" 'BEGIN { for (i = 0; i < count; i++) {
        place = int(i / 250) "." i % 250
        print "--name c" i " --psk --encrypt --pfs --host 127.0.0.1 --to --host 10.64." place " --client 10.1." place "/32" } }' |
        timeout 60 "$whack" --ctlbase "$base" --optionsfrom - >"$dir/described" || fail "$(tail -n 3 "$dir/described")"
}

memory() {
    sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/$daemon/status"
}

# In milliseconds, of plutod.
cpu() {
    awk '{ print ($14 + $15) * 10 }' "/proc/$daemon/stat"
}

# rsa_key BITS: a new public key, as words of --pubkeyrsa
rsa_key() {
    printf '0x03010001%s\n' "$(openssl genrsa "$1" 2>/dev/null | openssl rsa -noout -modulus | sed 's/.*=//')"
}

@test "[W7] public keys: given, listed by id, size and fingerprint, replaced; not fetched from DNS yet: 028" {
    local first second
    start
    first=$(rsa_key 2048) second=$(rsa_key 768)
    ask --keyid @east --pubkeyrsa "$first"
    assert_success
    assert_output --regexp '^002 added public key of @east: RSA, 2048 bits, fingerprint [0-9a-f]{16}$'
    ask --keyid @east --addkey --pubkeyrsa "$second"
    assert_success
    assert_line '003 the public key of @east has only 768 bits: keys of less than 1024 can be broken, so that others pass for @east'
    ask --keyid 10.9.0.7 --pubkeyrsa "$first"
    ask --keyid @east
    assert_equal "$status" 28
    ask --status
    assert_line --regexp '^000 public key of 10\.9\.0\.7: RSA, 2048 bits, fingerprint [0-9a-f]{16}; since 20.*, from whack$'
    document
    holds '[(x["id"], x["bits"]) for x in d["public_keys"]] == [("10.9.0.7", 2048), ("@east", 2048), ("@east", 768)]'
    holds 'd["public_keys"][0]["fingerprint"] == "'"$(printf %s "${first#0x}" | perl -ne 'print pack "H*", $_' | sha256sum | cut -d' ' -f1)"'"'
    ask --keyid @EAST --pubkeyrsa "$second"
    assert_output --partial 'has this public key already'
    document
    holds '[(x["id"], x["bits"]) for x in d["public_keys"]] == [("10.9.0.7", 2048), ("@east", 768)]'
    run ! grep -i 'cannot\|bad' "$dir/err"
}

@test "[W12] 10,000 connections: a fraction of a second for each status, and all are shown" {
    start
    loopback
    ask --listen
    describe 10000
    local before after
    before=$(cpu)
    document
    after=$(cpu)
    at_most $((after - before)) 2000 'ms of CPU for --status --json' # 200 are the aim
    holds 'len(d["connections"]) == 10000 and len(c) == 10000'
    before=$(cpu)
    run timeout 60 "$whack" --ctlbase "$base" --status
    after=$(cpu)
    assert_success
    at_most $((after - before)) 2000 'ms of CPU for --status'
    [ "$(grep -c 'unrouted' <<<"$output")" -eq 10000 ]
}

@test "[W12] [F22] thirty readers that do not read: little memory, and others are answered" {
    start
    loopback
    ask --listen
    describe 10000
    local before after
    before=$(memory)
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        my ($path, $out, $go) = @ARGV; my @c;
        for (1 .. 30) {
            my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "connect: $!";
            print $s "hello version=1 epoch=1 tool=whack\nwhack-status json=yes\n"; $s->flush; $s->shutdown(1); push @c, $s }
        $| = 1; print "asked\n"; select undef, undef, undef, 0.02 until -e $go;
        my $s = $c[7]; open my $f, ">", $out or die; # one of them reads after all
        while (<$s>) { next if $_ eq "done\n"; last if $_ eq "end\n"; s/^json // or die "not JSON: $_"; print $f $_ }
        close $f; print "read\n"; sleep 120' "$base.ctl" "$dir/json" "$dir/go" >"$dir/slow" 3>&- &
    local slow=$!
    within 10 grep -q asked "$dir/slow"
    sleep 1 # what they asked for is made for them meanwhile
    after=$(memory)
    at_most $((after - before)) 20000 'kB that 30 readers hold' # of 30 documents of 6.8 MB
    ask --debug-none
    assert_success
    : >"$dir/go"
    within 20 grep -q read "$dir/slow"
    run "$repo/tests/lib/status-valid" <"$dir/json"
    assert_success
    holds 'len(d["connections"]) == 10000'
    kill "$slow"
    wait "$slow" || :
    ask --status
    assert_success
}

@test "[W12] connections go while a slow reader is shown them: the document is whole" {
    start
    loopback
    ask --listen
    describe 2000
    # shellcheck disable=SC2016 # perl's variables
    perl -MIO::Socket::UNIX -e '
        my ($path, $out, $go) = @ARGV;
        my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "connect: $!";
        print $s "hello version=1 epoch=1 tool=whack\nwhack-status json=yes\n"; $s->flush; $s->shutdown(1);
        my $in = ""; vec($in, fileno $s, 1) = 1; select $in, undef, undef, undef; # it is being told
        $| = 1; print "asked\n"; select undef, undef, undef, 0.02 until -e $go; open my $f, ">", $out or die;
        while (<$s>) { next if $_ eq "done\n"; last if $_ eq "end\n"; s/^json // or die "not JSON: $_"; print $f $_ } close $f' \
        "$base.ctl" "$dir/json" "$dir/go" >"$dir/slow" 3>&- &
    local slow=$!
    within 10 grep -q asked "$dir/slow"
    printf -- '--delete --name c%d\n' {0..1999} | "$whack" --ctlbase "$base" --optionsfrom - >"$dir/deleted"
    : >"$dir/go"
    wait "$slow"
    run "$repo/tests/lib/status-valid" <"$dir/json"
    assert_success
    holds '0 < len(d["connections"]) < 2000 and d["states"] == []'
    document
    holds 'd["connections"] == []'
}
