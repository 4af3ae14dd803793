/*
 * A connection as a person describes it: the words of whack's connection form [W2]-[W6] [W13],
 * their checks, and the record `whack-connection` that carries it to plutod.
 *
 * Two shapes. `struct connection_words` collects the options as they stand on a command line (or in
 * a record); `connection_form_make` turns them into a `struct connection_form`, in which everything
 * is parsed, checked and filled in. plutod makes its form from the record by the same way, so what
 * whack refuses, plutod refuses too. Not for: orientation, instances, choice of a connection
 * (plutod), and the other forms of whack.
 *
 * Every function that can refuse writes a sentence into why[CONNECTION_WHY]: "--option VALUE: what
 * is wrong, what to do". It ends without a full stop and newline.
 */
#ifndef LIB_CONNECTION_H
#define LIB_CONNECTION_H

#include "address.h"
#include "buffer.h"
#include "identity.h"
#include "option_reader.h"
#include "record.h"

#include <stdbool.h>
#include <stdint.h>

#define CONNECTION_WHY OPTION_WHY

enum connection_policy {
    POLICY_PSK = 1 << 0,
    POLICY_RSASIG = 1 << 1,
    POLICY_ENCRYPT = 1 << 2,
    POLICY_AUTHENTICATE = 1 << 3,
    POLICY_COMPRESS = 1 << 4,
    POLICY_TUNNEL = 1 << 5, /* also set because there is a client */
    POLICY_PFS = 1 << 6,
    POLICY_DISABLEARRIVALCHECK = 1 << 7,
    POLICY_DONTREKEY = 1 << 8
};

#define POLICY_METHODS ((unsigned)(POLICY_PSK | POLICY_RSASIG)) /* how the peers prove who they are */

enum { END_LEFT, END_RIGHT }; /* before and after --to; nothing says which one is ours */

/* ---- what was said ---- */

enum connection_family {
    FAMILY_IPV4 = 1 << 0,
    FAMILY_IPV6 = 1 << 1,
    FAMILY_TUNNEL_IPV4 = 1 << 2,
    FAMILY_TUNNEL_IPV6 = 1 << 3
};

/* The kernel's answers where there is no SA [C6]: before, and after a negotiation that failed. */
enum connection_shunt {
    SHUNT_TRAP = 1 << 0,
    SHUNT_PASS = 1 << 1,
    SHUNT_DROP = 1 << 2,
    SHUNT_REJECT = 1 << 3,
    FAIL_NONE = 1 << 4,
    FAIL_PASS = 1 << 5,
    FAIL_DROP = 1 << 6,
    FAIL_REJECT = 1 << 7
};

enum connection_number { IKELIFETIME, IPSECLIFETIME, REKEYMARGIN, REKEYFUZZ, KEYINGTRIES, DPDDELAY,
                         DPDTIMEOUT, NUMBERS };

/* All pointers are borrowed: from argv, or from a record. NULL: not said. */
struct connection_words_end {
    const char *host;
    const char *host_name;  /* of a record: the name of which `host` was an address */
    const char *id;
    const char *nexthop;
    const char *client;
    const char *updown;
    const char *clientprotoport;
    uint16_t ikeport;       /* 0: not said */
    bool dnskeyondemand;
};

struct connection_words {
    const char *name;
    struct connection_words_end end[2];
    unsigned at;            /* the end that options now belong to */
    bool replace;           /* --delete in the connection form; the caller sets it */
    unsigned policy;        /* mask of enum connection_policy */
    unsigned families;      /* mask of enum connection_family */
    unsigned shunts;        /* mask of enum connection_shunt */
    const char *ike;
    const char *esp;
    const char *ah;
    const char *pfsgroup;
    const char *dpdaction;
    bool has[NUMBERS];      /* of number[]: was it said? */
    uint32_t number[NUMBERS]; /* enum connection_number */
};

/*
 * One option of a command line (option_reader.h) into `words`, which began as all zeros; its text must
 * live as long as they do. False: it is none of the connection form.
 */
bool connection_option(struct connection_words *words, const struct option_given *given);

/* ---- what it means ---- */

/* plutod has thousands of forms: these are a byte each. */
enum __attribute__((packed)) host_kind { HOST_ADDRESS, HOST_ANY };
enum __attribute__((packed)) nexthop_kind {
    NEXTHOP_PEER,           /* not said: the peer's address */
    NEXTHOP_DIRECT,         /* said: %direct. The peer's address */
    NEXTHOP_ADDRESS
};

struct connection_end {
    const struct identity *id; /* owned (identity_dup); always right; ID_ANY: HOST_ANY without --id */
    char *updown;           /* owned; NULL: the default script */
    char *host_name;        /* owned; --host was given as this name, and `host` was its address then; NULL: as an address */
    enum host_kind host_kind;
    enum nexthop_kind nexthop_kind;
    uint16_t ikeport;       /* 500 if not said */
    struct address host;    /* family 0 but with HOST_ADDRESS */
    struct address nexthop; /* NEXTHOP_ADDRESS; else family 0 */
    struct subnet client;   /* always right; family 0: HOST_ANY without --client */
    bool has_client;        /* --client was given; else it is the host */
    bool has_id;            /* --id was given; else it comes from the host */
    bool id_is_myid;        /* --id %myid: who that is, plutod knows; id is then ID_ANY */
};

struct connection_form {
    const char *name;       /* owned */
    struct connection_end end[2];
    const char *ike;        /* never NULL: "default" if not said; owned, but that */
    const char *esp;        /* the same */
    char *pfsgroup;         /* owned; NULL: not said, the group of phase 1 */
    unsigned policy;
    uint32_t ikelifetime;   /* seconds */
    uint32_t ipseclifetime; /* seconds */
    uint32_t rekeymargin;   /* seconds */
    uint32_t rekeyfuzz;     /* percent of the margin, may exceed 100 */
    uint32_t keyingtries;   /* 0: never give up */
    uint8_t family;         /* 4 or 6: of the hosts */
    uint8_t tunnel_family;  /* 4 or 6: of the clients */
    bool replace;
};

/*
 * The first address of this family (4 or 6) that a name has. `option` is for the caller's own
 * message: --host, --id, --nexthop or --client. NULL or why (static text).
 */
typedef const char *connection_resolver(void *context, const char *option, const char *name,
                                        unsigned family, struct address *a);

/*
 * Of other forms: somebody's identity, as --id has it, but neither %any nor %myid; and one address, or
 * a name that has one (family 4 or 6; 0: either, of a name IPv4). `option` is the word for messages.
 */
bool connection_identity(struct identity *id, const char *option, const char *text,
                         connection_resolver *resolver, void *context, char why[CONNECTION_WHY]);
bool connection_address(struct address *a, const char *option, const char *text, unsigned family,
                        connection_resolver *resolver, void *context, char why[CONNECTION_WHY]);

/* Can a connection be called so? NULL, or why not (static text). */
const char *connection_name_check(const char *name);

/*
 * Parses, fills in and checks everything [W3]. resolver NULL: names are refused. True: *form is
 * the caller's, to be freed with connection_form_free. False: *form holds nothing.
 */
bool connection_form_make(struct connection_form *form, const struct connection_words *words,
                          connection_resolver *resolver, void *context,
                          char why[CONNECTION_WHY]);
bool connection_form_copy(struct connection_form *to, const struct connection_form *from);
void connection_form_free(struct connection_form *form); /* twice does no harm */

/* Neither --encrypt nor --authenticate, --compress or --pfs: no Quick Mode. */
bool connection_isakmp_only(const struct connection_form *form);

/* Appends a whack-connection record; false: out is full. */
bool connection_to_record(struct buffer *out, const struct connection_form *form);
/* Of a whack-connection record, parsed. As connection_form_make, without a resolver. */
bool connection_from_record(struct connection_form *form, const struct record *r,
                            char why[CONNECTION_WHY]);

#define POLICY_TEXT 120
void connection_policy_print(unsigned policy, char out[POLICY_TEXT]); /* psk,encrypt,tunnel */

#endif
