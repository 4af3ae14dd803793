/* The text of whack --help. Not for: usage of other tools. */
#ifndef WHACK_HELP_H
#define WHACK_HELP_H

#include <stdio.h>

void help_print(FILE *out);

#endif
