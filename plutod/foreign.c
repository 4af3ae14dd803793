#include "foreign.h"

#include "ends.h"
#include "index.h"
#include "initiate.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#define EVERY 20u               /* milliseconds: not more than 50 begin in a second */
#define PAUSE UINT64_C(10000)   /* where it happens again; each time twice as long, */
#define PAUSE_MAX UINT64_C(60000)
#define DOUBLINGS 3u
#define QUIET UINT64_C(600000)  /* after that it is as if it had never happened */
#define LATE UINT64_C(2000)     /* the kernel counts an SA's life in seconds, and tells us a little later */
#define DEAF_PAUSE UINT64_C(10000)

struct foreign {
    uint64_t lost_at;           /* IPsec SAs, last */
    unsigned lost;              /* how often, since it was quiet for long */
    uint64_t said_at;           /* that policies are missing, last; 0: never */
    unsigned missing;           /* these, by the place of the word in the schema's `way` */
    bool told;                  /* that they are; so it is told when they are back */
};

/* NULL: no memory. */
static struct foreign *foreign_of(struct conn *c)
{
    if (c->foreign == NULL) {
        c->foreign = calloc(1, sizeof *c->foreign);
    }
    return c->foreign;
}

/* ---- SAs ---- */

/* Milliseconds until they are negotiated anew. */
static uint64_t pause_of(struct keying *k, struct conn *c)
{
    struct foreign *f = foreign_of(c);
    uint64_t pause = PAUSE;
    if (f != NULL) {
        f->lost = f->lost_at == 0 || k->now - f->lost_at > QUIET ? 0 : f->lost;
        unsigned doublings = f->lost == 0 ? 0 : f->lost - 1;
        pause = f->lost == 0 ? 0 : PAUSE << (doublings < DOUBLINGS ? doublings : DOUBLINGS);
        f->lost_at = k->now;
        f->lost++;
    }
    return pause < PAUSE_MAX ? pause : PAUSE_MAX;
}

/* Others took its place, or nothing did; as long as it is tried, packets between its clients are held back. */
static void over(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    struct xchg *y = AGENDA_OWNER(item, struct xchg, life_end);
    if (!xchg_has_ipsec(y->conn, NULL) && initiate_at_hand(y->conn)
        && agenda_set(&k->agenda, &y->life_end, k->now + PAUSE, over)) {
        return;
    }
    ends_quick(k, y, ENDS_TELL_PEER, 0, xchg_has_ipsec(y->conn, NULL) ? NULL
               : "another program deleted it from the kernel, and nothing took its place; its policies go, too");
}

static void begin(void *context, struct agenda_item *item)
{
    struct keying *k = context;
    struct xchg *y = AGENDA_OWNER(item, struct xchg, life_end);
    struct conn *c = y->conn;
    bool deaf = !k->listening && !k->stopping;
    uint64_t at = k->now + (deaf ? DEAF_PAUSE : (uint64_t)GIVE_UP);
    if (!agenda_set(&k->agenda, &y->life_end, at, deaf ? begin : over)) {
        ends_quick(k, y, ENDS_TELL_PEER, 0, NULL);
    } else if (!deaf && !xchg_has_ipsec(c, NULL) && !initiate_at_hand(c)) {
        initiate_conn(k, c, 0, false);
    }
}

/*
 * It was in the kernel already and not yet up, for want of the last message or of the updown script, and
 * other SAs stand: a negotiation that has failed.
 */
static void lost_before_use(struct keying *k, struct xchg *y)
{
    static const char why[] = "another program deleted its SAs from the kernel before they were in use; there are others";
    y->ending = true;
    counters_failed(&k->counters, REPLY_NO_RESPONSE);
    conn_failed(k, y->conn, y->number, why);
    keying_event_tell(k, y, REPLY_NO_RESPONSE, "%s", why);
    if (y->initiator) {
        initiate_again(k, y->conn, REPLY_NO_RESPONSE);
    }
    ends_quick(k, y, ENDS_TELL_PEER, 0, NULL);
}

void foreign_sa_deleted(struct keying *k, struct xchg *y)
{
    struct conn *c = y->conn;
    bool finished = y->ready && y->negotiated;
    uint64_t life = (uint64_t)y->life * 1000;
    if (y->gone) {
        return;
    }
    if (k->now + LATE >= y->since + life) {
        ends_expired(k, y, true); /* that was said when nobody could hear it */
        return;
    }
    if (!finished && !k->stopping && xchg_has_ipsec(c, y)) {
        lost_before_use(k, y);
        return;
    }
    y->gone = y->ending = true;
    c->newest_ipsec = c->newest_ipsec == y->number ? 0 : c->newest_ipsec;
    if (k->stopping || xchg_has_ipsec(c, NULL)) {
        ends_quick(k, y, ENDS_TELL_PEER, 0, "another program deleted it from the kernel; there are others");
        return;
    }
    if (!finished && y->initiator) {
        c->attempt = 0; /* nothing more comes of it, and the next one is another */
    }
    uint64_t wait = pause_of(k, c);
    uint64_t at = k->now < k->next_renewal ? k->next_renewal : k->now;
    k->next_renewal = at + EVERY;
    if (!agenda_set(&k->agenda, &y->life_end, at + wait, begin)) {
        ends_quick(k, y, ENDS_TELL_PEER, 0, "another program deleted it from the kernel");
        return;
    }
    char again[100] = "at once";
    if (wait > 0) {
        snprintf(again, sizeof again, "in %u s, as that has happened before, or when a packet wants through",
                 (unsigned)(wait / 1000));
    }
    keying_event_tell(k, y, REPLY_NO_RESPONSE, "another program deleted the IPsec SA from the kernel (as ip xfrm state "
                      "flush does): it is negotiated anew %s; until then packets between its clients wait or are dropped",
                      again);
    xchg_release(k, y); /* a whack that waited for it to be up */
}

void foreign_replaced(struct keying *k, struct conn *c)
{
    struct xchg *y;
    DL_FOREACH(c->exchanges, y) {
        if (y->gone) { /* whoever calls may be looking through the same list */
            (void)agenda_set(&k->agenda, &y->life_end, k->now, over);
        }
    }
}

/* ---- policies ---- */

static bool is_quiet(const struct keying *k, const struct foreign *f)
{
    return f->said_at == 0 || k->now - f->said_at > QUIET;
}

/* There and gone again, for minutes perhaps: the first time is said, and its end. */
static void missing(struct keying *k, struct conn *c, struct foreign *f, unsigned way)
{
    bool first = f->missing == 0;
    f->missing |= 1u << way;
    if (first && is_quiet(k, f)) {
        f->said_at = k->now;
        f->told = true;
        keying_event_conn(k, c, "another program took its policies out of the kernel, and they are not back: packets "
                          "between its clients are not protected. kernel-sa tries again (see the log)");
    }
}

static void back(struct keying *k, struct conn *c, struct foreign *f, unsigned way)
{
    bool none = f->missing == 0;
    f->missing &= ~(1u << way);
    if (none && is_quiet(k, f)) {
        f->said_at = k->now;
        keying_event_conn(k, c, "another program took its policies out of the kernel (as ip xfrm policy flush does): "
                          "they were put back at once");
    } else if (f->missing == 0 && f->told) {
        f->told = false;
        keying_event_conn(k, c, "its policies are back in the kernel");
    }
}

void foreign_policy_deleted(struct keying *k, const struct record *r)
{
    struct conn *c = index_by_reqid(k, (uint32_t)record_number(r, K_REQID));
    struct foreign *f = c == NULL ? NULL : foreign_of(c);
    if (f == NULL) {
        return; /* ended meanwhile */
    }
    if (record_yes(r, K_RESTORED)) {
        back(k, c, f, record_word(r, K_WAY));
    } else {
        missing(k, c, f, record_word(r, K_WAY));
    }
}

bool foreign_unprotected(const struct conn *c)
{
    return c->foreign != NULL && c->foreign->missing != 0;
}

void foreign_forget_policies(struct conn *c)
{
    if (c->foreign != NULL) {
        c->foreign->missing = 0;
        c->foreign->told = false;
    }
}

void foreign_free(struct conn *c)
{
    free(c->foreign);
    c->foreign = NULL;
}
