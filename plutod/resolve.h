/*
 * Names of hosts that workers of secrets want resolved [K1]: each is asked of dnskey once, whoever wants to know it, and the
 * answer is handed on.
 *
 * A worker's request stays open until there is an answer that is final. One that is not (no server of DNS answers) is
 * tried again, later and later, while a worker waits. What was answered is kept, for the workers that read the same
 * file, until the secrets are read anew: then each name is asked for anew, and what was known of it before is used only where
 * nobody answers, so that an outage of DNS takes no secret away. It is kept until a reading that does not ask for it has come
 * into use. What dnskey says of a name that has its answer is for the next reading.
 *
 * dnskey is not trusted: what it says is checked, it has RESOLVE_TIME for each answer, and whatever it does not do is
 * asked of its successor. Not for: when secrets come into use (process.h), and what a name is used for (secrets).
 */
#ifndef PLUTOD_RESOLVE_H
#define PLUTOD_RESOLVE_H

#include "keying.h"

#define RESOLVE_PATIENCE (RESOLVE_TIME + 5000u) /* milliseconds for dnskey, which says itself that nobody answers */
#define RESOLVE_AGAIN_MIN 2000u /* until a name is asked for again; doubled each time, */
#define RESOLVE_AGAIN_MAX 60000u /* up to this */
#define RESOLVE_OLD_MAX 86400000u /* how old an answer may be that is used because nobody answers */
#define RESOLVE_SAID_MAX 20u    /* names that wait, of one reading, each with a line of its own */
#define RESOLVE_WHY 300

struct resolving;

/* A name that some worker waits for. */
struct resolve_view {
    const char *host;   /* borrowed */
    const char *why;    /* borrowed: what came of it last; NULL: it is being asked for */
    uint64_t again;     /* seconds until it is asked for again; 0: it is being asked for */
};
bool resolve_view(const struct keying *k, unsigned place, struct resolve_view *view); /* false: no more */
unsigned resolve_waiting(const struct keying *k); /* how many there are */

/* A worker asks. Its answer may come at once. False: it breaks the rules; *why says how (static text). */
bool resolve_asked(struct keying *k, uint32_t worker, const struct record *r, const char **why);
void resolve_worker_down(struct keying *k, uint32_t worker);

/*
 * The secrets are read anew: what is known is asked for anew. client: a whack that is told which names stand for what they
 * stood for before, until it is let go; 0: none.
 */
void resolve_begin(struct keying *k, uint64_t client);
void resolve_let_go(struct keying *k);
/* Something has changed that may help: names that nobody answered for are asked for at once. */
void resolve_again(struct keying *k);
/* Whoever waits, or asks later in this reading, gets what was known before, where something was: he is not to wait for better. */
void resolve_hurry(struct keying *k);
/* What was read is used now: other names are of no use any more. */
void resolve_trim(struct keying *k);
void resolve_free_all(struct keying *k);

/* dnskey. False: the record breaks the rules; *why says how (static text). */
bool keying_from_dnskey(struct keying *k, const struct record *r, const char **why);
void keying_dnskey_up(struct keying *k, struct buffer *out);
void keying_dnskey_down(struct keying *k);

#endif
