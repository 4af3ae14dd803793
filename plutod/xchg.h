/*
 * Exchanges: a Main Mode with the ISAKMP SA that it makes, or a Quick Mode with its pair of IPsec
 * SAs. A negotiation becomes the SA, under the same number and serial.
 *
 * The table finds them by number (records), by serial (people) and, IPsec SAs, by the peer's host
 * and SPI (his Deletes). Not for: what is done with them (initiate.h, respond.h, ends.h).
 */
#ifndef PLUTOD_XCHG_H
#define PLUTOD_XCHG_H

#include "conn.h"

/* Longer than a negotiation may take on either side [C3]: then one of our processes has lost it. */
#define HALF_OPEN_LIFE (2 * (uint64_t)GIVE_UP)

/* What a Main Mode of which a process died, or which was begun in between, waits for (anew.h, methods.h). */
enum waits {
    WAITS_NOT,
    WAITS_WORKER,  /* ike-negotiate has it */
    WAITS_ALL,     /* nobody has it yet */
    WAITS_METHODS  /* nor now: secrets is asked which secrets there are for it */
};

struct spi_key {
    struct address peer;
    uint8_t spi[4];         /* toward the peer: the one that he chose */
};

/* What a peer's first message was answered, and what ike-negotiate says that it took of that. */
struct offer {
    uint32_t chosen;        /* reqid of the connection that was named; 0: none yet */
    uint32_t proved;        /* of the one that secrets made keys for; 0: none yet */
    char proposal[104];     /* that was named */
    uint64_t id;            /* of the negotiator's question */
    size_t count;
    struct offered {        /* the connections */
        uint32_t reqid;
        unsigned methods;   /* places in the schema's `methods` (methods.h) */
    } of[];
};

/* Whose connection is it, by the identity that was proved? One after the other, secrets is asked. */
struct identify {
    uint64_t id;            /* of the negotiator's question */
    unsigned next;          /* which of the choices is tried next */
    uint32_t reqid;         /* of the one that secrets is asked about, */
    char choice[CONN_NAME]; /* and its name */
    char refused[400];      /* those that it was not, and why, for the line of the failure */
};

struct xchg {
    uint64_t number;        /* epoch in the upper 32 bits */
    uint64_t serial;
    bool quick;             /* a Quick Mode and its IPsec SAs; else Main Mode, ISAKMP SA */
    bool initiator;
    bool up;                /* the SAs stand */
    bool ending;            /* being taken down: nothing new under it */
    enum waits waits;
    unsigned state;         /* place of the word in the schema's `state` */
    bool stepped;           /* ike-negotiate has said a state of it */
    unsigned attempt;       /* how often it has sent the message of this state, last we heard */
    unsigned notifications; /* that whack was told */
    struct conn *conn;      /* NULL: a responder's Main Mode before `chosen` */
    uint32_t worker;        /* the secrets process that it sticks to */
    uint64_t client;        /* whack that waits for it; 0: none (xchg_wait, xchg_release) */
    char *notified;         /* what the peer said was wrong, last; owned; NULL: nothing */
    char *hint;             /* what else may be wrong, while it is not up; owned; NULL: nothing */
    bool hinted;            /* by a message that came, not by silence */
    bool refused;           /* it refused what we proposed */
    bool answered;          /* it said so under the protection of the ISAKMP SA */
    struct line_bucket heard; /* lines about what its peer says of SAs */
    uint64_t since;         /* when it began, later when it came up */
    uint64_t event_at;      /* while it is not up: our message is sent again, or given up */
    bool resends;           /* sent again */
    struct agenda_item life_end;
    uint32_t life;          /* seconds, what was negotiated and configured, the shorter */
    char *proposal;         /* of an ISAKMP SA: as secrets reported it; of IPsec SAs: kernel-sa; owned; NULL: no report */

    struct address local, remote;
    uint16_t local_port, remote_port;

    /* Main Mode, ISAKMP SA */
    struct kin *kin;        /* of its connection (index.h): there it is in a list */
    struct xchg *main_prev, *main_next;
    unsigned peers_open;    /* of the children: those that the peer has begun */
    struct xchg *children;  /* Quick Modes under it that are not finished, oldest first */
    bool half_open;         /* counted as such */
    struct offer *offer;    /* owned; a responder's until the ISAKMP SA stands, or NULL */
    unsigned methods;       /* an initiator's: that it proposes (methods.h) */
    uint32_t asked_reqid;   /* WAITS_METHODS: the connection that secrets was asked about, */
    uint32_t asked_reading; /* and k->reading at that time */
    bool contacted;         /* the peer has said once under it that it knows no other SA with us */
    bool used;              /* a Quick Mode was begun under it */
    bool renews;            /* takes the place of one that was lost (renew.h) */
    unsigned method;        /* place in the schema's `method` */
    const struct identity *peer_id; /* held (name.h); identity_any before the peer proved one */
    bool authenticated;
    bool matched;           /* the proved identity is the announced one, or was accepted */
    bool identified;        /* the negotiator's one question about it was answered */
    struct identify *identify; /* owned; NULL: the negotiator waits for no such answer */

    /* Quick Mode, IPsec SAs */
    uint64_t parent;        /* its number stays where it has gone */
    struct xchg *main;      /* the same, while it is there and this is not up */
    struct xchg *child_prev, *child_next;
    bool deferred;          /* waits in plutod until its parent is up and its group known */
    bool permitted;         /* kernel-sa knows of it */
    bool negotiated;        /* the negotiator reported its last state */
    unsigned mode;          /* place in the schema's `mode` */
    uint8_t spi_in[4];
    struct spi_key spi_out;
    bool in_spis;
    bool gone;              /* another program deleted its SAs in the kernel (foreign.h); then it is ending */
    bool ready;             /* routed and announced: whack was told */
    uint64_t bytes[2];      /* in, out: as last sampled */
    uint64_t packets[2];
    uint64_t counted;       /* when that was; 0: never */
    uint64_t answered_at;   /* the last sample, be it refused */
    bool asked;             /* for one, and there is no answer yet */

    struct xchg *prev, *next; /* of the connection */
    struct xchg *prev_waiting, *next_waiting; /* those with a client */
    UT_hash_handle hh;
    UT_hash_handle hh_serial;
    UT_hash_handle hh_spi;
};

bool xchg_has_room(const struct keying *k, const struct conn *conn); /* for one more of it */
/* Has ike-negotiate heard of this Main Mode? */
static inline bool xchg_is_told(const struct xchg *x)
{
    return x->waits == WAITS_NOT || x->waits == WAITS_WORKER;
}
/* NULL: no memory or too many. conn may be NULL. */
struct xchg *xchg_new(struct keying *k, struct conn *conn, bool quick, bool initiator);
/* A debug line of its lifecycle, once it is known who and where. Others: when it stands, and when it is freed. */
void xchg_say_begun(struct keying *k, const struct xchg *x);
void xchg_free(struct keying *k, struct xchg *x); /* tells nobody */
void xchg_set_half_open(struct keying *k, struct xchg *x, bool half_open);
void xchg_wait(struct keying *k, struct xchg *x, uint64_t client); /* holds it; 0: nobody waits */
void xchg_release(struct keying *k, struct xchg *x);
const char *xchg_method(const struct xchg *x); /* how its peer proved who it is, in words */
const char *xchg_proposal(const struct xchg *x); /* "": none was reported yet */
struct xchg *xchg_find(struct keying *k, uint64_t number);
struct xchg *xchg_find_main(struct keying *k, uint64_t number);
struct xchg *xchg_find_quick(struct keying *k, uint64_t number);
struct xchg *xchg_by_serial(struct keying *k, uint64_t serial);
struct xchg *xchg_by_spi(struct keying *k, const struct address *peer, const uint8_t spi[4]);
void xchg_enter_spi(struct keying *k, struct xchg *x, const uint8_t spi_out[4]);
void xchg_set_conn(struct keying *k, struct xchg *x, struct conn *conn);
/* y, a new Quick Mode, runs under x: from there to there. */
void xchg_set_parent(struct xchg *y, struct xchg *x);
void xchg_set_up(struct keying *k, struct xchg *x);
void xchg_set_worker(struct keying *k, struct xchg *x, uint32_t number);

/*
 * An ISAKMP SA with that connection's peer as that connection's identities, or one that is being
 * made by us (where `pending`). NULL: none.
 */
struct xchg *xchg_usable_isakmp(struct keying *k, const struct conn *c, bool pending);
/* Any ISAKMP SA that a Delete to that peer can go under: same hosts, same proved identity. */
struct xchg *xchg_sa_with_peer(struct keying *k, const struct conn *c);
/* Is `other` an SA with the very peer that proved himself under x? */
bool xchg_same_peer(const struct xchg *x, const struct xchg *other);
/* Does this connection have an IPsec SA other than `besides` that stands? */
bool xchg_has_ipsec(const struct conn *c, const struct xchg *besides);

const char *xchg_state_word(unsigned state); /* MAIN_I1, ... */
const char *xchg_state_story(unsigned state);

enum { /* places of the words in the schema's `state` */
    STATE_MAIN_R0, STATE_MAIN_I1, STATE_MAIN_R1, STATE_MAIN_I2, STATE_MAIN_R2, STATE_MAIN_I3,
    STATE_MAIN_R3, STATE_MAIN_I4, STATE_QUICK_R0, STATE_QUICK_I1, STATE_QUICK_R1, STATE_QUICK_I2,
    STATE_QUICK_R2, STATE_INFO, STATE_INFO_PROTECTED, STATE_COUNT
};

#endif
