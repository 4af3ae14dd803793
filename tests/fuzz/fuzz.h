/*
 * What the fuzz targets share: the shape of a target, inputs taken apart, randomness that is the
 * same in each run, and lines of records with their mutator.
 *
 * A target is one file fuzz_NAME.c with LLVMFuzzerTestOneInput. It keeps nothing from one input to
 * the next, so that each finding comes again from its file alone. Not for: tests with an outcome
 * that is known (tests/unit).
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what libFuzzer calls, and what it lends us ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

/* A property that must hold whatever the input is; the stack says which one did not. */
#define fuzz_check(condition) ((condition) ? (void)0 : fuzz_failed(#condition))
_Noreturn void fuzz_failed(const char *what);
/* Something beside it, on stderr, also where libFuzzer has closed it to all others. */
void fuzz_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- an input, taken from the front; what is missing is zero ---- */

struct fuzz_input {
    const uint8_t *at;
    size_t left;
};

uint8_t fuzz_u8(struct fuzz_input *in);
uint16_t fuzz_u16(struct fuzz_input *in);
/* Up to the next byte like `end`, which is dropped; a copy with NUL at its end, to be freed. */
char *fuzz_until(struct fuzz_input *in, char end, size_t *len);
/* All that is left, likewise. */
char *fuzz_rest(struct fuzz_input *in, size_t *len);

/* ---- randomness, for what is under test ---- */

/* RAND_bytes is made of it, too. */
void fuzz_random_begin(uint32_t seed);
bool fuzz_random(uint8_t *out, size_t len);

/* ---- lines: a letter, a blank, and what it stands for; lines.c ---- */

struct fuzz_speaker {
    char letter;
    unsigned from; /* mask of directions: the line is a record; 0: it is something else */
};

/* Parses `line`, which is changed. NULL: a record; else why not. */
const char *fuzz_record(struct record *r, char *line, size_t len, unsigned from);

/*
 * A custom mutator: takes lines out, repeats, moves and splices them, changes, adds and removes
 * fields by the schema; and sometimes what libFuzzer does with bytes. `speakers` ends with
 * letter 0.
 */
size_t fuzz_mutate_lines(const struct fuzz_speaker *speakers, uint8_t *data, size_t size,
                         size_t max, unsigned seed);

#endif
