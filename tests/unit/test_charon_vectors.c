/*
 * Our key schedule against exchanges that strongSwan's charon had with itself: tests/vectors/charon,
 * where README.md says what the names of the lines mean. Nothing here is computed twice by us: each
 * value that we derive is compared with what charon printed, and its messages are decrypted.
 */
#include "datatext.h"
#include "ike-negotiate/crypt.h"
#include "ike-negotiate/message.h"
#include "secrets/derive.h"

#include <bsd/string.h>
#include <bsd/sys/endian.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIELDS 64
#define VALUE_MAX 2048

struct field {
    char name[24];
    char text[2 * VALUE_MAX]; /* as it stands there */
    uint8_t bytes[VALUE_MAX];
    size_t len;
};

struct vector {
    const char *path;
    size_t count;
    struct field field[FIELDS];
    struct ike_suite ike;
    struct esp_suite esp;
    bool pfs;
};

/* ---- reading ---- */

static void take_line(struct vector *v, char *line)
{
    char text[2 * VALUE_MAX + 2] = "0x";
    char *value = strchr(line, '=');
    if (line[0] == '#' || line[0] == '\0') {
        return;
    }
    assert_true(v->count < FIELDS);
    struct field *f = &v->field[v->count++];
    if (value == NULL) {
        fail_msg("%s: a line that is no name=value", v->path);
        return;
    }
    *value++ = '\0';
    assert_true(strlcpy(f->name, line, sizeof f->name) < sizeof f->name);
    assert_true(strlcpy(f->text, value, sizeof f->text) < sizeof f->text);
    strlcpy(text + 2, value, sizeof text - 2);
    if (datatext_decode(f->bytes, sizeof f->bytes, &f->len, text) != NULL) {
        f->len = 0; /* a word, not bytes */
    }
}

static const struct field *get(const struct vector *v, const char *name)
{
    for (size_t i = 0; i < v->count; i++) {
        if (strcmp(v->field[i].name, name) == 0) {
            return &v->field[i];
        }
    }
    fail_msg("%s: no %s", v->path, name);
    abort();
}

static struct part part(const struct vector *v, const char *name)
{
    const struct field *f = get(v, name);
    assert_true(f->len > 0);
    return (struct part){ f->bytes, f->len };
}

static void read_vector(struct vector *v, const char *path)
{
    static char line[2 * VALUE_MAX];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    memset(v, 0, sizeof *v);
    v->path = path;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        take_line(v, line);
    }
    fclose(file);
    assert_null(ike_suite_parse(&v->ike, get(v, "ike")->text));
    assert_null(esp_suite_parse(&v->esp, get(v, "esp")->text));
    v->pfs = strcmp(get(v, "pfs")->text, "no") != 0;
}

/* Each file of the folder, in the place of v. */
static void each_vector(void (*check)(struct vector *v, void *context), void *context)
{
    static struct vector v;
    glob_t found;
    int status = glob("tests/vectors/charon/*.txt", 0, NULL, &found);
    if (status == GLOB_NOMATCH) { /* run from tests/unit */
        status = glob("../vectors/charon/*.txt", 0, NULL, &found);
    }
    assert_int_equal(status, 0);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        read_vector(&v, found.gl_pathv[i]);
        check(&v, context);
    }
    globfree(&found);
}

static void same(const struct vector *v, const char *name, const uint8_t *ours, size_t len)
{
    const struct part theirs = part(v, name);
    if (theirs.len != len || memcmp(theirs.bytes, ours, len) != 0) {
        fail_msg("%s: our %s is another one", v->path, name);
    }
}

/* ---- phase 1 ---- */

static struct phase1_values phase1(const struct vector *v)
{
    return (struct phase1_values){
        .hash = v->ike.hash->id, .ni_b = part(v, "ni_b"), .nr_b = part(v, "nr_b"),
        .g_xi = part(v, "g_xi"), .g_xr = part(v, "g_xr"), .g_xy = part(v, "g_xy"),
        .cky_i = part(v, "cky_i"), .cky_r = part(v, "cky_r"), .sai_b = part(v, "sai_b"),
    };
}

static void skeyids(struct vector *v, void *context)
{
    (void)context;
    struct skeyids s;
    const struct phase1_values values = phase1(v);
    const struct field *psk = get(v, "psk");
    size_t len = v->ike.hash->len;

    assert_int_equal(values.g_xi.len, v->ike.group->public_len);
    assert_int_equal(values.g_xr.len, v->ike.group->public_len);
    assert_int_equal(values.g_xy.len, v->ike.group->secret_len);
    derive_skeyid_psk(&s, &values,
                      (struct part){ (const uint8_t *)psk->text, strlen(psk->text) });
    same(v, "skeyid", s.skeyid, len);
    same(v, "skeyid_d", s.d, len);
    same(v, "skeyid_a", s.a, len);
    same(v, "skeyid_e", s.e, len);
}

static void every_skeyid(void **state)
{
    (void)state;
    each_vector(skeyids, NULL);
}

static void make_keys(const struct vector *v, struct isakmp_keys *k)
{
    isakmp_keys_make(k, &v->ike, part(v, "skeyid_a").bytes, part(v, "skeyid_e").bytes);
}

static void key_and_iv(struct vector *v, void *context)
{
    (void)context;
    struct isakmp_keys k;
    uint8_t iv[IV_MAX];
    const struct part g_xi = part(v, "g_xi");
    const struct part g_xr = part(v, "g_xr");

    make_keys(v, &k);
    same(v, "key", k.key, v->ike.cipher->key_len);
    iv_phase1(&v->ike, &g_xi, &g_xr, iv);
    same(v, "iv", iv, v->ike.cipher->block_len);
}

static void every_key_and_iv(void **state)
{
    (void)state;
    each_vector(key_and_iv, NULL);
}

/*
 * Decrypts a message with the IV as it stands, finds charon's plain text, and encrypts that again
 * to the same bytes. The payloads are read into m (where they lie in `plain`), and the IV is the
 * one that the next message needs.
 */
static void open_message(const struct vector *v, const char *message, const char *plain_name,
                         uint8_t iv[IV_MAX], uint8_t plain[VALUE_MAX], struct message *m)
{
    struct isakmp_keys k;
    const struct part packet = part(v, message);
    uint8_t again[VALUE_MAX];
    uint8_t iv_again[IV_MAX];
    size_t len = packet.len - ISAKMP_HEADER_LEN;

    make_keys(v, &k);
    assert_null(header_decode(&m->header, packet.bytes, packet.len));
    assert_int_equal(m->header.flags, FLAG_ENCRYPTION);
    memcpy(plain, packet.bytes + ISAKMP_HEADER_LEN, len);
    memcpy(iv_again, iv, IV_MAX);
    isakmp_decrypt(&k, iv, plain, len);
    same(v, plain_name, plain, len);
    memcpy(again, plain, len);
    isakmp_encrypt(&k, iv_again, again, len);
    assert_memory_equal(again, packet.bytes + ISAKMP_HEADER_LEN, len);
    assert_memory_equal(iv, iv_again, k.cipher->block_len);
    assert_null(payloads_decode(m, m->header.next_payload, plain, len));
}

/* HASH_I or HASH_R of an opened message 5 or 6: over the ID that stands in it. */
static void check_hash(const struct vector *v, const struct message *m, bool of_initiator)
{
    const struct phase1_values values = phase1(v);
    const struct payload *id = message_find(m, PAYLOAD_ID, 0);
    const struct payload *hash = message_find(m, PAYLOAD_HASH, 0);
    uint8_t ours[HASH_MAX];

    assert_non_null(id);
    assert_non_null(hash);
    derive_hash(ours, &values, part(v, "skeyid").bytes, of_initiator,
                (struct part){ id->body, id->body_len });
    same(v, of_initiator ? "hash_i" : "hash_r", ours, v->ike.hash->len);
    assert_int_equal(hash->body_len, v->ike.hash->len);
    assert_memory_equal(hash->body, ours, hash->body_len);
}

static void main_mode(struct vector *v, void *context)
{
    (void)context;
    uint8_t plain[VALUE_MAX];
    uint8_t iv[IV_MAX] = { 0 };
    struct message m;
    size_t block = v->ike.cipher->block_len;

    memcpy(iv, part(v, "iv").bytes, block);
    open_message(v, "message_5", "plain_5", iv, plain, &m);
    same(v, "iv_after_5", iv, block);
    check_hash(v, &m, true);
    open_message(v, "message_6", "plain_6", iv, plain, &m);
    same(v, "iv_after_6", iv, block);
    check_hash(v, &m, false);
}

static void every_message_5_and_6(void **state)
{
    (void)state;
    each_vector(main_mode, NULL);
}

/* ---- phase 2 ---- */

static void check_quick_hash(const struct vector *v, const struct message *m, unsigned number)
{
    static const uint8_t zero = 0;
    static const char *const names[] = { "hash_1", "hash_2", "hash_3" };
    struct isakmp_keys k;
    uint8_t m_id[4];
    uint8_t ours[HASH_MAX];
    const struct payload *hash = &m->payload[0];
    const struct part rest = { hash->whole + hash->whole_len, m->payloads_len - hash->whole_len };
    const struct part ni = part(v, "quick_ni_b");
    const struct part nr = part(v, "quick_nr_b");
    const struct part lists[3][4] = { { { m_id, 4 }, rest },
                                      { { m_id, 4 }, ni, rest },
                                      { { &zero, 1 }, { m_id, 4 }, ni, nr } };

    make_keys(v, &k);
    be32enc(m_id, m->header.message_id);
    isakmp_hash(&k, lists[number - 1], number + 1, ours);
    same(v, names[number - 1], ours, k.hash->len);
    assert_int_equal(hash->type, PAYLOAD_HASH);
    assert_int_equal(hash->body_len, k.hash->len);
    assert_memory_equal(hash->body, ours, k.hash->len);
}

static void quick_mode(struct vector *v, void *context)
{
    (void)context;
    uint8_t plain[VALUE_MAX];
    uint8_t iv[IV_MAX];
    uint8_t last[IV_MAX] = { 0 };
    struct message m;
    struct isakmp_keys k;
    size_t block = v->ike.cipher->block_len;

    make_keys(v, &k);
    const struct part packet = part(v, "quick_1");
    assert_null(header_decode(&m.header, packet.bytes, packet.len));
    memcpy(last, part(v, "iv_after_6").bytes, block);
    iv_phase2(&k, last, m.header.message_id, iv);
    same(v, "iv_quick_1", iv, block);
    open_message(v, "quick_1", "plain_quick_1", iv, plain, &m);
    check_quick_hash(v, &m, 1);
    same(v, "iv_quick_2", iv, block);
    open_message(v, "quick_2", "plain_quick_2", iv, plain, &m);
    check_quick_hash(v, &m, 2);
    same(v, "iv_quick_3", iv, block);
    open_message(v, "quick_3", "plain_quick_3", iv, plain, &m);
    check_quick_hash(v, &m, 3);
}

static void every_quick_mode(void **state)
{
    (void)state;
    each_vector(quick_mode, NULL);
}

static void keymat(struct vector *v, void *context)
{
    (void)context;
    uint8_t ours[KEYMAT_MAX];
    size_t len = (size_t)v->esp.cipher->key_len + v->esp.cipher->salt_len
                 + (v->esp.hash == NULL ? 0 : v->esp.hash->len);
    struct phase2_values values = {
        .hash = v->ike.hash->id, .skeyid_d = part(v, "skeyid_d"), .protocol = PROTOCOL_ESP,
        .ni_b = part(v, "quick_ni_b"), .nr_b = part(v, "quick_nr_b"),
    };
    if (v->pfs) {
        values.g_xy = part(v, "quick_g_xy");
    }
    /* An SA's SPI is chosen by the one who receives. */
    derive_keymat(ours, len, &values, part(v, "spi_r").bytes);
    same(v, "keymat_i", ours, len);
    derive_keymat(ours, len, &values, part(v, "spi_i").bytes);
    same(v, "keymat_r", ours, len);
}

static void every_keymat(void **state)
{
    (void)state;
    each_vector(keymat, NULL);
}

/* ---- are all of them there? ---- */

struct seen { /* 1 << id of each */
    unsigned hashes, ciphers, groups;
    unsigned esp_ciphers, esp_hashes, pfs_groups;
    bool without_pfs, aead;
    unsigned expanded; /* 1 << 0: the key is a part of SKEYID_e; 1: K1 | part of K2; 2: K1 | K2 */
    unsigned keymat;   /* 1 << 0: a part of K1, or K1; 1: K1 | K2; 2: more */
};

static void note(struct vector *v, void *context)
{
    struct seen *s = context;
    size_t key_len = v->ike.cipher->key_len;
    size_t hash_len = v->ike.hash->len;
    s->hashes |= 1u << v->ike.hash->id;
    s->ciphers |= 1u << v->ike.cipher->id;
    s->groups |= 1u << v->ike.group->id;
    s->esp_ciphers |= 1u << v->esp.cipher->id;
    s->aead = s->aead || v->esp.hash == NULL;
    if (v->esp.hash != NULL) {
        s->esp_hashes |= 1u << v->esp.hash->id;
    }
    const char *pfs = get(v, "pfs")->text;
    const struct group *group = group_by_word(pfs, strlen(pfs));
    s->without_pfs = s->without_pfs || group == NULL;
    if (group != NULL) {
        s->pfs_groups |= 1u << group->id;
    }
    size_t blocks = (part(v, "keymat_i").len + hash_len - 1) / hash_len;
    s->keymat |= 1u << (blocks < 3 ? blocks - 1 : 2);
    s->expanded |= 1u << (key_len <= hash_len ? 0 : key_len < 2 * hash_len ? 1 : 2);
}

static void must_be_seen(unsigned seen, unsigned id, const char *word, const char *where)
{
    if ((seen & 1u << id) == 0) {
        fail_msg("no file in tests/vectors/charon has %s %s: capture makes one", word, where);
    }
}

/* Whatever the list of algorithms has, in each place where it may be. */
static void everything_is_covered(void **state)
{
    struct seen s = { 0 };
    (void)state;
    each_vector(note, &s);
    for (unsigned i = 0; i < HASH_COUNT; i++) {
        const struct hash *h = hash_get((enum hash_id)i);
        must_be_seen(s.esp_hashes, i, h->word, "in ESP");
        if (h->ike_number != 0) {
            must_be_seen(s.hashes, i, h->word, "in phase 1");
        }
    }
    for (unsigned i = 0; i < CIPHER_COUNT; i++) {
        const struct cipher *c = cipher_get((enum cipher_id)i);
        must_be_seen(s.esp_ciphers, i, c->word, "in ESP");
        if (c->ike_number != 0) {
            must_be_seen(s.ciphers, i, c->word, "in phase 1");
        }
    }
    for (unsigned i = 0; i < GROUP_COUNT; i++) {
        const struct group *g = group_get((enum group_id)i);
        must_be_seen(s.groups, i, g->word, "in phase 1");
        must_be_seen(s.pfs_groups, i, g->word, "for PFS");
    }
    assert_true(s.without_pfs && s.aead);
    assert_int_equal(s.expanded, 7);
    assert_int_equal(s.keymat, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_covered),
        cmocka_unit_test(every_skeyid),
        cmocka_unit_test(every_key_and_iv),
        cmocka_unit_test(every_message_5_and_6),
        cmocka_unit_test(every_quick_mode),
        cmocka_unit_test(every_keymat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
