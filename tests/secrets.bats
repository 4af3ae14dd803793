#!/usr/bin/env bats
# secrets by hand: options, the file and its messages, records on standard input, and the pages' examples.
# shellcheck disable=SC2154 # lib/secrets.bash sets repo

load lib/secrets.bash

setup() {
    own_folder 077
    printf '10.9.0.1 10.9.0.2 : PSK "tell nobody"\n' >ipsec.secrets
}

announce='announce exchange=1 connection=net role=initiator methods=psk ike=aes256-sha2_256-ecp256 our-id=10.9.0.1'
keys='connection=net method=psk proposal=aes256-sha2_256-ecp256 cky-i=0000000000000001 cky-r=0000000000000002'
keys+=' sa-body=0000000000000000 ke-peer=00 nonce-peer=0000000000000000'
keymat='protocol=esp proposal=aes256gcm16 spi-in=00001000 spi-out=00002000 nonce-peer=0000000000000000'

# say LINE...: these records to a process that reads ./ipsec.secrets
say() {
    printf '%s\n' "$@" | secrets --file ipsec.secrets
}

# examples PAGE: what stands between the marks, without the page's own requests
examples() {
    sed -n '/examples begin/,/examples end/p' "$repo/secrets/$1" | sed -n '/^\.Bd/,/^\.Ed/p' | grep -v '^\.'
}

@test "help and version are on stdout" {
    run --separate-stderr secrets --help
    assert_success
    assert_line --index 0 'usage: secrets --file GLOB [--insecure-secretsfile] [--show-keys]'
    assert_line --regexp '^  --generate rsa BITS  '
    assert_line --regexp '^  --insecure-secretsfile  '
    assert_line --partial 'Exit status: 0 done, 1 '
    run --separate-stderr secrets --version
    assert_success
    assert_output --regexp '^secrets [0-9]'
}

@test "wrong options end with 100 and name the option" {
    local words
    while IFS=: read -r words expected; do
        # shellcheck disable=SC2086 # words
        run secrets $words </dev/null
        assert_equal "$status" 100
        assert_output --partial "$expected"
        assert_output --partial 'usage: secrets'
    done <<'END'
:--file: missing
--file=:--file: expected a file name
--file s --file s:secrets: --file: given twice
--file s --lint --lint:secrets: --lint: given twice
--file s more:more: expected options only
--file s --nothing:--nothing
--file s --control-fd 3:expected both or none
--file s --worker 3:expected both or none
--file s --worker 3 --control-fd 2:--control-fd 2: expected the number of a descriptor
--file s --worker 3 --control-fd x:--control-fd x: expected the number of a descriptor
--file s --worker 4294967296 --control-fd 3:--worker 4294967296: expected a number
--file s --worker -1 --control-fd 3:--worker -1: expected a number
--file s --lint --worker 1 --control-fd 3:--control-fd: not together with --lint
--file s --no-prompt:--no-prompt: expected --control-fd with it
--file s --lint --no-prompt:--no-prompt: not together with --lint
--file s --lint --show-keys:--show-keys: not together with --lint
--file s --show-keys --worker 1 --control-fd 3:--show-keys: not together with --control-fd
--lint s more:argument more: expected options only
--file s --lint more:--lint more: expected one file
--lint --match @a:expected one of --lint, --match, --show, --generate alone
--match @a:--match @a: expected the peer
--match= @b:--match: expected something
--match @a @b @c:argument @c: expected options only
--generate dsa:--generate dsa: expected rsa
--generate rsa:--generate rsa: expected a number of bits
--generate rsa 1023:--generate rsa 1023: expected a number of bits, 1024 to 8192
--generate rsa 8193:--generate rsa 8193: expected a number of bits
--generate rsa 2k:--generate rsa 2k: expected a number of bits
--generate rsa 1024 --as whack:--generate: expected --as pem or --as secrets
--generate rsa 1024 --file s:--file: not together with --generate
--generate rsa 1024 --out=:--out: expected the name of a new file
--show @a --as text:--as text: expected whack, dns, ipseckey, txt, pem or secrets
--show @a --as secrets:--as secrets: this form has the private key in it
--show @a --as dns --private:--private: expected --as pem or --as secrets
--show @a @b:argument @b: expected options only
--show @a --id=:--id: expected an identity
--file s --id @a:--id: expected --show or --generate with it
--file s --private:--private: expected --show or --generate with it
END
}

@test "a descriptor that is not there ends with 111" {
    run secrets --control-fd 77 --worker 1 --file ipsec.secrets
    assert_equal "$status" 111
}

@test "--lint counts, and its exit status says whether all is right" {
    run secrets --lint --file ipsec.secrets
    assert_success
    assert_line '1 PSK, 0 RSA, 0 errors, 1 doubts, in 1 files'
    printf 'gate..example.com : PSK "x"\n@b PSK "tell nobody"\n' >>ipsec.secrets
    run secrets --lint --file ipsec.secrets
    assert_equal "$status" 1
    assert_line --partial 'ipsec.secrets:2: a name of a host that cannot be looked up: an empty label'
    assert_line --partial 'ipsec.secrets:3: expected a colon between blanks before the word PSK or RSA'
    assert_line '1 PSK, 0 RSA, 2 errors, 1 doubts, in 1 files'
    refute_output --partial nobody
}

@test "[K4] --lint: a file of another user's is an error, a folder that others can write to a doubt" {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    mkdir open open/below sticky
    echo '10.9.0.1 10.9.0.3 : PSK "tell nobody at all"' | tee open/below/a >sticky/a
    printf '%s\n' '10.9.0.1 10.9.0.2 : PSK "tell nobody at all"' 'include open/below/*' 'include sticky/*' >ipsec.secrets
    sed -i 's/0.3/0.4/' sticky/a
    run --separate-stderr secrets --lint ipsec.secrets
    assert_success
    assert_output '3 PSK, 0 RSA, 0 errors, 0 doubts, in 3 files'
    [ -z "${stderr-}" ]
    chmod 777 open
    chmod 1777 sticky
    run --separate-stderr secrets --lint ipsec.secrets
    assert_success
    assert_output '3 PSK, 0 RSA, 0 errors, 1 doubts, in 3 files'
    assert_equal "$stderr" "secrets: $PWD/open: doubtful: group or others may write to this folder (mode 0777), and put other files in the place of those that are read from it; run: chmod go-w $PWD/open"
    eval "$(sed -n 's/.*run: //p' <<<"$stderr")"
    chown 65533 open/below
    run --separate-stderr secrets --lint ipsec.secrets
    assert_success
    assert_equal "$stderr" "secrets: $PWD/open/below: doubtful: this folder belongs to uid 65533, who can put other files in the place of those that are read from it; run: chown root $PWD/open/below"
    chown 65533 open/below/a
    run --separate-stderr secrets --lint ipsec.secrets
    assert_equal "$status" 1
    assert_output '2 PSK, 0 RSA, 1 errors, 0 doubts, in 2 files'
    assert_equal "$stderr" "secrets: open/below/a: it belongs to uid 65533, who may read and change it, so it is not read; if it is what it should be, run: chown root open/below/a"
    run --separate-stderr secrets --lint ipsec.secrets --insecure-secretsfile
    assert_success
    assert_output '3 PSK, 0 RSA, 0 errors, 0 doubts, in 3 files'
    chown root open/below/a
    run secrets --lint ipsec.secrets
    assert_output --partial '3 PSK, 0 RSA, 0 errors, 1 doubts, in 3 files'
}

@test "[K2] --lint names equal entries that disagree, and only those" {
    local line
    cat >ipsec.secrets <<'END'
@a @b : PSK "one"
@b @a : PSK "one"
@a : PSK "two"
@a %any : PSK "three"
@c @d : PSK "four"
@d @e : PSK "five"
: PSK "six"
2001:db8::1 %any6 : PSK "seven"
10.0.0.1 %any : PSK "eight"
@f : PSK "nine"
END
    run secrets --lint --file ipsec.secrets
    assert_success
    printf '%s\n' '@x @b @a : PSK "other"' '@a : PSK "other"' '%any @a : PSK "other"' ': PSK "other"' \
        '10.0.0.1 %any6 : PSK "other"' >>ipsec.secrets
    run secrets --lint --file ipsec.secrets
    assert_equal "$status" 1
    for line in '11: has another secret than ipsec.secrets:1 ' '11: has another secret than ipsec.secrets:2 ' \
        '12: has another secret than ipsec.secrets:3 ' '13: has another secret than ipsec.secrets:4 ' \
        '14: has another secret than ipsec.secrets:7 ' \
        '15: has another secret than ipsec.secrets:9 for the same identities (a name, and whoever is not known yet,'; do
        assert_line --partial "ipsec.secrets:$line"
    done
    assert_line --partial ' 6 errors, '
    refute_output --partial nine
}

@test "[R4] ipsec.secrets(5) says that all road warriors of a host share one secret" {
    run man -l "$repo/secrets/ipsec.secrets.5"
    assert_output --regexp 'all +road +warriors +of +one +host +share +one +secret'
}

@test "a file that others can read is refused with the command that mends it" {
    chmod 644 ipsec.secrets
    run secrets --lint --file ipsec.secrets
    assert_equal "$status" 1
    assert_line --partial 'run: chmod 600 ipsec.secrets'
    assert_line '0 PSK, 0 RSA, 1 errors, 0 doubts, in 0 files'
    run secrets --lint --insecure-secretsfile --file ipsec.secrets
    assert_success
    # shellcheck disable=SC2091 # the command of the message
    $(secrets --lint --file ipsec.secrets 2>&1 | sed -n 's/.*run: //p')
    run secrets --lint --file ipsec.secrets
    assert_success
}

@test "an included file that others can read is refused too, and the rest is used" {
    mkdir more
    printf '@c : "x"\n' >more/a.secrets
    printf '@d : "x"\n' >more/b.secrets
    chmod 640 more/b.secrets
    printf 'include more/*.secrets\n' >>ipsec.secrets
    cd / || return 1
    run secrets --lint --file "$BATS_TEST_TMPDIR/ipsec.secrets"
    assert_equal "$status" 1
    assert_line --partial "chmod 600 $BATS_TEST_TMPDIR/more/b.secrets"
    assert_line '2 PSK, 0 RSA, 1 errors, 2 doubts, in 2 files'
}

@test "a pattern reads several files; none that matches is an error" {
    cp ipsec.secrets other.secrets
    run secrets --lint --file '*.secrets'
    assert_success
    assert_output --partial 'in 2 files'
    run secrets --lint --file 'nothing*'
    assert_equal "$status" 1
    assert_output --partial 'nothing*: no file matches the pattern'
    run secrets --lint --file nothing
    assert_equal "$status" 1
    assert_output --partial 'nothing: cannot be opened: No such file or directory'
}

@test "records by hand get their answers, in order" {
    run --separate-stderr say '# a comment' '' "$announce peer-id=10.9.0.2" 'ke id=5 exchange=1 group=ecp256' \
        'ke id=6 exchange=1 group=ecp256' "keys id=7 exchange=2 $keys"
    assert_success
    assert_equal "${#lines[@]}" 4
    assert_line --index 0 'loaded entries=1 errors=0'
    assert_line --index 1 --regexp '^ok id=5 re=ke ke=[0-9a-f]{128} nonce=[0-9a-f]{64}$'
    assert_equal "${lines[2]#ok id=6}" "${lines[1]#ok id=5}"
    assert_line --index 3 --regexp '^fail id=7 re=keys why=exchange%202%20is%20not%20known'
}

@test "no secret: both identities and the line to add are named" {
    run --separate-stderr say "$announce peer-id=@b" 'ke id=5 exchange=1 group=ecp256' \
        "keys id=7 exchange=1 $keys"
    assert_success
    assert_line --index 1 --partial 'failed exchange=1 code=28 why=no%20preshared%20secret' # as soon as it is announced
    assert_line --index 3 --partial 'no%20preshared%20secret%20for%20"10.9.0.1"%20and%20"@b"'
    assert_line --index 3 --partial 'add%20a%20line%2010.9.0.1%20@b%20:%20PSK'
}

@test "F16: wrong records by hand are answered with bad, and what follows is heard" {
    run --separate-stderr say nonsense 'ke id=1 exchange=1' 'ke id=1 exchange=1 group=ecp256 group=ecp256' \
        'ke id=1 exchange=1 group=ecp256 colour=red' 'loaded entries=1 errors=1' 'ke id=0 exchange=1 group=ecp256' \
        'channel tool=kernel-sa epoch=1' "$announce peer-id=10.9.0.2" 'ke id=9 exchange=1 group=ecp256'
    assert_equal "$(printf '%s\n' "${lines[@]}" | grep -c '^bad ')" 7
    assert_line --regexp '^ok id=9 '
    assert_equal "$status" 1
    head -c 100000 /dev/urandom >rubbish
    run secrets --file ipsec.secrets <rubbish
    assert [ "$status" -lt 112 ]
    head -c 200000 /dev/zero | tr '\0' a >long
    run secrets --file ipsec.secrets <long
    assert [ "$status" -lt 112 ]
}

@test "more answers than a channel holds: none is lost" {
    { echo "$announce peer-id=10.9.0.2"; yes 'ke id=5 exchange=1 group=ecp256' | head -n 9000; } >many
    run bash -o pipefail -c 'secrets --file ipsec.secrets 2>/dev/null <many | { sleep 0.3; grep -c "^ok id=5 "; }'
    assert_success
    assert_output 9000
}

@test "what a negotiator may not have is bad" {
    run --separate-stderr say "$announce peer-id=10.9.0.2" 'ke id=5 exchange=1 group=modp1024' \
        'announce-quick exchange=2 parent=1 role=initiator esp=aes256gcm16 pfs=no' 'quick-ke id=6 exchange=2' \
        "keymat id=7 exchange=2 $keymat"
    assert_equal "$status" 1
    assert_line --regexp '^bad id=5 re=ke why=group%20modp1024'
    assert_line --regexp '^ok id=6 '
    assert_line --regexp '^bad id=7 re=keymat why=no%20KEYMAT%20before'
}

@test "the examples of secrets(8) work" {
    examples secrets.8 >script
    assert [ -s script ]
    run --separate-stderr bash -e script
    assert_success
    assert_line --index 0 '1 PSK, 0 RSA, 0 errors, 1 doubts, in 1 files'
    assert_line --regexp '^ok id=1 re=ke ke='
    assert_line --regexp '^whack --keyid @east[.]example[.]com --addkey --pubkeyrsa 0sAwEAA[0-9A-Za-z+/]+=*$'
    assert_line --regexp '^east[.]example[.]com[.].IN.IPSECKEY.10 3 2 east[.]example[.]com[.] AwEAA'
    assert_line 'PSK: ipsec.secrets:1 is used: it names both'
}

@test "the examples of ipsec.secrets(5) are read" {
    mkdir ipsec.d
    printf '@x : "x"\n' >ipsec.d/x.secrets
    secrets --generate rsa 2048 --out east.pem
    examples ipsec.secrets.5 | sed "s|RSA east.pem|RSA $PWD/east.pem|" >ipsec.secrets
    run --separate-stderr secrets --lint ipsec.secrets
    assert_success
    assert_output '4 PSK, 1 RSA, 0 errors, 1 doubts, in 3 files'
}

@test "[K5] nothing secret on a terminal, unless it is asked for; a pipe gets the records" {
    local words secret='(skeyid-[ae]|key-(in|out|encr[a-z]*|integ[a-z]*))'
    printf '%s\n' "$announce peer-id=10.9.0.2" 'ke id=1 exchange=1 group=ecp256' >records
    # A peer's half that is none of its own: the base point of the curve.
    local point=6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296
    point+=4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5
    echo "keys id=2 exchange=1 ${keys/ke-peer=00/ke-peer=$point}" >>records
    run --separate-stderr bash -c 'secrets --file ipsec.secrets <records'
    assert_success
    assert_line --regexp '^ok id=2 re=keys .*skeyid-a=[0-9a-f]{64} skeyid-e=[0-9a-f]{64}'
    for words in '' --show-keys; do
        run script -qec "secrets --file ipsec.secrets $words <records" /dev/null </dev/null
        assert_success
        if [ -z "$words" ]; then
            assert_line --partial 'skeyid-a=<32 bytes> skeyid-e=<32 bytes>'
            refute_output --regexp "$secret=[0-9a-f]"
        else
            assert_line --regexp 'skeyid-a=[0-9a-f]{64} skeyid-e=[0-9a-f]{64}'
        fi
        assert_line --regexp '^ok id=1 re=ke ke=[0-9a-f]{128} nonce=[0-9a-f]+' # what is public is there
    done
    # typed in, with an answer that is wrong; and many answers
    run timeout 20 script -qec 'secrets --file ipsec.secrets' /dev/null < <(cat records; echo 'ke id=9 exchange=3'; sleep 1; printf '\004')
    assert_equal "$status" 1
    assert_line --partial 'skeyid-a=<32 bytes>'
    refute_output --regexp "$secret=[0-9a-f]"
    { cat records; for _ in {1..2000}; do tail -n 1 records; done; } >many
    run timeout 60 script -qec 'secrets --file ipsec.secrets <many' /dev/null </dev/null
    assert_equal "$(grep -c 'skeyid-a=<32 bytes>' <<<"$output")" 2001
    refute_output --regexp "$secret=[0-9a-f]"
}

@test "a standard descriptor that is closed is named, or not needed" {
    run timeout 10 bash -c 'secrets --file ipsec.secrets <&-'
    assert_equal "$status" 111
    assert_output --partial 'secrets: stdin is closed: '
    local words
    for words in --file --help --version '--lint --file'; do
        run timeout 10 bash -c "secrets $words ipsec.secrets </dev/null >&-"
        assert_equal "$words: $status" "$words: 111"
        assert_output --partial 'secrets: stdout is closed: '
    done
    run timeout 10 bash -c "secrets --file ipsec.secrets 2>&- <<<'$announce peer-id=10.9.0.2'"
    assert_success
    assert_output 'loaded entries=1 errors=0'
}

@test "what cannot be written is told, with status 111" {
    local words
    for words in --file --help --version '--lint --file'; do
        run timeout 10 bash -c "secrets $words ipsec.secrets </dev/null >/dev/full"
        assert_equal "$words: $status" "$words: 111"
        assert_output --partial 'secrets: cannot write to stdout: No space left on device'
    done
}

@test "by hand the exit status says that a record was wrong, among many answers and within a line" {
    { echo nonsense; echo "$announce peer-id=10.9.0.2"; yes 'ke id=5 exchange=1 group=ecp256' | head -n 9000; } >many
    run bash -o pipefail -c 'secrets --file ipsec.secrets <many 2>said | { sleep 0.3; grep -c "^ok id=5 "; }'
    assert_equal "$status $output" '1 9000'
    run bash -c "printf 'ke id=5' | secrets --file ipsec.secrets"
    assert_equal "$status" 1
    assert_output --partial 'within a record'
    run bash -c 'secrets --file ipsec.secrets <many >/dev/full'
    assert_equal "$status" 111
    assert_output --partial 'cannot write to stdout'
}
