# shellcheck shell=bash
# shellcheck disable=SC2120,SC2119 # most functions are used in the scenarios alone
# scenario.bash - what every scenario loads: hosts, daemons, and a tunnel that is described once for both ends
#
# A scenario says what its tunnel is (tunnel_is), puts daemons on the hosts "left" and "right", lets one side begin,
# and checks what a user would see: packets, counters, logs, whack's lines. "left" is always ours.

# shellcheck disable=SC2154 # $output is of bats' run
bats_require_minimum_version 1.5.0
scenario_lib=${BASH_SOURCE[0]%/*}
# shellcheck source=/dev/null
. "$scenario_lib/assert.bash"
# shellcheck source=/dev/null
. "$scenario_lib/net.bash"
# shellcheck source=/dev/null
. "$scenario_lib/charon.bash"
# shellcheck source=/dev/null
. "$scenario_lib/pluto.bash"
# shellcheck source=/dev/null
. "$scenario_lib/rsa.bash"

# How many packets an eavesdropper saw that he must not see: pings that are not inside ESP.
clear_pings='icmp[0] == 0 or icmp[0] == 8 or (icmp6 and (ip6[40] == 128 or ip6[40] == 129))'
clear_pings_seen() {
    wire_seen "$clear_pings"
}

setup() {
    trace_less
    scenario_begin "$BATS_TEST_TMPDIR"
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || scenario_show
    hosts_down
}

# scenario_begin FOLDER: where the hosts' files go.
scenario_begin() {
    if [ ! -e /run/work/out/started ]; then
        echo 'This scenario makes hosts and tunnels: run it by tests/uml/boot bats FILE (or tests/run).' >&2
        return 1
    fi
    HOSTS_DIR=$1
    declare -gA T
    tunnel_is
}

# tunnel_is KEY=VALUE...: the tunnel of this scenario; what is not named is as below.
tunnel_is() {
    T=(
        [name]=net [mode]=tunnel [method]=psk [psk]='a secret of both' [ike]='' [esp]='' [pfs]=''
        [left]=10.9.0.1 [right]=10.9.0.2 [bits]=24
        [left_net]=10.1.0.0/24 [right_net]=10.2.0.0/24 [left_in]=10.1.0.1 [right_in]=10.2.0.1
        [left_id]='' [right_id]='' [updown]=''
    )
    tunnel_with "$@"
    if [ "${T[mode]}" = transport ]; then
        T[left_net]='' T[right_net]='' T[left_in]=${T[left]} T[right_in]=${T[right]}
    fi
}

# tunnel_with KEY=VALUE...: the same tunnel, with these changed.
tunnel_with() {
    local word
    for word in "$@"; do
        T[${word%%=*}]=${word#*=}
    done
}

# two_hosts: left and right on a wire that is watched, with their nets, and plain routes to the other's.
two_hosts() {
    wire_up
    if [ "${T[mode]}" = transport ]; then
        host_up left "${T[left]}/${T[bits]}"
        host_up right "${T[right]}/${T[bits]}"
    else
        host_up left "${T[left]}/${T[bits]}" "${T[left_in]}/${T[left_net]##*/}"
        host_up right "${T[right]}/${T[bits]}" "${T[right_in]}/${T[right_net]##*/}"
        ip -n left route add "${T[right_net]}" dev eth0
        ip -n right route add "${T[left_net]}" dev eth0
    fi
    wire_watch
}

other() {
    if [ "$1" = left ]; then echo right; else echo left; fi
}

# pluto_with_secret NAME [OPTION...]: plutod with the tunnel's secret, and nothing else yet.
pluto_with_secret() {
    pluto_secrets "$1" "${T[left_id]:-${T[left]}} ${T[right_id]:-${T[right]}} : PSK \"${T[psk]}\""
    pluto_start "$@"
}

# pluto_on NAME [OPTION...]: plutod with the tunnel's secret and connection, listening.
pluto_on() {
    local name=$1
    pluto_with_secret "$@"
    pluto_add "$name"
    whack_on "$name" --listen
}

# pluto_add NAME [WORD...]: add the tunnel there; both ends get the same words, each finds out which end it is.
pluto_add() {
    local words=(--name "${T[name]}" --encrypt) family=() method
    for method in ${T[method]}; do
        words+=("--$method")
    done
    [ "${T[mode]}" = transport ] || words+=(--tunnel)
    [ -z "${T[pfs]}" ] || words+=(--pfs --pfsgroup "${T[pfs]}")
    [ -z "${T[ike]}" ] || words+=(--ike "${T[ike]}")
    [ -z "${T[esp]}" ] || words+=(--esp "${T[esp]}")
    [[ ${T[left]} != *:* ]] || words+=(--ipv6)
    case ${T[left]}=${T[left_net]} in
    *:*=*:* | *.*=*.*.*) ;;
    *=*:*) family=(--tunnelipv6) ;;
    *:*=*.*) family=(--tunnelipv4) ;;
    esac
    words+=("${family[@]}" "${@:2}")
    local side
    for side in left right; do
        [ -z "${T[${side}_id]}" ] || words+=(--id "${T[${side}_id]}")
        words+=(--host "${T[$side]}")
        [ -z "${T[${side}_net]}" ] || words+=(--client "${T[${side}_net]}")
        words+=(--updown "${T[updown]:-/bin/true}")
        [ "$side" = right ] || words+=(--to)
    done
    whack_on "$1" "${words[@]}"
}

# charon_on NAME [KEY=VALUE...]: charon with the tunnel's secret and connection; KEY=VALUE as in charon_conn.
charon_on() {
    local name=$1 far
    far=$(other "$1")
    shift
    charon_start "$name"
    charon_add "$name" "$far" "$@"
}

# charon_add NAME FAR [KEY=VALUE...]
charon_add() {
    local -a words
    charon_tunnel_words "$1" "$2"
    charon_conn "$1" "${T[name]}" "${words[@]}" "${@:3}"
}

# charon_add_child NAME FAR CONNECTION: the tunnel as one more child of a connection between the same hosts.
charon_add_child() {
    local -a words
    charon_tunnel_words "$1" "$2"
    charon_child "$1" "$3" "${T[name]}" "${words[@]}"
}

# Into words, which the caller has: the tunnel as charon_conn wants it. (charon reads a name with @ as we do.)
charon_tunnel_words() {
    words=("local=${T[$1]}" "remote=${T[$2]}" "psk=${T[psk]}" "mode=${T[mode]}")
    words+=("ike=${T[ike]:-default}" "esp=${T[esp]:-default}" "pfs=${T[pfs]}")
    [ -z "${T[$1_net]}" ] || words+=("local_ts=${T[$1_net]}" "remote_ts=${T[$2_net]}")
    [ -z "${T[$1_id]}" ] || words+=("local_id=${T[$1_id]}")
    [ -z "${T[$2_id]}" ] || words+=("remote_id=${T[$2_id]}")
}

# whack_initiates NAME [CONNECTION]: the good initiate of the manual, line for line and with its exit status.
whack_initiates() {
    run whack_on "$1" --initiate --name "${2-${T[name]}}"
    assert_success
    assert_equal "$(codes_of "$output")" '102 104 106 004 110 004'
}

# charon_initiates NAME [CONNECTION]
charon_initiates() {
    charon_initiate "$1" "${2-${T[name]}}" || fail "charon could not initiate: $(<"$HOSTS_DIR/$1/charon.said")"
}

# traffic_is_protected: pings pass, all SAs of both hosts count them, and the wire carries them as ESP only.
traffic_is_protected() {
    # The responder has its outbound SA only once the last message of Quick Mode is there.
    wait_for 40 tunnel_is_there || fail 'not both hosts have SAs in both directions, the same ones'
    pings_pass left right
    assert_counting
    local esp=0 clear=0
    wait_for 10 wire_has_pings || fail "of three pings and their answers, $esp ESP packets were seen on the wire"
    assert_equal "$clear" 0
}

sas_are_there() {
    [ "$(sa_count left)" -ge 2 ] && [ "$(sa_count right)" -ge 2 ]
}

# tunnel_is_there: both, in both directions, and the same.
tunnel_is_there() {
    sas_agree left "${T[left]}" right "${T[right]}" 2
}

# Into esp and clear, which the caller has: how many packets were seen. Three pings that were answered are six packets; until all
# of them are there, nothing is known of the others. What is neither ESP nor such a part of it as has no header is clear.
wire_has_pings() {
    read -r esp clear < <(wire_packets "esp or $clear_pings" |
        awk '/: (ESP\(|ip-proto-50)/ { esp++; next } { clear++ } END { print esp + 0, clear + 0 }')
    [ "$esp" -ge 6 ]
}

# ends_agree: left and right, about the tunnel.
ends_agree() {
    sas_agree left "${T[left]}" right "${T[right]}"
}

# forgotten_by NAME...: they have no state of any negotiation any more. A Delete is still on its way when whack --terminate ends, and
# who begins before it came uses the ISAKMP SA that is to go.
forgotten_by() {
    local host
    for host in "$@"; do
        wait_for 15 has_forgotten "$host" || fail "$host still has states"
    done
}

has_forgotten() {
    if [ -e "$HOSTS_DIR/$1/charon.pid" ]; then
        [ -z "$(charon_swanctl "$1" --list-sas 2>&1)" ]
    else
        ! grep -q ' STATE_' <<<"$(whack_on "$1" --status)"
    fi
}

# ping_through FROM TO: from the one's net to the other's, once both have the same SAs.
ping_through() {
    wait_for 15 ends_agree || fail 'one has SAs that the other does not have'
    pings_pass "$1" "$2"
}

# pings_pass FROM TO: and now.
pings_pass() {
    run on "$1" ping -n -c 3 -i 0.2 -W 10 -I "${T[${1}_in]}" "${T[${2}_in]}"
    assert_success
    assert_output --partial ' 0% packet loss'
}

# lost_in FILE: how many pings had no answer.
lost_in() {
    sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2/p' "$1" | awk '{ print $1 - $2 }'
}

# lost_by_right: how many packets right had no SA for, of those that came to it, and of its own. Where charon, as responder, has an
# older pair of SAs, it takes the old one away before it puts the new one there: a packet of that very moment is lost, as others may
# not be.
lost_by_right() {
    # shellcheck disable=SC2016 # awk's fields
    on right awk '$1 ~ /^Xfrm(InNoStates|OutNoStates|AcquireError)$/ { n += $2 } END { print n }' /proc/net/xfrm_stat
}

# all_were_answered PID FILE: an endless ping (without -q), whose output is in FILE, is ended, and has lost nothing. What it sent in
# the very moment it does not wait for any more, and counts it as lost: so not that is looked at, but whether a number is missing.
all_were_answered() {
    local last
    last=$(answers_in "$2" | tail -n 1)
    wait_for 15 has_answer_after "${last:-0}" "$2" || return 1 # it goes on
    kill -INT "$1"
    wait_for 15 has_ended "$1" || return 1
    answers_in "$2" | awk '$1 != NR { lost = 1 } END { exit lost || NR == 0 }'
}

answers_in() {
    sed -n 's/.* icmp_seq=\([0-9]*\) ttl=.*/\1/p' "$1" | sort -nu
}

has_answer_after() {
    [ "$(answers_in "$2" | tail -n 1)" -gt "$1" ]
}

# assert_counting: on left and right, the SAs between them count, in both directions.
assert_counting() {
    local host way name from to packets
    local -A counted=()
    while read -r name from to packets; do
        counted[$name $from $to]=$packets
    done < <(sas_packets left right)
    for host in left right; do
        for way in "${T[left]} ${T[right]}" "${T[right]} ${T[left]}"; do
            packets=${counted[$host $way]-none}
            if [ "$packets" = none ] || [ "$packets" -eq 0 ]; then
                fail "on $host, the SA from ${way% *} to ${way#* } counts: $packets"
            fi
        done
    done
}

# a_tunnel: the default one, which is up: ours has begun it on the left, and charon answered.
a_tunnel() {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    traffic_is_protected
}

# log_has NAME TEXT [SECONDS]: plutod's log there says so, now or within SECONDS (15).
log_has() {
    wait_for "${3-15}" file_has "$(pluto_log "$1")" "$2" || fail "the log of $1 does not say: $2"
}

no_sas() {
    [ "$(sa_count "$1")" -eq 0 ]
}
no_policies() {
    [ "$(policy_count "$1")" -eq 0 ]
}

# scenario_show: what a person wants to see of a scenario that failed (its keys die with it).
scenario_show() {
    local dir name file
    for dir in "$HOSTS_DIR"/*/; do
        [ -e "$dir/holder" ] || continue
        name=$(basename "$dir")
        for file in pluto.out pluto.err charon.said charon.log; do
            [ -s "$dir/$file" ] || continue
            echo "---- $name: $file (its end)"
            tail -n 60 "$dir/$file"
        done
        echo "---- $name: kernel SAs and policies"
        ip -n "$name" -s xfrm state | grep -vE 'auth|enc|aead|key'
        ip -n "$name" xfrm policy | awk '/^src/ { head = $0; next } !/socket/ { if (head) print head; head = ""; print }'
    done
    echo '---- the wire (its end)'
    wire_packets 'not (arp or ether multicast)' | tail -n 30
}
