/*
 * Memory of this process that tracees share, or that has code of theirs.
 */
#include "values.h"

#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace {

/* createMemory(name): descriptor of a new, empty shared memory object, closed on exec. */
Napi::Value create_memory(const Napi::CallbackInfo &info) {
    std::string name = info[0].ToString().Utf8Value();
    int file = memfd_create(name.c_str(), MFD_CLOEXEC);
    if (file < 0)
        return system_error(info.Env(), "memfd_create");
    return Napi::Number::New(info.Env(), file);
}

/* mapShared(descriptor, bytes): {buffer, address} of the object mapped shared and writable. */
Napi::Value map_shared(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    size_t size = static_cast<size_t>(info[1].ToNumber().Int64Value());
    void *memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, info[0].ToNumber().Int32Value(), 0);
    if (memory == MAP_FAILED)
        return system_error(env, "mmap");
    auto result = Napi::Object::New(env);
    result.Set("buffer", Napi::ArrayBuffer::New(env, memory, size, [size](Napi::Env, void *data) {
                   munmap(data, size);
               }));
    result.Set("address", static_cast<double>(reinterpret_cast<uintptr_t>(memory)));
    return result;
}

/* reserveCode(bytes): address of a range of this process for writeCode. */
Napi::Value reserve_code(const Napi::CallbackInfo &info) {
    size_t size = static_cast<size_t>(info[0].ToNumber().Int64Value());
    void *memory =
        mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return system_error(info.Env(), "mmap");
    return Napi::Number::New(info.Env(), static_cast<double>(reinterpret_cast<uintptr_t>(memory)));
}

/* writeCode(address, bytes): fills a reserved range and makes it executable. */
Napi::Value write_code(const Napi::CallbackInfo &info) {
    auto *to = reinterpret_cast<void *>(word(info[0]));
    std::vector<uint8_t> code = bytes_of(info[1]);
    if (mprotect(to, code.size(), PROT_READ | PROT_WRITE) != 0)
        return system_error(info.Env(), "mprotect");
    memcpy(to, code.data(), code.size());
    if (mprotect(to, code.size(), PROT_READ | PROT_EXEC) != 0)
        return system_error(info.Env(), "mprotect");
    return info.Env().Undefined();
}

} // namespace

Napi::Object InitMemory(Napi::Env env, Napi::Object exports) {
    exports.Set("createMemory", Napi::Function::New(env, create_memory));
    exports.Set("mapShared", Napi::Function::New(env, map_shared));
    exports.Set("reserveCode", Napi::Function::New(env, reserve_code));
    exports.Set("writeCode", Napi::Function::New(env, write_code));
    return exports;
}
