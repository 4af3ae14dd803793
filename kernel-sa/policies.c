#include "state.h"

#include <stdlib.h>
#include <string.h>

static void key_of(struct policy_key *key, const struct kernel_policy *p)
{
    memset(key, 0, sizeof *key);
    key->bytes[0] = (uint8_t)p->way;
    key->bytes[1] = p->src.base.family;
    key->bytes[2] = p->src.bits;
    key->bytes[3] = p->dst.bits;
    memcpy(key->bytes + 4, p->src.base.bytes, 16);
    memcpy(key->bytes + 20, p->dst.base.bytes, 16);
}

struct policy_entry *policy_find(struct policy_entry *table, const struct kernel_policy *like)
{
    struct policy_entry *e = NULL;
    struct policy_key key;
    key_of(&key, like);
    HASH_FIND(hh, table, &key, sizeof key, e);
    return e;
}

struct policy_entry *policy_add(struct policy_entry **table, const struct kernel_policy *p,
                                uint32_t reqid)
{
    struct policy_entry *e = calloc(1, sizeof *e);
    if (e == NULL) {
        return NULL;
    }
    key_of(&e->key, p);
    e->policy = *p;
    e->reqid = reqid;
    HASH_ADD(hh, *table, key, sizeof e->key, e);
    return e;
}

void policy_remove(struct policy_entry **table, struct policy_entry *e)
{
    HASH_DEL(*table, e);
    free(e);
}

/*
 * in: what is for ourselves; fwd: what is for the net behind us, so a client that is just our host
 * needs none; out: both, for the kernel asks it for what it forwards too.
 */
bool policy_for_exchange(struct kernel_policy *p, const struct exchange *x, enum way way)
{
    const struct install *i = &x->install;
    bool outward = way == WAY_OUT;
    memset(p, 0, sizeof *p);
    p->way = way;
    p->kind = POLICY_IPSEC;
    p->transport = i->transport;
    p->reqid = x->permit.reqid;
    p->src = outward ? i->our_client : i->peer_client;
    p->dst = outward ? i->peer_client : i->our_client;
    if (!i->transport) {
        p->tunnel_src = outward ? i->our_host : i->peer_host;
        p->tunnel_dst = outward ? i->peer_host : i->our_host;
    }
    p->priority = policy_priority(&p->src, &p->dst);
    return way != WAY_FWD
           || (!i->transport && !subnet_is_host(&i->our_client, &i->our_host));
}

/* ---- SPIs ---- */

static struct spi *spis_find(const struct spis *s, uint32_t spi)
{
    struct spi *found;
    HASH_FIND(hh, s->given, &spi, sizeof spi, found);
    return found;
}

static void spis_drop(struct spis *s, struct spi *one)
{
    HASH_DEL(s->given, one);
    free(one);
}

bool spis_known(const struct spis *s, uint32_t spi)
{
    return spis_find(s, spi) != NULL;
}

bool spis_add(struct spis *s, uint32_t spi)
{
    struct spi *one = malloc(sizeof *one);
    if (one == NULL) {
        return false;
    }
    if (HASH_COUNT(s->given) >= SPIS_MAX) {
        spis_drop(s, s->given); /* uthash keeps the order of adding: the oldest */
    }
    one->spi = spi;
    HASH_ADD(hh, s->given, spi, sizeof one->spi, one);
    return true;
}

bool spis_take(struct spis *s, uint32_t spi)
{
    struct spi *one = spis_find(s, spi);
    if (one == NULL) {
        return false;
    }
    spis_drop(s, one);
    return true;
}

void spis_free(struct spis *s)
{
    while (s->given != NULL) {
        spis_drop(s, s->given);
    }
}
