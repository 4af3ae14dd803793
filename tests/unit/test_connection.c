/*
 * A connection's words: what is understood, what is refused with which words, and that the record
 * carries it all.
 */
#include "connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *resolver(void *context, const char *option, const char *name, unsigned family,
                            struct address *a)
{
    unsigned *calls = context;
    (void)option;
    (*calls)++;
    if (strcmp(name, "vpn.example.com") == 0) {
        return address_parse(a, family == 6 ? "2001:db8::9" : "10.9.0.9");
    }
    return "no address found";
}

/* Words as on a command line, cut at blanks; a quoted value is not needed here. NULL: taken. */
static const char *take(struct connection_form *form, const char *line)
{
    static char why[CONNECTION_WHY];
    static char copy[8000]; /* the words of `form` are copied before the next call */
    char *argv[120];
    int argc = 0;
    unsigned calls = 0;
    struct connection_words words = { 0 };

    snprintf(copy, sizeof copy, "%s", line);
    argv[argc++] = copy;
    for (char *w = strtok(copy, " "); w != NULL; w = strtok(NULL, " ")) {
        argv[argc++] = w;
    }
    argv[argc] = NULL;
    struct option_reader reader;
    struct option_given given;
    const char *wrong = option_reader_init(&reader, OF_WHACK, "whack", argc, argv);
    assert_null(wrong);
    enum option_read read;
    while ((read = option_next(&reader, &given, why)) == OPTION_GIVEN) {
        assert_true(connection_option(&words, &given));
    }
    bool good = read == OPTION_NO_MORE && connection_form_make(form, &words, resolver, &calls, why);
    if (good && !option_supported(&reader, why)) {
        connection_form_free(form);
        good = false;
    }
    option_reader_free(&reader);
    return good ? NULL : why;
}

#define NET "--name net --psk --encrypt --host 10.9.0.1 --client 10.1.0.0/24" \
            " --to --host 10.9.0.2 --client 10.2.0.0/24"
#define HOSTS "--name net --psk --encrypt --host 10.9.0.1 --to --host 10.9.0.2"
#define SIX "--name net --psk --encrypt --host 2001:db8::1 --to --host 2001:db8::2"

/* The record of a form, read back, gives the same record. */
static void round_trip(const struct connection_form *form)
{
    struct buffer first = { 0 };
    struct buffer second = { 0 };
    struct connection_form again;
    struct connection_form copy;
    struct record r;
    char line[RECORD_MAX];
    char why[CONNECTION_WHY];

    assert_true(connection_to_record(&first, form));
    memcpy(line, first.data, first.len);
    line[first.len - 1] = '\0';
    assert_null(record_parse(&r, line, first.len - 1, W_P, NULL));
    if (!connection_from_record(&again, &r, why)) {
        fail_msg("from_record: %s", why);
    }
    assert_true(connection_form_copy(&copy, &again));
    connection_form_free(&again);
    assert_true(connection_to_record(&second, &copy));
    assert_int_equal(first.len, second.len);
    assert_memory_equal(first.data, second.data, first.len);
    connection_form_free(&copy);
    buffer_wipe(&first);
    buffer_wipe(&second);
}

static void good(struct connection_form *form, const char *line)
{
    const char *why = take(form, line);
    if (why != NULL) {
        fail_msg("%s: %s", line, why);
    }
    round_trip(form);
}

static void bad(const char *line, const char *start)
{
    struct connection_form form;
    const char *why = take(&form, line);
    if (why == NULL || strncmp(why, start, strlen(start)) != 0) {
        fail_msg("%s\n  said: %s\n  not:  %s", line, why == NULL ? "(taken)" : why, start);
    }
}

static void addresses_are(const struct address *a, const char *text)
{
    char printed[ADDRESS_TEXT];
    address_print(a, printed);
    assert_string_equal(printed, text);
}

static void client_is(const struct connection_end *end, const char *text)
{
    char printed[SUBNET_TEXT];
    subnet_print(&end->client, printed);
    assert_string_equal(printed, text);
}

static void id_is(const struct connection_end *end, const char *text)
{
    char printed[IDENTITY_TEXT];
    identity_print(end->id, printed);
    assert_string_equal(printed, text);
}

static void test_defaults(void **state)
{
    struct connection_form f;
    char policy[POLICY_TEXT];
    (void)state;

    good(&f, HOSTS);
    assert_string_equal(f.name, "net");
    assert_int_equal(f.family, 4);
    assert_int_equal(f.tunnel_family, 4);
    addresses_are(&f.end[END_LEFT].host, "10.9.0.1");
    addresses_are(&f.end[END_RIGHT].host, "10.9.0.2");
    assert_int_equal(f.end[END_RIGHT].ikeport, 500);
    id_is(&f.end[END_RIGHT], "10.9.0.2");
    assert_false(f.end[END_RIGHT].has_id);
    assert_int_equal(f.end[END_LEFT].nexthop_kind, NEXTHOP_PEER);
    client_is(&f.end[END_LEFT], "10.9.0.1/32");
    assert_false(f.end[END_LEFT].has_client);
    assert_null(f.end[END_LEFT].updown);
    assert_string_equal(f.ike, "default");
    assert_string_equal(f.esp, "default");
    assert_null(f.pfsgroup);
    assert_int_equal(f.ikelifetime, 10800);
    assert_int_equal(f.ipseclifetime, 3600);
    assert_int_equal(f.rekeymargin, 540);
    assert_int_equal(f.rekeyfuzz, 100);
    assert_int_equal(f.keyingtries, 3);
    assert_false(f.replace);
    connection_policy_print(f.policy, policy);
    assert_string_equal(policy, "psk,encrypt");
    assert_false(connection_isakmp_only(&f));
    connection_form_free(&f);
    connection_form_free(&f);
}

static void test_all_of_it(void **state)
{
    struct connection_form f;
    (void)state;

    good(&f, "--name a.b_c-9 --psk --encrypt --tunnel --pfs --dontrekey"
         " --ike aes256-sha2_256-modp2048 --esp aes256-sha2_256 --pfsgroup modp2048"
         " --ikelifetime 86400 --ipseclifetime 60 --rekeymargin 0 --rekeyfuzz 250 --keyingtries 0"
         " --id @left.example --host 10.9.0.1 --ikeport 1500 --nexthop 10.9.0.254"
         " --client 10.1.7.9/255.255.255.0 --updown /bin/true --to"
         " --id road@example.com --host %any --nexthop %direct --client 10.2/16");
    client_is(&f.end[END_LEFT], "10.1.7.0/24");
    client_is(&f.end[END_RIGHT], "10.2.0.0/16");
    assert_int_equal(f.end[END_LEFT].ikeport, 1500);
    addresses_are(&f.end[END_LEFT].nexthop, "10.9.0.254");
    assert_int_equal(f.end[END_RIGHT].nexthop_kind, NEXTHOP_DIRECT);
    assert_int_equal(f.end[END_RIGHT].host_kind, HOST_ANY);
    id_is(&f.end[END_LEFT], "@left.example");
    id_is(&f.end[END_RIGHT], "road@example.com");
    assert_string_equal(f.end[END_LEFT].updown, "/bin/true");
    assert_int_equal(f.rekeyfuzz, 250);
    assert_int_equal(f.keyingtries, 0);
    assert_true((f.policy & POLICY_DONTREKEY) != 0);
    connection_form_free(&f);

    good(&f, NET);
    assert_true((f.policy & POLICY_TUNNEL) != 0); /* a client implies it */
    connection_form_free(&f);
    good(&f, "--name i --psk --host 10.9.0.1 --to --host 10.9.0.2");
    assert_true(connection_isakmp_only(&f));
    connection_form_free(&f);
}

static void test_families(void **state)
{
    struct connection_form f;
    (void)state;

    good(&f, SIX);
    assert_int_equal(f.family, 6);
    assert_int_equal(f.tunnel_family, 6);
    client_is(&f.end[END_RIGHT], "2001:db8::2/128");
    connection_form_free(&f);
    good(&f, "--name n --psk --encrypt --host 2001:db8::1 --client 10.1.0.0/24 --to"
         " --host 2001:db8::2 --client %default");
    assert_int_equal(f.tunnel_family, 4);
    client_is(&f.end[END_RIGHT], "0.0.0.0/0");
    connection_form_free(&f);
    /* The order of options does not matter. */
    good(&f, "--name n --psk --encrypt --nexthop %direct --host vpn.example.com --client %default"
         " --to --host %any --client %default --ipv6 --tunnelipv4");
    addresses_are(&f.end[END_LEFT].host, "2001:db8::9");
    client_is(&f.end[END_LEFT], "0.0.0.0/0");
    connection_form_free(&f);
    /* Harmless without a tunnel. */
    good(&f, HOSTS " --tunnelipv6");
    assert_int_equal(f.tunnel_family, 4);
    connection_form_free(&f);

    bad(HOSTS " --ipv4 --ipv6", "--ipv6: contradicts --ipv4");
    bad(HOSTS " --tunnelipv4 --tunnelipv6", "--tunnelipv6: contradicts --tunnelipv4");
    bad(HOSTS " --ipv6", "--host 10.9.0.1: an IPv4 address, but --ipv6 was given");
    bad(SIX " --ipv4", "--host 2001:db8::1: an IPv6 address, but --ipv4");
    bad("--name n --psk --host 10.9.0.1 --to --host 2001:db8::2",
        "--host 2001:db8::2: an IPv6 address, but that of the other end is IPv4");
    bad(NET " --tunnelipv6", "--client 10.1.0.0/24: IPv4, but --tunnelipv6");
    bad(HOSTS " --client 2001:db8:1::/64", "--client 2001:db8:1::/64: IPv6, but the other end has");
    bad("--name n --psk --encrypt --host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2"
        " --client 2001:db8:1::/64", "--client 2001:db8:1::/64: IPv6, but that of the other end");
    bad(HOSTS " --tunnel --tunnelipv6", "--tunnelipv6: the hosts are the clients here");
    bad("--name n --psk --host 10.9.0.1 --nexthop 2001:db8::7 --to --host 10.9.0.2",
        "--nexthop 2001:db8::7: an IPv6 address, but the hosts");
}

static void test_names(void **state)
{
    struct connection_form f;
    (void)state;

    good(&f, "--name n --psk --encrypt --host vpn.example.com --id vpn.example.com"
         " --client vpn.example.com/24 --to --host 10.9.0.2 --nexthop vpn.example.com");
    addresses_are(&f.end[END_LEFT].host, "10.9.0.9");
    addresses_are(&f.end[END_RIGHT].nexthop, "10.9.0.9");
    assert_string_equal(f.end[END_LEFT].host_name, "vpn.example.com"); /* kept, to be asked for again: the host's alone */
    assert_null(f.end[END_RIGHT].host_name);
    id_is(&f.end[END_LEFT], "10.9.0.9");
    client_is(&f.end[END_LEFT], "10.9.0.0/24");
    connection_form_free(&f);
    bad("--name n --psk --host no.example.com --to --host 10.9.0.2",
        "--host no.example.com: no address found");
    /* What looks like a number is never looked up. */
    bad("--name n --psk --host 0x0a090001 --to --host 10.9.0.2", "--host 0x0a090001: neither");
    bad("--name n --psk --host 10.9.0.0x1 --to --host 10.9.0.2", "--host 10.9.0.0x1: neither");
    bad("--name n --psk --host 10.9.1 --to --host 10.9.0.2", "--host 10.9.1: ");
    bad("--name n --psk --host 10.9.0.256 --to --host 10.9.0.2", "--host 10.9.0.256: ");
    bad("--name n --psk --host 10.9.0.1;x --to --host 10.9.0.2", "--host 10.9.0.1;x: neither");
    bad("--name n --psk --host fe80::z --to --host 10.9.0.2", "--host fe80::z: ");
}

static void test_one_option(void **state)
{
    char line[300];
    (void)state;

    bad(HOSTS " --psk", "--psk: repeated");
    bad(HOSTS " --ipv4 --ipv4", "--ipv4: repeated");
    bad(HOSTS " --name other", "--name other: repeated");
    bad(HOSTS " --host 10.9.0.3", "--host 10.9.0.3: repeated; each end");
    bad(HOSTS " --to", "--to: repeated");
    bad(HOSTS " --ike default --ike default", "--ike default: repeated");
    bad(HOSTS " --ikeport 500 --ikeport 500", "--ikeport 500: repeated");
    bad(HOSTS " --keyingtries 3 --keyingtries 3", "--keyingtries 3: repeated");
    bad(HOSTS " --ikeport 0", "--ikeport 0: out of range, 1 to 65535");
    bad(HOSTS " --ikeport 65536", "--ikeport 65536: out of range");
    bad(HOSTS " --ikeport 0x1f4", "--ikeport 0x1f4: not a decimal number");
    bad(HOSTS " --ikeport +500", "--ikeport +500: not a decimal number");
    bad(HOSTS " --ikeport 18446744073709552116", "--ikeport 18446744073709552116: out of range");
    bad(HOSTS " --ikelifetime 86401", "--ikelifetime 86401: out of range, 1 to 86400");
    bad(HOSTS " --ipseclifetime 0", "--ipseclifetime 0: out of range");
    bad(HOSTS " --rekeymargin -1", "--rekeymargin -1: not a decimal number");
    bad(HOSTS " --rekeyfuzz 1%", "--rekeyfuzz 1%: not a decimal number");
    bad(HOSTS " --keyingtries many", "--keyingtries many: not a decimal number");
    bad(HOSTS " --updown=", "--updown '': an empty value");

    static const char *const later[] = {
        "authenticate", "compress", "dnskeyondemand", "initiateontraffic", "pass", "drop",
        "reject", "failnone", "failpass", "faildrop", "failreject"
    };
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        snprintf(line, sizeof line, HOSTS " --%s", later[i]);
        char want[60];
        snprintf(want, sizeof want, "--%s: not supported yet", later[i]);
        bad(line, want);
    }
    bad(HOSTS " --authenticate --ah sha1", "--authenticate: not supported yet");
    bad(HOSTS " --dpddelay 5 --dpdaction clear", "--dpddelay 5: not supported yet");
    bad(HOSTS " --clientprotoport 17/53", "--clientprotoport 17/53: not supported yet");
}

static void test_the_whole(void **state)
{
    (void)state;

    bad("--psk --host 10.9.0.1 --to --host 10.9.0.2", "--name: missing");
    bad("--name -x --psk --host 10.9.0.1 --to --host 10.9.0.2", "--name -x: only letters");
    bad("--name a/b --psk --host 10.9.0.1 --to --host 10.9.0.2", "--name a/b: only letters");
    bad("--name n --psk --host 10.9.0.1", "--host: missing for the end after --to; each end needs"
        " one (there is no --to)");
    bad("--name n --psk --to --host 10.9.0.1", "--host: missing for the end before --to");
    bad("--name n --psk --host %any --to --host 0.0.0.0", "--host %any: only one end");
    bad("--name n --psk --host %any --to --host 10.9.0.2",
        "--host %any: the other end (--host 10.9.0.2) needs a --nexthop");
    bad("--name n --psk --host %opportunistic --to --host 10.9.0.2",
        "--host %opportunistic: not supported yet");
    bad("--name n --rsasig --encrypt --pfs --host %opportunistic --to --host 10.9.0.2 --nexthop %direct",
        "--host %opportunistic: not supported yet");
    bad("--name n --psk --host %nobody --to --host 10.9.0.2", "--host %nobody: no such word");
    bad("--name n --host 10.9.0.1 --to --host 10.9.0.2 --encrypt", "--psk: missing");
    bad("--name n --psk --host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2",
        "--client 10.1.0.0/24: goes with --encrypt or --authenticate only");
    bad("--name n --psk --tunnel --host 10.9.0.1 --to --host 10.9.0.2", "--tunnel: goes with");
    bad("--name n --psk --pfs --host 10.9.0.1 --to --host 10.9.0.2", "--pfs: goes with");
    bad("--name n --psk --esp default --host 10.9.0.1 --to --host 10.9.0.2",
        "--esp default: goes with --encrypt only");
    bad("--name n --psk --pfsgroup modp2048 --host 10.9.0.1 --to --host 10.9.0.2",
        "--pfsgroup modp2048: goes with --pfs only");
    bad(HOSTS " --pfsgroup modp2048", "--pfsgroup modp2048: goes with --pfs only");
    bad(HOSTS " --ike rot13-sha1-modp2048", "--ike rot13-sha1-modp2048: ");
    bad(HOSTS " --esp aes256-nosuch", "--esp aes256-nosuch: ");
    bad(HOSTS " --pfs --pfsgroup modp768", "--pfsgroup modp768: ");
    bad(HOSTS " --client 10.2.0.0", "--client 10.2.0.0: ");
    bad(HOSTS " --client 10.2.0.0/33", "--client 10.2.0.0/33: ");
    bad(HOSTS " --client 10.2.0.0/255.0.255.0", "--client 10.2.0.0/255.0.255.0: ");
    bad(HOSTS " --id %any", "--id %any: not an identity");
    bad(HOSTS " --id C=CH,XX=x", "--id C=CH,XX=x: unknown attribute in a distinguished name: ");
    bad(HOSTS " --id C=CH,a@x", "--id C=CH,a@x: a distinguished name is ATTRIBUTE=VALUE and more of these, ");
    bad(HOSTS " --id @", "--id @: ");
    bad(HOSTS " --updown a\nb", "--updown: a control character at byte 2");
    bad(HOSTS " --ikelifetime 900", "--ikelifetime 900: must be greater than the 1080 s");
    bad(HOSTS " --ipseclifetime 1080", "--ipseclifetime 1080: must be greater than the 1080 s");
    bad(HOSTS " --rekeymargin 3600 --rekeyfuzz 0", "--ipseclifetime 3600: must be greater");
}

static void test_edges(void **state)
{
    struct connection_form f;
    char line[400];
    char name[NAME_MAX_LEN + 2];
    (void)state;

    good(&f, HOSTS " --ipseclifetime 1081 --ikelifetime 1081");
    connection_form_free(&f);
    good(&f, HOSTS " --ipseclifetime 1 --ikelifetime 1 --dontrekey");
    connection_form_free(&f);
    good(&f, HOSTS " --ikeport 65535 --rekeymargin 86400 --rekeyfuzz 100000 --dontrekey");
    connection_form_free(&f);
    memset(name, 'n', sizeof name);
    name[NAME_MAX_LEN] = '\0';
    snprintf(line, sizeof line, "--name %s --psk --host 10.9.0.1 --to --host 10.9.0.2", name);
    good(&f, line);
    connection_form_free(&f);
    name[NAME_MAX_LEN] = 'n';
    name[NAME_MAX_LEN + 1] = '\0';
    snprintf(line, sizeof line, "--name %s --psk --host 10.9.0.1 --to --host 10.9.0.2", name);
    bad(line, "--name nnnn");
}

/* Records that our whack would not have made. */
static void test_records(void **state)
{
    static const struct {
        const char *line;
        const char *why;
    } cases[] = {
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=", "--psk: missing" },
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=psk,compress", "--compress: not supported" },
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=psk,psk", "--psk: repeated" },
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=psk,magic", "policy magic: no such" },
        { "left-host=vpn.example.com right-host=10.9.0.2 policy=psk",
          "--host vpn.example.com: names are not looked up here" },
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=psk right-host-name=a..b", "--host a..b: an empty label" },
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=psk right-host-name=10.9.0.3", "--host 10.9.0.3: an address" },
        { "left-host=10.9.0.1 left-nexthop=%25direct right-host=%25any policy=psk right-host-name=a.example", "--host %any: has no name" },
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=psk left-updown=a%0Ab",
          "--updown: a control character" },
        { "left-host=10.9.0.1 right-host=10.9.0.2 policy=psk ikelifetime=5",
          "--ikelifetime 5: must be greater" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct connection_form form;
        struct record r;
        char line[400];
        char why[CONNECTION_WHY] = "";
        snprintf(line, sizeof line, "whack-connection name=n %s", cases[i].line);
        assert_null(record_parse(&r, line, strlen(line), W_P, NULL));
        assert_false(connection_from_record(&form, &r, why));
        if (strncmp(why, cases[i].why, strlen(cases[i].why)) != 0) {
            fail_msg("%s: said %s", cases[i].line, why);
        }
    }
}

/* As long as an identity may be on the wire, in the longest form that it can be written in: certificates' names are long. */
static void test_long_identities(void **state)
{
    struct connection_form f;
    char line[2000];
    char left[2 * ID_VALUE_MAX + 3] = "@~";
    char right[3 * ID_VALUE_MAX + 2] = "@";
    (void)state;
    memset(left + 2, '4', sizeof left - 3);
    for (size_t i = 0; i < ID_VALUE_MAX; i++) {
        memcpy(right + 1 + 3 * i, "%20", 3);
    }
    snprintf(line, sizeof line, "--name n --psk --host 10.9.0.1 --id %s --to --host 10.9.0.2 --id %s", left, right);
    good(&f, line);
    assert_int_equal(f.end[0].id->len, ID_VALUE_MAX);
    assert_int_equal(f.end[1].id->len, ID_VALUE_MAX);
    connection_form_free(&f);
    snprintf(line, sizeof line, "--name n --psk --host 10.9.0.1 --id %s44 --to --host 10.9.0.2", left);
    bad(line, "--id @~4444");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults), cmocka_unit_test(test_all_of_it),
        cmocka_unit_test(test_families), cmocka_unit_test(test_names),
        cmocka_unit_test(test_one_option), cmocka_unit_test(test_the_whole),
        cmocka_unit_test(test_edges), cmocka_unit_test(test_records),
        cmocka_unit_test(test_long_identities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
