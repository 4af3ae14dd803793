#!/usr/bin/env bats
# What shells complete: bash's functions as bash calls them, zsh's lists as _arguments gets them. The manual pages
# and --help, which are made from the same declaration, show the same options.

load lib/assert.bash

bats_require_minimum_version 1.5.0

setup() {
    trace_less
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    D=$BATS_TEST_TMPDIR
}

# completes WORD...: what bash offers for the last word, in one line; words are cut at = as bash does it.
completes() {
    bash -c '
        . "$0"
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        _ipsec
        echo "${COMPREPLY[*]}"' "$repo/build/completion/ipsec.bash" "$@"
}

@test '[P1] [W1] bash: options by their beginning, for each program and through ipsec' {
    assert_equal "$(completes whack --sta)" --status
    assert_equal "$(completes /usr/libexec/ipsec/whack --tunneli)" '--tunnelipv4 --tunnelipv6'
    assert_equal "$(completes plutod --no)" '--nofork --no-nat-t'
    assert_equal "$(completes ipsec pluto --no)" '--nofork --no-nat-t'
    assert_equal "$(completes ipsec whack --unl)" --unlisten
    assert_equal "$(completes ipsec nosuch --)" ''
}

# What stands in the list of ipsec(8).
ipsec_words() {
    sed -nE -e 's/^\.It Cm //p' -e 's/^\.It Fl /-/p' "$repo/whack/ipsec.8" | tr -d ' ' | tr , '\n' | sort
}

@test 'bash and zsh: what ipsec takes first is what its page says' {
    [ "$(ipsec_words | wc -l)" -gt 5 ]
    run diff <(completes ipsec '' | tr ' ' '\n' | sort) <(ipsec_words)
    assert_success
    assert_equal "$(completes ipsec --v)" --version
    # shellcheck disable=SC2016 # zsh's variables
    run diff <(zsh -fc 'compadd() { print -rl -- ${@:2} }
        service=ipsec words=(ipsec "") CURRENT=2
        . "$1"' zsh "$repo/build/completion/_ipsec" | sort) <(ipsec_words)
    assert_success
}

@test '[W1] bash: what was given is not offered again, but at the other end' {
    assert_equal "$(completes whack --status --sta)" ''
    assert_equal "$(completes whack --host 10.9.0.1 --hos)" ''
    assert_equal "$(completes whack --host 10.9.0.1 --to --hos)" --host
    assert_equal "$(completes whack --debug-raw --debug-ra)" --debug-raw
}

@test '[W2] bash: values: words, files, interfaces' {
    assert_equal "$(completes whack --ike '')" 'default classic'
    assert_equal "$(completes whack --pfsgroup ecp)" 'ecp256 ecp384 ecp521'
    assert_equal "$(completes whack --pfsgroup = ecp)" 'ecp256 ecp384 ecp521'
    assert_equal "$(completes whack --pfsgroup =)" "$(completes whack --pfsgroup '')"
    assert_equal "$(completes whack --keyingtries '')" ''
    assert_equal "$(completes plutod --interface l)" lo
    touch "$D/some.options"
    assert_equal "$(completes whack --optionsfrom "$D/so")" "$D/some.options"
}

@test '[W2] bash: the names of the connections that plutod knows' {
    printf '%s\n' '#!/bin/sh' "echo \"\$*\" >'$D/asked'" \
        "printf '%s\\n' '000 debug none' '000 \"net\": 10.9.0.1' '000 \"net\":   policy' '000 \"road\": x'" >"$D/whack"
    chmod 755 "$D/whack"
    assert_equal "$(completes "$D/whack" --ctlbase /run/it --initiate --name '')" 'net net road'
    assert_equal "$(<"$D/asked")" '--ctlbase /run/it --status'
    # As bash cuts --ctlbase=/run/that.
    assert_equal "$(completes "$D/whack" --ctlbase = /run/that --initiate --name = '')" 'net net road'
    assert_equal "$(<"$D/asked")" '--ctlbase /run/that --status'
    assert_equal "$(completes "$D/whack" --name r)" road
}

@test '[P1] [W1] zsh: the file is right, and lists what bash knows' {
    run zsh -n "$repo/build/completion/_ipsec"
    assert_success
    local program
    for program in whack plutod; do
        # shellcheck disable=SC2016 # zsh's variables
        zsh -fc '_arguments() { print -rl -- "$@" }
            service=$1 words=($1 --) CURRENT=2
            . "$2"' zsh "$program" "$repo/build/completion/_ipsec" >"$D/zsh"
        sed -E 's/^\*?(--[a-z0-9-]+).*/\1/' "$D/zsh" | sort >"$D/of-zsh"
        completes "$program" -- | tr ' ' '\n' | sort >"$D/of-bash"
        run diff "$D/of-zsh" "$D/of-bash"
        assert_success
        [ "$(wc -l <"$D/of-bash")" -gt 20 ]
    done
}

@test '[P1] [W1] --help and the manual page show what is completed, and nothing else' {
    local program
    for program in whack plutod; do
        completes "$program" -- | tr ' ' '\n' | sort >"$D/completed"
        "${IPSEC_DIR:-$repo/$program}/$program" --help | sed -nE '/^Known, but/q; s/^  (--[a-z0-9-]+).*/\1/p' | sort >"$D/helped"
        sed -nE 's/^\.It Fl \\-([a-z0-9-]+).*/--\1/p' "$repo/build/$program.8" | sort >"$D/paged"
        run diff "$D/completed" "$D/helped"
        assert_success
        run diff "$D/completed" "$D/paged"
        assert_success
    done
}

@test 'make install puts pages and completion where they are looked for' {
    run make -s -C "$repo" install DESTDIR="$D/root" PREFIX=/usr
    assert_success
    local file
    for file in man/man8/whack.8 man/man8/plutod.8 bash-completion/completions/{ipsec,whack,plutod} \
        zsh/site-functions/_ipsec; do
        [ -s "$D/root/usr/share/$file" ] || fail "$file is missing"
    done
    run grep -c '@' "$D/root/usr/share/man/man8/plutod.8"
    assert_output 0
}
