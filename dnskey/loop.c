#include "loop.h"

#include "by_name.h"
#include "files.h"
#include "lookup.h"
#include "opener.h"
#include "resolver.h"

#include "lib/clock.h"
#include "lib/hub.h"
#include "lib/standard.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOK_TIME 1000u /* ms that the opener has; then it goes on with what is known */

struct loop {
    struct hub *hub;
    struct log log;
    struct lookups *lookups;
    struct resolver *resolver;
    struct servers servers;
    char servers_text[SERVERS_TEXT];
    bool ready;              /* the servers are known */
    struct opener_text hosts;
    int opener;
    struct hub_watch opened;
    uint64_t look_until;     /* 0: it is not being looked */
    bool by_hand;
    struct by_name *by_name; /* by hand, or NULL: names instead of records */
    int status;
};

/* ---- what the core asks for ---- */

static const char *ask(void *context, uint64_t ticket, const char *name, enum answer_type type)
{
    struct loop *loop = context;
    return resolver_ask(loop->resolver, ticket, name, type);
}

static void drop(void *context, uint64_t ticket, enum answer_type type)
{
    struct loop *loop = context;
    resolver_drop(loop->resolver, ticket, type);
}

static bool hosts(void *context, const char *name, struct answer *a)
{
    const struct loop *loop = context;
    return hosts_find(loop->hosts.bytes, loop->hosts.len, name, a);
}

static const char *servers(void *context)
{
    const struct loop *loop = context;
    return loop->servers_text;
}

static void answered(void *context, uint64_t ticket, enum answer_type type, const struct answer *a)
{
    struct loop *loop = context;
    lookups_answer(loop->lookups, ticket, type, a, clock_ms());
}

/* ---- files ---- */

/* if_nametoindex(3) would want a Unix socket, which the sandbox refuses. */
static unsigned scope_of(const char *name)
{
    struct ifreq request = { .ifr_ifindex = 0 };
    const int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return 0;
    }
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    const int rc = ioctl(fd, SIOCGIFINDEX, &request);
    close(fd);
    return rc == 0 && request.ifr_ifindex > 0 ? (unsigned)request.ifr_ifindex : 0;
}

static void tell_trouble(const struct loop *loop, const char *path, const struct opener_text *text)
{
    if (text->error != 0) {
        log_serious(&loop->log, "%s cannot be read, so that nothing of it counts: %s", path, strerror(text->error));
    } else if (text->cut) {
        log_serious(&loop->log, "%s: only the first %u bytes are read", path, OPENER_TEXT_MAX);
    }
}

/* libunbound anew, for the servers that are known; what is open is asked of it again. */
static void begin_anew(struct loop *loop)
{
    const char *why = resolver_set(loop->resolver, &loop->servers);
    if (why != NULL) {
        log_serious(&loop->log, "%s", why);
    }
    log_debug(&loop->log, DEBUG_DNS, "DNS servers: %s", loop->servers_text);
    lookups_again(loop->lookups, clock_ms());
}

static void take_servers(struct loop *loop, const struct opener_text *text)
{
    struct servers now;
    servers_read(&now, text->bytes, text->len, scope_of, &loop->log);
    if (loop->ready && memcmp(&now, &loop->servers, sizeof now) == 0) {
        return;
    }
    loop->servers = now;
    servers_print(&now, loop->servers_text);
    begin_anew(loop);
    loop->ready = true;
}

static void take_files(struct loop *loop)
{
    struct opener_text files[OPENER_FILES];
    loop->opened.ready = false;
    const int heard = opener_hear(loop->opener, files);
    if (heard == 0) {
        return;
    }
    if (heard < 0) {
        const struct log to_stderr = { .tool = "dnskey" }; /* the channel takes nothing more */
        log_serious(&to_stderr, "the process that opens " RESOLV_CONF " and " HOSTS " is gone; ending");
        loop->status = EXIT_SYSTEM;
        hub_end(loop->hub);
        return;
    }
    loop->look_until = 0;
    for (unsigned i = 0; i < OPENER_FILES; i++) {
        if (files[i].changed) {
            tell_trouble(loop, i == OPENER_HOSTS ? HOSTS : RESOLV_CONF, &files[i]);
        }
    }
    if (files[OPENER_HOSTS].changed) {
        free(loop->hosts.bytes);
        loop->hosts = files[OPENER_HOSTS];
    }
    if (files[OPENER_RESOLV_CONF].changed) {
        take_servers(loop, &files[OPENER_RESOLV_CONF]);
        free(files[OPENER_RESOLV_CONF].bytes);
    }
    lookups_begin(loop->lookups, clock_ms());
}

/* Requests wait for the look; not for one that takes its time, if there is something to go on with. */
static void look(struct loop *loop, uint64_t now)
{
    if (lookups_waiting(loop->lookups) == 0) {
        return;
    }
    if (loop->look_until == 0) {
        loop->look_until = now + LOOK_TIME;
        (void)opener_ask(loop->opener); /* that it is gone is heard */
    } else if (now >= loop->look_until && loop->ready) {
        lookups_begin(loop->lookups, now);
    }
}

/* ---- records ---- */

static bool on_record(void *context, struct hub_line *l, const struct record *r, int fd)
{
    struct loop *loop = context;
    (void)fd; /* none of plutod's records for us carries one */
    if (r->verb == V_RESOLVE) {
        lookups_request(loop->lookups, r, clock_ms());
        if (loop->by_hand && lookups_open(loop->lookups) >= RESOLVES_MAX) {
            channel_pause(l->channel);
        }
    } else if (r->verb == V_DEBUG) {
        (void)debug_classes_parse(&loop->log.classes, record_text(r, K_CLASSES));
    } else if (r->verb == V_BAD) {
        log_serious(&loop->log, "%s", record_text(r, K_WHY));
    } else {
        channel_blame(l->channel, "dnskey asks nothing that this could answer");
        return false;
    }
    channel_hold_end(l->channel, loop->by_hand && lookups_open(loop->lookups) > 0);
    return true;
}

/* By hand whoever writes faster than DNS answers waits; and the end of input waits for the last answer. */
static bool may_read(void *context, const struct hub_line *l)
{
    const struct loop *loop = context;
    const unsigned open = lookups_open(loop->lookups);
    return !loop->by_hand || open == 0 || (open < RESOLVES_MAX && !channel_at_end(l->channel));
}

static void line_closed(void *context, struct hub_line *l, enum channel_result how)
{
    struct loop *loop = context;
    (void)how;
    if (!loop->by_hand) {
        return;
    }
    if (!standard_whole("dnskey", l->channel) || channel_bads(l->channel) > 0) {
        loop->status = EXIT_WRONG;
    }
    if (!standard_drain("dnskey", l->channel)) {
        loop->status = EXIT_SYSTEM;
    }
}

/* ---- the loop ---- */

static void work(void *context)
{
    struct loop *loop = context;
    if (loop->by_name != NULL) {
        by_name_ask(loop->by_name, loop->lookups, clock_ms());
    }
    if (loop->opened.ready) {
        take_files(loop);
    }
    const uint64_t now = clock_ms();
    look(loop, now);
    if (lookups_deadline(loop->lookups) <= now) {
        lookups_tick(loop->lookups, now);
    }
    if (resolver_is_choked(loop->resolver)) {
        begin_anew(loop);
    }
    if (loop->by_name != NULL) {
        if (lookups_open(loop->lookups) == 0 && !by_name_has_more(loop->by_name)) {
            hub_end(loop->hub);
        }
    } else if (loop->by_hand) {
        channel_hold_end(hub_lines(loop->hub)->channel, lookups_open(loop->lookups) > 0);
    }
}

static uint64_t deadline(void *context)
{
    const struct loop *loop = context;
    const uint64_t first = lookups_deadline(loop->lookups);
    const bool looking = loop->look_until != 0 && loop->ready && lookups_waiting(loop->lookups) > 0;
    if (loop->by_name != NULL && by_name_has_more(loop->by_name) && lookups_open(loop->lookups) < RESOLVES_MAX) {
        return 0;
    }
    return looking && loop->look_until < first ? loop->look_until : first;
}

/* ---- life ---- */

static bool make_parts(struct loop *loop)
{
    const struct hub_use use = { .record = on_record, .closed = line_closed, .work = work, .may_read = may_read,
                                 .deadline = deadline, .context = loop, .log = &loop->log };
    const struct lookups_use wants = { .ask = ask, .drop = drop, .hosts = hosts, .servers = servers,
                                       .context = loop, .log = &loop->log };
    loop->hub = hub_new(&use);
    loop->lookups = lookups_new(&wants);
    if (loop->hub == NULL || loop->lookups == NULL) {
        return false;
    }
    loop->resolver = resolver_new(hub_loop(loop->hub), answered, loop);
    hub_watch(loop->hub, &loop->opened, loop->opener);
    return loop->resolver != NULL;
}

struct loop *loop_new(int opener)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        close(opener);
        return NULL;
    }
    loop->log.tool = "dnskey";
    loop->opener = opener;
    if (!make_parts(loop)) {
        const int error = errno;
        loop_free(loop);
        errno = error;
        return NULL;
    }
    return loop;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    resolver_free(loop->resolver);
    lookups_free(loop->lookups);
    if (loop->hub != NULL) {
        hub_free(loop->hub);
    }
    close(loop->opener);
    by_name_free(loop->by_name);
    free(loop->hosts.bytes);
    free(loop);
}

bool loop_control(struct loop *loop, int fd)
{
    struct channel *c = channel_new(fd, fd, P_D);
    if (c == NULL || hub_open(loop->hub, TOOL_PLUTOD, 0, c) == NULL) {
        return false;
    }
    loop->log.records = channel_out(c);
    lookups_out(loop->lookups, channel_out(c));
    channel_hello(c, TOOL_DNSKEY, 1, 0);
    return true;
}

bool loop_by_hand(struct loop *loop)
{
    struct channel *c = channel_new(STDIN_FILENO, STDOUT_FILENO, P_D);
    if (c == NULL) {
        return false;
    }
    loop->by_hand = true;
    channel_by_hand(c);
    if (hub_open(loop->hub, TOOL_PLUTOD, 0, c) == NULL) {
        return false;
    }
    lookups_out(loop->lookups, channel_out(c));
    return true;
}

bool loop_names(struct loop *loop, char *const names[], size_t count)
{
    loop->by_name = by_name_new(names, count, &loop->log);
    if (loop->by_name != NULL) {
        lookups_out(loop->lookups, by_name_answers(loop->by_name));
    }
    return loop->by_name != NULL;
}

void loop_note(struct loop *loop, const char *text)
{
    log_info(&loop->log, "%s", text);
}

int loop_run(struct loop *loop)
{
    int status = hub_run(loop->hub);
    status = status == 0 ? loop->status : status;
    if (loop->by_name != NULL && status == 0) {
        status = by_name_print(loop->by_name) ? 0 : EXIT_WRONG;
    }
    return status == 0 && loop->log.records == NULL && lookups_failed(loop->lookups) > 0 ? EXIT_WRONG : status;
}
