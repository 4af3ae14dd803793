#include "connection_making.h"

#include "algorithm.h"
#include "bounds.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECURITY ((unsigned)(POLICY_ENCRYPT | POLICY_AUTHENTICATE))

bool making_refuse(const struct making *m, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m->why, CONNECTION_WHY, format, args);
    va_end(args);
    return false;
}

const char *connection_name_check(const char *name)
{
    size_t len = strlen(name);
    static_assert(NAME_MAX_LEN == 64, "as is said to the user");
    if (len == 0 || len > NAME_MAX_LEN) {
        return "1 to 64 characters are allowed";
    }
    for (size_t i = 0; i < len; i++) {
        bool plain = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z')
                     || (name[i] >= '0' && name[i] <= '9');
        if (!plain && (i == 0 || strchr("._-", name[i]) == NULL)) {
            return "only letters, digits and ._- are allowed, the first must be a letter or digit";
        }
    }
    return NULL;
}

static bool make_name(const struct making *m)
{
    const char *name = m->words->name;
    if (name == NULL) {
        return making_refuse(m, "--name: missing; a connection needs a name");
    }
    const char *why = connection_name_check(name);
    if (why != NULL) {
        return making_refuse(m, "--name %.100s: %s", name, why);
    }
    memcpy(m->form->name, name, strlen(name) + 1);
    return true;
}

static bool too_long(const struct making *m, const char *option, const char *text, enum key key)
{
    return text != NULL && strlen(text) > schema_key(key)->max
           && !making_refuse(m, "%s %.100s...: too long, at most %u bytes are allowed", option,
                             text, (unsigned)schema_key(key)->max);
}

static bool make_algorithms(const struct making *m)
{
    struct connection_form *form = m->form;
    const struct connection_words *words = m->words;
    struct ike_proposals ike;
    struct esp_proposals esp;
    struct group_list groups;
    const char *at = "";
    const char *why;

    if (too_long(m, "--ike", words->ike, K_IKE) || too_long(m, "--esp", words->esp, K_ESP)
        || too_long(m, "--pfsgroup", words->pfsgroup, K_PFSGROUP)) {
        return false;
    }
    why = ike_proposals_parse(&ike, form->ike, &at);
    if (why != NULL) {
        return making_refuse(m, "--ike %.200s: %s, at \"%.60s\"", form->ike, why, at);
    }
    why = esp_proposals_parse(&esp, form->esp, &at);
    if (why != NULL) {
        return making_refuse(m, "--esp %.200s: %s, at \"%.60s\"", form->esp, why, at);
    }
    why = form->pfsgroup == NULL ? NULL : group_list_parse(&groups, form->pfsgroup, &at);
    if (why != NULL) {
        return making_refuse(m, "--pfsgroup %.200s: %s, at \"%.60s\"", form->pfsgroup, why, at);
    }
    return true;
}

/* ---- the checks that look at more than one option [W3] ---- */

static bool check_peers(const struct making *m)
{
    const struct connection_end *end = m->form->end;

    if (end[END_LEFT].host_kind == HOST_ANY && end[END_RIGHT].host_kind == HOST_ANY) {
        return making_refuse(m, "--host %%any: only one end can be %%any");
    }
    for (int i = 0; i < 2; i++) {
        if (end[i].host_kind == HOST_ANY && end[1 - i].nexthop_kind == NEXTHOP_PEER) {
            return making_refuse(m, "--host %%any: the other end (--host %.100s) needs a --nexthop"
                                 " with the gateway's address, or --nexthop %%direct",
                                 m->words->end[1 - i].host);
        }
    }
    return true;
}

static bool check_policy(const struct making *m)
{
    unsigned policy = m->form->policy;

    if ((policy & (POLICY_PSK | POLICY_RSASIG)) == 0) {
        return making_refuse(m, "--psk: missing; a connection needs to say how the peers prove who"
                             " they are (--rsasig is not supported yet)");
    }
    if ((policy & SECURITY) != 0) {
        if (m->words->pfsgroup != NULL && (policy & POLICY_PFS) == 0) {
            return making_refuse(m, "--pfsgroup %.100s: goes with --pfs only", m->words->pfsgroup);
        }
        return true;
    }
    for (int i = 0; i < 2; i++) {
        if (m->form->end[i].has_client) {
            return making_refuse(m, "--client %.100s: goes with --encrypt only (without it, only an"
                                 " ISAKMP SA is built, and nothing of a client goes through that)",
                                 m->words->end[i].client);
        }
    }
    if ((policy & (POLICY_TUNNEL | POLICY_COMPRESS | POLICY_PFS)) != 0) {
        const char *word = (policy & POLICY_TUNNEL) != 0 ? "tunnel"
                           : (policy & POLICY_PFS) != 0 ? "pfs" : "compress";
        return making_refuse(m, "--%s: goes with --encrypt only", word);
    }
    if (m->words->esp != NULL) {
        return making_refuse(m, "--esp %.100s: goes with --encrypt only", m->words->esp);
    }
    if (m->words->pfsgroup != NULL) {
        return making_refuse(m, "--pfsgroup %.100s: goes with --pfs only", m->words->pfsgroup);
    }
    return true;
}

static bool check_life(const struct making *m, const char *option, uint32_t life)
{
    const struct connection_form *form = m->form;
    uint64_t least = (uint64_t)form->rekeymargin * (100 + (uint64_t)form->rekeyfuzz) / 100;

    if (life > least || (form->policy & POLICY_DONTREKEY) != 0) {
        return true;
    }
    return making_refuse(m, "%s %u: must be greater than the %llu s that --rekeymargin %u with"
                         " --rekeyfuzz %u can reach, else nothing is replaced in time (or give"
                         " --dontrekey)", option, life, (unsigned long long)least,
                         form->rekeymargin, form->rekeyfuzz);
}

/* ---- all of it ---- */

static uint32_t number_of(const struct connection_words *words, enum connection_number which,
                          enum option_id option)
{
    return words->has[which] ? words->number[which] : (uint32_t)option_spec(option)->preset;
}

static void make_numbers(struct connection_form *form, const struct connection_words *words)
{
    form->ikelifetime = number_of(words, IKELIFETIME, OPTION_IKELIFETIME);
    form->ipseclifetime = number_of(words, IPSECLIFETIME, OPTION_IPSECLIFETIME);
    form->rekeymargin = number_of(words, REKEYMARGIN, OPTION_REKEYMARGIN);
    form->rekeyfuzz = number_of(words, REKEYFUZZ, OPTION_REKEYFUZZ);
    form->keyingtries = number_of(words, KEYINGTRIES, OPTION_KEYINGTRIES);
}

static const char *text_of(const char *said, enum option_id option)
{
    return said != NULL ? said : option_spec(option)->preset_text;
}

static char *copy_of(const char *text, bool *done)
{
    char *copy = text == NULL ? NULL : strdup(text);
    *done = *done && (text == NULL || copy != NULL);
    return copy;
}

static bool own_texts(struct connection_form *form, const struct connection_words *words)
{
    bool done = true;
    form->ike = copy_of(text_of(words->ike, OPTION_IKE), &done);
    form->esp = copy_of(text_of(words->esp, OPTION_ESP), &done);
    form->pfsgroup = copy_of(words->pfsgroup, &done);
    for (int i = 0; i < 2; i++) {
        form->end[i].updown = copy_of(words->end[i].updown, &done);
    }
    return done;
}

bool connection_form_make(struct connection_form *form, const struct connection_words *words,
                          connection_resolver *resolver, void *context, char why[CONNECTION_WHY])
{
    memset(form, 0, sizeof *form);
    const struct making m = { form, words, resolver, context, why };

    form->policy = words->policy;
    form->replace = words->replace;
    make_numbers(form, words);
    if (!own_texts(form, words)) {
        making_refuse(&m, "out of memory");
        connection_form_free(form);
        return false;
    }
    if (!make_name(&m) || !making_ends(&m) || !make_algorithms(&m) || !check_peers(&m)
        || !check_policy(&m) || !check_life(&m, "--ikelifetime", form->ikelifetime)
        || !check_life(&m, "--ipseclifetime", form->ipseclifetime)) {
        connection_form_free(form);
        return false;
    }
    if (form->end[END_LEFT].has_client || form->end[END_RIGHT].has_client) {
        form->policy |= POLICY_TUNNEL;
    }
    return true;
}

bool connection_form_copy(struct connection_form *to, const struct connection_form *from)
{
    bool done = true;

    *to = *from;
    to->ike = copy_of(from->ike, &done);
    to->esp = copy_of(from->esp, &done);
    to->pfsgroup = copy_of(from->pfsgroup, &done);
    for (int i = 0; i < 2; i++) {
        to->end[i].updown = copy_of(from->end[i].updown, &done);
        to->end[i].id = identity_dup(from->end[i].id);
        done = done && to->end[i].id != NULL;
    }
    if (!done) {
        connection_form_free(to);
    }
    return done;
}

void connection_form_free(struct connection_form *form)
{
    free(form->ike);
    free(form->esp);
    free(form->pfsgroup);
    for (int i = 0; i < 2; i++) {
        free(form->end[i].updown);
        free((void *)(uintptr_t)form->end[i].id);
    }
    memset(form, 0, sizeof *form);
}

bool connection_isakmp_only(const struct connection_form *form)
{
    return (form->policy & (SECURITY | POLICY_COMPRESS | POLICY_PFS)) == 0;
}
