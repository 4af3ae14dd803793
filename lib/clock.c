#include "clock.h"

#include <stdio.h>

uint64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void clock_text(time_t when, char out[CLOCK_TEXT])
{
    struct tm tm;
    if (localtime_r(&when, &tm) == NULL || strftime(out, CLOCK_TEXT, "%Y-%m-%d %H:%M:%S%z", &tm) == 0) {
        snprintf(out, CLOCK_TEXT, "(no time of day)");
    }
}
