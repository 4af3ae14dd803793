/*
 * Records: one line's parser, printer and redaction, and what a channel makes of bytes.
 *
 * Input: a letter, then the rest. `c` and `h`: all of it comes over a socket, as a channel or typed
 * by hand, each line with as many descriptors as it has + before it. Else the line is a record of
 * direction (letter - 'A'). Holds: a record that was taken is printed as what parses to the same;
 * no redacted line holds a secret.
 */
#include "fuzz.h"

#include "channel.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DIRECTIONS 14
#define DESCRIPTORS_MAX 3

static void check_equal(const struct record *a, const struct record *b)
{
    fuzz_check(a->verb == b->verb && a->re == b->re);
    for (unsigned key = 0; key < KEY_COUNT; key++) {
        const struct record_value *x = record_value(a, (enum key)key);
        const struct record_value *y = record_value(b, (enum key)key);
        fuzz_check((x->bytes == NULL) == (y->bytes == NULL) && x->number == y->number);
        if (x->bytes != NULL && schema_key((enum key)key)->type == FIELD_BYTES) {
            fuzz_check(x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0);
        }
    }
}

/* `line` as it came, before parsing decodes it in place. */
static void check_redaction(const struct record *r, const char *line, size_t len)
{
    struct buffer out;
    char hex[2 * 68 + 1];
    buffer_init(&out, 0);
    record_redact(&out, line, len);
    for (size_t i = 0; i < out.len; i++) {
        fuzz_check(out.data[i] >= ' ' && out.data[i] <= '~');
    }
    for (unsigned key = 1; key < KEY_COUNT; key++) {
        size_t n = 0;
        const uint8_t *bytes = schema_key((enum key)key)->secret
                                   ? record_bytes(r, (enum key)key, &n) : NULL;
        if (n < 8 || n > 68) {
            continue; /* the same may stand elsewhere by chance */
        }
        for (size_t i = 0; i < n; i++) {
            static const char digits[] = "0123456789abcdef";
            hex[2 * i] = digits[bytes[i] >> 4];
            hex[2 * i + 1] = digits[bytes[i] & 15];
        }
        const char *first = memmem(line, len, hex, 2 * n);
        bool twice = first != NULL
                     && memmem(first + 1, len - (size_t)(first + 1 - line), hex, 2 * n) != NULL;
        fuzz_check(twice || memmem(out.data, out.len, hex, 2 * n) == NULL);
    }
    buffer_wipe(&out);
}

static void check_getters(const struct record *r)
{
    struct address a;
    struct subnet s;
    struct identity id;
    for (unsigned key = 1; key < KEY_COUNT; key++) {
        bool has = record_has(r, (enum key)key);
        switch (schema_key((enum key)key)->type) {
        case FIELD_ADDRESS:
            fuzz_check(record_address(r, (enum key)key, &a) == has);
            break;
        case FIELD_SUBNET:
            fuzz_check(record_subnet(r, (enum key)key, &s) == has);
            break;
        case FIELD_ID:
            fuzz_check(record_identity(r, (enum key)key, &id) == has);
            break;
        case FIELD_TEXT:
            fuzz_check((record_text(r, (enum key)key) != NULL) == has);
            break;
        default:
            break;
        }
    }
}

static void read_record(const char *line, size_t len, unsigned from)
{
    static struct record r;
    static struct record again;
    struct buffer printed;
    enum key field = K_END;
    char *copy = malloc(len + 1);
    fuzz_check(copy != NULL);
    memcpy(copy, line, len + 1);
    if (record_parse(&r, copy, len, from, &field) == NULL) {
        check_getters(&r);
        check_redaction(&r, line, len);
        buffer_init(&printed, 0);
        if (record_print(&printed, &r)) {
            fuzz_check(printed.len > 0 && printed.data[printed.len - 1] == '\n');
            fuzz_check(record_parse(&again, (char *)printed.data, printed.len - 1, from, NULL)
                       == NULL);
            check_equal(&r, &again);
        }
        buffer_wipe(&printed);
    } else {
        fuzz_check(field < KEY_COUNT);
        printed = (struct buffer){ 0 };
        record_redact(&printed, line, len);
        buffer_wipe(&printed);
    }
    free(copy);
}

static bool take_record(void *context, struct channel *c, const struct record *r, int fd)
{
    unsigned *count = context;
    fuzz_check((fd >= 0) == schema_verb(r->verb)->descriptor);
    if (fd >= 0) {
        close(fd);
    }
    fuzz_check(r->verb != V_HELLO && r->verb != V_NONE && r->verb < VERB_COUNT);
    if (++*count % 5 == 0) {
        channel_pause(c);
    }
    if (*count % 16 == 0) {
        channel_blame(c, "was refused by the handler");
        return false;
    }
    return true;
}

/* To its end, however often that is put off. */
static enum channel_result read_all(struct channel *c, unsigned *count)
{
    enum channel_result result = channel_read(c, take_record, count);
    while (result == CHANNEL_OPEN && channel_paused(c)) {
        result = channel_dispatch(c, take_record, count);
    }
    return result;
}

/* One line, with as many descriptors as it has + before it. */
static void send_line(int fd, const char *line, size_t len)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
    } control;
    const int fds[DESCRIPTORS_MAX] = { fd, fd, fd };
    size_t count = strspn(line, "+"); /* a line ends with LF or NUL */
    count = count < DESCRIPTORS_MAX ? count : DESCRIPTORS_MAX;
    struct iovec bytes = { .iov_base = (void *)(uintptr_t)(line + count), .iov_len = len - count };
    struct msghdr m = { .msg_iov = &bytes, .msg_iovlen = 1 };
    if (count > 0) {
        memset(&control, 0, sizeof control);
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *h = CMSG_FIRSTHDR(&m);
        h->cmsg_level = SOL_SOCKET;
        h->cmsg_type = SCM_RIGHTS;
        h->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(h), fds, count * sizeof(int));
    }
    (void)sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void read_channel(struct fuzz_input *in, bool by_hand)
{
    int ends[2];
    unsigned count = 0;
    fuzz_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    struct channel *c = channel_new(ends[0], ends[0], by_hand ? P_K | N_K | S_K : P_N | N_P);
    fuzz_check(c != NULL);
    if (by_hand) {
        channel_by_hand(c);
    }
    channel_hello(c, TOOL_PLUTOD, 1, 0);
    while (in->left > 0 && read_all(c, &count) == CHANNEL_OPEN) {
        size_t len;
        char *line = fuzz_until(in, '\n', &len);
        bool whole = in->at[-1] == '\n';
        line[len] = whole ? '\n' : '\0';
        send_line(ends[1], line, len + (whole ? 1 : 0));
        free(line);
        if (count % 3 == 0) {
            (void)channel_flush(c);
        }
    }
    close(ends[1]);
    for (unsigned i = 0; i < 4 && read_all(c, &count) == CHANNEL_OPEN; i++) {
    }
    fuzz_check(channel_why(c) != NULL && channel_out(c)->len <= CHANNEL_MAX);
    (void)channel_flush(c);
    channel_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    uint8_t letter = fuzz_u8(&in);
    if (letter == 'c' || letter == 'h') {
        read_channel(&in, letter == 'h');
    } else if (letter >= 'A' && letter < 'A' + DIRECTIONS) {
        size_t len;
        char *rest = fuzz_rest(&in, &len);
        read_record(rest, len, 1u << (letter - 'A'));
        free(rest);
    }
    return 0;
}
