/*
 * A kernel made of two arrays, and a core in front of it, for the tests of kernel-sa.
 *
 * Does what the real one does with the requests of kernel-sa/kernel.h: EEXIST, ESRCH, ENOENT;
 * refuses on demand. Not for: layouts (test_kernel_xfrm.c).
 */
#ifndef TESTS_KERNEL_FAKE_H
#define TESTS_KERNEL_FAKE_H

#include "kernel-sa/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define FAKE_MAX 64

struct fake {
    struct core *core;
    struct buffer out[PEER_COUNT];
    uint64_t now;
    uint32_t random;
    struct kernel_sa sa[FAKE_MAX];
    size_t sas;
    struct kernel_policy policy[FAKE_MAX];
    size_t policies;
    enum standard standard[WAY_COUNT]; /* STANDARD_UNKNOWN: it does not know the question */
    unsigned requests;      /* done so far */
    unsigned refuse_at;     /* the how many-th request is refused; 0: none */
    int refuse_with;
    unsigned deletes;
    unsigned die_at;        /* the core is killed when that request is done; 0: never */
    bool dead;              /* it was, and hears nothing until fake_restart */
    uint32_t worker;        /* the one that speaks as PEER_SECRETS */
};

/* An SA toward us, with keys, of a plutod's exchange. */
struct kernel_sa fake_sa(const char *suite, const char *src, const char *dst);

/* By the words of the peers; the core is a daemon's (or by hand). */
struct fake *fake_new(enum maker maker);
void fake_free(struct fake *f);
/* Another core in front of the same kernel, as after a crash. */
void fake_restart(struct fake *f);

/* A record from that peer, without its newline; fails the test if it is not one. */
void fake_feed(struct fake *f, enum core_peer from, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fake_pass(struct fake *f, uint64_t ms); /* time goes by; timers fire */
void fake_serve(struct fake *f); /* the kernel does what the core wants */
uint32_t fake_spi(struct fake *f); /* one out of a block */

/* What was said to a peer since it was looked at last; valid until the next look. */
const char *fake_said(struct fake *f, enum core_peer to);
void fake_expect(struct fake *f, enum core_peer to, const char *part); /* is in what was said */
void fake_silent(struct fake *f, enum core_peer to);
void fake_holds(const struct fake *f, size_t sas, size_t policies);
const struct kernel_sa *fake_find_sa(const struct fake *f, uint32_t spi);
const struct kernel_policy *fake_find_policy(const struct fake *f, enum way way);

#endif
