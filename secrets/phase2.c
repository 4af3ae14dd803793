#include "inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOL_ESP 3 /* RFC 2407, 4.4.1 */
#define SPI_LEN 4
#define SPI_RESERVED 256 /* RFC 4303, 2.1: 1..255 are reserved, 0 is for local use */

static const char no_pfs[] = "no"; /* in K_PFS */

/* ---- what plutod says ---- */

static const char *check_announcement(const struct record *r)
{
    struct esp_proposals esp;
    struct group_list groups;
    const char *pfs = record_text(r, K_PFS);
    const char *why = esp_proposals_parse(&esp, record_text(r, K_ESP), NULL);
    if (why == NULL && strcmp(pfs, no_pfs) != 0) {
        why = group_list_parse(&groups, pfs, NULL);
    }
    return why;
}

void phase2_announce(struct core *c, const struct record *r)
{
    const uint64_t number = record_number(r, K_EXCHANGE);
    const uint64_t parent = record_number(r, K_PARENT);
    const enum role role = record_word(r, K_ROLE);
    const char *esp = record_text(r, K_ESP);
    const char *pfs = record_text(r, K_PFS);
    const bool required = record_has(r, K_PFS_REQUIRED) && record_yes(r, K_PFS_REQUIRED);
    struct exchange *x = exchanges_find(c, number);

    if (x != NULL) {
        const struct quick_mode *q = x->quick_mode;
        if (q == NULL || x->role != role || q->parent != parent || strcmp(q->esp, esp) != 0
            || strcmp(q->pfs, pfs) != 0 || q->pfs_required != required) {
            accuse(c, number, "announced again with other words; that is ignored");
        }
        return;
    }
    const char *why = check_announcement(r);
    if (why != NULL) {
        accuse(c, number, "announced Quick Mode cannot be used: %s", why);
        return;
    }
    x = exchanges_new_quick(c, number, role);
    if (x == NULL) {
        accuse(c, number, "announced Quick Mode is not taken: %s", c->why);
        return;
    }
    if (record_has(r, K_CLASSES)) {
        (void)debug_classes_parse(&x->classes, record_text(r, K_CLASSES)); /* or none */
    }
    x->quick_mode->parent = parent;
    x->quick_mode->pfs_required = required;
    x->quick_mode->esp = strdup(esp);
    x->quick_mode->pfs = strdup(pfs);
    if (x->quick_mode->esp == NULL || x->quick_mode->pfs == NULL) {
        exchanges_free(c, x);
        accuse(c, number, "announced Quick Mode is not taken: out of memory");
    }
}

/* ---- our nonce and exponent ---- */

/* *group: the one that is named, or NULL; it must be allowed by what was announced. */
static enum outcome check_group(struct core *c, const struct exchange *x, const struct record *r,
                                const struct group **group)
{
    const struct quick_mode *q = x->quick_mode;
    const char *word = record_text(r, K_GROUP);
    bool announced = strcmp(q->pfs, no_pfs) != 0;
    struct group_list list = { .count = 0 };

    *group = NULL;
    if (word == NULL) {
        return q->pfs_required || (x->role == ROLE_INITIATOR && announced)
                   ? deny(c, OUTCOME_BAD, 0, "PFS is required, but no group is named")
                   : OUTCOME_OK;
    }
    if (announced && group_list_parse(&list, q->pfs, NULL) != NULL) {
        list.count = 0;
    }
    const struct group *named = group_by_word(word, strlen(word));
    for (size_t i = 0; named != NULL && i < list.count; i++) {
        if (list.group[i] == named) {
            *group = named;
            return OUTCOME_OK;
        }
    }
    return deny(c, OUTCOME_BAD, 0, "group %s was not announced for PFS", word);
}

static enum outcome draw(struct core *c, struct quick_mode *q, const struct group *group)
{
    dh_free(q->dh);
    q->dh = NULL;
    if (group != NULL) {
        q->dh = dh_new(c->config.dh, group->id);
    }
    if ((group != NULL && q->dh == NULL) || !c->config.random(q->nonce, NONCE_LEN)) {
        return deny(c, OUTCOME_FAIL, 0, "no memory or no randomness for a nonce");
    }
    q->drawn = true;
    return OUTCOME_OK;
}

static void put_draw(struct record_writer *w, const struct quick_mode *q)
{
    record_put_bytes(w, K_NONCE, q->nonce, NONCE_LEN);
    if (q->dh != NULL) {
        record_put_bytes(w, K_KE, dh_public_view(q->dh), group_get(dh_group(q->dh))->public_len);
    }
}

enum outcome phase2_ke(struct core *c, struct exchange *x, const struct record *r)
{
    const struct group *group = NULL;
    struct record_writer w;

    if (x->role != ROLE_INITIATOR) {
        return deny(c, OUTCOME_BAD, 0, "quick-ke is for an initiator");
    }
    enum outcome outcome = check_group(c, x, r, &group);
    if (outcome == OUTCOME_OK) {
        outcome = draw(c, x->quick_mode, group);
    }
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    record_answer(&w, &c->answer, V_OK, V_QUICK_KE, record_number(r, K_ID));
    put_draw(&w, x->quick_mode);
    (void)record_finish(&w);
    return OUTCOME_OK;
}

/* ---- KEYMAT ---- */

struct terms { /* of one keymat request, once checked */
    struct main_mode *parent;
    const struct group *group; /* NULL: without PFS */
    struct esp_suite suite;
    struct part spi_in;
    struct part spi_out;
    struct part nonce_peer;
};

static bool spi_reserved(struct part spi)
{
    return spi.bytes[0] == 0 && spi.bytes[1] == 0 && spi.bytes[2] < SPI_RESERVED >> 8;
}

static enum outcome check_parent(struct core *c, const struct exchange *x, struct terms *t)
{
    const struct exchange *parent = exchanges_find(c, x->quick_mode->parent);

    if (parent == NULL || parent->main_mode == NULL) {
        return deny(c, OUTCOME_FAIL, 0, "the ISAKMP SA of this Quick Mode is not known here");
    }
    t->parent = parent->main_mode;
    if (t->parent->stage != STAGE_AUTHENTICATED) {
        return deny(c, OUTCOME_BAD, 0, "no KEYMAT before the peer is authenticated");
    }
    return OUTCOME_OK;
}

static enum outcome check_suite(struct core *c, const struct exchange *x, const struct record *r,
                                struct terms *t)
{
    const char *text = record_text(r, K_PROPOSAL);
    struct esp_proposals announced;

    if (record_word(r, K_PROTOCOL) != WORD_ESP) {
        return deny(c, OUTCOME_BAD, 0, "only ESP is supported yet");
    }
    const char *why = esp_suite_parse(&t->suite, text);
    if (why != NULL) {
        return deny(c, OUTCOME_BAD, 0, "proposal %s: %s", text, why);
    }
    if (esp_proposals_parse(&announced, x->quick_mode->esp, NULL) != NULL
        || esp_proposals_find(&announced, &t->suite) < 0) {
        return deny(c, OUTCOME_BAD, 0, "proposal %s was not announced", text);
    }
    return OUTCOME_OK;
}

static enum outcome check_spis(struct core *c, const struct record *r, struct terms *t)
{
    t->spi_in = part_of(r, K_SPI_IN);
    t->spi_out = part_of(r, K_SPI_OUT);
    if (memcmp(t->spi_in.bytes, t->spi_out.bytes, SPI_LEN) == 0) {
        return deny(c, OUTCOME_FAIL, 0, "both SPIs are the same: both directions would have the "
                    "same keys");
    }
    if (spi_reserved(t->spi_in) || spi_reserved(t->spi_out)) {
        return deny(c, OUTCOME_FAIL, 0, "SPIs below 256 are reserved");
    }
    return OUTCOME_OK;
}

static enum outcome check_exchange(struct core *c, const struct exchange *x, const struct record *r,
                                   struct terms *t)
{
    const struct quick_mode *q = x->quick_mode;
    enum outcome outcome = check_group(c, x, r, &t->group);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    if ((t->group != NULL) != record_has(r, K_KE_PEER)) {
        return deny(c, OUTCOME_BAD, 0, "group and ke-peer come together or not at all");
    }
    if (x->role == ROLE_INITIATOR) {
        const struct group *ours = q->dh == NULL ? NULL : group_get(dh_group(q->dh));
        if (!q->drawn || ours != t->group) {
            return deny(c, OUTCOME_BAD, 0, "quick-ke was not asked before, or for another group");
        }
    }
    t->nonce_peer = part_of(r, K_NONCE_PEER);
    if (nonce_known(t->parent, t->nonce_peer, (struct part){ NULL, 0 })
        || (q->drawn && t->nonce_peer.len == NONCE_LEN
            && memcmp(t->nonce_peer.bytes, q->nonce, NONCE_LEN) == 0)) {
        return deny(c, OUTCOME_FAIL, 0, "this nonce was used before under the same ISAKMP SA");
    }
    return OUTCOME_OK;
}

/* Ni_b and Nr_b in their order. */
static void nonces(const struct exchange *x, const struct terms *t, struct part *ni_b,
                   struct part *nr_b)
{
    const struct part ours = { x->quick_mode->nonce, NONCE_LEN };
    *ni_b = x->role == ROLE_INITIATOR ? ours : t->nonce_peer;
    *nr_b = x->role == ROLE_INITIATOR ? t->nonce_peer : ours;
}

/*
 * KEYMAT depends on the nonces as one string, so that is what may not come twice: A|B of one
 * exchange could be cut elsewhere in another, where we have the other role.
 */
static enum outcome take_nonces(struct core *c, const struct exchange *x, const struct terms *t)
{
    const struct part none = { NULL, 0 };
    const struct part ours = { x->quick_mode->nonce, NONCE_LEN };
    struct part ni_b;
    struct part nr_b;

    nonces(x, t, &ni_b, &nr_b);
    if (nonce_known(t->parent, ni_b, nr_b)) {
        return deny(c, OUTCOME_FAIL, 0, "these nonces were used before under the same ISAKMP SA");
    }
    if (!nonce_remember(t->parent, ni_b, nr_b) || !nonce_remember(t->parent, ours, none)
        || !nonce_remember(t->parent, t->nonce_peer, none)) {
        return deny(c, OUTCOME_FAIL, 0, "too many Quick Modes under one ISAKMP SA: it has to be "
                    "replaced");
    }
    return OUTCOME_OK;
}

/* One direction: the encryption key with its salt, then the authentication key (RFC 2407, 4.5). */
static void put_direction(struct record_writer *w, const struct phase2_values *v,
                          const struct esp_suite *suite, struct part spi, enum key key,
                          enum key auth)
{
    uint8_t keymat[KEYMAT_MAX];
    size_t key_len = (size_t)suite->cipher->key_len + suite->cipher->salt_len;
    size_t auth_len = suite->hash == NULL ? 0 : suite->hash->len;

    assert(key_len + auth_len <= sizeof keymat);
    derive_keymat(keymat, key_len + auth_len, v, spi.bytes);
    record_put_bytes(w, key, keymat, key_len);
    if (auth_len > 0) {
        record_put_bytes(w, auth, keymat + key_len, auth_len);
    }
    explicit_bzero(keymat, sizeof keymat);
}

static void write_keys(struct buffer *out, uint64_t id, const struct exchange *x,
                       const struct terms *t, const struct phase2_values *v)
{
    struct record_writer w;
    char suite[SUITE_TEXT];

    esp_suite_print(&t->suite, suite);
    record_start(&w, out, V_SA_KEYS);
    record_put_number(&w, K_ID, id);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_word(&w, K_PROTOCOL, WORD_ESP);
    record_put_text(&w, K_PROPOSAL, suite);
    record_put_bytes(&w, K_SPI_IN, t->spi_in.bytes, SPI_LEN);
    record_put_bytes(&w, K_SPI_OUT, t->spi_out.bytes, SPI_LEN);
    put_direction(&w, v, &t->suite, t->spi_in, K_KEY_IN, K_AUTH_IN);
    put_direction(&w, v, &t->suite, t->spi_out, K_KEY_OUT, K_AUTH_OUT);
    (void)record_finish(&w);
}

/* Makes the keys and hands them to kernel-sa; kept until it has acknowledged them. */
static enum outcome make_keys(struct core *c, struct exchange *x, const struct terms *t,
                              struct part g_xy)
{
    struct quick_mode *q = x->quick_mode;
    const struct main_mode *parent = t->parent;
    struct phase2_values v = {
        .hash = parent->hash, .skeyid_d = { parent->skeyid_d, hash_get(parent->hash)->len },
        .g_xy = g_xy, .protocol = PROTOCOL_ESP,
    };

    nonces(x, t, &v.ni_b, &v.nr_b);
    write_keys(&q->keys, c->next_id, x, t, &v);
    if (q->keys.overflowed || q->keys.len == 0) {
        buffer_wipe(&q->keys);
        return deny(c, OUTCOME_FAIL, 0, "out of memory");
    }
    keys_wait(c, x, c->next_id++);
    if (c->out.kernel != NULL) {
        buffer_add(c->out.kernel, q->keys.data, q->keys.len);
    }
    return OUTCOME_OK;
}

enum outcome phase2_keymat(struct core *c, struct exchange *x, const struct record *r)
{
    struct quick_mode *q = x->quick_mode;
    struct terms t = { .parent = NULL };
    struct part ke_peer = part_of(r, K_KE_PEER);
    uint8_t secret[KE_MAX];
    struct part g_xy = { secret, 0 };

    enum outcome outcome = check_parent(c, x, &t);
    outcome = outcome == OUTCOME_OK ? check_suite(c, x, r, &t) : outcome;
    outcome = outcome == OUTCOME_OK ? check_spis(c, r, &t) : outcome;
    outcome = outcome == OUTCOME_OK ? check_exchange(c, x, r, &t) : outcome;
    if (outcome == OUTCOME_OK && x->role == ROLE_RESPONDER) {
        outcome = draw(c, q, t.group);
    }
    if (outcome == OUTCOME_OK && t.group != NULL) {
        const char *why = dh_agree(c->config.dh, q->dh, ke_peer.bytes, ke_peer.len, secret);
        g_xy.len = t.group->secret_len;
        if (why != NULL) {
            outcome = deny(c, OUTCOME_FAIL, NOTIFY_INVALID_KEY_INFORMATION, "%s (%s)", why,
                           t.group->word);
        }
    }
    outcome = outcome == OUTCOME_OK ? take_nonces(c, x, &t) : outcome;
    outcome = outcome == OUTCOME_OK ? make_keys(c, x, &t, g_xy) : outcome;
    explicit_bzero(secret, sizeof secret);
    if (outcome != OUTCOME_OK) {
        return outcome;
    }
    struct record_writer w;
    record_answer(&w, &c->answer, V_OK, V_KEYMAT, record_number(r, K_ID));
    if (x->role == ROLE_RESPONDER) {
        put_draw(&w, q);
    }
    (void)record_finish(&w);
    dh_free(q->dh);
    q->dh = NULL;
    return OUTCOME_OK;
}

/* ---- what kernel-sa says ---- */

void phase2_kernel_answer(struct core *c, const struct record *r)
{
    struct exchange *x = keys_find(c, record_number(r, K_ID));
    if (x == NULL) {
        return;
    }
    if (r->verb != V_OK) {
        accuse(c, x->number, "kernel-sa refused the keys: %s", record_text(r, K_WHY));
    }
    keys_done(c, x);
}
