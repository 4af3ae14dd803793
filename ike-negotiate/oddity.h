/*
 * What old peers do otherwise than the RFCs say, and we bear (interop Q2 to Q10): the one list.
 *
 * Decoders set bits of it beside their result; the core says each of them once for an ISAKMP SA, at
 * debug level (report.c). Nothing here may change what is safe. Not for: what is refused.
 */
#ifndef IKE_NEGOTIATE_ODDITY_H
#define IKE_NEGOTIATE_ODDITY_H

/* ODDITY(enumerator, text) */
#define ODDITIES(ODDITY) \
    ODDITY(RESERVED, "reserved bytes that are not 0") \
    ODDITY(TRAILING, "bytes behind the last payload that are not 0, or more than a block of them") \
    ODDITY(PRIVATE_PAYLOAD, "a payload of a private type: it is skipped") \
    ODDITY(STRAY_PAYLOAD, "a payload that means nothing in this exchange: it is skipped") \
    ODDITY(PROPOSAL_NUMBERS, "proposals that are not numbered 1, 2, 3") \
    ODDITY(PHASE1_SPI, "an SPI in a proposal for an ISAKMP SA: its value means nothing") \
    ODDITY(NO_KEY_LENGTH, "AES without a key length: 128 bits") \
    ODDITY(NO_MODE, "no encapsulation mode: it is taken by the clients") \
    ODDITY(DRAFT_MODE, "an encapsulation mode with the number of a NAT traversal draft") \
    ODDITY(KILOBYTES, "a life in kilobytes, which only the peer counts") \
    ODDITY(SEVERAL_LIVES, "several lives of one kind: the shortest counts") \
    ODDITY(SHORTER_LIFE, "a shorter life than we offered: it is taken") \
    ODDITY(REWRITTEN, "our transform came back in other words (numbers, order, form)") \
    ODDITY(ID_PORT, "an identity with protocol and port") \
    ODDITY(NO_CLIENTS, "a Quick Mode without identities: the two hosts") \
    ODDITY(HOST_AS_NET, "a single address written as a subnet or range") \
    ODDITY(ISAKMP_SPI, "an SPI of another length than 16 bytes for an ISAKMP SA") \
    ODDITY(QUICK_ID, "an Informational with the message id of a Quick Mode")

enum oddity {
#define ODDITY(e, text) ODD_PLACE_##e,
    ODDITIES(ODDITY)
#undef ODDITY
    ODDITY_COUNT
};

/* ODD_RESERVED, ...: bits of a mask. */
enum {
#define ODDITY(e, text) ODD_##e = 1 << ODD_PLACE_##e,
    ODDITIES(ODDITY)
#undef ODDITY
    ODD_NONE = 0
};

const char *oddity_text(enum oddity place);

#endif
