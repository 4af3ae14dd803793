#include "connection.h"

#include <stdio.h>

enum kind {
    NOT_OURS,   /* no option of the connection form */
    NAME,
    TO,
    END_TEXT,   /* a text of one end */
    END_PORT,
    TEXT,       /* a text of the whole connection */
    FLAG,       /* a bit of the policy */
    FAMILY,
    NUMBER,
    END_FLAG,   /* --dnskeyondemand */
    SHUNT,      /* a bit of what holds without an SA */
    REST        /* that it was given is all there is to it */
};

struct meaning {
    enum kind kind;
    size_t place; /* END_TEXT, TEXT: offset of the pointer; FLAG, FAMILY: bit; NUMBER: index */
};

/* Where each option of the declaration (option.h) goes. */
#define END_AT(field) { END_TEXT, offsetof(struct connection_words_end, field) }
#define AT(field) { TEXT, offsetof(struct connection_words, field) }

static const struct meaning meanings[OPTION_COUNT] = {
    [OPTION_NAME] = { NAME, 0 },
    [OPTION_TO] = { TO, 0 },
    [OPTION_HOST] = END_AT(host),
    [OPTION_ID] = END_AT(id),
    [OPTION_NEXTHOP] = END_AT(nexthop),
    [OPTION_CLIENT] = END_AT(client),
    [OPTION_UPDOWN] = END_AT(updown),
    [OPTION_IKEPORT] = { END_PORT, 0 },
    [OPTION_IKE] = AT(ike),
    [OPTION_ESP] = AT(esp),
    [OPTION_PFSGROUP] = AT(pfsgroup),
    [OPTION_PSK] = { FLAG, POLICY_PSK },
    [OPTION_RSASIG] = { FLAG, POLICY_RSASIG },
    [OPTION_ENCRYPT] = { FLAG, POLICY_ENCRYPT },
    [OPTION_AUTHENTICATE] = { FLAG, POLICY_AUTHENTICATE },
    [OPTION_COMPRESS] = { FLAG, POLICY_COMPRESS },
    [OPTION_TUNNEL] = { FLAG, POLICY_TUNNEL },
    [OPTION_PFS] = { FLAG, POLICY_PFS },
    [OPTION_DISABLEARRIVALCHECK] = { FLAG, POLICY_DISABLEARRIVALCHECK },
    [OPTION_DONTREKEY] = { FLAG, POLICY_DONTREKEY },
    [OPTION_IPV4] = { FAMILY, FAMILY_IPV4 },
    [OPTION_IPV6] = { FAMILY, FAMILY_IPV6 },
    [OPTION_TUNNELIPV4] = { FAMILY, FAMILY_TUNNEL_IPV4 },
    [OPTION_TUNNELIPV6] = { FAMILY, FAMILY_TUNNEL_IPV6 },
    [OPTION_IKELIFETIME] = { NUMBER, IKELIFETIME },
    [OPTION_IPSECLIFETIME] = { NUMBER, IPSECLIFETIME },
    [OPTION_REKEYMARGIN] = { NUMBER, REKEYMARGIN },
    [OPTION_REKEYFUZZ] = { NUMBER, REKEYFUZZ },
    [OPTION_KEYINGTRIES] = { NUMBER, KEYINGTRIES },
    [OPTION_AH] = AT(ah),
    [OPTION_DNSKEYONDEMAND] = { END_FLAG, 0 },
    [OPTION_CLIENTPROTOPORT] = END_AT(clientprotoport),
    [OPTION_INITIATEONTRAFFIC] = { SHUNT, SHUNT_TRAP },
    [OPTION_PASS] = { SHUNT, SHUNT_PASS },
    [OPTION_DROP] = { SHUNT, SHUNT_DROP },
    [OPTION_REJECT] = { SHUNT, SHUNT_REJECT },
    [OPTION_FAILNONE] = { SHUNT, FAIL_NONE },
    [OPTION_FAILPASS] = { SHUNT, FAIL_PASS },
    [OPTION_FAILDROP] = { SHUNT, FAIL_DROP },
    [OPTION_FAILREJECT] = { SHUNT, FAIL_REJECT },
    [OPTION_DPDDELAY] = { NUMBER, DPDDELAY },
    [OPTION_DPDTIMEOUT] = { NUMBER, DPDTIMEOUT },
    [OPTION_DPDACTION] = AT(dpdaction),
    [OPTION_FRAGMENTATION] = { REST, 0 },
};

/* The pointer to a text that lies at this offset of the words, or of one of their ends. */
static const char **slot_at(void *words, size_t offset)
{
    return (void *)((char *)words + offset);
}

bool connection_option(struct connection_words *words, const struct option_given *given)
{
    const struct meaning *m = &meanings[given->option];
    struct connection_words_end *end = &words->end[words->at];

    switch (m->kind) {
    case NOT_OURS:
        return false;
    case NAME:
        words->name = given->text;
        break;
    case TO:
        words->at = END_RIGHT;
        break;
    case END_TEXT:
        *slot_at(end, m->place) = given->text;
        break;
    case TEXT:
        *slot_at(words, m->place) = given->text;
        break;
    case END_PORT:
        end->ikeport = (uint16_t)given->number;
        break;
    case FLAG:
        words->policy |= (unsigned)m->place;
        break;
    case FAMILY:
        words->families |= (unsigned)m->place;
        break;
    case NUMBER:
        words->has[m->place] = true;
        words->number[m->place] = (uint32_t)given->number;
        break;
    case END_FLAG:
        end->dnskeyondemand = true;
        break;
    case SHUNT:
        words->shunts |= (unsigned)m->place;
        break;
    case REST:
        break;
    }
    return true;
}
