/*
 * plutod: its control socket (plutod/whack.c with real sockets) and its core, with all that the
 * tools may say to it.
 *
 * Input: lines.
 *   w BYTES, v BYTES       a whack sends this line (two of them; a new one where the last has gone)
 *   W, V                   it has said all that it wants; x, y: it hangs up
 *   N, S, K, D RECORD      ike-negotiate, secrets (worker 1), kernel-sa, dnskey; id=@: of its last request
 *   n, s, k, d                that tool dies and is started again
 *   T MS                   time goes by         J good|bad   the oldest script ends
 * At whack's --listen names are to be resolved anew, at --unlisten what was read is used.
 * Holds: all that plutod says to the tools is records; whack's lines begin with a number and are
 * printable.
 */
#include "fuzz.h"
#include "whacks.h"

#include "plutod/resolve.h"
#include "plutod/script.h"
#include "plutod/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#define LINES_MAX 80
#define TOOLS 4

static const struct fuzz_speaker speakers[] = {
    { 'w', W_P }, { 'N', N_P }, { 'S', S_P }, { 'K', K_P }, { 'v', W_P }, { 'D', D_P }, { 0, 0 }
};

struct run {
    struct supervisor s;
    struct buffer to[TOOLS]; /* ike-negotiate, secrets, kernel-sa, dnskey */
    uint64_t asked[TOOLS];  /* the last id that each was asked with */
    uint32_t worker;
    struct script_job *jobs;
    struct whacks whacks;
    uint64_t now;
    bool wanted;       /* dnskey is to be begun */
};

/* ---- in place of supervisor.c and lines.c ---- */

static void listen_at(struct run *run)
{
    static const char *const addresses[] = { "10.9.0.1", "10.9.0.2", "2001:db8::1" };
    struct interface *list = calloc(2, sizeof *list);
    fuzz_check(list != NULL);
    for (unsigned i = 0; i < 2; i++) {
        fuzz_check(address_parse(&list[i].address, addresses[2 * i]) == NULL);
        list[i].port = 500;
        snprintf(list[i].name, sizeof list[i].name, "eth%u", i);
    }
    keying_interfaces(&run->s.keying, list, 2, false);
}

static struct run *run_of(struct supervisor *s)
{
    return (struct run *)((char *)s - offsetof(struct run, s));
}

void supervisor_listen(struct supervisor *s, uint64_t client)
{
    listen_at(run_of(s));
    resolve_begin(&s->keying, 0); /* the secrets are read */
    keying_say(&s->keying, client, 2, "listening for IKE messages");
}

void supervisor_unlisten(struct supervisor *s, uint64_t client)
{
    keying_unlisten(&s->keying);
    resolve_hurry(&s->keying);
    resolve_trim(&s->keying);
    keying_say(&s->keying, client, 2, "no longer listening for IKE messages");
}

void supervisor_stop(struct supervisor *s, bool leave)
{
    (void)leave;
    if (!s->stopping) {
        s->stopping = true;
        (leave ? keying_leave : keying_stop)(&s->keying);
    }
}

bool supervisor_asks(const struct supervisor *s)
{
    (void)s;
    return true;
}

bool supervisor_answer(struct supervisor *s, uint64_t question, int fd, const char *why)
{
    (void)s;
    fuzz_check(question > 0 && (why == NULL || why[0] != '\0'));
    if (fd >= 0) {
        close(fd);
    }
    return question % 2 == 0;
}

void supervisor_clock(struct supervisor *s)
{
    s->keying.now = run_of(s)->now;
}

void lines_print(struct lines *l, enum log_level level, const char *format, ...)
{
    char text[2000];
    va_list args;
    (void)l;
    (void)level;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
}

/* ---- hooks ---- */

static void hook_log(void *context, enum log_level level, const struct address *peer,
                     const char *prefix, const char *text)
{
    (void)peer;
    (void)context;
    (void)level;
    fuzz_check(prefix != NULL && text != NULL);
}

static void hook_say(void *context, uint64_t client, const char *line)
{
    struct run *run = context;
    fuzz_check(strlen(line) >= 4 && strspn(line, "0123456789") == 3 && line[3] == ' ');
    whack_say(&run->s, client, line);
}

static void hook_json(void *context, uint64_t client, const char *text)
{
    struct run *run = context;
    for (const char *at = text; *at != '\0'; at++) {
        fuzz_check(*at >= ' ' && *at <= '~');
    }
    whack_json(&run->s, client, text);
}

static bool hook_process(void *context, unsigned place, struct process_view *view)
{
    (void)context;
    *view = (struct process_view){ .tool = "plutod", .current = true, .pid = 1 };
    return place == 0;
}

static bool hook_question(void *context, struct question_view *view)
{
    (void)context;
    (void)view;
    return false;
}

static void hook_hold(void *context, uint64_t client)
{
    whack_hold(&((struct run *)context)->s, client);
}

static void hook_release(void *context, uint64_t client)
{
    whack_release(&((struct run *)context)->s, client);
}

static bool hook_is_there(void *context, uint64_t client)
{
    return whack_is_there(&((struct run *)context)->s, client);
}

static void hook_script(void *context, struct script_job *job)
{
    struct run *run = context;
    fuzz_check(job->words[0] != NULL && job->environment != NULL);
    DL_APPEND(run->jobs, job);
}

static void hook_idle(void *context, uint32_t worker)
{
    (void)context;
    (void)worker;
}

static void hook_need_dnskey(void *context)
{
    struct run *run = context;
    fuzz_check(run->s.keying.resolve.dnskey == NULL);
    run->wanted = true;
}

static void hook_end_dnskey(void *context, const char *why)
{
    (void)context;
    fuzz_check(why[0] != '\0');
}

static void turn(struct run *run)
{
    for (unsigned i = 0; i < 3; i++) {
        ev_run(run->s.loop, EVRUN_NOWAIT);
        while (whack_turn(&run->s)) {
        }
    }
}

static void whack_says(struct run *run, unsigned which, const char *text, size_t len)
{
    if (whacks_connect(&run->whacks, which)) {
        turn(run);
    }
    whacks_say(&run->whacks, which, text, len);
}

/* ---- tools ---- */

static void restart(struct run *run, char tool)
{
    struct keying *k = &run->s.keying;
    if (tool == 'n') {
        keying_negotiator_down(k);
        keying_negotiator_up(k, &run->to[0]);
    } else if (tool == 's') {
        keying_worker_down(k, run->worker);
        fuzz_check(keying_worker_up(k, ++run->worker, &run->to[1]));
    } else if (tool == 'd') {
        keying_dnskey_down(k);
        keying_dnskey_up(k, &run->to[3]);
    } else {
        keying_kernel_down(k);
        keying_kernel_up(k, &run->to[2]);
    }
}

/* The same with the id in place of "id=@", to be freed. */
static char *with_id(const char *text, uint64_t id)
{
    const char *at = strstr(text, " id=@ ");
    char *whole = NULL;
    int head = at == NULL ? (int)strlen(text) : (int)(at - text);
    fuzz_check((at == NULL ? asprintf(&whole, "%s", text)
                           : asprintf(&whole, "%.*s id=%llu %s", head, text, (unsigned long long)id,
                                      at + 6)) >= 0);
    return whole;
}

/* A tool that breaks the rules is started anew, as plutod/process.c does. */
static void tool_says(struct run *run, char tool, const char *text, size_t len)
{
    static struct record r;
    struct keying *k = &run->s.keying;
    const char *why = "";
    unsigned from = tool == 'n' ? N_P : tool == 's' ? S_P : tool == 'd' ? D_P : K_P;
    bool has_nul = strlen(text) != len;
    char *line = with_id(text, run->asked[tool == 'n' ? 0 : tool == 's' ? 1 : tool == 'd' ? 3 : 2]);
    const char *bad = has_nul ? "a NUL" : fuzz_record(&r, line, strlen(line), from);
    if (bad == NULL && r.verb != V_HELLO && r.verb != V_LOADED
        && !(tool == 'n'   ? keying_from_negotiator(k, &r, &why)
             : tool == 's' ? keying_from_secrets(k, run->worker, &r, &why)
             : tool == 'd' ? keying_from_dnskey(k, &r, &why)
                           : keying_from_kernel(k, &r, &why))) {
        fuzz_check(why != NULL && why[0] != '\0');
        restart(run, tool);
    }
    free(line);
}

static void check_orders(struct run *run)
{
    static const unsigned to[TOOLS] = { P_N, P_S, P_K, P_D };
    static struct record r;
    for (unsigned i = 0; i < TOOLS; i++) {
        struct fuzz_input in = { run->to[i].data, run->to[i].len };
        while (in.left > 0) {
            size_t len;
            char *line = fuzz_until(&in, '\n', &len);
            fuzz_check(fuzz_record(&r, line, len, to[i]) == NULL);
            run->asked[i] = record_has(&r, K_ID) ? record_number(&r, K_ID) : run->asked[i];
            free(line);
        }
        buffer_truncate(&run->to[i], 0);
    }
}

static void script_ends(struct run *run, bool good)
{
    struct script_job *job = run->jobs;
    if (job != NULL) {
        uint64_t id = job->id;
        DL_DELETE(run->jobs, job);
        script_job_free(job);
        keying_script_done(&run->s.keying, id, good ? NULL : "exited with status 1");
    }
}

/* ---- the whole ---- */

static void pass(struct run *run, const char *text)
{
    unsigned long ms = strtoul(text, NULL, 10);
    uint64_t end = run->now + (ms < 100000000 ? ms : 100000000);
    struct keying *k = &run->s.keying;
    for (unsigned i = 0; i < 200 && agenda_next(&k->agenda) <= end; i++) {
        uint64_t next = agenda_next(&k->agenda);
        run->now = next > run->now ? next : run->now;
        supervisor_clock(&run->s);
        keying_tick(k);
    }
    run->now = end;
    supervisor_clock(&run->s);
}

static void do_line(struct run *run, char letter, char *text, size_t len)
{
    switch (letter) {
    case 'w':
    case 'v': whack_says(run, letter == 'v', text, len); break;
    case 'W':
    case 'V': whacks_end(&run->whacks, letter == 'V', false); break;
    case 'x':
    case 'y': whacks_end(&run->whacks, letter == 'y', true); break;
    case 'N': tool_says(run, 'n', text, len); break;
    case 'S': tool_says(run, 's', text, len); break;
    case 'K': tool_says(run, 'k', text, len); break;
    case 'D': tool_says(run, 'd', text, len); break;
    case 'n':
    case 's':
    case 'd':
    case 'k': restart(run, letter); break;
    case 'T': pass(run, text); break;
    case 'J': script_ends(run, text[0] != 'b'); break;
    default: return;
    }
    if (run->wanted) {
        run->wanted = false;
        keying_dnskey_up(&run->s.keying, &run->to[3]);
    }
    turn(run);
    whacks_hear(&run->whacks);
}

static struct run *run_new(void)
{
    const struct keying_settings settings = { .epoch = 5, .ikeport = 500, .updown = "/updown",
                                              .uniqueids = true };
    struct run *run = calloc(1, sizeof *run);
    fuzz_check(run != NULL);
    const struct keying_hooks hooks = {
        .context = run, .log = hook_log, .say = hook_say, .hold = hook_hold,
        .release = hook_release, .is_there = hook_is_there, .script = hook_script, .idle = hook_idle,
        .need_dnskey = hook_need_dnskey, .end_dnskey = hook_end_dnskey, .json = hook_json, .process = hook_process,
        .question = hook_question
    };
    run->now = 1000000;
    run->worker = 1;
    whacks_init(&run->whacks);
    run->s.loop = ev_default_loop(0);
    keying_init(&run->s.keying, &settings, &hooks);
    supervisor_clock(&run->s);
    whack_init(&run->s, whacks_listener());
    keying_kernel_up(&run->s.keying, &run->to[2]);
    keying_negotiator_up(&run->s.keying, &run->to[0]);
    fuzz_check(keying_worker_up(&run->s.keying, run->worker, &run->to[1]));
    listen_at(run);
    return run;
}

static void run_end(struct run *run)
{
    for (unsigned i = 0; i < WHACKS; i++) {
        whacks_end(&run->whacks, i, true);
    }
    turn(run);
    whack_free(&run->s);
    struct script_job *job;
    struct script_job *next;
    DL_FOREACH_SAFE(run->jobs, job, next) {
        script_job_free(job);
    }
    keying_free(&run->s.keying);
    for (unsigned i = 0; i < TOOLS; i++) {
        buffer_wipe(&run->to[i]);
    }
    free(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    struct run *run = run_new();
    for (unsigned i = 0; i < LINES_MAX && in.left > 0; i++) {
        size_t len;
        char *line = fuzz_until(&in, '\n', &len);
        do_line(run, line[0], line + (len > 2 ? 2 : len), len > 2 ? len - 2 : 0);
        check_orders(run);
        free(line);
    }
    run_end(run);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    return fuzz_mutate_lines(speakers, data, size, max, seed);
}
