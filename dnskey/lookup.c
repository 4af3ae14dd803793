#include "lookup_inside.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(LOOKUP_TIME < RESOLVE_TIME, "each request is answered within RESOLVE_TIME");

struct lookups *lookups_new(const struct lookups_use *use)
{
    struct lookups *l = calloc(1, sizeof *l);
    struct known *known = known_new();
    if (l == NULL || known == NULL) {
        known_free(known);
        free(l);
        return NULL;
    }
    l->use = *use;
    l->known = known;
    return l;
}

void lookups_free(struct lookups *l)
{
    if (l == NULL) {
        return;
    }
    for (unsigned i = 0; i < RESOLVES_MAX; i++) {
        free(l->at[i]);
    }
    known_free(l->known);
    free(l);
}

void lookups_out(struct lookups *l, struct buffer *out)
{
    l->out = out;
}

/* ---- the life of a lookup ---- */

static void end(struct lookups *l, struct lookup *one)
{
    assert(one->answered);
    for (enum answer_type type = ANSWER_A; type < ANSWER_TYPES; type++) {
        if (lookup_is_pending(one, type)) {
            l->use.drop(l->use.context, one->ticket, type);
        }
    }
    l->waiting -= one->stage == STAGE_WAITING ? 1 : 0;
    l->at[one->ticket % RESOLVES_MAX] = NULL;
    l->count--;
    free(one);
}

static struct lookup *find(const struct lookups *l, uint64_t ticket)
{
    struct lookup *one = l->at[ticket % RESOLVES_MAX];
    return one != NULL && one->ticket == ticket ? one : NULL;
}

/* Room for one more: where none is left, one that is answered already gives way. NULL: all wait for their answers. */
static struct lookup **place(struct lookups *l)
{
    for (unsigned i = 0; l->count == RESOLVES_MAX && i < RESOLVES_MAX; i++) {
        if (l->at[i]->answered) {
            end(l, l->at[i]);
            break;
        }
    }
    for (unsigned i = 0; l->count < RESOLVES_MAX && i < RESOLVES_MAX; i++) {
        if (l->at[i] == NULL) {
            return &l->at[i];
        }
    }
    return NULL;
}

void lookups_request(struct lookups *l, const struct record *r, uint64_t now)
{
    const char *name = record_text(r, K_HOST);
    const char *why = hostname_check(name);
    const uint64_t id = record_number(r, K_ID);
    if (why != NULL) {
        char text[200];
        (void)snprintf(text, sizeof text, "no name of a host, and not looked up: %s", why);
        lookup_refuse(l, id, text, 0);
        return;
    }
    struct lookup **at = place(l);
    struct lookup *one = at == NULL ? NULL : calloc(1, sizeof *one);
    if (one == NULL) {
        lookup_refuse(l, id, at == NULL ? "too many names are being looked up" : "out of memory", LOOKUP_RETRY_FULL);
        return;
    }
    *at = one;
    one->ticket = l->tickets++ * RESOLVES_MAX + (uint64_t)(at - l->at);
    one->id = id;
    (void)memcpy(one->name, name, strlen(name) + 1);
    one->wanted = !record_has(r, K_FAMILY)      ? 1u << ANSWER_A | 1u << ANSWER_AAAA
                  : record_word(r, K_FAMILY) == 0 ? 1u << ANSWER_A : 1u << ANSWER_AAAA;
    one->patience = now + LOOKUP_PATIENCE;
    one->deadline = now + LOOKUP_TIME;
    l->count++;
    l->open++;
    l->waiting++;
}

/* ---- asking ---- */

/* False: it is no longer there. */
static bool ask(struct lookups *l, struct lookup *one, enum answer_type type, uint64_t now)
{
    const uint64_t ticket = one->ticket;
    one->pending |= 1u << type;
    const char *why = l->use.ask(l->use.context, ticket, one->name, type);
    if (why != NULL) {
        const struct answer a = { .outcome = ANSWER_FAILED, .why = why };
        lookups_answer(l, ticket, type, &a, now);
    }
    return find(l, ticket) != NULL;
}

static void begin(struct lookups *l, struct lookup *one, uint64_t now)
{
    l->waiting--;
    one->stage = STAGE_ASKED;
    if (lookup_from_hosts(l, one)) {
        end(l, one);
        return;
    }
    log_debug(l->use.log, DEBUG_DNS, "asking for %s%s%s of %s: %s", lookup_is_wanted(one, ANSWER_A) ? "A" : "",
              one->wanted == (1u << ANSWER_A | 1u << ANSWER_AAAA) ? " and " : "", lookup_is_wanted(one, ANSWER_AAAA) ? "AAAA" : "",
              one->name, l->use.servers(l->use.context));
    const unsigned wanted = one->wanted;
    one->pending = wanted; /* an answer to the first that comes at once is not the last */
    for (enum answer_type type = ANSWER_A; type < ANSWER_TYPES; type++) {
        if ((wanted & 1u << type) != 0 && !ask(l, one, type, now)) {
            break;
        }
    }
}

unsigned lookups_waiting(const struct lookups *l)
{
    return l->waiting;
}

void lookups_begin(struct lookups *l, uint64_t now)
{
    for (unsigned i = 0; l->waiting > 0 && i < RESOLVES_MAX; i++) {
        if (l->at[i] != NULL && l->at[i]->stage == STAGE_WAITING) {
            begin(l, l->at[i], now);
        }
    }
}

void lookups_answer(struct lookups *l, uint64_t ticket, enum answer_type type, const struct answer *a,
                    uint64_t now)
{
    struct lookup *one = find(l, ticket);
    if (one == NULL || !lookup_is_pending(one, type)) {
        return;
    }
    one->pending &= ~(1u << type);
    one->got[type] = *a;
    for (enum answer_type told = ANSWER_A; told < ANSWER_TYPES; told++) { /* one that has none is kept beside the other only */
        if (lookup_is_wanted(one, told) && !lookup_is_pending(one, told)) {
            known_tell(l->known, one->name, told, &one->got[told], now);
        }
    }
    if (a->outcome == ANSWER_ADDRESSES && one->patience > now + LOOKUP_PATIENCE_PART) { /* many networks drop AAAA questions */
        one->patience = now + LOOKUP_PATIENCE_PART;
    }
    lookup_judge(l, one, one->late, false, now);
    if (one->pending == 0) {
        end(l, one);
    }
}

void lookups_again(struct lookups *l, uint64_t now)
{
    for (unsigned i = 0; i < RESOLVES_MAX; i++) {
        struct lookup *one = l->at[i];
        if (one == NULL || one->stage == STAGE_WAITING) {
            continue;
        }
        for (enum answer_type type = ANSWER_A; type < ANSWER_TYPES; type++) {
            if (lookup_is_pending(one, type) && !ask(l, one, type, now)) {
                break;
            }
        }
    }
}

/* ---- time ---- */

unsigned lookups_open(const struct lookups *l)
{
    return l->open;
}

unsigned lookups_failed(const struct lookups *l)
{
    return l->failed;
}

static uint64_t due(const struct lookup *one)
{
    return one->late ? one->deadline : one->patience;
}

uint64_t lookups_deadline(const struct lookups *l)
{
    uint64_t first = UINT64_MAX;
    for (unsigned i = 0; i < RESOLVES_MAX && l->count > 0; i++) {
        if (l->at[i] != NULL && due(l->at[i]) < first) {
            first = due(l->at[i]);
        }
    }
    return first;
}

void lookups_tick(struct lookups *l, uint64_t now)
{
    for (unsigned i = 0; i < RESOLVES_MAX && l->count > 0; i++) {
        struct lookup *one = l->at[i];
        if (one == NULL || due(one) > now) {
            continue;
        }
        const bool last = now >= one->deadline;
        if (one->stage == STAGE_WAITING) { /* nobody has begun it in all that time */
            one->patience = now + LOOKUP_PATIENCE;
            begin(l, one, now);
            continue;
        }
        one->late = true;
        lookup_judge(l, one, true, last, now);
        if (last) {
            end(l, one);
        }
    }
}
