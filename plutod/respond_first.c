/* Main Mode that a peer begins: what he is offered, or why he is refused [R1]. */
#include "respond.h"

#include "choose.h"
#include "ends.h"
#include "methods.h"
#include "orders.h"
#include "rules.h"

#include <stdlib.h>

/* Returns how many there was room for. */
static size_t put_candidates(struct record_writer *w, const struct xchg *x, struct conn *const list[], size_t count)
{
    size_t put = 0;
    struct buffer text;
    buffer_init(&text, 16000);
    for (; put < count; put++) {
        size_t before = text.len;
        char methods[SCHEMA_WORD];
        buffer_add_text(&text, put == 0 ? "" : ";");
        buffer_add_text(&text, list[put]->name);
        buffer_add_text(&text, ":");
        buffer_add_text(&text, schema_word(K_METHODS, methods_of(x, list[put]), methods));
        buffer_add_text(&text, ":");
        buffer_add_text(&text, list[put]->form->ike);
        if (text.overflowed) {
            buffer_truncate(&text, before); /* those before it are offered */
            text.overflowed = false;
            break;
        }
    }
    buffer_add_u8(&text, 0);
    put = text.overflowed ? 0 : put;
    if (put > 0) {
        record_put_text(w, K_CANDIDATES, (const char *)text.data);
    }
    buffer_wipe(&text);
    return put;
}

/* False: no memory; then it is as it was. */
static bool offer_fill(const struct keying *k, struct xchg *x, const struct keying_worker *w,
                       struct conn *const list[], size_t count)
{
    struct offer *o = realloc(x->offer, sizeof *o + count * sizeof o->of[0]);
    if (o == NULL) {
        return false;
    }
    x->offer = o;
    o->count = count;
    for (size_t i = 0; i < count; i++) {
        o->of[i] = (struct offered){ .reqid = list[i]->reqid, .methods = methods_possible(k, w, list[i]) };
    }
    return true;
}

static void answer_first(struct keying *k, struct xchg *x, struct conn *const list[], size_t count)
{
    struct record_writer w;
    size_t start = k->negotiator->len;
    uint64_t id = x->offer->id;
    uint32_t life = 1;
    for (size_t i = 0; i < count; i++) {
        life = list[i]->form->ikelifetime > life ? list[i]->form->ikelifetime : life;
    }
    record_answer(&w, k->negotiator, V_OK, V_FIRST, id);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_number(&w, K_WORKER, x->worker);
    record_put_number(&w, K_LIFE, life);
    x->offer->count = put_candidates(&w, x, list, count); /* there may be no room for all */
    if (x->offer->count == 0) {
        buffer_truncate(k->negotiator, start);
        record_fail(k->negotiator, V_FIRST, id, "plutod has no memory for the candidates");
        return;
    }
    record_finish(&w);
}

/* ---- refusals ---- */

/* The same is said by whack --explain. The line for the log is ike-negotiate's. */
static void refuse(struct keying *k, uint64_t id, const struct address *local, const struct address *remote)
{
    char why[RULES_REFUSAL];
    k->counters.of[COUNT_FAILED_NO_CONNECTION]++;
    rules_say_refusal(k, local, remote, why);
    record_fail(k->negotiator, V_FIRST, id, why);
    keying_note_refused(k, NULL, NULL, "a first message of Main Mode is refused: %s", why);
}

/*
 * There are connections for it, and none that can be carried out: the peer hears what he hears where none fits
 * his offer. False: there are none.
 */
static bool refuse_missing(struct keying *k, uint64_t id, const struct keying_worker *w, const struct address *local,
                           const struct address *remote)
{
    struct record_writer record;
    char missing[METHODS_LIST];
    char peer[ADDRESS_TEXT];
    struct conn *c = methods_say_missing(k, w, local, remote, METHODS_NOTHING, missing);
    if (c == NULL) {
        return false;
    }
    k->counters.of[COUNT_FAILED_NO_SECRET]++;
    address_print(remote, peer);
    conn_failed(k, c, 0, missing);
    keying_note_refused(k, NULL, c, "a first message of Main Mode from %s is refused: %s", peer, missing);
    record_answer(&record, k->negotiator, V_FAIL, V_FIRST, id);
    record_put_text(&record, K_WHY, missing);
    record_put_number(&record, K_NOTIFICATION, NO_PROPOSAL_CHOSEN);
    record_finish(&record);
    return true;
}

/* ---- offers ---- */

static void offer(struct keying *k, struct xchg *x, const struct keying_worker *w, struct conn *const list[],
                  size_t count)
{
    x->waits = WAITS_NOT;
    if (!offer_fill(k, x, w, list, count)) {
        record_fail(k->negotiator, V_FIRST, x->offer->id, "plutod has no memory for the candidates");
        ends_quietly(k, x, true);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        keying_debug_conn(k, DEBUG_CONTROL, list[i], "candidate %zu of %zu for #%llu, by its hosts, in the order of "
                          "adding: the first that the offer satisfies is taken", i + 1, count,
                          (unsigned long long)x->serial);
        order_announce(k, x, list[i]);
    }
    answer_first(k, x, list, count);
}

/* x was begun for them: those that were added since are for the next one. Returns how many are left. */
static size_t older(const struct xchg *x, struct conn *list[], size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i]->born < (uint32_t)x->number) {
            list[left++] = list[i];
        }
    }
    return left;
}

static void go(struct keying *k, struct xchg *x, struct conn *list[], size_t count)
{
    const struct keying_worker *w = keying_worker(k, x->worker);
    for (size_t i = 0; i < count; i++) {
        if (methods_ask(k, x, list[i])) {
            return;
        }
    }
    if (count > 0) {
        offer(k, x, w, list, count);
        return;
    }
    if (!refuse_missing(k, x->offer->id, w, &x->local, &x->remote)) {
        record_fail(k->negotiator, V_FIRST, x->offer->id, "its connection was deleted meanwhile");
    }
    ends_quietly(k, x, true);
}

void respond_first_go(struct keying *k, struct xchg *x)
{
    struct conn *list[CHOOSE_MAX];
    if (k->negotiator != NULL) { /* else x ends, as all that this one has asked about does */
        size_t count = choose_first(k, keying_worker(k, x->worker), &x->local, &x->remote, list);
        go(k, x, list, older(x, list, count));
    }
}

void respond_first(struct keying *k, const struct record *r)
{
    struct address local;
    struct address remote;
    struct conn *list[CHOOSE_MAX];
    uint64_t id = record_number(r, K_ID);
    struct keying_worker *worker = keying_pick_worker(k);

    record_address(r, K_LOCAL, &local);
    record_address(r, K_REMOTE, &remote);
    size_t count = choose_first(k, worker, &local, &remote, list);
    if (count == 0) {
        if (!refuse_missing(k, id, worker, &local, &remote)) {
            refuse(k, id, &local, &remote);
        }
        return;
    }
    bool room = worker != NULL && !k->stopping && k->half_open < HALF_OPEN_MAX;
    struct offer *empty = room ? calloc(1, sizeof *empty) : NULL;
    struct xchg *x = empty == NULL ? NULL : xchg_new(k, NULL, false, false);
    if (x == NULL) {
        free(empty);
        record_fail(k->negotiator, V_FIRST, id, "no secrets process runs, or too many exchanges");
        return;
    }
    x->offer = empty;
    x->offer->id = id;
    xchg_set_half_open(k, x, true);
    x->local = local;
    x->remote = remote;
    x->local_port = (uint16_t)record_number(r, K_LOCAL_PORT);
    x->remote_port = (uint16_t)record_number(r, K_REMOTE_PORT);
    xchg_set_worker(k, x, worker->number);
    xchg_say_begun(k, x);
    (void)agenda_set(&k->agenda, &x->life_end, k->now + HALF_OPEN_LIFE, ends_life);
    go(k, x, list, count);
}
