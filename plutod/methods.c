#include "methods.h"

#include "index.h"
#include "initiate.h"
#include "orders.h"
#include "public_keys.h"
#include "respond.h"

static size_t places(const struct xchg *x)
{
    return x->initiator ? 1 : x->offer->count;
}

/* The connection that is looked at now, and where its methods are put; NULL: it was deleted meanwhile. */
static const struct conn *looked_at(struct keying *k, struct xchg *x, unsigned **methods)
{
    if (x->initiator) {
        *methods = &x->methods;
        return x->conn;
    }
    *methods = &x->offer->of[x->looked].methods;
    return index_by_reqid(k, x->offer->of[x->looked].reqid);
}

/* Of what we begin it is worth a line; of a stranger's first message only where somebody wants to see it. */
static void say_without(struct keying *k, const struct xchg *x, const struct conn *c, unsigned method, const char *why)
{
    const char *without = method == METHOD_PSK ? "--psk" : "--rsasig";
    if (x->initiator) {
        keying_event(k, x, "proposed without %s: %s", without, why);
    } else {
        keying_debug_conn(k, DEBUG_CONTROL, c, "offered for #%llu without %s: %s", (unsigned long long)x->serial,
                          without, why);
    }
}

/* By signature he can only be known by a key of his; of whom nobody knows yet who he is, there may be one. */
static bool lacks_public_key(struct keying *k, const struct conn *c)
{
    return c->peer_id->type != ID_ANY && public_keys_of(k, c->peer_id) == NULL;
}

bool methods_find(struct keying *k, struct xchg *x)
{
    for (; x->looked < places(x); x->looked++) {
        unsigned *methods;
        char none[PUBLIC_KEYS_NONE];
        const struct conn *c = looked_at(k, x, &methods);
        if (c == NULL) {
            continue;
        }
        *methods = conn_methods(c);
        if (*methods != METHODS_BOTH) {
            continue;
        }
        if (lacks_public_key(k, c)) {
            *methods = METHODS_PSK;
            public_keys_say_none(c->peer_id, none);
            say_without(k, x, c, METHOD_RSASIG, none);
        } else if (order_method(k, x, c, METHOD_RSASIG)) {
            x->waits = WAITS_METHODS;
            return false;
        }
    }
    return true;
}

/* What is not there is left out; if nothing is, what the last one lacks is said when it fails. */
static void take(struct keying *k, struct xchg *x, unsigned method, const struct record *r)
{
    unsigned *methods;
    const struct conn *c = looked_at(k, x, &methods);
    if (c != NULL && r->verb == V_FAIL) {
        *methods = method == METHOD_PSK ? METHODS_RSASIG : METHODS_PSK;
        say_without(k, x, c, method, record_text(r, K_WHY));
    } else if (c != NULL && method == METHOD_RSASIG && order_method(k, x, c, METHOD_PSK)) {
        return;
    }
    x->looked++;
    if (methods_find(k, x)) {
        if (x->initiator) {
            initiate_main_known(k, x);
        } else {
            respond_first_known(k, x);
        }
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
    if (x != NULL && x->waits == WAITS_METHODS && !x->ending) {
        take(k, x, psk ? METHOD_PSK : METHOD_RSASIG, r);
    }
    return true;
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
