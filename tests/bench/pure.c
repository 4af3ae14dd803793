/*
 * pure - what the Diffie-Hellman operations of one negotiation cost by themselves
 *
 *   pure modp2048|curve25519|processes COUNT
 *
 * Prints the processor time, in microseconds, of drawing an exponent with its public value and of
 * deriving g^xy from a peer's value, by OpenSSL alone: exponents as long as the product's, without the
 * y^q that EVP_PKEY_derive_set_peer computes, and the peers' keys parsed beforehand. The best of five
 * parts is printed, since other work on the machine can only make it dearer. `processes`: beginning and ending
 * three that do nothing, as plutod does for the updown scripts of a tunnel.
 */
#include "plutod/spawn.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PARTS 5
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

static bool once(EVP_PKEY_CTX *g, EVP_PKEY *peer)
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

static double part_of_processes(unsigned count)
{
    bool good = true;
    double before = used_us();
    for (unsigned i = 0; i < 3 * count && good; i++) {
        good = process();
    }
    return good ? (used_us() - before) / count : -1;
}

/* Microseconds for each negotiation; negative: an operation failed. */
static double part(EVP_PKEY_CTX *g, EVP_PKEY *const peer[PEERS], unsigned count)
{
    bool good = true;
    double before = used_us();
    for (unsigned i = 0; i < count && good; i++) {
        good = once(g, peer[i % PEERS]);
    }
    return good ? (used_us() - before) / count : -1;
}

int main(int argc, char **argv)
{
    EVP_PKEY *peer[PEERS] = { NULL };
    double best = -1;
    bool modp = argc == 3 && strcmp(argv[1], "modp2048") == 0;
    unsigned count = argc == 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
    bool processes = argc == 3 && strcmp(argv[1], "processes") == 0;
    if ((!modp && !processes && (argc != 3 || strcmp(argv[1], "curve25519") != 0))
        || count < PARTS) {
        (void)fprintf(stderr, "usage: pure modp2048|curve25519|processes COUNT\n");
        return 100;
    }
    EVP_PKEY_CTX *g = generator(modp);
    bool good = g != NULL;
    for (unsigned i = 0; i < PEERS && good; i++) {
        good = EVP_PKEY_generate(g, &peer[i]) == 1;
    }
    for (unsigned i = 0; i < PARTS && good; i++) {
        double us = processes ? part_of_processes(count / PARTS) : part(g, peer, count / PARTS);
        good = us >= 0;
        best = best < 0 || us < best ? us : best;
    }
    for (unsigned i = 0; i < PEERS; i++) {
        EVP_PKEY_free(peer[i]);
    }
    EVP_PKEY_CTX_free(g);
    if (!good) {
        (void)fprintf(stderr, "pure: an operation failed\n");
        return 111;
    }
    (void)printf("%.1f\n", best);
    return 0;
}
