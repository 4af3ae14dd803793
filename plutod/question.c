#include "question.h"

#include "process_inside.h"

#include "bounds.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define GRACE 10.           /* seconds for whack, beyond those of whom it asks */
#define LOOK 1.             /* seconds between two looks whether whack is there */

/* ---- which files wait ---- */

/* Those of an older generation are not asked for any more. */
static bool takes_part(const struct process *p)
{
    return p->tool == TOOL_SECRETS && p->generation == p->s->processes.generation;
}

const char *question_locked(struct process *p, const char *file)
{
    if (p->loaded) {
        return "locked: came after loaded";
    }
    if (question_count(p) == LOCKED_MAX) {
        return "locked: too many files";
    }
    if (locked_find(p->locked, file) != NULL) {
        return NULL;
    }
    if (locked_add(&p->locked, file)) {
        p->hand.left++;
    } else {
        p->lacks = true; /* no memory */
    }
    return NULL;
}

unsigned question_count(const struct process *p)
{
    return locked_count(p->locked);
}

void question_forget(struct process *p)
{
    hand_forget(p);
    p->asked = 0;
}

/* The first that somebody waits for; NULL: nobody does. */
static const char *next_file(const struct supervisor *s)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (takes_part(p) && p->locked != NULL) {
            return p->locked->name;
        }
    }
    return NULL;
}

static bool waits(const struct supervisor *s, const char *file)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (takes_part(p) && locked_find(p->locked, file) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- the question ---- */

uint64_t question_before_first(uint32_t epoch)
{
    return (uint64_t)epoch << 16; /* sixteenths of a second: in none of them 65,536 questions are asked */
}

bool question_view(const struct supervisor *s, struct question_view *view)
{
    const struct question *q = &s->processes.question;
    if (q->open) {
        *view = (struct question_view){ .number = q->number, .file = q->file, .wrong = q->wrong,
                                        .since = (uint64_t)(ev_now(s->loop) - q->since) };
    }
    return q->open;
}

static void close_question(struct supervisor *s)
{
    struct question *q = &s->processes.question;
    q->open = false;
    ev_timer_stop(s->loop, &q->look);
}

/* It is loaded without this key. The name may be that of a list that goes. */
static void leave(struct supervisor *s, const char *file, const char *why)
{
    struct process *p;
    keying_announce(&s->keying, LOG_LEVEL_SERIOUS, s->processes.listen_client,
                    "the RSA key file %s is not used: %s; whack --listen, at a terminal, asks again", file, why);
    char *name = strdup(file);
    DL_FOREACH(s->processes.list, p) {
        struct locked_file *f = !takes_part(p) ? NULL : name != NULL ? locked_find(p->locked, name) : p->locked;
        if (f != NULL) {
            p->lacks = true;
            hand_drop(p, f);
        }
    }
    free(name);
}

static void leave_all(struct supervisor *s, const char *why)
{
    close_question(s);
    for (const char *file = next_file(s); file != NULL; file = next_file(s)) {
        leave(s, file, why);
    }
}

static void on_look(struct ev_loop *loop, ev_timer *w, int events)
{
    struct supervisor *s = w->data;
    const struct question *q = &s->processes.question;
    char why[80];
    (void)events;
    if (!whack_is_there(s, s->processes.listen_client)) {
        leave_all(s, "the whack that was asked has gone");
    } else if (ev_now(loop) >= q->until) {
        (void)snprintf(why, sizeof why, "no passphrase came within %u s", PASSPHRASE_TIME);
        leave_all(s, why);
    }
}

/* Did a worker try what was handed on? */
static bool was_tried(const struct supervisor *s, const char *file)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        const struct locked_file *f = takes_part(p) ? locked_find(p->locked, file) : NULL;
        if (f != NULL && f->tries > 0) {
            return true;
        }
    }
    return false;
}

static void ask(struct supervisor *s, const char *file)
{
    struct question *q = &s->processes.question;
    if (q->file == NULL || strcmp(q->file, file) != 0) {
        free(q->file);
        q->file = strdup(file);
        q->wrong = 0;
        if (was_tried(s, file)) {
            keying_announce(&s->keying, LOG_LEVEL_SERIOUS, s->processes.listen_client,
                            "the RSA key file %s: the passphrase that was typed before does not open it", file);
        }
    }
    if (q->file == NULL) {
        leave(s, file, "no memory to ask for its passphrase");
        return;
    }
    q->number++;
    q->open = true;
    q->since = ev_now(s->loop);
    q->until = q->since + PASSPHRASE_TIME + GRACE;
    ev_timer_init(&q->look, on_look, LOOK, LOOK);
    q->look.data = s;
    ev_timer_start(s->loop, &q->look);
    keying_say(&s->keying, s->processes.listen_client, REPLY_SECRET_WANTED, "question %llu: passphrase of the RSA key "
               "file %s", (unsigned long long)q->number, q->file);
    keying_note(&s->keying, NULL, "question %llu: whack --listen asks for the passphrase of the RSA key file %s",
                (unsigned long long)q->number, q->file);
}

/* ---- the answer ---- */

static void pass_on(struct process *p, int fd)
{
    struct question *q = &p->s->processes.question;
    p->asked = hand_pass(p, fd, q->file);
    if (p->asked == 0) {
        (void)strlcpy(q->why, "plutod has no descriptor or no memory left to pass it on", sizeof q->why);
    }
}

bool question_answer(struct supervisor *s, uint64_t number, int fd, const char *why)
{
    struct question *q = &s->processes.question;
    struct process *p;
    bool good = q->open && q->number == number;
    if (good) {
        close_question(s);
    }
    if (good && why != NULL) {
        leave(s, q->file, why);
    } else if (good) {
        q->tried = true;
        q->opened = 0;
        q->hopeless = false;
        q->why[0] = q->odd[0] = '\0';
        DL_FOREACH(s->processes.list, p) {
            if (takes_part(p) && p->channel != NULL && locked_find(p->locked, q->file) != NULL) {
                pass_on(p, fd);
            }
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

bool question_tried(struct process *p, const struct record *r)
{
    struct question *q = &p->s->processes.question;
    if (p->asked == 0 || p->asked != record_number(r, K_ID)) {
        return hand_tried(p, r);
    }
    p->asked = 0;
    hand_answer_came(p);
    struct locked_file *f = takes_part(p) && q->tried ? locked_find(p->locked, q->file) : NULL;
    if (f == NULL) {
        return true; /* nobody wants to know any more */
    }
    if (r->verb == V_OK) {
        q->opened++;
        hand_opened(p, f);
        (void)strlcpy(q->odd, record_has(r, K_TEXT) ? record_text(r, K_TEXT) : "", sizeof q->odd);
    } else {
        q->hopeless = q->hopeless || record_number(r, K_CODE) != REPLY_SECRET_WANTED;
        (void)strlcpy(q->why, record_text(r, K_WHY), sizeof q->why);
    }
    return true;
}

static bool is_being_tried(const struct supervisor *s)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (takes_part(p) && p->asked != 0) {
            return true;
        }
    }
    return false;
}

/* Those that look whether others have it have a right to the time that it takes. */
static bool others_are_asked(const struct supervisor *s)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (takes_part(p) && p->hand.left > 0) {
            return true;
        }
    }
    return false;
}

/* All workers have answered that will. */
static void conclude(struct supervisor *s)
{
    struct question *q = &s->processes.question;
    q->tried = false;
    bool wait = waits(s, q->file);
    if (!wait && q->opened == 0) {
        leave(s, q->file, "the secrets processes that tried its passphrase have ended");
        return;
    }
    if (!wait || (q->opened > 0 && q->why[0] == '\0')) { /* to those that were begun since it is handed on */
        keying_announce(&s->keying, LOG_LEVEL_INFO, s->processes.listen_client, "the RSA key file %s is open",
                        q->file);
        if (q->odd[0] != '\0') {
            keying_announce(&s->keying, LOG_LEVEL_SERIOUS, s->processes.listen_client, "the RSA key file %s: %s",
                            q->file, q->odd);
        }
        return;
    }
    q->wrong++;
    if (q->why[0] == '\0') {
        (void)strlcpy(q->why, "a secrets process did not answer", sizeof q->why);
    }
    if (q->wrong == PASSPHRASE_TRIES || q->hopeless) {
        leave(s, q->file, q->why);
    } else {
        keying_announce(&s->keying, LOG_LEVEL_SERIOUS, s->processes.listen_client, "the RSA key file %s: %s",
                        q->file, q->why);
    }
}

bool question_turn(struct supervisor *s)
{
    struct question *q = &s->processes.question;
    if (q->tried && !is_being_tried(s)) {
        conclude(s);
    }
    while (!q->open && !q->tried && !others_are_asked(s)) {
        const char *file = next_file(s);
        if (file == NULL) {
            free(q->file); /* who is asked the next time, has tries of his own */
            q->file = NULL;
            return false;
        }
        if (whack_is_there(s, s->processes.listen_client)) {
            ask(s, file);
        } else {
            leave(s, file, "nobody is there who could be asked for its passphrase");
        }
    }
    return true;
}

void question_drop(struct supervisor *s)
{
    struct question *q = &s->processes.question;
    close_question(s);
    q->tried = false;
    free(q->file);
    q->file = NULL;
}
