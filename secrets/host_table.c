#include "host_table.h"

#include "bounds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct table_entry {
    struct named_host host;
    UT_hash_handle hh;
    char name[];
};

struct place {
    struct table_entry *entry; /* owned */
};

struct host_table {
    struct table_entry *by_name;
    struct place *list; /* owned */
    size_t count;
    size_t cap;
    size_t waiting;
};

struct host_table *host_table_new(void)
{
    return calloc(1, sizeof(struct host_table));
}

void host_table_free(struct host_table *h)
{
    if (h == NULL) {
        return;
    }
    HASH_CLEAR(hh, h->by_name);
    for (size_t i = 0; i < h->count; i++) {
        free(h->list[i].entry);
    }
    free(h->list);
    free(h);
}

static bool make_room(struct host_table *h)
{
    if (h->count < h->cap) {
        return true;
    }
    size_t cap = h->cap == 0 ? 16 : h->cap * 2;
    struct place *more = realloc(h->list, cap * sizeof *more);
    if (more == NULL) {
        return false;
    }
    h->list = more;
    h->cap = cap;
    return true;
}

/* As DNS compares them. */
static void normal_form(char out[HOSTNAME_LEN + 1], const char *name)
{
    size_t len = 0;
    for (; len < HOSTNAME_LEN && name[len] != '\0'; len++) {
        out[len] = (char)tolower((unsigned char)name[len]);
    }
    out[len] = '\0';
}

const struct named_host *host_table_add(struct host_table *h, const char *name, const char **why)
{
    char normal[HOSTNAME_LEN + 1];
    struct table_entry *e = NULL;

    normal_form(normal, name);
    HASH_FIND_STR(h->by_name, normal, e);
    if (e != NULL) {
        return &e->host;
    }
    if (h->count == HOST_NAMES_MAX) {
        *why = "too many names of hosts: at most 4096 different ones are looked up";
        return NULL;
    }
    size_t size = strlen(normal) + 1;
    e = make_room(h) ? calloc(1, sizeof *e + size) : NULL;
    if (e == NULL) {
        *why = "out of memory";
        return NULL;
    }
    memcpy(e->name, normal, size);
    e->host.name = e->name;
    HASH_ADD_STR(h->by_name, name, e);
    h->list[h->count++].entry = e;
    h->waiting++;
    return &e->host;
}

size_t host_table_count(const struct host_table *h)
{
    return h->count;
}

size_t host_table_waiting(const struct host_table *h)
{
    return h->waiting;
}

const struct named_host *host_table_at(const struct host_table *h, size_t i)
{
    return &h->list[i].entry->host;
}

bool host_table_answer(struct host_table *h, size_t i, const struct address_list *addresses, bool part)
{
    struct named_host *host = i < h->count ? &h->list[i].entry->host : NULL;
    if (host == NULL || (host->state != HOST_WAITS && !host->part)) {
        return false;
    }
    h->waiting -= host->state == HOST_WAITS ? 1 : 0;
    if (addresses != NULL) {
        host->addresses = *addresses;
    }
    host->state = addresses == NULL && !host->part ? HOST_UNKNOWN : HOST_KNOWN;
    host->part = addresses != NULL && part;
    return true;
}

bool host_is(const struct named_host *h, const struct identity *id)
{
    struct address a = { .family = id->type == ID_IPV4_ADDR ? 4 : 6 };
    const bool is_address = (id->type == ID_IPV4_ADDR && id->len == 4) || (id->type == ID_IPV6_ADDR && id->len == 16);
    if (h->state != HOST_KNOWN || !is_address) {
        return false;
    }
    memcpy(a.bytes, id->bytes, id->len);
    return address_list_has(&h->addresses, &a);
}
