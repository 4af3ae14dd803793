#!/usr/bin/env bats
# Which connection a peer gets, and when interfaces and addresses come and go; charon is the peer.
# shellcheck disable=SC2030,SC2031,SC2154 # $output is of bats' run, $started of lib/net.bash

load ../lib/scenario.bash

declare -A outer=([right]=10.9.0.2 [third]=10.9.0.3)

# third_host: one more on the wire, 10.9.0.3 with 10.3.0.1 behind it.
third_host() {
    host_up third 10.9.0.3/24 10.3.0.1/24
    ip -n third route add 10.1.0.0/24 dev eth0
    ip -n left route add 10.3.0.0/24 dev eth0
}

# road_warriors [OPTION...]: plutod on left, with one secret for all that come from anywhere.
road_warriors() {
    pluto_secrets left '@left %any : PSK "a secret of all"'
    pluto_start left "$@"
    whack_on left --listen
}

# road NAME ID CLIENT: a connection to %any; ID or CLIENT may be empty.
road() {
    whack_on left --name "$1" --psk --encrypt --tunnel \
        --host 10.9.0.1 --id @left --client 10.1.0.0/24 --nexthop %direct --updown /bin/true \
        --to --host %any ${2:+--id "$2"} ${3:+--client "$3"} --updown /bin/true
}

# warrior HOST CONN ADDRESS ID NET: charon there comes as ID.
warrior() {
    charon_conn "$1" "$2" "local=$3" remote=10.9.0.1 "local_id=$4" remote_id=@left 'psk=a secret of all' \
        "local_ts=$5" remote_ts=10.1.0.0/24
}

# pings HOST FROM TO: as soon as both ends have what it takes.
pings() {
    local far=right
    case $1:$3 in third:* | left:10.3.*) far=third ;; esac
    wait_for 15 sas_agree left 10.9.0.1 "$far" "${outer[$far]}" || fail "left and $far do not have the same SAs"
    run on "$1" ping -n -c 3 -i 0.2 -W 10 -I "$2" "$3"
    assert_success
    assert_output --partial ' 0% packet loss'
}

status_has() {
    wait_for 15 status_says "$1" || fail "no $1 in: $(whack_on left --status)"
}

status_says() {
    grep -qF -- "$1" <<<"$(whack_on left --status)"
}

status_is_silent_about() {
    ! status_says "$1"
}

@test "[R1] [R2] two road warriors behind %any with identities of their own" {
    two_hosts
    third_host
    road_warriors
    road alice @alice 10.2.0.0/24
    road bob @bob 10.3.0.0/24
    charon_start right
    warrior right w 10.9.0.2 @alice 10.2.0.0/24
    charon_start third
    warrior third w 10.9.0.3 @bob 10.3.0.0/24
    charon_initiates right w
    charon_initiates third w
    pings right 10.2.0.1 10.1.0.1
    pings third 10.3.0.1 10.1.0.1
    pings left 10.1.0.1 10.3.0.1
    status_has '"alice"[1] 10.9.0.2'
    status_has '"bob"[1] 10.9.0.3'
    assert_equal "$(clear_pings_seen)" 0
}

@test "[R2] [W12] a road warrior whom no connection expects: the log and --explain say the same" {
    two_hosts
    road_warriors
    road alice @alice 10.2.0.0/24
    charon_start right
    warrior right w 10.9.0.2 @mallory 10.2.0.0/24
    run charon_initiate right w 10
    assert_failure
    log_has left 'the peer proved to be @mallory, which no connection expects with the secret that was used; --id with that for its end would match: "alice": it expects the identity @alice, not @mallory'
    run whack_on left --explain --name alice
    assert_success
    assert_output --partial '"alice": it expects the identity @alice, not @mallory'
    refute_output --partial 'a secret of all'
    assert_output --partial 'ipsec.secrets:1'
}

@test "[R3] the connection that leaves less open is chosen" {
    two_hosts
    road_warriors
    road anybody '' 10.2.0.0/24
    road me @me 10.2.0.0/24
    charon_start right
    warrior right w 10.9.0.2 @me 10.2.0.0/24
    charon_initiates right w
    pings right 10.2.0.1 10.1.0.1
    status_has '"me"[1] 10.9.0.2'
    run whack_on left --status
    refute_output --partial '"anybody"[1]'
}

@test "[R3] [W12] overlapping clients: each packet goes by the narrower one, as --explain says" {
    tunnel_is left_net=10.1.0.0/24 right_net=10.2.0.0/24
    two_hosts
    ip -n right addr add 10.2.1.1/32 dev net0
    ip -n left route add 10.2.0.0/16 dev eth0
    pluto_on left
    tunnel_with name=wide right_net=10.2.0.0/16
    pluto_add left
    charon_start right
    tunnel_with name=net right_net=10.2.0.0/24
    charon_add right left
    tunnel_with name=wide right_net=10.2.0.0/16
    charon_add_child right left net
    tunnel_with name=net
    charon_initiates right net
    charon_initiates right wide
    wait_for 15 all_sent || fail "not both tunnels are whole: $(ip -n left xfrm state)"
    by_sa_of net 10.2.0.1
    by_sa_of wide 10.2.1.1
}

# all_sent: both tunnels have the policy by which left sends, which is the last thing that it gets.
all_sent() {
    [ "$(ip -n left xfrm policy list dir out | grep -c 'proto esp')" -eq 2 ]
}

# by_sa_of CONNECTION TO: --explain says so, and when the packets are sent the SA's counter rises.
by_sa_of() {
    local spi before
    run whack_on left --explain --from 10.1.0.1 --to "$2"
    assert_success
    assert_output --partial "which is of \"$1\""
    spi=$(sed -n 's/.*a packet that leaves: sent by the SA esp \(0x[0-9a-f]*\).*/\1/p' <<<"$output")
    [ -n "$spi" ] || fail "no SA in: $output"
    before=$(spi_packets "$spi")
    pings left 10.1.0.1 "$2"
    assert_equal "$(spi_packets "$spi")" $((before + 3))
}

# spi_packets SPI: how many packets left's SA with that SPI has counted.
spi_packets() {
    ip -n left -s xfrm state list spi "$1" | sed -n '/lifetime current:/ { n; s/.*, \([0-9]*\)(packets).*/\1/p; q }'
}

@test "[W12] --explain of packets: by no policy, by a stranger's, by ours without an SA" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right
    run whack_on left --explain --from 10.1.0.1 --to 10.2.0.1
    assert_output --partial 'a packet that leaves: in the clear: no policy of the kernel catches it'
    assert_output --partial '"net" is for it: between 10.1.0.0/24 (ours) and 10.2.0.0/24; it is unrouted'
    ip -n left xfrm policy add src 10.1.0.0/24 dst 10.2.0.0/16 dir out action block priority 5
    run whack_on left --explain --from 10.1.0.1 --to 10.2.0.1
    assert_output --partial 'a packet that leaves: dropped, by the policy out 10.1.0.0/24 => 10.2.0.0/16: drop, priority 5, made by another program'
    local before after
    before=$(blocked)
    run on left ping -n -c 1 -W 1 -I 10.1.0.1 10.2.0.1
    assert_failure
    after=$(blocked)
    [ "$after" -gt "$before" ]
    ip -n left xfrm policy delete src 10.1.0.0/24 dst 10.2.0.0/16 dir out
    whack_initiates left
    by_sa_of net 10.2.0.1
    run whack_on left --explain --from 10.2.0.1 --to 10.1.0.1
    assert_output --partial 'a packet that comes in for this machine: dropped, unless it came by an SA of that policy'
    assert_output --regexp 'comes in for this machine: caught by the policy in .*, which is of "net"'
    refute_output --partial 'a first message of IKE'
    run whack_on left --explain --from 10.9.0.2 --to 10.9.0.1
    assert_output --partial 'a packet that comes in for this machine: accepted in the clear: no policy of the kernel asks for more'
    refute_output --partial 'a packet that leaves'
    run whack_on left --explain --from 10.9.0.7 --to 10.9.0.1
    assert_output --partial 'a first message of IKE is refused: no connection is known between 10.9.0.1 (ours) and 10.9.0.7'
    assert_output --partial '"net": its peer is 10.9.0.2, not 10.9.0.7'
}

@test "[W12] --explain of packets: where no policy is, the kernel's default decides; optional templates" {
    tunnel_is
    two_hosts
    pluto_on left
    run whack_on left --explain --from 10.9.0.1 --to 10.9.0.2
    assert_output --partial 'a packet that leaves: in the clear: no policy of the kernel catches it, and its default for out is accept'
    ip -n left xfrm policy setdefault out block fwd block in block
    run whack_on left --explain --from 10.9.0.1 --to 10.9.0.2
    assert_output --partial 'a packet that leaves: dropped: no policy of the kernel catches it, and its default for out is block (ip xfrm policy getdefault)'
    run on left ping -n -c 1 -W 1 10.9.0.2
    assert_failure
    run whack_on left --explain --from 10.9.0.2 --to 10.9.0.1
    assert_output --partial 'comes in for this machine: dropped: no policy of the kernel catches it, and its default for in is block'
    run whack_on left --explain --from 10.77.0.1 --to 10.78.0.1
    assert_output --partial 'passes through: dropped: no policy of the kernel catches it, and its default for fwd is block'
    ip -n left xfrm policy setdefault out accept fwd accept in accept
    ip -n left xfrm policy add src 10.9.0.1 dst 10.9.0.2 dir out tmpl proto esp mode transport level use
    run whack_on left --explain --from 10.9.0.1 --to 10.9.0.2
    assert_output --partial 'a packet that leaves: in the clear: there is no SA for that policy, which is optional'
    on left ping -n -c 1 -W 1 10.9.0.2
}

blocked() {
    # shellcheck disable=SC2016 # awk's fields
    on left awk '$1 == "XfrmOutPolBlock" { print $2 }' /proc/net/xfrm_stat
}

@test "[R5] --uniqueids: a peer whose address changed" {
    two_hosts
    ip -n right addr add 10.9.0.7/24 dev eth0
    road_warriors --uniqueids
    road me @me ''
    charon_start right
    charon_conn right here local=10.9.0.2 remote=10.9.0.1 local_id=@me remote_id=@left 'psk=a secret of all' \
        remote_ts=10.1.0.0/24
    charon_conn right there local=10.9.0.7 remote=10.9.0.1 local_id=@me remote_id=@left 'psk=a secret of all' \
        remote_ts=10.1.0.0/24
    ip -n right route replace 10.1.0.0/24 dev eth0
    charon_initiates right here
    wait_for 15 sas_are_there
    status_has '"me"[1] 10.9.0.2'
    charon_initiates right there
    log_has left "the peer's identity is now used from another address (--uniqueids)"
    status_has '"me"[2] 10.9.0.7'
    wait_for 15 status_is_silent_about '"me"[1]' || fail 'the old instance is still there'
    wait_for 15 two_sas || fail 'the old SAs are still in the kernel'
    outer[right]=10.9.0.7
    pings right 10.9.0.7 10.1.0.1
}

two_sas() {
    [ "$(sa_count left)" -eq 2 ]
}

@test "[W2] [P7] an address that comes after the start is ours at --listen" {
    tunnel_is
    two_hosts
    ip -n left addr del 10.9.0.1/24 dev eth0
    pluto_on left
    charon_on right
    run whack_on left --initiate --name net
    assert_failure 22
    assert_output --partial 'neither of its hosts is an address of this machine that we listen on: 10.9.0.1 is not, 10.9.0.2 is not'
    ip -n left addr add 10.9.0.1/24 dev eth0
    ip -n left route replace 10.2.0.0/24 dev eth0
    whack_on left --listen
    whack_initiates left
    traffic_is_protected
}

@test "[W2] an address that comes and goes is noticed without whack; a short absence ends nothing" {
    tunnel_is
    two_hosts
    ip -n left addr del 10.9.0.1/24 dev eth0
    pluto_on left
    charon_on right
    ip -n left addr add 10.9.0.1/24 dev eth0
    ip -n left route replace 10.2.0.0/24 dev eth0
    log_has left 'listening on interface eth0 10.9.0.1:500' 20
    whack_initiates left
    traffic_is_protected
    ip -n left addr del 10.9.0.1/24 dev eth0
    log_has left 'interface eth0 10.9.0.1 has lost its address' 20
    ip -n left addr add 10.9.0.1/24 dev eth0
    ip -n left route replace 10.2.0.0/24 dev eth0
    log_has left 'interface eth0 10.9.0.1 is back' 20
    traffic_is_protected
    whack_on left --terminate --name net
    whack_initiates left
    ip -n left addr del 10.9.0.1/24 dev eth0
    log_has left '"net" 10.9.0.2: is oriented no more' 45
    wait_for 15 no_sas left || fail 'there are still SAs'
}

@test "[P7] --interface decides between two that share an address" {
    tunnel_is
    two_hosts
    ip -n left link add second type veth peer name far
    ip -n left addr add 10.9.0.1/32 dev second
    ip -n left link set second up
    local name
    for name in second eth0; do
        pluto_with_secret left --interface "$name"
        whack_on left --listen
        run whack_on left --status
        assert_line "000 interface $name 10.9.0.1:500"
        assert_equal "$(grep -c '^000 interface ' <<<"$output")" 1
        whack_on left --shutdown
        wait_for 30 is_missing "$HOSTS_DIR/left/pluto.pid"
    done
    pluto_with_secret left --interface net0 --interface lo
    whack_on left --listen
    run whack_on left --status
    assert_line '000 interface net0 10.1.0.1:500'
    assert_line '000 interface lo 127.0.0.1:500'
    refute_line --regexp '^000 interface (eth0|second) '
}

is_missing() {
    [ ! -e "$1" ]
}

@test "[P7] --unlisten and back under traffic" {
    tunnel_is
    two_hosts
    pluto_on left
    charon_on right
    whack_initiates left
    start_on left "$HOSTS_DIR/left/ping.out" /dev/null ping -n -c 30 -i 0.1 -W 10 -I 10.1.0.1 10.2.0.1
    local pings=$started lost
    lost=$(lost_by_right)
    whack_on left --unlisten
    run whack_on left --explain --name net
    assert_output --partial 'not listening for IKE messages: whack --listen comes first'
    run whack_on left --initiate --name net
    assert_failure 24
    whack_on left --listen
    run whack_on left --initiate --name net
    assert_success
    wait_for 30 has_ended "$pings"
    wait_for 15 ends_agree || fail 'charon has not got the new SAs'
    lost=$(($(lost_by_right) - lost))
    assert_equal "$(lost_in "$HOSTS_DIR/left/ping.out")" "$lost"
    traffic_is_protected
}

@test "[W12] --explain of a Main Mode that is stuck: what the peer said, and no ISAKMP SA" {
    tunnel_is ike=aes256-sha2_512-ecp256
    two_hosts
    pluto_on left
    tunnel_with ike=aes128-sha2_256-modp2048
    pluto_on right
    whack_on left --initiate --asynchronous --name net
    log_has right 'no proposal chosen' 20
    run whack_on left --explain --name net
    assert_output --regexp '"net": under way since [0-9]+ s: #1: STATE_MAIN_I1 \(initiate\): the peer last said NO-PROPOSAL-CHOSEN \(not protected, so only a hint\); we proposed aes256-sha2_512-ecp256 with --psk: compare --ike, --psk and --rsasig of both sides'
    assert_output --partial 'if we began now: Main Mode from 10.9.0.1:500'
    refute_output --partial 'ISAKMP SA #1 that is there'
}

@test "[R2] [X1] an ISAKMP SA alone, then a connection with clients on top of it" {
    tunnel_is
    two_hosts
    pluto_with_secret left
    whack_on left --name alone --psk --host 10.9.0.1 --to --host 10.9.0.2
    pluto_add left
    whack_on left --listen
    charon_on right
    run whack_on left --initiate --name alone
    assert_success
    assert_equal "$(codes_of "$output")" '102 104 106 004'
    run whack_on left --explain --name net
    assert_output --regexp 'if we began now: Quick Mode under the ISAKMP SA #1 that is there'
    run whack_on left --initiate --name net
    assert_success
    assert_equal "$(codes_of "$output")" '110 004'
    traffic_is_protected
}

@test "[W12] [X3] --explain: no secret; and a peer whose algorithms are off by default" {
    tunnel_is
    two_hosts
    pluto_start left
    pluto_add left
    whack_on left --listen
    run whack_on left --explain --name net
    assert_success
    assert_output --partial '"net": so it does not come up, whoever begins: no preshared secret for "10.9.0.1" and "10.9.0.2" in ipsec.secrets: add a line 10.9.0.1 10.9.0.2 : PSK "..."'
    run whack_on left --initiate --name net
    assert_failure 28
    run whack_on left --explain --name net
    assert_output --regexp '"net": it failed last [0-9]+ s ago: no preshared secret for "10.9.0.1"'
    pluto_secrets left '10.9.0.1 10.9.0.2 : PSK "a secret of both"'
    whack_on left --listen
    charon_on right ike=3des-md5-modp1024 esp=3des-md5
    run charon_initiate right net 10
    assert_failure
    run whack_on left --explain --name net
    assert_output --regexp 'it failed last [0-9]+ s ago: no proposal chosen .*3des-md5-modp1024'
    assert_output --partial 'a peer that proposes nothing better than 3des md5 modp1024 modp1536 is refused, as --ike is default'
    assert_output --partial '"net": its secret is that of'
}
