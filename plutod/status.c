/* The walk over what --status shows. How each piece looks: status_text.c, status_json.c. */
#include "status_form.h"

#include "initiate.h"
#include "journal.h"
#include "orders.h"
#include "public_keys.h"

#include <bsd/string.h>
#include <stdlib.h>
#include <utlist.h>

enum part { PART_HEAD, PART_CONNS, PART_BETWEEN, PART_STATES, PART_MIDDLE, PART_KEYS, PART_TAIL, PART_EVENTS, PART_DONE };

struct status_report {
    struct keying *k;
    uint64_t client;
    const struct status_form *form; /* NULL: of events */
    struct journal_place events;
    enum part part;
    size_t place;               /* among the connections, or the states */
    const struct conn *conn;    /* the next one */
    const struct xchg *state;   /* the next one */
    const struct public_key *key; /* the next one */
    struct xchg *ahead;         /* the next one whose counters are to be asked for */
    uint64_t began;             /* counters that are older are asked for again */
    bool uncounted;             /* kernel-sa does not answer: what is known has to do */
    struct agenda_item patience;
    struct status_report *prev, *next;
};

static struct status_report *begin(struct keying *k, uint64_t client)
{
    struct status_report *r = calloc(1, sizeof *r);
    if (r == NULL) {
        keying_say(k, client, REPLY_INTERNAL, "no memory to show that");
        return NULL;
    }
    r->k = k;
    r->client = client;
    r->began = k->now;
    DL_APPEND(k->reports, r);
    k->hooks.hold(k->hooks.context, client);
    return r;
}

void status_begin(struct keying *k, uint64_t client, bool json)
{
    struct status_report *r = begin(k, client);
    if (r != NULL) {
        r->form = json ? &status_json : &status_text;
        r->conn = k->conns;
    }
}

void status_begin_events(struct keying *k, uint64_t client, const struct journal *own)
{
    struct status_report *r = begin(k, client);
    if (r != NULL) {
        r->events = journal_begin(k, own);
        r->part = PART_EVENTS;
    }
}

static void drop(struct keying *k, struct status_report *r)
{
    agenda_clear(&k->agenda, &r->patience);
    DL_DELETE(k->reports, r);
    free(r);
}

static struct status_report *find(struct keying *k, uint64_t client)
{
    struct status_report *r;
    DL_FOREACH(k->reports, r) {
        if (r->client == client) {
            return r;
        }
    }
    return NULL;
}

void status_forget(struct keying *k, uint64_t client)
{
    struct status_report *r = find(k, client);
    if (r != NULL) {
        drop(k, r);
    }
}

void status_free_all(struct keying *k)
{
    while (k->reports != NULL) {
        drop(k, k->reports);
    }
}

void status_conn_goes(struct keying *k, const struct conn *c)
{
    struct status_report *r;
    DL_FOREACH(k->reports, r) {
        if (r->conn == c) {
            r->conn = c->hh.next;
        }
    }
}

void status_key_goes(struct keying *k, const struct public_key *key)
{
    struct status_report *r;
    DL_FOREACH(k->reports, r) {
        if (r->key == key) {
            r->key = public_keys_after(key);
        }
    }
}

void status_xchg_goes(struct keying *k, const struct xchg *x)
{
    struct status_report *r;
    DL_FOREACH(k->reports, r) {
        if (r->state == x) {
            r->state = x->hh_serial.next;
        }
        if (r->ahead == x) {
            r->ahead = x->hh_serial.next;
        }
    }
}

void status_event_goes(struct keying *k, const struct event *e)
{
    struct status_report *r;
    DL_FOREACH(k->reports, r) {
        journal_place_event_goes(&r->events, e);
    }
}

void status_journal_goes(struct keying *k, const struct journal *j)
{
    struct status_report *r;
    DL_FOREACH(k->reports, r) {
        journal_place_journal_goes(&r->events, j);
    }
}

/* ---- counters ---- */

static bool wants_count(const struct status_report *r, const struct xchg *x)
{
    return x->quick && x->up && !x->gone && x->answered_at < r->began;
}

static void ask_ahead(struct status_report *r)
{
    while (r->ahead != NULL && r->k->samples < SAMPLES_AHEAD) {
        if (wants_count(r, r->ahead) && !r->ahead->asked && !order_sample(r->k, r->ahead)) {
            return;
        }
        r->ahead = r->ahead->hh_serial.next;
    }
}

static void lose_patience(void *context, struct agenda_item *item)
{
    struct status_report *r = AGENDA_OWNER(item, struct status_report, patience);
    (void)context;
    r->uncounted = true;
}

/* Does the next state wait for its counters? */
static bool waits(struct status_report *r)
{
    ask_ahead(r);
    bool wait = !r->uncounted && r->k->kernel != NULL && wants_count(r, r->state) && r->state->asked;
    if (!wait) {
        agenda_clear(&r->k->agenda, &r->patience);
    } else if (!agenda_is_set(&r->patience)
               && !agenda_set(&r->k->agenda, &r->patience, r->k->now + SAMPLE_PATIENCE,
                              lose_patience)) {
        wait = false;
    }
    return wait;
}

/* ---- the walk ---- */

static enum status_progress say_conn(struct status_report *r)
{
    const struct conn *c = r->conn;
    if (c == NULL) {
        r->part = PART_BETWEEN;
        return STATUS_SAID;
    }
    r->conn = c->hh.next;
    r->form->conn(r->k, r->client, c, r->place++);
    return STATUS_SAID;
}

static enum status_progress say_state(struct status_report *r)
{
    const struct xchg *x = r->state;
    if (x == NULL) {
        r->part = PART_MIDDLE;
        return STATUS_SAID;
    }
    if (waits(r)) {
        return STATUS_WAITS;
    }
    r->state = x->hh_serial.next;
    r->form->state(r->k, r->client, x, r->place++);
    return STATUS_SAID;
}

static enum status_progress say_key(struct status_report *r)
{
    const struct public_key *key = r->key;
    if (key == NULL) {
        r->part = PART_TAIL;
        return STATUS_SAID;
    }
    r->key = public_keys_after(key);
    r->form->key(r->k, r->client, key, r->place++);
    return STATUS_SAID;
}

enum status_progress status_more(struct keying *k, uint64_t client)
{
    struct status_report *r = find(k, client);
    if (r == NULL) {
        return STATUS_NOTHING;
    }
    switch (r->part) {
    case PART_HEAD:
        r->form->head(k, client);
        r->part = PART_CONNS;
        return STATUS_SAID;
    case PART_CONNS:
        return say_conn(r);
    case PART_BETWEEN:
        r->form->between(k, client);
        r->place = 0;
        r->state = r->ahead = k->serials;
        r->part = PART_STATES;
        return STATUS_SAID;
    case PART_STATES:
        return say_state(r);
    case PART_MIDDLE:
        r->form->middle(k, client);
        r->place = 0;
        r->key = public_keys_first(k);
        r->part = PART_KEYS;
        return STATUS_SAID;
    case PART_KEYS:
        return say_key(r);
    case PART_TAIL:
        r->form->tail(k, client);
        r->part = PART_DONE;
        return STATUS_SAID;
    case PART_EVENTS:
        r->part = journal_say(k, client, &r->events) ? PART_EVENTS : PART_DONE;
        return STATUS_SAID;
    case PART_DONE:
        break;
    }
    drop(k, r);
    k->hooks.release(k->hooks.context, client);
    return STATUS_NOTHING;
}

/* ---- what both forms say ---- */

void status_ends(const struct conn *c, struct status_end ends[2])
{
    bool instance = c->instance != 0;
    for (unsigned i = 0; i < 2; i++) {
        const struct connection_end *end = !c->oriented ? &c->form->end[i]
                                           : i == 0     ? conn_our_end(c)
                                                        : conn_peer_end(c);
        bool is_peer = instance && end == conn_peer_end(c);
        ends[i] = (struct status_end){
            .end = end,
            .host = is_peer ? c->peer_host : end->host,
            .id = is_peer ? c->peer_id : c->oriented && i == 0 ? c->our_id : end->id,
            .client = is_peer ? c->peer_client : end->client
        };
    }
}

void status_id(const struct status_end *e, char out[IDENTITY_TEXT])
{
    if (e->end->id_is_myid && e->id->type == ID_ANY) {
        strlcpy(out, "%myid", IDENTITY_TEXT);
    } else {
        identity_print(e->id, out);
    }
}

unsigned status_instances(const struct conn *c)
{
    const struct conn *i;
    unsigned count;
    DL_COUNT2(c->instances, i, count, sibling_next);
    return count;
}

const char *status_event(const struct keying *k, const struct xchg *x, uint64_t *seconds)
{
    if (x->gone) {
        *seconds = agenda_wait(&k->agenda, &x->life_end, k->now) / 1000;
        return initiate_at_hand(x->conn) ? "EVENT_SA_EXPIRE" : "EVENT_SA_REPLACE";
    }
    uint64_t end = x->up ? x->since + (uint64_t)x->life * 1000 : x->event_at;
    *seconds = end > k->now ? (end - k->now) / 1000 : 0;
    return x->up ? "EVENT_SA_EXPIRE" : x->resends ? "EVENT_RETRANSMIT" : "EVENT_GIVE_UP";
}

const char *status_story(const struct xchg *x)
{
    return x->gone ? "another program deleted its SAs from the kernel" : xchg_state_story(x->state);
}

const struct xchg *status_awaited(struct keying *k, const struct xchg *x)
{
    const struct xchg *parent = x->quick && !x->up ? xchg_find(k, x->parent) : NULL;
    return parent != NULL && !parent->up ? parent : NULL;
}

uint64_t status_serial(struct keying *k, uint64_t number)
{
    const struct xchg *x = number == 0 ? NULL : xchg_find(k, number);
    return x == NULL ? 0 : x->serial;
}
