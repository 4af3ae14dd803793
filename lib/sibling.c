#include "sibling.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_MAX 4096 /* PATH_MAX of Linux */

static bool usable(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        errno = EACCES;
        return false;
    }
    return access(path, X_OK) == 0;
}

/* The folder of the running program, in out; also of one that was replaced since it began. */
static const char *own_folder(char *out, size_t size)
{
    static const char gone[] = " (deleted)";
    ssize_t n = readlink("/proc/self/exe", out, size - 1);
    if (n < 0) {
        return "cannot read /proc/self/exe to find the other tools; set IPSEC_DIR to their folder";
    }
    out[n] = '\0';
    size_t len = (size_t)n;
    if (len > sizeof gone - 1 && strcmp(out + len - (sizeof gone - 1), gone) == 0) {
        out[len - (sizeof gone - 1)] = '\0';
    }
    char *slash = strrchr(out, '/');
    if (slash == NULL) {
        errno = ENOENT;
        return "/proc/self/exe names no folder to find the other tools in; set IPSEC_DIR";
    }
    *slash = '\0';
    return NULL;
}

static const char *too_long(void)
{
    errno = ENAMETOOLONG;
    return "the path of the other tools is too long";
}

const char *sibling_path(char *out, size_t size, const char *tool)
{
    char folder[FOLDER_MAX];
    const char *given = secure_getenv("IPSEC_DIR");
    if (given != NULL && given[0] != '\0') {
        int n = snprintf(out, size, "%s/%s", given, tool);
        if (n < 0 || (size_t)n >= size) {
            return too_long();
        }
        return usable(out) ? NULL : "no such program in the folder that IPSEC_DIR names";
    }
    const char *why = own_folder(folder, sizeof folder);
    if (why != NULL) {
        (void)snprintf(out, size, "%s", tool);
        return why;
    }
    int n = snprintf(out, size, "%s/%s", folder, tool);
    if (n < 0 || (size_t)n >= size) {
        return too_long();
    }
    if (usable(out)) {
        return NULL;
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        return "no such program beside this one";
    }
    *slash = '\0';
    n = snprintf(out, size, "%s/%s/%s", folder, tool, tool);
    if (n < 0 || (size_t)n >= size) {
        return too_long();
    }
    return usable(out) ? NULL : "no such program beside this one; set IPSEC_DIR to its folder";
}
