/*
 * Parsers of what the text target hands them in place of the system: the environment, files, /proc.
 *
 * Not for: text that comes as an argument (fuzz_text.c).
 */
#ifndef TESTS_FUZZ_SURROUNDINGS_H
#define TESTS_FUZZ_SURROUNDINGS_H

#include "fuzz.h"

void surroundings_notify_socket(const char *text);
/* IPSEC_DIR, a form feed, and what /proc/self/exe points to. */
void surroundings_paths(struct fuzz_input *in);
/* A pid file, and stat and comm of the process that it names, with form feeds between; "-": none. */
void surroundings_lock(struct fuzz_input *in);

#endif
