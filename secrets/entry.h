/*
 * One entry of ipsec.secrets [K1]: identities, colon, kind, secret.
 *
 * Reasons are static text and hold nothing of the file. Not for: files, includes and key files
 * (file.h), and who gets which secret (store.h).
 */
#ifndef SECRETS_ENTRY_H
#define SECRETS_ENTRY_H

#include "lexer.h"
#include "bounds.h"
#include "store.h"

#define KEY_FILE_NAME 1024 /* bytes of a key file's name, with its NUL */

enum entry_kind { ENTRY_PSK, ENTRY_RSA, ENTRY_RSA_FILE };

struct entry { /* begins as all zeros; holds a secret, so its owner wipes it */
    enum entry_kind kind;
    size_t index_count;
    struct index index[STORE_INDICES_MAX];
    size_t len;                 /* ENTRY_PSK */
    uint8_t bytes[PSK_MAX];
    size_t number_len[RSA_NUMBERS]; /* ENTRY_RSA */
    uint8_t number[RSA_NUMBERS][RSA_SIGNATURE_MAX + 1]; /* tools write a 0 in front */
    char key_file[KEY_FILE_NAME]; /* ENTRY_RSA_FILE */
    bool key_file_quoted;       /* so it may be a secret that stands in the wrong place */
    bool prompt;                /* its passphrase is to be asked for */
    bool has_passphrase;
    char passphrase[PASSPHRASE_MAX + 1];
    unsigned line;      /* where it begins, or where it is wrong */
    bool bad_host;      /* the reason is what is wrong with a name that would have to be looked up */
};

/*
 * *t: the entry's first token; afterwards the last one taken, which ends the entry unless there
 * is a reason. Returns NULL, or what was expected.
 */
const char *entry_read(struct entry *e, struct lexer *l, struct token *t);

bool token_ends_entry(const struct token *t);
bool token_is_keyword(const struct token *t, const char *keyword); /* in either case */

#endif
