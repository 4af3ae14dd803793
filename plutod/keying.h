/*
 * The core of the supervisor: connections, exchanges, routing, and what to order whom.
 *
 * Pure: events in (records, requests of whack, a script's end, the clock), effects out (records
 * appended to the buffers of the tools, and the calls in struct keying_hooks). It does no I/O, reads
 * no clock and draws no randomness, so a test drives it with buffers. Its parts:
 *
 *   conn.h      connections and their instances; orient.h  which end is ours; choose.h  which fits
 *   index.h     finding them, however many there are
 *   name.h      their identities; public_keys.h  identities' public keys
 *   xchg.h      exchanges: negotiations and the SAs that they made, by number, serial and SPI
 *   orders.h    the records that it sends
 *   initiate.h  our negotiations; respond.h  the peer's; ends.h  how both and their SAs end
 *   methods.h   by which methods they can be carried out, as far as there are secrets and keys
 *   anew.h      negotiations under which a process of ours died
 *   shorten.h   lives that a peer wants shorter
 *   foreign.h   what other programs did to SAs and policies in the kernel
 *   renew.h     ISAKMP SAs in place of those that died with a process
 *   routing.h   eroutes, routes, and when which updown script runs
 *   resolve.h   names of hosts in ipsec.secrets; peer_name.h  of connections' peers
 *   journal.h   what happened lately
 *   requests.h  what whack wants; status.h  what whack is shown
 *
 * Not for: key material (it never sees any) and packets (nor those).
 */
#ifndef PLUTOD_KEYING_H
#define PLUTOD_KEYING_H

#include "agenda.h"

#include "address.h"
#include "buffer.h"
#include "identity.h"
#include "bounds.h"
#include "counters.h"
#include "line_limit.h"
#include "log.h"
#include "record.h"
#include "reply.h"

#include <stdarg.h>

struct conn;
struct xchg;
struct kin;
struct name;
struct key_owner;
struct eroute;
struct route;
struct script_job;
struct journal;
struct event;
struct resolving;
struct peer_query;

/* A process of ours, as --status shows it; the first one is plutod itself. */
struct process_view {
    const char *tool;       /* static */
    uint32_t worker;        /* of secrets; 0: of another tool */
    bool current;           /* gets new work; else it goes when its exchanges have ended */
    int pid;                /* 0: not running, it is begun again soon */
    uint64_t since;         /* seconds that it runs, or that it is dead */
    unsigned restarts;      /* how often it was begun again */
    size_t queued;          /* bytes in its channel that wait in plutod */
    size_t unread;          /* memory of what waits in the kernel for it to be read */
};

/* A passphrase that a person is being asked for, as --status shows it. */
struct question_view {
    uint64_t number;
    const char *file;       /* borrowed: the key file */
    unsigned wrong;         /* passphrases that were typed for it */
    uint64_t since;         /* seconds that it is open */
};

/* `client` is the number of a whack that waits; 0: nobody does. Unknown ones are ignored. */
struct keying_hooks {
    void *context;
    /* peer: whose file of his own the line goes to as well [P6]; NULL: nobody's */
    void (*log)(void *context, enum log_level level, const struct address *peer, const char *prefix,
                const char *text);
    void (*say)(void *context, uint64_t client, const char *line); /* "NNN text", no newline */
    void (*hold)(void *context, uint64_t client);       /* keep the channel: a request goes on */
    void (*release)(void *context, uint64_t client);    /* one hold less */
    bool (*is_there)(void *context, uint64_t client);   /* else it has gone, and nobody waits any more */
    void (*script)(void *context, struct script_job *job); /* takes the job; answers script_done */
    void (*idle)(void *context, uint32_t worker);       /* an old worker has no exchange left */
    void (*need_dnskey)(void *context);                 /* it is to run: keying_dnskey_up */
    void (*end_dnskey)(void *context, const char *why); /* it cannot be relied on: keying_dnskey_down, and a new one */
    /* For --status: */
    void (*json)(void *context, uint64_t client, const char *text); /* a line of JSON, no newline */
    bool (*process)(void *context, unsigned place, struct process_view *view); /* false: no more */
    bool (*question)(void *context, struct question_view *view); /* false: none is open */
};

enum worker_grade {
    WORKER_READS,           /* what it reads, or asks for, is not in use yet */
    WORKER_LACKS,           /* a key, whose passphrase did not come */
    WORKER_READY            /* it has all secrets */
};

struct keying_worker {
    uint32_t number;
    struct buffer *out;     /* borrowed: what the worker is sent; NULL: it is gone */
    bool current;           /* its generation was not replaced: gets new exchanges */
    enum worker_grade grade; /* one of a lower grade is picked where there is no other */
    unsigned exchanges;     /* Main Modes and ISAKMP SAs that it holds */
    unsigned names;         /* of hosts that it has asked for (resolve.h) */
    uint64_t suspect;       /* until then it is thought to be dead, and gets nothing to do */
};

struct interface {          /* one address that we listen on */
    struct address address;
    uint16_t port;
    char name[16];
};

/* A request of ours that a tool has not answered yet. */
enum pending_kind { PENDING_ACCEPT, PENDING_DELETE, PENDING_SCRIPT, PENDING_SAMPLE, PENDING_FLUSH,
                    PENDING_UPDATE, PENDING_LOOKUP, PENDING_SECRET, PENDING_PRIVATE_KEY,
                    PENDING_METHOD_PSK, PENDING_METHOD_RSASIG, PENDING_KNOW };

struct pending;

struct keying_settings {
    uint32_t epoch;         /* of this plutod: the upper half of exchange numbers */
    int64_t started;        /* seconds since 1970, UTC */
    uint16_t ikeport;
    bool uniqueids;
    bool peer_files;        /* --perpeerlog: whoever may have one is told to the hook `log` */
    const struct identity *myid; /* borrowed; NULL: nobody has said who %myid is */
    const char *updown;     /* the default script's path; borrowed */
    const char *interfaces; /* borrowed: no others are listened on; NULL or "": on all */
};

/* Because of whom something is done: he who asks by whack may have as many lines as he likes. */
enum keying_turn { TURN_OTHERS, TURN_NEGOTIATOR, TURN_WHACK };

/* Names of hosts that secrets wants resolved (resolve.h). */
struct resolve {
    struct buffer *dnskey;  /* borrowed; NULL: not running */
    struct resolving *names; /* owned, by name */
    struct resolving *queued; /* of them, those that dnskey is still to be asked for, */
    struct resolving *asked; /* and those that it is at */
    unsigned asked_count;
    unsigned window;        /* at most so many */
    uint64_t reading;       /* of ipsec.secrets, the newest */
    bool late;              /* it does not wait for better than what was known before */
    uint64_t client;        /* the whack that waits for it; 0: none */
    unsigned said;          /* lines of this reading: names that wait, */
    unsigned said_old;      /* and those that stand for what they stood for before */
    struct agenda_item patience; /* with dnskey, for the oldest of them */
};

/* Names of hosts of connections (peer_name.h), which the same dnskey is asked for. */
struct peer_names {
    struct peer_query *open; /* owned; the oldest first */
    unsigned asked;         /* those that dnskey is at */
};

struct keying {
    struct keying_settings settings;
    struct keying_hooks hooks;
    const struct identity *own_myid; /* owned: what whack --myid said; NULL: nothing */
    uint64_t now;           /* milliseconds; set by the owner before each event */
    int64_t wall;           /* seconds of the time of day, for people; set likewise */

    struct buffer *negotiator; /* borrowed; NULL: not running */
    struct buffer *kernel;
    bool kernel_was;        /* it ran once: there may be something of ours in the kernel */
    struct agenda_item unsuspect; /* a worker is not dead after all */
    struct agenda_item permits; /* to a new kernel-sa: some are still to be sent */
    uint64_t permitted;     /* exchange number of the last one that was */
    struct keying_worker workers[WORKERS_MAX];
    unsigned worker_count;
    uint32_t reading;       /* of ipsec.secrets: what was said of another one counts no more (methods.h) */

    bool listening;
    struct interface *interfaces; /* owned */
    size_t interface_count;

    struct conn *conns;     /* by name, in order of adding */
    struct kin *kins;       /* roots of trees (index.h): by who the two are, */
    struct conn *by_hosts;  /* by the hosts' addresses, */
    struct conn *by_all;    /* by clients and the peer, */
    struct conn *by_reqid;
    uint64_t next_order;
    struct name *names;     /* identities (name.h) */
    struct key_owner *public_keys; /* root of a tree (public_keys.h) */
    size_t public_key_bytes; /* that these take */
    struct conn *stale;     /* instances that may have lost their last exchange */
    uint32_t next_reqid;

    struct xchg *exchanges; /* by number */
    struct xchg *serials;   /* by serial number */
    struct xchg *spis;      /* IPsec SAs by the peer's SPI and address */
    struct xchg *waiting;   /* those that a whack waits for: few, as whacks are */
    uint32_t next_exchange;
    bool numbers_gone;      /* that was said */
    unsigned half_open;     /* responders' Main Modes that are not finished */
    uint64_t next_serial;

    struct eroute *eroutes;
    struct eroute *underway; /* those with scripts to come */
    struct route *routes;
    struct route *scripted; /* those that are being made */

    struct pending *pending;
    uint64_t next_id;
    struct resolve resolve;
    struct peer_names peer_names;

    struct agenda agenda;
    uint64_t next_renewal;  /* of ISAKMP SAs, and of IPsec SAs that were deleted: none begins before it */
    struct line_limit rubbish;   /* lines about packets of those who have proved nothing, */
    struct line_limit strangers; /* and about their negotiations */
    enum keying_turn turn;
    bool words;             /* the text at hand is ike-negotiate's own */
    struct line_bucket reported[3]; /* lines of its words: about no exchange, strangers', connections */
    struct line_bucket known; /* lines about negotiations and SAs of all connections */
    unsigned classes;       /* debug classes, mask of enum debug_class */
    unsigned debugged;      /* connections that have some of their own */
    struct counters counters;
    struct explanation *explanations; /* that wait for answers of secrets (explain.h) */
    struct status_report *reports; /* to whacks that are being shown the status (status.h) */
    unsigned samples;       /* that kernel-sa was asked for and has not answered */
    struct journal *journal; /* of what is about no connection (journal.h) */
    struct event *events;   /* of all journals, in order */
    size_t event_bytes;
    uint64_t event_count;   /* that there ever were */
    struct line_bucket noted; /* events that are cheap to cause */
    bool stopping;
};

void keying_init(struct keying *k, const struct keying_settings *settings,
                 const struct keying_hooks *hooks);
void keying_free(struct keying *k);

/* The clock: what is due is done. The next time it is wanted: agenda_next(&k->agenda). */
void keying_tick(struct keying *k);

/* Records of the tools. False: the record breaks the rules; *why says how (static text). */
bool keying_from_negotiator(struct keying *k, const struct record *r, const char **why);
bool keying_from_secrets(struct keying *k, uint32_t worker, const struct record *r,
                         const char **why);
bool keying_from_kernel(struct keying *k, const struct record *r, const char **why);
/* failed: how its script did; NULL: it ended well. */
void keying_script_done(struct keying *k, uint64_t id, const char *failed);

/* The tools' lives. Each start comes before the first record to that tool. */
void keying_negotiator_up(struct keying *k, struct buffer *out);
void keying_negotiator_down(struct keying *k);
void keying_kernel_up(struct keying *k, struct buffer *out);
void keying_kernel_down(struct keying *k);
bool keying_worker_up(struct keying *k, uint32_t number, struct buffer *out);
void keying_worker_down(struct keying *k, uint32_t number);
void keying_worker_ready(struct keying *k, uint32_t number, enum worker_grade grade);
void keying_worker_old(struct keying *k, uint32_t number); /* it gets no new exchange */
/* Workers that have read all may have more, or less, than they had: nothing that they said of it counts any more. */
void keying_secrets_changed(struct keying *k);

/* Takes the list (malloc'ed, owned from then on): orients every connection anew. */
void keying_interfaces(struct keying *k, struct interface *list, size_t count, bool by_itself);
/* Who %myid is from now on; connections that name it are oriented anew. False: no memory. */
bool keying_myid(struct keying *k, const struct identity *id);
/* Why we cannot hear peers and begin nothing: static text. NULL: we can. */
const char *keying_deaf(const struct keying *k);
void keying_unlisten(struct keying *k); /* SAs go on; nothing is begun */

/* Ends everything: peers and kernel are told, scripts run. Stopped: nothing is waited for. */
void keying_stop(struct keying *k);
/* Nothing more is begun; SAs, policies and routes stay as they are, for the next plutod [P8]. */
void keying_leave(struct keying *k);
bool keying_stopped(const struct keying *k);

/* ---- for the parts of the core ---- */

struct keying_worker *keying_worker(struct keying *k, uint32_t number); /* NULL: not running */
bool keying_worker_works(struct keying *k, uint32_t number); /* it runs, for all that we hear */
struct keying_worker *keying_pick_worker(struct keying *k);             /* NULL: none */

/* Remembers a request, and holds the client; returns its id. 0: no memory. */
uint64_t keying_ask(struct keying *k, enum pending_kind kind, uint64_t exchange, uint64_t client);
/* The same, asked of one worker of secrets: nobody else may answer it. */
uint64_t keying_ask_worker(struct keying *k, enum pending_kind kind, uint64_t exchange,
                           uint32_t worker, uint64_t client);
uint64_t keying_client_of(const struct keying *k, uint64_t id); /* who waits for that answer; 0: nobody */
/* Who waits for such an answer of a tool that has died is told. */
void keying_tell_pending(struct keying *k, enum pending_kind kind, uint32_t worker, const char *text);
/*
 * The answer came (or never will): releases the client. worker: whose it is; 0: of another tool.
 * False: nothing like that was asked of it.
 */
bool keying_answered(struct keying *k, uint64_t id, enum pending_kind kind, uint32_t worker,
                     uint64_t *exchange);
void keying_drop_pending(struct keying *k, enum pending_kind kind, uint32_t worker);
/* What it has not answered, and was asked first: of which kind, and about what. False: nothing. */
bool keying_oldest(const struct keying *k, uint32_t worker, enum pending_kind *kind, uint64_t *exchange);
/* One of these that it has not answered; 0: none. */
uint64_t keying_unanswered(const struct keying *k, enum pending_kind kind, uint32_t worker);
/* Keeps the record that asked (takes it, and may be called once for an id). */
void keying_keep(struct keying *k, uint64_t id, struct buffer *record);
/* kernel-sa has died: who waits for it is released; what was kept is said again to the next one. */
void keying_release_kept(struct keying *k);
void keying_repeat(struct keying *k, struct buffer *out);
bool keying_waits(const struct keying *k, enum pending_kind kind);

/* Debug classes that the tools are to have: those of all, and those that connections have of their own. */
unsigned keying_classes(const struct keying *k);
/* Those that are in force when c (may be NULL) is at work. */
unsigned keying_classes_of(const struct keying *k, const struct conn *c);
/* And when anything between these hosts is; family 0: on whichever of ours. */
unsigned keying_classes_between(struct keying *k, const struct address *ours, const struct address *peer);

/* A reply line for the whack that waits. */
__attribute__((format(printf, 4, 5)))
void keying_say(struct keying *k, uint64_t client, unsigned code, const char *format, ...);
/*
 * A line as it is, about that peer (NULL: about none). What ike-negotiate causes by its records is
 * bounded: it could be anybody's by now, and fill the disk.
 */
void keying_line(struct keying *k, enum log_level level, const struct address *peer, const char *prefix,
                 const char *text);
/* May a line be written that somebody at this address causes, who has proved nothing? */
bool keying_may_log(struct keying *k, struct line_limit *limit, const struct address *remote);
/*
 * A line about an exchange (NULL: about none) for the log, with its prefix [P5]. Where the peer has
 * begun it and has proved nothing, there are so many and no more.
 */
__attribute__((format(printf, 4, 5)))
void keying_log(struct keying *k, enum log_level level, const struct xchg *x, const char *format, ...);
/* Debug lines, where this class is in force when the connection is at work. */
__attribute__((format(printf, 4, 5)))
void keying_debug(struct keying *k, enum debug_class class, const struct xchg *x, const char *format, ...);
__attribute__((format(printf, 4, 5)))
void keying_debug_conn(struct keying *k, enum debug_class class, const struct conn *c, const char *format, ...);
/* About an ISAKMP SA, or IPsec SAs, because of what their peer said: 16 a minute for each. */
__attribute__((format(printf, 3, 4)))
void keying_log_heard(struct keying *k, struct xchg *x, const char *format, ...);
/* The same for the log and, with `code`, for the whack that waits for the exchange. */
__attribute__((format(printf, 4, 5)))
void keying_tell(struct keying *k, const struct xchg *x, unsigned code, const char *format, ...);
/*
 * Events: lines for the log that are kept for whack --events, too (journal.h). About an exchange; for
 * the whack that waits for it, too; about a connection.
 */
__attribute__((format(printf, 3, 4)))
void keying_event(struct keying *k, const struct xchg *x, const char *format, ...);
__attribute__((format(printf, 4, 5)))
void keying_event_tell(struct keying *k, const struct xchg *x, unsigned code, const char *format, ...);
/* As the second one, at the level that is for what needs a person. */
__attribute__((format(printf, 4, 5)))
void keying_event_serious(struct keying *k, const struct xchg *x, unsigned code, const char *format, ...);
__attribute__((format(printf, 3, 4)))
void keying_event_conn(struct keying *k, struct conn *c, const char *format, ...);
/* Only kept, as somebody else writes the line. x: NULL: about no exchange. */
__attribute__((format(printf, 3, 4)))
void keying_note(struct keying *k, const struct xchg *x, const char *format, ...);
/*
 * The same of what a peer asked for in vain, which he may do as often as he likes: it pushes out little else. c: of
 * an exchange its connection; NULL: about none.
 */
__attribute__((format(printf, 4, 5)))
void keying_note_refused(struct keying *k, const struct xchg *x, struct conn *c, const char *format, ...);

/* A line of plutod's own, about no exchange: for the log, as an event, and for a whack that waits (client; 0: none). */
__attribute__((format(printf, 4, 5)))
void keying_announce(struct keying *k, enum log_level level, uint64_t client, const char *format, ...);

__attribute__((format(printf, 4, 5)))
void keying_log_conn(struct keying *k, enum log_level level, const struct conn *c,
                     const char *format, ...);

#endif
