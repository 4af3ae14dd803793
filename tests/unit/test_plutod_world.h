/*
 * A world around the core of plutod: buffers in place of the tools, a clock that is set, a whack
 * whose lines are kept. For the test_plutod_*.c files; all static, each has its own.
 */
#ifndef TEST_PLUTOD_WORLD_H
#define TEST_PLUTOD_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plutod/ends.h"
#include "plutod/initiate.h"
#include "plutod/orient.h"
#include "plutod/requests.h"
#include "plutod/resolve.h"
#include "plutod/routing.h"
#include "plutod/script.h"
#include "plutod/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT 7
#define NET "whack-connection name=net left-host=10.9.0.1 left-client=10.1.0.0/24 " \
            "right-host=10.9.0.2 right-client=10.2.0.0/24 "
#define NET_POLICY "policy=psk,encrypt,tunnel"

struct world {
    struct keying k;
    struct buffer n, kernel, d, s[3];
    struct buffer said;         /* lines to whack, with newlines */
    struct buffer log;
    struct address log_peer;    /* in whose own file the last line is, too; family 0: nobody's */
    int holds;
    bool killed;                /* the whack that waited was */
    bool asks;                  /* somebody is asked for a passphrase */
    struct script_job *jobs[16];
    size_t job_count;
    uint32_t idle;
    unsigned dnskey_needed, dnskey_ended;
    uint32_t worker;            /* who speaks as secrets */
    bool asked;                 /* what is asked of secrets before an answer to a peer stays for the test; else all is there */
    struct record r;            /* of the last find or feed */
    char line[RECORD_MAX];
};

static inline void world_log(void *c, enum log_level level, const struct address *peer,
                             const char *prefix, const char *text)
{
    static const struct address none;
    struct world *w = c;
    (void)level;
    w->log_peer = peer == NULL ? none : *peer;
    buffer_add_text(&w->log, prefix);
    buffer_add_text(&w->log, text);
    buffer_add_text(&w->log, "\n");
}

static inline void world_say(void *c, uint64_t client, const char *line)
{
    struct world *w = c;
    assert_int_equal(client, CLIENT);
    buffer_add_text(&w->said, line);
    buffer_add_text(&w->said, "\n");
}

static inline void world_hold(void *c, uint64_t client)
{
    struct world *w = c;
    w->holds += client == CLIENT ? 1 : 0;
}

static inline void world_release(void *c, uint64_t client)
{
    struct world *w = c;
    w->holds -= client == CLIENT ? 1 : 0;
    assert_true(w->holds >= 0);
}

static inline bool world_is_there(void *c, uint64_t client)
{
    const struct world *w = c;
    return client == CLIENT && !w->killed;
}

static inline void world_script(void *c, struct script_job *job)
{
    struct world *w = c;
    assert_true(w->job_count < 16);
    w->jobs[w->job_count++] = job;
}

static inline void world_idle(void *c, uint32_t worker)
{
    struct world *w = c;
    w->idle = worker;
}

static inline void world_need_dnskey(void *c)
{
    struct world *w = c;
    w->dnskey_needed++;
}

static inline void world_end_dnskey(void *c, const char *why)
{
    struct world *w = c;
    assert_non_null(why);
    w->dnskey_ended++;
}

static inline void world_json(void *c, uint64_t client, const char *text)
{
    world_say(c, client, text);
}

/* Three processes, one of which is dead. */
static inline bool world_process(void *c, unsigned place, struct process_view *view)
{
    static const struct process_view views[] = {
        { .tool = "plutod", .current = true, .pid = 100, .since = 77 },
        { .tool = "secrets", .worker = 1, .current = true, .pid = 101, .since = 7, .restarts = 2,
          .queued = 300, .unread = 20 },
        { .tool = "kernel-sa", .current = true, .since = 3, .restarts = 1 },
    };
    (void)c;
    if (place >= sizeof views / sizeof views[0]) {
        return false;
    }
    *view = views[place];
    return true;
}

/* Our addresses, with commas between. */
static inline void world_listen(struct world *w, const char *addresses)
{
    struct interface *list = calloc(8, sizeof *list);
    size_t count = 0;
    char text[200];
    assert_non_null(list);
    snprintf(text, sizeof text, "%s", addresses);
    for (char *save, *a = strtok_r(text, ",", &save); a != NULL; a = strtok_r(NULL, ",", &save)) {
        assert_null(address_parse(&list[count].address, a));
        list[count].port = 500;
        snprintf(list[count].name, sizeof list[count].name, "eth%u", (unsigned)count & 7);
        count++;
    }
    keying_interfaces(&w->k, list, count, false);
}

static inline bool world_question(void *c, struct question_view *view)
{
    const struct world *w = c;
    *view = (struct question_view){ .number = 327681, .file = "/etc/ipsec.d/private/east key.pem", .wrong = 1, .since = 4 };
    return w->asks;
}

static inline struct world *world_new(const char *addresses)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    const struct keying_settings settings = { .epoch = 5, .ikeport = 500, .peer_files = true, .updown = "/updown" };
    const struct keying_hooks hooks = {
        .context = w, .log = world_log, .say = world_say, .hold = world_hold,
        .release = world_release, .is_there = world_is_there, .script = world_script, .idle = world_idle,
        .need_dnskey = world_need_dnskey, .end_dnskey = world_end_dnskey, .json = world_json, .process = world_process,
        .question = world_question
    };
    keying_init(&w->k, &settings, &hooks);
    w->k.now = 1000000;
    w->worker = 1;
    keying_kernel_up(&w->k, &w->kernel);
    assert_false(keying_waits(&w->k, PENDING_FLUSH)); /* what an earlier plutod left stays */
    keying_negotiator_up(&w->k, &w->n);
    assert_true(keying_worker_up(&w->k, 1, &w->s[1]));
    world_listen(w, addresses);
    buffer_wipe(&w->kernel);
    buffer_wipe(&w->n);
    return w;
}

static inline void world_free(struct world *w)
{
    for (size_t i = 0; i < w->job_count; i++) {
        script_job_free(w->jobs[i]);
    }
    keying_free(&w->k);
    buffer_wipe(&w->n);
    buffer_wipe(&w->kernel);
    buffer_wipe(&w->d);
    for (int i = 0; i < 3; i++) {
        buffer_wipe(&w->s[i]);
    }
    buffer_wipe(&w->said);
    buffer_wipe(&w->log);
    free(w);
}

static inline const struct record *world_parse(struct world *w, unsigned from, const char *text,
                                               size_t len)
{
    enum key field = K_END;
    assert_true(len < sizeof w->line);
    memcpy(w->line, text, len);
    const char *why = record_parse(&w->r, w->line, len, from, &field);
    if (why != NULL) {
        fail_msg("%.*s: %s: %s", (int)len, text, field == K_END ? "" : schema_key(field)->name, why);
    }
    return &w->r;
}

/* A whack that reads all of a status, as far as it comes. */
static inline void shown(struct world *w)
{
    while (status_more(&w->k, CLIENT) == STATUS_SAID) {
    }
}

/* To the first question `secret` in that buffer: there is. The question goes. False: there is none. */
static inline bool world_has_it(struct world *w, uint32_t worker)
{
    static const char verb[] = "secret ";
    struct buffer *out = &w->s[worker];
    const char *why;
    for (size_t at = 0; at < out->len;) {
        const uint8_t *end = memchr(out->data + at, '\n', out->len - at);
        assert_non_null(end);
        size_t len = (size_t)(end - out->data) + 1 - at;
        if (len > sizeof verb && memcmp(out->data + at, verb, sizeof verb - 1) == 0) {
            char text[80];
            const struct record *r = world_parse(w, P_S, (const char *)out->data + at, len - 1);
            memmove(out->data + at, out->data + at + len, out->len - at - len);
            buffer_truncate(out, out->len - len);
            int size = snprintf(text, sizeof text, "ok id=%" PRIu64 " re=secret found=ipsec.secrets:1",
                                record_number(r, K_ID));
            r = world_parse(w, S_P, text, (size_t)size);
            assert_true(keying_from_secrets(&w->k, worker, r, &why));
            return true;
        }
        at += len;
    }
    return false;
}

/* Feeds one record; returns what the core made of it: NULL, or which rule it breaks. */
__attribute__((format(printf, 3, 4)))
static inline const char *feed(struct world *w, unsigned from, const char *format, ...)
{
    char text[8000];
    const char *why = "no reason given";
    bool good = false;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct record *r = world_parse(w, from, text, strlen(text));
    switch (from) {
    case N_P: good = keying_from_negotiator(&w->k, r, &why); break;
    case S_P: good = keying_from_secrets(&w->k, w->worker, r, &why); break;
    case K_P: good = keying_from_kernel(&w->k, r, &why); break;
    case D_P: good = keying_from_dnskey(&w->k, r, &why); break;
    default: good = request_take(&w->k, CLIENT, r);
    }
    for (uint32_t i = 1; (from == N_P || w->k.explanations != NULL) && !w->asked && i < 3;) {
        i += world_has_it(w, i) ? 0 : 1;
    }
    shown(w);
    return good ? NULL : why;
}

static inline void add(struct world *w, const char *words)
{
    assert_null(feed(w, W_P, "whack-connection %s", words));
}

/* kernel-sa's answer to a question for counters. */
static inline void counts(struct world *w, uint64_t id, unsigned in, unsigned out)
{
    assert_null(feed(w, K_P, "ok id=%" PRIu64 " re=sample bytes-in=%u bytes-out=%u packets-in=1 "
                     "packets-out=2", id, in, out));
}

/* We are one of its hosts, and listen. */
static inline struct world *net_that_is_known(void)
{
    struct world *w = world_new("10.9.0.1");
    assert_null(feed(w, W_P, NET NET_POLICY));
    return w;
}

/* And a whack waits for it to come up. */
static inline struct world *net_that_begins(void)
{
    struct world *w = net_that_is_known();
    assert_null(feed(w, W_P, "whack-initiate name=net"));
    return w;
}

/* The first record with this verb that was sent into `out`; it and what was before it are dropped. */
static inline const struct record *sent(struct world *w, struct buffer *out, unsigned from,
                                        enum verb verb)
{
    while (out->len > 0) {
        const uint8_t *end = memchr(out->data, '\n', out->len);
        assert_non_null(end);
        size_t len = (size_t)(end - out->data);
        const struct record *r = world_parse(w, from, (const char *)out->data, len);
        buffer_consume(out, len + 1);
        if (r->verb == verb) {
            return r;
        }
    }
    return NULL;
}

static inline bool has(const struct buffer *b, const char *text)
{
    return b->len > 0 && memmem(b->data, b->len, text, strlen(text)) != NULL;
}

/* What --status says now holds this text. */
static inline bool status_says(struct world *w, const char *text)
{
    buffer_wipe(&w->said);
    assert_null(feed(w, W_P, "whack-status"));
    return has(&w->said, text);
}

static inline unsigned lines_of(const struct world *w)
{
    unsigned n = 0;
    for (size_t i = 0; i < w->log.len; i++) {
        n += w->log.data[i] == '\n' ? 1 : 0;
    }
    return n;
}

static inline void clear(struct world *w)
{
    buffer_wipe(&w->n);
    buffer_wipe(&w->kernel);
    buffer_wipe(&w->s[1]);
    buffer_wipe(&w->said);
    buffer_wipe(&w->log);
}

/* How often it is in there. */
static inline unsigned count_of(const struct buffer *b, const char *text)
{
    unsigned n = 0;
    const uint8_t *at = b->data;
    while (at != NULL && (at = memmem(at, b->len - (size_t)(at - b->data), text, strlen(text))) != NULL) {
        n++;
        at++;
    }
    return n;
}

/* The codes of whack's lines, with blanks between. */
static inline const char *codes(struct world *w, char out[100])
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i + 3 < w->said.len && at < 90; i++) {
        if (i == 0 || w->said.data[i - 1] == '\n') {
            at += (size_t)snprintf(out + at, 100 - at, "%s%.3s", at == 0 ? "" : " ",
                                   (const char *)w->said.data + i);
        }
    }
    return out;
}

/* Ends the oldest script that waits, whose verb must be this. */
static inline void script_ends(struct world *w, const char *verb, bool good)
{
    assert_true(w->job_count > 0);
    struct script_job *job = w->jobs[0];
    uint64_t id = job->id;
    assert_string_equal(job->verb, verb);
    w->job_count--;
    memmove(w->jobs, w->jobs + 1, w->job_count * sizeof w->jobs[0]);
    script_job_free(job);
    keying_script_done(&w->k, id, good ? NULL : "exited with status 3");
}

static inline void down_scripts(struct world *w)
{
    script_ends(w, "down-client", true);
    script_ends(w, "unroute-client", true);
    assert_int_equal(w->job_count, 0);
}

static inline void pass(struct world *w, uint64_t ms)
{
    w->k.now += ms;
    keying_tick(&w->k);
    shown(w);
}

static inline void negotiator_dies(struct world *w)
{
    keying_negotiator_down(&w->k);
    buffer_wipe(&w->n);
}

/* A worker of secrets is asked whether there is what this method needs, and says so. */
static inline void asked_for(struct world *w, unsigned worker, enum method method, bool there)
{
    const struct record *r = sent(w, &w->s[worker], P_S, V_SECRET);
    assert_non_null(r);
    assert_int_equal(record_word(r, K_METHOD), method);
    assert_string_not_equal(record_text(r, K_IKE), ""); /* a key has to be large enough for one of these */
    w->worker = worker;
    assert_null(feed(w, S_P, there ? "ok id=%" PRIu64 " re=secret found=ipsec.secrets:1"
                     : "fail id=%" PRIu64 " re=secret why=there%%20is%%20none", record_number(r, K_ID)));
}

#endif
