/* Orders to kernel-sa. */
#include "orders.h"

static void permit(struct keying *k, struct xchg *y, bool again)
{
    struct record_writer w;
    const struct conn *c = y->conn;
    y->permitted = true;
    if (k->kernel == NULL) {
        return;
    }
    unsigned modes = conn_host_to_host(c) ? MODES_ANY : MODES_TUNNEL;
    if (y->initiator) {
        modes = (c->form->policy & POLICY_TUNNEL) != 0 ? MODES_TUNNEL : MODES_TRANSPORT;
    }
    size_t before = k->kernel->len;
    record_start(&w, k->kernel, V_PERMIT);
    record_put_number(&w, K_EXCHANGE, y->number);
    record_put_text(&w, K_CONNECTION, c->name);
    record_put_address(&w, K_OUR_HOST, &c->our_host);
    record_put_address(&w, K_PEER_HOST, &c->peer_host);
    record_put_subnet(&w, K_OUR_CLIENT, &c->our_client);
    record_put_subnet(&w, K_PEER_CLIENT, &c->peer_client);
    record_put_text(&w, K_ESP, c->form->esp);
    record_put_word(&w, K_MODES, modes);
    record_put_number(&w, K_LIFE, c->form->ipseclifetime);
    record_put_number(&w, K_REQID, c->reqid);
    record_put_yes(&w, K_POLICIES, true);
    if (again) {
        record_put_word(&w, K_AGAIN, y->up ? AGAIN_UP : AGAIN_OPEN);
    }
    record_finish(&w);
    if (!again) { /* else it is answered by what is missing */
        buffer_quiet(k->kernel, before);
    }
}

void order_permit(struct keying *k, struct xchg *y)
{
    permit(k, y, false);
}

void order_permit_again(struct keying *k, struct xchg *y)
{
    permit(k, y, true);
}

/* An order that is kept. */
struct kept {
    struct record_writer w;
    struct buffer record;
    uint64_t id;
};

/* False: no memory. Nobody is held for what a dead kernel-sa is to do. */
static bool kept_start(struct keying *k, struct kept *o, enum verb verb, enum pending_kind kind,
                       uint64_t exchange, uint64_t client)
{
    o->id = keying_ask(k, kind, exchange, k->kernel == NULL ? 0 : client);
    if (o->id == 0) {
        return false;
    }
    buffer_init(&o->record, RECORD_MAX_KERNEL);
    record_start(&o->w, &o->record, verb);
    record_put_number(&o->w, K_ID, o->id);
    return true;
}

static void kept_finish(struct keying *k, struct kept *o)
{
    record_finish(&o->w);
    if (k->kernel != NULL) {
        buffer_add(k->kernel, o->record.data, o->record.len);
    }
    keying_keep(k, o->id, &o->record);
}

void order_delete_kernel_sa(struct keying *k, const struct xchg *y, uint64_t client)
{
    struct kept o;
    if (!kept_start(k, &o, V_DELETE_KERNEL_SA, PENDING_DELETE, y->number, client)) {
        return;
    }
    record_put_number(&o.w, K_EXCHANGE, y->number);
    record_put_yes(&o.w, K_POLICIES, true);
    kept_finish(k, &o);
}

void order_unwanted(struct keying *k, const struct conn *c, uint64_t client)
{
    struct kept o;
    if (!c->oriented || c->our_client.base.family == 0
        || c->peer_client.base.family == 0 || connection_isakmp_only(c->form)) {
        return;
    }
    if (!kept_start(k, &o, V_POLICY, PENDING_DELETE, 0, client)) {
        return;
    }
    record_put_word(&o.w, K_ACTION, ACTION_DELETE);
    record_put_word(&o.w, K_KIND, KIND_IPSEC);
    record_put_subnet(&o.w, K_OUR_CLIENT, &c->our_client);
    record_put_subnet(&o.w, K_PEER_CLIENT, &c->peer_client);
    record_put_number(&o.w, K_REQID, c->reqid);
    kept_finish(k, &o);
}

bool order_update_kernel_sa(struct keying *k, const struct xchg *y)
{
    struct kept o;
    if (!kept_start(k, &o, V_UPDATE_KERNEL_SA, PENDING_UPDATE, y->number, 0)) {
        return false;
    }
    record_put_number(&o.w, K_EXCHANGE, y->number);
    record_put_number(&o.w, K_LIFE, y->life);
    kept_finish(k, &o);
    return true;
}

bool order_sample(struct keying *k, struct xchg *y)
{
    struct record_writer w;
    uint64_t id = k->kernel == NULL ? 0 : keying_ask(k, PENDING_SAMPLE, y->number, 0);
    if (id == 0) {
        return false;
    }
    k->samples++;
    y->asked = true;
    record_start(&w, k->kernel, V_SAMPLE);
    record_put_number(&w, K_ID, id);
    record_put_number(&w, K_EXCHANGE, y->number);
    return record_finish(&w);
}

bool order_lookup(struct keying *k, const struct address *from, const struct address *to, unsigned way,
                  uint64_t note, uint64_t client)
{
    struct record_writer w;
    uint64_t id = k->kernel == NULL ? 0 : keying_ask(k, PENDING_LOOKUP, note, client);
    if (id == 0) {
        return false;
    }
    record_start(&w, k->kernel, V_LOOKUP);
    record_put_number(&w, K_ID, id);
    record_put_address(&w, K_FROM, from);
    record_put_address(&w, K_TO, to);
    record_put_word(&w, K_WAY, way);
    return record_finish(&w);
}

bool order_flush(struct keying *k)
{
    struct kept o;
    if (!k->kernel_was || !kept_start(k, &o, V_FLUSH, PENDING_FLUSH, 0, 0)) {
        return false;
    }
    kept_finish(k, &o);
    return true;
}
