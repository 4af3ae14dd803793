#!/usr/bin/env bats
# docs/hostile-input.md against the tests: what it names is there, and what is there it names.

bats_require_minimum_version 1.5.0
load lib/assert.bash

# Past failures whose tests the page lists.
numbers='1 2 3 4 5 6 7 8 9 10 11 12 14 15 16 17 18 21'

setup() {
    trace_less
    cd "$BATS_TEST_DIRNAME/.." || return 1
    page=docs/hostile-input.md
}

functions() {
    sed -nE 's/^static void (f[0-9]+_[a-z0-9_]+)\(void \*\*state\)$/\1/p' tests/unit/test_*.c | sort -u
}

named() {
    grep -oE "[\`]f[0-9]+_[a-z0-9_]+[\`]" "$page" | tr -d "\`" | sort -u
}

@test "every test that docs/hostile-input.md names is there, and run" {
    local name
    for name in $(named); do
        grep -qE "^static void $name\(" tests/unit/test_*.c || fail "no test $name"
        grep -qE "(cmocka_unit_test[a-z_]*|TEST)\($name" tests/unit/test_*.c || fail "$name is not run"
    done
    while IFS= read -r name; do
        grep -qF "@test $name" tests/*.bats tests/scenarios/*.bats || fail "no test $name"
    done < <(grep -oE '"\[?F[0-9]+[^"]*"' "$page")
}

@test "every test of a past failure is named in docs/hostile-input.md" {
    local number
    for number in $numbers; do
        comm -23 <(functions | grep "^f${number}_" || :) <(named) >"$BATS_TEST_TMPDIR/missing"
        run cat "$BATS_TEST_TMPDIR/missing"
        assert_output ''
        grep -qE "\*\*F$number " "$page" || fail "F$number is not on the page"
    done
}
