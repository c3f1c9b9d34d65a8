/*
 * Reading and writing memory of the process from a handler, without ever raising a signal.
 *
 * A page that process_vm_readv(2) found readable is remembered and then read directly by wt_copy,
 * about 500 times as fast. Such a page may since have been unmapped: the fault is then recovered
 * by the tracing thread (arch/x86_64/copy.S), so direct reads need it alive; without it
 * every read is the kernel's.
 */
#include "arch/x86_64/arch.h"
#include "shim.h"

#define PAGE_BYTES 4096u
/* Above it no address of a process lies, also with 5-level paging. */
#define USER_END 0x00ffffffffffffffull

struct io_vector {
    uint64_t base;
    uint64_t length;
};

static bool in_memory(const struct wt_vm_context *vm, uint32_t at, uint64_t length) {
    return at + length <= vm->memory_size;
}

static uint8_t *memory_at(const struct wt_vm_context *vm, uint32_t at) {
    return (uint8_t *)(vm->memory_base + at);
}

static bool is_granted(const struct wt_vm_context *vm, uint32_t capability) {
    return (vm->params->capabilities & capability) != 0;
}

/* Process id of the memory that handlers on thread read. */
static uint64_t owner(const struct wt_thread *thread) {
    return wt_subject__current() && wt_subject__current()->process != 0
               ? wt_subject__current()->process
               : thread->tid;
}

/* Returns the number of bytes that the kernel copied, or -errno. */
static int64_t transfer(int64_t call, const struct wt_thread *thread, const void *local,
                        uint64_t remote, uint64_t length) {
    struct io_vector here = {(uint64_t)local, length};
    struct io_vector there = {remote, length};
    uint64_t arguments[6] = {owner(thread), (uint64_t)&here, 1, (uint64_t)&there, 1, 0};
    return wt_syscall6(call, arguments);
}

static uint64_t *cached_page(uint64_t page) {
    uint64_t *entries = (uint64_t *)(wt_params.state + WT_PRIVATE_PAGE_CACHE);
    return &entries[(page ^ page >> 8) % WT_PRIVATE_PAGE_CACHE_ENTRIES];
}

/*
 * Returns whether the page may be read directly: it is known to be readable, or the kernel
 * cannot be asked (a seccomp filter, or it forbids the call), when the tracer recovers the fault.
 */
static bool is_readable(const struct wt_thread *thread, uint64_t page) {
    uint64_t *entry = cached_page(page);
    /* 0 is an empty entry, never page 0. */
    if (page != 0 && __atomic_load_n(entry, __ATOMIC_RELAXED) == page)
        return true;
    if (wt_params.no_system_calls)
        return true;
    uint8_t byte;
    int64_t copied = transfer(WT_SYS_PROCESS_VM_READV, thread, &byte, page * PAGE_BYTES, 1);
    if (copied == 1)
        __atomic_store_n(entry, page, __ATOMIC_RELAXED);
    return copied != -WT_EFAULT;
}

static uint64_t rest_of_page(uint64_t address, uint64_t most) {
    uint64_t rest = PAGE_BYTES - address % PAGE_BYTES;
    return rest < most ? rest : most;
}

static bool may_read_directly(void) {
    return !wt_params.in_mutator && wt_params.guard != 0 && wt_shared__alive();
}

static int64_t forget_on_fault(uint64_t page, int64_t result) {
    if (result < 0)
        __atomic_store_n(cached_page(page), 0, __ATOMIC_RELAXED);
    return result;
}

static int64_t read_by_kernel(const struct wt_thread *thread, void *to, uint64_t from,
                              uint64_t length) {
    if (wt_params.no_system_calls)
        return -WT_EFAULT;
    int64_t copied = transfer(WT_SYS_PROCESS_VM_READV, thread, to, from, length);
    return copied == (int64_t)length ? 0 : -WT_EFAULT;
}

/*
 * How many of most bytes at from handlers may ask for: none outside of user space, and in the
 * mutator only those of its arguments and environment, if the handler is about no other process.
 */
static uint64_t askable(uint64_t from, uint64_t most) {
    bool is_own = wt_subject__current() && wt_subject__current()->process == 0;
    uint64_t start = is_own ? wt_params.start_area[0] : 0;
    uint64_t end = is_own ? wt_params.start_area[3] : USER_END;
    if (from < start || from >= end)
        return 0;
    return end - from < most ? end - from : most;
}

/*
 * Copies length bytes of process memory at from to the buffer at to.
 * Returns 0, or -EFAULT with part of it copied.
 */
int64_t wt_memory__read(const struct wt_thread *thread, void *to, uint64_t from, uint64_t length) {
    if (askable(from, length) < length)
        return -WT_EFAULT;
    uint8_t *out = to;
    while (length > 0) {
        uint64_t part = rest_of_page(from, length);
        uint64_t page = from / PAGE_BYTES;
        if (!may_read_directly())
            return read_by_kernel(thread, out, from, length);
        if (!is_readable(thread, page))
            return -WT_EFAULT;
        if (forget_on_fault(page, wt_copy(out, from, part)) < 0)
            return -WT_EFAULT;
        out += part;
        from += part;
        length -= part;
    }
    return 0;
}

/* One page's part of a string: bytes before its NUL or length, or -EFAULT. */
static int64_t read_string_part(const struct wt_thread *thread, uint8_t *to, uint64_t from,
                                uint64_t length) {
    uint64_t page = from / PAGE_BYTES;
    if (may_read_directly())
        return is_readable(thread, page) ? forget_on_fault(page, wt_copy_string(to, from, length))
                                         : -WT_EFAULT;
    if (read_by_kernel(thread, to, from, length) < 0)
        return -WT_EFAULT;
    uint64_t end = 0;
    while (end < length && to[end] != 0)
        end++;
    return (int64_t)end;
}

/* host.read: 0 or -EFAULT. */
WT_EXPORT int32_t wt_host_read(struct wt_vm_context *vm, uint64_t address, uint32_t to,
                               uint32_t length) {
    if (!is_granted(vm, WT_CAPABILITY_READ_MEMORY) || !in_memory(vm, to, length))
        return -WT_EFAULT;
    return (int32_t)wt_memory__read((struct wt_thread *)vm, memory_at(vm, to), address, length);
}

/* host.read-string: length without the NUL, or -EFAULT. */
WT_EXPORT int32_t wt_host_read_string(struct wt_vm_context *vm, uint64_t address, uint32_t to,
                                      uint32_t capacity) {
    if (capacity == 0 || !in_memory(vm, to, capacity))
        return -WT_EFAULT;
    uint8_t *out = memory_at(vm, to);
    uint64_t done = 0;
    uint64_t most = capacity - 1;
    bool ended = !is_granted(vm, WT_CAPABILITY_READ_MEMORY);
    bool faulted = ended;
    while (!ended && done < most) {
        uint64_t from = address + done;
        uint64_t part = askable(from, rest_of_page(from, most - done));
        int64_t read = part == 0 ? -WT_EFAULT
                                 : read_string_part((struct wt_thread *)vm, out + done, from, part);
        faulted = read < 0;
        ended = faulted || (uint64_t)read < part;
        done += faulted ? 0 : (uint64_t)read;
    }
    out[faulted ? 0 : done] = 0;
    return faulted ? -WT_EFAULT : (int32_t)done;
}

/* host.write: 0, -EFAULT, or -EPERM when the script was not granted it. */
WT_EXPORT int32_t wt_host_write(struct wt_vm_context *vm, uint64_t address, uint32_t start,
                                uint32_t length) {
    if (!is_granted(vm, WT_CAPABILITY_WRITE_MEMORY))
        return -WT_EPERM;
    if (wt_params.in_mutator || wt_params.no_system_calls || !in_memory(vm, start, length))
        return -WT_EFAULT;
    int64_t copied = transfer(WT_SYS_PROCESS_VM_WRITEV, (struct wt_thread *)vm,
                              memory_at(vm, start), address, length);
    return copied == (int64_t)length ? 0 : -WT_EFAULT;
}
