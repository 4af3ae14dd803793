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

const char *hint_with_ids(const struct xchg *x, const char *text, char *out, size_t size)
{
    char ours[IDENTITY_TEXT];
    char peer[IDENTITY_TEXT];
    bool proving = !x->quick && !x->up && x->conn != NULL && (x->state == STATE_MAIN_I3 || x->state == STATE_MAIN_R2);
    if (!proving) {
        return text;
    }
    identity_print(x->conn->our_id, ours);
    identity_print(x->authenticated ? x->peer_id : x->conn->peer_id, peer);
    if (strstr(text, ours) != NULL && strstr(text, peer) != NULL) {
        return text;
    }
    snprintf(out, size, "%s (we are \"%s\", and the peer is to be \"%s\")", text, ours, peer);
    return out;
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
