/* RSA keys as text: records that a library for DNS reads, and entries of ipsec.secrets that we read. */
#include "rsa_keys.h"

#include "secrets/entry.h"
#include "secrets/rsa_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ldns/ldns.h>

static const char *const pems[] = { rsa_pem_512, rsa_pem_512_e3, rsa_pem_1024, rsa_pem_2048, rsa_pem_4096 };
static const char *const ids[] = { "10.9.0.1", "2001:db8::1:2", "@east.example.com", "@east.example.com.",
                                   "user@example.com", "@#0a0b", "#a%20b@'c\"", NULL };

static char *text_of(const struct rsa_key *key, enum rsa_form form, const char *id_text, const char **why)
{
    struct identity id;
    struct buffer out;
    if (id_text != NULL) {
        assert_null(identity_parse(&id, id_text));
    }
    buffer_init(&out, 0);
    *why = rsa_text(&out, key, form, id_text == NULL ? NULL : &id, form == RSA_FORM_SECRETS);
    char *text = out.len == 0 ? NULL : strndup((const char *)out.data, out.len);
    buffer_wipe(&out);
    return text;
}

/* The record that the text is; its owner, if it has one, must be this. */
static ldns_rr *record_of(const char *text, ldns_rr_type type)
{
    ldns_rr *rr = NULL;
    ldns_rdf *origin = ldns_dname_new_frm_str("origin.example.");
    char *line = strdup(text);
    char *from = line;
    assert_int_equal(line[strlen(line) - 1], '\n');
    line[strlen(line) - 1] = '\0';
    for (char *c = line; *c != '\0'; c++) { /* a zone file's brackets join lines */
        if (type == LDNS_RR_TYPE_TXT && (*c == '(' || *c == ')') && (c[1] == ' ' || c[1] == '\0')) {
            *c = ' ';
        }
    }
    char owned[8300];
    if (*from == '\t') { /* the owner of the record before */
        snprintf(owned, sizeof owned, "origin.example.%s", line);
        from = owned;
    }
    ldns_status status = ldns_rr_new_frm_str(&rr, from, 0, origin, NULL);
    if (status != LDNS_STATUS_OK) {
        fail_msg("%s: %s", ldns_get_errorstr_by_id(status), from);
    }
    assert_int_equal(ldns_rr_get_type(rr), type);
    ldns_rdf_deep_free(origin);
    free(line);
    return rr;
}

static void is_key(const ldns_rdf *field, const struct rsa_key *key)
{
    uint8_t bytes[RSA_PUBLIC_MAX];
    const size_t len = rsa_public_encode(rsa_key_public(key), bytes);
    assert_int_equal(ldns_rdf_size(field), len);
    assert_memory_equal(ldns_rdf_data(field), bytes, len);
}

static void records_of_dns(void **state)
{
    const char *why = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof pems / sizeof pems[0]; i++) {
        struct rsa_key *key = rsa_test_key(pems[i]);
        for (size_t j = 0; j < sizeof ids / sizeof ids[0]; j++) {
            char *text = text_of(key, RSA_FORM_DNS, ids[j], &why);
            assert_null(why);
            ldns_rr *rr = record_of(text, LDNS_RR_TYPE_KEY);
            assert_int_equal(ldns_rdf2native_int16(ldns_rr_rdf(rr, 0)), 0x4200);
            assert_int_equal(ldns_rdf2native_int8(ldns_rr_rdf(rr, 1)), 4);
            assert_int_equal(ldns_rdf2native_int8(ldns_rr_rdf(rr, 2)), 1);
            is_key(ldns_rr_rdf(rr, 3), key);
            ldns_rr_free(rr);
            free(text);

            text = text_of(key, RSA_FORM_IPSECKEY, ids[j], &why);
            assert_null(why);
            rr = record_of(text, LDNS_RR_TYPE_IPSECKEY);
            char *said = ldns_rr2str(rr);
            uint8_t bytes[RSA_PUBLIC_MAX];
            const size_t len = rsa_public_encode(rsa_key_public(key), bytes);
            ldns_rdf *public = ldns_rdf_new_frm_data(LDNS_RDF_TYPE_B64, len, bytes);
            char *base64 = ldns_rdf2str(public);
            assert_non_null(strstr(said, base64));
            free(base64);
            ldns_rdf_deep_free(public);
            free(said);
            ldns_rr_free(rr);
            free(text);
        }
        rsa_key_free(key);
    }
}

/* [D1] Its strings, joined, are the text that other gateways look for. */
static void records_of_gateways(void **state)
{
    const char *why = NULL;
    char wanted[RSA_PUBLIC_TEXT + 100];
    char public[RSA_PUBLIC_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof pems / sizeof pems[0]; i++) {
        struct rsa_key *key = rsa_test_key(pems[i]);
        rsa_public_print(rsa_key_public(key), public);
        for (size_t j = 0; j < sizeof ids / sizeof ids[0]; j++) {
            char *text = text_of(key, RSA_FORM_TXT, ids[j], &why);
            if (j > 3) { /* neither address nor name of a host */
                assert_non_null(strstr(why, "expected --id"));
                free(text);
                continue;
            }
            assert_null(why);
            snprintf(wanted, sizeof wanted, "X-IPsec-Server(10)=%s %s", ids[j], public + 2);
            ldns_rr *rr = record_of(text, LDNS_RR_TYPE_TXT);
            size_t at = 0;
            for (size_t k = 0; k < ldns_rr_rd_count(rr); k++) {
                const uint8_t *string = ldns_rdf_data(ldns_rr_rdf(rr, k));
                assert_true(at + string[0] <= strlen(wanted));
                assert_memory_equal(wanted + at, string + 1, string[0]);
                at += string[0];
            }
            assert_int_equal(at, strlen(wanted));
            ldns_rr_free(rr);
            free(text);
        }
        rsa_key_free(key);
    }
}

static void entries_are_read_again(void **state)
{
    static struct entry e;
    const char *why = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof pems / sizeof pems[0]; i++) {
        struct rsa_key *key = rsa_test_key(pems[i]);
        for (size_t j = 0; j < sizeof ids / sizeof ids[0]; j++) {
            char *text = text_of(key, RSA_FORM_SECRETS, ids[j], &why);
            struct rsa_numbers numbers;
            struct rsa_key *again = NULL;
            struct lexer l;
            assert_null(why);
            lexer_init(&l, text, strlen(text));
            struct token t = lexer_next(&l);
            memset(&e, 0, sizeof e);
            assert_null(entry_read(&e, &l, &t));
            assert_int_equal(e.kind, ENTRY_RSA);
            assert_int_equal(e.index_count, ids[j] == NULL ? 0 : 1);
            for (size_t k = 0; k < RSA_NUMBERS; k++) {
                numbers.of[k].bytes = e.number[k];
                numbers.of[k].len = e.number_len[k];
            }
            assert_null(rsa_key_new(&again, &numbers));
            assert_true(rsa_public_equal(rsa_key_public(key), rsa_key_public(again)));
            rsa_key_free(again);
            free(text);
        }
        rsa_key_free(key);
    }
}

/* Where a record would have to stand that no zone can hold: not a line that nsd or BIND refuses. */
static void names_that_dns_has_not(void **state)
{
    static const char *const names[] = { "@a..b", "@.a", "@a b", "@a;b", "@a$b", "@-a.example", "@a%00b", "@a.b..",
        "@aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg.example" };
    static const enum rsa_form forms[] = { RSA_FORM_DNS, RSA_FORM_IPSECKEY, RSA_FORM_TXT };
    struct rsa_key *key = rsa_test_key(rsa_pem_512);
    const char *why = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct identity id;
        if (identity_parse(&id, names[i]) != NULL) {
            continue;
        }
        for (size_t j = 0; j < sizeof forms / sizeof forms[0]; j++) {
            assert_null(text_of(key, forms[j], names[i], &why));
            assert_non_null(why);
            assert_ptr_equal(rsa_text_owner(forms[j], &id), why);
        }
        char *text = text_of(key, RSA_FORM_WHACK, names[i], &why);
        assert_null(why);
        free(text);
    }
    rsa_key_free(key);
}

static void words_of_forms(void **state)
{
    enum rsa_form form = RSA_FORM_TXT;
    (void)state;
    assert_true(rsa_form_named(&form, "whack") && form == RSA_FORM_WHACK);
    assert_true(rsa_form_named(&form, "secrets") && form == RSA_FORM_SECRETS);
    assert_false(rsa_form_named(&form, ""));
    assert_false(rsa_form_named(&form, "Whack"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_of_dns),
        cmocka_unit_test(records_of_gateways),
        cmocka_unit_test(entries_are_read_again),
        cmocka_unit_test(names_that_dns_has_not),
        cmocka_unit_test(words_of_forms),
    };
    return cmocka_run_group_tests_name("secrets_rsa_text", tests, NULL, NULL);
}
