#!/usr/bin/env bats
# docs/items.md against the tests: what it names is there and run, every item has a row, and no test that bears an
# item's number is missing. As tests/hostile.bats, which does so for past failures.

bats_require_minimum_version 1.5.0
load lib/assert.bash

items='P1 P2 P3 P4 P5 P6 P7 P8 P9 P10 W1 W2 W2a W3 W4 W5 W6 W7 W8 W8a W9 W10 W11 W12 W13 C1 C2 C3 R1 R2 R3 R4 R5 R6 E1'

setup() {
    trace_less
    cd "$BATS_TEST_DIRNAME/.." || return 1
    page=docs/items.md
    # The number of an item at the head of a test's name: [W2a], and as some files write it, W2a: or W4-W6:.
    number="(${items// /|})"
}

# All tests of bats, by name.
bats_tests() {
    sed -nE "s/^@test (['\"])(.*)\1 \{$/\2/p" tests/*.bats tests/scenarios/*.bats | sort
}

# What the page names: tests of bats; file.c:function
named_tests() {
    grep -oE '"[^"]+"' <(sed -n '/^|/p' "$page") | tr -d '"' | sort -u
}

named_functions() {
    grep -oE "[\`]test_[a-z0-9_]+\.c:[a-z0-9_]+[\`]" "$page" | tr -d "\`" | sort -u
}

@test "every test that docs/items.md names is there, and run" {
    local file name
    while IFS=: read -r file name; do
        grep -qE "^static void $name\(void \*\*state\)" "tests/unit/$file" || fail "no test $name in $file"
        grep -qE "(cmocka_unit_test[a-z_]*|TEST)\(${name}[,)]" "tests/unit/$file" || fail "$name is not run by $file"
    done < <(named_functions)
    bats_tests >"$BATS_TEST_TMPDIR/there"
    run comm -23 <(named_tests | grep -vxFf <(not_tests)) "$BATS_TEST_TMPDIR/there"
    assert_output ''
    [ "$(named_tests | wc -l)" -gt 150 ]
    [ "$(named_functions | wc -l)" -gt 80 ]
}

# Words in quotation marks in the rows that are no tests.
not_tests() {
    printf '%s\n' conn 'probably a wrong secret'
}

@test "every item has a section in docs/items.md, and in it rows, each with a test or with what it needs" {
    local item
    for item in $items; do
        grep -qE "^\*\*$item( |\*)" "$page" || fail "$item is not on the page"
    done
    run awk -v FS=' [|] ' '
        /^\*\*/ { if (item != "" && !rows) print item ": no row"; item = $0; rows = 0; next }
        /^\| (claim|code|-|[|])/ || /^\|-/ || !/^\|/ { next }
        { rows++ }
        $NF !~ /"|`test_/ && $NF !~ /\*\*needs\*\*|no whack waits|in its place|no state of ours/ { print item ": " $0 }
        END { if (!rows) print item ": no row" }' "$page"
    assert_output ''
}

@test "every test that bears an item's number is named in docs/items.md" {
    run comm -23 <(bats_tests | grep -E "\[$number\]|^$number(-W6)?: ") <(named_tests)
    assert_output ''
    run comm -23 <(grep -ohiE "^static void (${items// /|})(_[a-z0-9]+)+\(void \*\*state\)" tests/unit/test_*.c |
        sed -E 's/^static void //; s/\(.*//' | sort) <(named_functions | cut -d: -f2 | sort)
    assert_output ''
}

# codes: NUMBER MEANING of lib/reply.h, one a line
codes() {
    sed -nE 's/^ +CODE\([A-Z_]+, ([0-9]+), "(.*)"\).*/\1 \2/p' lib/reply.h
}

@test "each code of lib/reply.h, and each state, has a row in docs/items.md, with its meaning, and whack(8) shows it" {
    local code meaning
    while read -r code meaning; do
        code=$(printf %03d "$code")
        grep -qF "| $code | $meaning |" "$page" || fail "no row: | $code | $meaning |"
        grep -qE "^\.It ([0-9]{3}, )*$code(, [0-9]{3})* Ta " whack/whack.8 || fail "$code is not in whack(8)"
    done < <(codes)
    for code in {101..115}; do
        grep -qE "^\| ([0-9]{3} )*$code( [0-9]{3})* \|" "$page" || fail "$code has no row"
    done
    [ "$(codes | wc -l)" -gt 20 ]
}

@test "codes are written by their names of lib/reply.h" {
    run grep -nE '(keying_say\([^,]+, [^,]+|(keying_tell|keying_event_tell|keying_event_serious|say_and_log|ends_failed|exchange_failed|exchange_refused)\([^,]+, [^,]+|answer_refused\([^,]+, [^,]+, [^,]+), *[1-9]' \
        plutod/*.c ike-negotiate/*.c
    assert_output ''
}
