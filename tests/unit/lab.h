/*
 * Whole hosts in one process: of each the real cores of plutod, ike-negotiate, secrets and
 * kernel-sa, on a kernel that is a table (kernel_fake.h), with a virtual clock and a network that a
 * test can spoil.
 *
 * What goes from core to core are the lines of the real channels, and a line that breaks the rules
 * fails the test: whatever a stranger sends, our processes stay in order among themselves. The log
 * is what plutod would write, escaped. Not for: the by-hand module (world.h), sockets.
 */
#ifndef LAB_H
#define LAB_H

#include "ike-negotiate/ike.h"
#include "kernel_fake.h"
#include "plutod/keying.h"
#include "secrets/core.h"

#include "bounds.h"

#define LAB_HOSTS 3       /* 10.9.0.1, 10.9.0.2, 10.9.0.3 */
#define LAB_DATAGRAMS 512 /* on their way */
#define LAB_NOBODY LAB_HOSTS

struct datagram {
    struct path path; /* as the receiver sees it */
    size_t len;
    uint8_t bytes[MESSAGE_MAX];
};

struct lab;

/* What becomes of a datagram: how many copies arrive. It may be changed in place. */
typedef unsigned lab_network(struct lab *l, struct datagram *d, unsigned number);

struct lab_host {
    struct lab *lab;
    struct keying keying;
    struct ike *ike;
    struct core *secrets;
    uint32_t worker;             /* its number, from 1 */
    struct store *store;
    struct log secrets_log;
    struct fake *kernel;
    struct buffer line[12];      /* records under way, by the place of their direction's bit */
    struct script_job *scripts;
    struct buffer heard;         /* all records of ike-negotiate to plutod */
    struct buffer log;
    struct buffer said;          /* to whack */
    uint64_t received, sent;     /* bytes of datagrams */
    unsigned received_count, sent_count;
};

struct lab {
    uint64_t now; /* ms */
    struct lab_host host[LAB_HOSTS];
    struct datagram *queue;
    size_t first, queued;
    bool hurried;    /* datagrams go before records: they come while an answer is waited for */
    unsigned number; /* datagrams of our hosts so far, from 1 */
    lab_network *network; /* NULL: all arrive once */
    void *data;      /* of the test */
    size_t policies; /* that a tunnel has at each end: 3; between hosts alone 2 */
};

/* Fields of whack-connection after the ends. */
#define LAB_CHEAP "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes128-sha1"

/*
 * Three hosts that listen, and between the first two the connection "net" for 10.1.0.0/24 and
 * 10.2.0.0/24 with these words (NULL: LAB_CHEAP). All have the secret "x" for everybody, and the keys of
 * lab_give_rsa if the words say rsasig.
 */
struct lab *lab_new(const char *words);
struct lab *lab_new_psk(const char *words, const char *const psk[LAB_HOSTS]); /* NULL: none */
struct lab *lab_new_alone(void); /* without any connection */
/* The first two have an RSA key, and each other's public one: of 512 bits, so --ike needs a short hash. */
void lab_give_rsa(struct lab *l);
void lab_free(struct lab *l);
/* A record of whack, given to a host's plutod. */
void lab_whack(struct lab *l, unsigned host, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void lab_initiate(struct lab *l, unsigned host); /* "net" */
/* Runs records and datagrams until nothing moves; the clock stands still. */
void lab_settle(struct lab *l);
/* Settles, and lets `ms` pass, timer by timer. */
void lab_pass(struct lab *l, uint64_t ms);
void lab_inject(struct lab *l, const struct datagram *d); /* on its way, after the others */
/* At once, and of any length. */
void lab_hear(struct lab *l, const struct path *path, const uint8_t *bytes, size_t len);

/* One of a host's tools dies with all that was on its way from and to it, and begins anew. */
void lab_kill(struct lab *l, unsigned host, enum tool tool);

/* ---- between lab.c, lab_make.c and lab_deaths.c ---- */

struct buffer *lab_line(struct lab_host *h, unsigned direction);
void lab_refill(struct lab_host *h); /* randomness for its negotiator */
void lab_begin_secrets(struct lab_host *h);
void lab_connect_kernel(struct lab_host *h);

/* ---- looking ---- */

unsigned lab_host_of(const struct address *a); /* LAB_NOBODY: none of the hosts */
void lab_address(struct address *a, unsigned host); /* 10.9.0.(host + 1) */
/* As `host` sees what comes from port 500 of 10.9.0.`from`. */
struct path lab_path(unsigned host, unsigned from);

/* Both have the same newest pair of SAs for "net", with each other's keys, and policies for it. */
bool lab_up(const struct lab *l);
bool lab_logged(const struct lab *l, unsigned host, const char *text);
unsigned lab_count(const struct buffer *b, const char *text);
unsigned lab_lines(const struct lab *l, unsigned host); /* in the log */
void lab_forget_log(struct lab *l);

#endif
