#include "inside.h"

#include <nettle/memops.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* ---- table ---- */

struct exchange *exchanges_find(const struct core *c, uint64_t number)
{
    struct exchange *x = NULL;
    HASH_FIND(hh, c->exchanges, &number, sizeof number, x);
    return x;
}

static struct exchange *exchange_new(struct core *c, uint64_t number, enum role role)
{
    if (HASH_COUNT(c->exchanges) >= EXCHANGES_MAX) {
        (void)snprintf(c->why, sizeof c->why, "%u exchanges are known, which is the most",
                       EXCHANGES_MAX);
        return NULL;
    }
    struct exchange *x = calloc(1, sizeof *x);
    if (x != NULL) {
        x->number = number;
        x->role = role;
        HASH_ADD(hh, c->exchanges, number, sizeof x->number, x);
    } else {
        (void)snprintf(c->why, sizeof c->why, "out of memory");
    }
    return x;
}

struct exchange *exchanges_new_main(struct core *c, uint64_t number, enum role role)
{
    if (c->half_open >= HALF_OPEN_KNOWN) {
        (void)snprintf(c->why, sizeof c->why, "%zu Main Modes are unfinished, which is the most",
                       HALF_OPEN_KNOWN);
        return NULL;
    }
    struct main_mode *m = calloc(1, sizeof *m);
    struct half *h = calloc(1, sizeof *h);
    struct exchange *x = m == NULL || h == NULL ? NULL : exchange_new(c, number, role);
    if (x == NULL) {
        free(m);
        free(h);
        return NULL;
    }
    m->half = h;
    x->main_mode = m;
    c->half_open++;
    return x;
}

struct exchange *exchanges_new_quick(struct core *c, uint64_t number, enum role role)
{
    struct quick_mode *q = calloc(1, sizeof *q);
    struct exchange *x = q == NULL ? NULL : exchange_new(c, number, role);
    if (x == NULL) {
        free(q);
        return NULL;
    }
    buffer_init(&q->keys, RECORD_MAX_KERNEL);
    x->quick_mode = q;
    return x;
}

static void main_mode_free(struct core *c, struct main_mode *m)
{
    if (m == NULL) {
        return;
    }
    if (m->half != NULL) {
        c->half_open--;
    }
    half_free(c, m->half);
    candidates_free(m);
    free((void *)(uintptr_t)m->peer);
    free(m->nonce_digest);
    explicit_bzero(m, sizeof *m);
    free(m);
}

static void quick_mode_free(struct quick_mode *q)
{
    if (q == NULL) {
        return;
    }
    dh_free(q->dh);
    buffer_wipe(&q->keys);
    free(q->esp);
    free(q->pfs);
    explicit_bzero(q, sizeof *q);
    free(q);
}

static void answered_free(struct answered *a)
{
    explicit_bzero(a, sizeof *a + a->len);
    free(a);
}

void exchanges_free(struct core *c, struct exchange *x)
{
    struct answered *a = NULL;
    struct answered *next = NULL;
    HASH_DELETE(hh, c->exchanges, x);
    LL_FOREACH_SAFE(x->answered, a, next) {
        answered_free(a);
    }
    if (x->quick_mode != NULL) {
        keys_done(c, x);
    }
    wait_free(c, x);
    main_mode_free(c, x->main_mode);
    quick_mode_free(x->quick_mode);
    free(x);
}

/* ---- Main Mode ---- */

void half_free(struct core *c, struct half *h)
{
    if (h != NULL) {
        c->sa_bytes -= h->sa_len;
        dh_free(h->dh);
        free(h->sa_body);
        explicit_bzero(h, sizeof *h);
        free(h);
    }
}

static void candidate_free(struct candidate *a)
{
    free(a->connection);
    free(a->ike);
    free(a);
}

void candidates_free(struct main_mode *m)
{
    struct candidate *a = NULL;
    struct candidate *next = NULL;
    LL_FOREACH_SAFE(m->candidates, a, next) {
        candidate_free(a);
    }
    m->candidates = NULL;
    m->candidate_count = 0;
    m->chosen = NULL;
}

struct candidate *candidate_add(struct main_mode *m, const char *connection, const char *ike,
                                unsigned methods, const struct identity *ours, const struct identity *peer)
{
    struct candidate *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return NULL;
    }
    a->connection = strdup(connection);
    a->ike = strdup(ike);
    a->methods = methods;
    a->ours = *ours;
    a->peer = *peer;
    if (a->connection == NULL || a->ike == NULL) {
        candidate_free(a);
        return NULL;
    }
    LL_APPEND(m->candidates, a);
    m->candidate_count++;
    return a;
}

struct candidate *candidate_find(const struct main_mode *m, const char *connection)
{
    struct candidate *a = NULL;
    LL_FOREACH(m->candidates, a) {
        if (strcmp(a->connection, connection) == 0) {
            return a;
        }
    }
    return NULL;
}

void main_mode_finished(struct core *c, struct exchange *x)
{
    struct main_mode *m = x->main_mode;
    m->stage = STAGE_AUTHENTICATED;
    wait_free(c, x);
    half_free(c, m->half);
    m->half = NULL;
    c->half_open--;
    candidates_free(m);
    answered_drop(x, STEP_KEYS);
}

/* ---- nonces under one SKEYID_d ---- */

static void nonce_digest(struct part a, struct part b, uint8_t digest[NONCE_DIGEST])
{
    const struct part parts[] = { a, b };
    uint8_t whole[HASH_MAX];
    hash_parts(HASH_SHA2_256, parts, 2, whole);
    memcpy(digest, whole, NONCE_DIGEST);
}

bool nonce_known(const struct main_mode *m, struct part a, struct part b)
{
    uint8_t digest[NONCE_DIGEST];
    nonce_digest(a, b, digest);
    for (size_t i = 0; i < m->nonces_used; i++) {
        if (memcmp(m->nonce_digest[i], digest, NONCE_DIGEST) == 0) {
            return true;
        }
    }
    return false;
}

bool nonce_remember(struct main_mode *m, struct part a, struct part b)
{
    if (m->nonces_used >= NONCES_USED_MAX) {
        return false;
    }
    if (m->nonces_used == m->nonces_cap) {
        size_t cap = m->nonces_cap == 0 ? 6 : m->nonces_cap * 2;
        void *more = realloc(m->nonce_digest, cap * NONCE_DIGEST);
        if (more == NULL) {
            return false;
        }
        m->nonce_digest = more;
        m->nonces_cap = cap;
    }
    nonce_digest(a, b, m->nonce_digest[m->nonces_used++]);
    return true;
}

/* ---- answers that were given ---- */

/* Over verb and fields, without the id; each field with its length, so none runs into the next. */
void request_digest(const struct record *r, uint8_t digest[REQUEST_DIGEST])
{
    struct part parts[2 * KEY_COUNT + 1];
    uint64_t heads[KEY_COUNT + 1][3];
    size_t count = 0;

    for (enum key k = K_ID; k < KEY_COUNT; k++) {
        const struct record_value *v = record_value(r, k);
        if (k == K_ID || !record_has(r, k)) {
            continue;
        }
        heads[k][0] = k;
        heads[k][1] = v->number;
        heads[k][2] = v->len;
        parts[count++] = (struct part){ (const uint8_t *)heads[k], sizeof heads[k] };
        parts[count++] = (struct part){ v->bytes, v->len };
    }
    heads[0][0] = r->verb;
    parts[count++] = (struct part){ (const uint8_t *)heads[0], sizeof heads[0][0] };
    hash_parts(HASH_SHA2_256, parts, count, digest);
}

struct answered *answered_find(const struct exchange *x, enum step step)
{
    struct answered *a = NULL;
    LL_SEARCH_SCALAR(x->answered, a, step, step);
    return a;
}

bool answered_add(struct exchange *x, enum step step, const uint8_t request[REQUEST_DIGEST],
                  const struct buffer *answer)
{
    const uint8_t *tail = memmem(answer->data, answer->len, " re=", 4);
    if (tail == NULL) {
        return false;
    }
    size_t len = answer->len - (size_t)(tail - answer->data);
    struct answered *a = malloc(sizeof *a + len);
    if (a == NULL) {
        return false;
    }
    *a = (struct answered){ .step = step, .ok = answer->data[0] == 'o', .len = len };
    memcpy(a->request, request, REQUEST_DIGEST);
    memcpy(a->text, tail, len);
    LL_PREPEND(x->answered, a);
    return true;
}

void answered_drop(struct exchange *x, enum step step)
{
    struct answered *a = answered_find(x, step);
    if (a != NULL) {
        LL_DELETE(x->answered, a);
        answered_free(a);
    }
}

/* ---- keys that kernel-sa has not acknowledged ---- */

void keys_wait(struct core *c, struct exchange *x, uint64_t id)
{
    struct quick_mode *q = x->quick_mode;
    q->keys_id = id;
    q->exchange = x;
    HASH_ADD(hh, c->unacknowledged, keys_id, sizeof q->keys_id, q);
}

struct exchange *keys_find(const struct core *c, uint64_t id)
{
    struct quick_mode *q = NULL;
    HASH_FIND(hh, c->unacknowledged, &id, sizeof id, q);
    return q == NULL ? NULL : q->exchange;
}

void keys_done(struct core *c, struct exchange *x)
{
    struct quick_mode *q = x->quick_mode;
    if (q->keys_id != 0) {
        HASH_DELETE(hh, c->unacknowledged, q);
        q->keys_id = 0;
    }
    buffer_wipe(&q->keys);
}
