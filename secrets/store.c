#include "store.h"

#include "bounds.h"
#include "rsa_pem.h"
#include "stack.h"

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
    if (s->prompt == NULL) {
        rsa_key_free(s->rsa);
    }
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

const struct secret *store_at(const struct store *s, size_t i)
{
    return &s->secrets[i];
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

const char *store_open(struct store *s, const char *path, const char *passphrase)
{
    struct key_file *k = key_files_find(&s->key_files, path);

    if (k == NULL || k->text == NULL) {
        return "no key file of this name waits for its passphrase";
    }
    const char *why = rsa_pem_read(&k->key, k->text, k->len, passphrase, NULL);
    stack_wipe();
    for (size_t i = 0; i < s->count && why == NULL; i++) {
        if (s->secrets[i].prompt == k) {
            s->secrets[i].rsa = k->key;
        }
    }
    if (why == NULL) {
        key_file_forget_text(k);
    }
    return why;
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
