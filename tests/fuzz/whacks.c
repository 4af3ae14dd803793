#include "whacks.h"

#include "fuzz.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct sockaddr_un place; /* of the control socket */
static socklen_t place_len;

int whacks_listener(void)
{
    static int listener = -1;
    if (listener < 0) {
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        place.sun_family = AF_UNIX;
        fuzz_check(bind(listener, (struct sockaddr *)&place, sizeof(sa_family_t)) == 0);
        fuzz_check(listen(listener, 4) == 0);
        place_len = sizeof place;
        fuzz_check(getsockname(listener, (struct sockaddr *)&place, &place_len) == 0);
    }
    return listener;
}

void whacks_init(struct whacks *w)
{
    for (unsigned i = 0; i < WHACKS; i++) {
        w->fd[i] = -1;
    }
}

static void hang_up(struct whacks *w, unsigned which)
{
    close(w->fd[which]);
    w->fd[which] = -1;
}

bool whacks_connect(struct whacks *w, unsigned which)
{
    if (w->fd[which] >= 0) {
        return false;
    }
    w->fd[which] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz_check(connect(w->fd[which], (struct sockaddr *)&place, place_len) == 0);
    return true;
}

void whacks_say(const struct whacks *w, unsigned which, const char *text, size_t len)
{
    (void)send(w->fd[which], text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)send(w->fd[which], "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void whacks_end(struct whacks *w, unsigned which, bool all)
{
    if (w->fd[which] < 0) {
        return;
    }
    shutdown(w->fd[which], SHUT_WR);
    if (all) {
        hang_up(w, which);
    }
}

/* NUL ends what is printed, so it is looked for, too. */
void whacks_hear(struct whacks *w)
{
    for (unsigned which = 0; which < WHACKS; which++) {
        char said[4096];
        ssize_t n = w->fd[which] < 0 ? -1 : recv(w->fd[which], said, sizeof said, MSG_DONTWAIT);
        for (ssize_t i = 0; i < n; i++) {
            fuzz_check((said[i] >= ' ' && said[i] <= '~') || said[i] == '\n');
        }
        if (n == 0) {
            hang_up(w, which);
        }
    }
}
