/* What the attributes of one transform mean; see sa_transform.h. */
#include "sa_transform.h"

#include "attribute.h"

#include <stddef.h>

/* ---- attributes of one transform ---- */

/* The first reason stays. */
static void refuse(struct sa_transform *t, const char *why)
{
    if (t->why_not == NULL) {
        t->why_not = why;
    }
}

static void take_life_type(struct sa_transform *t, struct sa_progress *p, uint64_t value)
{
    if (p->life_type != 0) {
        refuse(t, "a life type without a duration");
    }
    if (value != LIFE_SECONDS && value != LIFE_KILOBYTES) {
        refuse(t, "an unknown life type");
    }
    p->life_type = (unsigned)value;
}

/* Of several pairs of one type the shortest counts (interop Q4). */
static void take_life_duration(struct sa_transform *t, struct sa_progress *p,
                               const struct attribute *a)
{
    uint32_t *life = p->life_type == LIFE_KILOBYTES ? &t->life_kb : &t->life_seconds;
    uint32_t value = a->value > UINT32_MAX ? UINT32_MAX : (uint32_t)a->value;
    if (p->life_type == 0) {
        refuse(t, "a life duration without its type");
        return;
    }
    p->life_type = 0;
    if (!a->fits || value == 0) {
        refuse(t, "a life duration of 0 or of a strange length");
        return;
    }
    t->odd |= life == &t->life_kb ? ODD_KILOBYTES : ODD_NONE;
    t->odd |= *life != 0 ? ODD_SEVERAL_LIVES : ODD_NONE;
    if (*life == 0 || value < *life) {
        *life = value;
    }
}

/* Is it one of the two attributes of a life, by the protocol's numbers for them? Then it is taken. */
static bool take_life(struct sa_transform *t, struct sa_progress *p, const struct attribute *a,
                      unsigned type, unsigned duration)
{
    if (a->type == type) {
        take_life_type(t, p, a->fits ? a->value : 0);
    } else if (a->type == duration) {
        take_life_duration(t, p, a);
    }
    return a->type == type || a->type == duration;
}

/* What holds for every attribute but a life: once, and a small number. */
static bool is_simple(struct sa_transform *t, struct sa_progress *p, const struct attribute *a)
{
    if (a->type >= 32) {
        refuse(t, "an attribute that we do not know");
        return false;
    }
    if ((p->seen & 1u << a->type) != 0) {
        refuse(t, "an attribute that stands there twice");
        return false;
    }
    p->seen |= 1u << a->type;
    if (!a->fits || a->value > UINT16_MAX) {
        refuse(t, "an attribute with a value out of range");
        return false;
    }
    return true;
}

static void take_ike_attribute(struct sa_transform *t, struct sa_progress *p,
                               const struct attribute *a)
{
    if (take_life(t, p, a, IKE_LIFE_TYPE, IKE_LIFE_DURATION) || !is_simple(t, p, a)) {
        return;
    }
    unsigned value = (unsigned)a->value;
    switch (a->type) {
    case IKE_ENCRYPTION:
        t->cipher_number = value;
        break;
    case IKE_HASH:
        t->hash_number = value;
        break;
    case IKE_AUTH_METHOD:
        t->auth_method = value;
        break;
    case IKE_GROUP:
        t->group_number = value;
        break;
    case IKE_KEY_LENGTH:
        t->key_bits = value;
        break;
    default:
        refuse(t, "an attribute that we do not know, or a group described by its numbers");
        break;
    }
}

static void take_mode(struct sa_transform *t, unsigned value)
{
    t->odd |= value >= 61443 ? ODD_DRAFT_MODE : ODD_NONE;
    switch (value) { /* RFC 2407, 4.5; RFC 3947, 5.1; its drafts */
    case SA_MODE_TUNNEL:
    case SA_MODE_TRANSPORT:
        t->mode = value;
        break;
    case 3:
    case 61443:
        t->mode = SA_MODE_TUNNEL;
        t->mode_udp = true;
        break;
    case 4:
    case 61444:
        t->mode = SA_MODE_TRANSPORT;
        t->mode_udp = true;
        break;
    default:
        refuse(t, "an unknown encapsulation mode");
        break;
    }
}

static void take_ipsec_attribute(struct sa_transform *t, struct sa_progress *p,
                                 const struct attribute *a)
{
    if (take_life(t, p, a, IPSEC_LIFE_TYPE, IPSEC_LIFE_DURATION) || !is_simple(t, p, a)) {
        return;
    }
    unsigned value = (unsigned)a->value;
    switch (a->type) {
    case IPSEC_GROUP:
        t->group_number = value;
        break;
    case IPSEC_MODE:
        take_mode(t, value);
        break;
    case IPSEC_AUTH:
        t->hash_number = value;
        break;
    case IPSEC_KEY_LENGTH:
        t->key_bits = value;
        break;
    default:
        refuse(t, "an attribute that we do not know");
        break;
    }
}

/* ---- what the numbers mean ---- */

/* A cipher of several lengths, and the peer named none (interop Q4). */
static void note_key_length(struct sa_transform *t, const struct cipher *cipher)
{
    if (cipher != NULL && cipher->key_bits != 0 && t->key_bits == 0) {
        t->odd |= ODD_NO_KEY_LENGTH;
    }
}

static void understand_ike(struct sa_transform *t, const struct sa_progress *p)
{
    t->ike.hash = hash_by_ike(t->hash_number);
    t->ike.group = group_by_number(t->group_number);
    if ((p->seen & 1u << IKE_KEY_LENGTH) == 0 || t->key_bits != 0) {
        t->ike.cipher = cipher_by_ike(t->cipher_number, t->key_bits);
    }
    note_key_length(t, t->ike.cipher);
    if (t->id != TRANSFORM_KEY_IKE) {
        refuse(t, "a transform id that is not KEY_IKE");
    }
    if (t->ike.cipher == NULL) {
        refuse(t, "a cipher or key length that we do not have");
    }
    if (t->ike.hash == NULL) {
        refuse(t, "a hash that we do not have");
    }
    if (t->auth_method == 0) {
        refuse(t, "no authentication method");
    }
    if (t->ike.group == NULL) { /* absent means MODP768 (RFC 2409, 4) */
        refuse(t, "a group that we do not have");
    }
}

#define ESP_NULL 11

static void understand_esp(struct sa_transform *t, const struct sa_progress *p)
{
    t->cipher_number = t->id;
    if ((p->seen & 1u << IPSEC_KEY_LENGTH) == 0 || t->key_bits != 0) {
        t->esp.cipher = cipher_by_esp(t->cipher_number, t->key_bits);
    }
    t->esp.hash = hash_by_esp(t->hash_number);
    note_key_length(t, t->esp.cipher);
    if (t->cipher_number == ESP_NULL) {
        refuse(t, "null encryption");
    }
    if (t->esp.cipher == NULL) {
        refuse(t, "a cipher or key length that we do not have");
        return;
    }
    bool has_auth = (p->seen & 1u << IPSEC_AUTH) != 0;
    if (t->esp.cipher->icv_len != 0) {
        if (has_auth) {
            refuse(t, "an authentication algorithm beside a cipher that authenticates by itself");
        }
    } else if (!has_auth) {
        refuse(t, "ESP without authentication");
    } else if (t->esp.hash == NULL) {
        refuse(t, "an authentication algorithm that we do not have");
    }
}

static void understand_ipsec(struct sa_transform *t, const struct sa_progress *p, unsigned protocol)
{
    if (protocol == PROTOCOL_ESP) {
        understand_esp(t, p);
    } else {
        refuse(t, "AH and IPCOMP are not supported yet");
    }
    if ((p->seen & 1u << IPSEC_GROUP) != 0 && group_by_number(t->group_number) == NULL) {
        refuse(t, "a group that we do not have");
    }
}

void sa_transform_take(struct sa_transform *t, struct sa_progress *p, const struct attribute *a,
                       unsigned protocol)
{
    if (p->count++ == ATTRIBUTES_MAX) {
        refuse(t, "too many attributes");
    }
    if (protocol == PROTOCOL_ISAKMP) {
        take_ike_attribute(t, p, a);
    } else {
        take_ipsec_attribute(t, p, a);
    }
}

void sa_transform_understand(struct sa_transform *t, const struct sa_progress *p,
                             unsigned protocol)
{
    if (p->life_type != 0) {
        refuse(t, "a life type without a duration");
    }
    if (protocol == PROTOCOL_ISAKMP) {
        understand_ike(t, p);
    } else {
        understand_ipsec(t, p, protocol);
    }
}
