#include "xchg.h"

#include "hint.h"
#include "index.h"
#include "name.h"
#include "status.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <utlist.h>

static struct conn *root_of(struct conn *c)
{
    return c == NULL || c->template == NULL ? c : c->template;
}

bool xchg_has_room(const struct keying *k, const struct conn *conn)
{
    return HASH_COUNT(k->exchanges) < EXCHANGES_MAX
           && (conn == NULL || conn->template == NULL || conn->template->held < EXCHANGES_OF_ROAD);
}

struct xchg *xchg_new(struct keying *k, struct conn *conn, bool quick, bool initiator)
{
    if (k->next_exchange == UINT32_MAX) { /* numbers are never used twice: they are what permits go by */
        if (!k->numbers_gone) {
            keying_log(k, LOG_LEVEL_SERIOUS, NULL, "all exchange numbers of this plutod are used up: nothing "
                       "can be negotiated until it is restarted; SAs that stand stay");
        }
        k->numbers_gone = true;
        return NULL;
    }
    if (!xchg_has_room(k, conn)) {
        return NULL;
    }
    struct xchg *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return NULL;
    }
    x->number = (uint64_t)k->settings.epoch << 32 | ++k->next_exchange;
    x->serial = ++k->next_serial;
    x->peer_id = &identity_any;
    k->counters.of[initiator ? COUNT_BEGUN_BY_US : COUNT_BEGUN_BY_PEERS]++;
    x->quick = quick;
    x->initiator = initiator;
    x->since = k->now;
    x->event_at = k->now + GIVE_UP;
    x->state = quick ? (initiator ? STATE_QUICK_I1 : STATE_QUICK_R0)
                     : (initiator ? STATE_MAIN_I1 : STATE_MAIN_R0);
    HASH_ADD(hh, k->exchanges, number, sizeof x->number, x);
    HASH_ADD(hh_serial, k->serials, serial, sizeof x->serial, x);
    if (conn != NULL) {
        xchg_set_conn(k, x, conn);
    }
    return x;
}

static void leave_worker(struct keying *k, struct xchg *x)
{
    struct keying_worker *w = x->quick ? NULL : keying_worker(k, x->worker);
    if (w == NULL) {
        return;
    }
    w->exchanges--;
    if (w->exchanges == 0 && !w->current) {
        k->hooks.idle(k->hooks.context, w->number);
    }
}

void xchg_set_half_open(struct keying *k, struct xchg *x, bool half_open)
{
    if (x->half_open != half_open) {
        x->half_open = half_open;
        if (half_open) {
            k->half_open++;
        } else {
            k->half_open--;
        }
    }
}

static void leave_main(struct xchg *y)
{
    if (y->main != NULL) {
        DL_DELETE2(y->main->children, y, child_prev, child_next);
        y->main->peers_open -= y->initiator ? 0 : 1;
        y->main = NULL;
    }
}

static void leave_family(struct xchg *x)
{
    leave_main(x);
    while (x->children != NULL) {
        leave_main(x->children);
    }
}

void xchg_set_parent(struct xchg *y, struct xchg *x)
{
    y->parent = x->number;
    y->main = x;
    DL_APPEND2(x->children, y, child_prev, child_next);
    x->peers_open += y->initiator ? 0 : 1;
    x->used = true;
    y->local = x->local;
    y->remote = x->remote;
    y->local_port = x->local_port;
    y->remote_port = x->remote_port;
}

/* ---- its lifecycle, for --debug-lifecycle ---- */

static const char *what_it_is(const struct xchg *x)
{
    return x->quick ? (x->up ? "the IPsec SA" : "Quick Mode") : x->up ? "the ISAKMP SA" : "Main Mode";
}

void xchg_say_begun(struct keying *k, const struct xchg *x)
{
    keying_debug(k, DEBUG_LIFECYCLE, x, "%s begins, as %s; now there are %u exchanges", what_it_is(x),
                 x->initiator ? "initiator" : "responder", HASH_COUNT(k->exchanges));
}

static void say_over(struct keying *k, const struct xchg *x)
{
    keying_debug(k, DEBUG_LIFECYCLE, x, "%s is over, %llu s after it %s; now there are %u exchanges", what_it_is(x),
                 (unsigned long long)(k->now - x->since) / 1000, x->up ? "came up" : "began",
                 HASH_COUNT(k->exchanges) - 1);
}

void xchg_set_up(struct keying *k, struct xchg *x)
{
    keying_debug(k, DEBUG_LIFECYCLE, x, "%s has made its SA, after %llu s", what_it_is(x),
                 (unsigned long long)(k->now - x->since) / 1000);
    x->up = true;
    hint_set(x, NULL);
    leave_main(x);
}

void xchg_wait(struct keying *k, struct xchg *x, uint64_t client)
{
    if (client != 0) {
        x->client = client;
        DL_APPEND2(k->waiting, x, prev_waiting, next_waiting);
        k->hooks.hold(k->hooks.context, client);
    }
}

void xchg_release(struct keying *k, struct xchg *x)
{
    if (x->client != 0) {
        DL_DELETE2(k->waiting, x, prev_waiting, next_waiting);
        k->hooks.release(k->hooks.context, x->client);
        x->client = 0;
    }
}

void xchg_free(struct keying *k, struct xchg *x)
{
    say_over(k, x);
    agenda_clear(&k->agenda, &x->life_end);
    status_xchg_goes(k, x);
    xchg_set_half_open(k, x, false);
    xchg_release(k, x);
    if (x->conn != NULL) {
        if (x->conn->newest_isakmp == x->number) {
            x->conn->newest_isakmp = 0;
        }
        if (x->conn->newest_ipsec == x->number) {
            x->conn->newest_ipsec = 0;
        }
        index_leave_main(x);
        DL_DELETE(x->conn->exchanges, x);
        root_of(x->conn)->held--;
        conn_stale(k, x->conn);
    }
    leave_family(x);
    HASH_DELETE(hh, k->exchanges, x);
    HASH_DELETE(hh_serial, k->serials, x);
    if (x->in_spis) {
        HASH_DELETE(hh_spi, k->spis, x);
    }
    leave_worker(k, x);
    name_release(k, &x->peer_id);
    free(x->offer);
    free(x->identify);
    free(x->notified);
    free(x->hint);
    free(x->proposal);
    free(x);
}

const char *xchg_method(const struct xchg *x)
{
    return x->method == METHOD_PSK ? "preshared secret" : "RSA signature";
}

const char *xchg_proposal(const struct xchg *x)
{
    return x->proposal == NULL ? "" : x->proposal;
}

struct xchg *xchg_find(struct keying *k, uint64_t number)
{
    struct xchg *x;
    HASH_FIND(hh, k->exchanges, &number, sizeof number, x);
    return x;
}

struct xchg *xchg_find_main(struct keying *k, uint64_t number)
{
    struct xchg *x = xchg_find(k, number);
    return x != NULL && !x->quick ? x : NULL;
}

struct xchg *xchg_find_quick(struct keying *k, uint64_t number)
{
    struct xchg *x = xchg_find(k, number);
    return x != NULL && x->quick ? x : NULL;
}

struct xchg *xchg_by_serial(struct keying *k, uint64_t serial)
{
    struct xchg *x;
    HASH_FIND(hh_serial, k->serials, &serial, sizeof serial, x);
    return x;
}

struct xchg *xchg_by_spi(struct keying *k, const struct address *peer, const uint8_t spi[4])
{
    struct spi_key key;
    struct xchg *x;
    memset(&key, 0, sizeof key);
    key.peer = *peer;
    memcpy(key.spi, spi, sizeof key.spi);
    HASH_FIND(hh_spi, k->spis, &key, sizeof key, x);
    return x;
}

void xchg_enter_spi(struct keying *k, struct xchg *x, const uint8_t spi_out[4])
{
    if (x->in_spis) {
        HASH_DELETE(hh_spi, k->spis, x);
    }
    memset(&x->spi_out, 0, sizeof x->spi_out);
    x->spi_out.peer = x->remote;
    memcpy(x->spi_out.spi, spi_out, sizeof x->spi_out.spi);
    /* A peer that chose one SPI twice has himself to blame: its Delete finds the newer pair. */
    x->in_spis = xchg_by_spi(k, &x->remote, spi_out) == NULL;
    if (x->in_spis) {
        HASH_ADD(hh_spi, k->spis, spi_out, sizeof x->spi_out, x);
    }
}

void xchg_set_conn(struct keying *k, struct xchg *x, struct conn *conn)
{
    if (x->conn == conn) {
        return;
    }
    if (x->conn != NULL) {
        index_leave_main(x);
        DL_DELETE(x->conn->exchanges, x);
        root_of(x->conn)->held--;
        conn_stale(k, x->conn);
    }
    x->conn = conn;
    if (conn != NULL) {
        DL_APPEND(conn->exchanges, x);
        root_of(conn)->held++;
        index_join_main(x);
    }
}

void xchg_set_worker(struct keying *k, struct xchg *x, uint32_t number)
{
    struct keying_worker *w = keying_worker(k, number);
    x->worker = number;
    if (w != NULL && !x->quick) {
        w->exchanges++;
    }
}

static bool usable(struct keying *k, const struct xchg *x, const struct conn *c, bool pending)
{
    if (x->quick || x->ending
        || (x->waits == WAITS_NOT && !keying_worker_works(k, x->worker))) {
        return false;
    }
    if (!address_equal(&x->remote, &c->peer_host) || !address_equal(&x->local, &c->our_host)) {
        return false;
    }
    return x->up || (pending && x->initiator);
}

struct xchg *xchg_usable_isakmp(struct keying *k, const struct conn *c, bool pending)
{
    struct xchg *found = NULL;
    struct xchg *x;
    DL_FOREACH2(c->kin == NULL ? NULL : kin_mains(c->kin), x, main_next) {
        if (usable(k, x, c, pending) && (found == NULL || x->serial > found->serial)) {
            found = x;
        }
    }
    return found;
}

struct xchg *xchg_sa_with_peer(struct keying *k, const struct conn *c)
{
    struct xchg *found = NULL;
    struct kin *kin = c->kin == NULL ? NULL : index_kin(k, c->peer_id, &c->our_host, &c->peer_host);
    for (; kin != NULL; kin = index_next_kin(kin, false)) {
        struct xchg *x;
        DL_FOREACH2(kin_mains(kin), x, main_next) {
            if (x->up && (found == NULL || x->serial > found->serial)) {
                found = x;
            }
        }
    }
    return found;
}

bool xchg_same_peer(const struct xchg *x, const struct xchg *other)
{
    const struct identity *id = other->quick ? other->conn->peer_id : other->peer_id;
    bool method = other->quick ? conn_allows(other->conn, x->method) : other->method == x->method;
    return method && address_equal(&x->remote, &other->remote) && identity_equal(x->peer_id, id);
}

bool xchg_has_ipsec(const struct conn *c, const struct xchg *besides)
{
    const struct xchg *x;
    DL_FOREACH(c->exchanges, x) {
        if (x->quick && x != besides && x->up && !x->ending) {
            return true;
        }
    }
    return false;
}

static const char *const words[STATE_COUNT] = {
    "MAIN_R0", "MAIN_I1", "MAIN_R1", "MAIN_I2", "MAIN_R2", "MAIN_I3", "MAIN_R3", "MAIN_I4",
    "QUICK_R0", "QUICK_I1", "QUICK_R1", "QUICK_I2", "QUICK_R2", "INFO", "INFO_PROTECTED"
};

static const char *const stories[STATE_COUNT] = {
    "expecting MI1", "initiate", "sent MR1, expecting MI2", "sent MI2, expecting MR2",
    "sent MR2, expecting MI3", "sent MI3, expecting MR3", "sent MR3, ISAKMP SA established",
    "ISAKMP SA established", "expecting QI1", "initiate",
    "sent QR1, inbound IPsec SA installed, expecting QI2", "sent QI2, IPsec SA established",
    "IPsec SA established", "got an Informational message", "got a protected Informational message"
};

const char *xchg_state_word(unsigned state)
{
    return state < STATE_COUNT ? words[state] : "UNKNOWN";
}

const char *xchg_state_story(unsigned state)
{
    return state < STATE_COUNT ? stories[state] : "unknown";
}
