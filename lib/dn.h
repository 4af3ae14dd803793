/*
 * Distinguished names (X.501): the one parser, printer and comparer of what an ID_DER_ASN1_DN says.
 *
 * Text: C=CH, O=Example Ltd, CN=gate, in the order of the DER bytes (as other IKE daemons write it; RFC 4514 has the
 * reverse). Types of attributes by the names of RFC 4519 and the usual ones besides (E for emailAddress), or as
 * 1.2.840.113549.1.9.1=...; %XX and \XX are a byte, another \ takes the character behind it as it is, and what is in quotes
 * ("Example, Inc.") may have commas. A string is a PrintableString if it can be,
 * for E and DC an IA5String, else a UTF8String; another one says so: O=utf8:Example. Not for: identities in general
 * (identity.h), certificates, names of several attributes in one step (a+b), which have no text here.
 */
#ifndef LIB_DN_H
#define LIB_DN_H

#include "bounds.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is that meant as one? It begins with ATTRIBUTE= or with /ATTRIBUTE= (then / stands where , does). */
bool dn_is_meant(const char *text);

/* Its DER. NULL, or why not (static text). */
const char *dn_parse(uint8_t der[ID_VALUE_MAX], size_t *len, const char *text);

/*
 * parse's inverse, to the byte, in one word (spaces as %20). False: that has no text, since it is not DER, or not of
 * a kind that dn_parse makes, or the text would not fit; out is then undefined.
 */
bool dn_print(const uint8_t *der, size_t len, char *out, size_t size);

/*
 * An order in which names come together that are the same by RFC 5280, 7.1: without case, without regard to spaces at
 * the ends and to how many are between words, and to the type of a string. Any bytes: what has no text is compared as it is.
 */
int dn_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

#endif
