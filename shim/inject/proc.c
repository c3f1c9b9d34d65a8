/*
 * What the kernel tells of processes, for handlers: files of proc(5), the only ones that a handler
 * can cause to be opened, and limits of resources (prlimit(2)). A descriptor is there for the
 * moment of one read, closed on exec; a process without a free descriptor has no such file.
 */
#include "arch/x86_64/arch.h"
#include "shim.h"

#define ENOENT 2
#define AT_FDCWD (-100)
#define O_RDONLY 0
#define O_CLOEXEC 02000000

/* What host.inspect can name. */
static const char process_files[][7] = {"comm", "statm", "", "", "status"};
#define PROCESS_FILES 5
#define THREAD_STAT 2
#define LOAD_AVERAGE 3
#define RESOURCE_LIMIT 16
#define RESOURCES 16

#define PATH_BYTES 40
/* Digits of the largest u64. */
#define NUMBER_DIGITS 20

static char *append(char *to, const char *text) {
    while (*text != 0)
        *to++ = *text++;
    return to;
}

static char *append_number(char *to, uint64_t number) {
    char digits[NUMBER_DIGITS];
    uint32_t count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    while (count > 0)
        *to++ = digits[--count];
    return to;
}

/* Fills path in; false if there is no such file. */
static bool find_path(char path[PATH_BYTES], uint32_t what, uint32_t id) {
    char *end = append(path, "/proc/");
    if (what < PROCESS_FILES && process_files[what][0] != 0) {
        end = append(append_number(end, id), "/");
        end = append(end, process_files[what]);
    } else if (what == THREAD_STAT) {
        end = append(append_number(end, id), "/task/");
        end = append(append_number(end, id), "/stat");
    } else if (what == LOAD_AVERAGE) {
        end = append(end, "loadavg");
    } else {
        return false;
    }
    *end = 0;
    return true;
}

/* Writes the soft limit that process id has of resource to out; -ENOENT if that is not told. */
static int32_t limit_text(uint32_t id, uint32_t resource, char *out, uint32_t capacity) {
    struct {
        uint64_t soft, hard;
    } limit;
    uint64_t arguments[6] = {id, resource, 0, (uint64_t)&limit, 0, 0};
    if (capacity <= NUMBER_DIGITS || wt_syscall6(WT_SYS_PRLIMIT64, arguments) < 0)
        return -ENOENT;
    char *end = append_number(out, limit.soft);
    *end = 0;
    return (int32_t)(end - out);
}

/* host.inspect: length of the text that was written with its NUL, or -ENOENT. */
WT_EXPORT int32_t wt_host_inspect(struct wt_vm_context *vm, uint32_t what, uint32_t id, uint32_t to,
                                  uint32_t capacity) {
    char path[PATH_BYTES];
    if (capacity == 0 || (uint64_t)to + capacity > vm->memory_size)
        return -WT_EFAULT;
    char *out = (char *)(vm->memory_base + to);
    out[0] = 0;
    if ((vm->params->capabilities & WT_CAPABILITY_INSPECT) == 0 || wt_params.no_system_calls)
        return -ENOENT;
    if (what >= RESOURCE_LIMIT && what < RESOURCE_LIMIT + RESOURCES)
        return limit_text(id, what - RESOURCE_LIMIT, out, capacity);
    if (!find_path(path, what, id))
        return -ENOENT;
    uint64_t open[6] = {(uint64_t)(int64_t)AT_FDCWD, (uint64_t)path, O_RDONLY | O_CLOEXEC, 0, 0, 0};
    int64_t file = wt_syscall6(WT_SYS_OPENAT, open);
    if (file < 0)
        return -ENOENT;
    int64_t length = wt_syscall3(WT_SYS_READ, (uint64_t)file, (uint64_t)out, capacity - 1);
    (void)wt_syscall3(WT_SYS_CLOSE, (uint64_t)file, 0, 0);
    out[length < 0 ? 0 : length] = 0;
    return length < 0 ? -ENOENT : (int32_t)length;
}
