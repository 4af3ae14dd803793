#include "sandbox.h"

#include "bounds.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* AddressSanitizer looks for leaks at exit, with /proc, ptrace and a thread: these are left to it. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* One user for each tool: by name where sysusers.d made it, else a number that is nobody else's. */
static const struct {
    const char *name;
    uid_t number;
} users[] = {
    [SANDBOX_IKE_NEGOTIATE] = { "ipsec-negotiate", 60910 },
    [SANDBOX_SECRETS] = { "ipsec-secrets", 60911 },
    [SANDBOX_KERNEL_SA] = { "ipsec-kernel", 60912 },
    [SANDBOX_DNSKEY] = { "ipsec-dns", 60913 },
};

/* Each step returns NULL or why it failed, with errno set. */
static const char *failed(int negative_errno, const char *why)
{
    errno = -negative_errno;
    return why;
}

/* The arguments that a call may have; see .only in sandbox_calls.c. Returns how many are looked at. */
static unsigned arguments_of(const struct sandbox_call *call, const struct sandbox *s, struct scmp_arg_cmp a[2])
{
    if (call->number == SCMP_SYS(sendmsg)) {
        a[0] = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)s->control_fd, 0);
        return 1;
    }
    if (call->number == SCMP_SYS(sendto)) {
        a[0] = SCMP_A4(SCMP_CMP_EQ, 0, 0);
        return 1;
    }
    if (call->number == SCMP_SYS(mmap)) {
        a[0] = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
        a[1] = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS);
        return 2;
    }
    if (call->number == SCMP_SYS(tgkill)) {
        a[0] = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0);
        a[1] = SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0);
        return 2;
    }
    if (call->number == SCMP_SYS(openat)) {
        a[0] = SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_PATH | (O_TMPFILE & ~O_DIRECTORY), O_RDONLY);
        return 1;
    }
    if (call->number == SCMP_SYS(ioctl)) {
        a[0] = SCMP_A1(SCMP_CMP_EQ, SIOCGIFINDEX, 0);
        return 1;
    }
    return 0;
}

static int add_fcntl(scmp_filter_ctx filter)
{
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                              SCMP_A1(SCMP_CMP_EQ, F_GETFL, 0));
    return rc != 0 ? rc : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                           SCMP_A1(SCMP_CMP_EQ, F_SETFL, 0));
}

/* libunbound asks for the number of an interface by a Unix socket (if_nametoindex), and does without it. */
static int add_socket(scmp_filter_ctx filter)
{
    int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
    rc = rc != 0 ? rc : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                         SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
    return rc != 0 ? rc : seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                           SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0));
}

static int add_rule(scmp_filter_ctx filter, const struct sandbox_call *call, const struct sandbox *s)
{
    struct scmp_arg_cmp arguments[2];
    const uint32_t action = call->refused ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_ALLOW;
    if (call->number == SCMP_SYS(fcntl)) {
        return add_fcntl(filter);
    }
    if (call->number == SCMP_SYS(socket)) {
        return add_socket(filter);
    }
    unsigned count = call->only == NULL ? 0 : arguments_of(call, s, arguments);
    if (call->only != NULL && count == 0) {
        return -EINVAL; /* a limit that nobody has written */
    }
    return seccomp_rule_add_array(filter, action, call->number, count, arguments);
}

static int add_rules(scmp_filter_ctx filter, const struct sandbox *s)
{
    size_t count;
    const struct sandbox_call *calls = sandbox_calls(&count);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if ((calls[i].tools & 1u << s->tool) != 0 && (!calls[i].by_hand || s->by_hand)) {
            rc = add_rule(filter, &calls[i], s);
            rc = rc == -EEXIST ? 0 : rc;
        }
    }
    return rc;
}

static const char *enter_seccomp(const struct sandbox *s)
{
    const char *why = NULL;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (filter == NULL) {
        return failed(-ENOMEM, "cannot make a seccomp filter");
    }
    int rc = add_rules(filter, s);
    if (rc != 0) {
        why = failed(rc, "cannot add a rule to the seccomp filter");
        goto out;
    }
    rc = seccomp_load(filter);
    if (rc != 0) {
        why = failed(rc, "cannot load the seccomp filter; is CONFIG_SECCOMP_FILTER in the kernel?");
    }
out:
    seccomp_release(filter);
    return why;
}

/* Leaves nothing of the file system: the root is a folder that exists no more. */
static const char *leave_files(void)
{
    char in_run[] = "/run/ipsec-empty-XXXXXX";
    char in_tmp[] = "/tmp/ipsec-empty-XXXXXX";
    const char *folder = mkdtemp(in_run);
    if (folder == NULL) {
        folder = mkdtemp(in_tmp);
    }
    if (folder == NULL) {
        return "cannot make an empty folder in /run or /tmp";
    }
    int entered = chdir(folder);
    int saved = errno;
    if (rmdir(folder) != 0) {
        return "cannot remove the empty folder that is to be the root";
    }
    if (entered != 0) {
        errno = saved;
        return "cannot enter the empty folder that is to be the root";
    }
    if (chroot(".") != 0) {
        return "cannot change the root; CAP_SYS_CHROOT is needed";
    }
    return chdir("/") == 0 ? NULL : "cannot enter the changed root";
}

static const char *become(uid_t uid, gid_t gid, bool net_admin)
{
    capng_clear(CAPNG_SELECT_ALL);
    if (net_admin
        && capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN) != 0) {
        return failed(-EPERM, "cannot select CAP_NET_ADMIN");
    }
    int rc = capng_change_id((int)uid, (int)gid,
                             CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT);
    if (rc != 0) {
        return "cannot change user, group and capabilities";
    }
    uid_t u[3];
    gid_t g[3];
    if (getresuid(&u[0], &u[1], &u[2]) != 0 || getresgid(&g[0], &g[1], &g[2]) != 0) {
        return "cannot read back user and group";
    }
    for (int i = 0; i < 3; i++) {
        if (u[i] != uid || g[i] != gid) {
            return failed(-EPERM, "user and group are not what they were changed to");
        }
    }
    capng_results_t want = net_admin ? CAPNG_PARTIAL : CAPNG_NONE;
    if (capng_have_capabilities(CAPNG_SELECT_CAPS) != want) {
        return failed(-EPERM, "capabilities are not what they were changed to");
    }
    return NULL;
}

static const char *drop_root(const struct sandbox *s)
{
    /* Two processes of one tool have one user: neither may send signals or look into others. */
    const enum sandbox_tool tool = s->tool == SANDBOX_OPENER ? SANDBOX_DNSKEY : s->tool;
    uid_t uid = users[tool].number;
    gid_t gid = users[tool].number;
    const struct passwd *entry = getpwnam(users[tool].name);
    if (entry != NULL) {
        uid = entry->pw_uid;
        gid = entry->pw_gid;
    }
    if (uid == 0 || gid == 0) {
        return failed(-EINVAL, "the tool's user in /etc/passwd has the number of root");
    }
    const char *why = SANITIZED || s->tool == SANDBOX_OPENER ? NULL : leave_files();
    return why != NULL ? why : become(uid, gid, s->net_admin);
}

/*
 * Whoever has taken a tool over could have memory until the kernel ends some process to get it back, and
 * that need not be this one. 65,536 exchanges take less than half of it: in ike-negotiate 6 KB each while
 * they are not finished and 16 MB of SA payloads, elsewhere 1 to 2 KB; and channels to 64 workers 80 MB.
 * What is refused beyond it is "no memory", which every tool bears.
 */
static bool limit_memory(void)
{
    const struct rlimit most = { .rlim_cur = TOOL_MEMORY, .rlim_max = TOOL_MEMORY };
    struct rlimit now;
    if (SANITIZED || (getrlimit(RLIMIT_DATA, &now) == 0 && now.rlim_max <= TOOL_MEMORY)) {
        return true;
    }
    return setrlimit(RLIMIT_DATA, &most) == 0;
}

const char *sandbox_enter(const struct sandbox *s, const char **note)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    bool root = geteuid() == 0;
    *note = NULL;
    if (root) {
        const char *why = drop_root(s);
        if (why != NULL) {
            return why;
        }
    } else {
        *note = "not started as root: keeps its user, groups, files and capabilities";
    }
    if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, SANITIZED, 0, 0, 0) != 0) {
        return "cannot turn core dumps off";
    }
    if (!limit_memory()) {
        return "cannot limit the memory";
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return "cannot set no_new_privs";
    }
    if (SANITIZED) {
        *note = root ? "built with AddressSanitizer: no empty root, no seccomp filter"
                     : "built with AddressSanitizer and not started as root: only no_new_privs";
        return NULL;
    }
    return enter_seccomp(s);
}

void sandbox_no_core(void)
{
    const struct rlimit none = { .rlim_cur = 0, .rlim_max = 0 };
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)umask(077);
}
