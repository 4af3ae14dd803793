/* A tool's channels and its turn: who is heard first, and what happens when somebody goes. */
#include "hub.h"

#include "clock.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define QUIET 50       /* milliseconds in which nothing is to be heard */
#define PATIENCE 60000 /* in which something is: the machine may have more to do than this */

struct fixture {
    struct hub *hub;
    struct log log;
    int plutod;      /* the other ends */
    int negotiator;
    char heard[256]; /* "tool:verb " */
    char closed[64];
    char written[128];   /* the first asked about: those with something to write, in order */
    const char *late;    /* plutod says this when the negotiator was already found to have spoken */
    uint64_t deadline;   /* plutod goes then, */
    const char *enough;  /* or when this was heard, */
    bool ends_with_others; /* or when another one's channel is closed */
    unsigned works;
    int bell;            /* the other end of it; -1: none */
    const char *quiet;   /* plutod says this when all have said hello, and does not ring */
    const char *besides; /* and the negotiator this */
    bool rings;          /* he rings after all */
    bool deaf;           /* plutod's line may not be read before the deadline */
    char before[256];    /* what was heard at the deadline */
};

static bool record(void *context, struct hub_line *l, const struct record *r, int fd)
{
    struct fixture *f = context;
    size_t at = strlen(f->heard);
    assert_int_equal(fd, -1);
    (void)snprintf(f->heard + at, sizeof f->heard - at, "%s:%s ", schema_tool_name(l->tool),
                   schema_verb(r->verb)->name);
    return true;
}

static void closed(void *context, struct hub_line *l, enum channel_result how)
{
    struct fixture *f = context;
    size_t at = strlen(f->closed);
    assert_null(hub_line(f->hub, l->tool, l->worker));
    (void)snprintf(f->closed + at, sizeof f->closed - at, "%s:%s ", schema_tool_name(l->tool),
                   how == CHANNEL_BAD ? "bad" : "closed");
    if (f->ends_with_others) {
        shutdown(f->plutod, SHUT_WR);
    }
}

static bool may_read(void *context, const struct hub_line *l)
{
    struct fixture *f = context;
    if (l->tool == TOOL_PLUTOD && f->deaf) {
        return f->works < 2 || f->deadline == UINT64_MAX;
    }
    if (l->tool == TOOL_IKE_NEGOTIATE && l->ready && f->late != NULL) {
        assert_true(write(f->plutod, f->late, strlen(f->late)) > 0);
        f->late = NULL;
        shutdown(f->plutod, SHUT_WR);
    }
    return true;
}

static bool may_write(void *context, const struct hub_line *l)
{
    struct fixture *f = context;
    size_t at = strlen(f->written);
    (void)snprintf(f->written + at, sizeof f->written - at, "%s ", schema_tool_name(l->tool));
    return true;
}

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void work(void *context)
{
    struct fixture *f = context;
    f->works++;
    if (f->works == 2 && f->quiet != NULL) { /* both have said hello by then */
        say(f->plutod, f->quiet);
        say(f->negotiator, f->besides);
        if (f->rings) {
            say(f->bell, "!");
        }
        f->deadline = clock_ms() + (f->enough == NULL ? QUIET : PATIENCE);
    }
    bool enough = f->enough != NULL && strcmp(f->heard, f->enough) == 0;
    if (f->deadline != UINT64_MAX && (enough || clock_ms() >= f->deadline)) {
        f->deadline = UINT64_MAX;
        (void)snprintf(f->before, sizeof f->before, "%s", f->heard);
        shutdown(f->plutod, SHUT_WR);
        if (f->bell >= 0) {
            shutdown(f->bell, SHUT_WR);
        }
    }
}

static uint64_t deadline(void *context)
{
    const struct fixture *f = context;
    return f->deadline;
}

static int open_line(struct fixture *f, unsigned tool, unsigned from)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct channel *c = channel_new(pair[0], pair[0], from);
    assert_non_null(c);
    assert_non_null(hub_open(f->hub, tool, 0, c));
    return pair[1];
}

#define HELLO_PLUTOD "hello version=1 epoch=1 tool=plutod\n"
#define HELLO_NEGOTIATOR "hello version=1 epoch=1 tool=ike-negotiate\n"

/* The tool is a secrets process: it hears `debug` from plutod and `finish` from the negotiator. */
static void set_up(struct fixture *f)
{
    const struct hub_use use = { .record = record, .closed = closed, .may_read = may_read,
                                 .may_write = may_write, .work = work, .deadline = deadline,
                                 .context = f, .log = &f->log };
    *f = (struct fixture){ .log = { .tool = "secrets" }, .deadline = UINT64_MAX, .bell = -1 };
    f->hub = hub_new(&use);
    assert_non_null(f->hub);
    f->plutod = open_line(f, TOOL_PLUTOD, P_S);
    f->negotiator = open_line(f, TOOL_IKE_NEGOTIATE, N_S);
    say(f->negotiator, HELLO_NEGOTIATOR);
    say(f->plutod, HELLO_PLUTOD);
}

static void tear_down(struct fixture *f)
{
    close(f->plutod);
    close(f->negotiator);
    if (f->bell >= 0) {
        close(f->bell);
    }
    hub_free(f->hub);
}

#define FORGET "forget exchange=1\n"
#define FINISH "finish id=1 exchange=1\n"

static void test_plutod_first(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    say(f.negotiator, FINISH);
    say(f.plutod, FORGET);
    shutdown(f.plutod, SHUT_WR);
    assert_int_equal(hub_run(f.hub), 0);
    assert_string_equal(f.heard, "plutod:forget ike-negotiate:finish ");
    assert_string_equal(f.closed, "plutod:closed ");
    tear_down(&f);
}

/* What plutod said after the wait had ended, but before the negotiator is handled, comes first too. */
static void test_plutod_first_though_late(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    f.late = FORGET;
    say(f.negotiator, FINISH);
    assert_int_equal(hub_run(f.hub), 0);
    assert_string_equal(f.heard, "plutod:forget ike-negotiate:finish ");
    tear_down(&f);
}

/* With a bell: plutod says "forget", and in the end, or after `enough`, goes. Returns what was heard before that. */
static const char *with_bell(struct fixture *f, const char *besides, bool rings, bool deaf, const char *enough)
{
    int pair[2];
    set_up(f);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    hub_bell(f->hub, pair[0]);
    f->bell = pair[1];
    f->quiet = FORGET;
    f->besides = besides;
    f->rings = rings;
    f->deaf = deaf;
    f->enough = enough;
    f->deadline = clock_ms() + PATIENCE; /* until it has begun */
    assert_int_equal(hub_run(f->hub), 0);
    assert_string_equal(f->closed, "plutod:closed ");
    tear_down(f);
    return f->before;
}

static void test_quiet_without_the_bell(void **state)
{
    struct fixture f;
    (void)state;
    assert_string_equal(with_bell(&f, "", false, false, NULL), "");
    assert_string_equal(f.heard, "plutod:forget "); /* at its end at the latest */
    assert_true(f.works < 10);
}

static void test_bell(void **state)
{
    struct fixture f;
    (void)state;
    static const char one[] = "plutod:forget ";
    static const char both[] = "plutod:forget ike-negotiate:finish ";
    assert_string_equal(with_bell(&f, "", true, false, one), one);
    assert_true(f.works < 10); /* it is rung once, and the wait goes on */
    assert_string_equal(with_bell(&f, FINISH, false, false, both), both);
}

/* What could not be read when it rang is not forgotten, nor looked for all the time. */
static void test_bell_while_deaf(void **state)
{
    struct fixture f;
    (void)state;
    assert_string_equal(with_bell(&f, "", true, true, NULL), "");
    assert_string_equal(f.heard, "plutod:forget ");
    assert_true(f.works < 10);
}

static void test_broken_rules_of_another(void **state)
{
    struct fixture f;
    char text[512];
    (void)state;
    set_up(&f);
    say(f.negotiator, "finish id=1\n");
    f.ends_with_others = true;
    assert_int_equal(hub_run(f.hub), 0);
    assert_string_equal(f.closed, "ike-negotiate:bad plutod:closed ");
    assert_int_equal(recv(f.negotiator, text, sizeof text, MSG_DONTWAIT), 0);
    tear_down(&f);
}

static void test_broken_rules_of_plutod(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    say(f.plutod, "forget\n");
    assert_int_equal(hub_run(f.hub), 111);
    assert_string_equal(f.closed, "plutod:bad ");
    tear_down(&f);
}

/* A second channel to the same tool takes the place of the first, which is closed. */
static void test_replaced(void **state)
{
    struct fixture f;
    (void)state;
    set_up(&f);
    int old = f.negotiator;
    f.negotiator = open_line(&f, TOOL_IKE_NEGOTIATE, N_S);
    assert_string_equal(f.closed, "ike-negotiate:closed ");
    say(f.negotiator, HELLO_NEGOTIATOR FINISH);
    f.enough = "ike-negotiate:finish ";
    f.deadline = clock_ms() + PATIENCE;
    assert_int_equal(hub_run(f.hub), 0);
    assert_string_equal(f.heard, "ike-negotiate:finish ");
    close(old);
    tear_down(&f);
}

/* The log's line goes to plutod in the very turn in which the other one's channel was closed. */
static void test_what_is_said_on_closing_is_sent(void **state)
{
    struct fixture f;
    char text[512];
    (void)state;
    set_up(&f);
    f.log.records = hub_out(f.hub, TOOL_PLUTOD, 0);
    say(f.negotiator, "finish id=1\n");
    f.ends_with_others = true;
    assert_int_equal(hub_run(f.hub), 0);
    ssize_t n = recv(f.plutod, text, sizeof text - 1, MSG_DONTWAIT);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "ike-negotiate"));
    tear_down(&f);
}

/* Keys are on their way to kernel-sa before the negotiator hears that it may ask for them. */
static void test_negotiator_hears_last(void **state)
{
    static const unsigned order[] = { TOOL_IKE_NEGOTIATE, TOOL_KERNEL_SA, TOOL_PLUTOD };
    struct fixture f;
    (void)state;
    set_up(&f);
    int kernel = open_line(&f, TOOL_KERNEL_SA, K_S);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        channel_hello(hub_line(f.hub, order[i], 0)->channel, TOOL_SECRETS, 1, 0);
    }
    f.deadline = clock_ms() + 20;
    assert_int_equal(hub_run(f.hub), 0);
    assert_int_equal(strncmp(f.written, "plutod kernel-sa ike-negotiate ", 31), 0);
    close(kernel);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plutod_first),
        cmocka_unit_test(test_plutod_first_though_late),
        cmocka_unit_test(test_quiet_without_the_bell),
        cmocka_unit_test(test_bell),
        cmocka_unit_test(test_bell_while_deaf),
        cmocka_unit_test(test_broken_rules_of_another),
        cmocka_unit_test(test_broken_rules_of_plutod),
        cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_what_is_said_on_closing_is_sent),
        cmocka_unit_test(test_negotiator_hears_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
