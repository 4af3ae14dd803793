#include "connection.h"

#include <stdio.h>
#include <string.h>

enum kind {
    NAME,
    TO,
    END_TEXT,   /* a text of one end */
    END_PORT,
    TEXT,       /* a text of the whole connection */
    FLAG,       /* a bit of the policy */
    FAMILY,
    NUMBER,
    LATER       /* an option of the manual that is not supported yet */
};

struct meaning {
    enum kind kind;
    size_t place;       /* END_TEXT, TEXT: offset of the pointer; FLAG, FAMILY: bit; NUMBER: index */
    uint32_t min;       /* NUMBER, END_PORT */
    uint32_t max;
};

/* OPTION(enumerator, name, has argument, kind, place, min, max) */
#define END_AT(field) offsetof(struct connection_words_end, field)
#define AT(field) offsetof(struct connection_words, field)
#define OPTIONS(OPTION) \
    OPTION(O_NAME, "name", 1, NAME, 0, 0, 0) \
    OPTION(O_TO, "to", 0, TO, 0, 0, 0) \
    OPTION(O_HOST, "host", 1, END_TEXT, END_AT(host), 0, 0) \
    OPTION(O_ID, "id", 1, END_TEXT, END_AT(id), 0, 0) \
    OPTION(O_NEXTHOP, "nexthop", 1, END_TEXT, END_AT(nexthop), 0, 0) \
    OPTION(O_CLIENT, "client", 1, END_TEXT, END_AT(client), 0, 0) \
    OPTION(O_UPDOWN, "updown", 1, END_TEXT, END_AT(updown), 0, 0) \
    OPTION(O_IKEPORT, "ikeport", 1, END_PORT, 0, 1, 65535) \
    OPTION(O_IKE, "ike", 1, TEXT, AT(ike), 0, 0) \
    OPTION(O_ESP, "esp", 1, TEXT, AT(esp), 0, 0) \
    OPTION(O_PFSGROUP, "pfsgroup", 1, TEXT, AT(pfsgroup), 0, 0) \
    OPTION(O_PSK, "psk", 0, FLAG, POLICY_PSK, 0, 0) \
    OPTION(O_ENCRYPT, "encrypt", 0, FLAG, POLICY_ENCRYPT, 0, 0) \
    OPTION(O_TUNNEL, "tunnel", 0, FLAG, POLICY_TUNNEL, 0, 0) \
    OPTION(O_PFS, "pfs", 0, FLAG, POLICY_PFS, 0, 0) \
    OPTION(O_DONTREKEY, "dontrekey", 0, FLAG, POLICY_DONTREKEY, 0, 0) \
    OPTION(O_IPV4, "ipv4", 0, FAMILY, FAMILY_IPV4, 0, 0) \
    OPTION(O_IPV6, "ipv6", 0, FAMILY, FAMILY_IPV6, 0, 0) \
    OPTION(O_TUNNELIPV4, "tunnelipv4", 0, FAMILY, FAMILY_TUNNEL_IPV4, 0, 0) \
    OPTION(O_TUNNELIPV6, "tunnelipv6", 0, FAMILY, FAMILY_TUNNEL_IPV6, 0, 0) \
    OPTION(O_IKELIFETIME, "ikelifetime", 1, NUMBER, IKELIFETIME, 1, LIFE_MAX) \
    OPTION(O_IPSECLIFETIME, "ipseclifetime", 1, NUMBER, IPSECLIFETIME, 1, LIFE_MAX) \
    OPTION(O_REKEYMARGIN, "rekeymargin", 1, NUMBER, REKEYMARGIN, 0, LIFE_MAX) \
    OPTION(O_REKEYFUZZ, "rekeyfuzz", 1, NUMBER, REKEYFUZZ, 0, 100000) \
    OPTION(O_KEYINGTRIES, "keyingtries", 1, NUMBER, KEYINGTRIES, 0, 1000000) \
    OPTION(O_DISABLEARRIVALCHECK, "disablearrivalcheck", 0, LATER, 0, 0, 0) \
    OPTION(O_RSASIG, "rsasig", 0, LATER, 0, 0, 0) \
    OPTION(O_AUTHENTICATE, "authenticate", 0, LATER, 0, 0, 0) \
    OPTION(O_COMPRESS, "compress", 0, LATER, 0, 0, 0) \
    OPTION(O_AH, "ah", 1, LATER, 0, 0, 0) \
    OPTION(O_DNSKEYONDEMAND, "dnskeyondemand", 0, LATER, 0, 0, 0) \
    OPTION(O_CLIENTPROTOPORT, "clientprotoport", 1, LATER, 0, 0, 0) \
    OPTION(O_INITIATEONTRAFFIC, "initiateontraffic", 0, LATER, 0, 0, 0) \
    OPTION(O_PASS, "pass", 0, LATER, 0, 0, 0) \
    OPTION(O_DROP, "drop", 0, LATER, 0, 0, 0) \
    OPTION(O_REJECT, "reject", 0, LATER, 0, 0, 0) \
    OPTION(O_FAILNONE, "failnone", 0, LATER, 0, 0, 0) \
    OPTION(O_FAILPASS, "failpass", 0, LATER, 0, 0, 0) \
    OPTION(O_FAILDROP, "faildrop", 0, LATER, 0, 0, 0) \
    OPTION(O_FAILREJECT, "failreject", 0, LATER, 0, 0, 0) \
    OPTION(O_DPDDELAY, "dpddelay", 1, LATER, 0, 0, 0) \
    OPTION(O_DPDTIMEOUT, "dpdtimeout", 1, LATER, 0, 0, 0) \
    OPTION(O_DPDACTION, "dpdaction", 1, LATER, 0, 0, 0) \
    OPTION(O_FRAGMENTATION, "fragmentation", 1, LATER, 0, 0, 0)

enum place {
#define PLACE(e, name_, argument_, kind_, place_, min_, max_) e,
    OPTIONS(PLACE)
#undef PLACE
    PLACES
};

static const struct meaning meanings[PLACES] = {
#define MEANING(e, name_, argument_, kind_, place_, min_, max_) \
    [e] = { .kind = kind_, .place = place_, .min = min_, .max = max_ },
    OPTIONS(MEANING)
#undef MEANING
};

const struct option connection_options[PLACES + 1] = {
#define ROW(e, name_, argument_, kind_, place_, min_, max_) \
    [e] = { name_, argument_, NULL, CONNECTION_OPTION + (e) },
    OPTIONS(ROW)
#undef ROW
};

size_t connection_options_count(void)
{
    return PLACES;
}

static bool refuse(char why[CONNECTION_WHY], enum place at, const char *arg, const char *what)
{
    const char *name = connection_options[at].name;
    if (arg == NULL) {
        snprintf(why, CONNECTION_WHY, "--%s: %s", name, what);
    } else if (*arg == '\0') {
        snprintf(why, CONNECTION_WHY, "--%s '': %s", name, what);
    } else {
        snprintf(why, CONNECTION_WHY, "--%s %.200s: %s", name, arg, what);
    }
    return false;
}

/* Digits only: no sign, no blank, no other base than ten. */
static bool number(uint32_t *n, enum place at, const char *arg, char why[CONNECTION_WHY])
{
    const struct meaning *m = &meanings[at];
    char range[80];
    uint64_t value = 0;

    if (*arg == '\0' || strspn(arg, "0123456789") != strlen(arg)) {
        return refuse(why, at, arg, "not a decimal number");
    }
    for (const char *c = arg; *c != '\0' && value <= m->max; c++) {
        value = value * 10 + (unsigned)(*c - '0');
    }
    if (value < m->min || value > m->max) {
        snprintf(range, sizeof range, "out of range, %u to %u is allowed", m->min, m->max);
        return refuse(why, at, arg, range);
    }
    *n = (uint32_t)value;
    return true;
}

/* The pointer to a text that lies at this offset of the words, or of one of their ends. */
static const char **slot_at(void *words, size_t offset)
{
    return (void *)((char *)words + offset);
}

static bool text(const char **slot, enum place at, const char *arg, char why[CONNECTION_WHY])
{
    if (*slot != NULL) {
        return refuse(why, at, arg, meanings[at].kind == END_TEXT
                      ? "repeated; each end takes it once (is --to missing between the ends?)"
                      : "repeated; it may be given once");
    }
    if (*arg == '\0') {
        return refuse(why, at, arg, "an empty value");
    }
    *slot = arg;
    return true;
}

static bool bit(unsigned *mask, enum place at, char why[CONNECTION_WHY])
{
    if ((*mask & meanings[at].place) != 0) {
        return refuse(why, at, NULL, "repeated; it may be given once");
    }
    *mask |= (unsigned)meanings[at].place;
    return true;
}

static bool port(struct connection_words_end *end, enum place at, const char *arg,
                 char why[CONNECTION_WHY])
{
    uint32_t n = 0;
    if (end->ikeport != 0) {
        return refuse(why, at, arg, "repeated; each end takes it once");
    }
    if (!number(&n, at, arg, why)) {
        return false;
    }
    end->ikeport = (uint16_t)n;
    return true;
}

bool connection_option(struct connection_words *words, int opt, const char *arg,
                       char why[CONNECTION_WHY])
{
    enum place at = (enum place)(opt - CONNECTION_OPTION);
    const struct meaning *m = &meanings[at];
    struct connection_words_end *end = &words->end[words->at];

    words->any = words->any || m->kind != NAME;
    switch (m->kind) {
    case NAME:
        return text(&words->name, at, arg, why);
    case TO:
        if (words->at == END_RIGHT) {
            return refuse(why, at, NULL, "repeated; a connection has two ends");
        }
        words->at = END_RIGHT;
        return true;
    case END_TEXT:
        return text(slot_at(end, m->place), at, arg, why);
    case TEXT:
        return text(slot_at(words, m->place), at, arg, why);
    case END_PORT:
        return port(end, at, arg, why);
    case FLAG:
        return bit(&words->policy, at, why);
    case FAMILY:
        return bit(&words->families, at, why);
    case NUMBER:
        if (words->has[m->place]) {
            return refuse(why, at, arg, "repeated; it may be given once");
        }
        words->has[m->place] = true;
        return number(&words->number[m->place], at, arg, why);
    case LATER:
        return refuse(why, at, arg, "not supported yet");
    }
    return refuse(why, at, arg, "not an option of the connection form");
}
