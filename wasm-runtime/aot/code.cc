/* Maps compiled code into this process and calls it. */
#include <napi.h>

Napi::Object InitCode(Napi::Env, Napi::Object exports) {
    return exports;
}
