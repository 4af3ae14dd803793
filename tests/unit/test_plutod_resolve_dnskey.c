/* [K1] [D3] Names of hosts in ipsec.secrets: how much plutod asks of dnskey, and one that dies, lies or is silent. */
#include "test_plutod_names.h"

/* dnskey is asked for no more at once than it takes, in order. */
static void k1_so_many_at_once(void **state)
{
    struct world *w = begin_with_dnskey();
    uint64_t first = 0;
    unsigned count = 0;
    (void)state;
    for (unsigned i = 0; i < RESOLVES_MAX + 10; i++) {
        char host[40];
        snprintf(host, sizeof host, "gate%u.example.org", i);
        asks(w, 1, i + 1, host);
    }
    for (const struct record *r = sent(w, &w->d, P_D, V_RESOLVE); r != NULL; r = sent(w, &w->d, P_D, V_RESOLVE)) {
        first = first == 0 ? record_number(r, K_ID) : first;
        count++;
    }
    assert_int_equal(count, RESOLVES_MAX);
    answers(w, first, "addresses=10.9.0.2");
    char next[40];
    snprintf(next, sizeof next, "gate%u.example.org", RESOLVES_MAX);
    wants(w, next);
    wants(w, NULL);
    world_free(w);
}

static void k1_dnskey_dies(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "a.example.org");
    asks(w, 1, 2, "b.example.org");
    uint64_t before = wants(w, "a.example.org");
    wants(w, "b.example.org");
    keying_dnskey_down(&w->k);
    asks(w, OTHER, 1, "c.example.org");
    assert_int_equal(w->d.len, 0);
    keying_dnskey_up(&w->k, &w->d); /* asked one by one, until one was answered */
    uint64_t after = wants(w, "a.example.org");
    assert_true(after > before);
    wants(w, NULL);
    answers(w, after, "addresses=10.9.0.1");
    gets(w, 1, 1, "10.9.0.1");
    uint64_t b = wants(w, "b.example.org");
    uint64_t c = wants(w, "c.example.org");
    answers(w, c, "addresses=10.9.0.3");
    answers(w, b, "addresses=10.9.0.2");
    gets(w, 1, 2, "10.9.0.2");
    gets(w, OTHER, 1, "10.9.0.3");
    world_free(w);
}

/* A name under which dnskey ends each time does not keep it from the others. */
static void k1_a_deadly_name_rests(void **state)
{
    struct world *w = begin_with_dnskey();
    unsigned deaths = 0;
    (void)state;
    asks(w, 1, 1, "deadly.example.org");
    asks(w, 1, 2, "good.example.org");
    bool answered = false;
    for (unsigned i = 0; i < 20 && !answered; i++) {
        bool died = false;
        uint64_t good = 0;
        for (const struct record *r = sent(w, &w->d, P_D, V_RESOLVE); r != NULL; r = sent(w, &w->d, P_D, V_RESOLVE)) {
            died = died || strcmp(record_text(r, K_HOST), "deadly.example.org") == 0;
            good = strcmp(record_text(r, K_HOST), "good.example.org") == 0 ? record_number(r, K_ID) : good;
        }
        if (died) { /* whatever else it was asked with it */
            deaths++;
            dnskey_restarts(w);
        } else {
            assert_int_not_equal(good, 0);
            answers(w, good, "addresses=10.9.0.2");
            answered = true;
        }
    }
    assert_true(answered);
    gets(w, 1, 2, "10.9.0.2");
    assert_in_range(deaths, 1, 4);
    dnskey_restarts(w);
    dnskey_restarts(w);
    assert_int_equal(resolve_waiting(&w->k), 1);
    world_free(w);
}

static void k1_dnskey_is_silent(void **state)
{
    struct world *w = begin_with_dnskey();
    struct resolve_view view;
    (void)state;
    asks(w, 1, 1, "a.example.org");
    wants(w, "a.example.org");
    later(w, RESOLVE_PATIENCE - 1);
    assert_int_equal(w->dnskey_ended, 0);
    later(w, 1);
    assert_int_equal(w->dnskey_ended, 1);
    assert_true(resolve_view(&w->k, 0, &view));
    assert_string_equal(view.why, "dnskey does not answer");
    dnskey_restarts(w);
    later(w, RESOLVE_AGAIN_MIN);
    answers(w, wants(w, "a.example.org"), "addresses=10.9.0.2");
    gets(w, 1, 1, "10.9.0.2");
    assert_int_equal(w->dnskey_ended, 1);
    world_free(w);
}

static const char seventeen[] = "ok id=@ re=resolve addresses=10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4,10.0.0.5,10.0.0.6,10.0.0.7,10.0.0.8,10.0.0.9,10.0.0.10,"
    "10.0.0.11,10.0.0.12,10.0.0.13,10.0.0.14,10.0.0.15,10.0.0.16,10.0.0.17";

static void k1_lies_of_dnskey(void **state)
{
    static const char *const lies[] = {
        "ok id=99 re=resolve addresses=10.0.0.1", "fail id=99 re=resolve why=no", "ok id=@ re=resolve addresses=xyz",
        "ok id=@ re=resolve addresses=10.0.0.1,", "ok id=@ re=resolve addresses=0.0.0.0", "ok id=@ re=resolve addresses=255.255.255.255",
        "ok id=@ re=resolve addresses=224.0.0.1", "ok id=@ re=resolve addresses=ff02::1",
        seventeen,
        "log level=info text=x exchange=4294967297", "log level=info text=x remote=10.9.0.2", "log level=info text=x code=2",
        "bad why=no",
    };
    (void)state;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct world *w = begin_with_dnskey();
        char line[600];
        asks(w, 1, 1, "a.example.org");
        uint64_t id = wants(w, "a.example.org");
        const char *at = strchr(lies[i], '@');
        snprintf(line, sizeof line, "%.*s", at == NULL ? (int)strlen(lies[i]) : (int)(at - lies[i]), lies[i]);
        if (at != NULL) {
            snprintf(line + strlen(line), sizeof line - strlen(line), "%" PRIu64 "%s", id, at + 1);
        }
        assert_non_null(feed(w, D_P, "%s", line));
        gets(w, 1, 1, NULL);
        assert_int_equal(resolve_waiting(&w->k), 1); /* its successor is asked */
        dnskey_restarts(w);
        answers(w, wants(w, "a.example.org"), "addresses=10.9.0.2");
        gets(w, 1, 1, "10.9.0.2");
        assert_non_null(feed(w, D_P, "ok id=%" PRIu64 " re=resolve addresses=10.9.0.2", id)); /* once */
        world_free(w);
    }
}

/* Each question has its own time: that of one that was answered is not the next one's. */
static void k1_patience_with_each(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "a.example.org");
    uint64_t a = wants(w, "a.example.org");
    later(w, 10000);
    asks(w, 1, 2, "b.example.org");
    uint64_t b = wants(w, "b.example.org");
    later(w, RESOLVE_PATIENCE - 10001);
    answers(w, a, "addresses=10.9.0.2");
    later(w, 10000);
    assert_int_equal(w->dnskey_ended, 0);
    assert_true(b != 0);
    later(w, 1);
    assert_int_equal(w->dnskey_ended, 1);
    world_free(w);
}

/* A death that was long ago, before an answer, is not the first of two. */
static void k1_an_answer_clears_the_name(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    asks(w, 1, 1, "a.example.org");
    for (unsigned i = 0; i < 5; i++) {
        wants(w, "a.example.org");
        dnskey_restarts(w);
        fails(w, wants(w, "a.example.org"), "retry=1 why=no%20server"); /* asked again at once */
        later(w, RESOLVE_AGAIN_MAX);
    }
    world_free(w);
}

/* Whatever dnskey has to say, it does not fill the log. */
static void k1_lines_of_dnskey_are_counted(void **state)
{
    struct world *w = begin_with_dnskey();
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        assert_null(feed(w, D_P, "log level=serious text=line%%20%u", i));
    }
    assert_in_range(lines_of(w), 10, 1000);
    assert_true(has(&w->log, "line 1\n"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(k1_so_many_at_once),
        cmocka_unit_test(k1_dnskey_dies),
        cmocka_unit_test(k1_a_deadly_name_rests),
        cmocka_unit_test(k1_dnskey_is_silent),
        cmocka_unit_test(k1_lies_of_dnskey),
        cmocka_unit_test(k1_patience_with_each),
        cmocka_unit_test(k1_an_answer_clears_the_name),
        cmocka_unit_test(k1_lines_of_dnskey_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
