#include "resolve_inside.h"

#include "hostname.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define RESOLVE_KEPT (2 * HOST_NAMES_MAX) /* of one reading, and of those before */

/* ---- states ---- */

void resolve_state(struct keying *k, struct resolving *n, enum resolving_state state)
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

void resolve_drop(struct keying *k, struct resolving *n)
{
    resolve_state(k, n, RESOLVING_IDLE);
    HASH_DEL(k->resolve.names, n);
    while (n->askers != NULL) {
        struct asker *a = n->askers;
        LL_DELETE(n->askers, a);
        free(a);
    }
    free(n->why);
    free(n->addresses);
    free(n->next_addresses);
    free(n);
}

void resolve_keep_why(struct resolving *n, const char *why)
{
    char *copy = strdup(why);
    if (copy != NULL) {
        free(n->why);
        n->why = copy;
    }
}

/* ---- answers to workers ---- */

const char resolve_no_memory[] = "plutod has no memory for it";

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
        if (n->in_part) {
            record_put_number(&w, K_RETRY, RESOLVE_AGAIN_MIN / 1000);
        }
        (void)record_finish(&w);
    } else {
        record_fail(worker->out, V_RESOLVE, a->id, n->why == NULL ? resolve_no_memory : n->why);
    }
    keying_secrets_changed(k); /* entries that wait for the name can be found now, or never will */
}

void resolve_give_part(struct keying *k, struct resolving *n)
{
    n->in_part = true;
    n->refused = false;
    for (const struct asker *a = n->askers; a != NULL; a = a->next) {
        answer(k, n, a);
    }
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

void resolve_settle(struct keying *k, struct resolving *n, bool refused)
{
    n->fresh = true;
    n->in_part = false;
    n->refused = refused;
    n->pause = 0;
    answer_all(k, n);
}

static void ask_again(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    resolve_state(k, AGENDA_OWNER(item, struct resolving, again), RESOLVING_QUEUED);
    resolve_go_on(k);
}

static void say_it_waits(struct keying *k, struct resolving *n, const char *why)
{
    if (n->said || k->resolve.said > RESOLVE_SAID_MAX) {
        return;
    }
    n->said = k->resolve.said < RESOLVE_SAID_MAX;
    if (k->resolve.said++ == RESOLVE_SAID_MAX) {
        keying_announce(k, LOG_LEVEL_SERIOUS, 0, "more names of hosts in ipsec.secrets cannot be looked up yet: whack --status "
                        "shows them");
        return;
    }
    keying_announce(k, LOG_LEVEL_SERIOUS, 0, "%s cannot be looked up yet: %s; what ipsec.secrets has for it is not used until "
                    "it can be, which is tried again", n->host, why);
}

void resolve_rest(struct keying *k, struct resolving *n, uint64_t retry)
{
    if (n->askers == NULL) { /* nobody wants to know any more */
        return;
    }
    n->pause = n->pause == 0 ? RESOLVE_AGAIN_MIN : n->pause * 2;
    n->pause = n->pause < retry ? (uint32_t)(retry < RESOLVE_AGAIN_MAX ? retry : RESOLVE_AGAIN_MAX) : n->pause;
    n->pause = n->pause > RESOLVE_AGAIN_MAX ? RESOLVE_AGAIN_MAX : n->pause;
    resolve_state(k, n, RESOLVING_RESTS);
    if (!agenda_set(&k->agenda, &n->again, k->now + n->pause, ask_again)) {
        resolve_state(k, n, RESOLVING_IDLE);
        resolve_settle(k, n, !n->in_part);
    }
}

void resolve_unanswered(struct keying *k, struct resolving *n, const char *why, uint64_t retry)
{
    resolve_state(k, n, RESOLVING_IDLE);
    if (n->fresh) {
        return;
    }
    if (n->in_part) { /* so is the rest of it */
        resolve_rest(k, n, retry);
        return;
    }
    resolve_keep_why(n, why);
    if (resolve_make_do(k, n, why) || n->askers == NULL) {
        return;
    }
    say_it_waits(k, n, why);
    resolve_rest(k, n, retry);
}

/* ---- questions of workers ---- */

static struct resolving *name_of(struct keying *k, const char *host)
{
    struct resolving *n = NULL;
    HASH_FIND_STR(k->resolve.names, host, n);
    if (n != NULL || (HASH_COUNT(k->resolve.names) >= RESOLVE_KEPT && !resolve_make_room(k))) {
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

/* NULL: it may ask. */
static const char *count_question(struct keying_worker *w)
{
    if (w == NULL) {
        return "a question of a worker that is not there";
    }
    return w->names++ < HOST_NAMES_MAX ? NULL : "asks for more names than a file may have";
}

/* Each worker asks for each name once. */
static bool asks_already(const struct resolving *n, uint32_t worker)
{
    const struct asker *a = n->askers;
    while (a != NULL && a->worker != worker) {
        a = a->next;
    }
    return a != NULL;
}

static void no_room(struct keying *k, uint32_t worker, uint64_t id, const char *why)
{
    const struct keying_worker *w = keying_worker(k, worker);
    if (w != NULL && w->out != NULL) {
        record_fail(w->out, V_RESOLVE, id, why);
    }
}

static void ask_if_idle(struct keying *k, struct resolving *n)
{
    if (n->state == RESOLVING_IDLE) {
        resolve_state(k, n, RESOLVING_QUEUED);
        resolve_go_on(k);
    }
}

bool resolve_asked(struct keying *k, uint32_t worker, const struct record *r, const char **why)
{
    const char *host = record_text(r, K_HOST);
    const uint64_t id = record_number(r, K_ID);
    const char *bad = hostname_check(host);
    *why = count_question(keying_worker(k, worker));
    if (*why != NULL) {
        return false;
    }
    struct resolving *n = bad == NULL ? name_of(k, host) : NULL;
    if (n != NULL && asks_already(n, worker)) {
        *why = "asks for a name that it has asked for already";
        return false;
    }
    struct asker *a = n == NULL ? NULL : calloc(1, sizeof *a);
    if (a == NULL) {
        no_room(k, worker, id, bad != NULL ? bad : "there is no room in plutod for so many names");
        return true;
    }
    *a = (struct asker){ .worker = worker, .id = id };
    LL_PREPEND(n->askers, a);
    n->reading = k->resolve.reading;
    if (n->fresh) {
        answer_all(k, n);
    } else if (n->in_part) {
        answer(k, n, a);
        ask_if_idle(k, n); /* whoever waited for the rest may be gone */
    } else if (k->resolve.late && resolve_make_do(k, n, n->why == NULL ? resolve_no_answer_yet : n->why)) {
        return true; /* as for those that waited when it became late */
    } else {
        ask_if_idle(k, n);
    }
    return true;
}

void resolve_worker_down(struct keying *k, uint32_t worker)
{
    struct resolving *n;
    struct resolving *next;
    HASH_ITER(hh, k->resolve.names, n, next) {
        for (struct asker **at = &n->askers; *at != NULL;) {
            struct asker *a = *at;
            if (a->worker == worker) {
                *at = a->next;
                free(a);
            } else {
                at = &a->next;
            }
        }
        if (n->askers == NULL && n->state != RESOLVING_ASKED) {
            resolve_state(k, n, RESOLVING_IDLE);
        }
    }
}

void resolve_again(struct keying *k)
{
    for (struct resolving *n = k->resolve.names; n != NULL; n = n->hh.next) {
        if (n->state == RESOLVING_RESTS) {
            n->pause = 0;
            resolve_state(k, n, RESOLVING_QUEUED);
        }
    }
    resolve_go_on(k);
}

void resolve_free_all(struct keying *k)
{
    struct resolving *n;
    struct resolving *next;
    agenda_clear(&k->agenda, &k->resolve.patience);
    HASH_ITER(hh, k->resolve.names, n, next) {
        resolve_drop(k, n);
    }
}

/* ---- what is seen ---- */

static bool waits(const struct resolving *n)
{
    return n->askers != NULL && !n->in_part; /* one that was answered in part is used */
}

unsigned resolve_waiting(const struct keying *k)
{
    unsigned count = 0;
    for (const struct resolving *n = k->resolve.names; n != NULL; n = n->hh.next) {
        count += waits(n) ? 1 : 0;
    }
    return count;
}

bool resolve_view(const struct keying *k, unsigned place, struct resolve_view *view)
{
    const struct resolving *n = k->resolve.names;
    while (n != NULL && (!waits(n) || place-- > 0)) {
        n = n->hh.next;
    }
    if (n == NULL) {
        return false;
    }
    *view = (struct resolve_view){ .host = n->host, .why = n->why,
                                   .again = n->state == RESOLVING_RESTS ? agenda_wait(&k->agenda, &n->again, k->now) / 1000 : 0 };
    return true;
}
