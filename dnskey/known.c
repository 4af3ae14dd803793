#include "known.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct entry {
    char name[HOSTNAME_LEN + 1]; /* in lower case, without a last dot */
    struct {
        struct address_list list; /* empty: DNS said that there are none, or nothing */
        uint64_t told;
        uint64_t until;     /* 0: it said nothing */
    } of[ANSWER_TYPES];
    UT_hash_handle hh;
};

struct known {
    struct entry *entries; /* the one told longest ago first */
};

static void key_of(const char *name, char key[HOSTNAME_LEN + 1])
{
    size_t len = strnlen(name, HOSTNAME_LEN);
    len -= len > 0 && name[len - 1] == '.' ? 1 : 0;
    for (size_t i = 0; i < len; i++) {
        key[i] = (char)tolower((unsigned char)name[i]);
    }
    key[len] = '\0';
}

static struct entry *find(const struct known *k, const char *name)
{
    char key[HOSTNAME_LEN + 1];
    struct entry *e = NULL;
    key_of(name, key);
    HASH_FIND_STR(k->entries, key, e);
    return e;
}

struct known *known_new(void)
{
    return calloc(1, sizeof(struct known));
}

static void drop(struct known *k, struct entry *e)
{
    HASH_DEL(k->entries, e);
    free(e);
}

void known_free(struct known *k)
{
    struct entry *e;
    struct entry *next;
    if (k == NULL) {
        return;
    }
    HASH_ITER(hh, k->entries, e, next) {
        drop(k, e);
    }
    free(k);
}

/* The entry, as the last of all. NULL: no memory. */
static struct entry *renew(struct known *k, const char *name)
{
    struct entry *e = find(k, name);
    if (e != NULL) {
        HASH_DEL(k->entries, e);
    } else {
        e = calloc(1, sizeof *e);
        if (e == NULL) {
            return NULL;
        }
    }
    key_of(name, e->name);
    HASH_ADD_STR(k->entries, name, e);
    if (HASH_COUNT(k->entries) > KNOWN_MAX) {
        drop(k, k->entries);
    }
    return e;
}

void known_tell(struct known *k, const char *name, enum answer_type type, const struct answer *a, uint64_t now)
{
    if (a->outcome == ANSWER_FAILED) {
        return;
    }
    struct entry *e = a->outcome == ANSWER_ADDRESSES ? renew(k, name) : find(k, name);
    if (e == NULL) {
        return;
    }
    e->of[type].list = a->list;
    e->of[type].told = now;
    e->of[type].until = now + (uint64_t)a->ttl * 1000 + KNOWN_BEYOND;
    if (e->of[ANSWER_A].list.count == 0 && e->of[ANSWER_AAAA].list.count == 0) {
        drop(k, e);
    }
}

const struct address_list *known_find(const struct known *k, const char *name, enum answer_type type, uint64_t now,
                                      uint64_t *age)
{
    const struct entry *e = find(k, name);
    if (e == NULL || e->of[type].until == 0 || now > e->of[type].until) {
        return NULL;
    }
    *age = now - e->of[type].told;
    return &e->of[type].list;
}
