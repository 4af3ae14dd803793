/* The records that make an exchange: each is checked by itself, kept, and when all are there the
 * three are held against each other. */
#include "state.h"

#include <bsd/sys/endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t spi_of(const struct record *r, enum key key)
{
    size_t len;
    const uint8_t *b = record_bytes(r, key, &len);
    return be32dec(b);
}

/* Refuses a request, and logs it: no honest process sends such a one. */
static void refuse_liar(struct core *core, enum core_peer to, const struct record *r,
                        const char *why)
{
    static const char *const who[PEER_COUNT] = { "plutod", "ike-negotiate", "secrets" };
    char text[WHY_MAX];
    core_refuse(core, to, r->verb, record_number(r, K_ID), why);
    (void)snprintf(text, sizeof text, "%s from %s was refused: %s", schema_verb(r->verb)->name,
                   who[to], why);
    core_log(core, LOG_LEVEL_SERIOUS, record_number(r, K_EXCHANGE), text);
}

/* The exchange of a record that may come before its permit. */
static struct exchange *get_parked(struct core *core, uint64_t number)
{
    struct exchange *x = exchange_find(core, number);
    if (x != NULL) {
        return x;
    }
    if (core->parked >= PARKED_MAX) {
        return NULL;
    }
    x = exchange_get(core, number);
    if (x != NULL) {
        x->parked = true;
        core->parked++;
        exchange_set_deadline(core, x);
    }
    return x;
}

/* The outbound SA that a predecessor held back: permitted, wanted, and its keys are here again. */
static bool may_go_on(const struct exchange *x)
{
    return x->adopted && x->permitted && x->stage == STAGE_HELD && x->activate_due
           && x->keys != NULL;
}

static void join(struct core *core, struct exchange *x)
{
    char text[WHY_MAX];
    if (may_go_on(x)) {
        job_start(core, JOB_ACTIVATE, x, V_ACTIVATE, x->activate_id);
        return;
    }
    if (x->stage != STAGE_OPEN || !x->permitted || !x->asked || x->keys == NULL) {
        if (x->stage == STAGE_OPEN && (x->asked || x->keys != NULL) && x->deadline == 0) {
            exchange_set_deadline(core, x);
        }
        return;
    }
    struct buffer why;
    buffer_init(&why, WHY_MAX / 2);
    if (exchange_agrees(core, x, &why)) {
        x->deadline = 0;
        job_start(core, JOB_INSTALL, x, V_INSTALL, x->ask_id);
    } else {
        (void)snprintf(text, sizeof text, "exchange %" PRIu64 " (connection %s): %.*s; nothing was "
                       "installed", x->number, x->permit.connection, (int)why.len,
                       (const char *)why.data);
        exchange_refuse(core, x, text);
        core_log(core, LOG_LEVEL_SERIOUS, x->number, text);
    }
    buffer_wipe(&why);
}

/* ---- permit ---- */

/*
 * plutod has not heard that the SAs stand, or they are gone again. What was done of them may be a
 * part: each step is done that is not done yet.
 */
static void resume(struct core *core, struct exchange *x)
{
    if (x->permit.again == AGAIN_UP) {
        if (!x->sa_here[SIDE_IN] || !x->sa_here[SIDE_OUT]) {
            sa_gone(core, x, x->sa_here[SIDE_IN] ? SIDE_OUT : SIDE_IN, false);
        }
        others_took(core, x);
    } else if (x->permit.again == AGAIN_OPEN && x->stage == STAGE_UP) {
        job_start(core, JOB_ACTIVATE, x, V_ACTIVATE, 0);
    } else if (x->permit.again == AGAIN_OPEN && x->stage == STAGE_HELD) {
        job_start(core, JOB_INSTALL, x, V_INSTALL, x->ask_id);
    }
}

void take_permit(struct core *core, const struct record *r)
{
    struct esp_proposals proposals;
    uint64_t number = record_number(r, K_EXCHANGE);
    const char *why = esp_proposals_parse(&proposals, record_text(r, K_ESP), NULL);
    char text[WHY_MAX];
    if (why != NULL) {
        (void)snprintf(text, sizeof text, "permit for exchange %" PRIu64 ": field esp: %s: it is "
                       "not in force", number, why);
        core_log(core, LOG_LEVEL_SERIOUS, number, text);
        return;
    }
    struct exchange *x = exchange_get(core, number);
    char *esp = strdup(record_text(r, K_ESP));
    char *connection = strdup(record_text(r, K_CONNECTION));
    if (x == NULL || esp == NULL || connection == NULL) {
        free(esp);
        free(connection);
        core_log(core, LOG_LEVEL_SERIOUS, number,
                 "permit: no room for another exchange: delete some");
        return;
    }
    if (x->parked) {
        x->parked = false;
        core->parked--;
    }
    if (x->stage != STAGE_OPEN && x->permitted) {
        free(esp); /* what was decided under the first one stands */
        free(connection);
        return;
    }
    struct permit *p = &x->permit;
    free(p->esp);
    free(p->connection);
    p->esp = esp;
    p->connection = connection;
    (void)record_address(r, K_OUR_HOST, &p->our_host);
    (void)record_address(r, K_PEER_HOST, &p->peer_host);
    (void)record_subnet(r, K_OUR_CLIENT, &p->our_client);
    (void)record_subnet(r, K_PEER_CLIENT, &p->peer_client);
    unsigned modes = record_word(r, K_MODES);
    p->tunnel = modes != MODES_TRANSPORT;
    p->transport = modes != MODES_TUNNEL;
    p->policies = record_yes(r, K_POLICIES);
    p->life = (uint32_t)record_number(r, K_LIFE);
    p->reqid = (uint32_t)record_number(r, K_REQID);
    p->replay = record_has(r, K_REPLAY) ? (uint32_t)record_number(r, K_REPLAY) : REPLAY_DEFAULT;
    p->again = record_has(r, K_AGAIN) ? (enum again)record_word(r, K_AGAIN) : AGAIN_NOT;
    bool orphan = orphan_is(x);
    if (orphan || p->again == AGAIN_UP) {
        x->install.our_client = p->our_client; /* the kernel does not know them */
        x->install.peer_client = p->peer_client;
    }
    if (p->again == AGAIN_UP && x->stage == STAGE_HELD) {
        x->stage = STAGE_UP; /* it looks half made because another program took its outbound SA */
    }
    if (orphan) {
        orphan_claimed(core, x);
    } else if (p->again == AGAIN_UP) { /* nor anything else, as its SAs are gone */
        x->install.our_host = p->our_host;
        x->install.peer_host = p->peer_host;
        x->install.transport = !p->tunnel;
    }
    x->permitted = true;
    if (orphan || p->again == AGAIN_UP) {
        resume(core, x);
    } else {
        join(core, x);
    }
}

/* ---- sa-keys ---- */

static bool take_key(const struct record *r, enum key key, uint8_t *out, unsigned want,
                     const char **why)
{
    size_t len = 0;
    const uint8_t *bytes = record_bytes(r, key, &len);
    if (len != want) {
        *why = want == 0 ? "an authentication key came for an algorithm that has none"
               : bytes == NULL ? "an authentication key is missing"
                               : "a key is not as long as its algorithm wants";
        return false;
    }
    if (len > 0) {
        memcpy(out, bytes, len);
    }
    return true;
}

static const char *read_keys(struct keys *k, const struct record *r)
{
    const char *why = esp_suite_parse(&k->suite, record_text(r, K_PROPOSAL));
    if (why != NULL) {
        return why;
    }
    if (record_word(r, K_PROTOCOL) != WORD_ESP) {
        return "protocol is not esp: nothing else is supported yet";
    }
    k->spi[SIDE_IN] = spi_of(r, K_SPI_IN);
    k->spi[SIDE_OUT] = spi_of(r, K_SPI_OUT);
    k->key_len = (uint8_t)(k->suite.cipher->key_len + k->suite.cipher->salt_len);
    k->auth_len = k->suite.hash == NULL ? 0 : k->suite.hash->len;
    (void)(take_key(r, K_KEY_IN, k->key[SIDE_IN], k->key_len, &why)
           && take_key(r, K_KEY_OUT, k->key[SIDE_OUT], k->key_len, &why)
           && take_key(r, K_AUTH_IN, k->auth[SIDE_IN], k->auth_len, &why)
           && take_key(r, K_AUTH_OUT, k->auth[SIDE_OUT], k->auth_len, &why));
    return why;
}

/* Of an adopted exchange whose outbound SA is still to be made; its SPI only the keys know. */
static bool keys_lost(const struct exchange *x)
{
    return x->adopted && x->permitted && x->stage == STAGE_HELD && x->keys == NULL;
}

/* After installation there are no keys any more to compare; the SPIs are compared then. */
static bool same_keys(const struct exchange *x, const struct keys *k)
{
    if (x->keys != NULL) {
        return esp_suite_equal(&x->keys->suite, &k->suite) && x->keys->spi[SIDE_IN] == k->spi[SIDE_IN]
               && x->keys->spi[SIDE_OUT] == k->spi[SIDE_OUT]
               && memcmp(x->keys->key[SIDE_OUT], k->key[SIDE_OUT], SA_KEY_MAX) == 0
               && memcmp(x->keys->auth[SIDE_OUT], k->auth[SIDE_OUT], SA_AUTH_MAX) == 0
               && (x->stage == STAGE_HELD /* inbound ones are used up */
                   || (memcmp(x->keys->key[SIDE_IN], k->key[SIDE_IN], SA_KEY_MAX) == 0
                       && memcmp(x->keys->auth[SIDE_IN], k->auth[SIDE_IN], SA_AUTH_MAX) == 0));
    }
    return (x->stage == STAGE_UP || x->stage == STAGE_HELD)
           && esp_suite_equal(&x->install.suite, &k->suite)
           && x->install.spi[SIDE_IN] == k->spi[SIDE_IN]
           && x->install.spi[SIDE_OUT] == k->spi[SIDE_OUT];
}

static const char *keep_keys(struct core *core, struct exchange **at, const struct keys *k,
                             uint64_t number)
{
    struct exchange *x = get_parked(core, number);
    *at = x;
    if (x == NULL) {
        return "too many exchanges that nobody permitted: these keys are not kept";
    }
    if (x->stage == STAGE_REFUSED) {
        return "the exchange was refused before: only a new negotiation helps";
    }
    bool lost = keys_lost(x);
    if (lost && (!esp_suite_equal(&x->install.suite, &k->suite)
                 || x->install.spi[SIDE_IN] != k->spi[SIDE_IN])) {
        return "they are not those of the inbound SA that was found in the kernel";
    }
    if (!lost && (x->keys != NULL || x->stage != STAGE_OPEN)) {
        return same_keys(x, k) ? NULL : "other keys came for this exchange before";
    }
    x->keys = malloc(sizeof *x->keys);
    if (x->keys == NULL) {
        return "no memory for keys";
    }
    *x->keys = *k;
    x->install.spi[SIDE_OUT] = lost ? k->spi[SIDE_OUT] : x->install.spi[SIDE_OUT];
    return NULL;
}

/* Secrets keeps them until they are needed no more: if we die, a successor needs them again. */
static void answer_keys(struct core *core, struct exchange *x, uint64_t id)
{
    x->keys_due = true;
    x->keys_id = id;
    x->keys_worker = core->worker;
    if (x->keys == NULL) {
        exchange_wipe_keys(core, x);
    }
}

void take_keys(struct core *core, const struct record *r)
{
    struct keys k = { 0 };
    struct exchange *x = NULL;
    const char *why = read_keys(&k, r);
    if (why == NULL) {
        why = keep_keys(core, &x, &k, record_number(r, K_EXCHANGE));
    }
    explicit_bzero(&k, sizeof k);
    if (why != NULL) {
        refuse_liar(core, PEER_SECRETS, r, why);
        return;
    }
    answer_keys(core, x, record_number(r, K_ID));
    join(core, x);
}

/* ---- install ---- */

static const char *read_install(struct install *i, const struct record *r)
{
    const char *why = esp_suite_parse(&i->suite, record_text(r, K_PROPOSAL));
    if (why != NULL) {
        return why;
    }
    if (record_word(r, K_PROTOCOL) != WORD_ESP) {
        return "protocol is not esp: nothing else is supported yet";
    }
    i->transport = record_word(r, K_MODE) == MODES_TRANSPORT;
    i->activate = record_yes(r, K_ACTIVATE);
    i->spi[SIDE_IN] = spi_of(r, K_SPI_IN);
    i->spi[SIDE_OUT] = spi_of(r, K_SPI_OUT);
    (void)record_address(r, K_OUR_HOST, &i->our_host);
    (void)record_address(r, K_PEER_HOST, &i->peer_host);
    (void)record_subnet(r, K_OUR_CLIENT, &i->our_client);
    (void)record_subnet(r, K_PEER_CLIENT, &i->peer_client);
    i->life = (uint32_t)record_number(r, K_LIFE);
    if (i->spi[SIDE_IN] < SPI_MIN) {
        return "spi-in is below 00001000";
    }
    if (i->spi[SIDE_OUT] < 256) {
        return "spi-out is below 00000100, where SPIs are reserved (RFC 4303, 2.1)";
    }
    return i->spi[SIDE_IN] == i->spi[SIDE_OUT] ? "spi-in and spi-out are equal" : NULL;
}

/* What an adopted exchange's clients were, the kernel does not tell; nor an SPI without an SA. */
static bool same_install(const struct exchange *x, const struct install *i)
{
    const struct install *had = &x->install;
    return esp_suite_equal(&had->suite, &i->suite) && had->transport == i->transport
           && had->spi[SIDE_IN] == i->spi[SIDE_IN]
           && (had->spi[SIDE_OUT] == i->spi[SIDE_OUT] || (x->adopted && had->spi[SIDE_OUT] == 0))
           && address_equal(&had->our_host, &i->our_host)
           && address_equal(&had->peer_host, &i->peer_host)
           && (x->adopted
               || (subnet_equal(&had->our_client, &i->our_client)
                   && subnet_equal(&had->peer_client, &i->peer_client) && had->life == i->life
                   && had->activate == i->activate));
}

void take_install(struct core *core, const struct record *r)
{
    struct install i = { 0 };
    uint64_t id = record_number(r, K_ID);
    const char *why = read_install(&i, r);
    struct exchange *x = NULL;
    if (why == NULL) {
        x = get_parked(core, record_number(r, K_EXCHANGE));
        why = x == NULL ? "too many exchanges that nobody permitted" : NULL;
    }
    if (why == NULL && x->stage == STAGE_REFUSED) {
        core_refuse(core, PEER_NEGOTIATE, V_INSTALL, id,
                    "the exchange was refused before: only a new negotiation helps");
        return;
    }
    if (why == NULL && x->asked && !same_install(x, &i)) {
        why = "another request came for this exchange before; that one counts";
    }
    if (why == NULL && !x->asked) {
        x->given = spis_take(&core->spis, i.spi[SIDE_IN]);
        why = x->permitted && !exchange_spi_given(core, x) ? SPI_NOT_GIVEN : NULL;
    }
    if (why != NULL) {
        refuse_liar(core, PEER_NEGOTIATE, r, why);
        return;
    }
    if (orphan_is(x) && x->stage == STAGE_HELD) { /* it is resumed when it is permitted */
        x->ask_id = id;
        x->answer_due = true;
        return;
    }
    if (x->stage == STAGE_HELD && x->adopted && i.activate) {
        core_refuse(core, PEER_NEGOTIATE, V_INSTALL, id,
                    "kernel-sa was started again meanwhile: its outbound SA waits for `activate`");
        return;
    }
    if (x->stage == STAGE_HELD || x->stage == STAGE_UP) {
        core_answer(core, PEER_NEGOTIATE, V_INSTALL, id);
        return;
    }
    x->asked = true;
    x->install = i;
    x->life = i.life;
    x->ask_id = id;
    x->answer_due = true;
    join(core, x);
}

void take_activate(struct core *core, const struct record *r)
{
    uint64_t id = record_number(r, K_ID);
    struct exchange *x = exchange_find(core, record_number(r, K_EXCHANGE));
    if (x != NULL && x->stage == STAGE_UP) {
        core_answer(core, PEER_NEGOTIATE, V_ACTIVATE, id);
    } else if (x == NULL || x->stage != STAGE_HELD) {
        core_refuse(core, PEER_NEGOTIATE, V_ACTIVATE, id,
                    "no outbound SA is held back for this exchange: install it first (what is not "
                    "activated within 70 seconds is dropped)");
    } else {
        x->activate_due = true;
        x->activate_id = id;
        if (x->keys != NULL) {
            job_start(core, JOB_ACTIVATE, x, V_ACTIVATE, id);
        } /* else kernel-sa was started again, and secrets sends them again */
    }
}

void take_delete(struct core *core, const struct record *r)
{
    uint64_t id = record_number(r, K_ID);
    struct exchange *x = exchange_find(core, record_number(r, K_EXCHANGE));
    if (x == NULL) {
        core_answer(core, PEER_PLUTOD, V_DELETE_KERNEL_SA, id);
        return;
    }
    if (x->answer_due || x->activate_due) {
        exchange_refuse(core, x, "plutod ended the exchange");
    }
    job_start(core, JOB_REMOVE, x, V_DELETE_KERNEL_SA, id);
    core->job.policies = record_yes(r, K_POLICIES);
    core->job.forget = true;
}
