#!/usr/bin/env bats
# Without any daemon: what ike-negotiate writes, kernel-sa reads, and there is a tunnel.

load ../lib/scenario.bash

# by_hand OPTION...: the command line of ike-negotiate with the tunnel's words, those of whack, and these options.
by_hand() {
    local words=(--secretsfile "$HOSTS_DIR/left/ipsec.secrets" --psk --encrypt)
    [ "${T[mode]}" = transport ] || words+=(--tunnel)
    [ -z "${T[pfs]}" ] || words+=(--pfs --pfsgroup "${T[pfs]}")
    [ -z "${T[ike]}" ] || words+=(--ike "${T[ike]}")
    [ -z "${T[esp]}" ] || words+=(--esp "${T[esp]}")
    words+=("$@")
    words+=(--host "${T[left]}")
    [ -z "${T[left_net]}" ] || words+=(--client "${T[left_net]}")
    words+=(--to --host "${T[right]}")
    [ -z "${T[right_net]}" ] || words+=(--client "${T[right_net]}")
    printf '%q ' "$(tool_path ike-negotiate)" "${words[@]}"
}

hosts_with_charon() {
    tunnel_is "$@"
    two_hosts
    charon_on right
    pluto_secrets left "${T[left]} ${T[right]} : PSK \"${T[psk]}\""
}

@test "by hand: ike-negotiate | kernel-sa brings up a tunnel with charon" {
    hosts_with_charon ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 pfs=modp2048
    run on left timeout 60 bash -c "set -o pipefail; $(by_hand --initiate --show-keys) | $(tool_path kernel-sa)"
    assert_success
    traffic_is_protected
}

@test "by hand: the same as responder" {
    hosts_with_charon
    start_on left "$HOSTS_DIR/left/pluto.out" "$HOSTS_DIR/left/pluto.err" timeout 60 bash -c \
        "set -o pipefail; $(by_hand --listen --show-keys) | $(tool_path kernel-sa)"
    wait_for 10 is_listening
    charon_initiates right
    # shellcheck disable=SC2154 # of start_on
    wait "$started" || fail "the pipeline ended with status $?"
    traffic_is_protected
    ping_through right left
}

is_listening() {
    [ -n "$(on left ss -Hlun 'sport = :500')" ]
}

@test "by hand: the same in transport mode" {
    hosts_with_charon mode=transport
    run on left timeout 60 bash -c "set -o pipefail; $(by_hand --initiate --show-keys) | $(tool_path kernel-sa)"
    assert_success
    traffic_is_protected
}

@test "by hand: ike-negotiate alone prints records, keys only when asked for" {
    hosts_with_charon
    run on left timeout 60 bash -c "$(by_hand --initiate)"
    assert_success
    assert_output --regexp '<[0-9]+ bytes>'
    refute_output --regexp '=[0-9a-f]{32,}( |$)'
    run on left timeout 60 bash -c "$(by_hand --initiate --show-keys)"
    assert_success
    assert_output --regexp '=[0-9a-f]{32,}( |$)'
}

@test "by hand: kernel-sa -n says what it would do, and does nothing" {
    hosts_with_charon
    run on left timeout 60 bash -c "set -o pipefail; $(by_hand --initiate --show-keys) | $(tool_path kernel-sa) -n"
    assert_success
    assert_output --partial 10.9.0.2
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 0 policies'
}

@test "by hand: kernel-sa --list shows a person the SAs" {
    hosts_with_charon
    on left timeout 60 bash -c "set -o pipefail; $(by_hand --initiate --show-keys) | $(tool_path kernel-sa)"
    run on left "$(tool_path kernel-sa)" --list
    assert_success
    assert_output --partial 10.9.0.1
    assert_output --partial 10.9.0.2
    local key
    for key in $(ip -n left xfrm state | sed -nE 's/.* 0x([0-9a-f]{32,}).*/\1/p'); do
        refute_output --partial "$key"
    done
}
