#!/usr/bin/env bats
# [K1] Names of hosts in ipsec.secrets: what plutod and secrets make of what dnskey answers. What dnskey itself does: dnskey.bats.
# shellcheck disable=SC2030,SC2031,SC2154 # each test has a daemon of its own, lib/plutod.bash its words

load lib/plutod.bash

# A dnskey that says what the file answers has: lib/fake-dnskey.
dns() {
    mkdir -p "$dir/dns"
    cp "$repo/tests/lib/fake-dnskey" "$dir/dns/dnskey"
    printf '%s\n' "$@" >"$dir/dns/answers"
    : >"$dir/dns/asked"
}

# secrets LINE...: of the secrets file
secrets() {
    printf '%s\n' "$@" >"$dir/secrets"
}

# start_here [OPTION...]: a plutod that asks that one, and whose loopback is there
start_here() {
    start --adns "$dir/dns/dnskey" "$@"
    nsenter -t "$daemon" -n ip link set lo up
}

listen() {
    ask --listen
}

# has_psk PEER: is there a preshared secret for 127.0.0.1 and this one?
has_psk() {
    local number=${1//[.:]/-}
    ask --name "c$number" --delete --psk --encrypt --host "${us:-127.0.0.1}" --to --host "$1"
    ask --explain --name "c$number"
    [[ $output == *"its secret is that of $dir/secrets:${2-}"* ]]
}

# log_has TEXT
log_has() {
    grep -qF -- "$1" "$dir/err"
}

status_has() {
    ask --status
    [[ $output == *"$1"* ]]
}

alone='127.0.0.1 10.64.0.1 : PSK "needs no name at all"'

@test "[K1] names: an entry is used for each address of its names; mixed with addresses; in either case" {
    dns 'gate.example.org ok 10.64.0.2,10.64.0.3,2001:db8::3' 'us.example.org ok 127.0.0.1' 'other.example.org ok 10.64.0.4'
    secrets "$alone" '127.0.0.1 gate.example.org : PSK "of the gate, either"' \
        'us.example.org OTHER.Example.ORG. 10.64.0.5 : PSK "of two names"'
    start_here --secrets-workers 2
    listen
    assert_success
    assert_line '002 secrets read: 1 entry, 0 errors; 3 names of hosts are looked up'
    assert_line '002 names of hosts in the secrets looked up: 3 entries, 0 errors'
    has_psk 10.64.0.1 1 || fail "$output"
    has_psk 10.64.0.2 2 || fail "$output"
    has_psk 10.64.0.3 2 || fail "$output"
    has_psk 10.64.0.4 3 || fail "$output"
    has_psk 10.64.0.5 3 || fail "$output"
    ! has_psk 10.64.0.6 || fail "$output"
}

@test "[K1] names: several workers ask once for each name, however many entries have it" {
    dns 'gate.example.org ok 10.64.0.2' 'two.example.org ok 10.64.0.3'
    secrets '127.0.0.1 gate.example.org : PSK "of the gate, either"' '@x gate.example.org : PSK "of it, too, for x"' \
        '127.0.0.1 two.example.org : PSK "the other one"'
    start_here --secrets-workers 8
    listen
    assert_success
    assert_equal "$(sort "$dir/dns/asked" | tr '\n' ' ')" 'gate.example.org two.example.org '
    listen # anew
    assert_success
    assert_equal "$(wc -l <"$dir/dns/asked")" 4
}

@test "[K1] names: the private key of an entry with our name" {
    dns 'us.example.org ok 127.0.0.1'
    openssl genrsa 1024 2>/dev/null >"$dir/key.pem"
    chmod 600 "$dir/key.pem"
    secrets "us.example.org : RSA $dir/key.pem"
    start_here --secrets-workers 2
    listen
    assert_line '002 names of hosts in the secrets looked up: 1 entry, 0 errors'
    ask --name rsa --rsasig --encrypt --host 127.0.0.1 --to --host 10.64.0.1
    ask --explain --name rsa
    assert_output --partial "our private key is that of $dir/secrets:1"
}

@test "[K1] [K3] names: one that has no address is an error with file and line, which whack hears, too; others are used" {
    dns 'gate.example.org ok 10.64.0.2' 'gone.example.org no there is no such name'
    secrets "$alone" '127.0.0.1 gone.example.org : PSK "tell nobody"' '127.0.0.1 gate.example.org : PSK "of the gate, either"' \
        'gone.example.org gate.example.org : PSK "tell nobody"' '127.0.0.1 bad..example.org : PSK "tell nobody"'
    start_here --secrets-workers 3
    listen
    assert_line --partial "003 $dir/secrets:2: gone.example.org cannot be looked up: there is no such name; this entry is not used"
    assert_line --partial "003 $dir/secrets:4: gone.example.org cannot be looked up: there is no such name; this entry is not used"
    assert_line --partial "003 $dir/secrets:5: a name of a host that cannot be looked up: an empty label"
    assert_line '003 names of hosts in the secrets looked up: 2 entries, 3 errors'
    assert_equal "$(grep -c 'secrets:2: gone' "$dir/err")" 1
    log_has "$dir/secrets:5: a name of a host that cannot be looked up: an empty label"
    run grep -c nobody "$dir/err"
    assert_output 0
    has_psk 10.64.0.1 1 || fail "$output"
    has_psk 10.64.0.2 3 || fail "$output"
}

@test "[K1] names: DNS is down at the first --listen: whoever needs no name works, and the rest when it answers" {
    dns 'gate.example.org later 1 no server answers' 'hung.example.org silent' 'up.example.org ok 10.64.0.3'
    secrets "$alone" '127.0.0.1 gate.example.org : PSK "of the gate, either"' '127.0.0.1 hung.example.org : PSK "later still"' \
        '127.0.0.1 up.example.org : PSK "is known at once"'
    start_here --secrets-workers 2
    : >"$dir/listened"
    timeout 60 "$whack" --ctlbase "$base" --listen >"$dir/listened" 3>&- &
    listening=$!
    within 5 grep -q 'secrets read' "$dir/listened"
    has_psk 10.64.0.1 1 || fail "$output" # while whack waits
    kill -0 "$listening"
    within 5 has_psk 10.64.0.3 4 || fail "$output" # dnskey has to begin first
    ! has_psk 10.64.0.2 || fail "$output"
    assert_output --partial "perhaps that of $dir/secrets:2, but gate.example.org in it has not been looked up yet"
    wait "$listening"
    run cat "$dir/listened"
    assert_line --partial '003 gate.example.org cannot be looked up yet: no server answers; what ipsec.secrets has for it is not used'
    assert_line --partial '003 hung.example.org cannot be looked up yet: there is no answer yet'
    status_has 'gate.example.org in ipsec.secrets waits for its address: no server answers' || fail "$output"
    run timeout 20 "$whack" --ctlbase "$base" --status --json
    "$repo/tests/lib/status-valid" <<<"$output"
    assert_equal "$(jq -r '[.names_waiting, .names[0].host, .names[0].why, .names[1].host, .names[1].why] | map(tostring) | join(" ")' <<<"$output")" \
        '2 gate.example.org no server answers hung.example.org null'
    printf '%s\n' 'gate.example.org ok 10.64.0.2' 'hung.example.org ok 10.64.0.4' >"$dir/dns/answers"
    within 20 log_has 'gate.example.org is 10.64.0.2: what ipsec.secrets has for it is used from now on'
    has_psk 10.64.0.2 2 || fail "$output"
    ! status_has 'gate.example.org in ipsec.secrets' || fail "$output"
}

@test "[K1] names: DNS is down when the secrets are read again: what was known holds, and the new file is used" {
    dns 'gate.example.org ok 10.64.0.2'
    secrets '127.0.0.1 gate.example.org : PSK "of the gate, either"'
    start_here --secrets-workers 2
    listen
    has_psk 10.64.0.2 1 || fail "$output"
    printf '%s\n' 'gate.example.org silent' 'new.example.org silent' >"$dir/dns/answers"
    secrets "$alone" '127.0.0.1 gate.example.org : PSK "of the gate, either"' '127.0.0.1 new.example.org : PSK "of a new one"'
    : >"$dir/listened"
    timeout 60 "$whack" --ctlbase "$base" --listen >"$dir/listened" 3>&- &
    listening=$!
    within 5 grep -q 'secrets read' "$dir/listened"
    has_psk 10.64.0.2 1 || fail "$output" # the one before is in use
    wait "$listening"
    has_psk 10.64.0.2 2 || fail "$output"
    has_psk 10.64.0.1 1 || fail "$output"
    ! has_psk 10.64.0.3 || fail "$output"
    run cat "$dir/listened"
    assert_line --partial '003 new.example.org cannot be looked up yet'
    assert_line --partial '003 gate.example.org cannot be looked up now: there is no answer yet; in ipsec.secrets it stands for 10.64.0.2, as before'
    log_has 'in ipsec.secrets it stands for 10.64.0.2, as before' || fail "$(tail "$dir/err")"
}

@test "[K1] names: two --listen in a row while DNS is down take nothing away, and say what holds" {
    dns 'gate.example.org ok 10.64.0.2'
    secrets '127.0.0.1 gate.example.org : PSK "of the gate, either"'
    start_here --secrets-workers 2
    listen
    has_psk 10.64.0.2 1 || fail "$output"
    echo 'gate.example.org later 1 no server answers' >"$dir/dns/answers"
    : >"$dir/first"
    timeout 60 "$whack" --ctlbase "$base" --listen >"$dir/first" 3>&- &
    local first=$!
    within 20 grep -q listening "$dir/first" # else the other one may be the first
    listen
    assert_line --partial '003 gate.example.org cannot be looked up now: no server answers; in ipsec.secrets it stands for 10.64.0.2, as before'
    wait "$first"
    has_psk 10.64.0.2 1 || fail "$output"
}

@test "[K1] names: one kind of addresses is not answered: the other is used at once, completed by what was known; the rest is asked for" {
    dns 'gate.example.org ok 10.64.0.2,2001:db8::2' 'new.example.org part 10.64.0.7 AAAA: no answer'
    secrets '127.0.0.1 gate.example.org : PSK "of the gate, either"' '::1 gate.example.org : PSK "of the gate, too"' \
        '127.0.0.1 new.example.org : PSK "of a new one"'
    start_here --secrets-workers 2
    listen
    assert_line --partial '003 new.example.org was answered in part: AAAA: no answer; in ipsec.secrets it stands for 10.64.0.7 alone'
    has_psk 10.64.0.7 3 || fail "$output"
    echo 'new.example.org ok 10.64.0.7,2001:db8::7' >>"$dir/dns/answers"
    sed -i '/new.*part/d' "$dir/dns/answers"
    within 60 log_has 'new.example.org is 10.64.0.7,2001:db8::7: what ipsec.secrets has for it is used from now on'
    has_psk 10.64.0.7 3 || fail "$output"
    us=::1 has_psk 2001:db8::2 2 || fail "$output"
    echo 'gate.example.org part 10.64.0.3 AAAA: no answer' >"$dir/dns/answers"
    listen
    assert_line --partial '003 gate.example.org was answered in part: AAAA: no answer; in ipsec.secrets it stands for 10.64.0.3,2001:db8::2, of which those of IPv6 are as before'
    has_psk 10.64.0.3 1 || fail "$output"
    us=::1 has_psk 2001:db8::2 2 || fail "$output"
    ! has_psk 10.64.0.2 || fail "$output"
}

@test "[K1] names: a connection that had no secret has one when its name is answered, though another name still waits" {
    dns 'gate.example.org later 1 no server answers' 'other.example.org later 1 no server answers'
    secrets '127.0.0.1 gate.example.org : PSK "of the gate, either"' '127.0.0.1 other.example.org : PSK "of another one"'
    start_here --secrets-workers 1
    listen
    ask --name keep --psk --encrypt --host 127.0.0.1 --to --host 10.64.0.2
    ask --explain --name keep
    refute_output --partial 'its secret is that of'
    printf '%s\n' 'gate.example.org ok 10.64.0.2' 'other.example.org later 1 no server answers' >"$dir/dns/answers"
    within 30 log_has 'gate.example.org is 10.64.0.2: what ipsec.secrets has for it is used from now on'
    ask --explain --name keep
    refute_output --partial 'it would not come up' # what was said before counts no more
    assert_output --partial "its secret is that of $dir/secrets:1"
}

@test "[K1] names: another --listen while one waits for names" {
    dns 'gate.example.org silent'
    secrets "$alone" '127.0.0.1 gate.example.org : PSK "of the gate, either"'
    start_here --secrets-workers 1
    : >"$dir/listened"
    timeout 60 "$whack" --ctlbase "$base" --listen >"$dir/listened" 3>&- &
    listening=$!
    within 5 grep -q 'secrets read' "$dir/listened"
    echo 'gate.example.org ok 10.64.0.2' >"$dir/dns/answers"
    secrets "$alone"
    listen
    assert_success
    assert_line '002 secrets read: 1 entry, 0 errors'
    wait "$listening"
    has_psk 10.64.0.1 1 || fail "$output"
}

@test "[K1] names: dnskey is killed, lies, or dies of a name: begun again, asked again, and the others are answered" {
    dns 'deadly.example.org dies' 'gate.example.org ok 10.64.0.2' 'lie.example.org lies' 'late.example.org silent'
    secrets "$alone" '127.0.0.1 deadly.example.org : PSK "the deadly one"' '127.0.0.1 gate.example.org : PSK "of the gate, either"' \
        '127.0.0.1 lie.example.org : PSK "of a lie"' '127.0.0.1 late.example.org : PSK "it comes late"'
    start_here --secrets-workers 2
    listen
    within 40 has_psk 10.64.0.2 3 || fail "$output"
    has_psk 10.64.0.1 1 || fail "$output"
    within 5 log_has 'dnskey broke the rules and is ended: ok: the unspecified address'
    printf '%s\n' 'deadly.example.org ok 10.64.0.3' 'lie.example.org ok 10.64.0.4' 'late.example.org silent' >"$dir/dns/answers"
    within 80 has_psk 10.64.0.3 2 || fail "$output"
    within 80 has_psk 10.64.0.4 4 || fail "$output"
    sed -i 's/silent/ok 10.64.0.5/' "$dir/dns/answers"
    within 5 pkill -KILL -x dnskey -P "$daemon"
    within 80 has_psk 10.64.0.5 5 || fail "$output"
}

@test "[K1] names: secrets are killed while names wait, and when they are known: the next ones have the same" {
    dns 'gate.example.org ok 10.64.0.2' 'late.example.org silent'
    secrets '127.0.0.1 gate.example.org : PSK "of the gate, either"' '127.0.0.1 late.example.org : PSK "it comes late"'
    start_here --secrets-workers 2
    : >"$dir/listened"
    timeout 60 "$whack" --ctlbase "$base" --listen >"$dir/listened" 3>&- &
    listening=$!
    within 5 grep -q 'secrets read' "$dir/listened"
    local old
    old=$(pgrep -x secrets -P "$daemon" | tr '\n' ' ')
    # shellcheck disable=SC2086 # two pids
    kill -KILL $old
    wait "$listening"
    echo 'gate.example.org silent' >"$dir/dns/answers" # asked once only: plutod knows
    within 10 has_psk 10.64.0.2 1 || fail "$output"
    echo 'late.example.org ok 10.64.0.3' >"$dir/dns/answers"
    within 5 pkill -KILL -x dnskey -P "$daemon"
    within 60 has_psk 10.64.0.3 2 || fail "$output"
    pkill -KILL -x secrets -P "$daemon"
    within 10 has_psk 10.64.0.3 2 || fail "$output"
    within 10 has_psk 10.64.0.2 1 || fail "$output"
}

@test "[K1] names: thousands, and one too many; an error for what is beyond" {
    local i
    dns 'gate.example.org ok 10.64.0.2'
    for ((i = 0; i < 4095; i++)); do
        echo "127.0.0.1 gate$i.example.org : PSK \"of the gate $i\""
        echo "gate$i.example.org ok 10.65.$((i / 250)).$((i % 250 + 1))" >&3
    done >"$dir/secrets" 3>>"$dir/dns/answers"
    printf '127.0.0.1 %s : PSK "of the gate, either"\n' gate.example.org more.example.org >>"$dir/secrets"
    start_here --secrets-workers 2
    listen
    assert_line '003 secrets read: 0 entries, 1 error; 4096 names of hosts are looked up'
    log_has "$dir/secrets:4097: too many names of hosts: at most 4096 different ones are looked up; this entry is not used"
    within 60 has_psk 10.64.0.2 4096 || fail "$output"
    within 60 has_psk 10.65.0.1 1 || fail "$output"
    has_psk 10.65.16.95 4095 || fail "$output"
}

@test "[K1] names: dnskey runs only where there is a name, and is the one of IPSEC_DIR, of --adns or of --lwdnsq" {
    dns 'gate.example.org ok 10.64.0.2'
    secrets "$alone"
    start_here --secrets-workers 1
    listen
    within 10 children_are 'ike-negotiate:1 kernel-sa:1 secrets:1' || fail "$(children)"
    secrets '127.0.0.1 gate.example.org : PSK "of the gate, either"'
    listen
    within 10 children_are 'dnskey:1 ike-negotiate:1 kernel-sa:1 secrets:1' || fail "$(children)"
    teardown
    local tool
    for tool in ike-negotiate kernel-sa secrets; do
        ln -s "${IPSEC_DIR:-$repo/$tool}/$tool" "$dir/dns"
    done
    ln -sf "$repo/updown/updown" "$dir/dns"
    IPSEC_DIR=$dir/dns start --secrets-workers 1
    nsenter -t "$daemon" -n ip link set lo up
    listen
    has_psk 10.64.0.2 1 || fail "$output"
    teardown
    start --secrets-workers 1 --lwdnsq "$dir/dns/dnskey"
    nsenter -t "$daemon" -n ip link set lo up
    listen
    has_psk 10.64.0.2 1 || fail "$output"
    teardown
    start --secrets-workers 1 --adns "$dir/dns/none"
    listen
    assert_line --partial '003 gate.example.org cannot be looked up yet'
    log_has "dnskey cannot be started: $dir/dns/none: the program that --adns names cannot be executed; it is tried again"
}

@test "[P1] --adns and --lwdnsq: both, or one that is empty, are refused" {
    run timeout 10 "$plutod" --nofork --stderrlog --ctlbase "$base" --adns /x/y --lwdnsq /x/z
    assert_equal "$status" 1
    assert_output --partial 'plutod: --lwdnsq /x/z: --adns and --lwdnsq are two names of one option'
    run timeout 10 "$plutod" --nofork --stderrlog --ctlbase "$base" --adns ''
    assert_equal "$status" 1
    assert_output --partial "plutod: --adns '': an empty value"
    [ ! -e "$base.pid" ]
}

# by_hand WORD...: secrets, with that dnskey beside it
by_hand() {
    local tool=${IPSEC_DIR:-$repo/secrets}/secrets
    IPSEC_DIR=$dir/dns run timeout 60 "$tool" "$@"
}

@test "[K1] [K2] names by hand: --match looks them up; two names of one address disagree; --lint asks nobody and says so" {
    dns 'gate.example.org ok 10.64.0.2,10.64.0.3' 'other.example.org ok 10.64.0.3' 'gone.example.org no there is no such name' \
        'down.example.org later 5 no server answers'
    secrets '10.64.0.1 gate.example.org : PSK "of the gate, either"' '10.64.0.1 other.example.org : PSK "of the other one"' \
        '10.64.0.1 gone.example.org : PSK "tell nobody"' '10.64.0.1 down.example.org : PSK "tell nobody"' 'gone.example.org : PSK "tell nobody"'
    by_hand --match 10.64.0.1 10.64.0.3 --file "$dir/secrets"
    assert_success
    assert_line "PSK: $dir/secrets:1 is used: it names both"
    assert_line "    $dir/secrets:2 is not used: names both; it comes later, AND HAS ANOTHER SECRET"
    assert_line "secrets: $dir/secrets:3: gone.example.org cannot be looked up: there is no such name; this entry is not used"
    assert_line "secrets: $dir/secrets:4: down.example.org cannot be looked up: no server answers; this entry is not used"
    by_hand --match 10.64.0.1 10.64.0.4 --file "$dir/secrets"
    assert_failure 1
    assert_line --partial 'PSK: there is none for 10.64.0.1 and 10.64.0.4'
    : >"$dir/dns/asked"
    by_hand --lint "$dir/secrets"
    assert_success
    assert_line --partial "$dir/secrets:1: doubtful: gate.example.org is looked up whenever this is read"
    assert_equal "$(wc -l <"$dir/dns/asked")" 0
    refute_output --partial nobody
}

@test "[K1] names by hand: records; no dnskey, one that dies and one that lies are said, and all else is used" {
    dns 'gate.example.org ok 10.64.0.2' 'deadly.example.org dies' 'lie.example.org lies'
    secrets '10.64.0.1 gate.example.org : PSK "of the gate, either"' '10.64.0.1 10.64.0.9 : PSK "needs no name at all"'
    by_hand --file "$dir/secrets" <<<'secret id=1 method=psk our-id=10.64.0.1 peer-id=10.64.0.2'
    assert_success
    assert_line 'loaded entries=2 errors=0'
    assert_line --partial "ok id=1 re=secret found=$dir/secrets:1"
    local name
    for name in deadly lie; do
        secrets "10.64.0.1 $name.example.org : PSK \"of the gate, either\"" '10.64.0.1 10.64.0.9 : PSK "needs no name at all"'
        by_hand --file "$dir/secrets" <<<'secret id=1 method=psk our-id=10.64.0.1 peer-id=10.64.0.9'
        assert_success
        assert_line --partial "secrets: $dir/secrets:1: $name.example.org cannot be looked up: "
        assert_line 'loaded entries=1 errors=1'
        assert_line --partial "ok id=1 re=secret found=$dir/secrets:2"
    done
    rm "$dir/dns/dnskey"
    by_hand --match 10.64.0.1 10.64.0.9 --file "$dir/secrets"
    assert_success
    assert_line --partial "secrets: $dir/dns/dnskey: no such program in the folder that IPSEC_DIR names"
    assert_line "PSK: $dir/secrets:2 is used: it names both"
}
