#include "calls.h"

#include "optionsfrom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void calls_init(struct calls *c)
{
    memset(c, 0, sizeof *c);
    buffer_init(&c->input, 0); /* bounded by what is added: see calls_next */
    c->line = 1;
}

void calls_free(struct calls *c)
{
    buffer_wipe(&c->input);
}

void calls_add(struct calls *c, const char *bytes, size_t len)
{
    buffer_add(&c->input, bytes, len);
}

void calls_end(struct calls *c)
{
    c->ended = true;
}

static const char *at(const struct calls *c)
{
    return (const char *)c->input.data + c->begin;
}

static size_t left(const struct calls *c)
{
    return c->input.len - c->begin;
}

/* Drops what was scanned. Bytes move only when half of them are done with. */
static void drop(struct calls *c)
{
    c->begin += c->scanned;
    c->line += c->lines;
    c->scanned = 0;
    c->lines = 0;
    c->open = false;
    c->joined = false;
    if (c->begin > c->input.len / 2) {
        buffer_consume(&c->input, c->begin);
        c->begin = 0;
    }
}

enum kind { BLANK, COMMENT, INDENTED, FIRST };

static enum kind kind_of(const char *line, size_t len)
{
    size_t blanks = 0;
    while (blanks < len && (line[blanks] == ' ' || line[blanks] == '\t' || line[blanks] == '\r')) {
        blanks++;
    }
    if (blanks == len) {
        return BLANK;
    }
    return line[blanks] == '#' ? COMMENT : blanks > 0 ? INDENTED : FIRST;
}

static bool ends_with_joint(const char *line, size_t len)
{
    while (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    return len > 0 && line[len - 1] == '\\';
}

/* The length of the line behind what was scanned, with its newline; 0: it is not all there. */
static size_t next_line(const struct calls *c)
{
    size_t rest = left(c) - c->scanned;
    if (rest == 0) {
        return 0; /* there may be no buffer at all */
    }
    const char *line = at(c) + c->scanned;
    const char *end = memchr(line, '\n', rest);
    return end != NULL ? (size_t)(end - line) + 1 : c->ended ? rest : 0;
}

static enum calls_result give(struct calls *c, char **text, unsigned *line, char why[CALLS_WHY])
{
    size_t len = c->scanned;
    enum calls_result result = CALLS_WRONG;

    *line = c->line;
    *text = NULL;
    if (c->skipping) {
        snprintf(why, CALLS_WHY, "a call of more than %d bytes", OPTIONSFROM_FILE_MAX);
    } else if (memchr(at(c), '\0', len) != NULL) {
        snprintf(why, CALLS_WHY, "no text: it holds a NUL byte");
    } else {
        *text = malloc(len + 1);
        if (*text == NULL) {
            snprintf(why, CALLS_WHY, "no memory for it");
        } else {
            memcpy(*text, at(c), len);
            (*text)[len] = '\0';
            result = CALLS_ONE;
        }
    }
    drop(c);
    c->skipping = false;
    return result;
}

/* Bytes of a call that is too long are not kept: only its first line's number is. */
static void skip(struct calls *c)
{
    unsigned line = c->line;
    bool joined = c->joined;
    unsigned lines = c->lines;
    drop(c);
    c->line = line;
    c->lines = lines;
    c->open = true;
    c->joined = joined;
    c->skipping = true;
}

enum calls_result calls_next(struct calls *c, char **text, unsigned *line, char why[CALLS_WHY])
{
    for (;;) {
        size_t len = next_line(c);
        if (len == 0 && c->ended) {
            return c->open ? give(c, text, line, why) : CALLS_NONE;
        }
        if (len == 0 && left(c) - c->scanned > OPTIONSFROM_FILE_MAX) { /* of one line */
            c->scanned = left(c);
            c->joined = true; /* what comes is of the same line */
            skip(c);
        }
        if (len == 0) {
            return CALLS_MORE;
        }
        const char *first = at(c) + c->scanned;
        size_t chars = first[len - 1] == '\n' ? len - 1 : len;
        enum kind kind = c->joined ? INDENTED : kind_of(first, chars);
        if (c->open && (kind == FIRST || kind == BLANK)) {
            return give(c, text, line, why);
        }
        c->scanned += len;
        c->lines++;
        c->joined = kind != COMMENT && kind != BLANK && ends_with_joint(first, chars);
        c->open = c->open || kind == FIRST || kind == INDENTED;
        if (!c->open) {
            drop(c);
        } else if (c->scanned > OPTIONSFROM_FILE_MAX) {
            skip(c);
        }
    }
}
