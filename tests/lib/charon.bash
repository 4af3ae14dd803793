# shellcheck shell=bash
# charon.bash - strongSwan's charon on a host of net.bash, as the peer that we are tested against
#
# Its files lie in $HOSTS_DIR/NAME: strongswan.conf, swanctl.conf, charon.log, vici (socket).

# shellcheck disable=SC2154 # $started comes from net.bash

# af-alg is left out on purpose: it finds algorithms in the guest's kernel that charon then uses wrongly there. openssl
# has 3DES, MODP and ECP groups; md5 and gmp what OpenSSL may be configured not to have.
charon_plugins='aes des sha1 sha2 md5 hmac kdf gmp openssl curve25519 random nonce gcm pem pubkey pkcs1 pkcs8'
charon_plugins+=' kernel-netlink socket-default vici'

# charon_start NAME [LINE...]: LINEs are added to charon's section of strongswan.conf.
charon_start() {
    local name=$1 dir=$HOSTS_DIR/$1
    shift
    cat >"$dir/strongswan.conf" <<END
charon {
    load = $charon_plugins
    install_routes = no
    dh_exponent_ansi_x9_42 = no
    # Weak groups and MD5 are what old peers have: let them be offered.
    accept_private_algs = yes
    retransmit_tries = 3
    retransmit_timeout = 2.0
    plugins {
        vici {
            socket = unix://$dir/vici
        }
    }
    filelog {
        log {
            path = $dir/charon.log
            flush_line = yes
            default = 1
            ike = 2
            cfg = 2
            knl = 1
        }
    }
$(printf '    %s\n' "$@")
}
swanctl {
    load = pem pubkey pkcs1 pkcs8 openssl
}
END
    : >"$dir/swanctl.conf"
    rm -f "$dir/vici" # of one before it: nobody listens there
    start_on "$name" "$dir/charon.out" "$dir/charon.err" \
        env STRONGSWAN_CONF="$dir/strongswan.conf" /usr/lib/ipsec/charon
    echo "$started" >"$dir/charon.pid"
    if ! wait_for 20 grep -q " 00010000 .* $dir/vici\$" "/proc/$started/net/unix"; then # it listens
        echo "charon_start $name: no vici socket" >&2
        cat "$dir/charon.out" "$dir/charon.err" >&2
        return 1
    fi
}

charon_stop() {
    local pid
    read -r pid <"$HOSTS_DIR/$1/charon.pid" && end_pid "$pid"
}

# charon_swanctl NAME WORD...
charon_swanctl() {
    on "$1" env STRONGSWAN_CONF="$HOSTS_DIR/$1/strongswan.conf" swanctl "${@:2}" --uri "unix://$HOSTS_DIR/$1/vici"
}

# Our words for algorithms, in charon's: sha2_256 is sha256 there (cut to 96 bits: by the child's sha256_96), and a gcm's
# tag is 16 unless said.
charon_words() {
    local words=${1//sha2_256_96/sha256}
    words=${words//sha2_/sha}
    echo "${words//curve25519/x25519}"
}

# charon_conn NAME CONN KEY=VALUE...: describe a connection, its secret and a child of the same name, and load them.
#   local remote          addresses                    local_ts remote_ts   subnets (absent: the hosts)
#   local_id remote_id    default: the addresses       psk                  the secret
#   ike esp               proposals in our words       mode                 tunnel (default), transport
#   pfs                   group in our words           version              default 1
#   auth                  psk (default), pubkey: then  key peer_key         paths of NAME.pem, NAME.pub without ending
charon_conn() {
    local name=$1 conn=$2 ours='' peers=''
    local -A p=()
    charon_values "${@:3}"
    local lid=${p[local_id]-${p[local]}} rid=${p[remote_id]-${p[remote]}}
    if [ "${p[auth]}" = pubkey ]; then
        mkdir -p "$HOSTS_DIR/$name/private"
        cp "${p[key]}.pem" "$HOSTS_DIR/$name/private/$conn.pem"
        ours="pubkeys = ${p[key]}.pub" peers="pubkeys = ${p[peer_key]}.pub"
    fi
    cat >>"$HOSTS_DIR/$name/swanctl.conf" <<END
connections {
    $conn {
        version = ${p[version]}
        local_addrs = ${p[local]}
        remote_addrs = ${p[remote]}
        proposals = $(charon_words "${p[ike]}")
        fragmentation = no
        mobike = no
        local {
            auth = ${p[auth]}
            id = "$lid"
            $ours
        }
        remote {
            auth = ${p[auth]}
            id = "$rid"
            $peers
        }
    }
}
secrets {
    ike-$conn {
        id-1 = "$lid"
        id-2 = $rid
        secret = "${p[psk]}"
    }
}
END
    charon_child "$name" "$conn" "$conn" "${@:3}"
}

# charon_child NAME CONN CHILD KEY=VALUE...: one more child of a connection, with the keys above that concern it.
charon_child() {
    local name=$1 conn=$2 child=$3 esp pfs cut=
    local -A p=()
    charon_values "${@:4}"
    esp=$(charon_words "${p[esp]}")
    [[ ${p[esp]} != *sha2_256_96* ]] || cut='sha256_96 = yes'
    pfs=$(charon_words "${p[pfs]}")
    # The words for ESP carry the PFS group, each of them.
    [ -z "$pfs" ] || esp=${esp//,/-$pfs,}-$pfs
    cat >>"$HOSTS_DIR/$name/swanctl.conf" <<END
connections {
    $conn {
        children {
            $child {
                esp_proposals = $esp
                mode = ${p[mode]}
                $cut
                ${p[local_ts]:+local_ts = ${p[local_ts]}}
                ${p[remote_ts]:+remote_ts = ${p[remote_ts]}}
            }
        }
    }
}
END
    charon_load "$name"
}

# Into p, which the caller has: the defaults, and the KEY=VALUE words over them.
charon_values() {
    local word
    p=([mode]=tunnel [version]=1 [auth]=psk [psk]=secret [ike]=default [esp]=default [pfs]='')
    for word in "$@"; do
        p[${word%%=*}]=${word#*=}
    done
}

charon_load() {
    local dir=$HOSTS_DIR/$1
    charon_swanctl "$1" --load-all --file "$dir/swanctl.conf" >"$dir/load.out" 2>&1 || {
        cat "$dir/load.out" >&2
        return 1
    }
}

# charon_initiate NAME CONN, charon_terminate NAME CONN: status 0 where it succeeded; what was said is in charon.said.
charon_initiate() {
    charon_swanctl "$1" --initiate --child "$2" --timeout "${3-30}" >"$HOSTS_DIR/$1/charon.said" 2>&1
}
charon_terminate() {
    charon_swanctl "$1" --terminate --ike "$2" --timeout 10 >"$HOSTS_DIR/$1/charon.said" 2>&1
}

# charon_children NAME: how many CHILD_SAs are installed.
charon_children() {
    charon_swanctl "$1" --list-sas --raw 2>/dev/null | grep -o 'state=INSTALLED' | wc -l
}
