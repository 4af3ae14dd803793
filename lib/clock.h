/*
 * The time that cores are given: milliseconds of a clock that only goes forward. And the time of day, as
 * people are shown it.
 *
 * For the plumbing; a core reads no clock.
 */
#ifndef LIB_CLOCK_H
#define LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_ms(void);

#define CLOCK_TEXT 40
void clock_text(time_t when, char out[CLOCK_TEXT]); /* 2026-11-28 17:30:04+0100, local time */

#endif
