/* Whom a handler is about that runs in the mutator. */
#include "shim.h"

/* What is known of the thread that the running handler is about; NULL in traced processes. */
const struct wt_subject *wt_subject__current(void) {
    if (!wt_params.in_mutator)
        return NULL;
    return (const struct wt_subject *)(wt_params.state + WT_PRIVATE_SUBJECT_STATE);
}
