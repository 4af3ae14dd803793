/* F16: answers to what was never a request; and the schema's limits, which must not be wider than what the code has room for. */
#include "record.h"

#include "bounds.h"
#include "rsa_public.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* From so many channels an answer to this verb is taken; what is refused leaves nothing behind. */
static unsigned taken(const char *answer, const char *verb, const char *behind, unsigned allowed)
{
    unsigned count = 0;
    for (unsigned from = 1; from <= DIRECTION_ALL; from <<= 1) {
        char line[200];
        struct record r;
        (void)snprintf(line, sizeof line, "%s id=1 re=%s%s", answer, verb, behind);
        const char *why = record_parse(&r, line, strlen(line), from, NULL);
        assert_int_equal(record_has(&r, K_ID), why == NULL);
        assert_true(why != NULL || (allowed & from) != 0);
        count += why == NULL;
    }
    return count;
}

static void f16_answers_to_no_request(void **state)
{
    unsigned requests = 0;
    (void)state;
    for (enum verb v = V_NONE + 1; v < VERB_COUNT; v++) {
        const struct verb_spec *spec = schema_verb(v);
        const unsigned allowed = spec->request ? direction_reverse(spec->from) : 0;
        assert_int_equal(taken("fail", spec->name, " why=x", allowed) > 0, spec->request);
        assert_int_equal(taken("bad", spec->name, " why=x", allowed) > 0, spec->request);
        assert_int_equal(taken("ok", spec->name, "", allowed) > 0, spec->request && spec->answer[0] == K_END);
        requests += spec->request;
    }
    assert_true(requests > 10);
    assert_int_equal(taken("ok", "no-such-verb", "", 0), 0);
    assert_int_equal(taken("fail", "keysx", " why=x", 0), 0);
    assert_int_equal(taken("fail", "key", " why=x", 0), 0);
}

/* f16_every_limit takes the limits from the schema: these are what buffers were made for. */
static void f16_limits_are_those_of_the_code(void **state)
{
    static const struct {
        enum key key;
        uint64_t min, max;
    } bounds[] = {
        { K_CKY_I, COOKIE_LEN, COOKIE_LEN }, { K_CKY_R, COOKIE_LEN, COOKIE_LEN },
        { K_NONCE, NONCE_MIN, NONCE_MAX }, { K_NONCE_PEER, NONCE_MIN, NONCE_MAX },
        { K_KE, 1, KE_MAX }, { K_KE_PEER, 1, KE_MAX },
        { K_SKEYID_A, 16, HASH_MAX }, { K_SKEYID_E, 16, HASH_MAX }, { K_HASH, 1, HASH_MAX },
        { K_SA_BODY, 8, SA_BODY_MAX }, { K_ID_BODY, 4, ID_BODY_MAX },
        { K_SIG, 1, RSA_BITS_MAX / 8 }, { K_PUBKEYRSA, 1, RSA_PUBLIC_MAX },
        { K_SPI_IN, 4, 4 }, { K_SPI_OUT, 4, 4 },
        { K_NAME, 1, NAME_MAX_LEN }, { K_HOST, 1, HOSTNAME_LEN },
        { K_ADDRESSES, 2, HOST_ADDRESSES_MAX * ADDRESS_TEXT - 1 },
        { K_IKELIFETIME, 1, LIFE_MAX }, { K_IPSECLIFETIME, 1, LIFE_MAX },
        { K_LOCAL_PORT, 1, UINT16_MAX }, { K_REMOTE_PORT, 1, UINT16_MAX },
        { K_REQID, 1, UINT32_MAX }, { K_LIFE, 1, UINT32_MAX }, { K_WORKER, 0, UINT32_MAX }, { K_SEQ, 0, UINT32_MAX },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        const struct key_spec *spec = schema_key(bounds[i].key);
        if (spec->min != bounds[i].min || spec->max != bounds[i].max) {
            fail_msg("%s", spec->name);
        }
    }
    /* What is longest and goes over one channel fits into one record, with its other fields. */
    assert_true(2 * (SA_BODY_MAX + KE_MAX + NONCE_MAX) + 3000 < RECORD_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f16_answers_to_no_request),
        cmocka_unit_test(f16_limits_are_those_of_the_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
