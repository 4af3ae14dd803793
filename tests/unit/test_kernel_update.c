/* kernel-sa changes the life of SAs that are there: what it lets plutod do, and the message to the kernel. */
#include "kernel_fake.h"

#include "kernel-sa/xfrm.h"

#include "lib/bounds.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KEY16 "000102030405060708090a0b0c0d0e0f"
#define KEY20 KEY16 "10111213"
#define CLIENTS "our-client=10.1.0.0/24 peer-client=10.2.0.0/24"
#define SPI_OUT 0xc0ffee00u

/* ---- the core ---- */

static void permit(struct fake *f)
{
    fake_feed(f, PEER_PLUTOD, "permit exchange=7 connection=net our-host=10.9.0.1 peer-host=10.9.0.2 "
              CLIENTS " esp=aes128-sha1 modes=tunnel life=3600 reqid=5 policies=yes");
}

/* Returns the SPI of the inbound SA. */
static uint32_t pair(struct fake *f, const char *activate)
{
    uint32_t spi = fake_spi(f);
    permit(f);
    fake_feed(f, PEER_SECRETS, "sa-keys id=1 exchange=7 protocol=esp proposal=aes128-sha1 "
              "spi-in=%08" PRIx32 " spi-out=%08x key-in=" KEY16 " key-out=" KEY16 " auth-in=" KEY20
              " auth-out=" KEY20, spi, SPI_OUT);
    fake_feed(f, PEER_NEGOTIATE, "install id=2 exchange=7 protocol=esp proposal=aes128-sha1 "
              "mode=tunnel spi-in=%08" PRIx32 " spi-out=%08x our-host=10.9.0.1 peer-host=10.9.0.2 "
              CLIENTS " life=3000 activate=%s", spi, SPI_OUT, activate);
    fake_expect(f, PEER_NEGOTIATE, "ok id=2 re=install\n");
    (void)fake_said(f, PEER_PLUTOD);
    return spi;
}

static void update(struct fake *f, unsigned life, const char *answer)
{
    fake_feed(f, PEER_PLUTOD, "update-kernel-sa id=3 exchange=7 life=%u", life);
    fake_expect(f, PEER_PLUTOD, answer);
}

static void assert_life(const struct fake *f, uint32_t spi, unsigned soft, unsigned hard)
{
    const struct kernel_sa *sa = fake_find_sa(f, spi);
    assert_non_null(sa);
    assert_int_equal(sa->soft, soft);
    assert_int_equal(sa->hard, hard);
}

static void both_sas_change(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = pair(f, "yes");
    assert_life(f, spi, 2700, 3000);
    update(f, 600, "ok id=3 re=update-kernel-sa\n");
    assert_life(f, spi, 540, 600);
    assert_life(f, SPI_OUT, 540, 600);
    fake_holds(f, 2, 3);
    update(f, 3600, "ok id=3 re=update-kernel-sa\n"); /* plutod may, as far as it permitted it */
    assert_life(f, SPI_OUT, 3240, 3600);
    fake_silent(f, PEER_NEGOTIATE);
    fake_free(f);
}

static void never_beyond_the_permit(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = pair(f, "yes");
    unsigned before = f->requests;
    update(f, 3601, "fail id=3 re=update-kernel-sa why=life%20is%203601%20in%20the%20update,%20but%20the%20permit");
    fake_feed(f, PEER_PLUTOD, "update-kernel-sa id=4 exchange=8 life=600");
    fake_expect(f, PEER_PLUTOD, "fail id=4 re=update-kernel-sa why=this%20exchange%20has%20no%20SAs");
    assert_int_equal(f->requests, before);
    assert_life(f, spi, 2700, 3000);
    fake_feed(f, PEER_PLUTOD, "delete-kernel-sa id=8 exchange=7 policies=yes");
    (void)fake_said(f, PEER_PLUTOD);
    update(f, 600, "fail id=3");
    fake_free(f);
}

/* Before `activate`, and before anything is there. */
static void what_is_held_back_changes_too(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    permit(f);
    update(f, 600, "fail id=3");
    uint32_t spi = pair(f, "no");
    update(f, 600, "ok id=3 re=update-kernel-sa\n");
    assert_life(f, spi, 540, 600);
    fake_holds(f, 1, 2);
    fake_feed(f, PEER_NEGOTIATE, "activate id=4 exchange=7");
    fake_expect(f, PEER_PLUTOD, " life=600\n");
    assert_life(f, SPI_OUT, 540, 600);
    fake_free(f);
}

static void the_kernel_refuses(void **state)
{
    (void)state;
    for (unsigned which = 1; which <= 2; which++) {
        struct fake *f = fake_new(MAKER_DAEMON);
        uint32_t spi = pair(f, "yes");
        f->refuse_at = f->requests + which;
        f->refuse_with = EINVAL;
        update(f, 600, "%20the%20kernel%20says%20\"because%20of%20the%20test\"");
        assert_life(f, spi, which == 1 ? 2700 : 540, which == 1 ? 3000 : 600);
        assert_life(f, SPI_OUT, 2700, 3000);
        update(f, 500, "ok id=3");
        assert_life(f, SPI_OUT, 450, 500);
        fake_holds(f, 2, 3);
        fake_free(f);
    }
}

static void an_sa_is_gone(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    (void)pair(f, "yes");
    f->sa[0] = f->sa[--f->sas];
    fake_feed(f, PEER_PLUTOD, "update-kernel-sa id=3 exchange=7 life=600");
    assert_string_equal(fake_said(f, PEER_PLUTOD), "sa-deleted exchange=7 protocol=esp\n"
                                                   "ok id=3 re=update-kernel-sa\n");
    f->sas = 0;
    update(f, 500, "fail id=3 re=update-kernel-sa why=its%20SAs%20are%20not%20in%20the%20kernel");
    fake_free(f);
}

/* A kernel-sa that took over changes only what is permitted again. */
static void adopted(void **state)
{
    (void)state;
    struct fake *f = fake_new(MAKER_DAEMON);
    uint32_t spi = pair(f, "yes");
    update(f, 600, "ok id=3");
    fake_restart(f);
    (void)fake_said(f, PEER_PLUTOD);
    update(f, 500, "fail id=3 re=update-kernel-sa why=nothing%20permits");
    assert_life(f, spi, 540, 600);
    permit(f);
    update(f, 500, "ok id=3");
    assert_life(f, spi, 450, 500);
    fake_free(f);
}

/* ---- the message ---- */

static _Alignas(8) uint8_t was[XFRM_MESSAGE_MAX];
static _Alignas(8) uint8_t message[XFRM_MESSAGE_MAX];

/* As the kernel shows an SA that was added at 1000: with all that NEWSA had, and its counters. */
static size_t kernel_shows(const struct kernel_sa *sa)
{
    const struct kernel_request q = { .verb = KERNEL_ADD_SA, .sa = *sa };
    const uint64_t used = 77;
    struct xfrm_usersa_info info;
    size_t len = xfrm_build(was, sizeof was, &q, 9);
    struct nlmsghdr *head = (struct nlmsghdr *)was;
    assert_true(len > 0);
    memcpy(&info, was + NLMSG_HDRLEN, sizeof info);
    info.curlft.add_time = 1000;
    info.curlft.bytes = 4711;
    memcpy(was + NLMSG_HDRLEN, &info, sizeof info);
    assert_true(mnl_attr_put_check(head, sizeof was, XFRMA_LASTUSED, sizeof used, &used));
    head->nlmsg_flags = 0;
    head->nlmsg_pid = 1234;
    return head->nlmsg_len;
}

static struct xfrm_lifetime_cfg built_life(void)
{
    struct xfrm_usersa_info info;
    memcpy(&info, message + NLMSG_HDRLEN, sizeof info);
    return info.lft;
}

static void only_the_life_differs(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes256-sha2_256", "10.9.0.2", "10.9.0.1");
    size_t len = kernel_shows(&sa);
    sa.soft = 540;
    sa.hard = 600;
    assert_int_equal(xfrm_build_update(message, sizeof message, was, len, &sa, 1100, 42), len);
    const struct nlmsghdr *head = (const struct nlmsghdr *)message;
    assert_int_equal(head->nlmsg_type, XFRM_MSG_UPDSA);
    assert_int_equal(head->nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
    assert_int_equal(head->nlmsg_seq, 42);
    assert_int_equal(head->nlmsg_pid, 0);
    struct xfrm_lifetime_cfg life = built_life();
    assert_int_equal(life.soft_add_expires_seconds, 540);
    assert_int_equal(life.hard_add_expires_seconds, 600);
    assert_true(life.hard_byte_limit == XFRM_INF && life.hard_use_expires_seconds == 0);
    size_t lives = NLMSG_HDRLEN + offsetof(struct xfrm_usersa_info, lft);
    size_t behind = lives + sizeof life;
    assert_memory_equal(message + NLMSG_HDRLEN, was + NLMSG_HDRLEN, lives - NLMSG_HDRLEN);
    assert_memory_equal(message + behind, was + behind, len - behind);
}

/* The new life is over already: the kernel gets a moment that is still to come, but none later than before. */
static void a_life_that_is_over(void **state)
{
    static const struct { unsigned had, wanted, now, soft, hard; } cases[] = {
        { 3600, 600, 1596, 540, 600 },
        { 3600, 600, 1598, 540, 598 + SA_LAST_SECONDS },
        { 3600, 600, 3000, 540, 2000 + SA_LAST_SECONDS },
        { 3600, 1, 1000, 1, SA_LAST_SECONDS },
        { 3600, 600, 4599, 540, 3600 },
        { 0, 600, 3000, 540, 2000 + SA_LAST_SECONDS },
        { 3600, 600, 900, 540, 600 }, /* the clock was set back */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct kernel_sa sa = fake_sa("aes128gcm16", "fd09::2", "fd09::1");
        sa.hard = cases[i].had;
        size_t len = kernel_shows(&sa);
        sa.hard = cases[i].wanted;
        sa.soft = sa.hard - (sa.hard + 9) / 10;
        assert_int_equal(xfrm_build_update(message, sizeof message, was, len, &sa, cases[i].now, 1), len);
        assert_int_equal(built_life().soft_add_expires_seconds, cases[i].soft);
        assert_int_equal(built_life().hard_add_expires_seconds, cases[i].hard);
    }
}

static void of_no_use(void **state)
{
    (void)state;
    struct kernel_sa sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1");
    size_t len = kernel_shows(&sa);
    for (size_t n = 0; n < len; n++) { /* cut: its length is not that of what came */
        assert_int_equal(xfrm_build_update(message, sizeof message, was, n, &sa, 1100, 1), 0);
    }
    assert_int_equal(xfrm_build_update(message, len - 1, was, len, &sa, 1100, 1), 0);
    struct kernel_sa other = sa;
    other.spi++;
    assert_int_equal(xfrm_build_update(message, sizeof message, was, len, &other, 1100, 1), 0);
    other = sa;
    other.dst.bytes[3]++;
    assert_int_equal(xfrm_build_update(message, sizeof message, was, len, &other, 1100, 1), 0);
    ((struct nlmsghdr *)was)->nlmsg_type = XFRM_MSG_NEWPOLICY;
    assert_int_equal(xfrm_build_update(message, sizeof message, was, len, &sa, 1100, 1), 0);
}

/* The first half of it asks for the SA. */
static void it_is_asked_for_first(void **state)
{
    (void)state;
    const struct kernel_request q = { .verb = KERNEL_UPDATE_SA,
                                      .sa = fake_sa("aes128-sha1", "10.9.0.2", "10.9.0.1") };
    assert_true(xfrm_build(message, sizeof message, &q, 42) > 0);
    assert_int_equal(((const struct nlmsghdr *)message)->nlmsg_type, XFRM_MSG_GETSA);
    struct buffer said;
    buffer_init(&said, 0);
    kernel_describe(&said, &q);
    buffer_add_u8(&said, 0);
    assert_string_equal(said.data,
                        "change inbound SA esp 0x01020304 10.9.0.2 => 10.9.0.1: life 3600 s");
    buffer_wipe(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_sas_change),
        cmocka_unit_test(never_beyond_the_permit),
        cmocka_unit_test(what_is_held_back_changes_too),
        cmocka_unit_test(the_kernel_refuses),
        cmocka_unit_test(an_sa_is_gone),
        cmocka_unit_test(adopted),
        cmocka_unit_test(only_the_life_differs),
        cmocka_unit_test(a_life_that_is_over),
        cmocka_unit_test(of_no_use),
        cmocka_unit_test(it_is_asked_for_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
