/*
 * --optionsfrom FILE: a file's words take the option's place in the argument list [P2], and each word
 * is known by its place: file, line, column.
 *
 * Made to be called from a getopt_long loop (option_reader.c), so that abbreviations and
 * --optionsfrom=FILE are getopt's business.
 *
 * In a file, blanks part words, lines that are empty or begin with # (after blanks) are skipped,
 * and "..." or '...' groups, also within a word; nothing is special between quotes, and they end
 * on their line. A \ at the end of a line is a blank, as who comes from a shell is used to it.
 * Not for: what an option means.
 */
#ifndef LIB_OPTIONSFROM_H
#define LIB_OPTIONSFROM_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONSFROM_DEPTH 10        /* files within files */
#define OPTIONSFROM_WORDS 10000     /* words in all */
#define OPTIONSFROM_FILE_MAX 262144 /* bytes in one file */

struct option_place {
    const char *file;               /* NULL: the command line */
    unsigned line;
    unsigned column;                /* in bytes, from 1 */
};

struct options {
    int argc;
    char **argv;                    /* owned, NULL ended; the words of main's argv are borrowed */
    struct option_place *places;    /* owned: where each word stands */
    char **texts;                   /* owned: the files as read; words point into them */
    size_t text_count;
    size_t depth;
    int tails[OPTIONSFROM_DEPTH];   /* words that follow those of each file that is being worked at */
    bool placed;                    /* the last refusal names a place in a file itself */
    char why[512];
};

/* Copies the list. NULL, or why not. */
const char *options_init(struct options *o, int argc, char *const *argv);

/*
 * Inserts the words of `file` before argv[at]; at is getopt's optind while it handles the option.
 * o->argv changes. Returns NULL, or a sentence that names file and line; it lives in o.
 */
const char *options_splice(struct options *o, const char *file, int at);
/* The same with a text (malloc'ed, owned from then on) whose first line has this number. */
const char *options_splice_text(struct options *o, const char *file, char *text, unsigned line,
                                int at);

/*
 * What was wrong with the word that getopt_long stopped at, where it returned '?' or (with ':' at the
 * head of its short options) ':'. `program` is who has the --help.
 */
struct option;
void options_not_understood(const struct option *all, int result, const char *word,
                            const char *program, char *why, size_t size);

void options_free(struct options *o); /* only when no word is used any more */

#endif
