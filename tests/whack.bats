#!/usr/bin/env bats
# whack alone, in front of a stand-in for plutod: what it refuses and with which words, what it sends and in which
# order, and which exit status the answers make.
# shellcheck disable=SC2154 # lib/whack.bash's words

load lib/whack.bash

@test 'help and version go to stdout and exit 0' {
    run --separate-stderr whack --help
    assert_success
    assert_output --partial '--initiate --name NAME'
    assert_equal "$stderr" ''
    run --separate-stderr whack --version
    assert_success
    assert_output --regexp '^whack [0-9]'
    run whack --vers
    assert_success
}

@test 'the help fits a terminal' {
    run bash -c 'whack --help | awk "length > 96 { print }"'
    assert_output ''
}

@test 'W1: without a form there is no action' {
    refused 'no action specified'
}

@test 'W1: unknown, ambiguous, cut and superfluous words' {
    refused '--nosuch: unknown option' --nosuch
    refused '-x: unknown option' -x
    refused '--tunnelip: ambiguous, may be --tunnelipv4 --tunnelipv6' "${hosts[@]}" --tunnelip
    refused '--opp: ambiguous, may be --oppohere --oppothere' --opp a
    refused '--debug-p: ambiguous, may be --debug-parsing --debug-private' --status --debug-p
    refused '--status=5: this option takes no value' --status=5
    refused '--stat=5: this option takes no value' --stat=5
    refused '--name: a value is missing' --initiate --name
    refused 'net: superfluous' --initiate net
    refused 'secret: superfluous' --route secret
}

@test 'W1: what may stand once stands once' {
    refused '--listen: repeated' --listen --listen
    refused '--name b: repeated' --initiate --name a --name b
    refused '--psk: repeated' "${hosts[@]}" --psk
    refused '--ctlbase b: repeated' --status --ctlbase b
    refused '--asynchronous: repeated' --initiate --name a --asynchronous --asynchronous
    refused '--deletestate 2: repeated' --deletestate 1 --deletestate 2
    run --separate-stderr whack --label a --status --label b
    assert_equal "$status" 1
    assert_equal "$stderr" 'a: whack: --label b: repeated; it may be given once'
}

@test 'W1: a name where it belongs, and only there' {
    local form
    for form in --initiate --terminate --route --unroute --delete; do
        refused "--name: missing; $form needs it" "$form"
    done
    refused '--name: missing; the connection form needs it' --psk --host 10.9.0.1 --to --host 10.9.0.2
    for form in --listen --unlisten --status --shutdown '--deletestate=4'; do
        refused '--name net: superfluous' "$form" --name net
    done
    refused 'no action specified' --name net
    refused "--name '': an empty value" --initiate --name ''
    run --separate-stderr whack --ctlbase '' --status
    assert_equal "$status" 1
    assert_equal "$stderr" "whack: --ctlbase '': an empty value"
    local form
    for form in --initiate --terminate --route --unroute --delete --debug-all; do
        refused '--name -x: only letters, digits and ._- are allowed' "$form" --name -x
        refused '--name net%evil: only letters, digits and ._- are allowed' "$form" --name net%evil
    done
    refused '--name nnnn' --initiate --name "$(printf 'n%.0s' {1..65})"
}

@test 'W1: forms that contradict each other' {
    refused '--listen: excludes --unlisten' --listen --unlisten
    refused '--asynchronous: goes with --initiate or --terminate only' --listen --asynchronous
    refused '--deletestate 0: ' --deletestate 0
    refused '--deletestate x: not a decimal number' --deletestate x
    refused '--deletestate 99999999999999999999: ' --deletestate 99999999999999999999
}

@test 'W1: the label stands before every message of whack' {
    run --separate-stderr whack --nosuch --label 'on tuesday'
    assert_equal "$status" 1
    assert_equal "${stderr%%:*}" 'on tuesday'
    run --separate-stderr whack --ctlbase "$D/nobody" --status --label tue
    assert_equal "$status" 1
    [[ $stderr == "tue: whack: cannot reach plutod at $D/nobody.ctl: "* ]]
}

@test '[W3] both ends with one identity: neither could believe the other' {
    refused '--id @a: both ends have this identity; give each its own' --name n --psk --host 10.9.0.1 --id @a --to --host 10.9.0.2 --id @A
    refused '--id 10.9.0.2: both ends have this identity, one of them by its --host' --name n --psk \
        --host 10.9.0.1 --id 10.9.0.2 --to --host 10.9.0.2
}

@test 'W3: both ends need a host, and not both %any' {
    refused '--host: missing for the end after --to' --name n --psk --host 10.9.0.1
    refused '--host: missing for the end before --to' --name n --psk --to --host 10.9.0.1
    refused '--host %any: only one end can be %any' --name n --psk --host %any --to --host %any
    refused '--host %any: only one end can be %any' --name n --psk --host 0.0.0.0 --to --host %any
    refused '--host %any: the other end (--host 10.9.0.2) needs a --nexthop' --name n --psk \
        --host %any --to --host 10.9.0.2
}

@test 'W3: ports and other numbers' {
    refused '--ikeport 0: out of range' "${hosts[@]}" --ikeport 0
    refused '--ikeport 65536: out of range' "${hosts[@]}" --ikeport 65536
    refused '--ikeport 0x10: not a decimal number' "${hosts[@]}" --ikeport 0x10
    refused '--ikeport -1: not a decimal number' "${hosts[@]}" --ikeport -1
    refused '--ikelifetime 86401: out of range' "${hosts[@]}" --ikelifetime 86401
    refused '--ipseclifetime 86401: out of range' "${hosts[@]}" --ipseclifetime 86401
    refused '--keyingtries 1e3: not a decimal number' "${hosts[@]}" --keyingtries 1e3
    refused '--rekeyfuzz 100%: not a decimal number' "${hosts[@]}" --rekeyfuzz 100%
}

@test 'W3: one family for the hosts, one for the clients' {
    refused '--host 2001:db8::2: an IPv6 address, but that of the other end is IPv4' \
        --name n --psk --host 10.9.0.1 --to --host 2001:db8::2
    refused '--host 10.9.0.1: an IPv4 address, but --ipv6 was given' "${hosts[@]}" --ipv6
    refused '--ipv6: contradicts --ipv4' "${hosts[@]}" --ipv4 --ipv6
    refused '--tunnelipv6: contradicts --tunnelipv4' "${net[@]}" --tunnelipv4 --tunnelipv6
    refused '--client 10.1.0.0/24: IPv4, but --tunnelipv6 was given' "${net[@]}" --tunnelipv6
    refused '--client 2001:db8:1::/64: IPv6, but the other end has no --client' "${hosts[@]}" --client 2001:db8:1::/64
    refused '--nexthop 2001:db8::7: an IPv6 address' --nexthop 2001:db8::7 "${hosts[@]}"
}

@test 'W3: policy words with what they belong to' {
    local plain=(--name n --psk --host 10.9.0.1 --to --host 10.9.0.2)
    refused '--psk: missing' --name n --encrypt --host 10.9.0.1 --to --host 10.9.0.2
    refused '--client 10.2.0.0/24: goes with --encrypt or --authenticate only' "${plain[@]}" --client 10.2.0.0/24
    refused '--tunnel: goes with --encrypt or --authenticate only' "${plain[@]}" --tunnel
    refused '--pfs: goes with --encrypt or --authenticate only' "${plain[@]}" --pfs
    refused '--esp aes256-sha1: goes with --encrypt only' "${plain[@]}" --esp aes256-sha1
    refused '--pfsgroup modp2048: goes with --pfs only' "${plain[@]}" --pfsgroup modp2048
    refused '--pfsgroup modp2048: goes with --pfs only' "${hosts[@]}" --pfsgroup modp2048
}

@test 'W3: lifetimes above what margin and fuzz can reach, unless --dontrekey' {
    refused '--ikelifetime 1080: must be greater than the 1080 s' "${hosts[@]}" --ikelifetime 1080
    refused '--ipseclifetime 900: must be greater than the 1080 s' "${hosts[@]}" --ipseclifetime 900
    refused '--ipseclifetime 3600: must be greater than the 3600 s' "${hosts[@]}" --rekeymargin 1800
    refused '--ipseclifetime 3600: must be greater than the 4000 s' "${hosts[@]}" --rekeymargin 1000 --rekeyfuzz 300
    plutod_says <<<''
    run tell "${hosts[@]}" --ipseclifetime 60 --ikelifetime 60 --dontrekey
    assert_success
}

@test 'W4-W6: addresses, ids, subnets and names that are none' {
    refused '--host 10.9.0.256: ' "${hosts[@]/10.9.0.2/10.9.0.256}"
    refused '--host 10.9.2: ' "${hosts[@]/10.9.0.2/10.9.2}"
    refused '--host 0x0a090002: neither an address nor a name' "${hosts[@]/10.9.0.2/0x0a090002}"
    refused '--host a;b: neither an address nor a name' "${hosts[@]/10.9.0.2/a;b}"
    refused "--host '': an empty value" "${hosts[@]/10.9.0.2/}"
    refused '--id %any: not an identity' "${hosts[@]}" --id %any
    refused '--id @: ' "${hosts[@]}" --id @
    refused '--client 10.2.0.0: ' "${hosts[@]}" --client 10.2.0.0
    refused '--client 10.2.0.0/33: ' "${hosts[@]}" --client 10.2.0.0/33
    refused '--client 10.2.0.0/255.0.255.0: ' "${hosts[@]}" --client 10.2.0.0/255.0.255.0
    refused '--name a b: only letters, digits and ._- are allowed' "${hosts[@]/#net/a b}"
    refused '--name .a: only letters, digits and ._- are allowed' "${hosts[@]/#net/.a}"
    refused $'--updown: a control character at byte 2' "${hosts[@]}" --updown $'a\nb'
}

@test 'W13: proposals that are none' {
    refused '--ike rot13-sha1-modp2048: ' "${hosts[@]}" --ike rot13-sha1-modp2048
    refused '--esp aes256: ' "${hosts[@]}" --esp aes256
    refused '--pfsgroup modp768: ' "${hosts[@]}" --pfs --pfsgroup modp768
}

@test 'what is not supported yet says so, by name' {
    local word
    for word in authenticate compress dnskeyondemand pass drop reject initiateontraffic \
        failnone failpass faildrop failreject disablearrivalcheck; do
        refused "--$word: not supported yet" "${hosts[@]}" "--$word"
    done
    while read -r word; do
        # shellcheck disable=SC2086 # an option and its value
        refused "$word: not supported yet" "${hosts[@]}" $word
    done <<'END'
--clientprotoport tcp/80
--dpddelay 5
--fragmentation no
END
    refused '--oppohere 10.9.0.1: not supported yet' --oppohere 10.9.0.1 --oppothere 10.9.0.2
    refused '--host %defaultroute: not supported yet' "${hosts[@]/10.9.0.2/%defaultroute}"
}

@test 'W1: what goes with others does not stand alone' {
    refused '--addkey: goes with --keyid only' --status --addk
    refused '--pubkeyrsa 0x00: goes with --keyid only' --status --pubkeyrsa 0x00
    refused '--json: goes with --status only' --listen --json
    refused '--leave-state: goes with --shutdown only' --status --leave-state
    refused '--asynchronous: goes with --initiate or --terminate only' --status --async
    refused '--from 10.9.0.1: goes with --explain only' --status --from 10.9.0.1
}

@test 'W4: a host name without an address is 029, and nothing is sent' {
    run whack --ctlbase "$D/nobody" "${hosts[@]/10.9.0.2/nowhere.invalid}"
    assert_equal "$status" 29
    assert_output --regexp '^029 --host nowhere.invalid: the name has no IPv4 address'
    run whack --ctlbase "$D/nobody" --label tue "${hosts[@]/10.9.0.2/nowhere.invalid}"
    assert_equal "$status" 29
    assert_output --regexp '^029 tue: --host nowhere.invalid: the name has no IPv4 address'
}

@test 'W4: names are looked up here, the record holds addresses, and the host's name to ask for it again' {
    plutod_says <<<''
    run tell --name n --psk --encrypt --id localhost --host localhost --to --host 10.9.0.2
    assert_success
    run cat "$D/got"
    assert_output --partial ' left-host=127.0.0.1 left-host-name=localhost left-id=127.0.0.1 '
}

@test 'E1: the examples of the old manual are refused' {
    refused '--psk: missing' --name silly --host 10.9.0.1 --to --host 10.9.0.2 --ikelifetime 900 \
        --ipseclifetime 800 --keyingtries 3
    refused '--ikelifetime 900: must be greater than' --psk --name silly --host 10.9.0.1 --to --host 10.9.0.2 \
        --ikelifetime 900 --ipseclifetime 800 --keyingtries 3
    refused '--psk: missing' --name secret --host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 \
        --client 10.2.0.0/24 --encrypt
    refused 'secret: superfluous' --route secret
}

@test 'W4: of a name with several addresses the first of the family, wherever a name may stand' {
    [ "$(id -u)" -eq 0 ] || skip 'needs root'
    printf '%s\n' '10.9.0.5 gate.example' '10.9.0.6 gate.example' '2001:db8::5 gate.example' '2001:db8::6 gate.example' \
        >"$D/hosts"
    looked_up() { # WORD... as whack's, with that file in place of the machine's
        plutod_says <<<''
        # shellcheck disable=SC2016 # the inner shell's
        run unshare -m sh -c 'mount --bind "$0" /etc/hosts && exec "$@"' "$D/hosts" whack --ctlbase "$D/pluto" "$@"
        assert_success
    }
    looked_up --name n --psk --encrypt --host gate.example --id gate.example --client gate.example/24 \
        --to --host 192.0.2.1 --nexthop gate.example
    run sed -n 2p "$D/got"
    assert_output --partial ' left-host=10.9.0.5 left-host-name=gate.example left-id=10.9.0.5 left-ikeport=500 left-client=10.9.0.0/24 '
    assert_output --partial ' right-nexthop=10.9.0.5'
    looked_up --ipv6 --name n --psk --encrypt --id @gate.example --host gate.example --client gate.example/64 --to \
        --host 2001:db8::1 --client 2001:db8:1::/64
    run sed -n 2p "$D/got"
    assert_output --partial ' left-host=2001:db8::5 left-host-name=gate.example left-id=@gate.example left-ikeport=500 left-client=2001:db8::/64 '
    looked_up --name n --psk --encrypt --host 2001:db8::1 --client gate.example/24 --tunnelipv4 --to --host 2001:db8::2 \
        --client %default
    run sed -n 2p "$D/got"
    assert_output --partial ' left-client=10.9.0.0/24 right-host=2001:db8::2 right-ikeport=500 right-client=0.0.0.0/0 '
}

@test 'F22: a plutod of another version: its word is shown, exit 1' {
    plutod_says <<<'001 this whack speaks version 1 of the records, plutod speaks 2: use the whack that was installed with it'
    run --separate-stderr tell --status
    assert_equal "$status" 1
    assert_output --partial '001 this whack speaks version 1'
}

# In the literal blocks between ".\" examples begin" and ".\" examples end" of the manual page stand commands.
@test 'E1: the examples of our manual are understood as they stand' {
    understood < <(sed -n '/examples begin/,/examples end/{/^\.Bd/,/^\.Ed/p}' "$repo/whack/whack.8" |
        grep -v '^\.' | sed 's/\\e$/\\/' | joined)
    [ "$commands" -ge 8 ] || fail "only $commands examples were found"
}

@test 'the first tunnel of the README is understood as it stands' {
    understood < <(joined <"$repo/README.md" | sed -nE 's,^ +[0-9]  whack/(whack .*),\1,p')
    assert_equal "$commands" 3
}

@test 'a connection is sent with all that was said, and the defaults filled in' {
    plutod_says <<<'000 added'
    run tell "${net[@]}" --tunnel --pfs --ike aes256-sha2_256-modp2048 --esp aes256-sha2_256 --pfsgroup modp2048 \
        --updown '/bin/true two words'
    assert_success
    assert_output '000 added'
    got hello whack-connection
    run sed -n 2p "$D/got"
    assert_output 'whack-connection name=net left-host=10.9.0.1 left-ikeport=500 left-client=10.1.0.0/24 '"\
"'right-host=10.9.0.2 right-ikeport=500 right-client=10.2.0.0/24 right-updown=/bin/true%20two%20words '"\
"'policy=psk,encrypt,tunnel,pfs family=ipv4 tunnel-family=ipv4 ike=aes256-sha2_256-modp2048 esp=aes256-sha2_256 '"\
"'pfsgroup=modp2048 ikelifetime=10800 ipseclifetime=3600 rekeymargin=540 rekeyfuzz=100 keyingtries=3 replace=no'
}

@test 'W2a: --delete with a connection replaces, alone it deletes' {
    plutod_says <<<''
    run tell "${hosts[@]}" --delete
    assert_success
    got hello whack-connection
    run grep -c 'replace=yes' "$D/got"
    assert_output 1
    plutod_says <<<''
    run tell --delete --name net
    got hello whack-delete
}

@test 'W8: several forms in one call go out in their order' {
    plutod_says <<<'000 done'
    run tell --shutdown --leave-state --status --terminate --initiate --unroute --route --listen "${net[@]}" --deletestate 7 \
        --debug-raw --asynchronous --myid user@example.com
    assert_success
    got hello whack-myid whack-deletestate whack-connection whack-debug whack-listen whack-route whack-unroute whack-initiate \
        whack-terminate whack-status whack-shutdown
    run grep -E '^whack-(initiate|terminate|deletestate)' "$D/got"
    assert_line 'whack-initiate name=net asynchronous=yes'
    assert_line 'whack-terminate name=net asynchronous=yes'
    assert_line 'whack-deletestate serial=7'
    run grep -E '^whack-(myid|shutdown)' "$D/got"
    assert_output 'whack-myid myid=user@example.com
whack-shutdown leave-state=yes'
}

@test 'P9: debug classes are read from left to right' {
    plutod_says <<<''
    run tell --debug-all --debug-private --debug-none --debug-raw --debug-dns
    run sed -n 2p "$D/got"
    assert_output 'whack-debug classes=raw,dns'
    plutod_says <<<''
    run tell --debug-none
    run sed -n 2p "$D/got"
    assert_output 'whack-debug classes='
    plutod_says <<<''
    run tell --debug-all --name net
    run sed -n 2p "$D/got"
    assert_output 'whack-debug classes=raw,crypt,parsing,emitting,control,lifecycle,kernel,dns,oppo name=net'
}

@test 'W10: the exit status is the last number that tells how it ended' {
    check() {
        plutod_says <<<"$2"
        run --separate-stderr tell --initiate --name net
        assert_equal "$status" "$1"
        assert_output "${3-$2}"
        assert_equal "$stderr" ''
    }
    check 0 $'102 I1\n104 I2\n106 I3\n004 ISAKMP SA\n110 I1\n004 IPsec SA'
    check 31 $'102 I1\n010 again\n010 again\n031 no response'
    check 21 '021 no connection'
    check 214 $'102 x\n214 NO-PROPOSAL-CHOSEN\n000 comment\n002 log\n003 serious\n040 secret'
    check 0 $'031 first\n004 then'
    check 0 $'000 a\n002 b\n003 c\n040 d'
    check 20 $'020 dup\nnot a number\n4x no prefix' '020 dup' # only lines with a number are shown
    check 255 '999 too much for an exit status'
    check 0 ''
}

@test 'W9: lines are shown as they come' {
    plutod_says slow <<<$'102 first\n004 second'
    tell --initiate --name net >"$D/shown" &
    local whack=$! i
    for ((i = 0; i < 500; i++)); do
        [ ! -s "$D/shown" ] || break
        sleep 0.05
    done
    assert_equal "$(<"$D/shown")" '102 first'
    : >"$D/say.on"
    wait "$whack"
    assert_equal "$(<"$D/shown")" $'102 first\n004 second'
}

@test 'no plutod, a wrong path, a plutod that breaks off: said on stderr, exit 1' {
    run --separate-stderr whack --ctlbase "$D/nobody" --status
    assert_equal "$status" 1
    [[ $stderr == *"$D/nobody.ctl: No such file or directory"*'is plutod running'* ]]
    local long
    long=/$(printf 't%.0s' {1..120})
    run --separate-stderr whack --status --ctlbase "$long"
    assert_equal "$status" 1
    [[ $stderr == 'whack: --ctlbase /ttt'*'too long'* ]]
}

@test 'W9: a plutod that dies in the midst of a request: what came is shown, stderr, exit 1' {
    local said
    for said in '' $'102 begun\n' $'102 begun\n004 SA\n' $'102 begun\n1' $'102 begun\nend'; do
        printf '%s' "$said" >"$D/half"
        plutod_says dies <"$D/half"
        run --separate-stderr tell --initiate --name net --label me
        assert_equal "$status" 1
        assert_output "$(grep '^[0-9]* ' "$D/half" || true)"
        [[ $stderr == 'me: whack: plutod went away before the request was finished;'* ]] || fail "$stderr"
    done
}

@test 'a plutod that does not listen to the end' {
    plutod_says early <<<'032 no'
    run tell --status
    assert_equal "$status" 32
    plutod_says reset <<<''
    run --separate-stderr tell --status
    assert_equal "$status" 1
    [[ $stderr == 'whack: plutod went away before '* ]]
}

@test 'a standard output that is full is trouble' {
    plutod_says <<<'000 hello'
    run --separate-stderr bash -c "whack --ctlbase '$D/pluto' --status >/dev/full"
    assert_equal "$status" 1
    [[ $stderr == *'standard output'* ]]
}

@test 'a standard output that is closed is trouble, and nothing is sent' {
    plutod_says <<<'000 hello'
    local words
    for words in --status --help --version; do
        run --separate-stderr bash -c "whack --label me --ctlbase '$D/pluto' $words >&-"
        assert_equal "$words: $status $stderr" \
            "$words: 1 me: whack: stdout is closed: answers go there; give it a file or a pipe, or >/dev/null"
    done
    run bash -c "whack --help >/dev/full"
    assert_equal "$status" 1
    assert_output --partial 'whack: cannot write to stdout: No space left on device'
    run bash -c "whack --ctlbase '$D/pluto' --status <&- 2>&-"
    assert_equal "$status $output" '0 000 hello'
}

@test 'W12: --status --json: the document alone on stdout, all else on stderr, which counts for the exit status' {
    plutod_says <<'END'
002 listening
json {"schema":1
a line of another kind
json ,"x":"\u0000 000 a"}
END
    run --separate-stderr tell --listen --status --json
    assert_success
    assert_output $'{"schema":1\n,"x":"\\u0000 000 a"}'
    # shellcheck disable=SC2154 # run sets it
    assert_equal "$stderr" '002 listening'
    got hello whack-listen whack-status
    run grep -c '^whack-status json=yes$' "$D/got"
    assert_output 1
    plutod_says <<<$'json {"schema":1\n032 no memory'
    run --separate-stderr tell --status --json
    assert_equal "$status" 32
    assert_output '{"schema":1'
    plutod_says dies <<<'json {"schema":1'
    run --separate-stderr tell --status --json
    assert_equal "$status" 1
    [[ $stderr == *'went away before'* ]]
    plutod_says <<<'json {}' # nobody asked for it
    run tell --status
    assert_success
    assert_output ''
}
