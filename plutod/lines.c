#include "lines.h"

#include "peerlog.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <utlist.h>

#define LINE_MAX_BYTES 32768

struct waiting_line {
    struct waiting_line *prev, *next;
    size_t len;
    char bytes[];
};

/* ---- where to ---- */

/* Is it systemd's journal? It says so in the environment, by device and inode (systemd.exec(5)). */
static bool is_journal(const struct stat *s)
{
    const char *stream = secure_getenv("JOURNAL_STREAM");
    char own[64];
    snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)s->st_dev, (uintmax_t)s->st_ino);
    return stream != NULL && strcmp(stream, own) == 0;
}

/*
 * A description of our own for the same pipe or terminal, one that never blocks: to make stderr so
 * would change it for everybody who has it.
 */
static void open_stderr(struct lines *l, int fd)
{
    char path[64];
    int type;
    socklen_t len = sizeof type;
    struct stat s;
    l->fd = fd;
    l->socket = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
    bool known = fstat(fd, &s) == 0;
    l->journal = known && is_journal(&s);
    if (l->socket || (known && S_ISREG(s.st_mode))) {
        return;
    }
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    l->owned = own >= 0;
    l->polled = own < 0;
    l->fd = own >= 0 ? own : fd;
}

static int64_t seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* At most once in a second: nobody may be there. */
static void connect_syslog(struct lines *l)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    if (l->syslog == NULL || l->fd >= 0 || seconds() < l->again
        || strlcpy(to.sun_path, l->syslog, sizeof to.sun_path) >= sizeof to.sun_path) {
        return;
    }
    l->again = seconds() + 1;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0) {
        l->fd = fd;
        l->owned = l->socket = true;
    } else if (fd >= 0) {
        close(fd);
    }
}

static void disconnect(struct lines *l)
{
    if (l->owned && l->fd >= 0) {
        close(l->fd);
    }
    l->fd = -1;
    l->owned = false;
}

void lines_init(struct lines *l, int fd, const char *syslog)
{
    memset(l, 0, sizeof *l);
    l->fd = -1;
    if (fd >= 0) {
        open_stderr(l, fd);
    } else {
        l->syslog = syslog;
        connect_syslog(l);
        l->again = 0;
    }
}

/* ---- what waits ---- */

static void drop_first(struct lines *l)
{
    struct waiting_line *first = l->waiting;
    DL_DELETE(l->waiting, first);
    l->bytes -= first->len;
    l->written = 0;
    free(first);
}

static void enqueue(struct lines *l, const void *bytes, size_t len)
{
    bool room = l->lost == 0 && l->bytes + len <= LINES_WAITING;
    struct waiting_line *line = room ? malloc(sizeof *line + len) : NULL;
    if (line == NULL) {
        l->lost++;
        return;
    }
    line->len = len;
    memcpy(line->bytes, bytes, len);
    DL_APPEND(l->waiting, line);
    l->bytes += len;
}

static int priority_of(enum log_level level)
{
    return level == LOG_LEVEL_DEBUG ? LOG_DEBUG : level == LOG_LEVEL_INFO ? LOG_INFO : LOG_WARNING;
}

/* Adds the line with what the way it goes wants around it. */
static void add(struct lines *l, enum log_level level, const struct buffer *text)
{
    struct buffer whole;
    char head[80] = "";
    buffer_init(&whole, LINE_MAX_BYTES + 100);
    if (l->syslog != NULL) {
        char when[32];
        time_t now = time(NULL);
        struct tm tm;
        strftime(when, sizeof when, "%b %e %H:%M:%S", localtime_r(&now, &tm));
        snprintf(head, sizeof head, "<%d>%s plutod[%d]: ", LOG_AUTHPRIV | priority_of(level), when,
                 (int)getpid());
    } else if (l->journal) {
        snprintf(head, sizeof head, "<%d>", priority_of(level));
    }
    buffer_add_text(&whole, head);
    buffer_add(&whole, text->data, text->len);
    buffer_add_text(&whole, l->syslog != NULL ? "" : "\n");
    enqueue(l, whole.data, whole.len);
    buffer_wipe(&whole);
}

/* How many lines are missing here; the reader has taken all that was before. */
static void say_lost(struct lines *l)
{
    struct buffer text;
    char line[120];
    snprintf(line, sizeof line, "%lu lines of the log are lost here: who reads it did not take them",
             l->lost);
    l->lost = 0;
    buffer_init(&text, sizeof line);
    buffer_add_text(&text, line);
    add(l, LOG_LEVEL_SERIOUS, &text);
    buffer_wipe(&text);
}

/* With the log of peers; "": there is none. */
static void say_trouble(struct lines *l, const char *why)
{
    struct buffer line;
    if (why[0] != '\0') {
        buffer_init(&line, LINE_MAX_BYTES);
        log_escape(&line, why, strlen(why));
        add(l, LOG_LEVEL_SERIOUS, &line);
        buffer_wipe(&line);
    }
}

/* ---- out ---- */

static ssize_t put(const struct lines *l, const char *bytes, size_t len)
{
    if (l->socket) {
        return send(l->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (l->polled) {
        struct pollfd p = { .fd = l->fd, .events = POLLOUT };
        if (poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) == 0) {
            errno = EPIPE;
            return -1;
        }
        if ((p.revents & POLLOUT) == 0) {
            errno = EAGAIN;
            return -1;
        }
        len = len > PIPE_BUF ? PIPE_BUF : len; /* so much has room then */
    }
    return write(l->fd, bytes, len);
}

/* False: it has to wait. */
static bool put_first(struct lines *l)
{
    const struct waiting_line *first = l->waiting;
    ssize_t n = put(l, first->bytes + l->written, first->len - l->written);
    if (n >= 0) {
        l->written += (size_t)n;
        if (l->written >= first->len || l->syslog != NULL) {
            drop_first(l);
        }
        return true;
    }
    if (errno == EINTR) {
        return true;
    }
    if (errno == EAGAIN || errno == ENOBUFS) {
        return false;
    }
    if (l->syslog != NULL && errno != EMSGSIZE) {
        disconnect(l); /* it was begun anew, perhaps */
        connect_syslog(l);
        return l->fd >= 0;
    }
    drop_first(l); /* nobody reads our log: that is no reason to stop */
    return true;
}

void lines_flush(struct lines *l)
{
    connect_syslog(l);
    while (l->fd >= 0 && (l->waiting != NULL || l->lost > 0)) {
        if (l->waiting == NULL) {
            say_lost(l);
        }
        if (l->waiting == NULL || !put_first(l)) {
            break;
        }
    }
}

int lines_fd(const struct lines *l)
{
    return l->waiting == NULL ? -1 : l->fd;
}

void lines_add(struct lines *l, enum log_level level, const struct address *peer, const char *prefix,
               const char *text)
{
    struct buffer line;
    buffer_init(&line, LINE_MAX_BYTES);
    if (level == LOG_LEVEL_DEBUG && strncmp(text, "| ", 2) != 0) {
        buffer_add_text(&line, "| ");
    }
    log_escape(&line, prefix, strlen(prefix));
    log_escape(&line, text, strlen(text));
    add(l, level, &line);
    if (peer != NULL && l->peers != NULL && !line.overflowed) {
        char why[PEERLOG_WHY];
        peerlog_add(l->peers, peer, line.data, line.len, why);
        say_trouble(l, why);
    }
    buffer_wipe(&line);
    lines_flush(l);
}

void lines_peers(struct lines *l, const char *base)
{
    char why[PEERLOG_WHY];
    l->peers = peerlog_new(base, why);
    say_trouble(l, why);
}

void lines_print(struct lines *l, enum log_level level, const char *format, ...)
{
    char text[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    lines_add(l, level, NULL, "", text);
}

void lines_free(struct lines *l)
{
    lines_flush(l);
    while (l->waiting != NULL) {
        drop_first(l);
    }
    disconnect(l);
    peerlog_free(l->peers);
    l->peers = NULL;
}
