#!/usr/bin/env bats
# What each process may do, read from the kernel; and that any of them may die. What it holds: memory.bats.

# shellcheck disable=SC2154 # $repo comes from pluto.bash
load ../lib/scenario.bash

# field PID NAME: that line of /proc/PID/status, without the name.
field() {
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# the_tool TOOL: the pid of the one process of this kind.
the_tool() {
    local -a pids
    mapfile -t pids < <(tool_pids left "$1")
    [ "${#pids[@]}" -ge 1 ] || fail "no process of $1 among plutod's children"
    echo "${pids[0]}"
}

# The keys that the kernel has, as hex, one a line.
traffic_keys() {
    ip -n left xfrm state | sed -nE 's/^[[:space:]]+(auth-trunc|auth|enc|aead) [^ ]+ 0x([0-9a-f]+).*/\2/p'
}

# fd_list PID: the kinds of its descriptors, one a line.
fd_list() {
    local fd target inode table
    for fd in "/proc/$1/fd/"*; do
        target=$(readlink "$fd")
        case $target in
        /dev/null) echo null ;;
        */pluto.pid) echo lock ;;
        "$HOSTS_DIR"/left/pluto.out | "$HOSTS_DIR"/left/pluto.err) echo output ;;
        anon_inode:\[eventpoll\]) echo epoll ;;
        pipe:*) echo pipe ;;
        anon_inode:\[*) target=${target#*[} && echo "${target%]}" ;;
        socket:*)
            inode=${target//[!0-9]/}
            table=$(cd "/proc/$1/net" && grep -lw "$inode" unix udp udp6 tcp tcp6 raw raw6 netlink packet)
            echo "${table%6}"
            ;;
        *) echo "$target" ;;
        esac
    done
}

# fd_kinds PID: each kind once, in order; fd_counts PID: and how many of it there are.
fd_kinds() {
    fd_list "$1" | sort -u | paste -sd ' '
}
fd_counts() {
    fd_list "$1" | sort | uniq -c | awk '{ print $2 "=" $1 }' | paste -sd ' '
}

# one_of WORD...: the word, where all are the same.
one_of() {
    local word
    for word in "$@"; do
        [ "$word" = "$1" ] || { echo "$*" && return; }
    done
    echo "$1"
}

# caps PID: the one name for all five sets; the bounding, ambient and inheritable ones have to be empty.
caps() {
    local none=0000000000000000 net_admin=0000000000001000 eff
    eff=$(field "$1" CapEff)
    if [ "$(one_of "$none" "$(field "$1" CapInh)" "$(field "$1" CapBnd)" "$(field "$1" CapAmb)")" != "$none" ] ||
        [ "$eff" != "$(field "$1" CapPrm)" ]; then
        echo "inh $(field "$1" CapInh) bnd $(field "$1" CapBnd) amb $(field "$1" CapAmb) eff $eff"
    elif [ "$eff" = $none ]; then
        echo none
    elif [ "$eff" = $net_admin ]; then
        echo CAP_NET_ADMIN
    else
        echo "$eff"
    fi
}

# row_of NAME PID: what docs/privsep.md says of it, as the kernel says it.
row_of() {
    local name=$1 pid=$2 root groups caps core ids memory
    # Real, effective, saved and file system uid and gid are one and the same.
    # shellcheck disable=SC2046 # the words are wanted
    ids=$(one_of $(field "$pid" Uid) $(field "$pid" Gid))
    root=$(readlink "/proc/$pid/root")
    [[ $root != */ipsec-empty-*' (deleted)' || -n $(ls -A "/proc/$pid/root/") ]] || root='empty, removed'
    groups=$(field "$pid" Groups | tr -d ' ')
    groups=${groups:-none}
    caps=$(caps "$pid")
    [ "$name" != plutod ] || { groups='as started' && caps='as started'; }
    core=$(sed -nE 's/^Max core file size +([0-9a-z]+) +([0-9a-z]+).*/\1 \2/p' "/proc/$pid/limits")
    # The files of a process that is not dumpable belong to root: its own user cannot trace it either.
    [ "$core $(stat -c %u "/proc/$pid/environ")" != '0 0 0' ] || core=never
    memory=$(sed -nE 's/^Max data size +([0-9a-z]+) +([0-9a-z]+).*/\1 \2/p' "/proc/$pid/limits")
    [ "$memory" != '1073741824 1073741824' ] || memory='1 GiB'
    [ "$name" != plutod ] || memory='as started'
    printf '| %s ' "$name" "$ids" "$groups" "$caps" "$root" "$(field "$pid" NoNewPrivs | sed 's/0/no/; s/1/yes/')" \
        "$(field "$pid" Seccomp | sed 's/0/none/; s/2/filter/')" "$core" "$memory" "$(fd_kinds "$pid")"
    echo '|'
}

# The page's row, with the numbers of this machine's users where they have names.
row_in_page() {
    local user number row
    row=$(grep -E "^\| $1 \| [0-9]+ \|" "$repo/docs/privsep.md")
    for user in 60910=ipsec-negotiate 60911=ipsec-secrets 60912=ipsec-kernel 60913=ipsec-dns; do
        number=$(id -u "${user#*=}" 2>/dev/null) || continue
        row=${row/ ${user%%=*} / $number }
    done
    echo "$row"
}

@test "rights: the table of docs/privsep.md is what /proc says of a running plutod and its tools" {
    a_tunnel
    assert_equal "$(row_of plutod "$(pluto_pid left)")" "$(row_in_page plutod)"
    local tool
    for tool in ike-negotiate secrets kernel-sa; do
        assert_equal "$(row_of "$tool" "$(the_tool "$tool")")" "$(row_in_page "$tool")"
    done
}

# dnskey_runs: a name in the secrets file is what it takes. Its pid in $dnskey, that of its opener in $opener.
dnskey_runs() {
    echo 'gate.example.org : PSK "something else"' >>"$HOSTS_DIR/left/ipsec.secrets"
    whack_on left --listen
    wait_for 20 another_than dnskey none || fail 'no dnskey was begun'
    dnskey=$(the_tool dnskey)
    opener=$(opener_of "$dnskey")
}

opener_of() {
    ps --no-headers -o pid:1 --ppid "$1"
}

# its_row NAME PID: that is what the page has. Sockets of questions come and go.
its_row() {
    [ "$(row_of "$1" "$2")" = "$(row_in_page "$1")" ]
}

has_fds() {
    [ "$(fd_counts "$1")" = "$2" ]
}

@test "rights: dnskey, which a name in the secrets file begins, and its opener, are what the page says" {
    a_tunnel
    dnskey_runs
    wait_for 20 its_row dnskey "$dnskey" || assert_equal "$(row_of dnskey "$dnskey")" "$(row_in_page dnskey)"
    wait_for 20 its_row 'the opener' "$opener" || assert_equal "$(row_of 'the opener' "$opener")" "$(row_in_page 'the opener')"
    # plutod and the opener; dnskey.
    wait_for 20 has_fds "$dnskey" 'epoll=1 null=2 pipe=1 unix=2' || fail "$(fd_counts "$dnskey")"
    assert_equal "$(fd_counts "$opener")" 'null=2 pipe=1 unix=1'
}

@test "rights: dnskey told to open a file, to execve or kill, its opener told to write a file or open a socket, die of SIGSYS" {
    a_tunnel
    dnskey_runs
    is_ended_by dnskey openat -100
    is_ended_by dnskey execve
    is_ended_by dnskey kill 1 15
    local call
    for call in 'openat -100 0 1' 'openat -100 0 64' 'socket 2 2' connect execve 'kill 1 15'; do
        dnskey=$(the_tool dnskey)
        opener=$(opener_of "$dnskey")
        # shellcheck disable=SC2086 # words
        run "$repo/tests/programs/inject" "$opener" $call
        assert_output 'ended by signal 31'
        wait_for 20 another_than dnskey "$dnskey" || fail 'no new dnskey after its opener was ended'
    done
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
}

# One channel or socket too many is a way that nobody looks after.
@test "rights: each process has as many descriptors of a kind as it needs, and not one more" {
    a_tunnel
    local workers udp others
    workers=$(tool_pids left secrets | wc -l)
    udp=$(fd_list "$(the_tool ike-negotiate)" | grep -c '^udp$')
    [ "$udp" -ge 1 ] || fail 'ike-negotiate has no IKE socket'
    # plutod, bell, ike-negotiate, kernel-sa
    assert_equal "$(fd_counts "$(the_tool secrets)")" "epoll=1 null=2 pipe=1 unix=4"
    # plutod, bell, ike-negotiate, each secrets
    assert_equal "$(fd_counts "$(the_tool kernel-sa)")" "epoll=1 netlink=2 null=2 pipe=1 unix=$((3 + workers))"
    # plutod, kernel-sa, each secrets
    assert_equal "$(fd_counts "$(the_tool ike-negotiate)")" "epoll=1 null=2 pipe=1 udp=$udp unix=$((2 + workers))"
    # The control socket, a channel to each, and the bells of all but ike-negotiate.
    others=$(fd_counts "$(pluto_pid left)")
    assert_equal "${others##* udp=}" "$udp unix=$((1 + workers + 2 + workers + 1))"
}

# is_ended_by TOOL CALL [ARGUMENT...]: the running tool is made to do that. Who fell is replaced.
is_ended_by() {
    local pid
    pid=$(the_tool "$1")
    run "$repo/tests/programs/inject" "$pid" "${@:2}"
    assert_output 'ended by signal 31'
    log_has left "(pid $pid) was ended by signal 31 (Bad system call)"
    wait_for 20 another_than "$1" "$pid" || fail "no new $1 after the old one was killed"
}

@test "rights: what a tool writes to its stderr comes into the log under its name, escaped, and a few lines only" {
    a_tunnel
    local pid start before after i
    pid=$(the_tool ike-negotiate)
    start=$(awk '$NF ~ /ike-negotiate$/ { sub("-.*", "", $1); print "0x" $1; exit }' "/proc/$pid/maps")
    for i in {1..10}; do # its own ELF header, for want of other bytes: a line is as long as it may be, then
        run "$repo/tests/programs/inject" "$pid" write 2 "$start" 4000
        assert_output 'returned 4000'
    done
    log_has left 'ike-negotiate says on its stderr: '
    log_has left '\177ELF'
    run ! grep -aq $'\x7f' "$(pluto_log left)"
    before=$(wc -c <"$(pluto_log left)")
    for ((i = 0; i < 60; i++)); do
        "$repo/tests/programs/inject" "$pid" write 2 "$start" 4000 >"$BATS_TEST_TMPDIR/injected"
    done
    sleep 0.5
    after=$(wc -c <"$(pluto_log left)")
    [ $((after - before)) -lt 60000 ] || fail "$((after - before)) bytes"
    kill -0 "$pid"
    ping_through left right
}

# SYS_openat with AT_FDCWD, AF_INET and SOCK_DGRAM, and so on: that they end it does not rest on the arguments.
ended_by_what_hijackers_want() {
    a_tunnel
    # It does survive what it may do; that it is ended is not the injector's doing.
    run "$repo/tests/programs/inject" "$(the_tool "$1")" getpid
    assert_output "returned $(the_tool "$1")"
    is_ended_by "$1" openat -100
    is_ended_by "$1" socket 2 2
    is_ended_by "$1" setsockopt 7
    is_ended_by "$1" execve
    is_ended_by "$1" kill 1 15
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
}

@test "rights: ike-negotiate told to open a file or a socket, to setsockopt, execve or kill, dies of SIGSYS" {
    ended_by_what_hijackers_want ike-negotiate
}

@test "rights: secrets told to open a file or a socket, to setsockopt, execve or kill, dies of SIGSYS" {
    ended_by_what_hijackers_want secrets
}

@test "rights: kernel-sa told to open a file or a socket, to setsockopt, execve or kill, dies of SIGSYS" {
    ended_by_what_hijackers_want kernel-sa
}

@test "keys: the log has neither the pre-shared key nor a traffic key" {
    a_tunnel
    local key
    run ! file_has "$(pluto_log left)" "${T[psk]}"
    for key in $(traffic_keys); do
        run ! file_has "$(pluto_log left)" "$key"
    done
}

# killed TOOL: it dies, the tunnel does not notice, a new one comes, and a new tunnel can be made.
killed() {
    a_tunnel
    local pid
    pid=$(the_tool "$1")
    kill -KILL "$pid"
    ping_through left right
    wait_for 30 another_than "$1" "$pid" || fail "no new $1 after the old one was killed"
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
    tunnel_with name=second left_net=10.1.7.0/24 right_net=10.2.7.0/24 left_in=10.1.7.1 right_in=10.2.7.1
    ip -n left addr add 10.1.7.1/24 dev net0
    ip -n right addr add 10.2.7.1/24 dev net0
    ip -n left route add 10.2.7.0/24 dev eth0
    ip -n right route add 10.1.7.0/24 dev eth0
    pluto_add left
    charon_add_child right left net
    run whack_on left --initiate --name second
    assert_success
    assert_output --partial '004 '
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
}

# another_than TOOL PID: another one is there, and where it is to be: in its sandbox, dnskey with its opener.
another_than() {
    local new opener
    new=$(tool_pids left "$1")
    [ -n "$new" ] && [[ $'\n'$new$'\n' != *$'\n'"$2"$'\n'* ]] && is_confined "$new" || return 1
    if [ "$1" = dnskey ]; then
        opener=$(opener_of "$new")
        [ -n "$opener" ] && is_confined "$opener"
    fi
}

is_confined() {
    local pid
    for pid in $1; do
        [ "$(field "$pid" Seccomp)" = 2 ] || return 1
    done
}

@test "kill -9 ike-negotiate: the tunnel stays, a new one negotiates" {
    killed ike-negotiate
}

@test "kill -9 secrets: the tunnel stays, a new one negotiates" {
    killed secrets
}

@test "kill -9 kernel-sa: the tunnel stays, a new one negotiates" {
    killed kernel-sa
}

@test "kill -9 of all three at once: the tunnel stays, new ones negotiate" {
    a_tunnel
    local pid tool
    local -A old
    for tool in ike-negotiate secrets kernel-sa; do
        old[$tool]=$(the_tool "$tool")
    done
    for pid in "${old[@]}"; do
        kill -KILL "$pid"
    done
    for tool in ike-negotiate secrets kernel-sa; do
        wait_for 30 another_than "$tool" "${old[$tool]}" || fail "no new $tool"
    done
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
}

@test "kill -9 plutod: its tools end, the tunnel stays; the next one takes the lock and negotiates" {
    a_tunnel
    local tools_of_it pid
    tools_of_it=$(ps --no-headers -o pid:1 --ppid "$(pluto_pid left)")
    kill -KILL "$(pluto_pid left)"
    for pid in $tools_of_it; do
        wait_for 15 has_ended "$pid" || fail "a tool of it still runs: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    done
    ping_through left right
    pluto_on left
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
}
