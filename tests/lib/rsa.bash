# shellcheck shell=bash
# rsa.bash - RSA keys for plutod and charon, and tunnels whose ends sign
#
# Keys lie in $HOSTS_DIR/keys: NAME.pem, and for charon NAME.pub.

# shellcheck disable=SC2154 # T comes from scenario.bash

# rsa_make NAME [BITS]
rsa_make() {
    local dir=$HOSTS_DIR/keys
    mkdir -p "$dir"
    (umask 077 && openssl genrsa -out "$dir/$1.pem" "${2-2048}" 2>/dev/null)
    openssl rsa -in "$dir/$1.pem" -pubout -out "$dir/$1.pub" 2>/dev/null
}

# rsa_word NAME: its public half, as --pubkeyrsa wants it (RFC 3110; 65537 is 010001).
rsa_word() {
    printf '0x03010001%s\n' "$(openssl rsa -in "$HOSTS_DIR/keys/$1.pem" -noout -modulus | sed 's/.*=//')"
}

# id_of SIDE: who that end of the tunnel is.
id_of() {
    echo "${T[$1_id]:-${T[$1]}}"
}

# pluto_rsa HOST [KEY...]: plutod there, which signs with the key of the host's name as the tunnel's end, and knows the
# peer by each KEY in turn (as its host is called, if none is named).
pluto_rsa() {
    local host=$1 far key more=()
    far=$(other "$1")
    shift
    [ $# -gt 0 ] || set -- "$far"
    pluto_secrets "$host" "$(id_of "$host") : RSA $HOSTS_DIR/keys/$host.pem"
    pluto_start "$host"
    for key in "$@"; do
        whack_on "$host" --keyid "$(id_of "$far")" "${more[@]}" --pubkeyrsa "$(rsa_word "$key")"
        more=(--addkey)
    done
    T[method]=rsasig
    pluto_add "$host"
    whack_on "$host" --listen
}

# charon_rsa HOST [KEY]: charon there, with the key of the host's name, that knows the peer by KEY.
charon_rsa() {
    charon_start "$1"
    charon_add "$1" "$(other "$1")" auth=pubkey "key=$HOSTS_DIR/keys/$1" "peer_key=$HOSTS_DIR/keys/${2-$(other "$1")}"
}
