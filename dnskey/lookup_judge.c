/* What is answered to a request, and when what DNS has said will do for that. */
#include "lookup_inside.h"

#include <stdio.h>

/* ---- answers to requests ---- */

void lookup_refuse(struct lookups *l, uint64_t id, const char *why, unsigned retry)
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
    lookup_refuse(l, one->id, why, retry);
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
        if (!lookup_is_wanted(one, type)) {
            continue;
        }
        if (lookup_is_pending(one, type) || got->outcome == ANSWER_FAILED) {
            uint64_t age = 0;
            const struct address_list *old = known_find(l->known, one->name, type, now, &age);
            s->whole = false;
            s->why = lookup_is_pending(one, type) ? s->why : got->why;
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
        const bool both = lookup_is_wanted(one, ANSWER_A) && lookup_is_wanted(one, ANSWER_AAAA);
        (void)snprintf(why, sizeof why, both ? "has no address in DNS, neither A nor AAAA" : "has no %s record in DNS",
                       answer_name(lookup_is_wanted(one, ANSWER_A) ? ANSWER_A : ANSWER_AAAA));
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

void lookup_judge(struct lookups *l, struct lookup *one, bool late, bool last, uint64_t now)
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

bool lookup_from_hosts(struct lookups *l, struct lookup *one)
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
