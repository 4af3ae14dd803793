/*
 * The workers of secrets: generations of them, one for each reading of the file. The one before is used until the
 * newest has read all, and has what it asked for.
 */
#include "process_inside.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>
#include <utlist.h>

/* No secrets of theirs are used for what is new. */
static void retire_others(struct supervisor *s, unsigned generation)
{
    struct process *p;
    struct process *next;
    DL_FOREACH_SAFE(s->processes.list, p, next) {
        if (p->tool != TOOL_SECRETS || p->generation == generation) {
            continue;
        }
        p->wanted = false;
        keying_worker_old(&s->keying, p->worker);
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
}

static void release(struct supervisor *s)
{
    struct processes *all = &s->processes;
    if (all->listen_client != 0) {
        s->keying.hooks.release(s->keying.hooks.context, all->listen_client);
        all->listen_client = 0;
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
    make_room(s);
    all->generation++;
    all->said_read = false;
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
    if (all->in_use == all->generation) {
        return false;
    }
    DL_FOREACH(all->list, p) {
        if (p->tool == TOOL_SECRETS && p->generation == all->generation) {
            if (!p->loaded) {
                return false;
            }
            any = any || p->channel != NULL;
        }
    }
    if (question_turn(s)) {
        return false;
    }
    if (!any) {
        keep_older(s);
        return false;
    }
    use_newest(s);
    release(s);
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

static void say_read(struct process *p, unsigned long long entries, unsigned long long errors)
{
    struct supervisor *s = p->s;
    unsigned locked = question_count(p);
    char text[200];
    char waiting[80] = "";
    if (locked > 0) {
        (void)snprintf(waiting, sizeof waiting, "; %u key file%s for %s passphrase%s", locked,
                       locked == 1 ? " waits" : "s wait", locked == 1 ? "its" : "their", locked == 1 ? "" : "s");
    }
    (void)snprintf(text, sizeof text, "secrets read: %llu entr%s, %llu error%s%s", entries, entries == 1 ? "y" : "ies",
                   errors, errors == 1 ? "" : "s", waiting);
    lines_print(&s->lines, LOG_LEVEL_INFO, "%s", text);
    keying_say(&s->keying, s->processes.listen_client, errors == 0 ? REPLY_LOG : REPLY_SERIOUS, "%s%s", text,
               errors == 0 ? "" : ": see the log");
}

static void loaded(struct process *p, const struct record *r)
{
    struct processes *all = &p->s->processes;
    p->loaded = true;
    if (p->generation == all->generation && !all->said_read) { /* all of a generation read the same */
        all->said_read = true;
        say_read(p, record_number(r, K_ENTRIES), record_number(r, K_ERRORS));
    }
    if (p->generation == all->in_use) { /* it was begun again */
        keying_worker_ready(&p->s->keying, p->worker, p->lacks ? WORKER_LACKS : WORKER_READY);
    }
}

/* Is it about what it reads, or opens? */
bool process_is_of_secrets(const struct process *p, const struct record *r)
{
    return r->verb == V_LOADED || r->verb == V_LOCKED || r->re == V_PASSPHRASE
           || (r->verb == V_LOG && !p->loaded && !p->speaks);
}

bool process_secrets_record(struct process *p, const struct record *r, const char **why)
{
    if (r->verb == V_LOADED) {
        loaded(p, r);
    } else if (r->verb == V_LOCKED) {
        *why = question_locked(p, record_text(r, K_FILE));
        return *why == NULL;
    } else if (r->re == V_PASSPHRASE) {
        *why = "answers what was not asked";
        return question_tried(p, r);
    }
    return true; /* a line about its file, which another one says too */
}
