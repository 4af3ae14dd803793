#include "pipe_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define READS 16            /* at a time */
#define REST 1.

static void end_line(struct pipe_lines *p, bool *enough)
{
    size_t len = p->len;
    p->len = 0;
    *enough = p->line(p, p->text, len) || *enough;
}

static void rest(struct pipe_lines *p)
{
    ev_io_stop(p->loop, &p->io);
    ev_timer_set(&p->pause, p->rest, 0.);
    ev_timer_start(p->loop, &p->pause);
}

void pipe_lines_take(struct pipe_lines *p)
{
    char bytes[4096];
    bool enough = false;
    for (int i = 0; p->fd >= 0 && !ev_is_active(&p->pause); i++) {
        if (enough || i == READS) {
            rest(p);
            return;
        }
        ssize_t n = read(p->fd, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (n <= 0) {
            pipe_lines_close(p);
            return;
        }
        for (ssize_t at = 0; at < n; at++) {
            if (bytes[at] == '\n' || p->len == sizeof p->text) {
                end_line(p, &enough);
            }
            if (bytes[at] != '\n' && bytes[at] != '\0') {
                p->text[p->len++] = bytes[at];
            }
        }
    }
}

void pipe_lines_close(struct pipe_lines *p)
{
    bool ignored = false;
    if (p->fd < 0) {
        return;
    }
    ev_io_stop(p->loop, &p->io);
    ev_timer_stop(p->loop, &p->pause);
    close(p->fd);
    p->fd = -1;
    if (p->len > 0) {
        end_line(p, &ignored);
    }
}

static void take(struct pipe_lines *p)
{
    pipe_lines_take(p);
    if (p->read_some != NULL) {
        p->read_some(p);
    }
}

static void on_io(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)events;
    take(w->data);
}

static void on_pause(struct ev_loop *loop, ev_timer *w, int events)
{
    struct pipe_lines *p = w->data;
    (void)events;
    ev_io_start(loop, &p->io);
    take(p);
}

void pipe_lines_open(struct pipe_lines *p, struct ev_loop *loop, int fd, pipe_lines_line *line,
                     pipe_lines_read_some *read_some, void *owner)
{
    memset(p, 0, sizeof *p);
    p->fd = fd;
    p->rest = REST;
    p->owner = owner;
    p->loop = loop;
    p->line = line;
    p->read_some = read_some;
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    /* Nobody writes here; but libev takes the pipe's end for both, and would ask the kernel for less each time. */
    ev_io_init(&p->io, on_io, fd, EV_READ | EV_WRITE);
    ev_timer_init(&p->pause, on_pause, 0., 0.);
    p->io.data = p->pause.data = p;
    ev_io_start(loop, &p->io);
}
