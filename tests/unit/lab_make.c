/* A lab is made, and what its cores put out goes into its buffers; see lab.h. */
#include "lab.h"

#include "plutod/requests.h"
#include "plutod/script.h"
#include "rsa_keys.h"
#include "shared_dh.h"

#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* ---- effects ---- */

struct buffer *lab_line(struct lab_host *h, unsigned direction)
{
    return &h->line[__builtin_ctz(direction)];
}

static struct buffer *out_kernel(void *context)
{
    return lab_line(context, N_K);
}

static struct buffer *out_worker(void *context, uint64_t worker)
{
    return worker == ((struct lab_host *)context)->worker ? lab_line(context, N_S) : NULL;
}

static void out_send(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    struct lab_host *h = context;
    struct lab *l = h->lab;
    struct datagram *d = calloc(1, sizeof *d);
    assert_non_null(d);
    assert_in_range(len, 1, sizeof d->bytes);
    d->path = (struct path){ .local = path->remote, .remote = path->local,
                             .local_port = path->remote_port, .remote_port = path->local_port };
    d->len = len;
    memcpy(d->bytes, bytes, len);
    h->sent += len;
    h->sent_count++;
    unsigned copies = l->network == NULL ? 1 : l->network(l, d, ++l->number);
    for (unsigned i = 0; i < copies; i++) {
        lab_inject(l, d);
    }
    free(d);
}

static void do_log(void *context, enum log_level level, const struct address *peer,
                   const char *prefix, const char *text)
{
    struct lab_host *h = context;
    (void)peer;
    (void)level;
    log_escape(&h->log, prefix, strlen(prefix));
    log_escape(&h->log, text, strlen(text));
    buffer_add_text(&h->log, "\n");
}

static void do_say(void *context, uint64_t client, const char *line)
{
    struct lab_host *h = context;
    (void)client;
    buffer_add_text(&h->said, line);
    buffer_add_text(&h->said, "\n");
}

static void do_hold(void *context, uint64_t client)
{
    (void)context;
    (void)client;
}

static bool is_there(void *context, uint64_t client)
{
    (void)context;
    return client != 0;
}

static bool do_process(void *context, unsigned place, struct process_view *view)
{
    (void)context;
    *view = (struct process_view){ .tool = "plutod", .current = true, .pid = 1 };
    return place == 0;
}

static bool do_question(void *context, struct question_view *view)
{
    (void)context;
    (void)view;
    return false;
}

static void do_script(void *context, struct script_job *job)
{
    struct lab_host *h = context;
    DL_APPEND(h->scripts, job);
}

static void do_idle(void *context, uint32_t worker)
{
    (void)context;
    (void)worker;
}

/* There is no DNS here. */
static void do_need_dnskey(void *context)
{
    (void)context;
}

static void do_end_dnskey(void *context, const char *why)
{
    (void)context;
    (void)why;
}

void lab_refill(struct lab_host *h)
{
    uint8_t bytes[IKE_RANDOM_POOL];
    size_t want = ike_random_wanted(h->ike);
    if (want > 0 && RAND_bytes(bytes, (int)want) == 1) {
        ike_random(h->ike, bytes, want);
    }
}

/* ---- making ---- */

static void listen_on(struct lab_host *h, unsigned which)
{
    struct interface *list = calloc(1, sizeof *list);
    assert_non_null(list);
    lab_address(&list->address, which);
    list->port = 500;
    snprintf(list->name, sizeof list->name, "eth0");
    keying_interfaces(&h->keying, list, 1, false);
}

void lab_begin_secrets(struct lab_host *h)
{
    const struct core_config config = { .store = h->store, .dh = shared_dh(), .log = &h->secrets_log, .random = dh_random };
    h->worker++;
    h->secrets = secrets_new(&config);
}

void lab_connect_kernel(struct lab_host *h)
{
    core_connect(h->kernel->core, PEER_PLUTOD, lab_line(h, K_P));
    core_connect(h->kernel->core, PEER_NEGOTIATE, lab_line(h, K_N));
    core_connect(h->kernel->core, PEER_SECRETS, lab_line(h, K_S));
}

static void host_init(struct lab *l, unsigned which, const char *psk)
{
    static const struct keying_settings settings = { .epoch = 5, .ikeport = 500, .updown = "/u" };
    struct lab_host *h = &l->host[which];
    const struct keying_hooks hooks = { .context = h, .log = do_log, .say = do_say, .hold = do_hold,
                                        .release = do_hold, .is_there = is_there,
                                        .script = do_script, .idle = do_idle,
                                        .need_dnskey = do_need_dnskey, .end_dnskey = do_end_dnskey, .json = do_say, .process = do_process,
                                        .question = do_question };
    const struct ike_outputs outputs = { lab_line(h, N_P), out_kernel, out_worker, out_send, h };

    h->lab = l;
    h->secrets_log = (struct log){ .tool = "secrets", .records = lab_line(h, S_P) };
    h->store = store_new();
    if (psk != NULL) {
        (void)store_add(h->store, "lab", 1, NULL, 0, (const uint8_t *)psk, strlen(psk));
    }
    lab_begin_secrets(h);
    h->kernel = fake_new(MAKER_DAEMON);
    h->kernel->now = l->now;
    h->kernel->random += which; /* two hosts do not draw the same SPIs */
    lab_connect_kernel(h);
    h->ike = ike_new(&outputs);
    lab_refill(h);
    keying_init(&h->keying, &settings, &hooks);
    h->keying.now = l->now;
    keying_kernel_up(&h->keying, lab_line(h, P_K));
    keying_negotiator_up(&h->keying, lab_line(h, P_N));
    assert_true(keying_worker_up(&h->keying, h->worker, lab_line(h, P_S)));
    ike_kernel_ready(h->ike, l->now);
    listen_on(h, which);
}

static const char *const same_psk[LAB_HOSTS] = { "x", "x", "x" };

static struct lab *lab_of(const char *const psk[LAB_HOSTS])
{
    struct lab *l = calloc(1, sizeof *l);
    assert_non_null(l);
    l->now = 1000000;
    l->policies = 3;
    l->queue = calloc(LAB_DATAGRAMS, sizeof *l->queue);
    assert_non_null(l->queue);
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        host_init(l, i, psk[i]);
    }
    lab_settle(l);
    return l;
}

struct lab *lab_new_alone(void)
{
    return lab_of(same_psk);
}

void lab_give_rsa(struct lab *l)
{
    static const char *const pem[2] = { rsa_pem_512, rsa_pem_512_e3 };
    for (unsigned i = 0; i < 2; i++) {
        char hex[400];
        uint8_t public[RSA_PUBLIC_MAX];
        char address[ADDRESS_TEXT];
        struct address a;
        struct index index = { .kind = INDEX_ID };
        struct rsa_key *key = rsa_test_key(pem[i]);
        lab_address(&a, i);
        identity_of_address(&index.id, &a);
        address_print(&a, address);
        const size_t len = rsa_public_encode(rsa_key_public(key), public);
        for (size_t n = 0; n < len; n++) {
            snprintf(hex + 2 * n, 3, "%02x", public[n]);
        }
        assert_null(store_add_rsa(l->host[i].store, "lab", 2, &index, 1, key));
        lab_whack(l, 1 - i, "whack-key keyid=%s pubkeyrsa=%s", address, hex);
    }
}

struct lab *lab_new_psk(const char *words, const char *const psk[LAB_HOSTS])
{
    struct lab *l = lab_of(psk);
    for (unsigned i = 0; i < 2; i++) {
        lab_whack(l, i, "whack-connection name=net left-host=10.9.0.1 left-client=10.1.0.0/24 "
                  "right-host=10.9.0.2 right-client=10.2.0.0/24 %s",
                  words == NULL ? LAB_CHEAP : words);
    }
    if (words != NULL && strstr(words, "rsasig") != NULL) {
        lab_give_rsa(l);
    }
    return l;
}

struct lab *lab_new(const char *words)
{
    return lab_new_psk(words, same_psk);
}

void lab_free(struct lab *l)
{
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        struct lab_host *h = &l->host[i];
        while (h->scripts != NULL) {
            struct script_job *job = h->scripts;
            DL_DELETE(h->scripts, job);
            script_job_free(job);
        }
        keying_free(&h->keying);
        ike_free(h->ike);
        secrets_free(h->secrets);
        store_free(h->store);
        fake_free(h->kernel);
        for (size_t j = 0; j < sizeof h->line / sizeof h->line[0]; j++) {
            buffer_wipe(&h->line[j]);
        }
        buffer_wipe(&h->heard);
        buffer_wipe(&h->log);
        buffer_wipe(&h->said);
    }
    free(l->queue);
    free(l);
}

void lab_whack(struct lab *l, unsigned host, const char *format, ...)
{
    char line[2000];
    struct record r;
    enum key field = K_END;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_in_range(len, 1, sizeof line - 1);
    const char *why = record_parse(&r, line, (size_t)len, W_P, &field);
    if (why != NULL) {
        fail_msg("%s: %s (%s)", line, why, field == K_END ? "" : schema_key(field)->name);
    }
    l->host[host].keying.now = l->now;
    assert_true(request_take(&l->host[host].keying, 1, &r));
    lab_settle(l);
}

void lab_initiate(struct lab *l, unsigned host)
{
    lab_whack(l, host, "whack-initiate name=net");
}
