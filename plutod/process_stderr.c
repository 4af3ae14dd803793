/*
 * What a tool says on its stderr: its last words before the sandbox, or when an assertion fails. Whoever
 * has taken a tool over can write there too, so it comes through a pipe and plutod writes it down:
 * escaped, under the tool's name, and so much and no more.
 */
#include "process_inside.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define WORDS_AT_ONCE 20u   /* lines of one process, */
#define WORDS_REFILL 10000u /* and ms for each further one */
#define WORDS_PAUSE 1.      /* seconds that nothing is read when there were more */

static void say(struct process *p)
{
    char name[48];
    uint64_t now = (uint64_t)(ev_now(p->s->loop) * 1000);
    size_t len = p->words_len;
    p->words_len = 0;
    if (len == 0) {
        return;
    }
    if (!line_bucket_take(&p->words_limit, WORDS_REFILL, WORDS_AT_ONCE, now)) {
        p->words_left_out++;
        return;
    }
    process_label(p, name);
    if (p->words_left_out > 0) {
        lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "%s: %u lines on its stderr were left out", name,
                    p->words_left_out);
        p->words_left_out = 0;
    }
    lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "%s says on its stderr: %.*s", name, (int)len,
                p->words);
}

static void end(struct process *p)
{
    ev_io_stop(p->s->loop, &p->words_io);
    ev_timer_stop(p->s->loop, &p->words_pause);
    close(p->words_fd);
    p->words_fd = -1;
    say(p);
}

/* One read; false: nothing is there now. */
static bool read_some(struct process *p)
{
    char bytes[1024];
    ssize_t n = read(p->words_fd, bytes, sizeof bytes);
    if (n < 0 && errno == EINTR) {
        return true;
    }
    if (n < 0 && errno == EAGAIN) {
        return false;
    }
    if (n <= 0) {
        end(p);
        return false;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n' || p->words_len == sizeof p->words) {
            say(p);
        }
        if (bytes[i] != '\n' && bytes[i] != '\0') {
            p->words[p->words_len++] = bytes[i];
        }
    }
    return true;
}

static void on_words(struct ev_loop *loop, ev_io *w, int events)
{
    struct process *p = w->data;
    (void)events;
    (void)read_some(p);
    if (p->words_fd >= 0 && p->words_left_out > 0) { /* it may wait for us as long as it likes */
        ev_io_stop(loop, w);
        ev_timer_set(&p->words_pause, WORDS_PAUSE, 0.);
        ev_timer_start(loop, &p->words_pause);
    }
}

static void on_pause(struct ev_loop *loop, ev_timer *w, int events)
{
    struct process *p = w->data;
    (void)events;
    ev_io_start(loop, &p->words_io);
}

void process_hear(struct process *p, int fd)
{
    p->words_fd = fd;
    p->words_len = 0;
    if (fd >= 0) {
        ev_io_init(&p->words_io, on_words, fd, EV_READ);
        ev_timer_init(&p->words_pause, on_pause, 0., 0.);
        p->words_io.data = p;
        p->words_pause.data = p;
        ev_io_start(p->s->loop, &p->words_io);
    }
}

void process_hear_last(struct process *p)
{
    for (unsigned i = 0; i < 64 && p->words_fd >= 0 && read_some(p); i++) {
    }
    if (p->words_fd >= 0) {
        end(p);
    }
}
