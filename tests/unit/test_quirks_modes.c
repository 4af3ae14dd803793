/*
 * Q4: encapsulation modes: absent, in UDP by the numbers of RFC 3947 (3, 4) and of its drafts (61443,
 * 61444). Without NAT traversal those in UDP are refused in either role.
 */
#include "quirks.h"

#include "ike-negotiate/attribute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define LENGTH(a) (sizeof(a) / sizeof(a)[0])

#define HOSTS QUIRK_PLAIN QUIRK_HOSTS /* transport mode */
#define REWRITTEN "our transform came back in other words"
#define IN_UDP "in UDP, but there is no address translation"
#define ANOTHER "another encapsulation mode than was offered"

static void set_mode(struct quirk_message *m, unsigned mode)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    quirk_attribute_set(&sa.proposal[0].transform[0], IPSEC_MODE, mode);
    quirk_sa_close(&sa, m);
}

static void mode_3(struct quirk_message *m)
{
    set_mode(m, 3);
}

static void mode_4(struct quirk_message *m)
{
    set_mode(m, 4);
}

static void mode_61443(struct quirk_message *m)
{
    set_mode(m, 61443);
}

static void mode_61444(struct quirk_message *m)
{
    set_mode(m, 61444);
}

static void mode_61445(struct quirk_message *m)
{
    set_mode(m, 61445);
}

/* The transform in UDP first, the plain one behind it. */
static void with_plain_behind(struct quirk_message *m, unsigned mode)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    sa.proposal[0].transform[1] = sa.proposal[0].transform[0];
    sa.proposal[0].transform[1].number = 2;
    sa.proposal[0].count = 2;
    quirk_attribute_set(&sa.proposal[0].transform[0], IPSEC_MODE, mode);
    quirk_sa_close(&sa, m);
}

static void mode_61443_too(struct quirk_message *m)
{
    with_plain_behind(m, 61443);
}

static void mode_61444_too(struct quirk_message *m)
{
    with_plain_behind(m, 61444);
}

static void no_mode(struct quirk_message *m)
{
    struct quirk_sa sa;
    quirk_sa_open(&sa, m);
    quirk_attribute_drop(&sa.proposal[0].transform[0], IPSEC_MODE);
    quirk_sa_close(&sa, m);
}

static const struct quirk table[] = {
    { "Q4: mode 61443 first, tunnel behind it", .at = AT_QUICK_1, .change = mode_61443_too },
    { "Q4: mode 61444 first, transport behind it", .at = AT_QUICK_1, .change = mode_61444_too,
      .words = HOSTS },
    { "Q4: mode 61443 without address translation: refused", .at = AT_QUICK_1,
      .change = mode_61443, .refused = IN_UDP },
    { "Q4: mode 61444 without address translation: refused", .at = AT_QUICK_1,
      .change = mode_61444, .words = HOSTS, .refused = IN_UDP },
    { "Q4: mode 3 without address translation: refused", .at = AT_QUICK_1, .change = mode_3,
      .refused = IN_UDP },
    { "Q4: mode 4 without address translation: refused", .at = AT_QUICK_1, .change = mode_4,
      .words = HOSTS, .refused = IN_UDP },
    { "Q4: mode 61443 that was not offered: refused", .at = AT_QUICK_2, .change = mode_61443,
      .refused = ANOTHER },
    { "Q4: mode 61444 that was not offered: refused", .at = AT_QUICK_2, .change = mode_61444,
      .words = HOSTS, .refused = ANOTHER },
    { "Q4: mode 3 that was not offered: refused", .at = AT_QUICK_2, .change = mode_3,
      .refused = ANOTHER },
    { "Q4: mode 4 that was not offered: refused", .at = AT_QUICK_2, .change = mode_4,
      .words = HOSTS, .refused = ANOTHER },
    { "Q4: mode 61445, which is none: refused", .at = AT_QUICK_1 | AT_QUICK_2,
      .change = mode_61445, .refused = "an unknown encapsulation mode" },
    { "Q4: no mode, between nets", .at = AT_QUICK_1, .change = no_mode,
      .odd = "no encapsulation mode" },
    { "Q4: no mode, between hosts", .at = AT_QUICK_1, .change = no_mode, .words = HOSTS,
      .odd = "no encapsulation mode" },
    { "Q4: no mode in the answer", .at = AT_QUICK_2, .change = no_mode, .odd = REWRITTEN },
    { "Q4: no mode in the answer, between hosts", .at = AT_QUICK_2, .change = no_mode,
      .words = HOSTS, .odd = REWRITTEN },
};

/* As responder by the clients; as initiator it is the one that was offered. */
static void what_is_meant_by_none(void **state)
{
    static const struct quirk q = { "Q4: ", .at = AT_QUICK_1 | AT_QUICK_2, .change = no_mode };
    (void)state;
    for (unsigned peer = 0; peer < 2; peer++) {
        quirk_comes_of_it(QUIRK_NETS, peer, &q, NULL, " mode=tunnel ");
        quirk_comes_of_it(HOSTS, peer, &q, NULL, " mode=transport ");
    }
}

int main(void)
{
    const struct CMUnitTest more[] = {
        { "Q4: no mode is tunnel between nets, transport between hosts, in both roles",
          what_is_meant_by_none, NULL, NULL, NULL },
    };
    return quirk_run(table, LENGTH(table), more, LENGTH(more));
}
