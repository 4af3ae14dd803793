/*
 * What plutod answers: lines `NNN text`, copied out as they come, and the exit status that they
 * make [W9] [W10]; between them, `done` for each request that is finished; last, the line `end`, which says that all that was asked for is
 * finished. A channel that closes without it was cut off. Other lines are not shown.
 *
 * Pure: bytes in, whole lines out. Not for: sockets.
 */
#ifndef WHACK_REPLIES_H
#define WHACK_REPLIES_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_MAX 65536 /* bytes of one line; plutod's are far shorter */

/*
 * Called with each whole line, newline included: `NNN text`, or (code -1) JSON without what stood
 * before it. False: it could not be written.
 */
typedef bool replies_line(void *context, const char *line, size_t len, int code);
/* Called when plutod has finished one of the requests, in their order. */
typedef void replies_done(void *context);

struct replies {
    replies_line *line_came;
    replies_done *done_came;
    void *context;
    char line[REPLY_MAX];
    size_t len;     /* of the line that is not finished */
    int code;       /* that decides, so far, of the call at hand */
    int failed;     /* that decided of the last call that was no success; SUCCESS: none */
    bool ended;     /* the last line came */
};

enum replies_result { REPLIES_OK, REPLIES_TOO_LONG, REPLIES_NOT_WRITTEN };

void replies_init(struct replies *r, replies_line *line, replies_done *done, void *context);
enum replies_result replies_add(struct replies *r, const char *bytes, size_t len);
/* What comes now is of another call, which has a status of its own. */
void replies_call_ends(struct replies *r);
bool replies_ended(const struct replies *r); /* all that was asked for is finished */
int replies_status(const struct replies *r); /* 0..255: of the last call that was no success */

#endif
