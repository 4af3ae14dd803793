/*
 * The core's tables: exchanges by serial, number and cookies, random bytes; how an exchange ends.
 */
#include "early.h"
#include "informational.h"
#include "report.h"

#include <bsd/sys/endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ike *ike_new(const struct ike_outputs *outputs)
{
    struct ike *ike = calloc(1, sizeof *ike);
    if (ike == NULL) {
        return NULL;
    }
    ike->out = *outputs;
    ike->log = (struct log){ .tool = "ike-negotiate", .records = outputs->plutod };
    ike->next_serial = 1;
    ike->next_request = 1;
    ike->ignored_due = UINT64_MAX;
    RB_INIT(&ike->timers);
    TAILQ_INIT(&ike->waiting);
    TAILQ_INIT(&ike->unanswered);
    TAILQ_INIT(&ike->answered);
    return ike;
}

void ike_free(struct ike *ike)
{
    if (ike == NULL) {
        return;
    }
    while (ike->exchanges != NULL) {
        struct exchange *x = ike->exchanges;
        exchange_free(ike, x->is_quick ? x->parent : x);
    }
    struct request *q = ike->requests;
    HASH_CLEAR(hh, ike->requests);
    while (q != NULL) {
        struct request *next = q->hh.next;
        free(q);
        q = next;
    }
    explicit_bzero(ike, sizeof *ike);
    free(ike);
}

/* ---- random bytes ---- */

size_t ike_random_wanted(const struct ike *ike)
{
    return IKE_RANDOM_POOL - ike->random_left;
}

void ike_random(struct ike *ike, const uint8_t *bytes, size_t len)
{
    size_t take = len < ike_random_wanted(ike) ? len : ike_random_wanted(ike);
    memcpy(ike->random + ike->random_left, bytes, take);
    ike->random_left += take;
    if (!ike->has_cookie_secret) {
        ike->has_cookie_secret = draw_random(ike, ike->cookie_secret, sizeof ike->cookie_secret);
    }
}

bool draw_random(struct ike *ike, uint8_t *out, size_t len)
{
    if (len > ike->random_left) {
        return false;
    }
    ike->random_left -= len;
    memcpy(out, ike->random + ike->random_left, len);
    explicit_bzero(ike->random + ike->random_left, len);
    return true;
}

uint32_t draw_message_id(struct ike *ike)
{
    uint8_t id[4] = { 0 };
    return draw_random(ike, id, sizeof id) ? be32dec(id) : 0;
}

/* ---- exchanges ---- */

struct exchange *exchange_new(struct ike *ike, bool is_quick, bool initiator)
{
    struct exchange *x = calloc(1, sizeof *x);
    if (x == NULL) {
        return NULL;
    }
    x->serial = ike->next_serial++;
    x->is_quick = is_quick;
    x->initiator = initiator;
    x->timer = UINT64_MAX;
    if (is_quick) {
        x->state = initiator ? QUICK_PENDING : QUICK_R0;
        x->quick = calloc(1, sizeof *x->quick);
    } else {
        x->state = initiator ? MAIN_I1 : MAIN_R0;
        x->main = calloc(1, sizeof *x->main);
        x->sa = calloc(1, sizeof *x->sa);
    }
    if ((is_quick && x->quick == NULL) || (!is_quick && (x->main == NULL || x->sa == NULL))) {
        free(x->quick);
        free(x->main);
        free(x->sa);
        free(x);
        return NULL;
    }
    if (!is_quick) {
        TAILQ_INIT(&x->sa->turns);
    }
    HASH_ADD(by_serial, ike->exchanges, serial, sizeof x->serial, x);
    return x;
}

void exchange_settle(struct ike *ike, struct exchange *x)
{
    free(x->ignored);
    x->ignored = NULL;
    if (x->main != NULL) {
        half_open_leave(ike, x);
        free(x->main->sa_body);
        explicit_bzero(x->main, sizeof *x->main);
        free(x->main);
        x->main = NULL;
    }
    if (x->quick != NULL) {
        free(x->quick->first_body);
        if (!x->initiator) {
            x->sa->open_quicks--;
        } else if (x->quick->counted) {
            x->sa->our_quicks--;
        }
        quick_waits_no_more(ike, x);
        explicit_bzero(x->quick, sizeof *x->quick);
        free(x->quick);
        x->quick = NULL;
    }
}

static void free_one(struct ike *ike, struct exchange *x)
{
    exchange_timer(ike, x, UINT64_MAX);
    exchange_settle(ike, x);
    if (x->in_number) {
        HASH_DELETE(by_number, ike->numbers, x);
    }
    if (x->in_cookies) {
        HASH_DELETE(by_cookies, ike->cookies, x);
    }
    HASH_DELETE(by_serial, ike->exchanges, x);
    free(x->ignored);
    sent_forget(&x->sent);
    if (!x->is_quick) {
        seen_free(x->sa);
        free(x->sa->refused);
        early_free(x);
        explicit_bzero(x->sa, sizeof *x->sa);
        free(x->sa);
    } else {
        LIST_REMOVE(x, siblings);
    }
    explicit_bzero(x, sizeof *x);
    free(x);
}

void exchange_free(struct ike *ike, struct exchange *x)
{
    if (!x->is_quick) {
        struct exchange *q = LIST_FIRST(&x->sa->quicks);
        while (q != NULL) {
            struct exchange *next = LIST_NEXT(q, siblings);
            free_one(ike, q);
            q = next;
        }
    }
    free_one(ike, x);
}

void exchange_set_number(struct ike *ike, struct exchange *x, uint64_t number)
{
    x->number = number;
    x->in_number = true;
    HASH_ADD(by_number, ike->numbers, number, sizeof x->number, x);
}

struct exchange *exchange_by_number(struct ike *ike, uint64_t number)
{
    struct exchange *x;
    HASH_FIND(by_number, ike->numbers, &number, sizeof number, x);
    return x;
}

void exchange_set_cookies(struct ike *ike, struct exchange *x)
{
    memcpy(x->cookies, x->sa->cky_i, COOKIE_LEN);
    memcpy(x->cookies + COOKIE_LEN, x->sa->cky_r, COOKIE_LEN);
    x->in_cookies = true;
    HASH_ADD(by_cookies, ike->cookies, cookies, sizeof x->cookies, x);
}

struct exchange *exchange_by_cookies(struct ike *ike, const uint8_t *cky_i, const uint8_t *cky_r)
{
    uint8_t key[2 * COOKIE_LEN];
    struct exchange *x;
    memcpy(key, cky_i, COOKIE_LEN);
    memcpy(key + COOKIE_LEN, cky_r, COOKIE_LEN);
    HASH_FIND(by_cookies, ike->cookies, key, sizeof key, x);
    return x;
}

/* key: what says why it failed; K_END: nothing does. */
static void tell_failed(struct ike *ike, struct exchange *x, unsigned code, enum key key,
                        const char *why)
{
    struct record_writer w;
    if (x->number != 0) {
        record_start(&w, ike->out.plutod, V_FAILED);
        record_put_number(&w, K_EXCHANGE, x->number);
        record_put_number(&w, K_CODE, code);
        record_put_text(&w, K_WHY, why);
        if (key == K_WORKER) {
            record_put_number(&w, K_WORKER, x->sa->worker);
        } else if (key == K_PROTECTED) {
            record_put_yes(&w, K_PROTECTED, true);
        }
        record_finish(&w);
    } else { /* plutod gave it no number: the line goes to its ISAKMP SA, or to the peer's address */
        report(ike, x->is_quick ? x->parent : x, LOG_LEVEL_INFO, "%s", why);
    }
    exchange_free(ike, x);
}

void exchange_failed(struct ike *ike, struct exchange *x, unsigned code, const char *format, ...)
{
    char why[4001];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    tell_failed(ike, x, code, K_END, why);
}

void exchange_refused(struct ike *ike, struct exchange *x, unsigned code, const char *format, ...)
{
    char why[4001];
    va_list args;

    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    tell_failed(ike, x, code, K_PROTECTED, why);
}

void exchange_lost(struct ike *ike, struct exchange *x)
{
    tell_failed(ike, x, 32, K_WORKER, "a secrets process died, and what this negotiation needs of it "
                                      "is lost");
}

enum outcome answer_refused(struct ike *ike, struct exchange *x, const struct record *answer,
                            unsigned code)
{
    if (record_has(answer, K_CODE)) {
        code = (unsigned)record_number(answer, K_CODE);
    }
    exchange_failed(ike, x, code, "%s", record_text(answer, K_WHY));
    return END;
}

void exchange_ignored(struct exchange *x, const char *why)
{
    if (x->state != MAIN_I4 && x->state != MAIN_R3) {
        free(x->ignored);
        x->ignored = strdup(why);
    }
}

void exchange_report_state(struct ike *ike, const struct exchange *x)
{
    struct record_writer w;
    enum state state = state_public(x->state);
    size_t before = ike->out.plutod->len;
    if (x->number == 0) {
        return;
    }
    record_start(&w, ike->out.plutod, V_STATE);
    record_put_number(&w, K_EXCHANGE, x->number);
    record_put_word(&w, K_STATE, (unsigned)state);
    record_finish(&w);
    if (state != MAIN_R3 && state != MAIN_I4 && state != QUICK_R2 && state != QUICK_I2) {
        report_patiently(ike, before);
    }
}

void report_patiently(struct ike *ike, size_t before)
{
    if (before == 0) {
        ike->patience = ike->now + REPORT_PATIENCE;
    }
    buffer_quiet(ike->out.plutod, before);
}

uint64_t ike_patience(const struct ike *ike)
{
    const struct buffer *out = ike->out.plutod;
    return out->len > 0 && out->quiet == out->len ? ike->patience : 0;
}
