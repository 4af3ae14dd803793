/*
 * What is known of names from the reading before, and what is learnt for the next one.
 *
 * In one reading a name has one answer, whoever asks and when. So what dnskey says after another answer was given is
 * kept for the next reading.
 */
#include "resolve_inside.h"

#include "hostname.h"

#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char resolve_no_answer_yet[] = "there is no answer yet";

/* For the log, for whack --events, and for the whack that waits: of many names only some. */
__attribute__((format(printf, 2, 3)))
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
    keying_announce(k, LOG_LEVEL_SERIOUS, k->resolve.client, "%s", text);
}

/* ---- addresses ---- */

static enum kind kind_of(const struct address *a)
{
    return a->family == 4 ? KIND_IPV4 : KIND_IPV6;
}

static unsigned count_kind(const struct address_list *list, enum kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < list->count; i++) {
        count += kind_of(&list->at[i]) == kind ? 1 : 0;
    }
    return count;
}

/* What it has is text of ours. */
static void read_list(struct address_list *list, const char *text)
{
    *list = (struct address_list){ .count = 0 };
    if (text != NULL) {
        (void)address_list_parse(list, text);
    }
}

char *resolve_list_text(const struct address_list *list)
{
    char text[ADDRESS_LIST_TEXT];
    address_list_print(list, text);
    return strdup(text);
}

/* It stands for nothing that nobody has said for so long. */
static void forget_too_old(const struct keying *k, struct resolving *n)
{
    struct address_list all;
    struct address_list list = { .count = 0 };
    char text[ADDRESS_LIST_TEXT];
    read_list(&all, n->addresses);
    for (unsigned i = 0; i < all.count; i++) {
        if (k->now - n->learnt[kind_of(&all.at[i])] <= RESOLVE_OLD_MAX) {
            (void)address_list_add(&list, &all.at[i]);
        }
    }
    if (list.count == 0) {
        free(n->addresses);
        n->addresses = NULL;
    } else if (list.count < all.count) { /* so it is shorter */
        address_list_print(&list, text);
        (void)strlcpy(n->addresses, text, strlen(n->addresses) + 1);
    }
}

void resolve_learn(struct resolving *n, char *addresses, uint64_t when)
{
    free(n->addresses);
    n->addresses = addresses;
    n->learnt[KIND_IPV4] = when;
    n->learnt[KIND_IPV6] = when;
}

/* ---- parts of answers ---- */

bool resolve_is_part(const struct address_list *list)
{
    return count_kind(list, KIND_IPV4) == 0 || count_kind(list, KIND_IPV6) == 0;
}

/* Adds those of the kind that was not answered, from before. Their kind, or KINDS: there are none. */
static enum kind complete(const struct resolving *n, struct address_list *list)
{
    struct address_list old;
    enum kind missing = count_kind(list, KIND_IPV4) == 0 ? KIND_IPV4 : KIND_IPV6;
    read_list(&old, n->addresses);
    for (unsigned i = 0; i < old.count; i++) {
        if (kind_of(&old.at[i]) == missing) {
            (void)address_list_add(list, &old.at[i]);
        }
    }
    return count_kind(list, missing) > 0 ? missing : KINDS;
}

/* False: no memory; it is as before. list: gets what is used. */
static bool use_part(struct keying *k, struct resolving *n, struct address_list *list, const char *why)
{
    static const char *const names[KINDS] = { "IPv4", "IPv6" };
    const enum kind old = complete(n, list);
    char *addresses = resolve_list_text(list);
    if (addresses == NULL) {
        return false;
    }
    free(n->addresses);
    n->addresses = addresses;
    for (enum kind kind = KIND_IPV4; kind < KINDS; kind++) {
        n->learnt[kind] = kind == old ? n->learnt[kind] : k->now;
    }
    if (old < KINDS) {
        tell(k, "%s was answered in part: %s; in ipsec.secrets it stands for %s, of which those of %s are as before", n->host, why,
             addresses, names[old]);
    } else {
        tell(k, "%s was answered in part: %s; in ipsec.secrets it stands for %s alone until the rest is answered, too", n->host, why,
             addresses);
    }
    n->said = false;
    resolve_give_part(k, n);
    return true;
}

void resolve_take_part(struct keying *k, struct resolving *n, const struct address_list *list, const char *why, uint64_t retry)
{
    struct address_list used = *list;
    if (n->fresh || n->askers == NULL) { /* what it says of one kind is not worth the other, or nobody wants it any more */
        return;
    }
    if (!n->in_part) {
        forget_too_old(k, n);
        if (!use_part(k, n, &used, why)) {
            resolve_unanswered(k, n, resolve_no_memory, retry);
            return;
        }
    }
    resolve_rest(k, n, retry);
}

/* ---- from the reading before ---- */

static void use_old(struct keying *k, struct resolving *n, const char *why)
{
    tell(k, "%s cannot be looked up now: %s; in ipsec.secrets it stands for %s, as before", n->host, why, n->addresses);
    resolve_settle(k, n, false);
}

bool resolve_make_do(struct keying *k, struct resolving *n, const char *why)
{
    if (n->fresh || n->in_part) {
        return false;
    }
    forget_too_old(k, n);
    if (n->addresses == NULL) {
        return false;
    }
    use_old(k, n, why);
    return true;
}

void resolve_hurry(struct keying *k)
{
    k->resolve.late = true;
    for (struct resolving *n = k->resolve.names; n != NULL; n = n->hh.next) {
        if (n->askers != NULL) { /* what is being asked for is for the next reading */
            (void)resolve_make_do(k, n, n->why == NULL ? resolve_no_answer_yet : n->why);
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

/* What a new reading begins with. */
static void take_kept(const struct keying *k, struct resolving *n)
{
    if (n->has_next) {
        resolve_learn(n, n->next_addresses, n->next_learnt);
        n->next_addresses = NULL;
        n->has_next = false;
    }
    n->fresh = false;
    n->in_part = false;
    n->said = false;
    forget_too_old(k, n);
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
        take_kept(k, n);
        if (is_idle(n) && n->addresses == NULL) { /* it is of no use; what is known is, even if this reading is given up, too */
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
