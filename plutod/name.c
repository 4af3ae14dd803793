#include "name.h"

#include <bsd/sys/cdefs.h>
#include <bsd/sys/tree.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct name {
    RB_ENTRY(name) entry;
    unsigned users;
    unsigned ours;       /* of them: our ends of oriented connections */
    struct identity id;  /* only as long as it has to be (IDENTITY_SIZE), so it comes last */
};

/* Equal identities come together, whatever their spelling. */
static int compare_names(const struct name *a, const struct name *b)
{
    int difference = identity_compare(&a->id, &b->id);
    if (difference == 0 && a->id.len != b->id.len) { /* distinguished names with more blanks, or other types of strings */
        return a->id.len < b->id.len ? -1 : 1;
    }
    return difference != 0 ? difference : memcmp(a->id.bytes, b->id.bytes, a->id.len);
}

RB_HEAD(names, name);
RB_GENERATE_INTERNAL(names, name, entry, compare_names, static __attribute__((unused)))

static struct name *name_of(const struct identity *held)
{
    return (struct name *)((uintptr_t)held - offsetof(struct name, id));
}

/* keying.h knows the tree by its root only. */
static struct names tree_of(const struct keying *k)
{
    return (struct names){ .rbh_root = k->names };
}

static struct name *find(const struct keying *k, const struct identity *id)
{
    struct names tree = tree_of(k);
    struct name probe;
    memset(&probe, 0, sizeof probe);
    identity_copy(&probe.id, id);
    return RB_FIND(names, &tree, &probe);
}

static const struct identity *hold(struct keying *k, const struct identity *id)
{
    struct names tree = tree_of(k);
    struct name *n = find(k, id);
    if (n == NULL) {
        n = calloc(1, offsetof(struct name, id) + IDENTITY_SIZE(id));
        if (n == NULL) {
            return NULL;
        }
        identity_copy(&n->id, id);
        RB_INSERT(names, &tree, n);
        k->names = RB_ROOT(&tree);
    }
    n->users++;
    return &n->id;
}

void name_release(struct keying *k, const struct identity **held)
{
    if (*held != &identity_any) {
        struct names tree = tree_of(k);
        struct name *n = name_of(*held);
        if (--n->users == 0) {
            RB_REMOVE(names, &tree, n);
            k->names = RB_ROOT(&tree);
            free(n);
        }
        *held = &identity_any;
    }
}

bool name_set(struct keying *k, const struct identity **held, const struct identity *id)
{
    const struct identity *new = id->type == ID_ANY ? &identity_any : hold(k, id);
    if (new == NULL) {
        return false;
    }
    name_release(k, held);
    *held = new;
    return true;
}

void name_ours(const struct identity *held, bool more)
{
    if (held != &identity_any) {
        struct name *n = name_of(held);
        n->ours += more ? 1 : UINT_MAX;
    }
}

bool name_is_ours(const struct keying *k, const struct identity *id)
{
    /* The tree is in order of identities first: down to any that is equal, then on both sides of it. */
    struct name *n = k->names;
    while (n != NULL) {
        int difference = identity_compare(id, &n->id);
        if (difference == 0) {
            break;
        }
        n = difference < 0 ? RB_LEFT(n, entry) : RB_RIGHT(n, entry);
    }
    for (struct name *m = n; m != NULL && identity_equal(&m->id, id); m = RB_NEXT(names, NULL, m)) {
        if (m->ours > 0) {
            return true;
        }
    }
    for (struct name *m = n; m != NULL && identity_equal(&m->id, id); m = RB_PREV(names, NULL, m)) {
        if (m->ours > 0) {
            return true;
        }
    }
    return false;
}

void name_free_all(struct keying *k)
{
    while (k->names != NULL) {
        const struct identity *held = &k->names->id;
        k->names->users = 1;
        name_release(k, &held);
    }
}
