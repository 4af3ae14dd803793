#include "world.h"

#include "shared_dh.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- effects of the by-hand module, which elsewhere are by_hand.c ---- */

static struct host *host_of(struct hand *h)
{
    return (struct host *)((char *)h - offsetof(struct host, hand));
}

struct buffer *hand_out(struct hand *h, unsigned which)
{
    return &host_of(h)->out[which];
}

void hand_print(struct hand *h, const struct buffer *line)
{
    buffer_add(&host_of(h)->printed, line->data, line->len);
}

bool hand_start_dnskey(struct hand *h)
{
    (void)h;
    return true;
}

/* ---- the negotiator's outputs ---- */

static struct buffer *out_kernel(void *context)
{
    struct host *h = context;
    return h->no_kernel ? NULL : &h->to_kernel;
}

static struct buffer *out_worker(void *context, uint64_t worker)
{
    return worker == 1 ? &((struct host *)context)->to_secrets : NULL;
}

static void out_send(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    struct host *h = context;
    struct world *w = h->world;
    struct datagram d = { .to = 1 - h->which, .len = len };
    d.path = (struct path){ .local = path->remote, .remote = path->local,
                            .local_port = path->remote_port, .remote_port = path->local_port };
    memcpy(d.bytes, bytes, len);
    h->sent++;
    unsigned copies = w->network == NULL ? 1 : w->network(w, &d, ++w->number);
    for (unsigned i = 0; i < copies; i++) {
        world_inject(w, &d);
    }
}

void world_inject(struct world *w, const struct datagram *d)
{
    if (w->queued < WORLD_DATAGRAMS) {
        w->queue[w->queued++] = *d;
    }
}

static void refill(struct host *h)
{
    uint8_t bytes[IKE_RANDOM_POOL];
    size_t want = ike_random_wanted(h->ike);
    if (want > 0 && RAND_bytes(bytes, (int)want) == 1) {
        ike_random(h->ike, bytes, want);
    }
}

/* ---- records ---- */

struct taker {
    struct host *host;
    unsigned from; /* mask of directions */
    enum ike_source source;
    int line;      /* LINE_... for the by-hand module, or -1 */
    bool secrets;  /* for the core of secrets */
};

static void take(const struct taker *t, struct record *r)
{
    struct host *h = t->host;
    refill(h);
    if (t->secrets) {
        const struct core_out out = { &h->s_plutod, &h->s_negotiator, &h->s_kernel };
        secrets_record(h->secrets, r, &out, h->world->now);
    } else if (t->line >= 0) {
        struct hand_line line = { .hand = &h->hand, .which = (unsigned)t->line };
        (void)hand_record(&line, NULL, r, -1);
    } else {
        const char *why = ike_record(h->ike, h->world->now, t->source,
                                     t->source == FROM_WORKER ? 1 : 0, r);
        if (why != NULL) {
            fprintf(stderr, "world: the negotiator refuses a record: %s\n", why);
            abort();
        }
    }
}

/* Hands over every line that is in `b`; true if there was one. */
static bool drain(struct buffer *b, const struct taker *t)
{
    struct buffer lines = *b;
    struct record *r = malloc(sizeof *r);
    enum key field;
    buffer_init(b, 0);
    for (size_t at = 0; at < lines.len;) {
        char *line = (char *)lines.data + at;
        size_t len = (size_t)((char *)memchr(line, '\n', lines.len - at) - line);
        const char *why = record_parse(r, line, len, t->from, &field);
        if (why != NULL) {
            fprintf(stderr, "world: %s: %s %s\n", line, why,
                    field == K_END ? "" : schema_key(field)->name);
            abort();
        }
        take(t, r);
        at += len + 1;
    }
    bool any = lines.len > 0;
    buffer_wipe(&lines);
    free(r);
    return any;
}

static bool turn(struct host *h)
{
    bool any = false;
    buffer_add(&h->heard, h->to_plutod.data, h->to_plutod.len);
    any |= drain(&h->s_plutod, &(struct taker){ h, S_P, 0, LINE_SECRETS, false });
    any |= drain(&h->s_kernel, &(struct taker){ h, S_K, 0, LINE_SECRETS_KERNEL, false });
    any |= drain(&h->to_plutod, &(struct taker){ h, N_P, 0, LINE_NEGOTIATOR, false });
    any |= drain(&h->to_kernel, &(struct taker){ h, N_K, 0, LINE_NEGOTIATOR_KERNEL, false });
    any |= drain(&h->out[LINE_SECRETS], &(struct taker){ h, P_S, 0, -1, true });
    any |= drain(&h->out[LINE_SECRETS_KERNEL], &(struct taker){ h, K_S, 0, -1, true });
    any |= drain(&h->to_secrets, &(struct taker){ h, N_S, 0, -1, true });
    any |= drain(&h->out[LINE_NEGOTIATOR], &(struct taker){ h, P_N, FROM_PLUTOD, -1, false });
    any |= drain(&h->out[LINE_NEGOTIATOR_KERNEL],
                 &(struct taker){ h, K_N, FROM_KERNEL_SA, -1, false });
    any |= drain(&h->s_negotiator, &(struct taker){ h, S_N, FROM_WORKER, -1, false });
    return any;
}

void world_settle(struct world *w)
{
    bool any = true;
    for (unsigned rounds = 0; any && rounds < 10000; rounds++) {
        any = turn(&w->host[0]);
        any |= turn(&w->host[1]);
        if (w->queued > 0) {
            struct datagram d = w->queue[0];
            struct host *h = &w->host[d.to];
            w->queued--;
            memmove(&w->queue[0], &w->queue[1], w->queued * sizeof d);
            refill(h);
            ike_datagram(h->ike, w->now, &d.path, d.bytes, d.len);
            any = true;
        }
    }
}

void world_pass(struct world *w, uint64_t ms)
{
    uint64_t end = w->now + ms;
    world_settle(w);
    for (;;) {
        uint64_t next = ike_next_timer(w->host[0].ike);
        uint64_t other = ike_next_timer(w->host[1].ike);
        next = other < next ? other : next;
        if (next > end) {
            break;
        }
        w->now = next > w->now ? next : w->now;
        for (unsigned i = 0; i < 2; i++) {
            refill(&w->host[i]);
            ike_timer(w->host[i].ike, w->now);
        }
        world_settle(w);
    }
    w->now = end;
}

void world_order(struct world *w, unsigned host, const char *line)
{
    buffer_add_text(&w->host[host].out[LINE_NEGOTIATOR], line);
    buffer_add_text(&w->host[host].out[LINE_NEGOTIATOR], "\n");
    world_settle(w);
}

/* ---- making ---- */

static bool parse_words(struct hand *h, const char *words)
{
    char *list = strdup(words);
    char *argv[64] = { list };
    int argc = 1;
    struct connection_words c = { .name = "net" };
    struct option_reader reader;
    struct option_given given;
    char why[CONNECTION_WHY] = "";
    enum option_read read;

    for (char *at = list, *word; (word = strsep(&at, " ")) != NULL && argc < 63;) {
        if (*word != '\0') {
            argv[argc++] = word;
        }
    }
    bool ok = option_reader_init(&reader, OF_HAND, "world", argc, argv) == NULL;
    while (ok && (read = option_next(&reader, &given, why)) != OPTION_NO_MORE) {
        ok = read == OPTION_GIVEN && connection_option(&c, &given);
    }
    ok = ok && connection_form_make(&h->form, &c, NULL, NULL, why);
    option_reader_free(&reader);
    if (!ok) {
        fprintf(stderr, "world: %s: %s\n", words, why);
    }
    free(list);
    return ok;
}

static void add_secret(struct store *s, const char *psk)
{
    if (psk != NULL) {
        (void)store_add(s, "world", 1, NULL, 0, (const uint8_t *)psk, strlen(psk));
    }
}

static void host_init(struct world *w, unsigned which, const char *words, const char *psk)
{
    struct host *h = &w->host[which];
    h->world = w;
    h->which = which;
    h->log = (struct log){ .tool = "secrets", .records = &h->s_plutod };
    if (!parse_words(&h->hand, words)) {
        abort();
    }
    struct hand *hand = &h->hand;
    hand->initiate = which == 0;
    hand->show_keys = true;
    hand->us = &hand->form.end[which];
    hand->peer = &hand->form.end[1 - which];
    hand->local = hand->us->host;
    hand->remote = hand->peer->host;
    hand->local_port = 500;
    hand->our_client = hand->us->client;
    hand->peer_client = hand->peer->client;
    identity_copy(&hand->our_id, hand->us->id);
    identity_copy(&hand->peer_id, hand->peer->id);
    hand->reqid = 16384 + which;
    h->store = store_new();
    add_secret(h->store, psk);
    const struct core_config config = { .store = h->store, .dh = shared_dh(), .log = &h->log, .random = dh_random };
    h->secrets = secrets_new(&config);
    const struct ike_outputs outputs = { &h->to_plutod, out_kernel, out_worker, out_send, h };
    h->ike = ike_new(&outputs);
    refill(h);
    ike_kernel_ready(h->ike, w->now);
}

struct world *world_new_two(const char *words_0, const char *words_1, const char *psk_0,
                            const char *psk_1)
{
    struct world *w = calloc(1, sizeof *w);
    w->now = 1000000;
    host_init(w, 0, words_0, psk_0);
    host_init(w, 1, words_1, psk_1);
    return w;
}

struct world *world_new(const char *words, const char *psk_0, const char *psk_1)
{
    return world_new_two(words, words, psk_0, psk_1);
}

void world_begin(struct world *w)
{
    hand_begin(&w->host[1].hand);
    hand_begin(&w->host[0].hand);
    world_settle(w);
}

void world_free(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        struct host *h = &w->host[i];
        struct buffer *all[] = { &h->to_plutod, &h->to_kernel, &h->to_secrets, &h->s_plutod,
                                 &h->s_negotiator, &h->s_kernel, &h->printed, &h->heard,
                                 &h->hand.install, &h->hand.names };
        ike_free(h->ike);
        secrets_free(h->secrets);
        store_free(h->store);
        connection_form_free(&h->hand.form);
        for (unsigned j = 0; j < sizeof all / sizeof all[0]; j++) {
            buffer_wipe(all[j]);
        }
        for (unsigned j = 0; j < LINE_COUNT; j++) {
            buffer_wipe(&h->out[j]);
        }
    }
    free(w);
}

/* ---- looking ---- */

static unsigned count_in(const struct buffer *b, const char *text)
{
    unsigned n = 0;
    size_t len = strlen(text);
    for (const uint8_t *at = b->data; b->data != NULL;) {
        at = memmem(at, b->len - (size_t)(at - b->data), text, len);
        if (at == NULL) {
            break;
        }
        n++;
        at += len;
    }
    return n;
}

unsigned world_count(const struct world *w, unsigned host, const char *text)
{
    return count_in(&w->host[host].heard, text);
}

bool world_holds(const struct buffer *b, const char *text)
{
    return count_in(b, text) > 0;
}

bool world_heard(const struct world *w, unsigned host, const char *text)
{
    return world_count(w, host, text) > 0;
}

/* The value of a field in what a host printed; false: none. */
static bool printed_value(const struct host *h, const char *key, char *out, size_t size)
{
    const char *at = h->printed.data == NULL
                         ? NULL
                         : memmem(h->printed.data, h->printed.len, key, strlen(key));
    if (at == NULL) {
        return false;
    }
    at += strlen(key);
    snprintf(out, size, "%.*s", (int)strcspn(at, " \n"), at);
    return true;
}

bool world_both_up(const struct world *w)
{
    static const char *const mirrored[][2] = { { " key-in=", " key-out=" },
                                               { " spi-in=", " spi-out=" } };
    for (unsigned i = 0; i < 2; i++) {
        if (!w->host[i].hand.done || w->host[i].hand.status != 0
            || count_in(&w->host[i].printed, "install ") != 1) {
            return false;
        }
        for (unsigned j = 0; j < 2; j++) {
            char a[200];
            char b[200];
            if (!printed_value(&w->host[i], mirrored[j][0], a, sizeof a)
                || !printed_value(&w->host[1 - i], mirrored[j][1], b, sizeof b)
                || strcmp(a, b) != 0) {
                return false;
            }
        }
    }
    return true;
}
