/*
 * --status --json: one document, in lines that are whole elements of it. What each key means is said in
 * ipsec-status(5), and docs/status.schema.json is checked against what stands here. An object that could not be made whole is
 * not shown, and whack is told.
 */
#include "status_form.h"

#include "foreign.h"
#include "hint.h"
#include "object.h"
#include "orient.h"
#include "peer_name.h"
#include "public_keys.h"
#include "resolve.h"
#include "routing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SCHEMA_VERSION 1

/* ---- lines ---- */

static void line(struct keying *k, uint64_t client, const char *before, struct object o)
{
    char *dump = o.lost ? NULL : json_dumps(o.json, JSON_COMPACT | JSON_ENSURE_ASCII);
    char *whole = NULL;
    if (dump != NULL && asprintf(&whole, "%s%s", before, dump) >= 0) {
        k->hooks.json(k->hooks.context, client, whole);
        free(whole);
    } else {
        keying_say(k, client, REPLY_INTERNAL, "no memory to show all of the status: the JSON document is not whole");
    }
    free(dump);
    json_decref(o.json);
}

static void plain(struct keying *k, uint64_t client, const char *words)
{
    k->hooks.json(k->hooks.context, client, words);
}

/* ---- the head ---- */

#define UTC_TEXT 32

static void utc_text(int64_t seconds, char out[UTC_TEXT])
{
    struct tm tm;
    time_t when = (time_t)seconds;
    out[0] = '\0';
    if (gmtime_r(&when, &tm) != NULL) {
        (void)strftime(out, UTC_TEXT, "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
}

static void show_daemon(struct keying *k, uint64_t client)
{
    struct object o = object_new();
    char started[UTC_TEXT];
    utc_text(k->settings.started, started);
    object_put_text(&o, "version", VERSION);
    object_put_text(&o, "started", started);
    object_put_yes(&o, "listening", keying_deaf(k) == NULL);
    object_put_yes(&o, "stopping", k->stopping);
    object_put_number(&o, "ikeport", k->settings.ikeport);
    object_put_yes(&o, "uniqueids", k->settings.uniqueids);
    object_put_identity(&o, "myid", k->settings.myid);
    object_put_classes(&o, "debug", k->classes);
    line(k, client, ",\"plutod\":", o);
}

static void show_processes(struct keying *k, uint64_t client)
{
    struct process_view p;
    for (unsigned place = 0; k->hooks.process(k->hooks.context, place, &p); place++) {
        struct object o = object_new();
        object_put_text(&o, "tool", p.tool);
        object_put_some(&o, "worker", p.worker);
        object_put_yes(&o, "current", p.current);
        object_put(&o, "pid", p.pid == 0 ? json_null() : json_integer(p.pid));
        object_put_number(&o, p.pid == 0 ? "dead_for" : "uptime", p.since);
        object_put_number(&o, "restarts", p.restarts);
        object_put_number(&o, "queued", p.queued);
        object_put_number(&o, "unread", p.unread);
        line(k, client, place == 0 ? "" : ",", o);
    }
}

static void show_interfaces(struct keying *k, uint64_t client)
{
    for (size_t i = 0; i < k->interface_count; i++) {
        struct object o = object_new();
        object_put_text(&o, "name", k->interfaces[i].name);
        object_put_address(&o, "address", &k->interfaces[i].address);
        object_put_number(&o, "port", k->interfaces[i].port);
        line(k, client, i == 0 ? "" : ",", o);
    }
}

static void show_question(struct keying *k, uint64_t client)
{
    struct question_view q;
    struct object o = object_new();
    if (!k->hooks.question(k->hooks.context, &q)) {
        json_decref(o.json);
        plain(k, client, ",\"question\":null");
        return;
    }
    object_put_number(&o, "number", q.number);
    object_put_text(&o, "file", q.file);
    object_put_number(&o, "open_for", q.since);
    object_put_number(&o, "wrong", q.wrong);
    line(k, client, ",\"question\":", o);
}

static void show_counters(struct keying *k, uint64_t client)
{
    struct object o = object_new();
    for (unsigned group = 0; group < COUNTER_GROUP_COUNT; group++) {
        struct object of = object_new();
        for (unsigned i = 0; i < COUNTER_COUNT; i++) {
            if (counter_group((enum counter)i) == group) {
                object_put_number(&of, counter_name((enum counter)i), k->counters.of[i]);
            }
        }
        object_put_object(&o, counter_group_name((enum counter_group)group), of);
    }
    struct object ignored = object_new();
    for (unsigned i = 0; i < FLAW_COUNT; i++) {
        char word[SCHEMA_WORD];
        schema_word(K_FLAW, i, word);
        for (char *at = strchr(word, '-'); at != NULL; at = strchr(at, '-')) {
            *at = '_'; /* as all keys of the document */
        }
        object_put_number(&ignored, word, k->counters.ignored[i]);
    }
    object_put_object(&o, "ignored", ignored);
    line(k, client, ",\"counters\":", o);
}

/* Of the names of hosts that wait, the first. */
static void show_names(struct keying *k, uint64_t client)
{
    struct resolve_view name;
    char count[60];
    snprintf(count, sizeof count, ",\"names_waiting\":%u,\"names\":[", resolve_waiting(k));
    plain(k, client, count);
    for (unsigned place = 0; place < STATUS_NAMES && resolve_view(k, place, &name); place++) {
        struct object o = object_new();
        object_put_text(&o, "host", name.host);
        object_put_text(&o, "why", name.why);
        object_put(&o, "again_in", name.again == 0 ? json_null() : object_number(name.again));
        line(k, client, place == 0 ? "" : ",", o);
    }
    plain(k, client, "]");
}

static void show_head(struct keying *k, uint64_t client)
{
    char version[40];
    snprintf(version, sizeof version, "{\"schema\":%d", SCHEMA_VERSION);
    plain(k, client, version);
    show_daemon(k, client);
    plain(k, client, ",\"processes\":[");
    show_processes(k, client);
    plain(k, client, "],\"interfaces\":[");
    show_interfaces(k, client);
    plain(k, client, "]");
    show_question(k, client);
    show_counters(k, client);
    show_names(k, client);
    plain(k, client, ",\"connections\":[");
}

/* ---- connections ---- */

static struct object end_of(const struct status_end *e)
{
    struct object o = object_new();
    char id[IDENTITY_TEXT];
    status_id(e, id);
    object_put_address(&o, "host", &e->host);
    object_put_text(&o, "host_name", e->end->host_name);
    object_put_number(&o, "ikeport", e->end->ikeport);
    object_put_text(&o, "id", id);
    object_put_subnet(&o, "client", &e->client);
    object_put_address(&o, "nexthop", &e->end->nexthop);
    object_put_text(&o, "updown", e->end->updown);
    return o;
}

/* What somebody who watches tunnels wants to know first. */
static const char *word_of(const struct conn *c)
{
    bool isakmp = false;
    bool unprotected = foreign_unprotected(c);
    const struct xchg *x;
    for (x = c->exchanges; x != NULL; x = x->next) {
        if (x->up && !x->ending && x->quick && !unprotected) {
            return "up";
        }
        isakmp = isakmp || (x->up && !x->ending);
    }
    if (unprotected) {
        return "half-up";
    }
    if (isakmp) {
        return connection_isakmp_only(c->form) ? "up" : "half-up";
    }
    return c->oriented ? "down" : "unoriented";
}

static bool negotiates(const struct conn *c)
{
    const struct xchg *x;
    bool found = c->attempt != 0 || peer_name_is_asked(c);
    for (x = c->exchanges; x != NULL && !found; x = x->next) {
        found = !x->up || x->gone;
    }
    return found;
}

static void put_description(struct object *o, const struct conn *c)
{
    const struct connection_form *f = c->form;
    char policy[POLICY_TEXT];
    connection_policy_print(f->policy, policy);
    object_put_list(o, "policy", policy);
    object_put_text(o, "ike", f->ike);
    object_put_text(o, "esp", f->esp);
    object_put_text(o, "pfsgroup", f->pfsgroup);
    object_put_number(o, "ikelifetime", f->ikelifetime);
    object_put_number(o, "ipseclifetime", f->ipseclifetime);
    object_put_number(o, "rekeymargin", f->rekeymargin);
    object_put_number(o, "rekeyfuzz", f->rekeyfuzz);
    object_put_number(o, "keyingtries", f->keyingtries);
}

static void put_failure(struct object *o, const struct keying *k, const struct conn *c)
{
    if (c->failure == NULL) {
        object_put(o, "last_failure", json_null());
        return;
    }
    struct object failure = object_new();
    object_put_number(&failure, "ago", (k->now - c->failure->at) / 1000);
    object_put_text(&failure, "why", c->failure->why);
    object_put_object(o, "last_failure", failure);
}

static void show_conn(struct keying *k, uint64_t client, const struct conn *c, size_t place)
{
    struct object o = object_new();
    struct status_end ends[2];
    char why[ORIENT_WHY];
    status_ends(c, ends);
    object_put_text(&o, "name", c->name);
    object_put_text(&o, "template", c->instance == 0 ? NULL : c->form->name);
    object_put(&o, "instances", conn_is_template(c) ? object_number(status_instances(c)) : json_null());
    object_put_text(&o, "state", word_of(c));
    object_put_yes(&o, "negotiating", negotiates(c));
    if (!c->oriented) {
        orient_why(k, c, why);
    }
    object_put_text(&o, "unoriented", c->oriented ? NULL : why);
    object_put_text(&o, "routing", routing_story(c));
    object_put_yes(&o, "routed", c->eroute != NULL && !foreign_unprotected(c));
    object_put_some(&o, "eroute_owner", c->eroute == NULL ? 0 : status_serial(k, c->newest_ipsec));
    object_put_some(&o, "isakmp_sa", status_serial(k, c->newest_isakmp));
    object_put_some(&o, "ipsec_sa", status_serial(k, c->newest_ipsec));
    object_put_object(&o, "ours", end_of(&ends[0]));
    object_put_object(&o, "peer", end_of(&ends[1]));
    object_put_text(&o, "interface", c->oriented ? c->interface : NULL);
    put_description(&o, c);
    object_put_some(&o, "attempt", c->attempt);
    object_put(&o, "next_attempt", !agenda_is_set(&c->retry) ? json_null()
        : object_number(agenda_wait(&k->agenda, &c->retry, k->now) / 1000));
    put_failure(&o, k, c);
    object_put_number(&o, "reqid", c->reqid);
    object_put_classes(&o, "debug", c->classes);
    line(k, client, place == 0 ? "" : ",", o);
}

/* ---- states ---- */

static void put_place(struct object *o, const char *key, const struct address *a, uint16_t port)
{
    struct object at = object_new();
    object_put_address(&at, "address", a);
    object_put_number(&at, "port", port);
    object_put_object(o, key, at);
}

static void put_spi(struct object *o, const char *key, const uint8_t spi[4])
{
    char out[16];
    snprintf(out, sizeof out, "0x%02x%02x%02x%02x", spi[0], spi[1], spi[2], spi[3]);
    object_put_text(o, key, out);
}

static struct object ipsec_of(const struct keying *k, const struct xchg *y)
{
    struct object o = object_new();
    object_put_text(&o, "protocol", "esp");
    object_put_text(&o, "mode", y->mode == MODES_TUNNEL ? "tunnel" : "transport");
    put_spi(&o, "spi_in", y->spi_in);
    put_spi(&o, "spi_out", y->spi_out.spi);
    object_put_number(&o, "bytes_in", y->bytes[0]);
    object_put_number(&o, "packets_in", y->packets[0]);
    object_put_number(&o, "bytes_out", y->bytes[1]);
    object_put_number(&o, "packets_out", y->packets[1]);
    object_put(&o, "counted_ago", y->counted == 0 ? json_null() : object_number((k->now - y->counted) / 1000));
    return o;
}

static void show_state(struct keying *k, uint64_t client, const struct xchg *x, size_t place)
{
    struct object o = object_new();
    const struct xchg *awaited = status_awaited(k, x);
    const struct conn *c = x->conn;
    bool proved = !x->quick && x->authenticated;
    char method[SCHEMA_WORD];
    char hint[HINT_TEXT];
    uint64_t seconds;
    const char *event = status_event(k, x, &seconds);
    object_put_number(&o, "serial", x->serial);
    object_put_text(&o, "connection", c == NULL ? NULL : c->name);
    object_put_text(&o, "kind", x->quick ? "ipsec" : "isakmp");
    object_put_text(&o, "role", x->initiator ? "initiator" : "responder");
    object_put_text(&o, "state", xchg_state_word(x->state));
    object_put_text(&o, "story", status_story(x));
    object_put_yes(&o, "established", x->up && !x->gone);
    object_put_yes(&o, "newest", c != NULL && (c->newest_isakmp == x->number || c->newest_ipsec == x->number));
    object_put_some(&o, "isakmp_sa", x->quick ? status_serial(k, x->parent) : 0);
    object_put_some(&o, "pending_for", awaited == NULL ? 0 : awaited->serial);
    object_put_text(&o, "event", awaited == NULL ? event : NULL);
    object_put(&o, "event_in", awaited == NULL ? object_number(seconds) : json_null());
    object_put_number(&o, "age", k->now > x->since ? (k->now - x->since) / 1000 : 0);
    object_put_some(&o, "life", x->up && !x->gone ? x->life : 0);
    object_put(&o, "life_left", x->up && !x->gone ? object_number(seconds) : json_null());
    put_place(&o, "local", &x->local, x->local_port);
    put_place(&o, "remote", &x->remote, x->remote_port);
    object_put_identity(&o, "peer_id", proved ? x->peer_id : NULL);
    object_put_text(&o, "method", !proved ? NULL : schema_word(K_METHOD, x->method, method));
    object_put_text(&o, "algorithms", x->proposal);
    object_put_text(&o, "notified", x->notified);
    object_put_text(&o, "hint", hint_of(x, hint) ? hint : NULL);
    if (x->quick && x->up && !x->gone) {
        object_put_object(&o, "ipsec", ipsec_of(k, x));
    } else {
        object_put(&o, "ipsec", json_null());
    }
    line(k, client, place == 0 ? "" : ",", o);
}

static void between(struct keying *k, uint64_t client)
{
    plain(k, client, "],\"states\":[");
}

static void middle(struct keying *k, uint64_t client)
{
    plain(k, client, "],\"public_keys\":[");
}

static void show_key(struct keying *k, uint64_t client, const struct public_key *key, size_t place)
{
    struct object o = object_new();
    char since[UTC_TEXT];
    utc_text(key->since, since);
    object_put_identity(&o, "id", public_key_id(key));
    object_put_number(&o, "bits", key->bits);
    object_put_text(&o, "fingerprint", key->fingerprint);
    object_put_text(&o, "since", since);
    object_put_text(&o, "from", public_key_source(key));
    line(k, client, place == 0 ? "" : ",", o);
}

static void tail(struct keying *k, uint64_t client)
{
    plain(k, client, "]}");
}

const struct status_form status_json = {
    .head = show_head, .conn = show_conn, .between = between, .state = show_state, .middle = middle, .key = show_key,
    .tail = tail
};
