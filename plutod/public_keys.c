#include "public_keys.h"

#include "status.h"

#include <bsd/sys/cdefs.h>
#include <bsd/sys/tree.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct key_owner {
    RB_ENTRY(key_owner) entry;
    struct public_key *keys; /* never none, but while the first one is added */
    unsigned count;
    struct identity id;     /* only as long as it has to be (IDENTITY_SIZE), so it comes last */
};

static int compare_owners(const struct key_owner *a, const struct key_owner *b)
{
    return identity_compare(&a->id, &b->id);
}

RB_HEAD(owners, key_owner);
RB_GENERATE_INTERNAL(owners, key_owner, entry, compare_owners, static __attribute__((unused)))

/* keying.h knows the tree by its root only. */
static struct owners tree_of(const struct keying *k)
{
    return (struct owners){ .rbh_root = k->public_keys };
}

static struct key_owner *find(const struct keying *k, const struct identity *id)
{
    struct owners tree = tree_of(k);
    struct key_owner probe;
    memset(&probe, 0, sizeof probe);
    identity_copy(&probe.id, id);
    return RB_FIND(owners, &tree, &probe);
}

static size_t size_of_owner(const struct identity *id)
{
    return offsetof(struct key_owner, id) + IDENTITY_SIZE(id);
}

static struct key_owner *owner_new(struct keying *k, const struct identity *id)
{
    struct owners tree = tree_of(k);
    struct key_owner *o = calloc(1, size_of_owner(id));
    if (o != NULL) {
        identity_copy(&o->id, id);
        RB_INSERT(owners, &tree, o);
        k->public_keys = RB_ROOT(&tree);
        k->public_key_bytes += size_of_owner(id);
    }
    return o;
}

static void owner_free(struct keying *k, struct key_owner *o)
{
    struct owners tree = tree_of(k);
    RB_REMOVE(owners, &tree, o);
    k->public_keys = RB_ROOT(&tree);
    k->public_key_bytes -= size_of_owner(&o->id);
    free(o);
}

static void key_free(struct keying *k, struct public_key *key)
{
    struct key_owner *o = key->owner;
    status_key_goes(k, key);
    DL_DELETE(o->keys, key);
    o->count--;
    k->public_key_bytes -= sizeof *key + key->len;
    free(key);
}

static struct public_key *key_new(struct keying *k, struct key_owner *o, const struct rsa_public *rsa,
                                  enum public_key_source source, const uint8_t *bytes, size_t len)
{
    struct public_key *key = calloc(1, sizeof *key + len);
    if (key == NULL) {
        return NULL;
    }
    key->owner = o;
    key->since = k->wall;
    key->source = source;
    key->bits = rsa->bits;
    rsa_public_fingerprint(rsa, key->fingerprint);
    key->len = len;
    memcpy(key->bytes, bytes, len);
    DL_APPEND(o->keys, key);
    o->count++;
    k->public_key_bytes += sizeof *key + len;
    return key;
}

static struct public_key *find_same(const struct key_owner *o, const uint8_t *bytes, size_t len)
{
    struct public_key *key;
    DL_FOREACH(o == NULL ? NULL : o->keys, key) {
        if (key->len == len && memcmp(key->bytes, bytes, len) == 0) {
            return key;
        }
    }
    return NULL;
}

static unsigned drop_others(struct keying *k, struct key_owner *o, const struct public_key *but)
{
    struct public_key *key;
    struct public_key *next;
    unsigned gone = 0;
    DL_FOREACH_SAFE(o->keys, key, next) {
        if (key != but) {
            key_free(k, key);
            gone++;
        }
    }
    return gone;
}

enum public_key_added public_keys_add(struct keying *k, const struct identity *id,
                                      const struct rsa_public *rsa, enum public_key_source source,
                                      bool others_stay, const struct public_key **key, unsigned *gone)
{
    uint8_t bytes[RSA_PUBLIC_MAX];
    size_t len = rsa_public_encode(rsa, bytes);
    struct key_owner *o = find(k, id);
    struct public_key *same = find_same(o, bytes, len);
    enum public_key_added added = same != NULL ? PUBLIC_KEY_KNOWN : PUBLIC_KEY_ADDED;
    *key = NULL;
    *gone = 0;
    if (same == NULL && others_stay && o != NULL && o->count >= PUBLIC_KEYS_OF_ID) {
        return PUBLIC_KEY_ONE_TOO_MANY;
    }
    if (same == NULL && k->public_key_bytes + size_of_owner(id) + sizeof *same + len > PUBLIC_KEYS_BYTES) {
        return PUBLIC_KEY_NO_ROOM;
    }
    o = o == NULL ? owner_new(k, id) : o;
    if (same == NULL && o != NULL) {
        same = key_new(k, o, rsa, source, bytes, len);
    }
    if (same == NULL) {
        if (o != NULL && o->count == 0) {
            owner_free(k, o);
        }
        return PUBLIC_KEY_NO_ROOM;
    }
    *gone = others_stay ? 0 : drop_others(k, o, same);
    *key = same;
    return added;
}

const struct public_key *public_keys_of(const struct keying *k, const struct identity *id)
{
    const struct key_owner *o = find(k, id);
    return o == NULL ? NULL : o->keys;
}

const struct public_key *public_keys_first(const struct keying *k)
{
    struct owners tree = tree_of(k);
    const struct key_owner *o = RB_MIN(owners, &tree);
    return o == NULL ? NULL : o->keys;
}

const struct public_key *public_keys_after(const struct public_key *key)
{
    const struct key_owner *o = key->next != NULL ? NULL : RB_NEXT(owners, NULL, key->owner);
    return o == NULL ? key->next : o->keys;
}

const struct identity *public_key_id(const struct public_key *key)
{
    return &key->owner->id;
}

const char *public_key_source(const struct public_key *key)
{
    static const char *const words[PUBLIC_KEY_SOURCES] = { [PUBLIC_KEY_OF_WHACK] = "whack" };
    return words[key->source];
}

void public_keys_say_none(const struct identity *id, char out[PUBLIC_KEYS_NONE])
{
    char text[IDENTITY_TEXT];
    identity_print(id, text);
    /* Whoever the peer says he is: it does not come into a command that somebody may copy into a shell. */
    snprintf(out, PUBLIC_KEYS_NONE, "no public key of \"%s\": whack --keyid ID --pubkeyrsa 0s... gives it", text);
}

void public_keys_free_all(struct keying *k)
{
    struct owners tree = tree_of(k);
    struct key_owner *next;
    for (struct key_owner *o = RB_MIN(owners, &tree); o != NULL; o = next) {
        next = RB_NEXT(owners, NULL, o);
        (void)drop_others(k, o, NULL);
        owner_free(k, o);
    }
}
