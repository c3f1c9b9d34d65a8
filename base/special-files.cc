/*
 * Files that Node cannot make or watch: FIFOs (mkfifo(3)), and leases, which tell of every open
 * of a file before it succeeds (fcntl(2) F_SETLEASE).
 */
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <napi.h>
#include <sys/stat.h>

static Napi::Value result(Napi::Env env, const char *what, int value) {
    if (value >= 0)
        return Napi::Number::New(env, value);
    int number = errno;
    auto error = Napi::Error::New(env, std::string(what) + ": " + strerror(number));
    error.Set("errno", static_cast<double>(number));
    throw error;
}

/* (path, mode): a FIFO with exactly these permissions. */
static Napi::Value make_fifo(const Napi::CallbackInfo &info) {
    std::string path = info[0].As<Napi::String>();
    mode_t mode = info[1].As<Napi::Number>().Uint32Value();
    int made = mkfifo(path.c_str(), mode);
    return result(info.Env(), "mkfifo", made < 0 ? made : chmod(path.c_str(), mode));
}

/* (descriptor, hold): takes a write lease, or gives it up. */
static Napi::Value set_lease(const Napi::CallbackInfo &info) {
    int descriptor = info[0].As<Napi::Number>().Int32Value();
    int kind = info[1].As<Napi::Boolean>() ? F_WRLCK : F_UNLCK;
    return result(info.Env(), "set lease", fcntl(descriptor, F_SETLEASE, kind));
}

/* (descriptor) -> what somebody waits for: "nothing", "read" or "write". */
static Napi::Value awaited_access(const Napi::CallbackInfo &info) {
    Napi::Env env = info.Env();
    int kind = fcntl(info[0].As<Napi::Number>().Int32Value(), F_GETLEASE);
    if (kind < 0)
        return result(env, "get lease", kind);
    const char *name = kind == F_WRLCK ? "nothing" : kind == F_RDLCK ? "read" : "write";
    return Napi::String::New(env, name);
}

Napi::Object InitSpecialFiles(Napi::Env env, Napi::Object exports) {
    exports.Set("makeFifo", Napi::Function::New(env, make_fifo));
    exports.Set("setLease", Napi::Function::New(env, set_lease));
    exports.Set("awaitedAccess", Napi::Function::New(env, awaited_access));
    return exports;
}
