#include "oddity.h"

const char *oddity_text(enum oddity place)
{
    static const char *const texts[ODDITY_COUNT] = {
#define ODDITY(e, text) (text),
        ODDITIES(ODDITY)
#undef ODDITY
    };
    return texts[place];
}
