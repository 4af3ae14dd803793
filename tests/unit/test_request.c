/*
 * What whack takes and refuses before anybody is asked [W1]-[W8] [W13]: forms, and what must stand
 * together, on both ends, whatever the order.
 */
#include "whack/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOSTS "--name n --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2"
#define PLAIN "--name n --psk --host 10.9.0.1 --to --host 10.9.0.2"
#define SHUNT "--name n --host 10.9.0.1 --to --host 10.9.0.2"
#define OPPO "--encrypt --pfs --host 10.9.0.1 --nexthop %direct --to --host %opportunistic"
#define KEY512 "0103c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00" \
               "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee01"

#define MODULUS_HEAD "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00" \
                     "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee"
static const char exponent_1[] = "0x0101" MODULUS_HEAD "01";
static const char even[] = "0x0103" MODULUS_HEAD "02";

static const char *resolver(void *context, const char *option, const char *name, unsigned family,
                            struct address *a)
{
    (void)context;
    (void)option;
    if (strcmp(name, "gate") == 0) {
        return address_parse(a, family == 6 ? "2001:db8::9" : "10.9.0.9");
    }
    return "no address found";
}

/* The words of `line`, cut at blanks. NULL: taken, and *r is to be freed. */
static const char *take(struct request *r, const char *line)
{
    static char why[CONNECTION_WHY];
    static char copy[4000];
    char *argv[100] = { (char[]){ "whack" } };
    int argc = 1;

    snprintf(copy, sizeof copy, "%s", line);
    for (char *at = copy, *word; (word = strsep(&at, " ")) != NULL && argc < 99;) {
        if (word[0] != '\0') {
            argv[argc++] = word;
        }
    }
    if (request_read(r, argc, argv, NULL, resolver, NULL, why)) {
        return NULL;
    }
    request_done(r);
    return why;
}

static void bad(const char *line, const char *start)
{
    struct request r;
    const char *why = take(&r, line);
    if (why == NULL || strncmp(why, start, strlen(start)) != 0) {
        fail_msg("%s\n  said: %s\n  not:  %s", line, why == NULL ? "(taken)" : why, start);
    }
}

/* The records that it makes. */
static void good(const char *line, const char *records)
{
    struct request r;
    struct buffer out;
    const char *why = take(&r, line);
    if (why != NULL) {
        fail_msg("%s\n  said: %s", line, why);
    }
    buffer_init(&out, RECORD_MAX);
    assert_true(request_records(&out, &r));
    buffer_add(&out, "", 1);
    if (records != NULL) {
        assert_string_equal((char *)out.data, records);
    }
    buffer_wipe(&out);
    request_done(&r);
}

/* Right in every respect, but nobody does it yet: a wrong value is named as wrong before that is said. */
static void later(const char *line, const char *option)
{
    char want[200];
    snprintf(want, sizeof want, "%s: not supported yet", option);
    bad(line, want);
}

/* Whatever else is missing: nothing that is mended would help. */
static void test_opportunistic(void **state)
{
    (void)state;
    later("--name n --psk --host %opportunistic --to --host 10.9.0.2", "--host %opportunistic");
    later("--name n --rsasig " OPPO, "--host %opportunistic");
    later("--name n --psk --encrypt --host %defaultroute --to --host 10.9.0.2", "--host %defaultroute");
    later("--name n --psk --encrypt --host 10.9.0.1 --nexthop %defaultroute --to --host 10.9.0.2",
          "--nexthop %defaultroute");
    bad("--name n --psk --encrypt --host %nosuch --to --host 10.9.0.2",
        "--host %nosuch: no such word; there is %any, for either family");
    bad("--name n --psk --encrypt --host %any6 --to --host 10.9.0.2",
        "--host %any6: no such word; there is %any, for either family");
    bad(HOSTS " --nexthop %any", "--nexthop %any: no such word; there is %direct");
}

/* [W4] --host and --nexthop are addresses of hosts. */
static void w4_addresses_of_no_host(void **state)
{
    (void)state;
    bad(HOSTS " --nexthop 224.0.0.1", "--nexthop 224.0.0.1: a multicast address");
    bad(HOSTS " --nexthop 255.255.255.255", "--nexthop 255.255.255.255: the broadcast address");
    bad("--name n --psk --host 10.9.0.1 --to --host 224.0.0.1", "--host 224.0.0.1: a multicast address");
    bad("--name n --psk --host 239.255.255.255 --to --host 10.9.0.1", "--host 239.255.255.255: a multicast address");
    bad("--name n --psk --host 10.9.0.1 --to --host 255.255.255.255", "--host 255.255.255.255: the broadcast address");
    bad("--name n --psk --host 2001:db8::1 --to --host ff02::1", "--host ff02::1: a multicast address");
    bad("--name n --psk --host 10.9.0.1 --to --host 240.0.0.0", "--host 240.0.0.0: an address of 240.0.0.0/4, which is reserved");
    bad("--name n --psk --host 240.1.1.1 --to --host 10.9.0.1", "--host 240.1.1.1: an address of 240.0.0.0/4, which is reserved");
    bad(HOSTS " --nexthop 255.255.255.254", "--nexthop 255.255.255.254: an address of 240.0.0.0/4, which is reserved");
    bad("--name n --psk --host 10.9.0.1 --to --host 0.0.0.1", "--host 0.0.0.1: an address of 0.0.0.0/8");
    bad("--name n --psk --host 0.255.255.255 --to --host 10.9.0.1", "--host 0.255.255.255: an address of 0.0.0.0/8");
    bad("--name n --psk --host 2001:db8::1 --to --host ::ffff:10.9.0.2", "--host ::ffff:10.9.0.2: an IPv4 address in the form of");
    bad("--name n --psk --host 10.9.0.1 --nexthop 10.9.0.1 --to --host 10.9.0.2",
        "--nexthop 10.9.0.1: that is the host itself (--host)");
    good("--name n --psk --host 10.9.0.1 --nexthop 10.9.0.2 --to --host 10.9.0.2", NULL);
    good("--name n --psk --host 223.255.255.255 --to --host 1.0.0.0", NULL);
    good("--name n --psk --host 2001:db8::1 --to --host ::fffe:10.9.0.2", NULL);
    good("--name n --psk --encrypt --host 10.9.0.1 --nexthop 0.0.0.0 --to --host 0.0.0.0", NULL);
}

static void test_policy(void **state)
{
    (void)state;
    good("--name n --rsasig --host 10.9.0.1 --to --host 10.9.0.2", NULL);
    good(HOSTS " --rsasig", NULL);
    later(PLAIN " --authenticate --client 10.2.0.0/24 --tunnel --pfs --compress", "--authenticate");
    later(HOSTS " --compress", "--compress");
    later(HOSTS " --disablearrivalcheck", "--disablearrivalcheck");
    later(HOSTS " --dnskeyondemand", "--dnskeyondemand");
    bad("--name n --encrypt --host 10.9.0.1 --to --host 10.9.0.2", "--psk: missing");
    bad(PLAIN " --compress", "--compress: goes with --encrypt or --authenticate only");
    bad(PLAIN " --disablearrivalcheck", "--disablearrivalcheck: goes with --encrypt or --authenticate only");
    bad(PLAIN " --ah sha1", "--ah sha1: goes with --authenticate only");
    bad(HOSTS " --ah sha1", "--ah sha1: goes with --authenticate only");
    bad(HOSTS " --authenticate --ah crc32", "--ah crc32: unknown hash");
    bad(HOSTS " --authenticate --ah default,sha2_256_96", "--ah default,sha2_256_96: sha2_256 and sha2_256_96");
    bad(PLAIN " --authenticate --esp aes128-sha1", "--esp aes128-sha1: goes with --encrypt only");
    later(HOSTS " --authenticate --ah sha2_512,classic", "--authenticate");
    bad(HOSTS " --fragmentation force", "--fragmentation force: must be one of yes|no");
}

static void test_shunts(void **state)
{
    (void)state;
    later(SHUNT " --pass --client 10.2.0.0/24", "--pass"); /* needs neither --psk nor --encrypt */
    later(SHUNT " --drop", "--drop");
    later(SHUNT " --reject --clientprotoport udp", "--reject");
    later(HOSTS " --initiateontraffic --failpass", "--initiateontraffic");
    later(HOSTS " --pass --faildrop", "--pass");
    bad(SHUNT " --initiateontraffic", "--psk: missing");
    bad(SHUNT " --failpass", "--psk: missing");
    bad(SHUNT " --pass --drop", "--drop: contradicts --pass");
    bad(SHUNT " --reject --initiateontraffic", "--reject: contradicts --initiateontraffic");
    bad(HOSTS " --failreject --failnone", "--failreject: contradicts --failnone");
    bad(SHUNT " --pass --tunnel", "--tunnel: goes with --encrypt or --authenticate only");
}

static void test_dpd(void **state)
{
    (void)state;
    later(HOSTS " --dpddelay 5 --dpdtimeout 6 --dpdaction restart", "--dpddelay 5");
    bad(HOSTS " --dpddelay 0", "--dpddelay 0: out of range, 1 to 86400 is allowed");
    bad(HOSTS " --dpdtimeout 30", "--dpdtimeout 30: goes with --dpddelay only");
    bad(HOSTS " --dpdaction hold", "--dpdaction hold: goes with --dpddelay only");
    bad(HOSTS " --dpddelay 30 --dpdtimeout 30", "--dpdtimeout 30: must be greater than --dpddelay 30");
}

static void test_protoport(void **state)
{
    (void)state;
    static const char *const right[] = { "tcp", "tcp/80", "17/1701", "udp/%any", "icmp", "50", "255",
                                         "sctp/65535", "tcp/0", "50/0" };
    static const char *const wrong[] = { "0", "256", "tcpp", "/", "", "tcp/", "tcp/65536", "tcp/-1",
                                         "icmp/8", "1e1", "tcp/80/80", "0x6", "TCP" };
    char line[400];
    char option[60];
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        snprintf(option, sizeof option, "--clientprotoport %s", right[i]);
        snprintf(line, sizeof line, "%s %s", HOSTS, option);
        later(line, option);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        snprintf(line, sizeof line, "%s --clientprotoport=%s", HOSTS, wrong[i]);
        snprintf(option, sizeof option, "--clientprotoport %s: ", wrong[i][0] == '\0' ? "''" : wrong[i]);
        bad(line, option);
    }
    bad("--name n --psk --encrypt --host 10.9.0.1 --clientprotoport tcp --to --host 10.9.0.2"
        " --clientprotoport udp/53", "--clientprotoport udp/53: another protocol than the other end's, tcp");
    bad(PLAIN " --clientprotoport tcp", "--clientprotoport tcp: goes with --encrypt or --authenticate only");
}

static void test_keys(void **state)
{
    (void)state;
    good("--keyid @gate.example.com --pubkeyrsa 0x" KEY512, "whack-key keyid=@gate.example.com pubkeyrsa=" KEY512 "\n");
    good("--keyid 10.9.0.1 --addkey", "whack-key keyid=10.9.0.1 addkey=yes\n");
    good("--keyid gate --addkey --pubkeyrsa 0x" KEY512, "whack-key keyid=10.9.0.9 addkey=yes pubkeyrsa=" KEY512 "\n");
    good("--route --name n --pubkeyrsa 0x" KEY512 " --listen --keyid @a", /* [W8] */
         "whack-listen\nwhack-key keyid=@a pubkeyrsa=" KEY512 "\nwhack-route name=n\n");
    bad("--addkey", "--addkey: goes with --keyid only");
    bad("--pubkeyrsa 0x01", "--pubkeyrsa 0x01: goes with --keyid only");
    bad("--keyid nowhere", "--keyid nowhere: no address found");
    bad("--keyid %any", "--keyid %any: not an identity");
    bad("--keyid %myid", "--keyid %myid: not an identity");
    bad("--keyid @", "--keyid @: ");
    bad("--keyid @a --name n", "--name n: superfluous");
    static const char *const wrong[] = { "x", "0x", "0x1", "0s0s", "0s!", "0x0103", "0x0003",
        "0x00000003ff", /* a length of 0 */
        "0x0103c0ffee", /* 24 bits */
        exponent_1, even };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[400];
        char start[60];
        snprintf(line, sizeof line, "--keyid @a --pubkeyrsa %s", wrong[i]);
        snprintf(start, sizeof start, "--pubkeyrsa %.20s", wrong[i]);
        bad(line, start);
    }
}

static void test_oppo_and_explain(void **state)
{
    (void)state;
    later("--oppohere 10.9.0.1 --oppothere 10.9.0.2", "--oppohere 10.9.0.1");
    later("--oppohere gate --oppothere 10.9.0.2 --tunnelipv4", "--oppohere gate");
    later("--tunnelipv6 --oppothere gate --oppohere 2001:db8::1", "--oppothere gate");
    bad("--oppohere 10.9.0.1", "--oppothere: missing");
    bad("--oppothere 10.9.0.1", "--oppohere: missing");
    bad("--oppohere 10.9.0.1 --oppothere %any", "--oppothere %any: one address is wanted, no wildcard");
    bad("--oppohere 0.0.0.0 --oppothere 10.9.0.1", "--oppohere 0.0.0.0: one address is wanted");
    bad("--oppohere 10.9.0.1 --oppothere 2001:db8::1", "--oppothere 2001:db8::1: an IPv6 address, but IPv4");
    bad("--oppohere 10.9.0.1 --oppothere 10.9.0.2 --tunnelipv6", "--oppohere 10.9.0.1: an IPv4 address, but IPv6");
    bad("--oppohere 10.9.0.1 --oppothere 10.9.0.2 --tunnelipv6 --tunnelipv4", "--tunnelipv6: contradicts");
    bad("--tunnelipv6", "--tunnelipv6: goes with the connection form or --oppohere only");
    good("--explain --name n", "whack-explain name=n\n");
    good("--explain --from 10.9.0.1 --to 10.9.0.2", "whack-explain from=10.9.0.1 to=10.9.0.2\n");
    good("--to=10.9.0.2 --from gate --explain", "whack-explain from=10.9.0.9 to=10.9.0.2\n");
    bad("--explain", "--explain: wants either --name NAME, or --from ADDRESS --to ADDRESS");
    bad("--explain --name n --from 10.9.0.1 --to 10.9.0.2", "--explain: wants either");
    bad("--explain --from 10.9.0.1", "--to: missing; --explain --from needs it");
    bad("--explain --to 10.9.0.1", "--from: missing; --explain --to needs it");
    bad("--explain --from 10.9.0.1 --to 2001:db8::1", "--to 2001:db8::1: an IPv6 address, but IPv4");
    bad("--name n --psk --host 10.9.0.1 --to 10.9.0.2",
        "--to 10.9.0.2: goes with --explain --from only; an end's address stands after --host");
    good("--events", "whack-events\n");
    good("--events --name n", "whack-events name=n\n");
    good("--status --json", "whack-status json=yes\n");
}

static void test_myid(void **state)
{
    (void)state;
    good("--myid @Gate.example.com", "whack-myid myid=@Gate.example.com\n");
    good("--myid gate --listen", "whack-myid myid=10.9.0.9\nwhack-listen\n");
    good("--my=user@example.com", "whack-myid myid=user@example.com\n");
    bad("--myid %myid", "--myid %myid: not an identity of somebody");
    bad("--myid %any", "--myid %any: not an identity of somebody");
    bad("--myid nowhere", "--myid nowhere: no address found");
    bad("--myid @a --name n", "--name n: superfluous");
    good("--name n --psk --id %myid --host 10.9.0.1 --to --host 10.9.0.2",
         "whack-connection name=n left-host=10.9.0.1 left-id=%25myid left-ikeport=500 right-host=10.9.0.2 "
         "right-ikeport=500 policy=psk family=ipv4 tunnel-family=ipv4 ike=default ikelifetime=10800 "
         "ipseclifetime=3600 rekeymargin=540 rekeyfuzz=100 keyingtries=3 replace=no\n");
    good("--shutdown", "whack-shutdown\n");
    good("--leave --shut", "whack-shutdown leave-state=yes\n");
}

/* Is this piece of a record in what the line makes? */
static bool makes(const char *line, const char *piece)
{
    struct request r;
    struct buffer out;
    const char *why = take(&r, line);
    if (why != NULL) {
        fail_msg("%s\n  said: %s", line, why);
    }
    buffer_init(&out, RECORD_MAX);
    assert_true(request_records(&out, &r));
    buffer_add(&out, "", 1);
    bool found = strstr((char *)out.data, piece) != NULL;
    buffer_wipe(&out);
    request_done(&r);
    return found;
}

/* What stands before --to is of the one end, what stands behind it of the other: each option of an end. */
static void w2_each_end_has_its_own(void **state)
{
    static const struct {
        const char *words;
        const char *field;
        const char *value;
    } options[] = {
        { "--id @one", "id", "@one" },
        { "--id joe@example.com", "id", "joe@example.com" },
        { "--id @#0aff", "id", "@#0aff" },
        { "--id 192.0.2.9", "id", "192.0.2.9" },
        { "--id gate", "id", "10.9.0.9" },
        { "--id %myid", "id", "%25myid" },
        { "--ikeport 4711", "ikeport", "4711" },
        { "--nexthop 10.9.0.254", "nexthop", "10.9.0.254" },
        { "--nexthop gate", "nexthop", "10.9.0.9" },
        { "--nexthop %direct", "nexthop", "%25direct" },
        { "--nexthop 0.0.0.0", "nexthop", "%25direct" },
        { "--client 10.3/16", "client", "10.3.0.0/16" },
        { "--client %default", "client", "0.0.0.0/0" },
        { "--client gate/24", "client", "10.9.0.0/24" },
        { "--updown /bin/one", "updown", "/bin/one" },
    };
    char line[400];
    char piece[100];
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        for (unsigned side = 0; side < 2; side++) {
            const char *end[2] = { "left", "right" };
            snprintf(line, sizeof line, "--name n --psk --encrypt %s --host 10.9.0.1 --to --host 10.9.0.2 %s",
                     side == 0 ? options[i].words : "", side == 1 ? options[i].words : "");
            snprintf(piece, sizeof piece, " %s-%s=%s ", end[side], options[i].field, options[i].value);
            if (!makes(line, piece)) {
                fail_msg("%s: not %s", line, piece);
            }
            snprintf(piece, sizeof piece, " %s-%s=%s ", end[1 - side], options[i].field, options[i].value);
            if (makes(line, piece)) {
                fail_msg("%s: %s", line, piece);
            }
        }
    }
    assert_true(makes("--name n --psk --encrypt --host %any --to --host 10.9.0.2 --nexthop %direct",
                      " left-host=%25any "));
    assert_true(makes("--name n --psk --encrypt --host 10.9.0.2 --nexthop %direct --to --host %any",
                      " right-host=%25any "));
    assert_true(makes("--name n --psk --encrypt --host gate --to --host 10.9.0.2", " left-host=10.9.0.9 "));
}

/* Each word about the whole connection, alone, on either side of --to: it is in the record, and no other is. */
static void w2_each_word_of_the_policy(void **state)
{
    static const struct {
        const char *words;
        const char *piece;
    } options[] = {
        { "", " policy=psk,encrypt family=ipv4 " },
        { "--tunnel", " policy=psk,encrypt,tunnel family=ipv4 " },
        { "--pfs", " policy=psk,encrypt,pfs family=ipv4 " },
        { "--dontrekey", " policy=psk,encrypt,dontrekey family=ipv4 " },
        { "--ikelifetime 5000", " ikelifetime=5000 ipseclifetime=3600 rekeymargin=540 rekeyfuzz=100 keyingtries=3 " },
        { "--ipseclifetime 5000", " ikelifetime=10800 ipseclifetime=5000 rekeymargin=540 rekeyfuzz=100 keyingtries=3 " },
        { "--rekeymargin 7", " ikelifetime=10800 ipseclifetime=3600 rekeymargin=7 rekeyfuzz=100 keyingtries=3 " },
        { "--rekeyfuzz 300", " ikelifetime=10800 ipseclifetime=3600 rekeymargin=540 rekeyfuzz=300 keyingtries=3 " },
        { "--keyingtries 0", " ikelifetime=10800 ipseclifetime=3600 rekeymargin=540 rekeyfuzz=100 keyingtries=0 " },
        { "--ike classic", " ike=classic " },
        { "--esp classic", " esp=classic " },
        { "--pfs --pfsgroup ecp256", " pfsgroup=ecp256 " },
        { "--delete", " replace=yes" },
    };
    char line[400];
    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        snprintf(line, sizeof line, HOSTS " %s", options[i].words);
        if (!makes(line, options[i].piece)) {
            fail_msg("%s: not %s", line, options[i].piece);
        }
        snprintf(line, sizeof line, "%s " HOSTS, options[i].words);
        if (!makes(line, options[i].piece)) {
            fail_msg("%s: not %s", line, options[i].piece);
        }
    }
}

/* Every form that is there by now in one call, backwards. */
static void w8_all_forms_in_their_order(void **state)
{
    (void)state;
    /* Classes of a connection that is described here come behind it. */
    good("--debug-raw --debug-dns --initiate --myid @a --keyingtries 0 " HOSTS,
         "whack-myid myid=@a\nwhack-connection name=n left-host=10.9.0.1 left-ikeport=500 right-host=10.9.0.2 "
         "right-ikeport=500 policy=psk,encrypt family=ipv4 tunnel-family=ipv4 ike=default esp=default ikelifetime=10800 "
         "ipseclifetime=3600 rekeymargin=540 rekeyfuzz=100 keyingtries=0 replace=no\nwhack-debug classes=raw,dns name=n\n"
         "whack-initiate name=n\n");
    good("--shutdown --status --events --explain --terminate --initiate --unroute --route --keyid @k --listen --delete "
         "--deletestate 3 --myid @a --debug-raw --name n",
         "whack-debug classes=raw name=n\nwhack-myid myid=@a\nwhack-delete name=n\nwhack-deletestate serial=3\n"
         "whack-listen\nwhack-key keyid=@k\nwhack-route name=n\nwhack-unroute name=n\nwhack-initiate name=n\nwhack-terminate name=n\n"
         "whack-explain name=n\nwhack-events name=n\nwhack-status\nwhack-shutdown\n");
}

/* [W8]: whatever the order of the words. */
static void test_order(void **state)
{
    (void)state;
    good("--terminate --initiate --route --unlisten --delete --myid @a --debug-raw --deletestate 3 --name n",
         "whack-debug classes=raw name=n\nwhack-myid myid=@a\nwhack-delete name=n\n"
         "whack-deletestate serial=3\nwhack-unlisten\nwhack-route name=n\nwhack-initiate name=n\n"
         "whack-terminate name=n\n");
    good("--shutdown --status --listen", "whack-listen\nwhack-status\nwhack-shutdown\n");
    good("--ikeport 4500 --host 10.9.0.1 --psk --to --keyingtries 0 --host 10.9.0.2 --name n", NULL);
    bad("--to --host 10.9.0.2 --psk --name n --host 10.9.0.1", "--host 10.9.0.1: repeated; each end takes it once");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_opportunistic), cmocka_unit_test(w4_addresses_of_no_host), cmocka_unit_test(test_policy),
        cmocka_unit_test(test_shunts),        cmocka_unit_test(test_dpd),
        cmocka_unit_test(test_protoport),     cmocka_unit_test(test_keys),
        cmocka_unit_test(test_oppo_and_explain), cmocka_unit_test(test_myid),
        cmocka_unit_test(test_order),         cmocka_unit_test(w2_each_end_has_its_own),
        cmocka_unit_test(w2_each_word_of_the_policy), cmocka_unit_test(w8_all_forms_in_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
