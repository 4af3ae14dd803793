#!/usr/bin/env bats
# [K5] Lines that secrets prints to be pasted: a shell, ipsec.secrets and a zone of DNS take them.

load lib/secrets.bash

setup() {
    own_folder 077
}

# said WHAT: the line behind this label, of what --generate said
said() {
    sed -n "s/^    $1: *//p" said
}

@test "[K5] --generate: the entry is read, and the command shows the key, whatever file and identity are called" {
    local file id
    mkdir 'a dir' "it's" 'both "a" b'
    while IFS='|' read -r file id; do
        rm -f "$file"
        secrets --generate rsa 1024 --out "$file" ${id:+--id "$id"} 2>said
        said 'in ipsec.secrets' >ipsec.secrets
        assert [ -s ipsec.secrets ]
        run --separate-stderr secrets --show "${id:-@somebody}" --file ipsec.secrets --as pem
        assert_success
        assert_output "$(openssl pkey -in "$file" -pubout)"
        run --separate-stderr bash -c "$(said 'for the peer')"
        assert_success
        assert_output "$(secrets --show "./$file" ${id:+--id "$id"})"
    done <<'END'
key.pem|@east.example.com
key.pem|
a dir/k ey.pem|@it's
it's/key|@a b
it's/k ey|"x"@example.com
both "a" b/key|#x@example.com
a dir/$(touch here);`x`|@$(touch here)
a dir/#x|@#0a0b
END
    assert [ ! -e here ]
}

@test "[K5] --generate: a file that no entry can name is said to be so" {
    mkdir "both 'a' \"b\""
    run --separate-stderr secrets --generate rsa 1024 --out "both 'a' \"b\"/key" --id @a
    assert_success
    # shellcheck disable=SC2154 # stderr: by --separate-stderr
    [[ $stderr == *'no entry of ipsec.secrets can name this file'* ]]
    [[ $stderr != *' : RSA '* ]]
    bash -c "$(sed -n 's/^    for the peer: *//p' <<<"$stderr")"
}

@test "[K5] --show takes the name of a key file, too, and says what it takes" {
    secrets --generate rsa 1024 --out east 2>/dev/null
    run --separate-stderr secrets --show east --id @east
    assert_success
    assert_output "$(secrets --show ./east --id @east)"
    run secrets --show west
    assert_equal "$status" 100
    assert_output --partial 'secrets: west: no identity (neither an address nor @name'
    assert_output --partial 'expected @NAME, an address, or the name of a key file'
    mkdir west
    run secrets --show west
    assert_equal "$status" 100
    # an identity is one, whatever files there are
    cp east @east
    echo "@east : PSK \"x\"" >ipsec.secrets
    run secrets --show @east --file ipsec.secrets
    assert_equal "$status" 1
    assert_output --partial 'there is no RSA key for this identity'
}

@test "[K5] a key in OpenSSH's container: it is named, and the command that was said converts it" {
    command -v ssh-keygen >/dev/null || skip 'there is no ssh-keygen'
    ssh-keygen -q -t rsa -b 2048 -N '' -f key
    run secrets --show ./key
    assert_equal "$status" 1
    assert_output --partial "the key is in a container of OpenSSH's own"
    local command
    command=$(grep -o 'ssh-keygen .*FILE' <<<"$output")
    run bash -c "${command/FILE/key} -P '' -N ''"
    assert_success
    run secrets --show ./key
    assert_success
}

# zone RECORDS: is example.com, with these in it, one that a server takes?
zone() {
    {
        # shellcheck disable=SC2016 # words of a zone file
        printf '$TTL 3600\n$ORIGIN %s.\n@ IN SOA ns.example.com. root.example.com. 1 3600 900 86400 300\n' "$1"
        printf '@ IN NS ns.example.com.\n'
        cat "$2"
    } >zone
    run nsd-checkzone "$1" zone
    assert_success
    assert_output --partial 'is ok'
}

@test "[K5] [D1] records of DNS are taken by a server, for keys of 1024, 2048 and 4096 bits" {
    local bits form
    for bits in 1024 2048 4096; do
        openssl genrsa -out "$bits.pem" "$bits" 2>/dev/null
        for form in dns ipseckey txt; do
            secrets --show "$bits.pem" --as "$form" --id "@gate$bits.example.com"
            secrets --show "$bits.pem" --as "$form" --id "@_gate$bits.example.com."
        done
    done >records
    assert_equal "$(wc -l <records)" 18
    zone example.com records
    for bits in 1024 2048 4096; do
        for form in dns ipseckey txt; do
            secrets --show "$bits.pem" --as "$form" --id 10.9.0.1
        done
    done >records
    zone 0.9.10.in-addr.arpa records
    # with no owner they stand at the record before
    for form in dns ipseckey; do
        secrets --show 4096.pem --as "$form" --id user@example.com
    done >records
    zone example.com records
}

@test "[K5] an identity that can own no record of DNS is refused, and named" {
    local form id
    secrets --generate rsa 1024 --out key.pem 2>/dev/null
    for form in dns ipseckey txt; do
        for id in @a..b "@$(printf 'a%.0s' {1..70}).example.com" @a%20b @-a.example; do
            run secrets --show key.pem --as "$form" --id "$id" --out new
            assert_equal "$status" 1
            assert_output --partial "secrets: $id: no record of DNS can stand at this name: "
            assert [ ! -e new ]
        done
    done
    run secrets --show key.pem --as whack --id @a..b
    assert_success
}
