/* SKEYID* against published cases; KEYMAT and the HASHes against their formulas; data texts. */
#include "datatext.h"
#include "secrets/derive.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/vectors/ikev1-kdf.txt"

struct field {
    uint8_t bytes[512];
    size_t len;
};

enum { CKY_I, CKY_R, NI, NR, G_XY, PSK, SKEYID, SKEYID_D, SKEYID_A, SKEYID_E, FIELDS };

static const char *const field_names[FIELDS] = { "cky_i", "cky_r", "ni", "nr", "g_xy", "psk",
    "skeyid", "skeyid_d", "skeyid_a", "skeyid_e" };

struct vector {
    char auth[16];
    const struct hash *hash;
    struct field field[FIELDS];
};

static struct part part_of(const struct field *f)
{
    return (struct part){ f->bytes, f->len };
}

static void check_vector(const struct vector *v)
{
    struct skeyids s;
    if (v->hash == NULL) {
        fail_msg("a case without hash=");
        return;
    }
    struct phase1_values values = {
        .hash = v->hash->id, .ni_b = part_of(&v->field[NI]), .nr_b = part_of(&v->field[NR]),
        .g_xy = part_of(&v->field[G_XY]), .cky_i = part_of(&v->field[CKY_I]),
        .cky_r = part_of(&v->field[CKY_R]),
    };
    if (strcmp(v->auth, "psk") == 0) {
        derive_skeyid_psk(&s, &values, part_of(&v->field[PSK]));
    } else {
        derive_skeyid_signature(&s, &values);
    }
    assert_int_equal(v->field[SKEYID].len, v->hash->len);
    assert_memory_equal(s.skeyid, v->field[SKEYID].bytes, v->hash->len);
    assert_memory_equal(s.d, v->field[SKEYID_D].bytes, v->hash->len);
    assert_memory_equal(s.a, v->field[SKEYID_A].bytes, v->hash->len);
    assert_memory_equal(s.e, v->field[SKEYID_E].bytes, v->hash->len);
}

static void take_line(struct vector *v, char *line)
{
    char text[1100] = "0x";
    char *value = strchr(line, '=');
    if (value == NULL) {
        fail_msg("%s: no =", line);
        return;
    }
    *value++ = '\0';
    if (strcmp(line, "auth") == 0) {
        snprintf(v->auth, sizeof v->auth, "%s", value);
    } else if (strcmp(line, "hash") == 0) {
        v->hash = hash_by_word(value, strlen(value));
        assert_non_null(v->hash);
    }
    for (unsigned i = 0; i < FIELDS; i++) {
        if (strcmp(line, field_names[i]) == 0) {
            struct field *f = &v->field[i];
            snprintf(text + 2, sizeof text - 2, "%s", value);
            assert_null(datatext_decode(f->bytes, sizeof f->bytes, &f->len, text));
        }
    }
}

static void published_cases(void **state)
{
    char line[2048];
    struct vector v = { 0 };
    unsigned cases = 0;
    FILE *file = fopen(VECTORS, "r");
    (void)state;
    if (file == NULL) { /* run from tests/unit */
        file = fopen("../vectors/ikev1-kdf.txt", "r");
    }
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] == '#' || line[0] == '\0') {
            continue;
        }
        take_line(&v, line);
        if (strncmp(line, "skeyid_e", 8) == 0) {
            check_vector(&v);
            memset(&v, 0, sizeof v);
            cases++;
        }
    }
    fclose(file);
    assert_int_equal(cases, 2);
}

static const uint8_t text_d[] = "skeyid-d", text_n[] = "nonces";

static struct phase2_values phase2(enum hash_id hash, bool pfs)
{
    static const uint8_t secret[] = "a new secret";
    return (struct phase2_values){
        .hash = hash, .skeyid_d = { text_d, 8 }, .g_xy = { secret, pfs ? 12 : 0 }, .protocol = 3,
        .ni_b = { text_n, 3 }, .nr_b = { text_n + 3, 3 },
    };
}

/* K1 | K2 | K3, each made by hand as RFC 2409, 5.5 writes it. */
static void keymat_is_expanded(void **state)
{
    const uint8_t spi[4] = { 1, 2, 3, 4 };
    const uint8_t protocol = 3;
    (void)state;
    for (int pfs = 0; pfs < 2; pfs++) {
        for (unsigned h = 0; h < HASH_COUNT; h++) {
            uint8_t want[3 * HASH_MAX];
            uint8_t got[KEYMAT_MAX];
            size_t len = hash_get((enum hash_id)h)->len;
            struct phase2_values v = phase2((enum hash_id)h, pfs != 0);
            for (size_t i = 0; i < 3; i++) {
                const struct part parts[] = { { want + (i - (i > 0)) * len, i == 0 ? 0 : len },
                    v.g_xy, { &protocol, 1 }, { spi, 4 }, { text_n, 6 } };
                prf_parts((enum hash_id)h, text_d, 8, parts, 5, want + i * len);
            }
            for (size_t size = 1; size <= (3 * len < KEYMAT_MAX ? 3 * len : KEYMAT_MAX); size++) {
                derive_keymat(got, size, &v, spi);
                assert_memory_equal(got, want, size);
            }
        }
    }
}

static void keymat_depends_on_everything(void **state)
{
    const uint8_t spi_a[4] = { 0, 0, 16, 0 };
    const uint8_t spi_b[4] = { 0, 0, 16, 1 };
    uint8_t a[KEYMAT_MAX];
    uint8_t b[KEYMAT_MAX];
    struct phase2_values v = phase2(HASH_SHA1, false);
    (void)state;
    derive_keymat(a, 40, &v, spi_a);
    derive_keymat(b, 40, &v, spi_b);
    assert_memory_not_equal(a, b, 20);
    v = phase2(HASH_SHA1, true);
    derive_keymat(b, 40, &v, spi_a);
    assert_memory_not_equal(a, b, 20);
    v = phase2(HASH_SHA1, false);
    v.protocol = 2;
    derive_keymat(b, 40, &v, spi_a);
    assert_memory_not_equal(a, b, 20);
}

static void hashes_are_mirrored(void **state)
{
    static const uint8_t all[] = "AAAABBBBCCCCCCCCDDDDDDDDsa-body-identity";
    const uint8_t skeyid[HASH_MAX] = { 7 };
    uint8_t got[HASH_MAX];
    uint8_t want[HASH_MAX];
    struct phase1_values v = { .hash = HASH_SHA2_384, .g_xi = { all, 4 }, .g_xr = { all + 4, 4 },
        .cky_i = { all + 8, 8 }, .cky_r = { all + 16, 8 }, .sai_b = { all + 24, 8 } };
    const struct part whole = { all, 40 };
    (void)state;
    derive_hash(got, &v, skeyid, true, (struct part){ all + 32, 8 });
    prf_parts(HASH_SHA2_384, skeyid, 48, &whole, 1, want);
    assert_memory_equal(got, want, 48);
    derive_hash(got, &v, skeyid, false, (struct part){ all + 32, 8 });
    assert_memory_not_equal(got, want, 48);
}

static void data_texts(void **state)
{
    static const struct {
        const char *text;
        const char *data; /* NULL: refused */
    } cases[] = {
        { "0x6162", "ab" }, { "0X6a_6B", "jk" }, { "0x61_62_63", "abc" }, { "0x", NULL },
        { "0x6", NULL }, { "0x616", NULL }, { "0x_61", NULL }, { "0x61_", NULL },
        { "0x61__62", NULL }, { "0x6_1", NULL }, { "0xzz", NULL }, { "0x61 62", NULL },
        { "0sYWI=", "ab" }, { "0sYWJj", "abc" }, { "0sYWI", NULL }, { "0sYW=I", NULL },
        { "0sYWJ=", NULL }, { "0s", NULL }, { "0sYW\nI=", NULL }, { "0sYW I=", NULL },
        { "0s====", NULL }, { "0sYWI==", NULL }, { "0sYWI=YWI=", NULL }, { "0s\xff\xff", NULL },
        { "0tplain text", "plain text" }, { "0t", NULL }, { "plain", NULL }, { "", NULL },
        { "0", NULL }, { "0q11", NULL },
        { "0x61626364656667686970", "abcdefghip" }, { "0x6162636465666768697071", NULL },
        { "0sYWJjYWJjYWJjYQ==", "abcabcabca" }, { "0sYWJjYWJjYWJjYWI=", NULL },
        { "0tabcdefghij", "abcdefghij" }, { "0tabcdefghijk", NULL }, /* longer than max */
    };
    uint8_t out[10];
    size_t len;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *why = datatext_decode(out, sizeof out, &len, cases[i].text);
        if (cases[i].data == NULL) {
            assert_non_null(why);
            assert_int_equal(len, 0);
        } else {
            assert_null(why);
            assert_int_equal(len, strlen(cases[i].data));
            assert_memory_equal(out, cases[i].data, len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_cases), cmocka_unit_test(keymat_is_expanded),
        cmocka_unit_test(keymat_depends_on_everything), cmocka_unit_test(hashes_are_mirrored),
        cmocka_unit_test(data_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
