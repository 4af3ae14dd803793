/* What dnskey makes of DNS packets, and of resolv.conf and hosts [D3]. */
#include "dnskey/answer.h"
#include "dnskey/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ldns/ldns.h>

/* A packet that answers for this name, with these records in its answer section, one a line. */
static uint8_t *packet_of(const char *name, int type, int rcode, const char *records, size_t *len)
{
    uint8_t *wire = NULL;
    ldns_pkt *pkt = ldns_pkt_query_new(ldns_dname_new_frm_str(name), (ldns_rr_type)type, LDNS_RR_CLASS_IN, LDNS_RD);
    assert_non_null(pkt);
    ldns_pkt_set_qr(pkt, true);
    ldns_pkt_set_rcode(pkt, (uint8_t)rcode);
    for (const char *at = records; *at != '\0';) {
        char line[400];
        ldns_rr *rr = NULL;
        const size_t n = strcspn(at, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)n, at);
        assert_int_equal(ldns_rr_new_frm_str(&rr, line, 300, NULL, NULL), LDNS_STATUS_OK);
        assert_true(ldns_pkt_push_rr(pkt, LDNS_SECTION_ANSWER, rr));
        at += n + (at[n] == '\n' ? 1 : 0);
    }
    assert_int_equal(ldns_pkt2wire(&wire, pkt, len), LDNS_STATUS_OK);
    ldns_pkt_free(pkt);
    return wire;
}

static void read_records(struct answer *a, const char *name, enum answer_type type, int rcode, const char *records)
{
    size_t len;
    uint8_t *wire = packet_of(name, answer_number(type), rcode, records, &len);
    answer_read(a, name, type, 0, wire, len);
    free(wire);
}

static const char *list_of(const struct answer *a)
{
    static char text[ADDRESS_LIST_TEXT];
    address_list_print(&a->list, text);
    return text;
}

static void good_packets(void **state)
{
    struct answer a;
    (void)state;
    read_records(&a, "a.example", ANSWER_A, 0, "a.example. 60 IN A 10.0.0.2\nA.Example. 50 IN A 10.0.0.1");
    assert_int_equal(a.outcome, ANSWER_ADDRESSES);
    assert_string_equal(list_of(&a), "10.0.0.1,10.0.0.2");
    assert_int_equal(a.ttl, 50);
    read_records(&a, "a.example.", ANSWER_AAAA, 0, "a.example. 60 IN AAAA 2001:db8::1\na.example. 60 IN A 10.0.0.1");
    assert_string_equal(list_of(&a), "2001:db8::1");
    read_records(&a, "a.example", ANSWER_A, 0,
                 "a.example. 600 IN CNAME b.example.\nc.example. 60 IN A 10.0.0.3\nb.example. 20 IN CNAME C.example.");
    assert_string_equal(list_of(&a), "10.0.0.3");
    assert_int_equal(a.ttl, 20);
    read_records(&a, "a.example", ANSWER_A, 0, "a.example. 2147483647 IN A 10.0.0.1");
    assert_int_equal(a.ttl, ANSWER_TTL_MAX);
    read_records(&a, "a.example", ANSWER_A, 0, "a.example. 0 IN A 10.0.0.1");
    assert_int_equal(a.ttl, 0);
}

static void empty_packets(void **state)
{
    struct answer a;
    (void)state;
    read_records(&a, "a.example", ANSWER_A, 0, "");
    assert_int_equal(a.outcome, ANSWER_NOTHING);
    read_records(&a, "a.example", ANSWER_A, 3, "");
    assert_int_equal(a.outcome, ANSWER_NO_NAME);
    read_records(&a, "a.example", ANSWER_A, 3, "a.example. 60 IN CNAME b.example.");
    assert_int_equal(a.outcome, ANSWER_NO_NAME);
    read_records(&a, "a.example", ANSWER_A, 0, "a.example. 60 IN CNAME b.example.");
    assert_int_equal(a.outcome, ANSWER_NOTHING);
    read_records(&a, "a.example", ANSWER_A, 0, "a.example. 60 IN A 224.1.1.1\na.example. 60 IN A 0.0.0.0");
    assert_int_equal(a.outcome, ANSWER_UNUSABLE);
    assert_int_equal(a.dropped, 2);
    for (int rcode = 1; rcode < 16; rcode++) {
        if (rcode != 3) {
            read_records(&a, "a.example", ANSWER_A, rcode, "a.example. 60 IN A 10.0.0.1");
            assert_int_equal(a.outcome, ANSWER_FAILED);
            assert_non_null(a.why);
            answer_read(&a, "a.example", ANSWER_A, rcode, "", 0);
            assert_int_equal(a.outcome, ANSWER_FAILED);
        }
    }
    answer_read(&a, "a.example", ANSWER_A, 0, NULL, 0);
    assert_int_equal(a.outcome, ANSWER_FAILED);
}

/* What is not about the name that was asked for does not count. */
static void other_names(void **state)
{
    struct answer a;
    (void)state;
    read_records(&a, "a.example", ANSWER_A, 0,
                 "b.example. 60 IN A 10.0.0.6\nexample. 60 IN A 10.0.0.7\na.example.org. 60 IN A 10.0.0.8\n"
                 "a.example. 60 CH A 10.0.0.9");
    assert_int_equal(a.outcome, ANSWER_NOTHING);
    read_records(&a, "a.example", ANSWER_A, 0,
                 "a.example. 60 IN A 10.0.0.1\na.example. 60 IN CNAME b.example.\nb.example. 60 IN A 10.0.0.2");
    assert_string_equal(list_of(&a), "10.0.0.2"); /* an alias has nothing else */
    read_records(&a, "a.example", ANSWER_A, 0,
                 "a.example. 60 IN CNAME b.example.\nb.example. 60 IN CNAME a.example.\na.example. 60 IN A 10.0.0.1");
    assert_int_equal(a.outcome, ANSWER_FAILED);
    assert_non_null(strstr(a.why, "circle"));
    read_records(&a, "a.example", ANSWER_A, 0, "a.example. 60 IN CNAME a.example.");
    assert_int_equal(a.outcome, ANSWER_FAILED);
}

static void thousands_of_addresses(void **state)
{
    struct answer a;
    char *records = calloc(4000, 40);
    size_t len = 0;
    (void)state;
    assert_non_null(records);
    for (unsigned i = 0; i < 3000; i++) {
        len += (size_t)snprintf(records + len, 40, "%sa.example. 60 IN A 10.0.%u.%u", len == 0 ? "" : "\n",
                                11 - i / 256, 255 - i % 256);
    }
    read_records(&a, "a.example", ANSWER_A, 0, records);
    assert_int_equal(a.list.count, HOST_ADDRESSES_MAX);
    assert_int_equal(a.left_out, 3000 - HOST_ADDRESSES_MAX);
    free(records);
}

/* Every packet that is cut short, and every one with a byte changed, does no harm. */
static void broken_packets(void **state)
{
    size_t len;
    struct answer a;
    (void)state;
    uint8_t *wire = packet_of("a.example", 1, 0,
                              "a.example. 60 IN CNAME b.example.\nb.example. 60 IN CNAME c.example.\n"
                              "c.example. 60 IN A 10.0.0.1\nc.example. 60 IN A 10.0.0.2", &len);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *copy = malloc(cut + 1); /* so that ASan sees its end */
        assert_non_null(copy);
        memcpy(copy, wire, cut);
        answer_read(&a, "a.example", ANSWER_A, 0, copy, cut);
        assert_true(a.outcome != ANSWER_FAILED || a.why != NULL);
        free(copy);
    }
    for (size_t at = 0; at < len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            const uint8_t was = wire[at];
            wire[at] = (uint8_t)value;
            answer_read(&a, "a.example", ANSWER_A, 0, wire, len);
            assert_true(a.list.count <= 2);
            assert_int_equal(a.outcome == ANSWER_ADDRESSES, a.list.count > 0);
            wire[at] = was;
        }
    }
    free(wire);
}

/* ---- resolv.conf ---- */

static unsigned scope(const char *name)
{
    return strcmp(name, "eth0") == 0 ? 7 : 0;
}

static const char *servers_of(const char *text, struct buffer *log)
{
    static char out[SERVERS_TEXT];
    struct servers s;
    const struct log to = { .tool = "dnskey", .records = log };
    buffer_truncate(log, 0);
    servers_read(&s, text, text == NULL ? 0 : strlen(text), scope, &to);
    servers_print(&s, out);
    return out;
}

static bool says(struct buffer *log, const char *what)
{
    buffer_add_u8(log, 0);
    const bool there = strstr((const char *)log->data, what) != NULL;
    return there;
}

static void resolv_conf(void **state)
{
    struct buffer log;
    (void)state;
    buffer_init(&log, 0);
    static const char *const good[][2] = {
        { NULL, "127.0.0.1" }, { "", "127.0.0.1" }, { "search a.b\noptions ndots:5\n# nameserver 1.1.1.1\n", "127.0.0.1" },
        { "nameserver 10.0.0.1", "10.0.0.1" },
        { "domain x\nnameserver\t10.0.0.1 # ours\n  nameserver 2001:DB8::1;x\r\nnameserver 10.0.0.1\n", "10.0.0.1, 2001:db8::1" },
        { "nameserver ::1\n", "::1" },
        { "nameserver fe80::1%eth0\n", "fe80::1%7" },
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_string_equal(servers_of(good[i][0], &log), good[i][1]);
        assert_int_equal(log.len, 0);
    }
    static const char *const bad[] = {
        "nameserver", "nameserver x", "nameserver 10.0.0", "nameserver 10.0.0.1.2", "nameserver fe80::1%eth9",
        "nameserver 10.0.0.1%eth0", "nameserver fe80::1%", "nameserver 10.0.0.1,10.0.0.2", "nameserver dns.example",
        "nameserver fe80::1%0123456789012345678901234567890123456789012345678901234567890123456789",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[200];
        (void)snprintf(text, sizeof text, "# a line before\n%s\nnameserver 10.0.0.9\n", bad[i]);
        assert_string_equal(servers_of(text, &log), "10.0.0.9");
        assert_true(says(&log, "/etc/resolv.conf:2:"));
    }
    assert_string_equal(servers_of("nameserverx 10.0.0.1\n", &log), "127.0.0.1");
    char many[600] = "";
    for (unsigned i = 1; i <= SERVERS_MAX + 1; i++) {
        size_t len = strlen(many);
        (void)snprintf(many + len, sizeof many - len, "nameserver 10.0.0.%u\n", i);
    }
    assert_non_null(strstr(servers_of(many, &log), "10.0.0.8"));
    assert_null(strstr(servers_of(many, &log), "10.0.0.9"));
    assert_true(says(&log, "10.0.0.9%20is%20not%20used"));
    buffer_wipe(&log);
}

/* ---- hosts ---- */

static void hosts_file(void **state)
{
    static const char text[] = "# 10.0.0.1 comment\n"
                               "127.0.0.1 localhost\n"
                               "10.0.0.2 first second.example. Third # fourth\r\n"
                               "2001:db8::2\tsecond.example\n"
                               "fe80::1%eth0 scoped first\n"
                               "nonsense first\n"
                               "\n"
                               "10.0.0.3\n"
                               "0.0.0.0 blocked\n"
                               "10.0.0.4 last";
    static const struct {
        const char *name;
        const char *list; /* NULL: not there */
    } names[] = {
        { "localhost", "127.0.0.1" }, { "first", "10.0.0.2" }, { "FIRST.", "10.0.0.2" }, { "third", "10.0.0.2" },
        { "second.example", "10.0.0.2,2001:db8::2" }, { "second.example.", "10.0.0.2,2001:db8::2" }, { "last", "10.0.0.4" },
        { "fourth", NULL }, { "comment", NULL }, { "firs", NULL }, { "second", NULL }, { "scoped", NULL }, { "10.0.0.3", NULL },
        { "blocked", "" },
    };
    struct answer a;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_int_equal(hosts_find(text, sizeof text - 1, names[i].name, &a), names[i].list != NULL);
        if (names[i].list != NULL) {
            assert_string_equal(list_of(&a), names[i].list);
            assert_int_equal(a.outcome, names[i].list[0] == '\0' ? ANSWER_UNUSABLE : ANSWER_ADDRESSES);
        }
    }
    assert_false(hosts_find(NULL, 0, "first", &a));
    for (size_t len = 0; len < sizeof text; len++) { /* cut anywhere */
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        memcpy(copy, text, len);
        (void)hosts_find(copy, len, "second.example", &a);
        free(copy);
    }
    static const char nul[] = "10.0.0.1 a\0b c\n10.0.0.2\0 d\n10.0.0.3 d\n";
    assert_false(hosts_find(nul, sizeof nul - 1, "a", &a));
    assert_true(hosts_find(nul, sizeof nul - 1, "c", &a));
    assert_true(hosts_find(nul, sizeof nul - 1, "d", &a));
    assert_string_equal(list_of(&a), "10.0.0.3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_packets), cmocka_unit_test(empty_packets), cmocka_unit_test(other_names),
        cmocka_unit_test(thousands_of_addresses), cmocka_unit_test(broken_packets), cmocka_unit_test(resolv_conf),
        cmocka_unit_test(hosts_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
