/*
 * What dnskey reads: packets of DNS, resolv.conf, hosts; and what it may be asked, and answers, one a letter:
 *
 *   p a packet that answers a question for A of `a.example`   q the same for AAAA   r resolv.conf
 *   h a name, a form feed, hosts   n a name that is to be looked up   a a list of addresses
 *
 * Holds: only addresses that a host can have come out, sorted, each once, at most 16; a name that may be asked for
 * has one form on the wire; what was printed parses to the same.
 */
#include "fuzz.h"

#include "dnskey/answer.h"
#include "dnskey/files.h"

#include <ctype.h>
#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

static void check_list(const struct address_list *l)
{
    char text[ADDRESS_LIST_TEXT];
    struct address_list again;
    fuzz_check(l->count <= HOST_ADDRESSES_MAX);
    for (unsigned i = 0; i < l->count; i++) {
        fuzz_check(address_of_host(&l->at[i]) == NULL && address_list_has(l, &l->at[i]));
        fuzz_check(i == 0 || l->at[i - 1].family < l->at[i].family
                   || memcmp(l->at[i - 1].bytes, l->at[i].bytes, sizeof l->at[i].bytes) < 0);
    }
    address_list_print(l, text);
    fuzz_check(strlen(text) < sizeof text);
    if (l->count > 0) {
        fuzz_check(address_list_parse(&again, text) == NULL && again.count == l->count);
        for (unsigned i = 0; i < l->count; i++) {
            fuzz_check(address_equal(&again.at[i], &l->at[i]));
        }
    }
}

static void check_answer(const struct answer *a)
{
    check_list(&a->list);
    fuzz_check((a->outcome == ANSWER_ADDRESSES) == (a->list.count > 0));
    fuzz_check(a->outcome != ANSWER_FAILED || (a->why != NULL && a->list.count == 0));
    fuzz_check(a->outcome != ANSWER_UNUSABLE || a->dropped > 0);
    fuzz_check(a->dropped == 0 || address_of_host(&a->drop) != NULL);
    fuzz_check(a->ttl <= ANSWER_TTL_MAX);
}

static void read_packet(const uint8_t *bytes, size_t len, enum answer_type type)
{
    struct answer a;
    answer_read(&a, "a.example", type, 0, bytes, len);
    check_answer(&a);
    for (unsigned i = 0; i < a.list.count; i++) {
        fuzz_check(a.list.at[i].family == (type == ANSWER_A ? 4 : 6));
    }
    answer_read(&a, "a.example", type, len > 0 ? bytes[0] % 16 : 2, NULL, 0);
    check_answer(&a);
    fuzz_check(a.outcome == ANSWER_FAILED);
}

static unsigned scope(const char *name)
{
    fuzz_check(strlen(name) <= 15);
    return (unsigned)strlen(name);
}

static void read_resolv_conf(const char *text, size_t len)
{
    struct servers s;
    struct buffer said;
    char out[SERVERS_TEXT];
    buffer_init(&said, 0);
    const struct log log = { .tool = "dnskey", .records = &said };
    servers_read(&s, text, len, scope, &log);
    fuzz_check(s.count >= 1 && s.count <= SERVERS_MAX);
    servers_print(&s, out);
    fuzz_check(strlen(out) < sizeof out);
    for (unsigned i = 0; i < s.count; i++) {
        struct address a;
        char one[SERVER_TEXT];
        memcpy(one, s.at[i], sizeof one);
        one[strcspn(one, "%")] = '\0';
        fuzz_check(address_parse(&a, one) == NULL);
    }
    buffer_wipe(&said);
}

static void read_hosts(const char *text, size_t len)
{
    struct answer a;
    const char *end = memchr(text, '\f', len);
    char name[HOSTNAME_LEN + 1];
    if (end == NULL || (size_t)(end - text) >= sizeof name) {
        return;
    }
    memcpy(name, text, (size_t)(end - text));
    name[end - text] = '\0';
    if (hostname_check(name) == NULL && hosts_find(end + 1, len - (size_t)(end + 1 - text), name, &a)) {
        check_answer(&a);
        fuzz_check(a.outcome == ANSWER_ADDRESSES || a.outcome == ANSWER_UNUSABLE);
    }
}

static void read_name(const char *text)
{
    if (hostname_check(text) != NULL) {
        return;
    }
    const size_t len = strlen(text);
    fuzz_check(len >= 1 && len <= HOSTNAME_LEN && text[0] != '-');
    for (size_t i = 0; i < len; i++) {
        fuzz_check(isalnum((unsigned char)text[i]) || strchr("-_.", text[i]) != NULL);
    }
    /* On the wire it has the same letters, and nothing else. */
    ldns_rdf *name = ldns_dname_new_frm_str(text);
    char *back = name == NULL ? NULL : ldns_rdf2str(name);
    fuzz_check(back != NULL);
    if (back != NULL) {
        fuzz_check(strncmp(back, text, len) == 0);
        fuzz_check(strcmp(back + len, text[len - 1] == '.' ? "" : ".") == 0);
    }
    free(back);
    ldns_rdf_deep_free(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = malloc(size); /* exactly, for the sanitizer; ended by a NUL where it is a text */
    struct address_list list;
    fuzz_check(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    switch (data[0]) {
    case 'p':
    case 'q': {
        uint8_t *packet = malloc(size);
        fuzz_check(packet != NULL);
        memcpy(packet, data + 1, size - 1);
        read_packet(packet, size - 1, data[0] == 'p' ? ANSWER_A : ANSWER_AAAA);
        free(packet);
        break;
    }
    case 'r':
        read_resolv_conf(text, size - 1);
        break;
    case 'h':
        read_hosts(text, size - 1);
        break;
    case 'n':
        read_name(text);
        break;
    case 'a':
        if (address_list_parse(&list, text) == NULL) {
            check_list(&list);
        }
        break;
    default:
        break;
    }
    free(text);
    return 0;
}
