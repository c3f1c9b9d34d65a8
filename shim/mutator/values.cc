#include "values.h"

#include <cerrno>
#include <cstring>
#include <memory>

uint64_t word(const Napi::Value &value) {
    if (value.IsBigInt()) {
        bool lossless = false;
        return value.As<Napi::BigInt>().Uint64Value(&lossless);
    }
    return static_cast<uint64_t>(value.ToNumber().Int64Value());
}

std::vector<uint8_t> bytes_of(const Napi::Value &value) {
    if (!value.IsTypedArray())
        return {};
    auto array = value.As<Napi::Uint8Array>();
    return std::vector<uint8_t>(array.Data(), array.Data() + array.ByteLength());
}

uint32_t *shared_word(const Napi::Value &memory, const Napi::Value &offset) {
    auto *start = static_cast<uint8_t *>(memory.As<Napi::ArrayBuffer>().Data());
    return reinterpret_cast<uint32_t *>(start + offset.ToNumber().Uint32Value());
}

void send(const Napi::ThreadSafeFunction &to, Deliver action) {
    auto *carried = new Deliver(std::move(action));
    napi_status status = to.BlockingCall(carried, [](Napi::Env env, Napi::Function f, Deliver *d) {
        std::unique_ptr<Deliver> owned(d);
        if (env != nullptr)
            (*owned)(env, f);
    });
    if (status != napi_ok)
        delete carried;
}

Napi::Value error_to(Napi::Env env, const SystemError &error) {
    auto value = Napi::Error::New(env, std::string(error.what()) + ": " + strerror(error.number));
    value.Set("errno", static_cast<double>(error.number));
    return value.Value();
}

Napi::Value system_error(Napi::Env env, const char *what) {
    SystemError error(errno, what);
    throw Napi::Error(env, error_to(env, error));
}
