/*
 * Lines out of a pipe into which another process writes what it likes: of bounded length, without NULs, and read
 * no faster than they are wanted. Not for: what is done with a line.
 */
#ifndef PLUTOD_PIPE_LINES_H
#define PLUTOD_PIPE_LINES_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#define PIPE_LINE 1000      /* bytes; a longer one becomes several */

struct pipe_lines;
/* A line, which may be empty. True: enough for now, nothing is read for a while. */
typedef bool pipe_lines_line(struct pipe_lines *p, const char *text, size_t len);
/* Something was read, or the end came (fd is -1): what p lies in may go now. */
typedef void pipe_lines_read_some(struct pipe_lines *p);

struct pipe_lines {
    int fd;                 /* -1: closed */
    double rest;            /* seconds that nothing is read after much at once; may be changed */
    void *owner;
    struct ev_loop *loop;
    pipe_lines_line *line;
    pipe_lines_read_some *read_some; /* NULL: nobody wants to know */
    ev_io io;
    ev_timer pause;         /* active: nothing is read */
    char text[PIPE_LINE];   /* the line at hand */
    size_t len;
};

/* Takes fd. */
void pipe_lines_open(struct pipe_lines *p, struct ev_loop *loop, int fd, pipe_lines_line *line,
                     pipe_lines_read_some *read_some, void *owner);
void pipe_lines_take(struct pipe_lines *p);  /* what is there, unless it rests; does not call read_some */
void pipe_lines_close(struct pipe_lines *p); /* a line without end is one, too; twice does no harm */

#endif
