#!/usr/bin/env bats
# [X1] [W7] RSA signatures: with charon (raw public keys) in both roles, and between two of ours.
# shellcheck disable=SC2030,SC2031,SC2154 # $output is of bats' run

load ../lib/scenario.bash

# with_charon BITS
with_charon() {
    tunnel_is left_id=@left.example.com right_id=@right.example.com
    two_hosts
    rsa_make left "$1"
    rsa_make right "$1"
    pluto_rsa left
    charon_rsa right
}

# log_has_ids PAYLOAD: one line of left's log, with both identities. The peer may know it before it is written.
log_has_ids() {
    wait_for 15 grep -qE "$1.*@(left|right).*@(left|right)" "$(pluto_log left)" || fail "the log says nothing of $1 with both ids"
}

# two_signers [KEY...]: hosts, and a key for each; further keys by their names.
two_signers() {
    local key
    tunnel_is left_id=@left right_id=@right
    two_hosts
    for key in left right "$@"; do
        rsa_make "$key"
    done
}

@test "[X1] RSA, 2048 bits: we begin, charon answers" {
    with_charon 2048
    whack_initiates left
    traffic_is_protected
    run whack_on left --status
    assert_output --partial '; peer @right.example.com by RSA signature'
}

@test "[X1] RSA, 2048 bits: charon begins, we answer" {
    with_charon 2048
    charon_initiates right
    traffic_is_protected
}

@test "[X1] RSA, 4096 bits: we begin, charon answers" {
    with_charon 4096
    whack_initiates left
    traffic_is_protected
}

@test "[X1] RSA, 4096 bits: charon begins, we answer" {
    with_charon 4096
    charon_initiates right
    traffic_is_protected
}

# Keys of two lengths, and a different hash for each: what is signed is as long as that.
@test "[X1] [W5] RSA: ours to ours, with ids of each form" {
    local ids
    tunnel_is
    two_hosts
    rsa_make left 1024
    rsa_make right 3072
    while read -r -a ids; do
        tunnel_is left_id="${ids[0]/-/}" right_id="${ids[1]/-/}" ike="${ids[2]}"
        pluto_rsa left
        pluto_rsa right
        whack_initiates left
        wait_for 15 sas_are_there
        ping_through left right
        whack_on left --terminate --name net
        forgotten_by right
        whack_initiates right
        wait_for 15 sas_are_there
        ping_through left right
        pluto_stop left
        pluto_stop right
    done <<'END'
- - aes256-sha2_512-curve25519
@left.example.com @right.example.com aes128-md5-modp1536
ann@example.com @#0badcafe aes256-sha2_384-ecp384
192.0.2.1 2001:db8::2 aes256-sha1-modp2048
C=CH,O=Example%20Ltd,CN=left DC=org,DC=example,E=right@example.org aes128-sha2_256-modp2048
END
    assert_equal "$(clear_pings_seen)" 0
}

# charon takes blanks as they are, and orders what it compares as it came.
@test "[W5] distinguished names with charon, by RSA and by PSK, in both roles" {
    tunnel_is left_id='C=CH,O=Example,OU=West,CN=left' right_id='C=CH,O=Example,OU=East,E=right@example.org'
    two_hosts
    rsa_make left
    rsa_make right
    pluto_rsa left
    charon_rsa right
    whack_initiates left
    traffic_is_protected
    run whack_on left --status
    assert_output --partial '; peer C=CH,O=Example,OU=East,E=right@example.org by RSA signature'
    whack_on left --terminate --name net
    wait_for 15 no_sas right
    charon_initiates right
    traffic_is_protected
    pluto_stop left
    charon_stop right

    T[method]=psk
    T[left_id]='c=ch,o=EXAMPLE,ou=west,cn=left' # the same
    pluto_on left
    T[left_id]='C=CH,O=Example,OU=West,CN=left'
    charon_on right
    whack_initiates left
    traffic_is_protected
    charon_terminate right net
    wait_for 15 no_sas right
    charon_initiates right
    traffic_is_protected
}

# OpenSSL makes UTF8Strings of what is a PrintableString to whoever types it. SN is the surname, as RFC 4519 has it.
@test "[W5] distinguished names with charon: as a certificate has it, and with a surname" {
    tunnel_is left_id='C=CH,SN=Doe,serialNumber=17,CN=left' right_id='C=CH,O=Example%20Ltd,CN=right'
    two_hosts
    rsa_make left
    rsa_make right
    pluto_rsa left
    T[right_id]='asn1dn:#3033310b300906035504061302434831143012060355040a0c0b4578616d706c65204c7464310e300c06035504030c057269676874'
    charon_rsa right
    whack_initiates left
    traffic_is_protected
    run whack_on left --status
    assert_output --partial '; peer C=CH,O=utf8:Example%20Ltd,CN=utf8:right by RSA signature'
    charon_terminate right net
    wait_for 15 no_sas right
    charon_initiates right
    traffic_is_protected
}

@test "[W7] RSA: a peer with two keys of which the second fits, in both roles" {
    two_signers old
    pluto_rsa left old right
    pluto_rsa right old left
    run whack_on left --status
    assert_equal "$(grep -c '^000 public key of @right: RSA, 2048 bits' <<<"$output")" 2
    whack_initiates left
    traffic_is_protected
    whack_on left --terminate --name net
    forgotten_by right
    whack_initiates right
    traffic_is_protected
}

@test "[W11] RSA: the answerer signs with a wrong key: refused, whack ends with 224, the log names both ids" {
    two_signers old
    pluto_rsa left old
    pluto_rsa right
    run whack_on left --initiate --name net
    assert_equal "$status" 224
    log_has_ids SIG_R
    run ! grep -q 'IPsec SA established' "$(pluto_log left)" "$(pluto_log right)"
    assert_equal "$(sa_count left)" 0
    # right believed in an ISAKMP SA: so he does not begin under it, and hears what is wrong
    log_has right 'the peer deleted the ISAKMP SA before anything was negotiated under it: perhaps he refuses our signature'
    run whack_on right --initiate --name net
    assert_equal "$status" 224
}

@test "[W11] RSA: the one who begins signs with a wrong key: refused, the log names both ids" {
    two_signers old
    pluto_rsa left old
    pluto_rsa right
    run whack_on right --initiate --name net
    assert_equal "$status" 224
    assert_output --partial 'he refuses our signature or our identity; does he know our public key, by this identity?'
    log_has_ids SIG_I
    assert_equal "$(sa_count left)" 0
}

@test "[W11] RSA: we answer with a key that charon does not know: that he deletes it at once is said to be that" {
    two_signers old
    pluto_rsa left right
    charon_rsa right
    pluto_secrets left "@left : RSA $HOSTS_DIR/keys/old.pem"
    whack_on left --listen
    ! charon_initiate right net 10 || fail 'charon had its way'
    log_has left 'the peer deleted the ISAKMP SA before anything was negotiated under it: perhaps he refuses our signature'
    log_has left 'expect that we are "@left"'
    # and where we begin, he says so
    run whack_on left --initiate --name net
    assert_equal "$status" 224
    assert_output --partial '(we are "@left", and the peer is to be "@right")'
}

# working_secrets: the pids of those that are not of before the last --listen
working_secrets() {
    whack_on left --status | sed -n 's/^000 process secrets [0-9]* pid \([0-9]*\) for [0-9]*s; restarts.*/\1/p'
}

@test "[K1] RSA: a key whose passphrase is asked for (%prompt), in both roles; and while another one is asked for" {
    local terminal=$repo/tests/programs/at-terminal whack
    with_charon 2048
    whack=("$(tool_path whack)" --ctlbase "$HOSTS_DIR/left/pluto" --listen)
    (umask 077 && openssl pkcs8 -topk8 -in "$HOSTS_DIR/keys/left.pem" -passout pass:sesame -out "$HOSTS_DIR/keys/locked.pem")
    pluto_secrets left "@left.example.com : RSA $HOSTS_DIR/keys/locked.pem %prompt"
    run on left timeout 60 "$terminal" 'locked.pem: ' 'sesame\n' -- "${whack[@]}"
    assert_success
    assert_output --partial 'locked.pem is open'
    whack_initiates left
    traffic_is_protected
    whack_on left --terminate --name net
    forgotten_by right
    (umask 077 && openssl pkcs8 -topk8 -in "$HOSTS_DIR/keys/left.pem" -passout pass:more -out "$HOSTS_DIR/keys/more.pem")
    pluto_secrets left "@left.example.com : RSA $HOSTS_DIR/keys/locked.pem %prompt" "@more : RSA $HOSTS_DIR/keys/more.pem %prompt"
    start_on left "$BATS_TEST_TMPDIR/asked" /dev/null "$terminal" 'more.pem: ' '' -- "${whack[@]}"
    wait_for 30 file_has "$BATS_TEST_TMPDIR/asked" 'echo off'
    charon_initiates right
    traffic_is_protected
    end_pid "$started"
}

# One process: it has the passphrase from its predecessor, which lives on because it holds an ISAKMP SA.
@test "[K1] [P7] RSA: %prompt over a reload without a terminal, and over deaths of secrets; the tunnel stays" {
    local terminal=$repo/tests/programs/at-terminal
    with_charon 2048
    (umask 077 && openssl pkcs8 -topk8 -in "$HOSTS_DIR/keys/left.pem" -passout pass:sesame -out "$HOSTS_DIR/keys/locked.pem")
    pluto_secrets left "@left.example.com : RSA $HOSTS_DIR/keys/locked.pem %prompt"
    run on left timeout 60 "$terminal" 'locked.pem: ' 'sesame\n' -- "$(tool_path whack)" --ctlbase "$HOSTS_DIR/left/pluto" --listen
    assert_success
    whack_initiates left
    traffic_is_protected
    run whack_on left --listen </dev/null
    assert_success
    assert_output --partial 'locked.pem is open, by the passphrase that was typed before'
    refute_output --partial '040 '
    traffic_is_protected
    local times pid
    for times in 1 2; do
        pid=$(working_secrets)
        assert_equal "$(wc -w <<<"$pid")" 1
        kill -KILL "$pid"
        wait_for 30 handed_on_times "$times"
        ping_through left right
    done
    whack_on left --terminate --name net
    whack_initiates left
    traffic_is_protected
    run ! grep -q -e 'without the key' -e 'is not used' "$(pluto_log left)"
}

handed_on_times() {
    [ "$(grep -c 'was begun again; the passphrases of 1 RSA key file (%prompt) were handed on' "$(pluto_log left)")" -eq "$1" ]
}

@test "[W11] RSA: no key of the peer, or no private key: told at once, 028, and --explain says the same" {
    two_signers
    pluto_secrets left
    pluto_start left
    tunnel_with method=rsasig
    pluto_add left
    whack_on left --listen
    run whack_on left --initiate --name net
    assert_equal "$status" 28
    assert_output --partial 'no public key of "@right": whack --keyid ID --pubkeyrsa 0s... gives it'
    whack_on left --keyid @right --pubkeyrsa "$(rsa_word right)"
    run whack_on left --initiate --name net
    assert_equal "$status" 28
    assert_output --partial '@left'
    run whack_on left --explain --name net
    assert_output --partial '"net": so it does not come up, whoever begins: '
    pluto_secrets left "@left : RSA $HOSTS_DIR/keys/left.pem"
    whack_on left --listen
    run whack_on left --explain --name net
    assert_output --regexp '"net": our private key is that of .*ipsec.secrets:1'
    refute_output --partial 'it does not come up'
}

@test "[W2a] a connection with --psk and one with --rsasig side by side, to the same peer" {
    two_signers
    pluto_rsa left
    charon_rsa right
    pluto_secrets left "@left : RSA $HOSTS_DIR/keys/left.pem" '10.9.0.1 10.9.0.2 : PSK "a secret of both"'
    tunnel_is name=plain left_net='' right_net=''
    pluto_add left
    whack_on left --listen
    charon_add right left
    whack_initiates left net
    whack_initiates left plain
    run whack_on left --status
    assert_output --partial 'peer @right by RSA signature'
    assert_output --partial 'peer 10.9.0.2 by preshared secret'
    # the other way round: each finds its own
    whack_on left --terminate --name net
    whack_on left --terminate --name plain
    forgotten_by right
    charon_initiates right plain
    charon_initiates right net
    run whack_on left --status
    assert_output --partial 'peer @right by RSA signature'
    assert_output --partial 'peer 10.9.0.2 by preshared secret'
}

# refused_at_once TEXT: charon begins with signatures, and hears at message 1 that it is in vain.
refused_at_once() {
    ! charon_initiate right net 10 || fail 'charon had its way'
    grep -q 'NO_PROP' "$HOSTS_DIR/right/charon.said"
    log_has left "a first message of Main Mode is refused (NO-PROPOSAL-CHOSEN sent): \"net\": $1"
}

# by_signature, by_the_secret: the tunnel in question.
by_signature() {
    tunnel_is left_id=@left right_id=@right method=rsasig
}

by_the_secret() {
    tunnel_is name=plain left_net='' right_net=''
}

@test "[F15] RSA, charon begins: without a key it is refused at message 1; a secret beside it is taken, in both orders" {
    local order tunnel
    two_signers
    pluto_secrets left '10.9.0.1 10.9.0.2 : PSK "a secret of both"'
    pluto_start left
    by_signature
    charon_rsa right
    pluto_add left
    whack_on left --listen
    refused_at_once 'no public key of "@right": whack --keyid ID --pubkeyrsa 0s... gives it'
    whack_on left --keyid @right --pubkeyrsa "$(rsa_word right)"
    refused_at_once 'no private RSA key for "@left" in ipsec.secrets: add an entry @left : RSA ... '
    whack_on left --delete --name net
    by_the_secret
    charon_add right left
    for order in 'by_signature by_the_secret' 'by_the_secret by_signature'; do
        for tunnel in $order; do
            "$tunnel"
            pluto_add left
        done
        charon_initiates right plain
        ! charon_initiate right net 10 || fail 'charon had its way'
        log_has left 'we allow '
        whack_on left --delete --name plain
        whack_on left --delete --name net
        forgotten_by right
    done
    log_has left '; left out for what is missing: "net": no private RSA key for "@left"'
    by_signature
    pluto_add left
    pluto_secrets left "@left : RSA $HOSTS_DIR/keys/left.pem"
    whack_on left --listen
    charon_initiates right net
    traffic_is_protected
}

# both_on HOST METHOD...: plutod there with a key and a secret, and with these methods for the tunnel.
both_on() {
    local host=$1
    pluto_rsa "$host"
    pluto_secrets "$host" "$(id_of "$host") : RSA $HOSTS_DIR/keys/$host.pem" '@left @right : PSK "a secret of both"'
    whack_on "$host" --delete --name net
    tunnel_with method="${*:2}"
    pluto_add "$host"
    whack_on "$host" --listen
}

@test "[W2a] --psk --rsasig on one connection: signatures, or the secret where the peer allows no other; in both roles" {
    two_signers
    both_on left psk rsasig
    both_on right psk rsasig
    whack_initiates left
    run whack_on left --status
    assert_output --partial 'policy: psk,rsasig,encrypt,tunnel'
    assert_output --partial 'peer @right by RSA signature'
    traffic_is_protected
    whack_on left --terminate --name net
    pluto_stop right
    both_on right psk
    whack_initiates left
    run whack_on left --status
    assert_output --partial 'peer @right by preshared secret'
    whack_on left --terminate --name net
    forgotten_by right
    whack_initiates right
    run whack_on left --status
    assert_output --partial 'peer @right by preshared secret'
}

# both_allowed HOST LINE...: plutod there, whose connection allows both methods, with these lines in its secrets file.
both_allowed() {
    pluto_secrets "$@"
    pluto_start "$1"
    tunnel_with method='psk rsasig'
    pluto_add "$1"
    whack_on "$1" --listen
}

# by_secret: the tunnel comes up by the secret, whoever begins.
by_secret() {
    local host
    for host in left right; do
        whack_initiates "$host"
        run whack_on left --status
        assert_output --partial 'peer @right by preshared secret'
        traffic_is_protected
        whack_on "$host" --terminate --name net
        forgotten_by left right
    done
}

@test "[W2a] --psk --rsasig on both sides, and keys on none or on one: the secret, in both roles" {
    local secret='@left @right : PSK "a secret of both"'
    two_signers
    both_allowed left "$secret"
    both_allowed right "$secret"
    by_secret
    log_has left 'proposed without --rsasig: no public key of "@right"'
    # each knows the other's public key, and has none of its own
    whack_on left --keyid @right --pubkeyrsa "$(rsa_word right)"
    whack_on right --keyid @left --pubkeyrsa "$(rsa_word left)"
    by_secret
    log_has left 'proposed without --rsasig: no private RSA key for "@left"'
    # one of them has
    pluto_secrets left "$secret" "@left : RSA $HOSTS_DIR/keys/left.pem"
    whack_on left --listen
    by_secret
    log_has right 'proposed without --rsasig: no private RSA key for "@right"'
    # both have, and then one has no secret
    pluto_secrets right "@right : RSA $HOSTS_DIR/keys/right.pem"
    whack_on right --listen
    whack_initiates right
    run whack_on left --status
    assert_output --partial 'peer @right by RSA signature'
    log_has right 'proposed without --psk: no preshared secret for "@right" and "@left"'
    whack_on right --terminate --name net
    forgotten_by left
    whack_initiates left
    run whack_on left --status
    assert_output --partial 'peer @right by RSA signature'
    assert_equal "$(clear_pings_seen)" 0
}

# strongSwan takes the first method that it knows: it must be offered only the one that there is.
@test "[W2a] --psk --rsasig with the secret alone, and charon as the peer, in both roles" {
    tunnel_is
    two_hosts
    charon_on right
    both_allowed left "10.9.0.1 10.9.0.2 : PSK \"${T[psk]}\""
    whack_initiates left
    traffic_is_protected
    whack_on left --terminate --name net
    forgotten_by right
    charon_initiates right
    traffic_is_protected
}

@test "[W2a] --psk --rsasig with both, and charon with the secret alone: he begins; where we begin, it is said what to do" {
    tunnel_is left_id=@left right_id=@right
    two_hosts
    rsa_make left 1024
    rsa_make right 1024
    charon_on right
    both_on left psk rsasig
    charon_initiates right
    traffic_is_protected
    whack_on left --terminate --name net
    forgotten_by right
    run whack_on left --initiate --name net
    assert_equal "$status" 224
    assert_output --partial 'If he has a preshared secret only, --psk without --rsasig'
}
