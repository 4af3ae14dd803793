/*
 * Records on their way in: orders of plutod, and answers to what was asked.
 */
#include "actions.h"
#include "informational.h"
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of an order that could not even be begun. */
static void tell_failed(struct ike *ike, uint64_t number, const char *why)
{
    struct record_writer w;
    record_start(&w, ike->out.plutod, V_FAILED);
    record_put_number(&w, K_EXCHANGE, number);
    record_put_number(&w, K_CODE, REPLY_INTERNAL);
    record_put_text(&w, K_WHY, why);
    record_finish(&w);
}

static unsigned methods_mask(unsigned word)
{
    return (methods_allow(word, METHOD_PSK) ? 1u << AUTH_PSK : 0)
           | (methods_allow(word, METHOD_RSASIG) ? 1u << AUTH_RSASIG : 0);
}

static void order_initiate(struct ike *ike, const struct record *r)
{
    uint64_t number = record_number(r, K_EXCHANGE);
    struct exchange *x = exchange_by_number(ike, number) != NULL ? NULL
                                                                 : exchange_new(ike, false, true);
    if (x == NULL) {
        tell_failed(ike, number, "its number is taken, or memory is short");
        return;
    }
    exchange_set_number(ike, x, number);
    snprintf(x->main->connection, sizeof x->main->connection, "%s", record_text(r, K_CONNECTION));
    snprintf(x->main->ike, sizeof x->main->ike, "%s", record_text(r, K_IKE));
    record_address(r, K_LOCAL, &x->sa->path.local);
    record_address(r, K_REMOTE, &x->sa->path.remote);
    x->sa->path.local_port = (uint16_t)record_number(r, K_LOCAL_PORT);
    x->sa->path.remote_port = (uint16_t)record_number(r, K_REMOTE_PORT);
    x->sa->worker = record_number(r, K_WORKER);
    x->main->methods = methods_mask(record_word(r, K_METHODS));
    x->main->life = (uint32_t)record_number(r, K_LIFE);
    main_initiate(ike, x);
}

static void order_quick(struct ike *ike, const struct record *r)
{
    uint64_t number = record_number(r, K_EXCHANGE);
    struct exchange *main = exchange_by_number(ike, record_number(r, K_PARENT));
    struct exchange *x = NULL;

    if (main != NULL && !main->is_quick && exchange_by_number(ike, number) == NULL) {
        x = exchange_new(ike, true, true);
    }
    if (x == NULL) {
        tell_failed(ike, number, "its ISAKMP SA is gone");
        return;
    }
    exchange_set_number(ike, x, number);
    x->parent = main;
    x->sa = main->sa;
    LIST_INSERT_HEAD(&main->sa->quicks, x, siblings);
    const char *why = quick_take_needs(&x->quick->needs, r);
    record_subnet(r, K_OUR_CLIENT, &x->quick->needs.our_client);
    record_subnet(r, K_PEER_CLIENT, &x->quick->needs.peer_client);
    x->quick->needs.modes = 1u << (record_word(r, K_MODE) == MODES_TUNNEL ? SA_MODE_TUNNEL
                                                                          : SA_MODE_TRANSPORT);
    if (why != NULL) {
        exchange_failed(ike, x, REPLY_INTERNAL, "plutod's terms cannot be read: %s", why);
    } else if (main->sa->up) {
        quick_begin(ike, x);
    }
}

static void order_delete(struct ike *ike, const struct record *r)
{
    struct exchange *x = exchange_by_number(ike, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        return;
    }
    if (!x->is_quick && x->sa->up) {
        send_delete_isakmp(ike, x);
    }
    exchange_free(ike, x);
}

static void order_delete_sa(struct ike *ike, const struct record *r)
{
    struct exchange *main = exchange_by_number(ike, record_number(r, K_PARENT));
    size_t len;
    const uint8_t *spi = record_bytes(r, K_SPI_IN, &len);
    if (main != NULL && !main->is_quick && main->sa->up) {
        send_delete(ike, main, record_word(r, K_PROTOCOL) == WORD_AH ? PROTOCOL_AH : PROTOCOL_ESP,
                    spi, len);
    }
}

static void order_forget(struct ike *ike, const struct record *r)
{
    struct exchange *x = exchange_by_number(ike, record_number(r, K_EXCHANGE));
    if (x != NULL) {
        exchange_free(ike, x);
    }
}

/* Its worker may be dead before we have seen that: this says so too. */
static void order_worker(struct ike *ike, const struct record *r)
{
    const uint64_t number = record_number(r, K_EXCHANGE);
    const uint64_t worker = record_number(r, K_WORKER);
    struct exchange *x = exchange_by_number(ike, number);
    if (x == NULL || x->is_quick || x->sa->up || x->sa->worker == worker) {
        return;
    }
    if (x->sa->worker != 0) {
        ike_source_gone(ike, ike->now, FROM_WORKER, x->sa->worker);
        x = exchange_by_number(ike, number);
    }
    if (x != NULL) {
        x->sa->worker = worker;
        main_ask_again(ike, x);
    }
}

static const char *take_answer(struct ike *ike, enum ike_source source, uint64_t worker,
                               const struct record *r)
{
    uint64_t id = record_number(r, K_ID);
    struct request *q;
    struct exchange *x;

    HASH_FIND(hh, ike->requests, &id, sizeof id, q);
    if (q == NULL) {
        return NULL; /* asked on an older epoch of this channel */
    }
    if (q->source != source || q->worker != worker || q->verb != r->re) {
        return "an answer to what was not asked there";
    }
    uint64_t serial = q->serial;
    request_free(ike, q);
    if (r->re == V_SPIS) {
        take_spis(ike, r);
        return NULL;
    }
    HASH_FIND(by_serial, ike->exchanges, &serial, sizeof serial, x);
    if (x != NULL) {
        engine_answer(ike, x, r);
    } else if (r->verb == V_OK && (r->re == V_FIRST || r->re == V_QUICK_ASK)) {
        /* It made room, or was given up, while plutod answered: he keeps none of it either. */
        tell_failed(ike, record_number(r, K_EXCHANGE), "ended before plutod had answered");
    }
    return NULL;
}

static const char *take_record(struct ike *ike, enum ike_source source, uint64_t worker,
                               const struct record *r)
{
    switch (r->verb) {
    case V_OK:
    case V_FAIL:
        return take_answer(ike, source, worker, r);
    case V_BAD:
        report(ike, NULL, LOG_LEVEL_SERIOUS, "a record of ours was refused: %s",
               record_text(r, K_WHY));
        return NULL;
    case V_INITIATE:
        order_initiate(ike, r);
        return NULL;
    case V_QUICK:
        order_quick(ike, r);
        return NULL;
    case V_WORKER:
        order_worker(ike, r);
        return NULL;
    case V_DELETE:
        order_delete(ike, r);
        return NULL;
    case V_DELETE_SA:
        order_delete_sa(ike, r);
        return NULL;
    case V_FORGET:
        order_forget(ike, r);
        return NULL;
    case V_DEBUG:
        return debug_classes_parse(&ike->log.classes, record_text(r, K_CLASSES));
    default:
        return "a verb that the core does not know";
    }
}

const char *ike_record(struct ike *ike, uint64_t now, enum ike_source source, uint64_t worker,
                       const struct record *r)
{
    ike->now = now;
    const char *why = take_record(ike, source, worker, r);
    quick_begin_waiting(ike);
    return why;
}
