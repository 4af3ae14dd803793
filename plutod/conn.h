/*
 * The connections that plutod knows: what whack described, and instances made of it for peers whose
 * address was not known before (%any).
 *
 * Owned by the core's table, by name ("road", an instance "road[1]"). Not for: finding them by anything
 * else (index.h), parsing and checking descriptions (lib/connection.h).
 */
#ifndef PLUTOD_CONN_H
#define PLUTOD_CONN_H

#include "keying.h"

#include "connection.h"

#include <bsd/sys/cdefs.h>
#include <bsd/sys/tree.h>
#include <uthash.h>

/* Why a negotiation failed. */
struct failure {
    uint64_t at;
    uint64_t exchange;      /* the first word about it counts */
    char why[];
};

/* What secrets has said that there is for it (methods.h). */
struct at_hand {
    char *lacks;            /* owned: what it said of what is not there; NULL: nothing */
    uint32_t reading;       /* which reading of ipsec.secrets it spoke of (k->reading), */
    uint8_t grade;          /* and of which grade the worker was */
    uint8_t known;          /* bits by enum method: that was asked, */
    uint8_t there;          /* and that is there; */
    uint8_t died;           /* of which question a worker died, */
    uint8_t deadly;         /* and of which a second one did, */
    uint32_t died_in;       /* in this reading (k->resolve.reading) */
};

#define CONN_NAME (NAME_MAX_LEN + 16)

struct kin;
struct foreign;

/* There are thousands, of which most do nothing: what only some have is kept elsewhere. */
struct conn {
    const char *name;       /* the form's; an instance's is owned */
    const struct connection_form *form; /* instances share their template's; see conn.c */
    unsigned instance;      /* 0: as described */
    unsigned next_instance;
    struct conn *template;  /* of an instance: what it was made of */
    struct conn *instances; /* alive, made of this one, oldest first */
    struct conn *sibling_prev, *sibling_next; /* of an instance: among those */

    const struct identity *our_id;  /* both held (name.h); never NULL */
    const struct identity *peer_id;
    const char *interface;  /* of our host: borrowed from keying->interfaces; "" while not oriented */
    struct address our_host;
    struct address peer_host; /* family 0: %any */
    struct subnet our_client;
    struct subnet peer_client; /* base.family 0: the peer's host, not known yet */
    uint16_t peer_port;
    bool oriented;
    bool stale;             /* it is in a list (conn_stale) */
    bool wanted;            /* a packet wanted through while we did not listen [P7] */
    bool follows;           /* the initiate at hand asks where the peer is, before each attempt (peer_name.h) */
    unsigned ours;          /* which end of the form: 0 or 1 */

    uint32_t reqid;         /* its own; no other connection has had it */
    uint64_t order;         /* of adding */
    uint32_t born;          /* the last exchange that was begun before it was there */
    unsigned held;          /* exchanges of it and of its instances */
    struct eroute *eroute;  /* the client pair that it owns; NULL: none */
    struct xchg *exchanges; /* all of them, oldest first */
    uint64_t newest_isakmp; /* exchange numbers; 0: none */
    uint64_t newest_ipsec;

    struct peer_query *peer_query; /* the name of the peer's host is being asked for; NULL: no */
    unsigned attempt;       /* of the initiate at hand, from 1; 0: none */
    unsigned anew;          /* how many times a process of ours died under the attempt */
    struct agenda_item retry;
    struct agenda_item renewal; /* of an ISAKMP SA that was lost */
    unsigned renewals;      /* that failed, one after the other */
    unsigned classes;       /* debug classes that are on because of it */
    struct failure *failure; /* of its last negotiation that failed; owned; NULL: none has */
    struct at_hand at_hand; /* of an instance: its template's counts */
    struct foreign *foreign; /* what other programs did to it in the kernel (foreign.h); owned; NULL: nothing */
    struct line_bucket lines; /* about it and its instances (keying_lines.c) */

    /* index.h */
    struct kin *kin;        /* NULL: not oriented */
    struct conn *kin_prev, *kin_next;
    RB_ENTRY(conn) by_hosts;
    RB_ENTRY(conn) by_all;
    RB_ENTRY(conn) by_reqid;

    struct journal *journal; /* its events, and its instances'; NULL: none yet (journal.h) */
    struct conn *stale_next;
    UT_hash_handle hh;
};

/* Takes the form (also on failure). NULL: no memory, or the name is taken. */
struct conn *conn_add(struct keying *k, struct connection_form *form);
/* Ends what is left of its exchanges nowhere: that is done before (ends.h). */
void conn_remove(struct keying *k, struct conn *c);
struct conn *conn_find(struct keying *k, const char *name);
/* An instance of template t (oriented) for a peer who proved `id`. NULL: no memory. */
struct conn *conn_instantiate(struct keying *k, struct conn *t, const struct address *peer,
                              uint16_t port, const struct identity *id);
/* An instance whose last exchange may be gone: looked at by conn_sweep, at the end of an event. */
void conn_stale(struct keying *k, struct conn *c);
void conn_sweep(struct keying *k);

/* Its peer has this address from now on; what of its description comes from that follows. False: no memory, nothing is changed. */
bool conn_move_peer(struct keying *k, struct conn *c, const struct address *to);

void conn_join(struct keying *k, struct conn *c); /* oriented: it can be found (index.h) */
void conn_leave(struct keying *k, struct conn *c);

/* Why a negotiation failed, for whack --explain; of an instance, what it was made of knows it too. */
void conn_failed(struct keying *k, struct conn *c, uint64_t exchange, const char *why);
/* One with the same hosts, identities and methods as c that has IPsec SAs, and is not `besides`; NULL: none. */
struct conn *conn_in_use(struct keying *k, const struct conn *c, const struct conn *besides);
bool conn_is_template(const struct conn *c); /* peer %any */
/* What its --psk and --rsasig allow: the place of the word in the schema's `methods`. */
unsigned conn_methods(const struct conn *c);
const char *conn_methods_words(unsigned methods); /* the same word: --psk, --rsasig, --rsasig or --psk */
bool conn_allows(const struct conn *c, unsigned method); /* place in the schema's `method` */
bool conn_same_ids(const struct conn *a, const struct conn *b);
const struct connection_end *conn_our_end(const struct conn *c);
const struct connection_end *conn_peer_end(const struct conn *c);
bool conn_host_to_host(const struct conn *c);
/* `"net"`, `"road"[2] 10.9.0.7` */
#define CONN_LABEL (CONN_NAME + ADDRESS_TEXT + 8)
void conn_label(const struct conn *c, char out[CONN_LABEL]);

#endif
