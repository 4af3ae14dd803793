# shellcheck shell=bash
# whack in front of a stand-in for plutod (tests/lib/fake-plutod), for tests/whack*.bats.
# shellcheck disable=SC2034,SC2119,SC2120,SC2154 # used by the tests

load lib/assert.bash

setup() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    PATH=${IPSEC_DIR:-$repo/whack}:$PATH
    D=$BATS_TEST_TMPDIR
}

teardown() {
    [ -z "${fake-}" ] || kill "$fake" 2>/dev/null || true
}

# plutod_says [HOW] <<<LINES: the stand-in, for one whack. What it gets will be in $D/got.
plutod_says() {
    cat >"$D/say"
    rm -f "$D/pluto.ctl" "$D/ready" "$D/got"
    "$repo/tests/lib/fake-plutod" "$D/pluto.ctl" "$D/got" "$D/say" "${1-}" >"$D/ready" 2>&1 3>&- &
    fake=$!
    local i
    for ((i = 0; i < 600; i++)); do
        [ ! -s "$D/ready" ] || return 0
        sleep 0.05
    done
    fail 'the stand-in for plutod did not start'
}

tell() {
    whack --ctlbase "$D/pluto" "$@"
}

# got VERB...: the verbs of what was sent, hello included, in order.
got() {
    assert_equal "$(cut -d' ' -f1 "$D/got" | tr '\n' ' ')" "$* "
}

# understood COMMANDS: each line is a call of whack, which a stand-in for plutod gets; $commands counts them.
understood() {
    local command words
    commands=0
    while IFS= read -r command; do
        [ -n "$command" ] || continue
        plutod_says <<<''
        read -r -a words <<<"$command"
        assert_equal "${words[0]}" whack
        run tell "${words[@]:1}"
        assert_success
        [[ $(tail -n 1 "$D/got") == whack-* ]] || fail "$command: nothing was sent"
        commands=$((commands + 1))
    done
}

# Joins lines that end with a backslash.
joined() {
    sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}'
}

net=(--name net --psk --encrypt --host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24)
hosts=(--name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2)

# refused MESSAGE WORD...: on stderr, exit 1, and nobody is asked (there is no plutod).
refused() {
    local message=$1
    shift
    run --separate-stderr whack --ctlbase "$D/nobody" "$@"
    assert_equal "$status" 1
    assert_output ''
    # shellcheck disable=SC2154 # set by run
    [[ $stderr == "whack: $message"* ]] || fail "whack $* said: $stderr, not: whack: $message"
}

bats_require_minimum_version 1.5.0
