#include "watch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool watch_add(struct watch *w, const char *word)
{
    const char *is = strchr(word, '=');
    char *end = NULL;
    if (is == NULL || w->count == WATCH_MAX || (size_t)(is - word) >= sizeof w->of[0].name) {
        return false;
    }
    long pid = strtol(is + 1, &end, 10);
    if (*end != '\0' || pid <= 0) {
        return false;
    }
    w->of[w->count].pid = (pid_t)pid;
    (void)snprintf(w->of[w->count].name, sizeof w->of[0].name, "%.*s", (int)(is - word), word);
    w->count++;
    return true;
}

static uint64_t first_number(const char *path)
{
    char line[100];
    uint64_t number = 0;
    FILE *f = fopen(path, "re");
    if (f != NULL && fgets(line, sizeof line, f) != NULL) {
        number = strtoull(line, NULL, 10);
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return number;
}

static uint64_t time_of(pid_t pid)
{
    char path[300];
    uint64_t ns = 0;
    struct dirent *task;
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    while (tasks != NULL && (task = readdir(tasks)) != NULL) {
        if (task->d_name[0] != '.') {
            (void)snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)pid,
                           task->d_name);
            ns += first_number(path);
        }
    }
    if (tasks != NULL) {
        (void)closedir(tasks);
    }
    return ns;
}

static uint64_t memory_of(pid_t pid)
{
    char line[200];
    uint64_t kb = 0;
    (void)snprintf(line, sizeof line, "/proc/%d/smaps_rollup", (int)pid);
    FILE *f = fopen(line, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "Pss:", 4) == 0) {
            kb = strtoull(line + 4, NULL, 10);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return kb;
}

void watch_begin(struct watch *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        w->of[i].kb_before = memory_of(w->of[i].pid);
    }
    for (unsigned i = 0; i < w->count; i++) {
        w->of[i].ns_before = time_of(w->of[i].pid);
    }
}

#define LOOK_MS 200
#define QUIET_NS 2000000u /* of LOOK_MS */

void watch_until_quiet(const struct watch *w)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    uint64_t before = 0;
    for (unsigned i = 0; i < 30000 / LOOK_MS && w->count > 0; i++) {
        uint64_t ns = 0;
        for (unsigned p = 0; p < w->count; p++) {
            ns += time_of(w->of[p].pid);
        }
        if (ns < before + QUIET_NS) {
            break;
        }
        before = ns;
        (void)nanosleep(&pause, NULL);
    }
}

void watch_end(struct watch *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        w->of[i].ns = time_of(w->of[i].pid) - w->of[i].ns_before;
    }
}

void watch_memory(struct watch *w)
{
    for (unsigned i = 0; i < w->count; i++) {
        w->of[i].kb = memory_of(w->of[i].pid);
    }
}

uint64_t watch_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
