/* What is to be seen in a lab; see lab.h. */
#include "lab.h"

#include <stdio.h>
#include <string.h>

/* ---- addresses ---- */

void lab_address(struct address *a, unsigned host)
{
    char text[ADDRESS_TEXT];
    snprintf(text, sizeof text, "10.9.0.%u", host + 1);
    assert_null(address_parse(a, text));
}

unsigned lab_host_of(const struct address *a)
{
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        struct address host;
        lab_address(&host, i);
        if (address_equal(&host, a)) {
            return i;
        }
    }
    return LAB_NOBODY;
}

struct path lab_path(unsigned host, unsigned from)
{
    struct path p = { .local_port = 500, .remote_port = 500 };
    lab_address(&p.local, host);
    lab_address(&p.remote, from);
    return p;
}

/* ---- looking ---- */

/* The newest of a host's SAs toward the peer or toward itself. */
static const struct kernel_sa *newest(const struct lab_host *h, bool inbound)
{
    const struct kernel_sa *found = NULL;
    for (size_t i = 0; i < h->kernel->sas; i++) {
        const struct kernel_sa *sa = &h->kernel->sa[i];
        if (sa->inbound == inbound && (found == NULL || sa->exchange > found->exchange)) {
            found = sa;
        }
    }
    return found;
}

bool lab_up(const struct lab *l)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct kernel_sa *in = newest(&l->host[i], true);
        const struct kernel_sa *out = newest(&l->host[1 - i], false);
        if (in == NULL || out == NULL || in->spi != out->spi || in->key_len != out->key_len
            || memcmp(in->key, out->key, in->key_len) != 0
            || memcmp(in->auth, out->auth, in->auth_len) != 0
            || l->host[i].kernel->policies != l->policies) {
            return false;
        }
    }
    return true;
}

unsigned lab_count(const struct buffer *b, const char *text)
{
    unsigned n = 0;
    size_t len = strlen(text);
    const uint8_t *end = b->data + b->len;
    for (const uint8_t *at = b->data; b->len > 0; at += len, n++) {
        at = memmem(at, (size_t)(end - at), text, len);
        if (at == NULL) {
            break;
        }
    }
    return n;
}

bool lab_logged(const struct lab *l, unsigned host, const char *text)
{
    return lab_count(&l->host[host].log, text) > 0;
}

unsigned lab_lines(const struct lab *l, unsigned host)
{
    return lab_count(&l->host[host].log, "\n");
}

void lab_forget_log(struct lab *l)
{
    for (unsigned i = 0; i < LAB_HOSTS; i++) {
        buffer_wipe(&l->host[i].log);
    }
}
