#include "by_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct by_name {
    char *const *names;
    size_t count;
    size_t next;           /* of them, that is to be asked for */
    const struct log *log;
    struct buffer answers; /* records, as they came; the id is the place of the name, from 1 */
    char **of;             /* of each name: its answer, when all are there; borrows from `answers`; NULL: none */
};

struct by_name *by_name_new(char *const names[], size_t count, const struct log *log)
{
    struct by_name *b = calloc(1, sizeof *b);
    char **of = calloc(count, sizeof *of);
    if (b == NULL || of == NULL) {
        free((void *)of);
        free(b);
        return NULL;
    }
    *b = (struct by_name){ .names = names, .count = count, .log = log, .of = of };
    buffer_init(&b->answers, 0);
    return b;
}

void by_name_free(struct by_name *b)
{
    if (b != NULL) {
        buffer_wipe(&b->answers);
        free((void *)b->of);
        free(b);
    }
}

struct buffer *by_name_answers(struct by_name *b)
{
    return &b->answers;
}

/* A name that is too short or too long for a record is refused here, as lookups_request does the others. */
static void ask_one(struct by_name *b, struct lookups *l, uint64_t now)
{
    struct buffer line;
    struct record r;
    struct record_writer w;
    const uint64_t id = b->next + 1;
    const char *name = b->names[b->next++];
    buffer_init(&line, RECORD_MAX);
    if (name[0] == '\0' || strlen(name) > HOSTNAME_LEN) {
        record_fail(&b->answers, V_RESOLVE, id, hostname_check(name));
    } else {
        record_start(&w, &line, V_RESOLVE);
        record_put_number(&w, K_ID, id);
        record_put_text(&w, K_HOST, name);
        if (record_finish(&w) && record_parse(&r, (char *)line.data, line.len - 1, P_D, NULL) == NULL) {
            lookups_request(l, &r, now);
        } else {
            record_fail(&b->answers, V_RESOLVE, id, "out of memory");
        }
    }
    buffer_wipe(&line);
}

void by_name_ask(struct by_name *b, struct lookups *l, uint64_t now)
{
    while (b->next < b->count && lookups_open(l) < RESOLVES_MAX) {
        ask_one(b, l, now);
    }
}

bool by_name_has_more(const struct by_name *b)
{
    return b->next < b->count;
}

/* Where there are several names, each address stands behind its own. False: it says no. */
static bool print_one(const struct by_name *b, const struct record *r)
{
    struct address_list list;
    const char *name = b->names[record_number(r, K_ID) - 1];
    if (r->verb == V_FAIL || address_list_parse(&list, record_text(r, K_ADDRESSES)) != NULL) {
        log_serious(b->log, "%.300s: %s", name, record_text(r, K_WHY));
        return false;
    }
    if (record_has(r, K_RETRY)) {
        log_serious(b->log, "%.300s: not all of its addresses: %s", name,
                    record_has(r, K_WHY) ? record_text(r, K_WHY) : "it is not said why");
    }
    for (unsigned i = 0; i < list.count; i++) {
        char text[ADDRESS_TEXT];
        address_print(&list.at[i], text);
        (void)printf("%s%s%s\n", b->count > 1 ? name : "", b->count > 1 ? " " : "", text);
    }
    return true;
}

/* Finds the line of each name. Parsing takes a line apart: so it is done with a copy. */
static void sort_answers(const struct by_name *b)
{
    char *at = (char *)b->answers.data;
    const char *end = at + b->answers.len;
    while (at < end) {
        char copy[RECORD_MAX];
        struct record r;
        char *lf = memchr(at, '\n', (size_t)(end - at));
        const size_t len = (size_t)(lf - at);
        memcpy(copy, at, len);
        if (record_parse(&r, copy, len, D_P, NULL) == NULL && record_number(&r, K_ID) <= b->count) {
            b->of[record_number(&r, K_ID) - 1] = at;
        }
        *lf = '\0';
        at = lf + 1;
    }
}

bool by_name_print(const struct by_name *b)
{
    bool all = true;
    sort_answers(b);
    for (size_t i = 0; i < b->count; i++) {
        struct record r;
        const bool right = b->of[i] != NULL && record_parse(&r, b->of[i], strlen(b->of[i]), D_P, NULL) == NULL;
        all = right && print_one(b, &r) && all;
    }
    return all;
}
