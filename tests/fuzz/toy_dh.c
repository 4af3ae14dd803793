/*
 * secrets/dh.h with a Diffie-Hellman that costs nothing and is the same in each run: a public value
 * is its exponent, a shared secret both of them XORed. Linked in place of secrets/dh.c.
 *
 * What it refuses is what a value's form tells: its length, all zeros, and our own value. Not for:
 * anything that must be secret.
 */
#include "fuzz.h"

#include "secrets/dh.h"

#include <stdlib.h>
#include <string.h>

struct dh {
    enum group_id group;
    uint8_t value[KE_MAX];
};

struct dh_lib {
    int none;
};

struct dh_lib *dh_lib_new(const char **why)
{
    *why = NULL;
    return calloc(1, sizeof(struct dh_lib));
}

void dh_lib_free(struct dh_lib *lib)
{
    free(lib);
}

struct dh *dh_new(const struct dh_lib *lib, enum group_id group)
{
    struct dh *dh = calloc(1, sizeof *dh);
    (void)lib;
    if (dh != NULL) {
        dh->group = group;
        (void)fuzz_random(dh->value, group_get(group)->public_len);
    }
    return dh;
}

void dh_free(struct dh *dh)
{
    free(dh);
}

enum group_id dh_group(const struct dh *dh)
{
    return dh->group;
}

const uint8_t *dh_public_view(const struct dh *dh)
{
    return dh->value;
}

const char *dh_agree(const struct dh_lib *lib, const struct dh *dh, const uint8_t *peer,
                     size_t peer_len, uint8_t secret[KE_MAX])
{
    static const uint8_t zeros[KE_MAX];
    const struct group *group = group_get(dh->group);
    (void)lib;
    if (peer_len != group->public_len) {
        return "public value of a wrong length";
    }
    if (memcmp(peer, zeros, peer_len) == 0 || memcmp(peer, dh->value, peer_len) == 0) {
        return "public value that is none";
    }
    for (size_t i = 0; i < group->secret_len; i++) {
        secret[i] = peer[i] ^ dh->value[i];
    }
    return NULL;
}

int dh_private_bits(const struct dh *dh)
{
    return 8 * group_get(dh->group)->public_len;
}

bool dh_random(uint8_t *out, size_t len)
{
    return fuzz_random(out, len);
}
