#include "supervisor.h"

#include "ends.h"
#include "sibling.h"

#include <bsd/string.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define STOP_TIME 15.       /* seconds beyond --updown-timeout */
#define READY_TIME 5        /* seconds that a service manager may take to hear of it */

void supervisor_clock(struct supervisor *s)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    s->keying.now = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    s->keying.wall = time(NULL);
}

/* ---- what the core asks for ---- */

static void hook_log(void *context, enum log_level level, const struct address *peer,
                     const char *prefix, const char *text)
{
    struct supervisor *s = context;
    lines_add(&s->lines, level, peer, prefix, text);
}

static void hook_say(void *context, uint64_t client, const char *line)
{
    whack_say(context, client, line);
}

static void hook_hold(void *context, uint64_t client)
{
    whack_hold(context, client);
}

static void hook_release(void *context, uint64_t client)
{
    whack_release(context, client);
}

static bool hook_is_there(void *context, uint64_t client)
{
    return whack_is_there(context, client);
}

static void hook_script(void *context, struct script_job *job)
{
    runner_add(context, job);
}

static void hook_idle(void *context, uint32_t worker)
{
    process_idle(context, worker);
}

static void hook_need_dnskey(void *context)
{
    process_need_dnskey(context);
}

static void hook_end_dnskey(void *context, const char *why)
{
    process_end_dnskey(context, why);
}

static void hook_json(void *context, uint64_t client, const char *text)
{
    whack_json(context, client, text);
}

static bool hook_question(void *context, struct question_view *view)
{
    return question_view(context, view);
}

static bool hook_process(void *context, unsigned place, struct process_view *view)
{
    const struct supervisor *s = context;
    if (place > 0) {
        return process_view(s, place - 1, view);
    }
    *view = (struct process_view){ .tool = schema_tool_name(TOOL_PLUTOD), .current = true,
                                   .pid = (int)getpid(), .since = (s->keying.now - s->begun) / 1000 };
    return true;
}

/* ---- what the service manager is told [P10] ---- */

static void tell_manager(struct supervisor *s, const char *text, unsigned seconds)
{
    int error = notify_send(s->notify, text, seconds);
    if (error != 0) {
        lines_print(&s->lines, LOG_LEVEL_INFO, "NOTIFY_SOCKET: the service manager was not told %.*s: %s",
                    (int)strcspn(text, "\n"), text, strerror(error));
    }
}

void supervisor_ready(struct supervisor *s)
{
    tell_manager(s, "READY=1\nSTATUS=waits for whack --listen", READY_TIME);
}

void supervisor_tell_where_we_listen(struct supervisor *s)
{
    char text[80];
    size_t n = s->listener.count;
    snprintf(text, sizeof text, "STATUS=listening on %zu address%s", n, n == 1 ? "" : "es");
    tell_manager(s, text, 0);
}

/* ---- whack's forms ---- */

void supervisor_listen(struct supervisor *s, uint64_t client)
{
    if (s->stopping) {
        keying_say(&s->keying, client, REPLY_NOT_LISTENING, "plutod is shutting down");
        return;
    }
    bool good = listen_discover(s, client);
    supervisor_tell_where_we_listen(s);
    const char *deaf = keying_deaf(&s->keying);
    const char *text = deaf == NULL ? "listening for IKE messages"
                       : good ? "not listening for IKE messages yet: there is no address for it"
                              : "not listening for IKE messages: no address could be listened on";
    lines_print(&s->lines, good ? LOG_LEVEL_INFO : LOG_LEVEL_SERIOUS, "%s", text);
    keying_note(&s->keying, NULL, "whack --listen: %s", text);
    keying_say(&s->keying, client, good ? REPLY_LOG : REPLY_NOT_LISTENING, "%s", text);
    process_new_secrets(s, client);
}

void supervisor_unlisten(struct supervisor *s, uint64_t client)
{
    listen_close_all(s);
    keying_unlisten(&s->keying);
    tell_manager(s, "STATUS=not listening (whack --unlisten)", 0);
    lines_print(&s->lines, LOG_LEVEL_INFO, "no longer listening for IKE messages");
    keying_note(&s->keying, NULL, "whack --unlisten: no longer listening for IKE messages");
    keying_say(&s->keying, client, REPLY_LOG, "no longer listening for IKE messages");
}

bool supervisor_asks(const struct supervisor *s)
{
    return s->processes.question.open;
}

bool supervisor_answer(struct supervisor *s, uint64_t question, int fd, const char *why)
{
    if (why == NULL && (fd < 0 || !hand_is_socket(fd))) {
        why = "whack sent no socket with its passphrase";
    }
    return question_answer(s, question, fd, why);
}

static void on_last(struct ev_loop *loop, ev_timer *w, int events)
{
    struct supervisor *s = w->data;
    (void)loop;
    (void)events;
    lines_print(&s->lines, LOG_LEVEL_SERIOUS, "shutting down takes too long: leaving at once");
    ev_break(s->loop, EVBREAK_ALL);
}

void supervisor_stop(struct supervisor *s, bool leave)
{
    if (s->stopping) {
        return;
    }
    s->stopping = true;
    supervisor_clock(s);
    lines_print(&s->lines, LOG_LEVEL_INFO, leave ? "shutting down; SAs, policies and routes stay"
                                                 : "shutting down");
    tell_manager(s, leave ? "STOPPING=1\nSTATUS=leaves SAs, policies and routes to the next one"
                          : "STOPPING=1\nSTATUS=tells peers, removes SAs, policies and routes", 0);
    ev_timer_init(&s->last, on_last, s->setup->updown_timeout + STOP_TIME, 0.);
    s->last.data = s;
    ev_timer_start(s->loop, &s->last);
    (leave ? keying_leave : keying_stop)(&s->keying);
}

static void on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
    struct supervisor *s = w->data;
    (void)loop;
    (void)events;
    if (w->signum == SIGHUP) {
        lines_print(&s->lines, LOG_LEVEL_INFO, "SIGHUP is ignored: perhaps whack --listen is what "
                    "was wanted (it rereads the secrets and finds new interfaces)");
        return;
    }
    if (s->stopping) {
        ev_break(s->loop, EVBREAK_ALL); /* a second time: at once */
        return;
    }
    supervisor_stop(s, false);
}

/* ---- the turn of the loop ---- */

static void on_alarm(struct ev_loop *loop, ev_timer *w, int events)
{
    struct supervisor *s = w->data;
    (void)loop;
    (void)events;
    supervisor_clock(s);
    keying_tick(&s->keying);
}

static void set_alarm(struct supervisor *s)
{
    uint64_t next = agenda_next(&s->keying.agenda);
    ev_timer_stop(s->loop, &s->alarm);
    if (next == UINT64_MAX) {
        return;
    }
    supervisor_clock(s);
    double wait = next > s->keying.now ? (double)(next - s->keying.now) / 1000. : 0.;
    ev_now_update(s->loop);
    ev_timer_set(&s->alarm, wait, 0.);
    ev_timer_start(s->loop, &s->alarm);
}

/* Shutting down: when peers and kernel have been told, the tools go, then we. */
static void go_on_stopping(struct supervisor *s)
{
    if (!s->ended && keying_stopped(&s->keying) && !process_unsent(s)) {
        s->ended = true;
        process_end_all(s);
    }
    if (s->ended && !process_any(s)) {
        ev_break(s->loop, EVBREAK_ALL);
    }
}

static void on_log(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)w;
    (void)events; /* the turn's end writes */
}

/* What the reader of the log does not take is waited for beside all else. */
static void flush_lines(struct supervisor *s)
{
    lines_flush(&s->lines);
    int fd = lines_fd(&s->lines);
    ev_io_stop(s->loop, &s->log); /* the number may be another socket's by now */
    if (fd >= 0) {
        ev_io_set(&s->log, fd, EV_WRITE);
        ev_io_start(s->loop, &s->log);
    }
}

/*
 * Everything that can go on goes on before anything is written; one thing may set another free, but
 * not without end.
 */
static void on_turn(struct ev_loop *loop, ev_prepare *w, int events)
{
    struct supervisor *s = w->data;
    (void)loop;
    (void)events;
    supervisor_clock(s);
    for (bool moved = true; moved;) {
        moved = process_turn(s);
        moved = runner_turn(s) || moved;
        moved = whack_turn(s) || moved;
    }
    process_flush(s);
    if (s->stopping) {
        go_on_stopping(s);
    }
    set_alarm(s);
    flush_lines(s);
}

/* ---- beginning and end ---- */

/* The script of the installation or of the build tree: not executable for others to replace. */
static void find_updown(struct supervisor *s)
{
    const char *why = sibling_path(s->updown, sizeof s->updown, "updown");
    if (why != NULL) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "the default updown script: %s: %s", s->updown,
                    why);
    }
}

/*
 * Another one than that of the plutod before, whose exchanges may still be in the kernel: sixteenths of
 * a second; it comes round after eight years.
 */
static uint32_t new_epoch(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 16 + (uint64_t)now.tv_nsec / 62500000);
}

static void start_signal(struct supervisor *s, ev_signal *w, int number)
{
    ev_signal_init(w, on_signal, number);
    w->data = s;
    ev_signal_start(s->loop, w);
}

bool supervisor_init(struct supervisor *s, const struct setup *setup, struct lock *lock,
                     const struct notify *notify)
{
    memset(s, 0, sizeof *s);
    s->setup = setup;
    s->lock = lock;
    s->notify = notify;
    lines_init(&s->lines, setup->stderrlog ? STDERR_FILENO : -1, LINES_SYSLOG);
    if (setup->perpeerlog) {
        lines_peers(&s->lines, setup->perpeerlogbase);
    }
    /* Three scripts end for each tunnel: without a handler, which would interrupt us and ring a bell each time. */
    s->loop = ev_default_loop(EVFLAG_SIGNALFD);
    if (s->loop == NULL) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "no event loop");
        return false;
    }
    find_updown(s);
    listen_only(setup, s->only_interfaces, sizeof s->only_interfaces);
    const struct keying_settings settings = {
        .epoch = new_epoch(), .started = time(NULL), .ikeport = setup->ikeport, .uniqueids = setup->uniqueids,
        .peer_files = setup->perpeerlog,
        .myid = setup->has_myid ? &setup->myid : NULL, .updown = s->updown,
        .interfaces = s->only_interfaces
    };
    const struct keying_hooks hooks = {
        .context = s, .log = hook_log, .say = hook_say, .hold = hook_hold,
        .release = hook_release, .is_there = hook_is_there, .script = hook_script, .idle = hook_idle,
        .need_dnskey = hook_need_dnskey, .end_dnskey = hook_end_dnskey, .json = hook_json, .process = hook_process,
        .question = hook_question
    };
    keying_init(&s->keying, &settings, &hooks);
    s->processes.question.number = question_before_first(settings.epoch);
    s->keying.classes = setup->classes;
    supervisor_clock(s);
    s->begun = s->keying.now;
    start_signal(s, &s->hup, SIGHUP);
    start_signal(s, &s->term, SIGTERM);
    start_signal(s, &s->intr, SIGINT);
    ev_init(&s->log, on_log);
    ev_init(&s->alarm, on_alarm);
    s->alarm.data = s;
    ev_prepare_init(&s->turn, on_turn);
    s->turn.data = s;
    ev_prepare_start(s->loop, &s->turn);
    if (!process_begin(s)) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "not every tool could be started (see above)");
    }
    listen_watch(s);
    whack_init(s, lock->ctl_fd);
    return true;
}

void supervisor_free(struct supervisor *s)
{
    process_free(s);
    runner_free(s);
    listen_free(s);
    keying_free(&s->keying);
    whack_free(s);
    ev_prepare_stop(s->loop, &s->turn);
    ev_timer_stop(s->loop, &s->alarm);
    ev_timer_stop(s->loop, &s->last);
    ev_io_stop(s->loop, &s->log);
    lines_free(&s->lines);
    ev_loop_destroy(s->loop);
}
