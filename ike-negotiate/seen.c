/*
 * What went over an ISAKMP SA and must not count again: message ids of Quick Modes, all of them, and
 * Informationals of either side, the last ones. A message carries nothing that says whose it is: our
 * own, sent back to us, has a right HASH, too.
 */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#define QUICK_IDS_MAX 4096u /* more Quick Modes than an ISAKMP SA of a day needs */
#define INFOS 64u           /* of each side */

/* HASH(1) covers message id and payloads: so much of it tells them apart. */
struct infos {
    uint64_t hash[INFOS];
    unsigned next;
};

/* ---- Quick Modes ---- */

bool sa_id_used(const struct isakmp_sa *sa, uint32_t message_id)
{
    for (size_t i = 0; i < sa->used_count; i++) {
        if (sa->used_ids[i] == message_id) {
            return true;
        }
    }
    return false;
}

bool sa_worn_out(const struct isakmp_sa *sa)
{
    return sa->used_count >= QUICK_IDS_MAX;
}

bool sa_use_id(struct isakmp_sa *sa, uint32_t message_id)
{
    if ((sa->used_count & (sa->used_count + 1)) == 0 || sa->used_ids == NULL) {
        uint32_t *grown = reallocarray(sa->used_ids, 2 * (sa->used_count + 1), sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        sa->used_ids = grown;
    }
    sa->used_ids[sa->used_count++] = message_id;
    return true;
}

/* ---- Informationals ---- */

static bool has(const struct infos *infos, uint64_t hash)
{
    for (unsigned i = 0; infos != NULL && i < INFOS; i++) {
        if (infos->hash[i] == hash) {
            return true;
        }
    }
    return false;
}

static bool remember(struct infos **infos, uint64_t hash)
{
    if (*infos == NULL && (*infos = calloc(1, sizeof **infos)) == NULL) {
        return false;
    }
    (*infos)->hash[(*infos)->next++ % INFOS] = hash;
    return true;
}

/* 0 stands for a free place. */
static uint64_t start_of(const uint8_t *hash)
{
    uint64_t start;
    memcpy(&start, hash, sizeof start);
    return start == 0 ? 1 : start;
}

enum seen seen_take(struct isakmp_sa *sa, const uint8_t *hash)
{
    const uint64_t start = start_of(hash);
    if (has(sa->told, start)) {
        return SEEN_OWN;
    }
    return has(sa->heard, start) || !remember(&sa->heard, start) ? SEEN_AGAIN : SEEN_NEW;
}

void seen_own(struct isakmp_sa *sa, const uint8_t *hash)
{
    (void)remember(&sa->told, start_of(hash));
}

void seen_free(struct isakmp_sa *sa)
{
    free(sa->used_ids);
    free(sa->heard);
    free(sa->told);
}
