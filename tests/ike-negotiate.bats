#!/usr/bin/env bats
# ike-negotiate by hand: options, two of them with each other over a real network, and the page's examples. No kernel with
# ESP is needed: what comes out is looked at, or given to `kernel-sa -n`.

load /usr/lib/bats/bats-support/load.bash
load /usr/lib/bats/bats-assert/load.bash
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
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    PATH=${IPSEC_DIR:-$repo/ike-negotiate:$repo/kernel-sa}:$PATH
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
    if [ -e made ]; then
        rm -f /etc/ipsec.secrets
    fi
}

# negotiate WORDS...: one waits, the other begins; here.out, here.err, there.out, there.err, and $status of both
negotiate() {
    ip netns exec "$there" timeout 20 ike-negotiate "$@" --listen --secretsfile ipsec.secrets >there.out 2>there.err &
    local waiting=$!
    sleep 0.5
    status=0
    ip netns exec "$here" timeout 20 ike-negotiate "$@" --initiate --secretsfile ipsec.secrets >here.out 2>here.err ||
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
$nets --initiate --rsasig|--rsasig: only plutod has public keys
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
    sleep 0.5
    # shellcheck disable=SC2086
    ip netns exec "$here" timeout 3 ike-negotiate $nets --initiate --secretsfile ipsec.secrets >here.out 2>here.err || true
    run cat here.err there.err
    assert_output --partial '10.9.0.1'
    assert_output --partial 'no preshared secret'
    chmod 644 ipsec.secrets
    # shellcheck disable=SC2086
    run --separate-stderr ip netns exec "$here" timeout 3 ike-negotiate $nets --initiate --secretsfile ipsec.secrets
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
    ip netns exec "$there" timeout 20 bash -c "ike-negotiate $nets --listen --show-keys --secretsfile ipsec.secrets <&- 2>&-" \
        >there.out 3>&- &
    local waiting=$!
    sleep 0.5
    ip netns exec "$here" timeout 20 bash -c "ike-negotiate $nets --initiate --show-keys --secretsfile ipsec.secrets <&- 2>&-" \
        >here.out 3>&- &
    local beginning=$!
    cut -d' ' -f1 <there.out >there.verbs
    status=0
    wait "$waiting" || status=$?
    wait "$beginning" || status=$?
    assert_equal "$status" 0
    assert_equal "$(tr '\n' ' ' <there.verbs)" 'permit sa-keys install activate '
    assert_equal "$(cut -d' ' -f1 here.out | tr '\n' ' ')" 'permit sa-keys install activate '
}

@test "the page's examples run as they stand" {
    [ "$(id -u)" = 0 ] || skip 'NOT ROOT: by hand cannot be tested'
    local commands example
    commands=$(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SECURITY/p' "$repo/ike-negotiate/ike-negotiate.8" |
        sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.' | sed 's/\\e$/\\/')
    assert [ "$(grep -c '^# ' <<<"$commands")" = 2 ]
    # Each is typed with a peer that waits; what would go to the kernel is only said.
    mkdir bin
    printf '#!/bin/sh\nexec %s -n\n' "$(command -v kernel-sa)" >bin/kernel-sa
    chmod 755 bin/kernel-sa
    # The examples read the default file: a mount of its own, for them alone.
    while IFS= read -r -d '#' example; do
        [ -n "${example// /}" ] || continue
        local words=${example#*ike-negotiate}
        words=${words%%|*}
        words=${words//\\/}
        words=${words//--initiate/--listen}
        # shellcheck disable=SC2086
        ip netns exec "$there" timeout 20 ike-negotiate ${words//$'\n'/ } --secretsfile ipsec.secrets >there.out \
            2>there.err &
        sleep 0.5
        run --separate-stderr ip netns exec "$here" unshare -m bash -c "
            [ -e /etc/ipsec.secrets ] || { touch made; : >/etc/ipsec.secrets; }
            mount --bind '$PWD/ipsec.secrets' /etc/ipsec.secrets || exit 99
            PATH=$PWD/bin:\$PATH; set -o pipefail; $example"
        assert_equal "$status: $stderr" "0: $stderr"
        [ -n "$output" ]
    done <<<"$commands#"
}
