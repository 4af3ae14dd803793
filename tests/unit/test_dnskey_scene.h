/*
 * The core of dnskey with its questions kept in place of DNS, and a clock that is set: what the tests of lookups share.
 * All static, each has its own. Not for: reading an answer of DNS (test_dnskey_answer.c), sockets (tests/dnskey.bats).
 */
#ifndef TEST_DNSKEY_SCENE_H
#define TEST_DNSKEY_SCENE_H

#include "dnskey/lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ASKED_MAX 1200

struct asked {
    uint64_t ticket;
    char name[HOSTNAME_LEN + 1];
    enum answer_type type;
    bool open;
};

struct fixture {
    struct lookups *lookups;
    struct buffer out;
    struct buffer log_records;
    struct log log;
    uint64_t now;
    struct asked asked[ASKED_MAX];
    unsigned count;
    unsigned dropped;
    const char *refusal;      /* of every question */
    const char *at_once;      /* addresses of every A question, from within `ask` */
    const char *in_hosts;     /* addresses of every name in /etc/hosts */
    unsigned answers;         /* records that were answers, up to now */
};

static inline void read_list(struct answer *a, const char *text)
{
    char copy[4000];
    *a = (struct answer){ .outcome = ANSWER_NOTHING, .ttl = 300 };
    (void)snprintf(copy, sizeof copy, "%s", text);
    char *save = NULL;
    for (char *one = strtok_r(copy, ",", &save); one != NULL; one = strtok_r(NULL, ",", &save)) {
        struct address address;
        assert_null(address_parse(&address, one));
        answer_add(a, &address);
    }
    a->outcome = a->list.count > 0 ? ANSWER_ADDRESSES : a->dropped > 0 ? ANSWER_UNUSABLE : ANSWER_NOTHING;
}

static inline const char *ask(void *context, uint64_t ticket, const char *name, enum answer_type type)
{
    struct fixture *f = context;
    if (f->refusal != NULL) {
        return f->refusal;
    }
    assert_true(f->count < ASKED_MAX);
    struct asked *a = &f->asked[f->count++];
    *a = (struct asked){ .ticket = ticket, .type = type, .open = true };
    (void)snprintf(a->name, sizeof a->name, "%s", name);
    if (f->at_once != NULL) {
        struct answer answer;
        a->open = false;
        read_list(&answer, type == ANSWER_A ? f->at_once : "");
        lookups_answer(f->lookups, ticket, type, &answer, f->now);
    }
    return NULL;
}

static inline void drop(void *context, uint64_t ticket, enum answer_type type)
{
    struct fixture *f = context;
    for (unsigned i = 0; i < f->count; i++) {
        if (f->asked[i].ticket == ticket && f->asked[i].type == type && f->asked[i].open) {
            f->asked[i].open = false;
            f->dropped++;
            return;
        }
    }
    fail_msg("a question that is not open was dropped");
}

static inline bool hosts(void *context, const char *name, struct answer *a)
{
    const struct fixture *f = context;
    (void)name;
    if (f->in_hosts == NULL) {
        return false;
    }
    read_list(a, f->in_hosts);
    return true;
}

static inline const char *servers(void *context)
{
    (void)context;
    return "10.0.0.53";
}

static inline int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    buffer_init(&f->out, 0);
    buffer_init(&f->log_records, 0);
    f->log = (struct log){ .tool = "dnskey", .records = &f->log_records };
    f->now = 1000;
    const struct lookups_use use = { .ask = ask, .drop = drop, .hosts = hosts, .servers = servers, .context = f,
                                     .log = &f->log };
    f->lookups = lookups_new(&use);
    assert_non_null(f->lookups);
    lookups_out(f->lookups, &f->out);
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    lookups_free(f->lookups);
    buffer_wipe(&f->out);
    buffer_wipe(&f->log_records);
    free(f);
    return 0;
}

static inline void request(struct fixture *f, unsigned id, const char *name)
{
    char line[2000];
    struct record r;
    int len = snprintf(line, sizeof line, "resolve id=%u host=%s", id, name);
    assert_null(record_parse(&r, line, (size_t)len, P_D, NULL));
    lookups_request(f->lookups, &r, f->now);
}

/* A request that is begun; returns the place of its first question. */
static inline unsigned begun(struct fixture *f, unsigned id, const char *name)
{
    const unsigned first = f->count;
    request(f, id, name);
    lookups_begin(f->lookups, f->now);
    return first;
}

static inline void answer(struct fixture *f, unsigned question, const struct answer *a)
{
    assert_true(f->asked[question].open);
    f->asked[question].open = false;
    lookups_answer(f->lookups, f->asked[question].ticket, f->asked[question].type, a, f->now);
}

static inline void answer_list(struct fixture *f, unsigned question, const char *list)
{
    struct answer a;
    read_list(&a, list);
    answer(f, question, &a);
}

static inline void answer_outcome(struct fixture *f, unsigned question, enum answer_outcome outcome)
{
    const struct answer a = { .outcome = outcome, .why = outcome == ANSWER_FAILED ? "SERVFAIL" : NULL };
    answer(f, question, &a);
}

static inline void later(struct fixture *f, unsigned ms)
{
    const uint64_t end = f->now + ms;
    while (lookups_deadline(f->lookups) <= end) {
        f->now = lookups_deadline(f->lookups) > f->now ? lookups_deadline(f->lookups) : f->now;
        lookups_tick(f->lookups, f->now);
    }
    f->now = end;
}

/* What was answered since: one record, or none (NULL). */
static inline const char *said(struct fixture *f)
{
    static char text[4000];
    if (f->out.len == 0) {
        return NULL;
    }
    assert_true(f->out.len < sizeof text);
    memcpy(text, f->out.data, f->out.len);
    text[f->out.len - 1] = '\0';
    assert_null(strchr(text, '\n'));
    buffer_truncate(&f->out, 0);
    f->answers++;
    return text;
}

static inline bool logged(struct fixture *f, const char *what)
{
    buffer_add_u8(&f->log_records, 0);
    const bool there = f->log_records.len > 0 && strstr((const char *)f->log_records.data, what) != NULL;
    buffer_truncate(&f->log_records, 0);
    return there;
}

static inline void nothing_is_open(struct fixture *f)
{
    assert_null(said(f));
    assert_int_equal(lookups_open(f->lookups), 0);
    for (unsigned i = 0; i < f->count; i++) {
        assert_false(f->asked[i].open);
    }
    assert_true(lookups_deadline(f->lookups) == UINT64_MAX);
}

#endif
