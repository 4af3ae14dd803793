# shellcheck shell=bash
# pluto.bash - our daemon and whack on a host of net.bash
#
# Its files lie in $HOSTS_DIR/NAME, the folder D of the manual's examples: ipsec.secrets, pluto.pid, pluto.ctl,
# pluto.out (what it printed), pluto.log (what it logged).

# shellcheck disable=SC2154 # $started comes from net.bash

# Where the programs were built; TOOLS_DIR names another place than the work tree.
repo=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
tool_path() {
    echo "${TOOLS_DIR:-$repo}/$1/$1"
}

# pluto_secrets NAME [LINE...]: what its secrets file holds from the next start or `whack --listen`.
pluto_secrets() {
    local file=$HOSTS_DIR/$1/ipsec.secrets
    shift
    : >"$file"
    chmod 600 "$file"
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$file"
}

# pluto_run NAME [OPTION...]: start it in the background, and wait for nothing. Its pid is in pluto.is.
pluto_run() {
    local dir=$HOSTS_DIR/$1
    [ -e "$dir/ipsec.secrets" ] || pluto_secrets "$1"
    # What one before it said is not this one's word; start_on empties the files only once its child runs.
    : >"$dir/pluto.out"
    : >"$dir/pluto.err"
    start_on "$1" "$dir/pluto.out" "$dir/pluto.err" \
        "$(tool_path plutod)" --nofork --stderrlog --ctlbase "$dir/pluto" --secretsfile "$dir/ipsec.secrets" "${@:2}"
    echo "$started" >"$dir/pluto.is"
}

# pluto_start NAME [OPTION...]: and wait until it says that it is up.
pluto_start() {
    pluto_run "$@"
    local dir=$HOSTS_DIR/$1
    wait_for 20 says_or_ends "$started" "$dir/pluto.out" 'Pluto initialized' || :
    file_has "$dir/pluto.out" 'Pluto initialized' && return 0
    echo "pluto_start $1: no 'Pluto initialized'; it printed: $(<"$dir/pluto.out")" >&2
    tail -n 20 "$dir/pluto.err" >&2
    return 1
}

pluto_pid() {
    echo "$(<"$HOSTS_DIR/$1/pluto.is")"
}

# pluto_log NAME: the file that its log is in.
pluto_log() {
    echo "$HOSTS_DIR/$1/pluto.err"
}

pluto_stop() {
    end_pid "$(pluto_pid "$1")"
}

# whack_on NAME WORD...: never longer than a negotiation may take (C3: 70 s).
whack_on() {
    on "$1" timeout 90 "$(tool_path whack)" --ctlbase "$HOSTS_DIR/$1/pluto" "${@:2}"
}

# tool_pids NAME TOOL: the pids of that tool among plutod's children, one a line, the lowest first; zombies are none. Without ps,
# which in the guest costs as much as ten others.
tool_pids() {
    local daemon file line
    local -a found=()
    read -r daemon <"$HOSTS_DIR/$1/pluto.is"
    for file in /proc/[0-9]*/stat; do
        { read -r line <"$file"; } 2>/dev/null || continue # it has ended
        if [[ $line == *" ($2) "[!ZX]" $daemon "* ]]; then
            found+=("${line%% *}")
        fi
    done
    case ${#found[@]} in
    0) ;;
    1) echo "${found[0]}" ;;
    *) printf '%s\n' "${found[@]}" | sort -n ;;
    esac
}

# codes_of TEXT: the numeric prefixes of whack's lines, on one line.
codes_of() {
    local line codes=()
    while IFS= read -r line; do
        [[ $line =~ ^[0-9]{3}\  ]] && codes+=("${line%% *}")
    done <<<"$1"
    echo "${codes[*]}"
}
