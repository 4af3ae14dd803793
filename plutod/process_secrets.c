/*
 * The workers of secrets: generations of them, one for each reading of the file. The one before is used until the
 * newest has read all, and has what it asked for.
 */
#include "process_inside.h"

#include "resolve.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <utlist.h>

/*
 * No secrets of theirs are used for what is new. Those that never came into use, but have been given passphrases, stay until
 * others do: these can have them from there (hand.h). Who has not read its files yet is of no use to anybody, and is ended.
 */
static void retire_others(struct supervisor *s, unsigned generation)
{
    struct process *p;
    struct process *next;
    DL_FOREACH_SAFE(s->processes.list, p, next) {
        if (p->tool != TOOL_SECRETS || p->generation == generation) {
            continue;
        }
        p->wanted = false;
        if (p->generation > generation && p->opened != NULL) {
            continue;
        }
        keying_worker_old(&s->keying, p->worker);
        if (!p->loaded) {
            process_close(p);
        }
        if (p->pid == 0) {
            process_forget(p); /* was waiting to be begun again */
        }
    }
}

/* Before there are more: of those that only hold old ISAKMP SAs, if they are many, the oldest go. */
static void make_room(struct supervisor *s)
{
    struct process *p;
    unsigned oldest = UINT_MAX;
    unsigned count = 0;
    DL_FOREACH(s->processes.list, p) {
        if (p->idle) { /* it holds none */
            p->idle = false;
            process_close(p);
        }
        if (p->tool == TOOL_SECRETS && p->channel != NULL) {
            count++;
            oldest = !p->wanted && p->generation < oldest ? p->generation : oldest;
        }
    }
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_SECRETS && p->channel != NULL && count > WORKERS_MAX / 2 && p->generation == oldest) {
            lines_print(&s->lines, LOG_LEVEL_SERIOUS, "too many generations of secrets: the oldest "
                        "ends, and its ISAKMP SAs with it");
            process_close(p);
        }
    }
}

/* ---- names of hosts ---- */

#define NAMES_WAIT 8.       /* seconds that a generation that is read waits for them */
#define NAMES_SHOWN 10u     /* to whack, of those that nobody has answered for by then */

/* Do workers of the newest generation wait for names? They also have to say what became of them. */
static bool names_wait(const struct supervisor *s)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_SECRETS && p->generation == s->processes.generation && p->names > 0) {
            return true;
        }
    }
    return false;
}

static void say_late(struct supervisor *s)
{
    struct resolve_view name;
    unsigned count = resolve_waiting(&s->keying);
    for (unsigned i = 0; i < NAMES_SHOWN && resolve_view(&s->keying, i, &name); i++) {
        keying_say(&s->keying, s->processes.listen_client, REPLY_SERIOUS, "%s cannot be looked up yet: %s; what "
                   "ipsec.secrets has for it is not used until it can be, which is tried again", name.host,
                   name.why == NULL ? "there is no answer yet" : name.why);
    }
    if (count > NAMES_SHOWN) {
        keying_say(&s->keying, s->processes.listen_client, REPLY_SERIOUS, "%u more names in ipsec.secrets wait, too: whack "
                   "--status shows them", count - NAMES_SHOWN);
    }
}

/* It is to be used now; names that have no answer keep back what needs them. The turn's end goes on. */
static void on_late(struct ev_loop *loop, ev_timer *w, int events)
{
    struct supervisor *s = w->data;
    (void)loop;
    (void)events;
    supervisor_clock(s);
    s->processes.names_late = true;
    resolve_hurry(&s->keying);
    say_late(s);
}

static void wait_for_names(struct supervisor *s)
{
    ev_timer *w = &s->processes.names_timer;
    if (!s->processes.names_late && !ev_is_active(w)) {
        ev_timer_init(w, on_late, NAMES_WAIT, 0.);
        w->data = s;
        ev_timer_start(s->loop, w);
    }
}

static void begin_names(struct supervisor *s, uint64_t client)
{
    ev_timer_stop(s->loop, &s->processes.names_timer);
    s->processes.names_late = false;
    resolve_begin(&s->keying, client);
}

/* The secrets of the newest generation are used from now on. */
static void use_newest(struct supervisor *s)
{
    struct process *p;
    s->processes.in_use = s->processes.generation;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_SECRETS && p->generation == s->processes.in_use) {
            keying_worker_ready(&s->keying, p->worker, p->lacks ? WORKER_LACKS : WORKER_READY);
        }
    }
    retire_others(s, s->processes.in_use);
    resolve_trim(&s->keying);
}

static void release(struct supervisor *s)
{
    struct processes *all = &s->processes;
    if (all->listen_client != 0) {
        s->keying.hooks.release(s->keying.hooks.context, all->listen_client);
        all->listen_client = 0;
        resolve_let_go(&s->keying);
    }
}

void process_new_secrets(struct supervisor *s, uint64_t client)
{
    struct processes *all = &s->processes;
    unsigned count = s->setup->workers;
    if (count == 0) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        count = cores < 1 ? 1 : cores > WORKERS_MAX / 4 ? WORKERS_MAX / 4 : (unsigned)cores;
    }
    if (all->in_use != all->generation) { /* those that are being read will never be used */
        keying_say(&s->keying, all->listen_client, REPLY_SERIOUS, "another whack --listen reads the secrets: what this "
                   "one began is given up");
        question_drop(s);
        release(s);
        retire_others(s, all->in_use);
    }
    release(s); /* it waited for names only */
    make_room(s);
    all->generation++;
    begin_names(s, client);
    all->reading = (struct reading){ 0 };
    all->kept = false;
    all->listen_told = false;
    all->listen_client = client;
    if (client != 0) {
        s->keying.hooks.hold(s->keying.hooks.context, client);
    }
    for (unsigned i = 0; i < count; i++) {
        struct process *p = process_new(s, TOOL_SECRETS, all->generation);
        if (p != NULL) {
            p->speaks = i == 0; /* they all read the same */
            (void)process_start(p);
        }
    }
}

void process_idle(struct supervisor *s, uint32_t worker)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_SECRETS && p->worker == worker) {
            p->idle = true;
        }
    }
}

/* None of the newest has read its file: they cannot be begun, or have died, which is tried again. */
static void keep_older(struct supervisor *s)
{
    struct processes *all = &s->processes;
    static const char text[] = "the secrets that were read before stay in use until others can be read";
    if (!all->kept) {
        all->kept = true;
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "%s", text);
        keying_say(&s->keying, all->listen_client, REPLY_SERIOUS, "%s", text);
    }
    release(s);
}

bool process_secrets_turn(struct supervisor *s)
{
    struct processes *all = &s->processes;
    struct process *p;
    bool any = all->in_use == 0; /* then nothing is lost by it */
    const bool waiting = names_wait(s);
    const bool names = waiting && !all->names_late;
    hand_turn(s);
    if (all->in_use == all->generation) {
        process_reading_say(s, waiting);
        bool was_held = !names && all->listen_client != 0;
        if (was_held) {
            release(s);
        }
        return was_held;
    }
    DL_FOREACH(all->list, p) {
        if (p->tool == TOOL_SECRETS && p->generation == all->generation) {
            if (!p->loaded) {
                return false;
            }
            any = any || p->channel != NULL;
        }
    }
    process_reading_say(s, waiting);
    if (question_turn(s)) {
        return false;
    }
    if (!any) {
        keep_older(s);
        return false;
    }
    if (names && all->in_use != 0) { /* else nothing is lost by using what there is */
        return false;
    }
    use_newest(s);
    if (!names) {
        release(s);
    }
    return true;
}

/* All of a generation fail alike, as a rule: one line will do. */
void process_secrets_trouble(struct process *p, const char *name, const char *text)
{
    struct processes *all = &p->s->processes;
    if (p->loaded || p->generation != all->generation || all->listen_told) {
        return;
    }
    all->listen_told = all->listen_client != 0;
    keying_say(&p->s->keying, all->listen_client, REPLY_SERIOUS, "%s %s: no secrets were read by it, see the log",
               name, text);
}

static void loaded(struct process *p, const struct record *r)
{
    struct processes *all = &p->s->processes;
    const bool newest = p->generation == all->generation;
    p->loaded = true;
    p->names = (unsigned)record_number(r, K_NAMES);
    if (newest) {
        process_reading_counted(p, r);
    }
    if (newest && p->names > 0) {
        wait_for_names(p->s);
    }
    p->hand.begins = p->hand.begins || (p->generation == all->in_use && p->locked != NULL);
    if (p->generation == all->in_use && !p->hand.begins) { /* it was begun again */
        keying_worker_ready(&p->s->keying, p->worker, p->lacks ? WORKER_LACKS : WORKER_READY);
    }
}

/* Is it about what it reads, or opens? */
bool process_is_of_secrets(const struct process *p, const struct record *r)
{
    return r->verb == V_LOADED || r->verb == V_LOCKED || r->re == V_PASSPHRASE || r->re == V_HAND_ON
           || (r->verb == V_LOG && (record_has(r, K_HOST) || !p->loaded));
}

bool process_secrets_record(struct process *p, const struct record *r, int fd, const char **why)
{
    if (r->verb == V_LOADED) {
        loaded(p, r);
    } else if (r->verb == V_LOCKED) {
        *why = question_locked(p, record_text(r, K_FILE));
        return *why == NULL;
    } else if (r->re == V_PASSPHRASE) {
        *why = "answers what was not asked";
        return question_tried(p, r);
    } else if (r->re == V_HAND_ON) {
        *why = hand_answered(p, r, fd);
        return *why == NULL;
    } else if (record_has(r, K_HOST)) {
        process_reading_name(p, r);
    } else {
        process_reading_line(p, r);
    }
    return true;
}
