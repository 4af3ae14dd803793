#include "process_inside.h"

#include "reply.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#define HAND_TIME 20.  /* seconds for the answer of one that may be trying a passphrase itself */
#define TRY_TIME 120.  /* seconds for a try, of a second or so (secrets/rsa_pem.h), on any machine */

/* ---- what is handed on ---- */

bool hand_is_socket(int fd)
{
    int domain = 0;
    int type = 0;
    socklen_t len = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX
           && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

/* Whoever has been taken over might say nothing for ever, and so keep the secrets from being used. */
static void on_slow(struct ev_loop *loop, ev_timer *w, int events)
{
    struct process *p = w->data;
    (void)loop;
    (void)events;
    process_trouble(p, "has not said within %.0f s whether a passphrase is right: it is ended, and begun again", TRY_TIME);
    process_kill(p);
}

uint64_t hand_pass(struct process *p, int fd, const char *file)
{
    struct record_writer w;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
        return 0;
    }
    uint64_t id = ++p->s->processes.passphrases;
    record_start(&w, channel_out(p->channel), V_PASSPHRASE);
    record_put_number(&w, K_ID, id);
    record_put_text(&w, K_FILE, file);
    if (!record_finish(&w)) {
        close(own);
        return 0;
    }
    channel_attach(p->channel, own);
    ev_timer_stop(p->s->loop, &p->hand.slow);
    ev_timer_init(&p->hand.slow, on_slow, TRY_TIME, 0.);
    p->hand.slow.data = p;
    ev_timer_start(p->s->loop, &p->hand.slow);
    return id;
}

void hand_answer_came(struct process *p)
{
    if (p->asked == 0 && p->hand.attempt == 0) {
        ev_timer_stop(p->s->loop, &p->hand.slow);
    }
}

/* ---- the files of a worker ---- */

static bool is_worker(const struct process *p)
{
    return p->tool == TOOL_SECRETS && p->channel != NULL && p->loaded;
}

static void no_longer_at_hand(struct process *p, const struct locked_file *f)
{
    p->hand.left -= f->stuck ? 0 : 1;
    p->hand.file = p->hand.file == f ? NULL : p->hand.file;
}

void hand_drop(struct process *p, struct locked_file *f)
{
    no_longer_at_hand(p, f);
    locked_drop(&p->locked, f);
}

void hand_opened(struct process *p, struct locked_file *f)
{
    struct process *q;
    no_longer_at_hand(p, f);
    locked_move(&p->locked, &p->opened, f);
    DL_FOREACH(p->s->processes.list, q) {
        struct locked_file *other = locked_find(q->locked, f->name);
        if (other != NULL) {
            q->hand.left += other->stuck ? 1 : 0;
            other->stuck = false;
            other->below = UINT32_MAX; /* p may have a higher number than those that were asked last */
        }
    }
}

/* Those that it was asked by need not wait for it any longer. */
static void release_askers(const struct process *q)
{
    struct process *p;
    DL_FOREACH(q->s->processes.list, p) {
        if (p->hand.request != 0 && p->hand.from == q->worker) {
            ev_timer_stop(p->s->loop, &p->hand.late);
            p->hand.request = 0;
            p->hand.file = NULL;
        }
    }
}

void hand_forget(struct process *p)
{
    release_askers(p);
    ev_timer_stop(p->s->loop, &p->hand.late);
    ev_timer_stop(p->s->loop, &p->hand.slow);
    while (p->locked != NULL) {
        locked_drop(&p->locked, p->locked);
    }
    while (p->opened != NULL) {
        locked_drop(&p->opened, p->opened);
    }
    p->hand = (struct hand){ .left = 0 };
}

/* ---- the search ---- */

/* The newest worker that has opened this file and was not asked yet. */
static struct process *next_holder(const struct process *p, const struct locked_file *f)
{
    struct process *q;
    struct process *best = NULL;
    DL_FOREACH(p->s->processes.list, q) {
        if (q != p && is_worker(q) && !q->deaf && !q->hand.silent && q->worker < f->below
            && (best == NULL || q->worker > best->worker) && locked_find(q->opened, f->name) != NULL) {
            best = q;
        }
    }
    return best;
}

/* For the next file the wait would be as long, and there may be hundreds: it is asked for none, before it has answered. */
static void pass_by(struct process *q)
{
    q->hand.silent = true;
    q->hand.silences++;
    release_askers(q);
}

static void on_late(struct ev_loop *loop, ev_timer *w, int events)
{
    struct process *p = w->data;
    struct process *q;
    (void)loop;
    (void)events;
    lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "secrets %u does not answer whether it has the passphrase of an RSA key "
                "file: others are asked", p->hand.from);
    DL_FOREACH(p->s->processes.list, q) {
        if (q->tool == TOOL_SECRETS && q->worker == p->hand.from) {
            pass_by(q);
            break;
        }
    }
}

static bool ask(struct process *p, struct locked_file *f, struct process *q)
{
    struct record_writer w;
    uint64_t id = ++p->s->processes.passphrases;
    f->below = q->worker;
    record_start(&w, channel_out(q->channel), V_HAND_ON);
    record_put_number(&w, K_ID, id);
    record_put_text(&w, K_FILE, f->name);
    if (!record_finish(&w)) {
        return false;
    }
    q->hand.owed++;
    p->hand.file = f;
    p->hand.request = id;
    p->hand.from = q->worker;
    ev_timer_init(&p->hand.late, on_late, HAND_TIME, 0.);
    p->hand.late.data = p;
    ev_timer_start(p->s->loop, &p->hand.late);
    return true;
}

/* Somebody is asked for it, or nobody is left. */
static bool look_for(struct process *p, struct locked_file *f)
{
    while (f->tries < HAND_TRIES) {
        struct process *q = next_holder(p, f);
        if (q == NULL) {
            break;
        }
        if (ask(p, f, q)) {
            return true;
        }
    }
    f->stuck = true;
    p->hand.left--;
    return false;
}

/* It was begun again, its secrets are in use: what it could not have is said, and it works. */
static void go_to_work(struct process *p)
{
    char name[48];
    process_label(p, name);
    if (p->hand.got > 0) {
        lines_print(&p->s->lines, LOG_LEVEL_INFO, "%s was begun again; the passphrases of %u RSA key file%s (%%prompt) were "
                    "handed on to it by another one", name, p->hand.got, p->hand.got == 1 ? "" : "s");
    }
    while (p->locked != NULL) {
        keying_announce(&p->s->keying, LOG_LEVEL_SERIOUS, p->s->processes.listen_client,
                        "%s was begun again, without the key of %s: whack --listen, at a terminal, asks for its passphrase",
                        name, p->locked->name);
        p->lacks = true;
        hand_drop(p, p->locked);
    }
    p->hand.begins = false;
    keying_worker_ready(&p->s->keying, p->worker, p->lacks ? WORKER_LACKS : WORKER_READY);
}

static void look(struct process *p)
{
    struct locked_file *f;
    if (p->hand.request != 0 || p->hand.attempt != 0) {
        return;
    }
    for (f = p->locked; f != NULL; f = f->hh.next) {
        if (!f->stuck && look_for(p, f)) {
            return;
        }
    }
    if (p->hand.begins) {
        go_to_work(p);
    }
}

void hand_turn(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (is_worker(p) && p->wanted && (p->hand.left > 0 || p->hand.begins)) {
            look(p);
        }
    }
}

/* ---- what comes of it ---- */

static struct process *who_asked(const struct supervisor *s, uint64_t id, uint32_t worker)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (id != 0 && p->hand.request == id && p->hand.from == worker) {
            break;
        }
    }
    return p;
}

static bool was_tried(const struct locked_file *f, ino_t socket)
{
    for (unsigned i = 0; i < f->tries; i++) {
        if (f->tried[i] == socket) {
            return true;
        }
    }
    return false;
}

/* q has it no more, as far as we are concerned. */
static void strike(struct process *q, const char *file)
{
    struct locked_file *f = locked_find(q->opened, file);
    if (f != NULL) {
        locked_drop(&q->opened, f);
    }
}

static void try_socket(struct process *p, struct process *q, int fd)
{
    struct locked_file *f = p->hand.file;
    struct stat st;
    if (!hand_is_socket(fd) || fstat(fd, &st) != 0) {
        process_trouble(q, "handed on what is no socket with the passphrase of the RSA key file %s", f->name);
        strike(q, f->name);
    } else if (!was_tried(f, st.st_ino)) {
        f->tried[f->tries++] = st.st_ino;
        p->hand.attempt = hand_pass(p, fd, f->name);
    }
}

const char *hand_answered(struct process *q, const struct record *r, int fd)
{
    struct process *p = who_asked(q->s, record_number(r, K_ID), q->worker);
    const char *why = q->hand.owed == 0 ? "answers what was not asked" : NULL;
    if (why == NULL) {
        q->hand.owed--;
        q->hand.silent = q->hand.silences >= HAND_SILENCES;
    }
    if (why == NULL && p != NULL) { /* else whoever asked has ended, or asks others by now */
        p->hand.request = 0;
        ev_timer_stop(p->s->loop, &p->hand.late);
        if (p->hand.file != NULL && r->verb == V_OK) {
            try_socket(p, q, fd);
        } else if (p->hand.file != NULL) {
            strike(q, p->hand.file->name);
        }
        p->hand.file = p->hand.attempt != 0 ? p->hand.file : NULL;
    }
    if (fd >= 0) {
        close(fd);
    }
    return why;
}

/* The first of a generation that is being read says so. */
static void say_open(struct process *p, const char *file, const char *odd)
{
    struct supervisor *s = p->s;
    const struct process *q;
    if (p->generation == s->processes.in_use) {
        return;
    }
    DL_FOREACH(s->processes.list, q) {
        if (q != p && q->tool == TOOL_SECRETS && q->generation == p->generation && locked_find(q->opened, file) != NULL) {
            return;
        }
    }
    keying_announce(&s->keying, LOG_LEVEL_INFO, s->processes.listen_client,
                    "the RSA key file %s is open, by the passphrase that was typed before", file);
    if (odd != NULL) {
        keying_announce(&s->keying, LOG_LEVEL_SERIOUS, s->processes.listen_client, "the RSA key file %s: %s",
                        file, odd);
    }
}

bool hand_tried(struct process *p, const struct record *r)
{
    struct locked_file *f = p->hand.file;
    if (p->hand.attempt == 0 || p->hand.attempt != record_number(r, K_ID)) {
        return false;
    }
    p->hand.attempt = 0;
    p->hand.file = NULL;
    hand_answer_came(p);
    if (f != NULL && r->verb == V_OK) {
        p->hand.got++;
        say_open(p, f->name, record_has(r, K_TEXT) ? record_text(r, K_TEXT) : NULL);
        hand_opened(p, f);
    }
    return true;
}
