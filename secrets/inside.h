/*
 * The inside of the core: what is known of each exchange, and how its steps are refused.
 *
 * Only for core.c, exchange.c, phase1.c, proof.c, signature.c, phase2.c.
 */
#ifndef SECRETS_INSIDE_H
#define SECRETS_INSIDE_H

#include "core.h"
#include "derive.h"
#include "line_limit.h"
#include "reply.h"

#include <uthash.h>

#define CANDIDATES_MAX 256u              /* connections announced for one exchange */
#define HALF_OPEN_KNOWN ((size_t)2 * HALF_OPEN_MAX) /* Main Modes that are not authenticated */
#define SA_BODIES_KNOWN ((size_t)2 * HALF_OPEN_BYTES) /* bytes of their SA payloads, for the same reason */
#define REFUSALS_MAX 16u                 /* failed requests of one exchange that may be mended */
#define QUICKS_PER_PARENT 4096u          /* Quick Modes under one SKEYID_d */
#define NONCES_USED_MAX ((size_t)3 * QUICKS_PER_PARENT)
#define NONCE_DIGEST 16
#define WHY_TEXT 4000
#define REQUEST_DIGEST 32


enum stage {
    STAGE_ANNOUNCED,
    STAGE_KEYED,        /* SKEYID* are made, the peer has proved nothing */
    STAGE_REFUSED,      /* his proof was wrong: this exchange is dead */
    STAGE_PROVED,       /* an identity that was not announced; waits for plutod's accept */
    STAGE_ACCEPTED,
    STAGE_AUTHENTICATED /* our own proof is out: KEYMAT may be made */
};

struct candidate { /* a connection that was announced */
    struct candidate *next;
    char *connection; /* owned */
    char *ike;        /* owned */
    struct identity ours;
    struct identity peer;
    unsigned methods; /* METHODS_... */
    unsigned classes; /* debug classes for it alone */
    bool whoever; /* no other connection could be meant: the peer's identity need not be asked about */
};

struct wait { /* for the keys by which a signature may be checked: plutod was asked for them */
    uint64_t asked;     /* the id of that question */
    struct exchange *exchange;
    UT_hash_handle hh;  /* in core->waits, by `asked` */
    uint64_t request;   /* the id of the negotiator's auth, and its digest */
    uint8_t digest[REQUEST_DIGEST];
    size_t body_len;
    uint8_t body[ID_BODY_MAX];
    size_t sig_len;
    uint8_t sig[];
};

struct half { /* what only a Main Mode that is not finished needs */
    struct dh *dh;  /* until g^xy is made */
    unsigned groups; /* mask of those drawn by now (initiator) */
    uint8_t nonce[NONCE_LEN];
    size_t ke_len;
    uint8_t ke[KE_MAX];
    uint8_t ke_peer[KE_MAX];
    uint8_t cky_i[COOKIE_LEN];
    uint8_t cky_r[COOKIE_LEN];
    size_t sa_len;
    uint8_t *sa_body; /* owned */
    uint8_t skeyid[HASH_MAX];
    enum method method;          /* that was agreed on */
    const struct secret *secret; /* the entry that was used: preshared, or our private key */
    struct wait *wait;           /* owned; NULL: nothing is asked */
    struct ike_suite suite; /* that the keys are for: plutod is told, so that nobody else need be believed */
};

struct main_mode {
    enum stage stage;
    unsigned candidate_count;
    struct candidate *candidates;   /* owned; gone once authenticated */
    struct candidate *chosen;       /* one of them; plutod's accept changes it */
    struct half *half;              /* owned; gone once authenticated */
    enum hash_id hash;
    uint8_t skeyid_d[HASH_MAX];
    const struct identity *peer;    /* owned (identity_dup), from STAGE_PROVED on */
    size_t nonces_used;             /* under SKEYID_d, ours, theirs and both in one string */
    size_t nonces_cap;
    uint8_t (*nonce_digest)[NONCE_DIGEST]; /* owned */
};

struct quick_mode {
    uint64_t parent;
    char *esp;          /* owned */
    char *pfs;          /* owned */
    bool pfs_required;  /* as responder too: no keys without a new g^xy */
    bool drawn;
    uint8_t nonce[NONCE_LEN];
    struct dh *dh;
    /*
     * The sa-keys, until kernel-sa says that it needs them no more: when it dies before both SAs are
     * in the kernel, the next one needs them again.
     */
    uint64_t keys_id;   /* their id; 0: there are none */
    struct buffer keys;
    struct exchange *exchange;
    UT_hash_handle hh;  /* in core->unacknowledged */
};

enum step { STEP_KE, STEP_KEYS, STEP_AUTH, STEP_FINISH, STEP_QUICK_KE, STEP_KEYMAT, STEP_COUNT };

struct answered { /* a request that was answered for good */
    struct answered *next;
    enum step step;
    uint8_t request[REQUEST_DIGEST];
    bool ok;
    size_t len;
    char text[]; /* what follows the id */
};

struct exchange {
    uint64_t number;
    UT_hash_handle hh;
    enum role role;
    unsigned classes;               /* debug classes that its connection has of its own */
    unsigned refusals;
    struct answered *answered;      /* owned */
    struct main_mode *main_mode;    /* exactly one of these two */
    struct quick_mode *quick_mode;
};

struct core {
    struct core_config config;
    struct core_out out;        /* of the record at hand */
    struct exchange *exchanges; /* table */
    size_t half_open;
    size_t sa_bytes;            /* of the SA payloads of Main Modes that are not finished */
    struct quick_mode *unacknowledged; /* table by keys_id */
    struct wait *waits;         /* table */
    uint64_t next_id;           /* of our requests to kernel-sa and plutod */
    struct buffer answer;       /* to the negotiator, under construction */
    char why[WHY_TEXT];
    unsigned notification;      /* that the peer should get; 0: none in particular */
    unsigned code;              /* for whack; 0: none in particular */
    uint64_t now;
    struct line_bucket accused; /* lines about what others do wrong */
    unsigned bads;              /* requests that were answered `bad` */
};

/* What became of a request. */
enum outcome {
    OUTCOME_OK,    /* c->answer holds it */
    OUTCOME_LATER, /* somebody was asked; the answer comes when he answers */
    OUTCOME_FAIL,  /* no, see c->why; nothing was changed */
    OUTCOME_FINAL, /* no, and this step may not be tried again */
    OUTCOME_BAD    /* an honest negotiator does not ask this */
};

/* RFC 2408, 3.14.1 */
enum { NOTIFY_INVALID_KEY_INFORMATION = 17, NOTIFY_INVALID_ID_INFORMATION = 18,
       NOTIFY_AUTHENTICATION_FAILED = 24 };

/* Fills c->why and returns `outcome`. */
enum outcome deny(struct core *c, enum outcome outcome, unsigned notification, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* ---- debug lines ---- */

/* For all exchanges, or (x, may be NULL) for this one because of its connection. */
bool debug_wants(const struct core *c, const struct exchange *x, unsigned classes);
/* A line about x, if it is wanted. */
void debug(const struct core *c, const struct exchange *x, unsigned classes, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- exchange.c ---- */

struct exchange *exchanges_find(const struct core *c, uint64_t number);
/* With main_mode or quick_mode as all zeros. NULL: bounds or memory; c->why says which. */
struct exchange *exchanges_new_main(struct core *c, uint64_t number, enum role role);
struct exchange *exchanges_new_quick(struct core *c, uint64_t number, enum role role);
void exchanges_free(struct core *c, struct exchange *x); /* wipes, takes it out of the table */
void candidates_free(struct main_mode *m);
void half_free(struct core *c, struct half *h); /* wipes; NULL is allowed */
/* NULL: no memory. */
struct candidate *candidate_add(struct main_mode *m, const char *connection, const char *ike,
                                unsigned methods, const struct identity *ours, const struct identity *peer);
struct candidate *candidate_find(const struct main_mode *m, const char *connection);
/*
 * Our proof is out: drops what was for the way there, the answer with SKEYID_a and SKEYID_e too:
 * whoever has proved the peer's identity to us has had it, and asks no more.
 */
void main_mode_finished(struct core *c, struct exchange *x);

/* Was this string a nonce (or nonces) under this SKEYID_d? Else remembers it. false: no room. */
bool nonce_known(const struct main_mode *m, struct part a, struct part b);
bool nonce_remember(struct main_mode *m, struct part a, struct part b);

void request_digest(const struct record *r, uint8_t digest[REQUEST_DIGEST]);
struct answered *answered_find(const struct exchange *x, enum step step);
bool answered_add(struct exchange *x, enum step step, const uint8_t request[REQUEST_DIGEST],
                  const struct buffer *answer);
void answered_drop(struct exchange *x, enum step step);

void keys_wait(struct core *c, struct exchange *x, uint64_t id);
struct exchange *keys_find(const struct core *c, uint64_t id);
void keys_done(struct core *c, struct exchange *x); /* wipes */

/* ---- phase1.c ---- */

void phase1_announce(struct core *c, const struct record *r);
enum outcome phase1_ke(struct core *c, struct exchange *x, const struct record *r);
enum outcome phase1_keys(struct core *c, struct exchange *x, const struct record *r);
/* The secret for these identities, or our private key. As store_find. */
const struct secret *secret_for(const struct core *c, enum method method, const struct identity *ours,
                                const struct identity *peer, const struct secret **other);
/*
 * There is none, but perhaps when a name of a host is looked up. plutod may know it already, and its answer be on the way: a
 * worker that was begun again is told of exchanges at once.
 */
bool secret_may_come(const struct core *c, enum method method, const struct identity *ours, const struct identity *peer);
/* There is none: OUTCOME_FAIL. */
enum outcome deny_secret(struct core *c, enum method method, const struct identity *our_id,
                         const struct identity *peer_id);
/* NULL, or why it can sign a HASH of none of these proposals. offered: of those that we make. */
const char *key_cannot_sign(const struct rsa_key *key, const char *ike, bool offered);
/* It cannot sign what it would have to. */
enum outcome deny_key(struct core *c, enum outcome outcome, const struct secret *s, const char *why);
/* What the HASHes cover, borrowed from the half; without nonces and g^xy. After keys. */
struct phase1_values phase1_view(const struct exchange *x);

/* ---- proof.c ---- */

/* Our identity, and our HASH or SIG. false: it cannot be signed, and c->why says why. */
bool proof_put(struct core *c, struct record_writer *w, const struct exchange *x);
/* HASH_I or HASH_R for this identity. */
void proof_hash(const struct exchange *x, bool of_initiator, struct part id_body, uint8_t hash[HASH_MAX]);
enum outcome proof_check(struct core *c, struct exchange *x, const struct record *r);
/* He is who he says: tells plutod, and answers the auth that has this id. */
enum outcome proof_succeeds(struct core *c, struct exchange *x, const struct identity *id, uint64_t request);
void proof_which_secret(struct core *c, const struct record *r); /* whack --explain wants to know */
void proof_accept(struct core *c, const struct record *r);
enum outcome proof_finish(struct core *c, struct exchange *x, const struct record *r);

/* ---- signature.c ---- */

/* Asks plutod by which keys the SIG of this auth may be checked: OUTCOME_LATER. */
enum outcome signature_ask(struct core *c, struct exchange *x, const struct identity *id, const struct record *r);
void signature_keys_came(struct core *c, const struct record *r); /* his answer */
void wait_free(struct core *c, struct exchange *x); /* wipes; there need be none */

/* ---- phase2.c ---- */

void phase2_announce(struct core *c, const struct record *r);
enum outcome phase2_ke(struct core *c, struct exchange *x, const struct record *r);
enum outcome phase2_keymat(struct core *c, struct exchange *x, const struct record *r);
void phase2_kernel_answer(struct core *c, const struct record *r);

/* ---- core.c ---- */

/* A line about something that others do wrong; of many in a short time only the first are shown. */
void accuse(struct core *c, uint64_t exchange, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Before c->answer is written; and to answer a request of the negotiator that had to wait. */
void answer_begin(struct core *c);
void answer_late(struct core *c, struct exchange *x, enum step step, uint64_t id,
                 const uint8_t digest[REQUEST_DIGEST], enum outcome outcome);

static inline struct part part_of(const struct record *r, enum key key)
{
    struct part p;
    p.bytes = record_bytes(r, key, &p.len);
    return p;
}

#endif
