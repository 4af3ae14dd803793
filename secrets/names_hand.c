/* Names of hosts by hand: a dnskey of our own, which is asked in plutod's place. */
#include "names.h"

#include "become.h"
#include "channel.h"
#include "clock.h"
#include "sibling.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE (RESOLVE_TIME + 5000u) /* milliseconds without an answer */

struct asked {
    struct channel *dnskey;
    struct store *store;
    struct file_counts *counts;
    const struct log *log;
    size_t next;    /* the next one that is to be asked for */
    size_t open;    /* of those that were */
};

/* NULL: it was said why not. */
static struct channel *begin(pid_t *pid)
{
    static char control[] = "--control-fd";
    static char three[] = "3";
    char path[4096];
    char *argv[] = { path, control, three, NULL };
    char *environment[] = { NULL };
    int pair[2];
    const char *why = sibling_path(path, sizeof path, "dnskey");
    if (why != NULL) {
        (void)fprintf(stderr, "secrets: %s: %s\n", path, why);
        return NULL;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        (void)fprintf(stderr, "secrets: no channel to dnskey: %s\n", strerror(errno));
        return NULL;
    }
    *pid = fork();
    if (*pid == 0) {
        become("secrets", argv, environment, pair[1]);
    }
    close(pair[1]);
    struct channel *c = *pid < 0 ? NULL : channel_new(pair[0], pair[0], D_P);
    if (c == NULL) {
        (void)fprintf(stderr, "secrets: cannot begin dnskey: %s\n", strerror(errno));
        close(pair[0]);
        return NULL;
    }
    channel_hello(c, TOOL_PLUTOD, 1, 0);
    return c;
}

/* As many as it may be asked at once. */
static void ask(struct asked *a)
{
    const struct host_table *hosts = store_hosts(a->store);
    for (; a->open < RESOLVES_MAX && a->next < host_table_count(hosts); a->next++) {
        struct record_writer w;
        record_start(&w, channel_out(a->dnskey), V_RESOLVE);
        record_put_number(&w, K_ID, a->next + 1);
        record_put_text(&w, K_HOST, host_table_at(hosts, a->next)->name);
        if (!record_finish(&w)) {
            break;
        }
        a->open++;
    }
}

static bool take(void *context, struct channel *c, const struct record *r, int fd)
{
    struct asked *a = context;
    if (fd >= 0) {
        close(fd);
    }
    if (r->verb == V_LOG) {
        log_info(a->log, "%s", record_text(r, K_TEXT));
        return true;
    }
    if (r->re != V_RESOLVE || record_number(r, K_ID) > a->next || !names_take(a->store, a->counts, r, a->log)) {
        channel_blame(c, "was not asked for");
        return false;
    }
    a->open--;
    return true;
}

/* What was not answered is not known. NULL: all was; else why. */
static const char *ask_all(struct asked *a)
{
    uint64_t until = clock_ms() + PATIENCE;
    for (ask(a); a->open > 0; ask(a)) {
        const size_t before = a->open;
        const uint64_t now = clock_ms();
        struct pollfd p = { .fd = channel_fd_in(a->dnskey), .events = POLLIN };
        (void)channel_flush(a->dnskey);
        if (channel_pending(a->dnskey)) {
            p.events |= POLLOUT;
        }
        if (now >= until || poll(&p, 1, (int)(until - now)) == 0) {
            return "dnskey does not answer";
        }
        if (channel_read(a->dnskey, take, a) != CHANNEL_OPEN && a->open > 0) {
            return channel_why(a->dnskey);
        }
        until = a->open != before ? clock_ms() + PATIENCE : until;
    }
    return NULL;
}

void names_by_hand(struct store *s, struct file_counts *counts, const struct log *log)
{
    struct asked a = { .store = s, .counts = counts, .log = log };
    const char *why = "dnskey cannot be begun";
    pid_t pid = 0;
    if (host_table_waiting(store_hosts(s)) == 0) {
        return;
    }
    a.dnskey = begin(&pid);
    if (a.dnskey != NULL) {
        why = ask_all(&a);
    }
    if (pid > 0) {
        (void)kill(pid, SIGKILL); /* it holds nothing, and may be what hangs */
    }
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    for (size_t i = 0; why != NULL && i < host_table_count(store_hosts(s)); i++) {
        (void)names_answer(s, counts, i, NULL, false, why, log);
    }
    channel_free(a.dnskey); /* which `why` may be of */
}
