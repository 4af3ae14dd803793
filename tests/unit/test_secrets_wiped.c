/*
 * What secrets works out on the way is wiped: g^xy, SKEYID and its daughters, the HASHes that prove who somebody is, and the text of a
 * new private key. Of keys that are read: test_secrets_rsa_wiped.c, test_secrets_rsa_refused.c.
 */
#include "own_memory.h"
#include "rsa_pair.h"
#include "secrets_folder.h"

#include "secrets/dh.h"
#include "secrets/keys.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "secrets/rsa_inside.h"

#define PIECES 12 /* of a text */

/* ---- what is looked for ---- */

static void read_hex(const char *hex, uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)strtoul((char[]){ hex[2 * i], hex[2 * i + 1], '\0' }, NULL, 16);
    }
}

static struct own_memory_pattern pattern_of(const char *hex)
{
    struct own_memory_pattern p;
    uint8_t bytes[OWN_MEMORY_LEN];
    read_hex(hex, bytes, sizeof bytes);
    own_memory_mask(&p, bytes);
    explicit_bzero(bytes, sizeof bytes);
    return p;
}

static size_t times(const struct own_memory_pattern *p)
{
    size_t found[1][2];
    own_memory_count(p, 1, found);
    return found[0][0];
}

/* ---- another process, so that nothing of it is in the memory that is looked through ---- */

struct helper {
    pid_t pid;
    int to;   /* it reads from here, */
    int from; /* and writes there */
};

/* In the child: false. */
static bool helper_begin(struct helper *h)
{
    int down[2];
    int up[2];
    assert_int_equal(pipe(down), 0);
    assert_int_equal(pipe(up), 0);
    h->pid = fork();
    assert_true(h->pid >= 0);
    const bool here = h->pid != 0;
    h->to = here ? down[1] : up[1];
    h->from = here ? up[0] : down[0];
    close(here ? down[0] : down[1]);
    close(here ? up[1] : up[0]);
    return here;
}

static void helper_end(struct helper *h)
{
    int status = 1;
    close(h->to);
    close(h->from);
    assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
    assert_int_equal(status, 0);
}

static void take(const struct helper *h, void *bytes, size_t len)
{
    for (size_t done = 0; done < len;) {
        const ssize_t n = read(h->from, (uint8_t *)bytes + done, len - done);
        assert_true(n > 0);
        done += (size_t)n;
    }
}

static void give(const struct helper *h, const void *bytes, size_t len)
{
    assert_int_equal(write(h->to, bytes, len), len);
}

/* ---- keys ---- */

/* In a child: the peer's half of Diffie-Hellman, and g^xy masked. */
static void be_peer(const struct helper *h)
{
    const struct group *group = group_get(GROUP_ECP256);
    uint8_t peer[KE_MAX];
    uint8_t g_xy[KE_MAX];
    struct own_memory_pattern masked;
    const char *why = NULL;
    struct dh_lib *lib = dh_lib_new(&why);
    struct dh *dh = dh_new(lib, GROUP_ECP256);
    give(h, dh_public_view(dh), group->public_len);
    take(h, peer, group->public_len);
    assert_null(dh_agree(lib, dh, peer, group->public_len, g_xy));
    own_memory_mask(&masked, g_xy);
    give(h, &masked, sizeof masked);
}

/* Of both: g^xy and SKEYID_a, which only the negotiator has from then on. */
static void keys_are_wiped(const char *secrets, const char *pem, const char *method)
{
    const struct group *group = group_get(GROUP_ECP256);
    struct own_memory_pattern g_xy;
    struct helper h;
    uint8_t ke[KE_MAX];
    char hex[2 * KE_MAX + 1];
    if (!helper_begin(&h)) {
        be_peer(&h);
        _exit(0);
    }
    struct side *r = side_with(secrets, "10.9.0.2", pem);
    struct pair *p = pair_of(side_new(""), r, IKE);
    pair_announce(p, method);
    take(&h, ke, group->public_len);
    for (size_t i = 0; i < group->public_len; i++) {
        snprintf(hex + 2 * i, 3, "%02x", ke[i]);
    }
    side_say(r, "keys id=1 exchange=7 connection=net method=%s proposal=" IKE " " CKY " sa-body=" SA
             " ke-peer=%s nonce-peer=00112233445566778899aabbccddeeff", method, hex);
    assert_true(side_take(r, &r->negotiator, S_N));
    assert_int_equal(r->answer.verb, V_OK);
    read_hex(side_hex(r, K_KE), ke, group->public_len);
    give(&h, ke, group->public_len);
    take(&h, &g_xy, sizeof g_xy);
    helper_end(&h);
    const struct own_memory_pattern skeyid_a = pattern_of(side_hex(r, K_SKEYID_A));
    explicit_bzero(r->line, sizeof r->line); /* of the answer itself */
    assert_int_equal(times(&g_xy), 0);
    assert_int_equal(times(&skeyid_a), 0);
    pair_free(p);
}

static void the_keys_of_an_exchange(void **state)
{
    (void)state;
    keys_are_wiped("10.9.0.1 10.9.0.2 : PSK \"a secret of the two\"\n", NULL, "psk");
    keys_are_wiped("", rsa_pem_1024, "rsasig");
}

/* ---- proofs ---- */

#define LONG "aes256-sha2_512-ecp256" /* of whose HASH some is left when what is done next has used the stack */

/* The HASH that would have been right is what somebody who does not know the secret lacks. */
static void the_hash_that_a_wrong_one_is_compared_with(void **state)
{
    static const char psk[] = "10.9.0.1 10.9.0.2 : PSK \"a secret of the two\"\n";
    struct pair *p = pair_of(side_new(psk), side_new(psk), LONG);
    char wrong[2 * 64 + 1];
    (void)state;
    pair_announce(p, "psk");
    side_good(p->i, "ke id=1 exchange=1 group=ecp256");
    const char *ke = side_hex(p->i, K_KE);
    const char *nonce = side_hex(p->i, K_NONCE);
    side_good(p->r, "keys id=1 exchange=7 connection=net method=psk proposal=" LONG " " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", ke, nonce);
    ke = side_hex(p->r, K_KE);
    nonce = side_hex(p->r, K_NONCE);
    side_good(p->i, "keys id=2 exchange=1 connection=net method=psk proposal=" LONG " " CKY " sa-body=" SA
              " ke-peer=%s nonce-peer=%s", ke, nonce);
    const char *id = side_hex(p->i, K_ID_BODY);
    const struct own_memory_pattern right = pattern_of(side_hex(p->i, K_HASH) + 2 * 32);
    explicit_bzero(p->i->line, sizeof p->i->line);
    assert_int_equal(times(&right), 0); /* of whoever has made it */
    memset(wrong, '0', sizeof wrong - 1);
    wrong[sizeof wrong - 1] = '\0';
    side_say(p->r, "auth id=2 exchange=7 id-body=%s hash=%s", id, wrong);
    assert_int_equal(times(&right), 0);
    assert_true(side_take(p->r, &p->r->negotiator, S_N));
    assert_true(side_why_has(p->r, "HASH_I does not match"));
    pair_free(p);
}

/* In a child: what was signed, masked. */
static void recover(const struct helper *h, const char *pem, const char *sig)
{
    uint8_t bytes[128];
    uint8_t hash[256];
    size_t len = sizeof hash;
    struct own_memory_pattern masked;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(rsa_key_pkey(rsa_test_key(pem)), NULL);
    assert_int_equal(strlen(sig), 2 * sizeof bytes);
    read_hex(sig, bytes, sizeof bytes);
    assert_int_equal(EVP_PKEY_verify_recover_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_verify_recover(context, hash, &len, bytes, sizeof bytes), 1);
    assert_int_equal(len, 32);
    own_memory_mask(&masked, hash);
    give(h, &masked, sizeof masked);
}

static void the_hash_that_a_signature_is_checked_with(void **state)
{
    char keys[8000];
    struct own_memory_pattern hash;
    struct helper h;
    (void)state;
    struct pair *p = pair_new(IKE, rsa_pem_1024, rsa_pem_1024_e3);
    pair_make_keys(p);
    if (!helper_begin(&h)) {
        recover(&h, rsa_pem_1024, p->proof);
        _exit(0);
    }
    take(&h, &hash, sizeof hash);
    helper_end(&h);
    const uint64_t asked = pair_auth(p->r, 7, p->id, p->proof);
    (void)public_text(rsa_pem_512, keys); /* of somebody else, and short: its check uses little of the stack */
    assert_int_equal(times(&hash), 0);
    side_say(p->r, "ok id=%llu re=public-keys pubkeys=%s", (unsigned long long)asked, keys);
    assert_int_equal(times(&hash), 0);
    assert_true(side_take(p->r, &p->r->negotiator, S_N));
    assert_int_equal(p->r->answer.verb, V_FAIL);
    pair_free(p);
}

/* ---- a new key ---- */

/* In a child: pieces of that file, masked; first and last lines are no secret. */
static void send_pieces(const struct helper *h, const char *path)
{
    uint8_t text[8000];
    struct own_memory_pattern piece;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    const size_t len = fread(text, 1, sizeof text, file);
    assert_in_range(len, PIECES * 2 * OWN_MEMORY_LEN, sizeof text - 1);
    for (size_t i = 1; i <= PIECES; i++) {
        own_memory_mask(&piece, text + i * (len - OWN_MEMORY_LEN) / (PIECES + 1));
        give(h, &piece, sizeof piece);
    }
}

static void the_text_of_a_new_key(void **state)
{
    static const char path[] = "key.pem";
    const struct options o = { .job = JOB_GENERATE, .out = path, .form = RSA_FORM_PEM, .bits = 2048 };
    struct own_memory_pattern pieces[PIECES];
    size_t found[PIECES][2];
    struct helper h;
    (void)state;
    assert_int_equal(keys_generate(&o), 0);
    if (!helper_begin(&h)) {
        send_pieces(&h, path);
        _exit(0);
    }
    take(&h, pieces, sizeof pieces);
    helper_end(&h);
    own_memory_count(pieces, PIECES, found);
    for (size_t i = 0; i < PIECES; i++) {
        assert_int_equal(found[i][0], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_keys_of_an_exchange),
        cmocka_unit_test(the_hash_that_a_wrong_one_is_compared_with),
        cmocka_unit_test(the_hash_that_a_signature_is_checked_with),
        cmocka_unit_test_setup_teardown(the_text_of_a_new_key, secrets_folder_set_up, secrets_folder_tear_down),
    };
    return cmocka_run_group_tests(tests, side_dh_set_up, side_dh_tear_down);
}
