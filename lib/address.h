/*
 * Addresses and subnets: the one parser and printer of them.
 *
 * Numeric only; names are resolved by whack (before) and dnskey. IPv4 octets are decimal, never
 * octal, IPv6 as RFC 5952 prints it. Not for: sockets (a tool's own business) and identities.
 */
#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 46 /* INET6_ADDRSTRLEN */
#define SUBNET_TEXT 50

struct address {
    uint8_t family;     /* 4, 6, or 0: none */
    uint8_t bytes[16];  /* network order; 4 of them for IPv4, the rest zero */
};

struct subnet {
    struct address base; /* host bits are zero */
    uint8_t bits;        /* 0..32 or 0..128 */
};

/* Each parser returns NULL or why the text is wrong (static); the result is then untouched. */
const char *address_parse(struct address *a, const char *text);
void address_print(const struct address *a, char out[ADDRESS_TEXT]);
unsigned address_len(const struct address *a); /* 4 or 16 bytes */
bool address_equal(const struct address *a, const struct address *b);
bool address_is_any(const struct address *a); /* family 0, or 0.0.0.0, or :: */
/* Can it be one host's own? NULL, or why not (static). That which stands for any (0.0.0.0, ::) is the caller's. */
const char *address_of_no_host(const struct address *a);
/* Whom a packet is put down to: an IPv6 host has all of its /64 to send from. */
struct address address_sender(const struct address *a);
uint32_t address_hash(const struct address *a); /* for tables; not secret */

/* [W6]: addr/bits, addr/dotted-mask, %default (of `family`, 4 or 6), short dotted forms padded. */
const char *subnet_parse(struct subnet *s, const char *text, unsigned family);
void subnet_print(const struct subnet *s, char out[SUBNET_TEXT]);
void subnet_of_host(struct subnet *s, const struct address *a); /* /32 or /128 */
bool subnet_equal(const struct subnet *a, const struct subnet *b);
bool subnet_contains(const struct subnet *s, const struct address *a);
bool subnet_is_host(const struct subnet *s, const struct address *a); /* exactly that one address */
void subnet_mask(const struct subnet *s, struct address *mask);
/* Clears the host bits. */
void subnet_make(struct subnet *s, const struct address *base, unsigned bits);
/* The mask must be contiguous; returns NULL or why. */
const char *subnet_from_mask(struct subnet *s, const struct address *base,
                             const struct address *mask);

/*
 * sockaddr_in or sockaddr_in6; returns its length. Scope ids are not kept: IKE runs on global
 * addresses.
 */
socklen_t address_to_sockaddr(const struct address *a, uint16_t port, struct sockaddr_storage *ss);
bool address_from_sockaddr(struct address *a, uint16_t *port, const struct sockaddr *sa);

#endif
