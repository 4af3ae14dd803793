#!/usr/bin/env bats
# secrets --generate, --show, --lint, --match: keys and entries for people.

load lib/secrets.bash

setup() {
    own_folder 022
}

# on_terminal COMMAND: with standard input, output and error a terminal's; its exit status.
on_terminal() {
    run script -qec "$1" /dev/null </dev/null
}

make_key() {
    secrets --generate rsa "${2:-1024}" --out "$1" 2>/dev/null
}

@test "[K5] a key that was made: a new file of the owner's alone, which OpenSSL reads" {
    run --separate-stderr secrets --generate rsa 2048 --out key.pem --id @east
    assert_success
    assert_output ''
    # shellcheck disable=SC2154 # stderr: by --separate-stderr
    [[ $stderr == *'made an RSA key of 2048 bits, fingerprint '*"@east : RSA $PWD/key.pem"* ]]
    assert_equal "$(stat -c %a key.pem)" 600
    run openssl pkey -in key.pem -check -noout
    assert_success
    run openssl pkey -in key.pem -text -noout
    assert_line --partial '(2048 bit, 2 primes)'
    cp key.pem before
    run secrets --generate rsa 1024 --out key.pem
    assert_equal "$status" 1
    assert_output 'secrets: key.pem: is there already, and is not written over'
    ln -s nothing link.pem
    run secrets --generate rsa 1024 --out link.pem
    assert_equal "$status" 1
    assert [ ! -e nothing ]
    cmp key.pem before
    run secrets --generate rsa 1024 --out not/there.pem
    assert_equal "$status" 1
    assert_output --partial 'not/there.pem: No such file or directory'
}

@test "[K5] two keys are different, and what is written is read again" {
    secrets --generate rsa 1024 >a.pem 2>/dev/null
    secrets --generate rsa 1024 --as secrets --id @a >ipsec.secrets 2>/dev/null
    chmod 600 ipsec.secrets a.pem
    run --separate-stderr secrets --show @a --file ipsec.secrets
    assert_success
    assert_output --regexp '^whack --keyid @a --addkey --pubkeyrsa 0s[0-9A-Za-z+/=]+$'
    local first=$output
    run --separate-stderr secrets --show ./a.pem --id @a
    assert_success
    refute_output "$first"
    secrets --show @a --as secrets --private --file ipsec.secrets >again
    cmp ipsec.secrets again
    secrets --show ./a.pem --as pem --private >again
    cmp a.pem again
    secrets --show @a --private --file ipsec.secrets --out a-of-entry.pem
    assert_equal "$(stat -c %a a-of-entry.pem)" 600
    run --separate-stderr secrets --show a-of-entry.pem --id @a
    assert_output "$first"
}

@test "[K5] no private key on a terminal, unless it is asked for" {
    on_terminal 'secrets --generate rsa 1024'
    assert_equal "$status" 1
    assert_output --partial 'would show the private key on the terminal: give --out FILE, or --private'
    refute_output --partial BEGIN
    on_terminal 'secrets --generate rsa 1024 --private'
    assert_success
    assert_output --partial 'BEGIN PRIVATE KEY'
    make_key key.pem
    on_terminal 'secrets --show key.pem --as pem'
    assert_success
    assert_output --partial 'BEGIN PUBLIC KEY'
    refute_output --partial PRIVATE
    on_terminal 'secrets --show key.pem --private'
    assert_output --partial 'BEGIN PRIVATE KEY'
}

@test "[K5] progress is shown on a terminal only" {
    on_terminal 'secrets --generate rsa 2048 --out a.pem'
    assert_success
    assert_output --partial 'prime 1 of 2: '
    assert_output --partial 'prime 2 of 2: '
    run secrets --generate rsa 2048 --out b.pem
    assert_success
    refute_output --partial prime
}

@test "[K5] the passphrase of a key file is asked for, on a terminal" {
    make_key key.pem
    openssl pkey -in key.pem -aes128 -passout pass:sesame -out locked.pem
    run setsid -w secrets --show locked.pem </dev/null # without one
    assert_equal "$status" 1
    assert_output --partial 'the key is encrypted'
    local terminal=${BUILD_DIR:-$repo}/tests/programs/at-terminal # types when it is asked: not before, which would be shown
    run "$terminal" 'passphrase of the key: ' 'sesame\n' -- secrets --show locked.pem
    assert_success
    assert_output --partial "$(secrets --show key.pem)"
    assert_output --partial '[echo off]'
    refute_output --partial sesame
    run "$terminal" 'passphrase of the key: ' 'wrong\n' -- secrets --show locked.pem
    assert_equal "$status" 1
    assert_output --partial 'the passphrase of the key is wrong'
}

@test "[K5] whose key it is: a distinguished name with a / is no file" {
    make_key key.pem
    echo "'C=DK, O=Example A/S, CN=gate.pem' : RSA $PWD/key.pem" >ipsec.secrets
    chmod 600 ipsec.secrets
    local name
    for name in 'C=DK, O=Example A/S, CN=gate.pem' '/C=DK/O=Example A\/S/CN=gate.pem'; do
        run --separate-stderr secrets --show "$name" --file ipsec.secrets
        assert_success
        assert_output "whack --keyid 'C=DK,O=Example%20A/S,CN=gate.pem' --addkey $(secrets --show key.pem)"
    done
    cp key.pem CN=gate.pem
    run secrets --show CN=gate.pem --file ipsec.secrets
    assert_output "$(secrets --show key.pem)"
    mkdir O=x
    cp key.pem O=x/key
    run secrets --show O=x/key --file ipsec.secrets
    assert_output "$(secrets --show key.pem)"
    run secrets --show /nowhere/CN=gate.pem --file ipsec.secrets
    assert_output --partial 'No such file'
}

@test "[K5] forms of the public key" {
    make_key key.pem
    local key
    key=$(secrets --show key.pem)
    key=${key#--pubkeyrsa 0s}
    run secrets --show key.pem --as dns --id @east.example.com
    assert_output "$(printf 'east.example.com.\tIN\tKEY\t16896 4 1 %s' "$key")"
    run secrets --show key.pem --as dns --id 10.9.0.1
    assert_output "$(printf '1.0.9.10.in-addr.arpa.\tIN\tKEY\t16896 4 1 %s' "$key")"
    run secrets --show key.pem --as ipseckey --id 2001:db8::1
    assert_output "$(printf '%s.ip6.arpa.\tIN\tIPSECKEY\t10 2 2 2001:db8::1 %s' \
        1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 "$key")"
    run secrets --show key.pem --as ipseckey --id user@example.com
    assert_output "$(printf '\tIN\tIPSECKEY\t10 0 2 . %s' "$key")"
    run secrets --show key.pem --as txt --id 10.9.0.1
    assert_output --regexp '^1[.]0[.]9[.]10[.]in-addr[.]arpa[.].IN.TXT.[(] "X-IPsec-Server[(]10[)]=10[.]9[.]0[.]1 AwEAA'
    run secrets --show key.pem --as txt
    assert_equal "$status" 1
    assert_output --partial 'expected --id with an address or @name'
    run secrets --show key.pem --as pem
    assert_output "$(openssl pkey -in key.pem -pubout)"
    run secrets --show key.pem --id "a b@it's" # as a shell takes it
    assert_success
    eval "set -- $output"
    assert_equal "$#" 6
    assert_equal "$(secrets --show key.pem --id "$3")" "$output"
    # shellcheck disable=SC2016 # nothing of it is to be run
    run secrets --show key.pem --id '@$(touch here);x&`touch here`'
    assert_success
    eval "set -- $output"
    assert_equal "$#" 6
    assert [ ! -e here ]
    run secrets --show key.pem --id %any
    assert_equal "$status" 100
    assert_output --partial "nobody's identity"
}

@test "[K5] a key that is not there" {
    printf '@a : PSK "x"\n' >ipsec.secrets
    chmod 600 ipsec.secrets
    run secrets --show @a --file ipsec.secrets
    assert_equal "$status" 1
    assert_output --partial '@a: there is no RSA key for this identity'
    run secrets --show nothing.pem
    assert_equal "$status" 1
    assert_output 'secrets: nothing.pem: No such file or directory'
    run secrets --show .
    assert_equal "$status" 100
    run secrets --show ./
    assert_equal "$status" 1
    assert_output --partial 'not a regular file'
    run secrets --show ./ipsec.secrets
    assert_equal "$status" 1
    assert_output --partial 'expected a private key in PEM form'
    run secrets --show /dev/zero
    assert_equal "$status" 1
}

@test "[K5] --lint: each doubt by file and line, and none about what is good" {
    local line
    make_key small.pem 1024
    make_key good.pem 2048
    cat >ipsec.secrets <<END
@a @b : PSK "long enough to be good"
@b @a : PSK "long enough to be good"
@a @b @c : PSK "long enough to be good"
@b @c : PSK "long enough to be good"
@e : PSK "short"
%any %any6 : PSK "long enough to be good"
@10.9.0.1 @g @h. @-x@y @f : PSK "long enough to be good!"
127.0.0.1 ff02::1 : PSK "long enough to be good!"
@e : RSA $PWD/small.pem
@f @g : RSA $PWD/good.pem
@g : RSA $PWD/good.pem
@i @i : RSA $PWD/good.pem
END
    chmod 600 ipsec.secrets
    run --separate-stderr secrets --lint ipsec.secrets
    assert_success
    assert_output '8 PSK, 4 RSA, 0 errors, 12 doubts, in 5 files'
    run printf '%s\n' "$stderr"
    for line in '2: doubtful: it says the same as ipsec.secrets:1' \
        '4: doubtful: it is never used: ipsec.secrets:3 is a better match wherever this one fits, or an equal one before it' \
        '5: doubtful: a secret of 5 bytes can be guessed' \
        '6: doubtful: it is never used: it names nobody that could be us' \
        '7: doubtful: @10.9.0.1 is a name that is an address' \
        '7: doubtful: @h. is a name that ends with a dot' \
        '8: doubtful: 127.0.0.1 is an address that no host has' \
        '8: doubtful: ff02::1 is an address that no host has' \
        '9: doubtful: an RSA key of 1024 bits is small' \
        '11: doubtful: it is never used: ipsec.secrets:10 is a better match' \
        '12: doubtful: @i stands there twice'; do
        assert_line --partial "ipsec.secrets:$line"
    done
    refute_line --partial 'secrets:1:'
    refute_line --partial 'secrets:3:'
    refute_line --partial 'secrets:10:'
    refute_output --partial enough
}

@test "[K2] --lint: of an identity with nothing before or after its @, too many, or dots in the wrong place, it says that" {
    local id what
    local -A odd=(['joe@']='a user without a domain: nothing stands after the @' ['@@h']='a user without a name: nothing' \
        ['joe@h@g']='a user with two @' ['joe@h.']='a name that ends with a dot' ['@.h']='a name with a dot at its start' \
        ['joe@h..g']='a name with a dot at its start, or two in a row' ['@h.']='a name that ends with a dot' \
        ['joe@10.9.0.1']='a user at an address' ['joe@h/g']="a name with something in it that no host's name has")
    for id in "${!odd[@]}" joe@h.example; do
        printf '%s @b : PSK "long enough to be good"\n' "$id" >ipsec.secrets
        chmod 600 ipsec.secrets
        run --separate-stderr secrets --lint ipsec.secrets
        assert_success
        what=${odd[$id]-}
        if [ -n "$what" ]; then
            [[ $stderr == *"ipsec.secrets:1: doubtful: $id is $what"* ]] || fail "$id: $stderr"
            assert_output --partial ' 1 doubts,'
        else
            assert_output --partial ' 0 doubts,'
        fi
    done
}

@test "[K2] --lint: what others are always found in the place of, by the line of one or of several" {
    local line
    make_key a.pem 2048
    make_key b.pem 2048
    cat >ipsec.secrets <<END
@a %any %any6 : PSK "long enough to be good"
@a : PSK "good enough to be long"
%any %any6 : RSA $PWD/a.pem
: RSA $PWD/b.pem
@b : PSK "another for whoever it may be"
@b %any : PSK "long enough to be good"
@b %any6 : PSK "long enough to be good"
@c @c : PSK "long enough to be good"
@d %any : PSK "long enough to be good"
@d : PSK "for peers with IPv6 addresses"
gate.example.com : PSK "before the next for its own addresses"
gate.example.com %any %any6 : PSK "long enough to be good"
END
    chmod 600 ipsec.secrets
    run --separate-stderr secrets --lint ipsec.secrets
    assert_success
    # shellcheck disable=SC2154 # stderr: by --separate-stderr
    run grep -v 'is looked up whenever' <<<"$stderr"
    for line in '2: doubtful: it is never used: ipsec.secrets:1 is a better match' \
        '4: doubtful: it is never used: ipsec.secrets:3 is a better match' \
        '5: doubtful: it is never used: one of ipsec.secrets:6, ipsec.secrets:7 is a better match' \
        '8: doubtful: @c stands there twice' '8: doubtful: it is never used: it names nobody but us, and that twice'; do
        assert_line --partial "ipsec.secrets:$line"
    done
    assert_equal "${#lines[@]}" 5
}

@test "[K2] --lint: names in DER, as certificates have them" {
    local dn=300f310d300b06035504030c0465617374 # CN=east; then none, one cut off, with something behind it, empty
    printf '@~%s @east : PSK "long enough to be good"\n' $dn 00 "${dn%??}" "${dn}00" 3000 >ipsec.secrets
    chmod 600 ipsec.secrets
    run secrets --lint ipsec.secrets
    assert_success
    assert_equal "$(grep -c ': doubtful: @~.* is no name in DER' <<<"$output")" 4
    refute_line --partial 'ipsec.secrets:1:'
}

@test "[K2] --lint: RSA keys that disagree" {
    make_key a.pem 2048
    make_key b.pem 2048
    printf '%s\n' "@a @b : RSA $PWD/a.pem" "@b : RSA $PWD/b.pem" "@c : RSA $PWD/b.pem" >ipsec.secrets
    chmod 600 ipsec.secrets
    run secrets --lint ipsec.secrets
    assert_equal "$status" 1
    assert_line --partial 'ipsec.secrets:2: has another RSA key than ipsec.secrets:1'
    assert_line '0 PSK, 3 RSA, 1 errors, 0 doubts, in 4 files'
    run --separate-stderr secrets --show @b --file ipsec.secrets
    assert_success
    [[ $stderr == *'ipsec.secrets:2 has another key for it, which is not used'* ]]
}

@test "[K2] --match: which entry is used, and why" {
    make_key a.pem
    cat >ipsec.secrets <<END
: PSK "everybody"
@a : PSK "ours"
@a %any : PSK "road"
@a @b : PSK "both"
@b @a : PSK "both2"
: RSA $PWD/a.pem
@a @c : RSA $PWD/a.pem
END
    chmod 600 ipsec.secrets
    run secrets --match @a @b --file ipsec.secrets
    assert_success
    assert_line --index 0 'PSK: ipsec.secrets:4 is used: it names both'
    assert_line '    ipsec.secrets:1 is not used: names nobody, so it is for everybody'
    assert_line '    ipsec.secrets:2 is not used: names us and nobody else'
    assert_line '    ipsec.secrets:3 is not used: names us, and stands for any other peer'
    assert_line '    ipsec.secrets:5 is not used: names both; it comes later, AND HAS ANOTHER SECRET'
    assert_line --regexp '^RSA: ipsec.secrets:7 is used: it names us [(]1024 bits, fingerprint [0-9a-f]{16}[)]$'
    run secrets --match @a @z --file ipsec.secrets
    assert_line --index 0 'PSK: ipsec.secrets:3 is used: it names us, and stands for any other peer'
    run secrets --match @q %any --file ipsec.secrets
    assert_line --index 0 'PSK: ipsec.secrets:1 is used: it names nobody, so it is for everybody'
    assert_line --partial 'RSA: ipsec.secrets:6 is used: it names nobody'
    for secret in everybody\" ours road both; do
        refute_output --partial "\"$secret"
    done
    printf '@a @b : PSK "x"\n' >ipsec.secrets
    run secrets --match @a @c --file ipsec.secrets
    assert_equal "$status" 1
    assert_line 'PSK: there is none for @a and @c; a line for it: @a @c : PSK "..."'
    assert_line 'RSA: there is no key to sign with as @a; a line for it: @a : RSA FILE'
    run secrets --match 10.9.0.256 @c --file ipsec.secrets
    assert_equal "$status" 100
}

@test "[F18] many slow passphrases: some seconds in all, and each key that is left out is named" {
    local name
    make_key clear.pem
    for name in a b c d; do
        openssl pkcs8 -topk8 -in clear.pem -passout pass:word -iter 1900000 -out "$name.pem"
    done
    openssl pkcs8 -topk8 -in clear.pem -passout pass:word -out quick.pem
    for name in a b c d quick; do
        echo "@$name : RSA $PWD/$name.pem word"
    done >ipsec.secrets
    chmod 600 ipsec.secrets ./*.pem
    run --separate-stderr secrets --lint ipsec.secrets
    assert_equal "$status" 1
    assert_output '0 PSK, 3 RSA, 2 errors, 3 doubts, in 6 files'
    run printf '%s\n' "$stderr"
    assert_line --regexp "^secrets: ipsec.secrets:3: key file $PWD/c.pem: the key is not opened, since the passphrases"
    assert_line --regexp "^secrets: ipsec.secrets:4: key file $PWD/d.pem: the key is not opened, since the passphrases"
}

@test "[K4] --show FILE: one that others can read is refused with the command that mends it" {
    make_key key.pem
    chmod 640 key.pem
    run secrets --show ./key.pem
    assert_equal "$status" 1
    assert_output 'secrets: ./key.pem: group or others may read or write it (mode 0640), so it is not read; run: chmod 600 ./key.pem'
    run --separate-stderr secrets --show ./key.pem --insecure-secretsfile
    assert_success
    run secrets --show ./nothing.pem
    assert_output 'secrets: ./nothing.pem: No such file or directory'
    run secrets --show "$PWD/"
    assert_output "secrets: $PWD/: not a regular file"
    head -c 70000 /dev/zero >large.pem
    chmod 600 large.pem
    run secrets --show ./large.pem
    assert_equal "$status" 1
    assert_output 'secrets: ./large.pem: larger than 64 KiB, so it is no key'
}

@test "[K2] --lint: %any and %any6 fit the same names" {
    make_key a.pem 2048
    make_key b.pem 2048
    printf '%s\n' "%any : RSA $PWD/a.pem" "%any6 : RSA $PWD/b.pem" '@a %any : PSK "long enough to be good"' \
        '@b %any6 : PSK "good enough to be long"' >ipsec.secrets
    chmod 600 ipsec.secrets
    run secrets --lint ipsec.secrets
    assert_equal "$status" 1
    assert_line --partial 'ipsec.secrets:2: has another RSA key than ipsec.secrets:1 for the same identities (a name, and whoever is not known yet, fit %any and %any6 alike)'
    refute_line --partial 'ipsec.secrets:4:'
    echo '@a %any6 : PSK "good enough to be long"' >>ipsec.secrets
    run secrets --lint ipsec.secrets
    assert_line --partial 'ipsec.secrets:5: has another secret than ipsec.secrets:3 for the same identities (a name'
}
