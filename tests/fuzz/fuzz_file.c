/*
 * ipsec.secrets: files with their entries and includes [K1]-[K4].
 *
 * Input: up to 13 files with form feeds between, which are called a, b, c', ... m'; b and m' can be
 * read by others, z is a link to nothing. An include finds nothing outside of their folder, and
 * nothing can be expanded that has an & in it (--wrap=glob). Key files are in this folder too, by their
 * names alone (--wrap=open). Holds: what was read can be looked up;
 * no message shows a secret that the input marks by the word `hidden`.
 */
#include "fuzz.h"

#include "secrets/file.h"
#include "secrets/shadow.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 13
#define PATH_LEN (sizeof folder + 4)
#define MARK "hidden" /* stands in no message of ours */

static char folder[] = "/dev/shm/fuzz_file.XXXXXX";
static int file[FILES];
static size_t file_len[FILES];

static void path_of(char path[PATH_LEN], unsigned i)
{
    snprintf(path, PATH_LEN, "%s/%c%s", folder, 'a' + (char)i, i < 2 ? "" : "'");
}

static void remove_folder(void)
{
    char path[PATH_LEN];
    for (unsigned i = 0; i < FILES; i++) {
        path_of(path, i);
        unlink(path);
    }
    path_of(path, 25);
    unlink(path);
    rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char path[PATH_LEN];
    (void)argc;
    (void)argv;
    if (mkdtemp(folder) == NULL) {
        memcpy(folder, "/tmp", 4);
        memmove(folder + 4, folder + 8, sizeof folder - 8);
        fuzz_check(mkdtemp(folder) != NULL);
    }
    for (unsigned i = 0; i < FILES; i++) {
        path_of(path, i);
        file[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        fuzz_check(file[i] >= 0);
    }
    fuzz_check(fchmod(file[1], 0644) == 0 && fchmod(file[FILES - 1], 0644) == 0);
    path_of(path, 25);
    fuzz_check(symlink("nothing", path) == 0);
    return atexit(remove_folder);
}

int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found);
int __real_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found);

int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found)
{
    size_t len = strlen(folder);
    if (strchr(pattern, '&') != NULL) {
        return GLOB_ABORTED;
    }
    if (strncmp(pattern, folder, len) != 0 || pattern[len] != '/'
        || strchr(pattern + len + 1, '/') != NULL || strlen(pattern + len) > 40) {
        return GLOB_NOMATCH;
    }
    return __real_glob(pattern, flags, error, found);
}

int __wrap_open(const char *path, int flags, ...);
int __real_open(const char *path, int flags, ...);

/* Nothing is made by whoever opens files here but this target, at its beginning. */
int __wrap_open(const char *path, int flags, ...)
{
    char here[sizeof folder + 100];
    va_list args;
    va_start(args, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (strncmp(path, KEY_FILE_FOLDER, strlen(KEY_FILE_FOLDER)) == 0) {
        const char *name = path + strlen(KEY_FILE_FOLDER);
        if (strchr(name, '/') != NULL || strlen(name) > 40) {
            errno = ENOENT;
            return -1;
        }
        snprintf(here, sizeof here, "%s/%s", folder, name);
        path = here;
    }
    return __real_open(path, flags, mode);
}

static void write_files(struct fuzz_input *in)
{
    for (unsigned i = 0; i < FILES; i++) {
        size_t len;
        char *text = fuzz_until(in, '\f', &len);
        if (len > 0 || file_len[i] > 0) {
            fuzz_check(ftruncate(file[i], 0) == 0);
            fuzz_check(pwrite(file[i], text, len, 0) == (ssize_t)len);
        }
        file_len[i] = len;
        free(text);
    }
}

/* A pattern or a key file that is no quoted string is named, whatever it is. */
static void hide_names(struct buffer *said, const char *before)
{
    uint8_t *end = said->data + said->len;
    uint8_t *at = said->data;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), before, strlen(before))) != NULL) {
        uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        memset(at, '-', (size_t)((line_end == NULL ? end : line_end) - at));
        at = line_end;
    }
}

static void check_said(struct buffer *said)
{
    if (said->len > 0) {
        hide_names(said, "pattern%20after%20include:%20");
        hide_names(said, "key%20file%20");
        fuzz_check(memmem(said->data, said->len, MARK, strlen(MARK)) == NULL);
    }
    buffer_wipe(said);
}

/* Whatever is in the store, it works. */
static bool signs(const struct rsa_key *key)
{
    static const uint8_t hash[16] = "sixteen";
    uint8_t sig[RSA_SIGNATURE_MAX];
    size_t len;
    return rsa_sign(key, hash, sizeof hash, sig, &len) == NULL
           && rsa_check(rsa_key_public(key), hash, sizeof hash, sig, len) == NULL;
}

static void check_pair(void *context, size_t before, size_t after)
{
    const struct store *store = context;
    fuzz_check(before < after && after < store_count(store));
    fuzz_check(store_equally_good(store_at(store, before), store_at(store, after))
               == store_equally_good(store_at(store, after), store_at(store, before)));
}

/* What is said never to be used is not what was found. */
struct never {
    const struct store *store;
    const struct secret *found;
};

static void check_shadow(void *context, const struct shadow *shadow)
{
    const struct never *n = context;
    fuzz_check(store_at(n->store, shadow->entry) != n->found);
    for (size_t i = 0; i < shadow->count && i < SHADOWS_NAMED; i++) {
        fuzz_check(shadow->by[i] < store_count(n->store) && shadow->by[i] != shadow->entry);
    }
}

static void is_used(const struct store *store, const struct secret *found)
{
    struct never n = { store, found };
    if (found != NULL) {
        fuzz_check(shadow_find(store, check_shadow, &n));
    }
}

static void look_up(const struct store *store)
{
    static const char *const ids[] = { "10.9.0.1", "@left", "a@b", "%any", "2001:db8::1" };
    struct identity ours;
    struct identity peer;
    for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        const struct secret *other = NULL;
        fuzz_check(identity_parse(&ours, ids[i]) == NULL);
        fuzz_check(identity_parse(&peer, ids[(i + 1) % 5]) == NULL);
        const struct secret *s = store_find(store, &ours, &peer, &other);
        fuzz_check(s == NULL || (s->rsa == NULL && s->len >= 1 && s->len <= PSK_MAX && s->line >= 1));
        fuzz_check(other == NULL || !secret_equal(s, other));
        if (ours.type != ID_ANY) {
            is_used(store, s);
        }
        s = store_find_rsa(store, &ours, &other);
        fuzz_check(s == NULL || (s->rsa != NULL && s->line >= 1));
        fuzz_check(other == NULL || !secret_equal(s, other));
        fuzz_check(s == NULL || signs(s->rsa));
        if (ours.type != ID_ANY) {
            is_used(store, s);
        }
    }
    fuzz_check(store_pairs(store, check_pair, (void *)(uintptr_t)store));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct buffer said = { 0 };
    struct file_counts counts;
    const struct log log = { .tool = "secrets", .records = &said };
    struct store *store = store_new();
    char path[PATH_LEN];

    write_files(&in);
    path_of(path, 0);
    file_read(store, path, false, &log, &counts);
    fuzz_check(counts.psk + counts.rsa + counts.locked == store_count(store) && counts.files >= 1);
    look_up(store);
    check_said(&said);
    store_free(store);
    return 0;
}
