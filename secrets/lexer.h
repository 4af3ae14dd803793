/*
 * Words and quoted strings of an ipsec.secrets file [K1], and where its entries begin.
 *
 * Works in place on the file's text, which is a secret: its owner wipes it. Not for: what the words
 * mean (file.c).
 */
#ifndef SECRETS_LEXER_H
#define SECRETS_LEXER_H

#include <stdbool.h>
#include <stddef.h>

enum token_kind {
    TOKEN_WORD,
    TOKEN_QUOTED, /* without its quotes */
    TOKEN_END,    /* of an entry: what follows begins in column 1 */
    TOKEN_EOF,
    TOKEN_BAD     /* see why; the rest of its line was skipped */
};

struct token {
    enum token_kind kind;
    unsigned line;      /* from 1 */
    bool column_1;      /* begins there */
    char *text;         /* NUL ended, until the next token is taken */
    size_t len;
    const char *why;    /* TOKEN_BAD: static text, what was expected */
};

struct lexer {
    char *at;
    char *end;          /* text's end; *end is writable too */
    unsigned line;
    char *held_at;      /* the byte that a NUL stands for, or NULL */
    char held;
    bool column_1;
};

/* `text` must have one byte more than `len`. */
void lexer_init(struct lexer *l, char *text, size_t len);
struct token lexer_next(struct lexer *l);

#endif
