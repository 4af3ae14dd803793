#include "serve.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define RANDOM_LOW 128 /* words that may be missing before they are drawn */
#define RANDOM_AT_ONCE 64

static void found(void *context, const struct found *f)
{
    struct core *core = context;
    if (f->is_policy) {
        core_found_policy(core, &f->policy);
    } else {
        core_found_sa(core, &f->sa);
    }
}

static void say_only(const struct kernel_request *request)
{
    struct buffer text;
    buffer_init(&text, 0);
    kernel_describe(&text, request);
    (void)printf("%.*s\n", (int)text.len, (const char *)text.data);
    buffer_wipe(&text);
}

void serve_core(struct core *core, struct netlink *netlink, uint64_t now)
{
    const struct kernel_request *request;
    struct kernel_result result;
    while ((request = core_request(core)) != NULL) {
        memset(&result, 0, sizeof result);
        if (netlink == NULL) {
            say_only(request);
        } else {
            netlink_do(netlink, request, &result, found, core);
        }
        core_result(core, &result, now);
    }
}

void serve_random(struct core *core)
{
    uint32_t words[RANDOM_AT_ONCE];
    size_t wanted = core_random_wanted(core);
    if (wanted < RANDOM_LOW) {
        return;
    }
    for (; wanted > 0; wanted = core_random_wanted(core)) {
        size_t count = wanted < RANDOM_AT_ONCE ? wanted : RANDOM_AT_ONCE;
        size_t bytes = count * sizeof words[0];
        if (getrandom(words, bytes, 0) != (ssize_t)bytes) {
            break;
        }
        core_random(core, words, count);
    }
    explicit_bzero(words, sizeof words);
}
