#!/usr/bin/env bats
# dnskey alone, as a user and as plutod runs it: against a real DNS server (nsd), and one that answers as badly as it can
# (programs/nameserver.c). Each test has a network and an /etc of its own.
# shellcheck disable=SC2016 # scripts that expand in there are in single quotes

load lib/assert.bash
load lib/nsd.bash
bats_require_minimum_version 1.5.0

setup() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    export dir=$BATS_TEST_TMPDIR
    PATH=${IPSEC_DIR:-$repo/dnskey}:${TOOLS_DIR:-$repo}/tests/programs:$PATH
    cd "$dir" || return 1
    # The search for leaks needs /proc, which the sandbox has not; the unit tests search.
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
    mkdir etc
    cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/ld.so.cache etc/
    printf '127.0.0.1 localhost\n' >etc/hosts
    printf 'nameserver 127.0.0.1\n' >etc/resolv.conf
}

note='built.*with.*AddressSanitizer' # what a tool of `make asan` says besides

# What the scripts of `world` begin with.
prelude='
    mount --bind "$dir/etc" /etc || exit 99
    server_on() { # ADDRESS: a bad server there; its pid in $server
        coproc server_out { exec nameserver "$1" "$dir/asked"; }
        server=$server_out_PID
        read -r word <&"${server_out[0]}" && [ "$word" = ready ] || exit 98
    }
    ask() { # the pipe to a dnskey that takes records
        coproc tool { exec dnskey 2>"$dir/said"; }
        tool_pid=$tool_PID
    }
    question() { # NAME: its answer
        printf "resolve id=1 host=%s\n" "$1" >&"${tool[1]}"
        local answer
        read -r -t 40 answer <&"${tool[0]}" && echo "$answer"
    }
'

# world [-n] SCRIPT: bash runs it in a network of its own, where /etc is $dir/etc. -n: without even a loopback.
world() {
    local up='ip link set lo up || exit 97'
    if [ "$1" = -n ]; then
        up=
        shift
    fi
    [ "$(id -u)" = 0 ] || skip 'needs root'
    run --separate-stderr timeout 150 unshare -nm bash -c "$up$prelude$1" 3>&-
    [ "$status" -lt 97 ] || [ "$status" = 100 ] || [ "$status" = 111 ] || fail "the test's own network: $status: $stderr"
    stderr=$(grep -v "$note" <<<"$stderr") || true
}

zone='$ORIGIN example.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
vpn A 192.0.2.7
vpn A 192.0.2.5
vpn AAAA 2001:db8::7
v4 A 192.0.2.4
v6 AAAA 2001:db8::6
alias CNAME vpn
mail MX 10 v4
_under_score A 192.0.2.9
*.wild A 192.0.2.10
big.big CNAME big
'

# The same world, with nsd that serves the zone.
real_world() {
    {
        echo "$zone"
        for i in {1..300}; do echo "big A 198.51.$((i / 250)).$((i % 250))"; done
    } >zone
    nsd_config "$dir" 127.0.0.1 >nsd.conf
    world '
        nsd -d -c "$dir/nsd.conf" 3>&- & nsd=$!
        for i in {1..1200}; do grep -qs "nsd started" "$dir/nsd.log" && break; sleep 0.05; done
        '"$1"'
        status=$?
        kill $nsd; wait $nsd
        exit $status'
}

@test "dnskey: --help and --version are on stdout, with exit status 0" {
    run --separate-stderr dnskey --help
    assert_success
    assert_line --index 0 --partial 'usage: dnskey NAME '
    assert_equal "$stderr" ''
    run --separate-stderr dnskey --version
    assert_success
    assert_output --regexp '^dnskey [0-9.]+$'
}

@test "dnskey: wrong options are named, with exit status 100" {
    local words
    for words in --nonsense -x --control-fd --control-fd=2 --control-fd=abc --control-fd= \
        --control-fd=99999999999999999999 '--control-fd=3 vpn.example' '-vpn.example'; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr dnskey $words
        assert_equal "$words: $status" "$words: 100"
        assert_equal "$output" ''
        [[ $stderr == *usage:* ]] || fail "$words: no usage on stderr"
    done
    run --separate-stderr dnskey --control-fd 77
    assert_failure 111
    [[ $stderr == *'--control-fd is no open descriptor'* ]]
}

@test "dnskey NAME...: addresses, a line each, of a real server; of several names each behind its own" {
    real_world 'dnskey vpn.example v4.example v6.example. alias.example VPN.Example _under_score.example a.b.wild.example'
    assert_success
    assert_output "$(printf '%s\n' 'vpn.example '{192.0.2.5,192.0.2.7,2001:db8::7} 'v4.example 192.0.2.4' \
        'v6.example. 2001:db8::6' 'alias.example '{192.0.2.5,192.0.2.7,2001:db8::7} \
        'VPN.Example '{192.0.2.5,192.0.2.7,2001:db8::7} '_under_score.example 192.0.2.9' 'a.b.wild.example 192.0.2.10')"
    assert_equal "$stderr" ''
    real_world 'dnskey vpn.example'
    assert_success
    assert_output "$(printf '%s\n' 192.0.2.5 192.0.2.7 2001:db8::7)"
}

@test "dnskey NAME...: what there is not is told, with exit status 1" {
    real_world 'dnskey gone.example vpn.example mail.example'
    assert_failure 1
    assert_output "$(printf 'vpn.example %s\n' 192.0.2.5 192.0.2.7 2001:db8::7)"
    assert_equal "$stderr" "$(printf '%s\n' 'dnskey: gone.example: there is no such name in DNS' \
        'dnskey: mail.example: has no address in DNS, neither A nor AAAA')"
}

@test "dnskey NAME...: a part of the answer is printed, and called one" {
    world 'server_on 127.0.0.1; dnskey half.test; s=$?; kill $server; exit $s'
    assert_success
    assert_output 10.9.9.9
    assert_equal "$stderr" 'dnskey: half.test: not all of its addresses: AAAA: no DNS server has answered yet'
}

@test "dnskey NAME...: of 300 addresses, which come by TCP, the first 16 in their order" {
    real_world 'dnskey big.big.example'
    assert_success
    assert_equal "${#lines[@]}" 16
    assert_equal "${lines[0]} ${lines[15]}" '198.51.0.1 198.51.0.16'
    [[ $stderr == *'big.big.example: 284 address records more than the 16 addresses that can be used'* ]] || fail "$stderr"
}

@test "dnskey: what is no name of a host is refused, and nobody is asked" {
    local name long
    long=$(printf '%064d' 0)
    for name in 10.0.0.1 ::1 10.1 0x7f.1 a..b .a 'a b' 'a/b' $'a\nb' $'\e[31m' "a.$long" "$(printf 'a%.0s' {1..300})" '' '*' a-; do
        world 'server_on 127.0.0.1; dnskey -- '"${name@Q}"'; s=$?; kill $server; cat "$dir/asked"; exit $s'
        assert_equal "$name: $status $output" "$name: 1 "
        [[ $stderr == 'dnskey: '* && $stderr != *$'\e'* ]] || fail "$name: $stderr"
    done
}

@test "dnskey: records on stdin, answers on stdout until all are there" {
    real_world "printf '%s\n' '# by hand' '' 'resolve id=1 host=vpn.example' 'resolve id=2 host=gone.example' |
        dnskey | sort"
    assert_success
    assert_output "$(printf '%s\n' 'fail id=2 re=resolve why=there%20is%20no%20such%20name%20in%20DNS' \
        'ok id=1 re=resolve addresses=192.0.2.5,192.0.2.7,2001:db8::7 ttl=300')"
    assert_equal "$stderr" ''
    real_world "echo 'resolve id=1 host=vpn.example' | dnskey >/dev/null"
    assert_success
    real_world "echo 'resolve id=1 host=gone.example' | dnskey"
    assert_failure 1
}

@test "dnskey: wrong records are answered bad, with exit status 1; the others are answered" {
    real_world "printf '%s\n' 'resolve id=1' 'resolve host=a' nonsense 'flush id=1' 'resolve id=2 host=v4.example' \
        'resolve id=3 host=a host=b' 'bad why=x' 'ok id=4 re=resolve addresses=10.0.0.1' | dnskey"
    assert_failure 1
    assert_equal "$(grep -c '^bad why=line%20[1-6]' <<<"$output")" 5
    assert_line 'ok id=2 re=resolve addresses=192.0.2.4 ttl=300'
    world "printf 'resolve id=1 host=lo' | dnskey"
    assert_failure 1
    [[ $stderr == *'within a record'* ]] || fail "$stderr"
}

@test "[D3] dnskey: whatever a server does, each request is answered once within 20 s" {
    local name names='good silent half slow-700 servfail refused formerr notimp nothere truncated-4000 tcpsilent tcpcut loop
        circle-0 chain-3 chain-40 other poison wrongid wrongname unusable mixed short garbage pointer rdata many
        good-2147483647 good-0'
    local id=0
    for name in $names; do
        echo "resolve id=$((++id)) host=$name.test"
    done >records
    world 'server_on 127.0.0.1
        begin=$SECONDS
        dnskey <"$dir/records" >"$dir/answers"
        s=$?
        ((SECONDS - begin <= 20)) && echo in time
        kill $server; exit $s'
    assert_failure 1
    assert_output 'in time'
    assert_equal "$(wc -l <answers)" "$(wc -l <records)"
    answer_of() {
        local id
        id=$(sed -nE "s/^resolve id=([0-9]+) host=$1[.]test\$/\1/p" records)
        grep -E "^(ok|fail) id=$id " answers
    }
    local n good='addresses=10.9.9.9,2001:db8::9'
    for n in good slow-700 chain-3 poison mixed good-2147483647 good-0; do
        assert_regex "$n: $(answer_of "$n")" "$n: ok .* $good ttl="
    done
    assert_regex "$(answer_of good-2147483647)" 'ttl=86400$'
    assert_regex "$(answer_of good-0)" 'ttl=0$'
    assert_regex "$(answer_of half)" '^ok .*addresses=10.9.9.9 ttl=30 why=AAAA:.* retry=2$'
    for n in silent servfail refused formerr notimp tcpsilent tcpcut loop circle-0 chain-40 wrongid wrongname short garbage; do
        assert_regex "$n: $(answer_of "$n")" "$n: fail .*asked:%20127.0.0.1 retry=15"
    done
    for n in nothere other unusable; do
        assert_regex "$n: $(answer_of "$n")" "$n: fail .*"
        refute_regex "$n: $(answer_of "$n")" retry=
    done
    assert_regex "$(answer_of unusable)" 'no%20address%20that%20can%20be%20used:.*no%20host.s%20own'
    assert_regex "$(answer_of truncated-4000)" 'addresses=10.10.0.1,10.10.0.2,.*,10.10.0.16 ttl='
    assert_regex "$(answer_of many)" 'addresses=10.10.0.1,10.10.0.2,.*,10.10.0.16 ttl='
    grep -q '^tcp truncated-4000.test' asked
}

@test "[D3] dnskey: answers by TCP are complete, also if the server ends each connection after one, or within one" {
    # Many at once, but not so many that a busy machine cannot have them answered in the time that dnskey has.
    local round n
    for round in {0..3}; do
        for n in {1..10}; do echo "resolve id=$n host=tcponce-20.n$round$n.test"; done
        for n in {101..103}; do echo "resolve id=$n host=tcpcut.n$round$n.test"; done
    done | split --lines 13 - records.
    world 'server_on 127.0.0.1; for part in "$dir"/records.*; do dnskey <"$part"; done >"$dir/answers"; kill $server'
    assert_equal "$(grep -c '^ok .* addresses=10.10.0.1,10.10.0.2,.*,10.10.0.16 ttl=' answers)" 40
    assert_equal "$(grep -c '^fail id=10[123] .* retry=15$' answers)" 12
    assert_equal "$(wc -l <answers)" 52
}

@test "dnskey: what a server says of names that it was not asked for does not count" {
    world 'server_on 127.0.0.1; ask
        question poison.test
        question victim.test
        kill $server'
    assert_line --index 0 --partial 'ok id=1 re=resolve addresses=10.9.9.9,'
    assert_line --index 1 --partial 'fail id=1'
}

@test "dnskey: no network, no server, no resolv.conf: said soon, or in time, with what was asked" {
    world -n 'dnskey vpn.example'
    assert_failure 1
    assert_output ''
    [[ $stderr == *'vpn.example: no DNS server '*'asked: 127.0.0.1'* ]] || fail "$stderr"
    world 'dnskey vpn.example' # nobody listens there
    assert_failure 1
    [[ $stderr == *'vpn.example: no DNS server '*'asked: 127.0.0.1'* ]] || fail "$stderr"
    rm etc/resolv.conf
    world 'server_on 127.0.0.1; dnskey good.test; kill $server' # resolv.conf(5): then it is this machine's
    assert_success
    assert_line 10.9.9.9
    ln -s nowhere etc/resolv.conf
    world 'server_on 127.0.0.1; dnskey good.test; kill $server'
    assert_success
    assert_equal "$stderr" ''
}

@test "dnskey: files that cannot be read are told, and the other one counts" {
    chmod 600 etc/resolv.conf
    printf '192.0.2.1 here\n' >etc/hosts
    world 'dnskey here'
    assert_success
    assert_output 192.0.2.1
    [[ $stderr == *'/etc/resolv.conf cannot be read, so that nothing of it counts: Permission denied'* ]] || fail "$stderr"
    rm etc/hosts
    mkfifo etc/hosts
    chmod 644 etc/resolv.conf
    world 'server_on 127.0.0.1; dnskey good.test; kill $server'
    assert_success
    [[ $stderr == *'/etc/hosts cannot be read'* ]] || fail "$stderr"
}

@test "dnskey: names are fully qualified: search and ndots are not used" {
    printf 'search test example\ndomain test\noptions ndots:9 rotate\nnameserver 127.0.0.1\n' >etc/resolv.conf
    world 'server_on 127.0.0.1; dnskey good nothere.a; kill $server; cut -d" " -f2 "$dir/asked" | sort -u'
    assert_line good
    assert_line nothere.a
    refute_output --partial .test
    refute_output --partial .example
}

@test "dnskey: /etc/hosts comes first, and nobody is asked" {
    printf '192.0.2.1 good.test other\n2001:db8::1 GOOD.test\n0.0.0.0 blocked.test\n' >>etc/hosts
    world 'server_on 127.0.0.1; dnskey good.test. Other localhost blocked.test; kill $server; cat "$dir/asked"'
    assert_output "$(printf '%s\n' 'good.test. 192.0.2.1' 'good.test. 2001:db8::1' 'Other 192.0.2.1' 'localhost 127.0.0.1')"
    [[ $stderr == *'blocked.test: has no address that can be used: 0.0.0.0 is the unspecified address'* ]] || fail "$stderr"
}

@test "dnskey: localhost, invalid and onion are none of DNS: nobody is asked" {
    : >etc/hosts
    world 'server_on 127.0.0.1; dnskey localhost good.LOCALHOST. good.invalid good.onion; kill $server; cat "$dir/asked"'
    assert_output "$(printf '%s\n' {localhost,good.LOCALHOST.}' '{127.0.0.1,::1})"
    assert_equal "$stderr" "$(printf 'dnskey: good.%s: there is no such name in DNS\n' invalid onion)"
}

@test "dnskey: servers with IPv6 only, and with link-local addresses" {
    printf 'nameserver ::1\n' >etc/resolv.conf
    world 'server_on ::1; dnskey good.test truncated-100.test; kill $server'
    assert_success
    assert_line 'good.test 2001:db8::9'
    printf 'nameserver fe80::53%%lo\n' >etc/resolv.conf
    world 'ip addr add fe80::53/64 dev lo nodad; server_on ::; dnskey good.test; kill $server'
    assert_success
    assert_line 2001:db8::9
    printf 'nameserver fe80::53%%nothing\nnameserver 127.0.0.1\n' >etc/resolv.conf
    world 'server_on 127.0.0.1; dnskey good.test; kill $server'
    assert_success
    [[ $stderr == *'/etc/resolv.conf:1: nameserver is not used: there is no such interface'* ]] || fail "$stderr"
}

@test "dnskey: the second server is asked where the first is silent" {
    printf 'nameserver 127.0.0.2\nnameserver 127.0.0.3\n' >etc/resolv.conf
    world 'server_on 127.0.0.3; dnskey good.test; s=$?; kill $server; exit $s'
    assert_success
    assert_line 10.9.9.9
}

@test "dnskey: resolv.conf and hosts that change count from the next request on" {
    printf 'nameserver 127.0.0.2\n' >etc/resolv.conf
    world 'server_on 127.0.0.1; ask
        question localhost
        echo "nameserver 127.0.0.1" >"$dir/etc/new"; mv "$dir/etc/new" "$dir/etc/resolv.conf"
        question good.test
        echo "192.0.2.1 good.test" >>"$dir/etc/hosts"
        question good.test
        printf "192.0.2.2 good.test\n" >"$dir/etc/new"; mv "$dir/etc/new" "$dir/etc/hosts"
        question good.test
        rm "$dir/etc/hosts"; ln -s elsewhere "$dir/etc/hosts"
        question good.test
        echo "192.0.2.3 good.test" >"$dir/etc/elsewhere"
        question good.test
        kill $server'
    assert_equal "${#lines[@]}" 6
    local i=0 address
    for address in 127.0.0.1 10.9.9.9,2001:db8::9 192.0.2.1 192.0.2.2 10.9.9.9,2001:db8::9 192.0.2.3; do
        assert_regex "${lines[i]}" "^ok id=1 re=resolve addresses=$address ttl="
        i=$((i + 1))
    done
    assert_equal "$(grep -v "$note" said)" ''
}

@test "dnskey: questions that are open when resolv.conf changes are asked of the new servers" {
    printf 'nameserver 127.0.0.2\n' >etc/resolv.conf
    world 'server_on 127.0.0.1; ask
        echo "resolve id=7 host=good.test" >&"${tool[1]}"
        sleep 1
        echo "nameserver 127.0.0.1" >"$dir/etc/resolv.conf"
        question localhost
        read -r -t 40 answer <&"${tool[0]}" && echo "$answer"
        kill $server'
    assert_line --partial 'ok id=7 re=resolve addresses=10.9.9.9,2001:db8::9 ttl='
}

@test "dnskey: while no server answers, what was known is used, though its time is over and the servers are others" {
    world 'server_on 127.0.0.1; ask
        question good-1.test
        kill $server; wait $server 2>/dev/null
        sleep 2.1
        question good-1.test
        echo "nameserver 127.0.0.9" >"$dir/etc/resolv.conf"
        question GOOD-1.test.
        question good-2.test
        server_on 127.0.0.9
        sleep 6
        question good-1.test
        question nothere.test
        kill $server'
    assert_equal "${#lines[@]}" 6
    assert_regex "${lines[0]}" '^ok .*addresses=10.9.9.9,2001:db8::9 ttl=1$'
    assert_regex "${lines[1]}" '^ok .*addresses=10.9.9.9,2001:db8::9 ttl=30$'
    assert_regex "${lines[2]}" '^ok .*addresses=10.9.9.9,2001:db8::9 ttl=30$'
    assert_regex "${lines[3]}" '^fail .*asked:%20127.0.0.9 retry=15$'
    assert_regex "${lines[4]}" '^ok .*addresses=10.9.9.9,2001:db8::9 ttl=1$'
    assert_regex "${lines[5]}" '^fail .*no%20such%20name'
    grep -q 'good-1.test: no DNS server answers; used is what DNS said' said
}

@test "dnskey: by hand a thousand names are all answered, though only 512 at a time are looked up" {
    for i in {1..1000}; do echo "resolve id=$i host=good.n$i.test"; done >records
    world 'server_on 127.0.0.1; dnskey <"$dir/records" >"$dir/answers"; s=$?
        dnskey $(sed "s/.*host=//" "$dir/records") >"$dir/addresses" || s=9
        kill $server; exit $s'
    assert_success
    assert_equal "$(grep -c '^ok .* addresses=10.9.9.9,2001:db8::9 ' answers)" 1000
    assert_equal "$(sed 's/.*\( id=[0-9]*\) .*/\1/' answers | sort -u | wc -l)" 1000
    run diff addresses <(for i in {1..1000}; do printf "good.n$i.test %s\n" 10.9.9.9 2001:db8::9; done)
    assert_output ''
}

# under_plutod SCRIPT: what plutod's end of the channel reads. In the perl script: say(TEXT), hear(): a line.
under_plutod() {
    cat >parent.pl <<'END'
use Socket; use IO::Handle; use Fcntl;
socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or die;
our $pid = fork;
if (!$pid) {
    fcntl($theirs, F_SETFD, 0);
    exec 'dnskey', '--control-fd', fileno($theirs) or die;
}
close $theirs;
$ours->autoflush(1); $| = 1;
sub say_to { print $ours @_ }
sub hear { my $line; do { $line = <$ours> } while (defined $line && $line =~ /built.*with.*AddressSanitizer/); print defined $line ? $line : "end\n" }
sub child { open(my $f, "/proc/$pid/task/$pid/children"); return <$f> + 0 }
sub show { my ($p) = @_; open(my $f, "/proc/$p/status"); print grep(/^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp):/, <$f>),
    "root: ", readlink("/proc/$p/root"), "\n" }
sub done { close $ours; waitpid($pid, 0); print "status ", $? >> 8, " ", $? & 127, "\n" }
hear();
END
    printf '%s\n' "$1" >>parent.pl
    world 'server_on 127.0.0.1; perl "$dir/parent.pl"; kill $server'
}

@test "[P9] dnskey under plutod: hello, answers, log and debug lines; ends with the channel" {
    under_plutod '
        say_to("hello version=1 epoch=1 tool=plutod worker=0\nresolve id=91 host=good.test\n"); hear();
        say_to("resolve id=92 host=mixed.test\n"); hear(); hear();
        say_to("debug classes=dns\nresolve id=93 host=good.test\n"); hear(); hear(); hear();
        done();'
    assert_line --index 0 'hello version=1 epoch=1 tool=dnskey worker=0'
    assert_line --index 1 --regexp '^ok id=91 re=resolve addresses=10.9.9.9,2001:db8::9 ttl=[0-9]+$'
    assert_line --index 2 --regexp '^log level=info text=mixed.test:%202%20of%20its%20addresses%20left%20out'
    assert_line --index 3 --regexp '^ok id=92 re=resolve addresses=10.9.9.9,2001:db8::9 ttl='
    assert_line --index 4 --regexp '^log level=debug text=.*asking%20for%20A%20and%20AAAA%20of%20good.test:%20127.0.0.1'
    assert_line --index 5 --regexp '^log level=debug text=.*good.test%20has%2010.9.9.9,2001:db8::9'
    assert_line --index 6 --regexp '^ok id=93 '
    assert_line --index 7 'status 0 0'
    assert_equal "$stderr" ''
}

@test "dnskey under plutod: what is no record of plutod's for it ends it" {
    local line
    for line in 'nonsense' 'flush id=1' 'resolve id=1' 'initiate exchange=1' 'ok id=1 re=resolve addresses=10.0.0.1'; do
        under_plutod "say_to(\"hello version=1 epoch=1 tool=plutod worker=0\\n$line\\n\"); hear(); done();"
        assert_line 'status 111 0'
        [[ $stderr == *"dnskey: plutod's channel: "* ]] || fail "$line: $stderr"
    done
}

@test "dnskey under plutod: the 513th request at once is refused, to be asked again" {
    under_plutod '
        say_to("hello version=1 epoch=1 tool=plutod worker=0\n");
        say_to(join("", map { "resolve id=$_ host=silent.n$_.test\n" } 1..513)); hear();
        say_to("resolve id=600 host=localhost\n"); hear(); done();'
    assert_line --index 1 'fail id=513 re=resolve why=too%20many%20names%20are%20being%20looked%20up retry=2'
    assert_line --index 2 --partial 'fail id=600 '
    assert_line --index 3 'status 0 0'
}

@test "dnskey under plutod: what waits for silent servers is in nobody's way when they answer again, and does not pile up" {
    under_plutod '
        sub data { open(my $f, "/proc/$pid/status"); return (map { /VmData:\s+(\d+)/ } <$f>)[0] }
        say_to("hello version=1 epoch=1 tool=plutod worker=0\n");
        say_to(join("", map { "resolve id=$_ host=silent.n$_.test\n" } 1..512)); hear() for 1..512;
        my $before = time; my $data = data();
        say_to(join("", map { "resolve id=$_ host=good.n$_.test\n" } 1..512)); hear() for 1..512;
        print "late\n" if time > $before + 10; print "more\n" if data() > 1.5 * $data; done();'
    assert_equal "$(grep -c '^fail id=.*retry=15$' <<<"$output")" 512
    assert_equal "$(grep -c '^ok id=.*addresses=10.9.9.9,2001:db8::9 ' <<<"$output")" 512
    refute_line late
    refute_line more
}

@test "dnskey under plutod: two processes, of one user, without a capability, with a filter; only one has files" {
    [ -z "${BUILD_DIR-}" ] || skip 'with AddressSanitizer there is no sandbox'
    under_plutod 'say_to("hello version=1 epoch=1 tool=plutod worker=0\nresolve id=1 host=good.test\n"); hear();
        show($pid); show(child()); done();'
    assert_equal "$(grep -cE '^Uid:\s60913\s60913\s60913\s60913$' <<<"$output")" 2
    assert_equal "$(grep -cE '^Gid:\s60913\s60913\s60913\s60913$' <<<"$output")" 2
    assert_equal "$(grep -cE '^Groups:\s*$' <<<"$output")" 2
    assert_equal "$(grep -cE '^Cap[A-Za-z]+:\s0+$' <<<"$output")" 10
    assert_equal "$(grep -cE '^NoNewPrivs:\s1$' <<<"$output")" 2
    assert_equal "$(grep -cE '^Seccomp:\s2$' <<<"$output")" 2
    assert_equal "$(grep -c '^root: /$' <<<"$output")" 1
    assert_equal "$(grep -cE '^root: /(run|tmp)/ipsec-empty-.* \(deleted\)$' <<<"$output")" 1
}

@test "dnskey under plutod: killed, its opener ends; without its opener, it ends" {
    under_plutod 'say_to("hello version=1 epoch=1 tool=plutod worker=0\nresolve id=1 host=good.test\n"); hear();
        my $child = child(); kill 9, $pid; waitpid($pid, 0);
        for (1..1000) { last if !-d "/proc/$child"; select(undef, undef, undef, 0.05) }
        print -d "/proc/$child" ? "there\n" : "gone\n"; hear();'
    assert_line --index 2 gone
    assert_line --index 3 end
    under_plutod 'say_to("hello version=1 epoch=1 tool=plutod worker=0\nresolve id=1 host=good.test\n"); hear();
        kill 9, child(); hear(); done();'
    assert_line --index 2 end
    assert_line --index 3 'status 111 0'
    [[ $stderr == *'dnskey: the process that opens /etc/resolv.conf and /etc/hosts is gone'* ]] || fail "$stderr"
}

@test "dnskey without root: the same answers, and what it lacks is said" {
    command -v setpriv >/dev/null || skip 'setpriv is missing'
    chmod 755 "$dir" "$dir/etc"
    printf '192.0.2.1 here\n' >>etc/hosts
    world 'tool=$(command -v dnskey); cp "$tool" /usr/bin/../../run/dnskey-$$ 2>/dev/null || exit 96
        chmod 755 /run/dnskey-$$
        server_on 127.0.0.1
        echo "resolve id=1 host=here" | setpriv --reuid 65534 --regid 65534 --clear-groups /run/dnskey-$$
        setpriv --reuid 65534 --regid 65534 --clear-groups /run/dnskey-$$ good.test
        s=$?; rm -f /run/dnskey-$$; kill $server; exit $s'
    assert_success
    assert_line 'ok id=1 re=resolve addresses=192.0.2.1 ttl=30'
    assert_line 10.9.9.9
    [[ $stderr == *'not started as root'* || -n ${BUILD_DIR-} ]] || fail "$stderr"
}

@test "dnskey: nobody takes the output, or there is no input: exit status 111" {
    world 'dnskey localhost >/dev/full'
    assert_failure 111
    world 'echo "resolve id=1 host=localhost" | dnskey >/dev/full'
    assert_failure 111
    world 'dnskey <&-'
    assert_failure 111
}

@test "dnskey: the examples of dnskey(8) work" {
    printf '192.0.2.1 vpn.example.org\n2001:db8::1 vpn.example.org\n' >>etc/hosts
    sed -n '/examples begin/,/examples end/p' "$repo/dnskey/dnskey.8" | sed -n '/^\.Bd/,/^\.Ed/p' |
        grep -v '^\.' | sed 's/\\e/\\/g' >script
    sed -i 's/gone.example.org/nothere.example.org/' script
    world 'server_on 127.0.0.1; . "$dir/script"; kill $server'
    assert_line --index 0 192.0.2.1
    assert_line --index 1 2001:db8::1
    assert_line 'ok id=1 re=resolve addresses=192.0.2.1,2001:db8::1 ttl=30'
    assert_line 'fail id=2 re=resolve why=there%20is%20no%20such%20name%20in%20DNS'
}
