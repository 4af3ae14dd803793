/*
 * Words as they have to stand in a line that is shown to be pasted: for a shell, and in ipsec.secrets.
 *
 * Not for: reading either (lexer.h).
 */
#ifndef SECRETS_QUOTE_H
#define SECRETS_QUOTE_H

#include "buffer.h"
#include "identity.h"

void quote_for_shell(struct buffer *out, const char *word);
/* The name of a key file. False, and nothing was added: there is no way to write it down there. */
bool quote_file_for_entry(struct buffer *out, const char *path);
void quote_id_for_entry(struct buffer *out, const struct identity *id);

#endif
