/*
 * An object of a JSON document, key by key, with the texts of lib/ as values.
 *
 * All of it is printable ASCII: identities and names are so already, other bytes are written as in the log, backslash and
 * three octal digits. What could not be put in makes the object `lost`: it is not to be shown. Not for: which keys there
 * are (status_json.c).
 */
#ifndef PLUTOD_OBJECT_H
#define PLUTOD_OBJECT_H

#include "address.h"
#include "identity.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct object {
    json_t *json;
    bool lost;
};

struct object object_new(void);

void object_put(struct object *o, const char *key, json_t *value); /* takes the value */
void object_put_object(struct object *o, const char *key, struct object value); /* takes it */
void object_put_number(struct object *o, const char *key, uint64_t value);
void object_put_some(struct object *o, const char *key, uint64_t value); /* 0, which is no serial and no time: null */
void object_put_yes(struct object *o, const char *key, bool yes);
/* NULL, the address or subnet of no family: null */
void object_put_text(struct object *o, const char *key, const char *bytes);
void object_put_address(struct object *o, const char *key, const struct address *a);
void object_put_subnet(struct object *o, const char *key, const struct subnet *s);
void object_put_identity(struct object *o, const char *key, const struct identity *id);
void object_put_list(struct object *o, const char *key, const char *commas); /* "a,b" as ["a","b"] */
void object_put_classes(struct object *o, const char *key, unsigned classes); /* of debugging, as a list */

/* A value by itself. */
json_t *object_number(uint64_t value);

#endif
