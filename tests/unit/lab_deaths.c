#include "lab.h"

#include "ike-negotiate/exchange.h"

/* What was under way in these directions is lost. */
static void lose(struct lab_host *h, unsigned directions)
{
    for (unsigned d = 1; d <= directions; d <<= 1) {
        if ((directions & d) != 0) {
            buffer_wipe(lab_line(h, d));
        }
    }
}

static void kill_negotiator(struct lab_host *h, uint64_t now)
{
    const struct ike_outputs outputs = h->ike->out;
    lose(h, P_N | N_P | N_S | S_N | N_K | K_N);
    ike_free(h->ike);
    core_negotiator_gone(h->kernel->core);
    keying_negotiator_down(&h->keying);
    h->ike = ike_new(&outputs);
    assert_non_null(h->ike);
    lab_refill(h);
    keying_negotiator_up(&h->keying, lab_line(h, P_N));
    ike_kernel_ready(h->ike, now);
}

static void kill_secrets(struct lab_host *h, uint64_t now)
{
    lose(h, P_S | S_P | N_S | S_N | S_K | K_S);
    secrets_free(h->secrets);
    lab_refill(h);
    ike_source_gone(h->ike, now, FROM_WORKER, h->worker);
    keying_worker_down(&h->keying, h->worker);
    lab_begin_secrets(h);
    assert_true(keying_worker_up(&h->keying, h->worker, lab_line(h, P_S)));
}

static void kill_kernel_sa(struct lab_host *h, uint64_t now)
{
    const struct core_out out = { lab_line(h, S_P), lab_line(h, S_N), lab_line(h, S_K) };
    lose(h, P_K | K_P | N_K | K_N | S_K | K_S);
    lab_refill(h);
    ike_source_gone(h->ike, now, FROM_KERNEL_SA, 0);
    keying_kernel_down(&h->keying);
    fake_restart(h->kernel);
    lab_connect_kernel(h);
    keying_kernel_up(&h->keying, lab_line(h, P_K));
    secrets_kernel_again(h->secrets, &out);
    ike_kernel_ready(h->ike, now);
}

void lab_kill(struct lab *l, unsigned host, enum tool tool)
{
    struct lab_host *h = &l->host[host];
    h->keying.now = l->now;
    h->kernel->now = l->now;
    if (tool == TOOL_IKE_NEGOTIATE) {
        kill_negotiator(h, l->now);
    } else if (tool == TOOL_SECRETS) {
        kill_secrets(h, l->now);
    } else {
        kill_kernel_sa(h, l->now);
    }
}
