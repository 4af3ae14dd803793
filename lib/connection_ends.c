#include "connection_making.h"

#include "hostname.h"

#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HOST_NAME_MAX_LEN 253 /* RFC 1035, 2.3.4 */

/* ---- addresses and names ---- */

/* Meant as a number, be it a wrong one: such a text is never looked up as a name. */
static bool is_numeric(const char *text)
{
    return strchr(text, ':') != NULL || text[strspn(text, DIGITS ".")] == '\0';
}

static bool is_any(const char *text)
{
    return strcmp(text, "%any") == 0 || strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0;
}

static unsigned family_said(unsigned families, unsigned v4, unsigned v6)
{
    if ((families & v6) != 0) {
        return 6;
    }
    return (families & v4) != 0 ? 4 : 0;
}

/* The last label begins with a letter, so that no resolver takes 0x7f000001 for an address. */
static const char *check_name(const char *name, size_t len)
{
    const char *last = name;
    if (len > HOST_NAME_MAX_LEN) {
        return "too long for a name";
    }
    if (strspn(name, LETTERS DIGITS "-._") < len) {
        return "neither an address nor a name";
    }
    for (size_t i = 0; i + 1 < len; i++) {
        if (name[i] == '.') {
            last = name + i + 1;
        }
    }
    return strchr(LETTERS "_", *last) == NULL ? "neither an address nor a name" : NULL;
}

/* name[0..len) of the value `text` of `option`. */
static bool resolve(const struct making *m, const char *option, const char *text, size_t len,
                    unsigned family, struct address *a)
{
    char name[HOST_NAME_MAX_LEN + 1];
    const char *why = check_name(text, len);
    if (why == NULL && m->resolver == NULL) {
        why = "names are not looked up here; an address is needed";
    }
    if (why == NULL) {
        memcpy(name, text, len);
        name[len] = '\0';
        why = m->resolver(m->context, option, name, family, a);
    }
    return why == NULL || making_refuse(m, "%s %.300s: %s", option, text, why);
}

static bool number_or_name(const struct making *m, const char *option, const char *text,
                           unsigned family, struct address *a)
{
    if (!is_numeric(text)) {
        return resolve(m, option, text, strlen(text), family, a);
    }
    const char *why = address_parse(a, text);
    if (why != NULL) {
        return making_refuse(m, "%s %.200s: %s", option, text, why);
    }
    if (a->family != family) {
        return making_refuse(m, "%s %.200s: an IPv%u address, but the hosts of this connection are IPv%u",
                      option, text, a->family, family);
    }
    return true;
}

/* ---- the two ends ---- */

static bool find_family(const struct making *m)
{
    unsigned said = family_said(m->words->families, FAMILY_IPV4, FAMILY_IPV6);
    unsigned family = said;
    struct address a;

    if ((m->words->families & FAMILY_IPV4) != 0 && (m->words->families & FAMILY_IPV6) != 0) {
        return making_refuse(m, "--ipv6: contradicts --ipv4");
    }
    for (int i = 0; i < 2; i++) {
        const char *host = m->words->end[i].host;
        if (host == NULL) {
            return making_refuse(m, "--host: missing for the end %s --to; each end needs one%s",
                          i == END_LEFT ? "before" : "after",
                          m->words->at == END_LEFT ? " (there is no --to)" : "");
        }
        if (is_any(host) || !is_numeric(host) || address_parse(&a, host) != NULL) {
            continue;
        }
        if (said != 0 && a.family != said) {
            return making_refuse(m, "--host %.100s: an IPv%u address, but --ipv%u was given", host,
                          a.family, said);
        }
        if (family != 0 && a.family != family) {
            return making_refuse(m, "--host %.100s: an IPv%u address, but that of the other end is IPv%u",
                          host, a.family, family);
        }
        family = a.family;
    }
    m->form->family = family == 0 ? 4 : (uint8_t)family;
    return true;
}

/* The value of --host or --nexthop that is no word. */
static bool one_host(const struct making *m, const char *option, const char *text, struct address *a)
{
    if (!number_or_name(m, option, text, m->form->family, a)) {
        return false;
    }
    const char *why = address_of_no_host(a);
    return why == NULL || making_refuse(m, "%s %.200s: %s", option, text, why);
}

/* The name is kept, to be asked for again: where one was looked up here, or whoever sends the record did so. */
static bool keep_name(const struct making *m, int i)
{
    const struct connection_words_end *words = &m->words->end[i];
    const char *name = is_numeric(words->host) ? words->host_name : words->host;
    const char *why = name == NULL ? NULL : hostname_check(name);
    if (name == NULL) {
        return true;
    }
    if (why != NULL) {
        return making_refuse(m, "--host %.300s: %s", name, why);
    }
    m->form->end[i].host_name = strdup(name);
    return m->form->end[i].host_name != NULL || making_refuse(m, "--host: no memory for it");
}

static bool make_host(const struct making *m, int i)
{
    const char *text = m->words->end[i].host;
    struct connection_end *end = &m->form->end[i];

    if (is_any(text) && m->words->end[i].host_name != NULL) {
        return making_refuse(m, "--host %s: has no name", text);
    }
    if (is_any(text)) {
        end->host_kind = HOST_ANY;
        return true;
    }
    if (strcmp(text, "%opportunistic") == 0 || strcmp(text, "%defaultroute") == 0) {
        return making_refuse(m, "--host %s: not supported yet", text);
    }
    if (text[0] == '%') {
        return making_refuse(m, "--host %.100s: no such word; there is %%any, for either family", text);
    }
    end->host_kind = HOST_ADDRESS;
    if (!one_host(m, "--host", text, &end->host)) {
        return false;
    }
    if (address_is_any(&end->host)) {
        return making_refuse(m, "--host %.100s: write %%any for any address", text);
    }
    return keep_name(m, i);
}

static bool make_nexthop(const struct making *m, int i)
{
    const char *text = m->words->end[i].nexthop;
    struct connection_end *end = &m->form->end[i];

    if (text == NULL) {
        end->nexthop_kind = NEXTHOP_PEER;
        return true;
    }
    if (strcmp(text, "%direct") == 0 || strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0) {
        end->nexthop_kind = NEXTHOP_DIRECT;
        return true;
    }
    if (strcmp(text, "%defaultroute") == 0) {
        return making_refuse(m, "--nexthop %s: not supported yet", text);
    }
    if (text[0] == '%') {
        return making_refuse(m, "--nexthop %.100s: no such word; there is %%direct", text);
    }
    end->nexthop_kind = NEXTHOP_ADDRESS;
    if (!one_host(m, "--nexthop", text, &end->nexthop)) {
        return false;
    }
    if (end->host_kind == HOST_ADDRESS && address_equal(&end->nexthop, &end->host)) {
        return making_refuse(m, "--nexthop %.100s: that is the host itself (--host), which is no gateway of its own; "
                             "%%direct, where the other end is on the same link", text);
    }
    return true;
}

static bool parse_id(const struct making *m, const char *option, const char *text, unsigned family,
                     struct identity *id)
{
    char printed[IDENTITY_TEXT];
    struct address a;

    if (strpbrk(text, "@=") == NULL && !is_numeric(text)) {
        if (!resolve(m, option, text, strlen(text), family, &a)) {
            return false;
        }
        identity_of_address(id, &a);
        return true;
    }
    const char *why = identity_parse(id, text);
    if (why != NULL) {
        return making_refuse(m, "%s %.200s: %s", option, text, why);
    }
    identity_print(id, printed);
    if (strlen(printed) > schema_key(K_LEFT_ID)->max) {
        return making_refuse(m, "%s %.100s...: too long", option, text);
    }
    return true;
}

bool connection_identity(struct identity *id, const char *option, const char *text,
                         connection_resolver *resolver, void *context, char why[CONNECTION_WHY])
{
    const struct making m = { .resolver = resolver, .context = context, .why = why };
    if (is_any(text) || text[0] == '%') {
        return making_refuse(&m, "%s %.200s: not an identity of somebody", option, text);
    }
    return parse_id(&m, option, text, 4, id);
}

bool connection_address(struct address *a, const char *option, const char *text, unsigned family,
                        connection_resolver *resolver, void *context, char why[CONNECTION_WHY])
{
    const struct making m = { .resolver = resolver, .context = context, .why = why };
    if (is_any(text) || text[0] == '%') {
        return making_refuse(&m, "%s %.200s: one address is wanted, no wildcard", option, text);
    }
    if (!is_numeric(text)) {
        return resolve(&m, option, text, strlen(text), family == 6 ? 6 : 4, a);
    }
    const char *wrong = address_parse(a, text);
    if (wrong != NULL) {
        return making_refuse(&m, "%s %.200s: %s", option, text, wrong);
    }
    return family == 0 || a->family == family
           || making_refuse(&m, "%s %.200s: an IPv%u address, but IPv%u is wanted", option, text,
                            a->family, family);
}

static bool make_id(const struct making *m, int i)
{
    struct connection_end *end = &m->form->end[i];
    const char *text = m->words->end[i].id;
    struct identity id = { .type = ID_ANY };

    end->has_id = text != NULL;
    end->id_is_myid = text != NULL && strcmp(text, "%myid") == 0;
    if (end->id_is_myid) {
        /* as it stands */
    } else if (text == NULL && end->host_kind == HOST_ADDRESS) {
        identity_of_address(&id, &end->host);
    } else if (text != NULL && is_any(text)) {
        return making_refuse(m, "--id %s: not an identity; leave --id out with --host %%any", text);
    } else if (text != NULL && !parse_id(m, "--id", text, m->form->family, &id)) {
        return false;
    }
    end->id = identity_dup(&id);
    return end->id != NULL || making_refuse(m, "--id: no memory for it");
}

/* ---- clients ---- */

static bool client_is_numeric(const char *text)
{
    return strchr(text, ':') != NULL || strspn(text, DIGITS ".") == strcspn(text, "/");
}

/* By what is written where it shows; %default and names by --tunnelipv4|6, else as the hosts. */
static bool find_tunnel_family(const struct making *m)
{
    unsigned said = family_said(m->words->families, FAMILY_TUNNEL_IPV4, FAMILY_TUNNEL_IPV6);
    unsigned family = said;

    if ((m->words->families & FAMILY_TUNNEL_IPV4) != 0
        && (m->words->families & FAMILY_TUNNEL_IPV6) != 0) {
        return making_refuse(m, "--tunnelipv6: contradicts --tunnelipv4");
    }
    for (int i = 0; i < 2; i++) {
        const char *text = m->words->end[i].client;
        if (text == NULL || !client_is_numeric(text)) {
            continue;
        }
        unsigned shown = strchr(text, ':') != NULL ? 6 : 4;
        if (family != 0 && shown != family) {
            return making_refuse(m, said != 0 ? "--client %.100s: IPv%u, but --tunnelipv%u was given"
                          : "--client %.100s: IPv%u, but that of the other end is IPv%u",
                          text, shown, family);
        }
        family = shown;
    }
    m->form->tunnel_family = family == 0 ? m->form->family : (uint8_t)family;
    return true;
}

static bool parse_client(const struct making *m, const char *text, struct subnet *client)
{
    char subnet[SUBNET_TEXT + 64];
    char address[ADDRESS_TEXT];
    struct address a;
    const char *slash = strchr(text, '/');

    if (slash != NULL && !client_is_numeric(text)) {
        if (!resolve(m, "--client", text, (size_t)(slash - text), m->form->tunnel_family, &a)) {
            return false;
        }
        address_print(&a, address);
        snprintf(subnet, sizeof subnet, "%s%.50s", address, slash);
        const char *why = subnet_parse(client, subnet, m->form->tunnel_family);
        return why == NULL || making_refuse(m, "--client %.200s: %s", text, why);
    }
    const char *why = subnet_parse(client, text, m->form->tunnel_family);
    return why == NULL || making_refuse(m, "--client %.200s: %s", text, why);
}

static bool make_clients(const struct making *m)
{
    struct connection_form *form = m->form;
    unsigned with = 0;

    for (int i = 0; i < 2; i++) {
        const char *text = m->words->end[i].client;
        struct connection_end *end = &form->end[i];
        end->has_client = text != NULL;
        if (text == NULL) {
            if (end->host_kind == HOST_ADDRESS) {
                subnet_of_host(&end->client, &end->host);
            }
            continue;
        }
        with++;
        if (!parse_client(m, text, &end->client)) {
            return false;
        }
    }
    if (form->family != form->tunnel_family && with < 2) {
        const char *text = m->words->end[form->end[END_LEFT].has_client ? 0 : 1].client;
        if (with == 1) {
            return making_refuse(m, "--client %.100s: IPv%u, but the other end has no --client, so that"
                          " its client is its host, which is IPv%u",
                          text, form->tunnel_family, form->family);
        }
        if ((m->words->policy & POLICY_TUNNEL) != 0) {
            return making_refuse(m, "--tunnelipv%u: the hosts are the clients here, and they are IPv%u",
                          form->tunnel_family, form->family);
        }
        form->tunnel_family = form->family; /* --tunnelipv4|6 without a tunnel does no harm */
    }
    return true;
}

static bool check_updown(const struct making *m, int i)
{
    const char *text = m->words->end[i].updown;
    if (text == NULL) {
        return true;
    }
    if (strlen(text) > schema_key(K_LEFT_UPDOWN)->max) {
        return making_refuse(m, "--updown %.100s...: too long, at most %u bytes are allowed", text,
                      (unsigned)schema_key(K_LEFT_UPDOWN)->max);
    }
    if (text[strspn(text, " ")] == '\0') {
        return making_refuse(m, "--updown \"%s\": names no program", text);
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 127) {
            return making_refuse(m, "--updown: a control character at byte %zu", (size_t)(c - text) + 1);
        }
    }
    return true;
}

bool making_ends(const struct making *m)
{
    if (!find_family(m)) {
        return false;
    }
    for (int i = 0; i < 2; i++) {
        uint16_t port = m->words->end[i].ikeport;
        m->form->end[i].ikeport = port == 0 ? (uint16_t)option_spec(OPTION_IKEPORT)->preset : port;
        if (!make_host(m, i) || !make_nexthop(m, i) || !make_id(m, i) || !check_updown(m, i)) {
            return false;
        }
    }
    return find_tunnel_family(m) && make_clients(m);
}
