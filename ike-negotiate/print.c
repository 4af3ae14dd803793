#include "print.h"

#include "attribute.h"
#include "text.h"
#include "vendor.h"

#include <stdio.h>

#define PRINT_LINE 400
#define BYTES_SHOWN 48
#define DEPTH_MAX 3 /* SA, proposal, transform */

struct printer {
    print_line *line;
    void *context;
    unsigned protocol; /* of the proposal that is being shown */
};

static void add_number(struct text *t, const struct field_spec *f, uint32_t number)
{
    const char *name = f->value_name != NULL ? f->value_name(number) : NULL;
    text_add(t, " %s %u", f->name, number);
    if (name != NULL) {
        text_add(t, " (%s)", name);
    }
}

/* All but what nests, on one line. */
static void print_fields(const struct printer *p, const struct payload_view *v, unsigned indent,
                         size_t whole_len)
{
    char out[PRINT_LINE];
    struct text t;
    text_begin(&t, out, sizeof out);
    text_add(&t, "%*s%s, %zu bytes:", (int)indent, "", v->spec->name, whole_len);
    for (size_t i = 0; i < FIELDS_MAX && v->spec->field[i].form != FORM_END; i++) {
        const struct field_spec *f = &v->spec->field[i];
        switch (f->form) {
        case FORM_U8:
        case FORM_U16:
        case FORM_U32:
            add_number(&t, f, v->field[i].number);
            break;
        case FORM_COUNTED:
        case FORM_ELEMENTS:
        case FORM_REST:
            if (v->field[i].len > 0) {
                text_add(&t, " %s ", f->name);
                text_add_hex(&t, v->field[i].bytes, v->field[i].len, BYTES_SHOWN);
            }
            if (v->spec == payload_spec(PAYLOAD_VID)) {
                const char *name = vendor_name(v->field[i].bytes, v->field[i].len);
                text_add(&t, " (%s)", name != NULL ? name : "unknown");
            }
            break;
        default:
            break;
        }
    }
    p->line(p->context, out);
}

static void print_attributes(const struct printer *p, const uint8_t *at, size_t left,
                             unsigned indent)
{
    while (left > 0) {
        char out[PRINT_LINE];
        struct text t;
        struct attribute a;
        const char *why = attribute_take(&a, &at, &left);
        text_begin(&t, out, sizeof out);
        text_add(&t, "%*s", (int)indent, "");
        if (why != NULL) {
            text_add(&t, "%s", why);
            p->line(p->context, out);
            return;
        }
        const char *name = attribute_name(p->protocol, a.type);
        text_add(&t, "%s %u: ", name != NULL ? name : "attribute", a.type);
        if (a.fits) {
            const char *value = attribute_value_name(p->protocol, a.type, a.value);
            text_add(&t, "%llu", (unsigned long long)a.value);
            if (value != NULL) {
                text_add(&t, " (%s)", value);
            }
        } else {
            text_add_hex(&t, a.bytes, a.len, BYTES_SHOWN);
        }
        p->line(p->context, out);
    }
}

struct level {
    const uint8_t *at;
    size_t left;
    uint8_t type; /* of the next payload at this level */
};

/* Shows one payload; if it holds a chain, *inner becomes its begin. */
static bool print_body(struct printer *p, unsigned type, const struct chain_item *item,
                       unsigned indent, struct level *inner)
{
    struct payload_view v;
    char out[PRINT_LINE];
    struct text t;
    bool nests = false;
    const char *why = payload_decode(&v, type, item->body, item->body_len);

    if (why != NULL) {
        text_begin(&t, out, sizeof out);
        text_add(&t, "%*spayload %u (%s), %zu bytes: ", (int)indent, "", type, why,
                 item->whole_len);
        text_add_hex(&t, item->body, item->body_len, BYTES_SHOWN);
        p->line(p->context, out);
        return false;
    }
    print_fields(p, &v, indent, item->whole_len);
    if (type == PAYLOAD_P) {
        p->protocol = v.field[P_PROTOCOL].number;
    } else if (type == PAYLOAD_ATTRIBUTES) {
        p->protocol = 0;
    }
    for (size_t i = 0; i < FIELDS_MAX; i++) {
        const struct field_spec *f = &v.spec->field[i];
        if (f->form == FORM_ATTRIBUTES) {
            print_attributes(p, v.field[i].bytes, v.field[i].len, indent + 2);
        } else if (f->form == FORM_CHAIN) {
            *inner = (struct level){ v.field[i].bytes, v.field[i].len, f->nested };
            nests = true;
        }
    }
    return nests;
}

/* The chain and what nests in it. */
static void print_chain(struct printer *p, const struct level *chain)
{
    struct level levels[DEPTH_MAX + 1] = { *chain };
    size_t depth = 0;

    for (;;) {
        struct level *top = &levels[depth];
        struct chain_item item;
        if (top->type == PAYLOAD_NONE) {
            if (depth == 0) {
                return;
            }
            depth--;
            continue;
        }
        const char *why = chain_take(&item, &top->at, &top->left);
        if (why != NULL) {
            p->line(p->context, why);
            top->type = PAYLOAD_NONE;
            continue;
        }
        unsigned type = top->type;
        top->type = item.next;
        struct level inner = { NULL, 0, PAYLOAD_NONE };
        if (print_body(p, type, &item, (unsigned)(2 * depth + 2), &inner) && depth < DEPTH_MAX) {
            levels[++depth] = inner;
        }
    }
}

void print_header(const struct isakmp_header *h, print_line *line, void *context)
{
    char out[PRINT_LINE];
    struct text t;
    const char *exchange = exchange_type_name(h->exchange);

    text_begin(&t, out, sizeof out);
    text_add(&t, "ISAKMP %u.%u, cookies ", h->version >> 4, h->version & 15u);
    text_add_hex(&t, h->cky_i, COOKIE_LEN, COOKIE_LEN);
    text_add(&t, " ");
    text_add_hex(&t, h->cky_r, COOKIE_LEN, COOKIE_LEN);
    text_add(&t, ", exchange %u (%s), flags", h->exchange,
             exchange != NULL ? exchange : "unknown");
    text_add(&t, "%s%s%s", (h->flags & FLAG_ENCRYPTION) != 0 ? " encryption" : "",
             (h->flags & FLAG_COMMIT) != 0 ? " commit" : "",
             (h->flags & FLAG_AUTH_ONLY) != 0 ? " authentication-only" : "");
    text_add(&t, " 0x%02x, message id %08x, %u bytes, first payload %s", h->flags, h->message_id,
             h->length, h->next_payload == PAYLOAD_NONE ? "none" : payload_name(h->next_payload));
    line(context, out);
}

void print_payloads(const struct message *m, print_line *line, void *context)
{
    struct printer p = { .line = line, .context = context };
    if (m->count > 0) {
        const struct level chain = { m->payloads, m->payloads_len, m->payload[0].type };
        print_chain(&p, &chain);
    }
}

void print_packet(const uint8_t *packet, size_t len, print_line *line, void *context)
{
    struct printer p = { .line = line, .context = context };
    struct isakmp_header h;
    const char *why = header_decode(&h, packet, len);
    print_header(&h, line, context);
    if (why != NULL) {
        line(context, why);
        return;
    }
    const struct level chain = { packet + ISAKMP_HEADER_LEN, len - ISAKMP_HEADER_LEN,
                                 h.next_payload };
    print_chain(&p, &chain);
}
