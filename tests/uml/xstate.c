/*
 * xstate - lets user-mode-linux 6.1 run on processors with more register state than it knows of
 *
 * UML hands its guests' vector registers to the host by PTRACE_SETREGSET with NT_X86_XSTATE and a
 * buffer of 2696 bytes (all there was up to AVX-512 and PKRU). A host kernel accepts nothing shorter
 * than its own whole state, so where the processor has AMX (11008 bytes) it answers EFAULT, and the
 * guest's first process dies. This library, preloaded by tests/uml/boot, sends such a call again with
 * the rest added: empty, and marked as "in its initial state". Programs in the guest cannot use the
 * registers that are beyond UML's knowledge, everything else is as without it.
 *
 * Not for anything but linux.uml: one thread there makes these calls, so the buffers need no lock.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * Intel SDM volume 1, 13.4.2: the header follows the 512 bytes of FXSAVE, and its first word says
 * which parts hold state.
 */
#define XSTATE_BV_OFFSET 512
/* Parts that lie within what UML knows: x87, SSE, AVX, MPX (2), AVX-512 (3), PT, PKRU. */
#define KNOWN_PARTS 0x3ffu

typedef long (*ptrace_fn)(int request, ...);

long ptrace(enum __ptrace_request request, ...)
{
    static ptrace_fn real;
    static unsigned char whole[65536];
    static size_t whole_length;
    static int too_short;
    va_list args;

    va_start(args, request);
    pid_t pid = va_arg(args, pid_t);
    void *addr = va_arg(args, void *);
    void *data = va_arg(args, void *);
    va_end(args);

    if (real == NULL) {
        void *symbol = dlsym(RTLD_NEXT, "ptrace");
        memcpy(&real, &symbol, sizeof(real));
    }
    if (request != PTRACE_SETREGSET || (uintptr_t)addr != NT_X86_XSTATE) {
        return real((int)request, pid, addr, data);
    }
    if (!too_short) {
        long result = real((int)request, pid, addr, data);
        if (result == 0 || errno != EFAULT) {
            return result;
        }
        struct iovec all = {whole, sizeof(whole)};
        if (real(PTRACE_GETREGSET, pid, addr, &all) != 0) {
            return -1;
        }
        whole_length = all.iov_len;
        too_short = 1;
    }

    const struct iovec *given = data;
    if (given->iov_len < XSTATE_BV_OFFSET + sizeof(uint64_t) || given->iov_len > whole_length) {
        errno = EFAULT;
        return -1;
    }
    uint64_t parts;
    memcpy(whole, given->iov_base, given->iov_len);
    memset(whole + given->iov_len, 0, whole_length - given->iov_len);
    memcpy(&parts, whole + XSTATE_BV_OFFSET, sizeof(parts));
    parts &= KNOWN_PARTS;
    memcpy(whole + XSTATE_BV_OFFSET, &parts, sizeof(parts));
    struct iovec padded = {whole, whole_length};
    return real((int)request, pid, addr, &padded);
}
