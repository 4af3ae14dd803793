/*
 * By hand: kernel-sa's part. What it would be told goes to stdout, and its answers are ours.
 */
#include "by_hand_private.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static void print_line(struct hand *h, const struct buffer *line)
{
    struct buffer shown;
    buffer_init(&shown, 0);
    if (h->show_keys) {
        buffer_add(&shown, line->data, line->len);
    } else {
        record_redact(&shown, (const char *)line->data, line->len - 1);
        buffer_add_text(&shown, "\n");
    }
    hand_print(h, &shown);
    buffer_wipe(&shown);
}

static void print_record(struct hand *h, const struct record *r)
{
    struct buffer line;
    buffer_init(&line, 0);
    if (record_print(&line, r)) {
        print_line(h, &line);
    }
    buffer_wipe(&line);
}

unsigned hand_mode(const struct hand *h)
{
    return (h->form.policy & POLICY_TUNNEL) != 0 ? MODES_TUNNEL : MODES_TRANSPORT;
}

void hand_permit(struct hand *h)
{
    struct record_writer w;
    struct buffer line;
    bool hosts_only = subnet_is_host(&h->our_client, &h->local)
                      && subnet_is_host(&h->peer_client, &h->remote);
    buffer_init(&line, 0);
    record_start(&w, &line, V_PERMIT);
    record_put_number(&w, K_EXCHANGE, EXCHANGE_Y);
    record_put_text(&w, K_CONNECTION, h->form.name);
    record_put_address(&w, K_OUR_HOST, &h->local);
    record_put_address(&w, K_PEER_HOST, &h->remote);
    record_put_subnet(&w, K_OUR_CLIENT, &h->our_client);
    record_put_subnet(&w, K_PEER_CLIENT, &h->peer_client);
    record_put_text(&w, K_ESP, h->form.esp);
    record_put_word(&w, K_MODES, hosts_only ? MODES_ANY : MODES_TUNNEL);
    record_put_number(&w, K_LIFE, h->form.ipseclifetime);
    record_put_number(&w, K_REQID, h->reqid);
    record_put_yes(&w, K_POLICIES, true);
    record_finish(&w);
    print_line(h, &line);
    buffer_wipe(&line);
    h->permit_printed = true;
}

static void answer_ok(struct buffer *out, const struct record *r)
{
    struct record_writer w;
    record_answer(&w, out, V_OK, r->verb, record_number(r, K_ID));
    record_finish(&w);
}

static void give_spis(struct hand *h, const struct record *r)
{
    struct record_writer w;
    uint8_t spis[4 * 16];
    size_t count = record_number(r, K_COUNT) < 16 ? (size_t)record_number(r, K_COUNT) : 16;
    if (getrandom(spis, 4 * count, 0) != (ssize_t)(4 * count)) {
        hand_end(h, EXIT_SYSTEM, "no random bytes for SPIs: %s", strerror(errno));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        spis[4 * i] |= 0x10; /* 0x1000 and up [C8] */
    }
    record_answer(&w, hand_out(h, LINE_NEGOTIATOR_KERNEL), V_OK, V_SPIS, record_number(r, K_ID));
    record_put_bytes(&w, K_SPIS, spis, 4 * count);
    record_finish(&w);
}

static void take_keys(struct hand *h, const struct record *r)
{
    print_record(h, r);
    h->keys_printed = true;
    answer_ok(hand_out(h, LINE_SECRETS_KERNEL), r);
    if (h->install.len > 0) {
        print_line(h, &h->install);
        buffer_wipe(&h->install);
    }
    if (hand_seen_enough(h)) {
        hand_finish(h, 0);
    }
}

static void take_install(struct hand *h, const struct record *r)
{
    size_t len;
    if (h->wanted) {
        record_fail(hand_out(h, LINE_NEGOTIATOR_KERNEL), V_INSTALL, record_number(r, K_ID),
                    "by hand, one pair of SAs is asked for, once");
        return;
    }
    memcpy(h->spi_in, record_bytes(r, K_SPI_IN, &len), sizeof h->spi_in); /* 4, says the schema */
    h->wanted = true;
    if (h->keys_printed) {
        print_record(h, r);
    } else {
        record_print(&h->install, r);
    }
    if (hand_seen_enough(h)) {
        hand_finish(h, 0);
    } else if (!h->initiate || h->show_keys) {
        answer_ok(hand_out(h, LINE_NEGOTIATOR_KERNEL), r);
    }
}

void hand_kernel_record(struct hand *h, const struct record *r)
{
    switch (r->verb) {
    case V_SPIS:
        give_spis(h, r);
        break;
    case V_SA_KEYS:
        take_keys(h, r);
        break;
    case V_INSTALL:
        take_install(h, r);
        break;
    case V_ACTIVATE:
        print_record(h, r);
        answer_ok(hand_out(h, LINE_NEGOTIATOR_KERNEL), r);
        break;
    default:
        break;
    }
}
