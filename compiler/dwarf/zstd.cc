/*
 * Decompression of sections that were compressed with Zstandard, which elfutils 0.188 cannot read.
 * libzstd is loaded on first use: package managers need it, so that it is nearly everywhere.
 */
#include "binding.h"
#include <dlfcn.h>

namespace wastap_dwarf {

namespace {

/* ZSTD_decompress and ZSTD_isError of zstd.h. */
struct Zstd {
    size_t (*decompress)(void *target, size_t capacity, const void *source, size_t size);
    unsigned (*is_error)(size_t result);
};

template <typename Function> void resolve(void *library, const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (!function)
        throw std::runtime_error(std::string("libzstd has no ") + name);
}

Zstd load_zstd() {
    void *library = dlopen("libzstd.so.1", RTLD_NOW);
    if (!library)
        throw std::runtime_error("it is compressed with zstd, and there is no libzstd.so.1");
    Zstd zstd;
    resolve(library, "ZSTD_decompress", zstd.decompress);
    resolve(library, "ZSTD_isError", zstd.is_error);
    return zstd;
}

/* zstdDecompress(null, bytes, size of the result) → bytes */
Napi::Value zstd_decompress(const Napi::CallbackInfo &info) {
    static const Zstd zstd = load_zstd();
    auto source = info[1].As<Napi::Uint8Array>();
    auto size = static_cast<size_t>(number_of(info, 2));
    Napi::Uint8Array target = Napi::Uint8Array::New(info.Env(), size);
    size_t written = zstd.decompress(target.Data(), size, source.Data(), source.ElementLength());
    if (zstd.is_error(written) || written != size)
        throw std::runtime_error("a section is not what zstd made");
    return target;
}

} // namespace

void add_zstd(Napi::Object exports) {
    add<zstd_decompress>(exports, "zstdDecompress");
}

} // namespace wastap_dwarf
