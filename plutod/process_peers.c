/* Channels between the tools, made here and handed to both. */
#include "process_inside.h"

#include "launch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

static bool are_peers(enum tool a, enum tool b)
{
    return a != b && a != TOOL_DNSKEY && b != TOOL_DNSKEY; /* N-S, N-K, S-K */
}

static void hand_end(struct process *to, const struct process *peer, uint64_t epoch, int fd)
{
    struct record_writer w;
    struct buffer *out = channel_out(to->channel);
    record_start(&w, out, V_CHANNEL);
    record_put_word(&w, K_TOOL, peer->tool);
    record_put_number(&w, K_EPOCH, epoch);
    if (peer->tool == TOOL_SECRETS) {
        record_put_number(&w, K_WORKER, peer->worker);
    }
    if (record_finish(&w)) {
        channel_attach(to->channel, fd);
    } else {
        close(fd);
    }
}

void process_hang_bell(struct process *p)
{
    struct record_writer w;
    int pair[2];
    if (p->tool == TOOL_IKE_NEGOTIATE || p->tool == TOOL_DNSKEY
        || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return; /* it waits on its channel, and is woken more often */
    }
    record_start(&w, channel_out(p->channel), V_BELL);
    if (record_finish(&w)) {
        channel_attach(p->channel, pair[1]);
        p->bell = pair[0];
    } else {
        close(pair[0]);
        close(pair[1]);
    }
}

void process_connect_peers(struct process *p)
{
    struct processes *all = &p->s->processes;
    struct process *q;
    DL_FOREACH(all->list, q) {
        int pair[2];
        if (q == p || q->channel == NULL || !are_peers(p->tool, q->tool)) {
            continue;
        }
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
            lines_print(&p->s->lines, LOG_LEVEL_SERIOUS, "no channel from %s to %s: %s",
                        schema_tool_name(p->tool), schema_tool_name(q->tool), strerror(errno));
            continue;
        }
        all->epoch++;
        hand_end(p, q, all->epoch, pair[0]);
        hand_end(q, p, all->epoch, pair[1]);
    }
}
