/*
 * Identities: the one parser, printer, decoder and encoder of what an ID payload says.
 *
 * Words are those of whack's --id [W5]; bytes are those of RFC 2407, 4.6.2. Not for: deciding
 * whether an identity may be used (plutod) or proves anything (secrets).
 */
#ifndef LIB_IDENTITY_H
#define LIB_IDENTITY_H

#include "address.h"
#include "bounds.h"

#include <stddef.h>

enum id_type { /* RFC 2407, 4.6.2.1; 0 is our own "%any" */
    ID_ANY = 0,
    ID_IPV4_ADDR = 1,
    ID_FQDN = 2,
    ID_USER_FQDN = 3,
    ID_IPV4_ADDR_SUBNET = 4,
    ID_IPV6_ADDR = 5,
    ID_IPV6_ADDR_SUBNET = 6,
    ID_IPV4_ADDR_RANGE = 7,
    ID_IPV6_ADDR_RANGE = 8,
    ID_DER_ASN1_DN = 9,
    ID_DER_ASN1_GN = 10,
    ID_KEY_ID = 11
};

#define IDENTITY_TEXT (ID_VALUE_MAX * 3 + 8)

struct identity {
    enum id_type type;
    uint16_t len;
    uint8_t bytes[ID_VALUE_MAX]; /* as on the wire, after the four bytes of head */
};

extern const struct identity identity_any;

/*
 * Where many are kept for long: most have 4 bytes, few have 256. What identity_dup returns (owned,
 * free() it; NULL: no memory) has only as many bytes as IDENTITY_SIZE says, so it is read through its
 * pointer, and never assigned by value.
 */
#define IDENTITY_SIZE(id) (offsetof(struct identity, bytes) + (id)->len)
const struct identity *identity_dup(const struct identity *id);
void identity_copy(struct identity *to, const struct identity *from); /* of either kind */

/*
 * Texts: 10.9.0.1, 2001:db8::1, @fqdn, user@fqdn, C=CH,O=Example,CN=gate (dn.h), @#hex (KEY_ID), %any (also
 * 0.0.0.0), and for what peers send: @~hex (a DER name that has no text), @@user (USER_FQDN without a domain, or with a =). A name
 * without @ needs resolving, which is not done here: an error. Names are compared without case; %XX is a byte.
 */
const char *identity_parse(struct identity *id, const char *text);
/* parse's inverse; odd bytes of names as %XX */
void identity_print(const struct identity *id, char out[IDENTITY_TEXT]);
bool identity_equal(const struct identity *a, const struct identity *b);
/* An order for tables, in which those that are equal come together; < 0, 0 (equal), > 0. */
int identity_compare(const struct identity *a, const struct identity *b);
void identity_of_address(struct identity *id, const struct address *a);

/*
 * The body of a phase 1 ID payload, from its type byte on. Checks the length for its type, refuses
 * types that mean a subnet or range, control bytes and NULs in names. Protocol and port: 0/0,
 * 17/0, 17/500, 17/4500 are accepted (interop Q9). Returns NULL or why (static).
 */
const char *identity_decode(struct identity *id, const uint8_t *body, size_t len);
/* Protocol 0, port 0. Returns the length. */
size_t identity_encode(const struct identity *id, uint8_t body[ID_BODY_MAX]);

/*
 * The body of a Quick Mode IDci or IDcr: address, subnet or range; a range that is no subnet is
 * refused. *protocol and *port are handed out as they came.
 */
const char *client_decode(struct subnet *net, uint8_t *protocol, uint16_t *port,
                          const uint8_t *body, size_t len);
/* An address type for a /32 or /128, else a subnet type (RFC 2407, 4.6.2.4). Returns its length. */
size_t client_encode(const struct subnet *net, uint8_t protocol, uint16_t port,
                     uint8_t body[ID_BODY_MAX]);

#endif
