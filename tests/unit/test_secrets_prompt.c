/* [K1] %prompt: key files that wait for their passphrase, and what comes in its place. */
#include "rsa_keys.h"
#include "secrets_folder.h"

#include "secrets/passphrase.h"
#include "secrets/rsa_inside.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/pem.h>

struct fixture {
    struct secrets_folder s;
    char path[100]; /* of the key file k */
    struct buffer answer;
    int handed;     /* the socket that came with the last answer to hand-on; -1: none */
};

static void put_key(const char *name, const char *pem, const char *passphrase)
{
    struct rsa_key *key = rsa_test_key(pem);
    BIO *bio = BIO_new_file(name, "w");
    assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, rsa_key_pkey(key),
                                                   passphrase == NULL ? NULL : EVP_aes_256_cbc(), passphrase,
                                                   passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL), 1);
    BIO_free(bio);
    assert_int_equal(chmod(name, 0600), 0);
    rsa_key_free(key);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    secrets_folder_begin(&f->s);
    snprintf(f->path, sizeof f->path, "%s/k", f->s.path);
    put_key("k", rsa_pem_1024, "open sesame");
    buffer_init(&f->answer, 0);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    secrets_folder_end(&f->s);
    buffer_wipe(&f->answer);
    free(f);
    return 0;
}

/* ~ in the text is the folder. */
static void read_text(struct fixture *f, const char *text)
{
    FILE *file = fopen("s", "w");
    assert_non_null(file);
    for (; *text != '\0'; text++) {
        fprintf(file, *text == '~' ? "%s" : "%.1s", *text == '~' ? f->s.path : text);
    }
    fclose(file);
    assert_int_equal(chmod("s", 0600), 0);
    secrets_read(&f->s);
}

static unsigned line_of(struct fixture *f, const char *ours)
{
    struct identity id;
    const struct secret *other;
    assert_null(identity_parse(&id, ours));
    const struct secret *s = store_find_rsa(f->s.store, &id, &other);
    return s == NULL ? 0 : s->line;
}

/* What secrets answers when plutod passes fd on. */
static void expect_answer(struct fixture *f, int fd, const char *expected)
{
    struct record r;
    char line[300];
    assert_true(fd >= 0);
    int len = snprintf(line, sizeof line, "passphrase id=7 file=%s", f->path);
    assert_null(record_parse(&r, line, (size_t)len, P_S, NULL));
    buffer_truncate(&f->answer, 0);
    passphrase_take(f->s.store, &r, fd, &f->answer);
    assert_int_equal(fcntl(fd, F_GETFD) == -1, strncmp(expected, "ok", 2) != 0); /* it is kept if it is right */
    buffer_add_u8(&f->answer, 0);
    if (strstr((const char *)f->answer.data, expected) == NULL) {
        fail_msg("expected \"%s\" in: %s", expected, (const char *)f->answer.data);
    }
}

/* A socket with these bytes in it. */
static int socket_with(int type, const char *bytes, size_t len)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair), 0);
    assert_true(len == 0 || send(pair[0], bytes, len, MSG_DONTWAIT) == (ssize_t)len);
    close(pair[0]);
    return pair[1];
}

static int message(const char *text)
{
    return socket_with(SOCK_SEQPACKET, text, strlen(text));
}

static void k1_a_key_is_opened_when_its_passphrase_comes(void **state)
{
    struct fixture *f = *state;
    char listed[200];
    read_text(f, "@a : RSA ~/k %prompt\n@b @c : RSA ~/k %PROMPT\n: PSK \"x\"\n");
    assert_int_equal(f->s.counts.errors, 0);
    assert_int_equal(f->s.counts.locked, 2);
    assert_int_equal(f->s.counts.rsa, 0);
    assert_int_equal(store_count(f->s.store), 3);
    assert_int_equal(line_of(f, "@a"), 0);
    passphrase_list(f->s.store, &f->answer); /* the file is asked for once */
    snprintf(listed, sizeof listed, "locked file=%s\n", f->path);
    assert_int_equal(f->answer.len, strlen(listed));
    assert_memory_equal(f->answer.data, listed, strlen(listed));
    expect_answer(f, message("open sesame"), "ok id=7 re=passphrase\n");
    assert_int_equal(line_of(f, "@a"), 1);
    assert_int_equal(line_of(f, "@b"), 2);
    assert_int_equal(line_of(f, "@c"), 2);
    assert_null(store_next_locked(f->s.store, NULL));
    expect_answer(f, message("open sesame"), "fail id=7 re=passphrase why=no%20key%20file");
}

/* Several processes have the same socket, and the passphrase is typed once. */
static void k1_a_passphrase_is_left_where_it_lies(void **state)
{
    struct fixture *f = *state;
    int fd = message("open sesame");
    for (unsigned i = 0; i < 3; i++) {
        read_text(f, "@a : RSA ~/k %prompt\n");
        expect_answer(f, dup(fd), "ok id=7 re=passphrase\n");
        assert_int_equal(line_of(f, "@a"), 1);
    }
    close(fd);
}

struct handed {
    struct fixture *f;
    enum verb verb;
};

static bool keep_answer(void *context, struct channel *c, const struct record *r, int fd)
{
    struct handed *h = context;
    (void)c;
    h->verb = r->verb;
    h->f->handed = fd;
    return true;
}

/* The verb of the answer to `hand-on`, as plutod gets it. */
static enum verb hand_on(struct fixture *f, struct channel *secrets, struct channel *plutod, const char *path)
{
    struct record r;
    char line[300];
    int len = snprintf(line, sizeof line, "hand-on id=9 file=%s", path);
    assert_null(record_parse(&r, line, (size_t)len, P_S, NULL));
    passphrase_hand_on(f->s.store, &r, secrets);
    assert_int_equal(channel_flush(secrets), CHANNEL_OPEN);
    struct handed h = { .f = f, .verb = V_NONE };
    f->handed = -1;
    assert_int_equal(channel_read(plutod, keep_answer, &h), CHANNEL_OPEN);
    return h.verb;
}

/* What has opened a key is kept, and handed on as often as it is wanted, with the passphrase in it. */
static void k1_a_socket_is_kept_and_handed_on(void **state)
{
    struct fixture *f = *state;
    int pair[2];
    char word[20] = "";
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct channel *secrets = channel_new(pair[0], pair[0], P_S);
    struct channel *plutod = channel_new(pair[1], pair[1], S_P);
    channel_hello(secrets, TOOL_SECRETS, 1, 1);
    read_text(f, "@a : RSA ~/k %prompt\n");
    assert_int_equal(hand_on(f, secrets, plutod, f->path), V_FAIL); /* nothing has come */
    expect_answer(f, message("close sesame"), "fail id=7");
    assert_int_equal(hand_on(f, secrets, plutod, f->path), V_FAIL); /* what is wrong is not kept */
    expect_answer(f, message("open sesame"), "ok id=7 re=passphrase\n");
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(hand_on(f, secrets, plutod, f->path), V_OK);
        assert_true(f->handed >= 0);
        assert_int_equal(recv(f->handed, word, sizeof word, MSG_PEEK), strlen("open sesame"));
        assert_memory_equal(word, "open sesame", strlen("open sesame"));
        close(f->handed);
    }
    assert_int_equal(hand_on(f, secrets, plutod, "/another"), V_FAIL);
    channel_free(secrets);
    channel_free(plutod);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

/* So many and no more: others have to have room for descriptors, too. */
static void keeps_at_most(struct fixture *f, unsigned most)
{
    char path[40];
    const unsigned before = open_descriptors();
    store_free(f->s.store);
    f->s.store = store_new();
    for (unsigned i = 0; i < most + 20; i++) {
        (void)snprintf(path, sizeof path, "/key-%u", i);
        assert_null(store_add_locked(f->s.store, "s", i, NULL, 0, path, "text", 4));
        store_keep_socket(f->s.store, path, message("x"));
        assert_int_equal(store_socket(f->s.store, path) >= 0, i < most);
    }
    assert_int_equal(open_descriptors(), before + most);
    store_keep_socket(f->s.store, "/key-1", message("x")); /* a second one for a file */
    store_keep_socket(f->s.store, "/none", message("x"));
    assert_int_equal(open_descriptors(), before + most);
    store_free(f->s.store);
    f->s.store = store_new();
    assert_int_equal(open_descriptors(), before);
}

static void k1_sockets_are_bounded(void **state)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    const struct rlimit few = { .rlim_cur = 100, .rlim_max = limit.rlim_max };
    keeps_at_most(*state, KEY_SOCKETS_MAX);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    keeps_at_most(*state, 50);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void k1_whatever_comes_in_its_place_harms_nobody(void **state)
{
    struct fixture *f = *state;
    static char many[PASSPHRASE_MAX + 100];
    int ends[2];
    int open_pair[2];
    memset(many, 'x', sizeof many);
    read_text(f, "@a : RSA ~/k %prompt\n");
    expect_answer(f, message("close sesame"), "fail id=7 re=passphrase why=the%20passphrase%20of%20the%20key%20is%20wrong");
    expect_answer(f, socket_with(SOCK_SEQPACKET, "", 0), "why=the%20passphrase%20that%20came%20is%20empty");
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, open_pair), 0);
    expect_answer(f, open_pair[1], "why=no%20passphrase%20came"); /* and nothing is waited for */
    close(open_pair[0]);
    expect_answer(f, socket_with(SOCK_SEQPACKET, many, PASSPHRASE_MAX), "passphrase%20of%20the%20key%20is%20wrong");
    expect_answer(f, socket_with(SOCK_SEQPACKET, many, PASSPHRASE_MAX + 1), "why=a%20passphrase%20has%20at%20most%201024%20bytes code=40\n");
    expect_answer(f, socket_with(SOCK_STREAM, many, sizeof many), "why=a%20passphrase%20has%20at%20most");
    expect_answer(f, socket_with(SOCK_SEQPACKET, "open sesame\0x", 13), "no%20NUL%20bytes");
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    expect_answer(f, ends[0], "why=the%20passphrase%20came%20in%20no%20socket");
    close(ends[1]);
    expect_answer(f, open("/dev/zero", O_RDONLY | O_CLOEXEC), "in%20no%20socket");
    expect_answer(f, open("s", O_RDONLY | O_CLOEXEC), "in%20no%20socket");
    expect_answer(f, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), "fail id=7 re=passphrase why=");
    assert_int_equal(line_of(f, "@a"), 0);
    expect_answer(f, message("open sesame"), "ok id=7 re=passphrase\n");
    assert_int_equal(line_of(f, "@a"), 1);
}

static void k1_what_need_not_be_asked(void **state)
{
    struct fixture *f = *state;
    put_key("clear", rsa_pem_1024, NULL);
    put_key("odd", rsa_pem_1024, "%prompt");
    read_text(f, "@a : RSA ~/clear %prompt\n@b : RSA ~/odd \"%prompt\"\n@c : RSA ~/nothing %prompt\n"
                 "@d : RSA ~/s %prompt\n@e : RSA ~/k %prompt more\n");
    assert_int_equal(f->s.counts.rsa, 2);
    assert_int_equal(f->s.counts.locked, 0);
    assert_int_equal(f->s.counts.errors, 3);
    assert_int_equal(line_of(f, "@a"), 1);
    assert_int_equal(line_of(f, "@b"), 2);
    assert_int_equal(chmod("k", 0640), 0);
    read_text(f, "@a : RSA ~/k %prompt\n");
    assert_int_equal(f->s.counts.locked, 0);
    assert_int_equal(f->s.counts.errors, 1);
}

static void weak_keys_are_told(void **state)
{
    struct fixture *f = *state;
    put_key("k", rsa_pem_512, "open sesame");
    read_text(f, "@a : RSA ~/k %prompt\n");
    expect_answer(f, message("open sesame"), "ok id=7 re=passphrase text=its%20key%20has%20less%20than%201024%20bits");
    assert_int_equal(line_of(f, "@a"), 1);
}

/*
 * [K2] One that is not open yet is not chosen, and neither is one in its place that fits less, or comes later; it is equal to none
 * but its own file's, and is no preshared secret.
 */
static void k2_locked_keys_among_others(void **state)
{
    struct fixture *f = *state;
    struct identity id;
    const struct secret *other = NULL;
    put_key("clear", rsa_pem_2048, NULL);
    read_text(f, "@a : RSA ~/k %prompt\n@a : RSA ~/clear\n: RSA ~/k %prompt\n: RSA ~/clear\n");
    assert_null(identity_parse(&id, "@a"));
    assert_int_equal(line_of(f, "@a"), 0);
    assert_int_equal(line_of(f, "@b"), 0);
    assert_null(store_find_rsa(f->s.store, &id, &other));
    assert_null(other);
    assert_int_equal(store_locked_for(f->s.store, &id)->line, 1);
    assert_null(store_find(f->s.store, &id, &id, &other));
    assert_null(other);
    assert_true(secret_equal(store_at(f->s.store, 0), store_at(f->s.store, 2)));
    assert_false(secret_equal(store_at(f->s.store, 0), store_at(f->s.store, 1)));
    expect_answer(f, message("open sesame"), "ok id=7 re=passphrase\n");
    assert_int_equal(line_of(f, "@a"), 1);
    assert_int_equal(line_of(f, "@b"), 3);
    assert_null(store_locked_for(f->s.store, &id));
    /* One that fits less, or comes later, is in nobody's way. */
    read_text(f, ": RSA ~/k %prompt\n@a : RSA ~/clear\n@a : RSA ~/k %prompt\n");
    assert_int_equal(store_find_rsa(f->s.store, &id, &other)->line, 2);
    assert_null(other); /* nobody knows whether it is another key */
    assert_null(store_locked_for(f->s.store, &id));
    assert_int_equal(line_of(f, "@b"), 0);
    /* The lesser one stays out for whom the better one is, and is used for all others. */
    read_text(f, ": RSA ~/clear\n@a : RSA ~/k %prompt\n");
    assert_int_equal(line_of(f, "@a"), 0);
    assert_int_equal(store_locked_for(f->s.store, &id)->line, 2);
    assert_int_equal(line_of(f, "@b"), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(k1_a_key_is_opened_when_its_passphrase_comes), TEST(k1_a_passphrase_is_left_where_it_lies),
        TEST(k1_whatever_comes_in_its_place_harms_nobody), TEST(k1_what_need_not_be_asked), TEST(weak_keys_are_told),
        TEST(k2_locked_keys_among_others), TEST(k1_a_socket_is_kept_and_handed_on), TEST(k1_sockets_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
