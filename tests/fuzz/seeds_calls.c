/* Seeds of the socket and output targets: what system calls give, and what programs write. */
#include "seeds.h"
#include "fuzz.h"

#include "buffer.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <string.h>

/* ---- socket: the bytes of fuzz_socket.c ---- */

enum { CALL_READ, CALL_SEND, CALL_OTHER_PORT };
enum { NAME_4, NAME_6, NAME_RAW };

static void name(struct buffer *b, unsigned family)
{
    static const uint8_t address[16] = { 10, 9, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9 };
    buffer_add_u8(b, family);
    if (family == NAME_RAW) {
        buffer_add_u8(b, 4);
        buffer_add(b, address, 4);
        return;
    }
    buffer_add_u16(b, 500);
    buffer_add(b, address, family == NAME_4 ? 4 : 16);
}

static void datagram(struct buffer *b, unsigned family, unsigned len)
{
    buffer_add_u8(b, 0);
    name(b, family);
    buffer_add_u16(b, len);
    buffer_add_u32(b, 0); /* DATAGRAM_BYTES of it */
}

static void error_item(struct buffer *b, unsigned family, unsigned origin, unsigned offender)
{
    struct sock_extended_err e = { .ee_errno = EHOSTUNREACH, .ee_origin = (uint8_t)origin,
                                   .ee_type = 3, .ee_code = 1 };
    struct sockaddr_in6 from = { .sin6_family = (sa_family_t)offender };
    buffer_add_u8(b, 0);
    name(b, family);
    buffer_add_u8(b, 1); /* control messages */
    buffer_add_u8(b, family == NAME_6 ? 1 : 0);
    buffer_add_u8(b, sizeof e + sizeof from);
    buffer_add(b, &e, sizeof e);
    buffer_add(b, &from, sizeof from);
}

void write_socket(void)
{
    static const unsigned origins[] = { SO_EE_ORIGIN_LOCAL, SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 };
    unsigned n = 0;
    for (unsigned family = NAME_4; family <= NAME_6; family++) {
        for (unsigned i = 0; i < 3; i++) {
            struct buffer b;
            buffer_init(&b, 0);
            buffer_add_u8(&b, family);
            buffer_add_u8(&b, CALL_READ);
            datagram(&b, family, 100);
            datagram(&b, NAME_RAW, 10);
            datagram(&b, family, 0xfffe);
            buffer_add_u8(&b, ECONNREFUSED); /* of recvfrom: the error queue is read */
            for (unsigned k = 0; k < 3; k++) {
                error_item(&b, family, origins[i], k == 0 ? AF_UNSPEC : k == 1 ? AF_INET : AF_INET6);
            }
            buffer_add_u8(&b, EAGAIN);
            buffer_add_u8(&b, EAGAIN);
            buffer_add_u8(&b, CALL_SEND);
            buffer_add_u8(&b, 0);
            buffer_add_u8(&b, CALL_SEND);
            buffer_add_u8(&b, ECONNREFUSED);
            error_item(&b, family, origins[i], AF_INET);
            buffer_add_u8(&b, EAGAIN);
            buffer_add_u8(&b, i == 0 ? 0 : ENETUNREACH);
            buffer_add_u8(&b, CALL_OTHER_PORT);
            buffer_add_u8(&b, CALL_SEND);
            write_seed("socket", "calls", n++, b.data, b.len);
            buffer_wipe(&b);
        }
    }
}

/* ---- output: the bytes of fuzz_output.c ---- */

enum { WRITE, WRITE_MUCH, CLOSE, END, FIRE, PASS };
#define TOOL 0x80u /* on its stderr */
#define LINES 0x80u /* of that length */

static void much(struct buffer *b, unsigned to, unsigned byte, unsigned len)
{
    buffer_add_u8(b, to | WRITE_MUCH);
    buffer_add_u8(b, byte);
    buffer_add_u16(b, len);
}

static void said(struct buffer *b, unsigned to, const char *text)
{
    buffer_add_u8(b, to | WRITE);
    buffer_add_text(b, text);
    buffer_add_u8(b, '\f');
}

static void end_output(struct buffer *b, unsigned status, unsigned n)
{
    buffer_add_u8(b, END);
    buffer_add_u16(b, status);
    for (unsigned i = 0; i < 8; i++) {
        buffer_add_u8(b, FIRE);
    }
    said(b, 0, "after its end\n");
    said(b, TOOL, "at last\n");
    buffer_add_u8(b, n % 2 == 0 ? CLOSE : FIRE);
    write_seed("output", "written", n, b->data, b->len);
    buffer_wipe(b);
}

void write_output(void)
{
    static const unsigned statuses[] = { 0, 1 << 8, 9 };
    unsigned n = 0;
    for (unsigned i = 0; i < 3; i++) {
        struct buffer b;
        buffer_init(&b, 0);
        buffer_add_text(&b, "script one 'two three'\n");
        said(&b, 0, "a line\nand half of one");
        said(&b, 0, "\n\n\001\377\n");
        said(&b, TOOL, "out of memory\nhalf");
        end_output(&b, statuses[i], n++);
        /* a line without end; so many lines that reading pauses, and then that the rest is left out */
        buffer_init(&b, 0);
        buffer_add_text(&b, "script\n");
        much(&b, 0, 'x', 40000);
        much(&b, TOOL, 'y', 40000);
        for (unsigned k = 0; k < 12; k++) {
            much(&b, 0, LINES | 3, 60000);
            much(&b, TOOL, LINES | 5, 3000);
            buffer_add_u8(&b, FIRE);
            buffer_add_u8(&b, PASS);
            buffer_add_u8(&b, 5);
        }
        end_output(&b, statuses[i], n++);
        /* its time is over */
        buffer_init(&b, 0);
        buffer_add_text(&b, "script\n");
        buffer_add_u8(&b, FIRE);
        buffer_add_u8(&b, i == 0 ? TOOL | CLOSE : PASS);
        end_output(&b, statuses[i], n++);
    }
    write_seed("output", "written", n++, "''\n", 3); /* cannot be run */
    write_seed("output", "written", n++, "script\n\2", 8);
}
