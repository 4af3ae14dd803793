# shellcheck shell=bash
# systemd.bash - systemd and its journal on a host of net.bash: the first process of a pid namespace there
#
# It knows no units but the few here and those of an installation under /run/ipsec. Its root is the guest's, where nothing
# can be written but in /run, so that is where plutod is installed for it.

# shellcheck disable=SC2154 # $started is of net.bash, $repo of pluto.bash

# systemd_on NAME: plutod is installed on that host, and systemd runs there.
systemd_on() {
    local dir=$HOSTS_DIR/$1 target
    on "$1" make -C "$repo" -s -o all install PREFIX=/run/ipsec || return 1
    on "$1" mkdir /run/units
    for target in sysinit basic shutdown multi-user network-online; do
        printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' "$target" |
            on "$1" tee "/run/units/$target.target" >/dev/null
    done
    on "$1" cp /lib/systemd/system/systemd-journald{,-dev-log}.socket /lib/systemd/system/systemd-journald.service /run/units
    start_on "$1" "$dir/systemd.out" "$dir/systemd.out" env container=other \
        SYSTEMD_UNIT_PATH=/run/units:/run/ipsec/lib/systemd/system unshare -pmCf --propagation private sh -c '
            mount -t proc proc /proc && mount -t cgroup2 cgroup /sys/fs/cgroup &&
            mount --bind /dev/null /dev/console && exec /lib/systemd/systemd --system --unit=multi-user.target' || return 1
    wait_for 20 journal_runs "$1" || {
        cat "$dir/systemd.out" >&2
        return 1
    }
}

journal_runs() {
    pgrep -P "$started" >"$HOSTS_DIR/$1/systemd.is"
    systemd_do "$1" systemctl start systemd-journald.socket systemd-journald 2>/dev/null
}

# systemd_do NAME COMMAND...: where its systemd is process 1.
systemd_do() {
    local pid
    read -r pid <"$HOSTS_DIR/$1/systemd.is" || return 1
    nsenter -t "$pid" -n -m -u -p -C -- env container=other SYSTEMD_PAGER= "${@:2}"
}

# systemd_end NAME: with all that it has begun, as its namespace goes.
systemd_end() {
    local pid
    read -r pid <"$HOSTS_DIR/$1/systemd.is" && kill -KILL "$pid"
}

# plutod_of NAME: the main process of the service, as its systemd numbers it.
plutod_of() {
    systemd_do "$1" systemctl show --value -p MainPID plutod
}
