/*
 * liar - stands in for ike-negotiate, and says to plutod, secrets and kernel-sa whatever it is told to
 *
 * plutod starts it from a folder in IPSEC_DIR where it has the name ike-negotiate. In that folder it opens two files:
 * `mouth`, a fifo that it reads lines from, and `heard`, to which it adds a line for each thing that it hears.
 *
 *   plutod|kernel-sa|secrets RECORD      that record, to that tool (to the secrets process that was connected last)
 *   plutod|kernel-sa|secrets *N RECORD   N times, with # in it replaced by 1, 2, 3, ...
 *
 * What is said need not be a record. Heard is: `TOOL RECORD`, `TOOL closed` and, first, `begins PID`. It has no sandbox:
 * a hijacker would have one, but what he can say is the same.
 */
#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROL_FD 3
#define LINES 3 /* plutod, kernel-sa, secrets */
#define MOUTHFUL 70000

struct liar {
    struct channel *line[LINES];
    FILE *heard;
    int mouth;
    size_t len;
    char text[MOUTHFUL];
};

static const char *const names[LINES] = { "plutod", "kernel-sa", "secrets" };
static const unsigned directions[LINES] = { P_N, K_N, S_N };
enum { TO_PLUTOD, TO_KERNEL_SA, TO_SECRETS };

static FILE *open_beside(const char *own, const char *name, const char *mode)
{
    char path[PATH_MAX];
    const char *slash = strrchr(own, '/');
    (void)snprintf(path, sizeof path, "%.*s/%s", slash == NULL ? 1 : (int)(slash - own),
                   slash == NULL ? "." : own, name);
    FILE *file = fopen(path, mode);
    if (file == NULL) {
        (void)fprintf(stderr, "liar: %s: %s\n", path, strerror(errno));
        exit(111);
    }
    return file;
}

/* ---- hearing ---- */

static void take_channel(struct liar *l, const struct record *r, int fd)
{
    int to = record_word(r, K_TOOL) == TOOL_KERNEL_SA ? TO_KERNEL_SA : TO_SECRETS;
    channel_free(l->line[to]);
    l->line[to] = channel_new(fd, fd, directions[to]);
    channel_hello(l->line[to], TOOL_IKE_NEGOTIATE, record_number(r, K_EPOCH),
                  record_number(r, K_WORKER));
}

static bool hear(void *context, struct channel *c, const struct record *r, int fd)
{
    struct liar *l = context;
    struct buffer text;
    int from = c == l->line[TO_PLUTOD] ? TO_PLUTOD : c == l->line[TO_KERNEL_SA] ? TO_KERNEL_SA
                                                                                : TO_SECRETS;
    buffer_init(&text, 0);
    (void)record_print(&text, r);
    (void)fprintf(l->heard, "%s %.*s%s", names[from], (int)text.len, (const char *)text.data,
                  text.len > 0 && text.data[text.len - 1] == '\n' ? "" : "\n");
    buffer_wipe(&text);
    if (r->verb == V_CHANNEL) {
        take_channel(l, r, fd);
    } else if (fd >= 0) {
        close(fd);
    }
    return true;
}

static void hear_from(struct liar *l, int from)
{
    if (channel_read(l->line[from], hear, l) != CHANNEL_OPEN) {
        (void)fprintf(l->heard, "%s closed\n", names[from]);
        channel_free(l->line[from]);
        l->line[from] = NULL;
    }
}

/* ---- saying ---- */

static void say_once(struct channel *c, const char *text, unsigned long number)
{
    struct buffer *out = channel_out(c);
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%lu", number);
    for (; *text != '\0'; text++) {
        buffer_add(out, *text == '#' ? digits : text, *text == '#' ? strlen(digits) : 1);
    }
    buffer_add_u8(out, '\n');
}

/* Waits until it has gone: a channel holds only so much. */
static void push(struct liar *l, int to)
{
    while (l->line[to] != NULL && channel_half_full(l->line[to])) {
        struct pollfd p = { .fd = channel_fd_out(l->line[to]), .events = POLLIN | POLLOUT };
        (void)poll(&p, 1, -1);
        if ((p.revents & ~POLLOUT) != 0) {
            hear_from(l, to);
        }
        if (l->line[to] != NULL) {
            (void)channel_flush(l->line[to]);
        }
    }
}

static void say(struct liar *l, char *line)
{
    char *text = strchr(line, ' ');
    unsigned long times = 1;
    int to = 0;
    if (text == NULL) {
        return;
    }
    *text++ = '\0';
    while (to < LINES && strcmp(names[to], line) != 0) {
        to++;
    }
    bool many = text[0] == '*';
    if (many) {
        times = strtoul(text + 1, &text, 10);
        text += *text == ' ' ? 1 : 0;
    }
    for (unsigned long i = 1; i <= times && to < LINES && l->line[to] != NULL; i++) {
        if (many) {
            say_once(l->line[to], text, i);
        } else {
            buffer_add_text(channel_out(l->line[to]), text);
            buffer_add_u8(channel_out(l->line[to]), '\n');
        }
        push(l, to);
    }
}

static void open_mouth(struct liar *l)
{
    ssize_t n = read(l->mouth, l->text + l->len, sizeof l->text - l->len);
    char *newline;
    l->len += n > 0 ? (size_t)n : 0;
    while ((newline = memchr(l->text, '\n', l->len)) != NULL) {
        *newline = '\0';
        say(l, l->text);
        size_t used = (size_t)(newline - l->text) + 1;
        l->len -= used;
        memmove(l->text, l->text + used, l->len);
    }
}

static void turn(struct liar *l)
{
    struct pollfd p[LINES + 1];
    for (int i = 0; i < LINES; i++) {
        if (l->line[i] != NULL) {
            (void)channel_flush(l->line[i]);
        }
        p[i] = (struct pollfd){ .fd = l->line[i] == NULL ? -1 : channel_fd_in(l->line[i]),
                                .events = POLLIN };
        if (l->line[i] != NULL && channel_pending(l->line[i])) {
            p[i].events |= POLLOUT;
        }
    }
    p[LINES] = (struct pollfd){ .fd = l->mouth, .events = POLLIN };
    (void)poll(p, LINES + 1, -1);
    for (int i = 0; i < LINES; i++) {
        if (l->line[i] != NULL && (p[i].revents & ~POLLOUT) != 0) {
            hear_from(l, i);
        }
    }
    if (p[LINES].revents != 0) {
        open_mouth(l);
    }
}

int main(int argc, char **argv)
{
    static struct liar l;
    (void)argc;
    (void)signal(SIGPIPE, SIG_IGN);
    l.heard = open_beside(argv[0], "heard", "ae");
    (void)setvbuf(l.heard, NULL, _IOLBF, 0);
    l.mouth = fileno(open_beside(argv[0], "mouth", "r+e"));
    (void)fprintf(l.heard, "begins %d\n", (int)getpid());
    l.line[TO_PLUTOD] = channel_new(CONTROL_FD, CONTROL_FD, P_N);
    if (l.line[TO_PLUTOD] == NULL) {
        return 111;
    }
    channel_hello(l.line[TO_PLUTOD], TOOL_IKE_NEGOTIATE, 1, 0);
    while (l.line[TO_PLUTOD] != NULL) {
        turn(&l);
    }
    return 0;
}
