#!/usr/bin/env bats
# whack and plutod together: what is waited for, %myid, names, the end. Not: plutod_control.bats, plutod_stream.bats.
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

@test "[F15] no secret for a peer that is silent: whack is told at once, with both identities, 028" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --name far --psk --encrypt --id @here --host 127.0.0.1 --to --id @there --host 127.0.0.2
    ask --listen
    ask --initiate --name far
    assert_failure 28
    assert_line --regexp '^028 "far" #[0-9]+: no preshared secret for "@here" and "@there" in ipsec.secrets: add a line @here @there : PSK "\.\.\." \(whack --listen reads ipsec.secrets anew\)$'
    echo '@here @there : PSK "a secret"' >"$dir/secrets"
    ask --listen
    waits '^102 ' --initiate --name far # for an answer now
}

@test "[W9] plutod is killed while a whack waits: it says so, exit 1; --shutdown is finished when plutod is gone" {
    start
    far_away
    timeout 60 "$whack" --ctlbase "$base" --initiate --name far >"$dir/said" 2>"$dir/why" 3>&- &
    local waits=$! status=0
    within 5 grep -q '^102 ' "$dir/said"
    kill -KILL "$daemon"
    wait "$waits" || status=$?
    assert_equal "$status" 1
    run cat "$dir/why"
    assert_output --partial 'plutod went away before the request was finished'
    wait "$daemon" || :
    start
    run --separate-stderr timeout 60 "$whack" --ctlbase "$base" --shutdown
    assert_success
    assert_equal "$stderr" ''
}

@test "[W9] a second --initiate says what it waits for; after one that was killed, it begins anew" {
    start
    far_away
    "$whack" --ctlbase "$base" --initiate --name far >"$dir/said" 3>&- & # not by timeout: it is killed itself
    local first=$!
    within 5 grep -q '^102 ' "$dir/said"
    waits '^000 ' --initiate --name far
    assert_output --regexp '^000 "far" #3: waits for the ISAKMP SA #1, whose Main Mode is under way: STATE_MAIN_I1: initiate$'
    ask --initiate --name far --asynchronous # the first one waits still, so its Main Mode stays
    kill -KILL "$first"
    wait "$first" || :
    waits '^102 "far" #[0-9]+: STATE_MAIN_I1: initiate$' --initiate --name far
    ask --initiate --name far --asynchronous
    ask --status
    assert_equal "$(grep -cE '^000 #[0-9]+: "far"' <<<"$output")" 2 # one Main Mode, one Quick Mode
}

@test "[W9] one whack with several forms: in order, each when the one before is finished" {
    start
    raw $'hello version=1 epoch=1 tool=whack\nwhack-debug classes=control\nwhack-listen\nwhack-status\nwhack-initiate name=x\nwhack-shutdown\n'
    assert_line --index 0 'done' # with whack-debug
    assert_line --index 2 --partial '002 not listening' # after 003: no interface is up here
    assert_line --index 4 'done'
    assert_line --partial '000 not listening for IKE messages'
    assert_line --partial '000 debug control'
    assert_line --partial '021 '
    within 5 gone "$daemon"
}

# with_myid WORDS...: what --status says of the connection "mine", whose end is ours
with_myid() {
    nsenter -t "$daemon" -n ip link set lo up
    ask --name mine --psk --id %myid --host 127.0.0.1 --to --host 10.9.0.2
    assert_success
    ask --listen
    ask --status
}

@test "[W5] [W8] %myid without anybody who says it: 027 on use; whack --myid says it, and another later" {
    start
    with_myid
    assert_line '000 %myid = (none)'
    assert_line --partial '000 "mine":   unoriented: its --id is %myid, and nobody has said who that is: whack --myid ID does'
    ask --initiate --name mine
    assert_equal "$status" 27
    assert_output --partial '027 "mine": cannot orient: its --id is %myid, and nobody has said who that is'
    ask --myid @gate.example.com
    assert_success
    assert_output '002 %myid is @gate.example.com'
    ask --status
    assert_line '000 %myid = @gate.example.com'
    assert_line --partial '000 "mine": 127.0.0.1[@gate.example.com]...10.9.0.2[10.9.0.2]; unrouted'
    ask --initiate --name mine --myid @Gate.example.com --status --asynchronous
    assert_line --partial '000 "mine": 127.0.0.1[@Gate.example.com]...10.9.0.2[10.9.0.2]; unrouted'
    raw $'hello version=1 epoch=1 tool=whack\nwhack-myid myid=%25any\n'
    assert_output --partial '030 --myid %any: this is nobody'
    raw $'hello version=1 epoch=1 tool=whack\nwhack-myid myid=%25myid\n'
    assert_output --partial '030 --myid %myid: '
}

@test "[P1] [W5] %myid from plutod's --myid, else from IPSECmyid" {
    IPSECmyid=@env.example.com start
    with_myid
    assert_line --partial '000 "mine": 127.0.0.1[@env.example.com]...'
    kill -TERM "$daemon"
    within 5 gone "$daemon"
    IPSECmyid=@env.example.com start --myid @word.example.com
    with_myid
    assert_line --partial '000 "mine": 127.0.0.1[@word.example.com]...'
    kill -TERM "$daemon"
    within 5 gone "$daemon"
    IPSECmyid='' start # is as not set
    ask --status
    refute_output --partial '[@'
}

@test "[P1] [W5] --myid and IPSECmyid that are no identity: what is wrong, what to do, exit 1" {
    local there='neither an address nor @name nor user@name (a bare name needs looking up)'
    there+='; plutod looks none up: write @ before it, or say it by whack --myid, which does'
    run -1 "$plutod" --nofork --ctlbase "$base" --myid localhost
    assert_line "plutod: --myid localhost: $there"
    IPSECmyid=localhost run -1 "$plutod" --nofork --ctlbase "$base"
    assert_output "plutod: IPSECmyid localhost: $there" # it is no option: no usage
    run -1 "$plutod" --nofork --ctlbase "$base" --myid 10.9.0.300
    assert_line --regexp '^plutod: --myid 10.9.0.300: .* 255'
    refute_output --partial 'bare name'
    IPSECmyid='C=CH, O=' run -1 "$plutod" --nofork --ctlbase "$base"
    assert_output 'plutod: IPSECmyid C=CH, O=: an attribute without a value in a distinguished name'
    assert [ ! -e "$base.pid" ]
}

@test "[W5] %myid at the peer's end: 027 on use" {
    start --myid @gate.example.com
    nsenter -t "$daemon" -n ip link set lo up
    ask --listen
    ask --name mine --psk --host 127.0.0.1 --to --host 10.9.0.2 --id %myid
    ask --initiate --name mine
    assert_equal "$status" 27
    assert_output --partial "the peer's end has --id %myid, which is who we are"
}

@test "[W2a] --delete with a description is silent where nothing had that name" {
    start
    ask --delete --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    assert_success
    assert_output '002 added connection description "net"'
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.3
    assert_equal "$status $output" \
        '20 020 attempt to redefine connection "net": --delete replaces it'
    ask --status
    assert_output --partial '10.9.0.1[10.9.0.1]...10.9.0.2[10.9.0.2]'
    ask --delete --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.3
    assert_success
    assert_output '002 added connection description "net"'
    ask --status
    assert_output --partial '10.9.0.1[10.9.0.1]...10.9.0.3[10.9.0.3]'
}

@test "[W8] [P9] debug classes in the call that describes a connection are that connection's" {
    start
    ask --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2 --debug-raw
    assert_success
    assert_output '002 added connection description "net"'
    ask --delete --name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2 --debug-kernel --status
    assert_line '000 debug none'
    assert_line '000 "net":   debug kernel'
}

@test "[W8a] [W11] what is not there, and whom nobody can begin with: 21, 29" {
    start
    nsenter -t "$daemon" -n ip link set lo up
    ask --name road --psk --encrypt --tunnel --host 127.0.0.1 --nexthop %direct --to --host %any
    ask --listen
    local form
    for form in '--delete --name no' '--terminate --name no' '--initiate --name no' '--route --name no' \
        '--unroute --name no' '--debug-raw --name no' '--events --name no' '--explain --name no' '--deletestate 77'; do
        # shellcheck disable=SC2086 # words are wanted
        ask $form
        assert_equal "$form: $status" "$form: 21"
        assert_line --regexp '^021 no (connection named "no"|state #77)$'
    done
    ask --initiate --name road
    assert_equal "$status" 29
    assert_output --partial "029 \"road\": cannot initiate: the peer's address is not known (--host %any)"
}

@test "[P8] --shutdown --leave-state ends plutod, and leaves neither lock nor socket" {
    start
    ask --shutdown --leave-state
    assert_success
    wait "$daemon"
    grep -q 'shutting down; SAs, policies and routes stay' "$dir/err"
    [ ! -e "$base.pid" ] && [ ! -e "$base.ctl" ]
    daemon=
}
