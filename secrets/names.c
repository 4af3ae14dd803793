#include "names.h"

#include <stdio.h>

void names_ask(const struct store *s, struct buffer *out)
{
    const struct host_table *hosts = store_hosts(s);
    for (size_t i = 0; i < host_table_count(hosts); i++) {
        struct record_writer w;
        if (host_table_at(hosts, i)->state != HOST_WAITS) {
            continue;
        }
        record_start(&w, out, V_RESOLVE);
        record_put_number(&w, K_ID, i + 1);
        record_put_text(&w, K_HOST, host_table_at(hosts, i)->name);
        (void)record_finish(&w);
    }
}

void names_tell_loaded(const struct store *s, const struct file_counts *counts, struct buffer *out)
{
    struct record_writer w;
    const size_t waiting = host_table_waiting(store_hosts(s));
    size_t usable = 0;
    for (size_t i = 0; i < store_count(s); i++) {
        const struct secret *here = store_at(s, i);
        usable += secret_is_locked(here) || secret_missing_host(here) != NULL ? 0 : 1;
    }
    record_start(&w, out, V_LOADED);
    record_put_number(&w, K_ENTRIES, usable);
    record_put_number(&w, K_ERRORS, counts->errors);
    if (waiting > 0) {
        record_put_number(&w, K_NAMES, waiting);
    }
    (void)record_finish(&w);
}

static bool needs(const struct secret *s, const struct named_host *host)
{
    for (size_t i = 0; i < s->index_count; i++) {
        if (s->index[i].host == host) {
            return true;
        }
    }
    return false;
}

static void complain_host(const struct log *log, size_t error, const struct secret *s, const struct named_host *host, const char *why)
{
    const struct log_about about = { .host = host->name, .code = error <= FILE_ERRORS_SHOWN ? REPLY_SERIOUS : 0 };
    if (error <= FILE_ERRORS_SHOWN) {
        log_about(log, LOG_LEVEL_SERIOUS, &about, "%s:%u: %s cannot be looked up: %s; this entry is not used", s->file, s->line,
                  host->name, why);
    } else if (error == FILE_ERRORS_SHOWN + 1) {
        log_about(log, LOG_LEVEL_SERIOUS, &about, "%s: more errors, which are not shown", s->file);
    }
}

bool names_answer(struct store *s, struct file_counts *counts, size_t i, const struct address_list *addresses, bool part,
                  const char *why, const struct log *log)
{
    if (!host_table_answer(store_hosts(s), i, addresses, part)) {
        return false;
    }
    const struct named_host *host = host_table_at(store_hosts(s), i);
    for (size_t k = 0; k < store_count(s) && host->state == HOST_UNKNOWN; k++) {
        if (needs(store_at(s, k), host)) {
            complain_host(log, ++counts->errors, store_at(s, k), host, why);
        }
    }
    return true;
}

bool names_take(struct store *s, struct file_counts *counts, const struct record *r, const struct log *log)
{
    const size_t i = (size_t)record_number(r, K_ID) - 1;
    struct address_list list;
    const char *why = r->verb == V_OK ? address_list_parse(&list, record_text(r, K_ADDRESSES)) : record_text(r, K_WHY);
    return names_answer(s, counts, i, why == NULL ? &list : NULL, record_has(r, K_RETRY), why, log);
}
