#!/usr/bin/env bats
# The default updown script: our routes stand beside the administrator's, and go without them [C7] [P8].

load ../lib/scenario.bash

# Left and right on wires of their own, with a router between: mid. Both have a default route by it.
behind_a_router() {
    tunnel_is left=172.20.5.1 right=172.21.5.1 bits=24 left_net=10.1.0.0/24 right_net=10.2.0.0/24
    wire_up
    host_up left 172.20.5.1/24 10.1.0.1/24
    host_up right 172.21.5.1/24 10.2.0.1/24
    host_up mid 172.20.5.254/24
    ip -n mid addr add 172.21.5.254/24 dev eth0
    on mid sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0
    ip -n left route add default via 172.20.5.254
    ip -n right route add default via 172.21.5.254
    wire_watch
}

# whack_with_script HOST NAME RIGHT_CLIENT [OUR_WORD...]: a connection whose script is the default one.
whack_with_script() {
    local family=()
    [[ ${T[left]} != *:* ]] || family=(--ipv6)
    whack_on "$1" --name "$2" --psk --encrypt --tunnel "${family[@]}" --host "${T[left]}" --client "${T[left_net]}" \
        "${@:4}" --to --host "${T[right]}" --client "$3"
}

both_pluto() {
    local host
    for host in left right; do
        pluto_with_secret "$host"
        whack_with_script "$host" net "${T[right_net]}"
        whack_with_script "$host" all "${1-%default}"
        whack_on "$host" --listen
    done
}

# routes HOST: all of its routes, in the order in which they are taken.
routes() {
    ip -n "$1" -4 route
    ip -n "$1" -6 route
}

reaches_peer() {
    run on left ping -n -c 1 -W 10 "${T[right]}"
    assert_success
}

# up_and_down NAME: initiated, then terminated; the routes are as before.
up_and_down() {
    local before
    before=$(routes left)
    run whack_on left --initiate --name "$1"
    assert_success
    reaches_peer
    ping_through left right
    whack_on left --terminate --name "$1"
    wait_for 15 routes_are "$before" || fail "before: $before after: $(routes left)"
    reaches_peer
}

routes_are() {
    [ "$(routes left)" = "$1" ]
}

@test "[C7] the administrator's default route serves for --client %default, and stays" {
    behind_a_router
    both_pluto
    up_and_down all
    up_and_down net
}

@test "[C7] a route to the same net stands again afterwards: by another gateway, with a metric, several" {
    behind_a_router
    ip -n left route add 10.2.0.0/24 via 172.20.5.77
    ip -n left route add 10.2.0.0/24 via 172.20.5.78 metric 5
    both_pluto
    up_and_down net
    run whack_on left --initiate --name net
    run ip -n left route get 10.2.0.1
    assert_output --partial 'via 172.20.5.254'
    whack_on left --shutdown
    wait_for 15 is_missing "$HOSTS_DIR/left/pluto.pid"
    run ip -n left route show proto 85
    assert_output ''
}

is_missing() {
    [ ! -e "$1" ]
}

@test "[C7] the same route that is there already is neither set nor taken away" {
    behind_a_router
    ip -n left route add 10.2.0.0/24 via 172.20.5.254
    both_pluto
    whack_on left --initiate --name net
    run ip -n left route show proto 85
    assert_output ''
    whack_on left --terminate --name net
    up_and_down net
}

@test "[C7] a route that fails takes none of the administrator's with it" {
    behind_a_router
    ip -n left route add 10.2.0.0/24 via 172.20.5.77
    both_pluto
    whack_with_script left bad 10.2.0.0/24 --nexthop 192.0.2.1
    local before
    before=$(routes left)
    run whack_on left --initiate --name bad
    assert_failure 25
    wait_for 15 no_sas left
    sleep 0.5 # for what it might still do
    wait_for 15 routes_are "$before" || fail "before: $before after: $(routes left)"
}

@test "[C7] --client %default by another next hop: the peer is reached as before" {
    behind_a_router
    host_up other 172.20.5.253/24
    both_pluto
    whack_with_script left far %default --nexthop 172.20.5.253
    whack_on left --delete --name all
    local before
    before=$(routes left)
    whack_on left --initiate --name far
    run ip -n left route get 8.8.8.8
    assert_output --partial 'via 172.20.5.253'
    reaches_peer
    ping_through left right
    # Another connection of that peer comes and goes meanwhile: the peer's own route stays.
    whack_on left --initiate --name net
    whack_on left --terminate --name net
    sleep 0.5
    reaches_peer
    whack_on left --terminate --name far
    wait_for 15 routes_are "$before" || fail "before: $before after: $(routes left)"
}

@test "[C7] a peer on the wire, and a default route through him" {
    tunnel_is
    two_hosts
    ip -n left route add default via 10.9.0.2
    both_pluto
    up_and_down all
    up_and_down net
    ip -n left route del default
    up_and_down all
}

@test "[C7] IPv6: routes to the same net, and ::/0" {
    tunnel_is left=fd77:1::a right=fd77:1::b bits=64 left_net=fd55:1::/64 right_net=fd55:2::/64 left_in=fd55:1::1 \
        right_in=fd55:2::1
    two_hosts
    ip -n left -6 route del fd55:2::/64
    ip -n left -6 route add fd55:2::/64 via fd77:1::77
    ip -n left -6 route add default via fd77:1::78
    both_pluto ::/0
    up_and_down net
    up_and_down all
}

@test "[W2] --updown 'ipsec _updown' runs our default script, whose ipsec else there is" {
    tunnel_is left_net=10.1.0.0/24 right_net=10.2.0.0/24
    two_hosts
    local host
    for host in left right; do
        pluto_with_secret "$host"
        whack_with_script "$host" net "${T[right_net]}" --updown 'ipsec _updown'
        whack_on "$host" --listen
    done
    run whack_on left --initiate --name net
    assert_success
    run ip -n left route show 10.2.0.0/24
    assert_output --partial 'dev eth0'
    ping_through left right
}
