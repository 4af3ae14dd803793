/*
 * Which of the kernel's policies a packet meets, whoever made it, and which SA it is sent under: from
 * the lists of both, by the kernel's own rules. Two lists are read, as the SA depends on the policy.
 */
#include "state.h"

#include <inttypes.h>
#include <string.h>

#define OTHERS_MAX 4

void lookup_start(struct core *core, const struct record *r)
{
    static const enum way ways[WORD_WAYS] = { [WORD_IN] = WAY_IN, [WORD_OUT] = WAY_OUT,
                                              [WORD_FWD] = WAY_FWD };
    job_start(core, JOB_LOOKUP, NULL, V_LOOKUP, record_number(r, K_ID));
    (void)record_address(r, K_FROM, &core->job.from);
    (void)record_address(r, K_TO, &core->job.to);
    core->job.way = ways[record_word(r, K_WAY)];
    buffer_init(&core->job.others_text, 1900);
}

bool lookup_next(struct core *core)
{
    struct job *job = &core->job;
    bool sent_by_sa = job->caught && job->by.kind == POLICY_IPSEC;
    if (job->failed || job->step == 2 || (job->step == 1 && job->caught && !sent_by_sa)) {
        return false;
    }
    job->step++;
    (void)job_policy_request(core, job->step == 1 || sent_by_sa ? KERNEL_LIST : KERNEL_GET_STANDARD);
    return true;
}

static void not_taken(struct job *job, const struct kernel_policy *p, const char *why)
{
    job->others++;
    if (job->others <= OTHERS_MAX) {
        size_t before = job->others_text.len;
        buffer_add_text(&job->others_text, before == 0 ? "" : "; ");
        policy_describe(&job->others_text, p);
        say(&job->others_text, ", priority %" PRIu32 ": %s", p->priority, why);
        if (job->others_text.overflowed) {
            buffer_truncate(&job->others_text, before);
        }
    }
}

/* The smallest priority counts, and of equal ones the policy that is there longer, which is listed first. */
static void weigh(struct job *job, bool *caught, struct kernel_policy *by, const struct kernel_policy *policy)
{
    if (*caught && policy->priority >= by->priority) {
        not_taken(job, policy, policy->priority > by->priority ? "a smaller number comes first"
                                                               : "an older one comes first");
        return;
    }
    if (*caught) {
        not_taken(job, by, "a smaller number comes first");
    }
    *caught = true;
    *by = *policy;
}

void lookup_found_policy(struct core *core, const struct kernel_policy *policy)
{
    struct job *job = &core->job;
    if (job->step != 1 || policy->way != job->way || !subnet_contains(&policy->src, &job->from)
        || !subnet_contains(&policy->dst, &job->to)) {
        return;
    }
    if (policy->narrower) {
        not_taken(job, policy, "only for some of these packets, by protocol, port, interface or mark");
    } else if (policy->sub) {
        weigh(job, &job->sub_caught, &job->sub, policy);
    } else {
        weigh(job, &job->caught, &job->by, policy);
    }
}

/*
 * One of type sub is asked first. Where it blocks, or is the only one, it decides; else what it wants is done
 * beside what the other one wants.
 */
static void judge_sub(struct job *job)
{
    if (!job->sub_caught || (job->caught && job->sub.kind != POLICY_DROP)) {
        return;
    }
    if (job->caught) {
        not_taken(job, &job->by, "one of type sub that blocks comes first");
    }
    job->caught = true;
    job->by = job->sub;
    job->sub_caught = false; /* it is no other one any more */
}

/* The newest that the policy's template means (the kernel's order where none is near its end). */
void lookup_found_sa(struct core *core, const struct kernel_sa *sa)
{
    struct job *job = &core->job;
    const struct kernel_policy *p = &job->by;
    if (job->step != 2 || sa->reqid != p->reqid || sa->transport != p->transport) {
        return;
    }
    const struct address *src = p->transport ? &job->from : &p->tunnel_src;
    const struct address *dst = p->transport ? &job->to : &p->tunnel_dst;
    if (address_equal(&sa->src, src) && address_equal(&sa->dst, dst)
        && (!job->carried || sa->added >= job->sa.added)) {
        job->carried = true;
        job->sa = *sa;
    }
}

void lookup_result(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    if (job->request.verb == KERNEL_GET_STANDARD) { /* a kernel that knows no such question accepts */
        job->standard = result->error == 0 && result->found ? result->standard[job->way] : STANDARD_UNKNOWN;
    } else if (result->error != 0 && !job_not_there(result)) {
        job_fail(core, result);
    } else if (job->step == 1) {
        judge_sub(job);
    }
}

static void put_buffer(struct record_writer *w, enum key key, struct buffer *text)
{
    buffer_add_u8(text, 0);
    if (!text->overflowed && text->len > 1) {
        record_put_text(w, key, (const char *)text->data);
    }
    buffer_wipe(text);
}

static void put_policy(struct record_writer *w, const struct kernel_policy *p)
{
    static const char *const makers[] = { [MAKER_STRANGER] = "another program", [MAKER_DAEMON] = "plutod",
                                          [MAKER_HAND] = "kernel-sa by hand" };
    struct buffer text;
    buffer_init(&text, 390);
    policy_describe(&text, p);
    say(&text, ", priority %" PRIu32 ", made by %s", p->priority, makers[p->maker]);
    put_buffer(w, K_FOUND, &text);
    record_put_word(w, K_KIND, p->kind == POLICY_IPSEC ? KIND_IPSEC
                               : p->kind == POLICY_PASS ? KIND_PASS : KIND_DROP);
    if (p->optional) {
        record_put_yes(w, K_OPTIONAL, true);
    }
    if (p->kind == POLICY_IPSEC && p->reqid != 0) {
        record_put_number(w, K_REQID, p->reqid);
    }
    if (p->maker == MAKER_DAEMON) { /* ours for what comes in have no reqid */
        record_put_subnet(w, K_OUR_CLIENT, p->way == WAY_OUT ? &p->src : &p->dst);
        record_put_subnet(w, K_PEER_CLIENT, p->way == WAY_OUT ? &p->dst : &p->src);
    }
}

static void put_beside(struct record_writer *w, const struct kernel_policy *p)
{
    struct buffer text;
    buffer_init(&text, 390);
    policy_describe(&text, p);
    say(&text, ", priority %" PRIu32, p->priority);
    put_buffer(w, K_BESIDE, &text);
}

static void put_sa(struct record_writer *w, const struct kernel_sa *sa)
{
    struct buffer text;
    buffer_init(&text, 390);
    sa_describe(&text, sa);
    say(&text, ", %" PRIu64 " packets, %" PRIu64 " bytes so far", sa->packets, sa->bytes);
    put_buffer(w, K_SA, &text);
}

void lookup_end(struct core *core)
{
    struct job *job = &core->job;
    struct record_writer w;
    if (job->failed) {
        core_refuse(core, PEER_PLUTOD, V_LOOKUP, job->id, job->why);
    } else if (core->out[PEER_PLUTOD] != NULL) {
        record_answer(&w, core->out[PEER_PLUTOD], V_OK, V_LOOKUP, job->id);
        if (job->caught) {
            put_policy(&w, &job->by);
        } else if (job->standard != STANDARD_UNKNOWN) {
            record_put_word(&w, K_STANDARD, job->standard == STANDARD_BLOCK ? WORD_BLOCK : WORD_ACCEPT);
        }
        if (job->sub_caught) {
            put_beside(&w, &job->sub);
        }
        if (job->carried) {
            put_sa(&w, &job->sa);
        }
        if (job->others > OTHERS_MAX) {
            say(&job->others_text, "; and %u more", job->others - OTHERS_MAX);
        }
        put_buffer(&w, K_OTHERS, &job->others_text);
        (void)record_finish(&w);
    }
    buffer_wipe(&job->others_text);
}
