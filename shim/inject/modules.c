/*
 * The modules of this process, as the mutator wrote them down (MODULES, MODULE). It may be writing
 * meanwhile, but only the table that is not in use.
 */
#include "shim.h"

/* Times that a table is looked at again because it was replaced meanwhile. */
#define TRIES 4

/* Address of the module area of the process that the handler is about, 0 if there is none. */
static uint64_t base(void) {
    return wt_subject__current() ? wt_subject__current()->modules : wt_params.modules;
}

/* What lies at offset of the module area. */
static const void *area(uint32_t offset) {
    return (const void *)(base() + offset);
}

/* host.load-bias: -1 if the module is not loaded. */
WT_EXPORT int64_t wt_host_load_bias(struct wt_vm_context *vm, uint32_t module) {
    (void)vm;
    if (base() == 0 || module >= *(const uint32_t *)area(WT_MODULES_BIAS_COUNT))
        return WT_NOT_LOADED;
    const int64_t *biases = *(const int64_t *const *)area(WT_MODULES_BIASES);
    return __atomic_load_n(biases + module, __ATOMIC_RELAXED);
}

/* A node of glibc's list of generations, before its entries (elf/dl-tls.c). */
struct generations {
    uint64_t length;
    uint64_t next;
};
/* An entry of it, and one of a thread's vector there (ldsodefs.h, dl-dtv.h). */
#define GENERATION_BYTES 16
#define VECTOR_ENTRY_BYTES 16
/* Nodes that are looked at: each is longer than the one before. */
#define NODES 64
/* Where the thread block has its vector, in glibc and musl. */
#define VECTOR_OFFSET 8
/* Of a vector's entry without storage in glibc. */
#define UNALLOCATED UINT64_MAX
#define NO_STORAGE (1ull << WT_NO_THREAD_STORAGE_SHIFT)

static bool read_word(const struct wt_thread *thread, uint64_t from, uint64_t *word) {
    return wt_memory__read(thread, word, from, sizeof *word) == 0;
}

/* Whether entry number is as old as the vector of generation newest, or older. */
static bool is_current(const struct wt_thread *thread, uint64_t list, uint64_t number,
                       uint64_t newest) {
    struct generations node;
    uint64_t at, generation;
    if (!read_word(thread, list, &at))
        return false;
    for (uint32_t i = 0; i < NODES && at != 0; i++, at = node.next) {
        if (wt_memory__read(thread, &node, at, sizeof node) != 0)
            return false;
        if (number < node.length) {
            uint64_t entry = at + sizeof node + number * GENERATION_BYTES;
            return read_word(thread, entry, &generation) && generation <= newest;
        }
        number -= node.length;
    }
    return false;
}

/* host.thread-storage */
WT_EXPORT uint64_t wt_host_thread_storage(struct wt_vm_context *vm, uint32_t module) {
    const struct wt_thread *thread = (const struct wt_thread *)vm;
    if (base() == 0 || module >= *(const uint32_t *)area(WT_MODULES_BIAS_COUNT))
        return NO_STORAGE;
    const uint8_t *storages = *(const uint8_t *const *)area(WT_MODULES_STORAGES);
    struct wt_thread_storage storage;
    __builtin_memcpy(&storage, storages + module * sizeof storage, sizeof storage);
    uint64_t pointer = wt_thread__pointer();
    uint64_t vector, newest, length, found;
    if (storage.number == 0 || pointer == 0 ||
        !read_word(thread, pointer + VECTOR_OFFSET, &vector) || !read_word(thread, vector, &newest))
        return NO_STORAGE;
    if (storage.generations == 0) {
        /* musl: the vector begins with its length, all threads get new storage at once. */
        bool is_there = storage.number <= newest &&
                        read_word(thread, vector + storage.number * sizeof found, &found);
        return is_there ? found : NO_STORAGE;
    }
    uint64_t distance;
    if (read_word(thread, storage.distance, &distance) && distance + 1 > 1)
        return pointer - distance;
    if (!read_word(thread, vector - VECTOR_ENTRY_BYTES, &length) || storage.number > length ||
        !is_current(thread, storage.generations, storage.number, newest) ||
        !read_word(thread, vector + storage.number * VECTOR_ENTRY_BYTES, &found))
        return NO_STORAGE;
    return found == UNALLOCATED ? NO_STORAGE : found;
}

/* Copies the last module of table that begins at or before address; false if there is none. */
static bool search(uint32_t table, uint64_t address, struct wt_module *found) {
    const struct wt_module *modules = area(WT_MODULES_TABLES);
    modules += table * WT_MODULES_CAPACITY;
    uint32_t low = 0;
    uint32_t high = ((const uint32_t *)area(WT_MODULES_COUNTS))[table];
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (modules[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    __builtin_memcpy(found, modules + low - 1, sizeof *found);
    return true;
}

/* Finds the module that address lies in; false if it lies in none. */
bool wt_modules__find(uint64_t address, struct wt_module *found) {
    if (base() == 0)
        return false;
    const uint32_t *version = area(WT_MODULES_VERSION);
    for (uint32_t i = 0; i < TRIES; i++) {
        uint32_t before = __atomic_load_n(version, __ATOMIC_ACQUIRE);
        bool is_there = search(before & 1, address, found);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(version, __ATOMIC_RELAXED) == before)
            return is_there && address < found->end;
    }
    return false;
}
