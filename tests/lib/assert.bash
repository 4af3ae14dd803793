# shellcheck shell=bash
# assert.bash - what bats-support and bats-assert have, for all tests
#
# Their own load.bash starts two processes for each of their files, and bats loads a test's file anew for each test of it.

for assert_part in /usr/lib/bats/bats-support/src/*.bash /usr/lib/bats/bats-assert/src/*.bash; do
    # shellcheck source=/dev/null
    . "$assert_part"
done
unset assert_part
