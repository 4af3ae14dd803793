#!/usr/bin/env bats
# kernel-sa alone, without touching a kernel: options, and what it makes of records in a dry run. Packets through what it
# installs are in scenarios/kernel-sa.bats.

load lib/assert.bash
bats_require_minimum_version 1.5.0

setup() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    cd "$BATS_TEST_TMPDIR" || return 1
    PATH=${IPSEC_DIR:-$repo/kernel-sa}:$PATH
    # The search for leaks needs /proc, which the sandbox has not; the unit tests search.
    export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
    hosts='our-host=10.9.0.1 peer-host=10.9.0.2 our-client=10.1.0.0/24 peer-client=10.2.0.0/24'
    key=000102030405060708090a0b0c0d0e0f10111213
    permit="permit exchange=1 connection=net $hosts esp=aes128gcm16 modes=tunnel life=3600 reqid=1 policies=yes"
    keys="sa-keys id=1 exchange=1 protocol=esp proposal=aes128gcm16 spi-in=00001000 spi-out=00001001"
    keys="$keys key-in=$key key-out=$key"
    install="install id=2 exchange=1 protocol=esp proposal=aes128gcm16 mode=tunnel spi-in=00001000 spi-out=00001001"
    install="$install $hosts life=3600 activate=yes"
}

# dry LINE...: a dry run of these records.
dry() {
    run --separate-stderr kernel-sa -n < <(printf '%s\n' "$@")
}

@test "kernel-sa: --help and --version are on stdout, with exit status 0" {
    run --separate-stderr kernel-sa --help
    assert_success
    assert_output --partial 'usage: kernel-sa'
    assert_equal "$stderr" ''
    run --separate-stderr kernel-sa --version
    assert_success
    assert_output --regexp '^kernel-sa [0-9.]+$'
}

@test "kernel-sa: wrong options are named, with exit status 100" {
    local words
    for words in --nonsense -x 'a file' '--control-fd' '--control-fd=2' '--control-fd=abc' '--control-fd=' \
        '--control-fd=99999999999999999999' '--list --dry-run' '--list --control-fd=3'; do
        # shellcheck disable=SC2086 # several words
        run --separate-stderr kernel-sa $words
        assert_equal "$words: $status" "$words: 100"
        assert_equal "$output" ''
        [[ $stderr == *usage:* ]] || fail "$words: no usage on stderr"
    done
}

@test "kernel-sa: a descriptor that is not open is a system failure" {
    [ "$(id -u)" = 0 ] || skip 'needs root'
    run --separate-stderr kernel-sa --control-fd 77
    assert_failure 111
    [ -n "$stderr" ]
}

@test "kernel-sa: redacted keys are recognised, and it is said what helps" {
    dry "$permit" "${keys//$key/<20 bytes>}" "$install"
    assert_failure 1
    [[ $stderr == *'field key-in'*redacted*'ike-negotiate'*--show-keys* ]] || fail "$stderr"
    dry "$permit" "${keys/spi-in=00001000/spi-in=<4 bytes>}" "$install"
    [[ $stderr != *redacted* ]] || fail "$stderr"
}

@test "kernel-sa -n: one line for each SA and policy, and no key" {
    dry "$permit" "$keys" "$install"
    assert_success
    assert_equal "${#lines[@]}" 5
    assert_line --index 0 'add inbound SA esp 0x00001000 10.9.0.2 => 10.9.0.1, tunnel, aes128gcm16, key <20 bytes>, reqid 1, replay window 32, life 3600 s'
    assert_line --index 1 --partial 'add policy in 10.2.0.0/24 => 10.1.0.0/24: ipsec tunnel 10.9.0.2 => 10.9.0.1, reqid 1'
    assert_line --index 2 --partial 'add policy fwd 10.2.0.0/24 => 10.1.0.0/24'
    assert_line --index 3 --partial 'add outbound SA esp 0x00001001 10.9.0.1 => 10.9.0.2'
    assert_line --index 4 --partial 'add policy out 10.1.0.0/24 => 10.2.0.0/24'
    refute_output --partial 0405
    assert_equal "$stderr" ''
}

@test "kernel-sa -n: the same in any order, with comments and empty lines" {
    dry '# by hand' '' "$install" "$keys" "$permit"
    assert_success
    assert_equal "${#lines[@]}" 5
    dry "$keys" "$permit" "$install"
    assert_success
    assert_equal "${#lines[@]}" 5
}

@test "kernel-sa -n: activate, delete, policies and flush" {
    dry "$permit" "$keys" "${install/activate=yes/activate=no}" 'activate id=3 exchange=1' \
        'delete-kernel-sa id=4 exchange=1 policies=yes' "policy id=5 action=add kind=trap $hosts reqid=1" \
        'policy id=6 action=delete kind=trap our-client=10.1.0.0/24 peer-client=10.2.0.0/24 reqid=1' 'flush id=7'
    assert_success
    assert_line 'delete outbound SA esp 0x00001001 10.9.0.1 => 10.9.0.2'
    assert_line 'delete policy fwd 10.2.0.0/24 => 10.1.0.0/24'
    assert_line --index 10 --partial 'add policy out'
    assert_line --index 11 --partial 'delete policy out'
    assert_line --index 12 'read all SAs and policies'
}

@test "kernel-sa -n: another life for SAs that are there, and never beyond the permit" {
    dry "$permit" "$keys" "$install" 'update-kernel-sa id=3 exchange=1 life=600'
    assert_success
    assert_line --index 5 'change inbound SA esp 0x00001000 10.9.0.2 => 10.9.0.1: life 600 s'
    assert_line --index 6 'change outbound SA esp 0x00001001 10.9.0.1 => 10.9.0.2: life 600 s'
    assert_equal "${#lines[@]}" 7
    dry "$permit" "$keys" "$install" 'update-kernel-sa id=3 exchange=1 life=3601'
    assert_failure 1
    assert_equal "${#lines[@]}" 5
    [[ $stderr == *'life is 3601 in the update, but the permit says at most 3600'* ]] || fail "$stderr"
}

@test "kernel-sa -n: what disagrees is refused with the field and both values" {
    dry "$permit" "$keys" "${install/peer-client=10.2/peer-client=10.3}"
    assert_failure 1
    assert_output ''
    [[ $stderr == *'peer-client is 10.3.0.0/24 in the install request, but the permit says 10.2.0.0/24'* ]]
    dry "$permit" "$keys" "${install/spi-out=00001001/spi-out=00001002}"
    assert_failure 1
    [[ $stderr == *'spi-out is 00001002 in the install request, but'*'says 00001001'* ]]
    dry "$permit" "${keys/$key/${key}00}" "$install"
    assert_failure 1
    [[ $stderr == *'a key is not as long as its algorithm wants'* ]]
    [[ $stderr != *0405* ]]
}

@test "kernel-sa: wrong records are named by line and field; the others count" {
    dry "$permit" 'nonsense' 'install id=1' "${keys/key-in=/key-in=x}" "$keys colour=red" 'hello version=9 epoch=1 tool=whack' \
        "$keys" "$install"
    assert_failure 1
    assert_equal "${#lines[@]}" 5
    [[ $stderr == *'line 2: record: unknown verb'* ]]
    [[ $stderr == *'line 3: install: field '*' is missing'* ]]
    [[ $stderr == *'line 4: sa-keys: field key-in: '* ]]
    [[ $stderr == *'line 5: sa-keys: '*'unknown field'* ]]
    [[ $stderr != *0405* ]]
}

@test "kernel-sa: input that ends too early is told, with what is missing" {
    dry "$permit" "$keys"
    assert_failure 1
    [[ $stderr == *'exchange 1: nothing asks for it'* ]]
    dry "$permit" "$keys" "${install/activate=yes/activate=no}"
    assert_failure 1
    [[ $stderr == *'never activated'* ]]
    run --separate-stderr kernel-sa -n < <(printf 'flush id=1')
    assert_failure 1
    [[ $stderr == *'within a record'* ]]
}

@test "kernel-sa: rubbish, and a line of a megabyte, end with status 1 and nothing done" {
    run --separate-stderr kernel-sa -n < <(head -c 20000 /dev/urandom)
    assert_failure 1
    assert_output ''
    run --separate-stderr kernel-sa -n < <(head -c 1000000 /dev/zero | tr '\0' a; echo; echo "$permit"; echo "$keys"; echo "$install")
    assert_failure 1
    assert_equal "${#lines[@]}" 5
    [[ $stderr == *'longer than 4096 bytes'* ]]
}

@test "kernel-sa: without privilege it says what it needs" {
    [ "$(id -u)" = 0 ] || skip 'needs root to give it up'
    run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --inh-caps=-all \
        kernel-sa --list
    assert_failure 111
    [[ $stderr == *CAP_NET_ADMIN* || $stderr == *'modprobe xfrm_user'* ]]
}

@test "kernel-sa: a standard descriptor that is closed is named, or not needed" {
    [ "$(id -u)" = 0 ] || skip 'needs root'
    printf '%s\n' "$permit" "$keys" "$install" >records
    run --separate-stderr timeout 10 bash -c 'kernel-sa <&-'
    assert_equal "$status $stderr" "111 $(closed stdin 'records are read from it')"
    run --separate-stderr timeout 10 bash -c 'kernel-sa -n <&-'
    assert_equal "$status $stderr" "111 $(closed stdin 'records are read from it')"
    run --separate-stderr timeout 10 bash -c 'kernel-sa -n <records >&-'
    assert_equal "$status $stderr" "111 $(closed stdout 'answers go there')"
    run --separate-stderr timeout 10 bash -c 'kernel-sa --list <&- >&-'
    assert_equal "$status $stderr" "111 $(closed stdout 'answers go there')"
    run --separate-stderr timeout 10 bash -c 'kernel-sa --help >&-'
    assert_equal "$status $stderr" "111 $(closed stdout 'answers go there')"
    run timeout 10 bash -c 'kernel-sa -n <records 2>&-'
    assert_success
    assert_equal "${#lines[@]}" 5
}

# closed WHICH WHY: the message.
closed() {
    printf 'kernel-sa: %s is closed: %s; give it a file or a pipe, or %s/dev/null' "$1" "$2" "$([ "$1" = stdin ] && echo '<' || echo '>')"
}

@test "kernel-sa: what cannot be written is told, with status 111" {
    printf '%s\n' "$permit" "$keys" "$install" >records
    local words
    for words in --help --version -n; do
        run bash -c "kernel-sa $words <records >/dev/full"
        assert_equal "$words $status" "$words 111"
        assert_output --partial 'cannot write to stdout: No space left on device'
    done
    [ "$(id -u)" = 0 ] || skip 'needs root'
    run bash -c "kernel-sa <<<'sample id=1 exchange=1' >/dev/full"
    assert_equal "$status" 111
    assert_output --partial 'cannot write to stdout: No space left on device'
}
