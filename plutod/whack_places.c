/* Whose places in the control socket the others could have. */
#include "whack_inside.h"

#include <utlist.h>

/* Seconds that it may keep us waiting while others wait for a place. */
#define CROWDED_INPUT_TIME 1.
#define CROWDED_PAUSE_TIME 30.
#define CROWDED_OUTPUT_TIME 5.
#define AT_ONCE 16u /* others wait, but how many, nobody knows */

static unsigned mark_gone(struct supervisor *s)
{
    unsigned gone = 0;
    struct client *c;
    DL_FOREACH(s->whack.clients, c) {
        c->gone = c->gone || client_hung_up(c);
        gone += c->gone ? 1 : 0;
    }
    return gone;
}

static unsigned count_waiting(const struct supervisor *s)
{
    unsigned waiting = 0;
    const struct client *c;
    DL_FOREACH(s->whack.clients, c) {
        waiting += !c->gone && c->holds > 0 ? 1 : 0;
    }
    return waiting;
}

unsigned whack_crowd(struct supervisor *s)
{
    unsigned most = s->whack.places / 4 * 3;
    if (count_waiting(s) < most) {
        return 0;
    }
    (void)mark_gone(s);
    return count_waiting(s) < most ? 0 : most;
}

/* What it may keep us waiting while others wait for its place; 0: it waits for us. */
static double patience_with(const struct client *c)
{
    if (c->reply.len > 0) {
        return CROWDED_OUTPUT_TIME;
    }
    if (c->holds > 0) {
        return 0.;
    }
    return client_is_between(c) ? CROWDED_PAUSE_TIME : CROWDED_INPUT_TIME;
}

/* Of those that have kept us waiting for too long the worst; NULL: nobody has. */
static struct client *most_idle(struct supervisor *s)
{
    struct client *worst = NULL;
    double most = 1.;
    struct client *c;
    DL_FOREACH(s->whack.clients, c) {
        double patience = patience_with(c);
        double over = patience > 0. ? (ev_now(s->loop) - c->moved) / patience : 0.;
        if (over >= most && !c->gone) {
            worst = c;
            most = over;
        }
    }
    return worst;
}

static void cut_off(struct client *c)
{
    struct supervisor *s = c->s;
    if (c->reply.len > 0) {
        lines_print(&s->lines, LOG_LEVEL_INFO, "control socket: a whack that did not read what it had asked for "
                    "was cut off: %u are connected, and others wait for a place", s->whack.count);
        c->gone = true;
    } else if (client_is_between(c)) {
        client_part(c, "nothing was asked for 30 s, and others wait for a place");
        c->moved = ev_now(s->loop);
    } else {
        c->records++;
        client_refuse(c, "", "nothing more came, and others wait for its place");
        c->moved = ev_now(s->loop); /* time to read that */
    }
}

void whack_make_room(struct supervisor *s)
{
    for (unsigned gone = mark_gone(s); gone < AT_ONCE; gone++) {
        struct client *c = most_idle(s);
        if (c == NULL) {
            break;
        }
        cut_off(c);
    }
}
