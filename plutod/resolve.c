#include "resolve.h"

#include "events.h"
#include "orders.h"

#include "hostname.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct asker { /* a worker that waits */
    struct asker *next;
    uint32_t worker;
    uint64_t id;        /* of its request */
};

enum resolving_state {
    RESOLVING_IDLE,     /* nothing is done about it */
    RESOLVING_QUEUED,   /* dnskey has enough to do, or does not run */
    RESOLVING_ASKED,    /* dnskey was asked */
    RESOLVING_RESTS     /* nobody answered: asked again when `again` is due */
};

struct resolving {
    enum resolving_state state;
    bool fresh;         /* what is known of it answers those who ask; else it is of an earlier reading, or nothing */
    bool refused;       /* and that is `why` */
    bool said;          /* that it is waited for */
    bool fatal;         /* dnskey ended when it had been asked for this alone */
    uint64_t id;        /* of the request to dnskey */
    uint64_t until;     /* dnskey has to answer */
    uint64_t learnt;    /* when `addresses` came */
    uint32_t pause;     /* milliseconds, the last one */
    struct agenda_item again;
    char *why;          /* owned: what came of it last; NULL: nothing yet */
    char *addresses;    /* owned: the last answer; NULL: there was none */
    struct asker *askers; /* owned */
    struct resolving *prev, *next; /* of those in the same state: queued, or asked, the oldest first */
    UT_hash_handle hh;
    char host[];
};

#define RESOLVE_KEPT (2 * HOST_NAMES_MAX) /* of one reading, and of the one before */

static void go_on(struct keying *k);

/* ---- lines ---- */

static void tell(struct keying *k, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void tell(struct keying *k, enum log_level level, const char *format, ...)
{
    char text[ADDRESS_LIST_TEXT + HOSTNAME_LEN + RESOLVE_WHY + 200];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    keying_line(k, level, NULL, "", text);
    keying_note(k, NULL, "%s", text);
}

/* ---- states ---- */

static void set_state(struct keying *k, struct resolving *n, enum resolving_state state)
{
    agenda_clear(&k->agenda, &n->again);
    if (n->state == RESOLVING_QUEUED) {
        DL_DELETE(k->resolve.queued, n);
    } else if (n->state == RESOLVING_ASKED) {
        DL_DELETE(k->resolve.asked, n);
        k->resolve.asked_count--;
    }
    n->state = state;
    if (state == RESOLVING_QUEUED) {
        DL_APPEND(k->resolve.queued, n);
    } else if (state == RESOLVING_ASKED) {
        DL_APPEND(k->resolve.asked, n);
        k->resolve.asked_count++;
    }
}

static void drop(struct keying *k, struct resolving *n)
{
    set_state(k, n, RESOLVING_IDLE);
    HASH_DEL(k->resolve.names, n);
    while (n->askers != NULL) {
        struct asker *a = n->askers;
        LL_DELETE(n->askers, a);
        free(a);
    }
    free(n->why);
    free(n->addresses);
    free(n);
}

static void keep_text(char **at, const char *text)
{
    char *copy = strdup(text);
    if (copy != NULL) {
        free(*at);
        *at = copy;
    }
}

/* ---- answers to workers ---- */

static const char no_memory[] = "plutod has no memory for it";

static void answer(struct keying *k, const struct resolving *n, const struct asker *a)
{
    const struct keying_worker *worker = keying_worker(k, a->worker);
    struct record_writer w;
    if (worker == NULL || worker->out == NULL) {
        return;
    }
    if (!n->refused) {
        record_answer(&w, worker->out, V_OK, V_RESOLVE, a->id);
        record_put_text(&w, K_ADDRESSES, n->addresses);
        (void)record_finish(&w);
    } else {
        record_fail(worker->out, V_RESOLVE, a->id, n->why == NULL ? no_memory : n->why);
    }
    keying_secrets_changed(k); /* entries that wait for the name can be found now, or never will */
}

static void answer_all(struct keying *k, struct resolving *n)
{
    while (n->askers != NULL) {
        struct asker *a = n->askers;
        answer(k, n, a);
        LL_DELETE(n->askers, a);
        free(a);
    }
}

/* There is an answer, for those who wait and for those who ask from now on. */
static void settle(struct keying *k, struct resolving *n, bool refused)
{
    n->fresh = true;
    n->refused = refused;
    n->pause = 0;
    answer_all(k, n);
}

/* The answer of an earlier reading, if it is not too old. */
static bool has_old(const struct keying *k, const struct resolving *n)
{
    return !n->fresh && n->addresses != NULL && k->now - n->learnt <= RESOLVE_OLD_MAX;
}

static void use_old(struct keying *k, struct resolving *n, const char *why)
{
    tell(k, LOG_LEVEL_SERIOUS, "%s cannot be looked up now: %s; in ipsec.secrets it stands for %s, as before", n->host, why,
         n->addresses);
    settle(k, n, false);
}

static void ask_again(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    set_state(k, AGENDA_OWNER(item, struct resolving, again), RESOLVING_QUEUED);
    go_on(k);
}

static void say_it_waits(struct keying *k, struct resolving *n, const char *why)
{
    if (n->said || k->resolve.said > RESOLVE_SAID_MAX) {
        return;
    }
    n->said = k->resolve.said < RESOLVE_SAID_MAX;
    if (k->resolve.said++ == RESOLVE_SAID_MAX) {
        tell(k, LOG_LEVEL_SERIOUS, "more names of hosts in ipsec.secrets cannot be looked up yet: whack --status shows them");
        return;
    }
    tell(k, LOG_LEVEL_SERIOUS, "%s cannot be looked up yet: %s; what ipsec.secrets has for it is not used until it can be, "
         "which is tried again", n->host, why);
}

/* No answer, but there may be one later. retry: milliseconds that dnskey advises; 0: it said nothing. */
static void unanswered(struct keying *k, struct resolving *n, const char *why, uint64_t retry)
{
    keep_text(&n->why, why);
    set_state(k, n, RESOLVING_IDLE);
    if (has_old(k, n)) {
        use_old(k, n, why);
    }
    if (n->askers == NULL) { /* nobody wants to know any more */
        return;
    }
    n->pause = n->pause == 0 ? RESOLVE_AGAIN_MIN : n->pause * 2;
    n->pause = n->pause < retry ? (uint32_t)(retry < RESOLVE_AGAIN_MAX ? retry : RESOLVE_AGAIN_MAX) : n->pause;
    n->pause = n->pause > RESOLVE_AGAIN_MAX ? RESOLVE_AGAIN_MAX : n->pause;
    say_it_waits(k, n, why);
    set_state(k, n, RESOLVING_RESTS);
    if (!agenda_set(&k->agenda, &n->again, k->now + n->pause, ask_again)) {
        set_state(k, n, RESOLVING_IDLE);
        settle(k, n, true);
    }
}

/* ---- questions to dnskey ---- */

/* It could not even say that nobody answers: its successor may. */
static void lose_patience(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    (void)item;
    while (k->resolve.asked != NULL && k->resolve.asked->until <= k->now) {
        unanswered(k, k->resolve.asked, "dnskey does not answer", 0);
    }
    k->hooks.end_dnskey(k->hooks.context, "does not answer what it is asked");
}

static void watch(struct keying *k)
{
    if (k->resolve.asked == NULL) {
        agenda_clear(&k->agenda, &k->resolve.patience);
    } else if (!agenda_is_set(&k->resolve.patience)) {
        (void)agenda_set(&k->agenda, &k->resolve.patience, k->resolve.asked->until, lose_patience);
    }
}

/* False: it cannot be told now. */
static bool ask(struct keying *k, struct resolving *n)
{
    struct record_writer w;
    record_start(&w, k->resolve.dnskey, V_RESOLVE);
    record_put_number(&w, K_ID, k->next_id + 1);
    record_put_text(&w, K_HOST, n->host);
    if (!record_finish(&w)) {
        return false;
    }
    n->id = ++k->next_id;
    n->until = k->now + RESOLVE_PATIENCE;
    set_state(k, n, RESOLVING_ASKED);
    return true;
}

/* Asks as much as dnskey may be asked at once. */
static void go_on(struct keying *k)
{
    if (k->resolve.queued != NULL && k->resolve.dnskey == NULL) {
        k->hooks.need_dnskey(k->hooks.context);
    }
    while (k->resolve.dnskey != NULL && k->resolve.queued != NULL && k->resolve.asked_count < k->resolve.window
           && ask(k, k->resolve.queued)) {
    }
    watch(k);
}

void keying_dnskey_up(struct keying *k, struct buffer *out)
{
    k->resolve.dnskey = out;
    k->resolve.window = k->resolve.window == 0 ? RESOLVES_MAX : k->resolve.window;
    order_debug_one(k, out);
    go_on(k);
}

/*
 * Whatever it was asked is asked of the next one. It may be one of these names that ends it: so they are asked for one by
 * one at first, and one under which it ends then has to rest like those that nobody answers for.
 */
void keying_dnskey_down(struct keying *k)
{
    const bool alone = k->resolve.asked_count == 1;
    k->resolve.dnskey = NULL;
    if (k->resolve.asked != NULL) {
        k->resolve.window = 1;
    }
    while (k->resolve.asked != NULL) {
        struct resolving *n = k->resolve.asked;
        if (alone && n->fatal) {
            unanswered(k, n, "dnskey ended while it looked for it", 0);
        } else {
            n->fatal = alone;
            set_state(k, n, RESOLVING_QUEUED);
        }
    }
    watch(k);
}

static struct resolving *find_asked(const struct keying *k, uint64_t id)
{
    struct resolving *n;
    DL_FOREACH(k->resolve.asked, n) {
        if (n->id == id) {
            break;
        }
    }
    return n;
}

static bool take_addresses(struct keying *k, struct resolving *n, const struct record *r, const char **why)
{
    struct address_list list;
    char text[ADDRESS_LIST_TEXT];
    *why = address_list_parse(&list, record_text(r, K_ADDRESSES));
    if (*why != NULL) {
        return false;
    }
    address_list_print(&list, text);
    char *addresses = strdup(text);
    if (addresses == NULL) {
        unanswered(k, n, no_memory, 0);
        return true;
    }
    free(n->addresses);
    n->addresses = addresses;
    n->learnt = k->now;
    if (n->said) {
        n->said = false;
        tell(k, LOG_LEVEL_INFO, "%s is %s: what ipsec.secrets has for it is used from now on", n->host, n->addresses);
    } else if ((keying_classes(k) & DEBUG_DNS) != 0) {
        keying_log(k, LOG_LEVEL_DEBUG, NULL, "%s is %s", n->host, n->addresses);
    }
    set_state(k, n, RESOLVING_IDLE);
    settle(k, n, false);
    return true;
}

/* There is no such host, or it has no address. */
static void take_refusal(struct keying *k, struct resolving *n, const char *why)
{
    keep_text(&n->why, why);
    free(n->addresses);
    n->addresses = NULL;
    n->said = false;
    set_state(k, n, RESOLVING_IDLE);
    settle(k, n, true);
}

static bool take_answer(struct keying *k, const struct record *r, const char **why)
{
    char text[RESOLVE_WHY];
    struct resolving *n = find_asked(k, record_number(r, K_ID));
    if (n == NULL || r->re != V_RESOLVE) {
        *why = "an answer to nothing that was asked";
        return false;
    }
    n->fatal = false;
    if (r->verb == V_OK && !take_addresses(k, n, r, why)) {
        return false;
    }
    if (r->verb == V_FAIL) {
        (void)strlcpy(text, record_text(r, K_WHY), sizeof text);
        if (record_has(r, K_RETRY)) {
            unanswered(k, n, text, record_number(r, K_RETRY) * 1000);
        } else {
            take_refusal(k, n, text);
        }
    }
    k->resolve.window = k->resolve.window * 2 < RESOLVES_MAX ? k->resolve.window * 2 : RESOLVES_MAX;
    agenda_clear(&k->agenda, &k->resolve.patience);
    go_on(k);
    return true;
}

bool keying_from_dnskey(struct keying *k, const struct record *r, const char **why)
{
    switch (r->verb) {
    case V_LOG:
        if (record_has(r, K_EXCHANGE) || record_has(r, K_REMOTE) || record_has(r, K_CODE)) {
            *why = "a line about what dnskey does not know";
            return false;
        }
        k->words = true; /* bounded as those of ike-negotiate */
        event_log(k, r);
        k->words = false;
        return true;
    case V_OK:
    case V_FAIL:
        return take_answer(k, r, why);
    default:
        *why = "a record that dnskey has no reason to send";
        return false;
    }
}

/* ---- questions of workers ---- */

static struct resolving *name_of(struct keying *k, const char *host)
{
    struct resolving *n = NULL;
    HASH_FIND_STR(k->resolve.names, host, n);
    if (n != NULL || HASH_COUNT(k->resolve.names) >= RESOLVE_KEPT) {
        return n;
    }
    size_t size = strlen(host) + 1;
    n = calloc(1, sizeof *n + size);
    if (n != NULL) {
        memcpy(n->host, host, size);
        HASH_ADD_STR(k->resolve.names, host, n);
    }
    return n;
}

static void no_room(struct keying *k, uint32_t worker, uint64_t id, const char *why)
{
    const struct keying_worker *w = keying_worker(k, worker);
    if (w != NULL && w->out != NULL) {
        record_fail(w->out, V_RESOLVE, id, why);
    }
}

void resolve_asked(struct keying *k, uint32_t worker, const struct record *r)
{
    const char *host = record_text(r, K_HOST);
    const uint64_t id = record_number(r, K_ID);
    const char *why = hostname_check(host);
    struct resolving *n = why == NULL ? name_of(k, host) : NULL;
    struct asker *a = n == NULL ? NULL : calloc(1, sizeof *a);
    if (a == NULL) {
        no_room(k, worker, id, why != NULL ? why : "there is no room in plutod for so many names");
        return;
    }
    *a = (struct asker){ .worker = worker, .id = id };
    LL_PREPEND(n->askers, a);
    if (n->fresh) {
        answer_all(k, n);
    } else if (n->state == RESOLVING_IDLE) {
        set_state(k, n, RESOLVING_QUEUED);
        go_on(k);
    }
}

void resolve_worker_down(struct keying *k, uint32_t worker)
{
    struct resolving *n;
    struct resolving *next;
    HASH_ITER(hh, k->resolve.names, n, next) {
        struct asker *a;
        struct asker *after;
        LL_FOREACH_SAFE(n->askers, a, after) {
            if (a->worker == worker) {
                LL_DELETE(n->askers, a);
                free(a);
            }
        }
        if (n->askers == NULL && n->state != RESOLVING_ASKED) {
            set_state(k, n, RESOLVING_IDLE);
        }
    }
}

void resolve_begin(struct keying *k)
{
    struct resolving *n;
    resolve_trim(k); /* of one that never came into use */
    k->resolve.said = 0;
    for (n = k->resolve.names; n != NULL; n = n->hh.next) {
        n->fresh = false;
        n->said = false;
        if (n->state == RESOLVING_RESTS) {
            n->pause = 0;
            set_state(k, n, RESOLVING_QUEUED); /* a person wants to know */
        }
    }
    go_on(k);
}

void resolve_hurry(struct keying *k)
{
    for (struct resolving *n = k->resolve.names; n != NULL; n = n->hh.next) {
        if (n->askers != NULL && has_old(k, n)) { /* what is being asked for is for those who ask next */
            use_old(k, n, n->why == NULL ? "there is no answer yet" : n->why);
        }
    }
}

void resolve_trim(struct keying *k)
{
    struct resolving *n;
    struct resolving *next;
    HASH_ITER(hh, k->resolve.names, n, next) {
        if (!n->fresh && n->askers == NULL && n->state != RESOLVING_ASKED) {
            drop(k, n);
        }
    }
}

void resolve_free_all(struct keying *k)
{
    struct resolving *n;
    struct resolving *next;
    agenda_clear(&k->agenda, &k->resolve.patience);
    HASH_ITER(hh, k->resolve.names, n, next) {
        drop(k, n);
    }
}

/* ---- what is seen ---- */

unsigned resolve_waiting(const struct keying *k)
{
    unsigned count = 0;
    for (const struct resolving *n = k->resolve.names; n != NULL; n = n->hh.next) {
        count += n->askers != NULL ? 1 : 0;
    }
    return count;
}

bool resolve_view(const struct keying *k, unsigned place, struct resolve_view *view)
{
    const struct resolving *n = k->resolve.names;
    while (n != NULL && (n->askers == NULL || place-- > 0)) {
        n = n->hh.next;
    }
    if (n == NULL) {
        return false;
    }
    *view = (struct resolve_view){ .host = n->host, .why = n->why,
                                   .again = n->state == RESOLVING_RESTS ? agenda_wait(&k->agenda, &n->again, k->now) / 1000 : 0 };
    return true;
}
