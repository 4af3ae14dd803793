#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

const char *notify_take(struct notify *n)
{
    const char *why = NULL;
    *n = (struct notify){ .address = { .sun_family = AF_UNIX } };
    const char *name = secure_getenv("NOTIFY_SOCKET");
    size_t len = name == NULL ? 0 : strlen(name);
    if (len == 0) {
        goto out;
    }
    if ((name[0] != '/' && name[0] != '@') || name[1] == '\0') {
        why = "neither a path that begins with / nor @ and a name";
        goto out;
    }
    if (len >= sizeof n->address.sun_path) {
        why = "too long for the name of a socket";
        goto out;
    }
    memcpy(n->address.sun_path, name, len);
    if (name[0] == '@') {
        n->address.sun_path[0] = '\0';
    }
    n->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
out:
    (void)unsetenv("NOTIFY_SOCKET");
    return why;
}

int notify_send(const struct notify *n, const char *text, unsigned seconds)
{
    const struct timeval wait = { .tv_sec = seconds };
    const int flags = MSG_NOSIGNAL | (seconds == 0 ? MSG_DONTWAIT : 0);
    if (n->len == 0) {
        return 0;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return errno;
    }
    int error = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) != 0
        || sendto(fd, text, strlen(text), flags, (const struct sockaddr *)&n->address, n->len) < 0) {
        error = errno;
    }
    close(fd);
    return error;
}
