/*
 * whack - tells a running plutod what to do, and shows what it answers. See whack.8.
 *
 * Plumbing only: what is asked for is read in request.c, written down in forms.c, said in talk.c, and
 * what comes back is counted in replies.c.
 */
#include "help.h"
#include "talk.h"

#include "standard.h"

#include <stdio.h>

int main(int argc, char *argv[])
{
    const unsigned closed = standard_fill();
    struct request r;
    char why[CONNECTION_WHY];
    char name[600] = "whack";
    bool no_address = false;
    int status = 0;

    bool read = request_read(&r, argc, argv, NULL, talk_resolve, &no_address, why);
    if (r.label != NULL) {
        snprintf(name, sizeof name, "%.500s: whack", r.label);
    }
    bool out = standard_there(name, closed, STANDARD_OUTPUT);
    if (!read) {
        status = no_address ? talk_no_address(&r, why) : talk_trouble(&r, why);
    } else if ((r.forms & FORM_HELP) != 0) {
        help_print(stdout);
    } else if ((r.forms & FORM_VERSION) != 0) {
        printf("whack %s\n", VERSION);
    } else if (out) {
        status = talk(&r, argc, argv);
    }
    request_done(&r);
    return out && standard_written(name, closed) ? status : WHACK_TROUBLE;
}
