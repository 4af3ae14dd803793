/*
 * What we ask of the other processes, and what becomes of it when one of them dies.
 *
 * What is asked of kernel-sa may be asked again: it waits for the next one. What a worker of
 * secrets has drawn and nobody has seen yet, another worker draws; where its exponent is out, the
 * exchange is lost with it. plutod's death is ours.
 */
#include "exchange.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* x: NULL where it is for no exchange in particular. */
static struct request *request_new(struct ike *ike, const struct exchange *x, enum ike_source to,
                                   uint64_t worker, enum verb verb)
{
    struct request *q = calloc(1, sizeof *q);
    if (q != NULL) {
        q->id = ike->next_request++;
        q->serial = x == NULL ? 0 : x->serial;
        q->verb = verb;
        q->source = to;
        q->worker = worker;
        HASH_ADD(hh, ike->requests, id, sizeof q->id, q);
        ike->open_keys += verb == V_KEYS ? 1 : 0;
    }
    return q;
}

void request_free(struct ike *ike, struct request *q)
{
    ike->open_keys -= q->verb == V_KEYS ? 1 : 0;
    HASH_DEL(ike->requests, q);
    free(q);
}

struct buffer *request_start(struct ike *ike, const struct exchange *x, struct record_writer *w,
                             enum ike_source to, enum verb verb)
{
    const uint64_t worker = to == FROM_WORKER ? x->sa->worker : 0;
    struct buffer *out = to == FROM_PLUTOD ? ike->out.plutod
                                           : ike->out.worker(ike->out.context, worker);
    const struct request *q = out == NULL ? NULL : request_new(ike, x, to, worker, verb);
    if (q == NULL) {
        return NULL;
    }
    record_start(w, out, verb);
    record_put_number(w, K_ID, q->id);
    return out;
}

/* ---- kernel-sa ---- */

static void put_install(struct record_writer *w, const struct exchange *x)
{
    const struct quick_scratch *q = x->quick;
    char suite[SUITE_TEXT];

    esp_suite_print(&q->suite, suite);
    record_put_word(w, K_PROTOCOL, WORD_ESP);
    record_put_text(w, K_PROPOSAL, suite);
    record_put_word(w, K_MODE, q->mode == SA_MODE_TRANSPORT ? MODES_TRANSPORT : MODES_TUNNEL);
    record_put_bytes(w, K_SPI_IN, q->spi_in, 4);
    record_put_bytes(w, K_SPI_OUT, q->spi_out, 4);
    record_put_address(w, K_OUR_HOST, &q->needs.our_host);
    record_put_address(w, K_PEER_HOST, &q->needs.peer_host);
    record_put_subnet(w, K_OUR_CLIENT, &q->needs.our_client);
    record_put_subnet(w, K_PEER_CLIENT, &q->needs.peer_client);
    record_put_number(w, K_LIFE, q->life);
    record_put_yes(w, K_ACTIVATE, false); /* what goes out waits for message 3 */
}

/* Nothing is written while kernel-sa is not there. x: NULL for V_SPIS. */
static void kernel_write(struct ike *ike, const struct request *q, const struct exchange *x)
{
    struct buffer *out = ike->out.kernel_sa(ike->out.context);
    struct record_writer w;
    if (out == NULL) {
        return;
    }
    record_start(&w, out, q->verb);
    record_put_number(&w, K_ID, q->id);
    if (x == NULL) {
        record_put_number(&w, K_COUNT, SPI_BLOCK);
    } else {
        record_put_number(&w, K_EXCHANGE, x->number);
        if (q->verb == V_INSTALL) {
            put_install(&w, x);
        }
    }
    record_finish(&w);
}

bool kernel_ask(struct ike *ike, const struct exchange *x, enum verb verb)
{
    const struct request *q = request_new(ike, x, FROM_KERNEL_SA, 0, verb);
    if (q != NULL) {
        kernel_write(ike, q, x);
    }
    return q != NULL;
}

static void ask_spis(struct ike *ike)
{
    if (ike->spi_count < SPI_BLOCK / 2 && !ike->spis_asked) {
        ike->spis_asked = kernel_ask(ike, NULL, V_SPIS);
    }
}

bool take_spi(struct ike *ike, uint8_t spi[4])
{
    bool got = ike->spi_count > 0;
    if (got) {
        ike->spi_count--;
        memcpy(spi, ike->spis + 4 * ike->spi_count, 4);
    }
    ask_spis(ike);
    return got;
}

void take_spis(struct ike *ike, const struct record *answer)
{
    size_t len;
    const uint8_t *spis = record_bytes(answer, K_SPIS, &len);
    ike->spis_asked = false;
    if (answer->verb != V_OK) {
        report(ike, NULL, LOG_LEVEL_SERIOUS, "kernel-sa gives no SPIs: %s",
               record_text(answer, K_WHY));
        return;
    }
    /* Below those that are there: the oldest are taken first, as kernel-sa forgets them first. */
    size_t room = sizeof ike->spis - 4 * ike->spi_count;
    size_t take = len / 4 * 4 < room ? len / 4 * 4 : room;
    memmove(ike->spis + take, ike->spis, 4 * ike->spi_count);
    memcpy(ike->spis, spis, take);
    ike->spi_count += take / 4;
}

void ike_kernel_ready(struct ike *ike, uint64_t now)
{
    struct request *q;
    struct request *next;
    ike->now = now;
    HASH_ITER(hh, ike->requests, q, next)
    {
        struct exchange *x = NULL;
        if (q->source != FROM_KERNEL_SA) {
            continue;
        }
        HASH_FIND(by_serial, ike->exchanges, &q->serial, sizeof q->serial, x);
        if (q->verb == V_SPIS || (x != NULL && (q->verb == V_ACTIVATE || x->quick != NULL))) {
            kernel_write(ike, q, x);
        } else {
            request_free(ike, q);
        }
    }
    ask_spis(ike);
}

/* ---- a worker of secrets ---- */

/* False: it has no further need of secrets, or may begin anew with another worker. */
static bool needs_what_died(struct exchange *x)
{
    switch (x->state) {
    case MAIN_I1:
    case MAIN_I1_KE:
        x->main->ke_len = 0; /* nobody has seen it */
        x->sa->worker = 0;
        return false;
    case MAIN_R1:
    case MAIN_R1_KEYS:
        x->sa->worker = 0;
        return false;
    case QUICK_PENDING:
        return x->sa->up;
    case QUICK_I1_SA:
    case QUICK_R0_SA:
        return !x->quick->has_keys;
    case QUICK_I0_KE:
    case QUICK_I1:
    case QUICK_R0_SPI:
        return true;
    default: /* QUICK_R0_ASK: plutod's answer first */
        return !x->is_quick && !x->sa->up;
    }
}

static void worker_gone(struct ike *ike, uint64_t worker)
{
    size_t count = 0;
    uint64_t *serials = calloc(HASH_CNT(by_serial, ike->exchanges) + 1, sizeof *serials);
    struct exchange *x;
    if (serials == NULL) {
        return; /* they end when nobody answers them */
    }
    for (x = ike->exchanges; x != NULL; x = x->by_serial.next) {
        if (x->sa->worker == worker) {
            serials[count++] = x->serial;
        }
    }
    for (size_t i = 0; i < count; i++) {
        HASH_FIND(by_serial, ike->exchanges, &serials[i], sizeof serials[i], x);
        if (x != NULL && needs_what_died(x)) { /* a Main Mode takes its Quick Modes with it */
            exchange_lost(ike, x);
        }
    }
    free(serials);
}

void ike_source_gone(struct ike *ike, uint64_t now, enum ike_source source, uint64_t worker)
{
    struct request *q;
    struct request *next;

    ike->now = now;
    HASH_ITER(hh, ike->requests, q, next)
    {
        if (q->source == source && q->worker == worker
            && (source == FROM_WORKER || q->verb == V_SPIS)) {
            request_free(ike, q);
        }
    }
    if (source == FROM_KERNEL_SA) {
        ike->spi_count = 0; /* the next one has its own; those in use it takes on plutod's word */
        ike->spis_asked = false;
    } else {
        worker_gone(ike, worker);
    }
}
