#!/usr/bin/env bats
# `make install`: all of it arrives and works from where it was put; its pages, its users, its unit are as they should be.
# Where the unit really runs: scenarios/systemd.bats.
# shellcheck disable=SC2154 # $output, $stderr are of bats' run

bats_require_minimum_version 1.5.0
load lib/assert.bash

# One installation for all tests, of what was built already, as for a package: with PREFIX=/usr, in a folder of its own.
setup_file() {
    export repo installed=$BATS_FILE_TMPDIR/root man=$BATS_FILE_TMPDIR/root/usr/share/man
    repo=$(CDPATH='' cd -- "$BATS_TEST_DIRNAME/.." && pwd)
    [ -n "${BUILD_DIR-}" ] || make -C "$repo" -s -o all install "DESTDIR=$installed" PREFIX=/usr 3>&-
}

setup() {
    trace_less
    [ -z "${BUILD_DIR-}" ] || skip 'what make asan built is not for installing'
    ipsec=$installed/usr/sbin/ipsec
}

pages() {
    find "$man" -type f
}

@test "install: programs, script, pages, unit, users: all of them, and nothing else" {
    local tool
    for tool in plutod whack secrets ike-negotiate kernel-sa dnskey updown; do
        assert_equal "$(stat -c %a "$installed/usr/libexec/ipsec/$tool")" 755
    done
    assert_equal "$(stat -c %a "$ipsec")" 755
    run -0 find "$installed" -type f ! -perm 755 ! -perm 644
    assert_output ''
    [ -s "$installed/usr/lib/systemd/system/plutod.service" ]
    [ -s "$installed/usr/lib/sysusers.d/plutod.conf" ]
    # Every page of the tree is there, in its section's folder.
    local page
    for page in "$repo"/*/*.[578]; do
        [ -s "$man/man${page##*.}/${page##*/}" ] || fail "$page is not installed"
    done
    [ -s "$man/man5/records.5" ]
}

# What the programs say of where they were built is for debuggers.
@test "install: nothing that arrives names the tree that it was made in, or another PREFIX" {
    run -1 grep -rlF /usr/local "$installed"
    run -1 grep -rlIF "$repo" "$installed"
}

@test "install: the paths that pages and the unit name are those that things were installed to" {
    local path file
    grep -q 'ExecStart=/usr/libexec/ipsec/plutod' "$man/man8/plutod.8"
    while IFS=: read -r file path; do
        [ -e "$installed$path" ] || fail "$file: $path is not installed"
    done < <(cd "$installed" && grep -rIoE '/usr/(lib|libexec|s?bin|share)/[A-Za-z0-9./_-]*[A-Za-z0-9_-]' usr/share/man usr/lib)
}

# On a page, the tools that `ipsec` runs are named by .Cm; its own words by .Fl.
@test "ipsec: what its page and its usage promise is there" {
    local word
    while read -r word; do
        case $word in
        _updown) run -1 "$ipsec" _updown && assert_output --partial PLUTO_VERB ;;
        *) run -0 "$ipsec" "$word" --version ;;
        esac
        run -0 grep -cE "(^|[ ,])$word( |,|\$)" <("$ipsec" --help)
    done < <(sed -nE 's/^\.It Cm //p' "$man/man8/ipsec.8" | tr -d ' ' | tr , '\n')
}

@test "install: every page reads without a warning, and is found" {
    local page
    [ "$(pages | wc -l)" -ge 8 ]
    while read -r page; do
        run -0 mandoc -Tlint -W warning "$page"
        assert_output ''
        run -0 man -M "$man" -w "${page##*.}" "$(basename "${page%.*}")"
        assert_output "$page"
        run -0 --separate-stderr man -P cat -l "$page"
        assert_equal "$stderr" ''
        assert_line NAME
    done < <(pages)
}

@test "install: what a page refers to is there, or of Linux" {
    local page name section
    while read -r page name section; do
        [ -e "$man/man$section/$name.$section" ] || case "$name($section)" in
        'ip-route(8)' | 'ip-xfrm(8)' | 'syslog(3)' | 'sd_notify(3)' | 'resolv.conf(5)' | 'hosts(5)' | 'ssh-keygen(1)') ;;
        *) fail "$page refers to $name($section), which is not installed" ;;
        esac
    done < <(cd "$man" && grep -rE '^\.Xr ' . | sed 's/:\.Xr//' | cut -d ' ' -f 1-3)
}

@test "ipsec: the names of the manual, from where it is installed and from the tree" {
    local file
    ln -s "$ipsec" "$BATS_TEST_TMPDIR/link"
    for file in "$ipsec" "$BATS_TEST_TMPDIR/link" "$repo/whack/ipsec"; do
        run -0 "$file" pluto --version
        assert_output --regexp '^plutod [0-9]'
        run -0 "$file" --version
        assert_output --regexp '^plutod [0-9]'
        run -0 "$file" whack --help
        assert_line --partial ' --listen'
        run -0 "$file" secrets --version
        assert_output --regexp '^secrets [0-9]'
        run -1 "$file" _updown
        assert_output --partial 'updown: PLUTO_VERB is not set'
    done
    cd "${ipsec%/*}"
    PATH=$PWD:$PATH run -0 ipsec whack --version
    run -0 sh ipsec whack --version
}

@test "ipsec: the tool's exit status, words and name are the tool's own" {
    run -1 --separate-stderr "$ipsec" whack --listen 'a  b'
    assert_equal "$output" ''
    [[ $stderr == "whack: a  b: "* ]] || fail "$stderr"
    mkdir "$BATS_TEST_TMPDIR/tools"
    # shellcheck disable=SC2016 # the script's
    printf '%s\n' '#!/bin/sh' 'printf "<%s>" "$@"; exit 42' >"$BATS_TEST_TMPDIR/tools/whack"
    chmod 755 "$BATS_TEST_TMPDIR/tools/whack"
    IPSEC_DIR=$BATS_TEST_TMPDIR/tools run -42 "$ipsec" whack 'one  word' '' '*' --help
    assert_output '<one  word><><*><--help>'
}

@test "ipsec: misuse is 100, what is not there 111, and both say what to do" {
    run -0 --separate-stderr "$ipsec" --help
    assert_line --partial 'Usage: ipsec TOOL'
    run -100 --separate-stderr "$ipsec"
    assert_equal "$output" ''
    [[ $stderr == Usage:* ]] || fail "$stderr"
    local word
    for word in nonsense ../sbin/ipsec '' --nonsense updown; do
        run -100 "$ipsec" "$word"
        assert_output "ipsec: $word: no tool and no option of this name (see ipsec --help)"
    done
    run -100 "$ipsec" --version now
    assert_output "ipsec: --version: takes no argument, but there is 'now'"
    IPSEC_DIR=$BATS_TEST_TMPDIR run -111 "$ipsec" whack
    assert_output "ipsec: $BATS_TEST_TMPDIR/whack: no such program; build or install it, or set IPSEC_DIR to its folder"
    run -111 sh -c "'$ipsec' --help >/dev/full"
    assert_output --partial 'ipsec: cannot write to stdout'
}

@test "sysusers.d: systemd makes of it the users that the tools change to, one for each, nobody else's" {
    local root=$BATS_TEST_TMPDIR/root user
    mkdir -p "$root/etc"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh daemon:x:1:1:daemon:/:/usr/sbin/nologin >"$root/etc/passwd"
    printf '%s\n' root:x:0: daemon:x:1: >"$root/etc/group"
    run -0 systemd-sysusers --root="$root" "$installed/usr/lib/sysusers.d/plutod.conf"
    for user in ipsec-negotiate ipsec-secrets ipsec-kernel ipsec-dns; do
        grep -q "\"$user\"" "$repo/lib/sandbox.c"
        run -0 grep "^$user:" "$root/etc/passwd"
        assert_output --regexp ':/usr/sbin/nologin$'
        grep -q "^$user:x:$(cut -d: -f4 <<<"$output"):$" "$root/etc/group"
    done
    assert_equal "$(cut -d: -f3 "$root/etc/passwd" | sort -u | wc -l)" 6
    assert_equal "$(grep -c . "$root/etc/passwd")" 6
    # Names without a user there would be run under a number.
    assert_equal "$(grep -c '{ "ipsec-' "$repo/lib/sandbox.c")" 4
}

@test "[P10] systemd: the unit is without an error, and its exposure what docs/decisions/systemd.md says" {
    local figure
    # The unit's own words, not those that it is after. verify looks for its programs and pages from /.
    sed -e "s|/usr/libexec|$installed/usr/libexec|" "$installed/usr/lib/systemd/system/plutod.service" \
        >"$BATS_TEST_TMPDIR/plutod.service"
    MANPATH=$man: run -0 systemd-analyze verify --recursive-errors=no "$BATS_TEST_TMPDIR/plutod.service"
    assert_output ''
    run -0 systemd-analyze security --offline=true --no-pager "$installed/usr/lib/systemd/system/plutod.service"
    figure=$(sed -n 's/.*Overall exposure level for plutod.service: \([0-9.]*\) .*/\1/p' <<<"$output")
    grep -qF "exposure of $figure" "$repo/docs/decisions/systemd.md" || fail "exposure $figure"
}
