/*
 * What outlives a process: the layout of the files of slots (docs/decisions/slots.md).
 *
 * One file for ike-negotiate and one for each worker of secrets, on a tmpfs, opened by plutod,
 * mapped by the tool and handed to its successor. Host byte order, no pointers, no padding: the
 * sizes below are the layout. A change of any of them is another SLOTS_VERSION; a file of another
 * version, boot, tool or size is emptied, not converted.
 *
 * Times are milliseconds of CLOCK_BOOTTIME. Lengths are bytes. What is read is believed no more
 * than a packet: every length, algorithm and number is checked before it is used.
 *
 * Not for: reading and writing them, which comes with adoption; nor for plutod, which never maps
 * one.
 */
#ifndef LIB_SLOTS_H
#define LIB_SLOTS_H

#include "bounds.h"

#include <assert.h>
#include <stdint.h>

#define SLOTS_MAGIC "plutslot"
#define SLOTS_VERSION 1
#define SLOTS_PAGE 4096
#define SLOTS_ISAKMP 16384      /* ISAKMP SAs in one file */
#define SLOTS_QUICK 1024        /* Quick Modes past message 2, in ike-negotiate's */
#define SLOTS_MESSAGE_IDS 32

enum slots_tool { SLOTS_OF_NEGOTIATE = 1, SLOTS_OF_SECRETS = 2 };

/* The first page. Written once, by the first process that gets the file. */
struct slots_header {
    char magic[8];              /* SLOTS_MAGIC, without its 0 */
    uint16_t version;
    uint16_t tool;              /* enum slots_tool */
    uint32_t worker;            /* number of the secrets process that made it; else 0 */
    uint8_t boot_id[16];        /* /proc/sys/kernel/random/boot_id */
    uint32_t isakmp_count;      /* SLOTS_ISAKMP */
    uint32_t isakmp_size;       /* of one slot, both copies */
    uint32_t quick_count;       /* SLOTS_QUICK; 0 in secrets' */
    uint32_t quick_size;
    uint32_t plutod_epoch;      /* upper half of the exchange numbers in it */
    uint8_t zero[4];
    uint64_t checksum;          /* over all before it */
};

/* At the head of each copy. The valid copy with the higher sequence counts; 0: never written. */
struct slot_head {
    uint64_t checksum;          /* over the rest of the copy; sequence included */
    uint64_t sequence;          /* one more than the other copy's */
    uint64_t exchange;          /* plutod's number; 0: the slot is free */
};

struct slot_address {
    uint8_t bytes[16];          /* IPv4 in the first four */
    uint16_t family;            /* 4, 6 */
    uint16_t port;
};

/* ike-negotiate: an ISAKMP SA that is up. */
struct slot_isakmp {
    struct slot_head head;
    uint8_t cky_i[COOKIE_LEN];
    uint8_t cky_r[COOKIE_LEN];
    struct slot_address local;
    struct slot_address remote;
    uint64_t ends_at;
    uint32_t worker;            /* its secrets process, which may have had a successor since */
    uint16_t cipher;            /* RFC 2409 appendix A numbers, as they were negotiated */
    uint16_t key_bits;
    uint16_t hash;
    uint16_t group;
    uint8_t initiator;
    uint8_t iv_len;
    uint16_t skeyid_len;        /* of each of the two */
    uint8_t skeyid_a[HASH_MAX];
    uint8_t skeyid_e[HASH_MAX];
    uint8_t iv[16];             /* the last phase 1 block */
    uint32_t dpd_sent;          /* sequence numbers, RFC 3706 */
    uint32_t dpd_seen;
    uint32_t flags;             /* what is to be said or believed only once */
    uint16_t message_id_count;
    uint16_t message_id_next;
    uint32_t message_ids[SLOTS_MESSAGE_IDS]; /* done with, a ring */
    uint8_t zero[56];
};

/*
 * ike-negotiate: a Quick Mode past message 2. As responder it waits for message 3, as initiator it
 * answers a repeated message 2.
 */
struct slot_quick {
    struct slot_head head;
    uint64_t parent;
    uint32_t message_id;
    uint8_t initiator;
    uint8_t activated;          /* kernel-sa was asked to */
    uint16_t sent_len;
    uint8_t spi_in[4];
    uint8_t spi_out[4];
    uint64_t gives_up_at;
    uint8_t iv[16];             /* of the next message */
    uint8_t last_in[32];        /* SHA2-256 of the message that was taken last */
    uint8_t hash_3[HASH_MAX];   /* responder: what message 3 must hold */
    uint8_t sent[128];          /* initiator: message 3, sealed */
    uint8_t zero[88];
};

/* secrets: what KEYMAT under an ISAKMP SA needs. No PSK, no g^xy, no SKEYID, no traffic key. */
struct slot_secrets {
    struct slot_head head;
    uint16_t role;              /* 0 initiator, 1 responder */
    uint16_t hash;              /* RFC 2409 appendix A number */
    uint16_t skeyid_d_len;
    uint16_t peer_id_len;       /* of peer_id */
    uint8_t skeyid_d[HASH_MAX];
    uint8_t peer_id[ID_BODY_MAX]; /* that was proved, as an ID payload's body */
    uint8_t zero[28];
};

#define SLOT_COPIES 2

static_assert(sizeof(struct slots_header) == 64, "slots_header");
static_assert(sizeof(struct slot_head) == 24, "slot_head");
static_assert(sizeof(struct slot_address) == 20, "slot_address");
static_assert(sizeof(struct slot_isakmp) == 448, "slot_isakmp");
static_assert(sizeof(struct slot_quick) == 384, "slot_quick");
static_assert(sizeof(struct slot_secrets) == 384, "slot_secrets");
static_assert(SLOTS_PAGE % sizeof(uint64_t) == 0 && sizeof(struct slots_header) <= SLOTS_PAGE,
              "the header has a page of its own");

#endif
