#include "stack.h"

#include <string.h>

/*
 * Reading files used 19 KB at most, with includes 10 deep and keys of 8192 bits, opening a key with its passphrase 12. Not much more:
 * a process has 128 KB of stack to begin with, and where it may not lock more memory than it has, that does not grow.
 */
#define STACK_USED (48u << 10)

/* Whatever the compiler knows to be a register of the processor's. Those of AVX it does not, if it makes code for all. */
#if defined(__has_attribute)
#if __has_attribute(zero_call_used_regs)
#define ZERO_REGISTERS __attribute__((zero_call_used_regs("all")))
#endif
#endif
#ifndef ZERO_REGISTERS
#define ZERO_REGISTERS
#endif

/* memcpy, and OpenSSL, have moved keys in the vector registers. */
__attribute__((noinline)) ZERO_REGISTERS static void wipe_registers(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f")) {
        __asm__ volatile("vpxord %%zmm16, %%zmm16, %%zmm16\n vpxord %%zmm17, %%zmm17, %%zmm17\n"
                         "vpxord %%zmm18, %%zmm18, %%zmm18\n vpxord %%zmm19, %%zmm19, %%zmm19\n"
                         "vpxord %%zmm20, %%zmm20, %%zmm20\n vpxord %%zmm21, %%zmm21, %%zmm21\n"
                         "vpxord %%zmm22, %%zmm22, %%zmm22\n vpxord %%zmm23, %%zmm23, %%zmm23\n"
                         "vpxord %%zmm24, %%zmm24, %%zmm24\n vpxord %%zmm25, %%zmm25, %%zmm25\n"
                         "vpxord %%zmm26, %%zmm26, %%zmm26\n vpxord %%zmm27, %%zmm27, %%zmm27\n"
                         "vpxord %%zmm28, %%zmm28, %%zmm28\n vpxord %%zmm29, %%zmm29, %%zmm29\n"
                         "vpxord %%zmm30, %%zmm30, %%zmm30\n vpxord %%zmm31, %%zmm31, %%zmm31\n" ::: "memory");
    }
    if (__builtin_cpu_supports("avx")) {
        __asm__ volatile("vzeroall" ::: "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                         "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    }
#endif
}

__attribute__((noinline)) static void wipe_room(void)
{
    char room[STACK_USED];
    explicit_bzero(room, sizeof room);
}

/* The registers first: a signal puts them on the stack, which must not be below that room. */
void stack_wipe(void)
{
    wipe_registers();
    wipe_room();
}
