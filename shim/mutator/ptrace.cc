/* The tracing thread. */
#include <napi.h>

Napi::Object InitPtrace(Napi::Env, Napi::Object exports) {
    return exports;
}
