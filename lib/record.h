/*
 * One record: a line `verb key=value ...` ended by LF. Parse, check against the schema, print.
 *
 * Parsing decodes in place and borrows: a record lives as long as the line it came from, which the
 * caller wipes. What has been parsed is right: types, limits, required and allowed fields and the
 * channel were checked, so the getters cannot fail for a required field. Not for: reading
 * descriptors (channel.h) and the meaning of verbs (the tools).
 */
#ifndef LIB_RECORD_H
#define LIB_RECORD_H

#include "address.h"
#include "buffer.h"
#include "identity.h"
#include "schema.h"

struct record_value {
    const uint8_t *bytes; /* BYTES, TEXT (ended by the only NUL), WORD, ADDRESS, SUBNET, ID */
    size_t len;
    uint64_t number;      /* NUMBER: value; WORD: its place in the schema's list */
};

struct record {
    enum verb verb;
    enum verb re; /* the verb that an ok, fail or bad answers, or V_NONE */
    /* A record has few of the many fields that there are: so only these are filled, in the order they came. */
    unsigned count;
    uint8_t key[KEY_COUNT];               /* enum key of the fields 1..count */
    uint8_t place[KEY_COUNT];             /* which of them a key is; 0: absent */
    struct record_value value[KEY_COUNT]; /* of the fields 1..count; the first is what an absent field has, all zero */
};

/*
 * Parses `line` of `len` bytes without its LF; line[len] must be writable. `from` is the mask of
 * directions it may have come from. Returns NULL, or why it is bad: static text. On failure r holds
 * no field, r->verb is what was recognised, and *field (may be NULL) the key at fault or K_END.
 */
const char *record_parse(struct record *r, char *line, size_t len, unsigned from, enum key *field);

bool record_has(const struct record *r, enum key key);
const struct record_value *record_value(const struct record *r, enum key key);
uint64_t record_number(const struct record *r, enum key key);      /* 0 if absent */
unsigned record_word(const struct record *r, enum key key);        /* 0 if absent */
bool record_yes(const struct record *r, enum key key);             /* a no|yes field */
const char *record_text(const struct record *r, enum key key);     /* NULL if absent */
const uint8_t *record_bytes(const struct record *r, enum key key, size_t *len); /* NULL if absent */
bool record_address(const struct record *r, enum key key, struct address *a);   /* false: absent */
bool record_subnet(const struct record *r, enum key key, struct subnet *s);
bool record_identity(const struct record *r, enum key key, struct identity *id);

/*
 * Writing: start, put fields, finish. A record that does not fit the buffer leaves nothing behind
 * and sets out->overflowed. A missing or foreign field is our own bug (assert).
 */
struct record_writer {
    struct buffer *out;
    size_t start;
    enum verb verb;
    enum verb re;
    bool seen[KEY_COUNT];
};

void record_start(struct record_writer *w, struct buffer *out, enum verb verb);
/* ok or fail for a request that had this id; answer to a record whose verb is `re`. */
void record_answer(struct record_writer *w, struct buffer *out, enum verb ok_or_fail, enum verb re,
                   uint64_t id);
void record_put_number(struct record_writer *w, enum key key, uint64_t number);
void record_put_word(struct record_writer *w, enum key key, unsigned place);
void record_put_yes(struct record_writer *w, enum key key, bool yes);
void record_put_text(struct record_writer *w, enum key key, const char *text);
void record_put_bytes(struct record_writer *w, enum key key, const uint8_t *bytes, size_t len);
void record_put_address(struct record_writer *w, enum key key, const struct address *a);
void record_put_subnet(struct record_writer *w, enum key key, const struct subnet *s);
void record_put_identity(struct record_writer *w, enum key key, const struct identity *id);
bool record_finish(struct record_writer *w); /* false: did not fit, nothing was added */

/* A parsed record as a line again, secret fields in full. False: did not fit. */
bool record_print(struct buffer *out, const struct record *r);

/* Short forms for what is said most. */
void record_fail(struct buffer *out, enum verb re, uint64_t id, const char *why);

/*
 * A line as a person may see it: secret fields as <N bytes>, control bytes as %XX. `line` need not
 * be a right record: of what the schema does not know nothing is shown but its length. Adds to out,
 * without a newline.
 */
void record_redact(struct buffer *out, const char *line, size_t len);

#endif
