#!/usr/bin/env bats
# [W12] whack --status and --status --json where there are tunnels.

# shellcheck disable=SC2154 # $repo is of lib/pluto.bash
load ../lib/scenario.bash

# document HOST: of `whack --status --json` into $HOSTS_DIR/HOST/json; it is as docs/status.schema.json says.
document() {
    get_document "$1"
    is_valid "$1"
}

get_document() {
    whack_on "$1" --status --json >"$HOSTS_DIR/$1/json" || fail "no document: $(<"$HOSTS_DIR/$1/json")"
}

is_valid() {
    run "$repo/tests/lib/status-valid" <"$HOSTS_DIR/$1/json"
    assert_success
    assert_output ''
}

# holds HOST EXPRESSION: Python's, of the document d, its connections by name, c, and those states that stand, up.
holds() {
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
c = {x["name"]: x for x in d["connections"]}
up = [x for x in d["states"] if x["established"]]
sys.exit(0 if eval(sys.argv[2]) else "not so: " + sys.argv[2])' "$HOSTS_DIR/$1/json" "$2" || {
        cat "$HOSTS_DIR/$1/json" >&2
        return 1
    }
}

two_plutos() {
    tunnel_is "$@"
    two_hosts
    pluto_on right
    pluto_on left
}

@test "[W12] --status --json of a tunnel: up on both sides, the kernel's counters, SPIs that are the peer's, then half-up" {
    local ike=aes256-sha2_256-modp2048
    two_plutos ike=$ike esp=aes256-sha2_256
    document left
    holds left 'c["net"]["state"] == "down" and not c["net"]["negotiating"] and d["states"] == []'
    whack_initiates left
    traffic_is_protected
    document left
    document right
    holds left 'c["net"]["state"] == "up" and c["net"]["routing"] == "erouted" and c["net"]["routed"]'
    holds right 'c["net"]["state"] == "up"'
    holds left '[x["algorithms"] for x in up] == ["'$ike'", "aes256-sha2_256"]'
    holds left 'up[0]["serial"] == c["net"]["isakmp_sa"] and up[1]["serial"] == c["net"]["ipsec_sa"]'
    holds left '0 < up[1]["life_left"] <= up[1]["life"] == 3600 and 0 < up[0]["life_left"] <= 10800'
    holds left 'up[1]["ipsec"]["packets_out"] == '"$(sa_packets left "${T[left]}" "${T[right]}")"' and up[1]["ipsec"]["counted_ago"] == 0'
    holds left 'up[1]["ipsec"]["packets_in"] == '"$(sa_packets left "${T[right]}" "${T[left]}")"' and up[1]["ipsec"]["bytes_in"] > 0'
    holds left 'd["counters"]["negotiations"]["ipsec_established"] == 1'
    holds right 'd["counters"]["negotiations"]["begun_by_peers"] == 2'
    local spi
    spi=$(python3 -c 'import json, sys; print([x["ipsec"]["spi_out"] for x in json.load(sys.stdin)["states"] if x["ipsec"]][0])' \
        <"$HOSTS_DIR/left/json")
    holds right '[x["ipsec"]["spi_in"] for x in up if x["ipsec"]] == ["'"$spi"'"]'
    run whack_on left --deletestate "$(python3 -c 'import json, sys; print(json.load(sys.stdin)["connections"][0]["ipsec_sa"])' \
        <"$HOSTS_DIR/left/json")"
    assert_success
    document left
    holds left 'c["net"]["state"] == "half-up" and not c["net"]["routed"] and c["net"]["ipsec_sa"] is None'
    wait_for 15 deleted_at_right
}

deleted_at_right() {
    document right
    holds right 'c["net"]["state"] == "half-up" and d["counters"]["messages"]["deletes_from_peers"] == 1' 2>/dev/null
}

@test "[W12] kernel-sa stands still: the status comes all the same, with the counters that are known" {
    two_plutos
    whack_initiates left
    traffic_is_protected
    document left
    local packets tool
    packets=$(sa_packets left "${T[left]}" "${T[right]}")
    tool=$(tool_pids left kernel-sa)
    kill -STOP "$tool"
    ping_through left right
    get_document left
    # Nobody waited until another one was begun in its place.
    assert_equal "$(tool_pids left kernel-sa) $(ps --no-headers -o s:1 -p "$tool")" "$tool T"
    kill -CONT "$tool"
    is_valid left
    holds left '[x["ipsec"]["packets_out"] for x in up if x["ipsec"]] == ['"$packets"']'
    counted_again() {
        document left
        holds left '[x["ipsec"]["packets_out"] > '"$packets"' for x in up if x["ipsec"]] == [True]' 2>/dev/null
    }
    wait_for 15 counted_again
}
