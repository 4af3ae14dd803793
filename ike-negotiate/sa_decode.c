/* SA payloads taken apart; see sa.h. */
#include "notify.h"
#include "sa_transform.h"

static const char *decode_transform(struct sa_offer *o, const struct chain_item *item,
                                    const struct sa_proposal *p, const char *proposal_why)
{
    struct payload_view v;
    struct sa_progress progress = { .seen = 0 };

    const char *why = payload_decode(&v, PAYLOAD_T, item->body, item->body_len);
    if (why != NULL) {
        return why;
    }
    struct sa_transform *t = &o->transform[o->transform_count];
    *t = (struct sa_transform){
        .proposal = o->proposal_count,
        .number = (uint8_t)v.field[T_NUMBER].number,
        .id = (uint8_t)v.field[T_ID].number,
        .why_not = proposal_why,
        .body = item->body,
        .body_len = item->body_len,
    };
    if (item->reserved != 0 || v.field[T_RESERVED].number != 0) {
        o->odd |= ODD_RESERVED;
    }
    const uint8_t *at = v.field[T_ATTRIBUTES].bytes;
    size_t left = v.field[T_ATTRIBUTES].len;
    while (left > 0) {
        struct attribute a;
        why = attribute_take(&a, &at, &left);
        if (why != NULL) {
            return why;
        }
        sa_transform_take(t, &progress, &a, p->protocol);
    }
    sa_transform_understand(t, &progress, p->protocol);
    o->transform_count++;
    return NULL;
}

/* Why no transform of this proposal can be taken, or NULL. */
static const char *check_proposal(const struct sa_proposal *p, bool phase1)
{
    if (phase1) {
        if (p->protocol != PROTOCOL_ISAKMP) {
            return "a proposal that is not for ISAKMP";
        }
        return p->spi_len > ISAKMP_SPI_MAX ? "an SPI of more than 16 bytes" : NULL;
    }
    switch (p->protocol) {
    case PROTOCOL_AH:
    case PROTOCOL_ESP:
        if (p->spi_len != 4) {
            return "an SPI that has not 4 bytes";
        }
        /* RFC 4303, 2.1: 0 to 255 are reserved. */
        return p->spi[0] == 0 && p->spi[1] == 0 && p->spi[2] == 0 ? "a reserved SPI" : NULL;
    case PROTOCOL_IPCOMP:
        return p->spi_len != 2 && p->spi_len != 4 ? "a CPI that has not 2 or 4 bytes" : NULL;
    default:
        return "a proposal for an unknown protocol";
    }
}

static const char *decode_transforms(struct sa_offer *o, struct sa_proposal *p,
                                     const struct payload_view *v, bool phase1)
{
    const uint8_t *at = v->field[P_TRANSFORMS].bytes;
    size_t left = v->field[P_TRANSFORMS].len;
    const char *proposal_why = check_proposal(p, phase1);
    uint8_t type = PAYLOAD_T;

    if (left == 0) {
        return "a proposal without a transform";
    }
    while (type != PAYLOAD_NONE) {
        struct chain_item item;
        if (type != PAYLOAD_T) {
            return "something else than transforms in a proposal";
        }
        if (o->transform_count == TRANSFORMS_MAX) {
            return "too many transforms in an SA payload";
        }
        const char *why = chain_take(&item, &at, &left);
        if (why == NULL) {
            why = decode_transform(o, &item, p, proposal_why);
        }
        if (why != NULL) {
            return why;
        }
        type = item.next;
    }
    p->count = o->transform_count - p->first;
    if (left > 0) {
        return "bytes after the last transform of a proposal";
    }
    return p->count != v->field[P_TRANSFORM_COUNT].number
               ? "a proposal that does not have as many transforms as it says"
               : NULL;
}

static const char *decode_proposal(struct sa_offer *o, const struct chain_item *item, bool phase1)
{
    struct payload_view v;
    const char *why = payload_decode(&v, PAYLOAD_P, item->body, item->body_len);
    if (why != NULL) {
        return why;
    }
    struct sa_proposal *p = &o->proposal[o->proposal_count];
    *p = (struct sa_proposal){
        .number = (uint8_t)v.field[P_NUMBER].number,
        .protocol = (uint8_t)v.field[P_PROTOCOL].number,
        .spi = v.field[P_SPI].bytes,
        .spi_len = v.field[P_SPI].len,
        .first = o->transform_count,
    };
    why = decode_transforms(o, p, &v, phase1);
    if (why != NULL) {
        return why;
    }
    unsigned before = o->proposal_count == 0 ? 0 : o->proposal[o->proposal_count - 1].number;
    o->odd |= item->reserved != 0 ? ODD_RESERVED : ODD_NONE;
    o->odd |= phase1 && p->spi_len > 0 ? ODD_PHASE1_SPI : ODD_NONE;
    if (p->number == 0 || (p->number != before && p->number != before + 1)) {
        o->odd |= ODD_PROPOSAL_NUMBERS;
    }
    for (size_t i = 0; i < o->proposal_count; i++) {
        if (o->proposal[i].number == p->number) {
            o->proposal[i].bundled = true;
            p->bundled = true;
        }
    }
    o->proposal_count++;
    return NULL;
}

static const char *decode_proposals(struct sa_offer *o, const struct payload_field *f, bool phase1)
{
    const uint8_t *at = f->bytes;
    size_t left = f->len;
    uint8_t type = PAYLOAD_P;

    if (left == 0) {
        return "an SA payload without a proposal";
    }
    while (type != PAYLOAD_NONE) {
        struct chain_item item;
        if (type != PAYLOAD_P) {
            return "something else than proposals in an SA payload";
        }
        if (o->proposal_count == PROPOSALS_MAX) {
            return "too many proposals in an SA payload";
        }
        const char *why = chain_take(&item, &at, &left);
        if (why == NULL) {
            why = decode_proposal(o, &item, phase1);
        }
        if (why != NULL) {
            return why;
        }
        type = item.next;
    }
    return left > 0 ? "bytes after the last proposal of an SA payload" : NULL;
}

static const char *decode_body(struct sa_offer *o, const uint8_t *body, size_t len, bool phase1)
{
    struct payload_view v;

    o->notification = NOTIFY_PAYLOAD_MALFORMED;
    const char *why = payload_decode(&v, PAYLOAD_SA, body, len);
    if (why != NULL) {
        return why;
    }
    if (v.field[SA_DOI].number != DOI_IPSEC) {
        o->notification = NOTIFY_DOI_NOT_SUPPORTED;
        return "an SA payload of another DOI than IPsec";
    }
    if (v.field[SA_SITUATION].number != SIT_IDENTITY_ONLY) {
        o->notification = NOTIFY_SITUATION_NOT_SUPPORTED;
        return "an SA payload of another situation than identity only";
    }
    o->notification = NOTIFY_BAD_PROPOSAL_SYNTAX;
    return decode_proposals(o, &v.field[SA_PROPOSALS], phase1);
}

static const char *decode(struct sa_offer *o, const uint8_t *body, size_t len, bool phase1)
{
    o->odd = ODD_NONE;
    o->proposal_count = 0;
    o->transform_count = 0;
    const char *why = decode_body(o, body, len, phase1);
    if (why != NULL) {
        o->proposal_count = 0;
        o->transform_count = 0;
        return why;
    }
    o->notification = 0;
    return NULL;
}

const char *sa_decode_ike(struct sa_offer *o, const uint8_t *body, size_t len)
{
    return decode(o, body, len, true);
}

const char *sa_decode_esp(struct sa_offer *o, const uint8_t *body, size_t len)
{
    return decode(o, body, len, false);
}
