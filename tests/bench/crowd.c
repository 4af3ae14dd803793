#include "crowd.h"

#include "secrets/file.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ESP "aes128-sha2_256"
#define CONNECTION "bench"
#define LIFE 3600

/* ---- numbers: peer n has the Main Mode 2n + 1 and the Quick Mode 2n + 2 ---- */

static uint64_t peer_of(uint64_t exchange)
{
    return (exchange - 1) / 2;
}

static void address_of(const struct crowd *c, uint64_t peer, struct address *a)
{
    *a = c->plan.first;
    for (int i = 3; i >= 0; i--) {
        peer += a->bytes[i];
        a->bytes[i] = (uint8_t)peer;
        peer >>= 8;
    }
}

/* ---- what plutod says ---- */

static unsigned methods_of(const struct crowd *c)
{
    return c->plan.rsasig ? METHODS_RSASIG : METHODS_PSK;
}

static void announce(struct crowd *c, uint64_t x, const struct address *local)
{
    struct record_writer w;
    struct identity ours;
    struct identity peer;
    identity_of_address(&ours, local);
    identity_of_address(&peer, &c->plan.remote);
    if (c->plan.rsasig) {
        ours = c->id;
    }
    record_start(&w, &c->p_s, V_ANNOUNCE);
    record_put_number(&w, K_EXCHANGE, x);
    record_put_text(&w, K_CONNECTION, CONNECTION);
    record_put_word(&w, K_ROLE, 0);
    record_put_word(&w, K_METHODS, methods_of(c));
    record_put_text(&w, K_IKE, c->plan.ike);
    record_put_identity(&w, K_OUR_ID, &ours);
    record_put_identity(&w, K_PEER_ID, &peer);
    (void)record_finish(&w);
}

static void initiate(struct crowd *c, uint64_t x, const struct address *local)
{
    struct record_writer w;
    record_start(&w, &c->p_n, V_INITIATE);
    record_put_number(&w, K_EXCHANGE, x);
    record_put_text(&w, K_CONNECTION, CONNECTION);
    record_put_number(&w, K_WORKER, 1);
    record_put_address(&w, K_LOCAL, local);
    record_put_number(&w, K_LOCAL_PORT, c->wire->port);
    record_put_address(&w, K_REMOTE, &c->plan.remote);
    record_put_number(&w, K_REMOTE_PORT, 500);
    record_put_word(&w, K_METHODS, methods_of(c));
    record_put_text(&w, K_IKE, c->plan.ike);
    record_put_number(&w, K_LIFE, LIFE);
    (void)record_finish(&w);
}

static void order_quick(struct crowd *c, uint64_t x)
{
    struct record_writer w;
    struct address local;
    struct subnet ours;
    struct subnet peer;
    address_of(c, peer_of(x), &local);
    subnet_of_host(&ours, &local);
    subnet_of_host(&peer, &c->plan.remote);
    record_start(&w, &c->p_s, V_ANNOUNCE_QUICK);
    record_put_number(&w, K_EXCHANGE, x + 1);
    record_put_number(&w, K_PARENT, x);
    record_put_word(&w, K_ROLE, 0);
    record_put_text(&w, K_ESP, ESP);
    record_put_text(&w, K_PFS, "no");
    (void)record_finish(&w);
    record_start(&w, &c->p_n, V_QUICK);
    record_put_number(&w, K_EXCHANGE, x + 1);
    record_put_number(&w, K_PARENT, x);
    record_put_text(&w, K_CONNECTION, CONNECTION);
    record_put_text(&w, K_ESP, ESP);
    record_put_text(&w, K_PFS, "no");
    record_put_word(&w, K_MODE, 0);
    record_put_number(&w, K_LIFE, LIFE);
    record_put_address(&w, K_OUR_HOST, &local);
    record_put_address(&w, K_PEER_HOST, &c->plan.remote);
    record_put_subnet(&w, K_OUR_CLIENT, &ours);
    record_put_subnet(&w, K_PEER_CLIENT, &peer);
    (void)record_finish(&w);
}

/* ---- what the cores say ---- */

static void finished(struct crowd *c, uint64_t exchange)
{
    c->took[c->done++] = (uint32_t)(c->now - c->began[peer_of(exchange)]);
}

static void take_for_plutod(struct crowd *c, const struct record *r)
{
    enum { STATE_QUICK_I2 = 11 }; /* place in the schema's `state` */
    uint64_t exchange = record_number(r, K_EXCHANGE);
    switch (r->verb) {
    case V_ISAKMP_UP:
        if (c->plan.quick) {
            order_quick(c, exchange);
        } else {
            finished(c, exchange);
        }
        break;
    case V_STATE:
        if (record_word(r, K_STATE) == STATE_QUICK_I2) {
            finished(c, exchange);
        }
        break;
    case V_FAILED:
        if (c->failed++ == 0) {
            (void)snprintf(c->why, sizeof c->why, "%.190s", record_text(r, K_WHY));
        }
        break;
    default:
        break;
    }
}

/* secrets asks plutod by which keys the responder may sign. */
static void take_question(struct crowd *c, const struct record *r)
{
    struct record_writer w;
    if (r->verb == V_PUBLIC_KEYS) {
        record_answer(&w, &c->p_s, V_OK, V_PUBLIC_KEYS, record_number(r, K_ID));
        record_put_text(&w, K_PUBKEYS, c->public_key);
        (void)record_finish(&w);
    }
}

static void take_for_kernel(const struct record *r, struct buffer *out)
{
    struct record_writer w;
    uint8_t spis[4 * 256];
    size_t count = (size_t)record_number(r, K_COUNT);
    record_answer(&w, out, V_OK, r->verb, record_number(r, K_ID));
    if (r->verb == V_SPIS && RAND_bytes(spis, (int)(4 * count)) == 1) {
        for (size_t i = 0; i < count; i++) {
            spis[4 * i] |= 0x10;
        }
        record_put_bytes(&w, K_SPIS, spis, 4 * count);
    }
    (void)record_finish(&w);
}

static void refill(struct crowd *c)
{
    uint8_t bytes[IKE_RANDOM_POOL];
    size_t want = ike_random_wanted(c->ike);
    if (want > IKE_RANDOM_POOL / 2 && RAND_bytes(bytes, (int)want) == 1) {
        ike_random(c->ike, bytes, want);
    }
}

static void take(struct crowd *c, const struct buffer *from, const struct record *r)
{
    const struct core_out out = { &c->s_p, &c->s_n, &c->s_k };
    if (from == &c->n_p) {
        take_for_plutod(c, r);
    } else if (from == &c->n_k) {
        take_for_kernel(r, &c->k_n);
    } else if (from == &c->s_k) {
        take_for_kernel(r, &c->k_s);
    } else if (from == &c->p_s || from == &c->n_s || from == &c->k_s) {
        secrets_record(c->secrets, r, &out, c->now);
    } else if (from == &c->s_p) {
        take_question(c, r);
    } else {
        enum ike_source source = from == &c->p_n   ? FROM_PLUTOD
                                 : from == &c->k_n ? FROM_KERNEL_SA
                                                   : FROM_WORKER;
        refill(c);
        (void)ike_record(c->ike, c->now, source, source == FROM_WORKER ? 1 : 0, r);
    }
}

static bool drain(struct crowd *c, struct buffer *from, unsigned direction)
{
    struct buffer lines = *from;
    struct record r;
    if (lines.len == 0) {
        return false;
    }
    buffer_init(from, 0);
    for (size_t at = 0; at < lines.len;) {
        char *line = (char *)lines.data + at;
        size_t len = (size_t)((char *)memchr(line, '\n', lines.len - at) - line);
        if (record_parse(&r, line, len, direction, NULL) == NULL) {
            take(c, from, &r);
        }
        at += len + 1;
    }
    free(lines.data); /* not wiped: its secrets are worth nothing */
    return true;
}

static void settle(struct crowd *c)
{
    bool any = true;
    while (any) {
        any = drain(c, &c->s_p, S_P);
        any |= drain(c, &c->s_k, S_K);
        any |= drain(c, &c->p_s, P_S);
        any |= drain(c, &c->k_s, K_S);
        any |= drain(c, &c->n_s, N_S);
        any |= drain(c, &c->n_p, N_P);
        any |= drain(c, &c->n_k, N_K);
        any |= drain(c, &c->p_n, P_N);
        any |= drain(c, &c->k_n, K_N);
        any |= drain(c, &c->s_n, S_N);
    }
}

/* ---- outputs of the negotiator's core ---- */

static struct buffer *out_kernel(void *context)
{
    return &((struct crowd *)context)->n_k;
}

static struct buffer *out_worker(void *context, uint64_t worker)
{
    return worker == 1 ? &((struct crowd *)context)->n_s : NULL;
}

static void out_send(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    wire_send(((struct crowd *)context)->wire, path, bytes, len);
}

static void on_datagram(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    struct crowd *c = context;
    refill(c);
    ike_datagram(c->ike, c->now, path, bytes, len);
}

/* ---- for load.c ---- */

static const char *read_secrets(struct crowd *c)
{
    struct file_counts counts;
    const struct secret *other = NULL;
    file_read(c->store, c->plan.secrets, false, &c->log, &counts);
    if (!c->plan.rsasig) {
        return counts.psk > 0 ? NULL : "no preshared secret could be read: give --secretsfile";
    }
    const char *why = identity_parse(&c->id, c->plan.id);
    if (why != NULL) {
        return why;
    }
    const struct secret *s = store_find_rsa(c->store, &c->id, &other);
    if (s == NULL) {
        return "no RSA key could be read: give --secretsfile";
    }
    rsa_public_print(rsa_key_public(s->rsa), c->public_key);
    return NULL;
}

bool crowd_init(struct crowd *c, const struct crowd_plan *plan, struct wire *wire, size_t room,
                const char **why)
{
    *c = (struct crowd){ .plan = *plan, .wire = wire, .room = room };
    const struct ike_outputs outputs = { &c->n_p, out_kernel, out_worker, out_send, c };
    c->log = (struct log){ .tool = "load", .records = &c->s_p };
    c->began = calloc(room, sizeof *c->began);
    c->took = calloc(room, sizeof *c->took);
    c->store = store_new();
    c->dh = dh_lib_new(why);
    if (c->dh == NULL) {
        return false;
    }
    *why = "out of memory";
    if (c->began == NULL || c->took == NULL || c->store == NULL) {
        return false;
    }
    *why = read_secrets(c);
    if (*why != NULL) {
        return false;
    }
    *why = "out of memory";
    const struct core_config config = { .store = c->store, .dh = c->dh, .log = &c->log, .random = dh_random };
    c->secrets = secrets_new(&config);
    c->ike = ike_new(&outputs);
    if (c->secrets == NULL || c->ike == NULL) {
        return false;
    }
    refill(c);
    ike_kernel_ready(c->ike, 0);
    settle(c);
    return true;
}

void crowd_free(struct crowd *c)
{
    ike_free(c->ike);
    secrets_free(c->secrets);
    store_free(c->store);
    dh_lib_free(c->dh);
    free(c->began);
    free(c->took);
}

void crowd_begin(struct crowd *c, uint64_t now)
{
    struct address local;
    uint64_t peer = c->begun;
    if (peer == c->room) {
        return;
    }
    c->now = now;
    c->begun++;
    c->began[peer] = now;
    address_of(c, peer, &local);
    announce(c, 2 * peer + 1, &local);
    initiate(c, 2 * peer + 1, &local);
    settle(c);
}

bool crowd_turn(struct crowd *c, uint64_t now)
{
    c->now = now;
    bool any = wire_read(c->wire, on_datagram, c) > 0;
    settle(c);
    if (ike_next_timer(c->ike) <= now) {
        refill(c);
        ike_timer(c->ike, now);
        settle(c);
    }
    return any;
}

uint64_t crowd_next_timer(const struct crowd *c)
{
    return ike_next_timer(c->ike);
}
