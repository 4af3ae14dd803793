/* What is explained waits until it is known which secrets and keys there are for it (methods.h). */
#include "explain.h"

#include "choose.h"
#include "index.h"
#include "methods.h"
#include "orders.h"
#include "orient.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* One --explain for which secrets is asked. */
struct explanation {
    struct explanation *prev, *next;
    uint64_t client;        /* held by the question */
    uint64_t question;
    uint32_t worker;        /* that was asked, */
    uint32_t reading;       /* and k->reading at that time */
    struct address from, to; /* without a name */
    char name[];
};

/* Is something about c to be learned, or about those that a first message between these hosts may be for? */
static bool ask(struct keying *k, struct explanation *e, const struct keying_worker *w, const struct conn *c,
                const struct address *local, const struct address *remote)
{
    struct conn *list[CHOOSE_MAX];
    size_t count = local == NULL ? 0 : choose_first(k, w, local, remote, list);
    e->worker = w->number;
    e->reading = k->reading;
    bool asked = c != NULL && methods_ask_for(k, w, c, e->client, &e->question);
    for (size_t i = 0; i < count && !asked; i++) {
        asked = methods_ask_for(k, w, list[i], e->client, &e->question);
    }
    return asked;
}

static bool ask_for(struct keying *k, struct explanation *e)
{
    const struct keying_worker *w = keying_pick_worker(k);
    if (w == NULL || keying_deaf(k) != NULL) {
        return false; /* that is said then */
    }
    if (e->name[0] != '\0') {
        const struct conn *c = conn_find(k, e->name);
        return c != NULL && c->oriented && ask(k, e, w, c, &c->our_host, &c->peer_host);
    }
    bool ours_from = orient_interface(k, &e->from) != NULL;
    bool ours_to = orient_interface(k, &e->to) != NULL;
    return ours_from != ours_to && ask(k, e, w, NULL, ours_to ? &e->to : &e->from, ours_to ? &e->from : &e->to);
}

/* e is not in the list: asks what is to be asked next, or says all, and frees it. */
static void go(struct keying *k, struct explanation *e)
{
    if (ask_for(k, e)) {
        DL_APPEND(k->explanations, e);
        return;
    }
    if (e->name[0] != '\0') {
        explain_conn(k, e->client, e->name);
    } else {
        explain_packet(k, e->client, &e->from, &e->to);
    }
    free(e);
}

void explain_begin(struct keying *k, uint64_t client, const struct record *r)
{
    const char *name = record_has(r, K_NAME) ? record_text(r, K_NAME) : "";
    bool packet = record_has(r, K_FROM) && record_has(r, K_TO);
    struct explanation *e = calloc(1, sizeof *e + strlen(name) + 1);
    if (e == NULL) {
        keying_say(k, client, REPLY_INTERNAL, "--explain: plutod has no memory for it");
        return;
    }
    e->client = client;
    memcpy(e->name, name, strlen(name) + 1);
    if (packet) {
        (void)record_address(r, K_FROM, &e->from);
        (void)record_address(r, K_TO, &e->to);
    }
    if (name[0] != '\0' || packet) {
        go(k, e);
    } else {
        keying_say(k, client, REPLY_BAD_MESSAGE, "--explain: wants either a name, or --from and --to");
        free(e);
    }
}

/* Its question is open no more: goes on. The whack is held in between. */
static void go_on(struct keying *k, struct explanation *e, const struct record *r)
{
    uint64_t note;
    const uint64_t client = e->client;
    k->hooks.hold(k->hooks.context, client);
    if (keying_answered(k, e->question, PENDING_KNOW, e->worker, &note) && r != NULL) {
        methods_learn(k, note, e->reading, e->worker, r);
    }
    DL_DELETE(k->explanations, e);
    go(k, e);
    k->hooks.release(k->hooks.context, client);
}

bool explain_known(struct keying *k, uint32_t worker, const struct record *r)
{
    struct explanation *e;
    DL_FOREACH(k->explanations, e) {
        if (e->question == record_number(r, K_ID) && e->worker == worker) {
            go_on(k, e, r);
            return true;
        }
    }
    return false;
}

/* The same for the lines that follow what was explained (explain_secret_answered). */
static void ask_another(struct keying *k, unsigned method, uint32_t worker)
{
    const enum pending_kind kind = method == METHOD_PSK ? PENDING_SECRET : PENDING_PRIVATE_KEY;
    uint64_t id;
    uint64_t reqid;
    while ((id = keying_unanswered(k, kind, worker)) != 0) {
        const uint64_t client = keying_client_of(k, id);
        k->hooks.hold(k->hooks.context, client);
        (void)keying_answered(k, id, kind, worker, &reqid);
        const struct conn *c = index_by_reqid(k, (uint32_t)reqid);
        if (c != NULL && !explain_is_deadly(k, client, c, method) && !order_secret(k, c, method, client)) {
            keying_say(k, client, 0, "\"%s\": secrets died before it answered: ask again", c->name);
        }
        k->hooks.release(k->hooks.context, client);
    }
}

void explain_worker_gone(struct keying *k, uint32_t worker)
{
    struct explanation *e;
    struct explanation *next;
    DL_FOREACH_SAFE(k->explanations, e, next) {
        if (e->worker == worker) {
            go_on(k, e, NULL);
        }
    }
    ask_another(k, METHOD_PSK, worker);
    ask_another(k, METHOD_RSASIG, worker);
}

void explain_free_all(struct keying *k)
{
    struct explanation *e;
    struct explanation *next;
    DL_FOREACH_SAFE(k->explanations, e, next) {
        DL_DELETE(k->explanations, e);
        free(e);
    }
}
