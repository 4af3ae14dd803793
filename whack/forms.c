#include "request.h"

#include "channel.h"
#include "log.h"

static bool put_plain(struct buffer *out, const struct request *r, unsigned form, enum verb verb)
{
    struct record_writer w;
    if ((r->forms & form) == 0) {
        return true;
    }
    record_start(&w, out, verb);
    return record_finish(&w);
}

static bool put_named(struct buffer *out, const struct request *r, unsigned form, enum verb verb)
{
    struct record_writer w;
    if ((r->forms & form) == 0) {
        return true;
    }
    record_start(&w, out, verb);
    record_put_text(&w, K_NAME, r->words.name);
    if (r->asynchronous && (form == FORM_INITIATE || form == FORM_TERMINATE)) {
        record_put_yes(&w, K_ASYNCHRONOUS, true);
    }
    return record_finish(&w);
}

bool request_hello(struct buffer *out)
{
    struct record_writer w;
    record_start(&w, out, V_HELLO);
    record_put_number(&w, K_VERSION, RECORDS_VERSION);
    record_put_number(&w, K_EPOCH, 1);
    record_put_word(&w, K_TOOL, TOOL_WHACK);
    return record_finish(&w);
}

static bool put_debug(struct buffer *out, const struct request *r)
{
    char classes[DEBUG_CLASSES_TEXT];
    struct record_writer w;
    if ((r->forms & FORM_DEBUG) == 0) {
        return true;
    }
    debug_classes_print(r->classes, classes);
    record_start(&w, out, V_WHACK_DEBUG);
    record_put_text(&w, K_CLASSES, classes);
    if (r->words.name != NULL) {
        record_put_text(&w, K_NAME, r->words.name);
    }
    return record_finish(&w);
}

static bool put_myid(struct buffer *out, const struct request *r)
{
    char id[IDENTITY_TEXT];
    struct record_writer w;
    if ((r->forms & FORM_MYID) == 0) {
        return true;
    }
    identity_print(&r->myid, id);
    record_start(&w, out, V_WHACK_MYID);
    record_put_text(&w, K_MYID, id);
    return record_finish(&w);
}

static bool put_status(struct buffer *out, const struct request *r)
{
    struct record_writer w;
    if ((r->forms & FORM_STATUS) == 0) {
        return true;
    }
    record_start(&w, out, V_WHACK_STATUS);
    if (r->json) {
        record_put_yes(&w, K_JSON, true);
    }
    return record_finish(&w);
}

static bool put_shutdown(struct buffer *out, const struct request *r)
{
    struct record_writer w;
    if ((r->forms & FORM_SHUTDOWN) == 0) {
        return true;
    }
    record_start(&w, out, V_WHACK_SHUTDOWN);
    if (r->leave_state) {
        record_put_yes(&w, K_LEAVE_STATE, true);
    }
    return record_finish(&w);
}

static bool put_deletestate(struct buffer *out, const struct request *r)
{
    struct record_writer w;
    if ((r->forms & FORM_DELETESTATE) == 0) {
        return true;
    }
    record_start(&w, out, V_WHACK_DELETESTATE);
    record_put_number(&w, K_SERIAL, r->serial);
    return record_finish(&w);
}

static bool put_explain(struct buffer *out, const struct request *r)
{
    struct record_writer w;
    if ((r->forms & FORM_EXPLAIN) == 0) {
        return true;
    }
    record_start(&w, out, V_WHACK_EXPLAIN);
    if (r->from.family == 0) {
        record_put_text(&w, K_NAME, r->words.name);
    } else {
        record_put_address(&w, K_FROM, &r->from);
        record_put_address(&w, K_TO, &r->to);
    }
    return record_finish(&w);
}

static bool put_events(struct buffer *out, const struct request *r)
{
    struct record_writer w;
    if ((r->forms & FORM_EVENTS) == 0) {
        return true;
    }
    record_start(&w, out, V_WHACK_EVENTS);
    if (r->words.name != NULL) {
        record_put_text(&w, K_NAME, r->words.name);
    }
    return record_finish(&w);
}

static bool put_key(struct buffer *out, const struct request *r)
{
    struct record_writer w;
    if ((r->forms & FORM_KEY) == 0) {
        return true;
    }
    record_start(&w, out, V_WHACK_KEY);
    record_put_identity(&w, K_KEYID, &r->keyid);
    if (r->addkey) {
        record_put_yes(&w, K_ADDKEY, true);
    }
    if (r->pubkey_len > 0) {
        record_put_bytes(&w, K_PUBKEYRSA, r->pubkey, r->pubkey_len);
    }
    return record_finish(&w);
}

/*
 * In the order of [W8]. But classes for the connection that the same call describes are set once it is there:
 * before it, there would be none of that name, or one that is replaced.
 */
bool request_records(struct buffer *out, const struct request *r)
{
    bool of_new = (r->forms & FORM_CONNECTION) != 0;
    return (of_new || put_debug(out, r))
           && put_myid(out, r)
           && put_named(out, r, FORM_DELETE, V_WHACK_DELETE)
           && put_deletestate(out, r)
           && (!of_new || (connection_to_record(out, &r->form) && put_debug(out, r)))
           && put_plain(out, r, FORM_LISTEN, V_WHACK_LISTEN)
           && put_plain(out, r, FORM_UNLISTEN, V_WHACK_UNLISTEN)
           && put_key(out, r)
           && put_named(out, r, FORM_ROUTE, V_WHACK_ROUTE)
           && put_named(out, r, FORM_UNROUTE, V_WHACK_UNROUTE)
           && put_named(out, r, FORM_INITIATE, V_WHACK_INITIATE)
           && put_named(out, r, FORM_TERMINATE, V_WHACK_TERMINATE)
           && put_explain(out, r)
           && put_events(out, r)
           && put_status(out, r)
           && put_shutdown(out, r);
}
