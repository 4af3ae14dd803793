#include "by_hand.h"

#include "become.h"
#include "by_hand_private.h"
#include "option_reader.h"
#include "sandbox.h"
#include "sibling.h"
#include "udp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct buffer *hand_out(struct hand *h, unsigned which)
{
    return channel_out(h->line[which].channel);
}

void hand_print(struct hand *h, const struct buffer *line)
{
    size_t at = 0;
    while (at < line->len) {
        ssize_t n = write(STDOUT_FILENO, line->data + at, line->len - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            hand_end(h, 1, errno == EPIPE ? "kernel-sa has refused and gone: see its message (%s)"
                                          : "cannot write to stdout: %s", strerror(errno));
            break;
        }
        at += (size_t)n;
    }
}

/* ---- options ---- */

static void take(struct hand *h, struct connection_words *words, bool *listen,
                 const struct option_given *given)
{
    switch (given->option) {
    case OPTION_HAND_INITIATE:
        h->initiate = true;
        break;
    case OPTION_HAND_LISTEN:
        *listen = true;
        break;
    case OPTION_SECRETSFILE:
        h->secrets_file = given->text;
        break;
    case OPTION_SHOW_KEYS:
        h->show_keys = true;
        break;
    case OPTION_INSECURE_SECRETSFILE:
        h->insecure = true;
        break;
    default:
        (void)connection_option(words, given);
        break;
    }
}

/* 0, or the exit status. */
static int read_options(struct hand *h, struct option_reader *reader)
{
    struct connection_words words = { .name = "by-hand" };
    struct option_given given;
    char why[CONNECTION_WHY];
    bool listen = false;
    enum option_read read;

    while ((read = option_next(reader, &given, why)) == OPTION_GIVEN) {
        take(h, &words, &listen, &given);
    }
    bool ok = read == OPTION_NO_MORE;
    if (ok && reader->text[OPTION_TO] != NULL) {
        snprintf(why, sizeof why, "--to %.100s: takes no value; an end's address stands after --host",
                 reader->text[OPTION_TO]);
        ok = false;
    }
    if (ok && h->initiate == listen) {
        snprintf(why, sizeof why, "say either --initiate or --listen; see ike-negotiate --help");
        ok = false;
    }
    ok = ok && connection_form_make(&h->form, &words, NULL, NULL, why)
         && option_supported(reader, why);
    ok = ok && hand_take_key(h, reader->text[OPTION_KEYID], reader->text[OPTION_PUBKEYRSA], why);
    if (!ok) {
        fprintf(stderr, "ike-negotiate: %s\n", why);
    }
    return ok ? 0 : 100;
}

/* ---- which end is ours ---- */

static bool is_ours(const struct ifaddrs *list, const struct connection_end *e)
{
    for (const struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        struct address a;
        uint16_t port;
        if (i->ifa_addr != NULL && address_from_sockaddr(&a, &port, i->ifa_addr)
            && e->host_kind == HOST_ADDRESS && address_equal(&a, &e->host)) {
            return true;
        }
    }
    return false;
}

static bool orient(struct hand *h)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) < 0) {
        fprintf(stderr, "ike-negotiate: cannot list the interfaces: %s\n", strerror(errno));
        return false;
    }
    bool left = is_ours(list, &h->form.end[END_LEFT]);
    bool right = is_ours(list, &h->form.end[END_RIGHT]);
    freeifaddrs(list);
    if (left == right) {
        fprintf(stderr, "ike-negotiate: %s --host of the connection is an address of this host; "
                        "exactly one must be\n", left ? "each" : "no");
        return false;
    }
    h->us = &h->form.end[left ? END_LEFT : END_RIGHT];
    h->peer = &h->form.end[left ? END_RIGHT : END_LEFT];
    if (h->us->id_is_myid || h->peer->id_is_myid) {
        fprintf(stderr, "ike-negotiate: --id %%myid: only plutod knows who that is; name the identity\n");
        return false;
    }
    if (h->initiate && h->peer->host_kind != HOST_ADDRESS) {
        fprintf(stderr, "ike-negotiate: --host %%any: cannot initiate to a peer without address\n");
        return false;
    }
    h->local = h->us->host;
    h->remote = h->peer->host;
    h->local_port = h->us->ikeport;
    h->our_client = h->us->client;
    h->peer_client = h->peer->client;
    identity_copy(&h->our_id, h->us->id);
    identity_copy(&h->peer_id, h->peer->id);
    return getrandom(&h->reqid, sizeof h->reqid, 0) == sizeof h->reqid
           && (h->reqid = (h->reqid & 0x3fffffff) | 0x40000000) != 0;
}

/* ---- children ---- */

static bool start_child(struct hand *h, unsigned which, char *const argv[], unsigned from)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become("ike-negotiate", argv, environ, pair[1]);
    }
    close(pair[1]);
    h->line[which] = (struct hand_line){ .hand = h, .which = which, .from = from };
    h->line[which].channel = pid < 0 ? NULL : channel_new(pair[0], pair[0], from);
    if (h->line[which].channel == NULL) {
        close(pair[0]);
        return false;
    }
    channel_hello(h->line[which].channel, TOOL_PLUTOD, 1, 1);
    return true;
}

/* Gives a child one end of a channel. */
static void hand_over(struct hand *h, unsigned to, unsigned tool, int fd)
{
    struct record_writer w;
    record_start(&w, hand_out(h, to), V_CHANNEL);
    record_put_word(&w, K_TOOL, tool);
    record_put_number(&w, K_EPOCH, 1);
    record_put_number(&w, K_WORKER, 1);
    record_finish(&w);
    channel_attach(h->line[to].channel, fd);
}

/* A channel between child `to` and us, as its kernel-sa. */
static bool kernel_line(struct hand *h, unsigned which, unsigned to, unsigned from)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        return false;
    }
    hand_over(h, to, TOOL_KERNEL_SA, pair[1]);
    h->line[which] = (struct hand_line){ .hand = h, .which = which, .from = from };
    h->line[which].channel = channel_new(pair[0], pair[0], from);
    if (h->line[which].channel == NULL) {
        close(pair[0]);
        return false;
    }
    channel_hello(h->line[which].channel, TOOL_KERNEL_SA, 1, 1);
    return true;
}

static bool start_children(struct hand *h)
{
    char negotiator[4096];
    char secrets[4096];
    char file[] = "--file";
    char insecure[] = "--insecure-secretsfile";
    char control[] = "--control-fd";
    char three[] = "3";
    char worker[] = "--worker";
    char one[] = "1";
    char nobody[] = "--no-prompt";
    int pair[2];

    const char *why = sibling_path(secrets, sizeof secrets, "secrets");
    if (why != NULL) {
        fprintf(stderr, "ike-negotiate: %s: %s\n", secrets, why);
        return false;
    }
    ssize_t len = readlink("/proc/self/exe", negotiator, sizeof negotiator - 1);
    if (len < 0) {
        fprintf(stderr, "ike-negotiate: /proc/self/exe: %s; is /proc mounted?\n", strerror(errno));
        return false;
    }
    negotiator[len] = '\0';
    char *name = strdup(h->secrets_file);
    char *const n_argv[] = { negotiator, control, three, NULL };
    char *const s_argv[] = { secrets, control, three, worker, one, nobody, file, name,
                             h->insecure ? insecure : NULL, NULL };
    bool ok = name != NULL && start_child(h, LINE_NEGOTIATOR, n_argv, N_P)
              && start_child(h, LINE_SECRETS, s_argv, S_P)
              && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
    free(name);
    if (ok) {
        hand_over(h, LINE_NEGOTIATOR, TOOL_SECRETS, pair[0]);
        hand_over(h, LINE_SECRETS, TOOL_IKE_NEGOTIATE, pair[1]);
        ok = kernel_line(h, LINE_NEGOTIATOR_KERNEL, LINE_NEGOTIATOR, N_K)
             && kernel_line(h, LINE_SECRETS_KERNEL, LINE_SECRETS, S_K);
    }
    if (!ok) {
        fprintf(stderr, "ike-negotiate: cannot start its children: %s\n", strerror(errno));
    }
    return ok;
}

bool hand_start_dnskey(struct hand *h)
{
    char path[4096];
    char control[] = "--control-fd";
    char three[] = "3";
    char *const argv[] = { path, control, three, NULL };
    const char *why = sibling_path(path, sizeof path, "dnskey");
    if (why != NULL) {
        fprintf(stderr, "ike-negotiate: %s: %s\n", path, why);
        return false;
    }
    if (!start_child(h, LINE_DNSKEY, argv, D_P)) {
        fprintf(stderr, "ike-negotiate: %s: cannot be started: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

static bool give_socket(struct hand *h)
{
    struct record_writer w;
    const char *why;
    char text[ADDRESS_TEXT];
    int fd = udp_open(&h->local, h->local_port, &why);
    if (fd < 0) {
        address_print(&h->local, text);
        fprintf(stderr, "ike-negotiate: %s port %u: %s: %s%s\n", text, h->local_port, why,
                strerror(errno), errno == EADDRINUSE ? " (does plutod or another IKE daemon run?)" : "");
        return false;
    }
    record_start(&w, hand_out(h, LINE_NEGOTIATOR), V_SOCKET);
    record_put_address(&w, K_LOCAL, &h->local);
    record_put_number(&w, K_LOCAL_PORT, h->local_port);
    record_put_text(&w, K_INTERFACE, "by-hand");
    record_finish(&w);
    channel_attach(h->line[LINE_NEGOTIATOR].channel, fd);
    return true;
}

/* ---- the loop ---- */

static void served(struct hand *h, unsigned which, enum channel_result result)
{
    static const char *const names[] = { "the negotiator", "secrets", "the negotiator", "secrets", "dnskey" };
    if (result != CHANNEL_OPEN && !h->done) {
        hand_end(h, EXIT_SYSTEM, "%s: %s", names[which], channel_why(h->line[which].channel));
    }
}

/*
 * The negotiator's lines are read first and handled last: what secrets reported before the
 * negotiator spoke is known then (docs/decisions/fill-and-dispatch.md).
 */
static void serve(struct hand *h, const struct pollfd p[LINE_COUNT])
{
    static const unsigned negotiators[] = { LINE_NEGOTIATOR, LINE_NEGOTIATOR_KERNEL };
    static const unsigned secrets[] = { LINE_SECRETS, LINE_SECRETS_KERNEL };
    bool spoke[2];
    if (h->line[LINE_DNSKEY].channel != NULL && p[LINE_DNSKEY].revents != 0) {
        served(h, LINE_DNSKEY, channel_read(h->line[LINE_DNSKEY].channel, hand_record, &h->line[LINE_DNSKEY]));
    }
    for (unsigned i = 0; i < 2; i++) {
        spoke[i] = (p[negotiators[i]].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
        if (spoke[i]) {
            (void)channel_fill(h->line[negotiators[i]].channel);
        }
    }
    for (unsigned i = 0; i < 2 && !h->done; i++) {
        struct hand_line *l = &h->line[secrets[i]];
        served(h, secrets[i], channel_read(l->channel, hand_record, l));
    }
    for (unsigned i = 0; i < 2 && !h->done; i++) {
        struct hand_line *l = &h->line[negotiators[i]];
        if (spoke[i]) {
            served(h, negotiators[i], channel_dispatch(l->channel, hand_record, l));
        }
    }
}

static const unsigned secrets_first[LINE_COUNT] = { LINE_SECRETS, LINE_SECRETS_KERNEL, LINE_NEGOTIATOR,
                                                    LINE_NEGOTIATOR_KERNEL, LINE_DNSKEY };

static void flush_all(struct hand *h)
{
    /* secrets hears of an exchange before the negotiator does. */
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        struct channel *c = h->line[secrets_first[i]].channel;
        if (c != NULL && channel_pending(c)) {
            (void)channel_flush(c);
        }
    }
}

static void loop(struct hand *h)
{
    while (!h->done) {
        struct pollfd p[LINE_COUNT];
        flush_all(h);
        for (unsigned i = 0; i < LINE_COUNT; i++) {
            const struct channel *c = h->line[i].channel; /* dnskey's comes when it is needed */
            p[i] = (struct pollfd){ .fd = c == NULL ? -1 : channel_fd_in(c), .events = POLLIN };
            if (c != NULL && channel_pending(c)) {
                p[i].events |= POLLOUT;
            }
        }
        if (poll(p, LINE_COUNT, -1) < 0) {
            if (errno != EINTR) {
                hand_end(h, EXIT_SYSTEM, "poll: %s", strerror(errno));
            }
            continue; /* nothing is known of who spoke */
        }
        serve(h, p);
    }
    flush_all(h);
}

int by_hand_run(int argc, char **argv)
{
    struct hand h = { .status = EXIT_SYSTEM, .secrets_file = "/etc/ipsec.secrets" };
    struct option_reader reader;

    const char *why = option_reader_init(&reader, OF_HAND, "ike-negotiate", argc, argv);
    if (why != NULL) {
        fprintf(stderr, "ike-negotiate: %s\n", why);
        return EXIT_SYSTEM;
    }
    int status = read_options(&h, &reader);
    if (status != 0) {
        connection_form_free(&h.form);
        option_reader_free(&reader);
        return status;
    }
    signal(SIGPIPE, SIG_IGN);
    sandbox_no_core();
    if (!orient(&h) || !hand_key_fits(&h)) {
        h.status = 1;
    } else if (start_children(&h) && give_socket(&h)) {
        h.stands = h.initiate && !h.show_keys && hand_tunnel_stands(&h);
        loop(&h); /* begins when secrets has read its file */
    }
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        channel_free(h.line[i].channel); /* children leave at the end of their channel */
    }
    while (wait(NULL) > 0 || errno == EINTR) {
    }
    buffer_wipe(&h.install);
    buffer_wipe(&h.names);
    connection_form_free(&h.form);
    option_reader_free(&reader);
    return h.status;
}
