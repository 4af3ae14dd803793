/*
 * One `secrets` core with somebody at each end of it, for tests: records are said as text, answers
 * are looked at as records.
 */
#ifndef TESTS_SECRETS_SIDE_H
#define TESTS_SECRETS_SIDE_H

#include "secrets/core.h"
#include "secrets/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE_TEXT 40000

struct side_text { /* freed with the side */
    struct side_text *next;
    char text[];
};

struct side {
    struct side_text *texts;
    struct store *store;
    struct core *core;
    struct log log;
    struct buffer plutod;
    struct buffer negotiator;
    struct buffer kernel;
    bool no_kernel;
    uint64_t now;
    char line[LINE_TEXT]; /* of the record in `answer` */
    struct record answer;
};

/* For cmocka, around all tests: what all sides know of Diffie-Hellman groups. */
int side_dh_set_up(void **state);
int side_dh_tear_down(void **state);

struct side *side_new(const char *secrets); /* lines of ipsec.secrets */
void side_free(struct side *s);

void side_say(struct side *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct core_out side_out(struct side *s); /* where its core speaks to */
/* Takes the first record out of a buffer into s->answer; false: it is empty. */
bool side_take(struct side *s, struct buffer *from, unsigned direction);
bool side_why_has(const struct side *s, const char *text); /* s->answer */
/* Hex of a field of s->answer; it lives as long as the side. */
char *side_hex(struct side *s, enum key key);

/* A request of the negotiator, and its answer, of which there is one: true if it is ok. */
#define side_ask(s, ...) \
    (side_say((s), __VA_ARGS__), assert_true(side_take((s), &(s)->negotiator, S_N)), \
     assert_int_equal((s)->negotiator.len, 0), (s)->answer.verb == V_OK)
#define side_says(s, what, ...) \
    do { \
        (void)side_ask((s), __VA_ARGS__); \
        assert_true((s)->answer.verb == (what)); \
    } while (0)
#define side_good(s, ...) side_says((s), V_OK, __VA_ARGS__)
#define side_fails(s, ...) side_says((s), V_FAIL, __VA_ARGS__)
#define side_bad(s, ...) side_says((s), V_BAD, __VA_ARGS__)

#endif
