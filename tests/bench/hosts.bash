# shellcheck shell=bash
# hosts.bash - the responders that tests/bench loads: plutod and charon, on the loopback of this namespace
#
# For bench and flood, which run inside a network and a mount namespace of their own. Peers have addresses in
# 10.64.0.0/10 and 10.128.0.0/9, which are local by a route alone. Responder: 10.0.0.1. Its processes are in $watched
# (NAME=PID ...).

# shellcheck disable=SC2034,SC2154 # variables of net.bash, charon.bash, pluto.bash and of the caller

# shellcheck source=/dev/null
. "$repo/tests/lib/net.bash"
# shellcheck source=/dev/null
. "$repo/tests/lib/charon.bash"
# shellcheck source=/dev/null
. "$repo/tests/lib/pluto.bash"
# shellcheck source=/dev/null
. "$repo/tests/lib/rsa.bash"

HOSTS_DIR=
watched=()
address_block=64
result=

say() {
    printf '%s\n' "$*" >&2
}

die() {
    say "${0##*/}: $*"
    exit 1
}

# enter_namespaces PROGRAM WORD...: once more, in a network and a mount namespace of its own, unless we are there.
enter_namespaces() {
    local program
    [ "${BENCH_INSIDE-}" != yes ] || return 0
    [ "$(id -u)" -eq 0 ] || die 'network namespaces and UDP port 500 are for root: run it as root'
    for program in plutod/plutod whack/whack tests/bench/load tests/bench/pure tests/bench/flood; do
        [ -x "$repo/$program" ] || die "$program is not built: make bench or make flood builds it"
    done
    BENCH_INSIDE=yes exec unshare -n -m --propagation private "$@"
}

hosts_ready() {
    HOSTS_DIR=$(mktemp -d /tmp/bench.XXXXXX)
    mkdir "$HOSTS_DIR/here" "$HOSTS_DIR/tools"
    # net.bash enters the namespaces of this pid, which are where we are already.
    echo $$ >"$HOSTS_DIR/here/holder"
    result=$HOSTS_DIR/result
    mount -t tmpfs run /run || die 'cannot mount a /run for this run'
    ip -batch - <<'END' || die 'cannot set up loopback'
link set lo up
address add 10.0.0.1/32 dev lo
route add local 10.64.0.0/10 dev lo
route add local 10.128.0.0/9 dev lo
END
    # This kernel may have no ESP: kernel-sa does everything but speak to it.
    local tool
    for tool in ike-negotiate secrets; do
        ln -s "$repo/$tool/$tool" "$HOSTS_DIR/tools/$tool"
    done
    ln -s "$repo/updown/updown" "$HOSTS_DIR/tools/updown"
    printf '#!/bin/sh\nexec %s -n "$@"\n' "'$repo/kernel-sa/kernel-sa'" >"$HOSTS_DIR/tools/kernel-sa"
    chmod +x "$HOSTS_DIR/tools/kernel-sa"
    export IPSEC_DIR=$HOSTS_DIR/tools
    rsa_make bench
    pluto_secrets here ': PSK "bench"' ": RSA $HOSTS_DIR/keys/bench.pem"
}

hosts_clean() {
    local pid
    for pid in $([ ! -e "$HOSTS_DIR/here/pids" ] || cat "$HOSTS_DIR/here/pids"); do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -rf "$HOSTS_DIR"
}

# note WORDS: one figure.
note() {
    echo "$*" >>"$figures"
}

# plutod_up main|quick|rsa IKE: one connection for everybody who has the secret, or the key.
plutod_up() {
    local words=(--to --host %any) pid
    address_block=64 # this one has seen nobody
    pluto_start here || die 'plutod does not start'
    case $1 in
    main) words+=(--psk) ;;
    quick) words+=(--psk --encrypt --tunnel --esp aes128-sha2_256) ;;
    rsa)
        words+=(--id @road --rsasig)
        whack_on here --keyid @road --pubkeyrsa "$(rsa_word bench)" || die 'whack does not take the public key'
        ;;
    esac
    whack_on here --name road --host 10.0.0.1 --nexthop %direct --updown /bin/true "${words[@]}" --ike "$2" \
        --dontrekey --listen >"$result" 2>&1 || die "whack: $(<"$result")"
    watched=("plutod=$(pluto_pid here)")
    for pid in $(ps --no-headers -o pid:1 --ppid "$(pluto_pid here)"); do
        watched+=("$(<"/proc/$pid/comm")=$pid")
    done
}

# At once: the tools see the end of their channels.
plutod_down() {
    local pid
    pid=$(pluto_pid here)
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    rm -f "$HOSTS_DIR/here/pids" "$HOSTS_DIR"/here/pluto.*
}

# charon_up main|rsa IKE: the same, as quick as it can be set up: OpenSSL's groups, large tables, one line a negotiation.
charon_up() {
    local auth=(psk '' '' '') plugins
    address_block=64
    plugins=$(charon_quick_plugins "$2")
    if [ "$1" = rsa ]; then
        auth=(pubkey "pubkeys = $HOSTS_DIR/keys/bench.pub" 'id = @road')
        mkdir -p "$HOSTS_DIR/here/private"
        cp "$HOSTS_DIR/keys/bench.pem" "$HOSTS_DIR/here/private/"
    fi
    charon_start here 'dh_exponent_ansi_x9_42 = no' 'threads = 16' 'half_open_timeout = 120' 'cookie_threshold = 0' \
        'block_threshold = 0' 'init_limit_half_open = 0' 'init_limit_job_load = 0' 'ikesa_table_size = 16384' \
        'ikesa_table_segments = 16' "load = $plugins" \
        'filelog { log { flush_line = no' 'default = 0' 'ike = 0' 'cfg = 0' 'knl = 0' '} }' ||
        die 'charon does not start'
    cat >>"$HOSTS_DIR/here/swanctl.conf" <<END
connections {
    road {
        version = 1
        local_addrs = 10.0.0.1
        proposals = $(charon_words "$2")
        fragmentation = no
        unique = never
        local {
            auth = ${auth[0]}
            id = 10.0.0.1
            ${auth[1]}
        }
        remote {
            auth = ${auth[0]}
            ${auth[1]}
            ${auth[2]}
        }
    }
}
secrets {
    ike-road {
        secret = bench
    }
}
END
    charon_load here || die 'charon does not take its configuration'
    watched=("charon=$(<"$HOSTS_DIR/here/charon.pid")")
}

# charon_quick_plugins IKE: the quickest for it. MODP by gmp, since openssl computes y^q too, and RSA then as well, which
# openssl could do quicker; everything else by openssl.
charon_quick_plugins() {
    local rest=${charon_plugins/ openssl/}
    case $1 in
    *modp*) echo "gmp openssl ${rest/ gmp/}" ;;
    *) echo "openssl $rest" ;;
    esac
}

charon_down() {
    local pid
    read -r pid <"$HOSTS_DIR/here/charon.pid"
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    rm -f "$HOSTS_DIR/here/pids" "$HOSTS_DIR/here/vici" "$HOSTS_DIR/here/charon.log" /run/charon*
}

# pin_responder CORE: with all its processes and threads.
pin_responder() {
    local word
    for word in "${watched[@]}"; do
        taskset -a -p -c "$1" "${word#*=}" >/dev/null || die 'taskset refuses'
    done
}

# load_on LABEL WORD...: one run from addresses that nobody had before; the figures are noted as "LABEL NAME NUMBER".
load_on() {
    local label=$1 words=() line
    shift
    for line in "${watched[@]}"; do
        words+=(--watch "$line")
    done
    "$here/load" --remote 10.0.0.1 --first "10.$address_block.0.1" --secretsfile "$HOSTS_DIR/here/ipsec.secrets" \
        "${words[@]}" "$@" >"$result"
    local status=$?
    address_block=$((address_block + 1))
    while read -r line; do
        note "$label $line"
    done <"$result"
    return $status
}

# keep_best LABEL: of several runs with that label, the figures of the one that cost least.
keep_best() {
    awk -v label="$1 " '
        index($0, label) != 1 { print; next }
        $(NF - 1) == "done" { run++ }
        { text[run] = text[run] $0 "\n"; if ($(NF - 1) == "cpu-us-all") cost[run] = $NF }
        END { best = 1; for (i = 2; i <= run; i++) if (cost[i] + 0 < cost[best] + 0) best = i; printf "%s", text[best] }
    ' "$figures" >"$figures.new" && mv "$figures.new" "$figures"
}
