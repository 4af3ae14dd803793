#!/usr/bin/env bats
# Nothing that secrets does with secrets shows in its time: valgrind's memcheck, on tests/programs/constant_time, in which
# they are marked as undefined. docs/decisions/constant-time.md says what that covers, and what not.

bats_require_minimum_version 1.5.0
load lib/assert.bash

setup() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    page=$repo/docs/decisions/constant-time.md
    suppressions=$repo/tests/programs/libcrypto.supp
}

# memchecked CASE [OPTION...]: $status is 9 if a branch or an address depends on a secret, 0 if none does.
memchecked() {
    [ -z "${BUILD_DIR-}" ] || skip 'valgrind does not run what make asan built'
    run valgrind --quiet --leak-check=no --error-exitcode=9 --num-callers=40 "${@:2}" \
        "$repo/tests/programs/constant_time" "$1"
}

@test "a preshared secret, g^xy, SKEYIDs, HASHes and traffic keys decide no branch and no address" {
    memchecked psk
    assert_success
    assert_output ''
}

@test "an RSA key signs, and a signature is checked: nothing of ours depends on the key, and of OpenSSL what is known" {
    [ "$(uname -m)" = x86_64 ] || skip 'what is known of OpenSSL is known of its code for x86_64'
    memchecked signatures --suppressions="$suppressions"
    assert_success
    assert_output ''
}

@test "hex of keys is written and read without branches and tables" {
    memchecked records
    assert_success
    assert_output ''
}

@test "memcheck finds faults that are planted: a HASH compared by memcmp, a branch at a bit of the key, hex by a table" {
    memchecked memcmp
    assert_failure 9
    assert_output --partial hash_fits
    memchecked branch --suppressions="$suppressions"
    assert_failure 9
    memchecked table
    assert_failure 9
}

# Frames of OpenSSL only, down to where we call it; and each has its reason.
@test "only what lies in libcrypto is suppressed" {
    run awk '
        /^#/ { reason = 1; next }
        /^{/ { inside = 1; line = 0; last = ""; if (!reason) print "line " NR ": a suppression without a reason"; next }
        /^}/ { if (line < 4 || last !~ /fun:__wrap_EVP_PKEY_sign$/) print "line " NR ": not in EVP_PKEY_sign"
               inside = reason = 0; count++; next }
        inside { line++ }
        inside && line == 2 && !/Memcheck:(Cond|Value8)$/ { print "line " NR ": what is suppressed?" }
        inside && line > 3 && last !~ /(obj:\*\/libcrypto\.so\.3|fun:BN_[a-z_0-9]+)$/ { print "line " NR - 1 ": not in libcrypto" }
        inside && line > 2 { last = $0 }
        END { if (!count) print "nothing there" }' "$suppressions"
    assert_output ''
}

# All `memcmp(...)` of secrets and ike-negotiate, one a line.
compared() {
    (cd "$repo" && grep -ohE '(^|[^_[:alnum:]])memcmp\(([^()]|\([^()]*\))*\)' secrets/*.c ike-negotiate/*.c) |
        sed 's/^[^m]//' | sort
}

@test "no secret is compared by memcmp: docs/decisions/constant-time.md says of each one what it compares" {
    local text
    # none of them is written in a way that is not found here
    run bash -c "cd '$repo' && cat secrets/*.c ike-negotiate/*.c | grep -oE '(^|[^_[:alnum:]])memcmp\\(' | wc -l"
    assert_output "$(compared | wc -l)"
    while IFS= read -r text; do
        grep -qF -- "\`$text\`" "$page" ||
            fail "$text: is what it compares public? Then the page says so; if not, memeql_sec of nettle compares it"
    done < <(compared)
    # and the page speaks of none that there is not
    # shellcheck disable=SC2016 # of Markdown
    run comm -13 <(compared | uniq) <(grep -oE '`memcmp\([^`]*`' "$page" | tr -d '`' | sort -u)
    assert_output ''
    run grep -nE '\b(bcmp|strcmp|strncmp)\([^)]*(skeyid|psk|secret->bytes|g_xy|keymat)' "$repo"/secrets/*.c "$repo"/ike-negotiate/*.c
    assert_failure
}
