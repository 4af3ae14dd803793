/* The sandbox from inside and outside: who a tool is, what it has, and what ends it. As root, or some of it. */
#include "sandbox.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

enum deed { NOTHING, TOO_MUCH, WORK, OPEN_FILE, MAKE_SOCKET, FORK, MAKE_CODE, DUPLICATE, OTHER, ABORT };

static void work(void)
{
    void *memory = malloc((size_t)1 << 22);
    struct timespec now;
    memset(memory, 1, (size_t)1 << 22);
    free(memory);
    if (clock_gettime(CLOCK_MONOTONIC, &now) == 0) {
        printf("%ld\n", (long)now.tv_sec); /* stdio, to a closed stdout */
        (void)fflush(stdout);
    }
}

/* [F17] A little below the limit there is memory, and beyond it none. */
static void too_much(void)
{
    void *enough = malloc((size_t)900 << 20);
    void *more = malloc((size_t)200 << 20);
    if (enough == NULL || (more != NULL && !SANITIZED)) {
        _exit(102);
    }
    free(enough);
    free(more);
}

static void act(enum deed deed)
{
    switch (deed) {
    case NOTHING:
        break;
    case TOO_MUCH:
        too_much();
        break;
    case WORK:
        work();
        break;
    case OPEN_FILE:
        (void)!open("/etc/passwd", O_RDONLY | O_CLOEXEC);
        break;
    case MAKE_SOCKET:
        (void)!socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        break;
    case FORK:
        (void)!syscall(SYS_fork);
        break;
    case MAKE_CODE:
        (void)!mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        break;
    case DUPLICATE:
        (void)!fcntl(0, F_DUPFD_CLOEXEC, 10);
        break;
    case OTHER:
        (void)!getppid();
        break;
    case ABORT:
        abort();
    }
}

/* In a child that enters the sandbox: exits 0, or 100 with a message, or dies. */
static void child(const struct sandbox *s, enum deed deed, int ready, int go)
{
    const char *note;
    const char *why = sandbox_enter(s, &note);
    char c;
    struct iovec room = { &c, 1 };
    struct msghdr m = { .msg_iov = &room, .msg_iovlen = 1 };
    if (why != NULL) {
        perror(why);
        _exit(100);
    }
    close(STDOUT_FILENO);
    if (write(ready, "r", 1) != 1 || recvmsg(go, &m, 0) != 1) {
        _exit(101);
    }
    act(deed);
    _exit(0);
}

struct trial {
    char status[4096]; /* of /proc/PID/status, once it is inside */
    char root[128];
    int end;           /* for waitpid's macros */
};

static void look(struct trial *t, pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/status", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, t->status, sizeof t->status - 1);
    t->status[n > 0 ? n : 0] = '\0';
    close(fd);
    (void)snprintf(path, sizeof path, "/proc/%d/root", pid);
    n = readlink(path, t->root, sizeof t->root - 1);
    t->root[n > 0 ? n : 0] = '\0';
}

static struct trial try(const struct sandbox *s, enum deed deed)
{
    struct trial t;
    int ready[2];
    int go[2];
    char c;
    memset(&t, 0, sizeof t);
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, go), 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        child(s, deed, ready[1], go[0]);
    }
    close(ready[1]);
    if (read(ready[0], &c, 1) == 1) {
        look(&t, pid);
        assert_int_equal(write(go[1], "g", 1), 1);
    }
    assert_int_equal(waitpid(pid, &t.end, 0), pid);
    close(ready[0]);
    close(go[0]);
    close(go[1]);
    return t;
}

static void expect_line(const struct trial *t, const char *line)
{
    if (strstr(t->status, line) == NULL) {
        fail_msg("no %s in %s", line, t->status);
    }
}

static void test_who_and_what(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        return;
    }
    static const struct {
        enum sandbox_tool tool;
        bool net_admin;
        const char *caps;
    } tools[] = {
        { SANDBOX_IKE_NEGOTIATE, false, "0000000000000000" },
        { SANDBOX_SECRETS, false, "0000000000000000" },
        { SANDBOX_KERNEL_SA, true, "0000000000001000" },
    };
    char uids[3][64];
    for (size_t i = 0; i < 3; i++) {
        const struct sandbox s = { .tool = tools[i].tool, .net_admin = tools[i].net_admin };
        struct trial t = try(&s, WORK);
        char line[64];
        assert_true(WIFEXITED(t.end));
        assert_int_equal(WEXITSTATUS(t.end), 0);
        (void)snprintf(line, sizeof line, "CapPrm:\t%s\n", tools[i].caps);
        expect_line(&t, line);
        (void)snprintf(line, sizeof line, "CapEff:\t%s\n", tools[i].caps);
        expect_line(&t, line);
        expect_line(&t, "CapInh:\t0000000000000000\n");
        expect_line(&t, "CapBnd:\t0000000000000000\n");
        expect_line(&t, "CapAmb:\t0000000000000000\n");
        expect_line(&t, "NoNewPrivs:\t1\n");
        if (!SANITIZED) {
            expect_line(&t, "Seccomp:\t2\n");
            assert_non_null(strstr(t.root, "ipsec-empty-"));
            assert_non_null(strstr(t.root, "(deleted)"));
        }
        const char *uid = strstr(t.status, "Uid:\t");
        assert_non_null(uid);
        (void)snprintf(uids[i], sizeof uids[i], "%.*s", (int)strcspn(uid, "\n"), uid);
        assert_null(strstr(uids[i], "\t0"));
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(uids[i], uids[j]);
        }
        const char *groups = strstr(t.status, "Groups:\t");
        assert_non_null(groups);
        assert_int_equal(strspn(groups + 8, " "), strcspn(groups + 8, "\n"));
    }
}

static void test_memory_is_limited(void **state)
{
    const struct sandbox s = { .tool = SANDBOX_SECRETS };
    (void)state;
    struct trial t = try(&s, TOO_MUCH);
    assert_true(WIFEXITED(t.end));
    assert_int_equal(WEXITSTATUS(t.end), 0);
}

static void test_what_ends_it(void **state)
{
    (void)state;
    if (SANITIZED) {
        return;
    }
    static const enum deed deeds[] = { OPEN_FILE, MAKE_SOCKET, FORK, MAKE_CODE, DUPLICATE, OTHER };
    const struct sandbox s = { .tool = SANDBOX_SECRETS };
    for (size_t i = 0; i < sizeof deeds / sizeof deeds[0]; i++) {
        struct trial t = try(&s, deeds[i]);
        assert_true(WIFSIGNALED(t.end));
        assert_int_equal(WTERMSIG(t.end), SIGSYS);
    }
    struct trial t = try(&s, ABORT);
    assert_true(WIFSIGNALED(t.end));
    assert_int_equal(WTERMSIG(t.end), SIGABRT);
}

static void test_no_core(void **state)
{
    (void)state;
    (void)fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit limit;
        sandbox_no_core();
        bool good = getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0
                    && prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0;
        _exit(good ? 0 : 1);
    }
    int end;
    assert_int_equal(waitpid(pid, &end, 0), pid);
    assert_true(WIFEXITED(end) && WEXITSTATUS(end) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_and_what),
        cmocka_unit_test(test_what_ends_it),
        cmocka_unit_test(test_no_core),
        cmocka_unit_test(test_memory_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
