/*
 * A peer with the oddities of old boxes: our own core, whose messages are taken apart on their way
 * out, changed, given a right HASH again and sealed again under the same keys (interop Q1 to Q13).
 *
 * The layer sits on the network of a world and reads the peer core's own SA; what it changes, the
 * peer's core is made to believe (SAi_b, IVs), so that a negotiation goes on as with a peer that
 * is like this. Not for: messages without a right HASH (test_f09_forms.c and the other test_f*.c).
 */
#ifndef QUIRKS_H
#define QUIRKS_H

#include "world.h"

#include "ike-negotiate/exchange.h"

#define QUIRK_PSK "a secret"
#define QUIRK_ENDS \
    "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24 "
#define QUIRK_HOSTS "--host 10.9.0.1 --to --host 10.9.0.2 "
#define QUIRK_PLAIN "--psk --encrypt --ike aes128-sha1-curve25519 --esp aes128-sha1 "
#define QUIRK_NETS QUIRK_PLAIN "--tunnel " QUIRK_ENDS

/* Which message it is; bits of quirk.at. */
enum {
    AT_MAIN_1 = 1, AT_MAIN_2 = 2, AT_MAIN_3 = 4, AT_MAIN_4 = 8, AT_MAIN_5 = 16, AT_MAIN_6 = 32,
    AT_QUICK_1 = 64, AT_QUICK_2 = 128, AT_QUICK_3 = 256, AT_INFO = 512,
    AT_CLEAR = AT_MAIN_1 | AT_MAIN_2 | AT_MAIN_3 | AT_MAIN_4,
    AT_SEALED = AT_MAIN_5 | AT_MAIN_6 | AT_QUICK_1 | AT_QUICK_2 | AT_QUICK_3 | AT_INFO,
    AT_ALL = AT_CLEAR | AT_SEALED,
    AT_ODD = AT_MAIN_1 | AT_MAIN_3 | AT_MAIN_5 | AT_QUICK_1 | AT_QUICK_3 /* an initiator's */
};

enum quirk_padding {
    PAD_ZEROS,  /* up to the block, as ours does */
    PAD_RANDOM, /* up to the block, and a whole one where none is needed */
    PAD_COUNT,  /* the same, and the last byte says how many they are */
    PAD_LONG,   /* four blocks more */
    PAD_NONE    /* a vendor id makes the length fit */
};

#define QUIRK_PAYLOADS 60
#define QUIRK_BODY 2048

struct quirk_payload {
    uint8_t type;
    uint8_t reserved;
    size_t len;
    uint8_t body[QUIRK_BODY];
};

struct quirk_message {
    struct exchange *main; /* the peer core's */
    unsigned at;           /* AT_... */
    struct isakmp_header header; /* cookies, exchange, flags, message id: as they go out */
    size_t count;
    struct quirk_payload payload[QUIRK_PAYLOADS];
    enum quirk_padding padding;
    bool hash_over_padding; /* which no honest peer does */
    bool keep_hash;         /* it stays what it was before the change */
    const uint8_t *tail;    /* bytes behind the last payload of a clear message; borrowed */
    size_t tail_len;
};

struct quirk {
    const char *name;  /* Q5: padding with a count byte */
    const char *words; /* of both hosts; NULL: QUIRK_NETS */
    unsigned at;       /* the messages to change, of those that the peer's role sends */
    void (*change)(struct quirk_message *m);
    unsigned watch;    /* our own messages that `look` is shown as we sent them; 0: none */
    void (*look)(const struct quirk_message *m);
    const char *odd;   /* our debug line: once; NULL: none is wanted */
    const char *says;  /* a part of another line of ours: once; NULL: none */
    const char *refused; /* a part of our line that says why not; NULL: both come up */
};

/* ---- for changes ---- */
struct quirk_payload *quirk_find(struct quirk_message *m, unsigned type, unsigned nth);
/* Puts one in before place `at` (m->count: at the end). */
struct quirk_payload *quirk_insert(struct quirk_message *m, size_t at, unsigned type,
                                   const void *body, size_t len);
void quirk_remove(struct quirk_message *m, const struct quirk_payload *p);
void quirk_set(struct quirk_payload *p, const void *body, size_t len);

/* An SA payload taken apart, for quirks of offers and answers. */
struct quirk_attribute {
    uint16_t type;
    bool basic;
    uint8_t len;
    uint8_t bytes[8];
};
struct quirk_transform {
    uint8_t number, id;
    size_t count;
    struct quirk_attribute attribute[16];
};
struct quirk_proposal {
    uint8_t number, protocol;
    size_t spi_len, count;
    uint8_t spi[32];
    struct quirk_transform transform[12];
};
struct quirk_sa {
    size_t count;
    struct quirk_proposal proposal[4];
};
void quirk_sa_open(struct quirk_sa *sa, struct quirk_message *m);
void quirk_sa_close(const struct quirk_sa *sa, struct quirk_message *m);
struct quirk_attribute *quirk_attribute(struct quirk_transform *t, unsigned type); /* NULL: none */
/* Sets it, or puts it at the end; the shorter form. */
void quirk_attribute_set(struct quirk_transform *t, unsigned type, uint32_t value);
void quirk_attribute_add(struct quirk_transform *t, unsigned type, uint32_t value);
void quirk_attribute_drop(struct quirk_transform *t, unsigned type);
bool quirk_phase1(const struct quirk_message *m);
/* Opens it, gives each transform to f, and closes it. */
void quirk_each(struct quirk_message *m, void (*f)(struct quirk_transform *t, bool phase1));

/* ---- the layer ---- */
struct quirk_layer;
/* From now on host `peer` has the quirk. The world's data and network are the layer's. */
struct quirk_layer *quirk_put_on(struct world *w, unsigned peer, const struct quirk *q);
void quirk_take_off(struct quirk_layer *l);
unsigned quirk_applied(const struct quirk_layer *l); /* messages that were changed */
/* The next datagrams of these kinds (AT_...) are lost: so many. */
void quirk_lose(struct quirk_layer *l, unsigned at, unsigned count);

/*
 * The peer sends a message of this exchange (Informational, Transaction) under its ISAKMP SA,
 * protected, with this payload behind the HASH, and with the quirk if it is at AT_INFO. message_id 0:
 * a new one. quick_iv: sealed as if it went on with that Quick Mode.
 */
void quirk_send(struct quirk_layer *l, unsigned exchange, uint32_t message_id, bool quick_iv,
                unsigned type, const void *body, size_t len);
/* An Informational in clear, where anybody could have sent it. */
void quirk_send_clear(struct quirk_layer *l, unsigned type, const void *body, size_t len);
/* A Main Mode of host's core, and the newest Quick Mode under it (NULL: none). */
struct exchange *quirk_main(struct world *w, unsigned host);
struct exchange *quirk_quick(struct world *w, unsigned host);

/* ---- running ---- */
/* text as it stands in a record: blanks escaped. How often host said it. */
unsigned quirk_said(const struct world *w, unsigned host, const char *text);
/* One negotiation in which host `peer` has the quirk, and all that q says of it is asserted. */
void quirk_check(const struct quirk *q, unsigned peer);
/* Both come up; our negotiator's records have `in_log` once (NULL: not asked), and what would be
 * installed has `in_install`: both as they stand in records. */
void quirk_comes_of_it(const char *words, unsigned peer, const struct quirk *q, const char *in_log,
                       const char *in_install);
/*
 * The table as a group of tests, each once for each role in which a message of q->at is sent by the
 * peer: "Q5 initiator: ..." is ours. `more`: tests beside it. Returns the number of failures.
 */
struct CMUnitTest;
int quirk_run(const struct quirk *table, size_t count, const struct CMUnitTest *more,
              size_t more_count);

#endif
