/*
 * [P5] Each negotiation that fails ends in one line that says why and what to do: whole hosts, every kind
 * of failure, at the side that can tell. Not for: that whack is told (test_plutod_initiate.c,
 * test_plutod_attempts.c), and the lines' bounds (test_f09_notifications.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab.h"

#include <stdio.h>
#include <string.h>

#define GIVEN_UP 80000u
#define SAME LAB_CHEAP

struct failure {
    const char *what;
    const char *words[2];       /* of each host's connection */
    const char *psk[2];
    unsigned loser;             /* the host that is looked at */
    const char *line[4];        /* what its one line holds; NULL ended */
    uint64_t pass;              /* ms until then */
    lab_network *network;
};

static unsigned nothing_arrives(struct lab *l, struct datagram *d, unsigned number)
{
    (void)l;
    (void)d;
    (void)number;
    return 0;
}

static const struct failure failures[] = {
    { .what = "no common ISAKMP proposal, answering", .loser = 1,
      .words = { "policy=psk,encrypt,tunnel ike=aes256-sha2_256-modp2048 esp=aes128-sha1", SAME },
      .line = { "no proposal chosen (NO-PROPOSAL-CHOSEN sent)", "aes256-sha2_256-modp2048", "--ike" } },
    { .what = "no common ISAKMP proposal, beginning", .loser = 0, .pass = GIVEN_UP,
      .words = { "policy=psk,encrypt,tunnel ike=aes256-sha2_256-modp2048 esp=aes128-sha1 keyingtries=1", SAME },
      .line = { "#1: no acceptable response in STATE_MAIN_I1: the peer last said NO-PROPOSAL-CHOSEN",
                "we proposed aes256-sha2_256-modp2048 with --psk: compare --ike, --psk and --rsasig of both sides" } },
    { .what = "weak for the ISAKMP SA", .loser = 1,
      .words = { "policy=psk,encrypt,tunnel ike=3des-md5-modp1024 esp=aes128-sha1",
                 "policy=psk,encrypt,tunnel esp=aes128-sha1" },
      .line = { "no proposal chosen", "3des-md5-modp1024", "--ike" } },
    { .what = "weak for IPsec SAs", .loser = 1,
      .words = { "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=3des-md5",
                 "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519" },
      .line = { "no proposal chosen", "3des-md5", "--esp" } },
    { .what = "no common ESP proposal, answering", .loser = 1,
      .words = { "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes256-sha2_256", SAME },
      .line = { "no proposal chosen", "aes256-sha2_256", "aes128-sha1" } },
    { .what = "no common ESP proposal, beginning", .loser = 0,
      .words = { "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes256-sha2_256 keyingtries=1", SAME },
      .line = { "#2: the peer answered NO-PROPOSAL-CHOSEN (14)", "we proposed aes256-sha2_256",
                "compare --esp, --pfs and the clients of both sides" } },
    { .what = "no secret, beginning", .loser = 0, .psk = { NULL, "x" },
      .words = { SAME " keyingtries=1", SAME },
      .line = { "#1: no preshared secret for \"10.9.0.1\" and \"10.9.0.2\" in ipsec.secrets", "add a line" } },
    { .what = "no secret, answering", .loser = 1, .psk = { "x", NULL },
      .words = { SAME, SAME },
      .line = { "no preshared secret for \"10.9.0.2\" and \"10.9.0.1\" in ipsec.secrets", "add a line" } },
    { .what = "another secret, answering", .loser = 1, .psk = { "x", "y" }, .pass = GIVEN_UP + 10000,
      .words = { SAME " keyingtries=1", SAME },
      .line = { "no acceptable message came in STATE_MAIN_R2", "probably a wrong secret; compare the PSK of both "
                "sides" } },
    { .what = "another secret, beginning", .loser = 0, .psk = { "x", "y" }, .pass = GIVEN_UP,
      .words = { SAME " keyingtries=1", SAME },
      .line = { "#1: no acceptable response to our first encrypted message: probably a wrong secret" } },
    { .what = "another identity, answering", .loser = 1,
      .words = { SAME " left-id=@somebody keyingtries=1", SAME },
      .line = { "the peer proved to be @somebody, which no connection expects", "--id with that for its end",
                "it expects the identity 10.9.0.1, not @somebody" } },
    { .what = "another identity, beginning", .loser = 0,
      .words = { SAME " left-id=@somebody keyingtries=1", SAME },
      .line = { "#1: the peer answered INVALID-ID-INFORMATION (18)", "refuses our identity" } },
    { .what = "other clients, answering", .loser = 1,
      .words = { "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes128-sha1 keyingtries=1 "
                 "left-client=10.77.0.0/24", SAME },
      .line = { "a Quick Mode is refused", "has the clients 10.2.0.0/24 (ours) and 10.77.0.0/24 (the peer's)",
                "compare --client of both sides" } },
    { .what = "other clients, beginning", .loser = 0,
      .words = { "policy=psk,encrypt,tunnel ike=aes128-sha1-curve25519 esp=aes128-sha1 keyingtries=1 "
                 "left-client=10.77.0.0/24", SAME },
      .line = { "#2: the peer answered INVALID-ID-INFORMATION (18): it has no connection for the clients "
                "10.77.0.0/24 (ours) and 10.2.0.0/24 (the peer's)", "compare --client of both sides" } },
    { .what = "a silent peer", .loser = 0, .pass = GIVEN_UP, .network = nothing_arrives,
      .words = { SAME " keyingtries=1", SAME },
      .line = { "#1: no response to our first message: is the peer up, does it speak IKEv1 there, and does it "
                "know us?" } },
    { .what = "nobody knows us", .loser = 1,
      .words = { SAME " keyingtries=1", NULL },
      .line = { "a first message of Main Mode is refused: no connection is known between "
                "10.9.0.2 (ours) and 10.9.0.1" } },
    { .what = "not oriented", .loser = 0,
      .words = { SAME " left-host=10.9.0.77", NULL },
      .line = { "cannot orient: neither of its hosts is an address of this machine" } },
};

/* Lines that are no news of a failure: the way there, what is sent again, and hints that anybody could send. */
static bool is_progress(const char *line, size_t len)
{
    static const char *const words[] = {
        "STATE_MAIN_I1: ", "STATE_MAIN_I2: ", "STATE_MAIN_I3: ", "STATE_MAIN_I4: ", "STATE_MAIN_R1: ",
        "STATE_MAIN_R2: ", "STATE_MAIN_R3: ", "STATE_QUICK_I1: ", "STATE_QUICK_R1: ", "added connection",
        "keying attempt ", "(only a hint)", "cannot decrypt the peer's message", "is used that is", "deleting the",
        "retransmission; ",
        "for no exchange that we know", /* behind the end of it */
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *at = memmem(line, len, words[i], strlen(words[i]));
        const char *failed = memmem(line, len, "no acceptable", strlen("no acceptable"));
        if (at != NULL && (failed == NULL || strcmp(words[i], "retransmission; ") == 0)) {
            return true;
        }
    }
    return false;
}

/* The one line of a failure, not ended by a NUL. */
static const char *the_line(const struct failure *f, const struct buffer *log, size_t *len)
{
    const char *found = NULL;
    const char *end = (const char *)log->data + log->len;
    for (const char *at = (const char *)log->data; log->len > 0 && at < end;) {
        size_t n = (size_t)((const char *)memchr(at, '\n', (size_t)(end - at)) - at);
        if (!is_progress(at, n)) {
            if (found != NULL) {
                fail_msg("%s: more than one line:\n%.*s", f->what, (int)log->len, log->data);
            }
            found = at;
            *len = n;
        }
        at += n + 1;
    }
    if (found == NULL) {
        fail_msg("%s: no line:\n%.*s", f->what, (int)log->len, log->len == 0 ? "" : (const char *)log->data);
    }
    return found;
}

/* A record may hold a field once. */
static void describe(struct lab *l, unsigned host, const char *words)
{
    const char *own_client = strstr(words, "left-client=");
    const char *own_host = strstr(words, "left-host=");
    lab_whack(l, host, "whack-connection name=net %s%sright-host=10.9.0.2 right-client=10.2.0.0/24 %s",
              own_host == NULL ? "left-host=10.9.0.1 " : "", own_client == NULL ? "left-client=10.1.0.0/24 " : "", words);
}

static void fails(const struct failure *f)
{
    bool said_psk = f->psk[0] != NULL || f->psk[1] != NULL;
    const char *const psk[LAB_HOSTS] = { said_psk ? f->psk[0] : "x", said_psk ? f->psk[1] : "x", NULL };
    struct lab *l = lab_new_psk(NULL, psk);
    size_t len = 0;
    for (unsigned i = 0; i < 2; i++) {
        lab_whack(l, i, "whack-delete name=net");
        if (f->words[i] != NULL) {
            describe(l, i, f->words[i]);
        }
    }
    lab_settle(l);
    lab_forget_log(l);
    l->network = f->network;
    lab_initiate(l, 0);
    lab_settle(l);
    lab_pass(l, f->pass);
    const char *line = the_line(f, &l->host[f->loser].log, &len);
    for (size_t i = 0; i < 4 && f->line[i] != NULL; i++) {
        if (memmem(line, len, f->line[i], strlen(f->line[i])) == NULL) {
            fail_msg("%s: its line has no \"%s\": %.*s", f->what, f->line[i], (int)len, line);
        }
    }
    lab_whack(l, f->loser, "whack-events");
    const char *event = f->line[0] + (f->line[0][0] == '#' ? strlen("#1: ") : 0);
    if (lab_count(&l->host[f->loser].said, event) == 0) {
        fail_msg("%s: no event \"%s\": %.*s", f->what, event, (int)l->host[f->loser].said.len,
                 l->host[f->loser].said.data);
    }
    lab_free(l);
}

static void each_failure_has_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        fails(&failures[i]);
    }
}

/*
 * [R4]: the wrong secret is named as soon as a message does not decrypt, once however often that message is sent,
 * and in the line of the end, which is the only one there.
 */
static void r4_a_wrong_secret_is_named_at_once_and_at_the_end(void **state)
{
    static const char *const psk[LAB_HOSTS] = { "x", "y", NULL };
    struct lab *l = lab_new_psk(SAME " keyingtries=1", psk);
    (void)state;
    lab_initiate(l, 0);
    lab_settle(l);
    assert_int_equal(lab_count(&l->host[1].log, "probably a wrong secret"), 1);
    assert_int_equal(lab_count(&l->host[1].log, "cannot decrypt the peer's message"), 1);
    lab_pass(l, 35000); /* it is sent three times */
    assert_int_equal(lab_count(&l->host[1].log, "probably a wrong secret"), 1);
    lab_pass(l, GIVEN_UP);
    assert_int_equal(lab_count(&l->host[1].log, "probably a wrong secret"), 2);
    assert_int_equal(lab_count(&l->host[1].log, "no acceptable message came in STATE_MAIN_R2"), 1);
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failure_has_one_line),
        cmocka_unit_test(r4_a_wrong_secret_is_named_at_once_and_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
