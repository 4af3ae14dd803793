/* The layout of what outlives a process is that of docs/decisions/slots.md, whatever the compiler. */
#include "lib/slots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define END(type, member) (offsetof(type, member) + sizeof ((type *)0)->member)

/* Each ends where its last field does, and in whole words: no byte of them is the compiler's. */
static void no_padding(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct slots_header, checksum), 56);
    assert_int_equal(END(struct slots_header, checksum), sizeof(struct slots_header));
    assert_int_equal(offsetof(struct slot_isakmp, skeyid_a), 104);
    assert_int_equal(offsetof(struct slot_isakmp, message_ids), 264);
    assert_int_equal(END(struct slot_isakmp, zero), sizeof(struct slot_isakmp));
    assert_int_equal(offsetof(struct slot_quick, hash_3), 104);
    assert_int_equal(END(struct slot_quick, zero), sizeof(struct slot_quick));
    assert_int_equal(offsetof(struct slot_secrets, peer_id), 96);
    assert_int_equal(END(struct slot_secrets, zero), sizeof(struct slot_secrets));
}

static void tables(void **state)
{
    (void)state;
    const size_t isakmp = (size_t)SLOTS_ISAKMP * SLOT_COPIES * sizeof(struct slot_isakmp);
    assert_int_equal(SLOTS_PAGE + isakmp, 14684160);
    assert_int_equal((size_t)SLOTS_QUICK * SLOT_COPIES * sizeof(struct slot_quick), 786432);
    assert_int_equal((size_t)SLOTS_ISAKMP * SLOT_COPIES * sizeof(struct slot_secrets), 12582912);
    assert_int_equal(sizeof(struct slot_isakmp) % 64, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_padding),
        cmocka_unit_test(tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
