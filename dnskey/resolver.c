#include "resolver.h"

#include "events.h"

#include <stdio.h>
#include <stdlib.h>

#include <unbound.h>
#include <utlist.h>

#define CLASS_IN 1
#define DROPPED_MAX 512u /* questions that nobody waits for any more, under way in libunbound */

struct question {
    struct resolver *resolver;
    uint64_t ticket;
    enum answer_type type;
    int number;      /* libunbound's, for ub_cancel */
    bool dropped;    /* its answer is for nobody, but for libunbound's cache */
    char name[HOSTNAME_LEN + 1];
    struct question *prev;
    struct question *next;
};

struct resolver {
    struct events events;
    struct ub_ctx *unbound;     /* NULL: there is none */
    struct question *questions; /* open ones */
    unsigned dropped;           /* of them */
    resolver_answered *answered;
    void *context;
};

struct resolver *resolver_new(struct ev_loop *loop, resolver_answered *answered, void *context)
{
    struct resolver *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return NULL;
    }
    events_init(&r->events, loop);
    r->answered = answered;
    r->context = context;
    return r;
}

static void forget(struct resolver *r, struct question *q)
{
    r->dropped -= q->dropped ? 1 : 0;
    DL_DELETE(r->questions, q);
    free(q);
}

/* libunbound answers what is open when it is deleted; but not what was cancelled. */
static void stop(struct resolver *r)
{
    while (r->questions != NULL) {
        (void)ub_cancel(r->unbound, r->questions->number);
        forget(r, r->questions);
    }
    ub_ctx_delete(r->unbound);
    r->unbound = NULL;
}

void resolver_free(struct resolver *r)
{
    if (r != NULL) {
        stop(r);
        free(r);
    }
}

static bool set_options(struct ub_ctx *unbound)
{
    static const char *const options[][2] = {
        { "module-config:", "iterator" },  /* no DNSSEC here: addresses prove nobody's identity by themselves */
        { "infra-host-ttl:", "15" },       /* a server that was silent is asked again soon */
        /* A resolver that is near has most answers at once, and needs seconds for some: it is not asked anew meanwhile. */
        { "infra-cache-min-rtt:", "1000" },
        { "cache-max-ttl:", "86400" },
        { "cache-max-negative-ttl:", "60" },
        { "do-not-query-localhost:", "no" },
        /*
         * For truncated answers: as many connections as sockets for UDP, one question at a time on each. With more on one, a
         * server that ends it after the answer to one of them, or within, takes the answers to the others along. What is idle
         * ends soon, as servers take few connections at once.
         */
        { "outgoing-num-tcp:", "256" },
        { "max-reuse-tcp-queries:", "1" },
        { "tcp-reuse-timeout:", "100" },   /* ms */
        /* libunbound would say of these by itself that they are not there; that is for the servers to say. */
        { "local-zone:", "test. transparent" },
        { "local-zone:", "home.arpa. transparent" },
        { "outgoing-range:", "256" },      /* sockets at once: what waits for a silent server is in nobody's way */
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (ub_ctx_set_option(unbound, options[i][0], options[i][1]) != 0) {
            return false;
        }
    }
    return true;
}

const char *resolver_set(struct resolver *r, const struct servers *servers)
{
    stop(r);
    r->unbound = ub_ctx_create_ub_event(&r->events.base);
    if (r->unbound == NULL) {
        return "libunbound cannot be begun";
    }
    (void)ub_ctx_debugout(r->unbound, NULL); /* what a server may cause it to say is in no answer's way */
    if (!set_options(r->unbound)) {
        ub_ctx_delete(r->unbound);
        r->unbound = NULL;
        return "libunbound does not know an option that it is to have";
    }
    for (unsigned i = 0; i < servers->count; i++) {
        if (ub_ctx_set_fwd(r->unbound, servers->at[i]) != 0) {
            ub_ctx_delete(r->unbound);
            r->unbound = NULL;
            return "libunbound does not take the address of a DNS server";
        }
    }
    return NULL;
}

static void on_answer(void *context, int rcode, void *packet, int len, int security, char *why_bogus, int limited)
{
    struct question *q = context;
    struct resolver *r = q->resolver;
    const uint64_t ticket = q->ticket;
    const enum answer_type type = q->type;
    const bool dropped = q->dropped;
    struct answer a;
    (void)security;
    (void)why_bogus;
    (void)limited;
    answer_read(&a, q->name, type, rcode, packet, len > 0 ? (size_t)len : 0);
    forget(r, q);
    if (!dropped) {
        r->answered(r->context, ticket, type, &a);
    }
}

const char *resolver_ask(struct resolver *r, uint64_t ticket, const char *name, enum answer_type type)
{
    if (r->unbound == NULL) {
        return "libunbound could not be begun";
    }
    struct question *q = calloc(1, sizeof *q);
    if (q == NULL) {
        return "out of memory";
    }
    q->resolver = r;
    q->ticket = ticket;
    q->type = type;
    (void)snprintf(q->name, sizeof q->name, "%s", name);
    DL_APPEND(r->questions, q);
    /* Where it knows the answer, it calls at once, and q is gone; so is it never where this fails. */
    if (ub_resolve_event(r->unbound, q->name, answer_number(type), CLASS_IN, q, on_answer, &q->number) != 0) {
        forget(r, q);
        return "libunbound takes no question";
    }
    return NULL;
}

void resolver_drop(struct resolver *r, uint64_t ticket, enum answer_type type)
{
    struct question *q;
    DL_FOREACH(r->questions, q) {
        if (q->ticket == ticket && q->type == type && !q->dropped) {
            q->dropped = true;
            r->dropped++;
            return;
        }
    }
}

bool resolver_is_choked(const struct resolver *r)
{
    return r->dropped > DROPPED_MAX;
}
