/* Distinguished names as texts and as DER [W5] [R2]; OpenSSL has the same bytes and reads ours. */
#include "dn.h"
#include "identity.h"

#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

struct der {
    uint8_t bytes[ID_VALUE_MAX];
    size_t len;
};

static struct der dn(const char *text)
{
    struct der d = { .len = 0 };
    const char *why = dn_parse(d.bytes, &d.len, text);
    if (why != NULL) {
        fail_msg("%s: refused: %s", text, why);
    }
    return d;
}

static void prints(const struct der *d, const char *expected)
{
    char out[IDENTITY_TEXT];
    assert_true(dn_print(d->bytes, d->len, out, sizeof out));
    assert_string_equal(out, expected);
    struct der again = dn(out);
    assert_int_equal(again.len, d->len);
    assert_memory_equal(again.bytes, d->bytes, d->len);
}

static void texts(void **state)
{
    (void)state;
    static const struct { const char *text, *printed; } good[] = {
        { "C=CH, O=Example Ltd, CN=gate.example", "C=CH,O=Example%20Ltd,CN=gate.example" },
        { "/C=CH/O=Example Ltd/CN=gate.example", "C=CH,O=Example%20Ltd,CN=gate.example" },
        { "  c = CH ,o=  Example  Ltd  , Cn=a", "C=CH,O=Example%20%20Ltd,CN=a" },
        { "CN=a=b", "CN=a%3Db" },
        { "CN=a\\,b\\\\", "CN=a%2Cb%5C" },
        { "CN=%20a\\ ", "CN=%20a%20" },
        { "/CN=a,b", "CN=a%2Cb" },
        { "CN=http://x/?a", "CN=http://x/?a" },
        { "E=joe@example.org", "E=joe@example.org" },
        { "emailaddress=joe@example.org", "E=joe@example.org" },
        { "DC=example,DC=org,UID=joe", "DC=example,DC=org,UID=joe" },
        { "serialNumber=17,SN=Doe,G=Joe,T=Dr,D=x,I=J,N=n,street=s", "serialNumber=17,SN=Doe,G=Joe,T=Dr,D=x,I=J,N=n,STREET=s" },
        { "surname=Doe,GN=Joe,givenName=Joe,title=Dr,description=x,initials=J,name=n", "SN=Doe,G=Joe,G=Joe,T=Dr,D=x,I=J,N=n" },
        { "2.5.4.4=Doe,2.5.4.5=17", "SN=Doe,serialNumber=17" },
        /* As openssl x509 -subject shows names. */
        { "C = CH, O = \"Example, Inc.\", OU = Z\\C3\\BCrich, CN = a\\+b\\\"", "C=CH,O=Example%2C%20Inc.,OU=Z%C3%BCrich,CN=a+b%22" },
        { "O=\" a \\\"b\\\" = C=x \" , CN=a\"b\"", "O=%20a%20%22b%22%20%3D%20C%3Dx%20,CN=a%22b%22" },
        { "O=utf8:\"a\"", "O=utf8:a" },
        { "CN=a O\\=b,O=a c O%3db,C=x=y,CN=a XO=b", "CN=a%20O%3Db,O=a%20c%20O%3Db,C=x%3Dy,CN=a%20XO%3Db" },
        { "CN=Z\xc3\xbcrich", "CN=Z%C3%BCrich" },
        { "CN=Z%C3%BCrich", "CN=Z%C3%BCrich" },
        { "CN=joe@x", "CN=joe@x" }, /* @ is in no PrintableString: UTF-8 */
        { "CN=utf8:gate", "CN=utf8:gate" },
        { "CN=printable:gate", "CN=gate" },
        { "CN=utf8:joe@x", "CN=joe@x" },
        { "CN=t61:gate,O=ia5:x", "CN=t61:gate,O=ia5:x" },
        { "E=utf8:a@b", "E=utf8:a@b" },
        { "CN=%75tf8:gate", "CN=%75tf8:gate" }, /* that one has the mark in it */
        { "2.5.4.3=gate", "CN=gate" },
        { "1.2.840.113549.1.9.1=a@b", "E=a@b" },
        { "2.5.4.999=x", "2.5.4.999=x" },
        { "0.39.0=x,1.0.4294967295=x,2.4294967215.1=x", "0.39.0=x,1.0.4294967295=x,2.4294967215.1=x" },
        { "CN=%25%5B%5D'", "CN=%25%5B%5D%27" },
        { "CN=a...b.c", "CN=a%2E%2E.b.c" }, /* in a topology it would stand between hosts */
        { "2.47.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127=x",
          "2.47.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127.127=x" },
    };
    static const char *const bad[] = {
        "", "=", "=x", "CN", "CN=", "CN= ", "CN=a,", "CN=a,,O=b", "CN=a,O", ",CN=a", "/", "/CN", "//CN=a", "XX=a", "CN=a%2",
        "S=Doe", "C=CH O=Example", "C=CH;O = Example", "C=CH+O=Example", "C=CH/O=Example", "/C=CH,O=Example", "CN=gate + o = Example",
        "O=\"a", "O=\"a\"b", "O=\"a\"b,CN=c", "O=\"\"", "O=\"a\\\"", "O=\"",
        "CN=a%zz", "CN=a\\", "CN=a\nb", "CN=a%00b", "CN=\xff", "CN=\xc3", "CN=\xc0\x80", "CN=\xe0\x80\x80", "CN=\xed\xa0\x80",
        "CN=\xf0\x80\x80\x80", "CN=\xf4\x90\x80\x80", "CN=printable:joe@x", "CN=ia5:\xc3\xbc", "CN=utf8:", "CN=t61:%E9",
        "2=x", "2.=x", "2..4=x", "3.1=x", "1.40=x", "2.5.04=x", "2.5.4294967296=x", "2.4294967216=x", "2.5.4.=x", "-1.2=x", "2.5,4=x",
        "1.2.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1=x",
    };
    for (size_t i = 0; i < LENGTH(good); i++) {
        struct der d = dn(good[i].text);
        prints(&d, good[i].printed);
    }
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct der d;
        if (dn_parse(d.bytes, &d.len, bad[i]) == NULL) {
            fail_msg("taken for a distinguished name: %s", bad[i]);
        }
    }
}

/* ---- the bytes ---- */

/* As OpenSSL makes them; and it reads ours. */
static void as_openssl_has_them(void **state)
{
    (void)state;
    static const struct { const char *field, *value; int type; } steps[] = {
        { "C", "CH", V_ASN1_PRINTABLESTRING },
        { "ST", "Bern", V_ASN1_PRINTABLESTRING },
        { "O", "Example, Inc.", V_ASN1_PRINTABLESTRING },
        { "OU", "Z\xc3\xbcrich & Bern", V_ASN1_UTF8STRING },
        { "CN", "a name that makes all of it longer than a hundred and twenty-seven bytes", V_ASN1_PRINTABLESTRING },
        { "emailAddress", "joe@example.org", V_ASN1_IA5STRING },
        { "DC", "example", V_ASN1_IA5STRING },
        { "serialNumber", "17", V_ASN1_PRINTABLESTRING },
    };
    X509_NAME *name = X509_NAME_new();
    unsigned char *der = NULL;
    assert_non_null(name);
    for (size_t i = 0; i < LENGTH(steps); i++) {
        assert_int_equal(X509_NAME_add_entry_by_txt(name, steps[i].field, steps[i].type,
                                                    (const unsigned char *)steps[i].value, -1, -1, 0), 1);
    }
    int len = i2d_X509_NAME(name, &der);
    struct der ours = dn("C=CH, ST=Bern, O=Example\\, Inc., OU=Z\xc3\xbcrich & Bern, CN=a name that makes all of it longer than "
                         "a hundred and twenty-seven bytes, E=joe@example.org, DC=example, serialNumber=17");
    assert_int_equal(ours.len, len);
    assert_memory_equal(ours.bytes, der, ours.len);
    const unsigned char *at = ours.bytes;
    X509_NAME *read = d2i_X509_NAME(NULL, &at, (long)ours.len);
    assert_non_null(read);
    assert_int_equal(X509_NAME_cmp(read, name), 0);
    X509_NAME_free(read);
    OPENSSL_free(der);
    X509_NAME_free(name);
}

/* Each end of it, each byte changed: no text, or one that gives the same bytes. */
static void any_bytes(void **state)
{
    (void)state;
    const struct der whole = dn("C=CH,O=utf8:Example,2.5.4.999=t61:x,E=a@b,CN=a name that makes all of it longer than a hundred and "
                                "twenty-seven bytes\\, with a long form of length");
    char out[IDENTITY_TEXT];
    assert_true(whole.len > 130);
    for (size_t len = 0; len < whole.len; len++) {
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, whole.bytes, len);
        assert_false(dn_print(copy, len, out, sizeof out));
        assert_int_not_equal(dn_compare(copy, len, whole.bytes, whole.len), 0);
        free(copy);
    }
    for (size_t i = 0; i < whole.len; i++) {
        for (unsigned value = 0; value < 256; value++) {
            struct der odd = whole;
            odd.bytes[i] = (uint8_t)value;
            if (dn_print(odd.bytes, odd.len, out, sizeof out)) {
                prints(&odd, out);
            }
        }
    }
}

static void without_a_text(void **state)
{
    (void)state;
    static const struct { const char *bytes; size_t len; const char *what; } cases[] = {
        { "\x30\x00", 2, "empty" },
        { "\x30\x81\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02hi", 16, "a length that is longer than need be" },
        { "\x30\x80\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02hi\x00\x00", 17, "BER's indefinite length" },
        { "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02hix", 16, "bytes behind it" },
        { "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x1e\x02hi", 15, "a BMPString" },
        { "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x14\x02h\xe9", 15, "T61 beyond ASCII" },
        { "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02h\x00", 15, "a NUL" },
        { "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x13\x02h_", 15, "what no PrintableString has" },
        { "\x30\x0b\x31\x09\x30\x07\x06\x03\x55\x04\x03\x0c\x00", 13, "no value" },
        { "\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x83\x0c\x02hi", 15, "an OID that does not end" },
        { "\x30\x0d\x31\x0b\x30\x09\x06\x03\x80\x04\x03\x0c\x02hi", 15, "an OID not in its shortest form" },
        { "\x30\x18\x31\x16\x30\x09\x06\x03\x55\x04\x03\x0c\x02hi\x30\x09\x06\x03\x55\x04\x0b\x0c\x02hi", 26, "two in a step" },
    };
    char out[IDENTITY_TEXT];
    for (size_t i = 0; i < LENGTH(cases); i++) {
        const uint8_t *bytes = (const uint8_t *)cases[i].bytes;
        if (dn_print(bytes, cases[i].len, out, sizeof out)) {
            fail_msg("%s: has a text: %s", cases[i].what, out);
        }
        for (size_t j = 0; j < LENGTH(cases); j++) {
            const int order = dn_compare(bytes, cases[i].len, (const uint8_t *)cases[j].bytes, cases[j].len);
            assert_int_equal(order == 0, i == j);
        }
        /* As an identity it has its bytes. */
        struct identity id = { .type = ID_DER_ASN1_DN, .len = (uint16_t)cases[i].len };
        struct identity back;
        memcpy(id.bytes, bytes, id.len);
        identity_print(&id, out);
        assert_memory_equal(out, "@~", 2);
        assert_null(identity_parse(&back, out));
        assert_int_equal(back.len, id.len);
        assert_memory_equal(back.bytes, id.bytes, id.len);
    }
}

static void lengths(void **state)
{
    (void)state;
    char text[600];
    struct der d;
    size_t longest = 0;
    for (size_t len = 1; len < 300; len++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "CN=", 3);
        text[3 + len] = '\0';
        const char *why = dn_parse(d.bytes, &d.len, text);
        if (why == NULL) {
            longest = len;
            prints(&d, text);
            char out[IDENTITY_TEXT];
            assert_false(dn_print(d.bytes, d.len, out, len + 3)); /* one byte short */
        } else {
            assert_string_equal(why, "the identity is too long");
        }
    }
    assert_int_equal(longest, ID_VALUE_MAX - 17); /* 3 heads of 3 bytes, the type's 5, and the string's 3 */
}

/* ---- comparison ---- */

static void the_same(void **state)
{
    (void)state;
    static const char *const groups[][5] = {
        { "C=CH,O=Example Ltd,CN=gate", "c=ch,o=EXAMPLE ltd,cn=Gate", "C=utf8:CH,O=t61:Example   Ltd,CN=ia5:gate", "C=CH,O=%20Example Ltd%20%20,CN=gate" },
        { "C=CH,O=ExampleLtd,CN=gate" },
        { "C=CH,CN=gate,O=Example Ltd" },
        { "C=CH,O=Example Ltd" },
        { "C=CH,O=Example Ltd,CN=gate,CN=gate" },
        { "C=CH,O=Example Ltd,OU=gate" },
        { "C=CH,O=Example Ltd,CN=gat" },
        { "C=CH,O=Example Ltd,CN=gate2", "C=CH,O=Example%20Ltd,2.5.4.3=GATE2" },
        { "CN=%20", "CN=%20%20" },
        { "CN=Z\xc3\xbcrich" },
        { "CN=Z\xc3\x9crich" }, /* folded is ASCII alone */
    };
    struct { struct der d; size_t group; } all[32];
    size_t count = 0;
    for (size_t g = 0; g < LENGTH(groups); g++) {
        for (size_t i = 0; i < LENGTH(groups[g]) && groups[g][i] != NULL; i++) {
            all[count].d = dn(groups[g][i]);
            all[count++].group = g;
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            const struct der *a = &all[i].d, *b = &all[j].d;
            const int order = dn_compare(a->bytes, a->len, b->bytes, b->len);
            assert_int_equal(order == 0, all[i].group == all[j].group);
            assert_int_equal(order > 0, dn_compare(b->bytes, b->len, a->bytes, a->len) < 0);
            for (size_t k = 0; k < count && order < 0; k++) { /* an order: a < b < c */
                const struct der *c = &all[k].d;
                if (dn_compare(b->bytes, b->len, c->bytes, c->len) < 0) {
                    assert_true(dn_compare(a->bytes, a->len, c->bytes, c->len) < 0);
                }
            }
        }
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(as_openssl_has_them),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(without_a_text),
        cmocka_unit_test(lengths),
        cmocka_unit_test(the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
