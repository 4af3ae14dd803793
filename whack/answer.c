#include "answer.h"

#include "bounds.h"
#include "channel.h"
#include "replies.h"
#include "talk.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define QUESTION "040 question "
#define LINE_LEN 2000
#define PATIENCE 5000 /* milliseconds for plutod's reply: what it says matters to nobody */

struct question {
    uint64_t number;
    char prompt[LINE_LEN];
};

/* False: a line 040 that asks for nothing that we know. Of a name without end the beginning must do: it is in the line. */
static bool read_question(struct question *q, const char *line, size_t len)
{
    char text[LINE_LEN];
    char *end = NULL;
    if (len <= sizeof QUESTION || memcmp(line, QUESTION, sizeof QUESTION - 1) != 0) {
        return false;
    }
    len = len < sizeof text ? len : sizeof text - 1;
    memcpy(text, line, len);
    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';
    q->number = strtoull(text + sizeof QUESTION - 1, &end, 10);
    if (q->number == 0 || q->number > INT64_MAX || strncmp(end, ": ", 2) != 0) {
        return false;
    }
    (void)snprintf(q->prompt, sizeof q->prompt, "%s: ", end + 2);
    return true;
}

/* ---- the terminal ---- */

static void on_alarm(int number)
{
    (void)number; /* it ends the reading */
}

/* NULL, or why there is none. readpassphrase(3) puts the terminal right before any signal takes effect. */
static const char *ask(const char *prompt, char text[PASSPHRASE_MAX + 2])
{
    const struct sigaction ours = { .sa_handler = on_alarm };
    struct sigaction before;

    (void)sigaction(SIGALRM, &ours, &before);
    (void)alarm(PASSPHRASE_TIME);
    const char *typed = readpassphrase(prompt, text, PASSPHRASE_MAX + 2, RPP_REQUIRE_TTY);
    bool late = alarm(0) == 0;
    (void)sigaction(SIGALRM, &before, NULL);
    if (typed == NULL) {
        return late ? "nobody typed its passphrase in time" : "there is no terminal to ask for its passphrase";
    }
    if (text[0] == '\0') {
        return "no passphrase was given";
    }
    return strlen(text) <= PASSPHRASE_MAX ? NULL : "a passphrase has at most 1024 bytes";
}

/* A socket in which it lies: nobody can write into it any more. -1: errno says why. */
static int put_into_socket(const char *text)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        return -1;
    }
    bool sent = send(pair[0], text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)strlen(text);
    close(pair[0]);
    if (!sent) {
        close(pair[1]);
    }
    return sent ? pair[1] : -1;
}

/* *fd: what it lies in; -1: the result says why there is none (static text, or an error's). */
static const char *get_passphrase(const char *prompt, int *fd)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    char text[PASSPHRASE_MAX + 2];

    *fd = -1;
    (void)setrlimit(RLIMIT_CORE, &none); /* nor may a debugger look, or the swap keep it */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)mlock(text, sizeof text);
    const char *why = ask(prompt, text);
    if (why == NULL) {
        *fd = put_into_socket(text);
        why = *fd < 0 ? strerror(errno) : NULL;
    }
    explicit_bzero(text, sizeof text);
    (void)munlock(text, sizeof text);
    return why;
}

/* ---- plutod ---- */

/* The two records; takes fd. False: there is no room. */
static bool say(struct channel *c, const struct question *q, int fd, const char *why)
{
    struct record_writer w;
    bool said = request_hello(channel_out(c));
    record_start(&w, channel_out(c), why == NULL ? V_WHACK_PASSPHRASE : V_WHACK_NO_PASSPHRASE);
    record_put_number(&w, K_QUESTION, q->number);
    if (why != NULL) {
        record_put_text(&w, K_WHY, why);
    }
    said = record_finish(&w) && said;
    if (fd >= 0) {
        channel_attach(c, fd); /* or closes it */
    }
    return said;
}

static bool show(void *context, const char *line, size_t len, int code)
{
    (void)context;
    return code < 0 || fwrite(line, 1, len, stdout) == len;
}

static void done(void *context)
{
    (void)context;
}

/* That it is too late, perhaps. */
static void hear(int fd)
{
    struct replies *replies = malloc(sizeof *replies);
    struct pollfd p = { .fd = fd, .events = POLLIN };
    char bytes[2000];
    if (replies == NULL) {
        return;
    }
    replies_init(replies, show, done, NULL);
    while (poll(&p, 1, PATIENCE) == 1) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n <= 0 || replies_add(replies, bytes, (size_t)n) != REPLIES_OK) {
            break;
        }
    }
    free(replies);
}

void answer_question(const struct request *r, const struct sockaddr_un *plutod, const char *line, size_t len)
{
    struct question q;
    struct channel *c = NULL;
    char text[300];
    int passphrase = -1;

    if (!read_question(&q, line, len)) {
        return;
    }
    const char *why = get_passphrase(q.prompt, &passphrase);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)plutod, sizeof *plutod) == 0) {
        c = channel_new(fd, fd, P_W);
    }
    if (c != NULL) {
        fd = -1; /* the channel's */
        bool told = say(c, &q, passphrase, why) && channel_drain(c) && shutdown(channel_fd_out(c), SHUT_WR) == 0;
        passphrase = -1;
        if (told) {
            hear(channel_fd_in(c));
            channel_free(c);
            return;
        }
    }
    (void)snprintf(text, sizeof text, "plutod cannot be told the answer to its question: %s", strerror(errno));
    (void)talk_trouble(r, text);
    channel_free(c);
    if (passphrase >= 0) {
        close(passphrase);
    }
    if (fd >= 0) {
        close(fd);
    }
}
