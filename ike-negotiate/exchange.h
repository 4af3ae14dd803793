/*
 * What the core knows of each exchange, and the form of its tables. Internal to the core.
 *
 * One struct exchange is a Main Mode with the ISAKMP SA that came of it, or a Quick Mode. Only the
 * engine (engine.c) moves states and counts payloads; actions (main_*.c, quick_*.c) read a message
 * or an answer, send, ask, and say which of the table's two next states it shall be.
 */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "crypt.h"
#include "ike.h"
#include "line_limit.h"
#include "log.h"
#include "message.h"
#include "notify.h"
#include "reply.h"
#include "sa.h"

#include <bsd/sys/cdefs.h>
#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <uthash.h>

enum state {
    /* In the order of the schema's `state`; whack's numbers are these + 101. */
    MAIN_R0, MAIN_I1, MAIN_R1, MAIN_I2, MAIN_R2, MAIN_I3, MAIN_R3, MAIN_I4,
    QUICK_R0, QUICK_I1, QUICK_R1, QUICK_I2, QUICK_R2,
    PUBLIC_STATES,
    /* Waiting for an answer is a state like any other. */
    MAIN_R0_FIRST = PUBLIC_STATES, /* plutod: which connections? */
    MAIN_R1_KEYS,                  /* secrets: our KE and nonce, SKEYID_a and SKEYID_e */
    MAIN_R2_AUTH,                  /* secrets: is HASH_I right? */
    MAIN_R2_IDENTIFY,              /* plutod: may it be this identity? */
    MAIN_R2_FINISH,                /* secrets: our HASH_R after all */
    MAIN_I1_KE,                    /* secrets: our KE and nonce, message 2 is here */
    MAIN_I2_KEYS,                  /* secrets: SKEYID_a and SKEYID_e, our ID and HASH_I */
    MAIN_I3_AUTH,                  /* secrets: is HASH_R right? */
    QUICK_PENDING,                 /* its ISAKMP SA is not up yet, or no SPI is at hand */
    QUICK_I0_KE,                   /* secrets: our nonce, and KE with PFS */
    QUICK_I1_SA,                   /* secrets and kernel-sa: keys, inbound SA */
    QUICK_I1_ACTIVATE,             /* message 3 is sent; kernel-sa: the outbound SA */
    QUICK_R0_ASK,                  /* plutod: on which terms? */
    QUICK_R0_SPI,                  /* kernel-sa: an SPI */
    QUICK_R0_SA,                   /* secrets and kernel-sa: nonce, keys, inbound SA */
    QUICK_R1_ACTIVATE,             /* kernel-sa: the outbound SA */
    STATE_COUNT
};

/* The longest message that we remember to send again. */
struct sent {
    uint8_t *bytes; /* owned; NULL: nothing was sent yet */
    size_t len;
    unsigned times;      /* by the timer */
    unsigned replies;    /* to duplicates of what it answers */
    uint64_t first;      /* when */
    bool by_timer;       /* sent again without being asked */
};

#define DIGEST_LEN 32
#define OFFER_TEXT 700 /* of a list of proposals, in a line that says what to do, too */
#define CLIENT_BODY_MAX (4 + 2 * 16) /* an IPv6 subnet */

struct quick_needs { /* what plutod said a Quick Mode may be */
    char esp[2001];
    struct group_list pfs;
    bool pfs_required;
    unsigned modes; /* 1 << SA_MODE_...; an initiator names one */
    uint32_t life;
    struct address our_host, peer_host;
    struct subnet our_client, peer_client;
};

TAILQ_HEAD(waiting, exchange);

struct isakmp_sa {
    uint8_t cky_i[COOKIE_LEN];
    uint8_t cky_r[COOKIE_LEN];
    uint64_t worker;
    struct path path;
    struct ike_suite suite;
    struct isakmp_keys keys;
    uint8_t iv[IV_MAX]; /* of the next phase 1 message; once up: the last phase 1 block */
    uint32_t life;
    bool up;
    uint32_t *used_ids; /* message ids of Quick Modes that were, owned */
    size_t used_count;
    struct infos *heard, *told; /* Informationals of the peer and of ours, the last; owned; NULL: none */
    LIST_HEAD(, exchange) quicks;
    unsigned open_quicks; /* begun by the peer and not finished */
    unsigned our_quicks;  /* begun by us and not finished */
    struct waiting turns; /* ours that are begun when others have finished */
    bool initial_contact; /* was said, and is believed once */
    unsigned odd;         /* ODD_... of its peer that were said */
    bool commit;          /* his Commit flag was warned of */
    struct refusals *refused; /* owned; NULL: none yet */
    struct early *early;      /* owned; NULL: none */
};

struct source;

#define FIRST_KEY (COOKIE_LEN + sizeof(struct address) + 2) /* CKY-I, the peer's address and port */

/* A responder's Main Mode that is not up (half_open.c). */
struct half_open {
    struct exchange *exchange;   /* NULL: it is not counted as such */
    struct source *source;
    uint8_t key[FIRST_KEY];
    uint64_t stepped;            /* when it was last the peer's turn */
    bool answered;               /* has sent message 3 */
    TAILQ_ENTRY(half_open) by_step;
    LIST_ENTRY(half_open) of_source;
    UT_hash_handle hh;
};

/* What a Main Mode needs until it is done. */
struct main_scratch {
    struct half_open half_open;
    char connection[97];
    char ike[2048];        /* our proposals (initiator) or the candidates (responder) */
    uint8_t *sa_body;      /* SAi_b, owned */
    size_t sa_body_len;
    uint8_t ke[KE_MAX], ke_peer[KE_MAX];
    size_t ke_len, ke_peer_len;
    uint8_t nonce[NONCE_MAX], nonce_peer[NONCE_MAX];
    size_t nonce_len, nonce_peer_len;
    const struct group *ke_group; /* that our KE was asked for */
    uint32_t life;
    unsigned methods; /* that we offer (initiator): as for sa_choose_ike */
    unsigned method;  /* AUTH_PSK or AUTH_RSASIG, once it is agreed on */
    bool asks_certificates; /* the peer does */
    bool initial_contact;
    uint32_t said_life; /* RESPONDER-LIFETIME in message 6; 0: none */
};

/* What a Quick Mode needs until it is done. */
struct quick_scratch {
    struct quick_needs needs;
    uint8_t *first_body; /* responder: the payloads of message 1, owned */
    size_t first_len;
    uint8_t spi_in[4], spi_out[4];
    uint8_t nonce[NONCE_MAX], nonce_peer[NONCE_MAX];
    size_t nonce_len, nonce_peer_len;
    uint8_t ke[KE_MAX], ke_peer[KE_MAX];
    size_t ke_len, ke_peer_len;
    const struct group *group; /* of PFS, NULL without */
    struct esp_suite suite;
    unsigned mode; /* SA_MODE_TUNNEL or SA_MODE_TRANSPORT */
    uint32_t life;
    size_t chosen; /* responder: place of the transform in the offer */
    bool tells_life; /* responder: in message 2, since the peer offered a longer one */
    bool ids; /* IDci and IDcr are sent */
    uint8_t id_body[2][CLIENT_BODY_MAX]; /* responder: as they came, and as they go back */
    size_t id_len[2];
    bool has_ke, has_keys, has_sa;
    bool counted; /* in our_quicks */
    uint32_t said_life; /* RESPONDER-LIFETIME while its SAs were made; 0: none */
};

struct exchange {
    uint64_t serial; /* ours */
    uint64_t number; /* plutod's; 0 until he said */
    enum state state;
    bool initiator;
    bool is_quick;
    struct isakmp_sa *sa; /* Main Mode: owned; Quick Mode: its parent's */
    struct exchange *parent; /* Quick Mode */
    struct main_scratch *main;
    struct quick_scratch *quick;
    uint32_t message_id;
    uint8_t iv[IV_MAX]; /* Quick Mode */
    uint8_t last_in[DIGEST_LEN]; /* digest of the last message that was taken */
    bool has_last_in;
    struct sent sent;
    char *ignored; /* owned: why its last message was not taken; NULL: none was */
    bool garbage; /* one did not decrypt */
    struct line_bucket lines; /* about it, */
    struct line_bucket unproved; /* about what anybody could have sent it, */
    struct line_bucket notified; /* and what its peer said, for plutod */
    uint64_t timer; /* UINT64_MAX: none */
    RB_ENTRY(exchange) by_timer;
    LIST_ENTRY(exchange) siblings; /* Quick Modes of one ISAKMP SA */
    TAILQ_ENTRY(exchange) waiters;
    struct waiting *waits; /* that it is in: a Quick Mode that cannot go on now; NULL: none */
    UT_hash_handle by_serial;
    UT_hash_handle by_number;
    UT_hash_handle by_cookies; /* Main Mode: CKY-I | CKY-R */
    uint8_t cookies[2 * COOKIE_LEN];
    bool in_cookies, in_number;
};

TAILQ_HEAD(half_open_list, half_open);

struct source {
    struct address address;
    LIST_HEAD(, half_open) exchanges;
    unsigned half_open;
    uint64_t second;  /* in which ... */
    unsigned evicted; /* ... so many of them made room for others of the same */
    UT_hash_handle hh;
};

#define SPI_BLOCK 128

struct request {
    uint64_t id;
    uint64_t serial; /* of the exchange */
    enum verb verb;
    enum ike_source source;
    uint64_t worker;
    UT_hash_handle hh;
};

RB_HEAD(timers, exchange);

struct ike {
    struct ike_outputs out;
    uint64_t patience;    /* steps alone, which are quiet, may wait in plutod's buffer until then */
    uint64_t now;
    uint64_t next_serial;
    uint64_t next_request;
    struct exchange *exchanges; /* by_serial */
    struct exchange *numbers;   /* by_number */
    struct exchange *cookies;   /* by_cookies */
    struct half_open *firsts;   /* by what their first messages said */
    struct request *requests;
    unsigned open_keys; /* of them: a Diffie-Hellman each */
    struct timers timers;
    uint8_t random[IKE_RANDOM_POOL];
    size_t random_left;
    uint8_t cookie_secret[32];
    bool has_cookie_secret;
    uint8_t spis[4 * 2 * SPI_BLOCK];
    size_t spi_count;
    bool spis_asked;
    struct waiting waiting; /* Quick Modes that go on with an SPI */
    size_t half_open_count; /* responders' Main Modes that are not up, in these two */
    struct half_open_list unanswered, answered; /* by when they last made a step */
    size_t half_open_bytes; /* of their SA payloads */
    struct source *sources; /* how many of them each address has */
    struct log log;
    struct line_bucket said, said_unproved; /* lines about all exchanges together */
    struct line_limit strangers; /* lines about their packets */
    uint32_t ignored[FLAW_COUNT]; /* messages, since plutod was told */
    uint64_t ignored_due;       /* when it is told; UINT64_MAX: there is nothing to tell */
};

/* ---- tables ---- */

enum outcome {
    GO,     /* to `next` */
    OTHER,  /* to `other` */
    IGNORE, /* a bad message: logged, state and everything else as before */
    END     /* the negotiation is over; the action has told plutod (exchange_failed) */
};

struct event {
    const struct message *message; /* ON_MESSAGE */
    const struct record *answer;   /* an ok or fail to the request `on` */
    const char *why;               /* an action's reason for IGNORE, static or in `text` */
    char text[1500];
    enum flaw flaw;                /* with IGNORE: FLAW_UNEXPECTED unless an action says otherwise */
};

typedef enum outcome action(struct ike *ike, struct exchange *x, struct event *e);

#define ON_MESSAGE V_NONE
#define PAYLOAD_BIT(type) (1u << (type))

struct transition {
    enum state from;
    enum verb on;        /* ON_MESSAGE, or the request whose answer this is */
    unsigned method;     /* only with this authentication method; 0: with each */
    bool encrypted;
    uint32_t required;   /* PAYLOAD_BITs of payloads that must be there exactly once */
    uint32_t optional;   /* at most once, CERT often; N, D and VID are always allowed, ID in Quick Mode twice */
    uint8_t first;       /* this type comes first, and in Quick Mode `second` follows; 0: any */
    uint8_t second;
    action *action;
    enum state next;
    enum state other;
};

const struct transition *table_find(const struct exchange *x, enum verb on);
const char *state_name(enum state s);      /* MAIN_I1, also for the waits that follow it */
enum state state_public(enum state s);

/* ---- core.c ---- */
struct exchange *exchange_new(struct ike *ike, bool is_quick, bool initiator);
void exchange_free(struct ike *ike, struct exchange *x); /* a Main Mode with its Quick Modes */
void exchange_set_number(struct ike *ike, struct exchange *x, uint64_t number);
void exchange_set_cookies(struct ike *ike, struct exchange *x);
struct exchange *exchange_by_number(struct ike *ike, uint64_t number);
struct exchange *exchange_by_cookies(struct ike *ike, const uint8_t *cky_i, const uint8_t *cky_r);
/* Tells plutod and frees the exchange; code as for whack: 31, 200 + notification, ... */
void exchange_failed(struct ike *ike, struct exchange *x, unsigned code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same, because the peer said so under the protection of the ISAKMP SA. */
void exchange_refused(struct ike *ike, struct exchange *x, unsigned code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A message for it was not taken: if it comes to nothing, that is said to be why. */
void exchange_ignored(struct exchange *x, const char *why);
void exchange_report_state(struct ike *ike, const struct exchange *x);
/* What was written to plutod since it held `before` bytes may wait for what follows it (ike_patience). */
void report_patiently(struct ike *ike, size_t before);
/* Frees what only the negotiation needed. */
void exchange_settle(struct ike *ike, struct exchange *x);
/* Ends what a `fail` of our own processes makes impossible; code unless the answer names one. */
enum outcome answer_refused(struct ike *ike, struct exchange *x, const struct record *answer,
                            unsigned code);
/* Its worker died and took with it what the negotiation needs: tells plutod, frees it. */
void exchange_lost(struct ike *ike, struct exchange *x);
bool draw_random(struct ike *ike, uint8_t *out, size_t len);
uint32_t draw_message_id(struct ike *ike); /* 0, which is no message id: none now */

/* ---- timer.c ---- */
void exchange_timer(struct ike *ike, struct exchange *x, uint64_t at); /* UINT64_MAX: none */

/* ---- seen.c ---- */
bool sa_id_used(const struct isakmp_sa *sa, uint32_t message_id);
bool sa_worn_out(const struct isakmp_sa *sa); /* as many as are remembered: no more under it */
bool sa_use_id(struct isakmp_sa *sa, uint32_t message_id); /* false: no memory */
enum seen { SEEN_NEW, SEEN_AGAIN, SEEN_OWN };
/* An Informational with this right HASH comes in: without memory to tell, it counts as a replay. */
enum seen seen_take(struct isakmp_sa *sa, const uint8_t *hash);
void seen_own(struct isakmp_sa *sa, const uint8_t *hash); /* goes out */
void seen_free(struct isakmp_sa *sa);

/* ---- half_open.c ---- */
void half_open_key(uint8_t key[FIRST_KEY], const struct path *path, const uint8_t *cky_i);
struct exchange *half_open_find(struct ike *ike, const uint8_t key[FIRST_KEY]);
bool half_open_is(const struct exchange *x);
/* Is there room for a new one from there? Another one may make it. NULL, or why not (static). */
const char *half_open_room(struct ike *ike, const struct path *path, size_t sa_len);
bool half_open_enter(struct ike *ike, struct exchange *x, const uint8_t key[FIRST_KEY]); /* false: no memory */
void half_open_step(struct ike *ike, struct exchange *x);  /* it has come to another state */
/* Keeps SAi_b, for HASH_I and HASH_R. */
bool half_open_keep(struct ike *ike, struct exchange *x, const uint8_t *body, size_t len);
void half_open_leave(struct ike *ike, struct exchange *x); /* twice does no harm */

/* ---- requests.c ---- */
void request_free(struct ike *ike, struct request *q); /* answered, or never to be */
/* To plutod or a worker: starts a request record with its id; NULL: that process is gone. */
struct buffer *request_start(struct ike *ike, const struct exchange *x, struct record_writer *w,
                             enum ike_source to, enum verb verb);
/* To kernel-sa: install or activate. While it is dead the request waits, and it is asked again of its
 * successor. False: no memory. */
bool kernel_ask(struct ike *ike, const struct exchange *x, enum verb verb);
bool take_spi(struct ike *ike, uint8_t spi[4]); /* false: none at hand; more are asked for */
void take_spis(struct ike *ike, const struct record *answer);

/* ---- refusals.c: Quick Modes of the peer that were refused, and in which words ---- */
void refusal_send(struct ike *ike, const struct exchange *x, unsigned notify);
/* Message 1 came again: so does the refusal, a few times. False: it is not one that was refused. */
bool refusal_again(struct ike *ike, struct exchange *main, uint32_t message_id,
                   const uint8_t *digest);

/* ---- send.c ---- */
struct outgoing {
    struct buffer bytes;
    struct message_writer writer;
};
/* Main Mode message, or the next of a Quick Mode; `encrypted` by the state of things. */
void outgoing_begin(struct outgoing *o, const struct exchange *x, unsigned exchange_type);
/* Encrypts where `iv` is given, sends, and remembers it as x's last message. */
bool outgoing_send(struct ike *ike, struct exchange *x, struct outgoing *o, uint8_t *iv,
                   bool by_timer);
void sent_again(struct ike *ike, struct exchange *x);
void sent_forget(struct sent *s);
/* Seals (pads, encrypts) a finished message in place; false: no memory. */
bool message_seal(struct buffer *bytes, const struct isakmp_keys *keys, uint8_t *iv);

/* ---- engine.c ---- */
/* END: x is gone. IGNORE: nothing was changed; a new x is the caller's to free. */
enum outcome engine_message(struct ike *ike, struct exchange *x, const struct message *m, bool encrypted,
                            const uint8_t *digest);
void engine_answer(struct ike *ike, struct exchange *x, const struct record *answer);
void engine_enter(struct ike *ike, struct exchange *x, enum state next);

/* ---- turns.c ---- */
void quick_wait_spi(struct ike *ike, struct exchange *x);
void quick_wait_turn(struct ike *ike, struct exchange *x); /* until fewer of ours are under way */
/* A Quick Mode has finished, or is no more: neither waits, nor lets others wait. */
void quick_waits_no_more(struct ike *ike, struct exchange *x);
/* At the end of an event: those go on that may. */
void quick_begin_waiting(struct ike *ike);

/* ---- clients.c ---- */
/* As responder: IDci and IDcr of message 1, or the hosts, into x's needs; NULL, or why not. */
const char *clients_take(struct ike *ike, struct exchange *x, const struct message *m);
void clients_put(const struct exchange *x, struct message_writer *w);
/* As initiator: those of message 2 have to be ours. */
const char *clients_check(struct ike *ike, const struct exchange *x, const struct message *m);

/* ---- receive.c ---- */
struct exchange *quick_by_message_id(const struct isakmp_sa *sa, uint32_t message_id);

/* ---- refuse.c ---- */
/* m: its header, and the payloads as far as they could be read; count 0 where not. */
void refuse_exchange(struct ike *ike, const struct path *path, const struct message *m);
bool refuse_fragment(struct ike *ike, const struct path *path, const struct isakmp_header *h);

#endif
