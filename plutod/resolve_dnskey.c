/* Between plutod and dnskey: what it is asked, and what it answers. */
#include "resolve_inside.h"

#include "events.h"
#include "orders.h"
#include "peer_name.h"

#include "hostname.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* It could not even say that nobody answers: its successor may. */
static void lose_patience(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    (void)item;
    while (k->resolve.asked != NULL && k->resolve.asked->until <= k->now) {
        resolve_unanswered(k, k->resolve.asked, "dnskey does not answer", 0);
    }
    k->hooks.end_dnskey(k->hooks.context, "does not answer what it is asked");
}

static void watch(struct keying *k)
{
    if (k->resolve.asked == NULL) {
        agenda_clear(&k->agenda, &k->resolve.patience);
    } else if (!agenda_is_set(&k->resolve.patience)) {
        (void)agenda_set(&k->agenda, &k->resolve.patience, k->resolve.asked->until, lose_patience);
    }
}

/* False: it cannot be told now. */
static bool ask(struct keying *k, struct resolving *n)
{
    struct record_writer w;
    record_start(&w, k->resolve.dnskey, V_RESOLVE);
    record_put_number(&w, K_ID, k->next_id + 1);
    record_put_text(&w, K_HOST, n->host);
    if (!record_finish(&w)) {
        return false;
    }
    n->id = ++k->next_id;
    n->until = k->now + RESOLVE_PATIENCE;
    resolve_state(k, n, RESOLVING_ASKED);
    return true;
}

void resolve_go_on(struct keying *k)
{
    if (k->resolve.queued != NULL && k->resolve.dnskey == NULL) {
        k->hooks.need_dnskey(k->hooks.context);
    }
    while (k->resolve.dnskey != NULL && k->resolve.queued != NULL && k->resolve.asked_count < k->resolve.window
           && k->resolve.asked_count + k->peer_names.asked < RESOLVES_MAX && ask(k, k->resolve.queued)) {
    }
    watch(k);
}

void keying_dnskey_up(struct keying *k, struct buffer *out)
{
    k->resolve.dnskey = out;
    k->resolve.window = k->resolve.window == 0 ? RESOLVES_MAX : k->resolve.window;
    order_debug_one(k, out);
    resolve_go_on(k);
    peer_name_go_on(k);
}

/*
 * Whatever it was asked is asked of the next one. It may be one of these names that ends it: so they are asked for one by
 * one at first, and one under which it ends then has to rest like those that nobody answers for.
 */
void keying_dnskey_down(struct keying *k)
{
    const bool alone = k->resolve.asked_count == 1 && k->peer_names.asked == 0;
    k->resolve.dnskey = NULL;
    if (k->resolve.asked != NULL) {
        k->resolve.window = 1;
    }
    while (k->resolve.asked != NULL) {
        struct resolving *n = k->resolve.asked;
        if (alone && n->fatal) {
            resolve_unanswered(k, n, "dnskey ended while it looked for it", 0);
        } else {
            n->fatal = alone;
            resolve_state(k, n, RESOLVING_QUEUED);
        }
    }
    watch(k);
    peer_name_dnskey_down(k);
}

static struct resolving *find_asked(const struct keying *k, uint64_t id)
{
    struct resolving *n;
    DL_FOREACH(k->resolve.asked, n) {
        if (n->id == id) {
            break;
        }
    }
    return n;
}

static bool take_addresses(struct keying *k, struct resolving *n, const struct record *r, const char **why)
{
    struct address_list list;
    char text[RESOLVE_WHY];
    *why = address_list_parse(&list, record_text(r, K_ADDRESSES));
    if (*why != NULL) {
        return false;
    }
    resolve_state(k, n, RESOLVING_IDLE);
    if (record_has(r, K_RETRY) && resolve_is_part(&list)) {
        (void)strlcpy(text, record_has(r, K_WHY) ? record_text(r, K_WHY) : "dnskey does not say why", sizeof text);
        resolve_take_part(k, n, &list, text, record_number(r, K_RETRY) * 1000);
        return true;
    }
    char *addresses = resolve_list_text(&list);
    if (addresses == NULL) {
        resolve_unanswered(k, n, resolve_no_memory, 0);
        return true;
    }
    if (n->fresh) {
        resolve_keep(k, n, addresses, NULL);
        return true;
    }
    n->said = n->said || (n->in_part && strcmp(addresses, n->addresses) != 0);
    resolve_learn(n, addresses, k->now);
    if (n->said) {
        n->said = false;
        keying_announce(k, LOG_LEVEL_INFO, 0, "%s is %s: what ipsec.secrets has for it is used from now on", n->host,
                        n->addresses);
    } else if ((keying_classes(k) & DEBUG_DNS) != 0) {
        keying_log(k, LOG_LEVEL_DEBUG, NULL, "%s is %s", n->host, n->addresses);
    }
    resolve_settle(k, n, false);
    return true;
}

/* There is no such host, or it has no address. */
static void take_refusal(struct keying *k, struct resolving *n, const char *why)
{
    resolve_state(k, n, RESOLVING_IDLE);
    if (n->in_part) { /* which is all that there will be */
        resolve_settle(k, n, false);
    }
    if (n->fresh) {
        resolve_keep(k, n, NULL, why);
        return;
    }
    resolve_keep_why(n, why);
    resolve_learn(n, NULL, k->now);
    n->said = false;
    resolve_settle(k, n, true);
}

static bool take_answer(struct keying *k, const struct record *r, const char **why)
{
    char text[RESOLVE_WHY];
    if (peer_name_answered(k, r, why)) {
        resolve_go_on(k); /* there is room for one more */
        peer_name_go_on(k);
        return *why == NULL;
    }
    struct resolving *n = find_asked(k, record_number(r, K_ID));
    if (n == NULL || r->re != V_RESOLVE) {
        *why = "an answer to nothing that was asked";
        return false;
    }
    n->fatal = false;
    if (r->verb == V_OK && !take_addresses(k, n, r, why)) {
        return false;
    }
    if (r->verb == V_FAIL) {
        (void)strlcpy(text, record_text(r, K_WHY), sizeof text);
        if (record_has(r, K_RETRY)) {
            resolve_unanswered(k, n, text, record_number(r, K_RETRY) * 1000);
        } else {
            take_refusal(k, n, text);
        }
    }
    k->resolve.window = k->resolve.window * 2 < RESOLVES_MAX ? k->resolve.window * 2 : RESOLVES_MAX;
    agenda_clear(&k->agenda, &k->resolve.patience);
    resolve_go_on(k);
    peer_name_go_on(k);
    return true;
}

bool keying_from_dnskey(struct keying *k, const struct record *r, const char **why)
{
    switch (r->verb) {
    case V_LOG:
        if (record_has(r, K_EXCHANGE) || record_has(r, K_REMOTE) || record_has(r, K_CODE)) {
            *why = "a line about what dnskey does not know";
            return false;
        }
        k->words = true; /* bounded as those of ike-negotiate */
        event_log(k, r);
        k->words = false;
        return true;
    case V_OK:
    case V_FAIL:
        return take_answer(k, r, why);
    default:
        *why = "a record that dnskey has no reason to send";
        return false;
    }
}
