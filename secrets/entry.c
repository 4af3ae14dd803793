#include "entry.h"

#include "datatext.h"
#include "dn.h"
#include "hostname.h"

#include <string.h>
#include <strings.h>

bool token_is_keyword(const struct token *t, const char *keyword)
{
    return t->kind == TOKEN_WORD && strcasecmp(t->text, keyword) == 0;
}

static bool is_colon(const struct token *t)
{
    return t->kind == TOKEN_WORD && strcmp(t->text, ":") == 0;
}

bool token_ends_entry(const struct token *t)
{
    return t->kind == TOKEN_END || t->kind == TOKEN_EOF;
}

/* A host name, as far as one can tell without asking. */
static bool is_name(const char *text)
{
    bool letter = false;
    for (; *text != '\0'; text++) {
        bool here = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');
        letter = letter || here;
        if (!here && !(*text >= '0' && *text <= '9') && strchr("-._", *text) == NULL) {
            return false;
        }
    }
    return letter;
}

/* NULL or why. */
static const char *read_host(struct index *index, const struct token *t)
{
    const char *why = hostname_check(t->text);
    if (why == NULL) {
        const size_t len = t->len - (t->text[t->len - 1] == '.' ? 1 : 0);
        index->kind = INDEX_HOST;
        index->id = (struct identity){ .type = ID_FQDN, .len = (uint16_t)len };
        memcpy(index->id.bytes, t->text, len);
    }
    return why;
}

/* NULL, or why: static text. */
static const char *read_index(struct entry *e, struct index *index, const struct token *t)
{
    *index = (struct index){ .kind = INDEX_ID };
    if (token_is_keyword(t, "%any") || token_is_keyword(t, "0.0.0.0")) {
        index->kind = INDEX_ANY;
        return NULL;
    }
    if (token_is_keyword(t, "%any6") || token_is_keyword(t, "::")) {
        index->kind = INDEX_ANY6;
        return NULL;
    }
    const char *no_identity = identity_parse(&index->id, t->text);
    if (no_identity == NULL && index->id.type != ID_ANY) {
        return NULL;
    }
    if (dn_is_meant(t->text)) {
        return no_identity;
    }
    if (token_is_keyword(t, "PSK") || token_is_keyword(t, "RSA")) {
        return "expected a colon between blanks before the word PSK or RSA";
    }
    if (is_name(t->text)) {
        const char *why = read_host(index, t);
        e->bad_host = why != NULL;
        return why;
    }
    if (t->text[0] == ':' || t->text[t->len - 1] == ':') {
        return "expected a blank before and after the colon";
    }
    return "expected an identity: an address, a host's name, @name, user@name, @#hex, C=CH,CN=name, @~hex, %any or %any6";
}

/* Of what stands in quotes only a distinguished name is an identity: it may have blanks. */
static bool read_quoted_name(struct index *index, const struct token *t)
{
    *index = (struct index){ .kind = INDEX_ID };
    return dn_is_meant(t->text) && identity_parse(&index->id, t->text) == NULL;
}

/* Up to the colon. *t: the first token; then the last one taken. NULL or why. */
static const char *read_indices(struct lexer *l, struct entry *e, struct token *t)
{
    for (; !is_colon(t); *t = lexer_next(l)) {
        struct index index;
        if (t->kind == TOKEN_BAD) {
            return t->why;
        }
        if (token_ends_entry(t)) {
            return "expected a colon between blanks, and a secret, after the identities";
        }
        if (t->kind == TOKEN_QUOTED && !read_quoted_name(&index, t)) {
            return !dn_is_meant(t->text) ? "expected a colon between blanks before the quoted secret"
                   : "expected a colon between blanks before the quoted secret; or, if that is to be an identity, another distinguished "
                     "name (secrets --match says what is wrong with one)";
        }
        const char *why = t->kind == TOKEN_QUOTED ? NULL : read_index(e, &index, t);
        if (why != NULL) {
            return why;
        }
        if (e->index_count == STORE_INDICES_MAX) {
            return "expected at most 64 identities before the colon";
        }
        e->index[e->index_count++] = index;
    }
    return NULL;
}

static const char secret_too_long[] = "expected a secret of at most 1024 bytes: this one is longer";

static const char *read_secret(struct lexer *l, struct entry *e, struct token *t)
{
    if (token_is_keyword(t, "PSK")) {
        *t = lexer_next(l);
        if (t->kind == TOKEN_WORD) {
            const char *why = datatext_decode(e->bytes, sizeof e->bytes, &e->len, t->text);
            if (why == datatext_too_long) {
                return secret_too_long;
            }
            return why == NULL || t->text[0] == '0'
                       ? why : "expected a secret after PSK: \"in quotes\", 0x, 0s or 0t";
        }
        if (token_ends_entry(t)) {
            return "expected a secret after PSK: \"in quotes\", 0x, 0s or 0t";
        }
    }
    if (t->kind == TOKEN_BAD) {
        return t->why;
    }
    if (t->kind != TOKEN_QUOTED) {
        return "expected PSK or RSA, or a quoted secret, after the colon";
    }
    if (t->len == 0) {
        return "expected a secret of at least one character: this one is empty";
    }
    if (t->len > sizeof e->bytes) {
        return secret_too_long;
    }
    memcpy(e->bytes, t->text, t->len);
    e->len = t->len;
    return NULL;
}

/* ---- RSA ---- */

static const struct {
    const char *word;
    const char *missing;
} numbers[RSA_NUMBERS] = {
#define NUMBER(word) { word, "expected " word ": and a number (0x... or 0s...) in the RSA key" }
    [RSA_MODULUS] = NUMBER("Modulus"),
    [RSA_PUBLIC_EXPONENT] = NUMBER("PublicExponent"),
    [RSA_PRIVATE_EXPONENT] = NUMBER("PrivateExponent"),
    [RSA_PRIME_1] = NUMBER("Prime1"),
    [RSA_PRIME_2] = NUMBER("Prime2"),
    [RSA_EXPONENT_1] = NUMBER("Exponent1"),
    [RSA_EXPONENT_2] = NUMBER("Exponent2"),
    [RSA_COEFFICIENT] = NUMBER("Coefficient"),
#undef NUMBER
};

/* Is it this word, with or without a colon at its end? */
static bool names_number(const struct token *t, const char *word, bool *colon)
{
    size_t len = strlen(word);
    if (t->kind != TOKEN_WORD || strncasecmp(t->text, word, len) != 0) {
        return false;
    }
    *colon = t->text[len] == ':';
    return t->text[len + (*colon ? 1 : 0)] == '\0';
}

/* "Modulus: 0x..."; the colon may stand alone, or not at all. */
static const char *read_number(struct lexer *l, struct entry *e, struct token *t, size_t i)
{
    bool colon = false;

    *t = lexer_next(l);
    if (!names_number(t, numbers[i].word, &colon)) {
        return t->kind == TOKEN_BAD ? t->why : numbers[i].missing;
    }
    *t = lexer_next(l);
    if (!colon && is_colon(t)) {
        *t = lexer_next(l);
    }
    if (t->kind != TOKEN_WORD || t->text[0] != '0') {
        return t->kind == TOKEN_BAD ? t->why : numbers[i].missing;
    }
    const char *why = datatext_decode(e->number[i], sizeof e->number[i], &e->number_len[i], t->text);
    return why == datatext_too_long ? "expected a number of at most 8192 bits in the RSA key: this one is longer" : why;
}

/* Behind the brace, up to the other one. */
static const char *read_numbers(struct lexer *l, struct entry *e, struct token *t)
{
    for (size_t i = 0; i < RSA_NUMBERS; i++) {
        const char *why = read_number(l, e, t, i);
        if (why != NULL) {
            return why;
        }
    }
    *t = lexer_next(l);
    if (!token_is_keyword(t, "}")) {
        return t->kind == TOKEN_BAD ? t->why : "expected } (indented) after the coefficient of the RSA key";
    }
    *t = lexer_next(l);
    return NULL;
}

static bool is_text(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED;
}

/* *t: the name; afterwards what comes behind the passphrase. */
static const char *read_key_file(struct lexer *l, struct entry *e, struct token *t)
{
    if (t->len == 0 || t->len >= sizeof e->key_file) {
        return "expected the name of a key file, of at most 1023 bytes";
    }
    memcpy(e->key_file, t->text, t->len);
    e->key_file_quoted = t->kind == TOKEN_QUOTED;
    *t = lexer_next(l);
    if (!is_text(t)) {
        return t->kind == TOKEN_BAD ? t->why : NULL;
    }
    e->prompt = token_is_keyword(t, "%prompt");
    if (!e->prompt) {
        if (t->len >= sizeof e->passphrase) {
            return "expected a passphrase of at most 1024 bytes";
        }
        memcpy(e->passphrase, t->text, t->len);
        e->has_passphrase = true;
    }
    *t = lexer_next(l);
    return NULL;
}

/* *t: the word RSA; afterwards what comes behind the key. */
static const char *read_rsa(struct lexer *l, struct entry *e, struct token *t)
{
    *t = lexer_next(l);
    e->kind = token_is_keyword(t, "{") ? ENTRY_RSA : ENTRY_RSA_FILE;
    if (e->kind == ENTRY_RSA) {
        return read_numbers(l, e, t);
    }
    if (!is_text(t)) {
        return t->kind == TOKEN_BAD ? t->why
               : "expected a key after RSA: { Modulus: ... }, or the name of a file in PEM form";
    }
    return read_key_file(l, e, t);
}

/* ---- */

const char *entry_read(struct entry *e, struct lexer *l, struct token *t)
{
    e->line = t->line;
    const char *why = read_indices(l, e, t);
    if (why != NULL) {
        e->line = t->kind == TOKEN_BAD ? t->line : e->line;
        return why;
    }
    *t = lexer_next(l);
    if (token_is_keyword(t, "RSA")) {
        why = read_rsa(l, e, t);
    } else {
        why = read_secret(l, e, t);
        if (why == NULL) {
            *t = lexer_next(l);
        }
    }
    if (why == NULL && !token_ends_entry(t)) {
        why = t->kind == TOKEN_BAD ? t->why : "expected nothing more after the secret";
    }
    e->line = why == NULL || token_ends_entry(t) ? e->line : t->line;
    return why;
}
