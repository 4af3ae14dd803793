#!/usr/bin/env bats
# plutod as a service of systemd [P10], installed, with the hardening of its unit.

# shellcheck disable=SC2016,SC2119,SC2120 # inner shells' variables; journal takes words or none
load ../lib/scenario.bash
load ../lib/systemd.bash

teardown() {
    if [ -z "${BATS_TEST_COMPLETED-}" ]; then
        systemd_do left journalctl --no-pager | tail -n 40
        scenario_show
    fi
    systemd_end left || : # it may not have come so far
    hosts_down
}

# left_write FILE: standard input, in its /run.
left_write() {
    on left sh -c 'umask 077 && mkdir -p "${1%/*}" && cat >"$1"' sh "$1"
}

# As plutod(8) says: a drop-in with options of the daemon's and a connection.
service_with_a_connection() {
    printf '#!/bin/sh\nenv >>/run/environment\nexec /run/ipsec/libexec/ipsec/updown\n' | left_write /run/ipsec/script
    on left chmod 755 /run/ipsec/script
    printf '%s\n' "${T[left]} ${T[right]} : PSK \"${T[psk]}\"" 'localhost @elsewhere : PSK "of a name"' |
        left_write /run/ipsec/secrets
    on left install -d /run/units/plutod.service.d
    on left tee /run/units/plutod.service.d/own.conf >/dev/null <<END
[Service]
ExecStart=
ExecStart=/run/ipsec/libexec/ipsec/plutod --nofork --stderrlog --perpeerlog \\
    --secretsfile /run/ipsec/secrets
ExecStartPost=/run/ipsec/sbin/ipsec whack --name net --psk --encrypt --host ${T[left]} --client ${T[left_net]} \\
    --updown /run/ipsec/script --to --host ${T[right]} --client ${T[right_net]}
END
}

whack_left() {
    on left /run/ipsec/sbin/ipsec whack "$@"
}

initiates() {
    run whack_left --initiate --name net
    assert_success
    assert_equal "$(codes_of "$output")" '102 104 106 004 110 004'
}

status_is() {
    [ "$(systemd_do left systemctl show --value -p StatusText plutod)" = "$1" ]
}

# in_service COMMAND: in the mount namespace that the unit gave to plutod and its scripts.
in_service() {
    run systemd_do left sh -c 'exec nsenter -t "$1" -m -- sh -c "$2"' sh "$(plutod_of left)" "$1"
}

@test "[P10] systemd: the service starts, listens, makes a tunnel and its route, reloads, and stops without a trace" {
    tunnel_is
    two_hosts
    ip -n left route del "${T[right_net]}"
    charon_on right
    systemd_on left
    service_with_a_connection
    run systemd_do left systemctl start plutod
    assert_success
    wait_for 15 status_is 'listening on 4 addresses' || # two of the loopback
        fail "$(systemd_do left systemctl status plutod)"
    initiates
    traffic_is_protected
    run ip -n left route show "${T[right_net]}"
    assert_output --partial 'proto 85'
    run on left cat /var/log/pluto/peer/10/9/0/2/10.9.0.2.log
    assert_line --partial '"net" 10.9.0.2 #1: '
    refute_line --partial '<'
    run on left grep -c -e NOTIFY_SOCKET -e JOURNAL_STREAM /run/environment
    assert_output 0
    on left ip addr add 10.9.0.77/24 dev eth0
    run systemd_do left systemctl reload plutod
    assert_success
    wait_for 15 status_is 'listening on 5 addresses' || fail "$(systemd_do left systemctl status plutod)"
    run whack_left --status
    assert_line '000 interface eth0 10.9.0.77:500'
    ping_through left right
    run systemd_do left systemctl stop plutod
    assert_success
    assert_equal "$(sa_count left) $(policy_count left)" '0 0'
    run on left sh -c 'ls -d /run/pluto.* /run/ipsec-empty-*'
    assert_output --partial 'cannot access'
    refute_line --regexp '^/run'
    wait_for 15 no_sas right || fail 'the peer was not told'
    assert_equal "$(systemd_do left systemctl show --value -p Result plutod)" success
}

@test "[P10] systemd: what dies comes again, plutod too, and the journal knows what is serious" {
    tunnel_is
    two_hosts
    charon_on right
    systemd_on left
    service_with_a_connection
    systemd_do left systemctl start plutod
    # dnskey runs within the unit's limits
    wait_for 15 journal_has 'names of hosts in the secrets looked up: 2 entries, 0 errors' || fail "$(journal)"
    initiates
    local old
    old=$(plutod_of left)
    systemd_do left sh -c 'kill -KILL $(pgrep -x kernel-sa)'
    wait_for 30 systemd_do left pgrep -x kernel-sa
    ping_through left right
    wait_for 15 journal_has 'was ended by signal 9' || fail "$(journal)"
    run journal -p warning SYSLOG_FACILITY=10
    assert_line --partial 'kernel-sa'
    assert_line --partial 'was ended by signal 9'
    refute_line --partial 'listening'
    systemd_do left kill -KILL "$old"
    wait_for 30 begun_again "$old" || fail 'no new plutod'
    ping_through left right
    initiates
    ping_through left right
    assert_equal "$(clear_pings_seen)" 0
}

# journal [WORD...]: what plutod said; journald writes it down when it comes to it.
journal() {
    systemd_do left journalctl -o cat "$@" _SYSTEMD_UNIT=plutod.service
}

journal_has() {
    grep -qF -- "$1" <<<"$(journal)"
}

begun_again() {
    local now
    now=$(plutod_of left)
    [ "$now" != 0 ] && [ "$now" != "$1" ] && [ "$(systemd_do left systemctl is-active plutod)" = active ]
}

@test "[P10] systemd: of the machine, plutod and its scripts can change the network and /run" {
    tunnel_is
    two_hosts
    systemd_on left
    service_with_a_connection
    systemd_do left systemctl start plutod
    local main file
    main=$(plutod_of left)
    run systemd_do left cat "/proc/$main/status"
    # net_bind_service, net_admin, sys_chroot, kill, setgid, setuid, setpcap, ipc_lock
    assert_line --regexp '^CapEff:.00000000000455e0$'
    assert_line --regexp '^CapBnd:.00000000000455e0$'
    assert_line --regexp '^NoNewPrivs:.1$'
    assert_line --regexp '^Seccomp:.2$'
    run systemd_do left sh -c 'for tool in ike-negotiate secrets kernel-sa; do
        ps --no-headers -o uid:1,comm:1 -p "$(pgrep -x $tool)"; done'
    assert_equal "$(awk '$1 >= 100 { n++ } END { print n + 0 }' <<<"$output")" 3
    in_service 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    assert_success
    in_service ': >/run/x && rm /run/x && : >/dev/null'
    assert_success
    for file in /etc/x /usr/x /var/x /proc/sys/kernel/sysrq /proc/sysrq-trigger; do
        in_service ": >$file"
        assert_output --partial 'Read-only file system'
    done
    in_service 'ls /root /home /lib/modules/* 2>&1; ls /tmp /dev/kmsg'
    refute_output --regexp '^/dev/kmsg|bats'
}
