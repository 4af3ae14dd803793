/*
 * The time that cores are given: milliseconds of a clock that only goes forward.
 *
 * For the plumbing; a core reads no clock.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>

uint64_t clock_ms(void);

#endif
