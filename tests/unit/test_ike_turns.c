/* Many Quick Modes of ours at once, with two peers: each has its turn, and waits where it holds up nobody. */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

#define EACH 10u
#define WORDS "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes128-sha1"

static size_t count(const struct waiting *list)
{
    const struct exchange *x;
    size_t n = 0;
    TAILQ_FOREACH(x, list, waiters) {
        n++;
    }
    return n;
}

/* Host 0 has EACH connections with host 1, and as many with host 2. */
static struct lab *begin(void)
{
    struct lab *l = lab_new(NULL);
    for (unsigned n = 0; n < EACH; n++) {
        for (unsigned peer = 1; peer < 3; peer++) {
            for (unsigned host = 0; host < 3; host += peer) {
                lab_whack(l, host, "whack-connection name=b%u-%u left-host=10.9.0.1 "
                          "left-client=10.%u.%u.0/24 right-host=10.9.0.%u "
                          "right-client=10.%u.%u.0/24 " WORDS, peer, n, 10 + peer, n, peer + 1,
                          20 + peer, n);
            }
        }
    }
    return l;
}

static void initiate_all(struct lab *l)
{
    for (unsigned n = 0; n < EACH; n++) {
        for (unsigned peer = 1; peer < 3; peer++) {
            lab_whack(l, 0, "whack-initiate name=b%u-%u asynchronous=yes", peer, n);
        }
    }
}

static unsigned no_answers(struct lab *l, struct datagram *d, unsigned number)
{
    (void)l;
    (void)number;
    return d->bytes[18] != EXCHANGE_QUICK || lab_host_of(&d->path.local) != 0 ? 1 : 0;
}

/* Nobody answers: two of each peer's are under way, and what is looked through for more is empty. */
static void waiting_for_their_turn(void **state)
{
    struct lab *l = begin();
    const struct ike *ike = l->host[0].ike;
    size_t turns = 0;
    (void)state;
    l->network = no_answers;
    initiate_all(l);
    for (const struct exchange *x = ike->exchanges; x != NULL; x = x->by_serial.next) {
        if (!x->is_quick) {
            assert_true(x->sa->up);
            assert_int_equal(x->sa->our_quicks, OUR_QUICKS_MAX);
            assert_int_equal(count(&x->sa->turns), EACH - OUR_QUICKS_MAX);
            turns += count(&x->sa->turns);
        }
    }
    assert_int_equal(turns, 2 * (EACH - OUR_QUICKS_MAX));
    assert_int_equal(count(&ike->waiting), 0);
    l->network = NULL;
    lab_pass(l, 11000); /* the first come again, and then all have their turn */
    assert_int_equal(l->host[0].kernel->sas, 4 * EACH);
    assert_int_equal(count(&ike->waiting), 0);
    lab_free(l);
}

/* Some are ended while they wait, or while they are under way: the others have their turn. */
static void ended_meanwhile(void **state)
{
    struct lab *l = begin();
    (void)state;
    l->network = no_answers;
    initiate_all(l);
    l->network = NULL;
    for (unsigned n = 0; n < EACH; n += 2) { /* the two under way, too */
        for (unsigned peer = 1; peer < 3; peer++) {
            lab_whack(l, 0, "whack-terminate name=b%u-%u", peer, n);
        }
    }
    lab_pass(l, 11000);
    assert_int_equal(l->host[0].kernel->sas, 2 * EACH);
    lab_free(l);
}

/* kernel-sa is away meanwhile, and takes its SPIs with it. */
static void without_spis(void **state)
{
    struct lab *l = begin();
    (void)state;
    l->network = no_answers;
    initiate_all(l);
    l->network = NULL;
    lab_kill(l, 0, TOOL_KERNEL_SA);
    lab_pass(l, 11000);
    assert_int_equal(l->host[0].kernel->sas, 4 * EACH);
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_their_turn),
        cmocka_unit_test(ended_meanwhile),
        cmocka_unit_test(without_spis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
