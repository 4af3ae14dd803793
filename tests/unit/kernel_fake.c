#include "kernel_fake.h"

#include "lib/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void connect_core(struct fake *f, enum maker maker)
{
    f->core = core_new(maker);
    assert_non_null(f->core);
    core_connect(f->core, PEER_PLUTOD, &f->out[PEER_PLUTOD]);
    core_connect(f->core, PEER_NEGOTIATE, &f->out[PEER_NEGOTIATE]);
    core_connect_worker(f->core, f->worker, &f->out[PEER_SECRETS]);
}

struct fake *fake_new(enum maker maker)
{
    struct fake *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->now = 1000000;
    f->random = 0x1234567;
    connect_core(f, maker);
    return f;
}

void fake_free(struct fake *f)
{
    core_free(f->core);
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        buffer_wipe(&f->out[peer]);
    }
    free(f);
}

void fake_restart(struct fake *f)
{
    core_free(f->core);
    connect_core(f, MAKER_DAEMON);
    f->dead = false;
    core_adopt(f->core, f->now);
    fake_serve(f);
}

/* ---- the kernel ---- */

struct kernel_sa fake_sa(const char *suite, const char *src, const char *dst)
{
    struct esp_suite s;
    struct kernel_sa sa = { .spi = 0x01020304, .reqid = 77, .soft = 3240, .hard = 3600,
                            .maker = MAKER_DAEMON, .inbound = true,
                            .exchange = 0x1122334455667788u, .replay = 32 };
    assert_null(esp_suite_parse(&s, suite));
    assert_null(address_parse(&sa.src, src));
    assert_null(address_parse(&sa.dst, dst));
    sa.cipher = s.cipher;
    sa.hash = s.hash;
    sa.key_len = (uint8_t)(s.cipher->key_len + s.cipher->salt_len);
    sa.auth_len = s.hash == NULL ? 0 : s.hash->len;
    for (unsigned i = 0; i < sizeof sa.key; i++) {
        sa.key[i] = (uint8_t)(0x10 + i);
    }
    for (unsigned i = 0; i < sizeof sa.auth; i++) {
        sa.auth[i] = (uint8_t)(0x80 + i);
    }
    return sa;
}

static size_t find_sa(const struct fake *f, const struct kernel_sa *sa)
{
    size_t i = 0;
    while (i < f->sas && (f->sa[i].spi != sa->spi || !address_equal(&f->sa[i].dst, &sa->dst))) {
        i++;
    }
    return i;
}

static size_t find_policy(const struct fake *f, const struct kernel_policy *p)
{
    size_t i = 0;
    while (i < f->policies && !policy_same_selector(&f->policy[i], p)) {
        i++;
    }
    return i;
}

/* What is asked for by its number is found by that alone. */
static size_t look_up_policy(const struct fake *f, const struct kernel_policy *p)
{
    size_t i = 0;
    while (i < f->policies && (f->policy[i].index != p->index || f->policy[i].way != p->way)) {
        i++;
    }
    return p->index == 0 ? find_policy(f, p) : i;
}

static int get_standard(const struct fake *f, struct kernel_result *result)
{
    if (f->standard[WAY_OUT] == STANDARD_UNKNOWN) {
        return EINVAL;
    }
    result->found = true;
    memcpy(result->standard, f->standard, sizeof result->standard);
    return 0;
}

static int do_sa(struct fake *f, const struct kernel_request *q, struct kernel_result *result)
{
    size_t i = find_sa(f, &q->sa);
    if (q->verb == KERNEL_ADD_SA) {
        if (i < f->sas) {
            return EEXIST;
        }
        assert_true(f->sas < FAKE_MAX);
        f->sa[f->sas] = q->sa;
        f->sa[f->sas].protocol = 50;
        f->sas++;
        return 0;
    }
    if (i == f->sas) {
        return ESRCH;
    }
    if (q->verb == KERNEL_GET_SA) {
        result->found = true;
        result->sa = f->sa[i];
        return 0;
    }
    if (q->verb == KERNEL_UPDATE_SA) {
        f->sa[i].soft = q->sa.soft;
        f->sa[i].hard = q->sa.hard;
        return 0;
    }
    f->sa[i] = f->sa[--f->sas];
    f->deletes++;
    return 0;
}

static int do_policy(struct fake *f, const struct kernel_request *q, struct kernel_result *result)
{
    size_t i = q->verb == KERNEL_GET_POLICY ? look_up_policy(f, &q->policy) : find_policy(f, &q->policy);
    switch (q->verb) {
    case KERNEL_ADD_POLICY:
    case KERNEL_UPDATE_POLICY:
        if (q->verb == KERNEL_ADD_POLICY && i < f->policies) {
            return EEXIST;
        }
        assert_true(f->policies < FAKE_MAX);
        f->policy[i] = q->policy;
        f->policy[i].maker = policy_index_maker(q->policy.index);
        f->policies += i == f->policies;
        return 0;
    default:
        break;
    }
    if (i == f->policies) {
        return ENOENT;
    }
    if (q->verb == KERNEL_GET_POLICY) {
        result->found = true;
        result->policy = f->policy[i];
        return 0;
    }
    assert_int_equal(q->policy.index, f->policy[i].index);
    f->policy[i] = f->policy[--f->policies];
    f->deletes++;
    return 0;
}

static void list(struct fake *f)
{
    for (size_t i = 0; i < f->sas; i++) {
        struct kernel_sa sa = f->sa[i];
        sa.key_len = 0; /* as xfrm.h reads them */
        sa.auth_len = 0;
        core_found_sa(f->core, &sa);
    }
    for (size_t i = 0; i < f->policies; i++) {
        core_found_policy(f->core, &f->policy[i]);
    }
}

void fake_serve(struct fake *f)
{
    const struct kernel_request *q;
    while (!f->dead && (q = core_request(f->core)) != NULL) {
        struct kernel_result result = { 0 };
        f->requests++;
        if (f->requests == f->refuse_at) {
            result.error = f->refuse_with;
            (void)snprintf(result.text, sizeof result.text, "because of the test");
        } else if (q->verb == KERNEL_LIST) {
            list(f);
        } else if (q->verb == KERNEL_GET_STANDARD) {
            result.error = get_standard(f, &result);
        } else if (q->verb == KERNEL_ADD_SA || q->verb == KERNEL_DELETE_SA
                   || q->verb == KERNEL_GET_SA || q->verb == KERNEL_UPDATE_SA) {
            result.error = do_sa(f, q, &result);
        } else {
            result.error = do_policy(f, q, &result);
        }
        f->dead = f->requests == f->die_at;
        if (!f->dead) {
            core_result(f->core, &result, f->now);
        }
    }
}

/* ---- speaking ---- */

void fake_feed(struct fake *f, enum core_peer from, const char *format, ...)
{
    static const unsigned directions[PEER_COUNT] = { P_K, N_K, S_K };
    char line[RECORD_MAX_KERNEL];
    char shown[RECORD_MAX_KERNEL];
    struct record r;
    enum key field;
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_true(len > 0 && (size_t)len < sizeof line);
    memcpy(shown, line, (size_t)len + 1);
    const char *why = record_parse(&r, line, (size_t)len, directions[from], &field);
    if (why != NULL) {
        fail_msg("%s: %s: %s", shown, schema_key(field)->name, why);
    }
    if (f->dead) {
        return;
    }
    while (core_random_wanted(f->core) > 0) {
        f->random = f->random * 1664525u + 1013904223u;
        core_random(f->core, &f->random, 1);
    }
    if (from == PEER_SECRETS) {
        core_from_worker(f->core, f->worker, &r, f->now);
    } else {
        core_record(f->core, from, &r, f->now);
    }
    fake_serve(f);
}

void fake_pass(struct fake *f, uint64_t ms)
{
    uint64_t end = f->now + ms;
    while (core_deadline(f->core) <= end) {
        if (core_deadline(f->core) > f->now) {
            f->now = core_deadline(f->core);
        }
        core_tick(f->core, f->now);
        fake_serve(f);
    }
    f->now = end;
}

uint32_t fake_spi(struct fake *f)
{
    (void)fake_said(f, PEER_NEGOTIATE);
    fake_feed(f, PEER_NEGOTIATE, "spis id=99 count=1");
    const char *hex = strstr(fake_said(f, PEER_NEGOTIATE), "spis=");
    assert_non_null(hex);
    return (uint32_t)strtoul(hex + strlen("spis="), NULL, 16);
}

const char *fake_said(struct fake *f, enum core_peer to)
{
    static char said[PEER_COUNT][CHANNEL_MAX];
    struct buffer *b = &f->out[to];
    size_t len = b->len < sizeof said[to] ? b->len : sizeof said[to] - 1;
    if (len > 0) {
        memcpy(said[to], b->data, len);
    }
    said[to][len] = '\0';
    buffer_truncate(b, 0);
    return said[to];
}

void fake_expect(struct fake *f, enum core_peer to, const char *part)
{
    const char *said = fake_said(f, to);
    if (strstr(said, part) == NULL) {
        fail_msg("expected: %s\nsaid: %s", part, said);
    }
}

void fake_silent(struct fake *f, enum core_peer to)
{
    assert_string_equal(fake_said(f, to), "");
}

void fake_holds(const struct fake *f, size_t sas, size_t policies)
{
    assert_int_equal(f->sas, sas);
    assert_int_equal(f->policies, policies);
}

const struct kernel_sa *fake_find_sa(const struct fake *f, uint32_t spi)
{
    for (size_t i = 0; i < f->sas; i++) {
        if (f->sa[i].spi == spi) {
            return &f->sa[i];
        }
    }
    return NULL;
}

const struct kernel_policy *fake_find_policy(const struct fake *f, enum way way)
{
    for (size_t i = 0; i < f->policies; i++) {
        if (f->policy[i].way == way) {
            return &f->policy[i];
        }
    }
    return NULL;
}
