#include "store.h"

#include "bounds.h"
#include "rsa_pem.h"

#include <nettle/memops.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file_name {
    struct file_name *next;
    char name[];
};

struct store {
    struct host_table *hosts;
    struct file_name *files;
    struct secret *secrets;
    size_t count;
    size_t cap;
    struct key_files key_files;
};

struct store *store_new(void)
{
    struct store *s = calloc(1, sizeof *s);
    if (s != NULL) {
        key_files_init(&s->key_files);
        s->hosts = host_table_new();
    }
    if (s != NULL && s->hosts == NULL) {
        free(s);
        return NULL;
    }
    return s;
}

static void secret_wipe(struct secret *s)
{
    if (s->bytes != NULL) {
        explicit_bzero(s->bytes, s->len);
    }
    free(s->bytes);
    free(s->index);
    rsa_key_free(s->rsa);
    explicit_bzero(s, sizeof *s);
}

void store_free(struct store *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->count; i++) {
        secret_wipe(&s->secrets[i]);
    }
    free(s->secrets);
    host_table_free(s->hosts);
    key_files_free(&s->key_files);
    while (s->files != NULL) {
        struct file_name *next = s->files->next;
        free(s->files);
        s->files = next;
    }
    free(s);
}

size_t store_count(const struct store *s)
{
    return s->count;
}

struct host_table *store_hosts(const struct store *s)
{
    return s->hosts;
}

/* The secrets of one file come one after the other, so looking at the newest name suffices. */
static const char *intern(struct store *s, const char *name)
{
    if (s->files != NULL && strcmp(s->files->name, name) == 0) {
        return s->files->name;
    }
    size_t size = strlen(name) + 1;
    struct file_name *f = malloc(sizeof *f + size);
    if (f == NULL) {
        return NULL;
    }
    memcpy(f->name, name, size);
    f->next = s->files;
    s->files = f;
    return f->name;
}

static bool make_room(struct store *s)
{
    if (s->count < s->cap) {
        return true;
    }
    size_t cap = s->cap == 0 ? 16 : s->cap * 2;
    struct secret *more = realloc(s->secrets, cap * sizeof *more); /* moves no secret bytes */
    if (more == NULL) {
        return false;
    }
    s->secrets = more;
    s->cap = cap;
    return true;
}

/* Names become hosts. NULL or why. */
static const char *copy_indices(struct store *s, struct secret *to, const struct index *index)
{
    for (size_t i = 0; i < to->index_count; i++) {
        const char *why = NULL;
        struct index *here = &to->index[i];
        *here = index[i];
        if (here->kind == INDEX_HOST) {
            char name[HOSTNAME_LEN + 1];
            memcpy(name, here->id.bytes, here->id.len);
            name[here->id.len] = '\0';
            here->host = host_table_add(s->hosts, name, &why);
        }
        if (why != NULL) {
            return why;
        }
    }
    return NULL;
}

/* A new entry, all but the secret. NULL or why. */
static const char *add(struct store *s, const char *file, unsigned line, const struct index *index,
                       size_t index_count, struct secret **added)
{
    static const char no_memory[] = "out of memory";

    if (s->count == STORE_ENTRIES_MAX) {
        return "too many secrets: at most 65536 are kept";
    }
    if (!make_room(s)) {
        return no_memory;
    }
    struct secret new = { .file = intern(s, file), .line = line, .index_count = index_count };
    new.index = index_count == 0 ? NULL : calloc(index_count, sizeof *index);
    if (new.file == NULL || (index_count > 0 && new.index == NULL)) {
        free(new.index);
        return no_memory;
    }
    const char *why = copy_indices(s, &new, index);
    if (why != NULL) {
        free(new.index);
        return why;
    }
    *added = &s->secrets[s->count];
    **added = new;
    return NULL;
}

const char *store_add(struct store *s, const char *file, unsigned line, const struct index *index,
                      size_t index_count, const uint8_t *bytes, size_t len)
{
    struct secret *new = NULL;
    uint8_t *copy = malloc(len);
    const char *why = copy == NULL ? "out of memory" : add(s, file, line, index, index_count, &new);
    if (why != NULL) {
        free(copy);
        return why;
    }
    memcpy(copy, bytes, len);
    new->bytes = copy;
    new->len = len;
    s->count++;
    return NULL;
}

const char *store_add_rsa(struct store *s, const char *file, unsigned line, const struct index *index,
                          size_t index_count, struct rsa_key *key)
{
    struct secret *new = NULL;
    const char *why = add(s, file, line, index, index_count, &new);
    if (why == NULL) {
        new->rsa = key;
        s->count++;
    }
    return why;
}

/* ---- keys that wait for a passphrase ---- */

const char *store_add_locked(struct store *s, const char *file, unsigned line, const struct index *index,
                             size_t index_count, const char *path, const char *text, size_t len)
{
    struct secret *new = NULL;
    struct key_file *k = key_files_find(&s->key_files, path);
    struct key_file *made = k != NULL ? NULL : key_files_add(&s->key_files, path, text, len);
    k = k != NULL ? k : made;
    const char *why = k == NULL ? "out of memory" : add(s, file, line, index, index_count, &new);
    if (why != NULL) {
        if (made != NULL) {
            key_files_drop(&s->key_files, made);
        }
        return why;
    }
    new->prompt = k;
    s->count++;
    return NULL;
}

bool store_is_locked(const struct store *s, const char *path)
{
    const struct key_file *k = key_files_find(&s->key_files, path);
    return k != NULL && k->text != NULL;
}

const struct key_file *store_next_locked(const struct store *s, const struct key_file *after)
{
    const struct key_file *k = after == NULL ? s->key_files.first : after->hh.next;
    while (k != NULL && k->text == NULL) {
        k = k->hh.next;
    }
    return k;
}

/* Its text stays, and its entries wait on, until all are open. */
const char *store_open(struct store *s, const char *path, const char *passphrase)
{
    struct key_file *k = key_files_find(&s->key_files, path);
    struct secret *first = NULL;
    struct rsa_key *key = NULL;

    if (k == NULL || k->text == NULL) {
        return "no key file of this name waits for its passphrase";
    }
    const char *why = rsa_pem_read(&key, k->text, k->len, passphrase, NULL);
    for (size_t i = 0; i < s->count && why == NULL; i++) {
        struct secret *here = &s->secrets[i];
        if (here->prompt != k || here->rsa != NULL) {
            continue;
        }
        if (first == NULL) {
            first = here;
        } else {
            why = rsa_key_copy(&here->rsa, key);
        }
    }
    if (why != NULL || first == NULL) {
        rsa_key_free(key);
        return why;
    }
    first->rsa = key;
    key_file_forget_text(k);
    return NULL;
}

void store_keep_socket(struct store *s, const char *path, int fd)
{
    struct key_file *k = key_files_find(&s->key_files, path);
    if (k == NULL) {
        close(fd);
    } else {
        key_files_keep_socket(&s->key_files, k, fd);
    }
}

int store_socket(const struct store *s, const char *path)
{
    const struct key_file *k = key_files_find(&s->key_files, path);
    return k == NULL ? -1 : k->socket;
}

/* ---- which one is for whom ---- */

static bool stands_for(const struct index *index, const struct identity *peer)
{
    switch (index->kind) {
    case INDEX_ANY:
        return peer->type != ID_IPV6_ADDR;
    case INDEX_ANY6:
        return peer->type != ID_IPV4_ADDR;
    case INDEX_ID:
    case INDEX_HOST:
        break;
    }
    return false;
}

/* Not by %any. */
static bool names_id(const struct index *index, const struct identity *id)
{
    return index->kind == INDEX_HOST ? index->host != NULL && host_is(index->host, id)
                                     : index->kind == INDEX_ID && identity_equal(&index->id, id);
}

const struct named_host *secret_missing_host(const struct secret *s)
{
    for (size_t i = 0; i < s->index_count; i++) {
        if (s->index[i].kind == INDEX_HOST && s->index[i].host->state != HOST_KNOWN) {
            return s->index[i].host;
        }
    }
    return NULL;
}

static enum fit fit_of(const struct secret *s, const struct identity *ours,
                         const struct identity *peer)
{
    bool has_ours = false;
    bool has_peer = false;
    bool has_any = false;

    if (s->index_count == 0) {
        return FIT_EVERYBODY;
    }
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        has_any = has_any || stands_for(index, peer);
        has_ours = has_ours || names_id(index, ours);
        has_peer = has_peer || names_id(index, peer);
    }
    if (!has_ours) {
        return FIT_NONE;
    }
    if (has_peer) {
        return FIT_BOTH;
    }
    if (has_any) {
        return FIT_ANY_PEER;
    }
    return s->index_count == 1 ? FIT_OURS : FIT_NONE;
}

/* All identities of an RSA entry are ours [K2]. */
static enum fit fit_of_rsa(const struct secret *s, const struct identity *ours)
{
    bool has_any = false;

    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        if (names_id(index, ours)) {
            return FIT_OURS;
        }
        has_any = has_any || stands_for(index, ours);
    }
    return has_any ? FIT_ANY_OF_OURS : s->index_count == 0 ? FIT_EVERYBODY : FIT_NONE;
}

enum fit store_fit(const struct secret *s, const struct identity *ours, const struct identity *peer)
{
    return secret_is_rsa(s) ? fit_of_rsa(s, ours) : fit_of(s, ours, peer);
}

const struct secret *store_at(const struct store *s, size_t i)
{
    return &s->secrets[i];
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (secret_is_locked(a) || secret_is_locked(b)) {
        return a->prompt == b->prompt; /* one of them has one */
    }
    if (a->rsa != NULL || b->rsa != NULL) {
        return a->rsa != NULL && b->rsa != NULL
               && rsa_public_equal(rsa_key_public(a->rsa), rsa_key_public(b->rsa));
    }
    return a->len == b->len && memeql_sec(a->bytes, b->bytes, a->len) != 0;
}

/* rsa: keys, whoever the peer is; else preshared secrets. */
static const struct secret *find(const struct store *s, bool rsa, const struct identity *ours,
                                 const struct identity *peer, const struct secret **other)
{
    const struct secret *best = NULL;
    enum fit best_fit = FIT_NONE;

    *other = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const struct secret *here = &s->secrets[i];
        if (secret_is_rsa(here) != rsa || secret_is_locked(here)) {
            continue;
        }
        enum fit fit = store_fit(here, ours, peer);
        if (fit != FIT_NONE && secret_missing_host(here) != NULL) {
            continue;
        }
        if (fit > best_fit) {
            best = here;
            best_fit = fit;
            *other = NULL;
        } else if (fit != FIT_NONE && fit == best_fit && *other == NULL
                   && !secret_equal(best, here)) {
            *other = here;
        }
    }
    return best;
}

const struct secret *store_find(const struct store *s, const struct identity *ours,
                                const struct identity *peer, const struct secret **other)
{
    return find(s, false, ours, peer, other);
}

const struct secret *store_find_rsa(const struct store *s, const struct identity *ours,
                                    const struct secret **other)
{
    return find(s, true, ours, &identity_any, other);
}

const char *store_locked_for(const struct store *s, const struct identity *ours)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct secret *here = &s->secrets[i];
        if (secret_is_locked(here) && fit_of_rsa(here, ours) != FIT_NONE && secret_missing_host(here) == NULL) {
            return here->prompt->path;
        }
    }
    return NULL;
}

/* Could its missing hosts be these? */
static bool may_fit(const struct secret *s, const struct identity *ours, const struct identity *peer)
{
    size_t missing = 0;
    bool ours_named = false;
    bool peer_named = false;
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        missing += index->kind == INDEX_HOST && index->host->state != HOST_KNOWN ? 1 : 0;
        ours_named = ours_named || names_id(index, ours);
        peer_named = peer_named || names_id(index, peer) || stands_for(index, peer);
    }
    if (missing == 0) {
        return false;
    }
    if (secret_is_rsa(s) || s->index_count == 1) {
        return true;
    }
    return missing >= (ours_named ? 0u : 1u) + (peer_named ? 0u : 1u);
}

const struct secret *store_waiting_for(const struct store *s, bool rsa, const struct identity *ours, const struct identity *peer)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct secret *here = &s->secrets[i];
        if (secret_is_rsa(here) == rsa && !secret_is_locked(here) && may_fit(here, ours, peer)) {
            return here;
        }
    }
    return NULL;
}

bool index_equal(const struct index *a, const struct index *b)
{
    return a->kind == b->kind && (index_is_any(a) || identity_equal(&a->id, &b->id));
}
