/*
 * Call chain of the interrupted thread along frame pointers (SysV AMD64 ABI §3.2.2): at rbp lies
 * the caller's rbp, then the return address. Every word is read as a handler would read it, so a
 * chain that leads nowhere ends the walk and nothing else.
 */
#include "shim.h"

struct frame_record {
    uint64_t next;
    uint64_t return_address;
};

static void put(const struct wt_vm_context *vm, uint32_t to, uint32_t index, uint64_t value) {
    __builtin_memcpy((void *)(vm->memory_base + to + 8ull * index), &value, sizeof value);
}

/*
 * host.unwind: number of addresses written, u64 each: the place of the hit, then the return
 * addresses from the innermost outwards.
 */
WT_EXPORT int32_t wt_host_unwind(struct wt_vm_context *vm, uint32_t to, uint32_t capacity) {
    const struct wt_thread *thread = (const struct wt_thread *)vm;
    if ((vm->params->capabilities & WT_CAPABILITY_UNWIND) == 0 || !vm->frame || capacity == 0)
        return 0;
    if (to + 8ull * capacity > vm->memory_size)
        return -WT_EFAULT;
    const uint64_t *registers = vm->frame->registers;
    uint32_t count = 0;
    put(vm, to, count++, registers[WT_FRAME_RIP]);
    uint64_t address;
    if ((thread->site->flags & WT_SITE_FLAG_RETURN_AT_SP) != 0 && count < capacity &&
        wt_memory__read(thread, &address, registers[WT_FRAME_RSP], sizeof address) == 0)
        put(vm, to, count++, address);
    uint64_t frame = registers[WT_FRAME_RBP];
    struct frame_record record;
    while (count < capacity && frame % 8 == 0 &&
           wt_memory__read(thread, &record, frame, sizeof record) == 0) {
        if (record.return_address == 0)
            break;
        put(vm, to, count++, record.return_address);
        if (record.next <= frame)
            break;
        frame = record.next;
    }
    return (int32_t)count;
}
