/*
 * Where the other tools of this installation are.
 *
 * $IPSEC_DIR/TOOL; else beside the running program (DIR/TOOL, as installed); else in its folder of
 * the build tree (ROOT/TOOL/TOOL, seen from ROOT/OTHER/OTHER). Never through PATH: it decides
 * which program gets root. Not for: starting it.
 */
#ifndef LIB_SIBLING_H
#define LIB_SIBLING_H

#include <stddef.h>

/*
 * Writes the path of a regular, executable file. Returns NULL, or why there is none (static text,
 * errno is set); `out` then holds the path that was tried last, for the message.
 */
const char *sibling_path(char *out, size_t size, const char *tool);

#endif
