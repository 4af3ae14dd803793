/*
 * The preshared secrets and private RSA keys that were read, and which one is for whom [K2].
 *
 * Not for: reading them (file.h). Once it is filled nothing comes to a store or goes, so what store_find and
 * store_find_rsa return lives as long as the store; but keys that wait for a passphrase are opened in their place, and
 * names of hosts get their addresses. Until then nobody finds an entry that needs them; where one that is locked is the
 * best match, nobody finds another in its place.
 */
#ifndef SECRETS_STORE_H
#define SECRETS_STORE_H

#include "host_table.h"
#include "identity.h"
#include "key_files.h"
#include "rsa.h"

#include <stdbool.h>
#include <stddef.h>

#define STORE_ENTRIES_MAX 65536u
#define STORE_INDICES_MAX 64u /* identities before one colon */

enum index_kind { INDEX_ID, INDEX_HOST, INDEX_ANY, INDEX_ANY6 };

struct index { /* one identity before the colon */
    enum index_kind kind;
    struct identity id; /* INDEX_ID; of INDEX_HOST its name, as an FQDN, which is no identity of anybody here */
    const struct named_host *host; /* INDEX_HOST, in a store: it stands for each of its addresses */
};

struct secret {
    const char *file;   /* borrowed from the store */
    unsigned line;
    size_t index_count;
    struct index *index; /* owned */
    struct key_file *prompt; /* the store's; NULL: nothing is asked for */
    struct rsa_key *rsa; /* owned, with a prompt the key file's; NULL and no prompt: it is a preshared secret, */
    size_t len;          /* 1..PSK_MAX */
    uint8_t *bytes;      /* owned, secret */
};

struct store;

static inline bool secret_is_rsa(const struct secret *s)
{
    return s->rsa != NULL || s->prompt != NULL;
}

/* Its passphrase has not come: nobody finds it. */
static inline bool secret_is_locked(const struct secret *s)
{
    return s->rsa == NULL && s->prompt != NULL;
}

/* The first name that it has and that stands for nothing: nobody finds it. NULL: there is none. */
const struct named_host *secret_missing_host(const struct secret *s);

struct store *store_new(void);
void store_free(struct store *s); /* wipes; NULL is allowed */
size_t store_count(const struct store *s); /* of either kind */
struct host_table *store_hosts(const struct store *s); /* all that are named before colons */

/* Copies everything. `file` is copied once for all secrets of it. NULL or why (static text). */
const char *store_add(struct store *s, const char *file, unsigned line, const struct index *index,
                      size_t index_count, const uint8_t *bytes, size_t len);
/* The same; takes the key, unless there is a reason. */
const char *store_add_rsa(struct store *s, const char *file, unsigned line, const struct index *index,
                          size_t index_count, struct rsa_key *key);

/*
 * An RSA key that is not open yet: the text of its key file, copied unless an entry before it has the same path
 * (store_is_locked). NULL or why.
 */
const char *store_add_locked(struct store *s, const char *file, unsigned line, const struct index *index,
                             size_t index_count, const char *path, const char *text, size_t len);
bool store_is_locked(const struct store *s, const char *path); /* does this key file wait for its passphrase? */
/* The next one that does, after this one or (NULL) the first; NULL: no more. */
const struct key_file *store_next_locked(const struct store *s, const struct key_file *after);
/* The one to sign with as `ours`, if it is locked; NULL: it is not, or there is none. */
const struct secret *store_locked_for(const struct store *s, const struct identity *ours);
/* Opens the keys of all entries with this key file. NULL, or why not (static text): they wait on. */
const char *store_open(struct store *s, const char *path, const char *passphrase);
/* Keeps the socket with the passphrase that has opened it (takes it), as long as the store: for others (passphrase.h). */
void store_keep_socket(struct store *s, const char *path, int fd);
int store_socket(const struct store *s, const char *path); /* borrowed; -1: none is kept */

/*
 * The best match: both identities > ours as the only one > none before the colon. %any (%any6)
 * stands for a peer that no index equals: for one not known yet, for a name, and for an address of
 * its family. NULL: none fits. *other: an equally good entry with another secret, or NULL.
 */
const struct secret *store_find(const struct store *s, const struct identity *ours,
                                const struct identity *peer, const struct secret **other);

/*
 * The RSA key to sign with as `ours`: one of an entry that has this identity (all identities before the
 * colon are ours) > one with %any or %any6 > one without any. NULL and *other: as above; NULL also where the
 * best is locked (store_locked_for).
 */
const struct secret *store_find_rsa(const struct store *s, const struct identity *ours,
                                    const struct secret **other);

/*
 * An entry that would perhaps do for these (rsa: to sign with as `ours`), if it were known whom its names of hosts stand for.
 * NULL: there is none.
 */
const struct secret *store_waiting_for(const struct store *s, bool rsa, const struct identity *ours, const struct identity *peer);

/* ---- for whoever looks at all of them (--lint) ---- */

#define STORE_PAIRS_WORK 50000000u /* comparisons of identities: a second or two */

/*
 * Is there somebody for whom both fit equally well? If their secrets differ, the first is used [K2]. Names of hosts are
 * compared as names here.
 */
bool store_equally_good(const struct secret *a, const struct secret *b);

/*
 * Calls `pair` with all pairs of entries that may be equally good for somebody; others too. Of entries without
 * identities each only with the next of its kind. False: there are more than can be looked at, or no memory.
 */
typedef void store_pair(void *context, size_t before, size_t after);
bool store_pairs(const struct store *s, store_pair *pair, void *context);

const struct secret *store_at(const struct store *s, size_t i); /* i < store_count, in their order */

/* How well an entry fits; more is better. */
enum fit {
    FIT_NONE,
    FIT_EVERYBODY,      /* no identities */
    FIT_ANY_OF_OURS,    /* RSA: %any stands for us */
    FIT_OURS,           /* only ours; RSA: ours among them */
    FIT_ANY_PEER,       /* ours, and the peer by %any */
    FIT_BOTH
};
enum fit store_fit(const struct secret *s, const struct identity *ours, const struct identity *peer);

bool index_equal(const struct index *a, const struct index *b); /* as they are written */
static inline bool index_is_any(const struct index *i)
{
    return i->kind == INDEX_ANY || i->kind == INDEX_ANY6;
}
bool secret_equal(const struct secret *a, const struct secret *b); /* the same bytes, or the same key, or key file */

#endif
