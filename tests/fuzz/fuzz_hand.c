/*
 * ike-negotiate by hand: what its two children say to it, in the places of plutod and kernel-sa, and what
 * `kernel-sa --list` prints.
 *
 * Input: a letter for the connection (enum what below: bits), then lines.
 *   N RECORD, S RECORD   ike-negotiate's and secrets' records for plutod
 *   D RECORD             dnskey's, which an initiator can begin
 *   n RECORD, s RECORD   theirs for kernel-sa
 *   L TEXT               a line of the list of SAs     E 1   it ends with exit status 1
 * Holds: what is answered and printed is records; without --show-keys no secret field is printed as it
 * is; `install` is printed behind `sa-keys` only; it ends with a documented exit status.
 */
#include "fuzz.h"

#include "ike-negotiate/by_hand_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINES_MAX 60

/* With 512 bits. */
#define KEY "0x03010001" "8000000000000000000000000000000000000000000000000000000000000000" \
            "0000000000000000000000000000000000000000000000000000000000000001"

enum { INITIATES = 1, SHOWS_KEYS = 2, NETS = 4, ANY = 8, PFS = 16, ISAKMP_ONLY = 32, BOTH = 64, SIGNS = 128 };

static const struct fuzz_speaker speakers[] = {
    { 'N', N_P }, { 'S', S_P }, { 'n', N_K }, { 's', S_K }, { 'D', D_P }, { 0, 0 }
};

static struct {
    struct hand hand;
    struct buffer out[LINE_COUNT];
    struct buffer printed;
    struct buffer list; /* of kernel-sa --list */
    int list_status;
    bool keys;
} run;

/* ---- effects ---- */

struct buffer *hand_out(struct hand *h, unsigned which)
{
    (void)h;
    return &run.out[which];
}

void hand_print(struct hand *h, const struct buffer *line)
{
    (void)h;
    buffer_add(&run.printed, line->data, line->len);
}

bool hand_start_dnskey(struct hand *h)
{
    return h->initiate;
}

int __wrap_pipe2(int ends[2], int flags);
pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
const char *__wrap_sibling_path(char *out, size_t size, const char *tool);

/* Its reading end holds what was to be listed; a pipe takes 64 KiB. */
int __wrap_pipe2(int ends[2], int flags)
{
    size_t len = run.list.len < 60000 ? run.list.len : 60000;
    (void)flags;
    fuzz_check(pipe(ends) == 0);
    fuzz_check(len == 0 || write(ends[1], run.list.data, len) == (ssize_t)len);
    return 0;
}

pid_t __wrap_fork(void)
{
    return 77;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    (void)options;
    *status = run.list_status << 8;
    return pid;
}

const char *__wrap_sibling_path(char *out, size_t size, const char *tool)
{
    snprintf(out, size, "%s", tool);
    return NULL;
}

/* ---- the connection ---- */

static void begin(uint8_t bits)
{
    static const char *const with[] = { "--host 10.9.0.1 --to --host 10.9.0.2",
                                        "--host 10.9.0.1 --client 10.1.0.0/24 --to --host 10.9.0.2 --client 10.2.0.0/24",
                                        "--host 10.9.0.1 --nexthop %direct --to --host %any" };
    char words[300];
    char *argv[40] = { words };
    int argc = 1;
    struct connection_words c = { .name = "net" };
    struct option_reader reader;
    struct option_given given;
    char why[CONNECTION_WHY] = "";
    if ((bits & ISAKMP_ONLY) != 0) {
        bits &= (uint8_t)~(NETS | PFS); /* nothing of phase 2 goes with it */
    }
    snprintf(words, sizeof words, "hand %s %s %s %s %s %s", (bits & SIGNS) != 0 ? "--rsasig" : "--psk",
             (bits & SIGNS) != 0 && (bits & BOTH) != 0 ? "--psk" : "", (bits & ISAKMP_ONLY) != 0 ? "" : "--encrypt",
             (bits & NETS) != 0 ? "--tunnel" : "", (bits & PFS) != 0 ? "--pfs" : "",
             with[(bits & ANY) != 0 ? 2 : (bits & NETS) != 0 ? 1 : 0]);
    for (char *at = words, *word; (word = strsep(&at, " ")) != NULL && argc < 39;) {
        if (*word != '\0') {
            argv[argc++] = word;
        }
    }
    fuzz_check(option_reader_init(&reader, OF_HAND, "fuzz", argc - 1, argv + 1) == NULL);
    while (option_next(&reader, &given, why) == OPTION_GIVEN) {
        fuzz_check(connection_option(&c, &given));
    }
    struct hand *h = &run.hand;
    if (!connection_form_make(&h->form, &c, NULL, NULL, why)) {
        fuzz_say("%s", why);
        fuzz_check(false);
    }
    option_reader_free(&reader);
    fuzz_check((bits & SIGNS) == 0 || hand_take_key(h, (bits & BOTH) != 0 ? NULL : "10.9.0.2", KEY, why));
    h->initiate = (bits & INITIATES) != 0 && (bits & ANY) == 0;
    h->show_keys = (bits & SHOWS_KEYS) != 0;
    h->secrets_file = "ipsec.secrets";
    h->us = &h->form.end[0];
    h->peer = &h->form.end[1];
    h->local = h->us->host;
    h->remote = h->peer->host;
    h->local_port = 500;
    h->our_client = h->us->client;
    h->peer_client = h->peer->client;
    identity_copy(&h->our_id, h->us->id);
    identity_copy(&h->peer_id, h->peer->id);
    h->reqid = 16384;
}

/* ---- what has to hold ---- */

static void check_answers(void)
{
    static const unsigned from[LINE_COUNT] = { P_N, P_S, K_N, K_S, P_D };
    static struct record r;
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        struct fuzz_input in = { run.out[i].data, run.out[i].len };
        while (in.left > 0) {
            size_t len;
            char *line = fuzz_until(&in, '\n', &len);
            fuzz_check(fuzz_record(&r, line, len, from[i]) == NULL);
            free(line);
        }
        buffer_truncate(&run.out[i], 0);
    }
}

static void check_printed(void)
{
    static struct record r;
    struct fuzz_input in = { run.printed.data, run.printed.len };
    while (in.left > 0) {
        size_t len;
        char *line = fuzz_until(&in, '\n', &len);
        run.keys = run.keys || strncmp(line, "sa-keys ", 8) == 0;
        fuzz_check(run.keys || strncmp(line, "install ", 8) != 0);
        if (run.hand.show_keys || strncmp(line, "sa-keys ", 8) != 0) {
            fuzz_check(fuzz_record(&r, line, len, P_K | N_K | S_K) == NULL);
        } else {
            fuzz_check(strstr(line, " key-in=<") != NULL && strstr(line, " key-out=<") != NULL);
        }
        free(line);
    }
    buffer_truncate(&run.printed, 0);
}

static void do_line(char letter, char *text, size_t len)
{
    static struct record r;
    unsigned which = letter == 'N'   ? LINE_NEGOTIATOR
                     : letter == 'S' ? LINE_SECRETS
                     : letter == 'D' ? LINE_DNSKEY
                     : letter == 'n' ? LINE_NEGOTIATOR_KERNEL : LINE_SECRETS_KERNEL;
    unsigned from = letter == 'N' ? N_P : letter == 'S' ? S_P : letter == 'D' ? D_P : letter == 'n' ? N_K : S_K;
    struct hand_line l = { .hand = &run.hand, .which = which };
    if (letter == 'L') {
        buffer_add_text(&run.list, text);
        buffer_add_text(&run.list, "\n");
    } else if (letter == 'E') {
        run.list_status = text[0] == '1';
    } else if (strchr("NSDns", letter) != NULL && fuzz_record(&r, text, len, from) == NULL
               && r.verb != V_HELLO && !run.hand.done) {
        (void)hand_record(&l, NULL, &r, -1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input in = { data, size };
    memset(&run, 0, sizeof run);
    begin(fuzz_u8(&in));
    for (unsigned i = 0; i < LINES_MAX && in.left > 0; i++) {
        size_t len;
        char *line = fuzz_until(&in, '\n', &len);
        if (len > 2) {
            do_line(line[0], line + 2, len - 2);
        }
        check_answers();
        check_printed();
        free(line);
    }
    int status = run.hand.status;
    fuzz_check(status == 0 || (run.hand.done && (status == 1 || status == 111)));
    bool stands = hand_tunnel_stands(&run.hand);
    fuzz_check(stands || run.list_status == 0);
    fuzz_check(!stands || run.list_status != 0
               || (run.list.len > 0 && memmem(run.list.data, run.list.len, "10.9.0.1", 8) != NULL));
    connection_form_free(&run.hand.form);
    buffer_wipe(&run.hand.install);
    buffer_wipe(&run.hand.names);
    buffer_wipe(&run.printed);
    buffer_wipe(&run.list);
    for (unsigned i = 0; i < LINE_COUNT; i++) {
        buffer_wipe(&run.out[i]);
    }
    return 0;
}

/* The first byte is not a line's. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    if (size < 2 || seed % 16 == 1) {
        return LLVMFuzzerMutate(data, size, max);
    }
    return 1 + fuzz_mutate_lines(speakers, data + 1, size - 1, max - 1, seed);
}
