/* Addresses and subnets [W6]. */
#include "address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void address_texts(void **state)
{
    (void)state;
    static const struct { const char *text, *printed; } good[] = {
        { "10.9.0.1", "10.9.0.1" },
        { "010.009.000.001", "10.9.0.1" }, /* decimal, never octal */
        { "255.255.255.255", "255.255.255.255" },
        { "0.0.0.0", "0.0.0.0" },
        { "2001:DB8:0:0:0:0:0:1", "2001:db8::1" },
        { "::", "::" },
        { "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
        { "::ffff:10.9.0.1", "::ffff:10.9.0.1" },
    };
    static const char *const bad[] = {
        "", "10", "10.9", "10.9.0", "10.9.0.", "10.9.0.1.", "10.9.0.1.1", "10..0.1", "256.0.0.1",
        "10.9.0.0001", "10.9.0.1 ", " 10.9.0.1", "0x0a.9.0.1", "-1.0.0.0", "host.example", "a",
        ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "g::1", "fe80::1%eth0", "::1/128",
        "10.9.0.1/32", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd",
    };
    char out[ADDRESS_TEXT];
    struct address a = { .family = 0 };

    for (size_t i = 0; i < LENGTH(good); i++) {
        assert_null(address_parse(&a, good[i].text));
        address_print(&a, out);
        assert_string_equal(out, good[i].printed);
    }
    struct address before = a;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (address_parse(&a, bad[i]) == NULL) {
            fail_msg("taken for an address: %s", bad[i]);
        }
        assert_memory_equal(&a, &before, sizeof a);
    }
}

static void every_byte(void **state)
{
    (void)state;
    char out[ADDRESS_TEXT];
    char expected[ADDRESS_TEXT];
    for (unsigned n = 0; n < 256; n++) {
        struct address a = { .family = 4, .bytes = { (uint8_t)n, 0, (uint8_t)(255 - n), (uint8_t)n } };
        address_print(&a, out);
        assert_non_null(inet_ntop(AF_INET, a.bytes, expected, sizeof expected));
        assert_string_equal(out, expected);
    }
}

static void subnet_texts(void **state)
{
    (void)state;
    static const struct { const char *text, *printed; unsigned family; } good[] = {
        { "10.1.0.0/24", "10.1.0.0/24", 0 },
        { "10.1.0.77/24", "10.1.0.0/24", 4 }, /* host bits cleared */
        { "10.1/16", "10.1.0.0/16", 4 },      /* short forms padded */
        { "10/8", "10.0.0.0/8", 4 },
        { "10.1.0.0/255.255.255.0", "10.1.0.0/24", 4 },
        { "10.1.0.0/0.0.0.0", "0.0.0.0/0", 4 },
        { "10.1.2.3/32", "10.1.2.3/32", 4 },
        { "1.2.3.4/0", "0.0.0.0/0", 4 },
        { "2001:db8::1/64", "2001:db8::/64", 6 },
        { "2001:db8::1/128", "2001:db8::1/128", 0 },
        { "2001:db8::ffff/127", "2001:db8::fffe/127", 0 },
        { "%default", "0.0.0.0/0", 4 },
        { "%default", "::/0", 6 },
    };
    static const struct { const char *text; unsigned family; } bad[] = {
        { "%default", 0 }, { "10.1.0.0", 4 }, { "10.1.0.0/", 4 }, { "/24", 4 },
        { "10.1.0.0/33", 4 }, { "10.1.0.0/-1", 4 }, { "10.1.0.0/255.0.255.0", 4 },
        { "10.1.0.0/255.255.255", 4 }, { "10.1.0.0/24/24", 4 }, { "10.1./16", 4 },
        { "2001:db8::/64", 4 }, { "10.1.0.0/24", 6 }, { "2001:db8::/129", 6 },
        { "2001:db8::/255.255.0.0", 6 }, { "10.1.0.0/ 24", 4 }, { "net.example/24", 4 },
        { "10.1.0.0/9999999999", 4 }, { "10.1.0.0/0x18", 4 }, { "", 4 },
    };
    char out[SUBNET_TEXT];
    struct subnet s = { .bits = 0 };

    for (size_t i = 0; i < LENGTH(good); i++) {
        assert_null(subnet_parse(&s, good[i].text, good[i].family));
        subnet_print(&s, out);
        assert_string_equal(out, good[i].printed);
    }
    struct subnet before = s;
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (subnet_parse(&s, bad[i].text, bad[i].family) == NULL) {
            fail_msg("taken for a subnet: %s", bad[i].text);
        }
        assert_memory_equal(&s, &before, sizeof s);
    }
}

static struct address address(const char *text)
{
    struct address a;
    assert_null(address_parse(&a, text));
    return a;
}

static struct subnet subnet(const char *text)
{
    struct subnet s;
    assert_null(subnet_parse(&s, text, 0));
    return s;
}

static void questions(void **state)
{
    (void)state;
    struct address host = address("10.1.0.7");
    struct address other = address("10.1.1.7");
    struct address six = address("2001:db8::7");
    struct subnet net = subnet("10.1.0.0/24");
    struct subnet single;
    struct address mask;
    char out[ADDRESS_TEXT];

    assert_true(subnet_contains(&net, &host));
    assert_false(subnet_contains(&net, &other));
    assert_false(subnet_contains(&net, &six));
    struct subnet all = subnet("0.0.0.0/0");
    assert_true(subnet_contains(&all, &host));
    assert_false(subnet_is_host(&net, &host));
    subnet_of_host(&single, &host);
    assert_true(subnet_is_host(&single, &host));
    assert_false(subnet_is_host(&single, &other));
    assert_false(subnet_equal(&single, &net));
    subnet_mask(&net, &mask);
    address_print(&mask, out);
    assert_string_equal(out, "255.255.255.0");
    struct subnet net6 = subnet("2001:db8::/61");
    subnet_mask(&net6, &mask);
    address_print(&mask, out);
    assert_string_equal(out, "ffff:ffff:ffff:fff8::");
    struct address none = { .family = 0 };
    struct address zero = address("0.0.0.0");
    assert_true(address_is_any(&none));
    assert_true(address_is_any(&zero));
    assert_false(address_is_any(&host));
    assert_int_equal(address_hash(&host), address_hash(&host));
    assert_int_not_equal(address_hash(&host), address_hash(&other));
}

static void sockets(void **state)
{
    (void)state;
    static const char *const texts[] = { "10.9.0.1", "2001:db8::1" };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        struct address a = address(texts[i]);
        struct address back;
        struct sockaddr_storage ss;
        uint16_t port = 0;
        socklen_t len = address_to_sockaddr(&a, 4500, &ss);
        assert_int_equal(len, i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        assert_true(address_from_sockaddr(&back, &port, (struct sockaddr *)&ss));
        assert_true(address_equal(&a, &back));
        assert_int_equal(port, 4500);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_texts),
        cmocka_unit_test(every_byte),
        cmocka_unit_test(subnet_texts),
        cmocka_unit_test(questions),
        cmocka_unit_test(sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
