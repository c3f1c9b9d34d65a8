/*
 * The modules of this process, as the mutator wrote them down (MODULES, MODULE).
 */
#include "shim.h"

/* What lies at offset of the module area. */
static const void *area(uint32_t offset) {
    return (const void *)(wt_params.modules + offset);
}

/* host.load-bias: -1 if the module is not loaded. */
WT_EXPORT int64_t wt_host_load_bias(struct wt_vm_context *vm, uint32_t module) {
    (void)vm;
    if (wt_params.modules == 0 || module >= *(const uint32_t *)area(WT_MODULES_BIAS_COUNT))
        return WT_NOT_LOADED;
    const int64_t *biases = *(const int64_t *const *)area(WT_MODULES_BIASES);
    return __atomic_load_n(biases + module, __ATOMIC_RELAXED);
}
