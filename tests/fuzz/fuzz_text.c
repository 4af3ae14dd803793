/*
 * The small text parsers, one a letter:
 *
 *   a address   4 subnet, IPv4 (6: IPv6, 0: either)   i identity   I --ike   E --esp   G --pfsgroup
 *   s one ISAKMP suite   e one ESP suite   d 0x 0s 0t data   c debug classes   w plutod's replies
 *   H --ah   k an RSA public key   u --updown (U: a digit, which allocation fails)   n NOTIFY_SOCKET   p IPSEC_DIR, and what /proc/self/exe points to
 *   l a pid file, and /proc/PID/stat and comm of the process that it names
 *
 * Input: the letter, then the text, or texts with form feeds between. Holds: what was parsed is
 * printed as what parses to the same. No file but those of the input is read (--wrap).
 */
#include "fuzz.h"
#include "surroundings.h"

#include "algorithm.h"
#include "datatext.h"
#include "log.h"
#include "plutod/script.h"
#include "rsa_public.h"
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
    fuzz_check(identity_parse(&again, "C=CH,O=Example Ltd") == NULL);
    fuzz_check((identity_compare(&id, &again) < 0) == (identity_compare(&again, &id) > 0));
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

static void read_hashes(const char *text)
{
    struct hash_list h;
    const char *at = NULL;
    if (hash_list_parse(&h, text, &at) == NULL) {
        fuzz_check(h.count >= 1 && h.count <= HASH_COUNT);
        for (size_t i = 0; i < h.count; i++) {
            for (size_t j = 0; j < i; j++) {
                fuzz_check(h.hash[i]->esp_number != h.hash[j]->esp_number);
            }
        }
    }
}

/* What is printed of it means the same key. */
static void read_key_again(const struct rsa_public *key)
{
    uint8_t bytes[RSA_PUBLIC_MAX];
    char text[RSA_PUBLIC_TEXT];
    char fingerprint[RSA_FINGERPRINT];
    char other[RSA_FINGERPRINT];
    struct rsa_public again;
    rsa_public_print(key, text);
    fuzz_check(rsa_public_from_text(&again, bytes, text) == NULL && again.bits == key->bits);
    fuzz_check(again.exponent_len == key->exponent_len && again.modulus_len == key->modulus_len);
    fuzz_check(memcmp(again.exponent, key->exponent, key->exponent_len) == 0);
    fuzz_check(memcmp(again.modulus, key->modulus, key->modulus_len) == 0);
    rsa_public_fingerprint(key, fingerprint);
    rsa_public_fingerprint(&again, other);
    fuzz_check(strlen(fingerprint) == RSA_FINGERPRINT - 1 && strcmp(fingerprint, other) == 0);
}

static void read_key(const char *text)
{
    uint8_t *bytes = malloc(RSA_PUBLIC_MAX); /* exactly, for the sanitizer */
    struct rsa_public key;
    fuzz_check(bytes != NULL);
    if (rsa_public_from_text(&key, bytes, text) == NULL) {
        fuzz_check(key.bits >= RSA_BITS_MIN && key.bits <= RSA_BITS_MAX);
        fuzz_check(key.modulus_len == (key.bits + 7) / 8 && key.modulus[0] != 0);
        fuzz_check(key.exponent_len >= 1 && key.exponent_len <= key.modulus_len);
        fuzz_check(key.exponent > bytes && key.modulus >= key.exponent + key.exponent_len);
        fuzz_check(key.modulus + key.modulus_len <= bytes + RSA_PUBLIC_MAX);
        read_key_again(&key);
    }
    free(bytes);
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

struct told {
    struct replies replies;
    size_t lines;
};

/* A line with a ! in it cannot be written. */
static bool take_line(void *context, const char *line, size_t len, int code)
{
    struct told *t = context;
    fuzz_check(len >= 1 && line[len - 1] == '\n' && code >= -1 && code <= 999);
    t->lines++;
    return memchr(line, '!', len) == NULL;
}

static void count_done(void *context)
{
    struct told *t = context;
    replies_call_ends(&t->replies);
}

/* In pieces as they may come, what begins with \xff again and again; and what a log makes of the bytes. */
static void read_replies(const char *text, size_t len)
{
    static struct told t;
    struct buffer escaped;
    const struct replies *r = &t.replies;
    size_t piece = len > 0 && (uint8_t)text[0] == 0xff ? len : 7;
    size_t all = piece == len ? len + REPLY_MAX : len;
    t.lines = 0;
    replies_init(&t.replies, take_line, count_done, &t);
    for (size_t at = 0; at < all && len > 0; at += piece) {
        size_t n = len - at % len < piece ? len - at % len : piece;
        if (replies_add(&t.replies, text + at % len, n) != REPLIES_OK) {
            break;
        }
    }
    fuzz_check(replies_status(r) >= 0 && replies_status(r) <= 255);
    (void)replies_ended(r);
    buffer_init(&escaped, 0);
    log_escape(&escaped, text, len);
    for (size_t i = 0; i < escaped.len; i++) {
        fuzz_check(escaped.data[i] >= ' ' && escaped.data[i] <= '~');
    }
    buffer_wipe(&escaped);
}

/* ---- words of --updown ---- */

static unsigned fails; /* the how many-th allocation from now on; 0: none */

void *__wrap_calloc(size_t count, size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);
char *__wrap_strdup(const char *text);
char *__real_strdup(const char *text);

static bool fails_now(void)
{
    return fails > 0 && --fails == 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

char *__wrap_strdup(const char *text)
{
    return fails_now() ? NULL : __real_strdup(text);
}

static void read_words_failing(const char *text)
{
    if (text[0] < '1' || text[0] > '9') {
        return;
    }
    fails = (unsigned)(text[0] - '0');
    char **words = script_words(text + 1);
    fuzz_check(words == NULL || fails > 0);
    fails = 0;
    script_words_free(words);
}

/* The word in quotes, so that it is one again. */
static void put_word(char *out, const char *word)
{
    char *at = out + strlen(out);
    char quote = '\0';
    *at++ = ' ';
    for (; *word != '\0'; word++) {
        char wanted = *word == '"' ? '\'' : '"';
        if (quote != wanted) {
            *at = quote;
            at += quote == '\0' ? 0 : 1;
            *at++ = quote = wanted;
        }
        *at++ = *word;
    }
    *at = quote;
    at[quote == '\0' ? 0 : 1] = '\0';
}

static void read_words(const char *text, size_t len)
{
    char **words = script_words(text);
    fuzz_check(words != NULL);
    char *again = calloc(4, len + 10);
    fuzz_check(again != NULL);
    size_t count = 0;
    bool empty = false;
    for (; words[count] != NULL; count++) {
        fuzz_check(strlen(words[count]) <= len);
        empty = empty || words[count][0] == '\0';
        put_word(again, words[count]);
    }
    char **second = script_words(again);
    fuzz_check(second != NULL);
    for (size_t i = 0; !empty && i <= count; i++) {
        fuzz_check(i == count ? second[i] == NULL : strcmp(words[i], second[i]) == 0);
    }
    free(again);
    script_words_free(words);
    script_words_free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    uint8_t letter = fuzz_u8(&in);
    struct fuzz_input texts = in;
    size_t len;
    char *text = fuzz_rest(&in, &len);
    switch (letter) {
    case 'H': read_hashes(text); break;
    case 'k': read_key(text); break;
    case 'U': read_words_failing(text); break;
    case 'u': read_words(text, strlen(text)); break;
    case 'n': surroundings_notify_socket(text); break;
    case 'p': surroundings_paths(&texts); break;
    case 'l': surroundings_lock(&texts); break;
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
