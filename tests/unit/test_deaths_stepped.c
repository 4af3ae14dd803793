/*
 * A tool is killed after each single event of a negotiation, on either side: what was being made
 * comes up, or the next try does; an older tunnel is never touched; whack hears of the end.
 */
#include "hosts.h"

#include "plutod/xchg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define WORDS "left-host=10.9.0.1 right-host=10.9.0.2 esp=aes128-sha1 ike=%s " \
              "policy=psk,encrypt,tunnel%s"
#define IKE "aes128-sha1-curve25519"

struct scene {
    const char *ike;            /* another one than IKE: then the new one has a Main Mode */
    const char *flags;          /* more policy words */
    bool again;                 /* the new one stands already, and is made once more */
    uint32_t old_spis[2][2];    /* of the older tunnel: toward that host */
    size_t old_count;
    bool was_up[2];             /* the new one, as plutod told */
    unsigned waits[31];         /* how often a tunnel came after so many times ten seconds */
    struct hosts *w;
};

static struct conn *conn_of(struct hosts *w, unsigned host, const char *name)
{
    struct conn *c = conn_find(&w->host[host].k, name);
    assert_non_null(c);
    return c;
}

static struct xchg *newest(struct hosts *w, unsigned host, const char *name)
{
    struct conn *c = conn_of(w, host, name);
    return c->newest_ipsec == 0 ? NULL : xchg_find(&w->host[host].k, c->newest_ipsec);
}

static uint32_t number(const uint8_t spi[4])
{
    return (uint32_t)spi[0] << 24 | (uint32_t)spi[1] << 16 | (uint32_t)spi[2] << 8 | spi[3];
}

static const struct kernel_policy *outward(struct hosts *w, unsigned host, unsigned net)
{
    const struct fake *f = w->host[host].kernel;
    for (size_t i = 0; i < f->policies; i++) {
        const struct kernel_policy *p = &f->policy[i];
        if (p->way == WAY_OUT && p->src.base.bytes[1] == net + host) {
            return p;
        }
    }
    return NULL;
}

/* ---- after each event ---- */

static void look(struct hosts *w)
{
    struct scene *s = w->data;
    for (unsigned host = 0; host < 2; host++) {
        const struct fake *f = w->host[host].kernel;
        for (unsigned toward = 0; toward < 2; toward++) {
            if (fake_find_sa(f, s->old_spis[0][toward]) == NULL) {
                fail_msg("host %u: an SA of the older tunnel is gone", host);
            }
        }
        if (outward(w, host, 1) == NULL) {
            fail_msg("host %u: the policy of the older tunnel is gone", host);
        }
        const struct xchg *y = newest(w, host, "new");
        s->was_up[host] = s->was_up[host] || (y != NULL && y->ready);
        if (s->was_up[host] && outward(w, host, 3) == NULL) {
            fail_msg("host %u: what went through the new tunnel would leave in the clear", host);
        }
    }
}

/* ---- scenes ---- */

static void add(struct hosts *w, const struct scene *s, const char *name, const char *ike,
                unsigned net)
{
    char line[500];
    for (unsigned host = 0; host < 2; host++) {
        snprintf(line, sizeof line, "whack-connection name=%s left-client=10.%u.0.0/16 "
                 "right-client=10.%u.0.0/16 " WORDS, name, net, net + 1, ike, s->flags);
        hosts_whack(w, host, line);
    }
}

static void begin(struct scene *s)
{
    struct hosts *w = hosts_new();
    s->w = w;
    w->data = s;
    add(w, s, "old", IKE, 1);
    add(w, s, "new", s->ike, 3);
    hosts_whack(w, 0, "whack-initiate name=old");
    hosts_settle(w);
    const struct xchg *y = newest(w, 0, "old");
    if (y == NULL) {
        fail_msg("there is no older tunnel");
        return;
    }
    s->old_spis[0][0] = number(y->spi_in);
    s->old_spis[0][1] = number(y->spi_out.spi);
    assert_non_null(fake_find_sa(w->host[1].kernel, s->old_spis[0][0]));
    s->was_up[0] = s->was_up[1] = false;
    buffer_wipe(&w->host[0].said);
    w->look = look;
}

/* Both have a pair of SAs with each other that is the newest of both, with the same keys. */
static bool tunnel(struct hosts *w)
{
    const struct xchg *a = newest(w, 0, "new");
    const struct xchg *b = newest(w, 1, "new");
    if (a == NULL || b == NULL || memcmp(a->spi_in, b->spi_out.spi, 4) != 0
        || memcmp(b->spi_in, a->spi_out.spi, 4) != 0) {
        return false;
    }
    const uint32_t spis[2] = { number(a->spi_in), number(b->spi_in) };
    for (unsigned i = 0; i < 2; i++) {
        const struct kernel_sa *here = fake_find_sa(w->host[0].kernel, spis[i]);
        const struct kernel_sa *there = fake_find_sa(w->host[1].kernel, spis[i]);
        if (here == NULL || there == NULL || memcmp(here->key, there->key, sizeof here->key) != 0
            || memcmp(here->auth, there->auth, sizeof here->auth) != 0) {
            return false;
        }
    }
    return outward(w, 0, 3) != NULL && outward(w, 1, 3) != NULL;
}

/* What plutod does not know of is not in the kernel either. */
static void nothing_is_left(struct hosts *w)
{
    for (unsigned host = 0; host < 2; host++) {
        size_t known = 0;
        for (const struct xchg *x = w->host[host].k.exchanges; x != NULL; x = x->hh.next) {
            assert_true(x->up || x->quick || x->waits == WAITS_NOT);
            known += x->quick ? 2 : 0;
        }
        if (w->host[host].kernel->sas != known) {
            fail_msg("host %u: %zu SAs in the kernel, %zu known to plutod", host,
                     w->host[host].kernel->sas, known);
        }
    }
}

static void show(const struct hosts *w)
{
    static const char *const tools[TOOLS] = { "plutod", "ike-negotiate", "secrets", "kernel-sa" };
    print_message("%s of host %u killed after event %u, notice %u%s\n", tools[w->death.tool],
                  w->death.host, w->death.at, w->death.notice, w->death.lost ? ", its last words lost" : "");
    for (unsigned host = 0; host < 2; host++) {
        print_message("---- host %u\n%.*s", host, (int)w->host[host].log.len,
                      (char *)w->host[host].log.data);
    }
    print_message("---- whack\n%.*s", (int)w->host[0].said.len, (char *)w->host[0].said.data);
}

/* The code of whack's last line. */
static unsigned last_code(const struct hosts *w)
{
    const struct buffer *b = &w->host[0].said;
    size_t at = b->len < 2 ? 0 : b->len - 1;
    while (at > 0 && b->data[at - 1] != '\n') {
        at--;
    }
    return b->len < 3 ? 0 : (unsigned)strtoul((const char *)b->data + at, NULL, 10);
}

/* False: the negotiation was over before that event. */
static bool killed(struct scene *s, const struct death *death)
{
    begin(s);
    struct hosts *w = s->w;
    if (s->again) {
        hosts_whack(w, 0, "whack-initiate name=new");
        hosts_settle(w);
        assert_true(tunnel(w));
    }
    w->death = *death;
    hosts_mark(w);
    hosts_whack(w, 0, "whack-initiate name=new");
    hosts_settle(w);
    bool died = w->died;
    /* Whoever waits for an answer that a dead tool was to give begins anew when he gives up. */
    unsigned waited = 0;
    for (; waited < 30 && (!tunnel(w) || w->host[0].holds > 0); waited++) {
        hosts_pass(w, 10000);
    }
    s->waits[waited]++;
    unsigned code = last_code(w);
    bool told = code == 4 || death->host == 1; /* his peer was silent, or refused */
    if (!tunnel(w) || w->host[0].holds != 0 || !told) {
        show(w);
        fail_msg("no tunnel, or whack still waits, or heard of a failure");
    }
    hosts_pass(w, 400000);
    if (!tunnel(w)) {
        show(w);
        fail_msg("the tunnel went away again");
    }
    nothing_is_left(w);
    hosts_free(w);
    return died;
}

static void step_through(unsigned host, unsigned tool, const char *ike, const char *flags,
                         bool again, unsigned events)
{
    struct scene s = { .ike = ike, .flags = flags, .again = again };
    for (unsigned notice = 0; notice < NOTICES; notice++) {
        for (int lost = 0; lost < 2; lost++) {
            struct death d = { .host = host, .tool = tool, .at = 1, .lost = lost,
                               .notice = notice };
            while (killed(&s, &d)) {
                d.at++;
            }
            assert_true(d.at > events);
        }
    }
    for (unsigned i = 0; i < 31; i++) {
        if (s.waits[i] > 0) {
            print_message("host %u tool %u: %u tunnels after %u s\n", host, tool, s.waits[i],
                          i * 10);
        }
    }
}

static void step_through_all(unsigned host, unsigned tool)
{
    step_through(host, tool, IKE, "", false, 35);
    step_through(host, tool, IKE, ",pfs", false, 35);
    step_through(host, tool, "aes256-sha1-curve25519", "", false, 60);
    step_through(host, tool, IKE, "", true, 25);
}

#define SCENE(name, host, tool) \
    static void name(void **state) \
    { \
        (void)state; \
        step_through_all(host, tool); \
    }

SCENE(ike_negotiate_of_the_initiator, 0, N)
SCENE(ike_negotiate_of_the_responder, 1, N)
SCENE(secrets_of_the_initiator, 0, S)
SCENE(secrets_of_the_responder, 1, S)
SCENE(kernel_sa_of_the_initiator, 0, K)
SCENE(kernel_sa_of_the_responder, 1, K)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ike_negotiate_of_the_initiator),
        cmocka_unit_test(ike_negotiate_of_the_responder),
        cmocka_unit_test(secrets_of_the_initiator),
        cmocka_unit_test(secrets_of_the_responder),
        cmocka_unit_test(kernel_sa_of_the_initiator),
        cmocka_unit_test(kernel_sa_of_the_responder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
