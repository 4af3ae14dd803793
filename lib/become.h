/*
 * The last steps of a child that becomes another tool of this installation.
 *
 * Not for: where that tool is (sibling.h), and whatever else a child is to be rid of first (signals, stderr).
 */
#ifndef LIB_BECOME_H
#define LIB_BECOME_H

#define BECOME_CONTROL 3 /* the tool's --control-fd */

/*
 * After fork(2): argv[0] runs, with fd as BECOME_CONTROL, /dev/null as stdin and stdout, and no other descriptor above. Where
 * that fails, stderr says so for `whose` (if the tool was not there), and the status is 111.
 */
_Noreturn void become(const char *whose, char *const argv[], char *const environment[], int fd);

#endif
