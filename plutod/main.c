/*
 * plutod - the supervisor of the keying daemon
 *
 * Knows connections and decides; starts the tools that do the rest, connects them, and starts them
 * again. It runs as root, so it reads no packet and sees no key.
 */
#include "supervisor.h"

#include "notify.h"
#include "sandbox.h"
#include "standard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_LOCKED = 10 };

static struct supervisor supervisor;

/* The child's session and its standard descriptors; stderr is kept for --stderrlog. */
static bool detach(bool keep_stderr)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    bool good = setsid() > 0 && null >= 0 && chdir("/") == 0 && dup2(null, STDIN_FILENO) >= 0
                && dup2(null, STDOUT_FILENO) >= 0
                && (keep_stderr || dup2(null, STDERR_FILENO) >= 0); /* last: it can be complained */
    int error = errno;
    if (null > STDERR_FILENO) {
        close(null);
    }
    errno = error;
    return good;
}

/* This process is the daemon: its pid goes into the lock. */
static bool settle(const struct setup *setup, struct lock *lock)
{
    if (!lock_write_pid(lock, getpid())) {
        fprintf(stderr, "plutod: cannot write its pid to the lock file %s: %s\n", lock->pid_path,
                strerror(errno));
        return false;
    }
    if (!setup->nofork && !detach(setup->stderrlog)) {
        fprintf(stderr, "plutod: cannot become a daemon (session, /dev/null or \"/\"): %s\n",
                strerror(errno));
        return false;
    }
    return true;
}

/* The parent's part: it goes when the child says that it runs, or has ended. */
static int await(pid_t child, int told, struct lock *lock)
{
    char byte;
    ssize_t n;
    do {
        n = read(told, &byte, 1);
    } while (n < 0 && errno == EINTR);
    close(told);
    if (n == 1) {
        lock_abandon(lock);
        return EXIT_SUCCESS;
    }
    int status = 0;
    pid_t ended = waitpid(child, &status, 0);
    if (ended == child && WIFSIGNALED(status)) {
        fprintf(stderr, "plutod: the daemon was ended by signal %d before it was ready\n",
                WTERMSIG(status));
        lock_release(lock); /* it could not do so */
    } else {
        fputs("plutod: the daemon could not start (see above, or the log)\n", stderr);
        lock_abandon(lock);
    }
    return EXIT_FAILURE;
}

/* *ready: the daemon tells its parent through it; -1: it has none. False: *status is to be exited with. */
static bool become_daemon(const struct setup *setup, struct lock *lock, int *ready, int *status)
{
    int ends[2] = { -1, -1 };
    *ready = -1;
    *status = EXIT_FAILURE;
    pid_t pid = setup->nofork ? 0 : pipe2(ends, O_CLOEXEC) != 0 ? -1 : fork();
    if (pid < 0) {
        fprintf(stderr, "plutod: cannot fork: %s\n", strerror(errno));
        lock_release(lock);
        return false;
    }
    if (pid > 0) {
        close(ends[1]);
        *status = await(pid, ends[0], lock);
        return false;
    }
    *ready = ends[1];
    if (ends[0] >= 0) {
        close(ends[0]);
    }
    if (!settle(setup, lock)) {
        lock_release(lock);
        return false;
    }
    *status = EXIT_SUCCESS;
    return true;
}

/* Whoever started it goes on at this: it must be heard by now, and what it kills must leave nothing. */
static void tell_starter(const struct setup *setup, int ready)
{
    if (setup->nofork) {
        puts("Pluto initialized");
        fflush(stdout);
    }
    if (ready >= 0) {
        (void)!write(ready, "", 1); /* it may have been killed: then nobody wants to know */
        close(ready);
    }
}

int main(int argc, char **argv)
{
    struct setup setup;
    struct lock lock;
    struct notify notify;
    int status;
    int ready;

    const unsigned closed = standard_fill();
    enum setup_result parsed = setup_parse(&setup, argc, argv);
    if (parsed != SETUP_RUN) {
        setup_free(&setup);
        return parsed == SETUP_HELP && standard_written("plutod", closed) ? EXIT_SUCCESS
                                                                          : EXIT_FAILURE;
    }
    if (geteuid() != 0) {
        fputs("plutod: must be run by the superuser\n", stderr);
        setup_free(&setup);
        return EXIT_FAILURE;
    }
    const char *nobody = notify_take(&notify);
    if (nobody != NULL) {
        fprintf(stderr, "plutod: NOTIFY_SOCKET: %s; nobody is told when plutod is ready\n", nobody);
    }
    setup.umask = umask(077);
    sandbox_no_core();
    (void)close_range(STDERR_FILENO + 1, ~0U, 0); /* whatever the caller had open is not ours */
    (void)signal(SIGPIPE, SIG_IGN);
    enum lock_result locked = lock_take(&lock, setup.ctlbase);
    if (locked != LOCK_TAKEN) {
        setup_free(&setup);
        return locked == LOCK_BUSY ? EXIT_LOCKED : EXIT_FAILURE;
    }
    if (!become_daemon(&setup, &lock, &ready, &status)) {
        setup_free(&setup);
        return status;
    }
    if (supervisor_init(&supervisor, &setup, &lock, &notify)) {
        supervisor_ready(&supervisor);
        tell_starter(&setup, ready);
        ev_run(supervisor.loop, 0);
        lock_remove(&lock); /* before the whack that asked for the end is let go */
        supervisor_free(&supervisor);
    } else {
        status = EXIT_FAILURE;
    }
    lock_release(&lock);
    setup_free(&setup);
    return status;
}
