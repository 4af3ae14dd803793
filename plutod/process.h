/*
 * The process table: the tools, their channels, and their lives.
 *
 * A tool is forked and executed with its control channel on descriptor 3 and nothing else; the
 * rights that it runs with are its own sandbox's matter. Whenever one begins, new channels to each of
 * its peers are made and handed to both. One that ends is begun again: at once, or after a growing
 * pause when it ended soon after its beginning. One that does not read what it is told counts as dead:
 * no order is ever left out silently, and nobody waits for ever for one that stands still. Not for: what records mean (keying.h).
 */
#ifndef PLUTOD_PROCESS_H
#define PLUTOD_PROCESS_H

#include "channel.h"
#include "hand.h"
#include "line_limit.h"
#include "pipe_lines.h"
#include "question.h"

#include <ev.h>
#include <sys/types.h>

struct supervisor;
struct process_view;

struct process {
    struct supervisor *s;
    enum tool tool;
    uint32_t worker;        /* of secrets; never used twice */
    unsigned generation;    /* of secrets: how many times they were read */
    bool wanted;            /* begun again when it ends */
    bool loaded;            /* secrets: the file was read, or it ended before */
    bool deaf;              /* did not read: killed, and not yet reaped */
    bool idle;              /* secrets: to be told to go at the end of the turn */
    bool speaks;            /* secrets: what it says of its file is not what another one has said */
    unsigned names;         /* secrets: of hosts, that wait for their addresses */
    bool lacks;             /* secrets: a key, whose passphrase did not come; the others come first */
    struct locked_file *locked; /* owned; secrets: key files that wait for their passphrase (locked.h), */
    struct locked_file *opened; /* and those that have had it, which others may have from here */
    struct hand hand;       /* secrets: what it can have from others */
    uint64_t asked;         /* it tries the answer to a question; 0: none */
    uint64_t born;          /* the epoch of its channel: those to others have higher ones */
    pid_t pid;              /* 0: not running */
    bool reaped;            /* waited for: the pid may be somebody else's by now */
    struct channel *channel; /* NULL: not running */
    int bell;               /* rung when it is to read its channel now; -1: it waits on the channel */
    ev_io in;
    ev_io out;
    ev_child child;
    struct pipe_lines words; /* what it says on its stderr (process_stderr.c); not open: nothing comes */
    struct line_bucket words_limit;
    unsigned words_left_out;
    ev_timer again;
    ev_timer more;          /* ike-negotiate: its turn was over before all that it said was heard */
    uint64_t turn_until;    /* clock_ms: when it is over */
    ev_timer look;          /* does it read? */
    bool told;              /* something, since a look found all of it read */
    bool has_read;          /* something, since the last look */
    size_t unread;          /* at the last look, or after the last order since it */
    unsigned still;         /* looks at which something waited, and nothing had been read */
    ev_tstamp since;
    unsigned restarts;
    unsigned deaths;        /* soon after a beginning, one after the other */
    struct process *prev, *next;
};

struct counts {
    unsigned long long entries, errors;
};

/* What the workers of one generation, which all read the same, have found. */
struct reading {
    bool known;             /* one of them is loaded: */
    struct counts first;
    unsigned locked;        /* key files that wait for a passphrase */
    unsigned names;         /* of hosts, that are looked up */
    bool said;
    bool named;             /* one of them has an answer for each name */
    struct counts last;
    bool said_names;
    uint32_t speaker;       /* the worker whose errors whack was told, */
    unsigned told;          /* and how many */
};

struct processes {
    struct process *list;
    uint64_t epoch;         /* of the channel that was made last */
    uint32_t next_worker;
    unsigned generation;
    unsigned in_use;        /* the generation whose secrets are used: the one before, while the newest is read */
    struct reading reading; /* what the newest has read */
    bool names_late;        /* they take so long that they are not waited for any more */
    ev_timer names_timer;
    bool kept;              /* said that older ones stay in use, since none of the newest can be begun */
    uint64_t listen_client; /* whack that waits until the secrets are read */
    bool listen_told;       /* that one of those that read them has failed */
    struct question question;
    uint64_t passphrases;   /* requests about them, to workers */
};

/* ike-negotiate and kernel-sa. */
bool process_begin(struct supervisor *s);
/*
 * A new generation of secrets workers; the client is held until they have read the file, and every passphrase
 * that it is asked for has come or will not. Until then the one before has what is new to do: so no secret is
 * missing meanwhile, and nobody waits. If none of them can be begun, that stays so until one can, and the client goes.
 */
void process_new_secrets(struct supervisor *s, uint64_t client);
struct process *process_negotiator(struct supervisor *s); /* NULL: not running */
void process_idle(struct supervisor *s, uint32_t worker);
void process_need_dnskey(struct supervisor *s); /* begins it, if it has not been */
void process_end_dnskey(struct supervisor *s, const char *why);

/* The one at this place, from 0; false: there is none. */
bool process_view(const struct supervisor *s, unsigned place, struct process_view *view);

/* At the end of each turn: lets idle workers go, and whack, once the secrets are read. */
bool process_turn(struct supervisor *s); /* did it? */
void process_flush(struct supervisor *s); /* writes what waits */
bool process_unsent(struct supervisor *s);  /* is a channel still to be written to? */
void process_end_all(struct supervisor *s); /* closes every channel: they exit by themselves */
bool process_any(const struct supervisor *s); /* is any still running? */
void process_free(struct supervisor *s);

#endif
