# vector.awk - two logs of charon, the initiator's and the responder's, made into one file of name=hex lines
#
# A value in the log is a line "... NAME => N bytes @ ADDRESS" and lines of up to 16 bytes below it. Called by capture.

# The bytes of "   0: 4E EC 1B 11  ...." in lower case, without blanks.
function hex_of(line,   n, words, i, out) {
    sub(/^[^:]*: /, "", line)
    line = substr(line, 1, 47)
    n = split(tolower(line), words, " ")
    for (i = 1; i <= n; i++) {
        out = out words[i]
    }
    return out
}

function number(text,   i, value) {
    for (i = 1; i <= length(text); i++) {
        value = value * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
    }
    return value
}

# The body of the first payload of that type in a clear message or decrypted chain.
function body_of(text, next_type, type,   at, len) {
    for (at = 1; next_type != 0; at += 2 * len) {
        len = number(substr(text, at + 4, 4))
        if (next_type == type) {
            return substr(text, at + 8, 2 * len - 8)
        }
        next_type = number(substr(text, at, 2))
        if (len < 4) {
            break
        }
    }
    return ""
}

function payload(message, type) {
    return body_of(substr(message, 57), number(substr(message, 33, 2)), type)
}

function say(name, value) {
    if (value == "") {
        print "vector.awk: no " name " in the log of " ike > "/dev/stderr"
        missing = 1
    }
    print name "=" value
}

function keep(   side) {
    if (name == "") {
        return
    }
    side = FILENUMBER
    count[side, name]++
    value[side, name, count[side, name]] = bytes
    name = ""
}

# The one value of that name in the initiator's log, or the given one.
function ours(what, which) {
    return value[1, what, which ? which : 1]
}

FNR == 1 {
    keep()
    FILENUMBER++
}

/^[0-9]+\[[A-Z]+\] .* => [0-9]+ bytes @ / {
    keep()
    thread = substr($0, 1, index($0, "]"))
    name = $0
    sub(/^[0-9]+\[[A-Z]+\] */, "", name)
    sub(/ => [0-9]+ bytes @ .*/, "", name)
    sub(/ for MID [0-9]+/, "", name)
    bytes = ""
    next
}

# Lines of other threads may stand in between.
name != "" && substr($0, 1, length(thread)) == thread && /^[0-9]+\[[A-Z]+\] +[0-9]+: / {
    line = $0
    sub(/^[0-9]+\[[A-Z]+\] +/, "", line)
    bytes = bytes hex_of(line)
    next
}

/CHILD_SA .* established with SPIs / && FILENUMBER == 1 {
    keep()
    spis = $0
    sub(/.* with SPIs /, "", spis)
    split(spis, part, " ")
    spi_i = substr(part[1], 1, 8)
    spi_r = substr(part[2], 1, 8)
}

END {
    keep()
    for (i = 1; i <= 5; i++) {
        from_i[i] = value[2, "received packet", i]
        from_r[i] = value[1, "received packet", i]
    }
    print "# IKEv1 between two charons (" version "), made by tests/vectors/charon/capture"
    print "ike=" ike
    print "esp=" esp
    print "pfs=" pfs
    print "psk=" psk
    say("cky_i", substr(from_r[1], 1, 16))
    say("cky_r", substr(from_r[1], 17, 16))
    for (i = 1; i <= 3; i++) {
        say("message_" 2 * i - 1, from_i[i])
        say("message_" 2 * i, from_r[i])
    }
    for (i = 1; i <= 2; i++) {
        say("quick_" 2 * i - 1, from_i[3 + i])
        if (i == 1) {
            say("quick_2", from_r[4])
        }
    }
    say("sai_b", payload(from_i[1], 1))
    say("g_xi", payload(from_i[2], 4))
    say("ni_b", payload(from_i[2], 10))
    say("g_xr", payload(from_r[2], 4))
    say("nr_b", payload(from_r[2], 10))
    say("g_xy", ours("shared Diffie Hellman secret"))
    say("skeyid", ours("SKEYID"))
    say("skeyid_d", ours("SKEYID_d"))
    say("skeyid_a", ours("SKEYID_a"))
    say("skeyid_e", ours("SKEYID_e"))
    say("key", ours("encryption key Ka"))
    say("iv", ours("initial IV"))
    # "plain" with its padding is what the receiver prints: first the side that received.
    say("plain_5", value[2, "plain", 1])
    say("hash_i", ours("HASH_I"))
    say("iv_after_5", ours("next IV", 1))
    say("plain_6", ours("plain", 2))
    say("hash_r", ours("HASH_R"))
    say("iv_after_6", ours("next IV", 2))
    say("iv_quick_1", ours("next IV", 3))
    say("plain_quick_1", value[2, "plain", 3])
    say("iv_quick_2", ours("next IV", 4))
    plain_2 = ours("plain", 4)
    say("plain_quick_2", plain_2)
    say("iv_quick_3", ours("next IV", 5))
    say("plain_quick_3", value[2, "plain", 5])
    say("hash_1", ours("Hash(1)"))
    say("hash_2", ours("Hash(2)"))
    say("hash_3", ours("Hash(3)"))
    say("quick_ni_b", body_of(value[2, "plain", 3], 8, 10))
    say("quick_nr_b", body_of(plain_2, 8, 10))
    if (pfs != "no") {
        say("quick_g_xi", body_of(value[2, "plain", 3], 8, 4))
        say("quick_g_xr", body_of(plain_2, 8, 4))
        say("quick_g_xy", ours("DH secret"))
    }
    say("spi_i", spi_i)
    say("spi_r", spi_r)
    # For what the initiator sends (under the responder's SPI), and for what the responder sends.
    say("keymat_i", ours("encryption initiator key") ours("integrity initiator key"))
    say("keymat_r", ours("encryption responder key") ours("integrity responder key"))
    exit missing
}
