# shellcheck shell=bash
# net.bash - hosts that are network namespaces on one wire, for scenarios and for the demonstration
#
# A host has a network, a /run and a host name of its own; the rest is shared with the guest kernel's other processes.
# The wire is a bridge in a namespace of its own: what tcpdump sees there is what an eavesdropper sees (on a host's own
# interface it would also see packets after their decryption).
#
# Every host has a folder $HOSTS_DIR/NAME, for its daemon's files; `holder` in it is the pid that holds the namespaces.
# Needs nothing of bats. Not for NAT or several networks.

wire_up() {
    ip -batch - <<'END'
netns add wire
link add wire netns wire type bridge forward_delay 0
END
    ip -n wire -batch - <<'END'
link set lo up
link set wire up
END
}

# host_up NAME OUTER/BITS [INNER/BITS]: a host on the wire, with a net behind it where INNER is given.
host_up() {
    local name=$1 outer=$2 inner=${3-} dir=$HOSTS_DIR/$1 fd pid
    mkdir -p "$dir"
    # shellcheck disable=SC2016 # $1 is for the inner shell
    exec {fd}< <(exec unshare -n -m -u --propagation private bash -c \
        'mount -t tmpfs run /run && hostname "$1" && echo ready && exec sleep infinity >/dev/null' \
        holder "$name" 3>&- 2>&1)
    pid=$!
    local said=
    read -r -u "$fd" said
    exec {fd}<&-
    if [ "$said" != ready ]; then
        echo "host_up $name: no namespaces: $said" >&2
        return 1
    fi
    echo "$pid" >"$dir/holder"
    ip -batch - <<END
netns attach $name $pid
link add eth0 netns $name type veth peer name $name netns wire
END
    ip -n wire link set "$name" master wire up
    {
        echo 'link set lo up'
        echo "addr add $outer dev eth0 $(no_dad "$outer")"
        echo 'link set eth0 up'
        if [ -n "$inner" ]; then
            echo 'link add net0 type dummy'
            echo "addr add $inner dev net0 $(no_dad "$inner")"
            echo 'link set net0 up'
        fi
    } | ip -n "$name" -batch -
}

# Duplicate address detection costs a second, and nobody else has these addresses.
no_dad() {
    [[ $1 != *:* ]] || echo nodad
}

# route_to NAME NET VIA: plain routes, for where --updown is /bin/true. That a packet leaves in the clear when there is
# no tunnel is what they are good for: the wire would show it.
route_to() {
    ip -n "$1" route add "$2" via "$3"
}

# on NAME COMMAND...: run it on that host.
on() {
    local pid
    read -r pid <"$HOSTS_DIR/$1/holder" || return 1
    nsenter -t "$pid" -n -m -u -- "${@:2}"
}

# start_on NAME OUT ERR COMMAND...: run it there in the background, with its output in the files OUT and ERR. Its pid
# (exactly the command's, whatever it is wrapped in) is in $started.
started=
start_on() {
    local pid
    read -r pid <"$HOSTS_DIR/$1/holder" || return 1
    nsenter -t "$pid" -n -m -u -- "${@:4}" >"$2" 2>"$3" </dev/null 3>&- &
    started=$!
    remember "$1" "$started"
}

# remember NAME PID: to be ended, by exactly this pid, by hosts_down at the latest.
remember() {
    echo "$2" >>"$HOSTS_DIR/$1/pids"
}

# end_pid PID: SIGTERM, then after a while SIGKILL; 0 where SIGTERM was enough.
end_pid() {
    local pid=$1
    kill -TERM "$pid" 2>/dev/null || return 0
    wait_for 20 has_ended "$pid" || {
        kill -KILL "$pid" 2>/dev/null
        return 1
    }
}

# Zombies, which nobody may have waited for yet, do not run.
is_running() {
    local line
    [ -r "/proc/$1/stat" ] && read -r line 2>/dev/null <"/proc/$1/stat" && [[ ${line##*) } != [ZX]* ]]
}

has_ended() {
    ! is_running "$1"
}

# All hosts and the wire go, with what still runs there.
hosts_down() {
    local file pid name
    for file in "$HOSTS_DIR"/*/pids; do
        [ -e "$file" ] || continue
        while read -r pid; do
            end_pid "$pid" || echo "hosts_down: pid $pid did not end when asked to" >&2
        done <"$file"
        rm "$file"
    done
    for file in "$HOSTS_DIR"/*/holder; do
        [ -e "$file" ] || continue
        read -r pid <"$file"
        kill "$pid" 2>/dev/null
        name=${file%/holder}
        echo "netns del ${name##*/}"
        rm "$file"
    done | ip -force -batch - 2>/dev/null
    ip netns del wire 2>/dev/null
    return 0
}

# wire_watch: note every packet on the wire from now on.
wire_watch() {
    local pid
    mkdir -p "$HOSTS_DIR/wire"
    : >"$HOSTS_DIR/wire/tcpdump"
    nsenter --net=/run/netns/wire tcpdump -i wire -U --immediate-mode -Z root -w "$HOSTS_DIR/wire/pcap" \
        >/dev/null 2>"$HOSTS_DIR/wire/tcpdump" 3>&- &
    pid=$!
    remember wire "$pid"
    echo "$pid" >"$HOSTS_DIR/wire/watcher"
    wait_for 20 says_or_ends "$pid" "$HOSTS_DIR/wire/tcpdump" 'listening on' || :
    file_has "$HOSTS_DIR/wire/tcpdump" 'listening on' || {
        cat "$HOSTS_DIR/wire/tcpdump" >&2
        return 1
    }
}

# wire_seen FILTER: how many packets on the wire matched it since wire_watch.
wire_seen() {
    tcpdump -r "$HOSTS_DIR/wire/pcap" -n "$1" 2>/dev/null | wc -l
}

# wire_packets [FILTER]: the packets themselves, in tcpdump's words.
wire_packets() {
    tcpdump -r "$HOSTS_DIR/wire/pcap" -n "$@" 2>/dev/null
}

# nap SECONDS: sleep without a process, which in the guest costs a tenth of what is slept by most. From a pipe that nobody
# writes to nothing comes.
nap() {
    [ -p "$HOSTS_DIR/nap" ] || mkfifo "$HOSTS_DIR/nap"
    read -r -t "$1" <>"$HOSTS_DIR/nap" || true
}

# wait_for SECONDS COMMAND...: until it succeeds. SECONDS is what it may take on a machine with nothing else to do. Several guests
# share a core with others, so it gets three times that, and a minute at least: a time that is up is to mean that it never comes.
wait_for() {
    local limit=$(($1 * 3))
    within "$((limit < 60 ? 60 : limit))" "${@:2}"
}

# within SECONDS COMMAND...: likewise, and really no longer: for what need not come.
within() {
    local end=$((SECONDS + $1 + 1))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        nap 0.1
    done
}

# file_has FILE TEXT: without a process.
file_has() {
    [[ -r $1 && $(<"$1") == *"$2"* ]]
}

# says_or_ends PID FILE TEXT: what it writes has the text, or it will write no more.
says_or_ends() {
    file_has "$2" "$3" || ! is_running "$1"
}

# sas_agree NAME ADDRESS NAME ADDRESS [LEAST]: what the one host sends by, the other one expects, in both directions, and both have
# their policies for it; or neither has anything. With LEAST, both have so many SAs at least, whosever. One of two ends is always the
# later one, and before that packets are lost, or leave in the clear. charon moreover, where it has older SAs, takes away what it
# sends by before it puts the new one there.
#
# A process costs much in the guest, and this is asked many times: all is looked at once. The kernel lists first what it made last.
sas_agree() {
    # shellcheck disable=SC2016 # $0 and $1 are for the inner shell
    sh -ec 'for host; do
            echo "states $host"
            ip -n "$host" xfrm state
            echo "policies $host"
            ip -n "$host" xfrm policy
        done
        echo end' sh "$1" "$3" | awk -v one="$1" -v ours="$2" -v two="$3" -v theirs="$4" -v least="${5-0}" '
        /^(states|policies) / { part = $1; host = $2 }
        $0 == "end" { complete = 1 }
        /^src / { from = $2; to = $4; way = "" }
        part == "states" && /^src / { count[host]++ }
        # One without an SPI is asked for only.
        part == "states" && $1 == "proto" && $2 == "esp" && $4 != "0x00000000" {
            spis[host, from, to] = spis[host, from, to] $4 " "
            reqids[host, $4] = reqids[host, $4] $6 " "
        }
        part == "policies" && $1 == "dir" { way = $2 } # a socket has one of its own, which is no "dir"
        part == "policies" && $1 == "proto" && $2 == "esp" {
            n = ++policies[host, way]
            named[host, way, n] = $3 == "spi" ? $4 : ""
            wanted[host, way, n] = $3 == "spi" ? $6 : $4
        }
        # The newest is the same; or, where both began at once, all are.
        function same(sent, expected,    s, e, n, i) {
            n = split(sent, s, " ")
            if (n != split(expected, e, " ")) n = 0
            if (s[1] "" == e[1] "") return 1
            for (i = 1; i <= n && index(expected, s[i]); i++) continue
            return n > 0 && i > n
        }
        # With the request id of one of these SAs; where it names an SPI, as those of charon do, it is there.
        function has_policy(host, way, list,    s, n, i, p) {
            n = split(list, s, " ")
            for (p = 1; p <= policies[host, way]; p++)
                for (i = 1; i <= n; i++)
                    if (index(" " reqids[host, s[i]], " " wanted[host, way, p] " ") &&
                        (named[host, way, p] == "" || index(list, named[host, way, p]))) return 1
            return 0
        }
        function agree(sender, source, receiver, destination,    sent, expected) {
            sent = spis[sender, source, destination]
            expected = spis[receiver, source, destination]
            if (!same(sent, expected)) return 0
            return sent == "" || (has_policy(sender, "out", sent) && has_policy(receiver, "in", expected))
        }
        END {
            exit !(complete && count[one] >= least && count[two] >= least &&
                agree(one, ours, two, theirs) && agree(two, theirs, one, ours))
        }'
}

# sas_packets NAME...: a line "NAME SOURCE DESTINATION PACKETS" for all that those hosts' SAs from SOURCE to DESTINATION have counted.
sas_packets() {
    # shellcheck disable=SC2016 # $0 and $1 are for the inner shell
    sh -c 'for host; do echo "host $host"; ip -n "$host" -s xfrm state; done' sh "$@" | awk '
        /^host / { host = $2 }
        /^src / { pair = host " " $2 " " $4; sum[pair] += 0 }
        /lifetime current:/ { current = 1; next }
        current { split($0, part, ","); sub(/^[ \t]+/, "", part[2]); sum[pair] += part[2]; current = 0 }
        END { for (pair in sum) print pair, sum[pair] }'
}

# sa_packets NAME SOURCE DESTINATION: of these alone ("none": no SA).
sa_packets() {
    local name from to packets found=none
    while read -r name from to packets; do
        [ "$from $to" != "$2 $3" ] || found=$packets
    done < <(sas_packets "$1")
    echo "$found"
}

# events_lost PID: the kernel had more to tell that kernel-sa than its socket holds.
events_lost() {
    local lost
    lost=$(awk '$2 == 6 && $4 == "0000000f" { print $9 }' "/proc/$1/net/netlink") # NETLINK_XFRM, all four groups
    [ "$lost" -gt 0 ]
}

# sa_count NAME, policy_count NAME: how many SAs and IPsec policies that host's kernel has (a socket's own not counted).
sa_count() {
    local said
    said=$(ip -n "$1" xfrm state count) # SAD count 2
    echo "${said##* }"
}
policy_count() {
    local said
    said=$(ip -n "$1" xfrm policy count)
    [[ $said =~ IN\ +([0-9]+)\ OUT\ +([0-9]+)\ FWD\ +([0-9]+) ]] || return 1
    echo "$((BASH_REMATCH[1] + BASH_REMATCH[2] + BASH_REMATCH[3]))"
}
