/* Proposals written, chosen and compared; see sa.h. */
#include "sa.h"

#include "attribute.h"

#include <assert.h>
#include <string.h>

/* ---- writing ---- */

/* Begins a payload inside of another; returns where its length belongs. */
static size_t begin_nested(struct buffer *body, unsigned next)
{
    size_t at = body->len;
    buffer_add_u8(body, next);
    buffer_add_u8(body, 0);
    buffer_add_u16(body, 0);
    return at;
}

static void end_nested(struct buffer *body, size_t at)
{
    if (body->len - at > UINT16_MAX) {
        body->overflowed = true;
        return;
    }
    buffer_put_u16(body, at + 2, (unsigned)(body->len - at));
}

static void encode_sa_head(struct buffer *body)
{
    const struct payload_view v = {
        .spec = payload_spec(PAYLOAD_SA),
        .field = { [SA_DOI] = { .number = DOI_IPSEC },
                   [SA_SITUATION] = { .number = SIT_IDENTITY_ONLY } },
    };
    payload_encode(body, &v);
}

/* The only proposal of a body, up to its transforms. */
static size_t begin_proposal(struct buffer *body, unsigned number, unsigned protocol,
                             const uint8_t *spi, size_t spi_len, size_t transforms)
{
    assert(transforms >= 1 && transforms <= UINT8_MAX && spi_len <= UINT8_MAX);
    const struct payload_view v = {
        .spec = payload_spec(PAYLOAD_P),
        .field = { [P_NUMBER] = { .number = number },
                   [P_PROTOCOL] = { .number = protocol },
                   [P_SPI_SIZE] = { .number = (uint32_t)spi_len },
                   [P_TRANSFORM_COUNT] = { .number = (uint32_t)transforms },
                   [P_SPI] = { .bytes = spi, .len = spi_len } },
    };
    size_t at = begin_nested(body, PAYLOAD_NONE);
    payload_encode(body, &v);
    return at;
}

/* Transform `place` (from 0) of `count`, up to its attributes. */
static size_t begin_transform(struct buffer *body, size_t place, size_t count, unsigned id)
{
    const struct payload_view v = {
        .spec = payload_spec(PAYLOAD_T),
        .field = { [T_NUMBER] = { .number = (uint32_t)place + 1 }, [T_ID] = { .number = id } },
    };
    size_t at = begin_nested(body, place + 1 < count ? PAYLOAD_T : PAYLOAD_NONE);
    payload_encode(body, &v);
    return at;
}

void sa_encode_ike_offer(struct buffer *body, const struct ike_proposals *p, unsigned methods,
                         uint32_t life)
{
    unsigned method[2]; /* what is stronger comes first */
    size_t n = 0;
    if ((methods & 1u << AUTH_RSASIG) != 0) {
        method[n++] = AUTH_RSASIG;
    }
    if ((methods & 1u << AUTH_PSK) != 0) {
        method[n++] = AUTH_PSK;
    }
    encode_sa_head(body);
    size_t proposal = begin_proposal(body, 1, PROTOCOL_ISAKMP, NULL, 0, n * p->offered);
    for (size_t i = 0; i < n * p->offered; i++) {
        const struct ike_suite *s = &p->suite[i / n];
        size_t transform = begin_transform(body, i, n * p->offered, TRANSFORM_KEY_IKE);
        attribute_put(body, IKE_ENCRYPTION, s->cipher->ike_number);
        if (s->cipher->key_bits != 0) {
            attribute_put(body, IKE_KEY_LENGTH, s->cipher->key_bits);
        }
        attribute_put(body, IKE_HASH, s->hash->ike_number);
        attribute_put(body, IKE_AUTH_METHOD, method[i % n]);
        attribute_put(body, IKE_GROUP, s->group->number);
        attribute_put(body, IKE_LIFE_TYPE, LIFE_SECONDS);
        attribute_put(body, IKE_LIFE_DURATION, life);
        end_nested(body, transform);
    }
    end_nested(body, proposal);
}

void sa_encode_esp_offer(struct buffer *body, const struct esp_proposals *p, const uint8_t spi[4],
                         unsigned mode, unsigned group_number, uint32_t life)
{
    encode_sa_head(body);
    size_t proposal = begin_proposal(body, 1, PROTOCOL_ESP, spi, 4, p->offered);
    for (size_t i = 0; i < p->offered; i++) {
        const struct esp_suite *s = &p->suite[i];
        size_t transform = begin_transform(body, i, p->offered, s->cipher->esp_number);
        attribute_put(body, IPSEC_LIFE_TYPE, LIFE_SECONDS);
        attribute_put(body, IPSEC_LIFE_DURATION, life);
        attribute_put(body, IPSEC_MODE, mode);
        if (group_number != 0) {
            attribute_put(body, IPSEC_GROUP, group_number);
        }
        if (s->cipher->key_bits != 0) {
            attribute_put(body, IPSEC_KEY_LENGTH, s->cipher->key_bits);
        }
        if (s->hash != NULL) {
            attribute_put(body, IPSEC_AUTH, s->hash->esp_number);
        }
        end_nested(body, transform);
    }
    end_nested(body, proposal);
}

void sa_encode_choice(struct buffer *body, const struct sa_offer *offer, size_t index,
                      const uint8_t *spi, size_t spi_len)
{
    assert(index < offer->transform_count);
    const struct sa_transform *t = &offer->transform[index];
    const struct sa_proposal *p = &offer->proposal[t->proposal];

    encode_sa_head(body);
    size_t proposal = begin_proposal(body, p->number, p->protocol, spi, spi_len, 1);
    size_t transform = begin_nested(body, PAYLOAD_NONE);
    buffer_add(body, t->body, t->body_len);
    end_nested(body, transform);
    end_nested(body, proposal);
}

/* ---- lives ---- */

uint32_t sa_ike_life(const struct sa_transform *t)
{
    return t->life_seconds != 0 ? t->life_seconds : IKE_LIFE_ABSENT;
}

uint32_t sa_esp_life(const struct sa_transform *t)
{
    return t->life_seconds != 0 ? t->life_seconds : IPSEC_LIFE_ABSENT;
}

/* ---- choosing, as responder ---- */

static const char *common_why(const struct sa_offer *o, const struct sa_transform *t)
{
    if (t->why_not != NULL) {
        return t->why_not;
    }
    return o->proposal[t->proposal].bundled ? "wanted together with another protocol" : NULL;
}

const char *sa_why_not_ike(const struct sa_offer *o, size_t index,
                           const struct ike_proposals *allowed, unsigned methods,
                           uint32_t life_max)
{
    const struct sa_transform *t = &o->transform[index];
    const char *why = common_why(o, t);
    if (why != NULL) {
        return why;
    }
    if (t->auth_method >= 32 || (methods & 1u << t->auth_method) == 0) {
        return "an authentication method that is not allowed";
    }
    if (sa_ike_life(t) > life_max) {
        return "a life that is longer than allowed";
    }
    return allowed != NULL && ike_proposals_find(allowed, &t->ike) < 0
               ? "an --ike proposal that is not allowed"
               : NULL;
}

int sa_choose_ike(const struct sa_offer *o, const struct ike_proposals *allowed, unsigned methods,
                  uint32_t life_max)
{
    for (size_t i = 0; i < o->transform_count; i++) {
        if (sa_why_not_ike(o, i, allowed, methods, life_max) == NULL) {
            return (int)i;
        }
    }
    return -1;
}

static const char *mode_why(const struct sa_transform *t, const struct sa_esp_terms *terms)
{
    unsigned mode = t->mode != SA_MODE_NONE ? t->mode : terms->mode_absent;
    if ((terms->modes & 1u << mode) == 0) {
        return "an encapsulation mode that is not allowed";
    }
    if (t->mode != SA_MODE_NONE && t->mode_udp != terms->udp) {
        return t->mode_udp ? "encapsulation in UDP, but there is no address translation"
                           : "no encapsulation in UDP, but there is address translation";
    }
    return NULL;
}

static const char *group_why(const struct sa_transform *t, const struct sa_esp_terms *terms)
{
    if (t->group_number == 0) {
        if (terms->has_ke) {
            return "a KE payload, but no group for it";
        }
        return terms->pfs_required ? "no PFS, but it is required (--pfs)" : NULL;
    }
    if (!terms->has_ke) {
        return "a group, but no KE payload for it";
    }
    for (size_t i = 0; terms->groups != NULL && i < terms->groups->count; i++) {
        if (terms->groups->group[i]->number == t->group_number) {
            return NULL;
        }
    }
    return "a group for PFS that is not allowed (--pfsgroup)";
}

const char *sa_why_not_esp(const struct sa_offer *o, size_t index,
                           const struct sa_esp_terms *terms)
{
    const struct sa_transform *t = &o->transform[index];
    const char *why = common_why(o, t);
    if (why == NULL) {
        why = mode_why(t, terms);
    }
    if (why == NULL) {
        why = group_why(t, terms);
    }
    if (why == NULL && sa_esp_life(t) > terms->life_max) {
        why = "a life that is longer than allowed";
    }
    if (why == NULL && terms->allowed != NULL && esp_proposals_match(terms->allowed, &t->esp) < 0) {
        why = "an --esp proposal that is not allowed";
    }
    return why;
}

int sa_choose_esp(const struct sa_offer *o, const struct sa_esp_terms *terms)
{
    for (size_t i = 0; i < o->transform_count; i++) {
        if (sa_why_not_esp(o, i, terms) == NULL) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- comparing, as initiator ---- */

static const char *check_single(const struct sa_offer *answer)
{
    if (answer->proposal_count != 1 || answer->transform_count != 1) {
        return "the answer holds more than one transform";
    }
    return answer->transform[0].why_not;
}

/*
 * A shorter life is taken (Q2). Where the peer left it out, he may mean the default. A limit in
 * kilobytes that he adds only shortens a life.
 */
static const char *check_life(uint32_t theirs, uint32_t absent, uint32_t ours, uint32_t *agreed)
{
    if (theirs > ours) {
        return "the answer has a longer life than was offered";
    }
    uint32_t life = theirs != 0 ? theirs : absent;
    *agreed = life < ours ? life : ours;
    return NULL;
}

unsigned sa_answer_odd(const struct sa_offer *answer, const uint8_t *offer, size_t len,
                       uint32_t life)
{
    struct sa_offer ours;
    const struct sa_transform *t = &answer->transform[0];
    unsigned odd = answer->odd | t->odd;
    bool phase1 = answer->proposal[0].protocol == PROTOCOL_ISAKMP;
    bool found = false;

    if (t->life_seconds != 0 && t->life_seconds < life) {
        return odd | ODD_SHORTER_LIFE;
    }
    if ((phase1 ? sa_decode_ike : sa_decode_esp)(&ours, offer, len) != NULL) {
        return odd;
    }
    for (size_t i = 0; i < ours.transform_count; i++) {
        found = found || (ours.transform[i].body_len == t->body_len
                          && memcmp(ours.transform[i].body, t->body, t->body_len) == 0);
    }
    return odd | (found && answer->proposal[0].number == 1 ? ODD_NONE : ODD_REWRITTEN);
}

const char *sa_check_ike_answer(const struct sa_offer *answer, const struct ike_proposals *ours,
                                unsigned methods, uint32_t life, struct ike_suite *chosen,
                                unsigned *method, uint32_t *agreed_life)
{
    const char *why = check_single(answer);
    if (why != NULL) {
        return why;
    }
    const struct sa_transform *t = &answer->transform[0];
    int place = ike_proposals_find(ours, &t->ike);
    if (place < 0 || (size_t)place >= ours->offered) {
        return "the answer is none of the proposals that were offered";
    }
    if (t->auth_method >= 32 || (methods & 1u << t->auth_method) == 0) {
        return "the answer has another authentication method than was offered";
    }
    why = check_life(t->life_seconds, IKE_LIFE_ABSENT, life, agreed_life);
    if (why == NULL) {
        *chosen = t->ike;
        *method = t->auth_method;
    }
    return why;
}

const char *sa_check_esp_answer(const struct sa_offer *answer, const struct esp_proposals *ours,
                                unsigned mode, unsigned group_number, uint32_t life,
                                struct esp_suite *chosen, uint32_t *agreed_life)
{
    const char *why = check_single(answer);
    if (why != NULL) {
        return why;
    }
    const struct sa_transform *t = &answer->transform[0];
    int place = esp_proposals_match(ours, &t->esp);
    if (place < 0 || (size_t)place >= ours->offered) {
        return "the answer is none of the proposals that were offered";
    }
    if (t->mode != SA_MODE_NONE && (t->mode != mode || t->mode_udp)) {
        return "the answer has another encapsulation mode than was offered";
    }
    if (t->group_number != group_number) {
        return "the answer has another group for PFS than was offered";
    }
    why = check_life(t->life_seconds, IPSEC_LIFE_ABSENT, life, agreed_life);
    if (why == NULL) {
        *chosen = ours->suite[place]; /* the peer's number may mean another cut (Q12) */
    }
    return why;
}
