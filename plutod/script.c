#include "script.h"

#include <bsd/string.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

void script_words_free(char **words)
{
    for (size_t i = 0; words != NULL && words[i] != NULL; i++) {
        free(words[i]);
    }
    free(words);
}

void script_job_free(struct script_job *job)
{
    if (job != NULL) {
        script_words_free(job->words);
        free(job->environment);
        free(job);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

/* Takes one word from *at on; quotes go. */
static size_t take_word(char *out, const char **at)
{
    size_t len = 0;
    char quote = '\0';
    const char *p = *at;
    for (; *p != '\0' && (quote != '\0' || !is_blank(*p)); p++) {
        if (quote != '\0' && *p == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*p == '"' || *p == '\'')) {
            quote = *p;
        } else {
            out[len++] = *p;
        }
    }
    *at = p;
    out[len] = '\0';
    return len;
}

char **script_words(const char *value)
{
    size_t most = strlen(value) / 2 + 2;
    char **words = calloc(most + 1, sizeof *words);
    char *word = malloc(strlen(value) + 1);
    size_t count = 0;
    if (words == NULL || word == NULL) {
        goto failed;
    }
    for (const char *at = value;;) {
        while (is_blank(*at)) {
            at++;
        }
        if (*at == '\0') {
            break;
        }
        take_word(word, &at);
        words[count] = strdup(word);
        if (words[count++] == NULL) {
            goto failed;
        }
    }
    free(word);
    return words;

failed:
    free(word);
    script_words_free(words);
    return NULL;
}

/* ---- the environment ---- */

#define ENVIRONMENT_MAX 32
#define SYSTEM_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

/* Three for each tunnel: so they are written one behind the other into one piece of memory. */
struct list {
    struct buffer text;          /* "NAME=value", a 0 byte, and so on */
    size_t at[ENVIRONMENT_MAX];  /* where in it they begin */
    size_t count;
    bool failed;
};

static void add_suffixed(struct list *l, const char *name, const char *suffix, const char *value)
{
    if (l->count == ENVIRONMENT_MAX) {
        l->failed = true;
        return;
    }
    l->at[l->count++] = l->text.len;
    buffer_add_text(&l->text, name);
    buffer_add_text(&l->text, suffix);
    buffer_add_text(&l->text, "=");
    buffer_add(&l->text, value, strlen(value) + 1);
}

static void add(struct list *l, const char *name, const char *value)
{
    add_suffixed(l, name, "", value);
}

static void add_number(struct list *l, const char *name, unsigned number)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    add(l, name, text);
}

static void add_address(struct list *l, const char *name, const char *suffix, const struct address *a)
{
    char text[ADDRESS_TEXT];
    address_print(a, text);
    add_suffixed(l, name, suffix, text);
}

/* PLUTO_MY_CLIENT, PLUTO_MY_CLIENT_NET, PLUTO_MY_CLIENT_MASK */
static void add_client(struct list *l, const char *name, const struct subnet *net)
{
    char text[SUBNET_TEXT];
    struct address mask;
    subnet_print(net, text); /* a single address with its length, too */
    add(l, name, text);
    add_address(l, name, "_NET", &net->base);
    subnet_mask(net, &mask);
    add_address(l, name, "_MASK", &mask);
}

static void add_id(struct list *l, const char *name, const struct identity *id)
{
    char text[IDENTITY_TEXT];
    identity_print(id, text);
    add(l, name, text);
}

/*
 * Programs of the system, and before them our own `ipsec`, which scripts and values of --updown name: another
 * product has one, too. It is where the default script says that we are installed, or built.
 */
static void add_path(struct list *l, const char *updown)
{
    static const struct { const char *script, *ipsec; } layouts[] = {
        { "/libexec/ipsec/updown", "/sbin" }, { "/updown/updown", "/whack" }
    };
    char path[PATH_MAX + 64];
    for (unsigned i = 0; i < sizeof layouts / sizeof layouts[0]; i++) {
        size_t len = strlen(updown);
        size_t end = strlen(layouts[i].script);
        if (len >= end && strcmp(updown + len - end, layouts[i].script) == 0) {
            snprintf(path, sizeof path, "%.*s%s:" SYSTEM_PATH, (int)(len - end), updown, layouts[i].ipsec);
            add(l, "PATH", path);
            return;
        }
    }
    add(l, "PATH", SYSTEM_PATH);
}

static void fill_environment(struct list *l, const struct keying *k, const struct conn *c, const char *verb)
{
    const struct connection_end *our = conn_our_end(c);
    add_path(l, k->settings.updown);
    add(l, "PLUTO_VERSION", "1.1");
    add(l, "PLUTO_VERB", verb);
    add(l, "PLUTO_CONNECTION", c->form->name);
    add_address(l, "PLUTO_NEXT_HOP", "",
                our->nexthop_kind == NEXTHOP_ADDRESS ? &our->nexthop : &c->peer_host);
    add(l, "PLUTO_INTERFACE", c->interface);
    add_address(l, "PLUTO_ME", "", &c->our_host);
    add_client(l, "PLUTO_MY_CLIENT", &c->our_client);
    add_address(l, "PLUTO_PEER", "", &c->peer_host);
    add_client(l, "PLUTO_PEER_CLIENT", &c->peer_client);
    add_id(l, "PLUTO_MY_ID", c->our_id);
    add_id(l, "PLUTO_PEER_ID", c->peer_id);
    add_number(l, "PLUTO_REQID", c->reqid);
    add(l, "PLUTO_MY_PORT", "0");
    add(l, "PLUTO_PEER_PORT", "0");
    add(l, "PLUTO_MY_PROTOCOL", "0");
    add(l, "PLUTO_PEER_PROTOCOL", "0");
    add(l, "PLUTO_UDP_ENC", "0");
}

/* The pointers and, in the same piece of memory, what they point to. */
static char **make_environment(const struct keying *k, const struct conn *c, const char *verb)
{
    struct list l = { .count = 0 };
    char **entries = NULL;
    buffer_init(&l.text, 0);
    fill_environment(&l, k, c, verb);
    size_t pointers = (l.count + 1) * sizeof *entries;
    if (!l.failed && !l.text.lost && (entries = malloc(pointers + l.text.len)) != NULL) {
        char *text = (char *)entries + pointers;
        memcpy(text, l.text.data, l.text.len);
        for (size_t i = 0; i < l.count; i++) {
            entries[i] = text + l.at[i];
        }
        entries[l.count] = NULL;
    }
    buffer_wipe(&l.text);
    return entries;
}

struct script_job *script_job_new(const struct keying *k, const struct conn *c, const char *action,
                                  uint64_t id)
{
    const char *command = conn_our_end(c)->updown;
    struct script_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return NULL;
    }
    job->id = id;
    job->peer = c->peer_host;
    job->peer_client = c->peer_client;
    conn_label(c, job->label);
    bool host = subnet_is_host(&c->our_client, &c->our_host);
    snprintf(job->verb, sizeof job->verb, "%s-%s%s", action, host ? "host" : "client",
             c->our_host.family == 6 ? "-v6" : "");
    if (command != NULL) {
        job->words = script_words(command);
    } else if ((job->words = calloc(2, sizeof *job->words)) != NULL) {
        job->words[0] = strdup(k->settings.updown); /* one word, whatever its path has in it */
    }
    job->environment = make_environment(k, c, job->verb);
    if (job->words == NULL || job->words[0] == NULL || job->environment == NULL) {
        script_job_free(job);
        return NULL;
    }
    return job;
}
