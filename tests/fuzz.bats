#!/usr/bin/env bats
# tests/fuzz/run, with programs in the place of the fuzz targets and of LLVM's: what it shows of a target that fails, and
# which lists of parsers it takes.

bats_require_minimum_version 1.5.0
load lib/assert.bash

setup() {
    trace_less
    cd "$BATS_TEST_DIRNAME/.." || return 1
    D=$BATS_TEST_TMPDIR
    export FUZZ_DIR=$D FUZZ_TIME=0
}

# target NAME: one that keeps its input as libFuzzer does, and says why only if it may.
target() {
    cat >"$D/fuzz_$1" <<'END'
#!/usr/bin/env bash
for word; do
    case $word in
    -artifact_prefix=*) prefix=${word#*=} ;;
    -max_total_time=*) time=yes ;;
    esac
done
if [ -z "${time-}" ]; then
    echo '-- host 1 says: the line before'
    echo 'fuzz: does not hold: a == b'
    exit 77
fi
printf 'in\nput' >"${prefix}crash-1"
echo 'INFO: not to be shown'
echo '==1== ERROR: libFuzzer: deadly signal'
echo "artifact_prefix='$prefix'; Test unit written to ${prefix}crash-1"
echo 'stat::number_of_executed_units: 1'
exit 77
END
    chmod +x "$D/fuzz_$1"
}

@test 'a target that fails: what it says, its input, and how to see it again' {
    target fake
    run tests/fuzz/run fake
    assert_failure
    assert_line --index 1 --partial 'not ok 1 - fake: exit status 77'
    assert_line --partial 'deadly signal'
    assert_line '-- host 1 says: the line before'
    assert_line 'fuzz: does not hold: a == b'
    assert_line "run again: $D/fuzz_fake $D/found/fake-crash-1"
    refute_line --partial 'INFO'
    # The line for elsewhere, in a folder of its own, brings the same input to the same program.
    local elsewhere
    elsewhere=$(sed -n 's/^elsewhere: //p' <<<"$output")
    mkdir "$D/elsewhere"
    cd "$D/elsewhere"
    run bash -c "$elsewhere"
    assert_failure 77
    assert_equal "$(cat input)" $'in\nput'
}

@test 'a target whose input alone does not fail: that is said' {
    target fake
    sed -i 's/^    exit 77/    exit 0/' "$D/fuzz_fake"
    run tests/fuzz/run fake
    assert_failure
    assert_line --partial 'found/fake-crash-1 alone does not fail'
}

# coverage ROW...: what run makes of a list with these rows; LLVM reports of lib/address.c half of the lines of one()
# and all of two(), and 95 % of those of lib/record.c.
coverage() {
    local name
    for name in tests/fuzz/fuzz_*.c; do
        name=${name##*/fuzz_}
        printf '#!/bin/sh\nexit 0\n' >"$D/fuzz_${name%.c}"
        chmod +x "$D/fuzz_${name%.c}"
    done
    printf '#!/bin/sh\nexit 0\n' >"$D/llvm-profdata"
    cat >"$D/llvm-cov" <<END
#!/bin/sh
cat <<'REPORT'
File '$PWD/lib/address.c':
Name                        Regions    Miss   Cover     Lines    Miss   Cover  Branches    Miss   Cover
address.c:one                     1       0 100.00%        20      10  50.00%         0       0   0.00%
two                               1       0 100.00%        80       0 100.00%         0       0   0.00%
TOTAL                             2       0 100.00%       100      10  90.00%         0       0   0.00%

File '$PWD/lib/record.c':
TOTAL                             2       0 100.00%       100       5  95.00%         0       0   0.00%
REPORT
END
    chmod +x "$D/llvm-profdata" "$D/llvm-cov"
    printf '%s\n' '# a list' "$@" >"$D/list"
    run env PATH="$D:$PATH" FUZZ_LIST="$D/list" tests/fuzz/run
}

@test 'coverage: what is listed and in no target fails, a function as well as a file' {
    coverage lib/address.c lib/record.c lib/nosuch.c
    assert_failure
    assert_line --partial 'but in no target: lib/nosuch.c'
    coverage 'lib/address.c two three' lib/record.c
    assert_failure
    assert_line --partial 'but in no target: lib/address.c:three'
}

@test 'coverage: what is reached too little fails, a function as well as a file' {
    coverage 'lib/address.c one' lib/record.c
    assert_failure
    assert_line 'less than 90 % of the lines: lib/address.c:one'
    coverage 'lib/address.c one two' lib/record.c
    refute_line --partial 'less than 90 %'
    assert_line --regexp 'lib/address.c:one,\.\.\. +100 lines, +10 not reached: +90\.0 %'
}

@test 'coverage: a file with a parser that is not listed fails' {
    coverage lib/record.c
    assert_failure
    assert_line --regexp 'has a parser, and is not in .*: .*lib/address.c'
}

@test 'coverage: every function and file that tests/fuzz/parsers names is there' {
    local file names name
    while read -r file names; do
        [ -e "$file" ] || fail "no $file"
        for name in $names; do
            grep -qE "^[a-z].*[ *]$name\(" "$file" || fail "no $name in $file"
        done
    done < <(grep -vE '^(#|$)' tests/fuzz/parsers)
}
