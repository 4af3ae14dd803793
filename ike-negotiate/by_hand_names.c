/*
 * By hand: names of hosts in ipsec.secrets. secrets asks, and a dnskey of our own answers, which is begun when the first name
 * comes; it is asked for no more at once than it takes.
 */
#include "by_hand_private.h"

#include "bounds.h"

#include <string.h>

static void refuse(struct hand *h, uint64_t id, const char *why)
{
    record_fail(hand_out(h, LINE_SECRETS), V_RESOLVE, id, why);
}

/* The same numbers on both sides: there is one that asks. */
static void ask(struct hand *h)
{
    while (h->names.len > 0 && h->names_asked < RESOLVES_MAX) {
        const uint8_t *end = memchr(h->names.data, '\n', h->names.len);
        size_t len = (size_t)(end - h->names.data) + 1;
        buffer_add(hand_out(h, LINE_DNSKEY), h->names.data, len);
        buffer_consume(&h->names, len);
        h->names_asked++;
    }
}

void hand_resolve(struct hand *h, const struct record *r)
{
    if (!h->names_begun) {
        h->names_begun = true;
        h->names_hopeless = !hand_start_dnskey(h);
    }
    if (h->names_hopeless || !record_print(&h->names, r)) {
        refuse(h, record_number(r, K_ID), h->names_hopeless ? "dnskey cannot be begun" : "no memory to ask for it");
        return;
    }
    ask(h);
}

void hand_dnskey_record(struct hand *h, const struct record *r)
{
    struct record_writer w;
    if (h->names_asked == 0 || r->re != V_RESOLVE) {
        hand_end(h, EXIT_SYSTEM, "dnskey says what nobody has asked: nothing is negotiated with it");
        return;
    }
    h->names_asked--;
    if (r->verb == V_OK) {
        record_answer(&w, hand_out(h, LINE_SECRETS), V_OK, V_RESOLVE, record_number(r, K_ID));
        record_put_text(&w, K_ADDRESSES, record_text(r, K_ADDRESSES));
        (void)record_finish(&w);
    } else { /* one that may have an answer later has none now */
        refuse(h, record_number(r, K_ID), record_text(r, K_WHY));
    }
    ask(h);
}
