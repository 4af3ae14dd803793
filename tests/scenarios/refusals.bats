#!/usr/bin/env bats
# What does not fit is refused with words that help, and changes nothing else.

load ../lib/scenario.bash

# charon_is_refused HOST: it tries, and fails.
charon_is_refused() {
    ! charon_initiate "$1" "${T[name]}" 10 || fail 'charon had its way'
}

# log_line_has NAME TEXT TEXT: one line of the log has both, now or soon: the peer may know it before it is written.
log_line_has() {
    wait_for 15 has_line_with "$(pluto_log "$1")" "$2" "$3" || fail "no line of the log of $1 has both: $2 and $3"
}

has_line_with() {
    local line
    while IFS= read -r line; do
        [[ $line != *"$2"* || $line != *"$3"* ]] || return 0
    done <"$1"
    return 1
}

@test "[X5] no common ISAKMP proposal: NO-PROPOSAL-CHOSEN, and both sides' proposals in one line" {
    tunnel_is ike=aes256-sha2_256-modp2048
    two_hosts
    pluto_on left
    charon_on right ike=aes128-sha1-modp1536
    charon_is_refused right
    grep -q 'NO_PROP' "$HOSTS_DIR/right/charon.said"
    log_line_has left aes256-sha2_256-modp2048 aes128-sha1-modp1536
    no_sas left
}

@test "[X5] no common ESP proposal, charon begins: NO-PROPOSAL-CHOSEN, both sides' in one line" {
    tunnel_is esp=aes256-sha2_256
    two_hosts
    pluto_on left
    charon_on right esp=aes128-sha1
    charon_is_refused right
    grep -q 'NO_PROP' "$HOSTS_DIR/right/charon.said"
    log_line_has left aes256-sha2_256 aes128-sha1
    no_sas left
}

@test "[X5] no common ESP proposal, we begin: whack names the peer's notification and fails" {
    tunnel_is esp=aes256-sha2_256
    two_hosts
    charon_on right esp=aes128-sha1
    pluto_on left
    run whack_on left --initiate --name net
    assert_failure
    assert_output --partial 'NO-PROPOSAL-CHOSEN'
    no_sas left
}

@test "[X3] weak algorithms are refused by default, and the log names the option that would allow them" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right ike=3des-md5-modp1024
    charon_is_refused right
    log_line_has left 3des-md5-modp1024 --ike
}

@test "[X3] a weak ESP is refused by default, and the log names the option that would allow it" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right esp=3des-md5
    charon_is_refused right
    log_line_has left 3des-md5 --esp
}

@test "[R4] charon begins with another secret: probably a wrong secret" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right psk='another secret'
    charon_is_refused right
    log_line_has left 'probably a wrong secret; compare the PSK of both sides' '(we are "10.9.0.1", and the peer is to be "10.9.0.2")'
    no_sas left
}

@test "[R4] ours begins with another secret than charon's: whack is told at once, by what charon refuses it with" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right psk='another secret'
    start_on left "$HOSTS_DIR/left/whack.out" /dev/null "$(tool_path whack)" --ctlbase "$HOSTS_DIR/left/pluto" \
        --initiate --name net
    log_has left 'cannot decrypt' 20
    run whack_on left --explain --name net
    assert_output --partial 'probably a wrong secret; compare the PSK of both sides'
    wait_for 15 file_has "$HOSTS_DIR/left/whack.out" 'probably a wrong secret' || fail "$(<"$HOSTS_DIR/left/whack.out")"
    assert_regex "$(<"$HOSTS_DIR/left/whack.out")" '003 "net" .*probably a wrong secret'
}

@test "[R4] ours begins with another secret: the answering side says probably a wrong secret" {
    tunnel_is
    two_hosts
    pluto_on left
    tunnel_with psk='another secret'
    pluto_on right
    whack_on right --initiate --name net --asynchronous
    log_has left 'probably a wrong secret' 20
    local form
    for form in '--explain --name net' '--events --name net' --status '--status --json'; do
        # shellcheck disable=SC2086 # words are wanted
        run whack_on left $form
        assert_output --partial 'probably a wrong secret; compare the PSK of both sides'
    done
    no_sas left
    no_sas right
}

@test "[F15] no secret, we begin: both ids are named, whack fails at once" {
    tunnel_is left_id=@left.example right_id=@right.example
    two_hosts
    charon_on right
    pluto_secrets left '@left.example @elsewhere.example : PSK "for another"'
    pluto_start left
    pluto_add left
    whack_on left --listen
    run whack_on left --initiate --name net
    assert_failure
    refute_line --regexp '^(010|10[0-9])' # nothing was sent
    log_line_has left left.example right.example
    no_sas left
}

@test "[F15] no secret, charon begins: refused at message 1, and what to do is said; with one it comes up" {
    local why='no preshared secret for "10.9.0.1" and "10.9.0.2" in ipsec.secrets: add a line 10.9.0.1 10.9.0.2 : PSK "..."'
    local told="\"net\": $why (whack --listen reads ipsec.secrets anew)"
    tunnel_is
    two_hosts
    pluto_secrets left
    pluto_start left
    pluto_add left
    whack_on left --listen
    charon_on right
    charon_is_refused right
    grep -q 'NO_PROP' "$HOSTS_DIR/right/charon.said"
    log_has left "a first message of Main Mode is refused (NO-PROPOSAL-CHOSEN sent): $told"
    no_sas left
    run whack_on left --events --name net
    assert_output --partial "a first message of Main Mode from 10.9.0.2 is refused: $told"
    run whack_on left --explain --name net
    assert_output --partial "a first message of IKE from 10.9.0.2 to 10.9.0.1: it is refused: $told"
    assert_output --partial "\"net\": if we began now, it would not come up: $why"
    pluto_secrets left "10.9.0.1 10.9.0.2 : PSK \"${T[psk]}\""
    whack_on left --listen
    charon_initiates right
    traffic_is_protected
}

@test "[F15] [R4] no secret for %any: a road warrior is refused at message 1, whatever others have" {
    tunnel_is
    two_hosts
    tunnel_with left_net='' right_net=''
    pluto_secrets left '10.9.0.1 10.9.0.7 : PSK "for another"'
    pluto_start left
    whack_on left --name net --psk --encrypt --host 10.9.0.1 --nexthop %direct --updown /bin/true \
        --to --host %any --updown /bin/true
    whack_on left --listen
    charon_on right
    charon_is_refused right
    log_has left '(NO-PROPOSAL-CHOSEN sent): "net": no preshared secret for "10.9.0.1" and "%any" in ipsec.secrets: add a line'
    pluto_secrets left "10.9.0.1 %any : PSK \"${T[psk]}\""
    whack_on left --listen
    charon_initiates right
}

@test "[R2] the peer's identity is another: the log says what was compared with what" {
    tunnel_is left_id=@left.example right_id=@right.example
    two_hosts
    pluto_with_secret left
    pluto_add left
    whack_on left --listen
    charon_on right local_id=@stranger.example
    charon_is_refused right
    log_line_has left stranger.example right.example
    no_sas left
}

@test "[X5] [W11] the peer refuses our identity: whack is told at once" {
    tunnel_is left_id=@left.example right_id=@right.example
    two_hosts
    charon_on right remote_id=@somebody.else
    pluto_on left
    run -224 whack_on left --initiate --name net
    assert_output --partial AUTHENTICATION-FAILED
    refute_line --regexp '^010' # nothing was sent again
}

@test "[R2] identities as key ids" {
    tunnel_is left_id=@#0102fe right_id=@#c0ffee
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    traffic_is_protected
}

@test "[R3] clients that no connection has: refused with a notification" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right local_ts=10.77.0.0/24
    charon_is_refused right
    grep -qE 'INVAL_ID|NO_PROP' "$HOSTS_DIR/right/charon.said"
    log_has left 10.77.0.0/24
    no_sas left
}

@test "[W2a] --pfs is required of the peer" {
    tunnel_is ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 pfs=modp2048
    two_hosts
    pluto_on left
    charon_on right pfs=
    charon_is_refused right
    log_has left 'pfs modp2048 required'
    no_sas left
}

@test "[R1] no connection for this peer: refused, and the log names both addresses" {
    tunnel_is
    two_hosts
    pluto_with_secret left
    whack_on left --listen
    charon_on right
    charon_is_refused right
    log_line_has left 10.9.0.2 10.9.0.1
}

@test "[X1] Aggressive Mode is refused, by name" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_start right
    charon_add right left
    sed -i 's/version = 1/&\n        aggressive = yes/' "$HOSTS_DIR/right/swanctl.conf"
    charon_swanctl right --load-all --file "$HOSTS_DIR/right/swanctl.conf" >/dev/null
    charon_is_refused right
    log_has left ggressive
    no_sas left
}

@test "[F1] IKEv2 is refused, by name, and IKEv1 goes on" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right version=2
    charon_is_refused right
    log_has left 'an IKEv2 message'
    charon_stop right
    charon_on right
    charon_initiates right
    traffic_is_protected
}

@test "[F1] rubbish on the port is logged with its source, and a tunnel comes up all the same" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right
    # shellcheck disable=SC2016 # for the inner shell
    on right bash -c 'for text in x "" 0123456789012345678901234567890123456789; do
        printf %s "$text" >/dev/udp/10.9.0.1/500; done; head -c 2000 /dev/urandom >/dev/udp/10.9.0.1/500'
    log_has left 'packet from 10.9.0.2'
    charon_initiates right
    traffic_is_protected
}

@test "[W11] whack's refusals: 20 name known, 21 name unknown, 22 not oriented, 24 not listening" {
    tunnel_is
    two_hosts
    pluto_secrets left
    pluto_start left
    pluto_add left
    run pluto_add left
    assert_failure 20
    run whack_on left --initiate --name net
    assert_failure 24
    whack_on left --listen
    run whack_on left --initiate --name unknown
    assert_failure 21
    run whack_on left --delete --name unknown
    assert_failure 21
    tunnel_with name=elsewhere left=10.9.0.77 right=10.9.0.78
    pluto_add left
    run whack_on left --initiate --name elsewhere
    assert_failure 22
}

@test "[K4] a secrets file that others can read is refused, with the command that mends it" {
    tunnel_is
    two_hosts
    charon_on right
    pluto_secrets left ': PSK "a secret of both"'
    chmod 644 "$HOSTS_DIR/left/ipsec.secrets"
    pluto_start left
    pluto_add left
    whack_on left --listen
    log_has left 'chmod'
    run whack_on left --initiate --name net
    assert_failure
    chmod 600 "$HOSTS_DIR/left/ipsec.secrets"
    whack_on left --listen
    whack_initiates left
}

@test "[K3] an error in the secrets file names file and line, never the secret; the other entries are used" {
    tunnel_is
    two_hosts
    pluto_secrets left '10.9.0.1 10.9.0.99 : PSQ "hidden words"' '10.9.0.1 10.9.0.2 : PSK "a secret of both"'
    pluto_start left
    pluto_add left
    whack_on left --listen
    log_has left 'ipsec.secrets:1'
    run ! file_has "$(pluto_log left)" 'hidden words'
    charon_on right
    whack_initiates left
}
