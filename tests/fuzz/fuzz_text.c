/*
 * The small text parsers, one a letter:
 *
 *   a address   4 subnet, IPv4 (6: IPv6, 0: either)   i identity   I --ike   E --esp   G --pfsgroup
 *   s one ISAKMP suite   e one ESP suite   d 0x 0s 0t data   c debug classes   w plutod's replies
 *
 * Input: the letter, then the text. Holds: what was parsed is printed as what parses to the same.
 */
#include "fuzz.h"

#include "algorithm.h"
#include "datatext.h"
#include "log.h"
#include "whack/replies.h"

#include <stdlib.h>
#include <string.h>

static void read_address(const char *text)
{
    struct address a = { .family = 0 };
    struct address again;
    struct sockaddr_storage place;
    uint16_t port = 0;
    char out[ADDRESS_TEXT];
    address_print(&a, out);
    if (address_parse(&a, text) == NULL) {
        address_print(&a, out);
        fuzz_check(address_parse(&again, out) == NULL && address_equal(&a, &again));
        fuzz_check(address_hash(&a) == address_hash(&again));
        fuzz_check(address_to_sockaddr(&a, 500, &place) <= sizeof place);
        fuzz_check(address_from_sockaddr(&again, &port, (struct sockaddr *)&place));
        fuzz_check(address_equal(&a, &again) && port == 500);
    }
}

static void read_subnet(const char *text, unsigned family)
{
    struct subnet s;
    struct subnet again;
    struct address mask;
    char out[SUBNET_TEXT];
    if (subnet_parse(&s, text, family) != NULL) {
        return;
    }
    subnet_print(&s, out);
    fuzz_check(subnet_parse(&again, out, family) == NULL && subnet_equal(&s, &again));
    fuzz_check(subnet_contains(&s, &s.base));
    subnet_mask(&s, &mask);
    fuzz_check(subnet_from_mask(&again, &s.base, &mask) == NULL && subnet_equal(&s, &again));
}

static void read_identity(const char *text)
{
    struct identity id;
    struct identity again;
    uint8_t body[ID_BODY_MAX];
    char out[IDENTITY_TEXT];
    if (identity_parse(&id, text) != NULL) {
        return;
    }
    identity_print(&id, out);
    fuzz_check(identity_parse(&again, out) == NULL && identity_equal(&id, &again));
    if (id.type != ID_ANY) {
        fuzz_check(identity_encode(&id, body) == 4 + (size_t)id.len);
        (void)identity_decode(&again, body, 4 + (size_t)id.len);
    }
}

static void read_ike(const char *text)
{
    static struct ike_proposals p;
    char out[SUITE_TEXT];
    struct ike_suite suite;
    const char *at = NULL;
    if (ike_proposals_parse(&p, text, &at) != NULL) {
        fuzz_check(at >= text && at <= text + strlen(text));
        return;
    }
    fuzz_check(p.offered >= 1 && p.offered <= p.count && p.count <= SUITES_MAX);
    for (size_t i = 0; i < p.count; i++) {
        ike_suite_print(&p.suite[i], out);
        fuzz_check(ike_suite_parse(&suite, out) == NULL && ike_suite_equal(&suite, &p.suite[i]));
        fuzz_check(ike_proposals_find(&p, &suite) == (int)i);
    }
}

static void read_esp(const char *text)
{
    static struct esp_proposals p;
    char out[SUITE_TEXT];
    struct esp_suite suite;
    const char *at = NULL;
    if (esp_proposals_parse(&p, text, &at) != NULL) {
        fuzz_check(at >= text && at <= text + strlen(text));
        return;
    }
    fuzz_check(p.offered >= 1 && p.offered <= p.count && p.count <= SUITES_MAX);
    for (size_t i = 0; i < p.count; i++) {
        esp_suite_print(&p.suite[i], out);
        fuzz_check(esp_suite_parse(&suite, out) == NULL && esp_suite_equal(&suite, &p.suite[i]));
        fuzz_check(esp_proposals_find(&p, &suite) == (int)i);
    }
}

static void read_suite(const char *text, bool esp)
{
    struct ike_suite ike;
    struct esp_suite e;
    char out[SUITE_TEXT];
    if (esp && esp_suite_parse(&e, text) == NULL) {
        esp_suite_print(&e, out);
        (void)esp_suite_weak(&e);
    } else if (!esp && ike_suite_parse(&ike, text) == NULL) {
        ike_suite_print(&ike, out);
        (void)ike_suite_weak(&ike);
    }
}

static void read_groups(const char *text)
{
    struct group_list g;
    const char *at = NULL;
    if (group_list_parse(&g, text, &at) == NULL) {
        fuzz_check(g.count >= 1 && g.count <= GROUP_COUNT);
    }
}

static void read_data(const char *text)
{
    uint8_t *out = malloc(100); /* exactly, for the sanitizer */
    size_t len = 1;
    const char *why = datatext_decode(out, 100, &len, text);
    fuzz_check(len <= 100 && (why == NULL || len == 0));
    free(out);
}

static void read_classes(const char *text)
{
    unsigned classes;
    unsigned again;
    char out[DEBUG_CLASSES_TEXT];
    if (debug_classes_parse(&classes, text) == NULL) {
        debug_classes_print(classes, out);
        fuzz_check(debug_classes_parse(&again, out) == NULL && again == classes);
    }
}

static bool take_line(void *context, const char *line, size_t len, int code)
{
    size_t *lines = context;
    fuzz_check(len >= 1 && line[len - 1] == '\n' && code >= 0 && code <= 999);
    (*lines)++;
    return true;
}

static void count_done(void *context)
{
    size_t *lines = context;
    (*lines)++;
}

/* In pieces as they may come; and what a log makes of the bytes. */
static void read_replies(const char *text, size_t len)
{
    static struct replies r;
    struct buffer escaped;
    size_t lines = 0;
    replies_init(&r, take_line, count_done, &lines);
    for (size_t at = 0; at < len; at += 7) {
        size_t n = len - at < 7 ? len - at : 7;
        if (replies_add(&r, text + at, n) != REPLIES_OK) {
            break;
        }
    }
    fuzz_check(replies_status(&r) >= 0 && replies_status(&r) <= 255);
    (void)replies_ended(&r);
    buffer_init(&escaped, 0);
    log_escape(&escaped, text, len);
    for (size_t i = 0; i < escaped.len; i++) {
        fuzz_check(escaped.data[i] >= ' ' && escaped.data[i] <= '~');
    }
    buffer_wipe(&escaped);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    uint8_t letter = fuzz_u8(&in);
    size_t len;
    char *text = fuzz_rest(&in, &len);
    switch (letter) {
    case 'a': read_address(text); break;
    case '4': read_subnet(text, 4); break;
    case '0': read_subnet(text, 0); break;
    case '6': read_subnet(text, 6); break;
    case 'i': read_identity(text); break;
    case 'I': read_ike(text); break;
    case 'E': read_esp(text); break;
    case 'G': read_groups(text); break;
    case 's': read_suite(text, false); break;
    case 'e': read_suite(text, true); break;
    case 'd': read_data(text); break;
    case 'c': read_classes(text); break;
    case 'w': read_replies(text, len); break;
    default: break;
    }
    free(text);
    return 0;
}
