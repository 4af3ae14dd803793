#!/usr/bin/env bats
# [K1] %prompt: the passphrase of a key file is asked for at the terminal of whoever calls whack --listen.
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

# key NAME PASSPHRASE [OPTION...]: an RSA key file, encrypted as openssl pkcs8 does it with these options
key() {
    openssl genrsa -out "$dir/clear" 1024 2>/dev/null
    (umask 077 && openssl pkcs8 -topk8 -in "$dir/clear" -passout "pass:$2" -out "$dir/$1.pem" "${@:3}")
    rm "$dir/clear"
}

# secrets LINE...: of the secrets file
secrets() {
    printf '%s\n' "$@" >"$dir/secrets"
}

terminal() {
    echo "${BUILD_DIR:-$repo}/tests/programs/at-terminal"
}

# prompt NAME: what is shown where the passphrase of that key is to be typed
prompt() {
    echo "passphrase of the RSA key file $dir/$1.pem: "
}

# listen [WAIT TYPE]...: whack --listen at a terminal
listen() {
    run timeout 300 "$(terminal)" "$@" -- "$whack" --ctlbase "$base" --listen
}

# asked_times N: so many questions were asked
asked_times() {
    assert_equal "$(grep -c '^040 question' <<<"$output")" "$1"
}

# number FILE: of the last question that was asked there
number() {
    sed -n 's/^040 question \([0-9]*\): .*/\1/p' "$1" | tail -n 1
}

# asked FILE [NAME]: the same in the background, until somebody waits at the question; its pid is in $asked
asked() {
    : >"$1"
    timeout 300 "$(terminal)" "$(prompt "${2-one}")" '' -- "$whack" --ctlbase "$base" --listen >"$1" 3>&- &
    asked=$!
    within 5 grep -q 'echo off' "$1"
}

# reload: whack --listen without a terminal, as a service manager calls it
reload() {
    run timeout 60 setsid -w "$whack" --ctlbase "$base" --listen </dev/null
    assert_success
}

# workers: their pids
workers() {
    pgrep -P "$daemon" -x secrets
}

# whack_asked SIGNAL: the whack of that
whack_asked() {
    pkill "-$1" -x whack -P "$(pgrep -x at-terminal -P "$asked")"
}

# Is there a key to sign with as this identity?
signs() {
    ask --name "as-$1" --delete --rsasig --encrypt --host 127.0.0.1 --id "@$1" --to --host 10.64.0.1 --id @peer
    ask --explain --name "as-$1"
    [[ $output == *'our private key is that of '"$dir/secrets"* ]]
}

# Is there a preshared secret for these two?
has_psk() {
    ask --name psk --delete --psk --encrypt --host 127.0.0.1 --to --host 10.64.0.1
    ask --explain --name psk
    [[ $output == *"its secret is that of $dir/secrets"* ]]
}

# start_here [OPTION...]: a plutod whose loopback is there
start_here() {
    start "$@"
    nsenter -t "$daemon" -n ip link set lo up
}

psk='127.0.0.1 10.64.0.1 : PSK "a secret of both"'

@test "[K1] [W11] %prompt: asked for without echo, once for all workers, and the key is used" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 3
    listen ': passphrase of the RSA key file' '' 'passphrase of the RSA key file' 'open sesame\n'
    assert_success
    assert_line --partial '002 secrets read: 1 entry, 0 errors; 1 key file waits for its passphrase'
    assert_line --regexp "^040 question [0-9]+: passphrase of the RSA key file $dir/one.pem"
    assert_output --partial "file $dir/one.pem: [echo off]"
    assert_line '[left with echo on]'
    assert_line --partial "002 the RSA key file $dir/one.pem is open"
    asked_times 1
    refute_output --partial sesame
    signs one || fail "$output"
    has_psk || fail "$output"
    run grep -c sesame "$dir/err"
    assert_output 0
}

@test "[K1] %prompt: several files, each encrypted in another way, and two entries with one of them" {
    key new 'open sesame'
    key slow 'open scrypt' -scrypt
    key old 'open triple' -v1 PBE-SHA1-3DES
    openssl genrsa 1024 2>/dev/null >"$dir/clear"
    (umask 077 && openssl rsa -in "$dir/clear" -aes128 -traditional -passout 'pass:open early' -out "$dir/early.pem" 2>/dev/null)
    secrets "@new : RSA $dir/new.pem %prompt" "@slow : RSA $dir/slow.pem %prompt" "@old : RSA $dir/old.pem %prompt" \
        "@early : RSA $dir/early.pem %prompt" "@newer : RSA $dir/new.pem %prompt" "@clear : RSA $dir/clear %prompt"
    chmod 600 "$dir/clear"
    start_here --secrets-workers 2
    listen "$(prompt new)" 'open sesame\n' "$(prompt slow)" 'open scrypt\n' "$(prompt old)" 'open triple\n' "$(prompt early)" 'open early\n'
    assert_success
    assert_line --partial '002 secrets read: 1 entry, 0 errors; 4 key files wait for their passphrases'
    assert_equal "$(grep -c '^040 ' <<<"$output")" 4
    assert_equal "$(grep -c 'is open' <<<"$output")" 4
    local id
    for id in new slow old early newer clear; do
        signs "$id" || fail "$id: $output"
    done
}

@test "[K1] %prompt: a wrong passphrase is named, and asked for again, three times in all" {
    key one 'open sesame'
    key two 'another word'
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt" "$psk"
    start_here --secrets-workers 2
    listen "$(prompt one)" 'close sesame\n' "$(prompt one)" 'open sesame\n' "$(prompt two)" 'a\n' "$(prompt two)" 'b\n' "$(prompt two)" 'c\n'
    assert_success
    assert_line --partial "003 the RSA key file $dir/one.pem: the passphrase of the key is wrong, or the key is damaged"
    assert_line --partial "002 the RSA key file $dir/one.pem is open"
    assert_line --partial "003 the RSA key file $dir/two.pem is not used: the passphrase of the key is wrong, or the key is damaged; whack --listen, at a terminal, asks again"
    asked_times 5
    signs one || fail "$output"
    ! signs two || fail "$output"
    has_psk || fail "$output"
    listen "$(prompt two)" 'another word\n'
    asked_times 1
    signs one || fail "$output"
    signs two || fail "$output"
}

@test "[K1] %prompt: one that is too long is a wrong one: the limit is named, and it is asked for again, three times in all" {
    local long tool=${IPSEC_DIR:-$repo/secrets}/secrets
    long=$(printf '%01025d' 0)
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    listen "$(prompt one)" "$long\n" "$(prompt one)" 'open sesame\n'
    assert_success
    assert_line --partial "003 the RSA key file $dir/one.pem: a passphrase has at most 1024 bytes"
    assert_line --partial "002 the RSA key file $dir/one.pem is open"
    asked_times 2
    signs one || fail "$output"
    key one 'close sesame'
    listen "$(prompt one)" "$long\n" "$(prompt one)" "$long\n" "$(prompt one)" "$long\n"
    assert_success
    assert_line --partial "003 the RSA key file $dir/one.pem is not used: a passphrase has at most 1024 bytes; whack --listen, at a terminal, asks again"
    asked_times 3
    run grep -c 0000000000 "$dir/err"
    assert_output 0
    run timeout 300 "$(terminal)" "$(prompt one)" "$long\n" "$(prompt one)" 'close sesame\n' -- "$tool" --show @one --file "$dir/secrets"
    assert_success
    assert_line --partial "secrets: $dir/one.pem: a passphrase has at most 1024 bytes"
    refute_output --partial 0000000000
}

@test "[K1] %prompt: a key for which no passphrase will do is asked for once" {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null >"$dir/clear"
    (umask 077 && openssl pkcs8 -topk8 -in "$dir/clear" -passout 'pass:open sesame' -out "$dir/one.pem")
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    listen "$(prompt one)" 'open sesame\n'
    assert_success
    assert_line --regexp "^003 the RSA key file $dir/one.pem is not used: .*another algorithm"
    asked_times 1
    has_psk || fail "$output"
    run timeout 300 "$(terminal)" "$(prompt one)" 'open sesame\n' -- "${IPSEC_DIR:-$repo/secrets}/secrets" --show @one --file "$dir/secrets"
    assert_equal "$status" 1
    assert_equal "$(grep -c 'echo off' <<<"$output")" 1
}

@test "[K1] %prompt: enter alone leaves a key out; ^C ends whack, with the terminal as it was" {
    key one 'open sesame'
    key two 'another word'
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt" "$psk"
    start_here --secrets-workers 2
    listen "$(prompt one)" '\n' "$(prompt two)" 'another word\n'
    assert_success
    assert_line --partial "003 the RSA key file $dir/one.pem is not used: no passphrase was given; whack --listen, at a terminal, asks again"
    signs two || fail "$output"
    ask --keyid @peer --pubkeyrsa "0x03010001$(openssl rand -hex 128 | sed 's/^./f/; s/.$/f/')"
    ! signs one || fail "$output"
    assert_output --partial "no private RSA key for \"@one\": the passphrase of $dir/one.pem has not come (%prompt); whack --listen, at a terminal, asks for it"
    listen "$(prompt one)" '\003'
    assert_equal "$status" 130
    assert_line '[left with echo on]'
    within 5 grep -q 'one.pem is not used: the whack that was asked has gone' "$dir/err"
    signs two || fail "$output"
    has_psk || fail "$output"
}

@test "[K1] %prompt: without a terminal --listen goes on, and says which keys are not used" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    run timeout 60 setsid -w "$whack" --ctlbase "$base" --listen </dev/null
    assert_success
    assert_line "003 the RSA key file $dir/one.pem is not used: there is no terminal to ask for its passphrase; whack --listen, at a terminal, asks again"
    has_psk || fail "$output"
    # one that does not answer because it never says more
    secrets "@one : RSA $dir/one.pem %prompt" '127.0.0.1 10.64.0.1 : PSK "another one"'
    raw $'hello version=1 epoch=1 tool=whack\nwhack-listen\n' &
    local silent=$!
    within 5 grep -q 'key file waits for its passphrase' "$dir/err"
    ask --status
    assert_success
    kill "$silent"
    wait "$silent" || :
    has_psk || fail "$output"
}

@test "[K1] [K2] %prompt: a key that fits less does not sign in the place of one that is locked, which is named" {
    local tool=${IPSEC_DIR:-$repo/secrets}/secrets
    key one 'open sesame'
    (umask 077 && openssl genrsa -out "$dir/clear.pem" 1024 2>/dev/null)
    secrets ": RSA $dir/clear.pem" "@one : RSA $dir/one.pem %prompt"
    start_here
    reload
    signs two || fail "$output"
    ask --keyid @peer --pubkeyrsa "0x03010001$(openssl rand -hex 128 | sed 's/^./f/; s/.$/f/')"
    ! signs one || fail "$output"
    assert_output --partial "no private RSA key for \"@one\": the passphrase of $dir/one.pem has not come (%prompt); whack --listen, at a terminal, asks for it"
    ask --name as-one --initiate
    assert_equal "$status" 28
    assert_output --partial "the passphrase of $dir/one.pem has not come"
    listen "$(prompt one)" 'open sesame\n'
    signs one || fail "$output"
    assert_output --partial "our private key is that of $dir/secrets:2"
    run setsid -w "$tool" --match @one @peer --file "$dir/secrets"
    assert_success
    assert_line "RSA: $dir/secrets:2 is the one, but not before the passphrase of $dir/one.pem is given (%prompt): it names us"
    assert_line "    $dir/secrets:1 is not used: names nobody, so it is for everybody"
    run setsid -w "$tool" --show @one --file "$dir/secrets"
    assert_equal "$status" 1
    assert_line "secrets: $dir/one.pem: is the key file for this identity, and its passphrase did not come (%prompt)"
    refute_output --partial pubkeyrsa
}

@test "[K1] %prompt: while the question is open, all that was there before is there still" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    listen "$(prompt one)" 'open sesame\n'
    local before
    before=$(pgrep -P "$daemon" -x secrets | sort)
    key late 'another word'
    secrets "@one : RSA $dir/one.pem %prompt" "@late : RSA $dir/late.pem %prompt"
    asked "$dir/second" late
    for _ in 1 2 3 4; do
        signs one || fail "$output"
        has_psk || fail "$output"
    done
    ! signs late || fail "$output"
    # a second one takes over: the first leaves its prompt at once, and says why
    listen "$(prompt late)" 'another word\n'
    assert_success
    asked_times 1
    within 5 grep -q 'left with echo on' "$dir/second"
    wait "$asked"
    grep -q '^003 another whack --listen reads the secrets: what this one began is given up' "$dir/second"
    run ! grep -q 'is not open any more' "$dir/second" "$dir/err"
    signs one || fail "$output"
    signs late || fail "$output"
    ! has_psk || fail "$output"
    within 5 gone_all "$before" || fail 'the old secrets are still there'
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2' || fail "$(children)"
}

@test "[K1] %prompt: while the question is open, what was there is there still, even without a key that was left out" {
    key one 'open sesame'
    key two 'another word'
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt" '127.0.0.1 %any : PSK "of everybody"'
    start_here --secrets-workers 2
    listen "$(prompt one)" '\n' "$(prompt two)" 'another word\n'
    signs two || fail "$output"
    # those that are in use have more to do than those that will be
    local n
    for n in 1 2 3 4; do
        ask --name "busy$n" --psk --encrypt --host 127.0.0.1 --to --host "10.64.0.$n"
        ask --initiate --asynchronous --name "busy$n"
    done
    secrets "@one : RSA $dir/one.pem %prompt"
    asked "$dir/second"
    for n in 1 2 3 4; do
        signs two || fail "$output"
        has_psk || fail "$output"
    done
    kill "$asked"
    wait "$asked" || :
}

@test "[K1] %prompt: secrets killed while the question is open: what is begun in its place gets the answer, too" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt"
    start_here --secrets-workers 1
    : >"$dir/first"
    timeout 300 "$(terminal)" "$(prompt one)" '' 'go on' 'open sesame\n' -- bash -c "{ until [ -e '$dir/go' ]; do sleep 0.05; done; echo go on; } &
        '$whack' --ctlbase '$base' --listen" >"$dir/first" 3>&- &
    asked=$!
    within 5 grep -q 'echo off' "$dir/first"
    kill -KILL "$(pgrep -P "$daemon" -x secrets)"
    within 5 grep -q '^secrets 1 .* was ended by signal 9' "$dir/err"
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:1'
    : >"$dir/go"
    wait "$asked"
    run cat "$dir/first"
    assert_line --partial "002 the RSA key file $dir/one.pem is open"
    asked_times 1
    signs one || fail "$output"
}

@test "[K1] %prompt: a file whose name is longer than a line is asked for all the same" {
    local name=$dir
    for _ in 1 2 3; do
        name=$name/$(printf 'ü%.0s' {1..120}) # four characters for each byte, where it is shown
        mkdir "$name"
    done
    key one 'open sesame'
    mv "$dir/one.pem" "$name"
    secrets "@one : RSA $name/one.pem %prompt"
    start_here
    listen ': passphrase of the RSA key file' '' 'passphrase of the RSA key file' 'open sesame\n'
    assert_success
    assert_output --partial 'one.pem is open'
    signs one || fail "$output"
}

gone_all() {
    local pid
    for pid in $1; do
        gone "$pid" || return 1
    done
}

@test "[K1] [P7] %prompt: secrets that is begun again has the key from another one" {
    key one 'open sesame'
    key two 'another word'
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt"
    start_here --secrets-workers 2
    listen "$(prompt one)" 'open sesame\n' "$(prompt two)" 'another word\n'
    local round pid times=0
    for round in 1 2 3; do # at last none of those that a person has given it is there
        for pid in $(workers); do
            kill -KILL "$pid"
            signs one || fail "$round: $output"
            signs two || fail "$round: $output"
            times=$((times + 1))
            within 10 handed_on_times "$times" || fail "$(cat "$dir/err")"
        done
    done
    run ! grep -q 'without the key' "$dir/err"
    run ! grep -q 'is not used' "$dir/err"
    # and so does a reload
    reload
    signs one || fail "$output"
    signs two || fail "$output"
}

handed_on_times() {
    [ "$(grep -c '^secrets .* was begun again; the passphrases of 2 RSA key files (%prompt) were handed on' "$dir/err")" -eq "$1" ]
}

@test "[K1] %prompt: the only secrets process dies: its successor says which key it lacks, until a terminal is asked" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 1
    listen "$(prompt one)" 'open sesame\n'
    signs one || fail "$output"
    kill -KILL "$(workers)"
    within 5 grep -q "^secrets .* was begun again, without the key of $dir/one.pem: whack --listen, at a terminal" "$dir/err"
    ! signs one || fail "$output"
    has_psk || fail "$output"
    reload
    assert_line --partial "003 the RSA key file $dir/one.pem is not used: there is no terminal to ask for its passphrase"
    listen "$(prompt one)" 'open sesame\n'
    signs one || fail "$output"
}

@test "[K1] [P7] %prompt: whack --listen without a terminal keeps the keys whose passphrases were typed before" {
    key one 'open sesame'
    key two 'another word'
    key late 'a third one'
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt" "@again : RSA $dir/one.pem %prompt"
    start_here --secrets-workers 8
    listen "$(prompt one)" 'open sesame\n' "$(prompt two)" 'another word\n'
    for _ in 1 2 3; do
        reload
        asked_times 0
        assert_line --partial "002 the RSA key file $dir/one.pem is open, by the passphrase that was typed before"
        assert_line --partial "002 the RSA key file $dir/two.pem is open, by the passphrase that was typed before"
        assert_equal "$(grep -c 'is open' <<<"$output")" 2
        signs one && signs two && signs again || fail "$output"
    done
    # one that nobody has is left out, the others are there
    secrets "@late : RSA $dir/late.pem %prompt" "@two : RSA $dir/two.pem %prompt" "@one : RSA $dir/one.pem %prompt"
    reload
    asked_times 1
    assert_line --partial "003 the RSA key file $dir/late.pem is not used: there is no terminal"
    signs one && signs two || fail "$output"
    ! signs late || fail "$output"
    # at a terminal only that one is asked for
    listen "$(prompt late)" 'a third one\n'
    asked_times 1
    signs one && signs two && signs late || fail "$output"
}

@test "[K1] %prompt: a key file with another passphrase is asked for; one that left ipsec.secrets is asked for when it is back" {
    key one 'open sesame'
    key two 'another word'
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt"
    start_here --secrets-workers 3
    listen "$(prompt one)" 'open sesame\n' "$(prompt two)" 'another word\n'
    key one 'close sesame'
    reload
    assert_line --partial "003 the RSA key file $dir/one.pem: the passphrase that was typed before does not open it"
    assert_line --partial "003 the RSA key file $dir/one.pem is not used: there is no terminal"
    assert_line --partial "002 the RSA key file $dir/two.pem is open, by the passphrase that was typed before"
    ! signs one || fail "$output"
    listen "$(prompt one)" 'open sesame\n' "$(prompt one)" 'close sesame\n'
    asked_times 2
    signs one && signs two || fail "$output"
    # the sockets of a file that is named no more are closed with the processes that read of it
    secrets "@one : RSA $dir/one.pem %prompt"
    reload
    signs one || fail "$output"
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:3' || fail "$(children)"
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt"
    reload
    assert_line --partial "003 the RSA key file $dir/two.pem is not used: there is no terminal"
    signs one || fail "$output"
    ! signs two || fail "$output"
}

@test "[K1] %prompt: what was typed for secrets that never came into use is not asked for again" {
    key one 'open sesame'
    key two 'another word'
    secrets "@one : RSA $dir/one.pem %prompt" "@two : RSA $dir/two.pem %prompt"
    start_here --secrets-workers 2
    timeout 300 "$(terminal)" "$(prompt one)" 'open sesame\n' "$(prompt two)" '' -- "$whack" --ctlbase "$base" --listen \
        >"$dir/first" 3>&- &
    asked=$!
    within 5 grep -q "$(prompt two)" "$dir/first"
    reload
    assert_line --partial "002 the RSA key file $dir/one.pem is open, by the passphrase that was typed before"
    assert_line --partial "003 the RSA key file $dir/two.pem is not used: there is no terminal"
    within 5 grep -q 'left with echo on' "$dir/first"
    wait "$asked"
    signs one || fail "$output"
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2' || fail "$(children)"
}

@test "[K1] [W12] %prompt: an open question is in --status, --status --json and --events; a later plutod has other numbers" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt"
    start_here --secrets-workers 2
    ask --status --json
    assert_equal "$(jq -c .question <<<"$output")" null
    asked "$dir/first"
    local first
    first=$(number "$dir/first")
    ask --status
    assert_line --regexp "^000 question $first is open for [0-9]+s: passphrase of the RSA key file $dir/one.pem, asked for at the terminal of whack --listen\$"
    ask --status --json
    assert_equal "$(jq -c '[.question.number, .question.file, .question.wrong]' <<<"$output")" "[$first,\"$dir/one.pem\",0]"
    ask --events
    assert_line --partial "question $first: whack --listen asks for the passphrase of the RSA key file $dir/one.pem"
    # plutod goes: the prompt is left at once
    kill -TERM "$daemon"
    wait "$daemon" || :
    within 5 grep -q 'left with echo on' "$dir/first"
    wait "$asked" || :
    start_here --secrets-workers 2
    asked "$dir/second"
    [ "$(number "$dir/second")" -gt "$first" ]
    raw $'hello version=1 epoch=1 tool=whack\nwhack-no-passphrase question='"$first"$' why=no\n'
    assert_line "003 question $first is not open any more: the answer is not used"
    ask --status
    assert_line --partial "000 question $(number "$dir/second") is open"
    whack_asked INT
    wait "$asked" || :
}

@test "[K1] %prompt: whack killed at the question, and answers that nobody asked for" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    asked "$dir/killed"
    raw $'hello version=1 epoch=1 tool=whack\nwhack-passphrase question=7\n'
    assert_line '003 question 7 is not open any more: the answer is not used'
    local number
    number=$(number "$dir/killed")
    raw $'hello version=1 epoch=1 tool=whack\nwhack-no-passphrase question='$((number + 1))$' why=no\n'
    assert_line "003 question $((number + 1)) is not open any more: the answer is not used"
    whack_asked KILL
    within 5 grep -q 'one.pem is not used: the whack that was asked has gone' "$dir/err"
    wait "$asked" || :
    raw $'hello version=1 epoch=1 tool=whack\nwhack-passphrase question='"$number"$'\n'
    assert_line "003 question $number is not open any more: the answer is not used"
    has_psk || fail "$output"
    # and one that has no socket with it
    asked "$dir/killed"
    raw $'hello version=1 epoch=1 tool=whack\nwhack-passphrase question='"$(number "$dir/killed")"$'\n'
    within 5 grep -q 'one.pem is not used: whack sent no socket with its passphrase' "$dir/err"
    within 5 grep -q 'left with echo on' "$dir/killed" # nobody waits for its answer any more
    wait "$asked" || :
    ask --status
    assert_success
}

@test "[K1] %prompt: afterwards the passphrase is in the memory of none of us" {
    [ -z "${BUILD_DIR-}" ] || skip 'what make asan built has terabytes of memory to look through'
    local word=0x5e5a3e5e5a3e5e5a3eabcdef found
    key one "$word"
    secrets "@one : RSA $dir/one.pem %prompt"
    start_here --secrets-workers 2
    listen "$(prompt one)" "$word\\n"
    assert_line --partial 'is open'
    # it was handed on, too
    reload
    assert_line --partial 'is open'
    within 5 children_are 'ike-negotiate:1 kernel-sa:1 secrets:2' || fail "$(children)"
    kill -KILL "$(workers | head -n 1)"
    within 5 grep -q 'were handed on to it' "$dir/err"
    local pids
    mapfile -t pids < <(echo "$daemon"; pgrep -P "$daemon")
    found=$(printf 'passphrase %s\n' "$(printf %s "$word" | od -An -v -tx1 | tr -d ' \n')" |
        "${BUILD_DIR:-$repo}/tests/programs/memscan" "${pids[@]}") || fail "$found"
    # it would be found: a file that holds it
    found=$(printf 'passphrase %s\n' "$(printf %s "$psk" | od -An -v -tx1 | tr -d ' \n')" |
        "${BUILD_DIR:-$repo}/tests/programs/memscan" $$) && fail 'memscan finds nothing'
    signs one
}

@test "[K1] by hand: --show and records ask at the terminal; --lint and --match do not" {
    local tool=${IPSEC_DIR:-$repo/secrets}/secrets
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt"
    run timeout 300 "$(terminal)" "$(prompt one)" 'close\n' "$(prompt one)" 'open sesame\n' -- "$tool" --show @one --file "$dir/secrets"
    assert_success
    assert_line --partial "secrets: $dir/one.pem: the passphrase of the key is wrong, or the key is damaged"
    assert_output --regexp 'whack --keyid @one --addkey --pubkeyrsa 0s[0-9A-Za-z+/=]+'
    assert_line '[left with echo on]'
    refute_output --partial sesame
    run setsid -w "$tool" --show @one --file "$dir/secrets"
    assert_equal "$status" 1
    assert_line "secrets: the RSA key file $dir/one.pem is not used: the key is encrypted, and there is no terminal to ask for its passphrase"
    run setsid -w "$tool" --lint --file "$dir/secrets"
    assert_success
    assert_line '0 PSK, 0 RSA, 1 RSA whose passphrase is asked for (%prompt), 0 errors, 0 doubts, in 2 files'
    run setsid -w "$tool" --match @one @peer --file "$dir/secrets"
    assert_success
    assert_line "RSA: $dir/secrets:1 is the one, but not before the passphrase of $dir/one.pem is given (%prompt): it names us"
    run timeout 300 "$(terminal)" "$(prompt one)" 'open sesame\n' 'loaded entries=1' '\004' -- "$tool" --file "$dir/secrets"
    assert_success
}

@test "[K1] by hand: for a key that stays locked it is said what can be done there, not whack --listen" {
    local tools=${IPSEC_DIR:-} word
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    word=0x03010001$(openssl rand -hex 128 | sed 's/^./f/; s/.$/f/')
    run timeout 20 setsid -w "${tools:-$repo/secrets}/secrets" --file "$dir/secrets" \
        <<<'announce exchange=1 connection=net role=initiator methods=rsasig ike=aes256-sha2_256-ecp256 our-id=@one peer-id=@peer'
    assert_output --partial "the%20passphrase%20of%20$dir/one.pem%20has%20not%20come%20(%25prompt);%20secrets%20asks%20for%20it%20as%20it%20begins,%20where%20it%20has%20a%20terminal"
    refute_output --partial whack
    run unshare -n sh -c 'ip link set lo up; exec timeout 20 setsid -w "$@"' sh "${tools:-$repo/ike-negotiate}/ike-negotiate" --initiate \
        --rsasig --encrypt --host 127.0.0.1 --id @one --to --host 127.0.0.2 --id @peer --pubkeyrsa "$word" --secretsfile "$dir/secrets"
    assert_failure
    assert_output --partial "has not come (%prompt); by hand nobody asks for it: write it there, or decrypt the key file (openssl pkey)"
    refute_output --partial whack
}
