#include "shared_dh.h"

const struct dh_lib *shared_dh(void)
{
    static struct dh_lib *dh;
    const char *why = NULL;
    if (dh == NULL) {
        dh = dh_lib_new(&why);
    }
    return dh;
}
