/*
 * By hand, without --show-keys: a look that leaves nothing behind, and what stands alone.
 */
#include "by_hand_private.h"
#include "sibling.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void exec_list(const char *path, int out)
{
    char list[] = "--list";
    char name[] = "kernel-sa";
    char *const argv[] = { name, list, NULL };
    if (dup2(out, STDOUT_FILENO) >= 0) {
        execv(path, argv);
    }
    _exit(EXIT_SYSTEM);
}

/* Reads to the end. True: a line has both addresses of the hosts as words of their own. */
static bool find_hosts(FILE *list, const struct hand *h)
{
    char ours[ADDRESS_TEXT];
    char peers[ADDRESS_TEXT];
    char between[2][2 * ADDRESS_TEXT + 8];
    char line[1000];
    bool found = false;

    address_print(&h->local, ours);
    address_print(&h->remote, peers);
    snprintf(between[0], sizeof between[0], " %s => %s", ours, peers);
    snprintf(between[1], sizeof between[1], " %s => %s", peers, ours);
    while (fgets(line, sizeof line, list) != NULL) {
        for (unsigned i = 0; i < 2; i++) {
            const char *at = strstr(line, between[i]);
            found = found || (at != NULL && strchr(", \n", at[strlen(between[i])]) != NULL);
        }
    }
    return found;
}

bool hand_tunnel_stands(const struct hand *h)
{
    char path[4096];
    int ends[2];
    int status = 0;
    if (sibling_path(path, sizeof path, "kernel-sa") != NULL || pipe2(ends, O_CLOEXEC) != 0) {
        return true;
    }
    pid_t pid = fork();
    if (pid == 0) {
        exec_list(path, ends[1]);
    }
    close(ends[1]);
    FILE *list = fdopen(ends[0], "r");
    bool stands = list == NULL || pid < 0 || find_hosts(list, h);
    if (list != NULL) {
        fclose(list);
    } else {
        close(ends[0]);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return stands || status != 0;
}

/* All is printed that there is to see: does it end here? */
bool hand_seen_enough(const struct hand *h)
{
    return h->initiate && !h->show_keys && h->wanted && h->keys_printed;
}

/*
 * Without its keys nobody here can use what was negotiated. A peer that had SAs for it would send
 * into them, in place of those that he may have had with us before; so, where we begin, we do not
 * even send the last message. He is told that it was nothing. But an ISAKMP SA may by now be the one
 * that a tunnel of before belongs to (charon moves it there), and would go with it.
 */
void hand_take_back(struct hand *h)
{
    struct record_writer w;
    struct buffer *out = hand_out(h, LINE_NEGOTIATOR);
    if (h->wanted) {
        record_start(&w, out, V_DELETE_SA);
        record_put_number(&w, K_PARENT, EXCHANGE_X);
        record_put_word(&w, K_PROTOCOL, WORD_ESP);
        record_put_bytes(&w, K_SPI_IN, h->spi_in, sizeof h->spi_in);
        record_finish(&w);
    }
    if (!h->stands) {
        record_start(&w, out, V_DELETE);
        record_put_number(&w, K_EXCHANGE, EXCHANGE_X);
        record_finish(&w);
    }
    hand_say("", h->stands ? "without --show-keys this was only a look: no IPsec SA was made; the "
                             "ISAKMP SA is left to the peer, since there are IPsec SAs with him"
                           : "without --show-keys this was only a look: the peer is told to forget it");
}
