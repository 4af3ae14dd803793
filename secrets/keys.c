#include "keys.h"

#include "file_inside.h"
#include "names.h"
#include "passphrase.h"
#include "quote.h"
#include "rsa_inside.h"
#include "rsa_pem.h"
#include "stack.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int wrong(const char *what, const char *why)
{
    (void)fprintf(stderr, "secrets: %s: %s\n", what, why);
    return EXIT_WRONG;
}

/* ---- where it goes ---- */

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

/* A new file, that nobody else can read; after a failure it is gone again. */
static int write_file(const char *path, const struct buffer *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return wrong(path, errno == EEXIST ? "is there already, and is not written over"
                                           : strerror(errno));
    }
    bool written = write_all(fd, text->data, text->len) && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && written) {
        written = false;
        why = errno;
    }
    if (!written) {
        (void)unlink(path);
        (void)fprintf(stderr, "secrets: %s: cannot be written: %s\n", path, strerror(why));
        return EXIT_SYSTEM;
    }
    return 0;
}

/* May what is private go to standard output? */
static bool may_print(const struct options *o)
{
    return o->out != NULL || o->private || isatty(STDOUT_FILENO) == 0;
}

static int wrong_owner(const struct identity *id, const char *why)
{
    char text[IDENTITY_TEXT];
    identity_print(id, text);
    (void)fprintf(stderr, "secrets: %s: no record of DNS can stand at this name: %s; use another form (--as), or "
                  "another identity (--id)\n", text, why);
    return EXIT_WRONG;
}

static int put(const struct options *o, const struct rsa_key *key, const struct identity *id, bool private)
{
    struct buffer text;
    int status = 0;

    const char *why = rsa_text_owner(o->form, id);
    if (why != NULL) {
        return wrong_owner(id, why);
    }
    buffer_init(&text, 0);
    why = rsa_text(&text, key, o->form, id, private);
    if (why != NULL) {
        status = wrong("this key", why);
    } else if (o->out != NULL) {
        status = write_file(o->out, &text);
    } else if (fflush(stdout) != 0 || !write_all(STDOUT_FILENO, text.data, text.len)) {
        (void)fprintf(stderr, "secrets: cannot write to stdout: %s\n", strerror(errno));
        status = EXIT_SYSTEM;
    }
    buffer_wipe(&text);
    stack_wipe(); /* lines of it, which making the text leaves there */
    return status;
}

/* ---- --generate ---- */

struct progress {
    unsigned prime;
    unsigned candidates;
};

/* OpenSSL tells how far it is: 0, a candidate for a prime; 3, it is one. */
static int show_progress(EVP_PKEY_CTX *context)
{
    struct progress *p = EVP_PKEY_CTX_get_app_data(context);
    int at = EVP_PKEY_CTX_get_keygen_info(context, 0);
    p->candidates += at == 0 ? 1 : 0;
    if (at == 3 || (at == 0 && p->candidates % 16 == 0)) {
        (void)fprintf(stderr, "\rprime %u of 2: %u candidates tried", p->prime, p->candidates);
        (void)fflush(stderr);
    }
    p->prime += at == 3 ? 1 : 0;
    return 1;
}

static EVP_PKEY *draw(unsigned bits)
{
    EVP_PKEY *pkey = NULL;
    struct progress progress = { 1, 0 };
    const bool shown = isatty(STDERR_FILENO) != 0;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    if (context == NULL || EVP_PKEY_keygen_init(context) != 1
        || EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits) != 1) {
        EVP_PKEY_CTX_free(context);
        return NULL;
    }
    if (shown) {
        EVP_PKEY_CTX_set_app_data(context, &progress);
        EVP_PKEY_CTX_set_cb(context, show_progress);
    }
    if (EVP_PKEY_generate(context, &pkey) != 1) {
        pkey = NULL;
    }
    if (shown) {
        (void)fputc('\n', stderr);
    }
    EVP_PKEY_CTX_free(context);
    return pkey;
}

/* What to do with the new file, each line as it is to be pasted. */
static void say_use(const struct identity *id, const char *path)
{
    struct buffer text;
    char id_text[IDENTITY_TEXT];
    buffer_init(&text, 0);
    buffer_add_text(&text, "    in ipsec.secrets:  ");
    if (id != NULL) {
        quote_id_for_entry(&text, id);
        buffer_add_text(&text, " ");
    }
    buffer_add_text(&text, ": RSA ");
    if (!quote_file_for_entry(&text, path)) {
        buffer_wipe(&text);
        buffer_add_text(&text, "    no entry of ipsec.secrets can name this file (newlines, quotes, or more than 1023 bytes): "
                        "rename it");
    }
    buffer_add_text(&text, "\n    for the peer:      secrets --show ");
    quote_for_shell(&text, path);
    if (id != NULL) {
        identity_print(id, id_text);
        buffer_add_text(&text, " --id ");
        quote_for_shell(&text, id_text);
    }
    buffer_add_text(&text, "\n");
    buffer_add_u8(&text, 0);
    if (!text.overflowed) {
        (void)fputs((const char *)text.data, stderr);
    }
    buffer_wipe(&text);
}

static void say_made(const struct options *o, const struct rsa_key *key, const struct identity *id)
{
    char fingerprint[RSA_FINGERPRINT];
    rsa_public_fingerprint(rsa_key_public(key), fingerprint);
    (void)fprintf(stderr, "secrets: made an RSA key of %u bits, fingerprint %.*s\n",
                  rsa_key_public(key)->bits, RSA_FINGERPRINT_SHORT, fingerprint);
    char *path = o->out != NULL && o->form == RSA_FORM_PEM ? realpath(o->out, NULL) : NULL;
    if (path != NULL) {
        say_use(id, path);
    }
    free(path);
}

/* --id, if it is given. */
static const char *read_id(const struct options *o, struct identity *id)
{
    const char *why = o->id == NULL ? NULL : identity_parse(id, o->id);
    return why != NULL ? why : o->id != NULL && id->type == ID_ANY ? "%any is nobody's identity" : NULL;
}

int keys_generate(const struct options *o)
{
    struct rsa_key *key = NULL;
    struct identity id;
    const char *why = read_id(o, &id);

    if (why != NULL) {
        (void)wrong("--id", why);
        return EXIT_MISUSE;
    }
    if (!may_print(o)) {
        return wrong("--generate", "this would show the private key on the terminal: give --out FILE, or "
                     "--private if that is meant");
    }
    if (o->out != NULL && access(o->out, F_OK) == 0) { /* said before the work; O_EXCL decides */
        return wrong(o->out, "is there already, and is not written over");
    }
    EVP_PKEY *pkey = draw(o->bits);
    why = pkey == NULL ? "OpenSSL makes none" : rsa_key_from_pkey(&key, pkey);
    EVP_PKEY_free(pkey);
    if (why != NULL) {
        (void)wrong("an RSA key", why);
        return EXIT_SYSTEM;
    }
    int status = put(o, key, o->id == NULL ? NULL : &id, true);
    if (status == 0) {
        say_made(o, key, o->id == NULL ? NULL : &id);
    }
    rsa_key_free(key);
    return status;
}

/* ---- --show ---- */

/* What looks like one, or what can be nothing else. A distinguished name may look like one: Example A/S. */
static bool is_file(const char *what)
{
    struct identity id;
    struct stat st;
    const bool no_id = identity_parse(&id, what) != NULL;
    const bool is_there = stat(what, &st) == 0 && S_ISREG(st.st_mode);
    if (!no_id && id.type == ID_DER_ASN1_DN) {
        return is_there;
    }
    return strchr(what, '/') != NULL || strstr(what, ".pem") != NULL || (no_id && is_there);
}

/* Asks on the terminal: a passphrase has no place in a command line. */
static const char *read_pem(struct rsa_key **key, const char *text, size_t len)
{
    char passphrase[PASSPHRASE_MAX + 1];
    const char *why = rsa_pem_read(key, text, len, NULL, NULL);
    if (why == NULL || !rsa_pem_needs_passphrase(why)) {
        return why;
    }
    why = passphrase_read("passphrase of the key: ", passphrase);
    why = why != NULL ? why : rsa_pem_read(key, text, len, passphrase, NULL);
    explicit_bzero(passphrase, sizeof passphrase);
    return why;
}

static int show_of_file(const struct options *o, const struct identity *id)
{
    const struct log log = { .tool = "secrets" };
    struct file_counts counts = { 0 };
    struct reader r = { .log = &log, .counts = &counts, .insecure = o->insecure };
    struct rsa_key *key = NULL;
    struct key_text t;
    const char *why = NULL;
    int status = EXIT_WRONG; /* of what was said */

    if (key_text_read(&r, o->what, &t, &why)) {
        why = read_pem(&key, t.text, t.len);
    }
    file_text_free(t.text, t.size);
    if (why != NULL) {
        status = wrong(o->what, why);
    } else if (key != NULL) {
        status = put(o, key, id, o->private);
    }
    rsa_key_free(key);
    return status;
}

/* Only what may be this identity's: other passphrases are nobody's business here. */
static void open_locked(struct store *store, const struct identity *ours)
{
    for (size_t i = 0; i < store_count(store); i++) {
        const struct secret *s = store_at(store, i);
        if (secret_is_locked(s) && store_fit(s, ours, &identity_any) != FIT_NONE) {
            passphrase_ask(store, s->prompt->path);
        }
    }
}

static int show_of_store(const struct options *o, const struct identity *id)
{
    const struct log log = { .tool = "secrets" };
    const struct secret *other = NULL;
    struct file_counts counts;
    struct identity ours;

    const char *why = identity_parse(&ours, o->what);
    if (why != NULL) {
        (void)fprintf(stderr, "secrets: %s: no identity (%s), and no file: expected @NAME, an address, or the name of "
                      "a key file\n", o->what, why);
        return EXIT_MISUSE;
    }
    struct store *store = store_new();
    if (store == NULL) {
        return wrong("out of memory", "nothing was read");
    }
    file_read(store, o->file, o->insecure, &log, &counts);
    names_by_hand(store, &counts, &log);
    open_locked(store, &ours);
    const struct secret *s = store_find_rsa(store, &ours, &other);
    const struct secret *locked = store_locked_for(store, &ours);
    int status = locked != NULL ? wrong(locked->prompt->path, "is the key file for this identity, and its passphrase did "
                                        "not come (%prompt)")
                 : s == NULL ? wrong(o->what, "there is no RSA key for this identity in the secrets that were "
                                     "read (--file)")
                             : put(o, s->rsa, id != NULL ? id : &ours, o->private);
    if (other != NULL) {
        (void)fprintf(stderr, "secrets: %s:%u has another key for it, which is not used\n", other->file,
                      other->line);
    }
    store_free(store);
    return status;
}

int keys_show(const struct options *o)
{
    struct identity id;
    const char *why = read_id(o, &id);
    if (why != NULL) {
        (void)wrong("--id", why);
        return EXIT_MISUSE;
    }
    return is_file(o->what) ? show_of_file(o, o->id == NULL ? NULL : &id)
                            : show_of_store(o, o->id == NULL ? NULL : &id);
}
