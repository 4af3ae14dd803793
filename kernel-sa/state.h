/*
 * What the core knows; shared by the files that make it up.
 *
 * Not for anybody else: core.h is the interface.
 */
#ifndef KERNEL_SA_STATE_H
#define KERNEL_SA_STATE_H

#include "core.h"

#include "lib/bounds.h"
#include "lib/line_limit.h"
#include "lib/log.h"

#include <uthash.h>

#define SPIS_MAX 4096        /* given out and not used yet; the oldest go first */
#define RANDOM_MAX 512       /* words in stock: the largest block of SPIs twice over */
#define PARKED_MAX 1024      /* exchanges that nobody permitted (yet) */
#define REPLAY_DEFAULT 32u
#define WHY_MAX 1024
#define SAID_BURST 20u       /* log lines of a level at once; then one each SAID_EVERY: 8,640 a day */
#define SAID_EVERY 10000u
#define SPI_NOT_GIVEN "spi-in was not given out by `spis`, or is used already"

enum side { SIDE_IN, SIDE_OUT, SIDE_COUNT };

/* ---- the parts of an exchange ---- */

struct permit {
    char *connection;       /* owned */
    struct address our_host;
    struct address peer_host;
    struct subnet our_client;
    struct subnet peer_client;
    char *esp;              /* owned: the proposals' text */
    bool tunnel;            /* allowed */
    bool transport;         /* allowed */
    bool policies;
    uint32_t life;
    uint32_t reqid;
    uint32_t replay;
    enum again again; /* what plutod knows of it from the time of a kernel-sa before this one */
};

struct keys {
    struct esp_suite suite;
    uint32_t spi[SIDE_COUNT];
    uint8_t key_len;
    uint8_t auth_len;
    uint8_t key[SIDE_COUNT][SA_KEY_MAX];
    uint8_t auth[SIDE_COUNT][SA_AUTH_MAX];
};

struct install {
    struct esp_suite suite;
    bool transport;
    bool activate;
    uint32_t spi[SIDE_COUNT];
    struct address our_host;
    struct address peer_host;
    struct subnet our_client;
    struct subnet peer_client;
    uint32_t life;
};

enum stage {
    STAGE_OPEN,     /* something is missing */
    STAGE_HELD,     /* inbound is in the kernel, outbound waits for `activate` */
    STAGE_UP,
    STAGE_REFUSED   /* it came to nothing; only plutod can end it */
};

struct policy_entry;

struct exchange {
    uint64_t number;
    enum stage stage;
    uint64_t deadline;          /* 0: none */
    bool permitted;
    bool asked;
    bool parked;                /* counted as such: it came without permit */
    bool adopted;               /* found in the kernel */
    bool superseded;            /* an orphan in whose place others are: goes at its deadline */
    bool answer_due;            /* ike-negotiate waits for the answer to ask_id */
    bool activate_due;          /* ike-negotiate waits for the answer to activate_id */
    bool keys_due;              /* worker keys_worker waits for the answer to keys_id */
    bool given;                 /* its inbound SPI was given out here */
    bool told_soft;
    bool told_hard;
    bool robbed;                /* what was held back has lost its inbound SA: goes at its deadline */
    uint64_t ask_id;
    uint32_t life;              /* in force: install.life, or what an update made of it */
    uint64_t activate_id;
    uint64_t keys_id;
    uint64_t keys_worker;
    struct permit permit;
    struct keys *keys;          /* owned, wiped; NULL: not come, or used up */
    struct install install;
    bool sa_here[SIDE_COUNT];   /* in the kernel, as far as we know */
    struct policy_entry *policy[WAY_COUNT];     /* the ones it holds */
    bool policy_before[WAY_COUNT];              /* it was there before this exchange */
    struct kernel_policy *before[WAY_COUNT];    /* and like this; owned; NULL: not, or no memory */
    UT_hash_handle hh;
};

/* ---- policies of ours in the kernel ---- */

struct policy_key {
    uint8_t bytes[36]; /* way, and both subnets */
};

struct policy_entry {
    struct policy_key key;
    struct kernel_policy policy; /* as the kernel has it */
    uint32_t reqid;              /* of the connection it belongs to; 0: not known (adopted) */
    unsigned refs;               /* exchanges that hold it */
    unsigned orphans;            /* orphans.c: those of them that plutod does not know */
    bool standing;               /* plutod wants it whatever becomes of exchanges */
    bool leaving;                /* the last one who let go of it wanted it removed */
    /* others.c */
    bool doubt;                  /* another program did something to it: is it still there? */
    bool missing;                /* it is not, and is put back when that is due */
    bool refused;                /* and the kernel did not take it, last */
    bool told_missing;           /* plutod believes so */
    unsigned restores;           /* how often it was put back, since it was quiet for long */
    uint64_t restored_at;
    UT_hash_handle hh;
};

struct policy_entry *policy_find(struct policy_entry *table, const struct kernel_policy *like);
/* NULL: no memory. */
struct policy_entry *policy_add(struct policy_entry **table, const struct kernel_policy *p,
                                uint32_t reqid);
void policy_remove(struct policy_entry **table, struct policy_entry *e);
/* The policies that an exchange with these terms needs, by way; false: none in that way. */
bool policy_for_exchange(struct kernel_policy *p, const struct exchange *x, enum way way);

/* ---- SPIs ---- */

struct spi {
    uint32_t spi;
    UT_hash_handle hh;
};

struct spis {
    struct spi *given; /* hash by spi, the oldest first; owned */
};

bool spis_known(const struct spis *s, uint32_t spi);
bool spis_add(struct spis *s, uint32_t spi);  /* false: no memory */
bool spis_take(struct spis *s, uint32_t spi); /* false: not given out, or used before */
void spis_free(struct spis *s);

/* ---- the job at hand ---- */

enum job_kind { JOB_NONE, JOB_INSTALL, JOB_ACTIVATE, JOB_REMOVE, JOB_POLICY, JOB_SAMPLE,
                JOB_FLUSH, JOB_ADOPT, JOB_CHECK, JOB_UPDATE,
                JOB_LOOKUP };

/* How far one SA or policy is on its way into the kernel. */
enum phase { PHASE_FIRST, PHASE_LOOKING, PHASE_CLEARING, PHASE_AGAIN };

struct job {
    enum job_kind kind;
    bool waiting;                   /* for the result of `request` */
    struct kernel_request request;
    struct exchange *exchange;
    unsigned step;
    enum phase phase;
    /* Whom to tell in the end. */
    enum verb re;                   /* V_NONE: nobody */
    uint64_t id;
    bool failed;
    char why[WHY_MAX];
    /* place_policy: what was there before */
    bool was_here;
    struct kernel_policy was_like;
    /* JOB_REMOVE */
    bool policies;                  /* those go too */
    bool undo;                      /* as if it had never been (JOB_POLICY has this too) */
    bool forget;                    /* then drop the exchange itself */
    struct policy_entry *entry;     /* the policy that the request is about */
    /* JOB_POLICY */
    struct kernel_policy want[WAY_COUNT];
    bool wanted[WAY_COUNT];         /* else that way's policy goes, if nothing holds it */
    bool done[WAY_COUNT];           /* placed by this job */
    bool was[WAY_COUNT];            /* there before */
    bool was_standing[WAY_COUNT];
    struct kernel_policy before[WAY_COUNT];
    uint32_t reqid;
    /* JOB_SAMPLE */
    uint64_t bytes[SIDE_COUNT];
    uint64_t packets[SIDE_COUNT];
    /* JOB_UPDATE */
    uint32_t life_before;
    unsigned changed;
    /* JOB_CHECK; `entry` is the policy at hand */
    unsigned back;                  /* policies that were put back, */
    unsigned first_time;            /* of them those that nobody had touched before, */
    struct kernel_policy one;       /* and one of these */
    /* JOB_LOOKUP */
    struct address from;
    struct address to;
    enum way way;
    bool caught;
    struct kernel_policy by;        /* the best so far */
    bool sub_caught;                /* by a policy of type sub: */
    struct kernel_policy sub;
    enum standard standard;         /* where nothing catches it */
    bool carried;
    struct kernel_sa sa;            /* likewise; without keys */
    unsigned others;
    struct buffer others_text;
    /* JOB_FLUSH: what LIST found; done from the end */
    struct kernel_request *todo;    /* owned */
    size_t todo_count;
    size_t todo_cap;
};

struct worker {
    uint64_t number;
    struct buffer *out;             /* NULL: free place */
};

struct core {
    enum maker maker;
    uint64_t now;
    struct buffer *out[PEER_COUNT]; /* of secrets: the worker whose record is at hand */
    struct worker workers[WORKERS_MAX];
    uint64_t worker;                /* that one's number */
    struct exchange *exchanges;
    uint64_t soonest;               /* no deadline is before it; 0: there is none */
    uint64_t look_at;               /* JOB_CHECK is due then; 0: it is not */
    bool doubt_sas;                 /* it looks at every SA, too */
    size_t parked;                  /* exchanges without permit */
    struct policy_entry *policies;
    struct spis spis;
    uint32_t random[RANDOM_MAX];
    size_t random_count;
    struct job job;
    struct line_bucket said[2];     /* lines: of what goes on, and serious ones */
};

/* ---- core.c, events.c ---- */

struct exchange *exchange_find(struct core *core, uint64_t number);
struct exchange *exchange_get(struct core *core, uint64_t number); /* makes it; NULL: no room */
void exchange_drop(struct core *core, struct exchange *x); /* wipes; its policies are released */
void exchange_set_deadline(struct core *core, struct exchange *x); /* GIVE_UP from now */
void exchange_wipe_keys(struct core *core, struct exchange *x); /* tells secrets: needed no more */
uint32_t core_word(struct core *core); /* random; SPIs and policy numbers */
void core_log(struct core *core, enum log_level level, uint64_t exchange, const char *text);
void core_answer(struct core *core, enum core_peer to, enum verb re, uint64_t id);
/* Tells the one who asked. */
void core_refuse(struct core *core, enum core_peer to, enum verb re, uint64_t id, const char *why);
/* The install that waits is refused; nothing of the exchange is kept but the permit. */
void exchange_refuse(struct core *core, struct exchange *x, const char *why);

/* ---- take.c: records about exchanges ---- */

void take_permit(struct core *core, const struct record *r);
void take_keys(struct core *core, const struct record *r);
void take_install(struct core *core, const struct record *r);
void take_activate(struct core *core, const struct record *r);
void take_delete(struct core *core, const struct record *r);

/* ---- check.c ---- */

/* Its inbound SPI was given out here, or by a kernel-sa before this one. */
bool exchange_spi_given(const struct core *core, const struct exchange *x);

/* Do permit, keys and request agree? False: `why` says which field does not, with both values. */
bool exchange_agrees(const struct core *core, const struct exchange *x, struct buffer *why);

/* ---- job.c ---- */

void job_start(struct core *core, enum job_kind kind, struct exchange *x, enum verb re,
               uint64_t id);
void job_run(struct core *core); /* until a request waits or the job is done */
/* The request at hand was refused, or is not possible: what was done is undone, then it ends. */
void job_fail(struct core *core, const struct kernel_result *result);
void job_fail_text(struct core *core, const char *why);
/* The next request; its other half is the caller's to fill in. */
struct kernel_policy *job_policy_request(struct core *core, enum kernel_verb verb);
struct kernel_sa *job_sa_request(struct core *core, enum kernel_verb verb,
                                 const struct exchange *x, enum side side);
bool job_not_there(const struct kernel_result *result);
/* Of the SAs of job.exchange the next one, from job.step on. False: no more of them. */
bool job_next_sa(struct core *core, enum kernel_verb verb);
/* The answer. False: the SA is gone, which is seen to, or the job has failed. */
bool job_sa_answered(struct core *core, const struct kernel_result *result);

/*
 * Each job: `next` sets the next request or gets on without one; false: nothing is left to do.
 * `result` takes what the kernel said. `end` tells who waits for it.
 */
bool install_next(struct core *core); /* install.c; JOB_ACTIVATE too */
void install_result(struct core *core, const struct kernel_result *result);
void install_end(struct core *core);
bool remove_next(struct core *core);
void remove_result(struct core *core, const struct kernel_result *result);
void remove_end(struct core *core);

/* ---- place.c ---- */

/*
 * Puts `want` into the kernel. False: it is there, and *e is its entry. True: a request waits, or
 * the job has failed.
 */
bool place_next(struct core *core, const struct kernel_policy *want, uint32_t reqid,
                struct policy_entry **e);
void place_result(struct core *core, const struct kernel_policy *want, uint32_t reqid,
                  const struct kernel_result *result);
/* What stands in the place of one that the job's request would add, as the kernel's refusal of that. */
struct kernel_result place_taken(struct core *core, const struct kernel_result *result);

void policy_start(struct core *core, const struct record *r);
bool policy_next(struct core *core);
void policy_result(struct core *core, const struct kernel_result *result);
void policy_end(struct core *core);

/* ---- orphans.c: what a plutod before this one left ---- */

bool orphan_is(const struct exchange *x);
void orphan_claimed(struct core *core, struct exchange *x); /* is about to be permitted */
/* policy_for_exchange, which spares the inbound SAs of orphans between the same clients. */
bool orphans_want(struct core *core, struct kernel_policy *p, const struct exchange *x,
                  enum way way);
/* x is up: those between the same clients go, a little later. */
void orphans_replaced(struct core *core, const struct exchange *x);
/* Those that hold e go now, and e with them, unless others hold it. */
void orphans_unwanted(struct core *core, struct policy_entry *e);
/* An orphan lets go of e. True: a request waits. */
bool orphan_release(struct core *core, struct policy_entry *e);

/* ---- update.c: the life of SAs that are there ---- */

void update_start(struct core *core, const struct record *r);
bool update_next(struct core *core);
void update_result(struct core *core, const struct kernel_result *result);
void update_end(struct core *core);

/* ---- others.c: what other programs did to what is ours ---- */

void others_event(struct core *core, const struct kernel_event *event);
/* x stood under a kernel-sa before this one: policies of it that were not found are missing. */
void others_took(struct core *core, struct exchange *x);
void others_placed(struct core *core, struct policy_entry *e); /* it is in the kernel, by another job */
/* Nothing is certain any more: all is looked at. */
void others_doubt_all(struct core *core);
bool check_next(struct core *core);
void check_result(struct core *core, const struct kernel_result *result);
void check_end(struct core *core);
/* The SA is not in the kernel: its life was over (the kernel said so), or it was deleted. */
void sa_gone(struct core *core, struct exchange *x, enum side side, bool expired);

/* ---- upkeep.c: sample, flush, adopt ---- */

void sample_start(struct core *core, const struct record *r);
bool sample_next(struct core *core);
void sample_result(struct core *core, const struct kernel_result *result);
void sample_end(struct core *core);
/* lookup.c: which policy and SA a packet meets */
void lookup_start(struct core *core, const struct record *r);
bool lookup_next(struct core *core);
void lookup_result(struct core *core, const struct kernel_result *result);
void lookup_end(struct core *core);
void lookup_found_policy(struct core *core, const struct kernel_policy *policy);
void lookup_found_sa(struct core *core, const struct kernel_sa *sa);

bool flush_next(struct core *core);
void flush_result(struct core *core, const struct kernel_result *result);
void flush_end(struct core *core);
bool adopt_next(struct core *core);
void adopt_result(struct core *core, const struct kernel_result *result);
void adopt_end(struct core *core);

#endif
