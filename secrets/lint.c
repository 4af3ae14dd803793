#include "lint.h"

#include "file.h"
#include "lint_folder.h"
#include "log.h"
#include "names.h"
#include "shadow.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOUBTS_SHOWN 100u
#define PSK_SHORT 16u       /* bytes; fewer can be guessed, whatever they are */
#define RSA_BITS_ADVISED 2048u
#define OTHERS_SHOWN 20u

static int no_memory(void)
{
    (void)fputs("secrets: out of memory: nothing was read\n", stderr);
    return EXIT_SYSTEM;
}

/* ---- --lint ---- */

struct lint {
    struct log log;
    const struct store *store;
    size_t doubts;
    size_t disagreements;
};

static void doubt(struct lint *l, const struct secret *s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void doubt(struct lint *l, const struct secret *s, const char *format, ...)
{
    char text[1000];
    va_list args;
    if (l->doubts++ >= DOUBTS_SHOWN) {
        if (l->doubts == DOUBTS_SHOWN + 1) {
            log_info(&l->log, "%s: more doubts, which are not shown", s->file);
        }
        return;
    }
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_info(&l->log, "%s:%u: doubtful: %s", s->file, s->line, text);
}

static bool has_kind(const struct secret *s, enum index_kind kind)
{
    size_t i = 0;
    while (i < s->index_count && s->index[i].kind != kind) {
        i++;
    }
    return i < s->index_count;
}

static void disagreement(struct lint *l, const struct secret *used, const struct secret *unused)
{
    bool alike = has_kind(used, INDEX_ANY) == has_kind(unused, INDEX_ANY)
                 && has_kind(used, INDEX_ANY6) == has_kind(unused, INDEX_ANY6);
    if (l->disagreements++ < FILE_ERRORS_SHOWN) {
        log_serious(&l->log, "%s:%u: has another %s than %s:%u for the same identities%s, which is the one that is "
                    "used; remove one of them", unused->file, unused->line,
                    used->rsa != NULL ? "RSA key" : "secret", used->file, used->line,
                    alike ? "" : " (a name, and whoever is not known yet, fit %any and %any6 alike)");
    }
}

static bool is_address(const uint8_t *name, size_t len)
{
    char text[ID_VALUE_MAX + 1];
    struct address address;

    memcpy(text, name, len);
    text[len] = '\0';
    return address_parse(&address, text) == NULL;
}

/* NULL, or what is odd about a name: labels of letters and digits with dots between. */
static const char *odd_name(const uint8_t *name, size_t len)
{
    bool label = false;

    if (len > 253) {
        return "a name of more than 253 characters: no host has one";
    }
    for (size_t i = 0; i < len; i++) {
        bool letter = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z')
                      || (name[i] >= '0' && name[i] <= '9') || name[i] == '-' || name[i] == '_';
        if (!letter && name[i] != '.') {
            return "a name with something in it that no host's name has";
        }
        if (!letter && !label) {
            return "a name with a dot at its start, or two in a row, which no host's name has";
        }
        label = letter;
    }
    return label ? NULL : "a name that ends with a dot: peers leave it out, and it makes a difference";
}

/* The first @ ends the user's name. */
static const char *odd_user(const uint8_t *id, size_t len)
{
    const uint8_t *at = memchr(id, '@', len);
    const uint8_t *domain = at == NULL ? id : at + 1;
    const size_t left = len - (size_t)(domain - id);

    if (at == NULL || at == id) {
        return "a user without a name: nothing stands before the @";
    }
    if (left == 0) {
        return "a user without a domain: nothing stands after the @";
    }
    if (memchr(domain, '@', left) != NULL) {
        return "a user with two @, of which only the first can stand between name and domain";
    }
    return is_address(domain, left) ? "a user at an address: peers have a domain there" : odd_name(domain, left);
}

/* All of it, with something in it. */
static bool is_name_in_der(const struct identity *id)
{
    const unsigned char *at = id->bytes;
    X509_NAME *name = d2i_X509_NAME(NULL, &at, id->len);
    const bool is = name != NULL && at == id->bytes + id->len && X509_NAME_entry_count(name) > 0;
    X509_NAME_free(name);
    ERR_clear_error();
    return is;
}

/* NULL, or what no usual identity is like. */
static const char *odd_id(const struct identity *id)
{
    switch (id->type) {
    case ID_FQDN:
        return is_address(id->bytes, id->len) ? "a name that is an address: it means the address only without @"
                                              : odd_name(id->bytes, id->len);
    case ID_USER_FQDN:
        return odd_user(id->bytes, id->len);
    case ID_IPV4_ADDR:
        return id->bytes[0] == 0 || id->bytes[0] == 127 || id->bytes[0] >= 224
                   ? "an address that no host has in a network" : NULL;
    case ID_IPV6_ADDR:
        return id->bytes[0] == 0xff || (id->bytes[0] == 0xfe && (id->bytes[1] & 0xc0) == 0x80)
               || id->bytes[0] == 0
                   ? "an address that no host has in a network, or only on one link" : NULL;
    case ID_DER_ASN1_DN:
        return is_name_in_der(id) ? NULL : "no name in DER (RFC 4514's CN=..., encoded), as certificates have it";
    case ID_KEY_ID:
    default:
        return NULL;
    }
}

static void lint_ids(struct lint *l, const struct secret *s)
{
    for (size_t i = 0; i < s->index_count; i++) {
        const struct index *index = &s->index[i];
        char text[IDENTITY_TEXT] = "%any";
        if (index->kind == INDEX_HOST) {
            (void)snprintf(text, sizeof text, "%s", index->host->name);
            doubt(l, s, "%s is looked up whenever this is read: whoever answers for that name in DNS says which address "
                  "this is for; write an address, or @%s if that is the identity", text, text);
        }
        if (index->kind == INDEX_ID) {
            const char *why = odd_id(&index->id);
            identity_print(&index->id, text);
            if (why != NULL) {
                doubt(l, s, "%s is %s", text, why);
            }
        }
        for (size_t j = 0; j < i; j++) {
            if (index_equal(index, &s->index[j])) {
                doubt(l, s, "%s stands there twice", text);
                break;
            }
        }
    }
}

static void lint_secret(struct lint *l, const struct secret *s)
{
    if (!secret_is_rsa(s) && s->len < PSK_SHORT) {
        doubt(l, s, "a secret of %zu bytes can be guessed by whoever once negotiates with us; a good one: "
              "echo 0x$(openssl rand -hex 32)", s->len);
    } else if (s->rsa != NULL && rsa_key_public(s->rsa)->bits < RSA_BITS_ADVISED) {
        doubt(l, s, "an RSA key of %u bits is small; make one of 3072: secrets --generate rsa 3072",
              rsa_key_public(s->rsa)->bits);
    }
}

/* They can be told apart: where a passphrase is missing, nobody knows. */
static bool differ(const struct secret *a, const struct secret *b)
{
    return !secret_equal(a, b) && !secret_is_locked(a) && !secret_is_locked(b);
}

static void lint_pair(void *context, size_t before, size_t after)
{
    struct lint *l = context;
    const struct secret *a = store_at(l->store, before);
    const struct secret *b = store_at(l->store, after);
    if (differ(a, b) && store_equally_good(a, b)) {
        disagreement(l, a, b);
    }
}

/* One that is never used. */
static void lint_shadow(void *context, const struct shadow *shadow)
{
    struct lint *l = context;
    const struct secret *s = store_at(l->store, shadow->entry);
    const struct secret *by = shadow->count == 0 ? NULL : store_at(l->store, shadow->by[0]);
    char others[300] = "";

    if (by == NULL) {
        doubt(l, s, "it is never used: %s", has_kind(s, INDEX_ID) ? "it names nobody but us, and that twice"
              : "it names nobody that could be us");
        return;
    }
    if (shadow->count == 1) {
        if (differ(by, s) && store_equally_good(by, s)) {
            return; /* that was said, and is worse */
        }
        doubt(l, s, by->index_count == s->index_count && secret_equal(by, s) ? "it says the same as %s:%u"
              : "it is never used: %s:%u is a better match wherever this one fits, or an equal one before it",
              by->file, by->line);
        return;
    }
    for (size_t i = 1; i < shadow->count && i < SHADOWS_NAMED; i++) {
        const struct secret *other = store_at(l->store, shadow->by[i]);
        size_t len = strlen(others);
        (void)snprintf(others + len, sizeof others - len, ", %s:%u", other->file, other->line);
    }
    doubt(l, s, "it is never used: one of %s:%u%s%s is a better match wherever this one fits, or an equal one before it",
          by->file, by->line, others, shadow->count > SHADOWS_NAMED ? " and more" : "");
}

static void look_at_folders(void *context, const char *path)
{
    lint_folders_above(context, path);
}

int lint(const struct options *o)
{
    struct lint l = { .log = { .tool = "secrets" } };
    struct file_counts counts;
    struct store *store = store_new();
    if (store == NULL) {
        return no_memory();
    }
    struct lint_folders folders = { .log = &l.log };
    file_read_watched(store, o->file, o->insecure, &l.log, &counts, o->insecure ? NULL : look_at_folders, &folders);
    l.doubts = folders.doubts;
    lint_folders_free(&folders);
    l.store = store;
    if (!store_pairs(store, lint_pair, &l) || !shadow_find(store, lint_shadow, &l)) {
        log_serious(&l.log, "%s: too many entries have the same identities: not all were compared", o->file);
        counts.errors++;
    }
    for (size_t i = 0; i < store_count(store); i++) {
        lint_secret(&l, store_at(store, i));
        lint_ids(&l, store_at(store, i));
    }
    counts.errors += l.disagreements;
    store_free(store);
    (void)printf("%zu PSK, %zu RSA", counts.psk, counts.rsa);
    if (counts.locked > 0) { /* nobody is asked: a look into the file needs no key */
        (void)printf(", %zu RSA whose passphrase is asked for (%%prompt)", counts.locked);
    }
    (void)printf(", %zu errors, %zu doubts, in %zu files\n", counts.errors, l.doubts, counts.files);
    return counts.errors == 0 ? 0 : EXIT_WRONG;
}

/* ---- --match ---- */

static const char *fit_words(const struct secret *s, enum fit fit)
{
    switch (fit) {
    case FIT_BOTH:
        return "names both";
    case FIT_ANY_PEER:
        return "names us, and stands for any other peer";
    case FIT_OURS:
        return secret_is_rsa(s) ? "names us" : "names us and nobody else";
    case FIT_ANY_OF_OURS:
        return "stands for any identity of ours";
    case FIT_EVERYBODY:
        return "names nobody, so it is for everybody";
    case FIT_NONE:
        break;
    }
    return "does not fit";
}

/* The others that would fit, too. */
static void print_others(const struct store *store, const struct secret *used, const struct identity *ours,
                         const struct identity *peer)
{
    const enum fit best = store_fit(used, ours, peer);
    size_t shown = 0;
    for (size_t i = 0; i < store_count(store); i++) {
        const struct secret *s = store_at(store, i);
        const enum fit fit = store_fit(s, ours, peer);
        if (s == used || secret_is_rsa(s) != secret_is_rsa(used) || secret_is_locked(s) || fit == FIT_NONE
            || secret_missing_host(s) != NULL) {
            continue;
        }
        if (shown++ == OTHERS_SHOWN) {
            (void)printf("    and others\n");
            return;
        }
        (void)printf("    %s:%u is not used: %s%s\n", s->file, s->line, fit_words(s, fit),
                     fit < best ? "" : secret_is_locked(used) ? "; it comes later" : secret_equal(s, used) ? "; it comes later, and has the same secret"
                     : "; it comes later, AND HAS ANOTHER SECRET");
    }
}

static bool print_match(const struct store *store, const struct secret *used, const struct identity *ours,
                        const struct identity *peer)
{
    const enum fit fit = store_fit(used, ours, peer);
    (void)printf("%s:%u is used: it %s", used->file, used->line, fit_words(used, fit));
    if (used->rsa != NULL) {
        char fingerprint[RSA_FINGERPRINT];
        rsa_public_fingerprint(rsa_key_public(used->rsa), fingerprint);
        (void)printf(" (%u bits, fingerprint %.*s)", rsa_key_public(used->rsa)->bits, RSA_FINGERPRINT_SHORT,
                     fingerprint);
    }
    (void)printf("\n");
    print_others(store, used, ours, peer);
    return true;
}

/* Which of them plutod will have when it has asked, nobody else knows. best: it was said; may be NULL. */
static bool print_locked(const struct store *store, const struct secret *best, const struct identity *ours,
                         const struct identity *peer)
{
    size_t shown = 0;
    for (size_t i = 0; i < store_count(store); i++) {
        const struct secret *s = store_at(store, i);
        const enum fit fit = store_fit(s, ours, peer);
        if (!secret_is_locked(s) || s == best || fit == FIT_NONE || secret_missing_host(s) != NULL) {
            continue;
        }
        if (shown++ == OTHERS_SHOWN) {
            (void)printf("    and others\n");
            break;
        }
        (void)printf("    %s:%u is there once the passphrase of %s is given (%%prompt): it %s\n", s->file, s->line,
                     s->prompt->path, fit_words(s, fit));
    }
    return shown > 0;
}

static bool match_in(const struct store *store, const struct identity *ours, const struct identity *peer)
{
    const struct secret *other = NULL;
    const struct secret *psk = store_find(store, ours, peer, &other);
    const struct secret *rsa = store_find_rsa(store, ours, &other);
    char text[2][IDENTITY_TEXT];

    identity_print(ours, text[0]);
    identity_print(peer, text[1]);
    (void)printf("PSK: ");
    if (psk == NULL || !print_match(store, psk, ours, peer)) {
        (void)printf("there is none for %s and %s; a line for it: %s %s : PSK \"...\"\n", text[0], text[1],
                     text[0], text[1]);
    }
    (void)printf("RSA: ");
    const struct secret *locked = store_locked_for(store, ours);
    if (locked != NULL) {
        (void)printf("%s:%u is the one, but not before the passphrase of %s is given (%%prompt): it %s\n", locked->file,
                     locked->line, locked->prompt->path, fit_words(locked, store_fit(locked, ours, peer)));
        print_others(store, locked, ours, peer);
    } else if (rsa == NULL || !print_match(store, rsa, ours, peer)) {
        (void)printf("there is no key to sign with as %s; a line for it: %s : RSA FILE\n", text[0], text[0]);
    }
    return print_locked(store, locked, ours, peer) || locked != NULL || psk != NULL || rsa != NULL;
}

static bool read_id(struct identity *id, const char *text)
{
    const char *why = identity_parse(id, text);
    if (why != NULL) {
        (void)fprintf(stderr, "secrets: --match: %s: %s\n", text, why);
    }
    return why == NULL;
}

int match(const struct options *o)
{
    struct log log = { .tool = "secrets" };
    struct file_counts counts;
    struct identity ours;
    struct identity peer;

    if (!read_id(&ours, o->what) || !read_id(&peer, o->peer)) {
        return EXIT_MISUSE;
    }
    struct store *store = store_new();
    if (store == NULL) {
        return no_memory();
    }
    file_read(store, o->file, o->insecure, &log, &counts);
    names_by_hand(store, &counts, &log);
    bool found = match_in(store, &ours, &peer);
    store_free(store);
    return found ? 0 : EXIT_WRONG;
}
