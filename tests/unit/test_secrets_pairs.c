/* Which entries --lint compares with which: all that a comparison of each with each would say something about. */
#include "rsa_keys.h"

#include "secrets/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 24
#define ROUNDS 3000

struct seen {
    bool pair[ENTRIES][ENTRIES];
};

static void see(void *context, size_t before, size_t after)
{
    struct seen *seen = context;
    assert_true(before < after && after < ENTRIES);
    assert_false(seen->pair[before][after]); /* once each */
    seen->pair[before][after] = true;
}

static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static size_t draw_identities(uint64_t *seed, struct index index[4])
{
    static const char *const ids[] = { "@a", "@b", "@c", "@d", "10.9.0.1" };
    size_t count = draw(seed, 5);
    for (size_t i = 0; i < count; i++) {
        unsigned which = draw(seed, 7);
        index[i] = (struct index){ .kind = which == 5 ? INDEX_ANY : which == 6 ? INDEX_ANY6 : INDEX_ID };
        if (which < 5) {
            assert_null(identity_parse(&index[i].id, ids[which]));
        }
    }
    return count;
}

static void all_that_matter(void **state)
{
    uint64_t seed = 5;
    size_t mattered = 0;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct store *store = store_new();
        static struct seen seen;
        for (size_t i = 0; i < ENTRIES; i++) {
            struct index index[4];
            const uint8_t secret[1] = { (uint8_t)i };
            size_t count = draw_identities(&seed, index);
            if (round % 100 == 0 && draw(&seed, 4) == 0) {
                assert_null(store_add_rsa(store, "s", 1, index, count, rsa_test_key(rsa_pem_512)));
            } else {
                assert_null(store_add(store, "s", 1, index, count, secret, 1));
            }
        }
        memset(&seen, 0, sizeof seen);
        assert_true(store_pairs(store, see, &seen));
        for (size_t i = 0; i < ENTRIES; i++) {
            for (size_t j = i + 1; j < ENTRIES; j++) {
                const struct secret *a = store_at(store, i);
                const struct secret *b = store_at(store, j);
                if (a->index_count > 0 && store_equally_good(a, b)) {
                    mattered++;
                    assert_true(seen.pair[i][j]);
                }
            }
        }
        store_free(store);
    }
    assert_true(mattered > ROUNDS);
}

/* Of entries for everybody each is compared with the next. */
static void those_without_identities(void **state)
{
    struct store *store = store_new();
    struct index index = { .kind = INDEX_ANY };
    struct seen seen;
    (void)state;
    memset(&seen, 0, sizeof seen);
    for (size_t i = 0; i < 6; i++) {
        assert_null(store_add(store, "s", 1, &index, i == 2 ? 1 : 0, (const uint8_t *)"x", 1));
    }
    assert_true(store_pairs(store, see, &seen));
    for (size_t i = 0; i < 6; i++) {
        for (size_t j = 0; j < 6; j++) {
            bool next = i != 2 && j == (i == 1 ? 3 : i + 1) && j != 2 && j < 6;
            assert_int_equal(seen.pair[i][j], next);
        }
    }
    store_free(store);
}

static void count_pairs(void *context, size_t before, size_t after)
{
    (void)before;
    (void)after;
    (*(size_t *)context)++;
}

/* A gateway with many peers costs no more than its peers; many that are all alike are given up. */
static void f18_many_entries(void **state)
{
    (void)state;
    for (unsigned alike = 0; alike < 2; alike++) {
        struct store *store = store_new();
        struct index index[2] = { { .kind = INDEX_ID }, { .kind = INDEX_ID } };
        size_t pairs = 0;
        char name[20] = "@peer";
        assert_null(identity_parse(&index[0].id, "@gate"));
        for (unsigned i = 0; i < 20000; i++) {
            snprintf(name, sizeof name, "@peer%u", alike == 1 ? 0 : i);
            assert_null(identity_parse(&index[1].id, name));
            assert_null(store_add(store, "s", 1, index, 2, (const uint8_t *)"x", 1));
        }
        assert_true(store_pairs(store, count_pairs, &pairs) == (alike == 0));
        assert_true(alike == 0 ? pairs == 0 : pairs > 1000000 && pairs < STORE_PAIRS_WORK);
        store_free(store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_matter),
        cmocka_unit_test(those_without_identities),
        cmocka_unit_test(f18_many_entries),
    };
    return cmocka_run_group_tests_name("secrets_pairs", tests, NULL, NULL);
}
