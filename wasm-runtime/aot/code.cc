/*
 * Maps compiled code into this process and calls it; C functions that compiled test modules need
 * (memory.grow, table instructions, wait and notify), in the order of RUNTIME_FUNCTIONS in
 * instance-layout.ts. Arguments are checked in native.ts; failures come back as -errno.
 */
#include <napi.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <ctime>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../shim/inject/gen/layout.h"

namespace {

struct Memory {
    uint64_t base;
    uint64_t size;
    uint64_t maximumPages;
    uint64_t shared;
};

struct Table {
    uint64_t *elements;
    uint64_t size;
};

struct Segment {
    const uint8_t *start;
    uint64_t size; /* 0 once dropped; elements for tables, bytes for memory */
};

template <typename T> T &field(void *base, uint64_t offset) {
    return *reinterpret_cast<T *>(static_cast<char *>(base) + offset);
}

template <typename T> T &instanceField(void *context, uint64_t offset) {
    return field<T>(field<void *>(context, WT_VM_CONTEXT_INSTANCE), offset);
}

bool fits(uint64_t start, uint64_t count, uint64_t size) {
    return start + count <= size;
}

/* Old size in pages, or -1. Memory never moves: its whole maximum is reserved. */
uint32_t memoryGrow(void *context, uint32_t pages) {
    Memory &memory = *instanceField<Memory *>(context, 0);
    uint64_t old = memory.size / WT_WASM_PAGE_BYTES;
    if (old + pages > memory.maximumPages)
        return UINT32_MAX;
    memory.size += uint64_t(pages) * WT_WASM_PAGE_BYTES;
    field<uint64_t>(context, WT_VM_CONTEXT_MEMORY_SIZE) = memory.size;
    return uint32_t(old);
}

/* The next three return 0, or 1 for a trap (out of bounds). */
uint32_t memoryInit(void *context, uint32_t segment, uint32_t to, uint32_t from, uint32_t count) {
    const Segment &data = instanceField<Segment>(context, segment);
    const Memory &memory = *instanceField<Memory *>(context, 0);
    if (!fits(from, count, data.size) || !fits(to, count, memory.size))
        return 1;
    if (count > 0)
        memcpy(reinterpret_cast<void *>(memory.base + to), data.start + from, count);
    return 0;
}

uint32_t tableInit(void *context, uint32_t table, uint32_t segment, uint32_t to, uint32_t from,
                   uint32_t count) {
    const Segment &refs = instanceField<Segment>(context, segment);
    Table &target = *instanceField<Table *>(context, table);
    if (!fits(from, count, refs.size) || !fits(to, count, target.size))
        return 1;
    if (count > 0)
        memcpy(target.elements + to, refs.start + 8 * uint64_t(from), 8 * uint64_t(count));
    return 0;
}

uint32_t tableCopy(void *context, uint32_t toTable, uint32_t fromTable, uint32_t to, uint32_t from,
                   uint32_t count) {
    Table &target = *instanceField<Table *>(context, toTable);
    Table &source = *instanceField<Table *>(context, fromTable);
    if (!fits(from, count, source.size) || !fits(to, count, target.size))
        return 1;
    memmove(target.elements + to, source.elements + from, 8 * uint64_t(count));
    return 0;
}

/* 0 woken, 1 not equal, 2 timed out, 3 memory is not shared (a trap). */
uint32_t wait(void *context, uint64_t address, uint64_t expected, int64_t timeoutNs, bool wide) {
    const Memory &memory = *instanceField<Memory *>(context, 0);
    if (!memory.shared)
        return 3;
    auto *low = reinterpret_cast<uint32_t *>(memory.base + address);
    uint64_t found = wide ? *reinterpret_cast<uint64_t *>(low) : *low;
    if (found != expected)
        return 1;
    struct timespec timeout = {timeoutNs / 1000000000, timeoutNs % 1000000000};
    long rc = syscall(SYS_futex, low, FUTEX_WAIT, uint32_t(expected),
                      timeoutNs < 0 ? nullptr : &timeout, nullptr, 0);
    if (rc == 0)
        return 0;
    return errno == EAGAIN ? 1 : 2;
}

uint32_t wait32(void *context, uint64_t address, uint32_t expected, int64_t timeoutNs) {
    return wait(context, address, expected, timeoutNs, false);
}

uint32_t wait64(void *context, uint64_t address, uint64_t expected, int64_t timeoutNs) {
    return wait(context, address, expected, timeoutNs, true);
}

uint32_t notify(void *context, uint64_t address, uint32_t count) {
    const Memory &memory = *instanceField<Memory *>(context, 0);
    if (!memory.shared)
        return 0;
    long woken = syscall(SYS_futex, memory.base + address, FUTEX_WAKE,
                         count > INT_MAX ? INT_MAX : int(count), nullptr, nullptr, 0);
    return woken < 0 ? 0 : uint32_t(woken);
}

uint64_t bits(const Napi::Value &value) {
    bool lossless;
    return value.As<Napi::BigInt>().Uint64Value(&lossless);
}

Napi::Value result(Napi::Env env, void *mapped) {
    if (mapped == MAP_FAILED)
        return Napi::Number::New(env, -errno);
    return Napi::BigInt::New(env, uint64_t(mapped));
}

/* (bytes) -> address of an executable copy, or -errno */
Napi::Value MapCode(const Napi::CallbackInfo &info) {
    auto bytes = info[0].As<Napi::Uint8Array>();
    void *at = mmap(nullptr, bytes.ByteLength(), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return result(info.Env(), at);
    memcpy(at, bytes.Data(), bytes.ByteLength());
    if (mprotect(at, bytes.ByteLength(), PROT_READ | PROT_EXEC) != 0) {
        int error = errno;
        munmap(at, bytes.ByteLength());
        return Napi::Number::New(info.Env(), -error);
    }
    return result(info.Env(), at);
}

/* (number of bytes) -> address of zeroed memory, or -errno */
Napi::Value MapMemory(const Napi::CallbackInfo &info) {
    size_t size = size_t(info[0].As<Napi::Number>().DoubleValue());
    return result(info.Env(), mmap(nullptr, size, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
}

/* (address, number of bytes) -> ArrayBuffer over that memory */
Napi::Value ViewMemory(const Napi::CallbackInfo &info) {
    size_t size = size_t(info[1].As<Napi::Number>().DoubleValue());
    return Napi::ArrayBuffer::New(info.Env(), reinterpret_cast<void *>(bits(info[0])), size);
}

/* (address, number of bytes) -> 0 or -errno */
Napi::Value Unmap(const Napi::CallbackInfo &info) {
    size_t size = size_t(info[1].As<Napi::Number>().DoubleValue());
    int rc = munmap(reinterpret_cast<void *>(bits(info[0])), size);
    return Napi::Number::New(info.Env(), rc == 0 ? 0 : -errno);
}

/* (entry, context, argument) -> trap reason */
Napi::Value CallHandler(const Napi::CallbackInfo &info) {
    auto entry = reinterpret_cast<uint32_t (*)(void *, uint32_t)>(bits(info[0]));
    uint32_t argument = info[2].As<Napi::Number>().Uint32Value();
    return Napi::Number::New(info.Env(), entry(reinterpret_cast<void *>(bits(info[1])), argument));
}

/* (entry, context, address of values) -> trap reason */
Napi::Value CallFunction(const Napi::CallbackInfo &info) {
    auto entry = reinterpret_cast<uint32_t (*)(void *, void *)>(bits(info[0]));
    auto *values = reinterpret_cast<void *>(bits(info[2]));
    return Napi::Number::New(info.Env(), entry(reinterpret_cast<void *>(bits(info[1])), values));
}

/* () -> address just below the native stack that is in use */
Napi::Value StackAddress(const Napi::CallbackInfo &info) {
    return Napi::BigInt::New(info.Env(), uint64_t(__builtin_frame_address(0)));
}

/* () -> addresses of the functions above */
Napi::Value RuntimeFunctions(const Napi::CallbackInfo &info) {
    const uint64_t functions[] = {
        uint64_t(&memoryGrow), uint64_t(&memoryInit), uint64_t(&tableInit), uint64_t(&tableCopy),
        uint64_t(&wait32),     uint64_t(&wait64),     uint64_t(&notify),
    };
    auto list = Napi::Array::New(info.Env());
    uint32_t count = 0;
    for (uint64_t function : functions)
        list[count++] = Napi::BigInt::New(info.Env(), function);
    return list;
}

} // namespace

Napi::Object InitCode(Napi::Env env, Napi::Object exports) {
    exports["aotMapCode"] = Napi::Function::New<MapCode>(env);
    exports["aotMapMemory"] = Napi::Function::New<MapMemory>(env);
    exports["aotViewMemory"] = Napi::Function::New<ViewMemory>(env);
    exports["aotUnmapMemory"] = Napi::Function::New<Unmap>(env);
    exports["aotCallHandler"] = Napi::Function::New<CallHandler>(env);
    exports["aotCallFunction"] = Napi::Function::New<CallFunction>(env);
    exports["aotStackAddress"] = Napi::Function::New<StackAddress>(env);
    exports["aotRuntimeFunctions"] = Napi::Function::New<RuntimeFunctions>(env);
    return exports;
}
