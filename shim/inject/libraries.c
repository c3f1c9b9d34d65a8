/*
 * What the dynamic loader of a process calls when it has mapped or unmapped libraries, before any
 * of their code runs (_dl_debug_state). It holds its lock meanwhile. The mutator tells the user of
 * libraries that were not waited for. Programs that may open libraries may call futex(2), as the
 * loader does.
 */
#include "shim.h"

/* Entry thunk of a site without a probe. */
WT_EXPORT uint32_t wt_libraries_changed(struct wt_vm_context *vm, uint32_t context) {
    (void)vm;
    (void)context;
    uint32_t missed = wt_requests__look();
    uint32_t *word = (uint32_t *)(wt_params.state + WT_PRIVATE_LIBRARIES_MISSED);
    if (missed != 0)
        __atomic_store_n(word, missed, __ATOMIC_SEQ_CST);
    return 0;
}
