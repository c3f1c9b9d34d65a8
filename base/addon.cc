/*
 * The one native addon. Each part adds its functions to the exports object.
 */
#include <napi.h>

Napi::Object InitBell(Napi::Env env, Napi::Object exports);
Napi::Object InitCode(Napi::Env env, Napi::Object exports);
Napi::Object InitDemangle(Napi::Env env, Napi::Object exports);
Napi::Object InitDwarf(Napi::Env env, Napi::Object exports);
Napi::Object InitMemory(Napi::Env env, Napi::Object exports);
Napi::Object InitPtrace(Napi::Env env, Napi::Object exports);
Napi::Object InitSpecialFiles(Napi::Env env, Napi::Object exports);
Napi::Object InitZone(Napi::Env env, Napi::Object exports);

static Napi::Object Init(Napi::Env env, Napi::Object exports) {
    InitBell(env, exports);
    InitCode(env, exports);
    InitDemangle(env, exports);
    InitDwarf(env, exports);
    InitMemory(env, exports);
    InitPtrace(env, exports);
    InitSpecialFiles(env, exports);
    InitZone(env, exports);
    return exports;
}

NODE_API_MODULE(wastap, Init)
