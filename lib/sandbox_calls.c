/*
 * The system calls that each tool may make. A list is right when nothing on it can be left out: what
 * a tool needs only before it enters the sandbox, or only in theory, has no place here.
 */
#include "sandbox.h"

#include <seccomp.h>

#define N (1u << SANDBOX_IKE_NEGOTIATE)
#define S (1u << SANDBOX_SECRETS)
#define K (1u << SANDBOX_KERNEL_SA)
#define ALL (N | S | K)

/* Machines newer than x86 have only the calls with a p. */
#ifdef __NR_epoll_wait
#define WAIT epoll_wait
#else
#define WAIT epoll_pwait
#endif
#ifdef __NR_poll
#define POLL poll
#else
#define POLL ppoll
#endif

#define TEXT(name) #name
#define CALL(call) .number = SCMP_SYS(call), .name = TEXT(call)

static const struct sandbox_call calls[] = {
    { CALL(WAIT), ALL, .why = "the event loop waits" },
    { CALL(epoll_ctl), ALL, .why = "a channel or socket comes or goes" },
    { CALL(clock_gettime), ALL, .why = "timers, where the vdso cannot tell the time" },
    { CALL(gettimeofday), ALL, .why = "the same" },
#ifdef __NR_time
    { CALL(time), S, .why = "OpenSSL's random generator, without a vdso" },
#endif
    { CALL(recvmsg), ALL, .why = "records of channels, ICMP errors, netlink's answers" },
    { CALL(sendto), N | K, .why = "records to channels, datagrams, netlink requests" },
    { CALL(sendto), S, .only = "no address", .why = "records to channels" },
    { CALL(recvfrom), N, .why = "datagrams with their sender" },
    { CALL(close), ALL, .why = "a channel or socket goes" },
    { CALL(fcntl), ALL, .only = "F_GETFL, F_SETFL", .why = "a new channel is made non-blocking" },
    { CALL(getrandom), ALL, .why = "cookies, message ids, nonces, exponents, SPIs" },
    { CALL(brk), ALL, .why = "memory" },
    { CALL(mmap), ALL, .only = "anonymous, never executable", .why = "memory" },
    { CALL(munmap), ALL, .why = "memory" },
    { CALL(mremap), S | K, .why = "a long list grows" },
    { CALL(futex), S, .why = "OpenSSL's locks" },
    { CALL(write), ALL, .why = "stderr; by hand stdout" },
    { CALL(writev), ALL, .why = "the C library's last words on stderr" },
    { CALL(rt_sigprocmask), ALL, .why = "abort(3), when an assertion fails" },
    { CALL(getpid), ALL, .why = "abort(3); OpenSSL looks whether it was forked" },
    { CALL(gettid), ALL, .why = "abort(3)" },
    { CALL(tgkill), ALL, .only = "itself, with SIGABRT", .why = "abort(3)" },
    { CALL(exit_group), ALL, .why = "the end" },
    { CALL(read), S | K, .by_hand = true, .why = "stdin" },
    { CALL(POLL), S | K, .by_hand = true, .why = "waits for whoever reads stdout" },
    { CALL(restart_syscall), S | K, .by_hand = true, .why = "goes on after Ctrl-Z and fg" },
    /* stdio asks what stdout is, and does without an answer; the path in the call could be any. */
    { CALL(fstat), ALL, .refused = true, .why = "stdio asks what stdout is" },
    { CALL(newfstatat), ALL, .refused = true, .why = "the same" },
    { CALL(statx), ALL, .refused = true, .why = "the same" },
};

const struct sandbox_call *sandbox_calls(size_t *count)
{
    *count = sizeof calls / sizeof calls[0];
    return calls;
}
