/* Whole negotiations between two hosts: algorithms, loss, duplicates, refusals [X1] [C3] [X5]. */
#include "void_ike.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENDS "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24 "
#define PLAIN "--psk --encrypt --tunnel --ike aes128-sha1-modp2048 --esp aes128-sha1 " ENDS

static bool negotiate(const char *words)
{
    struct world *w = world_new(words, "a secret", "a secret");
    world_begin(w);
    bool up = world_both_up(w);
    if (!up) {
        fprintf(stderr, "%s\n%.*s\n%.*s\n", words, (int)w->host[0].heard.len,
                (char *)w->host[0].heard.data, (int)w->host[1].heard.len,
                (char *)w->host[1].heard.data);
    }
    world_free(w);
    return up;
}

static void every_cipher_hash_and_group(void **state)
{
    char words[400];
    (void)state;
    for (unsigned c = 0; c < CIPHER_COUNT; c++) {
        for (unsigned h = 0; h < HASH_COUNT; h++) {
            const struct cipher *cipher = cipher_get((enum cipher_id)c);
            if (cipher->ike_number != 0 && hash_get((enum hash_id)h)->ike_number != 0) {
                snprintf(words, sizeof words, "--psk --encrypt --tunnel --ike %s-%s-curve25519 " ENDS,
                         cipher->word, hash_get((enum hash_id)h)->word);
                assert_true(negotiate(words));
            }
        }
    }
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        const char *group = group_get((enum group_id)g)->word;
        snprintf(words, sizeof words,
                 "--psk --encrypt --tunnel --pfs --ike aes256-sha2_256-%s --pfsgroup %s " ENDS, group,
                 group);
        assert_true(negotiate(words));
    }
}

static void every_esp_proposal(void **state)
{
    static const char *const esp[] = { "3des-md5", "3des-sha1", "aes128-sha1", "aes192-sha2_384",
                                       "aes256-sha2_256", "aes256-sha2_512", "aes128gcm16",
                                       "aes192gcm16", "aes256gcm16", "default", "classic",
                                       "aes128-sha1,3des-md5,aes256gcm16" };
    char words[400];
    (void)state;
    for (size_t i = 0; i < sizeof esp / sizeof esp[0]; i++) {
        snprintf(words, sizeof words, "--psk --encrypt --tunnel --ike default --esp %s " ENDS, esp[i]);
        assert_true(negotiate(words));
    }
    assert_true(negotiate("--psk --encrypt --ike classic --esp classic --host 10.9.0.1 --to --host "
                          "10.9.0.2"));
    assert_true(negotiate("--psk --encrypt --tunnel --host 2001:db8::1 --client 10.1.0.0/24 "
                          "--tunnelipv4 --ipv6 --to --host 2001:db8::2 --client 10.2.0.0/24"));
}

/* A second group on offer, and the peer takes that one: our KE is made again. */
static void the_second_group_is_taken(void **state)
{
    (void)state;
    struct world *w = world_new_two(
        "--psk --encrypt --tunnel --ike aes128-sha1-modp3072,aes128-sha1-ecp256 " ENDS,
        "--psk --encrypt --tunnel --ike aes128-sha1-ecp256 " ENDS, "x", "x");
    world_begin(w);
    assert_true(world_both_up(w));
    assert_true(world_heard(w, 0, "proposal=aes128-sha1-ecp256"));
    world_free(w);
}

/* ---- what plutod is told at once, and what may wait ---- */

static void initiate(struct ike *ike, uint64_t now, unsigned exchange)
{
    char line[300];
    struct record r;
    enum key field;
    snprintf(line, sizeof line, "initiate exchange=%u worker=1 connection=c methods=psk "
             "ike=aes128-sha1-modp2048 local=10.9.0.1 local-port=500 remote=10.9.0.2 remote-port=500 "
             "life=3600", exchange);
    assert_null(record_parse(&r, line, strlen(line), P_N, &field));
    assert_null(ike_record(ike, now, FROM_PLUTOD, 0, &r));
}

static void steps_wait_a_little(void **state)
{
    struct buffer plutod;
    const uint8_t random[IKE_RANDOM_POOL] = { 1 };
    const struct path path = { .local_port = 500, .remote_port = 500 };
    (void)state;
    buffer_init(&plutod, 0);
    const struct ike_outputs outputs = { .plutod = &plutod, .kernel_sa = void_kernel_sa,
                                         .worker = void_worker, .send = void_send };
    struct ike *ike = ike_new(&outputs);
    assert_non_null(ike);
    ike_random(ike, random, sizeof random);
    assert_int_equal(ike_patience(ike), 0);
    initiate(ike, 1000, 7);
    assert_true(world_holds(&plutod, "state exchange=7 state=MAIN_I1"));
    assert_int_equal(ike_patience(ike), 1000 + REPORT_PATIENCE);
    initiate(ike, 1020, 8); /* the first one's time counts */
    assert_int_equal(ike_patience(ike), 1000 + REPORT_PATIENCE);
    buffer_consume(&plutod, 3); /* a full channel took so much */
    assert_int_equal(ike_patience(ike), 1000 + REPORT_PATIENCE);
    buffer_consume(&plutod, plutod.len);
    initiate(ike, 2000, 9);
    assert_int_equal(ike_patience(ike), 2000 + REPORT_PATIENCE);
    ike_datagram(ike, 2001, &path, random, 3); /* a line for the log takes it along */
    assert_true(world_holds(&plutod, "log "));
    assert_int_equal(ike_patience(ike), 0);
    initiate(ike, 2002, 10);
    assert_int_equal(ike_patience(ike), 0);
    ike_free(ike);
    buffer_wipe(&plutod);
}

/* ---- the network ---- */

static unsigned lose_one(struct world *w, struct datagram *d, unsigned number)
{
    (void)d;
    return number == *(unsigned *)w->data ? 0 : 1;
}

static void any_one_message_is_lost(void **state)
{
    (void)state;
    for (unsigned lost = 1; lost <= 9; lost++) {
        struct world *w = world_new(PLAIN, "x", "x");
        w->network = lose_one;
        w->data = &lost;
        world_begin(w);
        world_pass(w, 11000);
        if (!world_both_up(w)) {
            fprintf(stderr, "message %u lost: no tunnel\n", lost);
        }
        assert_true(world_both_up(w));
        world_free(w);
    }
}

static unsigned lose_all(struct world *w, struct datagram *d, unsigned number)
{
    (void)w;
    (void)d;
    (void)number;
    return 0;
}

/* [C3]: at 0, 10 and 30 s; given up at 70 s. */
static void a_silent_peer(void **state)
{
    (void)state;
    struct world *w = world_new(PLAIN, "x", "x");
    w->network = lose_all;
    world_begin(w);
    assert_int_equal(w->host[0].sent, 1);
    world_pass(w, 9999);
    assert_int_equal(w->host[0].sent, 1);
    world_pass(w, 1);
    assert_int_equal(w->host[0].sent, 2);
    world_pass(w, 19999);
    assert_int_equal(w->host[0].sent, 2);
    world_pass(w, 1);
    assert_int_equal(w->host[0].sent, 3);
    world_pass(w, 39999);
    assert_false(world_heard(w, 0, "failed "));
    world_pass(w, 1);
    assert_int_equal(w->host[0].sent, 3);
    assert_true(world_heard(w, 0, "failed "));
    assert_true(world_heard(w, 0, " code=31 "));
    assert_int_equal(world_count(w, 0, "retransmitted "), 2);
    world_free(w);
}

/* ---- refusals ---- */

static void a_wrong_secret(void **state)
{
    (void)state;
    struct world *w = world_new(PLAIN, "right", "wrong");
    world_begin(w);
    world_pass(w, 80000);
    assert_false(world_both_up(w));
    assert_true(world_heard(w, 1, "probably%20a%20wrong%20secret"));
    assert_true(world_heard(w, 0, "probably%20a%20wrong%20secret"));
    assert_true(world_heard(w, 0, " code=31 "));
    world_free(w);
}

/* F15 */
static void no_secret(void **state)
{
    (void)state;
    struct world *w = world_new(PLAIN, "x", NULL);
    world_begin(w);
    world_pass(w, 80000);
    assert_false(world_both_up(w));
    assert_true(world_heard(w, 1, "10.9.0.2"));
    assert_true(world_heard(w, 1, "no%20preshared%20secret"));
    world_free(w);
}

/* [R2]: the responder refuses the identity; the initiator hears it, protected, and stops at once. */
static void an_identity_that_nobody_expects(void **state)
{
    (void)state;
    struct world *w = world_new_two(
        "--psk --encrypt --tunnel --host 10.9.0.1 --id @left.example --to --host 10.9.0.2",
        "--psk --encrypt --tunnel --host 10.9.0.1 --to --host 10.9.0.2", "x", "x");
    world_begin(w);
    assert_true(world_heard(w, 1, "@left.example"));
    assert_true(world_heard(w, 0, "failed exchange=1 "));
    assert_false(world_heard(w, 0, "code=31 "));
    assert_int_equal(w->host[0].sent, 3);
    world_free(w);
    w = world_new_two("--psk --encrypt --tunnel --host 10.9.0.1 --to --host 10.9.0.2 --id @right.example",
                      "--psk --encrypt --tunnel --host 10.9.0.1 --to --host 10.9.0.2", "x", "x");
    world_begin(w);
    assert_true(world_heard(w, 0, "failed exchange=1 "));
    assert_true(world_heard(w, 1, "protected=yes"));
    world_free(w);
}

static void no_common_ike_proposal(void **state)
{
    (void)state;
    struct world *w = world_new_two(
        "--psk --encrypt --tunnel --ike 3des-sha1-modp1536 " ENDS,
        "--psk --encrypt --tunnel --ike aes256-sha2_256-modp2048 " ENDS, "x", "x");
    world_begin(w);
    assert_false(world_both_up(w));
    assert_true(world_heard(w, 1, "NO-PROPOSAL-CHOSEN"));
    assert_true(world_heard(w, 1, "3des-sha1-modp1536"));
    /* the other side knows of its own half */
    assert_true(world_heard(w, 0, "NO-PROPOSAL-CHOSEN%20(14):%20we%20proposed%203des-sha1-modp1536"));
    assert_true(world_heard(w, 1, "aes256-sha2_256-modp2048"));
    /* Q11: a hint that whack shows, and nothing more. */
    assert_true(world_heard(w, 0, "notification=14 protected=no"));
    assert_false(world_heard(w, 0, "failed "));
    world_free(w);
}

static void no_common_esp_proposal(void **state)
{
    (void)state;
    struct world *w = world_new_two("--psk --encrypt --tunnel --esp 3des-md5 " ENDS,
                                    "--psk --encrypt --tunnel --esp aes256gcm16 " ENDS, "x", "x");
    world_begin(w);
    assert_false(world_both_up(w));
    assert_true(world_heard(w, 1, "3des-md5"));
    assert_true(world_heard(w, 1, "aes256gcm16"));
    assert_true(world_heard(w, 0, " code=214 "));
    world_free(w);
}

static void other_clients(void **state)
{
    (void)state;
    struct world *w = world_new_two(
        PLAIN, "--psk --encrypt --tunnel --ike aes128-sha1-modp2048 --esp aes128-sha1 --host 10.9.0.1 "
               "--client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.3.0.0/24", "x", "x");
    world_begin(w);
    assert_false(world_both_up(w));
    assert_true(world_heard(w, 0, " code=218 "));
    world_free(w);
}

/* PFS: required by the responder and not proposed; proposed and not required. */
static void perfect_forward_secrecy(void **state)
{
    (void)state;
    struct world *w = world_new_two(PLAIN, "--pfs " PLAIN, "x", "x");
    world_begin(w);
    assert_false(world_both_up(w));
    assert_true(world_heard(w, 0, " code=214 "));
    world_free(w);
    w = world_new_two("--pfs " PLAIN, PLAIN, "x", "x");
    world_begin(w);
    assert_true(world_both_up(w));
    world_free(w);
}

static void deletes_are_sent_and_reported(void **state)
{
    (void)state;
    struct world *w = world_new(PLAIN, "x", "x");
    world_begin(w);
    assert_true(world_both_up(w));
    world_order(w, 0, "delete-sa parent=1 protocol=esp spi-in=01020304");
    assert_true(world_heard(w, 1, "peer-deleted exchange=1 protocol=esp spis=01020304"));
    world_order(w, 0, "delete exchange=1");
    assert_true(world_heard(w, 1, "peer-deleted exchange=1 protocol=isakmp target=1"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cipher_hash_and_group),
        cmocka_unit_test(every_esp_proposal),
        cmocka_unit_test(the_second_group_is_taken),
        cmocka_unit_test(steps_wait_a_little),
        cmocka_unit_test(any_one_message_is_lost),
        cmocka_unit_test(a_silent_peer),
        cmocka_unit_test(a_wrong_secret),
        cmocka_unit_test(no_secret),
        cmocka_unit_test(an_identity_that_nobody_expects),
        cmocka_unit_test(no_common_ike_proposal),
        cmocka_unit_test(no_common_esp_proposal),
        cmocka_unit_test(other_clients),
        cmocka_unit_test(perfect_forward_secrecy),
        cmocka_unit_test(deletes_are_sent_and_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
