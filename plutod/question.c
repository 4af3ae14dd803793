#include "question.h"

#include "process_inside.h"

#include "bounds.h"

#include <bsd/string.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define FILES_MAX 1000u     /* of one worker: it reads no more */
#define GRACE 10.           /* seconds for whack, beyond those of whom it asks */
#define LOOK 1.             /* seconds between two looks whether whack is there */

/* For the log, for whack --events, and for the whack that waits. */
static void tell(struct supervisor *s, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void tell(struct supervisor *s, enum log_level level, const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lines_print(&s->lines, level, "%s", text);
    keying_note(&s->keying, NULL, "%s", text);
    keying_say(&s->keying, s->processes.listen_client, level == LOG_LEVEL_INFO ? REPLY_LOG : REPLY_SERIOUS, "%s", text);
}

/* ---- which files wait ---- */

static struct locked_file *find(const struct process *p, const char *file)
{
    struct locked_file *f;
    DL_FOREACH(p->locked, f) {
        if (strcmp(f->name, file) == 0) {
            break;
        }
    }
    return f;
}

/* Those of an older generation are not asked for any more. */
static bool takes_part(const struct process *p)
{
    return p->tool == TOOL_SECRETS && p->generation == p->s->processes.generation;
}

static void drop_file(struct process *p, struct locked_file *f)
{
    if (f != NULL) {
        DL_DELETE(p->locked, f);
        free(f);
    }
}

const char *question_locked(struct process *p, const char *file)
{
    if (p->loaded) {
        return "locked: came after loaded";
    }
    if (p->generation == p->s->processes.in_use) { /* who was asked has his answer, and has gone */
        char name[48];
        process_label(p, name);
        tell(p->s, LOG_LEVEL_SERIOUS, "%s was begun again, without the key of %s: whack --listen, at a terminal, asks for "
             "its passphrase", name, file);
        p->lacks = true;
        return NULL;
    }
    if (question_count(p) == FILES_MAX) {
        return "locked: too many files";
    }
    size_t size = strlen(file) + 1;
    struct locked_file *f = find(p, file) != NULL ? NULL : malloc(sizeof *f + size);
    if (f != NULL) {
        memcpy(f->name, file, size);
        DL_APPEND(p->locked, f);
    } else {
        p->lacks = p->lacks || find(p, file) == NULL; /* no memory */
    }
    return NULL;
}

unsigned question_count(const struct process *p)
{
    const struct locked_file *f;
    unsigned count = 0;
    DL_FOREACH(p->locked, f) {
        count++;
    }
    return count;
}

void question_forget(struct process *p)
{
    while (p->locked != NULL) {
        drop_file(p, p->locked);
    }
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
        if (takes_part(p) && find(p, file) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- the question ---- */

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
    tell(s, LOG_LEVEL_SERIOUS, "the RSA key file %s is not used: %s; whack --listen, at a terminal, asks again", file, why);
    char *name = strdup(file);
    DL_FOREACH(s->processes.list, p) {
        struct locked_file *f = !takes_part(p) ? NULL : name != NULL ? find(p, name) : p->locked;
        p->lacks = p->lacks || f != NULL;
        drop_file(p, f);
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

static void ask(struct supervisor *s, const char *file)
{
    struct question *q = &s->processes.question;
    if (q->file == NULL || strcmp(q->file, file) != 0) {
        free(q->file);
        q->file = strdup(file);
        q->wrong = 0;
    }
    if (q->file == NULL) {
        leave(s, file, "no memory to ask for its passphrase");
        return;
    }
    q->number++;
    q->open = true;
    q->until = ev_now(s->loop) + PASSPHRASE_TIME + GRACE;
    ev_timer_init(&q->look, on_look, LOOK, LOOK);
    q->look.data = s;
    ev_timer_start(s->loop, &q->look);
    keying_say(&s->keying, s->processes.listen_client, REPLY_SECRET_WANTED, "question %llu: passphrase of the RSA key "
               "file %s", (unsigned long long)q->number, q->file);
}

/* ---- the answer ---- */

static void pass_on(struct process *p, int fd)
{
    struct question *q = &p->s->processes.question;
    struct record_writer w;
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (own < 0) {
        (void)strlcpy(q->why, "plutod has no descriptor left to pass it on", sizeof q->why);
        return;
    }
    record_start(&w, channel_out(p->channel), V_PASSPHRASE);
    record_put_number(&w, K_ID, q->number);
    record_put_text(&w, K_FILE, q->file);
    if (record_finish(&w)) {
        channel_attach(p->channel, own);
        p->asked = q->number;
    } else {
        close(own);
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
            if (takes_part(p) && p->channel != NULL && find(p, q->file) != NULL) {
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
        return false;
    }
    bool current = takes_part(p) && p->asked == q->number;
    p->asked = 0;
    if (!current) {
        return true;
    }
    if (r->verb == V_OK) {
        q->opened++;
        drop_file(p, find(p, q->file));
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

/* All workers have answered that will. */
static void conclude(struct supervisor *s)
{
    struct question *q = &s->processes.question;
    q->tried = false;
    if (!waits(s, q->file) && q->opened == 0) {
        leave(s, q->file, "the secrets processes that tried its passphrase have ended");
        return;
    }
    if (!waits(s, q->file)) {
        tell(s, LOG_LEVEL_INFO, "the RSA key file %s is open", q->file);
        if (q->odd[0] != '\0') {
            tell(s, LOG_LEVEL_SERIOUS, "the RSA key file %s: %s", q->file, q->odd);
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
        tell(s, LOG_LEVEL_SERIOUS, "the RSA key file %s: %s", q->file, q->why);
    }
}

bool question_turn(struct supervisor *s)
{
    struct question *q = &s->processes.question;
    if (q->tried && !is_being_tried(s)) {
        conclude(s);
    }
    while (!q->open && !q->tried) {
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
