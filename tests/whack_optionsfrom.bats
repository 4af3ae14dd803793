#!/usr/bin/env bats
# whack --optionsfrom, in front of a stand-in for plutod: files of options, and streams of calls.
# shellcheck disable=SC2154 # lib/whack.bash's words

load lib/whack.bash

@test 'P2: --optionsfrom splices words in place, with quotes, and nested' {
    printf '# a comment\n--name net --psk\n--encrypt "--host" 10.9.0.1 --updown "/bin/echo two"\n' >"$D/left"
    printf '%s\n' "--optionsfrom $D/left" '--to --host 10.9.0.2' >"$D/all"
    plutod_says <<<''
    run tell --optionsfrom "$D/all" --ikeport 1500
    assert_success
    run sed -n 2p "$D/got"
    assert_output --partial ' left-updown=/bin/echo%20two right-host=10.9.0.2 right-ikeport=1500 '

    printf '%s\n' "--optionsfrom $D/loop" >"$D/loop"
    refused "$D/loop:1:1: --optionsfrom: $D/loop: more than 10 files within files" --optionsfrom "$D/loop"
    refused "--optionsfrom: cannot open $D/missing: No such file" --optionsfrom "$D/missing"
    printf '%s\n' '# quoted' '--name "net' >"$D/quote"
    refused "$D/quote:2:8: a quote is not closed on this line" --optionsfrom "$D/quote"
    # Words of a file keep the rules of the command line.
    printf '%s\n' '--status' >"$D/twice"
    refused '--status: repeated' --optionsfrom "$D/twice" --status
}

# file TEXT: in $D/file
file() {
    printf '%s\n' "$@" >"$D/file"
}

@test 'P2: what is wrong in an option file is named by file, line and column' {
    file '--name net --psk' '   --encrypt  --ikeport 0'
    refused "$D/file:2:15: --ikeport 0: out of range" --optionsfrom "$D/file" --host 10.9.0.1
    file '--name net --psk' '--host 10.9.0.1' '--host 10.9.0.2'
    refused "$D/file:3:1: --host 10.9.0.2: repeated; each end takes it once" --optionsfrom "$D/file"
    file '--name net --psk --encrypt --host 10.9.0.1' '--client 10.1.0.0/24 --to --host 10.9.0.2' '--client 10.2.0.0/33'
    refused "$D/file:3:1: --client 10.2.0.0/33: " --optionsfrom "$D/file"
    file '--name net --psk --host 10.9.0.1' '--client 10.1.0.0/24 --to --host 10.9.0.2' '--client 10.2.0.0/24'
    refused "$D/file:2:1: --client 10.1.0.0/24: goes with" --optionsfrom "$D/file"
    file '--psk --host 10.9.0.1 --to --host 10.9.0.2'
    refused "$D/file:1:1: --name: missing" --optionsfrom "$D/file"
    file '--status' ' word'
    refused "$D/file:2:2: word: superfluous" --optionsfrom "$D/file"
    file '--status --nosuch'
    refused "$D/file:1:10: --nosuch: unknown option" --optionsfrom "$D/file"
    file "--optionsfrom '$D/missing'"
    refused "$D/file:1:1: --optionsfrom: cannot open $D/missing" --optionsfrom "$D/file"
    printf '%s\n' '' "--optionsfrom $D/file" >"$D/outer"
    file '--name net' '--authenticate --psk --host 10.9.0.1 --to --host 10.9.0.2'
    refused "$D/file:2:1: --authenticate: not supported yet" --optionsfrom "$D/outer"
    # What stands on the command line is named without a place.
    refused '--ikeport 0: out of range' --optionsfrom "$D/outer" --ikeport 0
}

# streamed TEXT WORD...: whack with the text on its standard input, to a stand-in that answers nothing
streamed() {
    local text=$1
    shift
    plutod_says <<<''
    run --separate-stderr tell "$@" --optionsfrom - < <(printf '%s\n' "$text")
}

@test 'P2: --optionsfrom -: a call for each line that begins in its first column' {
    streamed '# all of them
--name a --psk --host 10.9.0.1 --to --host 10.9.0.2
--delete --name b --psk
# within it
    --host 10.9.0.1 \
--to
	--host 10.9.0.2

  --status
--listen'
    assert_success
    got hello whack-connection whack-connection whack-status whack-listen
    run grep -c 'name=b .*left-host=10.9.0.1 .*right-host=10.9.0.2 .*replace=yes' "$D/got"
    assert_output 1
}

@test 'P2: --optionsfrom -: the words of the command line are part of each call' {
    streamed '--name a --host 10.9.0.1
--name b --host 10.9.0.3' --psk --encrypt --to --host 10.9.0.2
    assert_equal "$status" 1 # --to comes first: both hosts would be of one end
    # shellcheck disable=SC2154 # set by run
    assert_equal "$stderr" 'whack: stdin:1:10: --host 10.9.0.1: repeated; each end takes it once (is --to missing between the ends?)
whack: stdin:2:10: --host 10.9.0.3: repeated; each end takes it once (is --to missing between the ends?)'
    got hello
    plutod_says <<<''
    run tell --psk --encrypt --host 10.9.0.2 --to --optionsfrom - --keyingtries 5 < <(printf '%s\n' '--name a --host 10.9.0.1' \
        '--name b --host 10.9.0.3')
    assert_success
    assert_equal "$(grep -c 'left-host=10.9.0.2 .*policy=psk,encrypt .*keyingtries=5' "$D/got")" 2
}

@test 'P2: --optionsfrom -: a call that is wrong is named by line and column, the others are sent' {
    streamed '--name a --psk --host 10.9.0.1 --to --host 10.9.0.2
--name b --psk --host 10.9.0.1
    --to --host 10.9.0.2 --ikeport x
--name "c --psk
--optionsfrom -
--status --optionsfrom /nonexistent
--status --ctlbase /elsewhere
--label other --status
--help
--status' --label me
    assert_equal "$status" 1
    assert_equal "$stderr" "me: whack: stdin:3:26: --ikeport x: not a decimal number
me: whack: stdin:4:8: a quote is not closed on this line
me: whack: stdin:5:1: --optionsfrom -: standard input is read once, and does not name itself
me: whack: stdin:6:10: --optionsfrom: cannot open /nonexistent: No such file or directory
me: whack: stdin:7:10: --ctlbase /elsewhere: repeated; it may be given once
me: whack: stdin:8:1: --label other: repeated; it may be given once
me: whack: stdin:9:1: --help and --version: stand on the command line"
    got hello whack-connection whack-status
}

@test 'P2: --optionsfrom -: nothing, binary data, a call without end' {
    streamed ''
    assert_success
    got hello
    plutod_says <<<''
    run --separate-stderr tell --optionsfrom - < <(printf -- '--status\n--na\0me x\n--status\n')
    assert_equal "$status" 1
    assert_equal "$stderr" 'whack: stdin:2:1: no text: it holds a NUL byte'
    got hello whack-status whack-status
    plutod_says <<<''
    run --separate-stderr tell --optionsfrom - < <(echo --status; yes ' --debug-raw' | head -c 1000000; printf '\n%s\n' --status)
    assert_equal "$status" 1
    assert_equal "$stderr" 'whack: stdin:1:1: a call of more than 262144 bytes'
    got hello whack-status
    plutod_says <<<''
    run --separate-stderr tell --optionsfrom - < <(head -c 1000000 /dev/zero | tr '\0' x)
    assert_equal "$status" 1
    assert_equal "$stderr" 'whack: stdin:1:1: a call of more than 262144 bytes'
    run --separate-stderr tell --optionsfrom - --ctlbase "$D/nobody" <<<--status
    assert_equal "$status" 1
}

@test 'W4: --optionsfrom -: a name without an address is 029 with its place, and the next call is sent' {
    streamed '--name a --psk --host nowhere.invalid --to --host 10.9.0.2
--status'
    assert_equal "$status" 29
    assert_output --regexp '^029 stdin:1:16: --host nowhere.invalid: the name has no IPv4 address'
    got hello whack-status
}
