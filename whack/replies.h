/*
 * What plutod answers: lines `NNN text`, copied out as they come, and the exit status that they
 * make [W9] [W10]; lines of a JSON document, where one was asked for; last, the line `end`, which
 * says that all that was asked for is finished. A channel that closes without it was cut off. Other
 * lines are not shown.
 *
 * Pure: bytes in, whole lines out. Not for: sockets.
 */
#ifndef WHACK_REPLIES_H
#define WHACK_REPLIES_H

#include <stdbool.h>
#include <stddef.h>

#define REPLY_MAX 65536 /* bytes of one line; plutod's are far shorter */

struct replies {
    char line[REPLY_MAX];
    size_t len;     /* of the line that is not finished */
    int code;       /* that decides, so far */
    bool ended;     /* the last line came */
};

/*
 * Called with each whole line, newline included: `NNN text`, or JSON without what stood before it.
 * False: it could not be written.
 */
typedef bool replies_line(void *context, bool json, const char *line, size_t len);

enum replies_result { REPLIES_OK, REPLIES_TOO_LONG, REPLIES_NOT_WRITTEN };

void replies_init(struct replies *r);
enum replies_result replies_add(struct replies *r, const char *bytes, size_t len,
                                replies_line *line, void *context);
bool replies_ended(const struct replies *r); /* all that was asked for is finished */
int replies_status(const struct replies *r); /* 0..255 */

#endif
