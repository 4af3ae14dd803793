/*
 * The one place that knows a limit. (Not named limits.h: that is the C library's.)
 *
 * Sizes are bytes, times are milliseconds unless the name says otherwise.
 */
#ifndef LIB_BOUNDS_H
#define LIB_BOUNDS_H

#define RECORD_MAX 65536        /* one record with its newline */
#define RECORD_MAX_KERNEL 4096  /* the same, toward kernel-sa */
#define CHANNEL_MAX (1u << 20)  /* unsent bytes that one channel may hold */
#define ORDERS_MAX (64u << 20)  /* the same, from plutod to a tool: it repeats all that one knew */

#define DATAGRAM_MAX 65535      /* RFC 768 */
#define MESSAGE_MAX 16384       /* an IKE message that we are willing to read */
#define PAYLOADS_MAX 64         /* payloads in one message, all nesting levels apart */
#define PROPOSALS_MAX 32        /* proposals in one SA payload that we look at */
#define TRANSFORMS_MAX 255      /* transforms in one SA payload that we look at */
#define ATTRIBUTES_MAX 16       /* attributes in one transform */

#define COOKIE_LEN 8            /* RFC 2408, 3.1 */
#define NONCE_LEN 32            /* what we send [C8] */
#define NONCE_MIN 8             /* RFC 2409, 5 */
#define NONCE_MAX 256
#define KE_MAX 512              /* MODP4096 */
#define HASH_MAX 64             /* SHA2-512 */
#define SA_BODY_MAX 16384       /* SAi_b that HASH_I and HASH_R cover */
#define ID_HEAD 4               /* of an ID payload's body: type, protocol, port (RFC 2407, 4.6.2) */
#define ID_VALUE_MAX 256
#define ID_BODY_MAX 260         /* both */
#define PSK_MAX 1024            /* a preshared secret; a longer one is refused by name */
#define PASSPHRASE_MAX 1024     /* the same of a key file's passphrase */
#define PASSPHRASE_TRIES 3u     /* so often it is asked for when it was wrong */
#define PASSPHRASE_TIME 120u    /* seconds for whoever is asked; plutod waits a little longer for whack */

#define NAME_MAX_LEN 64         /* a connection's name [W2] */
#define SPI_MIN 0x1000u         /* [C8] */

#define HOSTNAME_LEN 253u       /* a host's name (RFC 1035, 2.3.4; without the last dot) */
#define HOST_ADDRESSES_MAX 16u  /* that a name stands for; of more the first in their order are used */
#define HOST_NAMES_MAX 4096u    /* different names of hosts in ipsec.secrets */
#define RESOLVES_MAX 512u       /* requests that dnskey has open; plutod keeps to it, the next one is refused */
#define RESOLVE_TIME 20000u     /* milliseconds within which dnskey answers each, whatever DNS does */

#define LIFE_MAX 86400u         /* seconds [L1] */
#define IKE_LIFE_DEFAULT 10800u
#define IPSEC_LIFE_DEFAULT 3600u
#define IKE_LIFE_ABSENT 3600u   /* the peer named none [L1] */
#define IPSEC_LIFE_ABSENT 28800u
#define REKEY_MARGIN_DEFAULT 540u
#define REKEY_FUZZ_DEFAULT 100u
#define KEYING_TRIES_DEFAULT 3u

#define RETRANSMIT_1 10000u     /* second sending, after the first [C3] */
#define RETRANSMIT_2 30000u     /* third sending, after the first */
#define GIVE_UP 70000u          /* after the first */
#define REPORT_PATIENCE 50u     /* that a step of a negotiation may wait to be told to plutod */
#define DUPLICATE_REPLIES 3u    /* old reply sent again, per message [C3] */

#define HALF_OPEN_MAX 4096u     /* responder Main Modes that are not finished */
#define HALF_OPEN_SAFE 500u     /* after each step, from making room for others */
#define HALF_OPEN_PER_SOURCE 256u /* of them, with one address (IPv6: one /64) */
#define OPEN_KEYS_MAX 512u      /* a Diffie-Hellman each, under way: beyond, nobody new is let in */
#define HALF_OPEN_EVICTIONS 100u /* in a second, of one address, for newer ones of the same */
#define OUR_QUICKS_MAX 2u        /* that we run at once under one: charon keeps IVs of 3 exchanges only */
#define OPEN_QUICKS_MAX 64u      /* Quick Modes that a peer has begun under one ISAKMP SA */
#define PAIRS_OF_CONN_MAX 8u     /* pairs of IPsec SAs that stand for one connection: rekeying needs two or three */
#define ISAKMP_OF_CONN_MAX 8u    /* the same of ISAKMP SAs */
#define HALF_OPEN_BYTES (8u << 20) /* of their peers' SA payloads, which HASH_I and HASH_R cover */
#define JOURNAL_EVENTS 256u     /* of one connection that are remembered, */
#define JOURNAL_CHEAP 64u       /* of those, that a peer may cause as often as he likes */
#define JOURNAL_CHEAP_AT_ONCE 300u /* of such, for all connections together, */
#define JOURNAL_CHEAP_REFILL 1000u /* and the milliseconds for each further one */
#define JOURNAL_BYTES (16u << 20) /* that the events of all connections take */
#define PUBLIC_KEYS_OF_ID 8u     /* of one identity: each is tried with every signature of its */
#define PUBLIC_KEYS_BYTES (64u << 20) /* that all of them take: some 100,000 */
#define TOOL_MEMORY ((size_t)1 << 30) /* data of a tool: twice what 65,536 exchanges take, see lib/sandbox.c */
#define WORKERS_MAX 64u         /* secrets processes */
#define EXCHANGES_MAX 65536u    /* exchanges known to one process */
#define EXCHANGES_OF_ROAD (EXCHANGES_MAX / 4 * 3) /* of them, of the instances of one connection with %any */

#endif
