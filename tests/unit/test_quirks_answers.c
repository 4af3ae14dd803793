/* Q2: our offer comes back in other words, or changed. */
#include "quirks.h"

#include "ike-negotiate/attribute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

#define AT_ANSWER (AT_MAIN_2 | AT_QUICK_2)
#define NONE_OF_OURS "the answer is none of the proposals"
#define REWRITTEN "our transform came back in other words"

/* The pair of life's type and duration in front, and what is there now behind. */
static void rotate(struct quirk_transform *t, bool main)
{
    struct quirk_transform old = *t;
    size_t first = main ? t->count - 2 : 2;
    for (size_t i = 0; i < t->count; i++) {
        t->attribute[i] = old.attribute[(i + first) % t->count];
    }
}

static void other_order(struct quirk_message *m)
{
    quirk_each(m, rotate);
}

static void widen(struct quirk_transform *t, bool main)
{
    (void)main;
    for (size_t i = 0; i < t->count; i++) {
        struct quirk_attribute *a = &t->attribute[i];
        if (a->basic) {
            memmove(a->bytes + 2, a->bytes, 2);
            a->bytes[0] = a->bytes[1] = 0;
            a->len = 4;
            a->basic = false;
        }
    }
}

static void variable_form(struct quirk_message *m)
{
    quirk_each(m, widen);
}

static void renumber(struct quirk_message *m)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[0].number = 7;
    sa.proposal[0].transform[0].number = 9;
    quirk_sa_close(&sa, m);
}

static void set_life(struct quirk_message *m, uint32_t life)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    quirk_attribute_set(&sa.proposal[0].transform[0],
                        quirk_phase1(m) ? IKE_LIFE_DURATION : IPSEC_LIFE_DURATION, life);
    quirk_sa_close(&sa, m);
}

static void shorter(struct quirk_message *m)
{
    set_life(m, 600);
}

static void longer(struct quirk_message *m)
{
    set_life(m, 86400);
}

static void set_key_length(struct quirk_transform *t, bool main)
{
    quirk_attribute_set(t, main ? IKE_KEY_LENGTH : IPSEC_KEY_LENGTH, 256);
}

static void other_cipher(struct quirk_message *m)
{
    quirk_each(m, set_key_length);
}

static void set_hash(struct quirk_transform *t, bool main)
{
    quirk_attribute_set(t, main ? IKE_HASH : IPSEC_AUTH, 1); /* MD5 in both */
}

static void other_hash(struct quirk_message *m)
{
    quirk_each(m, set_hash);
}

static void set_group(struct quirk_transform *t, bool main)
{
    quirk_attribute_set(t, main ? IKE_GROUP : IPSEC_GROUP, 14);
}

static void other_group(struct quirk_message *m)
{
    quirk_each(m, set_group);
}

static void set_transport(struct quirk_transform *t, bool main)
{
    (void)main;
    quirk_attribute_set(t, IPSEC_MODE, 2);
}

static void other_mode(struct quirk_message *m)
{
    quirk_each(m, set_transport);
}

static void two_transforms(struct quirk_message *m)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[0].transform[1] = sa.proposal[0].transform[0];
    sa.proposal[0].count = 2;
    quirk_sa_close(&sa, m);
}

static const struct quirk table[] = {
    { "Q2: attributes in another order", .at = AT_ANSWER, .change = other_order, .odd = REWRITTEN },
    { "Q2: attributes in variable form", .at = AT_ANSWER, .change = variable_form,
      .odd = REWRITTEN },
    { "Q2: proposal and transform renumbered", .at = AT_ANSWER, .change = renumber,
      .odd = REWRITTEN },
    { "Q2: a shorter life", .at = AT_ANSWER, .change = shorter, .odd = "a shorter life" },
    { "Q2: a longer life of the ISAKMP SA: refused", .at = AT_MAIN_2, .change = longer,
      .refused = "a longer life than was offered" },
    { "Q2: a longer life of the IPsec SA: refused", .at = AT_QUICK_2, .change = longer,
      .refused = "a longer life than was offered" },
    { "Q2: another cipher of phase 1: refused", .at = AT_MAIN_2, .change = other_cipher,
      .refused = NONE_OF_OURS },
    { "Q2: another cipher of phase 2: refused", .at = AT_QUICK_2, .change = other_cipher,
      .refused = NONE_OF_OURS },
    { "Q2: another hash of phase 1: refused", .at = AT_MAIN_2, .change = other_hash,
      .refused = NONE_OF_OURS },
    { "Q2: another hash of phase 2: refused", .at = AT_QUICK_2, .change = other_hash,
      .refused = NONE_OF_OURS },
    { "Q2: another group of phase 1: refused", .at = AT_MAIN_2, .change = other_group,
      .refused = NONE_OF_OURS },
    { "Q2: a group for PFS that was not offered: refused", .at = AT_QUICK_2, .change = other_group,
      .refused = "another group for PFS" },
    { "Q2: another mode: refused", .at = AT_QUICK_2, .change = other_mode,
      .refused = "another encapsulation mode" },
    { "Q2: two transforms in the answer: refused", .at = AT_MAIN_2, .change = two_transforms,
      .refused = "more than one transform" },
    { "Q2: two transforms in the answer: refused", .at = AT_QUICK_2, .change = two_transforms,
      .refused = "more than one transform" },
};

static void the_shorter_life_counts(void **state)
{
    static const struct quirk q = { "Q2: ", .at = AT_ANSWER, .change = shorter };
    (void)state;
    quirk_comes_of_it(QUIRK_NETS, 1, &q, "life=600 ", " life=600 ");
}

int main(void)
{
    const struct CMUnitTest more[] = {
        { "Q2 initiator: the shorter life counts", the_shorter_life_counts, NULL, NULL, NULL },
    };
    return quirk_run(table, LENGTH(table), more, LENGTH(more));
}
