/*
 * `secrets`' records: two cores, one for each side of a negotiation, with tests/fuzz/toy_dh.c.
 *
 * Input: lines `p`, `n`, `k` RECORD: from plutod, ike-negotiate, kernel-sa to the first core; with
 * capitals to the second. `KEY=@` in a record is the bytes of KEY that the other core said last,
 * `KEY-peer=@` those of KEY. `a` and `A`: kernel-sa's channel is a new one; `b` and `B`: ike-negotiate's is; `r` and `R`,
 * before all else: there is a private key for 10.9.0.1, 10.9.0.2. Holds: all that is said is records; a PSK is never said; no keys for kernel-sa before the peer was authenticated (F17).
 */
#include "fuzz.h"

#include "secrets/core.h"
#include "tests/unit/rsa_keys.h"
#include "tests/unit/shared_dh.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 60
#define PSK "correct-horse"

static const struct fuzz_speaker speakers[] = {
    { 'p', P_S }, { 'n', N_S }, { 'k', K_S }, { 'P', P_S }, { 'N', N_S }, { 'K', K_S }, { 0, 0 }
};

struct side {
    struct store *store;
    struct core *core;
    struct log log;
    struct buffer to[3]; /* plutod, ike-negotiate, kernel-sa */
    char *last[KEY_COUNT]; /* hex of what it said, owned */
    bool authenticated;
};

static void add_secret(struct store *s, const char *ours, const char *peer, const char *psk)
{
    struct index index[2] = { { .kind = INDEX_ID }, { .kind = INDEX_ID } };
    fuzz_check(identity_parse(&index[0].id, ours) == NULL);
    fuzz_check(identity_parse(&index[1].id, peer) == NULL);
    fuzz_check(store_add(s, "fuzz", 1, index, 2, (const uint8_t *)psk, strlen(psk)) == NULL);
}

static void side_begin(struct side *s)
{
    s->store = store_new();
    fuzz_check(store_add(s->store, "fuzz", 1, NULL, 0, (const uint8_t *)PSK, strlen(PSK)) == NULL);
    add_secret(s->store, "@left", "@right", PSK "-other");
    s->log = (struct log){ .tool = "secrets", .records = &s->to[0], .classes = DEBUG_ALL };
    const struct core_config config = { .store = s->store, .dh = shared_dh(), .log = &s->log, .random = fuzz_random };
    s->core = secrets_new(&config);
    fuzz_check(s->core != NULL);
}

static void side_end(struct side *s)
{
    secrets_free(s->core);
    store_free(s->store);
    for (unsigned i = 0; i < 3; i++) {
        buffer_wipe(&s->to[i]);
    }
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        free(s->last[key]);
    }
}

/* ---- what is said ---- */

static void keep(struct side *s, const struct record *r)
{
    for (unsigned key = 1; key < KEY_COUNT; key++) {
        static const char digits[] = "0123456789abcdef";
        size_t len = 0;
        const uint8_t *bytes = schema_key((enum key)key)->type == FIELD_BYTES
                                   ? record_bytes(r, (enum key)key, &len) : NULL;
        if (bytes == NULL) {
            continue;
        }
        free(s->last[key]);
        s->last[key] = calloc(1, 2 * len + 1);
        fuzz_check(s->last[key] != NULL);
        for (size_t i = 0; i < len; i++) {
            s->last[key][2 * i] = digits[bytes[i] >> 4];
            s->last[key][2 * i + 1] = digits[bytes[i] & 15];
        }
    }
}

static void check_said(struct side *s)
{
    static const unsigned from[3] = { S_P, S_N, S_K };
    static struct record r;
    for (unsigned i = 0; i < 3; i++) {
        struct buffer *b = &s->to[i];
        struct fuzz_input in = { b->data, b->len };
        fuzz_check(b->len == 0 || memmem(b->data, b->len, PSK, strlen(PSK)) == NULL);
        while (in.left > 0) {
            size_t len;
            char *line = fuzz_until(&in, '\n', &len);
            fuzz_check(fuzz_record(&r, line, len, from[i]) == NULL);
            s->authenticated = s->authenticated || r.verb == V_AUTHENTICATED;
            fuzz_check(r.verb != V_SA_KEYS || s->authenticated);
            keep(s, &r);
            free(line);
        }
        buffer_truncate(b, 0);
    }
}

/* ---- what it is told ---- */

/* `name` without its -peer, as the other side has said it; NULL: it has not. */
static const char *value_of(const struct side *other, const char *name, size_t len)
{
    if (len > 5 && memcmp(name + len - 5, "-peer", 5) == 0) {
        len -= 5;
    }
    return other->last[schema_find_key(name, len)];
}

static char *with_values(const struct side *other, const char *line, size_t *len)
{
    struct buffer out;
    const char *name = line;
    buffer_init(&out, 0);
    for (const char *c = line; *c != '\0'; c++) {
        const char *value = c[0] == '=' && c[1] == '@' && (c[2] == ' ' || c[2] == '\0')
                                ? value_of(other, name, (size_t)(c - name)) : NULL;
        name = *c == ' ' ? c + 1 : name;
        buffer_add(&out, c, 1);
        if (value != NULL) {
            buffer_add_text(&out, value);
            c++;
        }
    }
    *len = out.len;
    buffer_add_u8(&out, 0);
    fuzz_check(!out.overflowed);
    return (char *)out.data;
}

static void add_key(struct store *s, const char *id, const char *pem)
{
    struct index index = { .kind = INDEX_ID };
    fuzz_check(identity_parse(&index.id, id) == NULL);
    fuzz_check(store_add_rsa(s, "fuzz", 2, &index, 1, rsa_test_key(pem)) == NULL);
}

static void do_line(struct side *s, const struct side *other, char letter, const char *text,
                    uint64_t now)
{
    static struct record r;
    struct core_out out = { &s->to[0], &s->to[1], &s->to[2] };
    size_t len;
    unsigned from = letter == 'p' ? P_S : letter == 'n' ? N_S : K_S;
    if (letter == 'a') {
        secrets_kernel_again(s->core, &out);
        return;
    }
    if (letter == 'b') {
        secrets_negotiator_again(s->core);
        return;
    }
    char *line = with_values(other, text, &len);
    if (strchr("pnk", letter) != NULL && fuzz_record(&r, line, len, from) == NULL) {
        secrets_record(s->core, &r, &out, now);
    }
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    if (size > 0 && memmem(data, size, PSK, strlen(PSK)) != NULL) {
        return -1; /* what is told may be said again */
    }
    struct side *sides = calloc(2, sizeof *sides);
    bool filled = false; /* the stores change no more */
    fuzz_check(sides != NULL);
    fuzz_random_begin(1);
    side_begin(&sides[0]);
    side_begin(&sides[1]);
    for (unsigned i = 0; i < LINES_MAX && in.left > 0; i++) {
        size_t len;
        char *line = fuzz_until(&in, '\n', &len);
        unsigned which = isupper((unsigned char)line[0]) ? 1 : 0;
        filled = filled || tolower((unsigned char)line[0]) != 'r';
        if (!filled) {
            add_key(sides[which].store, which == 0 ? "10.9.0.1" : "10.9.0.2", which == 0 ? rsa_pem_512 : rsa_pem_512_e3);
        } else if (len > 0) {
            do_line(&sides[which], &sides[1 - which], (char)tolower((unsigned char)line[0]),
                    len > 2 ? line + 2 : "", 1 + i);
        }
        check_said(&sides[which]);
        free(line);
    }
    fuzz_check(secrets_exchanges(sides[0].core) <= LINES_MAX);
    side_end(&sides[0]);
    side_end(&sides[1]);
    free(sides);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return fuzz_mutate_lines(speakers, data, size, max, seed);
}
