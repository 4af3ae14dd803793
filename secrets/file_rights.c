/* Whose a file is, and who else may read or write it [K4]. */
#include "file_inside.h"

#include "quote.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *command_for(struct buffer *out, const char *command, const char *path)
{
    buffer_init(out, 0);
    buffer_add_text(out, command);
    buffer_add_text(out, path[0] == '-' ? " -- " : " ");
    quote_for_shell(out, path);
    buffer_add_u8(out, 0);
    return out->lost ? "it" : (const char *)out->data;
}

static void complain_rights(struct reader *r, const char *path, const char *what, const char *command)
{
    struct buffer text;
    complain(r, path, 0, what, command_for(&text, command, path));
    buffer_wipe(&text);
}

bool owned_by_others(const struct stat *st)
{
    return st->st_uid != 0 && st->st_uid != geteuid();
}

bool file_is_private(struct reader *r, const char *path, const struct stat *st)
{
    char what[160];
    if (r->insecure) {
        return true;
    }
    if (owned_by_others(st)) {
        (void)snprintf(what, sizeof what, "it belongs to uid %u, who may read and change it, so it is not read; if it is "
                       "what it should be, run: ", (unsigned)st->st_uid);
        complain_rights(r, path, what, "chown root");
        return false;
    }
    if ((st->st_mode & 066) != 0) {
        (void)snprintf(what, sizeof what, "group or others may read or write it (mode %04o), so it is not read; run: ",
                       (unsigned)st->st_mode & 07777);
        complain_rights(r, path, what, "chmod 600");
        return false;
    }
    return true;
}
