#!/usr/bin/env bats
# whack --optionsfrom - and plutod together: thousands of calls in one stream [P2].
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

# definitions FROM TO [WORD...]: calls of whack, each over three lines
definitions() {
    local i
    for ((i = $1; i <= $2; i++)); do
        printf -- '%s--name site-%05d --psk --encrypt --tunnel\n    --id @gate.example.com --host 127.0.0.1 --client 10.%d.%d.0/24 \\\n' \
            "${3-}" "$i" $((i / 250)) $((i % 250))
        printf -- '    --to --id @peer%d.example.net --host 192.0.%d.%d --client 172.20.%d.0/24\n' \
            "$i" $((i / 250)) $((i % 250)) $((i % 250))
    done
}

# load_stream: what is on standard input; $seconds is how long it took
load_stream() {
    local begin=$EPOCHREALTIME
    run --separate-stderr timeout 60 "$whack" --ctlbase "$base" --optionsfrom -
    patiently
    seconds=$(awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')
}

@test "[P2] [W2] 10,000 definitions with one whack: at once, 1 KB each, found and deleted as fast as one" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    local before seconds
    definitions 0 9999 >"$dir/all"
    before=$(memory)
    load_stream <"$dir/all"
    assert_success
    assert_equal "$(grep -c '^002 added connection description' <<<"$output")" 10000
    echo "loaded in $seconds s"
    at_most "${seconds%.*}" 20 'seconds to load' # 2 s are the aim, on a machine that does nothing else
    local each=$((($(memory) - before) * 1024 / 10000))
    at_most "$each" 2000 'bytes each' # 1000 are the aim
    run bash -c "'$whack' --ctlbase '$base' --status | grep -c '^000 \"site-.*; unrouted'"
    assert_output 10000
    definitions 5000 5000 '--delete ' >"$dir/one"
    load_stream <"$dir/one"
    assert_output '002 added connection description "site-05000"'
    seq -f '--delete --name site-%05g' 0 9999 >"$dir/none"
    load_stream <"$dir/none"
    assert_success
    echo "deleted in $seconds s"
    at_most "${seconds%.*}" 20 'seconds to delete' # the same
    run bash -c "'$whack' --ctlbase '$base' --status | grep -c '^000 \"site-'"
    assert_output 0
}

@test "[P2] [W10] a stream: each refused call with its place, the others loaded; exit status of the last that failed" {
    start
    { definitions 1 3; definitions 2 2; definitions 4 4; echo; echo '--initiate --name nosuch'; definitions 5 5; } >"$dir/all"
    load_stream <"$dir/all"
    assert_equal "$status" 21
    assert_equal "$output" '002 added connection description "site-00001"
002 added connection description "site-00002"
002 added connection description "site-00003"
020 stdin:10:1: attempt to redefine connection "site-00002": --delete replaces it
002 added connection description "site-00004"
021 stdin:17:1: no connection named "nosuch"
002 added connection description "site-00005"'
    { definitions 2 2; echo '--nosuch'; definitions 6 6; } >"$dir/all"
    load_stream <"$dir/all"
    assert_equal "$status" 1 # whack's own
    assert_equal "$stderr" 'whack: stdin:4:1: --nosuch: unknown option (see whack --help)'
    assert_line '002 added connection description "site-00006"'
}

@test "[P2] [W10] a stream of deletions waits for kernel-sa before what is none, not at each; places are right" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    load_stream < <(definitions 1 50)
    local kernel
    kernel=$(pid_of kernel-sa)
    kill -STOP "$kernel"
    { seq -f '--delete --name site-%05g' 1 50; echo '--delete --name nosuch'; definitions 7 7; echo --status; } >"$dir/all"
    timeout 30 "$whack" --ctlbase "$base" --optionsfrom - <"$dir/all" >"$dir/said" 3>&- &
    local stream=$! code=0
    within 5 grep -q '^002 added' "$dir/said"
    sleep 0.2
    run grep -v '": deleted connection description$' "$dir/said"
    kill -CONT "$kernel"
    assert_output '021 stdin:51:1: no connection named "nosuch"
002 added connection description "site-00007"'
    wait "$stream" || code=$?
    assert_equal "$code" 21
    run cat "$dir/said"
    assert_line --partial '000 "site-00007"'
    refute_line --partial '000 "site-00008"'
}

@test "[P2] [F22] whacks that ask for nothing for a while are let be, unless others wait for their places" {
    # shellcheck disable=SC2034 # lib/plutod.bash uses it
    netns=(prlimit --nofile=80 unshare -n) # so there are 40 places
    start
    far_away
    # Those that wait for a negotiation keep their places: one hears of it, the other waits for the first one's.
    local i idle=() code parted=0 waits=()
    for i in 1 2; do
        timeout 300 "$whack" --ctlbase "$base" --initiate --name far >"$dir/waits.$i" 2>&1 3>&- &
        waits+=($!)
        within 5 grep -q '^[01]0[02] ' "$dir/waits.$i"
    done
    mkfifo "$dir/go"
    for i in {1..38}; do
        { { : <"$dir/go"; echo --status; } | "$whack" --ctlbase "$base" --optionsfrom - >"$dir/idle.$i" 2>&1; } 3>&- &
        idle+=($!)
    done
    sleep 22 # longer than a record may take to come
    run cat "$dir"/idle.*
    assert_output ''
    ask --status # in vain, until some have asked for nothing for 30 s
    assert_success
    assert_output --partial '"far"'
    : >"$dir/go" # the others ask now
    for i in {1..38}; do
        code=0
        wait "${idle[i - 1]}" || code=$?
        run cat "$dir/idle.$i"
        if [ "$code" = 0 ]; then
            assert_output --partial '"far"'
        else
            assert_output --regexp '^032 nothing was asked for 30 s, and others wait for a place: plutod ends the connection; what was asked before is done'
            parted=$((parted + 1))
        fi
    done
    [ "$parted" -ge 1 ] && [ "$parted" -le 20 ]
    grep -q 'control socket: a whack is sent away: nothing was asked for 30 s' "$dir/err"
    refute grep -q 'bad message' "$dir/err"
    for i in 1 2; do
        refute grep -q '^032 ' "$dir/waits.$i"
        kill "${waits[i - 1]}"
        code=0
        wait "${waits[i - 1]}" || code=$?
        assert_equal "$code" 143 # until now
    done
}

@test "[P2] a stream that pauses, and a whack that reads slowly" {
    start
    load_stream < <(definitions 1 1; echo; sleep 1; echo --status)
    assert_success
    assert_line --index 0 '002 added connection description "site-00001"'
    assert_line --partial '000 "site-00001"'
    # Megabytes of answers wait for their reader, most of them with whack and not with plutod.
    load_stream < <(definitions 2 200)
    yes -- --status | head -n 400 >"$dir/asks"
    { timeout 60 "$whack" --ctlbase "$base" --optionsfrom - <"$dir/asks" | { sleep 2; grep -c '^000 not listening'; } >"$dir/count"; } 3>&- &
    local slow=$!
    sleep 1
    [ "$(memory)" -lt 12000 ]
    ask --status
    assert_success
    wait "$slow"
    assert_equal "$(<"$dir/count")" 400
}
