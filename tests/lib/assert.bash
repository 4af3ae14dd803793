# shellcheck shell=bash
# assert.bash - what bats-support and bats-assert have, for all tests
#
# Their own load.bash starts two processes for each of their files, and bats loads a test's file anew for each test of it.

for assert_part in /usr/lib/bats/bats-support/src/*.bash /usr/lib/bats/bats-assert/src/*.bash; do
    # shellcheck source=/dev/null
    . "$assert_part"
done
unset assert_part

# trace_less: to be called by setup. bats notes the stack by a trap before each command of a test and of all that it calls, which
# costs more than most of these commands do, and twice as much time where the shell forks. From here on only the test's own commands
# have it; which command of which function failed, or was at work when the time was up, is noted when that happens.
trace_less() {
    set +T
    trap 'bats_error_trap; trace_stack' ERR
    [ -z "${BATS_TEST_TIMEOUT-}" ] || trap 'trace_stack; bats_timeout_trap' ABRT
}

# trace_stack: to be called by a trap: where it is. (bats shows the one or the other of these.)
trace_stack() {
    bats_capture_stack_trace
    # shellcheck disable=SC2034 # bats reads it
    BATS_DEBUG_LASTLAST_STACK_TRACE=("${BATS_DEBUG_LAST_STACK_TRACE[@]}")
}
