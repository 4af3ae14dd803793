/*
 * Records made of the schema's own table: each verb, each field, at the ends of its limits. A verb
 * that is added there is tried by itself.
 */
#ifndef RECORD_FORMS_H
#define RECORD_FORMS_H

#include "record.h"

#define FORM_LINE_MAX 400000

/* A verb and the request it answers (ok), with every field that it may have. */
struct record_form {
    enum verb verb;
    enum verb re;
    unsigned from;
};

typedef void form_field(const struct record_form *f, enum key key, bool needed, void *context);
void form_fields(const struct record_form *f, form_field *each, void *context);
/* Calls for every verb, and for the ok of every request. */
void form_walk(void (*each)(const struct record_form *f, void *context), void *context);

/* A right value for a field, as text: the least that may be, or the most. */
void form_sample(char *out, enum key key, const struct record_form *f, bool most);

struct form_builder {
    char *line;           /* of form_build itself */
    enum key skip;        /* leave this one out */
    enum key other;       /* this one gets `value` */
    const char *value;    /* NULL: the most that may be */
    bool all;             /* optional ones too */
    bool most;            /* every value is the most that may be */
    uint64_t exchange;    /* where a field is an exchange's number; 0: as the others */
};

/* A line without newline, in FORM_LINE_MAX bytes; the caller frees it. */
char *form_build(const struct record_form *f, struct form_builder b);

#endif
