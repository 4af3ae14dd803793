#include "inside.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACCUSED_AT_ONCE 20u    /* lines, */
#define ACCUSED_REFILL 10000u  /* and the milliseconds for each further one: 8,640 a day */

struct core *secrets_new(const struct core_config *config)
{
    struct core *c = calloc(1, sizeof *c);
    if (c != NULL) {
        c->config = *config;
        c->next_id = 1;
        buffer_init(&c->answer, RECORD_MAX);
    }
    return c;
}

void secrets_free(struct core *c)
{
    if (c == NULL) {
        return;
    }
    while (c->exchanges != NULL) {
        exchanges_free(c, c->exchanges);
    }
    buffer_wipe(&c->answer);
    explicit_bzero(c, sizeof *c);
    free(c);
}

size_t secrets_exchanges(const struct core *c)
{
    return HASH_COUNT(c->exchanges);
}

/* ---- refusals ---- */

enum outcome deny(struct core *c, enum outcome outcome, unsigned notification, const char *format,
                  ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c->why, sizeof c->why, format, args);
    va_end(args);
    c->notification = notification;
    return outcome;
}

void accuse(struct core *c, uint64_t exchange, const char *format, ...)
{
    char text[WHY_TEXT];
    char missing[LINE_MISSING];
    const struct log_about about = { .exchange = exchange };
    va_list args;

    if (!line_bucket_take(&c->accused, ACCUSED_REFILL, ACCUSED_AT_ONCE, c->now)) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_about(c->config.log, LOG_LEVEL_SERIOUS, &about, "%s%s", text,
              line_bucket_missing(&c->accused, missing));
}

bool debug_wants(const struct core *c, const struct exchange *x, unsigned classes)
{
    return ((c->config.log->classes | (x == NULL ? 0 : x->classes)) & classes) != 0;
}

void debug(const struct core *c, const struct exchange *x, unsigned classes, const char *format, ...)
{
    char text[WHY_TEXT + 100];
    struct log log = *c->config.log;
    const struct log_about about = { .exchange = x == NULL ? 0 : x->number, .classes = classes };
    va_list args;
    if (!debug_wants(c, x, classes)) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log.classes |= x == NULL ? 0 : x->classes;
    log_about(&log, LOG_LEVEL_DEBUG, &about, "%s", text);
    if ((classes & DEBUG_PRIVATE) != 0) {
        explicit_bzero(text, sizeof text);
    }
}

static void write_refusal(struct core *c, enum verb verb, uint64_t id, enum outcome outcome)
{
    struct record_writer w;
    buffer_truncate(&c->answer, 0);
    record_answer(&w, &c->answer, outcome == OUTCOME_BAD ? V_BAD : V_FAIL, verb, id);
    record_put_text(&w, K_WHY, c->why);
    if (outcome != OUTCOME_BAD && c->code != 0) {
        record_put_number(&w, K_CODE, c->code);
    }
    if (outcome != OUTCOME_BAD && c->notification != 0) {
        record_put_number(&w, K_NOTIFICATION, c->notification);
    }
    (void)record_finish(&w);
}

/* ---- the negotiator's requests ---- */

typedef enum outcome step_function(struct core *c, struct exchange *x, const struct record *r);

static const struct {
    enum verb verb;
    bool main_mode;
    step_function *take;
} steps[STEP_COUNT] = {
    [STEP_KE] = { V_KE, true, phase1_ke },
    [STEP_KEYS] = { V_KEYS, true, phase1_keys },
    [STEP_AUTH] = { V_AUTH, true, proof_check },
    [STEP_FINISH] = { V_FINISH, true, proof_finish },
    [STEP_QUICK_KE] = { V_QUICK_KE, false, phase2_ke },
    [STEP_KEYMAT] = { V_KEYMAT, false, phase2_keymat },
};

/* The same answer as before, under the id of this request. */
static void repeat(struct core *c, const struct record *r, const struct answered *a)
{
    char head[40];
    (void)snprintf(head, sizeof head, "%s id=%" PRIu64, a->ok ? "ok" : "fail",
                   record_number(r, K_ID));
    buffer_truncate(&c->answer, 0);
    buffer_add_text(&c->answer, head);
    buffer_add(&c->answer, a->text, a->len);
}

static enum outcome settle(struct core *c, struct exchange *x, enum step step, uint64_t id,
                           const uint8_t digest[REQUEST_DIGEST], enum outcome outcome)
{
    if (outcome == OUTCOME_LATER) {
        return outcome;
    }
    if (outcome != OUTCOME_OK) {
        x->refusals++;
        write_refusal(c, steps[step].verb, id, outcome);
    }
    if (outcome == OUTCOME_OK || outcome == OUTCOME_FINAL) {
        answered_drop(x, step); /* ke for another group */
        if (!answered_add(x, step, digest, &c->answer)) {
            outcome = deny(c, OUTCOME_FAIL, 0, "out of memory");
            write_refusal(c, steps[step].verb, id, outcome);
        }
    }
    return outcome;
}

static enum outcome take_new(struct core *c, struct exchange *x, enum step step,
                             const struct record *r, const uint8_t digest[REQUEST_DIGEST])
{
    if (x->refusals >= REFUSALS_MAX) {
        return deny(c, OUTCOME_BAD, 0, "too many requests of this exchange had to be refused");
    }
    return settle(c, x, step, record_number(r, K_ID), digest, steps[step].take(c, x, r));
}

static enum outcome take_step(struct core *c, enum step step, const struct record *r)
{
    uint8_t digest[REQUEST_DIGEST];
    const char *verb = schema_verb(r->verb)->name;
    struct exchange *x = exchanges_find(c, record_number(r, K_EXCHANGE));

    if (x == NULL) { /* no crime: plutod may have forgotten it a moment ago; why it ended has its line */
        return deny(c, OUTCOME_FAIL, 0, "exchange %" PRIu64 " is not known here: it was not "
                    "announced, or it has ended", record_number(r, K_EXCHANGE));
    }
    if ((x->main_mode != NULL) != steps[step].main_mode) {
        return deny(c, OUTCOME_BAD, 0, "%s is not for this kind of exchange", verb);
    }
    request_digest(r, digest);
    const struct answered *a = answered_find(x, step);
    if (a != NULL && memcmp(a->request, digest, sizeof digest) == 0) {
        repeat(c, r, a);
        return OUTCOME_OK;
    }
    if (a != NULL && step != STEP_KE) {
        return deny(c, OUTCOME_BAD, 0, "a second, different %s for one exchange", verb);
    }
    return take_new(c, x, step, r, digest);
}

void answer_begin(struct core *c)
{
    buffer_truncate(&c->answer, 0);
    c->answer.overflowed = false;
    c->notification = 0;
    c->code = 0;
    c->why[0] = '\0';
}

/* outcome: of the step with this request; OUTCOME_LATER: c->answer holds nothing. */
static void answer_end(struct core *c, uint64_t exchange, enum verb verb, enum outcome outcome)
{
    debug(c, exchanges_find(c, exchange), DEBUG_CONTROL, "%s: %s", schema_verb(verb)->name,
          outcome == OUTCOME_OK ? "ok" : outcome == OUTCOME_LATER ? "waits for an answer" : c->why);
    if (outcome == OUTCOME_BAD) {
        c->bads++;
        accuse(c, exchange, "the negotiator asked for what it may not have: %s", c->why);
    }
    if (c->out.negotiator != NULL && outcome != OUTCOME_LATER) {
        buffer_add(c->out.negotiator, c->answer.data, c->answer.len);
    }
    buffer_truncate(&c->answer, 0);
}

void answer_late(struct core *c, struct exchange *x, enum step step, uint64_t id,
                 const uint8_t digest[REQUEST_DIGEST], enum outcome outcome)
{
    outcome = settle(c, x, step, id, digest, outcome);
    answer_end(c, x->number, steps[step].verb, outcome);
}

static void negotiator_request(struct core *c, enum step step, const struct record *r)
{
    answer_begin(c);
    enum outcome outcome = take_step(c, step, r);
    if (outcome != OUTCOME_OK && outcome != OUTCOME_LATER) {
        write_refusal(c, r->verb, record_number(r, K_ID), outcome);
    }
    answer_end(c, record_number(r, K_EXCHANGE), r->verb, outcome);
}

/* ---- all records ---- */

static void forget(struct core *c, uint64_t number)
{
    struct exchange *x = exchanges_find(c, number);
    if (x != NULL) {
        exchanges_free(c, x);
    }
}

unsigned secrets_bads(const struct core *c)
{
    return c->bads;
}

void secrets_record(struct core *c, const struct record *r, const struct core_out *out,
                    uint64_t now)
{
    c->out = *out;
    c->now = now;
    for (enum step s = STEP_KE; s < STEP_COUNT; s++) {
        if (steps[s].verb == r->verb) {
            negotiator_request(c, s, r);
            return;
        }
    }
    switch (r->verb) {
    case V_ANNOUNCE:
        phase1_announce(c, r);
        break;
    case V_ANNOUNCE_QUICK:
        phase2_announce(c, r);
        break;
    case V_SECRET:
        proof_which_secret(c, r);
        break;
    case V_ACCEPT:
        proof_accept(c, r);
        break;
    case V_FORGET:
        forget(c, record_number(r, K_EXCHANGE));
        break;
    case V_OK:
    case V_FAIL:
    case V_BAD:
        if (r->re == V_SA_KEYS) {
            phase2_kernel_answer(c, r);
        } else if (r->re == V_PUBLIC_KEYS) {
            signature_keys_came(c, r);
        } else if (r->verb == V_BAD) {
            accuse(c, 0, "another tool calls a record of ours bad: %s", record_text(r, K_WHY));
        }
        break;
    default:
        break; /* hello, channel and debug are main's matter */
    }
}

void secrets_kernel_again(struct core *c, const struct core_out *out)
{
    for (const struct quick_mode *q = c->unacknowledged; q != NULL && out->kernel != NULL;
         q = q->hh.next) {
        buffer_add(out->kernel, q->keys.data, q->keys.len);
    }
}
