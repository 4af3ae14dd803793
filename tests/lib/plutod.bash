# A plutod of the test's own, in a network namespace, for tests/plutod*.bats. `load` it; it is setup and teardown, too.
# shellcheck shell=bash
# shellcheck disable=SC2034 # used by the tests

bats_require_minimum_version 1.5.0
load lib/assert.bash

setup() {
    trace_less
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    plutod=${IPSEC_DIR:-$repo/plutod}/plutod
    whack=${IPSEC_DIR:-$repo/whack}/whack
    dir=$BATS_TEST_TMPDIR
    base=$dir/pluto
    : >"$dir/secrets"
    chmod 600 "$dir/secrets"
    daemon=
    netns=(unshare -n) # the words that put it into a network namespace
}

teardown() {
    [ -n "$daemon" ] || return 0
    kill -TERM "$daemon" 2>/dev/null || :
    wait "$daemon" 2>/dev/null || : # not for all children: a test's time limit is one, too
}

# start [OPTION...]: a plutod in a network namespace of its own; its pid is in $daemon.
start() {
    : >"$dir/out" # what one before it said is not this one's word
    : >"$dir/err"
    "${netns[@]}" "$plutod" --nofork --stderrlog --ctlbase "$base" --secretsfile "$dir/secrets" "$@" \
        >"$dir/out" 2>"$dir/err" 3>&- &
    daemon=$!
    within 5 grep -qx 'Pluto initialized' "$dir/out" || { cat "$dir/err" >&2; return 1; }
}

# within SECONDS COMMAND...: until it succeeds. SECONDS are what it may take where nothing else runs; beside guests and fuzzers
# a step may take many times that, so a minute is waited at the least.
within() {
    local i seconds=$(($1 > 60 ? $1 : 60))
    for ((i = 0; i < seconds * 20; i++)); do
        "${@:2}" && return 0
        sleep 0.05
    done
    return 1
}

gone() {
    ! kill -0 "$1" 2>/dev/null
}

# ask WORD...: a whack. That it had to wait for a plutod that has no processor is no answer. One that waits for a place takes
# five times as long where others have most of the processor.
ask() {
    run timeout 240 "$whack" --ctlbase "$base" "$@"
    patiently
}

# patiently: what was run last, without whack's words about that
patiently() {
    local waits='^whack: plutod has not answered for 5 s: .*; still waiting$'
    [[ $output${stderr-} == *'; still waiting'* ]] || return 0
    stderr=$(grep -v "$waits" <<<"${stderr-}") || :
    output=$(grep -v "$waits" <<<"$output") || :
    lines=()
    [ -z "$output" ] || mapfile -t lines <<<"$output"
}

# waits PATTERN WORD...: a whack that says a line like this and then waits; it is killed, and what it said is in $output
waits() {
    : >"$dir/waits"
    "$whack" --ctlbase "$base" "${@:2}" >"$dir/waits" 2>&1 3>&- &
    local pid=$! code=0
    within 5 grep -qE "$1" "$dir/waits" || fail "it said: $(<"$dir/waits")"
    kill -KILL "$pid"
    wait "$pid" || code=$?
    assert_equal "$code" 137 # until then
    run cat "$dir/waits"
}

# raw TEXT...: lines into the control socket, as they are; what came back is in $output
raw() {
    printf '%s' "$@" >"$dir/said" # more than fits onto a command line
    # shellcheck disable=SC2016 # perl's variables
    run timeout 60 perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new(Peer => shift) or die "connect: $!"; undef $/; $_ = <>;
        $SIG{PIPE} = "IGNORE"; print $s $_; $s->flush; $s->shutdown(1); print while <$s>;' "$base.ctl" "$dir/said"
}

# pid_of TOOL: of the oldest one of that name, which it has once it has begun: until then it is called plutod
pid_of() {
    within 5 pgrep -P "$daemon" -o -x "$1"
}

children() {
    ps --no-headers -o comm --ppid "$daemon" | sort | uniq -c | awk '{ printf "%s%s:%s", s, $2, $1; s = " " }'
}

children_are() {
    [ "$(children)" = "$1" ]
}

# at_most VALUE LIMIT WHAT: of memory or time, an order of magnitude above what is usual; figures are tests/bench's matter.
# A build that watches itself (make asan) takes much more, and is not measured.
at_most() {
    echo "$3: $1"
    [ -n "${BUILD_DIR-}" ] || [ "$1" -le "$2" ] || fail "$3: $1, more than $2"
}

# far_away: a connection whose peer is silent. Needs `start`.
far_away() {
    echo '127.0.0.1 127.0.0.2 : PSK "a secret"' >"$dir/secrets"
    nsenter -t "$daemon" -n ip link set lo up
    ask --name far --psk --encrypt --host 127.0.0.1 --to --host 127.0.0.2
    ask --listen
}

# memory: plutod's own, in KB
memory() {
    awk '/^RssAnon/ { print $2 }' "/proc/$daemon/status"
}
