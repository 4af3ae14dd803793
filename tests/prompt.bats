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
    run timeout 60 "$(terminal)" "$@" -- "$whack" --ctlbase "$base" --listen
}

# asked FILE: the same in the background, until somebody waits at the question; its pid is in $asked
asked() {
    : >"$1"
    timeout 60 "$(terminal)" "$(prompt one)" '' -- "$whack" --ctlbase "$base" --listen >"$1" 3>&- &
    asked=$!
    within 5 grep -q 'echo off' "$1"
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
    listen 'question 1: passphrase of the RSA key file' '' 'passphrase of the RSA key file' 'open sesame\n'
    assert_success
    assert_line --partial '002 secrets read: 1 entry, 0 errors; 1 key file waits for its passphrase'
    assert_line --partial "040 question 1: passphrase of the RSA key file $dir/one.pem"
    assert_output --partial "file $dir/one.pem: [echo off]"
    assert_line '[left with echo on]'
    assert_line --partial "002 the RSA key file $dir/one.pem is open"
    refute_output --partial 'question 2'
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
    refute_output --partial 'question 6'
    signs one || fail "$output"
    ! signs two || fail "$output"
    has_psk || fail "$output"
    listen "$(prompt one)" 'open sesame\n' "$(prompt two)" 'another word\n'
    signs two || fail "$output"
}

@test "[K1] %prompt: a key for which no passphrase will do is asked for once" {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>/dev/null >"$dir/clear"
    (umask 077 && openssl pkcs8 -topk8 -in "$dir/clear" -passout 'pass:open sesame' -out "$dir/one.pem")
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    listen "$(prompt one)" 'open sesame\n'
    assert_success
    assert_line --regexp "^003 the RSA key file $dir/one.pem is not used: .*another algorithm"
    refute_output --partial 'question 2'
    has_psk || fail "$output"
    run timeout 60 "$(terminal)" "$(prompt one)" 'open sesame\n' -- "${IPSEC_DIR:-$repo/secrets}/secrets" --show @one --file "$dir/secrets"
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
    within 5 grep -q 'two.pem is not used: the whack that was asked has gone' "$dir/err"
    ! signs two || fail "$output"
    has_psk || fail "$output"
}

@test "[K1] %prompt: without a terminal --listen goes on, and says which keys are not used" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    run timeout 20 setsid -w "$whack" --ctlbase "$base" --listen </dev/null
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

@test "[K1] %prompt: while the question is open, all that was there before is there still" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    listen "$(prompt one)" 'open sesame\n'
    local before
    before=$(pgrep -P "$daemon" -x secrets | sort)
    secrets "@one : RSA $dir/one.pem %prompt" "@late : RSA $dir/one.pem %prompt"
    asked "$dir/second"
    for _ in 1 2 3 4; do
        signs one || fail "$output"
        has_psk || fail "$output"
    done
    ! signs late || fail "$output"
    # a second one takes over: the first is told so
    listen "$(prompt one)" 'open sesame\n'
    assert_success
    signs late || fail "$output"
    ! has_psk || fail "$output"
    within 5 gone_all "$before" || fail 'the old secrets are still there'
    kill "$asked"
    wait "$asked" || :
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
    timeout 60 "$(terminal)" "$(prompt one)" '' 'go on' 'open sesame\n' -- bash -c "{ until [ -e '$dir/go' ]; do sleep 0.05; done; echo go on; } &
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
    refute_output --partial 'question 2'
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
    listen 'question 1: passphrase of the RSA key file' '' 'passphrase of the RSA key file' 'open sesame\n'
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

@test "[K1] %prompt: secrets that is begun again says which key it lacks; the others have it" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt"
    start_here --secrets-workers 2
    listen "$(prompt one)" 'open sesame\n'
    local pid
    pid=$(pgrep -P "$daemon" -x secrets | head -n 1)
    kill -KILL "$pid"
    within 5 grep -q "^secrets .* was begun again, without the key of $dir/one.pem: whack --listen, at a terminal" "$dir/err"
    for _ in 1 2 3 4; do
        signs one || fail "$output"
    done
}

@test "[K1] %prompt: whack killed at the question, and answers that nobody asked for" {
    key one 'open sesame'
    secrets "@one : RSA $dir/one.pem %prompt" "$psk"
    start_here --secrets-workers 2
    asked "$dir/killed"
    raw $'hello version=1 epoch=1 tool=whack\nwhack-passphrase question=7\n'
    assert_line '003 question 7 is not open any more: the answer is not used'
    raw $'hello version=1 epoch=1 tool=whack\nwhack-no-passphrase question=2 why=no\n'
    assert_line '003 question 2 is not open any more: the answer is not used'
    whack_asked KILL
    within 5 grep -q 'one.pem is not used: the whack that was asked has gone' "$dir/err"
    wait "$asked" || :
    raw $'hello version=1 epoch=1 tool=whack\nwhack-passphrase question=1\n'
    assert_line '003 question 1 is not open any more: the answer is not used'
    has_psk || fail "$output"
    # and one that has no socket with it
    asked "$dir/killed"
    raw $'hello version=1 epoch=1 tool=whack\nwhack-passphrase question=2\n'
    within 5 grep -q 'one.pem is not used: whack sent no socket with its passphrase' "$dir/err"
    whack_asked INT
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
    run timeout 60 "$(terminal)" "$(prompt one)" 'close\n' "$(prompt one)" 'open sesame\n' -- "$tool" --show @one --file "$dir/secrets"
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
    assert_line "    $dir/secrets:1 is there once the passphrase of $dir/one.pem is given (%prompt): it names us"
    run timeout 60 "$(terminal)" "$(prompt one)" 'open sesame\n' 'loaded entries=1' '\004' -- "$tool" --file "$dir/secrets"
    assert_success
}
