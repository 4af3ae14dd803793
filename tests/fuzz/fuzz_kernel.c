/*
 * kernel-sa's core: records of its three peers, in front of the kernel of tests/unit/kernel_fake.h.
 *
 * Input: lines.
 *   P RECORD, N RECORD, S RECORD   from plutod, ike-negotiate, secrets; `@N` in it is the SPI that
 *                                  was given out as the Nth
 *   T MS        time goes by            R N ERRNO   the Nth request from now on is refused
 *   X           kernel-sa dies, another one adopts      G   ike-negotiate's channel ends
 *   L           events were lost        E N hard|soft   the Nth SA in the kernel expires
 *   A N         a packet meets the Nth policy in the kernel
 *   D N sa|policy|all   another program deletes the Nth, or all there is; with `h`, so that nobody hears of it
 * Holds: no SA in the kernel without permit, keys and request for it (F17); all that is said is
 * records; no key is said.
 */
#include "fuzz.h"

#include "bounds.h"
#include "tests/unit/kernel_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES_MAX 60
#define MAKING_MAX 20 /* lines that put something into the fake kernel: FAKE_MAX */
#define SPIS_COUNT_MAX 8 /* each SPI costs a walk through 4096 places, slow under a fuzzer */
#define SEEN_MAX LINES_MAX

static const struct fuzz_speaker speakers[] = {
    { 'P', P_K }, { 'N', N_K }, { 'S', S_K }, { 0, 0 }
};

struct seen { /* exchanges that a peer has spoken of so far */
    uint64_t number[SEEN_MAX];
    size_t count;
};

struct run {
    struct fake *f;
    struct seen seen[PEER_COUNT];
    uint32_t spi[10];
    unsigned spis;
    unsigned making;
};

static bool has_seen(const struct seen *s, uint64_t number)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->number[i] == number) {
            return true;
        }
    }
    return false;
}

static void note(struct run *run, enum core_peer from, const struct record *r)
{
    struct seen *s = &run->seen[from];
    if (r->verb == V_PERMIT || r->verb == V_SA_KEYS || r->verb == V_INSTALL) {
        s->number[s->count++] = record_number(r, K_EXCHANGE);
    }
}

/* ---- what is said ---- */

static void keep_spis(struct run *run, const struct record *r)
{
    size_t len = 0;
    const uint8_t *at = record_bytes(r, K_SPIS, &len);
    for (; len >= 4 && run->spis < 10; at += 4, len -= 4) {
        run->spi[run->spis++] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16
                                | (uint32_t)at[2] << 8 | at[3];
    }
}

static void check_said(struct run *run)
{
    static const unsigned to[PEER_COUNT] = { K_P, K_N, K_S };
    static struct record r;
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        struct buffer *b = &run->f->out[peer];
        struct fuzz_input in = { b->data, b->len };
        while (in.left > 0) {
            size_t len;
            char *line = fuzz_until(&in, '\n', &len);
            fuzz_check(fuzz_record(&r, line, len, to[peer]) == NULL);
            for (unsigned key = 1; key < KEY_COUNT; key++) {
                fuzz_check(!schema_key((enum key)key)->secret || !record_has(&r, (enum key)key));
            }
            keep_spis(run, &r);
            free(line);
        }
        buffer_truncate(b, 0);
    }
}

static void check_kernel(const struct run *run)
{
    for (size_t i = 0; i < run->f->sas; i++) {
        const struct kernel_sa *sa = &run->f->sa[i];
        for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
            fuzz_check(has_seen(&run->seen[peer], sa->exchange));
        }
    }
}

/* ---- lines ---- */

/* The line with its @N replaced, to be freed. */
static char *with_spis(const struct run *run, const char *line, size_t *len)
{
    char *out = calloc(1, 8 * strlen(line) + 1);
    fuzz_check(out != NULL);
    *len = 0;
    for (; *line != '\0'; line++) {
        unsigned n = (unsigned)line[1] - '0';
        if (line[0] != '@' || n >= run->spis) {
            out[(*len)++] = *line;
            continue;
        }
        *len += (size_t)sprintf(out + *len, "%08x", run->spi[n]);
        line++;
    }
    return out;
}

static void feed(struct run *run, enum core_peer from, unsigned direction, const char *text)
{
    static struct record r;
    size_t len;
    char *line = with_spis(run, text, &len);
    if (len < RECORD_MAX_KERNEL && fuzz_record(&r, line, len, direction) == NULL
        && r.verb != V_HELLO && r.verb != V_CHANNEL && run->making < MAKING_MAX
        && record_number(&r, K_COUNT) <= SPIS_COUNT_MAX) {
        struct fake *f = run->f;
        run->making += r.verb == V_INSTALL || r.verb == V_POLICY || r.verb == V_ACTIVATE ? 1 : 0;
        note(run, from, &r);
        while (core_random_wanted(f->core) > 0) {
            f->random = f->random * 1664525u + 1013904223u;
            core_random(f->core, &f->random, 1);
        }
        core_record(f->core, from, &r, f->now);
        fake_serve(f);
    }
    free(line);
}

static void event(struct run *run, const char *text)
{
    struct fake *f = run->f;
    struct kernel_event e = { .kind = EVENT_EXPIRE, .hard = strchr(text, 'h') != NULL };
    unsigned long n = strtoul(text, NULL, 10);
    if (n < f->sas) {
        e.sa = f->sa[n];
        if (e.hard) {
            f->sa[n] = f->sa[--f->sas];
        }
        core_event(f->core, &e, f->now);
        fake_serve(f);
    }
}

static void acquire(struct run *run, const char *text)
{
    struct fake *f = run->f;
    struct kernel_event e = { .kind = EVENT_ACQUIRE, .seq = 7 };
    unsigned long n = strtoul(text, NULL, 10);
    if (n < f->policies) {
        e.policy = f->policy[n];
        e.flow_src = f->policy[n].src;
        e.flow_dst = f->policy[n].dst;
        core_event(f->core, &e, f->now);
        fake_serve(f);
    }
}

/* What another program does, as the kernel tells it. */
static void deletion(struct run *run, const char *text)
{
    struct fake *f = run->f;
    struct kernel_event e = { .kind = EVENT_OTHER };
    unsigned long n = strtoul(text, NULL, 10);
    if (strchr(text, 's') != NULL && n < f->sas) {
        e.kind = EVENT_SA_DELETED;
        e.sa = f->sa[n];
        f->sa[n] = f->sa[--f->sas];
    } else if (strchr(text, 'p') != NULL && n < f->policies) {
        e.kind = EVENT_POLICY_DELETED;
        e.policy = f->policy[n];
        f->policy[n] = f->policy[--f->policies];
    } else if (strchr(text, 'a') != NULL) {
        e.kind = (n & 1) != 0 ? EVENT_SAS_FLUSHED : EVENT_POLICIES_FLUSHED;
        f->sas = (n & 1) != 0 ? 0 : f->sas;
        f->policies = (n & 1) != 0 ? f->policies : 0;
    }
    if (strchr(text, 'h') == NULL) {
        core_event(f->core, &e, f->now);
        fake_pass(f, 0);
    }
}

static void do_line(struct run *run, char letter, const char *text)
{
    struct fake *f = run->f;
    unsigned long n = strtoul(text, NULL, 10);
    switch (letter) {
    case 'P': feed(run, PEER_PLUTOD, P_K, text); break;
    case 'N': feed(run, PEER_NEGOTIATE, N_K, text); break;
    case 'S': feed(run, PEER_SECRETS, S_K, text); break;
    case 'T': fake_pass(f, n < 10000000 ? n : 10000000); break;
    case 'R':
        f->refuse_at = f->requests + (unsigned)(n & 255);
        f->refuse_with = 1 + (int)(strtoul(text + strcspn(text, " "), NULL, 10) % 130);
        break;
    case 'X': fake_restart(f); break;
    case 'G': core_negotiator_gone(f->core); break;
    case 'L':
        core_events_lost(f->core, "they were", f->now);
        fake_serve(f);
        break;
    case 'E': event(run, text); break;
    case 'A': acquire(run, text); break;
    case 'D': deletion(run, text); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct run *run = calloc(1, sizeof *run);
    fuzz_check(run != NULL);
    run->f = fake_new(MAKER_DAEMON);
    for (unsigned i = 0; i < LINES_MAX && in.left > 0; i++) {
        size_t len;
        char *line = fuzz_until(&in, '\n', &len);
        do_line(run, line[0], len > 2 ? line + 2 : "");
        check_said(run);
        check_kernel(run);
        free(line);
    }
    fake_free(run->f);
    free(run);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return fuzz_mutate_lines(speakers, data, size, max, seed);
}
