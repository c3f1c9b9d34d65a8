/*
 * Words of shared memory by which tracees and this process wait for each other (futex(2)).
 */
#include "values.h"

#include <atomic>
#include <climits>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

namespace {

/* What a bell's thread needs; it outlives the object if nobody stops it. */
struct BellState {
    uint32_t *word;
    uint32_t seen;
    std::atomic<bool> stopping{false};
    Napi::ThreadSafeFunction ring;
};

void listen(BellState &bell) {
    while (!bell.stopping) {
        uint32_t now = __atomic_load_n(bell.word, __ATOMIC_SEQ_CST);
        if (now == bell.seen) {
            syscall(SYS_futex, bell.word, FUTEX_WAIT, now, nullptr, nullptr, 0);
            continue;
        }
        bell.seen = now;
        send(bell.ring, [](Napi::Env, Napi::Function ring) { ring.Call({}); });
    }
}

void raise_and_wake(uint32_t *word) {
    __atomic_fetch_add(word, 1, __ATOMIC_SEQ_CST);
    syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

/* A thread that calls a function whenever a word of shared memory has changed (futex(2)). */
class Bell : public Napi::ObjectWrap<Bell> {
  public:
    static Napi::Function define(Napi::Env env) {
        return DefineClass(env, "Bell", {InstanceMethod("stop", &Bell::stop)});
    }
    /* Bell(memory, offset, ring): `memory` must stay referenced until `stop` has been called. */
    explicit Bell(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Bell>(info) {
        state_->word = shared_word(info[0], info[1]);
        state_->seen = __atomic_load_n(state_->word, __ATOMIC_SEQ_CST);
        auto ring = info[2].As<Napi::Function>();
        state_->ring = Napi::ThreadSafeFunction::New(info.Env(), ring, "wastap-bell", 0, 1);
        state_->ring.Unref(info.Env());
        thread_ = std::thread([state = state_] { listen(*state); });
    }
    ~Bell() override {
        if (thread_.joinable())
            thread_.detach();
    }

  private:
    Napi::Value stop(const Napi::CallbackInfo &info) {
        state_->stopping = true;
        raise_and_wake(state_->word);
        thread_.join();
        state_->ring.Release();
        return info.Env().Undefined();
    }

    std::shared_ptr<BellState> state_ = std::make_shared<BellState>();
    std::thread thread_;
};

/* wakeWaiters(memory, offset): raises the word there and wakes who waits for that, anywhere. */
Napi::Value wake_waiters(const Napi::CallbackInfo &info) {
    raise_and_wake(shared_word(info[0], info[1]));
    return info.Env().Undefined();
}

} // namespace

Napi::Object InitBell(Napi::Env env, Napi::Object exports) {
    exports.Set("Bell", Bell::define(env));
    exports.Set("wakeWaiters", Napi::Function::New(env, wake_waiters));
    return exports;
}
