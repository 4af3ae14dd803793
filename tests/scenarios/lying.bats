#!/usr/bin/env bats
# F17: an ike-negotiate that lies, on its real channels to plutod, secrets and kernel-sa. It works together with a peer
# ("evil", 10.9.0.3) that is allowed a tunnel of its own and nothing else. An honest tunnel ("net") carries pings meanwhile.

# shellcheck disable=SC2154 # $repo and $started come from the libraries
# shellcheck disable=SC2030,SC2031 # each test has variables of its own
load ../lib/scenario.bash

ike=aes256-sha2_256-curve25519
esp=aes256gcm16
asked=0
answer=

# ---- the liar ----

# The honest tunnel stands, then the liar takes the place of who made it.
the_liar_begins() {
    local tool
    tunnel_is "ike=$ike" "esp=$esp"
    two_hosts
    charon_on right
    tools=$HOSTS_DIR/left/tools
    mkdir "$tools"
    for tool in ike-negotiate secrets kernel-sa; do
        ln -s "$(tool_path "$tool")" "$tools/$tool"
    done
    ln -s "$repo/updown/updown" "$tools/updown"
    mkfifo "$tools/mouth"
    : >"$tools/heard"
    export IPSEC_DIR=$tools
    pluto_secrets left "10.9.0.1 10.9.0.2 : PSK \"${T[psk]}\"" '10.9.0.1 10.9.0.3 : PSK "known to evil"'
    pluto_start left
    pluto_add left
    whack_on left --name evil --psk --encrypt --tunnel --ike "$ike" --esp "$esp" \
        --host 10.9.0.1 --client 10.1.0.0/24 --updown /bin/true \
        --to --host 10.9.0.3 --client 10.3.0.0/24 --updown /bin/true
    whack_on left --listen
    whack_initiates left
    traffic_is_protected
    others=$(others_pids)
    start_on left "$HOSTS_DIR/pings" "$HOSTS_DIR/pings.err" ping -n -i 0.2 -I 10.1.0.1 10.2.0.1
    pings=$started
    ln -sfn "$repo/tests/programs/liar" "$tools/ike-negotiate"
    kill -KILL "$(tool_pids left ike-negotiate)"
    wait_for 30 connected || fail "no liar: $(<"$tools/heard")"
    net_sas=$(sa_count left)
    evil_begins_his_secrets
}

# nets_exchange N: the Nth exchange of this plutod, near $X; 1 is the honest tunnel's Main Mode, 2 its Quick Mode.
nets_exchange() {
    printf '%u' $(((X & ~0xffffffff) | $1))
}

connected() {
    heard '^plutod channel .*tool=kernel-sa' && heard '^plutod channel .*tool=secrets'
}

others_pids() {
    echo "$(pluto_pid left) $(tool_pids left kernel-sa) $(tool_pids left secrets)"
}

# say TOOL RECORD
say() {
    printf '%s\n' "$*" >"$tools/mouth"
}

# heard REGEX: since the last `begins`.
heard() {
    tac "$tools/heard" | sed '/^begins /q' | grep -qE "$1"
}

hears() {
    wait_for 15 heard "$1" || fail "the liar did not hear: $1; it heard: $(tail -n 5 "$tools/heard")"
}

# ask TOOL VERB FIELDS...: says it with an id, and waits for what comes back: $answer.
ask() {
    asked=$((asked + 1))
    say "$1" "$2 id=$asked" "${@:3}"
    hears "^$1 (ok|fail|bad) (.* )?id=$asked( |$)"
    answer=$(grep -E "^$1 (ok|fail|bad) (.* )?id=$asked( |$)" "$tools/heard" | tail -n 1)
    answer=${answer#* }
}

# is_told ok|fail|bad [TEXT] TOOL VERB FIELDS...
is_ok() {
    ask "$@"
    [[ $answer == ok\ * ]] || fail "$* was answered: $answer"
}
is_refused() {
    local text=$1
    ask "${@:2}"
    [[ $answer == fail\ * || $answer == bad\ * ]] || fail "${*:2} was answered: $answer"
    [[ ${answer//%20/ } == *"$text"* ]] || fail "${*:2} was refused with other words than \"$text\": ${answer//%20/ }"
}

# value NAME: of the last answer.
value() {
    local word
    for word in $answer; do
        [ "${word%%=*}" != "$1" ] || echo "${word#*=}"
    done
}

# ---- the peer that works with it: the real secrets, by hand ----

evil_begins_his_secrets() {
    echo '10.9.0.1 10.9.0.3 : PSK "known to evil"' >"$HOSTS_DIR/evil.secrets"
    chmod 600 "$HOSTS_DIR/evil.secrets"
    mkfifo "$HOSTS_DIR/evil.in"
    exec {evil}<>"$HOSTS_DIR/evil.in"
    "$(tool_path secrets)" --file "$HOSTS_DIR/evil.secrets" <"$HOSTS_DIR/evil.in" >"$HOSTS_DIR/evil.out" 2>&1 3>&- &
    remember left $!
}

evil_ask() {
    asked=$((asked + 1))
    printf '%s\n' "$1 id=$asked ${*:2}" >&"$evil"
    wait_for 15 evil_answered || fail "evil's secrets do not answer $*: $(tail -n 3 "$HOSTS_DIR/evil.out")"
    answer=$(grep -E " id=$asked( |$)" "$HOSTS_DIR/evil.out" | tail -n 1)
    [[ $answer == ok\ * ]] || fail "evil's secrets: $answer"
}

evil_answered() {
    grep -qE " id=$asked( |$)" "$HOSTS_DIR/evil.out"
}

# He begins a Main Mode, as far as message 4: X is our exchange, $id_body and $hash his proof.
evil_begins() {
    local ke nonce number=$((asked + 1000))
    is_ok plutod first local=10.9.0.1 local-port=500 remote=10.9.0.3 remote-port=500
    X=$(value exchange)
    cookies="cky-i=$(printf '%016x' $((number + 1))) cky-r=$(printf '%016x' $((number + 2)))"
    printf '%s\n' "announce exchange=$number connection=e role=initiator methods=psk ike=$ike our-id=10.9.0.3 \
peer-id=10.9.0.1" >&"$evil"
    evil_ask ke "exchange=$number" group=curve25519
    ke=$(value ke) nonce=$(value nonce)
    keys_request="exchange=$X connection=evil method=psk proposal=$ike $cookies sa-body=0000000100000001 ke-peer=$ke nonce-peer=$nonce"
    is_ok secrets keys "$keys_request"
    ke=$(value ke) nonce=$(value nonce)
    evil_ask keys "exchange=$number connection=e method=psk proposal=$ike $cookies sa-body=0000000100000001 ke-peer=$ke" \
        "nonce-peer=$nonce"
    id_body=$(value id-body) hash=$(value hash)
}

# And proves that he is 10.9.0.3.
evil_proves() {
    say plutod "chosen exchange=$X connection=evil proposal=$ike"
    is_ok secrets auth "exchange=$X id-body=$id_body hash=$hash"
    # shellcheck disable=SC2086 # two fields
    say plutod isakmp-up "exchange=$X" role=responder "proposal=$ike" life=3600 $cookies
}

# A Quick Mode of his own, with keys: Y, and its SPIs.
evil_quick() {
    is_ok plutod quick-ask "parent=$X" our-client=10.1.0.0/24 peer-client=10.3.0.0/24
    Y=$(value exchange)
    is_ok kernel-sa spis count=1
    spi=$(value spis)
    keymat_request="exchange=$Y protocol=esp proposal=$esp spi-in=$spi spi-out=0000bad1 nonce-peer=$(printf '%032x' $((asked + 1)))"
    is_ok secrets keymat "$keymat_request"
}

# installs [KEY=VALUE...]: the request for Y as it should be, with these changed.
installs() {
    local -A f=([exchange]=$Y [protocol]=esp [proposal]=$esp [mode]=tunnel [spi-in]=$spi [spi-out]=0000bad1
        [our-host]=10.9.0.1 [peer-host]=10.9.0.3 [our-client]=10.1.0.0/24 [peer-client]=10.3.0.0/24 [life]=600
        [activate]=yes)
    local word
    for word in "$@"; do
        f[${word%%=*}]=${word#*=}
    done
    install_request=
    for word in "${!f[@]}"; do
        install_request+="$word=${f[$word]} "
    done
    install_request=${install_request% }
}

# ---- what has to be true in the end ----

# plutod, secrets and kernel-sa are the same processes, the honest tunnel lost no packet, nothing went in the clear, the
# log is short; and with an honest negotiator, IKE works.
nothing_else_stopped() {
    local old
    assert_equal "$(others_pids)" "$others"
    assert_equal "$(sa_count left)" "${1-$net_sas}"
    [ "$(wc -l <"$(pluto_log left)")" -lt "${2-200}" ] || fail "the log has $(wc -l <"$(pluto_log left)") lines"
    all_were_answered "$pings" "$HOSTS_DIR/pings" || fail "$(tail -n 2 "$HOSTS_DIR/pings")"
    assert_equal "$(clear_pings_seen)" 0
    ln -sfn "$(tool_path ike-negotiate)" "$tools/ike-negotiate"
    old=$(tool_pids left ike-negotiate)
    [ -z "$old" ] || kill -KILL "$old"
    wait_for 40 honest_again || fail 'no honest ike-negotiate'
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
}

# is_said_once TEXT...: each stands in the log, in one line.
is_said_once() {
    local text
    for text in "$@"; do
        log_has left "$text"
        assert_equal "$text $(grep -cF -- "$text" "$(pluto_log left)")" "$text 1"
    done
}

honest_again() {
    local pid
    pid=$(tool_pids left ike-negotiate)
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/exe")" = "$(tool_path ike-negotiate)" ]
}

# ended_for TEXT: the liar is ended for a broken rule, the log says why, once; there is another one.
ended_for() {
    log_has left "ike-negotiate broke the rules $1"
    wait_for 40 heard_begins $((lives + 1)) || fail 'the liar was not begun again'
    assert_equal "$(grep -c 'broke the rules' "$(pluto_log left)")" "$lives"
    lives=$((lives + 1))
    wait_for 30 connected
}
lives=1
heard_begins() {
    [ "$(grep -c '^begins ' "$tools/heard")" -ge "$1" ]
}

# ---- F17, line by line ----

@test "F17: an SA for other hosts, other clients, another connection, or with an SPI not given out is not installed" {
    the_liar_begins
    evil_begins
    evil_proves
    local lie
    for lie in 'peer-host is 10.9.0.2;peer-host=10.9.0.2' 'our-host is 10.9.0.9;our-host=10.9.0.9' \
        'peer-client is 10.2.0.0/24;peer-client=10.2.0.0/24' 'peer-client is 0.0.0.0/0;peer-client=0.0.0.0/0' \
        'our-client is 0.0.0.0/0;our-client=0.0.0.0/0' 'life is 4294967295;life=4294967295' \
        'mode is transport;mode=transport' 'proposal is aes128gcm16;proposal=aes128gcm16' \
        'spi-out is 00001234;spi-out=00001234'; do
        evil_quick
        installs "${lie#*;}"
        is_refused "${lie%%;*}" kernel-sa install "$install_request"
        # The right one comes too late, once a wrong one was there.
        installs
        is_refused '' kernel-sa install "$install_request"
    done
    assert_equal "$(sa_count left)" "$net_sas"
    evil_quick
    installs spi-in=00abcdef
    is_refused 'spi-in was not given out' kernel-sa install "$install_request"
    # The honest tunnel's exchange, which is in use: exchange numbers can be guessed.
    installs "exchange=$(nets_exchange 2)"
    is_refused '' kernel-sa install "$install_request"
    # Nobody permitted these.
    say kernel-sa "install id=9000 ${install_request/exchange=$Y/exchange=77}"
    # His own tunnel, as it was permitted, he gets.
    installs
    is_ok kernel-sa install "$install_request"
    assert_equal "$(sa_count left)" $((net_sas + 2))
    is_said_once 'peer-host is 10.9.0.2 in the install request, but the permit says 10.9.0.3' \
        'our-client is 0.0.0.0/0 in the install request' 'spi-out is 00001234' 'mode is transport'
    nothing_else_stopped $((net_sas + 2))
}

# ours_begins: we begin a Main Mode with evil, since somebody asked for it: X and its Quick Mode Y, as announced.
we_begin() {
    local before=${X-0}
    run whack_on left --initiate --name evil --asynchronous
    wait_for 15 we_began "$before" || fail 'plutod gave no order to initiate'
    X=$began
    Y=$(sed -nE 's/^plutod quick .*exchange=([0-9]+) .*connection=evil .*/\1/p' "$tools/heard" | tail -n 1)
}
we_began() {
    began=$(sed -nE 's/^plutod initiate .*exchange=([0-9]+) .*connection=evil .*/\1/p' "$tools/heard" | tail -n 1)
    [ -n "$began" ] && [ "$began" != "$1" ]
}

# A public value and nonce of evil's: $ke and $nonce.
evil_draws() {
    local number=$((asked + 1000))
    printf '%s\n' "announce exchange=$number connection=e role=initiator methods=psk ike=$ike our-id=10.9.0.3 \
peer-id=10.9.0.1" >&"$evil"
    evil_ask ke "exchange=$number" group=curve25519
    ke=$(value ke) nonce=$(value nonce)
}

some_keymat="protocol=esp proposal=$esp spi-in=0000aaaa spi-out=0000bbbb nonce-peer=00112233445566778899aabbccddeeff"
some_values="method=psk proposal=$ike cky-i=aaaaaaaaaaaaaaaa cky-r=bbbbbbbbbbbbbbbb sa-body=0000000100000001"

@test "F17: no keys before the peer is authenticated, for an exchange that was never announced, or of another peer" {
    the_liar_begins
    is_refused 'is not known here' secrets keymat "exchange=4242 $some_keymat"
    is_refused 'is not known here' secrets keys "exchange=4242 connection=evil $some_values ke-peer=00 \
nonce-peer=0011223344556677"
    # A Quick Mode that is announced, under a Main Mode that is not authenticated.
    we_begin
    is_refused '' secrets keymat "exchange=$Y $some_keymat"
    evil_draws
    is_ok secrets ke "exchange=$X" group=curve25519
    is_ok secrets keys "exchange=$X connection=evil $some_values ke-peer=$ke nonce-peer=$nonce"
    is_ok secrets quick-ke "exchange=$Y"
    is_refused 'authenticated' secrets keymat "exchange=$Y $some_keymat"
    # The honest tunnel's: it was answered before.
    is_refused '' secrets keymat "exchange=$(nets_exchange 2) $some_keymat"
    # The other peer: what evil knows does not prove that he is it.
    is_ok plutod first local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500
    X=$(value exchange)
    is_ok secrets keys "exchange=$X connection=net $some_values ke-peer=$ke nonce-peer=$nonce"
    is_refused 'does not match' secrets auth "exchange=$X id-body=010000000a090002 hash=$(printf '%064d' 7)"
    # Nothing of a Quick Mode is told before, and who insists is ended.
    evil_begins
    is_refused 'has ended' plutod quick-ask "parent=$X" our-client=10.1.0.0/24 peer-client=10.3.0.0/24
    say plutod "chosen exchange=$X connection=evil proposal=$ike"
    say plutod "quick-ask id=7000 parent=$X our-client=10.1.0.0/24 peer-client=10.3.0.0/24"
    ended_for 'and is ended: quick-ask: quick-ask: under an ISAKMP SA whose peer is not authenticated'
    nothing_else_stopped
}

@test "F17: a second answer of a kind is not given for one exchange" {
    the_liar_begins
    evil_begins
    is_ok secrets keys "$keys_request"
    local last=${keys_request: -2} # of the nonce, which is drawn
    is_refused 'a second, different keys' secrets keys "${keys_request%??}$([ "$last" = 00 ] && echo 01 || echo 00)"
    is_refused 'a second, different keys' secrets keys "${keys_request/cky-i=0/cky-i=1}"
    evil_proves
    is_refused 'a second, different auth' secrets auth "exchange=$X id-body=$id_body hash=00"
    is_refused '' secrets keys "$keys_request"
    evil_quick
    is_ok secrets keymat "$keymat_request"
    is_refused 'a second, different keymat' secrets keymat "${keymat_request/0000bad1/0000bad2}"
    installs
    is_ok kernel-sa install "$install_request"
    is_ok kernel-sa install "$install_request"
    is_refused 'another request came' kernel-sa install "${install_request/0000bad1/0000bad2}"
    say plutod "chosen exchange=$X connection=evil proposal=$ike"
    ended_for 'and is ended: chosen: chosen: this exchange waits for no choice'
    nothing_else_stopped $((net_sas + 2))
}

@test "F17: our own identity and our own HASH are not taken for the peer's" {
    the_liar_begins
    we_begin
    evil_draws
    is_ok secrets ke "exchange=$X" group=curve25519
    is_ok secrets keys "exchange=$X connection=evil $some_values ke-peer=$ke nonce-peer=$nonce"
    is_refused 'our own HASH' secrets auth "exchange=$X id-body=$(value id-body) hash=$(value hash)"
    say plutod "failed exchange=$X code=31 why=lies"
    # Both parts of one Main Mode with ourselves: the proof is right, but it is made out to us.
    we_begin
    is_ok secrets ke "exchange=$X" group=curve25519
    ke=$(value ke) nonce=$(value nonce)
    is_ok plutod first local=10.9.0.1 local-port=500 remote=10.9.0.3 remote-port=500
    local responder
    responder=$(value exchange)
    is_ok secrets keys "exchange=$responder connection=evil $some_values ke-peer=$ke nonce-peer=$nonce"
    is_ok secrets keys "exchange=$X connection=evil $some_values ke-peer=$(value ke) nonce-peer=$(value nonce)"
    is_refused 'which is our own identity' secrets auth "exchange=$responder id-body=$(value id-body) hash=$(value hash)"
    nothing_else_stopped
}

@test "F17: no proof is made for an identity that is not ours in this exchange" {
    the_liar_begins
    evil_draws
    is_ok plutod first local=10.9.0.1 local-port=500 remote=10.9.0.3 remote-port=500
    X=$(value exchange)
    is_refused 'connection "net" was not announced' secrets keys \
        "exchange=$X connection=net $some_values ke-peer=$ke nonce-peer=$nonce"
    is_ok secrets keys "exchange=$X connection=evil $some_values ke-peer=$ke nonce-peer=$nonce"
    is_refused 'finish comes after plutod has accepted' secrets finish "exchange=$X"
    # It says itself that plutod has: that is no record of its.
    say secrets "accept id=1 exchange=$X connection=evil our-id=10.9.0.2 peer-id=10.9.0.3"
    ended_for 'toward secrets and is ended: accept: verb may not come from this channel'
    nothing_else_stopped
}

@test "F17: a Delete of another peer's SA, and INITIAL-CONTACT, change nothing for that peer" {
    the_liar_begins
    evil_begins
    evil_proves
    local spi_out
    spi_out=$(ip -n left xfrm state | sed -nE '/^src 10.9.0.1 dst 10.9.0.2/{n;s/.* spi 0x([0-9a-f]+).*/\1/p}')
    say plutod "peer-deleted exchange=$X protocol=esp spis=$spi_out"
    is_said_once "Delete for ESP SPI $spi_out, which is none of this peer's: ignored"
    say plutod "peer-deleted exchange=$X protocol=isakmp target=$(nets_exchange 3)"
    is_said_once 'Delete for an ISAKMP SA that is not with this peer: ignored'
    say plutod "initial-contact exchange=$X"
    say plutod "peer-deleted exchange=$X protocol=esp spis=00001234" # heard after it
    log_has left 'Delete for ESP SPI 00001234, which is none of this peer'
    ping_through left right
    assert_equal "$(sa_count left)" "$net_sas"
    # Under an ISAKMP SA that nobody has proved himself for, nothing is deleted at all.
    evil_begins
    say plutod "peer-deleted exchange=$X protocol=esp spis=$spi_out"
    ended_for 'and is ended: peer-deleted: a Delete under an ISAKMP SA that does not stand'
    nothing_else_stopped
}

@test "F17: failed, state and retransmitted for another peer's SA that stands change nothing for that peer" {
    the_liar_begins
    local lie
    for lie in 'failed:code=31 why=lies' 'state:state=QUICK_I1' 'retransmitted:attempt=2 wait=20'; do
        evil_begins
        say plutod "${lie%%:*} exchange=$(nets_exchange 2) ${lie#*:}"
        ended_for "and is ended: ${lie%%:*}: "
        ping_through left right
        assert_equal "$(sa_count left)" "$net_sas"
    done
    assert_equal "$(grep -c 'deleting the IPsec SA' "$(pluto_log left)")" 0
    nothing_else_stopped
}

@test "F17: a whack that waits is told of no success that was none" {
    the_liar_begins
    start_on left "$HOSTS_DIR/whack.out" "$HOSTS_DIR/whack.err" "$(tool_path whack)" --ctlbase "$HOSTS_DIR/left/pluto" \
        --initiate --name evil
    wait_for 15 we_began 0 || fail 'plutod gave no order to initiate'
    say plutod "log level=info exchange=$began code=4 text=STATE_MAIN_I4"
    ended_for 'and is ended: log: a code that no line of ike-negotiate has'
    run grep -c '^004' "$HOSTS_DIR/whack.out"
    assert_output 0
    nothing_else_stopped
}

rss_of() {
    sed -nE 's/^VmRSS:[[:space:]]+([0-9]+) kB/\1/p' "/proc/$1/status"
}

answers_to_first() {
    [ "$(grep -cE '^plutod (ok|fail) .*re=first( |$)' "$tools/heard")" -ge "$1" ]
}

kernel_answers() {
    asked=$((asked + 1))
    say kernel-sa "spis id=$((1000000 + asked)) count=1"
    within 1 heard "^kernel-sa ok .*id=$((1000000 + asked))( |$)"
}

@test "F17: thousands of exchanges a second, and of lines for the log: bounded, and nothing else stops" {
    the_liar_begins
    local pid before=()
    for pid in $others; do
        before+=("$(rss_of "$pid")")
    done
    say plutod '*6000 first id=# local=10.9.0.1 local-port=500 remote=10.9.0.3 remote-port=500'
    wait_for 60 answers_to_first 6000 || fail "$(grep -c re=first "$tools/heard") answers of 6000"
    # As many as may be half-open, and no more.
    assert_equal "$(grep -cE '^plutod ok .*re=first( |$)' "$tools/heard")" 4096
    run whack_on left --status
    assert_success
    say plutod '*20000 log level=serious text=lie%20#'
    say plutod '*20000 log level=debug text=lie%20#'
    say plutod '*5000 bad why=lie%20#'
    say plutod '*5000 state exchange=# state=MAIN_I1'
    say secrets "*5000 keymat id=# exchange=# $some_keymat"
    say kernel-sa "*5000 install id=# exchange=# protocol=esp proposal=$esp mode=tunnel spi-in=0000aaaa \
spi-out=0000bbbb our-host=10.9.0.1 peer-host=10.9.0.2 our-client=10.1.0.0/24 peer-client=10.2.0.0/24 life=600 \
activate=yes"
    say kernel-sa '*5000 spis id=# count=256'
    # Answers that the liar does not take in time are lost to it; when all is done there are answers again.
    wait_for 60 kernel_answers || fail 'kernel-sa does not come to an end of it'
    run whack_on left --status
    assert_success
    # In kB: half-open exchanges, bounded ones, and nothing for each lie.
    local i=0
    for pid in $others; do
        [ "$(rss_of "$pid")" -lt $((before[i] + 40000)) ] || fail "$(<"/proc/$pid/comm") has $(rss_of "$pid") kB"
        i=$((i + 1))
    done
    assert_equal "$lives" "$(grep -c '^begins ' "$tools/heard")"
    nothing_else_stopped "$net_sas" 1500
}

# in_ms COMMAND...: how long it took, in $took.
in_ms() {
    local start
    start=$(date +%s%3N)
    "$@"
    took=$(($(date +%s%3N) - start))
}

@test "F17: records without a pause, however long they take: whack has its turn between" {
    the_liar_begins
    evil_begins
    evil_proves
    # What the socket holds, and what the liar goes on to write while that is read.
    say plutod "*60000 initial-contact exchange=$X"
    say plutod '*60000 log level=info remote=10.9.0.77 remote-port=500 text=lie%20#'
    say plutod "*60000 peer-deleted exchange=$X protocol=esp spis=00abcdef"
    say plutod '*1 first id=5555 local=10.9.0.1 local-port=500 remote=10.9.0.3 remote-port=500'
    # Not by a clock: whack has its answers before the last of these has one.
    local i
    for i in 1 2 3; do
        in_ms whack_on left --status
        echo "# whack --status: $took ms" >&3
        ! heard '^plutod (ok|fail) .*id=5555' || fail "all was read before whack had its answer $i"
    done
    wait_for 60 heard '^plutod (ok|fail) .*id=5555' || fail 'plutod does not come to an end of it'
    nothing_else_stopped
}

@test "F17: whoever breaks the rules of records toward plutod, secrets or kernel-sa is ended, and the next one works" {
    the_liar_begins
    say kernel-sa "permit exchange=1 connection=evil our-host=10.9.0.1 peer-host=10.9.0.3 our-client=0.0.0.0/0 \
peer-client=0.0.0.0/0 esp=$esp modes=any life=600 reqid=1 policies=yes"
    ended_for 'toward kernel-sa and is ended: permit: verb may not come from this channel'
    say secrets 'forget exchange=1'
    ended_for 'toward secrets and is ended: forget: verb may not come from this channel'
    say plutod 'whack-shutdown'
    ended_for 'and is ended: whack-shutdown: verb may not come from this channel'
    say plutod 'accuse tool=kernel-sa epoch=1 why=lies'
    ended_for 'and is ended: accuse: verb may not come from this channel'
    nothing_else_stopped
}

@test "F17 [R1]: another proposal of phase 1 than secrets made keys for ends the liar" {
    the_liar_begins
    evil_begins
    evil_proves
    is_ok plutod quick-ask "parent=$X" our-client=10.1.0.0/24 peer-client=10.3.0.0/24
    evil_begins
    say plutod "chosen exchange=$X connection=evil proposal=$ike"
    is_ok secrets auth "exchange=$X id-body=$id_body hash=$hash"
    # shellcheck disable=SC2086 # two fields
    say plutod isakmp-up "exchange=$X" role=responder proposal=3des-md5-modp1024 life=3600 $cookies
    ended_for 'and is ended: isakmp-up: isakmp-up: secrets made keys for another connection or proposal'
    evil_begins
    say plutod "chosen exchange=$X connection=evil proposal=3des-md5-modp1024"
    is_ok secrets auth "exchange=$X id-body=$id_body hash=$hash"
    say plutod "quick-ask id=7000 parent=$X our-client=10.1.0.0/24 peer-client=10.3.0.0/24"
    ended_for 'and is ended: quick-ask: quick-ask: another connection or proposal was chosen than secrets made keys for'
    nothing_else_stopped
}
