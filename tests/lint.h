/*
 * Included before everything when the analysers read (tests/lint.mk), never when we build.
 *
 * uthash's macros are a hundred lines in every place that uses them: gcc -fanalyzer walks their hash
 * function for minutes, and clang's analyser believes that an element which was taken out may still
 * be in. Here they are calls of functions that nobody sees into.
 */
#ifndef TESTS_LINT_H
#define TESTS_LINT_H

#include <uthash.h>

void *lint_add(void *head, void *element, const void *key);
void *lint_delete(void *head, const void *handle);
void *lint_find(const void *head, const void *key);
unsigned lint_hash(const void *key, size_t len);

#undef HASH_NONFATAL_OOM
#undef HASH_FUNCTION
#undef HASH_ADD_KEYPTR_BYHASHVALUE
#undef HASH_DELETE_HH
#undef HASH_FIND_BYHASHVALUE
#undef HASH_FIND
#define HASH_FUNCTION(key, len, value) ((value) = lint_hash((key), (len)))
#define HASH_ADD_KEYPTR_BYHASHVALUE(hh, head, key, len, value, element) \
    ((void)(value), (head) = lint_add((head), (element), (key)))
#define HASH_DELETE_HH(hh, head, handle) ((head) = lint_delete((head), (handle)))
#define HASH_FIND_BYHASHVALUE(hh, head, key, len, value, out) \
    ((void)(value), (out) = lint_find((head), (key)))
#define HASH_FIND(hh, head, key, len, out) ((out) = lint_find((head), (key)))

#endif
