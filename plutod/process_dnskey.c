/* dnskey: begun when the first name is to be looked up. Its questions and answers: resolve.h. */
#include "process_inside.h"

#include <utlist.h>

static struct process *find_dnskey(struct supervisor *s)
{
    struct process *p;
    DL_FOREACH(s->processes.list, p) {
        if (p->tool == TOOL_DNSKEY) {
            return p;
        }
    }
    return NULL;
}

/* From then on it runs like the others. Whoever has no names of hosts in ipsec.secrets has no process that speaks DNS. */
void process_need_dnskey(struct supervisor *s)
{
    struct process *p = find_dnskey(s) != NULL ? NULL : process_new(s, TOOL_DNSKEY, 0);
    if (p != NULL) {
        (void)process_start(p);
    }
}

void process_end_dnskey(struct supervisor *s, const char *why)
{
    struct process *p = find_dnskey(s);
    if (p != NULL && p->channel != NULL) {
        process_trouble(p, "%s: it is ended, and begun again", why);
        process_kill(p);
    }
}
