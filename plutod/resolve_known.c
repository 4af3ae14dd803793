/*
 * What is known of names from the reading before, and what is learnt for the next one.
 *
 * In one reading a name has one answer, whoever asks and when. So what dnskey says after another answer was given is
 * kept for the next reading.
 */
#include "resolve_inside.h"

#include "hostname.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char resolve_no_answer_yet[] = "there is no answer yet";

/* For the log, for whack --events, and for the whack that waits: of many names only some. */
static void tell(struct keying *k, const char *format, ...)
{
    char text[2 * ADDRESS_LIST_TEXT + HOSTNAME_LEN + RESOLVE_WHY + 200] =
        "more names of hosts in ipsec.secrets stand for what they stood for before, or for others at the next whack --listen";
    va_list args;
    if (k->resolve.said_old > RESOLVE_SAID_MAX) {
        return;
    }
    if (k->resolve.said_old++ < RESOLVE_SAID_MAX) {
        va_start(args, format);
        (void)vsnprintf(text, sizeof text, format, args);
        va_end(args);
    }
    resolve_tell(k, LOG_LEVEL_SERIOUS, "%s", text);
    keying_say(k, k->resolve.client, REPLY_SERIOUS, "%s", text);
}

/* ---- from the reading before ---- */

static bool is_known(const struct keying *k, const struct resolving *n)
{
    return n->addresses != NULL && k->now - n->learnt <= RESOLVE_OLD_MAX;
}

bool resolve_has_old(const struct keying *k, const struct resolving *n)
{
    return !n->fresh && is_known(k, n);
}

void resolve_use_old(struct keying *k, struct resolving *n, const char *why)
{
    tell(k, "%s cannot be looked up now: %s; in ipsec.secrets it stands for %s, as before", n->host, why, n->addresses);
    resolve_settle(k, n, false);
}

void resolve_hurry(struct keying *k)
{
    k->resolve.late = true;
    for (struct resolving *n = k->resolve.names; n != NULL; n = n->hh.next) {
        if (n->askers != NULL && resolve_has_old(k, n)) { /* what is being asked for is for the next reading */
            resolve_use_old(k, n, n->why == NULL ? resolve_no_answer_yet : n->why);
        }
    }
}

/* ---- for the next reading ---- */

void resolve_keep(struct keying *k, struct resolving *n, char *addresses, const char *why)
{
    const bool same = addresses != NULL && n->addresses != NULL && strcmp(addresses, n->addresses) == 0;
    free(n->next_addresses);
    n->next_addresses = addresses;
    n->has_next = true;
    n->next_learnt = k->now;
    if (addresses == NULL) {
        tell(k, "%s cannot be looked up any more: %s; in ipsec.secrets it stands for %s until the next whack --listen", n->host, why,
             n->addresses);
    } else if (!same) {
        tell(k, "%s is %s now; in ipsec.secrets it stands for %s until the next whack --listen", n->host, addresses, n->addresses);
    }
}

static void take_kept(struct resolving *n)
{
    if (n->has_next) {
        free(n->addresses);
        n->addresses = n->next_addresses;
        n->learnt = n->next_learnt;
        n->next_addresses = NULL;
        n->has_next = false;
    }
}

/* ---- readings ---- */

static bool is_idle(const struct resolving *n)
{
    return n->askers == NULL && n->state != RESOLVING_ASKED;
}

void resolve_begin(struct keying *k, uint64_t client)
{
    struct resolving *n;
    struct resolving *next;
    k->resolve.reading++;
    k->resolve.late = false;
    k->resolve.client = client;
    k->resolve.said = 0;
    k->resolve.said_old = 0;
    HASH_ITER(hh, k->resolve.names, n, next) {
        take_kept(n);
        n->fresh = false;
        n->said = false;
        if (is_idle(n) && !is_known(k, n)) { /* it is of no use; what is known is, even if this reading is given up, too */
            resolve_drop(k, n);
        }
    }
    resolve_again(k);
}

void resolve_let_go(struct keying *k)
{
    k->resolve.client = 0;
}

void resolve_trim(struct keying *k)
{
    struct resolving *n;
    struct resolving *next;
    HASH_ITER(hh, k->resolve.names, n, next) {
        if (n->reading != k->resolve.reading && is_idle(n)) {
            resolve_drop(k, n);
        }
    }
}

bool resolve_make_room(struct keying *k)
{
    struct resolving *oldest = NULL;
    for (struct resolving *n = k->resolve.names; n != NULL; n = n->hh.next) {
        if (n->reading != k->resolve.reading && is_idle(n) && (oldest == NULL || n->reading < oldest->reading)) {
            oldest = n;
        }
    }
    if (oldest != NULL) {
        resolve_drop(k, oldest);
    }
    return oldest != NULL;
}
