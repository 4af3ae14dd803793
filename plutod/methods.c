#include "methods.h"

#include "index.h"
#include "initiate.h"
#include "orders.h"
#include "public_keys.h"
#include "respond.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIT(method) (1u << (method))
#define SHOWN_MAX 8   /* connections in a list, */
#define LOOKS_MAX 100 /* and that are looked at for it: a stranger may be the reason */

/* ---- what is known ---- */

/* Secrets are looked up for what an instance was made of [R4], and our private key is the same one. */
static struct conn *described(const struct conn *c)
{
    return (struct conn *)(uintptr_t)(c->template == NULL ? c : c->template);
}

/* What was said of c, if that counts for w; NULL: nothing that does. */
static const struct at_hand *at_hand(const struct keying *k, const struct keying_worker *w, const struct conn *c)
{
    const struct at_hand *h = &described(c)->at_hand;
    return h->known != 0 && h->reading == k->reading && h->grade == w->grade ? h : NULL;
}

/* By signature he can only be known by a key of his; of whom nobody knows yet who he is, there may be one. */
static bool lacks_public_key(const struct keying *k, const struct conn *c)
{
    return c->peer_id->type != ID_ANY && public_keys_of(k, c->peer_id) == NULL;
}

static unsigned bits(const struct conn *c)
{
    return (conn_allows(c, METHOD_PSK) ? BIT(METHOD_PSK) : 0) | (conn_allows(c, METHOD_RSASIG) ? BIT(METHOD_RSASIG) : 0);
}

static unsigned possible(const struct keying *k, const struct keying_worker *w, const struct conn *c)
{
    unsigned all = bits(c);
    const struct at_hand *h = w == NULL ? NULL : at_hand(k, w, c);
    if (h != NULL) {
        all &= ~(unsigned)h->known | h->there;
    }
    if ((all & BIT(METHOD_RSASIG)) != 0 && lacks_public_key(k, c)) {
        all &= ~BIT(METHOD_RSASIG);
    }
    return all;
}

static unsigned word_of(unsigned some)
{
    static const unsigned words[] = {
        [0] = METHODS_NONE, [BIT(METHOD_PSK)] = METHODS_PSK, [BIT(METHOD_RSASIG)] = METHODS_RSASIG,
        [BIT(METHOD_PSK) | BIT(METHOD_RSASIG)] = METHODS_BOTH
    };
    return words[some];
}

unsigned methods_possible(const struct keying *k, const struct keying_worker *w, const struct conn *c)
{
    return word_of(possible(k, w, c));
}

static void forget_answers(struct at_hand *h)
{
    free(h->lacks);
    h->lacks = NULL;
    h->known = h->there = 0;
}

void methods_forget(struct conn *c)
{
    forget_answers(&c->at_hand);
    c->at_hand.died = c->at_hand.deadly = 0;
}

/* Two of them, if both methods lack what they need. Without memory for it, it is known all the same. */
static void add_lack(struct at_hand *h, const char *why)
{
    char *text = NULL;
    if (asprintf(&text, "%s%s%s", h->lacks == NULL ? "" : h->lacks, h->lacks == NULL ? "" : "; ", why) >= 0) {
        free(h->lacks);
        h->lacks = text;
    }
}

/* The answer to a question that was put when k->reading was `reading`; of what was read since, it says nothing. */
static void learn(const struct keying *k, struct conn *c, uint32_t reading, const struct keying_worker *w,
                  enum method method, const struct record *r)
{
    struct at_hand *h = &described(c)->at_hand;
    h->died &= (uint8_t)~BIT(method);
    if (reading != k->reading || w == NULL) {
        return;
    }
    if (at_hand(k, w, c) == NULL) {
        forget_answers(h);
        h->reading = k->reading;
        h->grade = (uint8_t)w->grade;
    }
    h->known = (uint8_t)(h->known | BIT(method));
    if (r->verb != V_FAIL) { /* also where it does not understand: then it says so at message 3 */
        h->there = (uint8_t)(h->there | BIT(method));
    } else {
        add_lack(h, record_text(r, K_WHY));
    }
}

/* ---- for a person ---- */

const char *methods_remedy(const char *lack)
{
    return strstr(lack, "whack --listen") != NULL ? "" : " (whack --listen reads ipsec.secrets anew)";
}

bool methods_say_lack(const struct keying *k, const struct keying_worker *w, const struct conn *c,
                      char out[METHODS_LACK])
{
    const struct at_hand *h = w == NULL ? NULL : at_hand(k, w, c);
    out[0] = '\0';
    if (conn_allows(c, METHOD_RSASIG) && lacks_public_key(k, c)) {
        public_keys_say_none(c->peer_id, out);
    }
    if (h != NULL && (h->known & ~(unsigned)h->there & bits(c)) != 0) {
        strlcat(out, out[0] == '\0' ? "" : "; ", METHODS_LACK);
        const char *lacks = h->lacks == NULL ? "secrets lacks what it needs" : h->lacks;
        strlcat(out, lacks, METHODS_LACK);
        strlcat(out, methods_remedy(lacks), METHODS_LACK);
    }
    return out[0] != '\0';
}

struct conn *methods_say_missing(struct keying *k, const struct keying_worker *w, const struct address *local,
                                 const struct address *remote, enum methods_missing what, char out[METHODS_LIST])
{
    static const struct address any_host = { .family = 0 };
    const struct address *const peers[] = { remote, &any_host };
    const struct conn *before = NULL;
    struct conn *first = NULL;
    unsigned shown = 0;
    unsigned looks = 0;
    out[0] = '\0';
    for (size_t i = remote->family == 0 ? 1 : 0; i < 2; i++) {
        struct conn *c = index_by_hosts(k, local, peers[i]);
        for (; c != NULL && shown < SHOWN_MAX && looks++ < LOOKS_MAX; c = index_next_by_hosts(c)) {
            char lack[METHODS_LACK];
            bool another = c->instance == 0 && (before == NULL || c->kin != before->kin);
            if (!another || (what == METHODS_NOTHING && possible(k, w, c) != 0) || !methods_say_lack(k, w, c, lack)) {
                continue;
            }
            before = c;
            first = first == NULL ? c : first;
            size_t len = strlen(out);
            snprintf(out + len, METHODS_LIST - len, "%s\"%s\": %s", shown++ == 0 ? "" : "; ", c->name, lack);
        }
    }
    return first;
}

/* ---- asking ---- */

static unsigned deadly(const struct keying *k, const struct conn *c)
{
    const struct at_hand *h = &described(c)->at_hand;
    return h->died_in == (uint32_t)k->resolve.reading ? h->deadly : 0;
}

bool methods_is_deadly(const struct keying *k, const struct conn *c, enum method method)
{
    return (deadly(k, c) & BIT(method)) != 0;
}

/* Which method of c is to be asked about next; -1: none. */
static int unknown(const struct keying *k, const struct keying_worker *w, const struct conn *c)
{
    const struct at_hand *h = at_hand(k, w, c);
    unsigned open = possible(k, w, c) & ~(h == NULL ? 0 : (unsigned)h->known) & ~deadly(k, c);
    return (open & BIT(METHOD_RSASIG)) != 0 ? METHOD_RSASIG : (open & BIT(METHOD_PSK)) != 0 ? METHOD_PSK : -1;
}

bool methods_ask(struct keying *k, struct xchg *x, const struct conn *c)
{
    const struct keying_worker *w = keying_worker(k, x->worker);
    int method = w == NULL ? -1 : unknown(k, w, c);
    if (method < 0 || !order_method(k, x, c, (unsigned)method)) {
        return false;
    }
    x->asked_reqid = described(c)->reqid;
    x->asked_reading = k->reading;
    x->waits = WAITS_METHODS;
    return true;
}

/* In the note of a question that is nobody's of the exchanges: */
#define NOTE(reqid, method) ((uint64_t)(reqid) << 1 | (method))

bool methods_ask_for(struct keying *k, const struct keying_worker *w, const struct conn *c, uint64_t client,
                     uint64_t *id)
{
    int method = unknown(k, w, c);
    if (method < 0) {
        return false;
    }
    *id = order_know(k, w, c, (unsigned)method, NOTE(described(c)->reqid, (unsigned)method), client);
    return *id != 0;
}

/* ---- what we begin ---- */

static void say_without(struct keying *k, const struct xchg *x, const char *without, const char *why)
{
    keying_event(k, x, "proposed without %s: %s", without, why);
}

bool methods_find(struct keying *k, struct xchg *x)
{
    const struct conn *c = x->conn;
    const struct keying_worker *w = keying_worker(k, x->worker);
    char lack[METHODS_LACK];
    x->methods = conn_methods(c);
    x->waits = WAITS_NOT;
    if (x->methods != METHODS_BOTH || w == NULL) {
        return true; /* of one method secrets says what is missing */
    }
    unsigned open = possible(k, w, c);
    bool psk_alone = (open & BIT(METHOD_RSASIG)) == 0; /* then what it lacks is the reason of the failure */
    if (!psk_alone && methods_ask(k, x, c)) {
        return false;
    }
    if (psk_alone) {
        x->methods = METHODS_PSK;
    } else if ((open & BIT(METHOD_PSK)) == 0) {
        x->methods = METHODS_RSASIG;
    }
    if (x->methods != METHODS_BOTH && methods_say_lack(k, w, c, lack)) {
        say_without(k, x, psk_alone ? "--rsasig" : "--psk", lack);
    }
    return true;
}

/* ---- answers ---- */

/* Nobody has heard of x yet: where secrets were read anew meanwhile, they are what counts. */
static void move_to_newest(struct keying *k, struct xchg *x)
{
    const struct keying_worker *w = keying_worker(k, x->worker);
    const struct keying_worker *newest = keying_pick_worker(k);
    if ((w == NULL || !w->current) && newest != NULL) {
        xchg_set_worker(k, x, newest->number);
    }
}

bool methods_answered(struct keying *k, uint32_t worker, const struct record *r)
{
    uint64_t number;
    uint64_t id = record_number(r, K_ID);
    bool psk = keying_answered(k, id, PENDING_METHOD_PSK, worker, &number);
    if (!psk && !keying_answered(k, id, PENDING_METHOD_RSASIG, worker, &number)) {
        return false;
    }
    struct xchg *x = xchg_find_main(k, number);
    if (x == NULL || x->waits != WAITS_METHODS || x->ending) {
        return true;
    }
    struct conn *c = index_by_reqid(k, x->asked_reqid);
    if (c != NULL) {
        learn(k, c, x->asked_reading, keying_worker(k, worker), psk ? METHOD_PSK : METHOD_RSASIG, r);
    }
    move_to_newest(k, x);
    if (x->initiator) {
        initiate_main_go(k, x);
    } else {
        respond_first_go(k, x);
    }
    return true;
}

void methods_learn(struct keying *k, uint64_t note, uint32_t reading, uint32_t worker, const struct record *r)
{
    struct conn *c = index_by_reqid(k, (uint32_t)(note >> 1));
    if (c != NULL) {
        learn(k, c, reading, keying_worker(k, worker), (note & 1) != 0 ? METHOD_RSASIG : METHOD_PSK, r);
    }
}

/* ---- questions that kill ---- */

/* Whose secret or key a request of this kind is about, and for which method; NULL: it is about something else. */
static struct conn *asked_about(struct keying *k, enum pending_kind kind, uint64_t what, enum method *method)
{
    const struct xchg *x;
    switch (kind) {
    case PENDING_SECRET:
    case PENDING_PRIVATE_KEY:
        *method = kind == PENDING_SECRET ? METHOD_PSK : METHOD_RSASIG;
        return index_by_reqid(k, (uint32_t)what);
    case PENDING_METHOD_PSK:
    case PENDING_METHOD_RSASIG:
        *method = kind == PENDING_METHOD_PSK ? METHOD_PSK : METHOD_RSASIG;
        x = xchg_find_main(k, what);
        return x == NULL ? NULL : index_by_reqid(k, x->asked_reqid);
    case PENDING_KNOW:
        *method = (what & 1) != 0 ? METHOD_RSASIG : METHOD_PSK;
        return index_by_reqid(k, (uint32_t)(what >> 1));
    default:
        return NULL;
    }
}

void methods_worker_died(struct keying *k, uint32_t worker)
{
    enum pending_kind kind;
    uint64_t what;
    enum method method;
    struct conn *c = keying_oldest(k, worker, &kind, &what) ? asked_about(k, kind, what, &method) : NULL;
    if (c == NULL || methods_is_deadly(k, c, method)) {
        return;
    }
    struct at_hand *h = &described(c)->at_hand;
    if (h->died_in != (uint32_t)k->resolve.reading) {
        h->died_in = (uint32_t)k->resolve.reading;
        h->died = h->deadly = 0;
    }
    if ((h->died & BIT(method)) == 0) { /* it may have died of something else */
        h->died |= (uint8_t)BIT(method);
        return;
    }
    h->deadly |= (uint8_t)BIT(method);
    keying_event_conn(k, described(c), "two processes of secrets have died when they were asked for %s: nobody is asked for "
                      "it again until whack --listen reads ipsec.secrets anew",
                      method == METHOD_PSK ? "its secret" : "our private key");
}

unsigned methods_of(const struct xchg *x, const struct conn *c)
{
    for (size_t i = 0; !x->initiator && x->offer != NULL && i < x->offer->count; i++) {
        if (x->offer->of[i].reqid == c->reqid) {
            return x->offer->of[i].methods;
        }
    }
    return x->initiator ? x->methods : conn_methods(c);
}
