#!/usr/bin/env bats
# tests/run itself: what it counts and says of suites that pass, fail, crash, or fail only once.

bats_require_minimum_version 1.5.0
load lib/assert.bash

setup() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    dir=$BATS_TEST_TMPDIR
}

# suite NAME SCRIPT: a unit test's program
suite() {
    printf '#!/bin/sh\n%s\n' "$2" >"$dir/$1.t"
    chmod +x "$dir/$1.t"
}

# A suite that fails for the first time only.
unsteady() {
    suite "$1" "echo 1..2; echo ok 1 - whole; [ -e '$dir/$1.ran' ] && echo ok 2 - $1 || { >'$dir/$1.ran'; echo not ok 2 - $1; exit 1; }"
}

runs() {
    run env -u BATS_TEST_TIMEOUT "$repo/tests/run" "$@"
}

@test "run: what passes, fails, is skipped or crashes is counted, and what failed is said once more at the end" {
    suite good 'echo 1..2; echo ok 1 - one; echo "ok 2 - two # SKIP no reason"'
    suite bad 'echo 1..2; echo ok 1 - one; echo not ok 2 - "the bad one"; exit 1'
    suite crash 'echo 1..3; echo ok 1 - one; kill -SEGV $$'
    runs "$dir/good.t" "$dir/bad.t" "$dir/crash.t"
    assert_failure 1
    assert_line --index -1 '3 passed, 3 failed, 1 skipped'
    [ "$(grep -c 'not ok 2 - the bad one' <<<"$output")" -eq 2 ]
    assert_line '== what failed'
    refute_line --partial unsteady
}

@test "run: a suite that a signal ends while another one is counted is counted, too" {
    # Its death comes while run waits for awk, which counts the other one.
    printf '#!/bin/sh\n: >"%s/now"\nsleep 1\nexec %s "$@"\n' "$dir" "$(command -v awk)" >"$dir/awk"
    chmod +x "$dir/awk"
    suite good 'echo 1..1; echo ok 1 - one'
    suite crash "until [ -e '$dir/now' ]; do sleep 0.01; done; echo 1..1; echo ok 1 - one; kill -SEGV \$\$"
    PATH=$dir:$PATH runs --jobs 2 "$dir/good.t" "$dir/crash.t"
    assert_failure 1
    assert_line --index -1 '2 passed, 1 failed'
    assert_line --partial '(exit status 139)'
}

@test "run: a suite that failed is not run again, if that is not asked for" {
    unsteady once
    runs "$dir/once.t"
    assert_failure 1
    assert_line --index -1 '1 passed, 1 failed'
    refute_line --partial 'again'
}

@test "run --again: what passes alone has passed, and is told; what fails again has failed" {
    unsteady once
    suite bad 'echo 1..1; echo not ok 1 - "the bad one"; exit 1'
    runs --again "$dir/once.t"
    assert_success
    assert_line --index -1 '2 passed, 0 failed'
    assert_line '== unsteady: failed beside other suites, passed alone'
    assert_line --partial 'not ok 2 - once'
    refute_line '== what failed'

    rm "$dir/once.ran"
    runs --again "$dir/once.t" "$dir/bad.t"
    assert_failure 1
    assert_line --index -1 '2 passed, 1 failed'
    assert_line '== unsteady: failed beside other suites, passed alone'
    assert_line '== what failed'
}

@test "run --again: where many fail, it is no haste, and nothing is run again" {
    local i
    for i in 1 2 3 4; do
        unsteady "once$i"
    done
    runs --again "$dir"/once*.t
    assert_failure 1
    assert_line --index -1 '4 passed, 4 failed'
    refute_line --partial 'again, alone'
}
