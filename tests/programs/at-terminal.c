/*
 * at-terminal - runs a command at a terminal of its own, and types there
 *
 *   at-terminal [WAIT TYPE]... -- COMMAND...
 *
 * For each pair in turn: once WAIT has been shown, TYPE is typed, with C's \n, \r, \003 and so on. What is shown goes to
 * standard output, and where something is typed, the words [echo on] or [echo off]; at the end, in a line of its own,
 * how the terminal was left: [left with echo on]. Exit status: the command's, 128 and the signal's number if one ended it,
 * 2 if something was not shown in time.
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PATIENCE 300000 /* milliseconds without a word */
#define REACTION 20000 /* microseconds between two looks whether it reads */
#define SHOWN_MAX ((size_t)64 << 10)

struct terminal {
    int fd;
    size_t len;
    char shown[SHOWN_MAX + 1];
};

static bool echoes(int fd)
{
    struct termios t;
    return tcgetattr(fd, &t) == 0 && (t.c_lflag & ECHO) != 0;
}

/* Does who has the terminal sleep? Then it reads, if it has just shown a prompt. One that is gone does nothing else, either. */
static bool sleeps(int fd)
{
    char path[40];
    char state = 'S';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)tcgetpgrp(fd));
    FILE *stat = fopen(path, "re");
    if (stat != NULL) {
        if (fscanf(stat, "%*d (%*[^)]) %c", &state) != 1) {
            state = 'S';
        }
        (void)fclose(stat);
    }
    return state == 'S';
}

/* A signal between its prompt and its reading readpassphrase(3) does not see. */
static void let_it_read(int fd)
{
    int calm = 0;
    for (int looks = 0; calm < 5 && looks < PATIENCE / 20; looks++) {
        (void)usleep(REACTION);
        calm = sleeps(fd) ? calm + 1 : 0;
    }
}

/* 1: something was shown; 0: nothing more will be; -1: not in time. */
static int look(struct terminal *t)
{
    struct pollfd p = { .fd = t->fd, .events = POLLIN };
    if (poll(&p, 1, PATIENCE) != 1) {
        return -1;
    }
    ssize_t n = read(t->fd, t->shown + t->len, SHOWN_MAX - t->len);
    if (n <= 0) {
        return 0;
    }
    (void)fwrite(t->shown + t->len, 1, (size_t)n, stdout);
    (void)fflush(stdout);
    t->len += (size_t)n;
    t->shown[t->len] = '\0';
    return 1;
}

static int type(const struct terminal *t, const char *text)
{
    size_t len = 0;
    char bytes[2100];
    for (const char *c = text; *c != '\0' && len < sizeof bytes; c++) {
        if (c[0] != '\\') {
            bytes[len++] = *c;
        } else if (c[1] == 'n' || c[1] == 'r') {
            bytes[len++] = c[1] == 'n' ? '\n' : '\r';
            c++;
        } else {
            bytes[len++] = (char)strtoul(c + 1, NULL, 8);
            c += strspn(c + 1, "01234567");
        }
    }
    let_it_read(t->fd);
    printf("[echo %s]", echoes(t->fd) ? "on" : "off");
    (void)fflush(stdout);
    return write(t->fd, bytes, len) == (ssize_t)len ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct terminal t;
    int status = 0;
    int first = 1;
    while (first < argc && strcmp(argv[first], "--") != 0) {
        first++;
    }
    if (first + 1 >= argc || first % 2 == 0) {
        (void)fprintf(stderr, "usage: at-terminal [WAIT TYPE]... -- COMMAND...\n");
        return 2;
    }
    pid_t child = forkpty(&t.fd, NULL, NULL, NULL);
    if (child == 0) {
        execvp(argv[first + 1], argv + first + 1);
        _exit(127);
    }
    if (child < 0) {
        perror("at-terminal: forkpty");
        return 2;
    }
    int going = 1;
    for (int i = 1; i < first && going == 1; i += 2) {
        const char *at = NULL;
        while (going == 1 && (at = strstr(t.shown, argv[i])) == NULL) {
            going = look(&t);
        }
        if (at != NULL) { /* what was shown before is not waited for again */
            size_t rest = strlen(at + strlen(argv[i]));
            memmove(t.shown, at + strlen(argv[i]), rest + 1);
            t.len = rest;
            going = type(&t, argv[i + 1]) == 0 ? 1 : -1;
        }
    }
    while (going == 1 && t.len < SHOWN_MAX) {
        going = look(&t);
    }
    printf("\n[left with echo %s]\n", echoes(t.fd) ? "on" : "off");
    if (going != 0) {
        (void)fprintf(stderr, "at-terminal: what was waited for did not come\n");
        kill(child, SIGKILL);
    }
    if (waitpid(child, &status, 0) != child || going != 0) {
        return 2;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
