#include "hand.h"

#include "lib/bounds.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Do keys stand in the record as ike-negotiate shows them to people, "<20 bytes>"? */
static bool may_be_redacted(const struct record *r)
{
    static const char *const fields[] = { "key-in:", "key-out:", "auth-in:", "auth-out:" };
    static const char where[] = ": sa-keys: field ";
    const char *at = r->verb == V_BAD ? strstr(record_text(r, K_WHY), where) : NULL;
    for (size_t i = 0; at != NULL && i < sizeof fields / sizeof fields[0]; i++) {
        if (strncmp(at + sizeof where - 1, fields[i], strlen(fields[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool tell_refusal(const char *line, size_t len)
{
    struct record r;
    char copy[RECORD_MAX];
    if (len >= sizeof copy) {
        return false;
    }
    memcpy(copy, line, len);
    if (record_parse(&r, copy, len, K_P | K_N | K_S, NULL) != NULL
        || (r.verb != V_FAIL && r.verb != V_BAD)) {
        return false;
    }
    (void)fprintf(stderr, "kernel-sa: %s%s%s\n", r.re == V_NONE ? "" : schema_verb(r.re)->name,
                  r.re == V_NONE ? "" : ": ", record_text(&r, K_WHY));
    if (may_be_redacted(&r)) {
        (void)fputs("kernel-sa: if it is shown as <20 bytes>, it is redacted: ike-negotiate prints the "
                    "keys themselves with --show-keys\n", stderr);
    }
    return true;
}

bool hand_tell_refusals(const struct buffer *out, size_t *told)
{
    bool refused = false;
    while (*told < out->len) {
        const char *line = (const char *)out->data + *told;
        const char *lf = memchr(line, '\n', out->len - *told);
        if (lf == NULL) {
            break;
        }
        refused = tell_refusal(line, (size_t)(lf - line)) || refused;
        *told += (size_t)(lf - line) + 1;
    }
    return refused;
}

bool hand_tell_unfinished(const struct core *core)
{
    struct buffer left;
    buffer_init(&left, 0);
    bool unfinished = core_unfinished(core, &left) > 0;
    if (unfinished) {
        (void)fprintf(stderr, "kernel-sa: the input ended too early:\n%.*s", (int)left.len,
                      (const char *)left.data);
    }
    buffer_wipe(&left);
    return unfinished;
}

/* ---- signals ---- */

static void signal_set(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGHUP);
}

int hand_signals(void)
{
    sigset_t set;
    signal_set(&set);
    (void)signal(SIGPIPE, SIG_IGN); /* a stdout that nobody reads is told like a full one */
    return sigprocmask(SIG_BLOCK, &set, NULL) != 0 ? -1
                                                   : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void hand_let_signals(int fd)
{
    struct signalfd_siginfo one;
    sigset_t set;
    signal_set(&set);
    while (fd >= 0 && read(fd, &one, sizeof one) == sizeof one) {
    }
    if (fd >= 0) {
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
}
