#include "launch.h"

#include "become.h"
#include "sibling.h"
#include "standard.h"
#include "supervisor.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARGUMENTS_MAX 10

static void fill_arguments(const struct process *p, char *path, char worker[16],
                           char *argv[ARGUMENTS_MAX])
{
    static char control[] = "--control-fd", three[] = "3", number[] = "--worker", file[] = "--file",
                insecure[] = "--insecure-secretsfile";
    size_t n = 0;
    argv[n++] = path;
    argv[n++] = control;
    argv[n++] = three;
    if (p->tool == TOOL_SECRETS) {
        snprintf(worker, 16, "%u", p->worker);
        argv[n++] = number;
        argv[n++] = worker;
        argv[n++] = file;
        argv[n++] = (char *)(uintptr_t)p->s->setup->secretsfile;
        if (p->s->setup->insecure_secretsfile) {
            argv[n++] = insecure;
        }
    }
    argv[n] = NULL;
}

/* In the child: only descriptors 0-3, default signals and none held back, a session of its own, a bare environment. */
static _Noreturn void become_tool(char **argv, int fd, int words)
{
    static char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *environment[] = { path_variable, NULL };
    sigset_t none;
    (void)sigemptyset(&none);
    (void)setsid();
    for (int i = 1; i < NSIG; i++) {
        (void)signal(i, SIG_DFL);
    }
    (void)sigprocmask(SIG_SETMASK, &none, NULL); /* plutod's loop takes its signals from a descriptor */
    if (dup2(words, STDERR_FILENO) < 0) {
        _exit(EXIT_SYSTEM);
    }
    become("plutod", argv, environment, fd);
}

/* NULL, or why there is none; in path what was tried. */
static const char *find_program(const struct process *p, char path[PATH_MAX])
{
    const char *given = p->tool == TOOL_DNSKEY ? p->s->setup->dnskey : NULL;
    if (given == NULL) {
        return sibling_path(path, PATH_MAX, schema_tool_name(p->tool));
    }
    if (strlcpy(path, given, PATH_MAX) >= PATH_MAX) {
        return "its path (--adns) is too long";
    }
    return access(path, X_OK) == 0 ? NULL : "the program that --adns names cannot be executed";
}

int launch(struct process *p, int *words, char why[LAUNCH_WHY])
{
    int stderr_pipe[2];
    char path[PATH_MAX];
    char worker[16];
    char *argv[ARGUMENTS_MAX];
    int pair[2];
    const char *wrong = find_program(p, path);
    if (wrong != NULL) {
        snprintf(why, LAUNCH_WHY, "%s: %s", path, wrong);
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        snprintf(why, LAUNCH_WHY, "no channel: %s", strerror(errno));
        return -1;
    }
    if (pipe2(stderr_pipe, O_CLOEXEC) != 0) {
        snprintf(why, LAUNCH_WHY, "no pipe for its stderr: %s", strerror(errno));
        close(pair[0]);
        close(pair[1]);
        return -1;
    }
    fill_arguments(p, path, worker, argv);
    p->pid = fork();
    if (p->pid == 0) {
        become_tool(argv, pair[1], stderr_pipe[1]);
    }
    int error = errno;
    close(pair[1]);
    close(stderr_pipe[1]);
    if (p->pid < 0) {
        p->pid = 0;
        close(pair[0]);
        close(stderr_pipe[0]);
        snprintf(why, LAUNCH_WHY, "fork: %s", strerror(error));
        return -1;
    }
    (void)fcntl(stderr_pipe[0], F_SETFL, O_NONBLOCK);
    *words = stderr_pipe[0];
    return pair[0];
}
