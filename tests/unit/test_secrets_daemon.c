/* The program itself as plutod's child: its rights, its channels, and the order of what it says. */
#include "channel.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>


#define LINES_MAX 64

struct end { /* what a channel to the program brought */
    struct channel *channel;
    size_t count;
    char line[LINES_MAX][400]; /* redacted: verb and the first fields */
    enum verb verb[LINES_MAX];
};

struct fixture {
    pid_t pid;
    char folder[40];
    struct end plutod;
    struct end negotiator;
    struct end kernel;
};

static bool take(void *context, struct channel *c, const struct record *r, int fd)
{
    struct end *e = context;
    (void)c;
    (void)fd;
    if (e->count < LINES_MAX) {
        const char *text = record_text(r, K_TEXT);
        snprintf(e->line[e->count], sizeof e->line[0], "%s %llu %s", schema_verb(r->verb)->name,
                 (unsigned long long)record_number(r, K_ID), text == NULL ? "" : text);
        e->verb[e->count++] = r->verb;
    }
    return true;
}

/* Flushes, then waits until so many records came; false: not in a minute, or the channel was closed. */
static bool wait_for(struct end *e, size_t count)
{
    for (int i = 0; i < 1200 && e->count < count; i++) {
        struct pollfd p = { .fd = channel_fd_in(e->channel), .events = POLLIN };
        (void)channel_flush(e->channel);
        (void)poll(&p, 1, 50);
        if (channel_read(e->channel, take, e) != CHANNEL_OPEN) {
            return e->count >= count;
        }
    }
    return e->count >= count;
}

static void say(struct end *e, const char *line)
{
    buffer_add_text(channel_out(e->channel), line);
    buffer_add_text(channel_out(e->channel), "\n");
}

/* The program beside this test in its build tree, or the installed one. */
static void find_program(char *path, size_t size)
{
    const char *installed = getenv("IPSEC_DIR");
    char here[1000];
    if (installed != NULL) {
        snprintf(path, size, "%s/secrets", installed);
        return;
    }
    ssize_t len = readlink("/proc/self/exe", here, sizeof here - 1);
    assert_true(len > 0);
    here[len] = '\0';
    for (int i = 0; i < 3; i++) { /* tests/unit/NAME.t */
        char *slash = strrchr(here, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    snprintf(path, size, "%s/secrets/secrets", here);
}

static void start(struct fixture *f, int fd, const char *file)
{
    char program[1100];
    find_program(program, sizeof program);
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0) {
        if (dup2(fd, 3) == 3) {
            closefrom(4);
            execl(program, "secrets", "--control-fd", "3", "--worker", "7", "--file", file, NULL);
        }
        _exit(126);
    }
    close(fd);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        abort();
    }
    fputs(text, file);
    fclose(file);
    chmod(path, 0600);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    int pair[2];
    char path[60];
    if (f == NULL) {
        return 1;
    }
    strcpy(f->folder, "/tmp/test_secrets_daemon.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(path, sizeof path, "%s/s", f->folder);
    write_file(path, "10.9.0.1 10.9.0.2 : PSK \"tell nobody\"\n10.9.0.1 : PSK\n");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    start(f, pair[1], path);
    f->plutod.channel = channel_new(pair[0], pair[0], S_P);
    channel_hello(f->plutod.channel, TOOL_PLUTOD, 1, 7);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[80];
    int status = 0;
    channel_free(f->negotiator.channel);
    channel_free(f->kernel.channel);
    channel_free(f->plutod.channel); /* which ends it */
    if (f->pid > 0) {
        assert_int_equal(waitpid(f->pid, &status, 0), f->pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    snprintf(command, sizeof command, "rm -rf %s", f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* Hands the program one end of a channel to another tool, which this test plays too. */
static void connect_tool(struct fixture *f, struct end *e, unsigned tool, const char *name,
                         unsigned from)
{
    int pair[2];
    char line[80];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    channel_free(e->channel);
    e->channel = channel_new(pair[0], pair[0], from);
    channel_hello(e->channel, tool, 1, 7);
    snprintf(line, sizeof line, "channel tool=%s epoch=1 worker=7", name);
    say(&f->plutod, line);
    channel_attach(f->plutod.channel, pair[1]);
    (void)channel_flush(f->plutod.channel);
}

static bool loaded(const struct end *e)
{
    for (size_t i = 0; i < e->count; i++) {
        if (e->verb[i] == V_LOADED) {
            return true;
        }
    }
    return false;
}

static void wait_until_loaded(struct fixture *f)
{
    for (size_t n = 1; !loaded(&f->plutod) && wait_for(&f->plutod, n); n = f->plutod.count + 1) {
    }
    assert_true(loaded(&f->plutod));
}

static bool in_status(pid_t pid, const char *text)
{
    char path[40];
    char all[4000];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    size_t len = file == NULL ? 0 : fread(all, 1, sizeof all - 1, file);
    all[len] = '\0';
    if (file != NULL) {
        fclose(file);
    }
    return strstr(all, text) != NULL;
}

/* The sandbox is entered after `loaded` was written, so its marks are waited for. */
static bool status_says(pid_t pid, const char *text)
{
    bool says = false;
    for (int i = 0; i < 3000 && !says; i++) {
        says = in_status(pid, text);
        usleep(says ? 0 : 20000);
    }
    return says;
}

static void errors_of_the_file_are_logged(void **state)
{
    struct fixture *f = *state;
    bool said = false;
    wait_until_loaded(f);
    for (size_t i = 0; i < f->plutod.count; i++) {
        said = said || strstr(f->plutod.line[i], "s:2: expected a secret after PSK") != NULL;
        assert_null(strstr(f->plutod.line[i], "nobody"));
    }
    assert_true(said);
}

static void rights(void **state)
{
    struct fixture *f = *state;
    wait_until_loaded(f);
    assert_true(status_says(f->pid, "NoNewPrivs:\t1"));
#if !defined(__SANITIZE_ADDRESS__)
    assert_true(status_says(f->pid, "Seccomp:\t2"));
#endif
    if (geteuid() == 0) {
        assert_true(status_says(f->pid, "CapPrm:\t0000000000000000"));
        assert_true(status_says(f->pid, "CapEff:\t0000000000000000"));
        assert_true(status_says(f->pid, "CapBnd:\t0000000000000000"));
        assert_true(status_says(f->pid, "Groups:\t \n"));
        assert_true(in_status(f->pid, "\nUid:\t") && !in_status(f->pid, "\nUid:\t0\t"));
        assert_true(in_status(f->pid, "\nGid:\t") && !in_status(f->pid, "\nGid:\t0\t"));
    }
}

static const char announce[] =
    "announce exchange=1 connection=net role=initiator methods=psk ike=aes256-sha2_256-modp2048 "
    "our-id=10.9.0.1 peer-id=10.9.0.2";

/* What plutod said before the negotiator asked is known, however the two arrive. */
static void announcement_comes_first(void **state)
{
    struct fixture *f = *state;
    char line[200];
    connect_tool(f, &f->negotiator, TOOL_IKE_NEGOTIATE, "ike-negotiate", S_N);
    wait_until_loaded(f);
    for (unsigned i = 1; i < 40; i++) {
        snprintf(line, sizeof line, "announce exchange=%u%s", i, announce + 19);
        say(&f->plutod, line);
        (void)channel_flush(f->plutod.channel);
        snprintf(line, sizeof line, "ke id=%u exchange=%u group=modp2048", i, i);
        say(&f->negotiator, line);
        (void)channel_flush(f->negotiator.channel);
    }
    assert_true(wait_for(&f->negotiator, 39));
    for (unsigned i = 0; i < 39; i++) {
        assert_int_equal(f->negotiator.verb[i], V_OK);
    }
}

/* F16: a negotiator that breaks the rules of records loses its channel; the rest goes on. */
static void f16_negotiator_breaks_the_rules(void **state)
{
    static const char *const wrong[] = { "nonsense", "announce exchange=1", "ke id=1 exchange=1",
        "forget exchange=1", "loaded entries=1 errors=1", "ok id=1 re=sa-keys", "\x01\x02\xff" };
    struct fixture *f = *state;
    wait_until_loaded(f);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        f->negotiator.count = 0;
        connect_tool(f, &f->negotiator, TOOL_IKE_NEGOTIATE, "ike-negotiate", S_N);
        say(&f->negotiator, wrong[i]);
        say(&f->negotiator, "ke id=1 exchange=99 group=modp2048");
        size_t lines = f->plutod.count;
        assert_false(wait_for(&f->negotiator, 1)); /* closed without an answer */
        assert_true(wait_for(&f->plutod, lines + 1));
        assert_int_equal(f->plutod.verb[lines], V_ACCUSE);
    }
    f->negotiator.count = 0;
    connect_tool(f, &f->negotiator, TOOL_IKE_NEGOTIATE, "ike-negotiate", S_N);
    say(&f->plutod, announce);
    (void)channel_flush(f->plutod.channel);
    say(&f->negotiator, "ke id=1 exchange=1 group=modp2048");
    assert_true(wait_for(&f->negotiator, 1));
    assert_int_equal(f->negotiator.verb[0], V_OK);
}

/* F16: a negotiator that asks and never reads only stops itself. */
static void f16_negotiator_does_not_read(void **state)
{
    struct fixture *f = *state;
    connect_tool(f, &f->negotiator, TOOL_IKE_NEGOTIATE, "ike-negotiate", S_N);
    say(&f->plutod, announce);
    (void)channel_flush(f->plutod.channel);
    for (unsigned turn = 0; turn < 400; turn++) {
        for (unsigned i = 0; i < 50; i++) {
            say(&f->negotiator, "ke id=1 exchange=1 group=modp2048");
        }
        (void)channel_flush(f->negotiator.channel);
        buffer_truncate(channel_out(f->negotiator.channel), 0);
    }
    /* plutod is still heard */
    struct end again = { .channel = NULL };
    connect_tool(f, &again, TOOL_KERNEL_SA, "kernel-sa", S_K);
    channel_free(f->negotiator.channel);
    f->negotiator.channel = NULL;
    connect_tool(f, &f->negotiator, TOOL_IKE_NEGOTIATE, "ike-negotiate", S_N);
    say(&f->negotiator, "ke id=1 exchange=1 group=modp2048");
    assert_true(wait_for(&f->negotiator, 1));
    channel_free(again.channel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(errors_of_the_file_are_logged), TEST(rights), TEST(announcement_comes_first),
        TEST(f16_negotiator_breaks_the_rules), TEST(f16_negotiator_does_not_read),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
