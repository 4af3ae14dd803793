#include "answer.h"

#include "bounds.h"
#include "channel.h"
#include "replies.h"
#include "talk.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define QUESTION "040 question "
#define LINE_LEN 2000
#define PATIENCE 5000 /* milliseconds for plutod's reply: what it says matters to nobody */
#define PENDING_LEN 4096 /* bytes that are looked at of what plutod has said since */

static const char nobody_waits[] = "nobody waits for the answer any more";

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

/* ---- does plutod still wait? ---- */

static bool is_line(const char *at, size_t len, const char *line)
{
    return len == strlen(line) && memcmp(at, line, len) == 0;
}

/* What came is left where it is: it is shown when the prompt is gone. */
static bool is_over(int connection)
{
    char bytes[PENDING_LEN];
    struct pollfd p = { .fd = connection };
    ssize_t n = recv(connection, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    bool over = n == 0 || (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0);
    const char *end = bytes + (n > 0 ? n : 0);
    const char *lf = NULL;
    for (const char *at = bytes; !over && (lf = memchr(at, '\n', (size_t)(end - at))) != NULL; at = lf + 1) {
        over = is_line(at, (size_t)(lf - at), WHACK_DONE) || is_line(at, (size_t)(lf - at), WHACK_END);
    }
    return over;
}

/*
 * Something came over the connection. An alarm ends the reading at the terminal as no signal does that is raised here, while
 * the reading is interrupted; it is repeated, since the reading may only be about to begin.
 */
static void on_word(int number, siginfo_t *info, void *context)
{
    const struct timeval soon = { .tv_usec = 20000 };
    const struct itimerval again = { .it_value = soon, .it_interval = soon };
    int error = errno;
    (void)number;
    (void)context;
    if (is_over(info->si_fd)) {
        (void)setitimer(ITIMER_REAL, &again, NULL);
    }
    errno = error;
}

/* From now on on_word is called; reading goes on after it. */
static void begin_to_hear(int connection, struct sigaction *before)
{
    struct sigaction ours = { .sa_sigaction = on_word, .sa_flags = SA_SIGINFO | SA_RESTART };
    (void)sigemptyset(&ours.sa_mask);
    (void)sigaction(SIGIO, &ours, before);
    (void)fcntl(connection, F_SETSIG, SIGIO); /* for si_fd */
    (void)fcntl(connection, F_SETOWN, getpid());
    (void)fcntl(connection, F_SETFL, O_NONBLOCK | O_ASYNC);
}

static void end_hearing(int connection, const struct sigaction *before)
{
    (void)fcntl(connection, F_SETFL, O_NONBLOCK);
    (void)sigaction(SIGIO, before, NULL);
}

/* ---- the terminal ---- */

static void on_alarm(int number)
{
    (void)number; /* it ends the reading */
}

/* NULL, or why there is none. readpassphrase(3) puts the terminal right before any signal takes effect. */
static const char *ask(const char *prompt, int connection, char text[PASSPHRASE_MAX + 2])
{
    const struct sigaction ours = { .sa_handler = on_alarm };
    struct sigaction before;
    struct sigaction before_words;
    const char *typed = NULL;

    (void)sigaction(SIGALRM, &ours, &before);
    begin_to_hear(connection, &before_words);
    (void)alarm(PASSPHRASE_TIME);
    if (!is_over(connection)) {
        typed = readpassphrase(prompt, text, PASSPHRASE_MAX + 2, RPP_REQUIRE_TTY);
    }
    bool late = alarm(0) == 0;
    end_hearing(connection, &before_words);
    (void)sigaction(SIGALRM, &before, NULL);
    if (is_over(connection)) {
        return nobody_waits;
    }
    if (typed == NULL) {
        return late ? "nobody typed its passphrase in time" : "there is no terminal to ask for its passphrase";
    }
    if (text[0] == '\0') {
        return "no passphrase was given";
    }
    return NULL; /* one that is too long is a wrong one: secrets says so, and plutod asks again */
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
static const char *get_passphrase(const char *prompt, int connection, int *fd)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    char text[PASSPHRASE_MAX + 2];

    *fd = -1;
    (void)setrlimit(RLIMIT_CORE, &none); /* nor may a debugger look, or the swap keep it */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)mlock(text, sizeof text);
    const char *why = ask(prompt, connection, text);
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

void answer_question(const struct request *r, const struct sockaddr_un *plutod, int connection, const char *line,
                     size_t len)
{
    struct question q;
    struct channel *c = NULL;
    char text[300];
    int passphrase = -1;

    if (!read_question(&q, line, len)) {
        return;
    }
    const char *why = get_passphrase(q.prompt, connection, &passphrase);
    if (why == nobody_waits) {
        return; /* what it says next tells why */
    }
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
