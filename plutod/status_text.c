/* --status for a person. */
#include "status_form.h"

#include "hint.h"
#include "orient.h"
#include "peer_name.h"
#include "public_keys.h"
#include "resolve.h"
#include "routing.h"

#include "clock.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SAY(...) keying_say(k, client, 0, __VA_ARGS__)

/* ---- a connection ---- */

/*
 * An identity that comes from the network must not read as the end of one and the beginning of another host: what
 * has a meaning in the line is written as %XX, which whack reads, too. (Brackets are so already: identity_print.) The single =
 * of a distinguished name has none. That there is room for it: names are bytes, of which none needs more than three
 * characters, and distinguished names, of more than that, have neither == nor .. in their texts.
 */
static void escape_id(const char *text, char out[IDENTITY_TEXT])
{
    const char *const end = out + (IDENTITY_TEXT - 3); /* %XX, and the NUL behind it */
    for (char before = '\0'; *text != '\0' && out < end; before = *text++) {
        const bool equals = *text == '=' && (before == '=' || text[1] == '=');
        if (equals || strncmp(text, "..", 2) == 0) {
            snprintf(out, 4, "%%%02X", (unsigned)(unsigned char)*text);
            out += 3;
        } else {
            *out++ = *text;
        }
    }
    *out = '\0';
}

static void host_and_id(const struct status_end *e, char *out, size_t size)
{
    char address[ADDRESS_TEXT] = "%any";
    char identity[IDENTITY_TEXT];
    char escaped[IDENTITY_TEXT];
    char port[16] = "";
    if (e->host.family != 0) {
        address_print(&e->host, address);
    }
    status_id(e, identity);
    if (e->end->ikeport != 500) {
        snprintf(port, sizeof port, ":%u", e->end->ikeport);
    }
    escape_id(identity, escaped);
    snprintf(out, size, "%s%s[%s]", address, port, escaped);
}

void status_topology(const struct conn *c, char out[STATUS_TOPOLOGY])
{
    struct status_end ends[2];
    char net[2][SUBNET_TEXT] = { "", "" };
    char host[2][ADDRESS_TEXT + IDENTITY_TEXT + 20];
    status_ends(c, ends);
    for (unsigned i = 0; i < 2; i++) {
        if (ends[i].end->has_client) {
            subnet_print(&ends[i].client, net[i]);
        }
        host_and_id(&ends[i], host[i], sizeof host[i]);
    }
    snprintf(out, STATUS_TOPOLOGY, "%s%s%s...%s%s%s", net[0], net[0][0] == '\0' ? "" : "===", host[0],
             host[1], net[1][0] == '\0' ? "" : "===", net[1]);
}

/* Hosts that were given as names. The peer's is asked for again, if it is known who that is. */
static void show_host_names(struct keying *k, uint64_t client, const struct conn *c, const char *label)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct connection_end *end = &c->form->end[i];
        char address[ADDRESS_TEXT];
        if (end->host_name == NULL) {
            continue;
        }
        address_print(&end->host, address);
        SAY("%s:   host %s is %s; %s", label, end->host_name, address,
            !c->oriented || end != conn_peer_end(c) ? "as it was when whack looked it up"
            : peer_name_is_asked(c)                 ? "dnskey is being asked for it"
                                                    : "dnskey is asked for it whenever we begin");
    }
}

/* What only some connections have. */
static void show_rare(struct keying *k, uint64_t client, const struct conn *c, const char *label)
{
    char text[DEBUG_CLASSES_TEXT];
    char why[ORIENT_WHY];
    if (!c->oriented) {
        orient_why(k, c, why);
        SAY("%s:   unoriented: %s", label, why);
    }
    show_host_names(k, client, c, label);
    if (conn_is_template(c)) {
        SAY("%s:   instances: %u", label, status_instances(c));
    }
    if (c->failure != NULL) {
        SAY("%s:   failed last %" PRIu64 "s ago: %s", label, (k->now - c->failure->at) / 1000, c->failure->why);
    }
    if (c->classes != 0) {
        debug_classes_print(c->classes, text);
        SAY("%s:   debug %s", label, text);
    }
    if (agenda_is_set(&c->retry)) {
        SAY("%s:   attempt %u begins in %" PRIu64 "s", label, c->attempt,
            agenda_wait(&k->agenda, &c->retry, k->now) / 1000);
    }
}

static void show_conn(struct keying *k, uint64_t client, const struct conn *c, size_t place)
{
    char label[CONN_LABEL];
    char policy[POLICY_TEXT];
    char topology[STATUS_TOPOLOGY];
    uint64_t ipsec = status_serial(k, c->newest_ipsec);
    (void)place;

    conn_label(c, label);
    connection_policy_print(c->form->policy, policy);
    status_topology(c, topology);
    SAY("%s: %s; %s; eroute owner: #%" PRIu64, label, topology,
        c->oriented ? routing_story(c) : "unoriented", c->eroute == NULL ? 0 : ipsec);
    SAY("%s:   ike_life: %us; ipsec_life: %us; rekey_margin: %us; rekey_fuzz: %u%%; keyingtries: %u",
        label, c->form->ikelifetime, c->form->ipseclifetime, c->form->rekeymargin,
        c->form->rekeyfuzz, c->form->keyingtries);
    SAY("%s:   policy: %s; interface: %s; ike: %s; esp: %s%s%s", label, policy,
        c->oriented ? c->interface : "none", c->form->ike, c->form->esp,
        c->form->pfsgroup == NULL ? "" : "; pfsgroup: ",
        c->form->pfsgroup == NULL ? "" : c->form->pfsgroup);
    SAY("%s:   newest ISAKMP SA: #%" PRIu64 "; newest IPsec SA: #%" PRIu64, label,
        status_serial(k, c->newest_isakmp), ipsec);
    show_rare(k, client, c, label);
}

/* ---- a state ---- */

static void show_ipsec(struct keying *k, uint64_t client, const struct xchg *y, const char *label)
{
    char ours[ADDRESS_TEXT];
    char peer[ADDRESS_TEXT];
    address_print(&y->local, ours);
    address_print(&y->remote, peer);
    const uint8_t *out = y->spi_out.spi;
    const uint8_t *in = y->spi_in;
    SAY("#%" PRIu64 ": %s esp.%02x%02x%02x%02x@%s esp.%02x%02x%02x%02x@%s %s; %s; in %" PRIu64
        " bytes, %" PRIu64 " packets; out %" PRIu64 " bytes, %" PRIu64 " packets", y->serial, label,
        out[0], out[1], out[2], out[3], peer, in[0], in[1], in[2], in[3], ours,
        y->mode == MODES_TUNNEL ? "tunnel" : "transport", xchg_proposal(y), y->bytes[0],
        y->packets[0], y->bytes[1], y->packets[1]);
}

static void show_state(struct keying *k, uint64_t client, const struct xchg *x, size_t place)
{
    char label[CONN_LABEL + ADDRESS_TEXT] = "(no connection yet)";
    const char *newest = "";
    uint64_t seconds;
    (void)place;
    if (x->conn != NULL) {
        conn_label(x->conn, label);
    }
    if (x->conn == NULL || conn_is_template(x->conn)) { /* no connection names the peer, or not yet */
        char peer[ADDRESS_TEXT];
        address_print(&x->remote, peer);
        strlcat(label, " ", sizeof label);
        strlcat(label, peer, sizeof label);
    }
    if (x->conn != NULL) {
        newest = x->conn->newest_isakmp == x->number ? "; newest ISAKMP"
                 : x->conn->newest_ipsec == x->number ? "; newest IPSEC; eroute owner" : "";
    }
    const struct xchg *awaited = status_awaited(k, x);
    if (awaited != NULL) {
        SAY("#%" PRIu64 ": %s pending phase 2; waits for the ISAKMP SA #%" PRIu64, x->serial, label,
            awaited->serial);
        return;
    }
    const char *event = status_event(k, x, &seconds);
    char hint[HINT_TEXT];
    bool hinted = hint_of(x, hint);
    SAY("#%" PRIu64 ": %s STATE_%s (%s); %s in %" PRIu64 "s%s%s%s", x->serial, label,
        xchg_state_word(x->state), status_story(x), event, seconds, newest,
        hinted ? "; " : "", hinted ? hint : "");
    if (x->quick && x->up && !x->gone) {
        show_ipsec(k, client, x, label);
    } else if (!x->quick && x->up) {
        char id[IDENTITY_TEXT];
        identity_print(x->peer_id, id);
        SAY("#%" PRIu64 ": %s %s; peer %s by %s", x->serial, label, xchg_proposal(x), id, xchg_method(x));
    }
}

/* ---- the rest ---- */

static void show_processes(struct keying *k, uint64_t client)
{
    struct process_view p;
    for (unsigned place = 0; k->hooks.process(k->hooks.context, place, &p); place++) {
        char worker[16] = "";
        if (p.worker != 0) {
            snprintf(worker, sizeof worker, " %u", p.worker);
        }
        if (p.pid == 0) {
            SAY("process %s%s not running for %" PRIu64 "s; restarts: %u", p.tool, worker, p.since,
                p.restarts);
        } else {
            SAY("process %s%s pid %d for %" PRIu64 "s%s; restarts: %u; to read: %zu bytes", p.tool,
                worker, p.pid, p.since, p.current ? "" : ", old secrets", p.restarts,
                p.queued + p.unread);
        }
    }
}

static void show_question(struct keying *k, uint64_t client)
{
    struct question_view q;
    char wrong[40] = "";
    if (!k->hooks.question(k->hooks.context, &q)) {
        return;
    }
    if (q.wrong > 0) {
        snprintf(wrong, sizeof wrong, "; %u typed before %s wrong", q.wrong, q.wrong == 1 ? "was" : "were");
    }
    SAY("question %" PRIu64 " is open for %" PRIu64 "s: passphrase of the RSA key file %s, asked for at the terminal of "
        "whack --listen%s", q.number, q.since, q.file, wrong);
}

/* One line a group, of what is not 0. */
static void show_counters(struct keying *k, uint64_t client)
{
    char line[400] = "";
    char one[80];
    for (unsigned group = 0; group < COUNTER_GROUP_COUNT; group++) {
        line[0] = '\0';
        for (unsigned i = 0; i < COUNTER_COUNT; i++) {
            if (counter_group((enum counter)i) == group && k->counters.of[i] != 0) {
                snprintf(one, sizeof one, " %s %" PRIu64, counter_name((enum counter)i),
                         k->counters.of[i]);
                strlcat(line, one, sizeof line);
            }
        }
        if (line[0] != '\0') {
            SAY("counted, %s:%s", counter_group_name((enum counter_group)group), line);
        }
    }
    line[0] = '\0';
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        if (k->counters.ignored[i] != 0) {
            char word[SCHEMA_WORD];
            snprintf(one, sizeof one, " %s %" PRIu64, schema_word(K_FLAW, i, word),
                     k->counters.ignored[i]);
            strlcat(line, one, sizeof line);
        }
    }
    if (line[0] != '\0') {
        SAY("counted, ignored messages:%s", line);
    }
}

static void show_names(struct keying *k, uint64_t client)
{
    struct resolve_view name;
    const unsigned count = resolve_waiting(k);
    for (unsigned place = 0; place < STATUS_NAMES && resolve_view(k, place, &name); place++) {
        char again[40] = "";
        if (name.again > 0) {
            snprintf(again, sizeof again, "; asked again in %" PRIu64 "s", name.again);
        }
        SAY("%s in ipsec.secrets waits for its address: %s%s", name.host, name.why == NULL ? "no answer yet" : name.why, again);
    }
    if (count > STATUS_NAMES) {
        SAY("%u more names of hosts in ipsec.secrets wait for their addresses", count - STATUS_NAMES);
    }
}

static void show_head(struct keying *k, uint64_t client)
{
    char text[DEBUG_CLASSES_TEXT];
    char id[IDENTITY_TEXT] = "(none)";
    for (size_t i = 0; i < k->interface_count; i++) {
        char address[ADDRESS_TEXT];
        address_print(&k->interfaces[i].address, address);
        SAY("interface %s %s:%u", k->interfaces[i].name, address, k->interfaces[i].port);
    }
    const char *deaf = keying_deaf(k);
    SAY("%s", deaf == NULL ? "listening for IKE messages" : !k->listening ? "not listening for IKE messages" : deaf);
    if (k->settings.myid != NULL) {
        identity_print(k->settings.myid, id);
    }
    SAY("%%myid = %s", id);
    debug_classes_print(k->classes, text);
    SAY("debug %s", text[0] == '\0' ? "none" : text);
    show_processes(k, client);
    show_names(k, client);
    show_question(k, client);
    show_counters(k, client);
}

static void show_key(struct keying *k, uint64_t client, const struct public_key *key, size_t place)
{
    char id[IDENTITY_TEXT];
    char since[CLOCK_TEXT];
    (void)place;
    identity_print(public_key_id(key), id);
    clock_text((time_t)key->since, since);
    SAY("public key of %s: RSA, %u bits, fingerprint %.*s; since %s, from %s", id, key->bits,
        RSA_FINGERPRINT_SHORT, key->fingerprint, since, public_key_source(key));
}

static void nothing(struct keying *k, uint64_t client)
{
    (void)k;
    (void)client;
}

const struct status_form status_text = {
    .head = show_head, .conn = show_conn, .between = nothing, .state = show_state, .middle = nothing,
    .key = show_key, .tail = nothing
};
