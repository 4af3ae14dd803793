#include "state.h"

#include <inttypes.h>
#include <stdio.h>

static bool differ(struct buffer *why, const char *field, const char *asked, const char *source,
                   const char *allowed)
{
    say(why, "%s is %s in the install request, but %s says %s", field, asked, source, allowed);
    return false;
}

static bool same_address(struct buffer *why, const char *field, const struct address *asked,
                         const struct address *allowed)
{
    char a[ADDRESS_TEXT];
    char b[ADDRESS_TEXT];
    if (address_equal(asked, allowed)) {
        return true;
    }
    address_print(asked, a);
    address_print(allowed, b);
    return differ(why, field, a, "the permit", b);
}

static bool same_subnet(struct buffer *why, const char *field, const struct subnet *asked,
                        const struct subnet *allowed)
{
    char a[SUBNET_TEXT];
    char b[SUBNET_TEXT];
    if (subnet_equal(asked, allowed)) {
        return true;
    }
    subnet_print(asked, a);
    subnet_print(allowed, b);
    return differ(why, field, a, "the permit", b);
}

static bool same_spi(struct buffer *why, const char *field, uint32_t asked, uint32_t keys)
{
    char a[16];
    char b[16];
    if (asked == keys) {
        return true;
    }
    (void)snprintf(a, sizeof a, "%08" PRIx32, asked);
    (void)snprintf(b, sizeof b, "%08" PRIx32, keys);
    return differ(why, field, a, "the keys' record", b);
}

static bool suites_agree(const struct exchange *x, struct buffer *why)
{
    struct esp_proposals allowed;
    char asked[SUITE_TEXT];
    char derived[SUITE_TEXT];
    esp_suite_print(&x->install.suite, asked);
    if (!esp_suite_equal(&x->install.suite, &x->keys->suite)) {
        esp_suite_print(&x->keys->suite, derived);
        return differ(why, "proposal", asked, "the keys' record", derived);
    }
    if (esp_proposals_parse(&allowed, x->permit.esp, NULL) != NULL
        || esp_proposals_find(&allowed, &x->install.suite) < 0) {
        return differ(why, "proposal", asked, "the permit", x->permit.esp);
    }
    return true;
}

static bool mode_agrees(const struct exchange *x, struct buffer *why)
{
    const struct install *i = &x->install;
    if (i->transport ? !x->permit.transport : !x->permit.tunnel) {
        return differ(why, "mode", i->transport ? "transport" : "tunnel", "the permit",
                      i->transport ? "tunnel" : "transport");
    }
    if (i->transport && (!subnet_is_host(&i->our_client, &i->our_host)
                         || !subnet_is_host(&i->peer_client, &i->peer_host))) {
        buffer_add_text(why, "mode is transport in the install request, but a client is a net, "
                        "and transport mode exists only between the hosts themselves");
        return false;
    }
    return true;
}

static bool families_agree(const struct exchange *x, struct buffer *why)
{
    const struct install *i = &x->install;
    if (i->our_host.family != i->peer_host.family
        || i->our_client.base.family != i->peer_client.base.family) {
        buffer_add_text(why, "our-host and peer-host, or our-client and peer-client, are of "
                        "different address families");
        return false;
    }
    return true;
}

bool exchange_spi_given(const struct core *core, const struct exchange *x)
{
    return x->given || core->maker != MAKER_DAEMON || x->permit.again != AGAIN_NOT;
}

bool exchange_agrees(const struct core *core, const struct exchange *x, struct buffer *why)
{
    const struct install *i = &x->install;
    const struct permit *p = &x->permit;
    char asked[16];
    char allowed[16];

    if (!same_address(why, "our-host", &i->our_host, &p->our_host)
        || !same_address(why, "peer-host", &i->peer_host, &p->peer_host)
        || !same_subnet(why, "our-client", &i->our_client, &p->our_client)
        || !same_subnet(why, "peer-client", &i->peer_client, &p->peer_client)
        || !suites_agree(x, why) || !mode_agrees(x, why) || !families_agree(x, why)
        || !same_spi(why, "spi-in", i->spi[SIDE_IN], x->keys->spi[SIDE_IN])
        || !same_spi(why, "spi-out", i->spi[SIDE_OUT], x->keys->spi[SIDE_OUT])) {
        return false;
    }
    if (!exchange_spi_given(core, x)) {
        buffer_add_text(why, SPI_NOT_GIVEN);
        return false;
    }
    if (i->life > p->life) {
        (void)snprintf(asked, sizeof asked, "%" PRIu32, i->life);
        (void)snprintf(allowed, sizeof allowed, "at most %" PRIu32, p->life);
        return differ(why, "life", asked, "the permit", allowed);
    }
    return true;
}
