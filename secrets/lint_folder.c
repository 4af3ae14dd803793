#include "lint_folder.h"

#include "file_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

struct lint_folder {
    UT_hash_handle hh;
    char path[];
};

/* False: it was seen before, and all above it; or there is no memory. */
static bool remember(struct lint_folders *f, const char *path)
{
    struct lint_folder *it = NULL;
    const size_t len = strlen(path);
    HASH_FIND(hh, f->seen, path, len, it);
    if (it != NULL) {
        return false;
    }
    it = malloc(sizeof *it + len + 1);
    if (it == NULL) {
        return false;
    }
    memcpy(it->path, path, len + 1);
    HASH_ADD_KEYPTR(hh, f->seen, it->path, len, it);
    return true;
}

/* Where it is sticky, nobody replaces or removes what is not his. */
static void look_at(struct lint_folders *f, const char *path)
{
    struct buffer command;
    struct stat st;
    if (stat(path, &st) != 0) {
        return;
    }
    const bool foreign = owned_by_others(&st);
    if (!foreign && ((st.st_mode & 022) == 0 || (st.st_mode & S_ISVTX) != 0)) {
        return;
    }
    f->doubts++;
    if (foreign) {
        log_info(f->log, "%s: doubtful: this folder belongs to uid %u, who can put other files in the place of those that are "
                 "read from it; run: %s", path, (unsigned)st.st_uid, command_for(&command, "chown root", path));
    } else {
        log_info(f->log, "%s: doubtful: group or others may write to this folder (mode %04o), and put other files in the place "
                 "of those that are read from it; run: %s", path, (unsigned)st.st_mode & 07777,
                 command_for(&command, "chmod go-w", path));
    }
    buffer_wipe(&command);
}

void lint_folders_above(struct lint_folders *f, const char *path)
{
    char *real = realpath(path, NULL);
    bool more = real != NULL && real[1] != '\0';
    while (more) {
        char *slash = strrchr(real, '/');
        slash[slash == real ? 1 : 0] = '\0';
        more = remember(f, real);
        if (more) {
            look_at(f, real);
        }
        more = more && real[1] != '\0';
    }
    free(real);
}

void lint_folders_free(struct lint_folders *f)
{
    while (f->seen != NULL) {
        struct lint_folder *it = f->seen;
        HASH_DEL(f->seen, it);
        free(it);
    }
}
