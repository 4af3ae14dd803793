/* Q1, Q3, Q4, Q12: offers and answers of a peer that writes them otherwise than we do. */
#include "quirks.h"

#include "ike-negotiate/attribute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

#define AT_OFFER (AT_MAIN_1 | AT_QUICK_1)
#define AT_ANSWER (AT_MAIN_2 | AT_QUICK_2)
#define NONE_OF_OURS "the answer is none of the proposals"
#define REWRITTEN "our transform came back in other words"

/* ---- Q3 ---- */

static void add_life(struct quirk_transform *t, bool main, uint32_t kind, uint32_t life)
{
    quirk_attribute_add(t, main ? IKE_LIFE_TYPE : IPSEC_LIFE_TYPE, kind);
    quirk_attribute_add(t, main ? IKE_LIFE_DURATION : IPSEC_LIFE_DURATION, life);
}

static void add_kilobytes(struct quirk_transform *t, bool main)
{
    add_life(t, main, LIFE_KILOBYTES, main ? 250000 : 4608000);
}

static void kilobytes(struct quirk_message *m)
{
    quirk_each(m, add_kilobytes);
}

static void add_pairs(struct quirk_transform *t, bool main)
{
    add_life(t, main, LIFE_SECONDS, 28800);
    add_life(t, main, LIFE_SECONDS, 43200);
}

static void several_pairs(struct quirk_message *m)
{
    quirk_each(m, add_pairs);
}

static void drop_seconds(struct quirk_transform *t, bool main)
{
    quirk_attribute_drop(t, main ? IKE_LIFE_TYPE : IPSEC_LIFE_TYPE);
    quirk_attribute_drop(t, main ? IKE_LIFE_DURATION : IPSEC_LIFE_DURATION);
    add_kilobytes(t, main);
}

static void kilobytes_only(struct quirk_message *m)
{
    quirk_each(m, drop_seconds);
}

static void drop_type(struct quirk_transform *t, bool main)
{
    quirk_attribute_drop(t, main ? IKE_LIFE_TYPE : IPSEC_LIFE_TYPE);
}

static void duration_alone(struct quirk_message *m)
{
    quirk_each(m, drop_type);
}

/* ---- Q4 ---- */

static void from_zero(struct quirk_message *m)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[0].number = 0;
    quirk_sa_close(&sa, m);
}

static void as_number_9(struct quirk_message *m)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[0].number = 9;
    quirk_sa_close(&sa, m);
}

/* One that nobody has under number 3, and the good one under 9. */
static void with_gaps(struct quirk_message *m)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[1] = sa.proposal[0];
    sa.count = 2;
    sa.proposal[0].number = 3;
    sa.proposal[1].number = 9;
    quirk_attribute_set(&sa.proposal[0].transform[0], quirk_phase1(m) ? IKE_HASH : IPSEC_AUTH, 99);
    quirk_sa_close(&sa, m);
}

static void phase1_spi(struct quirk_message *m, size_t len)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[0].spi_len = len;
    memset(sa.proposal[0].spi, 0xee, len);
    quirk_sa_close(&sa, m);
}

static void spi_of_1(struct quirk_message *m)
{
    phase1_spi(m, 1);
}

static void spi_of_8(struct quirk_message *m)
{
    phase1_spi(m, 8);
}

static void spi_of_16(struct quirk_message *m)
{
    phase1_spi(m, 16);
}

static void spi_of_17(struct quirk_message *m)
{
    phase1_spi(m, 17);
}

/* ESP with IPCOMP as number 1, and ESP alone as number 2 if `alone`. */
static void with_ipcomp(struct quirk_message *m, size_t cpi_len, bool alone)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[1] = sa.proposal[2] = sa.proposal[0];
    sa.proposal[1].protocol = PROTOCOL_IPCOMP;
    sa.proposal[1].spi_len = cpi_len;
    sa.proposal[1].transform[0].id = 2; /* Deflate */
    quirk_attribute_drop(&sa.proposal[1].transform[0], IPSEC_AUTH);
    quirk_attribute_drop(&sa.proposal[1].transform[0], IPSEC_KEY_LENGTH);
    sa.proposal[2].number = 2;
    sa.count = alone ? 3 : 2;
    quirk_sa_close(&sa, m);
}

static void cpi_of_2(struct quirk_message *m)
{
    with_ipcomp(m, 2, true);
}

static void cpi_of_4(struct quirk_message *m)
{
    with_ipcomp(m, 4, true);
}

static void only_with_ipcomp(struct quirk_message *m)
{
    with_ipcomp(m, 2, false);
}

static void drop_key_length(struct quirk_transform *t, bool main)
{
    quirk_attribute_drop(t, main ? IKE_KEY_LENGTH : IPSEC_KEY_LENGTH);
}

static void no_key_length(struct quirk_message *m)
{
    quirk_each(m, drop_key_length);
}

/* ---- Q12 ---- */

static void set_hash(struct quirk_transform *t, bool main)
{
    quirk_attribute_set(t, main ? IKE_HASH : IPSEC_AUTH, 1); /* MD5 in both */
}

static void other_hash(struct quirk_message *m)
{
    quirk_each(m, set_hash);
}

static void set_des(struct quirk_transform *t, bool main)
{
    drop_key_length(t, main);
    if (main) {
        quirk_attribute_set(t, IKE_ENCRYPTION, 1);
    } else {
        t->id = 2;
    }
}

static void des(struct quirk_message *m)
{
    quirk_each(m, set_des);
}

static void set_modp768(struct quirk_transform *t, bool main)
{
    (void)main;
    quirk_attribute_set(t, IKE_GROUP, 1);
}

static void modp768(struct quirk_message *m)
{
    quirk_each(m, set_modp768);
}

static void set_pfs_modp768(struct quirk_transform *t, bool main)
{
    (void)main;
    quirk_attribute_set(t, IPSEC_GROUP, 1);
}

static void pfs_modp768(struct quirk_message *m)
{
    quirk_each(m, set_pfs_modp768);
}

#define PFS QUIRK_NETS "--pfs --pfsgroup curve25519 "
#define AES256 \
    "--psk --encrypt --tunnel --ike aes256-sha1-curve25519 --esp aes256-sha1 " QUIRK_ENDS
#define CUT "--psk --encrypt --tunnel --esp aes128-sha2_256_96 " QUIRK_ENDS

static const struct quirk table[] = {
    { "Q3: lives in kilobytes too", .at = AT_OFFER | AT_ANSWER, .change = kilobytes,
      .odd = "a life in kilobytes" },
    { "Q3: lives in kilobytes alone", .at = AT_OFFER | AT_ANSWER, .change = kilobytes_only,
      .odd = "a life in kilobytes" },
    { "Q3: several pairs of type and duration", .at = AT_OFFER | AT_ANSWER, .change = several_pairs,
      .odd = "several lives of one kind" },
    { "Q3: a duration without its type in phase 1: refused", .at = AT_MAIN_1 | AT_MAIN_2,
      .change = duration_alone, .refused = "a life duration without its type" },
    { "Q3: a duration without its type in phase 2: refused", .at = AT_QUICK_1 | AT_QUICK_2,
      .change = duration_alone, .refused = "a life duration without its type" },

    { "Q4: proposals numbered from 0", .at = AT_OFFER | AT_ANSWER, .change = from_zero,
      .odd = "proposals that are not numbered" },
    { "Q4: our proposal came back under number 9", .at = AT_ANSWER, .change = as_number_9,
      .odd = "proposals that are not numbered" },
    { "Q4: proposals numbered with gaps", .at = AT_OFFER, .change = with_gaps,
      .odd = "proposals that are not numbered" },
    { "Q4: an SPI of 1 byte in phase 1", .at = AT_MAIN_1 | AT_MAIN_2, .change = spi_of_1,
      .odd = "an SPI in a proposal for an ISAKMP SA" },
    { "Q4: an SPI of 8 bytes in phase 1", .at = AT_MAIN_1 | AT_MAIN_2, .change = spi_of_8,
      .odd = "an SPI in a proposal for an ISAKMP SA" },
    { "Q4: an SPI of 16 bytes in phase 1", .at = AT_MAIN_1 | AT_MAIN_2, .change = spi_of_16,
      .odd = "an SPI in a proposal for an ISAKMP SA" },
    { "Q4: an SPI of 17 bytes in phase 1: refused", .at = AT_MAIN_1 | AT_MAIN_2,
      .change = spi_of_17, .refused = "an SPI of more than 16 bytes" },
    { "Q4: a CPI of 2 bytes, ESP alone behind it", .at = AT_QUICK_1, .change = cpi_of_2 },
    { "Q4: a CPI of 4 bytes, ESP alone behind it", .at = AT_QUICK_1, .change = cpi_of_4 },
    { "Q4: ESP only with IPCOMP, which was not asked for: refused", .at = AT_QUICK_1,
      .change = only_with_ipcomp, .refused = "wanted together with another protocol" },
    { "Q4: an answer with IPCOMP, which was not offered: refused", .at = AT_QUICK_2,
      .change = only_with_ipcomp, .refused = "more than one transform" },
    { "Q4: an answer of two proposals, numbered with gaps: refused", .at = AT_ANSWER,
      .change = with_gaps, .refused = "more than one transform" },
    { "Q4: no key length means AES-128", .at = AT_OFFER, .change = no_key_length,
      .odd = "AES without a key length" },
    { "Q4: no key length in the answer means AES-128", .at = AT_ANSWER, .change = no_key_length,
      .odd = "AES without a key length" },
    { "Q4: no key length is not AES-256: refused", .at = AT_MAIN_1, .change = no_key_length,
      .words = AES256, .refused = "no proposal chosen" },
    { "Q4: no key length is not AES-256: refused", .at = AT_QUICK_1, .change = no_key_length,
      .words = AES256, .refused = "no proposal chosen" },
    { "Q4: no key length is not AES-256: refused", .at = AT_MAIN_2, .change = no_key_length,
      .words = AES256, .refused = NONE_OF_OURS },
    { "Q4: no key length is not AES-256: refused", .at = AT_QUICK_2, .change = no_key_length,
      .words = AES256, .refused = NONE_OF_OURS },

    { "Q12: DES in phase 1: refused", .at = AT_MAIN_1 | AT_MAIN_2, .change = des,
      .refused = "a cipher or key length that we do not have" },
    { "Q12: DES in phase 2: refused", .at = AT_QUICK_1 | AT_QUICK_2, .change = des,
      .refused = "a cipher or key length that we do not have" },
    { "Q12: MODP768: refused", .at = AT_MAIN_1 | AT_MAIN_2, .change = modp768,
      .refused = "a group that we do not have" },
    { "Q12: MODP768 for PFS: refused", .at = AT_QUICK_1 | AT_QUICK_2, .change = pfs_modp768,
      .words = PFS, .refused = "a group that we do not have" },
    { "Q12: sha2_256_96, and another hash: refused", .at = AT_QUICK_1, .change = other_hash,
      .words = CUT, .refused = "no proposal chosen" },
    { "Q12: sha2_256_96, and another hash: refused", .at = AT_QUICK_2, .change = other_hash,
      .words = CUT, .refused = NONE_OF_OURS },
};

/* ---- with a course of their own ---- */

#define ANY_NETS "--psk --encrypt --tunnel " QUIRK_ENDS

/* Q1: 12 transforms and 1 KB at most, in both phases. */
static void is_short(struct quirk_message *m)
{
    struct quirk_sa sa;
    size_t len = ISAKMP_HEADER_LEN;
    quirk_sa_open(&sa, m);
    for (size_t i = 0; i < m->count; i++) {
        len += GENERIC_HEADER_LEN + m->payload[i].len;
    }
    assert_int_equal(sa.count, 1);
    assert_in_range(sa.proposal[0].count, 4, 12);
    assert_in_range(len, 1, 1024);
}

static void our_offer_is_short(void **state)
{
    static const struct quirk q = { "Q1: ", .words = ANY_NETS, .at = AT_OFFER, .change = is_short };
    (void)state;
    quirk_check(&q, 0); /* our own offer, looked at on its way */
}

/* Q1: accepted when offered, though not among what `default` offers. */
static void more_is_accepted(void **state)
{
    static const char *const offered[] = { "aes128-sha2_512-ecp521", "aes256-sha1-modp4096",
                                           "aes128-sha2_384-curve25519" };
    char words[300];
    (void)state;
    for (size_t i = 0; i < LENGTH(offered); i++) {
        snprintf(words, sizeof words, "--ike %s " ANY_NETS, offered[i]);
        struct world *w = world_new_two(words, ANY_NETS, QUIRK_PSK, QUIRK_PSK);
        world_begin(w);
        assert_true(world_both_up(w));
        world_free(w);
    }
    snprintf(words, sizeof words, "--ike aes192-sha1-modp2048 " ANY_NETS);
    struct world *w = world_new_two(words, ANY_NETS, QUIRK_PSK, QUIRK_PSK);
    world_begin(w);
    assert_true(quirk_said(w, 1, "no proposal chosen") > 0);
    world_free(w);
}

static void the_shortest_life_counts(void **state)
{
    static const struct quirk q = { "Q3: ", .at = AT_OFFER | AT_ANSWER, .change = several_pairs };
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        quirk_comes_of_it(QUIRK_NETS, peer, &q, "life=10800 ", " life=3600 ");
    }
}

static void nothing(struct quirk_message *m)
{
    (void)m;
}

static void the_cut_hash(void **state)
{
    static const struct quirk q = { "Q12: ", .at = AT_ALL, .change = nothing };
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        quirk_comes_of_it(CUT, peer, &q, NULL, "proposal=aes128-sha2_256_96 ");
    }
}

int main(void)
{
    const struct CMUnitTest more[] = {
        { "Q1: our offer is short", our_offer_is_short, NULL, NULL, NULL },
        { "Q1: what we would not offer is accepted", more_is_accepted, NULL, NULL, NULL },
        { "Q3: the shortest life counts, in both roles", the_shortest_life_counts, NULL, NULL, NULL },
        { "Q12: sha2_256_96 is what is installed, in both roles", the_cut_hash, NULL, NULL, NULL },
    };
    return quirk_run(table, LENGTH(table), more, LENGTH(more));
}
