#!/usr/bin/env bats
# [R2] RSA signatures: which connection and which keys it is, by who the peer says he is; with charon.
# shellcheck disable=SC2030,SC2031,SC2154 # $output is of bats' run

load ../lib/scenario.bash

# gateway NET NET: left takes ann, and bob, from anywhere, each by a key and to a net of his own.
gateway() {
    local who nets=("$@")
    for who in left ann bob; do
        rsa_make "$who"
    done
    pluto_secrets left "@left : RSA $HOSTS_DIR/keys/left.pem"
    pluto_start left
    for who in ann bob; do
        whack_on left --name "$who" --rsasig --encrypt --tunnel --host 10.9.0.1 --id @left --client 10.1.0.0/24 \
            --nexthop %direct --updown /bin/true --to --host %any --id "@$who" --client "${nets[0]}" --updown /bin/true
        whack_on left --keyid "@$who" --pubkeyrsa "$(rsa_word "$who")"
        nets=("${nets[@]:1}")
    done
    whack_on left --listen
}

# warrior HOST ADDRESS ID KEY NET: a charon there that says it is ID and signs with KEY.
warrior() {
    charon_start "$1"
    charon_conn "$1" w local="$2" remote=10.9.0.1 local_id="$3" remote_id=@left auth=pubkey \
        key="$HOSTS_DIR/keys/$4" peer_key="$HOSTS_DIR/keys/left" local_ts="$5" remote_ts=10.1.0.0/24
}

@test "[R2] two road warriors behind %any with RSA, each by its own key and on its own connection" {
    two_hosts
    host_up third 10.9.0.3/24 10.3.0.1/24
    ip -n third route add 10.1.0.0/24 dev eth0
    ip -n left route add 10.3.0.0/24 dev eth0
    gateway 10.2.0.0/24 10.3.0.0/24
    warrior right 10.9.0.2 @ann ann 10.2.0.0/24
    warrior third 10.9.0.3 @bob bob 10.3.0.0/24
    charon_initiates right w
    charon_initiates third w
    run whack_on left --status
    assert_output --partial '"ann"[1] 10.9.0.2'
    assert_output --partial '"bob"[1] 10.9.0.3'
    wait_for 15 sas_agree left 10.9.0.1 third 10.9.0.3 || fail 'left and third do not have the same SAs'
    wait_for 15 sas_agree left 10.9.0.1 right 10.9.0.2 || fail 'left and right do not have the same SAs'
    run on third ping -n -c 3 -i 0.2 -W 10 -I 10.3.0.1 10.1.0.1
    assert_success
    run on right ping -n -c 3 -i 0.2 -W 10 -I 10.2.0.1 10.1.0.1
    assert_success
    assert_equal "$(clear_pings_seen)" 0
}

@test "[R2] a road warrior who signs well, but as somebody else's identity: refused" {
    two_hosts
    gateway 10.2.0.0/24 10.2.0.0/24
    warrior right 10.9.0.2 @bob ann 10.2.0.0/24
    run charon_initiate right w 10
    assert_failure
    wait_for 15 grep -qE 'SIG_I.*@(left|bob).*@(left|bob)' "$(pluto_log left)" || fail 'the log says nothing of SIG_I with both ids'
    assert_equal "$(sa_count left)" 0
}

# is_refused_as ID: charon begins as that, with right's key.
is_refused_as() {
    charon_conn right net local=10.9.0.2 remote=10.9.0.1 local_id="$1" remote_id=@left auth=pubkey \
        key="$HOSTS_DIR/keys/right" peer_key="$HOSTS_DIR/keys/left" local_ts=10.2.0.0/24 remote_ts=10.1.0.0/24
    run charon_initiate right net 10
    assert_failure
}

# says_that_it_is ID: what our log says of that is in $line.
says_that_it_is() {
    local before
    before=$(grep -cF 'the peer says that it is' "$(pluto_log left)") || true
    is_refused_as "$1"
    wait_for 15 says_more_often_than "$before" || fail 'the log says nothing of it' # the peer may know it before it is written
    line=$(grep -F 'the peer says that it is' "$(pluto_log left)" | tail -n 1)
}

says_more_often_than() {
    [ "$(grep -cF 'the peer says that it is' "$(pluto_log left)")" -gt "$1" ]
}

# The private address behind a NAT, a name with a letter wrong, a distinguished name: a key for that would not help.
@test "[R2] RSA: the peer's identity is not the one that is expected, and has no key: what was compared, not --keyid" {
    local line
    tunnel_is left_id=@left
    two_hosts
    rsa_make left
    rsa_make right
    pluto_rsa left
    charon_start right
    says_that_it_is 10.0.0.5
    run -0 grep -F '"net": it expects the identity 10.9.0.2, not 10.0.0.5' <<<"$line"
    assert_output --partial '--id with that for its end would match'
    refute_output --partial '--keyid'
    run whack_on left --events --name net
    assert_output --partial 'the peer says that it is 10.0.0.5, which no connection expects with --rsasig'
    run whack_on left --explain --name net
    assert_output --regexp '"net": it failed last [0-9]+ s ago: the peer says that it is 10.0.0.5, which no connection expects'
    says_that_it_is @rihgt
    run -0 grep -F 'it expects the identity 10.9.0.2, not @rihgt' <<<"$line"
    says_that_it_is 'C=DE, O=Example, CN=box'
    run -0 grep -F 'it expects the identity 10.9.0.2, not C=DE,O=Example,CN=box' <<<"$line"
    # it does what it says: with that --id the key is what is missing, and then nothing
    whack_on left --delete --name net
    tunnel_with right_id=10.0.0.5
    pluto_add left
    whack_on left --listen
    is_refused_as 10.0.0.5
    log_has left 'no public key of "10.0.0.5": whack --keyid ID --pubkeyrsa 0s... gives it'
    whack_on left --keyid 10.0.0.5 --pubkeyrsa "$(rsa_word right)"
    charon_initiates right net
    traffic_is_protected
}

# gate NUMBER NET: left's connection to right, in which each end is called by this number: @gateN, @peerN, and a key for each.
gate() {
    rsa_make "gate$1"
    rsa_make "peer$1"
    whack_on left --name "n$1" --rsasig --encrypt --tunnel --host 10.9.0.1 --id "@gate$1" --client 10.1.0.0/24 \
        --updown /bin/true --to --host 10.9.0.2 --id "@peer$1" --client "$2" --updown /bin/true
    whack_on left --keyid "@peer$1" --pubkeyrsa "$(rsa_word "peer$1")"
    charon_conn right "n$1" local=10.9.0.2 remote=10.9.0.1 local_id="@peer$1" remote_id="@gate$1" auth=pubkey \
        key="$HOSTS_DIR/keys/peer$1" peer_key="$HOSTS_DIR/keys/gate$1" local_ts="$2" remote_ts=10.1.0.0/24
}

@test "[R2] RSA: two identities of ours, each with its own private key: the peer's identity says by which we sign" {
    local n
    tunnel_is
    two_hosts
    pluto_secrets left "@gate1 : RSA $HOSTS_DIR/keys/gate1.pem" "@gate2 : RSA $HOSTS_DIR/keys/gate2.pem"
    pluto_start left
    charon_start right
    gate 1 10.2.0.0/24
    gate 2 10.4.0.0/24
    whack_on left --listen
    for n in 2 1; do # the first message is for the first one, so the second has to be switched to
        charon_initiates right "n$n"
        whack_on left --terminate --name "n$n"
        forgotten_by right
    done
    for n in 2 1; do
        whack_initiates left "n$n"
    done
    run whack_on left --status
    assert_output --partial '"n1"'
    assert_output --regexp 'peer @peer1 by RSA signature'
    assert_output --regexp 'peer @peer2 by RSA signature'
}
