#include "connection_making.h"

#include "algorithm.h"
#include "bounds.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    return true;
}

static bool too_long(const struct making *m, const char *option, const char *text, enum key key)
{
    return text != NULL && strlen(text) > schema_key(key)->max
           && !making_refuse(m, "%s %.100s...: too long, at most %u bytes are allowed", option,
                             text, (unsigned)schema_key(key)->max);
}

/* Proposals are parsed by a function of their own each; only whether they are right matters here. */
static const char *parse_ike(const char *text, const char **at)
{
    struct ike_proposals p;
    return ike_proposals_parse(&p, text, at);
}

static const char *parse_esp(const char *text, const char **at)
{
    struct esp_proposals p;
    return esp_proposals_parse(&p, text, at);
}

static const char *parse_ah(const char *text, const char **at)
{
    struct hash_list h;
    return hash_list_parse(&h, text, at);
}

static const char *parse_groups(const char *text, const char **at)
{
    struct group_list g;
    return group_list_parse(&g, text, at);
}

static bool make_algorithms(const struct making *m)
{
    const struct {
        const char *option;
        const char *text;
        const char *(*parse)(const char *text, const char **at);
        enum key limit;
    } lists[] = {
        { "--ike", m->words->ike, parse_ike, K_IKE },
        { "--esp", m->words->esp, parse_esp, K_ESP },
        { "--ah", m->words->ah, parse_ah, K_ESP },
        { "--pfsgroup", m->words->pfsgroup, parse_groups, K_PFSGROUP },
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const char *text = lists[i].text;
        const char *at = "";
        if (text == NULL || strcmp(text, "default") == 0) { /* which is right, and what most have */
            continue;
        }
        if (too_long(m, lists[i].option, text, lists[i].limit)) {
            return false;
        }
        const char *why = lists[i].parse(text, &at);
        if (why != NULL) {
            return making_refuse(m, "%s %.200s: %s, at \"%.60s\"", lists[i].option, text, why, at);
        }
    }
    return true;
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

static char *copy_of(const char *text, bool *done)
{
    char *copy = text == NULL ? NULL : strdup(text);
    *done = *done && (text == NULL || copy != NULL);
    return copy;
}

/* What most connections have is kept once for all of them. */
static const char *own_text(const char *said, enum option_id option, bool *done)
{
    const char *preset = option_spec(option)->preset_text;
    return said == NULL || strcmp(said, preset) == 0 ? preset : copy_of(said, done);
}

static void free_text(const char *text, enum option_id option)
{
    if (text != option_spec(option)->preset_text) {
        free((void *)(uintptr_t)text);
    }
}

static bool own_texts(struct connection_form *form, const struct connection_words *words)
{
    bool done = true;
    form->name = copy_of(words->name, &done);
    form->ike = own_text(words->ike, OPTION_IKE, &done);
    form->esp = own_text(words->esp, OPTION_ESP, &done);
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
    if (!make_name(&m) || !making_ends(&m) || !make_algorithms(&m) || !making_checks(&m)) {
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
    to->name = copy_of(from->name, &done);
    to->ike = own_text(from->ike, OPTION_IKE, &done);
    to->esp = own_text(from->esp, OPTION_ESP, &done);
    to->pfsgroup = copy_of(from->pfsgroup, &done);
    for (int i = 0; i < 2; i++) {
        to->end[i].updown = copy_of(from->end[i].updown, &done);
        to->end[i].host_name = copy_of(from->end[i].host_name, &done);
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
    free((void *)(uintptr_t)form->name);
    free_text(form->ike, OPTION_IKE);
    free_text(form->esp, OPTION_ESP);
    free(form->pfsgroup);
    for (int i = 0; i < 2; i++) {
        free(form->end[i].updown);
        free(form->end[i].host_name);
        free((void *)(uintptr_t)form->end[i].id);
    }
    memset(form, 0, sizeof *form);
}

bool connection_isakmp_only(const struct connection_form *form)
{
    return (form->policy & (POLICY_ENCRYPT | POLICY_AUTHENTICATE | POLICY_COMPRESS | POLICY_PFS)) == 0;
}
