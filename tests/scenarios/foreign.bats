#!/usr/bin/env bats
# Another program at work on our SAs and policies in the kernel: ip(8) flushes, deletes and replaces.

load ../lib/scenario.bash

policies_are_back() {
    [ "$(policy_count left)" -eq 3 ]
}

# events_have TEXT
events_have() {
    grep -qF "$1" <<<"$(whack_on left --events)"
}

shows() {
    grep -qF "$1" <<<"$(whack_on left --status)"
}

@test "[F21] ip xfrm policy flush: our policies are back at once, and that is said" {
    a_tunnel
    ip -n left xfrm policy flush
    wait_for 2 policies_are_back || fail "policies: $(ip -n left xfrm policy)"
    ping_through left right
    traffic_is_protected
    log_has left 'another program deleted or replaced policies of ours in the kernel, and they were put back: 3'
    wait_for 2 events_have 'another program took its policies out of the kernel'
    shows '; erouted; eroute owner: #2'
    ip -n left xfrm policy deleteall
    wait_for 2 policies_are_back || fail "policies: $(ip -n left xfrm policy)"
    ip -n left xfrm policy update src 10.1.0.0/24 dst 10.2.0.0/24 dir out action allow priority 1
    wait_for 2 has_template || fail "policies: $(ip -n left xfrm policy)"
    traffic_is_protected
    whack_on left --terminate --name net
    wait_for 5 no_policies left || fail "policies are left: $(ip -n left xfrm policy)"
}

has_template() {
    grep -q tmpl <<<"$(ip -n left xfrm policy list dir out)"
}

@test "[F21] ip xfrm state flush: negotiated anew at once, held back until then, and called by its name" {
    a_tunnel
    ip -n left xfrm state flush
    wait_for 5 sas_are_there || fail "SAs: $(ip -n left xfrm state)"
    wait_for 5 shows '; erouted; eroute owner: #3'
    events_have '#2: another program deleted the IPsec SA from the kernel'
    run whack_on left --events
    refute_output --partial 'expired'
    ping_through left right
    traffic_is_protected
    wait_for 5 file_has "$HOSTS_DIR/right/charon.log" 'received DELETE for ESP CHILD_SA'
}

# The SA of left that sends to right.
delete_outbound() {
    local spi
    spi=$(ip -n left xfrm state list src 10.9.0.1 | sed -n 's/.*spi \(0x[0-9a-f]*\) .*/\1/p' | head -n 1)
    ip -n left xfrm state delete src 10.9.0.1 dst 10.9.0.2 proto esp spi "$spi"
}

another_kernel_sa() {
    local now
    now=$(tool_pids left kernel-sa)
    [ -n "$now" ] && [ "$now" != "$1" ]
}

@test "[F21] one SA is deleted while the peer is silent: the clients' packets wait, in status and explain, too" {
    a_tunnel
    ip -n right link set eth0 down
    delete_outbound
    wait_for 5 shows '; erouted HOLD; eroute owner: #0'
    run whack_on left --explain --from 10.1.0.1 --to 10.2.0.1
    assert_output --partial 'it is erouted HOLD'
    assert_output --partial 'a packet that leaves: dropped or held: there is no SA for that policy'
    run whack_on left --status --json
    assert_output --partial '"state":"half-up"'
    "$BATS_TEST_DIRNAME/../lib/status-valid" <<<"$output"
    assert_equal "$(policy_count left)" 3
}

@test "[F21] and kernel-sa is killed meanwhile: the next one keeps the policies, and the packets wait on" {
    a_tunnel
    ip -n right link set eth0 down
    delete_outbound
    wait_for 5 shows '; erouted HOLD; eroute owner: #0'
    local kernel
    kernel=$(tool_pids left kernel-sa)
    kill -KILL "$kernel"
    wait_for 10 another_kernel_sa "$kernel"
    log_has left 'found in the kernel and adopted'
    nap 1 # for what it might do to them
    assert_equal "$(policy_count left)" 3
    shows '; erouted HOLD; eroute owner: #0'
}

@test "[F21] ip xfrm state flush before the updown script has ended: whack is told, and another one is begun" {
    cat >"$BATS_TEST_TMPDIR/updown" <<'END'
#!/bin/sh
[ "$PLUTO_VERB" = up-client ] && [ ! -e "$0.waited" ] || exit 0
>"$0.waited"
until [ -e "$0.go" ]; do sleep 0.2; done
END
    chmod +x "$BATS_TEST_TMPDIR/updown"
    tunnel_is updown="$BATS_TEST_TMPDIR/updown"
    two_hosts
    charon_on right
    pluto_on left
    start_on left "$HOSTS_DIR/whack.out" "$HOSTS_DIR/whack.err" "$(tool_path whack)" --ctlbase "$HOSTS_DIR/left/pluto" \
        --initiate --name net
    wait_for 20 test -e "$BATS_TEST_TMPDIR/updown.waited" || fail 'the script was not run'
    ip -n left xfrm state flush
    log_has left 'another program deleted the IPsec SA from the kernel'
    : >"$BATS_TEST_TMPDIR/updown.go"
    status=0
    # shellcheck disable=SC2154 # of start_on
    wait "$started" || status=$?
    assert_equal "$status" 31
    run cat "$HOSTS_DIR/whack.out"
    assert_output --partial '031 "net" #2: another program deleted the IPsec SA from the kernel'
    wait_for 15 shows '; erouted; eroute owner: #3'
    traffic_is_protected
}

@test "[F21] what we delete ourselves is nobody else's deed; nor is what others have of their own" {
    a_tunnel
    ip -n left xfrm policy add src 10.77.0.0/24 dst 10.78.0.0/24 dir out action block
    ip -n left xfrm policy delete src 10.77.0.0/24 dst 10.78.0.0/24 dir out
    ip -n left xfrm state add src 10.9.0.1 dst 10.9.0.7 proto esp spi 0x7777 mode tunnel enc 'cbc(aes)' \
        0x000102030405060708090a0b0c0d0e0f auth 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f10111213
    ip -n left xfrm state delete src 10.9.0.1 dst 10.9.0.7 proto esp spi 0x7777
    whack_on left --terminate --name net
    whack_initiates left
    whack_on left --delete --name net
    pluto_stop left
    run grep -c 'another program' "$(pluto_log left)"
    assert_output 0
}

@test "[F21] more deeds of others than fit into our buffer: all is looked up again" {
    a_tunnel
    local kernel deed n=0 tmpl='tmpl src 10.99.0.1 dst 10.99.0.2 proto esp mode tunnel'
    kernel=$(tool_pids left kernel-sa)
    kill -STOP "$kernel"
    ip -n left xfrm policy flush
    # No more than it takes, and large ones: plutod ends a kernel-sa that stands still for long.
    deed="xfrm policy update src 10.77.0.1 dst 10.78.0.1 dir out $tmpl $tmpl $tmpl $tmpl $tmpl $tmpl"
    until events_lost "$kernel"; do
        for _ in {1..200}; do
            echo "$deed"
        done | ip -n left -batch -
        n=$((n + 200))
        [ "$n" -lt 10000 ] || fail 'all events found room'
    done
    ip -n left xfrm policy flush
    kill -CONT "$kernel"
    wait_for 10 policies_are_back || fail "policies: $(ip -n left xfrm policy)"
    log_has left 'the kernel had more events than its buffer holds'
    traffic_is_protected
}

@test "[F21] a program that goes on deleting is not fought without end" {
    a_tunnel
    for _ in {1..60}; do
        ip -n left xfrm policy flush
        sleep 0.1
    done
    run grep -c 'they were put back' "$(pluto_log left)"
    assert_output 2 # kernel-sa's line, and the connection's
    run grep -c 'is not protected\|are not protected' "$(pluto_log left)"
    assert [ "$output" -le 1 ]
    wait_for 20 policies_are_back
    wait_for 2 shows '; erouted; eroute owner: #2'
    ping_through left right
}

@test "[F21] a flush from time to time: each time our policies are back at once, and nothing else leaves in the clear" {
    a_tunnel
    for _ in {1..6}; do
        ip -n left xfrm policy flush
        nap 1
        wait_for 10 policies_are_back || fail "policies: $(ip -n left xfrm policy)"
        ping_through left right
    done
    assert_equal "$(clear_pings_seen)" 0
}
