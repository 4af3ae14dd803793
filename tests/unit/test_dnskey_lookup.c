/* The core of dnskey: each request is answered once, whatever DNS does [D3] [K1]. */
#include "dnskey/lookup.h"

#include "dnskey/known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ASKED_MAX 1200

struct asked {
    uint64_t ticket;
    char name[HOSTNAME_LEN + 1];
    enum answer_type type;
    bool open;
};

struct fixture {
    struct lookups *lookups;
    struct buffer out;
    struct buffer log_records;
    struct log log;
    uint64_t now;
    struct asked asked[ASKED_MAX];
    unsigned count;
    unsigned dropped;
    const char *refusal;      /* of every question */
    const char *at_once;      /* addresses of every A question, from within `ask` */
    const char *in_hosts;     /* addresses of every name in /etc/hosts */
    unsigned answers;         /* records that were answers, up to now */
};

static void read_list(struct answer *a, const char *text)
{
    char copy[4000];
    *a = (struct answer){ .outcome = ANSWER_NOTHING, .ttl = 300 };
    (void)snprintf(copy, sizeof copy, "%s", text);
    char *save = NULL;
    for (char *one = strtok_r(copy, ",", &save); one != NULL; one = strtok_r(NULL, ",", &save)) {
        struct address address;
        assert_null(address_parse(&address, one));
        answer_add(a, &address);
    }
    a->outcome = a->list.count > 0 ? ANSWER_ADDRESSES : a->dropped > 0 ? ANSWER_UNUSABLE : ANSWER_NOTHING;
}

static const char *ask(void *context, uint64_t ticket, const char *name, enum answer_type type)
{
    struct fixture *f = context;
    if (f->refusal != NULL) {
        return f->refusal;
    }
    assert_true(f->count < ASKED_MAX);
    struct asked *a = &f->asked[f->count++];
    *a = (struct asked){ .ticket = ticket, .type = type, .open = true };
    (void)snprintf(a->name, sizeof a->name, "%s", name);
    if (f->at_once != NULL) {
        struct answer answer;
        a->open = false;
        read_list(&answer, type == ANSWER_A ? f->at_once : "");
        lookups_answer(f->lookups, ticket, type, &answer, f->now);
    }
    return NULL;
}

static void drop(void *context, uint64_t ticket, enum answer_type type)
{
    struct fixture *f = context;
    for (unsigned i = 0; i < f->count; i++) {
        if (f->asked[i].ticket == ticket && f->asked[i].type == type && f->asked[i].open) {
            f->asked[i].open = false;
            f->dropped++;
            return;
        }
    }
    fail_msg("a question that is not open was dropped");
}

static bool hosts(void *context, const char *name, struct answer *a)
{
    const struct fixture *f = context;
    (void)name;
    if (f->in_hosts == NULL) {
        return false;
    }
    read_list(a, f->in_hosts);
    return true;
}

static const char *servers(void *context)
{
    (void)context;
    return "10.0.0.53";
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    buffer_init(&f->out, 0);
    buffer_init(&f->log_records, 0);
    f->log = (struct log){ .tool = "dnskey", .records = &f->log_records };
    f->now = 1000;
    const struct lookups_use use = { .ask = ask, .drop = drop, .hosts = hosts, .servers = servers, .context = f,
                                     .log = &f->log };
    f->lookups = lookups_new(&use);
    assert_non_null(f->lookups);
    lookups_out(f->lookups, &f->out);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    lookups_free(f->lookups);
    buffer_wipe(&f->out);
    buffer_wipe(&f->log_records);
    free(f);
    return 0;
}

static void request(struct fixture *f, unsigned id, const char *name)
{
    char line[2000];
    struct record r;
    int len = snprintf(line, sizeof line, "resolve id=%u host=%s", id, name);
    assert_null(record_parse(&r, line, (size_t)len, P_D, NULL));
    lookups_request(f->lookups, &r, f->now);
}

/* A request that is begun; returns the place of its first question. */
static unsigned begun(struct fixture *f, unsigned id, const char *name)
{
    const unsigned first = f->count;
    request(f, id, name);
    lookups_begin(f->lookups, f->now);
    return first;
}

static void answer(struct fixture *f, unsigned question, const struct answer *a)
{
    assert_true(f->asked[question].open);
    f->asked[question].open = false;
    lookups_answer(f->lookups, f->asked[question].ticket, f->asked[question].type, a, f->now);
}

static void answer_list(struct fixture *f, unsigned question, const char *list)
{
    struct answer a;
    read_list(&a, list);
    answer(f, question, &a);
}

static void answer_outcome(struct fixture *f, unsigned question, enum answer_outcome outcome)
{
    const struct answer a = { .outcome = outcome, .why = outcome == ANSWER_FAILED ? "SERVFAIL" : NULL };
    answer(f, question, &a);
}

static void later(struct fixture *f, unsigned ms)
{
    const uint64_t end = f->now + ms;
    while (lookups_deadline(f->lookups) <= end) {
        f->now = lookups_deadline(f->lookups) > f->now ? lookups_deadline(f->lookups) : f->now;
        lookups_tick(f->lookups, f->now);
    }
    f->now = end;
}

/* What was answered since: one record, or none (NULL). */
static const char *said(struct fixture *f)
{
    static char text[4000];
    if (f->out.len == 0) {
        return NULL;
    }
    assert_true(f->out.len < sizeof text);
    memcpy(text, f->out.data, f->out.len);
    text[f->out.len - 1] = '\0';
    assert_null(strchr(text, '\n'));
    buffer_truncate(&f->out, 0);
    f->answers++;
    return text;
}

static bool logged(struct fixture *f, const char *what)
{
    buffer_add_u8(&f->log_records, 0);
    const bool there = f->log_records.len > 0 && strstr((const char *)f->log_records.data, what) != NULL;
    buffer_truncate(&f->log_records, 0);
    return there;
}

static void nothing_is_open(struct fixture *f)
{
    assert_null(said(f));
    assert_int_equal(lookups_open(f->lookups), 0);
    for (unsigned i = 0; i < f->count; i++) {
        assert_false(f->asked[i].open);
    }
    assert_true(lookups_deadline(f->lookups) == UINT64_MAX);
}

/* ---- what is good ---- */

static void both_kinds(void **state)
{
    struct fixture *f = *state;
    request(f, 7, "vpn.example");
    assert_int_equal(f->count, 0);
    assert_int_equal(lookups_waiting(f->lookups), 1);
    lookups_begin(f->lookups, f->now);
    assert_int_equal(lookups_waiting(f->lookups), 0);
    assert_int_equal(f->count, 2);
    assert_string_equal(f->asked[0].name, "vpn.example");
    answer_list(f, 1, "2001:db8::2,2001:db8::1");
    assert_null(said(f));
    answer_list(f, 0, "10.0.0.2,10.0.0.1");
    assert_string_equal(said(f), "ok id=7 re=resolve addresses=10.0.0.1,10.0.0.2,2001:db8::1,2001:db8::2 ttl=300");
    nothing_is_open(f);
    assert_int_equal(lookups_failed(f->lookups), 0);
}

static void one_kind(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "v4.example");
    answer_list(f, q, "10.0.0.1");
    answer_outcome(f, q + 1, ANSWER_NOTHING);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=300");
    q = begun(f, 2, "v6.example");
    answer_outcome(f, q, ANSWER_NOTHING);
    answer_list(f, q + 1, "2001:db8::1");
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=2001:db8::1 ttl=300");
    nothing_is_open(f);
}

static void answered_at_once(void **state)
{
    struct fixture *f = *state;
    f->at_once = "127.0.0.1";
    (void)begun(f, 3, "localhost");
    assert_string_equal(said(f), "ok id=3 re=resolve addresses=127.0.0.1 ttl=300");
    nothing_is_open(f);
}

static void hosts_first(void **state)
{
    struct fixture *f = *state;
    f->in_hosts = "10.0.0.9,2001:db8::9";
    (void)begun(f, 4, "inside");
    assert_string_equal(said(f), "ok id=4 re=resolve addresses=10.0.0.9,2001:db8::9 ttl=30");
    f->in_hosts = "0.0.0.0";
    (void)begun(f, 5, "blocked");
    assert_non_null(strstr(said(f), "fail id=5 re=resolve why=has%20no%20address%20that%20can%20be%20used:%200.0.0.0"));
    assert_int_equal(f->count, 0);
    nothing_is_open(f);
}

/* ---- what is not ---- */

static void final_failures(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "no.example");
    answer_outcome(f, q, ANSWER_NO_NAME);
    answer_outcome(f, q + 1, ANSWER_NO_NAME);
    assert_string_equal(said(f), "fail id=1 re=resolve why=there%20is%20no%20such%20name%20in%20DNS");
    q = begun(f, 2, "mx.example");
    answer_outcome(f, q, ANSWER_NOTHING);
    answer_outcome(f, q + 1, ANSWER_NOTHING);
    const char *line = said(f);
    assert_non_null(strstr(line, "neither%20A%20nor%20AAAA"));
    assert_null(strstr(line, "retry="));
    q = begun(f, 3, "mc.example");
    answer_list(f, q, "224.0.0.1,255.255.255.255");
    answer_list(f, q + 1, "ff02::1,::");
    line = said(f);
    assert_non_null(strstr(line, "224.0.0.1%20is%20a%20multicast%20address"));
    assert_null(strstr(line, "retry="));
    assert_int_equal(lookups_failed(f->lookups), 3);
    nothing_is_open(f);
}

static void some_addresses_dropped(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "mixed.example");
    answer_list(f, q, "224.0.0.1,10.0.0.1,0.0.0.0,10.0.0.1");
    answer_list(f, q + 1, "ff02::1");
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=300");
    assert_true(logged(f, "3%20of%20its%20addresses%20left%20out"));
}

static void too_many_addresses(void **state)
{
    struct fixture *f = *state;
    char list[4000] = "";
    for (unsigned i = 100; i > 0; i--) {
        size_t len = strlen(list);
        (void)snprintf(list + len, sizeof list - len, "%s10.0.0.%u", len == 0 ? "" : ",", i);
    }
    unsigned q = begun(f, 1, "many.example");
    answer_list(f, q, list);
    answer_list(f, q + 1, "2001:db8::1");
    const char *line = said(f);
    assert_non_null(strstr(line, "addresses=10.0.0.1,10.0.0.2,"));
    assert_non_null(strstr(line, ",10.0.0.16 ttl=300"));
    assert_true(logged(f, "85%20address%20records%20more%20than%20the%2016"));
}

static void no_server_at_all(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "x.example");
    later(f, LOOKUP_TIME - 1);
    assert_null(said(f));
    later(f, 1);
    assert_string_equal(said(f), "fail id=1 re=resolve why=no%20DNS%20server%20answered%20within%2015%20s;%20asked:%20"
                                 "10.0.0.53 retry=15");
    assert_int_equal(f->dropped, 2);
    nothing_is_open(f);
    /* An answer that comes after all is for nobody. */
    const struct answer a = { .outcome = ANSWER_NO_NAME };
    lookups_answer(f->lookups, f->asked[q].ticket, ANSWER_A, &a, f->now);
    nothing_is_open(f);
}

/* Nor is it for the lookup that has its place since. */
static void a_late_answer_is_not_anothers(void **state)
{
    struct fixture *f = *state;
    const unsigned old = begun(f, 1, "old.example");
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=1"));
    const unsigned q = begun(f, 2, "new.example");
    struct answer a;
    read_list(&a, "10.0.0.66");
    assert_int_not_equal(f->asked[old].ticket, f->asked[q].ticket);
    lookups_answer(f->lookups, f->asked[old].ticket, ANSWER_A, &a, f->now);
    answer_list(f, q + 1, "2001:db8::1");
    assert_null(said(f));
    answer_list(f, q, "10.0.0.1");
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=300");
    nothing_is_open(f);
}

static void servfail(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "x.example");
    answer_outcome(f, q, ANSWER_FAILED);
    assert_null(said(f));
    answer_outcome(f, q + 1, ANSWER_NOTHING); /* there may be an A */
    assert_string_equal(said(f), "fail id=1 re=resolve why=SERVFAIL;%20asked:%2010.0.0.53 retry=15");
    nothing_is_open(f);
    f->refusal = "out of memory";
    (void)begun(f, 2, "y.example");
    assert_non_null(strstr(said(f), "out%20of%20memory;"));
    nothing_is_open(f);
}

/* A is there, AAAA never comes: the answer does not wait for it until the end. */
static void half_an_answer(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "half.example");
    answer_list(f, q, "10.0.0.1");
    later(f, LOOKUP_PATIENCE - 1);
    assert_null(said(f));
    later(f, 1);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=30 why=AAAA:%20no%20DNS%20server%20has%20answered%20yet retry=2");
    later(f, LOOKUP_TIME);
    nothing_is_open(f);
    q = begun(f, 2, "late.example");
    later(f, LOOKUP_PATIENCE + 1);
    answer_list(f, q + 1, "2001:db8::1");
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=2001:db8::1 ttl=30 why=A:%20no%20DNS%20server%20has%20answered%20yet retry=2");
    answer_list(f, q, "10.0.0.1");
    nothing_is_open(f);
    q = begun(f, 3, "failed.example");
    answer_outcome(f, q, ANSWER_FAILED);
    answer_list(f, q + 1, "2001:db8::1");
    assert_string_equal(said(f), "ok id=3 re=resolve addresses=2001:db8::1 ttl=30 why=A:%20SERVFAIL retry=2");
    nothing_is_open(f);
}

/* ---- what was known before ---- */

static void learn(struct fixture *f, const char *name)
{
    unsigned q = begun(f, 100, name);
    answer_list(f, q, "10.0.0.1");
    answer_list(f, q + 1, "2001:db8::1");
    assert_non_null(said(f));
}

static void old_answers(void **state)
{
    struct fixture *f = *state;
    learn(f, "Old.Example");
    later(f, 300 * 1000 + KNOWN_BEYOND - LOOKUP_PATIENCE); /* its last moment */
    (void)begun(f, 1, "old.example.");
    later(f, LOOKUP_PATIENCE - 1);
    assert_null(said(f));
    later(f, 1);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=30");
    assert_true(logged(f, "no%20DNS%20server%20answers;%20used%20is%20what%20DNS%20said%2086700%20s%20ago"));
    later(f, LOOKUP_TIME);
    (void)begun(f, 2, "old.example");
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=2 re=resolve why=no%20DNS%20server"));
    nothing_is_open(f);
}

static void old_answers_at_once_where_servers_fail(void **state)
{
    struct fixture *f = *state;
    learn(f, "old.example");
    unsigned q = begun(f, 1, "old.example");
    answer_outcome(f, q, ANSWER_FAILED);
    assert_null(said(f));
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=30");
    /* One kind is fresh, the other old. */
    q = begun(f, 2, "old.example");
    answer_list(f, q, "10.0.0.7");
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.7,2001:db8::1 ttl=30");
    /* DNS says that there are none: what was known is so no more. */
    q = begun(f, 3, "old.example");
    answer_outcome(f, q, ANSWER_NO_NAME);
    answer_outcome(f, q + 1, ANSWER_NO_NAME);
    assert_non_null(strstr(said(f), "fail id=3"));
    q = begun(f, 4, "old.example");
    answer_outcome(f, q, ANSWER_FAILED);
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_non_null(strstr(said(f), "fail id=4"));
    nothing_is_open(f);
}

/* What DNS said to have no address of a type is whole without it, in whatever order the two were answered. */
static void known_to_have_none(void **state)
{
    struct fixture *f = *state;
    for (unsigned first = 0; first < 2; first++) {
        char name[40];
        (void)snprintf(name, sizeof name, "v4-%u.example", first);
        unsigned q = begun(f, 1, name);
        if (first == 0) {
            answer_list(f, q, "10.0.0.1");
        }
        answer_outcome(f, q + 1, ANSWER_NOTHING);
        if (first == 1) {
            answer_list(f, q, "10.0.0.1");
        }
        assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1 ttl=300");
        q = begun(f, 2, name);
        answer_list(f, q, "10.0.0.2");
        answer_outcome(f, q + 1, ANSWER_FAILED);
        assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.2 ttl=30");
        assert_false(logged(f, "no%20DNS%20server%20answers"));
    }
}

/* What comes after the old answer was given is remembered. */
static void learned_late(void **state)
{
    struct fixture *f = *state;
    learn(f, "old.example");
    unsigned q = begun(f, 1, "old.example");
    later(f, LOOKUP_PATIENCE);
    assert_non_null(strstr(said(f), "10.0.0.1,2001:db8::1"));
    answer_list(f, q, "10.0.0.7");
    answer_outcome(f, q + 1, ANSWER_NOTHING);
    nothing_is_open(f);
    q = begun(f, 2, "old.example");
    answer_outcome(f, q, ANSWER_FAILED);
    answer_outcome(f, q + 1, ANSWER_FAILED);
    assert_string_equal(said(f), "ok id=2 re=resolve addresses=10.0.0.7 ttl=30");
}

static void known_is_bounded(void **state)
{
    struct known *k = known_new();
    struct answer a;
    uint64_t age;
    char name[40];
    (void)state;
    assert_non_null(k);
    read_list(&a, "10.0.0.1");
    for (unsigned i = 0; i < 3 * KNOWN_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        known_tell(k, name, ANSWER_A, &a, 0);
        known_tell(k, "often.example", ANSWER_A, &a, 0);
    }
    unsigned there = 0;
    for (unsigned i = 0; i < 3 * KNOWN_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        there += known_find(k, name, ANSWER_A, 1, &age) != NULL;
        assert_int_equal(known_find(k, name, ANSWER_A, 1, &age) != NULL, i > 2 * KNOWN_MAX);
    }
    assert_int_equal(there, KNOWN_MAX - 1);
    assert_non_null(known_find(k, "often.example", ANSWER_A, 1, &age));
    assert_null(known_find(k, "often.example", ANSWER_AAAA, 1, &age));
    known_free(k);
}

/* Of too many that one goes which DNS has not spoken of for longest, not the one that was told first. */
static void known_goes_by_what_was_told_last(void **state)
{
    struct known *k = known_new();
    struct answer a;
    uint64_t age;
    char name[40];
    (void)state;
    assert_non_null(k);
    read_list(&a, "10.0.0.1");
    for (unsigned i = 0; i < KNOWN_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        known_tell(k, name, ANSWER_A, &a, 0);
    }
    known_tell(k, "h0.example", ANSWER_A, &a, 0);
    known_tell(k, "one.more", ANSWER_A, &a, 0);
    assert_non_null(known_find(k, "h0.example", ANSWER_A, 1, &age));
    assert_null(known_find(k, "h1.example", ANSWER_A, 1, &age));
    assert_non_null(known_find(k, "h2.example", ANSWER_A, 1, &age));
    known_free(k);
}

/* ---- bounds, other servers ---- */

static void bad_names(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = { "10.0.0.1", "--help", "a%20b", "a%00b", "..", "a/b", "%1B[0m", "10.1" };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[200];
        struct record r;
        int len = snprintf(line, sizeof line, "resolve id=1 host=%s", names[i]);
        if (record_parse(&r, line, (size_t)len, P_D, NULL) != NULL) {
            continue; /* a NUL in a text is no record */
        }
        lookups_request(f->lookups, &r, f->now);
        const char *why = said(f);
        assert_non_null(strstr(why, "fail id=1 re=resolve why=no%20name%20of%20a%20host"));
        assert_null(strstr(why, "retry="));
    }
    assert_int_equal(f->count, 0);
    nothing_is_open(f);
}

static void as_many_as_there_is_room_for(void **state)
{
    struct fixture *f = *state;
    char name[40];
    for (unsigned i = 0; i < RESOLVES_MAX; i++) {
        (void)snprintf(name, sizeof name, "h%u.example", i);
        (void)begun(f, i + 1, name);
    }
    assert_int_equal(lookups_open(f->lookups), RESOLVES_MAX);
    (void)begun(f, 9999, "one.more");
    assert_string_equal(said(f), "fail id=9999 re=resolve why=too%20many%20names%20are%20being%20looked%20up retry=2");
    /* A lookup whose request was answered already makes room. */
    answer_list(f, 0, "10.0.0.1");
    later(f, LOOKUP_PATIENCE);
    assert_non_null(strstr(said(f), "ok id=1 "));
    (void)begun(f, 9999, "one.more");
    assert_null(said(f));
    assert_int_equal(lookups_open(f->lookups), RESOLVES_MAX);
    f->log_records.limit = 0;
    later(f, 2 * LOOKUP_TIME);
    unsigned fails = 0;
    for (size_t i = 0; i < f->out.len; i++) {
        fails += f->out.data[i] == '\n';
    }
    assert_int_equal(fails, RESOLVES_MAX);
    buffer_truncate(&f->out, 0);
    nothing_is_open(f);
}

static void other_servers(void **state)
{
    struct fixture *f = *state;
    unsigned q = begun(f, 1, "a.example");
    request(f, 2, "b.example"); /* waits for the look at the files */
    answer_list(f, q, "10.0.0.1");
    f->asked[q + 1].open = false; /* the resolver forgets it */
    lookups_again(f->lookups, f->now);
    assert_int_equal(f->count, 3);
    assert_int_equal(f->asked[2].type, ANSWER_AAAA);
    assert_string_equal(f->asked[2].name, "a.example");
    answer_list(f, 2, "2001:db8::1");
    assert_string_equal(said(f), "ok id=1 re=resolve addresses=10.0.0.1,2001:db8::1 ttl=300");
    lookups_begin(f->lookups, f->now);
    assert_int_equal(f->count, 5);
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=2"));
    nothing_is_open(f);
}

/* Nobody begins it, since the files cannot be looked at: it is answered in time all the same. */
static void never_begun(void **state)
{
    struct fixture *f = *state;
    request(f, 1, "a.example");
    later(f, LOOKUP_PATIENCE);
    assert_int_equal(f->count, 2);
    later(f, LOOKUP_TIME);
    assert_non_null(strstr(said(f), "fail id=1"));
    nothing_is_open(f);
}

/* Anything may happen in any order: each request is answered once, within its time. */
static void any_order(void **state)
{
    struct fixture *f = *state;
    unsigned seed = 4711;
    unsigned requests = 0;
    unsigned answers = 0;
    for (unsigned i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        const unsigned what = seed >> 16 & 7;
        const unsigned pick = seed >> 20 & 0xff;
        if (what < 2) {
            char name[40];
            (void)snprintf(name, sizeof name, "h%u.example", pick & 15);
            request(f, ++requests, name);
        } else if (what == 2) {
            lookups_begin(f->lookups, f->now);
        } else if (what == 3) {
            later(f, pick * 40);
        } else if (what == 4 && (pick & 15) == 0) {
            for (unsigned q = 0; q < f->count; q++) {
                f->asked[q].open = false;
            }
            lookups_again(f->lookups, f->now);
        } else if (f->count > 0 && f->asked[pick % f->count].open) {
            answer_outcome(f, pick % f->count, (enum answer_outcome)(pick % 3));
        } else if (f->count > 1) {
            const unsigned q = f->count - 1 - pick % 2;
            if (f->asked[q].open) {
                answer_list(f, q, "10.0.0.1,10.0.0.2");
            }
        }
        if (f->count > ASKED_MAX - 600) {
            lookups_begin(f->lookups, f->now);
            later(f, 2 * LOOKUP_TIME);
            f->count = 0;
        }
        for (size_t b = 0; b < f->out.len; b++) {
            answers += f->out.data[b] == '\n';
        }
        buffer_truncate(&f->out, 0);
        buffer_truncate(&f->log_records, 0);
        assert_int_equal(answers + lookups_open(f->lookups), requests);
        assert_true(lookups_deadline(f->lookups) == UINT64_MAX
                    || lookups_deadline(f->lookups) <= f->now + LOOKUP_TIME);
    }
    lookups_begin(f->lookups, f->now);
    later(f, 2 * LOOKUP_TIME);
    assert_int_equal(lookups_open(f->lookups), 0);
    assert_true(requests > 1000);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(both_kinds), TEST(one_kind), TEST(answered_at_once), TEST(hosts_first), TEST(final_failures),
        TEST(some_addresses_dropped), TEST(too_many_addresses), TEST(no_server_at_all),
        TEST(a_late_answer_is_not_anothers), TEST(known_goes_by_what_was_told_last), TEST(servfail),
        TEST(half_an_answer), TEST(old_answers), TEST(old_answers_at_once_where_servers_fail), TEST(learned_late),
        TEST(known_to_have_none),
        TEST(known_is_bounded), TEST(bad_names), TEST(as_many_as_there_is_room_for), TEST(other_servers),
        TEST(never_begun), TEST(any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
