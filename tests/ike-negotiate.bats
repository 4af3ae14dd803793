#!/usr/bin/env bats
# ike-negotiate by hand: options, two of them with each other over a real network, and the page's examples. No kernel with
# ESP is needed: what comes out is looked at, or given to `kernel-sa -n`.

load lib/assert.bash
bats_require_minimum_version 1.5.0

setup_file() {
    # Two hosts with one wire between them, of this file only.
    export here=ike-a-$$ there=ike-b-$$
    [ "$(id -u)" = 0 ] || return 0
    ip -batch - <<END
netns add $here
netns add $there
link add ike-a netns $here type veth peer name ike-b netns $there
END
    ip -n "$here" -batch - <<END
addr add 10.9.0.1/24 dev ike-a
addr add 2001:db8:9::1/64 dev ike-a nodad
link set ike-a up
link set lo up
END
    ip -n "$there" -batch - <<END
addr add 10.9.0.2/24 dev ike-b
addr add 2001:db8:9::2/64 dev ike-b nodad
link set ike-b up
link set lo up
END
}

teardown_file() {
    [ "$(id -u)" = 0 ] || return 0
    ip netns del "$here"
    ip netns del "$there"
}

setup() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    PATH=${IPSEC_DIR:-$repo/ike-negotiate:$repo/kernel-sa:$repo/secrets}:$PATH
    # The search for leaks needs /proc, which the sandbox has not; the unit tests search.
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
    cd "$BATS_TEST_TMPDIR" || return 1
    umask 077
    echo ': PSK "tell nobody"' >ipsec.secrets
    nets='--psk --encrypt --tunnel --host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24'
}

teardown() {
    local pid
    for pid in $(jobs -p); do
        kill "$pid" 2>/dev/null || true
    done
}

# listening PID: until that one, there, takes messages, or is gone. One that begins before is heard only when it says all again.
listening() {
    local i
    for ((i = 0; i < 600; i++)); do
        ! ip netns exec "$there" cat /proc/net/udp /proc/net/udp6 | grep -q ':01F4 ' || break
        kill -0 "$1" 2>/dev/null || break
        sleep 0.05
    done
}

# negotiate WORDS...: one waits, the other begins; here.out, here.err, there.out, there.err, and $status of both
negotiate() {
    ip netns exec "$there" timeout 60 ike-negotiate "$@" --listen --secretsfile ipsec.secrets >there.out 2>there.err &
    local waiting=$!
    listening "$waiting"
    status=0
    ip netns exec "$here" timeout 60 ike-negotiate "$@" --initiate --secretsfile ipsec.secrets >here.out 2>here.err ||
        status=$?
    wait "$waiting" || status=$?
    cat here.err there.err
}

value() { # FILE VERB KEY
    sed -n "s/^$2 .*\\b$3=\\([^ ]*\\).*/\\1/p" "$1"
}

@test "help and version are on stdout" {
    run --separate-stderr ike-negotiate --help
    assert_success
    assert_output --partial 'ike-negotiate CONNECTION --initiate'
    # shellcheck disable=SC2154 # run sets it
    assert_equal "$stderr" ''
    run --separate-stderr ike-negotiate --version
    assert_success
    assert_output --regexp '^ike-negotiate [0-9]'
}

@test "wrong words end with 100, and the message names them" {
    local words
    while IFS='|' read -r words said; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr ike-negotiate $words
        assert_equal "$words: $status" "$words: 100"
        assert_equal "$output" ''
        [[ $stderr == *"$said"* ]] || fail "$words: $stderr"
    done <<END
--nonsense|nonsense
$nets|--initiate or --listen
$nets --initiate --listen|--initiate or --listen
--initiate --host 10.9.0.1|--host
$nets --initiate surplus|surplus
$nets --initiate --ike aes512|aes512
$nets --initiate --esp des-md5|des
${nets/--psk/--rsasig} --initiate|--rsasig: by hand it needs the peer's public key: --pubkeyrsa KEY
${nets/--psk/--rsasig} --initiate --pubkeyrsa 0x03|--pubkeyrsa 0x03:
${nets/--psk/--rsasig} --initiate --keyid @east|--keyid: goes with --pubkeyrsa
${nets/--psk/--rsasig} --initiate --keyid %any --pubkeyrsa 0x03|--keyid %any: not an identity
$nets --initiate --pubkeyrsa 0x03|--pubkeyrsa: goes with --rsasig
--control-fd x|--control-fd
--optionsfrom missing.file|missing.file
END
}

@test "neither end is ours: exit 1" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    run --separate-stderr ip netns exec "$here" ike-negotiate --psk --encrypt --host 10.77.0.1 --to --host 10.77.0.2 \
        --initiate --secretsfile ipsec.secrets
    assert_failure 1
    [[ $stderr == *'no --host'* ]]
}

# with_names HOSTS COMMAND...: with this /etc/hosts, where no server of DNS answers
with_names() {
    # shellcheck disable=SC2016 # for the shell inside
    unshare -m sh -c 'mount --bind "$1" /etc/hosts && mount --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"' sh "$1" resolv "${@:2}"
}

@test "[K1] [X1] names in ipsec.secrets by hand: looked up by dnskey beside us, before anything begins" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    printf '10.9.0.1 left.example.org\n10.9.0.7 right.example.org\n10.9.0.2 right.example.org\n' >hosts
    echo 'nameserver 127.0.0.1' >resolv
    chmod 644 hosts resolv
    printf '%s\n' 'left.example.org right.example.org : PSK "tell nobody"' 'right.example.org nobody.invalid : PSK "not used"' >ipsec.secrets
    local command=(timeout 60 ike-negotiate --psk --encrypt --tunnel --host 10.9.0.1 --to --host 10.9.0.2 --secretsfile ipsec.secrets)
    with_names hosts ip netns exec "$there" "${command[@]}" --listen >there.out 2>there.err &
    local waiting=$!
    listening "$waiting"
    run --separate-stderr with_names hosts ip netns exec "$here" "${command[@]}" --initiate
    [ "$status" -eq 0 ] || fail "$stderr"
    [[ $stderr == *'ipsec.secrets:2: nobody.invalid cannot be looked up: '* ]] || fail "$stderr"
    assert_output --partial 'sa-keys '
    wait "$waiting"
    sed -i 1d ipsec.secrets
    run with_names hosts ip netns exec "$here" "${command[@]}" --initiate
    assert_failure 1
    assert_output --partial 'ipsec.secrets holds no secret that can be used: nothing is negotiated'
}

@test "[X1] two by hand agree on keys, and show them only when told" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    # shellcheck disable=SC2086 # several words
    negotiate $nets --pfs --ike aes256-sha2_256-modp2048 --esp aes256-sha2_256 --show-keys
    assert_equal "$status" 0
    assert_equal "$(cut -d' ' -f1 here.out | tr '\n' ' ')" 'permit sa-keys install activate '
    assert_equal "$(cut -d' ' -f1 there.out | tr '\n' ' ')" 'permit sa-keys install activate '
    local key
    for key in key auth spi; do
        assert [ -n "$(value here.out sa-keys $key-in)" ]
        assert_equal "$(value here.out sa-keys $key-in)" "$(value there.out sa-keys $key-out)"
        assert_equal "$(value here.out sa-keys $key-out)" "$(value there.out sa-keys $key-in)"
    done
    # kernel-sa understands both sides' records
    run --separate-stderr kernel-sa -n <here.out
    assert_success
    run --separate-stderr kernel-sa -n <there.out
    assert_success

    # shellcheck disable=SC2086
    negotiate $nets
    assert_equal "$status" 0
    run cat here.out
    assert_output --partial 'key-in=<36 bytes>'
    refute_output --regexp 'key-in=[0-9a-f]'
}

# two_keys: west.pem and east.pem, the secrets files here.secrets and there.secrets with one each, and the public halves
# as west.key and east.key, words for --optionsfrom.
two_keys() {
    local who
    for who in west east; do
        secrets --generate rsa 2048 --out "$who.pem"
        secrets --show "./$who.pem" --as whack >"$who.key"
    done
    echo ": RSA $PWD/west.pem" >here.secrets
    echo ": RSA $PWD/east.pem" >there.secrets
}

# sign HERE THERE WORDS...: as negotiate, each with a secrets file and the other's key: HERE and THERE are more words.
sign() {
    local mine=$1 his=$2
    shift 2
    # shellcheck disable=SC2086 # several words
    ip netns exec "$there" timeout 60 ike-negotiate "$@" $his --listen --secretsfile there.secrets >there.out 2>there.err &
    local waiting=$!
    listening "$waiting"
    status=0
    # shellcheck disable=SC2086
    ip netns exec "$here" timeout 60 ike-negotiate "$@" $mine --initiate --secretsfile here.secrets >here.out 2>here.err ||
        status=$?
    [ "$status" = 0 ] || kill "$waiting"
    wait "$waiting" || true
    cat here.err there.err
}

@test "[X1] two by hand with RSA signatures: a tunnel; with a wrong key, or without one, none" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    local ids='--host 10.9.0.1 --id @west --to --host 10.9.0.2 --id @east'
    two_keys
    # shellcheck disable=SC2086 # several words
    sign '--optionsfrom east.key' '--optionsfrom west.key' --rsasig --encrypt $ids --show-keys
    assert_equal "$status" 0
    assert_equal "$(cut -d' ' -f1 here.out | tr '\n' ' ')" 'permit sa-keys install activate '
    assert_equal "$(value here.out sa-keys key-in)" "$(value there.out sa-keys key-out)"
    # whose key it is may be said, too, and of whom nobody knows yet
    # shellcheck disable=SC2086
    sign '--keyid @east --optionsfrom east.key' '--keyid @west --optionsfrom west.key' --rsasig --encrypt $ids
    assert_equal "$status" 0
    # the peer signs with another key than was said
    # shellcheck disable=SC2086
    run sign '--optionsfrom west.key' '--optionsfrom west.key' --rsasig --encrypt $ids
    assert_output --partial 'SIG_R of "@east" for "@west" was made by none of the 1 public keys'
    # we do
    # shellcheck disable=SC2086
    run sign '--optionsfrom east.key' '--optionsfrom east.key' --rsasig --encrypt $ids
    assert_output --partial 'SIG_I of "@west" for "@east" was made by none of the 1 public keys'
    # somebody else's
    # shellcheck disable=SC2086
    run ip netns exec "$here" timeout 60 ike-negotiate --rsasig --encrypt $ids --keyid @north --optionsfrom east.key \
        --initiate --secretsfile here.secrets
    assert_failure 1
    assert_output --partial '--keyid @north: the peer of this connection is @east'
    # no private key
    # shellcheck disable=SC2086
    run ip netns exec "$here" timeout 60 ike-negotiate --rsasig --encrypt $ids --optionsfrom east.key --initiate \
        --secretsfile ipsec.secrets
    assert_failure 1
    assert_output --partial 'no private RSA key for "@west"'
}

@test "[X1] by hand: a peer behind %any who signs, known by his key or also by his identity" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    local owner
    two_keys
    for owner in '' '--keyid @west' '--keyid @north'; do
        # shellcheck disable=SC2086 # several words
        ip netns exec "$there" timeout 60 ike-negotiate --rsasig --encrypt --host 10.9.0.2 --id @east --nexthop %direct \
            $owner --optionsfrom west.key --listen --secretsfile there.secrets --to --host %any >there.out 2>there.err &
        local waiting=$!
        listening "$waiting"
        status=0
        ip netns exec "$here" timeout 60 ike-negotiate --rsasig --encrypt --host 10.9.0.1 --id @west --to --host 10.9.0.2 \
            --id @east --optionsfrom east.key --initiate --secretsfile here.secrets >here.out 2>here.err || status=$?
        [ "$status" = 0 ] || kill "$waiting"
        wait "$waiting" || true
        [ "$owner" != '--keyid @north' ] || break
        assert_equal "$owner: $status" "$owner: 0"
    done
    assert_equal "$status" 1
    run cat there.err
    assert_output --partial 'no public key of "@west"'
}

@test "[W2a] by hand, --psk --rsasig: signatures where there are keys, else the secret, whoever lacks them" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    local ids='--host 10.9.0.1 --id @west --to --host 10.9.0.2 --id @east' who
    two_keys
    for who in here there; do
        cp "$who.secrets" "$who.key"
        cat ipsec.secrets >>"$who.secrets"
    done
    # shellcheck disable=SC2086 # several words
    sign '--optionsfrom east.key' '--optionsfrom west.key' --psk --rsasig --encrypt $ids
    assert_equal "$status" 0
    run cat here.err there.err
    refute_output --partial 'without --psk'
    refute_output --partial 'without --rsasig'
    for who in here there; do
        cp ipsec.secrets "$who.secrets" # the one who waits keeps his key, then neither has one
        # shellcheck disable=SC2086
        sign '--optionsfrom east.key' '--optionsfrom west.key' --psk --rsasig --encrypt $ids
        assert_equal "$status" 0
        run cat "$who.err"
        assert_output --partial 'without --rsasig: no private RSA key for'
    done
    # nor a public one; and without the secret, there is only the key
    # shellcheck disable=SC2086
    sign '' '' --psk --rsasig --encrypt $ids
    assert_equal "$status" 0
    run cat here.err
    assert_output --partial 'without --rsasig: there is no public key of the peer (--pubkeyrsa)'
    cp here.key here.secrets
    cat there.key >>there.secrets
    # shellcheck disable=SC2086
    sign '--optionsfrom east.key' '--optionsfrom west.key' --psk --rsasig --encrypt $ids
    assert_equal "$status" 0
    run cat here.err
    assert_output --partial 'without --psk: no preshared secret for'
}

@test "[X4] two by hand over IPv6, in transport mode" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    negotiate --psk --encrypt --ipv6 --host 2001:db8:9::1 --to --host 2001:db8:9::2 --ike aes128-sha1-modp1536 --esp 3des-md5
    assert_equal "$status" 0
    assert_equal "$(value here.out install mode)" transport
    assert_equal "$(value here.out install our-client)" 2001:db8:9::1/128
}

@test "an unreadable secrets file, and no secret for the peer: both are named" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    echo '10.9.0.1 10.9.0.7 : PSK "of another"' >ipsec.secrets
    # shellcheck disable=SC2086
    ip netns exec "$there" timeout 6 ike-negotiate $nets --listen --secretsfile ipsec.secrets >there.out 2>there.err &
    listening $!
    # shellcheck disable=SC2086
    ip netns exec "$here" timeout 60 ike-negotiate $nets --initiate --secretsfile ipsec.secrets >here.out 2>here.err || true
    run cat here.err there.err
    assert_output --partial '10.9.0.1'
    assert_output --partial 'no preshared secret'
    chmod 644 ipsec.secrets
    # shellcheck disable=SC2086
    run --separate-stderr ip netns exec "$here" timeout 60 ike-negotiate $nets --initiate --secretsfile ipsec.secrets
    [[ $stderr == *'chmod 600'* ]] || fail "$stderr"
    # nothing was sent: without a secret there is nothing to negotiate
    assert_failure 1
    [[ $stderr != *MAIN_I1* ]] || fail "$stderr"
}

@test "a standard descriptor that is closed is named, or not needed; what cannot be written is told" {
    local words
    for words in --help --version "$nets --initiate --show-keys"; do
        run timeout 10 bash -c "ike-negotiate $words >&-"
        assert_equal "$words: $status" "$words: 111"
        assert_output --partial 'ike-negotiate: stdout is closed: '
    done
    for words in --help --version; do
        run timeout 10 bash -c "ike-negotiate $words >/dev/full"
        assert_equal "$words: $status" "$words: 111"
        assert_output --partial 'ike-negotiate: cannot write to stdout: No space left on device'
    done
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    # Neither stdin nor stderr is needed.
    mkfifo there.out
    cut -d' ' -f1 <there.out >there.verbs 3>&- &
    local reading=$!
    ip netns exec "$there" timeout 60 bash -c "ike-negotiate $nets --listen --show-keys --secretsfile ipsec.secrets <&- 2>&-" \
        >there.out 3>&- &
    local waiting=$!
    listening "$waiting"
    status=0
    ip netns exec "$here" timeout 60 bash -c "ike-negotiate $nets --initiate --show-keys --secretsfile ipsec.secrets <&- 2>&-" \
        >here.out 3>&- || status=$?
    wait "$waiting" || status=$?
    wait "$reading"
    assert_equal "$status" 0
    assert_equal "$(tr '\n' ' ' <there.verbs)" 'permit sa-keys install activate '
    assert_equal "$(cut -d' ' -f1 here.out | tr '\n' ' ')" 'permit sa-keys install activate '
}

@test "the page's examples run as they stand" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    local commands example
    commands=$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SECURITY/p' "$repo/ike-negotiate/ike-negotiate.8" |
        sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' | sed 's/\\e$/\\/')
    assert [ "$(grep -c '^# ' <<<"$commands")" = 3 ]
    two_keys
    cat here.secrets >>ipsec.secrets
    echo ': PSK "tell nobody"' >>there.secrets
    # Each is typed with a peer that waits; what would go to the kernel is only said.
    mkdir bin
    printf '#!/bin/sh\nexec %s -n\n' "$(command -v kernel-sa)" >bin/kernel-sa
    chmod 755 bin/kernel-sa
    # The examples read the default file: an /etc for them alone.
    mkdir etc
    cp /etc/passwd /etc/group /etc/nsswitch.conf /etc/hosts /etc/ld.so.cache ipsec.secrets etc/
    while IFS= read -r -d '#' example; do
        [ -n "${example// /}" ] || continue
        local words=${example#*ike-negotiate}
        words=${words%%|*}
        words=${words//\\/}
        words=${words//--initiate/--listen}
        words=${words//east.key/west.key}
        # shellcheck disable=SC2086
        ip netns exec "$there" timeout 60 ike-negotiate ${words//$'\n'/ } --secretsfile there.secrets >there.out \
            2>there.err &
        local waiting=$!
        listening "$waiting"
        run --separate-stderr ip netns exec "$here" unshare -m bash -c "
            mount --bind '$PWD/etc' /etc || exit 99
            PATH=$PWD/bin:\$PATH; set -o pipefail; $example"
        assert_equal "$status: $stderr" "0: $stderr"
        [ -n "$output" ]
        wait "$waiting"
    done <<<"$commands#"
}
