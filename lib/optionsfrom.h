/*
 * --optionsfrom FILE: a file's words take the option's place in the argument list [P2].
 *
 * Made to be called from a getopt_long loop, so that abbreviations and --optionsfrom=FILE are
 * getopt's business:
 *
 *     struct options options;
 *     options_init(&options, argc, argv);
 *     while ((c = getopt_long(options.argc, options.argv, "", long_options, NULL)) != -1) {
 *         ...
 *         case OPTION_OPTIONSFROM:
 *             why = options_splice(&options, optarg, optind);
 *
 * In a file, blanks part words, lines that are empty or begin with # (after blanks) are skipped,
 * and "..." or '...' groups, also within a word; nothing is special between quotes, and they end
 * on their line. Not for: what an option means.
 */
#ifndef LIB_OPTIONSFROM_H
#define LIB_OPTIONSFROM_H

#include <stddef.h>

#define OPTIONSFROM_DEPTH 10        /* files within files */
#define OPTIONSFROM_WORDS 10000     /* words in all */
#define OPTIONSFROM_FILE_MAX 262144 /* bytes in one file */

struct options {
    int argc;
    char **argv;                    /* owned, NULL ended; the words of main's argv are borrowed */
    char **texts;                   /* owned: the files as read; words point into them */
    size_t text_count;
    size_t depth;
    int tails[OPTIONSFROM_DEPTH];   /* words that follow those of each file that is being worked at */
    char why[512];
};

/* Copies the list. NULL, or why not. */
const char *options_init(struct options *o, int argc, char *const *argv);

/*
 * Inserts the words of `file` before argv[at]; at is getopt's optind while it handles the option.
 * o->argv changes. Returns NULL, or a sentence that names file and line; it lives in o.
 */
const char *options_splice(struct options *o, const char *file, int at);

/*
 * What was wrong with the word that getopt_long stopped at, where it returned '?' or (with ':' at the
 * head of its short options) ':'. `program` is who has the --help.
 */
struct option;
void options_not_understood(const struct option *all, int result, const char *word,
                            const char *program, char *why, size_t size);

void options_free(struct options *o); /* only when no word is used any more */

#endif
