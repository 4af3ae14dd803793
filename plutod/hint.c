#include "hint.h"

#include <stdio.h>
#include <string.h>

void hint_add_proposal(const struct xchg *x, char *text, size_t size)
{
    size_t len = strlen(text);
    snprintf(text + len, size - len, "; we proposed %s: compare %s of both sides",
             x->quick ? x->conn->form->esp : x->conn->form->ike,
             x->quick ? "--esp, --pfs and the clients" : "--ike");
}

bool hint_of(const struct xchg *x, char out[HINT_TEXT])
{
    if (x->up || x->conn == NULL || x->notified == NULL) {
        return false;
    }
    snprintf(out, HINT_TEXT, "the peer last said %s", x->notified);
    if (x->refused) {
        hint_add_proposal(x, out, HINT_TEXT);
    }
    return true;
}
