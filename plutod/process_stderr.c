/*
 * What a tool says on its stderr: its last words before the sandbox, or when an assertion fails. Whoever
 * has taken a tool over can write there too, so it comes through a pipe and plutod writes it down:
 * escaped, under the tool's name, and so much and no more.
 */
#include "process_inside.h"

#define WORDS_AT_ONCE 20u   /* lines of one process, */
#define WORDS_REFILL 10000u /* and ms for each further one */

/* When there are too many, it may wait for us as long as it likes. */
static bool say(struct pipe_lines *words, const char *text, size_t len)
{
    struct process *p = words->owner;
    char name[48];
    uint64_t now = (uint64_t)(ev_now(p->s->loop) * 1000);
    if (len == 0) {
        return false;
    }
    if (!line_bucket_take(&p->words_limit, WORDS_REFILL, WORDS_AT_ONCE, now)) {
        p->words_left_out++;
        return true;
    }
    process_label(p, name);
    if (p->words_left_out > 0) {
        lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "%s: %u lines on its stderr were left out", name,
                    p->words_left_out);
        p->words_left_out = 0;
    }
    lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "%s says on its stderr: %.*s", name, (int)len, text);
    return false;
}

void process_hear(struct process *p, int fd)
{
    if (fd >= 0) {
        pipe_lines_open(&p->words, p->s->loop, fd, say, NULL, p);
    } else {
        p->words.fd = -1;
    }
}

void process_hear_last(struct process *p)
{
    if (p->words.fd >= 0) {
        ev_timer_stop(p->s->loop, &p->words.pause);
        pipe_lines_take(&p->words);
        pipe_lines_close(&p->words);
    }
}
