/*
 * By hand: names of the command line, asked for as requests, and their answers as a person reads them.
 *
 * They are asked for all at once, and printed in the order in which they were given. Not for: the loop (loop.h).
 */
#ifndef DNSKEY_BY_NAME_H
#define DNSKEY_BY_NAME_H

#include "lookup.h"

struct by_name;

/* The names and the log, where stands what has no address, are borrowed. NULL: no memory. */
struct by_name *by_name_new(char *const names[], size_t count, const struct log *log);
void by_name_free(struct by_name *b); /* NULL is allowed */

struct buffer *by_name_answers(struct by_name *b); /* for lookups_out */
/* Asks for as many of the next ones as there is room for. */
void by_name_ask(struct by_name *b, struct lookups *l, uint64_t now);
bool by_name_has_more(const struct by_name *b);
/* All are answered: prints them. False: one has no address. */
bool by_name_print(const struct by_name *b);

#endif
