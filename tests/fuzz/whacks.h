/*
 * The whacks at plutod's control socket, with real sockets, whose words are an input's. What they hear has to be lines
 * that can be printed. Not for: what plutod makes of their words (fuzz_plutod.c).
 */
#ifndef FUZZ_WHACKS_H
#define FUZZ_WHACKS_H

#include <stdbool.h>
#include <stddef.h>

#define WHACKS 2

struct whacks {
    int fd[WHACKS]; /* -1: none */
};

int whacks_listener(void); /* plutod's end of the control socket: one for all inputs */

void whacks_init(struct whacks *w);
bool whacks_connect(struct whacks *w, unsigned which); /* true: it is a new one, which plutod has not seen yet */
void whacks_say(const struct whacks *w, unsigned which, const char *text, size_t len);
void whacks_end(struct whacks *w, unsigned which, bool all); /* it says no more; all: it does not listen either */
void whacks_hear(struct whacks *w); /* what plutod has written by now */

#endif
