/* Offers as text for the log; see sa.h. */
#include "sa.h"

#include "attribute.h"
#include "text.h"

#include <bsd/string.h>

static void add_number(struct text *t, const char *what, unsigned number)
{
    if (number == 0) {
        text_add(t, "%s none ", what);
    } else {
        text_add(t, "%s %u ", what, number);
    }
}

static void add_method(struct text *t, unsigned method)
{
    const char *name = auth_method_name(method);
    if (name != NULL) {
        text_add(t, "/%s", name);
    } else {
        text_add(t, "/method %u", method);
    }
}

static void add_cipher_number(struct text *t, const struct sa_transform *s)
{
    text_add(t, "cipher %u", s->cipher_number);
    if (s->key_bits != 0) {
        text_add(t, "/%u", s->key_bits);
    }
    text_add(t, " ");
}

static void add_ike(struct text *t, const struct sa_transform *s)
{
    char suite[SUITE_TEXT];
    if (s->ike.cipher != NULL && s->ike.hash != NULL && s->ike.group != NULL) {
        ike_suite_print(&s->ike, suite);
        text_add(t, "%s", suite);
    } else {
        add_cipher_number(t, s);
        add_number(t, "hash", s->hash_number);
        if (s->group_number == 0) {
            text_add(t, "group none");
        } else {
            text_add(t, "group %u", s->group_number);
        }
    }
    add_method(t, s->auth_method);
}

static void add_group(struct text *t, unsigned number)
{
    const struct group *g = group_by_number(number);
    if (g != NULL) {
        text_add(t, " pfs %s", g->word);
    } else if (number != 0) {
        text_add(t, " pfs group %u", number);
    }
}

static void add_esp(struct text *t, const struct sa_proposal *p, const struct sa_transform *s)
{
    char suite[SUITE_TEXT];
    if (s->esp.cipher != NULL && (s->esp.hash != NULL || s->esp.cipher->icv_len != 0)) {
        esp_suite_print(&s->esp, suite);
        text_add(t, "%s", suite);
    } else {
        const char *protocol = protocol_name(p->protocol);
        if (protocol != NULL) {
            text_add(t, "%s ", protocol);
        } else {
            text_add(t, "protocol %u ", p->protocol);
        }
        text_add(t, "transform %u", s->id);
        if (s->key_bits != 0) {
            text_add(t, "/%u", s->key_bits);
        }
        if (s->hash_number != 0) {
            text_add(t, " auth %u", s->hash_number);
        }
    }
    if (s->mode != SA_MODE_NONE) {
        text_add(t, " %s%s", s->mode == SA_MODE_TUNNEL ? "tunnel" : "transport",
                 s->mode_udp ? " in UDP" : "");
    }
    add_group(t, s->group_number);
    if (p->bundled) {
        text_add(t, " (proposal %u, all of them at once)", p->number);
    }
}

static void print_offer(const struct sa_offer *o, bool phase1, char *out, size_t size)
{
    struct text t;
    bool room = true;
    text_begin(&t, out, size);
    for (size_t i = 0; i < o->transform_count && room; i++) {
        const struct sa_transform *s = &o->transform[i];
        char item[300];
        struct text one;
        text_begin(&one, item, sizeof item);
        if (phase1) {
            add_ike(&one, s);
        } else {
            add_esp(&one, &o->proposal[s->proposal], s);
        }
        if (s->why_not != NULL) {
            text_add(&one, " [%s]", s->why_not);
        }
        room = text_add_item(&t, i, o->transform_count, item);
    }
}

void sa_print_ike_offer(const struct sa_offer *o, char *out, size_t size)
{
    print_offer(o, true, out, size);
}

void sa_print_esp_offer(const struct sa_offer *o, char *out, size_t size)
{
    print_offer(o, false, out, size);
}

void sa_print_ike_allowed(const struct ike_proposals *p, unsigned methods, char *out, size_t size)
{
    struct text t;
    char suite[SUITE_TEXT];
    bool room = true;
    text_begin(&t, out, size);
    for (size_t i = 0; i < p->count && room; i++) {
        char item[200];
        struct text one;
        text_begin(&one, item, sizeof item);
        ike_suite_print(&p->suite[i], suite);
        text_add(&one, "%s", suite);
        for (unsigned method = 1; method < 32; method++) {
            if ((methods & 1u << method) != 0) {
                add_method(&one, method);
            }
        }
        room = text_add_item(&t, i, p->count, item);
    }
}

void sa_print_esp_allowed(const struct sa_esp_terms *terms, char *out, size_t size)
{
    struct text t;
    char suite[SUITE_TEXT];
    char conditions[300];
    bool room = true;
    bool tunnel = (terms->modes & 1u << SA_MODE_TUNNEL) != 0;
    bool transport = (terms->modes & 1u << SA_MODE_TRANSPORT) != 0;

    text_begin(&t, conditions, sizeof conditions);
    text_add(&t, "%s%s%s%s", tunnel || transport ? ", each in " : "", tunnel ? "tunnel" : "",
             tunnel && transport ? " or " : "", transport ? "transport" : "");
    text_add(&t, "%s", tunnel || transport ? " mode" : "");
    for (size_t i = 0; terms->groups != NULL && i < terms->groups->count; i++) {
        text_add(&t, "%s%s", i == 0 ? ", pfs " : " or ", terms->groups->group[i]->word);
    }
    text_add(&t, "%s", terms->pfs_required ? " required" : "");
    size_t tail = t.len + 20 < size ? t.len : 0; /* they have room behind the list */
    text_begin(&t, out, size - tail);
    for (size_t i = 0; terms->allowed != NULL && i < terms->allowed->count && room; i++) {
        esp_suite_print(&terms->allowed->suite[i], suite);
        room = text_add_item(&t, i, terms->allowed->count, suite);
    }
    (void)strlcpy(out + strlen(out), conditions, size - strlen(out));
}

/* ---- what the peer is set to ---- */

static const char *setting_of(unsigned method)
{
    if (method >= 65001 && method <= 65010) {
        return "XAUTH (extended authentication): switch it off there";
    }
    if (method >= 64221 && method <= 64224) {
        return "hybrid authentication (a certificate and XAUTH): set it to a preshared key";
    }
    return method == 4 || method == 5
               ? "authentication by RSA encryption: set it to a preshared key"
               : "certificates or public keys: set it to a preshared key";
}

bool sa_other_method(const struct sa_offer *o, unsigned methods, char *out, size_t size)
{
    struct text t;
    for (size_t i = 0; i < o->transform_count; i++) {
        unsigned method = o->transform[i].auth_method;
        if (method == 0 || (method < 32 && (methods & 1u << method) != 0)) {
            return false;
        }
    }
    if (o->transform_count == 0) {
        return false;
    }
    const char *name = auth_method_name(o->transform[0].auth_method);
    text_begin(&t, out, size);
    text_add(&t, "the peer is set to %s", setting_of(o->transform[0].auth_method));
    text_add(&t, " (it proposed %s)", name != NULL ? name : "a method that we do not know");
    return true;
}

/* ---- what is refused only because it was not named [X3] ---- */

bool sa_weak_ike(const struct sa_offer *o, const struct ike_proposals *allowed, unsigned methods,
                 char *out, size_t size)
{
    for (size_t i = 0; i < o->transform_count; i++) {
        const struct sa_transform *s = &o->transform[i];
        char suite[SUITE_TEXT];
        struct text t;
        if (sa_why_not_ike(o, i, NULL, methods, UINT32_MAX) != NULL || !ike_suite_weak(&s->ike) ||
            ike_proposals_find(allowed, &s->ike) >= 0) {
            continue;
        }
        ike_suite_print(&s->ike, suite);
        text_begin(&t, out, size);
        text_add(&t, "%s is refused by default; --ike %s would allow it", suite, suite);
        return true;
    }
    return false;
}

static bool is_allowed_group(const struct sa_esp_terms *terms, unsigned number)
{
    for (size_t i = 0; terms->groups != NULL && i < terms->groups->count; i++) {
        if (terms->groups->group[i]->number == number) {
            return true;
        }
    }
    return number == 0;
}

bool sa_weak_esp(const struct sa_offer *o, const struct sa_esp_terms *terms, char *out,
                 size_t size)
{
    for (size_t i = 0; i < o->transform_count; i++) {
        const struct sa_transform *s = &o->transform[i];
        const struct group *g = group_by_number(s->group_number);
        const struct group_list this_group = { .count = g != NULL, .group = { g } };
        struct sa_esp_terms wider = *terms;
        char suite[SUITE_TEXT];
        struct text t;

        if (s->why_not != NULL) {
            continue;
        }
        bool weak_suite = esp_suite_weak(&s->esp) && terms->allowed != NULL &&
                          esp_proposals_match(terms->allowed, &s->esp) < 0;
        bool weak_group = g != NULL && g->weak && !is_allowed_group(terms, s->group_number);
        wider.allowed = weak_suite ? NULL : terms->allowed;
        wider.groups = weak_group ? &this_group : terms->groups;
        if ((!weak_suite && !weak_group) || sa_why_not_esp(o, i, &wider) != NULL) {
            continue;
        }
        esp_suite_print(&s->esp, suite);
        text_begin(&t, out, size);
        text_add(&t, "%s%s%s is refused by default;", weak_suite ? suite : "",
                 weak_suite && weak_group ? " with PFS by " : "", weak_group ? g->word : "");
        text_add(&t, "%s%s", weak_suite ? " --esp " : "", weak_suite ? suite : "");
        text_add(&t, "%s%s would allow it", weak_group ? " --pfsgroup " : "",
                 weak_group ? g->word : "");
        return true;
    }
    return false;
}
