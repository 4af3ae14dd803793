/* Records and datagrams of a lab, and its clock; see lab.h. */
#include "lab.h"

#include "plutod/script.h"
#include "plutod/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* ---- records ---- */

static const char *to_negotiator(struct lab_host *h, unsigned from, const struct record *r)
{
    enum ike_source source = from == P_N ? FROM_PLUTOD : from == K_N ? FROM_KERNEL_SA : FROM_WORKER;
    lab_refill(h);
    return ike_record(h->ike, h->lab->now, source, from == S_N ? h->worker : 0, r);
}

static const char *to_plutod(struct lab_host *h, unsigned from, const struct record *r)
{
    const char *why = "no reason given";
    bool good = from == N_P   ? keying_from_negotiator(&h->keying, r, &why)
                : from == S_P ? keying_from_secrets(&h->keying, h->worker, r, &why)
                              : keying_from_kernel(&h->keying, r, &why);
    return good ? NULL : why;
}

static void take(struct lab_host *h, unsigned from, char *line, size_t len)
{
    const struct core_out out = { lab_line(h, S_P), lab_line(h, S_N), lab_line(h, S_K) };
    struct record *r = malloc(sizeof *r);
    char *shown = strndup(line, len);
    enum key field = K_END;
    assert_non_null(r);
    const char *why = record_parse(r, line, len, from, &field);
    if (why == NULL && r->verb == V_BAD) {
        why = "a record was refused";
    } else if (why == NULL && (from & (P_N | K_N | S_N)) != 0) {
        why = to_negotiator(h, from, r);
    } else if (why == NULL && (from & (N_P | S_P | K_P)) != 0) {
        why = to_plutod(h, from, r);
    } else if (why == NULL && r->verb == V_DEBUG) {
        why = debug_classes_parse(&h->secrets_log.classes, record_text(r, K_CLASSES));
    } else if (why == NULL) {
        secrets_record(h->secrets, r, &out, h->lab->now);
    }
    if (why != NULL) {
        fail_msg("%s: %s (%s)", shown, why, field == K_END ? "" : schema_key(field)->name);
    }
    free(shown);
    free(r);
}

static void give(struct lab_host *h, unsigned from, char *line, size_t len)
{
    line[len] = '\0';
    if (from == N_P) {
        buffer_add(&h->heard, line, len);
        buffer_add_text(&h->heard, "\n");
    }
    if ((from & (P_K | N_K | S_K)) != 0) {
        static const enum core_peer peers[] = { PEER_PLUTOD, PEER_NEGOTIATE, PEER_SECRETS };
        h->kernel->now = h->lab->now;
        fake_feed(h->kernel, peers[from == P_K ? 0 : from == N_K ? 1 : 2], "%s", line);
    } else {
        take(h, from, line, len);
    }
}

/* One record. plutod's are read first, and he reads ike-negotiate's last (architecture.md). */
static bool give_one(struct lab_host *h)
{
    static const unsigned order[] = { P_S, P_K, P_N, S_P, K_P, N_P, S_K, N_S, N_K, K_S, K_N, S_N };
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        struct buffer *b = lab_line(h, order[i]);
        if (b->len > 0) {
            size_t len = (size_t)((uint8_t *)memchr(b->data, '\n', b->len) - b->data);
            char *line = malloc(len + 1);
            assert_non_null(line);
            memcpy(line, b->data, len);
            buffer_consume(b, len + 1);
            give(h, order[i], line, len);
            free(line);
            return true;
        }
    }
    return false;
}

static bool run_script(struct lab_host *h)
{
    struct script_job *job = h->scripts;
    if (job == NULL) {
        return false;
    }
    uint64_t id = job->id;
    DL_DELETE(h->scripts, job);
    script_job_free(job);
    keying_script_done(&h->keying, id, NULL);
    return true;
}

void lab_inject(struct lab *l, const struct datagram *d)
{
    if (l->queued < LAB_DATAGRAMS) {
        l->queue[(l->first + l->queued++) % LAB_DATAGRAMS] = *d;
    }
}

void lab_hear(struct lab *l, const struct path *path, const uint8_t *bytes, size_t len)
{
    unsigned to = lab_host_of(&path->local);
    if (to == LAB_NOBODY) {
        return;
    }
    struct lab_host *h = &l->host[to];
    h->received += len;
    h->received_count++;
    lab_refill(h);
    ike_datagram(h->ike, l->now, path, bytes, len);
}

void lab_settle(struct lab *l)
{
    bool any = true;
    while (any) {
        any = false;
        for (unsigned i = 0; i < LAB_HOSTS && !(l->hurried && l->queued > 0); i++) {
            l->host[i].keying.now = l->now;
            while (give_one(&l->host[i]) || run_script(&l->host[i])
                   || status_more(&l->host[i].keying, 1) == STATUS_SAID) {
                any = true;
            }
        }
        if (l->queued > 0) {
            const struct datagram *d = &l->queue[l->first];
            l->first = (l->first + 1) % LAB_DATAGRAMS;
            l->queued--;
            lab_hear(l, &d->path, d->bytes, d->len);
            any = true;
        }
    }
}

/* ---- time ---- */

static uint64_t next_timer(const struct lab *l)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        const struct lab_host *h = &l->host[i];
        const uint64_t at[] = { ike_next_timer(h->ike), agenda_next(&h->keying.agenda),
                                core_deadline(h->kernel->core) };
        for (size_t n = 0; n < 3; n++) {
            next = at[n] < next ? at[n] : next;
        }
    }
    return next;
}

void lab_pass(struct lab *l, uint64_t ms)
{
    uint64_t end = l->now + ms;
    lab_settle(l);
    for (;;) {
        uint64_t next = next_timer(l);
        if (next > end) {
            break;
        }
        l->now = next > l->now ? next : l->now;
        for (unsigned i = 0; i < LAB_HOSTS; i++) {
            struct lab_host *h = &l->host[i];
            lab_refill(h);
            ike_timer(h->ike, l->now);
            h->keying.now = l->now;
            keying_tick(&h->keying);
            fake_pass(h->kernel, l->now - h->kernel->now);
        }
        lab_settle(l);
    }
    l->now = end;
}
