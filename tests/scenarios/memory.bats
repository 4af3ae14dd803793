#!/usr/bin/env bats
# Who has which secret in memory, looked for by root in all of it: while a tunnel stands, and after its end.
# charon at its highest log level says what the secrets are.

# shellcheck disable=SC2154 # $repo comes from pluto.bash
load ../lib/scenario.bash

charon_that_tells() {
    charon_start right 'filelog { log { ike = 4' 'chd = 4' '} }'
    charon_add right left
}

# The secrets of all negotiations by now: "NAME HEX", one a line. A value stands in the log as "NAME => N bytes @" and
# lines of 16 bytes.
charon_told() {
    awk '
        BEGIN {
            names["shared Diffie Hellman secret"] = "g_xy"
            names["DH secret"] = "quick_g_xy"
            names["SKEYID"] = "skeyid"
            names["SKEYID_d"] = "skeyid_d"
            names["SKEYID_a"] = "skeyid_a"
            names["SKEYID_e"] = "skeyid_e"
            names["encryption initiator key"] = names["encryption responder key"] = "traffic_key"
            names["integrity initiator key"] = names["integrity responder key"] = "traffic_key"
        }
        function keep() {
            if (name in names && value != "") print names[name], value
            name = value = ""
        }
        { thread = substr($0, 1, index($0, "]")); line = $0; sub(/^[0-9]+\[[A-Z]+\] */, "", line) }
        line ~ / => [0-9]+ bytes @ / {
            keep()
            name = line
            sub(/ => [0-9]+ bytes @ .*/, "", name)
            of = thread
            next
        }
        thread == of && line ~ /^[0-9]+: [0-9A-F][0-9A-F] / {
            sub(/^[0-9]+: /, "", line)
            line = substr(line, 1, 47)
            gsub(/ /, "", line)
            value = value line
            next
        }
        thread == of { keep() }
        END { keep() }' "$HOSTS_DIR/right/charon.log"
}

secrets_of_now() {
    charon_told
    echo "psk $(printf %s "${T[psk]}" | od -An -tx1 | tr -d ' \n')"
}

# Our processes: "PID NAME", one a line; a whack that runs is one of them.
processes() {
    echo "$(pluto_pid left) plutod"
    ps --no-headers -o pid:1,comm --ppid "$(pluto_pid left)" | sed -E '/ (waits|sleep)$/d'
    ps --no-headers -C whack -o pid:1,comm
}

# holdings: what memory shows: "PROCESS SECRET", each once. The places go to the file `places`, for a person.
holdings() {
    local -a pids
    mapfile -t pids < <(processes | cut -d' ' -f1)
    secrets_of_now | "$repo/tests/programs/memscan" "${pids[@]}" >"$HOSTS_DIR/places"
    [ $? -le 1 ] || return 1
    processes | awk -v places="$HOSTS_DIR/places" '
        { name[$1] = $2 }
        END { while ((getline line <places) > 0) { split(line, part, " "); print name[part[1]], part[2] } }' | sort -u
}

holds_only() {
    [ "$(holdings)" = "$1" ]
}

expect_holdings() {
    local now
    # What is in flight may be on its way still.
    wait_for 15 holds_only "$1" || {
        cat "$HOSTS_DIR/places"
        assert_equal "$(holdings)" "$1"
    }
    now=$(tools_pids)
    assert_equal "$now" "${still_there-$now}"
}

standing='ike-negotiate skeyid_a
ike-negotiate skeyid_e
secrets psk
secrets skeyid_d'
ended='secrets psk'

# Enough of each kind is known: else nothing would be found because nothing is looked for.
secrets_are_known() {
    local -A count=()
    local name
    while read -r name _; do
        count[$name]=$((${count[$name]-0} + 1))
    done < <(secrets_of_now)
    for name in g_xy quick_g_xy skeyid skeyid_d skeyid_a skeyid_e psk; do
        [ "${count[$name]-0}" -ge 1 ] || fail "charon did not say $name"
    done
    [ "${count[traffic_key]-0}" -ge 2 ] || fail 'charon did not say the traffic keys'
    # They are the ones that our kernel has.
    local key
    for key in $(ip -n left xfrm state | sed -nE 's/^[[:space:]]+(auth-trunc|auth|enc|aead) [^ ]+ 0x([0-9a-f]+).*/\2/p'); do
        secrets_of_now | grep -qi "^traffic_key $key" || fail "charon did not say the traffic key $key"
    done
}

# What has died has forgotten everything, but not because it was told to: the same processes have to be there.
terminated() {
    still_there=$(tools_pids)
    whack_on left --terminate --name net
    wait_for 15 no_sas left
    log_has left 'deleting the ISAKMP SA'
}

tools_pids() {
    echo "$(pluto_pid left) $(tool_pids left ike-negotiate) $(tool_pids left secrets) $(tool_pids left kernel-sa)"
}

@test "memory: we begin, modp2048 with PFS: secrets has the PSK and SKEYID_d, ike-negotiate SKEYID_a and _e; whack, plutod, kernel-sa nothing" {
    tunnel_is ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 pfs=modp2048 "updown=$BATS_TEST_TMPDIR/waits"
    # whack has to be looked at while it runs: it waits for this script.
    printf '#!/bin/sh\nwhile [ -e %s ]; do sleep 0.2; done\n' "$BATS_TEST_TMPDIR/wait" >"$BATS_TEST_TMPDIR/waits"
    chmod 755 "$BATS_TEST_TMPDIR/waits"
    two_hosts
    charon_that_tells
    pluto_on left
    : >"$BATS_TEST_TMPDIR/wait"
    whack_on left --initiate --name net >"$HOSTS_DIR/whack" 3>&- &
    local whack=$!
    wait_for 30 sas_are_there
    secrets_are_known
    [ -n "$(ps --no-headers -C whack -o pid)" ] || fail 'whack has ended before it was looked at'
    expect_holdings "$standing"
    rm "$BATS_TEST_TMPDIR/wait"
    wait "$whack"
    traffic_is_protected
    expect_holdings "$standing"
    terminated
    expect_holdings "$ended"
}

@test "memory: the peer begins, curve25519, PFS with ecp256, aes256gcm16: the same" {
    tunnel_is ike=aes256-sha2_384-curve25519 esp=aes256gcm16 pfs=ecp256
    two_hosts
    charon_that_tells
    pluto_on left
    charon_initiates right
    traffic_is_protected
    secrets_are_known
    expect_holdings "$standing"
    terminated
    expect_holdings "$ended"
}

@test "memory: a Main Mode that fails, since the peer's secret is another one, leaves nothing" {
    tunnel_is ike=aes128-sha1-ecp256
    two_hosts
    charon_start right 'filelog { log { ike = 4' 'chd = 4' '} }'
    charon_add right left 'psk=a secret of its own'
    pluto_on left
    run whack_on left --initiate --name net
    assert_failure
    charon_told | grep -q '^g_xy ' || fail 'charon did not say g_xy'
    still_there=$(tools_pids)
    whack_on left --terminate --name net
    expect_holdings "$ended"
}

# Nothing comes after it that would write over what was left on a stack.
@test "memory: an ISAKMP SA alone, as the negotiation left things" {
    tunnel_is ike=aes256-sha2_512-modp3072
    two_hosts
    charon_that_tells
    pluto_with_secret left
    whack_on left --name net --psk --ike "${T[ike]}" --host "${T[left]}" --to --host "${T[right]}"
    whack_on left --listen
    whack_on left --initiate --name net
    charon_told | grep -q '^skeyid_d ' || fail 'charon did not say SKEYID_d'
    expect_holdings "$standing"
    still_there=$(tools_pids)
    whack_on left --terminate --name net
    log_has left 'deleting the ISAKMP SA'
    expect_holdings "$ended"
}

# private_numbers KEY [BYTES]: 32 (or so many) of each private number of a key of rsa_make, and a line of the file that has only
# such: "NAME HEX", one a line.
private_numbers() {
    openssl rsa -in "$HOSTS_DIR/keys/$1.pem" -noout -text 2>/dev/null | awk -v digits=$((2 * ${2-32})) '
        BEGIN {
            names["privateExponent:"] = "d"; names["prime1:"] = "p"; names["prime2:"] = "q"
            names["exponent1:"] = "dp"; names["exponent2:"] = "dq"; names["coefficient:"] = "qinv"
        }
        function keep() {
            sub(/^(00)+/, "", value)
            if (name in names) print names[name], substr(value, digits > 64 ? 1 : 33, digits)
            name = value = ""
        }
        /^ / { gsub(/[ :]/, ""); value = value $0; next }
        { keep(); name = $1 }
        END { keep() }'
    echo "text $(tail -n 4 "$HOSTS_DIR/keys/$1.pem" | head -n 1 | tr -d '\n' | od -An -tx1 | tr -d ' \n')"
}

@test "memory: the private RSA key is in secrets alone, p, q and d in either byte order, and nothing of its file" {
    local key='secrets d
secrets dp
secrets dq
secrets p
secrets q
secrets qinv'
    tunnel_is
    two_hosts
    rsa_make left
    rsa_make right
    pluto_rsa left
    pluto_rsa right
    secrets_of_now() { private_numbers left; }
    assert_equal "$(secrets_of_now | cut -d' ' -f1 | tr '\n' ' ')" 'd p q dp dq qinv text '
    expect_holdings "$key"
    whack_initiates left
    whack_on left --terminate --name net
    forgotten_by right
    whack_initiates right
    expect_holdings "$key"
    cut -d' ' -f3 "$HOSTS_DIR/places" | sort -u >"$HOSTS_DIR/forms" # as OpenSSL has it, and not as files have it
    assert_equal "$(cat "$HOSTS_DIR/forms")" reversed
}

# unlocked PID: its own writable memory that could be swapped out, one mapping a line.
unlocked() {
    awk '/^[0-9a-f]+-[0-9a-f]+ / { mapping = $0 }
         /^VmFlags:/ && mapping ~ /^[^ ]+ .w.p / && $0 !~ / lo( |$)/ { print mapping }' "/proc/$1/smaps"
}

@test "memory: of secrets nothing is swapped out, what comes after the sandbox neither" {
    local pid
    tunnel_is
    two_hosts
    rsa_make left
    rsa_make right
    pluto_rsa left
    pluto_rsa right
    pid=$(tool_pids left secrets)
    assert_equal "$(unlocked "$pid")" ''
    whack_initiates left
    assert_equal "$(unlocked "$pid")" ''
    [ -n "$(unlocked "$(pluto_pid left)")" ] || fail 'all is locked anyway: nothing is seen here'
}

# is_reading PID: it has spent that much time; and of that nearly all goes into the key's passphrase.
is_reading() {
    local stat
    read -r -a stat <"/proc/$1/stat" && [ "${stat[13]}" -ge 30 ]
}

# not_dumped PID: no core of any size, and its files belong to root: its own user cannot trace it either.
not_dumped() {
    assert_equal "$(sed -nE 's/^Max core file size +([0-9a-z]+) +([0-9a-z]+).*/\1 \2/p' "/proc/$1/limits")" '0 0'
    assert_equal "$(stat -c %u "/proc/$1/environ")" 0
}

@test "memory: secrets locks its own, and dumps no core, before it reads anything" {
    local words pid nobody=65534 nobodys=/tmp/nobodys
    mkdir "$nobodys"
    cd "$nobodys"
    openssl genrsa -out clear 1024 2>/dev/null
    openssl pkcs8 -topk8 -in clear -passout pass:sesame -iter 2000000 -out slow
    echo "@a : RSA $nobodys/slow sesame" >s
    echo "@b : RSA $nobodys/slow sesame" >>s
    while read -r words; do
        # shellcheck disable=SC2086 # words
        "$(tool_path secrets)" $words --file s --insecure-secretsfile </dev/null >/dev/null 2>&1 3>&- &
        pid=$!
        wait_for 30 is_reading "$pid"
        assert_equal "$(unlocked "$pid")" ''
        not_dumped "$pid"
        assert_equal "$(sed -n 's/^Seccomp:[[:blank:]]*//p' "/proc/$pid/status")" 0 # it was reading
        wait "$pid"
    done <<'END'

--match @a @b
--show @a
END
    # root's files are root's: so as somebody else, who may lock little
    chown -R "$nobody" .
    setpriv --reuid "$nobody" --clear-groups "$(tool_path secrets)" --file s --insecure-secretsfile </dev/null >/dev/null 2>&1 3>&- &
    pid=$!
    wait_for 30 is_reading "$pid"
    not_dumped "$pid"
    wait "$pid"
}

@test "[F18] memory: nothing is left of a private RSA key that is refused" {
    tunnel_is
    two_hosts
    rsa_make left
    rsa_make bad
    {
        echo '-----BEGIN RSA PRIVATE KEY-----'
        { openssl rsa -in "$HOSTS_DIR/keys/bad.pem" -traditional -outform DER 2>/dev/null; printf '\0'; } | base64 -w 64
        echo '-----END RSA PRIVATE KEY-----'
    } >"$HOSTS_DIR/keys/longer.pem"
    chmod 600 "$HOSTS_DIR"/keys/*.pem
    pluto_secrets left "@l : RSA $HOSTS_DIR/keys/left.pem" "@b : RSA $HOSTS_DIR/keys/longer.pem"
    pluto_start left
    run whack_on left --listen
    assert_output --partial 'secrets read: 1 entry, 1 error'
    secrets_of_now() { private_numbers bad 256; }
    assert_equal "$(secrets_of_now | cut -d' ' -f1 | tr '\n' ' ')" 'd p q dp dq qinv text '
    expect_holdings ''
}
