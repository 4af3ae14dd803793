/*
 * Included before everything when the analysers read (tests/lint.mk), never when we build.
 *
 * uthash's macros are a hundred lines in every place that uses them: gcc -fanalyzer walks their hash
 * function for minutes, and clang's analyser believes that an element which was taken out may still
 * be in. Here they are calls of functions that nobody sees into.
 */
#ifndef TESTS_LINT_H
#define TESTS_LINT_H

#include <bsd/sys/tree.h>
#include <uthash.h>

void *lint_add(void *head, void *element, const void *key);
void *lint_delete(void *head, const void *handle);
void *lint_find(const void *head, const void *key);
int lint_any(void);
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

/* What is looked for may not be there: whoever does not ask for that is still found out. */
#undef RB_GENERATE_INTERNAL
#define RB_GENERATE_INTERNAL(name, type, field, cmp, attr) \
    static inline int name##_compares(struct type *a, struct type *b) { return (cmp)(a, b); } \
    static inline struct type *name##_RB_REMOVE(struct name *head, struct type *element) \
    { \
        return lint_delete(head, element); \
    } \
    static inline struct type *name##_RB_INSERT(struct name *head, struct type *element) \
    { \
        return lint_add(head, element, NULL); \
    } \
    static inline struct type *name##_RB_FIND(struct name *head, struct type *element) \
    { \
        return lint_any() ? lint_find(head, element) : NULL; \
    } \
    static inline struct type *name##_RB_NFIND(struct name *head, struct type *element) \
    { \
        return lint_any() ? lint_find(head, element) : NULL; \
    } \
    static inline struct type *name##_RB_NEXT(struct type *element) \
    { \
        return lint_any() ? lint_find(NULL, element) : NULL; \
    } \
    static inline struct type *name##_RB_PREV(struct type *element) \
    { \
        return lint_any() ? lint_find(NULL, element) : NULL; \
    } \
    static inline struct type *name##_RB_MINMAX(struct name *head, int val) \
    { \
        return lint_any() > val ? lint_find(head, NULL) : NULL; \
    }

#endif
