#!/usr/bin/env bats
# F21: the kernel has more to tell than kernel-sa's socket holds.

load ../lib/scenario.bash

# strangers_expire FIRST COUNT: SAs of nobody's, which the kernel ends after a second, with an event for each.
strangers_expire() {
    local i
    for ((i = $1; i < $1 + $2; i++)); do
        echo "xfrm state add src 10.99.0.1 dst 10.99.0.2 proto esp spi $((0x10000 + i)) enc cipher_null '' limit time-hard 1"
    done | ip -n left -batch -
}

strangers_are_gone() {
    [ -z "$(ip -n left xfrm state list src 10.99.0.1)" ]
}

@test "F21: more events than the socket holds: what is gone is found by looking, and IKE goes on by itself" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    local kernel spi
    kernel=$(tool_pids left kernel-sa)
    kill -STOP "$kernel"
    # No more than it takes, nor by a process for each look: plutod ends a kernel-sa that stands still for long.
    strangers_expire 0 1500
    local n=1500
    until events_lost "$kernel"; do
        strangers_expire "$n" 100
        n=$((n + 100))
        [ "$n" -lt 10000 ] || fail 'all events found room'
    done
    wait_for 15 strangers_are_gone
    # Meanwhile somebody takes an SA of ours away, and there is no room for that event.
    spi=$(ip -n left xfrm state list dst 10.9.0.1 | sed -nE 's/.* spi (0x[0-9a-f]+).*/\1/p')
    ip -n left xfrm state delete src 10.9.0.2 dst 10.9.0.1 proto esp spi "$spi"
    kill -CONT "$kernel"
    log_has left 'the kernel had more events than its buffer holds; every SA and policy is looked up again'
    assert_equal "$(grep -c 'more events than its buffer holds' "$(pluto_log left)")" 1
    log_has left 'another program deleted the IPsec SA'
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
    assert_equal "$(tool_pids left kernel-sa)" "$kernel"
}
