#include "passphrase.h"

#include "reply.h"
#include "rsa_pem.h"

#include <bsd/readpassphrase.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char too_long[] = "a passphrase has at most 1024 bytes";

/* Another one may do. */
static bool needs_another(const char *why)
{
    return why == too_long || rsa_pem_needs_another(why);
}

/* ---- by hand ---- */

const char *passphrase_read(const char *prompt, char out[PASSPHRASE_MAX + 1])
{
    char text[PASSPHRASE_MAX + 2]; /* what is longer was cut */
    const char *why = NULL;

    if (readpassphrase(prompt, text, sizeof text, RPP_REQUIRE_TTY) == NULL) {
        why = "the key is encrypted, and there is no terminal to ask for its passphrase";
    } else if (strlen(text) > PASSPHRASE_MAX) {
        why = too_long;
    } else {
        memcpy(out, text, strlen(text) + 1);
    }
    explicit_bzero(text, sizeof text);
    return why;
}

void passphrase_ask(struct store *s, const char *path)
{
    char prompt[1200];
    char text[PASSPHRASE_MAX + 1];
    const char *why = NULL;

    (void)snprintf(prompt, sizeof prompt, "passphrase of the RSA key file %s: ", path);
    for (unsigned i = 0; i < PASSPHRASE_TRIES; i++) {
        why = passphrase_read(prompt, text);
        if (why == NULL) {
            why = text[0] == '\0' ? "no passphrase was given" : store_open(s, path, text);
        }
        if (why == NULL || !needs_another(why)) {
            break;
        }
        (void)fprintf(stderr, "secrets: %s: %s\n", path, why);
    }
    explicit_bzero(text, sizeof text);
    if (why != NULL) {
        (void)fprintf(stderr, "secrets: the RSA key file %s is not used: %s\n", path, why);
    }
}

void passphrase_ask_all(struct store *s)
{
    const struct key_file *k = NULL;
    while ((k = store_next_locked(s, k)) != NULL) {
        passphrase_ask(s, k->path);
    }
}

/* ---- plutod's ---- */

void passphrase_list(const struct store *s, struct buffer *out)
{
    const struct key_file *k = NULL;
    while ((k = store_next_locked(s, k)) != NULL) {
        struct record_writer w;
        record_start(&w, out, V_LOCKED);
        record_put_text(&w, K_FILE, k->path);
        (void)record_finish(&w);
    }
}

/* NULL, or why it is none. */
static const char *receive(int fd, char text[PASSPHRASE_MAX + 2])
{
    struct iovec room = { .iov_base = text, .iov_len = PASSPHRASE_MAX + 1 };
    struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1 }; /* no room for descriptors: the kernel drops them */
    ssize_t len = recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT);

    if (len < 0) {
        return errno == EAGAIN ? "no passphrase came" : errno == ENOTSOCK ? "the passphrase came in no socket"
                                                                          : "the passphrase cannot be read";
    }
    if (len == 0) {
        return "the passphrase that came is empty";
    }
    if (len > PASSPHRASE_MAX) {
        return too_long;
    }
    text[len] = '\0';
    return strlen(text) == (size_t)len ? NULL : "a passphrase has no NUL bytes";
}

/* What a person should know of a key that opens. NULL: nothing. */
static const char *oddity(const struct store *s, const char *path)
{
    for (size_t i = 0; i < store_count(s); i++) {
        const struct secret *here = store_at(s, i);
        if (here->rsa != NULL && here->prompt != NULL && strcmp(here->prompt->path, path) == 0
            && rsa_key_public(here->rsa)->bits < RSA_BITS_STRONG) {
            return "its key has less than 1024 bits: others may find it out; it is used all the same, make one of at "
                   "least 2048";
        }
    }
    return NULL;
}

void passphrase_take(struct store *s, const struct record *r, int fd, struct buffer *out)
{
    char text[PASSPHRASE_MAX + 2];
    struct record_writer w;
    const char *path = record_text(r, K_FILE);
    const char *why = receive(fd, text);

    why = why != NULL ? why : store_open(s, path, text);
    explicit_bzero(text, sizeof text);
    if (why != NULL) {
        close(fd);
        record_answer(&w, out, V_FAIL, V_PASSPHRASE, record_number(r, K_ID));
        record_put_text(&w, K_WHY, why);
        if (needs_another(why)) {
            record_put_number(&w, K_CODE, REPLY_SECRET_WANTED);
        }
        (void)record_finish(&w);
        return;
    }
    store_keep_socket(s, path, fd);
    const char *odd = oddity(s, path);
    record_answer(&w, out, V_OK, V_PASSPHRASE, record_number(r, K_ID));
    if (odd != NULL) {
        record_put_text(&w, K_TEXT, odd);
    }
    (void)record_finish(&w);
}

void passphrase_hand_on(const struct store *s, const struct record *r, struct channel *plutod)
{
    struct record_writer w;
    int fd = store_socket(s, record_text(r, K_FILE));
    if (fd < 0) {
        record_fail(channel_out(plutod), V_HAND_ON, record_number(r, K_ID), "no socket that has opened this key file is kept here");
        return;
    }
    record_answer(&w, channel_out(plutod), V_OK, V_HAND_ON, record_number(r, K_ID));
    if (record_finish(&w)) {
        channel_lend(plutod, fd);
    }
}
