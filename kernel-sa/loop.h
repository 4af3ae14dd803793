/*
 * The plumbing of kernel-sa: channels, timer and netlink around the core.
 *
 * One turn of the loop reads what is there, has the core handle it, does what the core asks of the
 * kernel, and writes to each channel once. Not for: deciding anything (core.h).
 */
#ifndef KERNEL_SA_LOOP_H
#define KERNEL_SA_LOOP_H

#include "core.h"
#include "netlink.h"

struct loop;

/*
 * Takes the core and netlink (NULL: a dry run, which says on stdout what it would do). NULL: no
 * memory.
 */
struct loop *loop_new(struct core *core, struct netlink *netlink);
void loop_free(struct loop *loop);

/* plutod's channel. False: it is no usable descriptor; errno is set. */
bool loop_control(struct loop *loop, int fd);
/* stdin and stdout. */
bool loop_by_hand(struct loop *loop);
/* Before it, and before the sandbox: a signal that ends us is taken as the end of input. False: errno. */
bool loop_signals(struct loop *loop);

/* A line for plutod's log. */
void loop_note(struct loop *loop, const char *text);

/* Until the channel ends. Returns the exit status. */
int loop_run(struct loop *loop);

#endif
