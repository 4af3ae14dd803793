/* How many lines strangers may cause: F14, and everything that is logged about a packet. */
#include "line_limit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct address address_of(unsigned n)
{
    char text[ADDRESS_TEXT];
    struct address a;
    snprintf(text, sizeof text, "10.%u.%u.%u", n >> 16 & 255, n >> 8 & 255, n & 255);
    assert_null(address_parse(&a, text));
    return a;
}

/* Lines that are written of `count` that are wanted at once. */
static unsigned written(struct line_limit *l, const struct address *a, uint64_t now, unsigned count)
{
    unsigned lines = 0;
    unsigned left_out;
    for (unsigned i = 0; i < count; i++) {
        lines += line_limit_take(l, a, now, &left_out) ? 1 : 0;
    }
    return lines;
}

static void one_sender(void **state)
{
    struct line_limit l = { 0 };
    const struct address a = address_of(1);
    (void)state;
    assert_int_equal(written(&l, &a, 1000000, 1000), SOURCE_LINES_AT_ONCE);
    assert_int_equal(written(&l, &a, 1000000 + SOURCE_LINES_REFILL - 1, 1000), 0);
    assert_int_equal(written(&l, &a, 1000000 + SOURCE_LINES_REFILL, 1000), 1);
    assert_int_equal(written(&l, &a, 1000000 + 5 * SOURCE_LINES_REFILL, 1000), 4);
    assert_int_equal(written(&l, &a, 9000000, 1000), SOURCE_LINES_AT_ONCE);
    /* the clock of another process */
    assert_int_equal(written(&l, &a, 5, 10), 0);
}

static void one_does_not_silence_others(void **state)
{
    struct line_limit l = { 0 };
    const struct address loud = address_of(1);
    const struct address quiet = address_of(2);
    (void)state;
    for (uint64_t now = 1000; now < 600000; now += 1000) {
        (void)written(&l, &loud, now, 1000);
        if (now % 10000 == 0) {
            assert_int_equal(written(&l, &quiet, now, 2), 2);
        }
    }
}

static void all_together(void **state)
{
    struct line_limit l = { 0 };
    unsigned lines = 0;
    (void)state;
    for (unsigned n = 0; n < 65536; n++) {
        const struct address a = address_of(n);
        lines += written(&l, &a, 1000000, 1);
    }
    assert_int_equal(lines, LINES_AT_ONCE);
    for (unsigned n = 0; n < 60000; n++) { /* a minute */
        const struct address a = address_of(n);
        lines += written(&l, &a, 1000000 + n, 1);
    }
    assert_in_range(lines, LINES_AT_ONCE + 60000 / LINES_REFILL - 1,
                    LINES_AT_ONCE + 60000 / LINES_REFILL + 1);
}

static void a_net_of_ipv6_is_one_sender(void **state)
{
    struct line_limit l = { 0 };
    struct address a;
    unsigned lines = 0;
    (void)state;
    assert_null(address_parse(&a, "2001:db8::1"));
    for (unsigned n = 0; n < 256; n++) {
        a.bytes[15] = (uint8_t)n;
        a.bytes[8] = (uint8_t)(7 * n);
        lines += written(&l, &a, 1000000, 1);
    }
    assert_int_equal(lines, SOURCE_LINES_AT_ONCE);
    a.bytes[7] = 1;
    assert_int_equal(written(&l, &a, 1000000, 1), 1);
}

/* How many are missing is said, but not each time. */
static void what_is_missing_is_counted(void **state)
{
    struct line_limit l = { 0 };
    const struct address a = address_of(1);
    unsigned left_out;
    (void)state;
    assert_int_equal(written(&l, &a, 1000000, 120), 20);
    assert_true(line_limit_take(&l, &a, 1002000, &left_out));
    assert_int_equal(left_out, 100);
    assert_int_equal(written(&l, &a, 1002000, 7), 0);
    assert_true(line_limit_take(&l, &a, 1004000, &left_out));
    assert_int_equal(left_out, 0);
    assert_true(line_limit_take(&l, &a, 1002000 + LINES_LEFT_OUT_EVERY, &left_out));
    assert_int_equal(left_out, 7);
}

static void a_bucket_counts_what_is_missing(void **state)
{
    struct line_bucket b = { 0 };
    char text[LINE_MISSING];
    (void)state;
    for (unsigned i = 0; i < 25; i++) {
        assert_int_equal(line_bucket_take(&b, 1000, 5, 1000000), i < 5);
    }
    assert_true(line_bucket_take(&b, 1000, 5, 1001000));
    assert_string_equal(line_bucket_missing(&b, text), " (20 like this were not logged)");
    assert_string_equal(line_bucket_missing(&b, text), "");
    b.left_out = UINT32_MAX;
    assert_string_equal(line_bucket_missing(&b, text), " (4294967295 like this were not logged)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_sender),
        cmocka_unit_test(one_does_not_silence_others),
        cmocka_unit_test(all_together),
        cmocka_unit_test(a_net_of_ipv6_is_one_sender),
        cmocka_unit_test(what_is_missing_is_counted),
        cmocka_unit_test(a_bucket_counts_what_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
