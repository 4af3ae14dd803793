/*
 * What --help shows of the declaration (option.h), and the usage that follows a refusal.
 *
 * Not for: what else a program says about itself (its head, its examples).
 */
#ifndef LIB_OPTION_HELP_H
#define LIB_OPTION_HELP_H

#include "option.h"

#include <stdio.h>

/* All sections of the program, then the options that are not supported yet. */
void option_help_print(FILE *out, enum option_program program);
/* "Usage: plutod [--help] ..." and where more is said; of programs whose options may all stand together. */
void option_usage_print(FILE *out, enum option_program program, const char *name);

/* whack's forms in the order in which they are carried out, as a line; what is not supported yet is left out. */
void option_forms_print(FILE *out);

/* ---- for whoever else shows the declaration ---- */

/* Is it one of this program's that are shown (`later`: those that are not supported yet)? */
bool option_shown(enum option_id option, enum option_program program, bool later);
/* Is there an option of whack for this form that is supported? Not of --help and --version. */
bool option_form_shown(enum option_form_place place);
/* "--name", with its value and, for a form, the --name that it needs: "--initiate --name NAME". */
#define OPTION_HEAD 80
void option_head(enum option_id option, char out[OPTION_HEAD]);

#endif
