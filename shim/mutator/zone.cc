/*
 * The local time zone as the C library knows it: JavaScript has no abbreviations but through ICU,
 * which takes 12 ms to load and knows none for most zones.
 */
#include <napi.h>
#include <time.h>

/* -> {secondsWest, name} of the present moment; tm_gmtoff and tm_zone of ctime(3). */
static Napi::Value local_zone(const Napi::CallbackInfo &info) {
    time_t now = time(nullptr);
    struct tm local = {};
    localtime_r(&now, &local);
    Napi::Object zone = Napi::Object::New(info.Env());
    zone.Set("secondsWest", static_cast<double>(-local.tm_gmtoff));
    zone.Set("name", local.tm_zone == nullptr ? "UTC" : local.tm_zone);
    return zone;
}

Napi::Object InitZone(Napi::Env env, Napi::Object exports) {
    exports.Set("localZone", Napi::Function::New(env, local_zone));
    return exports;
}
