/*
 * Proposals on the wire: the SA payload read, written, compared and chosen from.
 *
 * RFC 2408, 3.4-3.6 and 4.2; RFC 2407, 4.4 and 4.5; RFC 2409, appendix A; interop Q1, Q2, Q4.
 * Decoding is pure and borrows from the payload. A transform that we do not understand is kept with
 * the reason, so that a peer's offer can be shown; it never matches anything. Not for: texts of
 * --ike and --esp (lib/algorithm.h) and policy: what is allowed comes from the caller.
 */
#ifndef IKE_NEGOTIATE_SA_H
#define IKE_NEGOTIATE_SA_H

#include "algorithm.h"
#include "buffer.h"
#include "bounds.h"
#include "oddity.h"
#include "payload.h"

enum { AUTH_PSK = 1, AUTH_DSS = 2, AUTH_RSASIG = 3 }; /* RFC 2409, appendix A */
enum { SA_MODE_NONE = 0, SA_MODE_TUNNEL = 1, SA_MODE_TRANSPORT = 2 }; /* RFC 2407, 4.5 */

struct sa_proposal {
    uint8_t number;
    uint8_t protocol;
    bool bundled;       /* shares its number with another: all of them are wanted at once */
    const uint8_t *spi; /* borrowed */
    size_t spi_len;
    size_t first;       /* its transforms in sa_offer.transform */
    size_t count;
};

struct sa_transform {
    size_t proposal;      /* place in sa_offer.proposal */
    uint8_t number;
    uint8_t id;
    const char *why_not;  /* NULL: understood, and ike or esp is set; else why not (static) */
    const uint8_t *body;  /* borrowed; for echoing it as it came */
    size_t body_len;

    /* Numbers as they came; 0: absent. */
    unsigned cipher_number;
    unsigned key_bits;
    unsigned hash_number;
    unsigned group_number; /* phase 1: the group; phase 2: the group of PFS, 0: none */
    unsigned auth_method;  /* phase 1 */
    unsigned mode;         /* phase 2: SA_MODE_..., without its UDP form */
    bool mode_udp;         /* a UDP form: RFC 3947's 3 and 4, the drafts' 61443 and 61444 */
    uint32_t life_seconds; /* 0: absent */
    uint32_t life_kb;      /* 0: absent */
    unsigned odd;          /* ODD_... */

    struct ike_suite ike;  /* phase 1; parts that are unknown are NULL */
    struct esp_suite esp;  /* phase 2, ESP only */
};

/* About 30 KB: on the stack once, not in tables. */
struct sa_offer {
    unsigned notification; /* after a failure to decode: what to tell the peer (notify.h) */
    unsigned odd;          /* ODD_... of the whole */
    size_t proposal_count;
    size_t transform_count;
    struct sa_proposal proposal[PROPOSALS_MAX];
    struct sa_transform transform[TRANSFORMS_MAX];
};

/*
 * The body of an SA payload of phase 1 (Main Mode) or phase 2 (Quick Mode). Returns NULL or why the
 * payload is malformed (static).
 */
const char *sa_decode_ike(struct sa_offer *o, const uint8_t *body, size_t len);
const char *sa_decode_esp(struct sa_offer *o, const uint8_t *body, size_t len);

/* ---- writing: each appends a body of an SA payload ---- */

/* One proposal with a transform for each offered suite and method; methods as for sa_choose_ike. */
void sa_encode_ike_offer(struct buffer *body, const struct ike_proposals *p, unsigned methods,
                         uint32_t life);
/* group_number 0: without PFS. mode: SA_MODE_... */
void sa_encode_esp_offer(struct buffer *body, const struct esp_proposals *p, const uint8_t spi[4],
                         unsigned mode, unsigned group_number, uint32_t life);
/* The peer's transform `index` as he sent it; spi is ours (phase 1: NULL, 0). */
void sa_encode_choice(struct buffer *body, const struct sa_offer *offer, size_t index,
                      const uint8_t *spi, size_t spi_len);

/* ---- as responder ---- */

/*
 * The first of the peer's transforms that is allowed: its place, or -1. methods: 1 << AUTH_PSK and
 * so on. life_max: a longer life is not accepted [L1].
 */
int sa_choose_ike(const struct sa_offer *o, const struct ike_proposals *allowed, unsigned methods,
                  uint32_t life_max);

struct sa_esp_terms {
    const struct esp_proposals *allowed; /* NULL: every suite that we have */
    unsigned modes;       /* 1 << SA_MODE_TUNNEL | 1 << SA_MODE_TRANSPORT */
    unsigned mode_absent; /* what it means if the peer names no mode (interop Q4) */
    bool udp;             /* UDP forms of the modes are wanted, and only they */
    const struct group_list *groups; /* allowed for PFS; NULL: none */
    bool pfs_required;
    bool has_ke;          /* the message has a KE payload: a group must be named, else none */
    uint32_t life_max;
};
int sa_choose_esp(const struct sa_offer *o, const struct sa_esp_terms *terms);

/* Why transform `index` would not be chosen (static), or NULL. `allowed` NULL: every suite is. */
const char *sa_why_not_ike(const struct sa_offer *o, size_t index,
                           const struct ike_proposals *allowed, unsigned methods,
                           uint32_t life_max);
const char *sa_why_not_esp(const struct sa_offer *o, size_t index,
                           const struct sa_esp_terms *terms);

/* Life of a transform, the default [L1] where the peer named none. */
uint32_t sa_ike_life(const struct sa_transform *t);
uint32_t sa_esp_life(const struct sa_transform *t);

/* ---- as initiator: is the answer one of what we offered? [X5] Q2 ---- */

/* NULL or why not (static). A shorter life is accepted; *agreed_life is what counts; *method is AUTH_... */
const char *sa_check_ike_answer(const struct sa_offer *answer, const struct ike_proposals *ours,
                                unsigned methods, uint32_t life, struct ike_suite *chosen, unsigned *method,
                                uint32_t *agreed_life);
/* answer->proposal[0].spi is then the peer's SPI, four bytes. */
const char *sa_check_esp_answer(const struct sa_offer *answer, const struct esp_proposals *ours,
                                unsigned mode, unsigned group_number, uint32_t life,
                                struct esp_suite *chosen, uint32_t *agreed_life);

/*
 * How an accepted answer differs from what we wrote: ODD_..., of its own form too. offer: the body
 * of our SA payload; life: the one in it.
 */
unsigned sa_answer_odd(const struct sa_offer *answer, const uint8_t *offer, size_t len,
                       uint32_t life);

/* ---- for the log; a list that does not fit ends in "and N more" ---- */

/* aes128-sha1-modp2048/psk, cipher 7/256 hash 9 group 14/psk [a hash that we do not have] */
void sa_print_ike_offer(const struct sa_offer *o, char *out, size_t size);
/* aes128-sha1 tunnel pfs modp2048, AH+ESP bundle, ... */
void sa_print_esp_offer(const struct sa_offer *o, char *out, size_t size);
/* Ours in the same form: all that is allowed; methods as for sa_choose_ike. */
void sa_print_ike_allowed(const struct ike_proposals *p, unsigned methods, char *out, size_t size);
void sa_print_esp_allowed(const struct sa_esp_terms *terms, char *out, size_t size);

/*
 * If no transform has one of our methods, what the peer is set to instead, and what to do: "the peer
 * is set to XAUTH (xauth-psk): switch it off there" (interop Q13). False: nothing to say.
 */
bool sa_other_method(const struct sa_offer *o, unsigned methods, char *out, size_t size);

/*
 * If something in the offer was refused only for being weak and not named: "3des-sha1-modp1536 is
 * refused by default; --ike 3des-sha1-modp1536 would allow it" [X3]. False: nothing to say.
 */
bool sa_weak_ike(const struct sa_offer *o, const struct ike_proposals *allowed, unsigned methods,
                 char *out, size_t size);
bool sa_weak_esp(const struct sa_offer *o, const struct sa_esp_terms *terms, char *out,
                 size_t size);

#endif
