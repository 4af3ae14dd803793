/*
 * What is written in resolv.conf(5) and hosts(5), read.
 *
 * Of resolv.conf the nameserver lines count and nothing else: names are fully qualified, so that search, domain and
 * ndots have no meaning; of hosts all lines that have a name, in either case of letters. Pure: texts come in.
 * Not for: opening the files (opener.h).
 */
#ifndef DNSKEY_FILES_H
#define DNSKEY_FILES_H

#include "answer.h"

#include "lib/log.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define HOSTS "/etc/hosts"

#define SERVERS_MAX 8u   /* that are asked; more are named in the log */
#define SERVER_TEXT (ADDRESS_TEXT + 16)

struct servers {
    unsigned count;
    char at[SERVERS_MAX][SERVER_TEXT]; /* addresses; with %NUMBER of the interface where a scope was given */
};

/* Of the interface with that name; 0: there is none. */
typedef unsigned scope_finder(const char *name);

/* Where no usable one is named: that of this machine, 127.0.0.1, as resolv.conf(5) has it. */
void servers_read(struct servers *s, const char *text, size_t len, scope_finder *scope, const struct log *log);
#define SERVERS_TEXT (SERVERS_MAX * (SERVER_TEXT + 2))
void servers_print(const struct servers *s, char out[SERVERS_TEXT]);

/* False: the text does not have that name. */
bool hosts_find(const char *text, size_t len, const char *name, struct answer *a);

#endif
