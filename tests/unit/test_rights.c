/*
 * What ends a tool: the real programs, as plutod starts them, are made to do every system call that
 * there is. Whoever does what lib/sandbox_calls.c does not name for it dies of SIGSYS. As root.
 */
#include "inject.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define CALLS_END 480 /* more than there are by now */
#define X32 0x40000000L
/* Kernels let these pass every filter, since they put them into programs themselves; they do nothing else. */
#define URETPROBE 335
#define UPROBE 336
#define CONTROL_FD 3

struct tool {
    const char *name;
    enum sandbox_tool number;
    pid_t pid;      /* of the process that is meant */
    int channel;
    pid_t program;  /* what was started: the same, but for the opener, which is a child of dnskey */
};

static struct tool tools[] = {
    { "ike-negotiate", SANDBOX_IKE_NEGOTIATE, 0, -1, 0 },
    { "secrets", SANDBOX_SECRETS, 0, -1, 0 },
    { "kernel-sa", SANDBOX_KERNEL_SA, 0, -1, 0 },
    { "dnskey", SANDBOX_DNSKEY, 0, -1, 0 },
    { "dnskey", SANDBOX_OPENER, 0, -1, 0 },
};

#define TOOLS (sizeof tools / sizeof tools[0])

static char secrets_file[] = "/tmp/test-rights-XXXXXX";

/* Programs lie at OUT/TOOL/TOOL, tests at OUT/tests/unit/TEST: the path of `what` in OUT. */
static void path_of(const char *what, char path[PATH_MAX])
{
    char own[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    assert_true(n > 0);
    own[n] = '\0';
    for (int up = 0; up < 3; up++) {
        char *slash = strrchr(own, '/');
        assert_non_null(slash);
        *slash = '\0';
    }
    assert_true(snprintf(path, PATH_MAX, "%.3000s/%s", own, what) < PATH_MAX);
}

static _Noreturn void become(const char *name, int channel)
{
    char path[PATH_MAX];
    char place[64];
    bool secrets = strcmp(name, "secrets") == 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    (void)snprintf(place, sizeof place, "%s/%s", name, name);
    path_of(place, path);
    if (dup2(channel, CONTROL_FD) == CONTROL_FD && dup2(null, STDIN_FILENO) == STDIN_FILENO) {
        (void)execl(path, path, "--control-fd", "3", secrets ? "--worker" : NULL, "1", "--file",
                    secrets_file, NULL);
    }
    _exit(127);
}

static bool has_filter(pid_t pid)
{
    char path[64];
    char line[200];
    bool has = false;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL) {
        has = has || strcmp(line, "Seccomp:\t2\n") == 0;
    }
    if (status != NULL) {
        (void)fclose(status);
    }
    return has;
}

/* The one child of a process, once it is in its sandbox. */
static pid_t child_of(pid_t pid)
{
    char path[64];
    int child = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    for (int tries = 0; tries < 60000; tries++) {
        FILE *children = fopen(path, "re");
        assert_non_null(children);
        const int found = fscanf(children, "%d", &child);
        (void)fclose(children);
        if (found == 1 && has_filter(child)) {
            return child;
        }
        usleep(1000);
    }
    fail_msg("process %d has no child with a seccomp filter", (int)pid);
    return 0;
}

/* Started as by plutod; with the first bytes on its channel it is in its sandbox. */
static void start(struct tool *t)
{
    int pair[2];
    char byte;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    (void)fflush(NULL);
    t->program = fork();
    assert_true(t->program >= 0);
    if (t->program == 0) {
        become(t->name, pair[1]);
    }
    close(pair[1]);
    t->channel = pair[0];
    if (read(t->channel, &byte, 1) != 1) {
        fail_msg("%s did not start", t->name);
    }
    t->pid = t->number == SANDBOX_OPENER ? child_of(t->program) : t->program;
}

/* Has it waited for already? */
static void end(struct tool *t, bool dead)
{
    int status;
    const bool opener = t->number == SANDBOX_OPENER;
    if (dead && opener) { /* dnskey ends without it */
        assert_int_equal(waitpid(t->program, &status, 0), t->program);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 111);
    }
    close(t->channel);
    if (!dead) {
        assert_int_equal(waitpid(t->program, &status, 0), t->program);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fail_msg("%s did not end well after its channel was closed: status %x", t->name,
                     (unsigned)status);
        }
    }
    t->program = 0;
}

static struct injected act(const struct tool *t, long number, const unsigned long arguments[6])
{
    struct injected result = { .lives = false };
    for (int tries = 0; !inject(t->pid, number, arguments, &result); tries++) {
        if (errno != EAGAIN || tries > 20000) { /* it does not wait yet */
            fail_msg("%s: call %ld could not be tried: %s", t->name, number, strerror(errno));
        }
        usleep(1000);
    }
    return result;
}

static const struct sandbox_call *find(const struct tool *t, long number)
{
    size_t count;
    const struct sandbox_call *calls = sandbox_calls(&count);
    for (size_t i = 0; i < count; i++) {
        if (calls[i].number == number && (calls[i].tools & 1u << t->number) != 0
            && !calls[i].by_hand) {
            return &calls[i];
        }
    }
    return NULL;
}

/* One try in a tool that runs; a new one is begun where it ends. */
static void expect(struct tool *t, long number, const unsigned long arguments[6], bool lives,
                   int signal)
{
    struct injected r = act(t, number, arguments);
    if (r.lives != lives || (!lives && r.signal != signal)) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)number);
        fail_msg("%s: call %ld (%s): lives: %d (value %ld), ended by signal %d; expected: %d, %d",
                 t->name, number, name == NULL ? "unknown" : name, r.lives, r.value, r.signal, lives,
                 signal);
    }
    if (!r.lives) {
        end(t, true);
        start(t);
    }
}

static const unsigned long nothing[6];

static void test_every_call(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOOLS; i++) {
        struct tool *t = &tools[i];
        start(t);
        for (long number = 0; number < CALLS_END; number++) {
            const struct sandbox_call *call = find(t, number);
            if (number == URETPROBE || number == UPROBE) {
                continue;
            }
            if (call == NULL) {
                expect(t, number, nothing, false, SIGSYS);
            } else if (call->refused) {
                assert_int_equal(act(t, number, nothing).value, -EPERM);
            } else if (number == SYS_exit_group) {
                expect(t, number, nothing, false, 0);
            } else if (call->only == NULL) {
                expect(t, number, nothing, true, 0);
            }
        }
        expect(t, X32 + SYS_getpid, nothing, false, SIGSYS);
        end(t, false);
    }
}

/* What the list gives one of them, of what is asked for below. A Unix socket is refused dnskey by EPERM. */
static bool may(const struct tool *t, long number, const unsigned long arguments[6])
{
    switch (number) {
    case SYS_openat:
        return t->number == SANDBOX_OPENER && arguments[2] == O_RDONLY;
    case SYS_socket:
        return t->number == SANDBOX_DNSKEY && (arguments[0] == AF_INET || arguments[0] == AF_UNIX);
    case SYS_connect:
    case SYS_bind:
    case SYS_setsockopt:
    case SYS_getsockopt:
        return t->number == SANDBOX_DNSKEY;
    default:
        return false;
    }
}

/* Said by name, for whoever asks what a hijacker can do. */
static void test_what_a_hijacker_wants(void **state)
{
    static const struct {
        long number;
        unsigned long arguments[6];
    } wants[] = {
        { SYS_open, { 0, O_RDONLY } }, { SYS_openat, { 0 } }, { SYS_openat2, { 0 } },
        { SYS_openat, { 0, 0, O_WRONLY } }, { SYS_openat, { 0, 0, O_RDWR } }, { SYS_openat, { 0, 0, O_CREAT } },
        { SYS_openat, { 0, 0, O_TRUNC } }, { SYS_openat, { 0, 0, O_TMPFILE } },
        { SYS_socket, { AF_INET, SOCK_DGRAM } }, { SYS_socket, { AF_UNIX, SOCK_STREAM } },
        { SYS_socket, { AF_NETLINK, SOCK_RAW } }, { SYS_socket, { AF_PACKET, SOCK_RAW } },
        { SYS_connect, { 0 } }, { SYS_bind, { 0 } }, { SYS_listen, { 0 } }, { SYS_accept, { 0 } },
        { SYS_setsockopt, { 0 } }, { SYS_getsockopt, { 0 } }, { SYS_ioctl, { 0 } },
        { SYS_execve, { 0 } }, { SYS_execveat, { 0 } }, { SYS_fork, { 0 } }, { SYS_clone, { 0 } },
        { SYS_clone3, { 0 } }, { SYS_kill, { 1, SIGTERM } }, { SYS_ptrace, { 0 } },
        { SYS_process_vm_readv, { 0 } }, { SYS_setuid, { 0 } }, { SYS_chroot, { 0 } },
        { SYS_prctl, { 0 } }, { SYS_seccomp, { 0 } }, { SYS_bpf, { 0 } }, { SYS_mprotect, { 0 } },
        { SYS_memfd_create, { 0 } }, { SYS_io_uring_setup, { 0 } }, { SYS_perf_event_open, { 0 } },
        { SYS_keyctl, { 0 } }, { SYS_unshare, { 0 } }, { SYS_setns, { 0 } },
        { SYS_rt_sigqueueinfo, { 0 } }, { SYS_pidfd_getfd, { 0 } }, { SYS_dup2, { 0, 1 } },
    };
    (void)state;
    for (size_t i = 0; i < TOOLS; i++) {
        start(&tools[i]);
        for (size_t w = 0; w < sizeof wants / sizeof wants[0]; w++) {
            expect(&tools[i], wants[w].number, wants[w].arguments, may(&tools[i], wants[w].number, wants[w].arguments), SIGSYS);
        }
        end(&tools[i], false);
    }
}

static void test_arguments(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOOLS; i++) {
        struct tool *t = &tools[i];
        if (t->number == SANDBOX_OPENER) {
            continue;
        }
        start(t);
        const unsigned long anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
        const unsigned long none = (unsigned long)-1;
        expect(t, SYS_fcntl, (const unsigned long[6]){ 0, F_GETFL }, true, 0);
        expect(t, SYS_fcntl, (const unsigned long[6]){ 0, F_DUPFD }, false, SIGSYS);
        expect(t, SYS_fcntl, (const unsigned long[6]){ 0, F_SETOWN, 1 }, false, SIGSYS);
        expect(t, SYS_mmap, (const unsigned long[6]){ 0, 4096, PROT_READ, anonymous, none }, true,
               0);
        expect(t, SYS_mmap, (const unsigned long[6]){ 0, 4096, PROT_READ | PROT_EXEC, anonymous,
                                                      none }, false, SIGSYS);
        expect(t, SYS_mmap, (const unsigned long[6]){ 0, 4096, PROT_READ, MAP_SHARED, 0 }, false,
               SIGSYS);
        unsigned long own = (unsigned long)t->pid;
        expect(t, SYS_tgkill, (const unsigned long[6]){ own, own, SIGKILL }, false, SIGSYS);
        expect(t, SYS_tgkill, (const unsigned long[6]){ 1, 1, SIGABRT }, false, SIGSYS);
        own = (unsigned long)t->pid;
        expect(t, SYS_tgkill, (const unsigned long[6]){ own, own, SIGABRT }, false, SIGABRT);
        if (t->number == SANDBOX_SECRETS) {
            expect(t, SYS_sendmsg, (const unsigned long[6]){ CONTROL_FD, 0, 0 }, true, 0);
            expect(t, SYS_sendmsg, (const unsigned long[6]){ STDERR_FILENO, 0, 0 }, false, SIGSYS);
        }
        expect(t, SYS_sendto, (const unsigned long[6]){ 0, 0, 0, 0, 1, 16 },
               t->number != SANDBOX_SECRETS, SIGSYS);
        end(t, false);
    }
}

/* ---- the page ---- */

#define ROW_MAX 512

static void print_row(const struct sandbox_call *c, char row[ROW_MAX])
{
    char who[80] = "";
    const unsigned all = (1u << SANDBOX_IKE_NEGOTIATE) | (1u << SANDBOX_SECRETS) | (1u << SANDBOX_KERNEL_SA)
                         | (1u << SANDBOX_DNSKEY);
    const bool by_all = (c->tools & all) == all;
    for (size_t i = 0; i < TOOLS; i++) {
        if ((c->tools & 1u << tools[i].number) != 0 && (!by_all || i == 0 || tools[i].number == SANDBOX_OPENER)) {
            size_t len = strlen(who);
            (void)snprintf(who + len, sizeof who - len, "%s%s", len == 0 ? "" : ", ",
                           tools[i].number == SANDBOX_OPENER ? "the opener" : by_all ? "all four" : tools[i].name);
        }
    }
    (void)snprintf(row, ROW_MAX, "| `%s` | %s%s | %s%s | %s |\n", c->name,
                   who, c->by_hand ? ", by hand" : "",
                   c->refused ? "refused" : c->only == NULL ? "" : "only ",
                   c->only == NULL ? "" : c->only, c->why);
}

/* docs/privsep.md has the list as it is: these rows, in this order, and no other. */
static void test_the_page(void **state)
{
    static const char head[] = "| call | for | with | why |\n";
    char path[PATH_MAX];
    char line[ROW_MAX];
    char row[ROW_MAX];
    size_t count;
    const struct sandbox_call *calls = sandbox_calls(&count);
    (void)state;
    path_of("docs/privsep.md", path);
    FILE *page = fopen(path, "re");
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL && strcmp(line, head) != 0) {
    }
    assert_non_null(fgets(line, sizeof line, page)); /* the ruler */
    for (size_t i = 0; i < count; i++) {
        print_row(&calls[i], row);
        if (fgets(line, sizeof line, page) == NULL || strcmp(line, row) != 0) {
            fail_msg("docs/privsep.md has\n%sbut lib/sandbox_calls.c says\n%s", line, row);
        }
    }
    assert_true(fgets(line, sizeof line, page) != NULL && line[0] == '\n');
    (void)fclose(page);
}

static int set_up(void **state)
{
    (void)state;
    int fd = mkstemp(secrets_file);
    return fd >= 0 && close(fd) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < TOOLS; i++) {
        if (tools[i].program > 0) {
            (void)kill(tools[i].program, SIGKILL);
        }
    }
    return unlink(secrets_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_page),
        cmocka_unit_test(test_every_call),
        cmocka_unit_test(test_what_a_hijacker_wants),
        cmocka_unit_test(test_arguments),
    };
    if (SANITIZED || !INJECT_WORKS || geteuid() != 0) {
        printf("1..1\nok 1 - nothing is tried: no filter with AddressSanitizer, and root and x86-64 "
               "are needed # SKIP\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
