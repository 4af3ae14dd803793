#include "prf.h"

#include "bounds.h"

#include <assert.h>
#include <nettle/hmac.h>
#include <nettle/md5.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <string.h>

union hash_context {
    struct md5_ctx md5;
    struct sha1_ctx sha1;
    struct sha256_ctx sha256;
    struct sha512_ctx sha512;
};

static const struct nettle_hash *nettle_of(enum hash_id id)
{
    switch (id) {
    case HASH_MD5:
        return &nettle_md5;
    case HASH_SHA1:
        return &nettle_sha1;
    case HASH_SHA2_256:
    case HASH_SHA2_256_96: /* only what ESP keeps of it is shorter */
        return &nettle_sha256;
    case HASH_SHA2_384:
        return &nettle_sha384;
    case HASH_SHA2_512:
        return &nettle_sha512;
    case HASH_COUNT:
        break;
    }
    assert(id < HASH_COUNT);
    return NULL;
}

static void update(const struct nettle_hash *h, union hash_context *c, const struct part *parts,
                   size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            h->update(c, parts[i].len, parts[i].bytes);
        }
    }
}

void hash_parts(enum hash_id id, const struct part *parts, size_t count, uint8_t *out)
{
    const struct nettle_hash *h = nettle_of(id);
    union hash_context c;
    h->init(&c);
    update(h, &c, parts, count);
    h->digest(&c, h->digest_size, out);
    explicit_bzero(&c, sizeof c);
}

void prf_parts(enum hash_id id, const uint8_t *key, size_t key_len, const struct part *parts,
               size_t count, uint8_t *out)
{
    const struct nettle_hash *h = nettle_of(id);
    union hash_context outer;
    union hash_context inner;
    union hash_context state;

    hmac_set_key(&outer, &inner, &state, h, key_len, key);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0) {
            hmac_update(&state, h, parts[i].len, parts[i].bytes);
        }
    }
    hmac_digest(&outer, &inner, &state, h, h->digest_size, out);
    explicit_bzero(&outer, sizeof outer);
    explicit_bzero(&inner, sizeof inner);
    explicit_bzero(&state, sizeof state);
}
