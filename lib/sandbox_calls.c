/*
 * The system calls that each tool may make. A list is right when nothing on it can be left out: what
 * a tool needs only before it enters the sandbox, or only in theory, has no place here.
 */
#include "sandbox.h"

#include <seccomp.h>

#define N (1u << SANDBOX_IKE_NEGOTIATE)
#define S (1u << SANDBOX_SECRETS)
#define K (1u << SANDBOX_KERNEL_SA)
#define D (1u << SANDBOX_DNSKEY)
#define O (1u << SANDBOX_OPENER)
#define ALL (N | S | K | D) /* but not the opener, which does next to nothing */

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
    { CALL(time), S | D, .why = "OpenSSL's random generator, and DNS, without a vdso" },
#endif
    { CALL(recvmsg), ALL | O, .why = "records of channels, ICMP errors, netlink's answers, dnskey and its opener to each other" },
    { CALL(sendmsg), D | O, .why = "DNS over TCP; opened files to dnskey" },
    { CALL(sendto), N | K | D, .why = "records to channels, datagrams, netlink requests, questions to DNS" },
    { CALL(sendto), S, .only = "no address", .why = "records to channels" },
    { CALL(sendmsg), S, .only = "plutod's channel", .why = "a socket with a passphrase, which plutod hands on" },
    { CALL(recvfrom), N | D, .why = "datagrams with their sender" },
    { CALL(socket), D, .only = "AF_INET, AF_INET6; AF_UNIX gets EPERM", .why = "each question to DNS has a port of its own" },
    { CALL(bind), D, .why = "the same: a port that nobody can guess" },
    { CALL(connect), D, .why = "answers are taken from the server that was asked only; DNS over TCP" },
    { CALL(setsockopt), D, .why = "no fragments that anybody may have made; ports for TCP" },
    { CALL(getsockopt), D, .why = "whether a connection over TCP has come about" },
    { CALL(ioctl), D, .only = "SIOCGIFINDEX", .why = "the interface of a DNS server with a link-local address" },
    { CALL(openat), O, .only = "to read", .why = "resolv.conf and hosts" },
    { CALL(read), D, .why = "what the opener has opened; DNS over TCP; by hand stdin" },
    { CALL(close), ALL | O, .why = "a channel, socket or file goes" },
    { CALL(fcntl), ALL, .only = "F_GETFL, F_SETFL", .why = "a new channel or socket is made non-blocking" },
    { CALL(getrandom), ALL, .why = "cookies, message ids, nonces, exponents, SPIs, ports and ids of questions" },
    { CALL(brk), ALL, .why = "memory" },
    { CALL(mmap), ALL, .only = "anonymous, never executable", .why = "memory" },
    { CALL(munmap), ALL, .why = "memory" },
    { CALL(mremap), S | K | D, .why = "a long list grows" },
    { CALL(futex), S, .why = "OpenSSL's locks" },
    { CALL(write), ALL, .why = "stderr; by hand stdout" },
    { CALL(writev), ALL | O, .why = "the C library's last words on stderr; DNS over TCP" },
    { CALL(rt_sigprocmask), ALL | O, .why = "abort(3), when an assertion fails" },
    { CALL(getpid), ALL | O, .why = "abort(3); OpenSSL looks whether it was forked" },
    { CALL(gettid), ALL | O, .why = "abort(3)" },
    { CALL(tgkill), ALL | O, .only = "itself, with SIGABRT", .why = "abort(3)" },
    { CALL(exit_group), ALL | O, .why = "the end" },
    { CALL(read), S | K, .by_hand = true, .why = "stdin" },
    { CALL(POLL), S | K | D, .by_hand = true, .why = "waits for whoever reads stdout" },
    { CALL(restart_syscall), S | K | D, .by_hand = true, .why = "goes on after Ctrl-Z and fg" },
    { CALL(fstat), O, .why = "whether a file has changed" },
    { CALL(newfstatat), O, .why = "the same" },
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
