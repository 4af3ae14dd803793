/* The workers of secrets: generations of them, one for each reading of the file. */
#include "process_inside.h"

#include <unistd.h>
#include <utlist.h>

static void retire(struct supervisor *s)
{
    struct process *p;
    struct process *next;
    unsigned oldest = s->processes.generation;
    unsigned count = 0;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_SECRETS) {
            p->wanted = false;
            count++;
            oldest = p->generation < oldest ? p->generation : oldest;
        }
    }
    keying_workers_old(&s->keying);
    DL_FOREACH_SAFE(s->processes.list, p, next) {
        if (p->tool != TOOL_SECRETS) {
            continue;
        }
        if (p->pid == 0) {
            process_forget(p); /* was waiting to be begun again */
        } else if (count > WORKERS_MAX / 2 && p->generation == oldest) {
            lines_print(&s->lines, LOG_LEVEL_SERIOUS, "too many generations of secrets: the oldest "
                        "ends, and its ISAKMP SAs with it");
            process_close(p);
        }
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
    retire(s);
    all->generation++;
    if (client != 0) {
        if (all->listen_client != 0) {
            s->keying.hooks.release(s->keying.hooks.context, all->listen_client);
        }
        all->listen_client = client;
        all->listen_told = false;
        s->keying.hooks.hold(s->keying.hooks.context, client);
    }
    for (unsigned i = 0; i < count; i++) {
        struct process *p = process_new(s, TOOL_SECRETS, all->generation);
        if (p != NULL) {
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

bool process_secrets_turn(struct supervisor *s)
{
    struct process *p;
    if (s->processes.listen_client == 0) {
        return false;
    }
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_SECRETS && p->generation == s->processes.generation && !p->loaded) {
            return false;
        }
    }
    s->keying.hooks.release(s->keying.hooks.context, s->processes.listen_client);
    s->processes.listen_client = 0;
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

void process_loaded(struct process *p, const struct record *r)
{
    struct supervisor *s = p->s;
    unsigned long long entries = record_number(r, K_ENTRIES);
    unsigned long long errors = record_number(r, K_ERRORS);
    bool first = true;
    struct process *q;
    DL_FOREACH(s->processes.list, q) {
        first = first && !(q->generation == p->generation && q->loaded);
    }
    p->loaded = true;
    if (first) { /* all of a generation read the same */
        lines_print(&s->lines, LOG_LEVEL_INFO, "secrets read: %llu entries, %llu errors", entries,
                    errors);
        keying_say(&s->keying, s->processes.listen_client, errors == 0 ? REPLY_LOG : REPLY_SERIOUS,
                   "secrets read: %llu entries, %llu errors%s", entries, errors,
                   errors == 0 ? "" : ": see the log");
    }
}
