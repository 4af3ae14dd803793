#!/usr/bin/env bats
# [K1] Names of hosts in ipsec.secrets, and [W4] those of peers, end to end: DNS served by nsd on a host of its own, /etc/hosts,
# and tunnels by their secrets, and to where the names lead.

# shellcheck disable=SC2154 # $repo comes from pluto.bash
load ../lib/scenario.bash
load ../lib/nsd.bash

# etc NAME [HOSTS-LINE...]: that host's own /etc/hosts, and a resolv.conf that names 10.9.0.53.
etc() {
    local dir=$HOSTS_DIR/$1/etc
    mkdir -p "$dir"
    printf '%s\n' '127.0.0.1 localhost' "${@:2}" >"$dir/hosts"
    echo 'nameserver 10.9.0.53' >"$dir/resolv.conf"
    chmod 755 "$HOSTS_DIR/$1" "$dir"
    chmod 644 "$dir"/*
    on "$1" mount --bind "$dir/hosts" /etc/hosts
    on "$1" mount --bind "$dir/resolv.conf" /etc/resolv.conf
}

# zone LINE...: what the zone example has
zone() {
    local dir=$HOSTS_DIR/dns
    # shellcheck disable=SC2016 # not for the shell
    printf '%s\n' '$ORIGIN example.' '$TTL 300' '@ SOA ns hostmaster 1 3600 600 86400 60' '@ NS ns' 'ns A 10.9.0.53' "$@" >"$dir/zone"
}

# dns_begins: nsd on 10.9.0.53
dns_begins() {
    local dir=$HOSTS_DIR/dns
    nsd_config "$dir" 10.9.0.53 >"$dir/nsd.conf"
    : >"$dir/nsd.log"
    start_on dns "$dir/nsd.out" "$dir/nsd.err" nsd -d -c "$dir/nsd.conf"
    nsd=$started
    wait_for 20 file_has "$dir/nsd.log" 'nsd started' || fail "$(cat "$dir/nsd.err" "$dir/nsd.log")"
}

# three_hosts: left and right, and one for DNS
three_hosts() {
    two_hosts
    host_up dns 10.9.0.53/24
}

# left_with LINE...: plutod on left with these secrets, the tunnel described, and listening; what whack said is in $output
left_with() {
    pluto_secrets left "$@"
    pluto_start left
    pluto_add left
    run whack_on left --listen
}

both_names='left.example right.example : PSK "a secret of both"'

@test "[K1] a tunnel by a secret for two names, which DNS has, one with several addresses; rekeyed after kill -9 of dnskey and secrets" {
    three_hosts
    etc left
    zone 'left A 10.9.0.1' 'right A 10.9.0.77' 'right A 10.9.0.2' 'right AAAA 2001:db8::77'
    dns_begins
    charon_on right
    left_with "$both_names" 'gone.example 10.9.0.1 : PSK "of nobody"'
    assert_line --partial 'ipsec.secrets:2: gone.example cannot be looked up: there is no such name in DNS; this entry is not used'
    assert_line --partial 'names of hosts in the secrets looked up: 1 entry, 1 error'
    whack_initiates left
    traffic_is_protected
    pkill -KILL -x dnskey -P "$(pluto_pid left)"
    end_pid "$nsd" # what was looked up holds
    pkill -KILL -x secrets -P "$(pluto_pid left)"
    log_has left 'secrets 1 (pid '
    ping_through left right
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
}

@test "[K1] the peer begins, whose secret is that of a name in /etc/hosts; another address there counts after --listen" {
    three_hosts # and no DNS server
    etc left '10.9.0.2 right.example' '10.9.0.1 LEFT.example left'
    left_with "$both_names"
    assert_line --partial 'names of hosts in the secrets looked up: 1 entry, 0 errors'
    charon_on right
    charon_initiates right
    traffic_is_protected
    run whack_on left --terminate --name net
    printf '10.9.0.99 right.example\n10.9.0.1 left.example\n' >"$HOSTS_DIR/left/etc/hosts" # the same file: it is mounted
    run whack_on left --listen
    assert_line --partial 'names of hosts in the secrets looked up: 1 entry, 0 errors'
    run whack_on left --initiate --name net
    assert_failure
    assert_output --partial 'no preshared secret for "10.9.0.1" and "10.9.0.2" in ipsec.secrets'
}

@test "[K1] DNS is down at the start: what needs no name works, whack is let go; what needs one works when DNS answers" {
    three_hosts
    etc left '10.9.0.1 left.example'
    charon_on right
    left_with "$both_names" '10.9.0.1 10.9.0.2 : PSK "a secret of both"' ': PSK "everybody"'
    assert_line --partial 'right.example cannot be looked up yet: '
    whack_initiates left # by the second entry
    traffic_is_protected
    run whack_on left --terminate --name net
    forgotten_by right
    run whack_on left --status
    assert_line --partial 'right.example in ipsec.secrets waits for its address'
    zone 'right A 10.9.0.2'
    pluto_secrets left "$both_names"
    run whack_on left --listen
    run whack_on left --initiate --name net
    assert_failure
    assert_output --partial 'but right.example in it has not been looked up yet'
    dns_begins
    log_has left 'right.example is 10.9.0.2: what ipsec.secrets has for it is used from now on' 90
    charon_initiates right
    traffic_is_protected
    end_pid "$nsd"
    run whack_on left --listen # DNS is down again: nothing is lost by it
    run whack_on left --terminate --name net
    forgotten_by left right
    whack_initiates left
    traffic_is_protected
}

# right_moves ADDRESS: from one moment to the next, so that nobody is told; his name leads there from then on
right_moves() {
    kill -KILL "$(<"$HOSTS_DIR/right/charon.pid")"
    ip -n right xfrm state flush
    ip -n right xfrm policy flush
    ip -n right address del "${T[right]}/${T[bits]}" dev eth0
    ip -n right address add "$1/${T[bits]}" dev eth0
    ip -n right route add "${T[left_net]}" dev eth0 # which went with the address
    tunnel_with "right=$1"
    charon_on right
    end_pid "$nsd"
    zone "right 0 A $1"
    dns_begins
}

@test "[W4] the peer moves, and his record in DNS with him: whack --initiate brings the tunnel up where he is now" {
    three_hosts
    etc left
    zone "right 0 A ${T[right]}" # of which nobody remembers anything
    dns_begins
    tunnel_with left_id=@left right_id=@right
    charon_on right
    pluto_with_secret left
    tunnel_with right=right.example
    pluto_add left
    tunnel_with right=10.9.0.2
    whack_on left --listen
    whack_initiates left
    traffic_is_protected
    right_moves 10.9.0.3
    run whack_on left --initiate --name net
    assert_success
    assert_line '002 "net": right.example is 10.9.0.3 now, and 10.9.0.2 no more: so is the peer'
    assert_equal "$(codes_of "$output")" '002 102 104 106 004 110 004'
    traffic_is_protected
    assert_equal "$(sa_count left)" 2 # none is left to where he was
    log_has left 'right.example is 10.9.0.3 now, and 10.9.0.2 no more: so is the peer'
    run whack_on left --status
    assert_line --partial '"net":   host right.example is 10.9.0.3; dnskey is asked for it whenever we begin'
    run whack_on left --status --json
    "$repo/tests/lib/status-valid" <<<"$output"
    assert_equal "$(jq -r '.connections[0].peer | .host, .host_name' <<<"$output" | tr '\n' ' ')" '10.9.0.3 right.example '
}
