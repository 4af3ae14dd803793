/*
 * pure - what the public key operations of one negotiation cost by themselves
 *
 *   pure modp2048|curve25519|rsa2048|processes COUNT
 *
 * Prints the processor time, in microseconds, of drawing an exponent with its public value and of
 * deriving g^xy from a peer's value, by OpenSSL alone: exponents as long as the product's, without the
 * y^q that EVP_PKEY_derive_set_peer computes, and the peers' keys parsed beforehand. The best of five
 * parts is printed, since other work on the machine can only make it dearer. `rsa2048`: making one signature of a
 * HASH of 32 bytes and checking one, both by OpenSSL's EVP. `processes`: beginning and ending
 * three that do nothing, as plutod does for the updown scripts of a tunnel.
 */
#include "plutod/spawn.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PARTS 3
#define PEERS 16

static double used_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static EVP_PKEY_CTX *generator(bool modp)
{
    char name[] = "modp_2048";
    const OSSL_PARAM group[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *g = EVP_PKEY_CTX_new_from_name(NULL, modp ? "DH" : "X25519", NULL);
    if (g != NULL && EVP_PKEY_keygen_init(g) == 1
        && (!modp || EVP_PKEY_CTX_set_params(g, group) == 1)) {
        return g;
    }
    EVP_PKEY_CTX_free(g);
    return NULL;
}

static bool exchange(EVP_PKEY_CTX *g, EVP_PKEY *peer)
{
    unsigned char secret[256];
    size_t len = sizeof secret;
    EVP_PKEY *ours = NULL;
    EVP_PKEY_CTX *d = NULL;
    bool good = EVP_PKEY_generate(g, &ours) == 1
                && (d = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL)) != NULL
                && EVP_PKEY_derive_init(d) == 1 && EVP_PKEY_derive_set_peer_ex(d, peer, 0) == 1
                && EVP_PKEY_derive(d, secret, &len) == 1;
    EVP_PKEY_CTX_free(d);
    EVP_PKEY_free(ours);
    return good;
}

static bool pkcs1(EVP_PKEY_CTX *c)
{
    return EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) == 1;
}

static bool signature(EVP_PKEY *key)
{
    static const unsigned char hash[32] = { 1 };
    unsigned char sig[256];
    size_t len = sizeof sig;
    EVP_PKEY_CTX *s = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    EVP_PKEY_CTX *v = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    bool good = s != NULL && v != NULL && EVP_PKEY_sign_init(s) == 1 && pkcs1(s)
                && EVP_PKEY_sign(s, sig, &len, hash, sizeof hash) == 1 && EVP_PKEY_verify_init(v) == 1
                && pkcs1(v) && EVP_PKEY_verify(v, sig, len, hash, sizeof hash) == 1;
    EVP_PKEY_CTX_free(s);
    EVP_PKEY_CTX_free(v);
    return good;
}

/* What they print, plutod reads to its end. */
static bool process(void)
{
    static char program[] = "/bin/true", path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *words[] = { program, NULL };
    char *environment[] = { path, NULL };
    char byte;
    int ends[2];
    pid_t pid;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    bool good = spawn(&pid, words, environment, ends[1], 022) == 0;
    close(ends[1]);
    if (good) {
        (void)!read(ends[0], &byte, 1);
        good = waitpid(pid, NULL, 0) == pid;
    }
    close(ends[0]);
    return good;
}

static bool processes(unsigned count)
{
    bool good = true;
    for (unsigned i = 0; i < count && good; i++) {
        good = process();
    }
    return good;
}

struct work {
    enum { EXCHANGES, SIGNATURES, PROCESSES } what;
    EVP_PKEY_CTX *group;
    EVP_PKEY *key[PEERS]; /* the peers' values; for signatures only one, which signs */
};

static bool prepare(struct work *w, const char *name)
{
    bool modp = strcmp(name, "modp2048") == 0;
    *w = (struct work){ .what = EXCHANGES };
    if (strcmp(name, "processes") == 0) {
        w->what = PROCESSES;
        return true;
    }
    if (strcmp(name, "rsa2048") == 0) {
        w->what = SIGNATURES;
        w->key[0] = EVP_RSA_gen(2048);
        return w->key[0] != NULL && signature(w->key[0]); /* the first one prepares the blinding */
    }
    bool good = (modp || strcmp(name, "curve25519") == 0) && (w->group = generator(modp)) != NULL;
    for (unsigned i = 0; i < PEERS && good; i++) {
        good = EVP_PKEY_generate(w->group, &w->key[i]) == 1;
    }
    return good;
}

static bool once(struct work *w, unsigned i)
{
    switch (w->what) {
    case EXCHANGES:
        return exchange(w->group, w->key[i % PEERS]);
    case SIGNATURES:
        return signature(w->key[0]);
    case PROCESSES:
        return processes(3);
    }
    return false;
}

/* Microseconds for each negotiation; negative: an operation failed. */
static double part(struct work *w, unsigned count)
{
    bool good = true;
    double before = used_us();
    for (unsigned i = 0; i < count && good; i++) {
        good = once(w, i);
    }
    return good ? (used_us() - before) / count : -1;
}

int main(int argc, char **argv)
{
    struct work work;
    double best = -1;
    unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    if (count < PARTS) {
        (void)fprintf(stderr, "usage: pure modp2048|curve25519|rsa2048|processes COUNT, of at least %d\n", PARTS);
        return 100;
    }
    bool good = prepare(&work, argv[1]);
    for (unsigned i = 0; i < PARTS && good; i++) {
        double us = part(&work, count / PARTS);
        good = us >= 0;
        best = best < 0 || us < best ? us : best;
    }
    for (unsigned i = 0; i < PEERS; i++) {
        EVP_PKEY_free(work.key[i]);
    }
    EVP_PKEY_CTX_free(work.group);
    if (!good) {
        (void)fprintf(stderr, "pure: %s: no such operation, or it failed\n", argv[1]);
        return 111;
    }
    (void)printf("%.1f\n", best);
    return 0;
}
