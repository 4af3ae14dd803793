# shellcheck shell=bash
# `secrets` in a folder of the test's own, for tests/secrets*.bats.

load lib/assert.bash
bats_require_minimum_version 1.5.0

# own_folder UMASK: where the test is; `secrets` is the one that was built
own_folder() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    PATH=${IPSEC_DIR:-$repo/secrets}:$PATH
    cd "$BATS_TEST_TMPDIR" || return 1
    umask "$1"
}
