/*
 * Two hosts in one process with the cores of all four tools on each: plutod, ike-negotiate,
 * secrets, kernel-sa (in front of a kernel made of arrays), a virtual clock, and channels between
 * them that end and are made anew when a tool is killed.
 *
 * Everything happens in events: one record, datagram, timer or end of a channel handled by one
 * tool. A tool can be killed after any of them; plutod then starts it again. Not for: what only
 * one tool does (test_kernel_*.c, test_plutod_*.c, world.h).
 */
#ifndef TESTS_HOSTS_H
#define TESTS_HOSTS_H

#include "kernel_fake.h"

#include "ike-negotiate/ike.h"
#include "plutod/keying.h"
#include "secrets/core.h"

enum { P, N, S, K, TOOLS };

/* Who notices a death first. */
enum notice { PLUTOD_FIRST, OTHERS_FIRST, PLUTOD_LATE, NOTICES };

struct death {
    unsigned host;
    unsigned tool;      /* N, S or K */
    unsigned at;        /* after so many events since hosts_mark; 0: never */
    bool lost;          /* what it said in that event had not been written yet */
    enum notice notice;
};

struct line_queue {     /* from one tool toward another */
    struct buffer b;
    size_t old;         /* bytes at its head that a dead tool has sent */
};

struct hosts;

struct host {
    struct hosts *w;
    unsigned which;
    struct keying k;
    struct ike *ike;            /* NULL: dead */
    struct core *secrets;       /* NULL: dead */
    struct fake *kernel;
    bool kernel_runs;
    uint32_t worker;            /* number of the one that is or was */
    uint32_t worker_of[TOOLS];  /* the one that N, K have, or had, a channel to */
    struct store *store;
    struct log secrets_log;
    struct line_queue q[TOOLS][TOOLS];
    uint64_t epoch[TOOLS][TOOLS]; /* of the channel that the first has to the second; 0: none */
    uint64_t next_epoch;
    bool dead[TOOLS];           /* and plutod has not noticed yet */
    struct script_job *jobs[8];
    size_t job_count;
    struct buffer said;         /* lines to whack */
    struct buffer log;
    int holds;
};

struct datagram {
    struct path path;           /* as the receiver sees it */
    unsigned to;
    size_t len;
    uint8_t bytes[MESSAGE_MAX];
};

struct hosts {
    uint64_t now;
    struct host host[2];
    struct datagram queue[64];
    size_t queued;
    unsigned events;            /* since hosts_mark */
    struct death death;
    bool died;
    void (*look)(struct hosts *w); /* after each event; NULL: nothing */
    void *data;                 /* of the test */
};

/* Host 0 is 10.9.0.1, host 1 is 10.9.0.2; both run and listen, and share a secret. */
struct hosts *hosts_new(void);
void hosts_free(struct hosts *w);
/* A record of whack, to that host. */
void hosts_whack(struct hosts *w, unsigned host, const char *line);
void hosts_mark(struct hosts *w); /* counts events from here */
void hosts_settle(struct hosts *w); /* until nothing moves; the clock stands */
void hosts_pass(struct hosts *w, uint64_t ms);

#endif
