/* An exchange's SAs get another life, where they are: keys, counters and replay state stay. */
#include "state.h"

#include <inttypes.h>
#include <stdio.h>

/* False: `why` says what is in the way. */
static bool may_have(const struct exchange *x, uint32_t life, char why[WHY_MAX])
{
    if (x == NULL || (x->stage != STAGE_UP && x->stage != STAGE_HELD)) {
        (void)snprintf(why, WHY_MAX, "this exchange has no SAs in the kernel");
        return false;
    }
    if (!x->permitted) {
        (void)snprintf(why, WHY_MAX, "nothing permits this exchange: permit it first");
        return false;
    }
    if (life > x->permit.life) {
        (void)snprintf(why, WHY_MAX, "life is %" PRIu32 " in the update, but the permit says at most "
                       "%" PRIu32, life, x->permit.life);
        return false;
    }
    return true;
}

void update_start(struct core *core, const struct record *r)
{
    char why[WHY_MAX];
    uint64_t id = record_number(r, K_ID);
    uint32_t life = (uint32_t)record_number(r, K_LIFE);
    struct exchange *x = exchange_find(core, record_number(r, K_EXCHANGE));
    if (!may_have(x, life, why)) {
        core_refuse(core, PEER_PLUTOD, V_UPDATE_KERNEL_SA, id, why);
        return;
    }
    job_start(core, JOB_UPDATE, x, V_UPDATE_KERNEL_SA, id);
    core->job.life_before = x->life;
    x->life = life; /* of an SA that is held back too */
}

bool update_next(struct core *core)
{
    return !core->job.failed && job_next_sa(core, KERNEL_UPDATE_SA);
}

void update_result(struct core *core, const struct kernel_result *result)
{
    struct job *job = &core->job;
    job->changed += job_sa_answered(core, result);
    job->step++;
}

/* Where only the first of the two could be changed, the pair ends with that one: in time. */
void update_end(struct core *core)
{
    struct job *job = &core->job;
    if (!job->failed && job->changed == 0) {
        job_fail_text(core, "its SAs are not in the kernel any more");
    }
    if (!job->failed) {
        core_answer(core, PEER_PLUTOD, V_UPDATE_KERNEL_SA, job->id);
        return;
    }
    if (job->changed == 0) {
        job->exchange->life = job->life_before;
    }
    core_refuse(core, PEER_PLUTOD, V_UPDATE_KERNEL_SA, job->id, job->why);
}
