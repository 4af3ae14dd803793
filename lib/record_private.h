/*
 * What record.c (parsing) and record_write.c (writing, redaction) share. Nobody else includes it.
 */
#ifndef LIB_RECORD_PRIVATE_H
#define LIB_RECORD_PRIVATE_H

#include "schema.h"

/* May this field stand in a record of this verb? re: what an ok answers, or V_NONE. */
bool record_key_allowed(enum verb verb, enum verb re, enum key key);
/* Those that must; returns how many. */
size_t record_keys_needed(enum verb verb, enum verb re, enum key out[2 * VERB_KEYS_MAX]);

#endif
