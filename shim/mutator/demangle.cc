/*
 * Names of functions as their programmers wrote them, by the C++ runtime: of C++, and of Rust in
 * its legacy mangling, which is one of C++ with a hash behind the name and characters in escapes.
 * The newer one of Rust is in rust-names.cc.
 * Sources: Itanium C++ ABI §5.1; rustc's compiler/rustc_symbol_mangling/src/legacy.rs.
 */
#include "rust-names.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <cxxabi.h>
#include <memory>
#include <napi.h>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Text = std::string_view;

/* A name that may come to more stays as it is: some 300 bytes can stand for terabytes. */
constexpr double MOST_BYTES = 1 << 20;
/* All names of a file come to no more than so many times what they are, and MOST_BYTES. */
constexpr size_t MOST_GROWTH = 16;
/* Characters that one of a mangled name stands for, about. */
constexpr double TOKEN_BYTES = 4;
/* Members of a parameter pack, about; what is said of the pack is repeated for each. */
constexpr double PACK_MEMBERS = 8;

constexpr size_t HASH_DIGITS = 16;
constexpr Text HASH_START = "17h";

bool starts_with(Text text, Text start) {
    return text.substr(0, start.size()) == start;
}

/* Number of the <substitution> or <template-param> at `at`, like "S_", "T1_"; or -1. */
long reference_at(Text name, size_t at) {
    size_t number = 0;
    for (size_t i = at + 1; i < name.size() && number <= name.size(); i++) {
        char c = name[i];
        if (c == '_')
            return static_cast<long>(i == at + 1 ? 0 : number + 1);
        bool is_digit = c >= '0' && c <= '9';
        if (!is_digit && !(c >= 'A' && c <= 'Z'))
            return -1;
        number = number * 36 + static_cast<size_t>(is_digit ? c - '0' : c - 'A' + 10);
    }
    return -1;
}

/*
 * About the most bytes that `name` can come to. A reference stands for an earlier part of the name,
 * which was complete when a part with this or a higher number was first referred to.
 */
double most_bytes(Text name) {
    double length = 0;
    double repeated = 1;
    std::vector<double> parts, arguments;
    for (size_t at = 0; at < name.size(); at++) {
        char c = name[at];
        if (c == 'I')
            arguments.clear();
        if (starts_with(name.substr(at), "Dp"))
            repeated *= PACK_MEMBERS;
        double bytes = TOKEN_BYTES;
        long number = c == 'S' || c == 'T' ? reference_at(name, at) : -1;
        if (number >= 0) {
            std::vector<double> &known = c == 'S' ? parts : arguments;
            auto index = static_cast<size_t>(number);
            if (known.size() <= index)
                known.resize(index + 1, length);
            bytes += known[index];
        }
        length += repeated * bytes;
    }
    return length;
}

/* `mangled` without what LLVM put behind it, like ".llvm.123". */
Text without_suffix(Text mangled) {
    size_t hash = mangled.rfind(HASH_START);
    return hash == Text::npos ? mangled : mangled.substr(0, mangled.find('.', hash));
}

/* Whether `name` ends in a hash as rustc makes it. */
bool is_rust(Text name) {
    size_t length = HASH_START.size() + HASH_DIGITS + 1;
    if (name.size() < length || name.back() != 'E')
        return false;
    Text tail = name.substr(name.size() - length, length - 1);
    return starts_with(tail, HASH_START) &&
           tail.find_first_not_of("0123456789abcdef", HASH_START.size()) == Text::npos;
}

struct Escape {
    Text code;
    char character;
};
constexpr std::array<Escape, 20> ESCAPES = {{
    {"$SP$", '@'},   {"$BP$", '*'},  {"$RF$", '&'},  {"$LT$", '<'},  {"$GT$", '>'},
    {"$LP$", '('},   {"$RP$", ')'},  {"$C$", ','},   {"$u20$", ' '}, {"$u22$", '"'},
    {"$u27$", '\''}, {"$u2b$", '+'}, {"$u3b$", ';'}, {"$u3d$", '='}, {"$u5b$", '['},
    {"$u5d$", ']'},  {"$u7b$", '{'}, {"$u7c$", '|'}, {"$u7d$", '}'}, {"$u7e$", '~'},
}};

const Escape *escape_at(Text text) {
    for (const Escape &escape : ESCAPES)
        if (starts_with(text, escape.code))
            return &escape;
    return nullptr;
}

/* `path` without its hash and escapes. */
std::string rust_name(Text path) {
    path = path.substr(0, path.rfind("::h"));
    std::string name;
    while (!path.empty()) {
        bool begins = name.empty() || name.back() == ':';
        if (begins && starts_with(path, "_$")) {
            path.remove_prefix(1);
        } else if (const Escape *escape = escape_at(path)) {
            name += escape->character;
            path.remove_prefix(escape->code.size());
        } else if (starts_with(path, "..")) {
            name += "::";
            path.remove_prefix(2);
        } else {
            name += path.front();
            path.remove_prefix(1);
        }
    }
    return name;
}

/* Demangles one name after the other into a buffer that grows. */
class Demangler {
  public:
    /* What `mangled` stands for; itself if it is not mangled, or not so that this can tell. */
    std::string demangle(const char *mangled) {
        if (starts_with(mangled, "_R")) {
            std::string path = rust_path(mangled);
            return path.empty() ? mangled : path;
        }
        if (!starts_with(mangled, "_Z") || most_bytes(mangled) > MOST_BYTES)
            return mangled;
        std::string rust(without_suffix(mangled));
        if (is_rust(rust))
            return run(rust.c_str()) ? rust_name(buffer_.get()) : mangled;
        return run(mangled) ? buffer_.get() : mangled;
    }

  private:
    /* Puts the name into the buffer, if there is one. */
    bool run(const char *mangled) {
        int status = 0;
        char *name = abi::__cxa_demangle(mangled, buffer_.get(), &capacity_, &status);
        if (name == nullptr)
            return false;
        static_cast<void>(buffer_.release());
        buffer_.reset(name);
        return true;
    }

    struct Free {
        void operator()(char *memory) const {
            free(memory);
        }
    };
    std::unique_ptr<char, Free> buffer_;
    size_t capacity_ = 0;
};

/* (names) -> {text, starts}: names, each with its NUL, to such names and where each begins. */
Napi::Value demangle_names(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    auto names = info[0].As<Napi::Uint8Array>();
    Text rest(reinterpret_cast<const char *>(names.Data()), names.ByteLength());
    size_t most = MOST_GROWTH * rest.size() + static_cast<size_t>(MOST_BYTES);
    Demangler demangler;
    std::string text;
    std::vector<uint32_t> starts;
    for (size_t end = rest.find('\0'); end != Text::npos; end = rest.find('\0')) {
        starts.push_back(static_cast<uint32_t>(text.size()));
        std::string name = demangler.demangle(rest.data());
        text += text.size() + name.size() > most ? std::string(rest.data(), end) : name;
        text += '\0';
        rest.remove_prefix(end + 1);
    }
    auto bytes = Napi::Uint8Array::New(env, text.size());
    memcpy(bytes.Data(), text.data(), text.size());
    auto offsets = Napi::Uint32Array::New(env, starts.size());
    memcpy(offsets.Data(), starts.data(), starts.size() * sizeof(uint32_t));
    Napi::Object result = Napi::Object::New(env);
    result.Set("text", bytes);
    result.Set("starts", offsets);
    return result;
}

} // namespace

Napi::Object InitDemangle(Napi::Env env, Napi::Object exports) {
    exports.Set("demangleNames", Napi::Function::New(env, demangle_names));
    return exports;
}
