#include "hint.h"

#include <bsd/string.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hint_add_proposal(const struct xchg *x, char *text, size_t size)
{
    size_t len = strlen(text);
    const struct conn *c = x->conn;
    if (x->quick) {
        snprintf(text + len, size - len, "; we proposed %s: compare --esp, --pfs and the clients of both sides",
                 c->form->esp);
    } else {
        snprintf(text + len, size - len, "; we proposed %s with %s: compare --ike, --psk and --rsasig of both sides",
                 c->form->ike, conn_methods_words(x->methods));
    }
}

void hint_set(struct xchg *x, const char *text)
{
    free(x->hint);
    x->hint = text == NULL ? NULL : strndup(text, HINT_TEXT - 1);
}

bool hint_of(const struct xchg *x, char out[HINT_TEXT])
{
    if (x->up || x->conn == NULL) {
        return false;
    }
    if (x->hint != NULL && (x->hinted || x->notified == NULL)) {
        strlcpy(out, x->hint, HINT_TEXT);
        return true;
    }
    if (x->notified == NULL) {
        return false;
    }
    snprintf(out, HINT_TEXT, "the peer last said %s", x->notified);
    if (x->refused) {
        hint_add_proposal(x, out, HINT_TEXT);
    }
    return true;
}
