#include "fuzz.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- what is said at the end ---- */

/* stderr as it was at first: libFuzzer's -close_fd_mask, which throws away what the product prints, comes later. */
static int first_stderr = STDERR_FILENO;

__attribute__((constructor)) static void keep_stderr(void)
{
    int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 200);
    first_stderr = fd < 0 ? STDERR_FILENO : fd;
}

void fuzz_say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vdprintf(first_stderr, format, args);
    va_end(args);
}

void fuzz_failed(const char *what)
{
    fuzz_say("fuzz: does not hold: %s\n", what);
    abort();
}

/* In place of cmocka's, for the assertions of tests/unit/lab.c and others: with CMOCKA_TEST_ABORT the last words of one
 * that fails. */
void print_message(const char *const format, ...)
{
    va_list args;
    va_start(args, format);
    vdprintf(first_stderr, format, args);
    va_end(args);
}

/* ---- inputs ---- */

uint8_t fuzz_u8(struct fuzz_input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->at++;
}

uint16_t fuzz_u16(struct fuzz_input *in)
{
    unsigned high = fuzz_u8(in);
    return (uint16_t)(high << 8 | fuzz_u8(in));
}

static char *take(struct fuzz_input *in, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        abort();
    }
    if (len > 0) {
        memcpy(copy, in->at, len);
    }
    copy[len] = '\0';
    in->at += len;
    in->left -= len;
    return copy;
}

char *fuzz_until(struct fuzz_input *in, char end, size_t *len)
{
    const uint8_t *stop = in->left == 0 ? NULL : memchr(in->at, end, in->left);
    *len = stop == NULL ? in->left : (size_t)(stop - in->at);
    char *copy = take(in, *len);
    if (stop != NULL) {
        in->at++;
        in->left--;
    }
    return copy;
}

char *fuzz_rest(struct fuzz_input *in, size_t *len)
{
    *len = in->left;
    return take(in, in->left);
}

/* ---- randomness ---- */

static uint32_t random_state;

void fuzz_random_begin(uint32_t seed)
{
    random_state = seed;
}

bool fuzz_random(uint8_t *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        random_state = random_state * 1664525u + 1013904223u;
        out[i] = (uint8_t)(random_state >> 24);
    }
    return true;
}

/* In place of OpenSSL's, for tests/unit/world.c. */
int RAND_bytes(unsigned char *out, int len)
{
    return fuzz_random(out, (size_t)len) ? 1 : 0;
}
