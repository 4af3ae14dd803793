/*
 * Reads a command line by the declaration of option.h: abbreviations, --optionsfrom, values of the
 * right kind and range, and nothing twice that may stand once. One option after the other comes out,
 * right as far as that can be said of each alone.
 *
 * Not for: what must stand together, and what an option does (the program).
 */
#ifndef LIB_OPTION_READER_H
#define LIB_OPTION_READER_H

#include "option.h"
#include "optionsfrom.h"

#include <getopt.h>
#include <stddef.h>

#define OPTION_WHY 600

struct option_given {
    enum option_id option;
    const char *text;       /* NULL: a flag, or VALUE_MAYBE without a value */
    uint64_t number;        /* of a VALUE_NUMBER */
};

struct option_reader {
    struct options words;   /* owned: what is read; texts point into it or into main's argv */
    enum option_program program;
    const char *name;       /* of the program, in messages */
    int from;               /* the word that getopt takes for the program's name */
    struct option table[OPTION_COUNT + 1];
    bool seen[OPTION_COUNT];
    const char *text[OPTION_COUNT]; /* the last value of each; NULL: none */
    struct {
        int at;             /* index of its word; 0: not given */
        const char *text;
    } said[OPTION_COUNT][2]; /* the first time, and the last of the others */
    char *input;            /* owned: stands for --optionsfrom -; NULL: nothing does */
    unsigned input_line;    /* number of its first line */
    bool input_wanted;      /* --optionsfrom - was there */
    int wrong_at;           /* index of the word that the last OPTION_WRONG was about; 0: there is none */
    bool has_later;         /* one that is not supported yet was given: `later` */
    struct option_given later;
};

enum option_read { OPTION_GIVEN, OPTION_NO_MORE, OPTION_WRONG };

/* "--name VALUE: what", or without a value: a sentence about one that was given. */
void option_refuse(const struct option_given *given, const char *what, char why[OPTION_WHY]);

/* argv[0] is the program's name. NULL, or why not. Free it in any case. */
const char *option_reader_init(struct option_reader *r, enum option_program program,
                               const char *name, int argc, char *const *argv);
void option_reader_free(struct option_reader *r);

/*
 * What stands for `--optionsfrom -` of whack: a part of its standard input (malloc'ed, owned from then
 * on) whose first line has this number. Before the first option is read.
 */
void option_reader_input(struct option_reader *r, char *text, unsigned line);

/*
 * The next option. OPTION_WRONG: see why; the one after it may be read all the same.
 * --optionsfrom is done here, but that `-` without an input is given to the program.
 */
enum option_read option_next(struct option_reader *r, struct option_given *given,
                             char why[OPTION_WHY]);
/*
 * Puts "FILE:LINE:COLUMN: " before a sentence that refuses: the place of the word that it is about,
 * be it the last OPTION_WRONG or what the program says of an option ("--name VALUE: ..."); else of the
 * first word of a file. Nothing, where the word stands on the command line.
 */
void option_reader_locate(const struct option_reader *r, char why[OPTION_WHY]);
/*
 * Once all that was given is known to be right: was there something that is not supported yet?
 * False: it was; it is named.
 */
bool option_supported(const struct option_reader *r, char why[OPTION_WHY]);

#endif
