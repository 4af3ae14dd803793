#include "ends.h"

#include "choose.h"
#include "index.h"
#include "initiate.h"
#include "orders.h"
#include "peer_name.h"
#include "renew.h"
#include "routing.h"

#include <bsd/string.h>
#include <bsd/sys/endian.h>
#include <stdio.h>
#include <utlist.h>

static void tell_peer(struct keying *k, const struct xchg *y)
{
    const struct xchg *x = xchg_sa_with_peer(k, y->conn);
    if (x == NULL) {
        keying_log(k, LOG_LEVEL_INFO, y,
                   "the peer cannot be told that this IPsec SA ends: there is no ISAKMP SA with it");
        return;
    }
    order_delete_sa(k, x->number, y);
}

/* The line of an end that is no failure; a whack that still waits is told, too. */
static void say_end(struct keying *k, const struct xchg *x, const char *why)
{
    const char *what = x->quick ? "IPsec SA" : "ISAKMP SA";
    if (why == NULL) {
        return;
    }
    if (!x->up) {
        keying_event_tell(k, x, REPLY_NO_RESPONSE, "ended before it was up: %s", why);
    } else if (x->client != 0) {
        keying_event_tell(k, x, REPLY_NO_RESPONSE, "deleting the %s, before our updown script had ended: %s", what,
                          why);
    } else {
        keying_event(k, x, "deleting the %s: %s", what, why);
    }
}

void ends_quick(struct keying *k, struct xchg *y, enum ends_how how, uint64_t client, const char *why)
{
    struct conn *c = y->conn;
    bool stood = y->up;
    y->ending = true;
    say_end(k, y, why);
    if (y->permitted) {
        order_delete_kernel_sa(k, y, client);
    }
    if (stood) {
        if (how == ENDS_TELL_PEER) {
            tell_peer(k, y);
        }
        order_forget_negotiator(k, y);
    } else if (!y->deferred) {
        order_delete(k, y);
    }
    order_forget_secrets(k, y);
    if (stood && !xchg_has_ipsec(c, y)) {
        routing_down(k, c, client);
    }
    xchg_free(k, y);
}

static void failed(struct keying *k, struct xchg *x, unsigned code, const char *why, bool told);
/*
 * y fails with its Main Mode x, whose line says why. It needs one of its own where it is another
 * connection's, or had begun.
 */
static void say_failed_with(struct keying *k, const struct xchg *x, const struct xchg *y, unsigned code,
                            const char *why)
{
    if (x->up || y->conn != x->conn) {
        keying_event_tell(k, y, code, "%s #%llu: %s", x->up ? "ends with its ISAKMP SA"
                                                            : "fails with its Main Mode",
                          (unsigned long long)x->serial, why);
    } else if (y->conn != NULL && y->client != x->client) {
        keying_say(k, y->client, code, "\"%s\" #%llu: %s", y->conn->name,
                   (unsigned long long)y->serial, why);
    }
}

/* Quick Modes under x that are not finished fail with it. */
static void fail_children(struct keying *k, struct xchg *x, unsigned code, const char *why)
{
    struct xchg *y;
    struct xchg *next;
    DL_FOREACH_SAFE2(x->children, y, next, child_next) {
        if (y->ending) {
            continue;
        }
        say_failed_with(k, x, y, code, why);
        k->counters.of[COUNT_FAILED_WITH_MAIN]++;
        failed(k, y, code, NULL, false);
    }
}

void ends_main(struct keying *k, struct xchg *x, enum ends_how how, const char *why)
{
    x->ending = true;
    say_end(k, x, why);
    fail_children(k, x, REPLY_NO_RESPONSE, why);
    if (how == ENDS_TELL_PEER) {
        order_delete(k, x);
    } else {
        order_forget_negotiator(k, x);
    }
    order_forget_secrets(k, x);
    xchg_free(k, x);
}

/* Of all that it could have been for, where that is not known. */
static void note_failure(struct keying *k, const struct xchg *x, const char *why)
{
    struct conn *list[CHOOSE_MAX];
    size_t count = x->conn == NULL ? choose_offered(k, x, list) : 0;
    if (x->conn != NULL) {
        conn_failed(k, x->conn, x->number, why);
    }
    for (size_t i = 0; i < count; i++) {
        conn_failed(k, list[i], x->number, why);
    }
}

static void failed(struct keying *k, struct xchg *x, unsigned code, const char *why, bool told)
{
    struct conn *c = x->conn;
    bool again = x->initiator && c != NULL && (x->quick || connection_isakmp_only(c->form));
    x->ending = true;
    if (why != NULL) {
        note_failure(k, x, why);
        keying_event_tell(k, x, code, "%s", why);
    }
    if (!x->quick) {
        renew_failed(k, x);
        fail_children(k, x, code, why == NULL ? "its Main Mode failed" : why);
    }
    if (again) {
        initiate_again(k, c, code);
    }
    ends_quietly(k, x, told);
}

void ends_failed(struct keying *k, struct xchg *x, unsigned code, const char *why, bool told)
{
    counters_failed(&k->counters, code);
    failed(k, x, code, why, told);
}

void ends_quietly(struct keying *k, struct xchg *x, bool told)
{
    struct conn *c = x->conn;
    x->ending = true;
    if (x->quick && x->permitted) {
        order_delete_kernel_sa(k, x, 0);
    }
    if (!told && !x->deferred && xchg_is_told(x)) {
        order_delete(k, x);
    }
    order_forget_secrets(k, x);
    if (x->quick && x->up && !xchg_has_ipsec(c, x)) {
        routing_down(k, c, 0);
    }
    xchg_free(k, x);
}

/* ---- a connection ---- */

/* An ISAKMP SA that serves another connection of the same identities is left to that one. */
static bool hand_over(struct keying *k, struct xchg *x)
{
    struct conn *from = x->conn;
    struct conn *other = x->up ? conn_in_use(k, from, from) : NULL;
    if (other == NULL) {
        return false;
    }
    xchg_set_conn(k, x, other);
    from->newest_isakmp = 0;
    const struct xchg *newest = xchg_find_main(k, other->newest_isakmp);
    if (newest == NULL || newest->serial < x->serial) {
        other->newest_isakmp = x->number;
    }
    return true;
}

static void end_own(struct keying *k, struct conn *c, uint64_t client, const char *why)
{
    struct xchg *x;
    struct xchg *next;
    agenda_clear(&k->agenda, &c->retry);
    peer_name_forget(k, c, why == NULL ? "the connection ends" : why);
    c->attempt = 0;
    c->wanted = false;
    conn_stale(k, c);
    DL_FOREACH_SAFE(c->exchanges, x, next) {
        if (x->quick) {
            ends_quick(k, x, ENDS_TELL_PEER, client, why);
        }
    }
    DL_FOREACH_SAFE(c->exchanges, x, next) {
        if (!hand_over(k, x)) {
            /* Others' Quick Modes that are under way end with it: found by fail_children. */
            ends_main(k, x, ENDS_TELL_PEER, why);
            next = c->exchanges;
        }
    }
}

void ends_conn(struct keying *k, struct conn *c, uint64_t client, const char *why)
{
    struct conn *i;
    struct conn *next;
    DL_FOREACH_SAFE2(c->instances, i, next, sibling_next) {
        end_own(k, i, client, why);
    }
    end_own(k, c, client, why);
}

void ends_and_remove(struct keying *k, struct conn *c, uint64_t client, const char *why)
{
    ends_conn(k, c, client, why);
    while (c->instances != NULL) {
        conn_remove(k, c->instances);
    }
    conn_remove(k, c);
}

/* ---- by the peer ---- */

#define AT_ONCE 5000 /* milliseconds */
#define REFUSES_US (IDENTITY_TEXT + 200)
/*
 * Who has begun knows who we are only from message 6, after which the SA stands for us. If he does not believe it
 * he may say nothing but this.
 */
static void say_refuses_us(const struct keying *k, const struct xchg *x, char why[REFUSES_US])
{
    char ours[IDENTITY_TEXT];
    const struct conn *c = x->conn;
    strlcpy(why, "the peer deleted the ISAKMP SA", REFUSES_US);
    if (!x->initiator && !x->used && c != NULL && !connection_isakmp_only(c->form) && k->now - x->since < AT_ONCE) {
        size_t len = strlen(why);
        identity_print(c->our_id, ours);
        snprintf(why + len, REFUSES_US - len, " before anything was negotiated under it: perhaps he %s \"%s\"",
                 x->method == METHOD_RSASIG ? "refuses our signature (does he know our public key?), or does not expect that we are"
                                            : "does not expect that we are", ours);
    }
}

static void peer_deleted_isakmp(struct keying *k, struct xchg *x, uint64_t number)
{
    struct xchg *target = xchg_find_main(k, number);
    if (target == NULL || !target->up || !xchg_same_peer(x, target)) {
        keying_log_heard(k, x, "Delete for an ISAKMP SA that is not with this peer: ignored");
        return;
    }
    char why[REFUSES_US];
    say_refuses_us(k, target, why);
    ends_main(k, target, ENDS_SILENTLY, why);
}

/* Of those that are not there one line tells, however many he names. */
static void peer_deleted_esp(struct keying *k, struct xchg *x, const struct record *r)
{
    size_t len;
    const uint8_t *spis = record_bytes(r, K_SPIS, &len);
    const uint8_t *unknown = NULL;
    unsigned more = 0;
    for (size_t at = 0; at + 4 <= len; at += 4) {
        struct xchg *y = xchg_by_spi(k, &x->remote, spis + at);
        if (y != NULL && xchg_same_peer(x, y)) {
            ends_quick(k, y, ENDS_SILENTLY, 0, "the peer deleted the IPsec SA");
        } else if (unknown == NULL) {
            unknown = spis + at;
        } else {
            more++;
        }
    }
    if (more > 0) {
        keying_log_heard(k, x, "Delete for ESP SPI %08x and %u more, which are none of this peer's: "
                         "ignored", be32dec(unknown), more);
    } else if (unknown != NULL) {
        keying_log_heard(k, x, "Delete for ESP SPI %08x, which is none of this peer's: ignored",
                         be32dec(unknown));
    }
}

bool ends_peer_deleted(struct keying *k, const struct record *r, const char **why)
{
    struct xchg *x = xchg_find_main(k, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        return true; /* ended by us at the same time */
    }
    if (!x->up) {
        *why = "a Delete under an ISAKMP SA that does not stand";
        return false;
    }
    k->counters.of[COUNT_DELETES]++;
    if (record_word(r, K_PROTOCOL) == WORD_ISAKMP && record_has(r, K_TARGET)) {
        peer_deleted_isakmp(k, x, record_number(r, K_TARGET));
        return true;
    }
    if (record_word(r, K_PROTOCOL) != WORD_ESP || !record_has(r, K_SPIS)) {
        return true;
    }
    peer_deleted_esp(k, x, r);
    return true;
}

/* All SAs of c that are older than x, and not made under it. */
static void end_older(struct keying *k, struct conn *c, const struct xchg *x, enum ends_how how,
                      const char *why)
{
    struct xchg *old;
    struct xchg *next;
    DL_FOREACH_SAFE(c->exchanges, old, next) {
        if (old->quick && old->serial < x->serial && old->parent != x->number) {
            ends_quick(k, old, how, 0, why);
        }
    }
    DL_FOREACH_SAFE(c->exchanges, old, next) {
        if (!old->quick && old->up && old->serial < x->serial) {
            ends_main(k, old, how, why);
            next = c->exchanges; /* its unfinished Quick Modes may have gone with it */
        }
    }
}

void ends_initial_contact(struct keying *k, struct xchg *x)
{
    struct conn *c;
    struct conn *next;
    const struct conn *own = x->conn;
    if (!x->up || own->kin == NULL || x->contacted) {
        return; /* once is enough: what was older then has ended */
    }
    x->contacted = true;
    struct kin *kin = index_kin(k, own->peer_id, &own->our_host, &own->peer_host);
    for (; kin != NULL; kin = index_next_kin(kin, false)) {
        if (!identity_equal(kin_conns(kin)->our_id, own->our_id) || !conn_allows(kin_conns(kin), x->method)) {
            continue;
        }
        DL_FOREACH_SAFE2(kin_conns(kin), c, next, kin_next) {
            end_older(k, c, x, ENDS_SILENTLY, "the peer knows none from before (INITIAL-CONTACT)");
        }
    }
}

void ends_superfluous(struct keying *k, const struct xchg *x)
{
    unsigned most = x->quick ? PAIRS_OF_CONN_MAX : ISAKMP_OF_CONN_MAX;
    struct xchg *oldest = NULL;
    struct xchg *y;
    unsigned count = 0;
    DL_FOREACH(x->conn->exchanges, y) {
        if (y->quick == x->quick && y->up && !y->ending) {
            count++;
            oldest = oldest == NULL && y != x ? y : oldest;
        }
    }
    if (count <= most || oldest == NULL) {
        return;
    }
    if (x->quick) {
        ends_quick(k, oldest, ENDS_TELL_PEER, 0, "more stand beside it than one connection needs");
    } else {
        ends_main(k, oldest, ENDS_TELL_PEER, "more stand beside it than one connection needs");
    }
}

void ends_unique_ids(struct keying *k, const struct xchg *x)
{
    struct conn *c;
    struct conn *next;
    struct kin *kin = index_kin(k, x->peer_id, NULL, NULL);
    for (; kin != NULL; kin = index_next_kin(kin, true)) {
        const struct address *host = &kin_conns(kin)->peer_host;
        if (host->family == 0 || address_equal(host, &x->remote) || !conn_allows(kin_conns(kin), x->method)) {
            continue;
        }
        DL_FOREACH_SAFE2(kin_conns(kin), c, next, kin_next) {
            if (c->exchanges == NULL || c == x->conn) {
                continue;
            }
            end_older(k, c, x, ENDS_TELL_PEER, "the peer's identity is now used from another address "
                      "(--uniqueids)");
        }
    }
}

/* ---- by age ---- */

void ends_expired(struct keying *k, struct xchg *y, bool hard)
{
    if (!hard) {
        keying_debug(k, DEBUG_LIFECYCLE, y, "the IPsec SA comes to its end");
        return;
    }
    k->counters.of[COUNT_EXPIRED_IPSEC]++;
    ends_quick(k, y, ENDS_TELL_PEER, 0, "the IPsec SA has expired");
}

void ends_life(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    struct xchg *x = AGENDA_OWNER(item, struct xchg, life_end);
    if (!x->up) {
        ends_failed(k, x, REPLY_NO_RESPONSE, "the negotiation was not finished in time, nor given up: one of our own "
                    "processes has lost it (see the log)", false);
        return;
    }
    if (x->quick) { /* the kernel would not have it */
        ends_expired(k, x, true);
        return;
    }
    k->counters.of[COUNT_EXPIRED_ISAKMP]++;
    ends_main(k, x, ENDS_TELL_PEER, "the ISAKMP SA has expired");
}
