/* Changes of messages, and tables of quirks as tests; see quirks.h. */
#include "quirks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- for changes ---- */

struct quirk_payload *quirk_find(struct quirk_message *m, unsigned type, unsigned nth)
{
    for (size_t i = 0; i < m->count; i++) {
        if (m->payload[i].type == type && nth-- == 0) {
            return &m->payload[i];
        }
    }
    return NULL;
}

void quirk_set(struct quirk_payload *p, const void *body, size_t len)
{
    assert_true(len <= QUIRK_BODY);
    memcpy(p->body, body, len);
    p->len = len;
}

struct quirk_payload *quirk_insert(struct quirk_message *m, size_t at, unsigned type,
                                   const void *body, size_t len)
{
    assert_true(m->count < QUIRK_PAYLOADS && at <= m->count);
    memmove(&m->payload[at + 1], &m->payload[at], (m->count - at) * sizeof m->payload[0]);
    m->count++;
    m->payload[at] = (struct quirk_payload){ .type = (uint8_t)type };
    quirk_set(&m->payload[at], body, len);
    return &m->payload[at];
}

void quirk_remove(struct quirk_message *m, const struct quirk_payload *p)
{
    size_t at = (size_t)(p - m->payload);
    m->count--;
    memmove(&m->payload[at], &m->payload[at + 1], (m->count - at) * sizeof m->payload[0]);
}

/* ---- running ---- */

unsigned quirk_said(const struct world *w, unsigned host, const char *text)
{
    char escaped[1000];
    size_t len = 0;
    for (const char *at = text; *at != '\0' && len + 4 < sizeof escaped; at++) {
        bool plain = *at > ' ' && *at <= '~' && *at != '%';
        len += (size_t)snprintf(escaped + len, sizeof escaped - len, plain ? "%c" : "%%%02X",
                                (unsigned char)*at);
    }
    return world_count(w, host, escaped);
}

static void show(const struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        fprintf(stderr, "host %u heard:\n%.*s\n", i, (int)w->host[i].heard.len,
                (const char *)w->host[i].heard.data);
    }
}

static bool as_expected(const struct quirk *q, const struct world *w, unsigned us)
{
    char line[300];
    if (q->refused != NULL) {
        return !world_both_up(w) && quirk_said(w, us, q->refused) > 0;
    }
    snprintf(line, sizeof line, "odd, and borne: %s", q->odd == NULL ? "" : q->odd);
    return world_both_up(w) && quirk_said(w, us, line) == (q->odd == NULL ? 0 : 1)
           && (q->says == NULL || quirk_said(w, us, q->says) == 1);
}

void quirk_check(const struct quirk *q, unsigned peer)
{
    const char *words = q->words != NULL ? q->words : QUIRK_NETS;
    struct world *w = world_new(words, QUIRK_PSK, QUIRK_PSK);
    struct quirk_layer *l = quirk_put_on(w, peer, q);
    world_order(w, 1 - peer, "debug classes=parsing");
    world_begin(w);
    world_pass(w, 80000);
    bool good = quirk_applied(l) > 0 && as_expected(q, w, 1 - peer);
    if (!good) {
        show(w);
    }
    assert_true(good);
    quirk_take_off(l);
    world_free(w);
}

static bool installed(const struct world *w, unsigned host, const char *text)
{
    const struct buffer *b = &w->host[host].printed;
    return memmem(b->data, b->len, text, strlen(text)) != NULL;
}

void quirk_comes_of_it(const char *words, unsigned peer, const struct quirk *q, const char *in_log,
                       const char *in_install)
{
    struct world *w = world_new(words, QUIRK_PSK, QUIRK_PSK);
    struct quirk_layer *l = quirk_put_on(w, peer, q);
    world_begin(w);
    assert_true(world_both_up(w));
    assert_true(in_log == NULL || world_count(w, 1 - peer, in_log) == 1);
    assert_true(installed(w, 1 - peer, in_install));
    quirk_take_off(l);
    world_free(w);
}

struct one_test {
    const struct quirk *quirk;
    unsigned peer;
    char name[200];
};

static void run_one(void **state)
{
    const struct one_test *t = *state;
    quirk_check(t->quirk, t->peer);
}

int quirk_run(const struct quirk *table, size_t count, const struct CMUnitTest *more,
              size_t more_count)
{
    struct CMUnitTest *tests = calloc(2 * count + more_count, sizeof *tests);
    struct one_test *ones = calloc(2 * count, sizeof *ones);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const char *what = strstr(table[i].name, ": ");
        for (unsigned peer = 0; peer < 2; peer++) {
            unsigned sent = peer == 0 ? AT_ODD : AT_ALL & ~(unsigned)AT_ODD & ~(unsigned)AT_INFO;
            if ((table[i].at & sent) == 0) {
                continue;
            }
            struct one_test *t = &ones[n];
            *t = (struct one_test){ .quirk = &table[i], .peer = peer };
            snprintf(t->name, sizeof t->name, "%.*s %s%s", (int)(what - table[i].name),
                     table[i].name, peer == 0 ? "responder" : "initiator", what);
            tests[n++] = (struct CMUnitTest){ t->name, run_one, NULL, NULL, t };
        }
    }
    for (size_t i = 0; i < more_count; i++) {
        tests[n++] = more[i];
    }
    int failed = _cmocka_run_group_tests("quirks", tests, n, NULL, NULL);
    free(tests);
    free(ones);
    return failed;
}
