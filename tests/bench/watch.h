/*
 * What processes cost: processor time and memory, as the kernel counts them.
 *
 * Time is /proc/PID/task/TID/schedstat, in nanoseconds, user and system together and of all threads;
 * memory is PSS (shared pages divided among those that share them).
 */
#ifndef BENCH_WATCH_H
#define BENCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WATCH_MAX 16

struct watch {
    unsigned count;
    struct {
        pid_t pid;
        char name[32];
        uint64_t ns_before;
        uint64_t ns;        /* between begin and end */
        uint64_t kb_before;
        uint64_t kb;        /* at the end */
    } of[WATCH_MAX];
};

/* "NAME=PID"; false: not of that form, or too many. */
bool watch_add(struct watch *w, const char *word);
void watch_begin(struct watch *w);
/* Until they have finished what they have begun (updown scripts), but no longer than half a minute. */
void watch_until_quiet(const struct watch *w);
void watch_end(struct watch *w); /* time */
void watch_memory(struct watch *w);
uint64_t watch_clock_ns(void); /* monotonic */

#endif
