#include "spawn.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(char *const environment[])
{
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], "PATH=", 5) == 0) {
            return environment[i] + 5;
        }
    }
    return "";
}

/* The file to be executed; posix_spawnp(3) would look along our PATH, not along the program's. */
static int find(char out[PATH_MAX], const char *word, const char *path)
{
    if (strchr(word, '/') != NULL) {
        return strlcpy(out, word, PATH_MAX) < PATH_MAX ? 0 : ENAMETOOLONG;
    }
    while (*path != '\0') {
        size_t len = strcspn(path, ":");
        int n = snprintf(out, PATH_MAX, "%.*s/%s", (int)len, path, word);
        if (n > 0 && n < PATH_MAX && access(out, X_OK) == 0) {
            return 0;
        }
        path += len + (path[len] == ':' ? 1 : 0);
    }
    return ENOENT;
}

static int by_shell(pid_t *pid, char *path, char *const words[], char *const environment[],
                    const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes)
{
    static char shell[] = "/bin/sh";
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    char **more = calloc(count + 2, sizeof *more);
    if (more == NULL) {
        return ENOMEM;
    }
    more[0] = shell;
    more[1] = path;
    for (size_t i = 1; i < count; i++) {
        more[i + 1] = words[i];
    }
    int error = posix_spawn(pid, shell, actions, attributes, more, environment);
    free(more);
    return error;
}

int spawn(pid_t *pid, char *const words[], char *const environment[], int output, mode_t mask)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all;
    sigset_t none;
    char path[PATH_MAX];

    int error = find(path, words[0], path_of(environment));
    if (error != 0) {
        return error;
    }
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&attributes) != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    if (posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0
        || posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) != 0
        || posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO) != 0
        || posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1) != 0
        || posix_spawn_file_actions_addchdir_np(&actions, "/") != 0
        || posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF
                                                     | POSIX_SPAWN_SETSIGMASK) != 0
        || posix_spawnattr_setpgroup(&attributes, 0) != 0
        || posix_spawnattr_setsigdefault(&attributes, &all) != 0
        || posix_spawnattr_setsigmask(&attributes, &none) != 0) {
        error = ENOMEM;
        goto out;
    }
    mode_t own = umask(mask); /* we stand still until the program has it */
    error = posix_spawn(pid, path, &actions, &attributes, words, environment);
    if (error == ENOEXEC) {
        error = by_shell(pid, path, words, environment, &actions, &attributes);
    }
    (void)umask(own);
out:
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}
