#include "supervisor.h"

#include "sibling.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#define CONTROL_FD 3
#define SOON 5.0            /* seconds: a life shorter than this counts as a quick death */
#define PAUSE_MAX 30.0

static const char *const names[] = {
    [TOOL_PLUTOD] = "plutod", [TOOL_IKE_NEGOTIATE] = "ike-negotiate", [TOOL_SECRETS] = "secrets",
    [TOOL_KERNEL_SA] = "kernel-sa", [TOOL_DNSKEY] = "dnskey", [TOOL_WHACK] = "whack"
};

static void label(const struct process *p, char out[48])
{
    if (p->tool == TOOL_SECRETS) {
        snprintf(out, 48, "%s %u", names[p->tool], p->worker);
    } else {
        snprintf(out, 48, "%s", names[p->tool]);
    }
}

static unsigned from_of(enum tool tool)
{
    return tool == TOOL_IKE_NEGOTIATE ? N_P : tool == TOOL_SECRETS ? S_P : K_P;
}

/* ---- fork and exec ---- */

#define ARGUMENTS_MAX 10

static void fill_arguments(const struct process *p, char *path, char worker[16],
                           char *argv[ARGUMENTS_MAX])
{
    static char control[] = "--control-fd", three[] = "3", number[] = "--worker", file[] = "--file",
                insecure[] = "--insecure-secretsfile";
    size_t n = 0;
    argv[n++] = path;
    argv[n++] = control;
    argv[n++] = three;
    if (p->tool == TOOL_SECRETS) {
        snprintf(worker, 16, "%u", p->worker);
        argv[n++] = number;
        argv[n++] = worker;
        argv[n++] = file;
        argv[n++] = (char *)(uintptr_t)p->s->setup->secretsfile;
        if (p->s->setup->insecure_secretsfile) {
            argv[n++] = insecure;
        }
    }
    argv[n] = NULL;
}

/* In the child: only descriptors 0-3, default signals, a session of its own, a bare environment. */
static _Noreturn void become(char *path, char **argv, int fd, bool keep_stderr)
{
    static char path_variable[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    char *environment[] = { path_variable, NULL };
    int null = open("/dev/null", O_RDWR);
    (void)setsid();
    for (int i = 1; i < NSIG; i++) {
        (void)signal(i, SIG_DFL);
    }
    if (null < 0 || (fd == CONTROL_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, CONTROL_FD)) < 0) {
        _exit(111);
    }
    if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0
        || (!keep_stderr && dup2(null, STDERR_FILENO) < 0)) {
        _exit(111);
    }
    if (close_range(CONTROL_FD + 1, ~0U, 0) != 0) {
        _exit(111);
    }
    execve(path, argv, environment);
    dprintf(STDERR_FILENO, "plutod: cannot execute %s: %s\n", path, strerror(errno));
    _exit(111);
}

/* Returns our end of its control channel, or -1 (logged). */
static int launch(struct process *p)
{
    char path[PATH_MAX];
    char worker[16];
    char *argv[ARGUMENTS_MAX];
    int pair[2];
    const struct lines *lines = &p->s->lines;
    const char *why = sibling_path(path, sizeof path, names[p->tool]);
    if (why != NULL) {
        lines_print(lines, LOG_LEVEL_SERIOUS, "cannot start %s: %s: %s", names[p->tool], path, why);
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        lines_print(lines, LOG_LEVEL_SERIOUS, "cannot start %s: no channel: %s", names[p->tool],
                    strerror(errno));
        return -1;
    }
    fill_arguments(p, path, worker, argv);
    p->pid = fork();
    if (p->pid == 0) {
        become(path, argv, pair[1], p->s->setup->stderrlog);
    }
    int error = errno;
    close(pair[1]);
    if (p->pid < 0) {
        p->pid = 0;
        close(pair[0]);
        lines_print(lines, LOG_LEVEL_SERIOUS, "cannot start %s: fork: %s", names[p->tool],
                    strerror(error));
        return -1;
    }
    return pair[0];
}

/* ---- channels between tools ---- */

static bool are_peers(enum tool a, enum tool b)
{
    return a != b && a != TOOL_PLUTOD && b != TOOL_PLUTOD; /* N-S, N-K, S-K */
}

static void hand_end(struct process *to, const struct process *peer, uint64_t epoch, int fd)
{
    struct record_writer w;
    struct buffer *out = channel_out(to->channel);
    record_start(&w, out, V_CHANNEL);
    record_put_word(&w, K_TOOL, peer->tool);
    record_put_number(&w, K_EPOCH, epoch);
    if (peer->tool == TOOL_SECRETS) {
        record_put_number(&w, K_WORKER, peer->worker);
    }
    if (record_finish(&w)) {
        channel_attach(to->channel, fd);
    } else {
        close(fd);
    }
}

static void connect_peers(struct process *p)
{
    struct processes *all = &p->s->processes;
    struct process *q;
    DL_FOREACH(all->list, q) {
        int pair[2];
        if (q == p || q->channel == NULL || !are_peers(p->tool, q->tool)) {
            continue;
        }
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
            lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "no channel from %s to %s: %s",
                        names[p->tool], names[q->tool], strerror(errno));
            continue;
        }
        all->epoch++;
        hand_end(p, q, all->epoch, pair[0]);
        hand_end(q, p, all->epoch, pair[1]);
    }
}

/* ---- records ---- */

static void read_from(struct process *p);

static void loaded(struct process *p, const struct record *r)
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
        keying_say(&s->keying, s->processes.listen_client, errors == 0 ? 2 : 3,
                   "secrets read: %llu entries, %llu errors%s", entries, errors,
                   errors == 0 ? "" : ": see the log");
    }
}

/* Everything that secrets and kernel-sa have sent by now is handled before this record. */
static void others_first(struct supervisor *s)
{
    struct process *q;
    struct process *next;
    DL_FOREACH_SAFE(s->processes.list, q, next) {
        if (q->tool != TOOL_IKE_NEGOTIATE && q->channel != NULL) {
            read_from(q);
        }
    }
}

static bool take_record(void *context, struct channel *c, const struct record *r, int fd)
{
    struct process *p = context;
    struct supervisor *s = p->s;
    const char *why = "was not expected";
    bool good = true;
    if (fd >= 0) {
        close(fd); /* no tool has one to give */
        channel_blame(c, "carries a descriptor");
        return false;
    }
    if (p->tool == TOOL_IKE_NEGOTIATE) {
        if (keying_wants_order(r->verb)) {
            others_first(s);
        }
        good = keying_from_negotiator(&s->keying, r, &why);
    } else if (p->tool == TOOL_KERNEL_SA) {
        good = keying_from_kernel(&s->keying, r, &why);
    } else if (r->verb == V_LOADED) {
        loaded(p, r);
    } else {
        good = keying_from_secrets(&s->keying, p->worker, r, &why);
    }
    if (r->verb == V_BAD) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "%s says that we broke the rules: %s",
                    names[p->tool], record_text(r, K_WHY));
    }
    if (!good) {
        channel_blame(c, why);
    }
    return good;
}

/* A channel that closes or misbehaves is the end of its process; ev_child then does the rest. */
static void read_from(struct process *p)
{
    enum channel_result result = channel_read(p->channel, take_record, p);
    if (result == CHANNEL_OPEN) {
        return;
    }
    if (result == CHANNEL_BAD) {
        char name[48];
        label(p, name);
        lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "%s broke the rules and is ended: %s", name,
                    channel_why(p->channel));
        kill(p->pid, SIGKILL);
    }
    ev_io_stop(p->s->loop, &p->in);
}

static void on_in(struct ev_loop *loop, ev_io *w, int events)
{
    struct process *p = w->data;
    (void)loop;
    (void)events;
    supervisor_clock(p->s);
    if (p->tool == TOOL_IKE_NEGOTIATE) {
        others_first(p->s);
    }
    read_from(p);
}

static void on_out(struct ev_loop *loop, ev_io *w, int events)
{
    (void)loop;
    (void)w;
    (void)events; /* the turn's end writes */
}

/* ---- lives ---- */

static void on_child(struct ev_loop *loop, ev_child *w, int events);
static void on_again(struct ev_loop *loop, ev_timer *w, int events);

static void tell_core_up(struct process *p)
{
    struct keying *k = &p->s->keying;
    struct buffer *out = channel_out(p->channel);
    if (p->tool == TOOL_IKE_NEGOTIATE) {
        keying_negotiator_up(k, out);
        listen_hand_all(p->s);
    } else if (p->tool == TOOL_KERNEL_SA) {
        keying_kernel_up(k, out);
    } else if (!keying_worker_up(k, p->worker, out)) {
        lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "secrets %u gets no work: there are too many "
                    "of them", p->worker);
    }
}

static void tell_core_down(const struct process *p)
{
    struct keying *k = &p->s->keying;
    if (p->tool == TOOL_IKE_NEGOTIATE) {
        keying_negotiator_down(k);
    } else if (p->tool == TOOL_KERNEL_SA) {
        keying_kernel_down(k);
    } else {
        keying_worker_down(k, p->worker);
    }
}

static void pause_then(struct process *p)
{
    double pause = 0.0;
    if (ev_now(p->s->loop) - p->since < SOON) {
        p->deaths++;
        pause = 0.1 * (double)(1u << (p->deaths < 10 ? p->deaths - 1 : 9));
        pause = pause > PAUSE_MAX ? PAUSE_MAX : pause;
        pause = p->deaths == 1 ? 0.0 : pause;
    } else {
        p->deaths = 0;
    }
    ev_timer_init(&p->again, on_again, pause, 0.);
    p->again.data = p;
    ev_timer_start(p->s->loop, &p->again);
}

static bool start(struct process *p)
{
    struct supervisor *s = p->s;
    p->since = ev_now(s->loop);
    if (p->tool == TOOL_SECRETS) {
        p->worker = s->processes.next_worker++;
    }
    int fd = launch(p);
    if (fd < 0) {
        pause_then(p);
        return false;
    }
    ev_child_init(&p->child, on_child, p->pid, 0);
    p->child.data = p;
    ev_child_start(s->loop, &p->child);
    p->channel = channel_new(fd, fd, from_of(p->tool));
    if (p->channel == NULL) {
        close(fd);
        kill(p->pid, SIGKILL);
        return false;
    }
    channel_hello(p->channel, TOOL_PLUTOD, ++s->processes.epoch, 0);
    ev_io_init(&p->in, on_in, channel_fd_in(p->channel), EV_READ);
    ev_io_init(&p->out, on_out, channel_fd_out(p->channel), EV_WRITE);
    p->in.data = p;
    p->out.data = p;
    if (p->tool != TOOL_IKE_NEGOTIATE) {
        ev_set_priority(&p->in, 1);
    }
    ev_io_start(s->loop, &p->in);
    connect_peers(p);
    tell_core_up(p);
    return true;
}

static void close_channel(struct process *p)
{
    if (p->channel != NULL) {
        ev_io_stop(p->s->loop, &p->in);
        ev_io_stop(p->s->loop, &p->out);
        tell_core_down(p);
        channel_free(p->channel);
        p->channel = NULL;
    }
}

static void forget(struct process *p)
{
    DL_DELETE(p->s->processes.list, p);
    ev_timer_stop(p->s->loop, &p->again);
    free(p);
}

static void say_end(const struct process *p, int status)
{
    char name[48];
    label(p, name);
    if (WIFSIGNALED(status)) {
        lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "%s (pid %d) was ended by signal %d (%s)", name,
                    (int)p->pid, WTERMSIG(status), strsignal(WTERMSIG(status)));
    } else {
        lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "%s (pid %d) exited with status %d", name,
                    (int)p->pid, WEXITSTATUS(status));
    }
}

static void on_child(struct ev_loop *loop, ev_child *w, int events)
{
    struct process *p = w->data;
    (void)events;
    ev_child_stop(loop, w);
    supervisor_clock(p->s);
    if (p->channel != NULL) {
        if (p->tool == TOOL_IKE_NEGOTIATE) {
            others_first(p->s);
        }
        read_from(p); /* what it said last */
        say_end(p, w->rstatus);
    }
    p->pid = 0;
    p->loaded = true; /* nobody waits for it any longer */
    close_channel(p);
    if (p->s->ended || !p->wanted) {
        forget(p);
        return;
    }
    pause_then(p);
}

static void on_again(struct ev_loop *loop, ev_timer *w, int events)
{
    struct process *p = w->data;
    (void)loop;
    (void)events;
    if (p->s->ended || !p->wanted) {
        forget(p);
        return;
    }
    supervisor_clock(p->s);
    p->loaded = false;
    (void)start(p);
}

static struct process *new_process(struct supervisor *s, enum tool tool, unsigned generation)
{
    struct process *p = calloc(1, sizeof *p);
    if (p == NULL) {
        lines_print(&s->lines, LOG_LEVEL_SERIOUS, "no memory to start %s", names[tool]);
        return NULL;
    }
    p->s = s;
    p->tool = tool;
    p->generation = generation;
    p->wanted = true;
    DL_APPEND(s->processes.list, p);
    return p;
}

bool process_begin(struct supervisor *s)
{
    /* Workers' numbers are never used twice; kernel-sa first, so that its channel is there. */
    s->processes.next_worker = 1;
    struct process *kernel = new_process(s, TOOL_KERNEL_SA, 0);
    struct process *negotiator = new_process(s, TOOL_IKE_NEGOTIATE, 0);
    return kernel != NULL && negotiator != NULL && start(kernel) && start(negotiator);
}

/* ---- secrets ---- */

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
            forget(p); /* was waiting to be begun again */
        } else if (count > WORKERS_MAX / 2 && p->generation == oldest) {
            lines_print(&s->lines, LOG_LEVEL_SERIOUS, "too many generations of secrets: the oldest "
                        "ends, and its ISAKMP SAs with it");
            close_channel(p);
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
        s->keying.hooks.hold(s->keying.hooks.context, client);
    }
    for (unsigned i = 0; i < count; i++) {
        struct process *p = new_process(s, TOOL_SECRETS, all->generation);
        if (p != NULL) {
            (void)start(p);
        }
    }
}

struct process *process_negotiator(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_IKE_NEGOTIATE && p->channel != NULL) {
            return p;
        }
    }
    return NULL;
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

/* ---- each turn ---- */

static void release_listener(struct supervisor *s)
{
    struct process *p;
    if (s->processes.listen_client == 0) {
        return;
    }
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_SECRETS && p->generation == s->processes.generation && !p->loaded) {
            return;
        }
    }
    s->keying.hooks.release(s->keying.hooks.context, s->processes.listen_client);
    s->processes.listen_client = 0;
}

static void flush(struct process *p)
{
    if (p->channel == NULL) {
        return;
    }
    if (channel_flush(p->channel) != CHANNEL_OPEN || !channel_pending(p->channel)) {
        ev_io_stop(p->s->loop, &p->out);
    } else {
        ev_io_start(p->s->loop, &p->out);
    }
}

/*
 * Secrets and kernel-sa are written to before ike-negotiate is: what is announced and permitted is
 * then always there when it asks them for it.
 */
void process_turn(struct supervisor *s)
{
    struct process *p;
    release_listener(s);
    DL_FOREACH(s->processes.list, p) {
        if (p->idle) {
            p->idle = false;
            close_channel(p); /* it wipes its secrets and exits */
        }
        if (p->tool != TOOL_IKE_NEGOTIATE) {
            flush(p);
        }
    }
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_IKE_NEGOTIATE) {
            flush(p);
        }
    }
}

bool process_unsent(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->channel != NULL && ev_is_active(&p->out)) {
            return true;
        }
    }
    return false;
}

void process_end_all(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        close_channel(p);
    }
}

bool process_any(const struct supervisor *s)
{
    const struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->pid != 0) {
            return true;
        }
    }
    return false;
}

void process_free(struct supervisor *s)
{
    struct process *p;
    struct process *next;
    DL_FOREACH_SAFE(s->processes.list, p, next) {
        if (p->pid != 0) {
            kill(p->pid, SIGKILL);
        }
        ev_child_stop(s->loop, &p->child);
        close_channel(p);
        forget(p);
    }
}
