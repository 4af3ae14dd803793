/* RSA keys in ipsec.secrets: by their numbers and as key files, what is refused, and whose key is whose. */
#include "rsa_keys.h"
#include "secrets_folder.h"

#include "secrets/rsa_inside.h"
#include "secrets/rsa_pem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/pem.h>

struct fixture {
    struct secrets_folder s;
    char *hex[RSA_NUMBERS]; /* of rsa_pem_1024 */
};

static const char *const words[RSA_NUMBERS] = { "Modulus", "PublicExponent", "PrivateExponent", "Prime1",
                                                "Prime2", "Exponent1", "Exponent2", "Coefficient" };

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    assert_non_null(f);
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        BIGNUM *bn = NULL;
        assert_int_equal(EVP_PKEY_get_bn_param(rsa_key_pkey(key), rsa_number_names[i], &bn), 1);
        f->hex[i] = BN_bn2hex(bn);
        BN_free(bn);
    }
    rsa_key_free(key);
    secrets_folder_begin(&f->s);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    secrets_folder_end(&f->s);
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        OPENSSL_free(f->hex[i]);
    }
    free(f);
    return 0;
}

static void expect(struct fixture *f, const char *text)
{
    if (!secrets_said(&f->s, text)) {
        fail_msg("expected \"%s\" in: %.*s", text, (int)f->s.lines.len, (const char *)f->s.lines.data);
    }
}

static const struct secret *find(struct fixture *f, const char *ours)
{
    struct identity id;
    const struct secret *other;
    assert_null(identity_parse(&id, ours));
    return store_find_rsa(f->s.store, &id, &other);
}

static unsigned line_of(struct fixture *f, const char *ours)
{
    const struct secret *s = find(f, ours);
    return s == NULL ? 0 : s->line;
}

/* The key in the form of FreeS/WAN; what stands between the words is given. Field `left_out` is not there. */
static void numbers(struct fixture *f, char *out, size_t size, const char *behind, const char *between,
                    size_t left_out)
{
    size_t len = 0;
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        if (i != left_out) {
            len += (size_t)snprintf(out + len, size - len, "%s%s%s 0x%s", between, words[i], behind,
                                    f->hex[i]);
        }
    }
    assert_true(len < size);
}

static void shapes(void **state)
{
    static const struct {
        const char *before;
        const char *behind;
        const char *between;
        const char *after;
    } right[] = {
        { "@a : RSA {", ":", "\n\t", "\n\t}\n" },
        { "@a : RSA {", "", "\n\t", "\n\t}\n" },
        { "@a : rsa {\n", " :", " ", " }" },
        { "@a\n : RSA\t{ # made today\n # pubkey=0sAQ==\n", ":", "\n# a comment\n\n ", " # end\n }\r\n" },
    };
    struct fixture *f = *state;
    struct rsa_key *key = rsa_test_key(rsa_pem_1024);
    char body[8000];
    char text[9000];
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        numbers(f, body, sizeof body, right[i].behind, right[i].between, RSA_NUMBERS);
        snprintf(text, sizeof text, "%s%s%s", right[i].before, body, right[i].after);
        secrets_put("s", text);
        secrets_read(&f->s);
        assert_int_equal(f->s.counts.errors, 0);
        assert_int_equal(f->s.counts.rsa, 1);
        assert_int_equal(f->s.lines.len, 0);
        const struct secret *s = find(f, "@a");
        assert_non_null(s);
        assert_int_equal(s->line, 1);
        assert_true(rsa_public_equal(rsa_key_public(s->rsa), rsa_key_public(key)));
        assert_null(find(f, "@b"));
    }
    rsa_key_free(key);
}

static void f18_wrong_numbers(void **state)
{
    struct fixture *f = *state;
    char body[8000];
    char text[9000];
    char wanted[100];
    for (size_t i = 0; i < RSA_NUMBERS; i++) { /* one is missing */
        numbers(f, body, sizeof body, ":", "\n\t", i);
        snprintf(text, sizeof text, "@a : RSA {%s\n\t}\n@z : PSK \"x\"\n", body);
        secrets_put("s", text);
        secrets_read(&f->s);
        snprintf(wanted, sizeof wanted, "s:%zu:%%20expected%%20%s:%%20and%%20a%%20number", 2 + i, words[i]);
        expect(f, wanted);
        assert_int_equal(f->s.counts.errors, 1);
        assert_int_equal(f->s.counts.psk, 1);
        assert_int_equal(f->s.counts.rsa, 0);
    }
    numbers(f, body, sizeof body, ":", "\n\t", RSA_NUMBERS);
    char *at = strstr(body, "Prime2: 0x");
    static const struct {
        const char *instead; /* of "Prime2" and the number's first digits */
        const char *said;
    } wrong[] = {
        { "Prime2: 1x", "s:6:%20expected%20Prime2:%20and%20a%20number" },
        { "Prime3: 0x", "s:6:%20expected%20Prime2:%20and%20a%20number" },
        { "Prime2; 0x", "s:6:%20expected%20Prime2:%20and%20a%20number" },
        { "Prime2: 0y", "s:6:%20" },
        { "Prime2: '\"", "s:6:%20expected%20the%20closing%20quote" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        memcpy(at, wrong[i].instead, strlen(wrong[i].instead));
        snprintf(text, sizeof text, "@a : RSA {%s\n\t}\n@z : PSK \"x\"\n", body);
        secrets_put("s", text);
        secrets_read(&f->s);
        expect(f, wrong[i].said);
        assert_int_equal(f->s.counts.psk, 1);
        assert_false(secrets_said(&f->s, f->hex[RSA_PRIME_2] + 4));
        assert_int_equal(f->s.counts.errors, 1);
    }
    memcpy(at, "Prime2: 0x", 10);
    at[10] ^= 1; /* another digit: they do not belong together */
    snprintf(text, sizeof text, "@a : RSA {%s\n\t}\n", body);
    secrets_put("s", text);
    secrets_read(&f->s);
    expect(f, "s:1:%20the%20");
    assert_int_equal(f->s.counts.errors, 1);
    at[10] ^= 1;
    static const char *const ends[][2] = { { "\n}\n", "s:9:%20expected%20}%20(indented)" },
                                           { "\n\t}}\n", "s:10:%20expected%20}%20(indented)" },
                                           { "\n\t} more\n", "s:10:%20expected%20nothing%20more" },
                                           { "", "expected%20}%20(indented)" } };
    for (size_t i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "@a : RSA {%s%s", body, ends[i][0]);
        secrets_put("s", text);
        secrets_read(&f->s);
        assert_int_equal(f->s.counts.rsa, 0);
        assert_true(i == 0 || i == 3 || secrets_said(&f->s, ends[i][1]));
        assert_true(secrets_said(&f->s, "expected%20}") || i == 2);
    }
    secrets_put("s", "@a : RSA\n@b : RSA {\n@c : RSA { Modulus: }\n@z : PSK \"x\"\n");
    secrets_read(&f->s);
    expect(f, "s:1:%20expected%20a%20key%20after%20RSA");
    expect(f, "s:2:%20expected%20Modulus:");
    expect(f, "s:3:%20expected%20Modulus:");
    assert_int_equal(f->s.counts.psk, 1);
}

/* ---- key files ---- */

static void put_key(const char *name, const char *pem, bool pkcs8, const EVP_CIPHER *cipher)
{
    struct rsa_key *key = rsa_test_key(pem);
    EVP_PKEY *pkey = rsa_key_pkey(key);
    const unsigned char word[] = "open sesame";
    int size = cipher == NULL ? 0 : (int)sizeof word - 1;
    BIO *bio = BIO_new_file(name, "w");
    assert_int_equal(pkcs8 ? PEM_write_bio_PKCS8PrivateKey(bio, pkey, cipher, (const char *)word, size,
                                                           NULL, NULL)
                           : PEM_write_bio_PrivateKey_traditional(bio, pkey, cipher, word, size, NULL,
                                                                  NULL), 1);
    BIO_free(bio);
    assert_int_equal(chmod(name, 0600), 0);
    rsa_key_free(key);
}

/* The entries have %s where the folder stands. */
static void put_s(struct fixture *f, const char *format)
{
    char text[2000];
    size_t len = 0;
    for (; *format != '\0'; format++) {
        if (*format == '~') {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s", f->s.path);
        } else {
            text[len++] = *format;
        }
    }
    text[len] = '\0';
    secrets_put("s", text);
}

static void key_files(void **state)
{
    struct fixture *f = *state;
    put_key("1", rsa_pem_1024, false, NULL);
    put_key("8", rsa_pem_2048, true, NULL);
    put_key("1e", rsa_pem_1024_e3, false, EVP_aes_256_cbc());
    put_key("8e", rsa_pem_2048_e3, true, EVP_aes_256_cbc());
    put_s(f, "@a : RSA ~/1\n@b : RSA \"~/8\"\n@c : RSA ~/1e 'open sesame'\n@d @e : rsa ~/8e\n \"open sesame\" # x\n");
    secrets_read(&f->s);
    assert_int_equal(f->s.counts.errors, 0);
    assert_int_equal(f->s.counts.rsa, 4);
    assert_int_equal(f->s.counts.files, 5);
    assert_int_equal(line_of(f, "@a"), 1);
    assert_int_equal(line_of(f, "@b"), 2);
    assert_int_equal(line_of(f, "@c"), 3);
    assert_int_equal(line_of(f, "@d"), 4);
    assert_ptr_equal(find(f, "@d"), find(f, "@e"));
    assert_int_equal(rsa_key_public(find(f, "@e")->rsa)->bits, 2048);
}

static void f18_key_files_that_are_wrong(void **state)
{
    struct fixture *f = *state;
    char line[200];
    put_key("good", rsa_pem_1024, false, NULL);
    put_key("locked", rsa_pem_1024, true, EVP_aes_128_cbc());
    put_key("open", rsa_pem_1024, false, NULL);
    assert_int_equal(chmod("open", 0640), 0);
    put_key("cut", rsa_pem_1024, false, NULL);
    assert_int_equal(truncate("cut", 400), 0);
    secrets_put("ec", "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END EC PRIVATE KEY-----\n");
    secrets_put("text", "tell nobody\n");
    secrets_put("empty", "");
    secrets_put("large", "");
    assert_int_equal(truncate("large", 100 << 20), 0);
    put_s(f, "@01 : RSA ~/locked \"tell nobody\"\n"
             "@02 : RSA ~/locked\n"
             "@03 : RSA ~/open\n"
             "@04 : RSA ~/cut\n"
             "@05 : RSA ~/ec\n"
             "@06 : RSA ~/text\n"
             "@07 : RSA ~/empty\n"
             "@08 : RSA ~/large\n"
             "@09 : RSA ~\n"
             "@10 : RSA ~/not-there\n"
             "@11 : RSA relative.pem\n"
             "@12 : RSA \"tell nobody\"\n"
             "@13 : RSA ~/good \"x\" more\n"
             "@14 : RSA ~/locked %prompt\n"
             "@15 : RSA /dev/zero\n"
             "@16 : RSA \"\"\n"
             "@z : RSA ~/good\n");
    secrets_read(&f->s);
    static const char *const wanted[] = {
        "s:1:%20key%20file%20", "/locked:%20the%20passphrase%20of%20the%20key%20is%20wrong",
        "s:2:%20key%20file%20", "expected%20its%20passphrase%20after%20the%20file%20name",
        "s:3:%20key%20file%20", "/open:%20group%20or%20others%20may%20read", "chmod%20600%20", "s:4:%20key%20file%20", "/cut:%20the%20key%20is%20cut%20off%20or%20damaged",
        "/ec:%20expected%20an%20RSA%20key:%20this%20one%20is%20of%20another",
        "/text:%20expected%20a%20private%20key%20in%20PEM%20form",
        "/empty:%20expected%20a%20private%20key%20in%20PEM%20form", "/large:%20larger%20than%2064%20KiB",
        "s:9:%20key%20file%20", "not%20a%20regular%20file", "/not-there:%20No%20such%20file",
        "s:11:%20key%20file%20/etc/ipsec.d/private/relative.pem:%20",
        "s:12:%20key%20file%20(the%20quoted%20one):%20", "s:13:%20expected%20nothing%20more",
        "s:15:%20key%20file%20/dev/zero:%20not%20a%20regular",
        "s:16:%20expected%20the%20name%20of%20a%20key%20file",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        expect(f, wanted[i]);
    }
    assert_false(secrets_said(&f->s, "tell%20nobody"));
    assert_int_equal(f->s.counts.errors, 15);
    assert_int_equal(f->s.counts.locked, 1);
    assert_int_equal(f->s.counts.rsa, 1);
    assert_int_equal(line_of(f, "@z"), 17);
    snprintf(line, sizeof line, "chmod%%20600%%20%s/open", f->s.path);
    expect(f, line);
}

static void weak_keys_are_used_with_a_warning(void **state)
{
    struct fixture *f = *state;
    put_key("weak", rsa_pem_512, false, NULL);
    put_key("good", rsa_pem_1024, false, NULL);
    put_s(f, "@a : RSA ~/weak\n@b : RSA ~/good\n");
    secrets_read(&f->s);
    assert_int_equal(f->s.counts.errors, 0);
    assert_int_equal(f->s.counts.rsa, 2);
    expect(f, "s:1:%20an%20RSA%20key%20of%20512%20bits%20is%20weak");
    assert_false(secrets_said(&f->s, "s:2:"));
}

/* [F18] Many entries with one key file: bounded like files that are included. */
static void f18_many_key_files(void **state)
{
    struct fixture *f = *state;
    put_key("k", rsa_pem_512, false, NULL);
    FILE *file = fopen("s", "w");
    for (unsigned i = 0; i < 1200; i++) {
        fprintf(file, "@%u : RSA %s/k\n", i, f->s.path);
    }
    fclose(file);
    assert_int_equal(chmod("s", 0600), 0);
    secrets_read(&f->s);
    assert_int_equal(f->s.counts.rsa, FILE_COUNT_MAX - 1);
    assert_int_equal(f->s.counts.errors, 201);
    expect(f, "more%20than%201000%20files");
}

static void k2_best_match(void **state)
{
    struct fixture *f = *state;
    struct identity id;
    const struct secret *other = NULL;
    put_key("1", rsa_pem_1024, false, NULL);
    put_key("2", rsa_pem_2048, false, NULL);
    put_s(f, ": RSA ~/1\n"
             "%any : RSA ~/1\n"
             "%any6 : RSA ~/2\n"
             "@a @b 10.9.0.1 : RSA ~/2\n"
             "@c : RSA ~/1\n"
             "@c @d : RSA ~/1\n"
             "@b : RSA ~/1\n"
             "@a : PSK \"x\"\n");
    secrets_read(&f->s);
    assert_int_equal(f->s.counts.rsa, 7);
    assert_int_equal(line_of(f, "@a"), 4); /* all identities of an entry are ours */
    assert_int_equal(line_of(f, "@b"), 4);
    assert_int_equal(line_of(f, "10.9.0.1"), 4);
    assert_int_equal(line_of(f, "@c"), 5);
    assert_int_equal(line_of(f, "@d"), 6);
    assert_int_equal(line_of(f, "10.9.0.2"), 2);
    assert_int_equal(line_of(f, "2001:db8::1"), 3);
    assert_int_equal(line_of(f, "@x"), 2);
    assert_null(identity_parse(&id, "@b"));
    assert_int_equal(store_find_rsa(f->s.store, &id, &other)->line, 4);
    assert_int_equal(other->line, 7);
    assert_null(identity_parse(&id, "@c")); /* twice, but the same key */
    assert_int_equal(store_find_rsa(f->s.store, &id, &other)->line, 5);
    assert_null(other);
    put_s(f, ": RSA ~/1\n@a : PSK \"x\"\n: PSK \"y\"\n");
    secrets_read(&f->s);
    assert_int_equal(line_of(f, "@a"), 1);
    /* A preshared secret is none of them. */
    struct identity peer;
    assert_null(identity_parse(&peer, "@q"));
    assert_null(identity_parse(&id, "@a"));
    assert_int_equal(store_find(f->s.store, &id, &peer, &other)->line, 2);
    assert_int_equal(store_find(f->s.store, &peer, &peer, &other)->line, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shapes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(f18_wrong_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(key_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(f18_key_files_that_are_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(weak_keys_are_used_with_a_warning, set_up, tear_down),
        cmocka_unit_test_setup_teardown(f18_many_key_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(k2_best_match, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("secrets_file_rsa", tests, NULL, NULL);
}
