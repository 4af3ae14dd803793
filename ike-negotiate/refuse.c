/*
 * What we do not do: Aggressive Mode, XAUTH, Mode Config, fragments. Each is refused in one line,
 * which says what setting of the peer asked for it (interop Q13), and changes nothing.
 */
#include "informational.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

#define LINE 700

/* What stands open in the first message says more than the exchange's name. */
static void aggressive_line(const struct message *m, char *out, size_t size)
{
    const struct payload *sa = message_find(m, PAYLOAD_SA, 0);
    struct sa_offer offer;
    char theirs[300] = "";
    char method[200] = "";
    if (sa != NULL && sa_decode_ike(&offer, sa->body, sa->body_len) == NULL) {
        sa_print_ike_offer(&offer, theirs, sizeof theirs);
        (void)sa_other_method(&offer, 1u << AUTH_PSK, method, sizeof method);
    }
    snprintf(out, size, "Aggressive Mode is not supported: the message is ignored; set the peer to "
                        "Main Mode%s%s%s%s%s", theirs[0] == '\0' ? "" : " (it proposed ",
             theirs, theirs[0] == '\0' ? "" : ")", method[0] == '\0' ? "" : "; ", method);
}

enum { CFG_REQUEST = 1, CFG_SET = 3 }; /* draft-ietf-ipsec-isakmp-mode-cfg */
enum { XAUTH_FIRST = 16520, XAUTH_LAST = 16529 }; /* draft-beaulieu-ike-xauth */
#define ATTRIBUTES_AT 4 /* behind type, reserved and identifier */
static const char both_settings[] = "switch XAUTH and Mode Config off at the peer";

static const char *transaction_setting(const struct payload *p)
{
    const uint8_t *at = p->body + ATTRIBUTES_AT;
    size_t left = p->body_len - ATTRIBUTES_AT;
    struct attribute a;
    while (left > 0 && attribute_take(&a, &at, &left) == NULL) {
        if (a.type >= XAUTH_FIRST && a.type <= XAUTH_LAST) {
            return "the peer asks for a user's name and password: switch XAUTH (extended "
                   "authentication) off for us at the peer";
        }
    }
    if (p->body[0] == CFG_REQUEST) {
        return "the peer asks us for an address: switch Mode Config off at it";
    }
    return p->body[0] == CFG_SET ? "the peer wants to set our address: switch Mode Config off at it"
                                 : both_settings;
}

static void transaction_line(const struct message *m, char *out, size_t size)
{
    const struct payload *p = m->count > 1 ? message_find(m, PAYLOAD_ATTRIBUTES, 0) : NULL;
    snprintf(out, size, "a Transaction (Mode Config or XAUTH) is not supported: the message is "
                        "ignored; %s",
             p != NULL && p->body_len >= ATTRIBUTES_AT ? transaction_setting(p) : both_settings);
}

void refuse_exchange(struct ike *ike, const struct path *path, const struct message *m)
{
    const struct isakmp_header *h = &m->header;
    const char *name = exchange_type_name(h->exchange);
    char line[LINE];

    if (h->exchange == EXCHANGE_AGGRESSIVE) {
        aggressive_line(m, line, sizeof line);
    } else if (h->exchange == EXCHANGE_TRANSACTION) {
        transaction_line(m, line, sizeof line);
    } else {
        snprintf(line, sizeof line, "%s is not supported: the message is ignored",
                 name != NULL ? name : "this exchange type");
    }
    count_ignored(ike, FLAW_UNSUPPORTED);
    bool said = report_stranger(ike, path, "%s", line);
    if (said && h->exchange == EXCHANGE_AGGRESSIVE) { /* as seldom as it is logged */
        send_clear_notification(ike, path, h->cky_i, h->cky_r, NOTIFY_UNSUPPORTED_EXCHANGE_TYPE);
    }
}

/* Never encrypted, even where the flag says so (racoon sets that of the whole; interop Q7). */
bool refuse_fragment(struct ike *ike, const struct path *path, const struct isakmp_header *h)
{
    if (h->next_payload != PAYLOAD_FRAGMENT) {
        return false;
    }
    count_ignored(ike, FLAW_UNSUPPORTED);
    report_stranger(ike, path, "a fragment of an IKE message is ignored: fragmentation is not "
                               "supported, and we did not offer it; switch it off at the peer");
    return true;
}
