/* Names that are looked up, and lists of addresses. */
#include "hostname.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define L63 "a23456789012345678901234567890123456789012345678901234567890123"
#define L61 "a234567890123456789012345678901234567890123456789012345678901"

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a", "vpn", "vpn.example.org", "vpn.example.org.", "VPN.Example.ORG", "_srv.a-b.c_d", "4.example", "0x.a",
        "xn--bcher-kva.example", "10.0.0.1.example", "a--b", "0xg", L63, L63 "." L63 "." L63 "." L61,
    };
    static const char *const bad[] = {
        "", ".", "..", ".a", "a..b", "a..", "-a", "--help", "a-", "a.-b", "a.b-", "a b", "a\n", "\x1b[0m", "a\x7f", "b\xc3\xbc",
        "a/b", "a:b", "a,b", "@a", "%any", "a%b", "*", "a=b", "a\\b", "10.0.0.1", "10.0.0.1.", "::1", "2001:db8::1",
        "10.1", "127.1", "1", "a.1", "0x7f.0x1", "0x7f000001", "0x", "256.256.256.256", "010.0.0.1", "a.0",
        L63 "x", L63 "x.a", "a." L63 "x", L63 "." L63 "." L63 "." L61 "x", L63 "." L63 "." L63 "." L61 ".", /* NOLINT(bugprone-suspicious-missing-comma) */
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const char *why = hostname_check(good[i]);
        if (why != NULL) {
            fail_msg("%s: %s", good[i], why);
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (hostname_check(bad[i]) == NULL) {
            fail_msg("taken: %s", bad[i]);
        }
    }
}

/* Every byte, at each place of a name. */
static void bytes_of_names(void **state)
{
    (void)state;
    for (unsigned c = 1; c < 256; c++) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';
        const char middle[] = { 'a', (char)c, 'a', '\0' };
        const char first[] = { (char)c, 'a', '\0' };
        const char alone[] = { 'a', '.', (char)c, '\0' };
        assert_int_equal(hostname_check(middle) == NULL, letter || digit || c == '-' || c == '.');
        assert_int_equal(hostname_check(first) == NULL, letter || digit);
        assert_int_equal(hostname_check(alone) == NULL, letter);
    }
}

static void one_form_of_lists(void **state)
{
    (void)state;
    static const char *const lists[][2] = {
        { "10.0.0.1", "10.0.0.1" },
        { "2001:db8::1,10.0.0.2,10.0.0.1,::1,127.0.0.1", "10.0.0.1,10.0.0.2,127.0.0.1,::1,2001:db8::1" },
        { "10.0.0.1,10.0.0.1,10.0.0.1", "10.0.0.1" },
        { "2001:DB8:0:0::1,2001:db8::1", "2001:db8::1" },
    };
    static const char *const bad[] = {
        "", ",", "10.0.0.1,", ",10.0.0.1", "10.0.0.1,,10.0.0.2", "10.0.0.1 ,10.0.0.2", "a", "0.0.0.0", "::", "10.0.0.1,::",
        "255.255.255.255", "224.0.0.1", "239.1.2.3", "ff02::1", "10.0.0.1/32",
        "2001:0db8:0000:0000:0000:0000:0000:0001:2001:0db8:0000:0000",
    };
    struct address_list l;
    char text[ADDRESS_LIST_TEXT];
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        assert_null(address_list_parse(&l, lists[i][0]));
        address_list_print(&l, text);
        assert_string_equal(text, lists[i][1]);
    }
    assert_null(address_list_parse(&l, "10.0.0.1"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(address_list_parse(&l, bad[i]));
        assert_int_equal(l.count, 1);
    }
}

/* Of too many the first in the order stay, whatever order they came in; of such a text nothing is taken. */
static void no_more_than_sixteen(void **state)
{
    (void)state;
    for (unsigned step = 1; step < 200; step += 2) {
        struct address_list l = { .count = 0 };
        unsigned left_out = 0;
        step += step % 5 == 0 ? 2 : 0; /* prime to 200 */
        for (unsigned i = 0; i < 200; i++) {
            const struct address a = { .family = 4, .bytes = { 10, 0, 0, (uint8_t)(i * step % 200) } };
            left_out += address_list_add(&l, &a) ? 0 : 1;
        }
        assert_int_equal(l.count, HOST_ADDRESSES_MAX);
        assert_true(left_out > 0);
        for (unsigned i = 0; i < l.count; i++) {
            assert_int_equal(l.at[i].bytes[3], i);
        }
    }
    struct address_list l = { .count = 0 };
    char text[17 * ADDRESS_TEXT] = "";
    for (unsigned i = 0; i < 17; i++) {
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s2001:db8:1111:2222:3333:4444:5555:%x", i == 0 ? "" : ",",
                       0x1000 + i);
        if (i < 16) {
            assert_null(address_list_parse(&l, text));
            assert_true(strlen(text) <= 735);
        }
    }
    assert_string_equal(address_list_parse(&l, text), "more than 16 addresses");
    assert_int_equal(l.count, 16);
    assert_true(address_list_has(&l, &l.at[15]));
    assert_false(address_list_has(&l, &(struct address){ .family = 4, .bytes = { 1 } }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(bytes_of_names),
        cmocka_unit_test(one_form_of_lists),
        cmocka_unit_test(no_more_than_sixteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
