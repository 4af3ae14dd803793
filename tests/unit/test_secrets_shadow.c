/*
 * Which entries are said never to be used: held against a search for every pair of identities, with every set of
 * addresses that names of hosts may have and every passphrase that may come, by what looks entries up itself.
 */
#include "rsa_keys.h"

#include "secrets/shadow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES 6
#define INDICES 4
#define HOSTS 2
#define HOST_WORLDS 4
#define PATHS 2
#define ROUNDS_PSK 12000
#define ROUNDS_RSA 400

struct described { /* an entry that is to be */
    bool rsa;
    unsigned path; /* RSA: with %prompt, the number of its key file from 1; 0: without */
    size_t count;
    struct index index[INDICES];
};

struct scene {
    size_t count;
    struct described entry[ENTRIES];
};

static struct identity id_of(const char *text)
{
    struct identity id;
    assert_null(identity_parse(&id, text));
    return id;
}

static unsigned draw(uint64_t *seed, unsigned below)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(*seed >> 33) % below;
}

static struct index draw_index(uint64_t *seed)
{
    static const char *const ids[] = { "@a", "@b", "10.9.0.1", "2001:db8::1" };
    static const char *const hosts[HOSTS] = { "@h0.example", "@h1.example" };
    unsigned which = draw(seed, 12);
    if (which < 2 || which > 9) {
        return (struct index){ .kind = which % 2 == 0 ? INDEX_ANY : INDEX_ANY6 };
    }
    if (which < 4) {
        return (struct index){ .kind = INDEX_HOST, .id = id_of(hosts[which - 2]) };
    }
    return (struct index){ .kind = INDEX_ID, .id = id_of(ids[which < 8 ? which - 4 : which - 8]) };
}

static void draw_scene(struct scene *s, uint64_t *seed, bool rsa)
{
    s->count = 2 + draw(seed, ENTRIES - 1);
    for (size_t i = 0; i < s->count; i++) {
        struct described *e = &s->entry[i];
        *e = (struct described){ .rsa = rsa && draw(seed, 5) > 0, .count = draw(seed, 8) == 0 ? 0 : 1 + draw(seed, INDICES) };
        e->path = e->rsa && draw(seed, 3) == 0 ? 1 + draw(seed, PATHS) : 0;
        for (size_t j = 0; j < e->count; j++) {
            e->index[j] = draw_index(seed);
        }
    }
}

/* Those of the mask. Their lines tell which they are. */
static struct store *make_store(const struct scene *s, unsigned mask)
{
    static const char *const paths[] = { "", "one", "two" };
    struct store *store = store_new();
    for (size_t i = 0; i < s->count; i++) {
        const struct described *e = &s->entry[i];
        const uint8_t secret[1] = { (uint8_t)i };
        if ((mask & 1u << i) == 0) {
            continue;
        }
        if (!e->rsa) {
            assert_null(store_add(store, "s", (unsigned)i, e->index, e->count, secret, 1));
        } else if (e->path == 0) {
            assert_null(store_add_rsa(store, "s", (unsigned)i, e->index, e->count, rsa_test_key(rsa_pem_512)));
        } else {
            assert_null(store_add_locked(store, "s", (unsigned)i, e->index, e->count, paths[e->path], rsa_pem_512,
                                         strlen(rsa_pem_512)));
        }
    }
    return store;
}

/* Host `i` has no address, three that are nobody's else, the one of an identity, or one of the other host. */
static void answer_host(struct store *store, size_t i, unsigned world)
{
    static const char *const texts[HOSTS][HOST_WORLDS] = {
        { NULL, "10.1.0.1,10.1.0.2,2001:db8:1::1", "10.9.0.1", "10.2.0.1" },
        { NULL, "10.2.0.1,10.2.0.2,2001:db8:2::1", "10.9.0.1,2001:db8::1", "10.1.0.1" } };
    const bool second = strcmp(host_table_at(store_hosts(store), i)->name, "h1.example") == 0;
    const char *text = texts[second ? 1 : 0][world];
    struct address_list list;
    assert_true(text == NULL || address_list_parse(&list, text) == NULL);
    assert_true(host_table_answer(store_hosts(store), i, text == NULL ? NULL : &list, false));
}

/* Everybody that somebody could be: known by an identity, as a host, or not at all. */
static const char *const people[] = { "@a", "@b", "10.9.0.1", "2001:db8::1", "@nobody", "10.3.0.1", "2001:db8:3::1",
    "10.1.0.1", "10.1.0.2", "2001:db8:1::1", "10.2.0.1", "10.2.0.2", "2001:db8:2::1", "%any" };
#define PEOPLE (sizeof people / sizeof people[0])

/* Which of this store are found for some pair? */
static unsigned used_in(const struct store *store)
{
    static struct identity ids[PEOPLE];
    const struct secret *other = NULL;
    unsigned used = 0;
    for (size_t i = 0; ids[0].len == 0 && i < PEOPLE; i++) {
        ids[PEOPLE - 1 - i] = id_of(people[PEOPLE - 1 - i]);
    }
    for (size_t i = 0; i < PEOPLE - 1; i++) { /* nobody is us and not known */
        const struct secret *rsa = store_find_rsa(store, &ids[i], &other);
        used |= rsa == NULL ? 0 : 1u << rsa->line;
        for (size_t j = 0; j < PEOPLE; j++) {
            const struct secret *psk = i == j ? NULL : store_find(store, &ids[i], &ids[j], &other);
            used |= psk == NULL ? 0 : 1u << psk->line;
        }
    }
    return used;
}

/* Which of the mask are used in some world? */
static unsigned brute_force(const struct scene *s, unsigned mask)
{
    struct store *store = make_store(s, mask);
    const size_t hosts = host_table_count(store_hosts(store));
    const bool locked = store_next_locked(store, NULL) != NULL;
    unsigned worlds = 1;
    unsigned used = 0;
    store_free(store);
    for (size_t i = 0; i < hosts; i++) {
        worlds *= HOST_WORLDS;
    }
    for (unsigned world = 0; world < worlds * (locked ? 1u << PATHS : 1u); world++) {
        unsigned of_host = world % worlds;
        store = make_store(s, mask);
        for (size_t i = 0; i < hosts; i++, of_host /= HOST_WORLDS) {
            answer_host(store, i, of_host % HOST_WORLDS);
        }
        if ((world / worlds & 1) != 0) {
            (void)store_open(store, "one", "x"); /* there may be none of this name */
        }
        if ((world / worlds & 2) != 0) {
            (void)store_open(store, "two", "x");
        }
        used |= used_in(store);
        store_free(store);
    }
    return used;
}

struct verdict {
    unsigned unused;
    struct shadow of[ENTRIES];
};

static void note(void *context, const struct shadow *shadow)
{
    struct verdict *v = context;
    assert_false((v->unused & 1u << shadow->entry) != 0); /* once each */
    v->unused |= 1u << shadow->entry;
    v->of[shadow->entry] = *shadow;
}

static void print_scene(const struct scene *s)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct described *e = &s->entry[i];
        print_message("%zu:", i);
        for (size_t j = 0; j < e->count; j++) {
            char text[IDENTITY_TEXT] = "%any";
            if (e->index[j].kind == INDEX_ANY6) {
                snprintf(text, sizeof text, "%%any6");
            } else if (e->index[j].kind != INDEX_ANY) {
                identity_print(&e->index[j].id, text);
            }
            print_message(" %s", text);
        }
        print_message(" : %s %u\n", e->rsa ? "RSA" : "PSK", e->path);
    }
}

/* What was named in its place suffices for that: with those alone it is not used either. */
static void named_rightly(const struct scene *s, const struct shadow *shadow)
{
    unsigned mask = 1u << shadow->entry;
    if (shadow->count > SHADOWS_NAMED) {
        return;
    }
    for (size_t i = 0; i < shadow->count; i++) {
        assert_true(shadow->by[i] < s->count && shadow->by[i] != shadow->entry);
        mask |= 1u << shadow->by[i];
    }
    if ((brute_force(s, mask) & 1u << shadow->entry) != 0) {
        print_scene(s);
        fail_msg("%zu is used with those that were named", shadow->entry);
    }
}

/* Sound, and complete. */
static void hold_against(const struct scene *s, size_t *alone, size_t *together)
{
    struct verdict v = { .unused = 0 };
    const unsigned all = (1u << s->count) - 1;
    struct store *store = make_store(s, all);
    assert_true(shadow_find(store, note, &v));
    store_free(store);
    const unsigned used = brute_force(s, all);
    if ((used ^ v.unused) != all) {
        print_scene(s);
        fail_msg("used: %x, said never to be: %x", used, v.unused);
    }
    for (size_t i = 0; i < s->count; i++) {
        if ((v.unused & 1u << i) != 0) {
            named_rightly(s, &v.of[i]);
            *alone += v.of[i].count == 1 ? 1 : 0;
            *together += v.of[i].count > 1 ? 1 : 0;
        }
    }
}

static void k2_preshared_secrets(void **state)
{
    uint64_t seed = 7;
    size_t alone = 0;
    size_t together = 0;
    struct scene s;
    (void)state;
    for (unsigned round = 0; round < ROUNDS_PSK; round++) {
        draw_scene(&s, &seed, false);
        hold_against(&s, &alone, &together);
    }
    print_message("%zu by one, %zu by several\n", alone, together);
    assert_true(alone > ROUNDS_PSK / 8 && together > ROUNDS_PSK / 200);
}

static void k2_rsa_keys(void **state)
{
    uint64_t seed = 9;
    size_t alone = 0;
    size_t together = 0;
    struct scene s;
    (void)state;
    for (unsigned round = 0; round < ROUNDS_RSA; round++) {
        draw_scene(&s, &seed, true);
        hold_against(&s, &alone, &together);
    }
    print_message("%zu by one, %zu by several\n", alone, together);
    assert_true(alone > ROUNDS_RSA / 8 && together > ROUNDS_RSA / 50);
}

static void count_found(void *context, const struct shadow *shadow)
{
    (void)shadow;
    (*(size_t *)context)++;
}

/* A gateway with many peers, all of them twice, and what is for the rest of the world: no more than they are. */
static void f18_many_entries(void **state)
{
    struct store *store = store_new();
    struct index index[3] = { { .kind = INDEX_ID, .id = id_of("@gate") }, { .kind = INDEX_ANY }, { .kind = INDEX_ANY6 } };
    char name[20];
    size_t found = 0;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "@peer%u", i % 10000);
        struct index pair[2] = { index[0], { .kind = INDEX_ID, .id = id_of(name) } };
        assert_null(store_add(store, "s", 1, pair, 2, (const uint8_t *)"x", 1));
        if (i % 10 == 0) {
            assert_null(store_add(store, "s", 1, pair + 1, 1, (const uint8_t *)"x", 1));
            assert_null(store_add(store, "s", 1, index, 1 + i % 3, (const uint8_t *)"x", 1));
        }
    }
    assert_true(shadow_find(store, count_found, &found));
    /* the second half; all but one of each kind that is for the rest, of which the one without %any is never used */
    assert_int_equal(found, 10000 + 1000 + 1998);
    store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k2_preshared_secrets),
        cmocka_unit_test(k2_rsa_keys),
        cmocka_unit_test(f18_many_entries),
    };
    return cmocka_run_group_tests_name("secrets_shadow", tests, NULL, NULL);
}
