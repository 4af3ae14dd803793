/*
 * What by_hand.c (options, children, loop), by_hand_answers.c, by_hand_methods.c and by_hand_names.c (plutod's part),
 * by_hand_kernel.c (kernel-sa's part) and by_hand_look.c share. Nobody else includes it.
 */
#ifndef BY_HAND_PRIVATE_H
#define BY_HAND_PRIVATE_H

#include "channel.h"
#include "connection.h"
#include "rsa_public.h"
#include "standard.h"

enum { LINE_NEGOTIATOR, LINE_SECRETS, LINE_NEGOTIATOR_KERNEL, LINE_SECRETS_KERNEL, LINE_DNSKEY, LINE_COUNT };

/* The one Main Mode and the one Quick Mode. */
enum { EXCHANGE_X = 1, EXCHANGE_Y = 2 };

struct hand;

struct hand_line {
    struct hand *hand;
    unsigned which;
    struct channel *channel;
    unsigned from;
};

struct hand {
    struct connection_form form;
    const struct connection_end *us;
    const struct connection_end *peer;
    bool initiate;
    bool show_keys;
    const char *secrets_file;
    bool insecure;
    struct address local;
    struct address remote;
    uint16_t local_port;
    struct subnet our_client;
    struct subnet peer_client;
    struct identity our_id;
    struct identity peer_id;
    char public_key[RSA_PUBLIC_TEXT]; /* of the peer; "": none was given */
    struct identity key_id; /* whose it is; ID_ANY: the peer's, whoever he is */
    bool asked[2];          /* by methods: secrets, whether we have what they need, */
    bool lacks[2];          /* and it is known that we have not */
    struct identity proved; /* what secrets reported */
    bool loaded;            /* the secrets file, */
    bool begun;             /* and then the negotiation */
    uint64_t first_id;      /* of the negotiator's question, which waits for that; 0: there is none */
    struct address first_remote;
    bool authenticated;
    char suite[64]; /* of the ISAKMP SA, as secrets reported it */
    uint32_t reqid;
    uint64_t identify_id; /* the negotiator waits for this answer; 0: for none */
    bool permit_printed;
    bool keys_printed;
    bool isakmp_up;
    bool stands;     /* hand_tunnel_stands, where it matters */
    bool wanted;     /* `install` came: spi_in is one that the peer knows, or is about to */
    uint8_t spi_in[4];
    struct buffer install; /* waits for sa-keys */
    struct buffer names;   /* requests that dnskey is still to be told */
    unsigned names_asked;  /* of those that it was, the ones without an answer */
    bool names_begun;      /* dnskey was begun, */
    bool names_hopeless;   /* or could not be */
    bool done;
    int status;
    struct hand_line line[LINE_COUNT];
};

/* Effects, in by_hand.c; a test has its own. */
struct buffer *hand_out(struct hand *h, unsigned which);
void hand_print(struct hand *h, const struct buffer *line); /* to stdout */
bool hand_start_dnskey(struct hand *h); /* false: it was said why not */
/* by_hand_names.c */
void hand_resolve(struct hand *h, const struct record *r);       /* secrets asks */
void hand_dnskey_record(struct hand *h, const struct record *r); /* dnskey answers */
/* by_hand_look.c: without --show-keys. */
/* Does the kernel have SAs between our hosts? Asks kernel-sa --list; true if that cannot be known. */
bool hand_tunnel_stands(const struct hand *h);
/* All is printed that there is to see: it ends here. */
bool hand_seen_enough(const struct hand *h);
/* Tells the peer that it was nothing. */
void hand_take_back(struct hand *h);
/* by_hand_methods.c */
/* --keyid and --pubkeyrsa (NULL: not given), once there is a form. False: *why says what is wrong. */
bool hand_take_key(struct hand *h, const char *keyid, const char *key, char why[CONNECTION_WHY]);
bool hand_key_fits(const struct hand *h); /* it is the peer's, or nobody knows; else says so */
void hand_public_keys(struct hand *h, const struct record *r); /* secrets asks for it */
unsigned hand_methods(const struct hand *h); /* place of K_METHODS' word: what is allowed and there */
/* secrets has read its file: begins, if need be after it has answered what there is in it. */
void hand_loaded(struct hand *h);
bool hand_secret_answered(struct hand *h, const struct record *r); /* false: that was not asked */
/* by_hand_answers.c */
void hand_begin(struct hand *h);
/* One record of a child. */
bool hand_record(void *context, struct channel *c, const struct record *r, int fd);
/* by_hand_kernel.c */
unsigned hand_mode(const struct hand *h); /* place of K_MODE's word */
void hand_permit(struct hand *h);         /* prints plutod's permit */
void hand_kernel_record(struct hand *h, const struct record *r); /* of a child to kernel-sa */
/* It ends, with this exit status. */
void hand_finish(struct hand *h, int status);
/* A line on stderr, escaped: here it leaves our processes. */
void hand_say(const char *prefix, const char *text);
void hand_end(struct hand *h, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
