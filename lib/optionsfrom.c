#include "optionsfrom.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct words {
    char **word; /* owned; the texts are not */
    struct option_place *place; /* owned */
    size_t count;
    size_t cap;
};

__attribute__((format(printf, 2, 3))) static const char *because(struct options *o,
                                                                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(o->why, sizeof o->why, format, args);
    va_end(args);
    o->placed = false;
    return o->why;
}

const char *options_init(struct options *o, int argc, char *const *argv)
{
    memset(o, 0, sizeof *o);
    o->argv = calloc((size_t)argc + 1, sizeof *o->argv);
    o->places = calloc((size_t)argc + 1, sizeof *o->places);
    if (o->argv == NULL || o->places == NULL) {
        return "no memory for the arguments";
    }
    for (int i = 0; i < argc; i++) {
        o->argv[i] = argv[i];
    }
    o->argc = argc;
    return NULL;
}

void options_free(struct options *o)
{
    for (size_t i = 0; i < o->text_count; i++) {
        free(o->texts[i]);
    }
    free(o->texts);
    free(o->argv);
    free(o->places);
    memset(o, 0, sizeof *o);
}

/* The whole file as a text, owned by the caller; NULL: see o->why. */
static char *read_file(struct options *o, const char *file)
{
    char *text = NULL;
    FILE *f = fopen(file, "re");
    if (f == NULL) {
        (void)because(o, "--optionsfrom: cannot open %s: %s", file, strerror(errno));
        return NULL;
    }
    text = malloc(OPTIONSFROM_FILE_MAX + 1);
    if (text == NULL) {
        (void)because(o, "--optionsfrom: no memory for %s", file);
        goto failed;
    }
    size_t len = fread(text, 1, OPTIONSFROM_FILE_MAX + 1, f);
    if (ferror(f) != 0) {
        (void)because(o, "--optionsfrom: cannot read %s: %s", file, strerror(errno));
        goto failed;
    }
    if (len > OPTIONSFROM_FILE_MAX) {
        (void)because(o, "--optionsfrom: %s is longer than %d bytes", file, OPTIONSFROM_FILE_MAX);
        goto failed;
    }
    if (memchr(text, '\0', len) != NULL) {
        (void)because(o, "--optionsfrom: %s is no text: it holds a NUL byte", file);
        goto failed;
    }
    text[len] = '\0';
    (void)fclose(f);
    char *fitting = realloc(text, len + 1);
    return fitting == NULL ? text : fitting;

failed:
    free(text);
    (void)fclose(f);
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* All that is left of a line is what joins it with the next? */
static bool is_joint(const char *at)
{
    return *at == '\\' && at[1 + strspn(at + 1, "\r")] == '\0';
}

/* Takes the word at *at, unquoted in place. False: a quote is not closed. */
static bool take_word(char **at, char **word)
{
    char *from = *at;
    char *to = from;
    *word = to;
    while (*from != '\0' && !is_blank(*from) && !is_joint(from)) {
        if (*from != '"' && *from != '\'') {
            *to++ = *from++;
            continue;
        }
        char *end = strchr(from + 1, *from);
        if (end == NULL) {
            return false;
        }
        size_t len = (size_t)(end - from) - 1;
        memmove(to, from + 1, len);
        to += len;
        from = end + 1;
    }
    *at = *from == '\0' ? from : from + 1;
    *to = '\0';
    return true;
}

static bool add_word(struct words *words, char *word, struct option_place place)
{
    if (words->count == words->cap) {
        size_t cap = words->cap == 0 ? 32 : words->cap * 2;
        char **more = realloc(words->word, cap * sizeof *more);
        if (more == NULL) {
            return false;
        }
        words->word = more;
        struct option_place *places = realloc(words->place, cap * sizeof *places);
        if (places == NULL) {
            return false;
        }
        words->place = places;
        words->cap = cap;
    }
    words->place[words->count] = place;
    words->word[words->count++] = word;
    return true;
}

/* One line, ended by NUL. */
static const char *split_line(struct options *o, struct words *words, const char *file, char *line,
                              unsigned number)
{
    char *at = line + strspn(line, " \t\r");
    if (*at == '#') {
        return NULL;
    }
    while (*at != '\0' && !is_joint(at)) {
        struct option_place place = { file, number, (unsigned)(at - line) + 1 };
        char *word;
        bool full = words->count >= OPTIONSFROM_WORDS;
        if (!full && !take_word(&at, &word)) {
            return because(o, "%s:%u:%u: a quote is not closed on this line", file, number,
                           place.column);
        }
        if (full || !add_word(words, word, place)) {
            return because(o, "%s:%u:%u: more than %d words", file, number, place.column,
                           OPTIONSFROM_WORDS);
        }
        at += strspn(at, " \t\r");
    }
    return NULL;
}

static const char *split(struct options *o, struct words *words, const char *file, char *text,
                         unsigned number)
{
    const char *why = NULL;
    for (char *line = text; why == NULL && line != NULL && *line != '\0'; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) {
            *end = '\0';
        }
        why = split_line(o, words, file, line, number);
        o->placed = why != NULL;
        line = end == NULL ? NULL : end + 1;
    }
    return why;
}

static bool make_room(struct options *o, size_t count)
{
    char **list = realloc(o->argv, count * sizeof *list);
    if (list == NULL) {
        return false;
    }
    o->argv = list;
    struct option_place *places = realloc(o->places, count * sizeof *places);
    if (places == NULL) {
        return false;
    }
    o->places = places;
    return true;
}

static const char *insert(struct options *o, const struct words *words, int at, const char *file)
{
    size_t before = (size_t)at;
    size_t after = (size_t)(o->argc - at);
    size_t count = words->count;
    if ((size_t)o->argc + count > OPTIONSFROM_WORDS) {
        return because(o, "--optionsfrom: %s: more than %d words in all", file, OPTIONSFROM_WORDS);
    }
    size_t all = before + count + after;
    if (!make_room(o, all + 1)) {
        return because(o, "--optionsfrom: no memory for the words of %s", file);
    }
    char **list = o->argv;
    struct option_place *places = o->places;
    memmove(list + before + count, list + before, after * sizeof *list);
    memmove(places + before + count, places + before, after * sizeof *places);
    if (count > 0) {
        memcpy(list + before, words->word, count * sizeof *list);
        memcpy(places + before, words->place, count * sizeof *places);
    }
    list[all] = NULL;
    o->argc = (int)all;
    return NULL;
}

/* May there be another file within those that are being worked at? */
static const char *go_deeper(struct options *o, const char *file, int at)
{
    /* Files whose last word lies before the one that getopt has just taken are done. */
    while (o->depth > 0 && at > o->argc - o->tails[o->depth - 1]) {
        o->depth--;
    }
    if (o->depth == OPTIONSFROM_DEPTH) {
        return because(o, "--optionsfrom: %s: more than %d files within files; "
                       "does one name itself?", file, OPTIONSFROM_DEPTH);
    }
    return NULL;
}

static const char *splice(struct options *o, const char *file, char *text, unsigned line, int at)
{
    struct words words = { 0 };
    char **texts = realloc(o->texts, (o->text_count + 1) * sizeof *texts);
    if (texts == NULL) {
        free(text);
        return because(o, "--optionsfrom: no memory for %s", file);
    }
    o->texts = texts;
    o->texts[o->text_count++] = text;
    const char *why = split(o, &words, file, text, line);
    if (why == NULL) {
        o->tails[o->depth++] = o->argc - at;
        why = insert(o, &words, at, file);
    }
    free(words.word);
    free(words.place);
    return why;
}

const char *options_splice_text(struct options *o, const char *file, char *text, unsigned line,
                                int at)
{
    const char *why = go_deeper(o, file, at);
    if (why != NULL) {
        free(text);
        return why;
    }
    return splice(o, file, text, line, at);
}

const char *options_splice(struct options *o, const char *file, int at)
{
    const char *why = go_deeper(o, file, at);
    char *text = why == NULL ? read_file(o, file) : NULL;
    return text == NULL ? o->why : splice(o, file, text, 1, at);
}

/* ---- what getopt_long could not make sense of ---- */

/* The options that begin with word[0..len), and how many; an exact one is the only one. */
static size_t list_matches(const struct option *all, const char *word, size_t len, char *out,
                           size_t size)
{
    size_t count = 0;
    size_t at = 0;
    out[0] = '\0';
    for (; all->name != NULL; all++) {
        if (strncmp(all->name, word, len) != 0) {
            continue;
        }
        if (all->name[len] == '\0') {
            return 1;
        }
        if (at < size) {
            at += (size_t)snprintf(out + at, size - at, "%s--%s", at == 0 ? "" : " ", all->name);
        }
        count++;
    }
    return count;
}

void options_not_understood(const struct option *all, int result, const char *word,
                            const char *program, char *why, size_t size)
{
    char matches[300];
    size_t len = strcspn(word, "=");

    if (result == ':') {
        snprintf(why, size, "%.100s: a value is missing", word);
    } else if (strncmp(word, "--", 2) != 0) {
        snprintf(why, size, "%.100s: unknown option; all begin with -- (see %s --help)", word, program);
    } else {
        size_t count = list_matches(all, word + 2, len - 2, matches, sizeof matches);
        if (count == 0) {
            snprintf(why, size, "%.100s: unknown option (see %s --help)", word, program);
        } else if (count == 1) {
            snprintf(why, size, "%.100s: this option takes no value", word);
        } else {
            snprintf(why, size, "%.100s: ambiguous, may be %s", word, matches);
        }
    }
}
