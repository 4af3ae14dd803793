/* Identities as words and as bytes [W5], F7, interop Q9. */
#include "identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

static void texts(void **state)
{
    (void)state;
    static const struct { const char *text, *printed; enum id_type type; } good[] = {
        { "10.9.0.1", "10.9.0.1", ID_IPV4_ADDR },
        { "2001:db8:0::1", "2001:db8::1", ID_IPV6_ADDR },
        { "@gate.example", "@gate.example", ID_FQDN },
        { "joe@example.org", "joe@example.org", ID_USER_FQDN },
        { "@#0aFF", "@#0aff", ID_KEY_ID },
        { "@~3000", "@~3000", ID_DER_ASN1_DN },
        { "C=CH, O=Example Ltd,E=joe@x", "C=CH,O=Example%20Ltd,E=joe@x", ID_DER_ASN1_DN },
        { "@~300d310b300906035504030c026869", "CN=utf8:hi", ID_DER_ASN1_DN },
        { "@@joe", "@@joe", ID_USER_FQDN }, /* a user without a domain, as some peers send it */
        { "@@joe@x", "joe@x", ID_USER_FQDN },
        { "@@a=b@x", "@@a=b@x", ID_USER_FQDN }, /* without @@ it would be a distinguished name */
        { "joe@x=y", "joe@x=y", ID_USER_FQDN },
        { "@a=b@x", "@a=b@x", ID_FQDN },
        { "@100%25", "@100%25", ID_FQDN },
        { "@%23x", "@%23x", ID_FQDN },
        { "@a%20b", "@a%20b", ID_FQDN },
        { "@x]...10.9.0.77[@boss", "@x%5D...10.9.0.77%5B@boss", ID_FQDN }, /* between the brackets of a topology */
        { "%any", "%any", ID_ANY },
        { "0.0.0.0", "%any", ID_ANY },
        { "::", "%any", ID_ANY },
    };
    static const char *const bad[] = {
        "", "gate.example", "@", "@#", "@#1", "@#xx", "@~", "@@", "%myid", "%", "@a%0ab", "@a%2",
        "@a%zz", "@a\nb", "@a\x7f", "10.9.0", "10.9.0.1/32", "C=CH,XX=joe@x", "CN=", "=",
    };
    char out[IDENTITY_TEXT];
    struct identity id;

    for (size_t i = 0; i < LENGTH(good); i++) {
        if (identity_parse(&id, good[i].text) != NULL) {
            fail_msg("refused: %s", good[i].text);
        }
        assert_int_equal(id.type, good[i].type);
        identity_print(&id, out);
        assert_string_equal(out, good[i].printed);
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        if (identity_parse(&id, bad[i]) == NULL) {
            fail_msg("taken for an identity: %s", bad[i]);
        }
    }
}

static struct identity identity(const char *text)
{
    struct identity id;
    assert_null(identity_parse(&id, text));
    return id;
}

static void comparison(void **state)
{
    (void)state;
    struct identity a = identity("@Gate.Example");
    struct identity b = identity("@gate.example");
    struct identity c = identity("@@gate.example");
    struct identity d = identity("@#4142");
    struct identity e = identity("@#6162");
    assert_true(identity_equal(&a, &b));
    assert_false(identity_equal(&a, &c));
    assert_false(identity_equal(&d, &e));
    struct identity f = identity("C=CH,CN=Gate");
    struct identity g = identity("C=CH,CN=utf8:gate");
    assert_true(identity_equal(&f, &g));
    assert_false(identity_equal(&f, &d));
    assert_int_equal(identity_compare(&a, &b), 0);
    assert_true((identity_compare(&a, &c) < 0) != (identity_compare(&c, &a) < 0));
    assert_true((identity_compare(&d, &e) < 0) != (identity_compare(&e, &d) < 0));
}

/* With its bytes and no more (the sanitizers watch), and the spelling that it had. */
static void short_copies(void **state)
{
    (void)state;
    static const char *const texts[] = { "%any", "10.9.0.1", "2001:db8::1", "@Gate.Example", "@#00" };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct identity id = identity(texts[i]);
        struct identity back;
        char out[IDENTITY_TEXT];
        const struct identity *copy = identity_dup(&id);
        assert_non_null(copy);
        assert_true(identity_equal(copy, &id));
        identity_print(copy, out);
        assert_string_equal(out, texts[i]);
        identity_copy(&back, copy);
        assert_true(identity_equal(&back, &id));
        free((void *)(uintptr_t)copy);
    }
}

/* Whatever a peer sends can be written in a record and read again. */
static void print_is_inverse(void **state)
{
    (void)state;
    static const enum id_type types[] = { ID_FQDN, ID_USER_FQDN, ID_KEY_ID, ID_DER_ASN1_DN };
    char out[IDENTITY_TEXT];
    uint8_t body[ID_BODY_MAX] = { 0 };
    struct identity id;
    struct identity back;

    for (size_t t = 0; t < LENGTH(types); t++) {
        for (size_t len = 1; len <= ID_VALUE_MAX; len++) {
            body[0] = (uint8_t)types[t];
            for (size_t i = 0; i < len; i++) {
                uint8_t c = (uint8_t)(len * 7 + i * 31);
                bool control = c < ' ' || c == 0x7f;
                body[4 + i] = control && t < 2 ? '@' : c;
            }
            assert_null(identity_decode(&id, body, len + 4));
            memset(out, 'x', sizeof out);
            identity_print(&id, out);
            assert_non_null(memchr(out, '\0', sizeof out));
            assert_null(identity_parse(&back, out));
            assert_true(identity_equal(&id, &back));
        }
    }
}

/* F7: each type with every length */
static void wire_lengths(void **state)
{
    (void)state;
    uint8_t body[ID_BODY_MAX + 40];
    struct identity id;

    for (unsigned type = 0; type <= 255; type++) {
        for (size_t len = 0; len <= sizeof body; len++) {
            memset(body, 'a', sizeof body);
            body[0] = (uint8_t)type;
            body[1] = body[2] = body[3] = 0;
            bool taken = identity_decode(&id, body, len) == NULL;
            bool right = len > 4 && len <= ID_BODY_MAX;
            switch (type) {
            case ID_IPV4_ADDR:
                right = len == 8;
                break;
            case ID_IPV6_ADDR:
                right = len == 20;
                break;
            case ID_FQDN:
            case ID_USER_FQDN:
            case ID_KEY_ID:
            case ID_DER_ASN1_DN:
                break;
            default:
                right = false;
            }
            if (taken != right) {
                fail_msg("type %u, length %zu", type, len);
            }
        }
    }
}

static void wire_oddities(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; bool good; } cases[] = {
        { "\x01\x00\x00\x00\x0a\x09\x00\x01", 8, true },
        { "\x01\x11\x01\xf4\x0a\x09\x00\x01", 8, true },  /* 17/500 */
        { "\x01\x11\x00\x00\x0a\x09\x00\x01", 8, true },  /* 17/0 */
        { "\x01\x11\x11\x94\x0a\x09\x00\x01", 8, true },  /* 17/4500 */
        { "\x01\x11\x00\x35\x0a\x09\x00\x01", 8, false }, /* 17/53 */
        { "\x01\x06\x00\x00\x0a\x09\x00\x01", 8, false },
        { "\x01\x00\x01\xf4\x0a\x09\x00\x01", 8, false },
        { "\x01\x00\x00\x00\x00\x00\x00\x00", 8, false }, /* would read as %any */
        { "\x02\x00\x00\x00" "a%n", 7, true },
        { "\x02\x00\x00\x00" "a\0b", 7, false },
        { "\x02\x00\x00\x00" "a\nb", 7, false },
        { "\x03\x00\x00\x00" "a\x1b[2J", 9, false },
        { "\x0a\x00\x00\x00\x30\x00", 6, false },
    };
    struct identity id;
    for (size_t i = 0; i < LENGTH(cases); i++) {
        bool taken = identity_decode(&id, (const uint8_t *)cases[i].bytes, cases[i].len) == NULL;
        if (taken != cases[i].good) {
            fail_msg("case %zu", i);
        }
    }
    uint8_t body[ID_BODY_MAX];
    id = identity("@gate");
    assert_int_equal(identity_encode(&id, body), 8);
    assert_memory_equal(body, "\x02\x00\x00\x00gate", 8);
}

static void clients(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; const char *net; } cases[] = {
        { "\x01\x00\x00\x00\x0a\x01\x00\x05", 8, "10.1.0.5/32" },
        { "\x04\x00\x00\x00\x0a\x01\x00\x00\xff\xff\xff\x00", 12, "10.1.0.0/24" },
        { "\x04\x00\x00\x00\x0a\x01\x00\x05\xff\xff\xff\xff", 12, "10.1.0.5/32" },
        { "\x04\x00\x00\x00\x0a\x01\x00\x09\xff\xff\xff\x00", 12, "10.1.0.0/24" },
        { "\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", 12, "0.0.0.0/0" },
        { "\x07\x00\x00\x00\x0a\x01\x00\x00\x0a\x01\x00\xff", 12, "10.1.0.0/24" },
        { "\x07\x00\x00\x00\x0a\x01\x00\x05\x0a\x01\x00\x05", 12, "10.1.0.5/32" },
        { "\x07\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff", 12, "0.0.0.0/0" },
        { "\x07\x00\x00\x00\x0a\x01\x00\x01\x0a\x01\x00\xff", 12, NULL }, /* no subnet */
        { "\x07\x00\x00\x00\x0a\x01\x00\x00\x0a\x01\x00\xfe", 12, NULL },
        { "\x07\x00\x00\x00\x0a\x01\x00\xff\x0a\x01\x00\x00", 12, NULL }, /* backward */
        { "\x04\x00\x00\x00\x0a\x01\x00\x00\xff\x00\xff\x00", 12, NULL }, /* holes */
        { "\x04\x00\x00\x00\x0a\x01\x00\x00\xff\xff\xff", 11, NULL },
        { "\x04\x00\x00\x00\x0a\x01\x00\x00\xff\xff\xff\x00\x00", 13, NULL },
        { "\x02\x00\x00\x00name", 8, NULL },
        { "\x00\x00\x00\x00\x0a\x01\x00\x05", 8, NULL },
        { "\x01\x00\x00", 3, NULL },
    };
    char out[SUBNET_TEXT];
    struct subnet net;
    uint8_t protocol = 0;
    uint16_t port = 0;

    for (size_t i = 0; i < LENGTH(cases); i++) {
        const char *why = client_decode(&net, &protocol, &port, (const uint8_t *)cases[i].bytes,
                                        cases[i].len);
        if ((why == NULL) != (cases[i].net != NULL)) {
            fail_msg("case %zu: %s", i, why != NULL ? why : "taken");
        }
        if (why == NULL) {
            subnet_print(&net, out);
            assert_string_equal(out, cases[i].net);
        }
    }
}

static void clients_there_and_back(void **state)
{
    (void)state;
    static const struct { const char *net; size_t len; uint8_t type; } cases[] = {
        { "10.1.0.0/24", 12, ID_IPV4_ADDR_SUBNET },
        { "10.1.0.5/32", 8, ID_IPV4_ADDR },
        { "0.0.0.0/0", 12, ID_IPV4_ADDR_SUBNET },
        { "2001:db8::/64", 36, ID_IPV6_ADDR_SUBNET },
        { "2001:db8::1/128", 20, ID_IPV6_ADDR },
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct subnet net;
        struct subnet back;
        uint8_t body[ID_BODY_MAX];
        uint8_t protocol = 0;
        uint16_t port = 0;
        assert_null(subnet_parse(&net, cases[i].net, 0));
        assert_int_equal(client_encode(&net, 17, 1701, body), cases[i].len);
        assert_int_equal(body[0], cases[i].type);
        assert_null(client_decode(&back, &protocol, &port, body, cases[i].len));
        assert_true(subnet_equal(&net, &back));
        assert_int_equal(protocol, 17);
        assert_int_equal(port, 1701);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(comparison),
        cmocka_unit_test(short_copies),
        cmocka_unit_test(print_is_inverse),
        cmocka_unit_test(wire_lengths),
        cmocka_unit_test(wire_oddities),
        cmocka_unit_test(clients),
        cmocka_unit_test(clients_there_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
