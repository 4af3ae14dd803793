/*
 * The parts of the program that writes seeds (seeds.c).
 */
#ifndef TESTS_FUZZ_SEEDS_H
#define TESTS_FUZZ_SEEDS_H

#include <stddef.h>

/* A file corpus/TARGET/NAME-N. */
void write_seed(const char *target, const char *name, unsigned n, const void *bytes, size_t len);

void write_exchange(void);
void write_netlink(void);
void write_socket(void);
void write_output(void);

#endif
