#include "lookup.h"

#include "known.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(LOOKUP_TIME < RESOLVE_TIME, "each request is answered within RESOLVE_TIME");

enum stage { STAGE_WAITING, STAGE_ASKED };

struct lookup {
    uint64_t ticket;
    uint64_t id;                /* of the request */
    char name[HOSTNAME_LEN + 1];
    enum stage stage;
    bool answered;              /* what comes now is only remembered */
    uint64_t patience;          /* until then it waits for the whole answer; */
    bool late;                  /* that is over */
    uint64_t deadline;
    unsigned pending;           /* mask of 1 << enum answer_type: asked, and not answered */
    struct answer got[ANSWER_TYPES];
};

struct lookups {
    struct lookups_use use;
    struct known *known;
    struct buffer *out;
    struct lookup *at[RESOLVES_MAX]; /* NULL: free; its place is in the ticket's low bits */
    unsigned count;             /* of those */
    unsigned waiting;
    unsigned open;              /* not answered */
    unsigned failed;
    uint64_t tickets;
};

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

/* ---- answers to requests ---- */

static void refuse(struct lookups *l, uint64_t id, const char *why, unsigned retry)
{
    struct record_writer w;
    l->failed++;
    if (l->out == NULL) {
        return;
    }
    record_answer(&w, l->out, V_FAIL, V_RESOLVE, id);
    record_put_text(&w, K_WHY, why);
    if (retry > 0) {
        record_put_number(&w, K_RETRY, retry);
    }
    (void)record_finish(&w);
}

static void fail(struct lookups *l, struct lookup *one, const char *why, unsigned retry)
{
    one->answered = true;
    l->open--;
    log_debug(l->use.log, DEBUG_DNS, "%s: %s%s", one->name, why, retry > 0 ? "; asking again may help" : "");
    refuse(l, one->id, why, retry);
}

/* partial: NULL, or why it is not all. */
static void succeed(struct lookups *l, struct lookup *one, const struct address_list *list, uint32_t ttl, const char *partial)
{
    struct record_writer w;
    char text[ADDRESS_LIST_TEXT];
    one->answered = true;
    l->open--;
    address_list_print(list, text);
    log_debug(l->use.log, DEBUG_DNS, "%s has %s (for %u s)%s%s", one->name, text, (unsigned)ttl, partial == NULL ? "" : "; ",
              partial == NULL ? "" : partial);
    if (l->out == NULL) {
        return;
    }
    record_answer(&w, l->out, V_OK, V_RESOLVE, one->id);
    record_put_text(&w, K_ADDRESSES, text);
    record_put_number(&w, K_TTL, ttl);
    if (partial != NULL) {
        record_put_text(&w, K_WHY, partial);
        record_put_number(&w, K_RETRY, LOOKUP_RETRY_PART);
    }
    (void)record_finish(&w);
}

/* ---- the life of a lookup ---- */

static bool is_pending(const struct lookup *one, enum answer_type type)
{
    return (one->pending & 1u << type) != 0;
}

static void end(struct lookups *l, struct lookup *one)
{
    assert(one->answered);
    for (enum answer_type type = ANSWER_A; type < ANSWER_TYPES; type++) {
        if (is_pending(one, type)) {
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
        refuse(l, id, text, 0);
        return;
    }
    struct lookup **at = place(l);
    struct lookup *one = at == NULL ? NULL : calloc(1, sizeof *one);
    if (one == NULL) {
        refuse(l, id, at == NULL ? "too many names are being looked up" : "out of memory", LOOKUP_RETRY_FULL);
        return;
    }
    *at = one;
    one->ticket = l->tickets++ * RESOLVES_MAX + (uint64_t)(at - l->at);
    one->id = id;
    (void)memcpy(one->name, name, strlen(name) + 1);
    one->patience = now + LOOKUP_PATIENCE;
    one->deadline = now + LOOKUP_TIME;
    l->count++;
    l->open++;
    l->waiting++;
}

/* ---- what the answers of DNS come to ---- */

struct sum {
    struct answer all;    /* of both types */
    bool whole;           /* every type was answered now */
    bool partial;         /* of `missing` nothing is known, not from before either */
    enum answer_type missing;
    bool none;            /* DNS says that there is no such name */
    uint64_t age;         /* of the oldest that is used, where no server answered; 0: all is fresh */
    const char *why;      /* of the failure that was last */
};

static void add_list(struct answer *all, const struct address_list *list)
{
    for (unsigned i = 0; i < list->count; i++) {
        answer_add(all, &list->at[i]);
    }
}

static void sum_up(const struct lookups *l, const struct lookup *one, struct sum *s, uint64_t now)
{
    *s = (struct sum){ .whole = true, .all.ttl = ANSWER_TTL_MAX };
    for (enum answer_type type = ANSWER_A; type < ANSWER_TYPES; type++) {
        const struct answer *got = &one->got[type];
        if (is_pending(one, type) || got->outcome == ANSWER_FAILED) {
            uint64_t age = 0;
            const struct address_list *old = known_find(l->known, one->name, type, now, &age);
            s->whole = false;
            s->why = is_pending(one, type) ? s->why : got->why;
            if (old != NULL) {
                add_list(&s->all, old);
                s->age = old->count > 0 && age > s->age ? age : s->age;
            } else {
                s->partial = true;
                s->missing = type;
            }
            continue;
        }
        s->none = s->none || got->outcome == ANSWER_NO_NAME;
        add_list(&s->all, &got->list);
        s->all.left_out += got->left_out;
        s->all.drop = s->all.dropped == 0 ? got->drop : s->all.drop;
        s->all.dropped += got->dropped;
        if (got->outcome == ANSWER_ADDRESSES && got->ttl < s->all.ttl) {
            s->all.ttl = got->ttl;
        }
    }
}

/* What the administrator of that name should know. */
static void tell_oddities(const struct lookups *l, const struct lookup *one, const struct sum *s)
{
    char text[ADDRESS_TEXT];
    if (s->all.left_out > 0) {
        log_info(l->use.log, "%s: %u address records more than the %u addresses that can be used: the first in their order are",
                 one->name, s->all.left_out, HOST_ADDRESSES_MAX);
    }
    if (s->all.dropped > 0) {
        address_print(&s->all.drop, text);
        log_info(l->use.log, "%s: %u of its addresses left out, among them %s: %s", one->name, s->all.dropped, text,
                 address_of_host(&s->all.drop));
    }
    if (s->age > 0) {
        log_info(l->use.log, "%s: no DNS server answers; used is what DNS said %llu s ago", one->name,
                 (unsigned long long)(s->age / 1000));
    }
}

static void fail_finally(struct lookups *l, struct lookup *one, const struct sum *s)
{
    char why[200];
    char address[ADDRESS_TEXT];
    if (s->all.dropped > 0) {
        address_print(&s->all.drop, address);
        (void)snprintf(why, sizeof why, "has no address that can be used: %s is %s", address,
                       address_of_host(&s->all.drop));
    } else if (s->none) {
        (void)snprintf(why, sizeof why, "there is no such name in DNS");
    } else {
        (void)snprintf(why, sizeof why, "has no address in DNS, neither A nor AAAA");
    }
    fail(l, one, why, 0);
}

static void fail_for_now(struct lookups *l, struct lookup *one, const struct sum *s)
{
    char why[600];
    if (s->why != NULL) {
        (void)snprintf(why, sizeof why, "%s; asked: %s", s->why, l->use.servers(l->use.context));
    } else {
        (void)snprintf(why, sizeof why, "no DNS server answered within %u s; asked: %s", LOOKUP_TIME / 1000,
                       l->use.servers(l->use.context));
    }
    fail(l, one, why, LOOKUP_RETRY);
}

static void succeed_as_far(struct lookups *l, struct lookup *one, const struct sum *s)
{
    char partial[200];
    const uint32_t ttl = s->whole || s->all.ttl < LOOKUP_TTL ? s->all.ttl : LOOKUP_TTL;
    tell_oddities(l, one, s);
    (void)snprintf(partial, sizeof partial, "%s: %s", answer_name(s->missing), s->why == NULL ? "no DNS server has answered yet" : s->why);
    succeed(l, one, &s->all.list, ttl, s->partial ? partial : NULL);
}

/*
 * Answers the request if that can be done now. `late`: waiting for the rest is over; `last`: so is everything.
 * Old addresses are used only where that is so, or where it is clear that no server answers.
 */
static void judge(struct lookups *l, struct lookup *one, bool late, bool last, uint64_t now)
{
    struct sum s;
    if (one->answered || (one->pending != 0 && !late)) {
        return;
    }
    sum_up(l, one, &s, now);
    if (s.all.list.count > 0) {
        succeed_as_far(l, one, &s);
    } else if (one->pending == 0 && s.whole) {
        fail_finally(l, one, &s);
    } else if (one->pending == 0 || last) {
        fail_for_now(l, one, &s);
    }
}

/* ---- asking ---- */

static bool from_hosts(struct lookups *l, struct lookup *one)
{
    struct sum s = { .whole = true };
    if (!l->use.hosts(l->use.context, one->name, &s.all)) {
        return false;
    }
    if (s.all.list.count > 0) {
        tell_oddities(l, one, &s);
        succeed(l, one, &s.all.list, LOOKUP_TTL, NULL);
    } else {
        fail_finally(l, one, &s);
    }
    return true;
}

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
    if (from_hosts(l, one)) {
        end(l, one);
        return;
    }
    log_debug(l->use.log, DEBUG_DNS, "asking for A and AAAA of %s: %s", one->name, l->use.servers(l->use.context));
    one->pending = 1u << ANSWER_AAAA; /* an answer to the first that comes at once is not the last */
    if (ask(l, one, ANSWER_A, now)) {
        (void)ask(l, one, ANSWER_AAAA, now);
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
    if (one == NULL || !is_pending(one, type)) {
        return;
    }
    one->pending &= ~(1u << type);
    one->got[type] = *a;
    for (enum answer_type told = ANSWER_A; told < ANSWER_TYPES; told++) { /* one that has none is kept beside the other only */
        if (!is_pending(one, told)) {
            known_tell(l->known, one->name, told, &one->got[told], now);
        }
    }
    judge(l, one, one->late, false, now);
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
            if (is_pending(one, type) && !ask(l, one, type, now)) {
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
        judge(l, one, true, last, now);
        if (last) {
            end(l, one);
        }
    }
}
