#!/usr/bin/env bats
# Without any daemon: what ike-negotiate writes, kernel-sa reads, and there is a tunnel.

load ../lib/scenario.bash

# by_hand OPTION...: the command line of ike-negotiate with the tunnel's words, those of whack, and these options.
by_hand() {
    local words=(--secretsfile "$HOSTS_DIR/left/ipsec.secrets" "--${T[method]}" --encrypt)
    [ "${T[mode]}" = transport ] || words+=(--tunnel)
    [ -z "${T[pfs]}" ] || words+=(--pfs --pfsgroup "${T[pfs]}")
    [ -z "${T[ike]}" ] || words+=(--ike "${T[ike]}")
    [ -z "${T[esp]}" ] || words+=(--esp "${T[esp]}")
    words+=("$@")
    words+=(--host "${T[left]}" --id "$(id_of left)")
    [ -z "${T[left_net]}" ] || words+=(--client "${T[left_net]}")
    words+=(--to --host "${T[right]}" --id "$(id_of right)")
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
    wait_for 30 is_listening
    charon_initiates right
    # shellcheck disable=SC2154 # of start_on
    wait "$started" || fail "the pipeline ended with status $?"
    traffic_is_protected
    ping_through right left
}

is_listening() {
    [ -n "$(on left ss -Hlun 'sport = :500')" ]
}

# hosts_with_keys: charon, and for us a private key and words that give its public one.
hosts_with_keys() {
    tunnel_is left_id=@left.example.com right_id=@right.example.com method=rsasig
    two_hosts
    rsa_make left
    rsa_make right
    charon_rsa right
    pluto_secrets left "@left.example.com : RSA $HOSTS_DIR/keys/left.pem"
    key_of_peer=(--keyid "$(id_of right)" --pubkeyrsa "$(rsa_word right)")
}

@test "by hand: by RSA signatures" {
    hosts_with_keys
    run on left timeout 60 bash -c \
        "set -o pipefail; $(by_hand --initiate --show-keys "${key_of_peer[@]}") | $(tool_path kernel-sa)"
    assert_success
    traffic_is_protected
}

@test "by hand: by RSA signatures, as responder" {
    hosts_with_keys
    start_on left "$HOSTS_DIR/left/pluto.out" "$HOSTS_DIR/left/pluto.err" timeout 60 bash -c \
        "set -o pipefail; $(by_hand --listen --show-keys "${key_of_peer[@]}") | $(tool_path kernel-sa)"
    wait_for 30 is_listening
    charon_initiates right
    # shellcheck disable=SC2154 # of start_on
    wait "$started" || fail "the pipeline ended with status $?"
    traffic_is_protected
    ping_through right left
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

# half_a_tunnel: the records of one whose last message of Quick Mode has not come yet: nothing activates it.
half_a_tunnel() {
    local hosts='our-host=10.9.0.1 peer-host=10.9.0.2 our-client=10.1.0.0/24 peer-client=10.2.0.0/24'
    local key=000102030405060708090a0b0c0d0e0f10111213 suite='protocol=esp proposal=aes128gcm16'
    cat <<END
permit exchange=1 connection=net $hosts esp=aes128gcm16 modes=tunnel life=3600 reqid=1 policies=yes
sa-keys id=1 exchange=1 $suite spi-in=00001000 spi-out=00001001 key-in=$key key-out=$key
install id=2 exchange=1 $suite mode=tunnel spi-in=00001000 spi-out=00001001 $hosts life=3600 activate=no
END
}

half_is_there() {
    [ "$(sa_count left) $(policy_count left)" = '1 2' ]
}

@test "by hand: half a tunnel is removed at the end of input, and plain traffic goes on" {
    tunnel_is
    two_hosts
    half_a_tunnel >"$HOSTS_DIR/half"
    run on left bash -c "$(tool_path kernel-sa) <$HOSTS_DIR/half"
    assert_failure 1
    assert_output --partial 'never activated (activate exchange=...): all of it is removed'
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 0 policies'
    ping_through left right
    # What is whole stays, whatever else the input holds, and so does a policy that both of them use.
    { cat "$HOSTS_DIR/half"; echo 'activate id=3 exchange=1'
        sed 's/exchange=1/exchange=2/; s/=0000100/=0000200/g' "$HOSTS_DIR/half"; } >"$HOSTS_DIR/more"
    run on left bash -c "$(tool_path kernel-sa) <$HOSTS_DIR/more"
    assert_failure 1
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '2 SAs, 3 policies'
}

@test "by hand: half a tunnel is removed when kernel-sa is ended, and when nobody reads its answers" {
    local signal
    tunnel_is
    two_hosts
    half_a_tunnel >"$HOSTS_DIR/half"
    mkfifo "$HOSTS_DIR/input"
    for signal in TERM HUP; do
        start_on left "$HOSTS_DIR/out" "$HOSTS_DIR/err" bash -c "exec $(tool_path kernel-sa) <$HOSTS_DIR/input"
        exec 7>"$HOSTS_DIR/input"
        cat "$HOSTS_DIR/half" >&7
        wait_for 30 half_is_there || fail 'it never was there'
        kill -s "$signal" "$started"
        status=0
        wait "$started" || status=$?
        exec 7>&-
        assert_equal "$signal: $status, $(sa_count left) SAs, $(policy_count left) policies" \
            "$signal: 1, 0 SAs, 0 policies"
    done
    # Who would read has ended, and of its input there is no end.
    start_on left "$HOSTS_DIR/out" "$HOSTS_DIR/err" bash -c \
        "exec 3> >(exit 0); wait \$!; exec $(tool_path kernel-sa) <>$HOSTS_DIR/input >&3 3>&-"
    cat "$HOSTS_DIR/half" >"$HOSTS_DIR/input"
    status=0
    wait "$started" || status=$?
    assert_equal "$status" 111
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 0 policies'
}

@test "by hand: kernel-sa with a standard descriptor closed does nothing but say so" {
    tunnel_is
    two_hosts
    { half_a_tunnel; echo 'activate id=3 exchange=1'; } >"$HOSTS_DIR/whole"
    run on left timeout 10 bash -c "$(tool_path kernel-sa) <&-"
    assert_equal "$status" 111
    assert_output --partial 'stdin is closed'
    run on left timeout 10 bash -c "$(tool_path kernel-sa) <$HOSTS_DIR/whole >&-"
    assert_equal "$status" 111
    assert_output --partial 'stdout is closed'
    assert_equal "$(sa_count left)" 0
    run on left timeout 10 bash -c "$(tool_path kernel-sa) <$HOSTS_DIR/whole 2>&-"
    assert_success
    assert_equal "$(sa_count left)" 2
}

charon_is_bare() {
    [ "$(charon_children right) $(sa_count right) $(charon_swanctl right --list-sas | wc -l)" = '0 0 0' ]
}

@test "by hand: looking only leaves no SA at the peer, whoever begins" {
    hosts_with_charon
    run on left timeout 60 bash -c "$(by_hand --initiate)"
    assert_success
    assert_output --partial 'the peer is told to forget it'
    wait_for 30 charon_is_bare || fail "$(charon_swanctl right --list-sas)"
    start_on left "$HOSTS_DIR/out" "$HOSTS_DIR/err" timeout 60 bash -c "$(by_hand --listen)"
    wait_for 30 is_listening
    charon_initiates right || true # its SA may be gone again before it is told
    wait "$started" || fail "it ended with status $?: $(cat "$HOSTS_DIR/err")"
    wait_for 30 charon_is_bare || fail "$(charon_swanctl right --list-sas)"
}

@test "by hand: looking only beside a tunnel that stands: it goes on" {
    hosts_with_charon
    on left timeout 60 bash -c "set -o pipefail; $(by_hand --initiate --show-keys) | $(tool_path kernel-sa)"
    traffic_is_protected
    run on left timeout 60 bash -c "$(by_hand --initiate)"
    assert_success
    assert_output --partial 'the ISAKMP SA is left to the peer, since there are IPsec SAs with him'
    ping_through left right
    ping_through right left
}
