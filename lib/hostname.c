#include "hostname.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define LABEL_LEN 63 /* RFC 1035, 2.3.4 */

static bool is_number(const char *label, size_t len)
{
    static const char digits[] = "0123456789";
    static const char hex[] = "0123456789abcdefABCDEF";
    const bool is_hex = len > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X');
    return is_hex ? strspn(label + 2, hex) == len - 2 : strspn(label, digits) == len;
}

static const char *label_check(const char *label, size_t len)
{
    if (len == 0) {
        return "an empty label: a dot at the start, or two in a row";
    }
    if (len > LABEL_LEN) {
        return "a label (what is between dots) of more than 63 bytes";
    }
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)label[i];
        if (c >= 0x80 || (!isalnum(c) && c != '-' && c != '_')) {
            return "a byte that is no letter, digit, hyphen, underscore or dot (write names of other letters in "
                   "their xn-- form)";
        }
    }
    return label[0] == '-' || label[len - 1] == '-' ? "a label that begins or ends with a hyphen" : NULL;
}

const char *hostname_check(const char *name)
{
    struct address a;
    const char *label = name;
    size_t len = 0;
    if (name[0] == '\0') {
        return "an empty name";
    }
    if (strnlen(name, HOSTNAME_LEN + 1) > HOSTNAME_LEN) {
        return "more than 253 bytes";
    }
    if (address_parse(&a, name) == NULL) {
        return "an address, which is not looked up";
    }
    for (;;) {
        len = strcspn(label, ".");
        const char *why = label_check(label, len);
        if (why != NULL) {
            return why;
        }
        if (label[len] == '\0' || label[len + 1] == '\0') {
            break;
        }
        label += len + 1;
    }
    /* What inet_aton(3) takes for an address: 10.1, 127.1, 0x7f.1. No top-level domain is so (RFC 3696, 2). */
    return is_number(label, len) ? "its last label is a number, as in an address" : NULL;
}

/* ---- lists ---- */

const char *address_of_host(const struct address *a)
{
    return address_is_any(a) ? "the unspecified address, which is no host's own" : address_of_no_host(a);
}

static int compare(const struct address *a, const struct address *b)
{
    return a->family != b->family ? (int)a->family - (int)b->family
                                  : memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

bool address_list_has(const struct address_list *l, const struct address *a)
{
    for (unsigned i = 0; i < l->count; i++) {
        if (address_equal(&l->at[i], a)) {
            return true;
        }
    }
    return false;
}

bool address_list_add(struct address_list *l, const struct address *a)
{
    const bool full = l->count == HOST_ADDRESSES_MAX;
    unsigned place = 0;
    assert(address_of_host(a) == NULL);
    while (place < l->count && compare(&l->at[place], a) < 0) {
        place++;
    }
    if (place < l->count && compare(&l->at[place], a) == 0) {
        return true;
    }
    if (place == HOST_ADDRESSES_MAX) {
        return false;
    }
    l->count += full ? 0 : 1;
    memmove(&l->at[place + 1], &l->at[place], (l->count - 1 - place) * sizeof l->at[0]);
    l->at[place] = *a;
    return !full;
}

const char *address_list_parse(struct address_list *l, const char *text)
{
    struct address_list list = { .count = 0 };
    const char *at = text;
    for (;;) {
        char one[ADDRESS_TEXT];
        struct address a;
        const size_t len = strcspn(at, ",");
        if (len >= sizeof one) {
            return "an address that is too long";
        }
        memcpy(one, at, len);
        one[len] = '\0';
        const char *why = address_parse(&a, one);
        why = why == NULL ? address_of_host(&a) : why;
        if (why != NULL) {
            return why;
        }
        if (!address_list_add(&list, &a)) {
            return "more than 16 addresses";
        }
        if (at[len] == '\0') {
            break;
        }
        at += len + 1;
    }
    *l = list;
    return NULL;
}

void address_list_print(const struct address_list *l, char out[ADDRESS_LIST_TEXT])
{
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < l->count; i++) {
        if (i > 0) {
            out[len++] = ',';
        }
        address_print(&l->at[i], out + len);
        len += strlen(out + len);
    }
}
