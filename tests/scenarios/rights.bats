#!/usr/bin/env bats
# What each process may do and what it holds, read from the kernel; and that any of them may die.

load ../lib/scenario.bash

# field PID NAME: that line of /proc/PID/status, without the name.
field() {
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

a_tunnel() {
    tunnel_is
    two_hosts
    charon_on right
    pluto_on left
    whack_initiates left
    traffic_is_protected
}

# the_tool TOOL: the pid of the one process of this kind.
the_tool() {
    local -a pids
    mapfile -t pids < <(tool_pids left "$1")
    [ "${#pids[@]}" -ge 1 ] || fail "no process of $1 among plutod's children"
    echo "${pids[0]}"
}

# memory_has PID HEX: the process's writable memory holds these bytes. It is root who looks.
memory_has() {
    perl -e '
        my ($pid, $want) = ($ARGV[0], pack("H*", $ARGV[1]));
        open(my $maps, "<", "/proc/$pid/maps") or die "maps: $!";
        open(my $mem, "<:raw", "/proc/$pid/mem") or die "mem: $!";
        while (<$maps>) {
            /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
            my ($from, $to) = (hex($1), hex($2));
            sysseek($mem, $from, 0) or next;
            my $got = sysread($mem, my $bytes, $to - $from) // 0;
            exit 0 if $got && index($bytes, $want) >= 0;
        }
        exit 1' "$1" "$2"
}

# The keys that the kernel has, as hex, one a line.
traffic_keys() {
    ip -n left xfrm state | sed -nE 's/^[[:space:]]+(auth-trunc|auth|enc|aead) [^ ]+ 0x([0-9a-f]+).*/\2/p'
}

secret_in_hex() {
    printf %s "${T[psk]}" | od -An -tx1 | tr -d ' \n'
}

@test "rights: each tool has a uid of its own that is not root's; plutod is root" {
    a_tunnel
    local tool uid seen=' 0 '
    assert_equal "$(field "$(pluto_pid left)" Uid | cut -f1)" 0
    for tool in ike-negotiate secrets kernel-sa; do
        uid=$(field "$(the_tool "$tool")" Uid)
        # Real, effective, saved and file system uid are one and the same, so is the group.
        assert_equal "$(tr '\t' '\n' <<<"$uid" | sort -u | wc -l)" 1
        [[ $seen != *" ${uid%%$'\t'*} "* ]] || fail "$tool: uid ${uid%%$'\t'*} is root's or another tool's"
        seen+="${uid%%$'\t'*} "
        assert_not_equal "$(field "$(the_tool "$tool")" Gid | cut -f1)" 0
        # No group but its own.
        [[ "$(field "$(the_tool "$tool")" Groups)" =~ ^\ *([1-9][0-9]*)?\ *$ ]] || fail "$tool has groups"
    done
}

@test "rights: no capability but kernel-sa's CAP_NET_ADMIN" {
    a_tunnel
    local tool set want
    for tool in ike-negotiate secrets kernel-sa; do
        want=0000000000000000
        [ "$tool" != kernel-sa ] || want=0000000000001000
        for set in CapEff CapPrm; do
            assert_equal "$tool $set $(field "$(the_tool "$tool")" $set)" "$tool $set $want"
        done
        assert_equal "$tool $(field "$(the_tool "$tool")" CapInh)" "$tool 0000000000000000"
    done
}

@test "rights: no_new_privs and seccomp filters everywhere but in plutod" {
    a_tunnel
    local tool
    for tool in ike-negotiate secrets kernel-sa; do
        assert_equal "$tool $(field "$(the_tool "$tool")" NoNewPrivs)" "$tool 1"
        assert_equal "$tool $(field "$(the_tool "$tool")" Seccomp)" "$tool 2"
    done
}

@test "rights: ike-negotiate and secrets have an empty root" {
    a_tunnel
    local tool
    for tool in ike-negotiate secrets; do
        assert_equal "$tool: $(ls -A "/proc/$(the_tool "$tool")/root/" 2>/dev/null)" "$tool: "
    done
}

@test "rights: no tool leaves a core dump, and none can be traced by its own user" {
    a_tunnel
    local tool pid
    for tool in ike-negotiate secrets kernel-sa; do
        pid=$(the_tool "$tool")
        # The files of a process that is not dumpable belong to root.
        assert_equal "$tool $(stat -c %u "/proc/$pid/environ")" "$tool 0"
    done
}

@test "rights: secrets has no socket but its channels, ike-negotiate nothing but UDP and channels" {
    a_tunnel
    run on left ss -Hanp
    refute_output --regexp 'tcp.*"(secrets|ike-negotiate|kernel-sa)"'
    refute_output --regexp 'udp.*"(secrets|kernel-sa)"'
    run bash -c "ls -l /proc/$(the_tool secrets)/fd | grep -v -e socket: -e anon_inode: -e pipe: -e /dev/null \
        -e memfd: -e slot -e pluto.err -e pluto.out -e '^total'"
    assert_output ''
}

@test "keys: ike-negotiate and plutod hold no traffic key, kernel-sa and secrets hold none any more" {
    a_tunnel
    local key tool pid
    [ "$(traffic_keys | wc -l)" -ge 2 ]
    # The look itself works: charon keeps no traffic key either, but it keeps the secret.
    memory_has "$(<"$HOSTS_DIR/right/charon.pid")" "$(secret_in_hex)"
    for tool in plutod ike-negotiate kernel-sa secrets; do
        if [ "$tool" = plutod ]; then pid=$(pluto_pid left); else pid=$(the_tool "$tool"); fi
        for key in $(traffic_keys); do
            # The first 16 bytes tell a key from chance.
            run -1 memory_has "$pid" "${key:0:32}"
        done
    done
}

@test "keys: no process but secrets holds the pre-shared key" {
    a_tunnel
    local tool pid
    for tool in plutod ike-negotiate kernel-sa; do
        if [ "$tool" = plutod ]; then pid=$(pluto_pid left); else pid=$(the_tool "$tool"); fi
        run -1 memory_has "$pid" "$(secret_in_hex)"
    done
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
    wait_for 10 another_than "$1" "$pid" || fail "no new $1 after the old one was killed"
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

another_than() {
    local new
    new=$(tool_pids left "$1")
    [ -n "$new" ] && [[ $'\n'$new$'\n' != *$'\n'"$2"$'\n'* ]]
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
        wait_for 10 another_than "$tool" "${old[$tool]}"
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
        wait_for 5 is_dead "$pid" || fail "a tool of it still runs: $(tr '\0' ' ' <"/proc/$pid/cmdline")"
    done
    ping_through left right
    pluto_on left
    run whack_on left --initiate --name net
    assert_success
    ping_through left right
}

is_dead() {
    ! is_running "$1"
}
