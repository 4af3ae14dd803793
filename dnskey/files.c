#include "files.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SCOPE_LEN 15 /* IFNAMSIZ, without the NUL */

/* A word of a line; len 0: there is none any more. */
struct word {
    const char *at;
    size_t len;
};

/* The next one of a line that ends at `end`, from *at on. `ends`: what begins a comment. */
static struct word next_word(const char **at, const char *end, const char *comments)
{
    while (*at < end && isspace((unsigned char)**at)) {
        (*at)++;
    }
    struct word w = { .at = *at };
    if (*at < end && strchr(comments, **at) != NULL && **at != '\0') {
        *at = end;
        return w;
    }
    while (*at < end && !isspace((unsigned char)**at) && (**at == '\0' || strchr(comments, **at) == NULL)) {
        (*at)++;
    }
    w.len = (size_t)(*at - w.at);
    return w;
}

static bool word_is(struct word w, const char *text, size_t len)
{
    return w.len == len && strncasecmp(w.at, text, len) == 0;
}

/* The next line, without its newline; *at: the one behind it. False: there is none. */
static bool next_line(const char **at, const char *end, struct word *line)
{
    if (*at >= end) {
        return false;
    }
    const char *lf = memchr(*at, '\n', (size_t)(end - *at));
    line->at = *at;
    line->len = (size_t)((lf == NULL ? end : lf) - *at);
    *at = lf == NULL ? end : lf + 1;
    return true;
}

/* ---- resolv.conf ---- */

/* NULL, or why not (static). */
static const char *server_read(char out[SERVER_TEXT], struct word w, scope_finder *scope)
{
    char text[ADDRESS_TEXT + SCOPE_LEN + 2];
    struct address a;
    if (w.len == 0 || w.len >= sizeof text || memchr(w.at, '\0', w.len) != NULL) {
        return "no address follows";
    }
    memcpy(text, w.at, w.len);
    text[w.len] = '\0';
    char *percent = strchr(text, '%');
    if (percent != NULL) {
        *percent++ = '\0';
    }
    const char *why = address_parse(&a, text);
    if (why != NULL) {
        return why;
    }
    address_print(&a, out);
    if (percent != NULL) {
        const unsigned number = a.family == 6 && strlen(percent) <= SCOPE_LEN ? scope(percent) : 0;
        if (number == 0) {
            return "there is no such interface";
        }
        const size_t len = strlen(out);
        (void)snprintf(out + len, SERVER_TEXT - len, "%%%u", number);
    }
    return NULL;
}

static bool server_is_there(const struct servers *s, const char *text)
{
    for (unsigned i = 0; i < s->count; i++) {
        if (strcmp(s->at[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static void server_line(struct servers *s, struct word value, unsigned line, scope_finder *scope, const struct log *log)
{
    char text[SERVER_TEXT];
    const char *why = server_read(text, value, scope);
    if (why != NULL) {
        log_info(log, RESOLV_CONF ":%u: nameserver is not used: %s", line, why);
    } else if (s->count == SERVERS_MAX) {
        log_info(log, RESOLV_CONF ":%u: nameserver %s is not used: there are %u before it", line, text, SERVERS_MAX);
    } else if (!server_is_there(s, text)) {
        (void)snprintf(s->at[s->count++], SERVER_TEXT, "%s", text);
    }
}

void servers_read(struct servers *s, const char *text, size_t len, scope_finder *scope, const struct log *log)
{
    static const char keyword[] = "nameserver";
    const char *end = text + len;
    struct word line;
    memset(s, 0, sizeof *s);
    for (unsigned number = 1; next_line(&text, end, &line); number++) {
        const char *at = line.at;
        if (word_is(next_word(&at, line.at + line.len, "#;"), keyword, sizeof keyword - 1)) {
            server_line(s, next_word(&at, line.at + line.len, "#;"), number, scope, log);
        }
    }
    if (s->count == 0) {
        (void)snprintf(s->at[s->count++], SERVER_TEXT, "127.0.0.1");
    }
}

void servers_print(const struct servers *s, char out[SERVERS_TEXT])
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < s->count; i++) {
        len += (size_t)snprintf(out + len, SERVERS_TEXT - len, "%s%s", i == 0 ? "" : ", ", s->at[i]);
    }
}

/* ---- hosts ---- */

static bool address_of_word(struct address *a, struct word w)
{
    char text[ADDRESS_TEXT];
    if (w.len == 0 || w.len >= sizeof text || memchr(w.at, '\0', w.len) != NULL) {
        return false;
    }
    memcpy(text, w.at, w.len);
    text[w.len] = '\0';
    return address_parse(a, text) == NULL;
}

static bool line_has(const char *at, const char *end, const char *name, size_t len)
{
    for (struct word w = next_word(&at, end, "#"); w.len > 0; w = next_word(&at, end, "#")) {
        w.len -= w.len > 1 && w.at[w.len - 1] == '.' ? 1 : 0;
        if (word_is(w, name, len)) {
            return true;
        }
    }
    return false;
}

bool hosts_find(const char *text, size_t len, const char *name, struct answer *a)
{
    const char *end = text + len;
    size_t name_len = strlen(name);
    struct word line;
    bool found = false;

    memset(a, 0, sizeof *a);
    name_len -= name_len > 1 && name[name_len - 1] == '.' ? 1 : 0;
    while (next_line(&text, end, &line)) {
        const char *at = line.at;
        struct address address;
        const struct word first = next_word(&at, line.at + line.len, "#");
        if (line_has(at, line.at + line.len, name, name_len) && address_of_word(&address, first)) {
            answer_add(a, &address);
            found = true;
        }
    }
    a->outcome = a->list.count > 0 ? ANSWER_ADDRESSES : ANSWER_UNUSABLE;
    return found;
}
