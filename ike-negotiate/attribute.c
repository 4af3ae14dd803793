#include "attribute.h"

#include "algorithm.h"
#include "payload.h"

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

static const char *ike_cipher_name(unsigned value)
{
    static const char *const names[] = { NULL, "des", "idea", "blowfish", "rc5",
                                         "3des", "cast", "aes", "camellia" };
    return value < LENGTH(names) ? names[value] : NULL;
}

static const char *ike_hash_name(unsigned value)
{
    const struct hash *h = hash_by_ike(value);
    return h != NULL ? h->word : NULL;
}

static const char *group_name(unsigned value)
{
    const struct group *g = group_by_number(value);
    return g != NULL ? g->word : value == 1 ? "modp768" : NULL;
}

static const char *life_name(unsigned value)
{
    return value == LIFE_SECONDS ? "seconds" : value == LIFE_KILOBYTES ? "kilobytes" : NULL;
}

static const char *mode_name(unsigned value)
{
    switch (value) {
    case 1:
        return "tunnel";
    case 2:
        return "transport";
    case 3:
    case 61443:
        return "tunnel in UDP";
    case 4:
    case 61444:
        return "transport in UDP";
    default:
        return NULL;
    }
}

static const char *esp_auth_name(unsigned value)
{
    const struct hash *h = hash_by_esp(value);
    return h != NULL ? h->word : NULL;
}

/* Methods that we do not have are named too: the log says what the peer is set to. */
const char *auth_method_name(unsigned method)
{
    switch (method) {
    case 1:
        return "psk";
    case 2:
        return "dss";
    case 3:
        return "rsasig";
    case 4:
        return "rsa-encryption";
    case 5:
        return "revised-rsa-encryption";
    case 9:
        return "ecdsa-256";
    case 10:
        return "ecdsa-384";
    case 11:
        return "ecdsa-521";
    case 64221:
    case 64222:
        return "hybrid-rsa";
    case 65001:
    case 65002:
        return "xauth-psk";
    case 65005:
    case 65006:
        return "xauth-rsasig";
    default:
        return NULL;
    }
}

struct attribute_spec {
    const char *name;
    const char *(*value_name)(unsigned value);
};

static const struct attribute_spec ike_attributes[] = {
    [IKE_ENCRYPTION] = { "encryption", ike_cipher_name },
    [IKE_HASH] = { "hash", ike_hash_name },
    [IKE_AUTH_METHOD] = { "authentication method", auth_method_name },
    [IKE_GROUP] = { "group", group_name },
    [IKE_GROUP_TYPE] = { "group type", NULL },
    [6] = { "group prime", NULL },
    [7] = { "group generator one", NULL },
    [8] = { "group generator two", NULL },
    [9] = { "group curve A", NULL },
    [10] = { "group curve B", NULL },
    [IKE_LIFE_TYPE] = { "life type", life_name },
    [IKE_LIFE_DURATION] = { "life duration", NULL },
    [IKE_PRF] = { "prf", NULL },
    [IKE_KEY_LENGTH] = { "key length", NULL },
    [15] = { "field size", NULL },
    [16] = { "group order", NULL },
};

static const struct attribute_spec ipsec_attributes[] = {
    [IPSEC_LIFE_TYPE] = { "life type", life_name },
    [IPSEC_LIFE_DURATION] = { "life duration", NULL },
    [IPSEC_GROUP] = { "group", group_name },
    [IPSEC_MODE] = { "encapsulation mode", mode_name },
    [IPSEC_AUTH] = { "authentication", esp_auth_name },
    [IPSEC_KEY_LENGTH] = { "key length", NULL },
    [7] = { "key rounds", NULL },
    [8] = { "compress dictionary size", NULL },
    [9] = { "compress private algorithm", NULL },
    [10] = { "ECN tunnel", NULL },
    [11] = { "extended sequence numbers", NULL },
};

static const struct attribute_spec *spec_of(unsigned protocol, unsigned type)
{
    const struct attribute_spec *specs = ipsec_attributes;
    unsigned count = LENGTH(ipsec_attributes);
    if (protocol == PROTOCOL_ISAKMP) {
        specs = ike_attributes;
        count = LENGTH(ike_attributes);
    } else if (protocol == 0) {
        return NULL;
    }
    return type < count && specs[type].name != NULL ? &specs[type] : NULL;
}

const char *attribute_name(unsigned protocol, unsigned type)
{
    const struct attribute_spec *spec = spec_of(protocol, type);
    return spec != NULL ? spec->name : NULL;
}

const char *attribute_value_name(unsigned protocol, unsigned type, uint64_t value)
{
    const struct attribute_spec *spec = spec_of(protocol, type);
    if (spec == NULL || spec->value_name == NULL || value > UINT16_MAX) {
        return NULL;
    }
    return spec->value_name((unsigned)value);
}
