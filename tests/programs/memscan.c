/*
 * memscan - looks for secrets in the memory of other processes; as root
 *
 *   memscan PID... <SECRETS
 *
 * SECRETS has a line `NAME HEX` for each value of 8 bytes or more. All memory that a process has mapped and
 * can be read is searched for any 16 bytes in a row of a value that begin at a multiple of 16 (or are its last
 * ones; a value of less than 16 bytes is searched for as a whole): as they are, in reverse order, and as hex in
 * lower or upper case. Each place prints a line: PID NAME FORM OFFSET-IN-THE-VALUE ADDRESS MAPPING.
 *
 * Exit status: 0 nothing was found, 1 something was, 2 it could not be looked at.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIECE 16u
#define PIECE_MIN 8u
#define VALUE_MAX 1024
#define NAME_LEN 48
#define NEEDLES_MAX 8192
#define CHUNK ((size_t)1 << 20)
#define OVERLAP (2 * PIECE)
#define SHOWN_MAX 40 /* places of one process */

enum form { FORM_RAW, FORM_REVERSED, FORM_LOWER, FORM_UPPER, FORM_COUNT };

static const char *const form_names[FORM_COUNT] = { "raw", "reversed", "hex", "HEX" };

struct needle {
    char name[NAME_LEN];
    enum form form;
    size_t offset;
    size_t len;
    uint8_t bytes[2 * PIECE];
};

struct needles {
    size_t count;
    struct needle list[NEEDLES_MAX];
    uint8_t first[65536]; /* may anything begin with these two bytes? */
};

/* ---- what is looked for ---- */

static void add_needle(struct needles *n, const char *name, size_t offset, enum form form,
                       const uint8_t *bytes, size_t len)
{
    if (n->count == NEEDLES_MAX) {
        (void)fprintf(stderr, "memscan: more than %d pieces of secrets\n", NEEDLES_MAX);
        exit(2);
    }
    struct needle *it = &n->list[n->count++];
    *it = (struct needle){ .form = form, .offset = offset };
    (void)snprintf(it->name, sizeof it->name, "%s", name);
    for (size_t i = 0; i < len; i++) {
        char pair[3];
        switch (form) {
        case FORM_RAW:
            it->bytes[i] = bytes[i];
            break;
        case FORM_REVERSED:
            it->bytes[i] = bytes[len - 1 - i];
            break;
        default:
            (void)snprintf(pair, sizeof pair, form == FORM_LOWER ? "%02x" : "%02X", bytes[i]);
            memcpy(it->bytes + 2 * i, pair, 2);
            break;
        }
    }
    it->len = form == FORM_LOWER || form == FORM_UPPER ? 2 * len : len;
    n->first[it->bytes[0] << 8 | it->bytes[1]] = 1;
}

static void add_value(struct needles *n, const char *name, const uint8_t *value, size_t len)
{
    for (size_t at = 0; at < len; at += PIECE) {
        size_t from = len - at >= PIECE || len < PIECE ? at : len - PIECE;
        size_t piece = len < PIECE ? len : PIECE;
        for (enum form form = FORM_RAW; form < FORM_COUNT; form++) {
            add_needle(n, name, from, form, value + from, piece);
        }
    }
}

static void read_values(struct needles *n)
{
    char name[NAME_LEN];
    char hex[2 * VALUE_MAX + 1];
    uint8_t value[VALUE_MAX];
    while (scanf("%47s %2048s", name, hex) == 2) {
        size_t len = strlen(hex) / 2;
        if (strspn(hex, "0123456789abcdefABCDEF") != 2 * len) {
            (void)fprintf(stderr, "memscan: %s: not hex\n", name);
            exit(2);
        }
        for (size_t i = 0; i < len; i++) {
            const char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
            value[i] = (uint8_t)strtoul(pair, NULL, 16);
        }
        if (len < PIECE_MIN) {
            (void)fprintf(stderr, "memscan: %s: too short to tell from chance\n", name);
            exit(2);
        }
        add_value(n, name, value, len);
    }
    if (n->count == 0) {
        (void)fprintf(stderr, "memscan: no secrets on stdin\n");
        exit(2);
    }
}

/* ---- looking ---- */

struct place {
    int pid;
    const char *mapping;
    unsigned found;
};

static void search(const struct needles *n, struct place *place, const uint8_t *bytes, size_t len,
                   uint64_t address, size_t end)
{
    for (size_t at = 0; at + 1 < len && at < end; at++) {
        if (n->first[bytes[at] << 8 | bytes[at + 1]] == 0) {
            continue;
        }
        for (size_t i = 0; i < n->count; i++) {
            const struct needle *it = &n->list[i];
            if (len - at < it->len || memcmp(bytes + at, it->bytes, it->len) != 0) {
                continue;
            }
            if (place->found++ < SHOWN_MAX) {
                (void)printf("%d %s %s %zu %" PRIx64 " %s\n", place->pid, it->name,
                             form_names[it->form], it->offset, address + at, place->mapping);
            }
        }
    }
}

static void search_mapping(const struct needles *n, struct place *place, int mem, uint64_t from,
                           uint64_t to, uint8_t *room)
{
    for (uint64_t at = from; at < to; at += CHUNK) {
        size_t want = to - at < CHUNK + OVERLAP ? (size_t)(to - at) : CHUNK + OVERLAP;
        ssize_t got = pread(mem, room, want, (off_t)at);
        if (got > 0) {
            search(n, place, room, (size_t)got, at, CHUNK);
        }
    }
}

/* How many places; -1: it could not be looked at. */
static int search_process(const struct needles *n, int pid, uint8_t *room)
{
    char path[64];
    char line[4400];
    struct place place = { .pid = pid };
    uint64_t seen = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/maps", pid);
    FILE *maps = fopen(path, "re");
    (void)snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int mem = open(path, O_RDONLY | O_CLOEXEC);
    while (maps != NULL && mem >= 0 && fgets(line, sizeof line, maps) != NULL) {
        char *rest;
        uint64_t from = strtoull(line, &rest, 16);
        uint64_t to = *rest == '-' ? strtoull(rest + 1, &rest, 16) : 0;
        if (to <= from || rest[0] != ' ' || rest[1] != 'r') {
            continue;
        }
        line[strcspn(line, "\n")] = '\0';
        char *name = strpbrk(rest, "/[");
        place.mapping = name == NULL ? "anonymous" : name;
        search_mapping(n, &place, mem, from, to, room);
        seen += to - from;
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
    if (mem >= 0) {
        close(mem);
    }
    if (seen == 0) {
        (void)fprintf(stderr, "memscan: process %d cannot be looked at\n", pid);
        return -1;
    }
    return (int)place.found;
}

int main(int argc, char **argv)
{
    static struct needles n;
    static uint8_t room[CHUNK + OVERLAP];
    int status = 0;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: memscan PID... <SECRETS\n");
        return 2;
    }
    read_values(&n);
    for (int i = 1; i < argc && status != 2; i++) {
        int found = search_process(&n, (int)strtol(argv[i], NULL, 10), room);
        status = found < 0 ? 2 : found > 0 ? 1 : status;
    }
    return status;
}
