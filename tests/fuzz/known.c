#include "known.h"

#include "ike-negotiate/attribute.h"

#include <bsd/sys/endian.h>
#include <string.h>

#define SPI_FORMS 4u
enum spi_form { SPI_RIGHT, SPI_OTHER, SPI_NONE, SPI_OF_NOBODY };

struct part_text {
    const char *bytes;
    size_t len;
};
#define PART(text) { (text), sizeof(text) - 1 }
#define OF(list, number) ((list)[(number) % (sizeof(list) / sizeof(list)[0])])

/* ---- SPIs ---- */

/* Of ISAKMP: both cookies, one, none, those of nobody. Returns their length. */
static size_t isakmp_spi(const struct opened *o, enum spi_form form, uint8_t spi[ISAKMP_SPI_MAX])
{
    memcpy(spi, o->header.cky_i, COOKIE_LEN);
    memcpy(spi + COOKIE_LEN, o->header.cky_r, COOKIE_LEN);
    if (form == SPI_OF_NOBODY) {
        memset(spi, 0x77, ISAKMP_SPI_MAX);
    }
    return form == SPI_NONE ? 0 : form == SPI_OTHER ? COOKIE_LEN : ISAKMP_SPI_MAX;
}

/* Of ESP, four bytes: of the SA toward the peer, of that toward the receiver, 0, of nobody. */
static void esp_spi(const struct opened *o, enum spi_form form, uint8_t spi[4])
{
    const struct fake *kernel = o->lab->host[o->to].kernel;
    memset(spi, form == SPI_OF_NOBODY ? 0x77 : 0, 4);
    if (form == SPI_NONE || form == SPI_OF_NOBODY) {
        return;
    }
    if (o->quick != NULL && o->quick->quick != NULL) {
        memcpy(spi, form == SPI_RIGHT ? o->quick->quick->spi_out : o->quick->quick->spi_in, 4);
        return;
    }
    for (size_t i = 0; i < kernel->sas; i++) {
        if (kernel->sa[i].inbound == (form == SPI_OTHER)) {
            be32enc(spi, kernel->sa[i].spi);
        }
    }
}

/* ---- bodies ---- */

/* Attributes of a life, in the words of the protocol. */
static void add_life(struct buffer *data, unsigned protocol, unsigned number)
{
    const unsigned type = protocol == PROTOCOL_ISAKMP ? IKE_LIFE_TYPE : IPSEC_LIFE_TYPE;
    const unsigned duration = protocol == PROTOCOL_ISAKMP ? IKE_LIFE_DURATION : IPSEC_LIFE_DURATION;
    static const struct {
        unsigned type;  /* 0: none */
        uint32_t value; /* 0: none */
    } lives[] = {
        { LIFE_SECONDS, 200 }, { LIFE_SECONDS, 90000 }, { LIFE_KILOBYTES, 4608000 }, { 9, 5 },
        { LIFE_SECONDS, 0 }, { 0, 77 }, { 0, 0 }, { LIFE_SECONDS, 3 }, { LIFE_SECONDS, 250 }
    };
    unsigned which = number % 10;
    if (which == 9) { /* both kinds, and seconds twice */
        add_life(data, protocol, 2);
        add_life(data, protocol, 0);
        add_life(data, protocol, 8);
        return;
    }
    if (lives[which].type != 0) {
        attribute_put(data, type, lives[which].type);
    }
    if (lives[which].value != 0) {
        attribute_put(data, duration, lives[which].value);
    }
    if (number / 10 % 2 == 1) {
        buffer_add_u8(data, 0x80); /* the beginning of another one */
    }
}

static void notification_of(const struct opened *o, unsigned protocol, unsigned type,
                            enum spi_form form, const struct buffer *data, struct buffer *body)
{
    uint8_t spi[ISAKMP_SPI_MAX];
    struct notification n = { .doi = DOI_IPSEC, .protocol = protocol, .type = type, .spi = spi,
                              .spi_len = 4, .data = data->data, .data_len = data->len };
    if (protocol == PROTOCOL_ISAKMP) {
        n.spi_len = isakmp_spi(o, form, spi);
    } else {
        esp_spi(o, form, spi);
        n.spi_len = form == SPI_NONE && type == NOTIFY_RESPONDER_LIFETIME ? 0 : 4;
    }
    notification_encode(body, &n);
}

static void notify(const struct opened *o, enum known what, unsigned number, struct buffer *body)
{
    static const unsigned errors[] = {
        NOTIFY_NO_PROPOSAL_CHOSEN, NOTIFY_PAYLOAD_MALFORMED, NOTIFY_INVALID_ID_INFORMATION,
        NOTIFY_INVALID_SPI, NOTIFY_AUTHENTICATION_FAILED, NOTIFY_UNSUPPORTED_EXCHANGE_TYPE, 16000
    };
    static const unsigned statuses[] = {
        NOTIFY_CONNECTED, NOTIFY_R_U_THERE, NOTIFY_REPLAY_STATUS, 40000
    };
    const enum spi_form form = (enum spi_form)(number % SPI_FORMS);
    unsigned protocol = PROTOCOL_ESP;
    unsigned type = NOTIFY_RESPONDER_LIFETIME;
    struct buffer data;
    buffer_init(&data, 0);
    number /= SPI_FORMS;
    if (what == KNOWN_INITIAL_CONTACT || what == KNOWN_ISAKMP_LIFETIME) {
        protocol = PROTOCOL_ISAKMP;
    }
    if (what == KNOWN_INITIAL_CONTACT) {
        type = NOTIFY_INITIAL_CONTACT;
    } else if (what == KNOWN_ERROR) {
        type = OF(errors, number);
    } else if (what == KNOWN_STATUS) {
        type = OF(statuses, number);
    } else {
        add_life(&data, protocol, number);
    }
    notification_of(o, protocol, type, form, &data, body);
    buffer_wipe(&data);
}

static void delete(const struct opened *o, bool isakmp, unsigned number, struct buffer *body)
{
    const enum spi_form form = (enum spi_form)(number % SPI_FORMS);
    const size_t count = 1 + number / SPI_FORMS % 3;
    uint8_t spis[3 * ISAKMP_SPI_MAX];
    struct delete_payload d = { .doi = DOI_IPSEC, .spi_size = 4, .count = count, .spis = spis,
                                .protocol = isakmp ? PROTOCOL_ISAKMP : PROTOCOL_ESP };
    for (size_t i = 0; i < count; i++) {
        if (isakmp) {
            d.spi_size = isakmp_spi(o, form, spis + d.spi_size * i);
        } else {
            esp_spi(o, i == 0 ? form : SPI_OTHER, spis + 4 * i);
        }
    }
    if (!isakmp) {
        static const unsigned protocols[] = { PROTOCOL_ESP, PROTOCOL_AH, PROTOCOL_IPCOMP, 7 };
        d.protocol = OF(protocols, number / SPI_FORMS / 3);
    }
    delete_encode(body, &d);
}

static void attributes(unsigned number, struct buffer *body)
{
    static const unsigned types[] = { 16520, 16529, 1, 7, 13 };
    buffer_add_u8(body, 1 + number % 4);
    buffer_add_u8(body, 0);
    buffer_add_u16(body, number);
    for (unsigned i = 0; i < number / 4 % 3; i++) {
        attribute_put(body, OF(types, number / 12 + i), 0);
    }
}

static void text_part(const struct part_text *t, struct buffer *body)
{
    buffer_add(body, t->bytes, t->len);
}

static void client(unsigned number, struct buffer *body)
{
    static const struct part_text clients[] = {
        PART("\4\0\0\0\12\1\0\0\377\377\377\0"), PART("\4\0\0\0\12\2\0\0\377\377\377\0"),
        PART("\1\0\0\0\12\11\0\1"), PART("\1\0\0\0\12\11\0\2"),
        PART("\4\0\0\0\12\11\0\1\377\377\377\377"), PART("\7\0\0\0\12\11\0\2\12\11\0\2"),
        PART("\7\0\0\0\12\1\0\0\12\1\0\377"), PART("\7\0\0\0\12\1\0\1\12\1\0\7"),
        PART("\1\21\6\245\12\11\0\1"), PART("\4\21\0\0\12\2\0\0\377\377\377\0"),
        PART("\4\0\0\0\12\2\0\0\377\0\377\0"), PART("\4\0\0\0\0\0\0\0\0\0\0\0"),
        PART("\5\0\0\0\40\1\15\270\0\0\0\0\0\0\0\0\0\0\0\1"), PART("\2\0\0\0net.example")
    };
    text_part(&OF(clients, number), body);
}

static void identity(unsigned number, struct buffer *body)
{
    static const struct part_text identities[] = {
        PART("\1\0\0\0\12\11\0\1"), PART("\1\21\1\364\12\11\0\2"), PART("\1\21\21\224\12\11\0\1"),
        PART("\1\21\1\365\12\11\0\2"), PART("\2\0\0\0gate.example"), PART("\3\0\0\0user@gate"),
        PART("\13\0\0\0\1\2\3"), PART("\4\0\0\0\12\1\0\0\377\377\0\0"), PART("\1\0\0\0\12\11\0\3")
    };
    text_part(&OF(identities, number), body);
}

static void vendor(unsigned number, struct buffer *body)
{
    static const struct part_text vendors[] = {
        PART("\257\312\327\23\150\241\361\311\153\206\226\374\167\127\1\0"),
        PART("\100\110\267\325\156\274\350\205\45\347\336\177\0\326\302\323\200\0\0\0"),
        PART("\11\0\46\211\337\326\267\22"), PART("unknown")
    };
    text_part(&OF(vendors, number), body);
}

void known_append(struct opened *o, enum known what, unsigned number)
{
    static const uint8_t types[KNOWN_COUNT] = {
        PAYLOAD_N, PAYLOAD_N, PAYLOAD_N, PAYLOAD_N, PAYLOAD_N, PAYLOAD_D, PAYLOAD_D,
        PAYLOAD_ATTRIBUTES, PAYLOAD_ID, PAYLOAD_ID, PAYLOAD_VID
    };
    struct buffer body;
    buffer_init(&body, 0);
    switch (what) {
    case KNOWN_ISAKMP_DELETE:
    case KNOWN_ESP_DELETE: delete(o, what == KNOWN_ISAKMP_DELETE, number, &body); break;
    case KNOWN_ATTRIBUTES: attributes(number, &body); break;
    case KNOWN_CLIENT: client(number, &body); break;
    case KNOWN_IDENTITY: identity(number, &body); break;
    case KNOWN_VENDOR: vendor(number, &body); break;
    default: notify(o, what, number, &body); break;
    }
    payload_insert(o, payload_count(o), types[what], body.data, body.len);
    buffer_wipe(&body);
}
