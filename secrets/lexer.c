#include "lexer.h"

#include <string.h>

void lexer_init(struct lexer *l, char *text, size_t len)
{
    *l = (struct lexer){ .at = text, .end = text + len, .line = 1, .column_1 = true };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* At a newline, or at the end of the text. */
static bool line_ends(const struct lexer *l)
{
    return l->at == l->end || *l->at == '\n';
}

static void skip_line(struct lexer *l)
{
    while (!line_ends(l)) {
        l->at++;
    }
}

/* The byte behind a token becomes NUL until the next one is asked for. */
static void hold(struct lexer *l)
{
    l->held_at = l->at;
    l->held = *l->at;
    *l->at = '\0';
}

static struct token bad(struct lexer *l, const char *why)
{
    skip_line(l);
    return (struct token){ .kind = TOKEN_BAD, .line = l->line, .why = why };
}

/* Whoever reads a token takes it for a string. */
static bool has_nul(const struct token *t)
{
    return memchr(t->text, '\0', t->len) != NULL;
}

static const char no_nul[] = "expected text, but there is a NUL byte in this line";

static struct token quoted(struct lexer *l, bool column_1)
{
    char quote = *l->at++;
    char *text = l->at;
    while (!line_ends(l) && *l->at != quote) {
        l->at++;
    }
    if (line_ends(l)) {
        return bad(l, "expected the closing quote on the same line");
    }
    struct token t = { .kind = TOKEN_QUOTED, .line = l->line, .column_1 = column_1, .text = text,
                       .len = (size_t)(l->at - text) };
    if (has_nul(&t)) {
        return bad(l, no_nul);
    }
    *l->at++ = '\0';
    if (!line_ends(l) && !is_blank(*l->at)) {
        return bad(l, "expected a blank after the closing quote (a string holds no quote of its "
                      "own kind)");
    }
    return t;
}

static struct token word(struct lexer *l, bool column_1)
{
    struct token t = { .kind = TOKEN_WORD, .line = l->line, .column_1 = column_1, .text = l->at };
    while (!line_ends(l) && !is_blank(*l->at)) {
        l->at++;
    }
    t.len = (size_t)(l->at - t.text);
    if (has_nul(&t)) {
        return bad(l, no_nul);
    }
    hold(l);
    return t;
}

struct token lexer_next(struct lexer *l)
{
    if (l->held_at != NULL) {
        *l->held_at = l->held;
        l->held_at = NULL;
    }
    for (;;) {
        bool column_1 = l->column_1;
        l->column_1 = false;
        if (l->at == l->end) {
            return (struct token){ .kind = TOKEN_EOF, .line = l->line };
        }
        if (*l->at == '\n') {
            l->at++;
            l->line++;
            l->column_1 = true;
            /* An empty line or a comment in column 1 does not end an entry. */
            if (l->at < l->end && !is_blank(*l->at) && *l->at != '\n' && *l->at != '#') {
                return (struct token){ .kind = TOKEN_END, .line = l->line };
            }
        } else if (is_blank(*l->at)) {
            l->at++;
        } else if (*l->at == '#') {
            skip_line(l);
        } else if (*l->at == '"' || *l->at == '\'') {
            return quoted(l, column_1);
        } else {
            return word(l, column_1);
        }
    }
}
