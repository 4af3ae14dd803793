#include "file_inside.h"

#include "rsa_pem.h"

#include <stdio.h>
#include <stdlib.h>

/* Where the entry stands, and what is wrong with its key file. */
static void complain_key(struct reader *r, const char *path, const struct entry *e, const char *key_path,
                         const char *why)
{
    char what[sizeof KEY_FILE_FOLDER + KEY_FILE_NAME + 20];
    (void)snprintf(what, sizeof what, "key file %s: ", key_path);
    complain(r, path, e->line, what, why);
}

/* text NULL: an entry before this one has brought it. */
static void keep_locked(struct reader *r, const char *path, const struct entry *e, const char *key_path,
                        const char *text, size_t len)
{
    const char *why = store_add_locked(r->store, path, e->line, e->index, e->index_count, key_path, text, len);
    if (why != NULL) {
        complain(r, path, e->line, why, "; this entry is not used");
    } else {
        r->counts->locked++;
    }
}

/* NULL: it was said why, or the key waits for its passphrase. */
static struct rsa_key *key_of_file(struct reader *r, const char *path, const struct entry *e)
{
    char key_path[sizeof KEY_FILE_FOLDER + KEY_FILE_NAME];
    struct rsa_key *key = NULL;
    struct key_text t;
    const char *why = NULL;

    (void)snprintf(key_path, sizeof key_path, "%s%s", e->key_file[0] == '/' ? "" : KEY_FILE_FOLDER,
                   e->key_file);
    if (e->prompt && store_is_locked(r->store, key_path)) {
        keep_locked(r, path, e, key_path, NULL, 0);
        return NULL;
    }
    r->entry_path = path;
    r->entry_line = e->line;
    const bool read = key_text_read(r, key_path, &t, &why);
    r->entry_path = NULL;
    if (read) {
        why = rsa_pem_read(&key, t.text, t.len, e->has_passphrase ? e->passphrase : NULL, &r->work);
    }
    if (why != NULL && e->prompt && rsa_pem_needs_passphrase(why)) {
        keep_locked(r, path, e, key_path, t.text, t.len);
    } else if (why != NULL) {
        complain_key(r, path, e, e->key_file_quoted && !t.there ? "(the quoted one)" : key_path, why);
    }
    file_text_free(t.text, t.size);
    return key;
}

static struct rsa_key *key_of_numbers(struct reader *r, const char *path, const struct entry *e)
{
    struct rsa_key *key = NULL;
    struct rsa_numbers numbers;
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        numbers.of[i].bytes = e->number[i];
        numbers.of[i].len = e->number_len[i];
    }
    const char *why = rsa_work_take(&r->work, &numbers);
    why = why != NULL ? why : rsa_key_new(&key, &numbers);
    if (why != NULL) {
        complain(r, path, e->line, why, "; this entry is not used");
    }
    return key;
}

void add_key(struct reader *r, const char *path, const struct entry *e)
{
    struct rsa_key *key = e->kind == ENTRY_RSA ? key_of_numbers(r, path, e) : key_of_file(r, path, e);
    if (key == NULL) {
        return;
    }
    if (rsa_key_public(key)->bits < RSA_BITS_STRONG && r->weak++ < FILE_ERRORS_SHOWN) {
        log_serious(r->log, "%s:%u: an RSA key of %u bits is weak: others may find it out; it is used all "
                    "the same, make one of at least 2048", path, e->line, rsa_key_public(key)->bits);
    }
    const char *why = store_add_rsa(r->store, path, e->line, e->index, e->index_count, key);
    if (why != NULL) {
        rsa_key_free(key);
        complain(r, path, e->line, why, "; this entry is not used");
        return;
    }
    r->counts->rsa++;
}
