/*
 * One entry of ipsec.secrets [K1]: identities, colon, kind, secret.
 *
 * Reasons are static text and hold nothing of the file. Not for: files and includes (file.h), and
 * who gets which secret (store.h).
 */
#ifndef SECRETS_ENTRY_H
#define SECRETS_ENTRY_H

#include "lexer.h"
#include "bounds.h"
#include "store.h"

struct entry { /* begins as all zeros; holds a secret, so its owner wipes it */
    size_t index_count;
    struct index index[STORE_INDICES_MAX];
    size_t len;
    uint8_t bytes[PSK_MAX];
    unsigned line;      /* where it begins, or where it is wrong */
    bool unsupported;   /* with a reason: it is right, but of a kind that comes later */
};

/*
 * *t: the entry's first token; afterwards the last one taken, which ends the entry unless there
 * is a reason. Returns NULL, or what was expected.
 */
const char *entry_read(struct entry *e, struct lexer *l, struct token *t);

bool token_ends_entry(const struct token *t);
bool token_is_keyword(const struct token *t, const char *keyword); /* in either case */

#endif
