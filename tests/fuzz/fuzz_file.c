/*
 * ipsec.secrets: files with their entries and includes [K1]-[K4].
 *
 * Input: up to 13 files with form feeds between, which are called a, b, c', ... m'; b and m' can be
 * read by others, z is a link to nothing. An include finds nothing outside of their folder, and
 * nothing can be expanded that has an & in it (--wrap=glob). Holds: what was read can be looked up;
 * no message shows a secret that the input marks by the word `hidden`.
 */
#include "fuzz.h"

#include "secrets/file.h"

#include <fcntl.h>
#include <glob.h>
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

/* A pattern that is no quoted string is named, whatever it is. */
static void hide_patterns(struct buffer *said)
{
    static const char before[] = "pattern%20after%20include:%20";
    uint8_t *end = said->data + said->len;
    uint8_t *at = said->data;
    while (at != NULL && (at = memmem(at, (size_t)(end - at), before, sizeof before - 1)) != NULL) {
        uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        memset(at, '-', (size_t)((line_end == NULL ? end : line_end) - at));
        at = line_end;
    }
}

static void check_said(struct buffer *said)
{
    if (said->len > 0) {
        hide_patterns(said);
        fuzz_check(memmem(said->data, said->len, MARK, strlen(MARK)) == NULL);
    }
    buffer_wipe(said);
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
        fuzz_check(s == NULL || (s->len >= 1 && s->len <= PSK_MAX && s->line >= 1));
        fuzz_check(other == NULL || !secret_equal(s, other));
    }
    (void)store_disagreements(store, 0, NULL, NULL);
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
    fuzz_check(counts.psk + counts.rsa == store_count(store) && counts.files >= 1);
    look_up(store);
    check_said(&said);
    store_free(store);
    return 0;
}
