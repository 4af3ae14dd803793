#include "object.h"

#include "log.h"

#include <string.h>

struct object object_new(void)
{
    json_t *json = json_object();
    return (struct object){ .json = json, .lost = json == NULL };
}

void object_put(struct object *o, const char *key, json_t *value)
{
    o->lost = json_object_set_new_nocheck(o->json, key, value) != 0 || o->lost;
}

void object_put_object(struct object *o, const char *key, struct object value)
{
    o->lost = o->lost || value.lost;
    object_put(o, key, value.json);
}

json_t *object_number(uint64_t value)
{
    return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

void object_put_number(struct object *o, const char *key, uint64_t value)
{
    object_put(o, key, object_number(value));
}

void object_put_some(struct object *o, const char *key, uint64_t value)
{
    object_put(o, key, value == 0 ? json_null() : object_number(value));
}

void object_put_yes(struct object *o, const char *key, bool yes)
{
    object_put(o, key, json_boolean(yes));
}

static bool is_plain(const char *bytes)
{
    while (*bytes >= ' ' && *bytes <= '~' && *bytes != '\\') {
        bytes++;
    }
    return *bytes == '\0';
}

static json_t *text(const char *bytes) /* NULL: null */
{
    if (bytes == NULL) {
        return json_null();
    }
    if (is_plain(bytes)) {
        return json_string_nocheck(bytes);
    }
    struct buffer escaped;
    buffer_init(&escaped, 0);
    log_escape(&escaped, bytes, strlen(bytes));
    json_t *json = escaped.overflowed ? NULL
                                      : json_stringn_nocheck((const char *)escaped.data, escaped.len);
    buffer_wipe(&escaped);
    return json;
}

void object_put_text(struct object *o, const char *key, const char *bytes)
{
    object_put(o, key, text(bytes));
}

void object_put_list(struct object *o, const char *key, const char *commas)
{
    json_t *list = json_array();
    for (const char *at = commas; list != NULL && *at != '\0';) {
        size_t len = strcspn(at, ",");
        o->lost = json_array_append_new(list, json_stringn_nocheck(at, len)) != 0 || o->lost;
        at += len + (at[len] == ',' ? 1 : 0);
    }
    object_put(o, key, list);
}

void object_put_address(struct object *o, const char *key, const struct address *a)
{
    char out[ADDRESS_TEXT];
    if (a->family != 0) {
        address_print(a, out);
    }
    object_put_text(o, key, a->family == 0 ? NULL : out);
}

void object_put_subnet(struct object *o, const char *key, const struct subnet *s)
{
    char out[SUBNET_TEXT];
    if (s->base.family != 0) {
        subnet_print(s, out);
    }
    object_put_text(o, key, s->base.family == 0 ? NULL : out);
}

void object_put_identity(struct object *o, const char *key, const struct identity *id)
{
    char out[IDENTITY_TEXT];
    if (id != NULL) {
        identity_print(id, out);
    }
    object_put_text(o, key, id == NULL ? NULL : out);
}

void object_put_classes(struct object *o, const char *key, unsigned classes)
{
    char out[DEBUG_CLASSES_TEXT];
    debug_classes_print(classes, out);
    object_put_list(o, key, out);
}
