#!/usr/bin/env bats
# kernel-sa by itself: records on stdin at both ends, with the same keys, and packets through what the kernel made of
# them. No IKE takes part.

load ../lib/scenario.bash

kernel_sa=$(tool_path kernel-sa)

# key_bytes SUITE: bytes of cipher key (with salt) and of authentication key.
key_bytes() {
    case $1 in
    3des-*) echo -n 24 ;;
    aes128gcm16) echo -n 20 ;;
    aes256gcm16) echo -n 36 ;;
    aes128-*) echo -n 16 ;;
    aes192-*) echo -n 24 ;;
    aes256-*) echo -n 32 ;;
    esac
    case $1 in
    *gcm16) echo ' 0' ;;
    *-md5) echo ' 16' ;;
    *-sha1) echo ' 20' ;;
    *-sha2_256) echo ' 32' ;;
    *-sha2_384) echo ' 48' ;;
    *-sha2_512) echo ' 64' ;;
    esac
}

# Without a process: they cost most here.
random_hex() {
    local i
    for ((i = 0; i < $1; i += 4)); do
        printf %08x "$SRANDOM"
    done
}

net_of() {
    echo "${T[${1}_net]:-${T[$1]}/$([[ ${T[$1]} = *:* ]] && echo 128 || echo 32)}"
}

# records EXCHANGE SIDE SUITE SPI-IN SPI-OUT ACTIVATE: for that host; the keys are in $toward_left and $toward_right.
records() {
    local far hosts in=toward_$2 out
    far=$(other "$2")
    out=toward_$far
    hosts="our-host=${T[$2]} peer-host=${T[$far]} our-client=$(net_of "$2") peer-client=$(net_of "$far")"
    echo "permit exchange=$1 connection=net $hosts esp=$3 modes=any life=3600 reqid=16385 policies=yes replay=${replay-64}"
    echo "sa-keys id=1 exchange=$1 protocol=esp proposal=$3 spi-in=$4 spi-out=$5 $(in_out "${!in}" in) $(in_out "${!out}" out)"
    echo "install id=2 exchange=$1 protocol=esp proposal=$3 mode=${T[mode]} spi-in=$4 spi-out=$5 $hosts life=3600 activate=$6"
}

# in_out "CIPHERKEY AUTHKEY" in|out: the fields.
in_out() {
    local keys
    read -ra keys <<<"$1"
    echo "key-$2=${keys[0]}${keys[1]:+ auth-$2=${keys[1]}}"
}

draw_keys() {
    local lens
    read -ra lens <<<"$(key_bytes "$1")"
    toward_left="$(random_hex "${lens[0]}") $(random_hex "${lens[1]}")"
    toward_right="$(random_hex "${lens[0]}") $(random_hex "${lens[1]}")"
}

# both_install EXCHANGE SUITE [RECORD]: after RECORD, a pair of SAs, the same at both ends.
both_install() {
    local spi=$((0x10000 + $1 * 16)) left_spi right_spi
    left_spi=$(printf %08x "$spi")
    right_spi=$(printf %08x "$((spi + 1))")
    draw_keys "$2"
    { echo "${3-}" && records "$1" left "$2" "$left_spi" "$right_spi" yes; } | on left "$kernel_sa" >"$HOSTS_DIR/left/said"
    { echo "${3-}" && records "$1" right "$2" "$right_spi" "$left_spi" yes; } | on right "$kernel_sa" >"$HOSTS_DIR/right/said"
}

both_flush() {
    local side
    for side in left right; do
        echo 'flush id=1' | on "$side" "$kernel_sa" >/dev/null
        assert_equal "$side: $(sa_count "$side") SAs, $(policy_count "$side") policies" "$side: 0 SAs, 0 policies"
    done
}

# passes SUITE: packets pass through the tunnel as it is described, and both SAs count them.
passes() {
    both_install 7 "$1" 'flush id=9'
    run on left ping -n -c 3 -i 0.01 -W 10 -I "${T[left_in]}" "${T[right_in]}"
    assert_output --partial ' 0% packet loss'
    # Over IPv6, neighbour discovery between the hosts themselves may be in it too, the more the longer it takes.
    assert_regex "$(sa_packets left "${T[left]}" "${T[right]}")" '^([3-9]|[1-9][0-9])$'
    assert_regex "$(sa_packets left "${T[right]}" "${T[left]}")" '^([3-9]|[1-9][0-9])$'
}

wire_has_esp() {
    [ "$(wire_seen esp)" -gt 0 ]
}

# nothing_was_clear: for all that passed on the wire since two_hosts.
nothing_was_clear() {
    wait_for 10 wire_has_esp
    assert_equal "$(clear_pings_seen)" 0
}

@test "kernel-sa: every suite carries packets in tunnel mode" {
    two_hosts
    local suite
    for suite in 3des-md5 3des-sha1 aes256-sha2_256 aes128-sha2_384 aes192-sha2_512 aes256gcm16; do
        passes "$suite"
    done
    nothing_was_clear
    both_flush
}

@test "kernel-sa: transport mode" {
    tunnel_is mode=transport
    two_hosts
    passes aes128-sha1
    passes aes128gcm16
    nothing_was_clear
}

@test "kernel-sa: IPv6 in IPv6" {
    tunnel_is left=fd09::1 right=fd09::2 bits=64 left_net=fd01::/64 right_net=fd02::/64 left_in=fd01::1 right_in=fd02::1
    two_hosts
    passes aes256-sha2_256
    nothing_was_clear
}

@test "kernel-sa: IPv6 in IPv4" {
    tunnel_is left_net=fd01::/64 right_net=fd02::/64 left_in=fd01::1 right_in=fd02::1
    two_hosts
    passes aes256gcm16
    nothing_was_clear
}

@test "kernel-sa: IPv4 in IPv6" {
    tunnel_is left=fd09::1 right=fd09::2 bits=64
    two_hosts
    passes aes256-sha2_256
    nothing_was_clear
}

@test "kernel-sa: IPv6 in transport mode" {
    tunnel_is mode=transport left=fd09::1 right=fd09::2 bits=64
    two_hosts
    passes aes128-sha1
    nothing_was_clear
}

@test "kernel-sa: a second pair of SAs takes over, and the first one's end does not hurt it" {
    two_hosts
    both_install 7 aes256-sha2_256
    ping_through left right
    both_install 8 aes128gcm16
    ping_through left right
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '4 SAs, 3 policies'
    run on left "$kernel_sa" --list
    assert_success
    assert_output --partial 'exchange 8'
    assert_output --partial 'aes128gcm16, reqid 16385, replay window 64, made by hand, inbound'
    local key
    for key in $toward_left $toward_right; do
        refute_output --partial "$key"
    done
    both_flush
}

@test "kernel-sa: the outbound SA and policy wait for activate; the records again change nothing" {
    two_hosts
    draw_keys aes256-sha2_256
    records 7 left aes256-sha2_256 00010000 00010001 no >"$HOSTS_DIR/left/records"
    mkfifo "$HOSTS_DIR/left/fifo"
    on left "$kernel_sa" <"$HOSTS_DIR/left/fifo" >"$HOSTS_DIR/left/said" 9>&- &
    local pid=$!
    exec 9>"$HOSTS_DIR/left/fifo"
    cat "$HOSTS_DIR/left/records" >&9
    wait_for 30 file_has "$HOSTS_DIR/left/said" 're=install'
    assert_equal "$(sa_packets left 10.9.0.2 10.9.0.1), $(sa_packets left 10.9.0.1 10.9.0.2)" '0, none'
    assert_equal "$(policy_count left)" 2
    echo 'activate id=3 exchange=7' | tee -a "$HOSTS_DIR/left/records" >&9
    exec 9>&-
    wait "$pid"
    assert_equal "$(sa_packets left 10.9.0.2 10.9.0.1), $(sa_packets left 10.9.0.1 10.9.0.2)" '0, 0'
    run on left "$kernel_sa" <"$HOSTS_DIR/left/records"
    assert_success
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '2 SAs, 3 policies'
    {
        cat "$HOSTS_DIR/left/records"
        echo 'sample id=4 exchange=7'
        echo 'delete-kernel-sa id=5 exchange=7 policies=yes'
        echo 'delete-kernel-sa id=6 exchange=7 policies=yes'
        echo 'sample id=7 exchange=7'
    } >"$HOSTS_DIR/left/more"
    run on left "$kernel_sa" <"$HOSTS_DIR/left/more"
    assert_failure 1
    assert_line 'ok id=4 re=sample bytes-in=0 bytes-out=0 packets-in=0 packets-out=0'
    assert_line 'ok id=6 re=delete-kernel-sa'
    assert_line --partial 'fail id=7 re=sample'
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 0 policies'
}

@test "kernel-sa: a stranger's SA and policy are left alone, and shown" {
    two_hosts
    draw_keys aes256-sha2_256
    ip -n left xfrm policy add src 10.1.0.0/24 dst 10.2.0.0/24 dir out action block
    records 7 left aes256-sha2_256 00010000 00010001 yes >"$HOSTS_DIR/left/records"
    run on left "$kernel_sa" <"$HOSTS_DIR/left/records"
    assert_failure 1
    assert_output --partial 'there is: out 10.1.0.0/24 => 10.2.0.0/24: drop'
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 1 policies'
    ip -n left xfrm policy flush
    ip -n left xfrm state add src 10.9.0.2 dst 10.9.0.1 proto esp spi 0x10000 mode tunnel enc 'cbc(aes)' \
        0x00112233445566778899aabbccddeeff auth 'hmac(sha1)' 0x000102030405060708090a0b0c0d0e0f00112233
    run on left "$kernel_sa" <"$HOSTS_DIR/left/records"
    assert_failure 1
    assert_output --partial 'an SA with this SPI and destination is there already and is not ours'
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '1 SAs, 0 policies'
}

@test "kernel-sa: trap, shunts, ACQUIRE and the hard end of a life" {
    two_hosts
    local pair='our-client=10.1.0.0/24 peer-client=10.2.0.0/24 reqid=16385'
    local hosts='our-host=10.9.0.1 peer-host=10.9.0.2'
    mkfifo "$HOSTS_DIR/left/in"
    start_on left "$HOSTS_DIR/left/said" "$HOSTS_DIR/left/err" bash -c "exec '$kernel_sa' <'$HOSTS_DIR/left/in'"
    exec {in}>"$HOSTS_DIR/left/in"
    echo "policy id=1 action=add kind=trap $pair $hosts" >&"$in"
    wait_for 10 file_has "$HOSTS_DIR/left/said" 'ok id=1 re=policy'
    assert_equal "$(policy_count left)" 1
    run on left ping -n -c 1 -W 1 -I 10.1.0.1 10.2.0.1
    assert_failure
    wait_for 10 file_has "$HOSTS_DIR/left/said" 'acquire reqid=16385 our-client=10.1.0.0/24 peer-client=10.2.0.0/24 seq='
    assert_equal "$(clear_pings_seen)" 0
    echo "policy id=2 action=add kind=drop $pair" >&"$in"
    wait_for 10 file_has "$HOSTS_DIR/left/said" 'ok id=2 re=policy'
    assert_equal "$(ip -n left xfrm policy | grep -c 'action block')" 3
    echo "policy id=3 action=add kind=pass $pair" >&"$in"
    wait_for 10 file_has "$HOSTS_DIR/left/said" 'ok id=3 re=policy'
    on left ping -n -c 1 -W 10 -I 10.1.0.1 10.2.0.1
    echo "policy id=4 action=delete kind=pass $pair" >&"$in"
    wait_for 10 file_has "$HOSTS_DIR/left/said" 'ok id=4 re=policy'
    assert_equal "$(policy_count left)" 0
    draw_keys aes128-sha1
    records 9 left aes128-sha1 00020000 00020001 yes | sed '/^install/s/life=3600/life=2/' >&"$in"
    wait_for 10 file_has "$HOSTS_DIR/left/said" 'sa-up exchange=9'
    wait_for 15 file_has "$HOSTS_DIR/left/said" 'sa-expired exchange=9 protocol=esp hard=no'
    wait_for 15 file_has "$HOSTS_DIR/left/said" 'sa-expired exchange=9 protocol=esp hard=yes'
    echo 'delete-kernel-sa id=5 exchange=9 policies=yes' >&"$in"
    wait_for 10 file_has "$HOSTS_DIR/left/said" 'ok id=5 re=delete-kernel-sa'
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 0 policies'
    exec {in}>&-
}

# kernel_sa_on NAME: by hand, with its stdin at $in and what it says in left/said.
kernel_sa_on() {
    rm -f "$HOSTS_DIR/$1/in"
    mkfifo "$HOSTS_DIR/$1/in"
    start_on "$1" "$HOSTS_DIR/$1/said" "$HOSTS_DIR/$1/err" bash -c "exec '$kernel_sa' <'$HOSTS_DIR/$1/in'"
    exec {in}>"$HOSTS_DIR/$1/in"
}

# kernel_sa_ends: its input does, and nothing of it is at work when the next one begins. (It was refused something: exit 1.)
kernel_sa_ends() {
    exec {in}>&-
    # shellcheck disable=SC2154 # of start_on
    wait "$started" || true
}

# says RECORD ANSWER: give it the record, and wait for the answer.
says() {
    echo "$1" >&"$in"
    wait_for 15 file_has "$HOSTS_DIR/left/said" "$2" || fail "no $2, but: $(<"$HOSTS_DIR/left/said")"
}

# all_but_life NAME: its SAs as the kernel shows them, keys and replay state too, without times.
all_but_life() {
    ip -n "$1" -s xfrm state | grep -vE '^[[:space:]]+(expire (add|use):|add [0-9]{4}-)'
}

lives_of() {
    ip -n "$1" -s xfrm state | sed -n 's/^[[:space:]]*expire add: //p' | sort -u
}

# life_changes SUITE: in place, under traffic that goes on.
life_changes() {
    draw_keys "$1"
    records 7 right "$1" 00010001 00010000 yes | on right "$kernel_sa" >/dev/null
    kernel_sa_on left
    says "$(records 7 left "$1" 00010000 00010001 yes)" 'sa-up exchange=7'
    ping_through left right
    assert_equal "$(lives_of left)" 'soft 3240(sec), hard 3600(sec)'
    local before
    before=$(all_but_life left)
    says 'update-kernel-sa id=3 exchange=7 life=600' 'ok id=3 re=update-kernel-sa'
    assert_equal "$(lives_of left)" 'soft 540(sec), hard 600(sec)'
    assert_equal "$(all_but_life left)" "$before"
    ping_through left right
    assert_equal "$(sa_packets left "${T[left]}" "${T[right]}"), $(sa_packets left "${T[right]}" "${T[left]}")" '6, 6'
    says 'update-kernel-sa id=4 exchange=7 life=3601' 'fail id=4 re=update-kernel-sa'
    says 'update-kernel-sa id=5 exchange=8 life=600' 'fail id=5 re=update-kernel-sa'
    assert_equal "$(lives_of left)" 'soft 540(sec), hard 600(sec)'
    kernel_sa_ends
    both_flush
}

@test "kernel-sa: a life is changed in place; keys, counters and replay state stay, and no packet is lost" {
    two_hosts
    local replay
    for replay in 32 64; do
        life_changes aes256-sha2_256
    done
    life_changes 3des-md5
    life_changes aes128gcm16
    nothing_was_clear
}

@test "kernel-sa: a life is changed in place: IPv6 in transport mode" {
    tunnel_is mode=transport left=fd09::1 right=fd09::2 bits=64
    two_hosts
    draw_keys aes256gcm16
    kernel_sa_on left
    says "$(records 7 left aes256gcm16 00010000 00010001 yes)" 'sa-up exchange=7'
    says 'update-kernel-sa id=3 exchange=7 life=600' 'ok id=3 re=update-kernel-sa'
    assert_equal "$(lives_of left)" 'soft 540(sec), hard 600(sec)'
    kernel_sa_ends
    both_flush
}

@test "kernel-sa: after a life was changed the kernel reports its soft and its hard end" {
    two_hosts
    draw_keys aes128-sha1
    kernel_sa_on left
    says "$(records 7 left aes128-sha1 00010000 00010001 yes)" 'sa-up exchange=7'
    says "$(records 8 left aes128-sha1 00020000 00020001 yes)" 'sa-up exchange=8'
    sleep 2 # the kernel has its timers set for the old life, and is older than the next one
    says 'update-kernel-sa id=3 exchange=7 life=1' 'ok id=3 re=update-kernel-sa'
    says 'update-kernel-sa id=4 exchange=8 life=7' 'ok id=4 re=update-kernel-sa'
    local soft hard number
    for number in 7 8; do
        soft="sa-expired exchange=$number protocol=esp hard=no" hard="sa-expired exchange=$number protocol=esp hard=yes"
        wait_for 30 file_has "$HOSTS_DIR/left/said" "$hard" || fail "no end of $number: $(<"$HOSTS_DIR/left/said")"
        assert_equal "$(grep -c "$soft" "$HOSTS_DIR/left/said"), $(grep -c "$hard" "$HOSTS_DIR/left/said")" '1, 1'
        # the soft one first; between them may be what is about the other exchange
        assert_equal "$(grep -o "^sa-expired exchange=$number .*" "$HOSTS_DIR/left/said" | grep -o 'hard=[a-z]*' | paste -sd ' ')" \
            'hard=no hard=yes'
    done
    says 'update-kernel-sa id=5 exchange=7 life=100' 'fail id=5 re=update-kernel-sa'
    says 'delete-kernel-sa id=6 exchange=7 policies=yes' 'ok id=6'
    says 'delete-kernel-sa id=7 exchange=8 policies=yes' 'ok id=7'
    assert_equal "$(sa_count left) SAs, $(policy_count left) policies" '0 SAs, 0 policies'
    exec {in}>&-
}
