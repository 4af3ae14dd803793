/*
 * The packet decoder: header, payloads, proposals, identities, notifications, deletes, printer.
 *
 * Input: a datagram in the clear. Holds: what was decoded is encoded to what decodes to the same; a
 * choice is one that was offered and allowed; a line for a person is printable; what is refused is
 * so with one record.
 */
#include "fuzz.h"

#include "identity.h"
#include "ike-negotiate/informational.h"
#include "ike-negotiate/print.h"
#include "ike-negotiate/vendor.h"
#include "ike-negotiate/sa.h"
#include "tests/unit/void_ike.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1000
#define IKE_ALLOWED "default,3des-md5-modp1024"

static void check_line(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        fuzz_check(*c >= ' ' && *c <= '~');
    }
}

static void take_line(void *context, const char *text)
{
    (void)context;
    check_line(text);
}

/* ---- any payload ---- */

static void check_encoding(unsigned type, const struct payload_view *v)
{
    struct buffer out;
    struct payload_view again;
    buffer_init(&out, 0);
    payload_encode(&out, v);
    buffer_add_u8(&out, 0); /* else an empty one would be at NULL */
    fuzz_check(payload_decode(&again, type, out.data, out.len - 1) == NULL);
    for (size_t i = 0; i < FIELDS_MAX && v->spec->field[i].form != FORM_END; i++) {
        const enum form form = v->spec->field[i].form;
        if (form == FORM_RESERVED8 || form == FORM_RESERVED16) {
            continue;
        }
        fuzz_check(again.field[i].number == v->field[i].number);
        fuzz_check(again.field[i].len == v->field[i].len);
        fuzz_check(v->field[i].len == 0
                   || memcmp(again.field[i].bytes, v->field[i].bytes, v->field[i].len) == 0);
    }
    buffer_wipe(&out);
}

/* ---- identities, notifications, deletes ---- */

static void read_identity(const uint8_t *body, size_t len)
{
    struct identity id = { .type = ID_ANY };
    struct subnet net;
    uint8_t again[ID_BODY_MAX];
    uint8_t protocol;
    uint16_t port;
    char text[IDENTITY_TEXT];

    if (identity_decode(&id, body, len) == NULL) {
        struct identity second = { .type = ID_ANY };
        size_t n = identity_encode(&id, again);
        fuzz_check(identity_decode(&second, again, n) == NULL && identity_equal(&id, &second));
        identity_print(&id, text);
        check_line(text);
        fuzz_check(identity_parse(&second, text) == NULL && identity_equal(&id, &second));
    }
    if (client_decode(&net, &protocol, &port, body, len) == NULL) {
        struct subnet second;
        uint8_t second_protocol;
        uint16_t second_port;
        size_t n = client_encode(&net, protocol, port, again);
        fuzz_check(client_decode(&second, &second_protocol, &second_port, again, n) == NULL);
        fuzz_check(subnet_equal(&net, &second) && protocol == second_protocol
                   && port == second_port);
    }
}

/* A life, whatever the notification is called. */
static void read_lifetime(const struct notification *n)
{
    struct notification again;
    struct buffer out;
    uint32_t life = 1;
    uint32_t same = 0;
    static const uint8_t spi[4] = { 1, 2, 3, 4 };
    const char *why = lifetime_decode(&life, n);
    if (why != NULL || life == 0) {
        fuzz_check(why == NULL || (why[0] != '\0' && life == 0));
        return;
    }
    buffer_init(&out, 0);
    lifetime_encode(&out, spi, life);
    fuzz_check(notification_decode(&again, out.data, out.len) == NULL);
    fuzz_check(lifetime_decode(&same, &again) == NULL && same == life);
    buffer_wipe(&out);
}

static void read_notification(const uint8_t *body, size_t len)
{
    struct notification n;
    struct buffer out;
    if (notification_decode(&n, body, len) != NULL) {
        return;
    }
    buffer_init(&out, 0);
    notification_encode(&out, &n);
    fuzz_check(out.len == len && memcmp(out.data, body, len) == 0);
    buffer_wipe(&out);
    check_line(notify_name(n.type));
    read_lifetime(&n);
}

static void read_delete(const uint8_t *body, size_t len)
{
    struct delete_payload d;
    struct buffer out;
    if (delete_decode(&d, body, len) != NULL) {
        return;
    }
    buffer_init(&out, 0);
    delete_encode(&out, &d);
    fuzz_check(out.len == len && memcmp(out.data, body, len) == 0);
    buffer_wipe(&out);
}

/* ---- proposals ---- */

static void read_ike_offer(const uint8_t *body, size_t len)
{
    static struct sa_offer o;
    static struct sa_offer echo;
    static struct ike_proposals allowed;
    struct ike_suite suite;
    unsigned method;
    struct buffer out;
    uint32_t life;
    char text[TEXT_MAX];
    const unsigned methods = 1u << AUTH_PSK;

    if (sa_decode_ike(&o, body, len) != NULL) {
        return;
    }
    fuzz_check(ike_proposals_parse(&allowed, IKE_ALLOWED, NULL) == NULL);
    sa_print_ike_offer(&o, text, sizeof text);
    check_line(text);
    sa_print_ike_allowed(&allowed, methods, text, sizeof text);
    (void)sa_weak_ike(&o, &allowed, methods, text, sizeof text);
    int chosen = sa_choose_ike(&o, &allowed, methods, LIFE_MAX);
    for (size_t i = 0; i < o.transform_count; i++) {
        bool wanted = sa_why_not_ike(&o, i, &allowed, methods, LIFE_MAX) == NULL;
        fuzz_check(!wanted || (chosen >= 0 && (size_t)chosen <= i));
        (void)sa_ike_life(&o.transform[i]);
    }
    (void)sa_check_ike_answer(&o, &allowed, 1u << AUTH_PSK, 3600, &suite, &method, &life);
    if (chosen >= 0) {
        buffer_init(&out, 0);
        sa_encode_choice(&out, &o, (size_t)chosen, NULL, 0);
        fuzz_check(sa_decode_ike(&echo, out.data, out.len) == NULL && echo.transform_count == 1);
        fuzz_check(ike_proposals_find(&allowed, &echo.transform[0].ike) >= 0);
        buffer_wipe(&out);
    }
}

static void read_esp_offer(const uint8_t *body, size_t len, bool has_ke)
{
    static struct sa_offer o;
    static struct sa_offer echo;
    static struct esp_proposals allowed;
    static const uint8_t spi[4] = { 0, 0, 0x20, 0 };
    struct group_list groups;
    struct esp_suite suite;
    struct buffer out;
    uint32_t life;
    char text[TEXT_MAX];

    if (sa_decode_esp(&o, body, len) != NULL) {
        return;
    }
    fuzz_check(esp_proposals_parse(&allowed, "default", NULL) == NULL);
    fuzz_check(group_list_parse(&groups, "modp2048,curve25519", NULL) == NULL);
    const struct sa_esp_terms terms = {
        .allowed = &allowed, .modes = 1u << SA_MODE_TUNNEL | 1u << SA_MODE_TRANSPORT,
        .mode_absent = SA_MODE_TUNNEL, .groups = &groups, .has_ke = has_ke, .life_max = LIFE_MAX
    };
    sa_print_esp_offer(&o, text, sizeof text);
    check_line(text);
    sa_print_esp_allowed(&terms, text, sizeof text);
    (void)sa_weak_esp(&o, &terms, text, sizeof text);
    int chosen = sa_choose_esp(&o, &terms);
    for (size_t i = 0; i < o.transform_count; i++) {
        bool wanted = sa_why_not_esp(&o, i, &terms) == NULL;
        fuzz_check(!wanted || (chosen >= 0 && (size_t)chosen <= i));
        (void)sa_esp_life(&o.transform[i]);
    }
    if (sa_check_esp_answer(&o, &allowed, SA_MODE_TUNNEL, 0, 3600, &suite, &life) == NULL) {
        fuzz_check(o.proposal[0].spi_len == 4 && life > 0 && life <= 3600);
    }
    if (chosen >= 0) {
        buffer_init(&out, 0);
        sa_encode_choice(&out, &o, (size_t)chosen, spi, sizeof spi);
        fuzz_check(sa_decode_esp(&echo, out.data, out.len) == NULL && echo.transform_count == 1);
        fuzz_check(esp_proposals_find(&allowed, &echo.transform[0].esp) >= 0);
        buffer_wipe(&out);
    }
}

/* ---- exchanges that are refused ---- */

static void count_sent(void *context, const struct path *path, const uint8_t *bytes, size_t len)
{
    unsigned *sent = context;
    (void)path;
    fuzz_check(bytes != NULL && len >= ISAKMP_HEADER_LEN);
    ++*sent;
}

static void read_refused(const struct message *m)
{
    static struct record r;
    struct path path = { .local_port = 500, .remote_port = 500 };
    struct buffer said = { 0 };
    unsigned sent = 0;
    const struct ike_outputs outputs = { &said, void_kernel_sa, void_worker, count_sent, &sent };
    struct ike *ike = ike_new(&outputs);
    fuzz_check(ike != NULL && address_parse(&path.local, "10.9.0.1") == NULL);
    fuzz_check(address_parse(&path.remote, "10.9.0.2") == NULL);
    refuse_exchange(ike, &path, m);
    struct fuzz_input in = { said.data, said.len };
    size_t len;
    char *line = fuzz_until(&in, '\n', &len);
    fuzz_check(in.left == 0 && fuzz_record(&r, line, len, N_P) == NULL && r.verb == V_LOG);
    fuzz_check(sent <= 1);
    free(line);
    buffer_wipe(&said);
    ike_free(ike);
}

/* ---- the whole ---- */

static void read_payload(const struct message *m, const struct payload *p)
{
    struct payload_view v;
    if (payload_spec(p->type) == NULL) {
        return;
    }
    fuzz_check(payload_decode(&v, p->type, p->body, p->body_len) == NULL);
    check_encoding(p->type, &v);
    switch (p->type) {
    case PAYLOAD_SA:
        read_ike_offer(p->body, p->body_len);
        read_esp_offer(p->body, p->body_len, message_count(m, PAYLOAD_KE) > 0);
        break;
    case PAYLOAD_ID:
        read_identity(p->body, p->body_len);
        break;
    case PAYLOAD_N:
        read_notification(p->body, p->body_len);
        break;
    case PAYLOAD_D:
        read_delete(p->body, p->body_len);
        break;
    case PAYLOAD_VID:
        check_line(vendor_name(p->body, p->body_len) == NULL ? "" : vendor_name(p->body, p->body_len));
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message m;
    if (size > MESSAGE_MAX) {
        return -1;
    }
    const char *why = header_decode(&m.header, data, size);
    (void)why; /* what follows is read even so: a wrong length field is found by chance only */
    if (size < ISAKMP_HEADER_LEN) {
        return 0;
    }
    print_header(&m.header, take_line, NULL);
    print_packet(data, size, take_line, NULL);
    if (payloads_decode(&m, m.header.next_payload, data + ISAKMP_HEADER_LEN,
                        size - ISAKMP_HEADER_LEN) != NULL) {
        return 0;
    }
    fuzz_check(m.count <= PAYLOADS_MAX && m.payloads_len <= size - ISAKMP_HEADER_LEN);
    print_payloads(&m, take_line, NULL);
    if (m.header.exchange != EXCHANGE_MAIN && m.header.exchange != EXCHANGE_QUICK
        && m.header.exchange != EXCHANGE_INFORMATIONAL) {
        read_refused(&m);
    }
    for (size_t i = 0; i < m.count; i++) {
        fuzz_check(message_find(&m, m.payload[i].type, 0) != NULL);
        read_payload(&m, &m.payload[i]);
    }
    return 0;
}
