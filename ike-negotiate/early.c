#include "early.h"
#include "actions.h"
#include "informational.h"
#include "report.h"

#include <bsd/sys/queue.h>
#include <stdlib.h>
#include <string.h>

#define EARLY_MESSAGES 8u
#define EARLY_BYTES 8192u /* of the payloads of all of them, for one exchange */

struct early_message {
    STAILQ_ENTRY(early_message) entry;
    struct isakmp_header header;
    uint8_t iv[IV_MAX];
    uint8_t digest[DIGEST_LEN];
    size_t len;
    uint8_t payloads[];
};

STAILQ_HEAD(early_list, early_message);

struct early {
    struct early_list messages;
    unsigned count;
    size_t bytes;
};

bool early_waits(const struct exchange *x)
{
    return x->state == MAIN_I3_AUTH || x->state == MAIN_R2_AUTH || x->state == MAIN_R2_IDENTIFY
           || x->state == MAIN_R2_FINISH;
}

static bool is_kept(const struct early *early, const struct message *m)
{
    const struct early_message *e;
    STAILQ_FOREACH(e, &early->messages, entry) {
        if (e->header.exchange == m->header.exchange
            && e->header.message_id == m->header.message_id) {
            return true;
        }
    }
    return false;
}

static struct early *early_of(struct isakmp_sa *sa)
{
    if (sa->early == NULL && (sa->early = calloc(1, sizeof *sa->early)) != NULL) {
        STAILQ_INIT(&sa->early->messages);
    }
    return sa->early;
}

void early_keep(struct ike *ike, struct exchange *main, const struct message *m, const uint8_t *iv,
                const uint8_t *digest)
{
    struct early *early = early_of(main->sa);
    struct early_message *e = NULL;
    if (early != NULL && is_kept(early, m)) {
        return;
    }
    if (early != NULL && early->count < EARLY_MESSAGES
        && m->payloads_len <= EARLY_BYTES - early->bytes) {
        e = malloc(sizeof *e + m->payloads_len);
    }
    if (e == NULL) {
        count_ignored(ike, FLAW_NO_ROOM);
        report(ike, main, LOG_LEVEL_INFO, "a message that came before the peer had proved himself is "
                                          "ignored: more than is kept of them");
        return;
    }
    e->header = m->header;
    memcpy(e->iv, iv, IV_MAX);
    memcpy(e->digest, digest, DIGEST_LEN);
    memcpy(e->payloads, m->payloads, e->len = m->payloads_len);
    STAILQ_INSERT_TAIL(&early->messages, e, entry);
    early->count++;
    early->bytes += e->len;
}

static void take(struct ike *ike, struct exchange *main, const struct early_message *e)
{
    struct message m = { .header = e->header };
    if (payloads_decode(&m, m.header.next_payload, e->payloads, e->len) != NULL) {
        return; /* it was read before */
    }
    if (m.header.exchange == EXCHANGE_INFORMATIONAL) {
        informational_take(ike, main, &m);
    } else if (!sa_id_used(main->sa, m.header.message_id)) { /* by one of ours */
        quick_first_message(ike, main, &m, e->iv, e->digest);
    }
}

/* None of them can end it: it is new. */
void early_take(struct ike *ike, struct exchange *main)
{
    struct early *early = main->sa->early;
    main->sa->early = NULL;
    while (early != NULL && !STAILQ_EMPTY(&early->messages)) {
        struct early_message *e = STAILQ_FIRST(&early->messages);
        STAILQ_REMOVE_HEAD(&early->messages, entry);
        take(ike, main, e);
        free(e);
    }
    free(early);
}

void early_free(struct exchange *main)
{
    struct early *early = main->sa->early;
    while (early != NULL && !STAILQ_EMPTY(&early->messages)) {
        struct early_message *e = STAILQ_FIRST(&early->messages);
        STAILQ_REMOVE_HEAD(&early->messages, entry);
        free(e);
    }
    free(early);
    main->sa->early = NULL;
}
