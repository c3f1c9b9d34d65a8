/*
 * Class Tracer for JavaScript: each method posts its work to the tracing thread and returns a
 * promise. Addresses and results are numbers (below 2^53), registers a BigUint64Array in the order
 * of struct user_regs_struct. A failed system call rejects with an Error that has `errno`.
 */
#include "tracer.h"
#include "values.h"

#include <cstring>

namespace {

constexpr size_t REGISTER_COUNT = sizeof(user_regs_struct) / 8;

using Produce = std::function<Napi::Value(Napi::Env)>;

const char *event_name(Event::Kind kind) {
    static const char *const names[] = {
        "exec", "fork",    "leave",  "exit",    "threadBegin", "threadEnd", "groupStop",
        "call", "callEnd", "sample", "watched", "recorded",    "missed",    "unwatched"};
    return names[kind];
}

pid_t id(const Napi::Value &value) {
    return value.ToNumber().Int32Value();
}

std::vector<std::string> strings_of(const Napi::Value &value) {
    std::vector<std::string> texts;
    auto array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++)
        texts.push_back(array.Get(i).ToString().Utf8Value());
    return texts;
}

/* Rows of numbers: [[a, b], …]. */
std::vector<std::vector<uint64_t>> rows_of(const Napi::Value &value) {
    std::vector<std::vector<uint64_t>> rows;
    auto array = value.As<Napi::Array>();
    for (uint32_t i = 0; i < array.Length(); i++) {
        auto row = array.Get(i).As<Napi::Array>();
        std::vector<uint64_t> numbers;
        for (uint32_t j = 0; j < row.Length(); j++)
            numbers.push_back(word(row.Get(j)));
        rows.push_back(std::move(numbers));
    }
    return rows;
}

Napi::Value numbers_to(Napi::Env env, const std::vector<pid_t> &numbers) {
    auto array = Napi::Array::New(env, numbers.size());
    for (uint32_t i = 0; i < numbers.size(); i++)
        array.Set(i, numbers[i]);
    return array;
}

Napi::Value registers_to(Napi::Env env, const user_regs_struct &registers) {
    auto array = Napi::BigUint64Array::New(env, REGISTER_COUNT);
    memcpy(array.Data(), &registers, sizeof registers);
    return array;
}

Napi::Value nothing(Napi::Env env) {
    return env.Undefined();
}

class JsTracer : public Napi::ObjectWrap<JsTracer> {
  public:
    static Napi::Function define(Napi::Env env);
    explicit JsTracer(const Napi::CallbackInfo &info);

  private:
    Napi::Value seize(const Napi::CallbackInfo &info);
    Napi::Value spawn(const Napi::CallbackInfo &info);
    Napi::Value stop(const Napi::CallbackInfo &info);
    Napi::Value resume(const Napi::CallbackInfo &info);
    Napi::Value release(const Napi::CallbackInfo &info);
    Napi::Value hold(const Napi::CallbackInfo &info);
    Napi::Value detach(const Napi::CallbackInfo &info);
    Napi::Value trace_calls(const Napi::CallbackInfo &info);
    Napi::Value sample(const Napi::CallbackInfo &info);
    Napi::Value watch(const Napi::CallbackInfo &info);
    Napi::Value park(const Napi::CallbackInfo &info);
    Napi::Value unpark(const Napi::CallbackInfo &info);
    Napi::Value acknowledge(const Napi::CallbackInfo &info);
    Napi::Value call(const Napi::CallbackInfo &info);
    Napi::Value registers(const Napi::CallbackInfo &info);
    Napi::Value set_registers(const Napi::CallbackInfo &info);
    Napi::Value read(const Napi::CallbackInfo &info);
    Napi::Value write(const Napi::CallbackInfo &info);
    Napi::Value set_own_memory(const Napi::CallbackInfo &info);
    Napi::Value set_fixups(const Napi::CallbackInfo &info);
    Napi::Value set_breakpoints(const Napi::CallbackInfo &info);
    Napi::Value hold_guard(const Napi::CallbackInfo &info);
    Napi::Value release_guard(const Napi::CallbackInfo &info);
    Napi::Value close(const Napi::CallbackInfo &info);
    Napi::Value abandon(const Napi::CallbackInfo &info);

    Napi::Value request(Napi::Env env, std::function<Produce(Tracer &)> work);

    std::shared_ptr<Tracer> tracer_;
    std::shared_ptr<Napi::ThreadSafeFunction> deliver_;
};

JsTracer::JsTracer(const Napi::CallbackInfo &info) : Napi::ObjectWrap<JsTracer>(info) {
    auto listener = info[0].As<Napi::Function>();
    deliver_ = std::make_shared<Napi::ThreadSafeFunction>(
        Napi::ThreadSafeFunction::New(info.Env(), listener, "wastap-tracer", 0, 1));
    auto deliver = deliver_;
    auto report = [deliver](const Event &event) {
        send(*deliver, [event](Napi::Env env, Napi::Function on_event) {
            auto object = Napi::Object::New(env);
            object.Set("kind", event_name(event.kind));
            object.Set("pid", event.pid);
            object.Set("tid", event.tid);
            object.Set("value", static_cast<double>(event.value));
            object.Set("isParked", event.parked);
            if (event.registers)
                object.Set("registers", registers_to(env, *event.registers));
            on_event.Call({object});
        });
    };
    tracer_ = std::make_shared<Tracer>(report, info[1].ToBoolean().Value());
    Tracer::start(tracer_);
}

Napi::Value JsTracer::request(Napi::Env env, std::function<Produce(Tracer &)> work) {
    auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
    auto deliver = deliver_;
    tracer_->post([deferred, deliver, work = std::move(work)](Tracer &tracer) {
        try {
            Produce produce = work(tracer);
            send(*deliver, [deferred, produce](Napi::Env env, Napi::Function) {
                deferred->Resolve(produce(env));
            });
        } catch (const SystemError &error) {
            send(*deliver, [deferred, error](Napi::Env env, Napi::Function) {
                deferred->Reject(error_to(env, error));
            });
        } catch (const std::exception &error) {
            std::string what = error.what();
            send(*deliver, [deferred, what](Napi::Env env, Napi::Function) {
                deferred->Reject(Napi::Error::New(env, what).Value());
            });
        }
    });
    return deferred->Promise();
}

Napi::Value JsTracer::seize(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    return request(info.Env(), [pid](Tracer &tracer) -> Produce {
        auto tids = tracer.seize(pid);
        return [tids](Napi::Env env) { return numbers_to(env, tids); };
    });
}

Napi::Value JsTracer::spawn(const Napi::CallbackInfo &info) {
    SpawnOptions options = {strings_of(info[0]), strings_of(info[1]), strings_of(info[2]),
                            info[3].ToString().Utf8Value()};
    return request(info.Env(), [options](Tracer &tracer) -> Produce {
        pid_t pid = tracer.spawn(options);
        return [pid](Napi::Env env) { return Napi::Number::New(env, pid); };
    });
}

Napi::Value JsTracer::stop(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    int deadline_ms = info[1].ToNumber().Int32Value();
    return request(info.Env(), [pid, deadline_ms](Tracer &tracer) -> Produce {
        auto tids = tracer.stop(pid, deadline_ms);
        return [tids](Napi::Env env) { return numbers_to(env, tids); };
    });
}

Napi::Value JsTracer::resume(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    return request(info.Env(), [pid](Tracer &tracer) -> Produce {
        tracer.resume(pid);
        return nothing;
    });
}

Napi::Value JsTracer::release(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    return request(info.Env(), [pid](Tracer &tracer) -> Produce {
        tracer.release(pid);
        return nothing;
    });
}

Napi::Value JsTracer::hold(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    return request(info.Env(), [pid](Tracer &tracer) -> Produce {
        tracer.hold(pid);
        return nothing;
    });
}

Napi::Value JsTracer::detach(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    return request(info.Env(), [pid](Tracer &tracer) -> Produce {
        tracer.detach(pid);
        return nothing;
    });
}

Napi::Value JsTracer::trace_calls(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    bool on = info[1].ToBoolean();
    return request(info.Env(), [pid, on](Tracer &tracer) -> Produce {
        tracer.trace_calls(pid, on);
        return nothing;
    });
}

Napi::Value JsTracer::sample(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    uint32_t value = info[1].ToNumber().Uint32Value();
    return request(info.Env(), [pid, value](Tracer &tracer) -> Produce {
        tracer.sample(pid, value);
        return nothing;
    });
}

Napi::Value JsTracer::watch(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    std::vector<Watch> watches;
    for (const auto &row : rows_of(info[1]))
        watches.push_back({static_cast<Watch::How>(row.at(0)), static_cast<uint32_t>(row.at(1)),
                           row.at(2), row.at(3), row.at(4) != 0, static_cast<uint32_t>(row.at(5)),
                           row.at(6), row.at(7), row.at(8) != 0});
    return request(info.Env(), [pid, watches](Tracer &tracer) -> Produce {
        tracer.watch(pid, watches);
        return nothing;
    });
}

Napi::Value JsTracer::park(const Napi::CallbackInfo &info) {
    pid_t tid = id(info[0]);
    tracer_->post([tid](Tracer &tracer) { tracer.park(tid); });
    return info.Env().Undefined();
}

Napi::Value JsTracer::unpark(const Napi::CallbackInfo &info) {
    pid_t tid = id(info[0]);
    tracer_->post([tid](Tracer &tracer) { tracer.unpark(tid); });
    return info.Env().Undefined();
}

Napi::Value JsTracer::acknowledge(const Napi::CallbackInfo &info) {
    pid_t tid = id(info[0]);
    tracer_->post([tid](Tracer &tracer) { tracer.acknowledge(tid); });
    return info.Env().Undefined();
}

Napi::Value JsTracer::call(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    RemoteCall remote = {word(info[1]), word(info[2]), {}, bytes_of(info[4]), id(info[5])};
    auto arguments = info[3].As<Napi::Array>();
    for (uint32_t i = 0; i < 6; i++)
        remote.arguments[i] = i < arguments.Length() ? word(arguments.Get(i)) : 0;
    return request(info.Env(), [pid, remote](Tracer &tracer) -> Produce {
        double result = static_cast<double>(tracer.call(pid, remote));
        return [result](Napi::Env env) { return Napi::Number::New(env, result); };
    });
}

Napi::Value JsTracer::registers(const Napi::CallbackInfo &info) {
    pid_t tid = id(info[0]);
    return request(info.Env(), [tid](Tracer &tracer) -> Produce {
        user_regs_struct registers = tracer.registers(tid);
        return [registers](Napi::Env env) { return registers_to(env, registers); };
    });
}

Napi::Value JsTracer::set_registers(const Napi::CallbackInfo &info) {
    pid_t tid = id(info[0]);
    auto array = info[1].As<Napi::BigUint64Array>();
    user_regs_struct registers{};
    if (array.ElementLength() == REGISTER_COUNT)
        memcpy(&registers, array.Data(), sizeof registers);
    bool complete = array.ElementLength() == REGISTER_COUNT;
    return request(info.Env(), [tid, registers, complete](Tracer &tracer) -> Produce {
        if (!complete)
            throw SystemError(EINVAL, "write registers");
        tracer.set_registers(tid, registers);
        return nothing;
    });
}

Napi::Value JsTracer::read(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    uint64_t address = word(info[1]), size = word(info[2]);
    return request(info.Env(), [pid, address, size](Tracer &tracer) -> Produce {
        auto bytes = std::make_shared<std::vector<uint8_t>>(tracer.read(pid, address, size));
        return [bytes](Napi::Env env) -> Napi::Value {
            return Napi::Buffer<uint8_t>::Copy(env, bytes->data(), bytes->size());
        };
    });
}

/* write(pid, addresses, blocks): in this order. */
Napi::Value JsTracer::write(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    auto addresses = info[1].As<Napi::Array>();
    auto blocks = info[2].As<Napi::Array>();
    std::vector<std::pair<uint64_t, std::vector<uint8_t>>> list;
    for (uint32_t i = 0; i < addresses.Length(); i++)
        list.emplace_back(word(addresses.Get(i)), bytes_of(blocks.Get(i)));
    return request(info.Env(), [pid, list](Tracer &tracer) -> Produce {
        for (const auto &[address, bytes] : list)
            tracer.write(pid, address, bytes.data(), bytes.size());
        return nothing;
    });
}

Napi::Value JsTracer::set_fixups(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    auto rows = rows_of(info[1]);
    return request(info.Env(), [pid, rows](Tracer &tracer) -> Produce {
        std::vector<Fixup> &fixups = tracer.process(pid).fixups;
        fixups.clear();
        for (const auto &row : rows)
            fixups.push_back({row.at(0), row.at(1), row.at(2)});
        return nothing;
    });
}

Napi::Value JsTracer::set_breakpoints(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    auto rows = rows_of(info[1]);
    return request(info.Env(), [pid, rows](Tracer &tracer) -> Produce {
        auto &breakpoints = tracer.process(pid).breakpoints;
        breakpoints.clear();
        for (const auto &row : rows)
            breakpoints[row.at(0)] = row.at(1);
        return nothing;
    });
}

/* setOwnMemory(pid, codeStart, codeEnd, stacksStart, stacksEnd) */
Napi::Value JsTracer::set_own_memory(const Napi::CallbackInfo &info) {
    pid_t pid = id(info[0]);
    Range code{word(info[1]), word(info[2])}, stacks{word(info[3]), word(info[4])};
    return request(info.Env(), [pid, code, stacks](Tracer &tracer) -> Produce {
        Process &process = tracer.process(pid);
        process.own_code = code;
        process.own_stacks = stacks;
        return nothing;
    });
}

/* holdGuard(memory, offset): `memory` must stay referenced until the guard is released. */
Napi::Value JsTracer::hold_guard(const Napi::CallbackInfo &info) {
    uint32_t *word = shared_word(info[0], info[1]);
    return request(info.Env(), [word](Tracer &tracer) -> Produce {
        pid_t tid = tracer.hold_guard(word);
        return [tid](Napi::Env env) { return Napi::Number::New(env, tid); };
    });
}

Napi::Value JsTracer::release_guard(const Napi::CallbackInfo &info) {
    return request(info.Env(), [](Tracer &tracer) -> Produce {
        tracer.release_guard();
        return nothing;
    });
}

/* Ends the thread; tracees still attached would stay attached, so there must be none. */
Napi::Value JsTracer::close(const Napi::CallbackInfo &info) {
    auto deliver = deliver_;
    return request(info.Env(), [deliver](Tracer &tracer) -> Produce {
        if (!tracer.idle())
            throw SystemError(EBUSY, "processes are traced");
        tracer.close();
        return [deliver](Napi::Env env) {
            deliver->Release();
            return env.Undefined();
        };
    });
}

/* Lets the event loop end although processes are traced; they are let go when this one ends. */
Napi::Value JsTracer::abandon(const Napi::CallbackInfo &info) {
    deliver_->Unref(info.Env());
    return info.Env().Undefined();
}

Napi::Function JsTracer::define(Napi::Env env) {
    return DefineClass(env, "Tracer",
                       {InstanceMethod("seize", &JsTracer::seize),
                        InstanceMethod("spawn", &JsTracer::spawn),
                        InstanceMethod("stop", &JsTracer::stop),
                        InstanceMethod("resume", &JsTracer::resume),
                        InstanceMethod("release", &JsTracer::release),
                        InstanceMethod("hold", &JsTracer::hold),
                        InstanceMethod("detach", &JsTracer::detach),
                        InstanceMethod("call", &JsTracer::call),
                        InstanceMethod("traceCalls", &JsTracer::trace_calls),
                        InstanceMethod("sample", &JsTracer::sample),
                        InstanceMethod("watch", &JsTracer::watch),
                        InstanceMethod("park", &JsTracer::park),
                        InstanceMethod("unpark", &JsTracer::unpark),
                        InstanceMethod("acknowledge", &JsTracer::acknowledge),
                        InstanceMethod("registers", &JsTracer::registers),
                        InstanceMethod("setRegisters", &JsTracer::set_registers),
                        InstanceMethod("read", &JsTracer::read),
                        InstanceMethod("write", &JsTracer::write),
                        InstanceMethod("setOwnMemory", &JsTracer::set_own_memory),
                        InstanceMethod("setFixups", &JsTracer::set_fixups),
                        InstanceMethod("setBreakpoints", &JsTracer::set_breakpoints),
                        InstanceMethod("holdGuard", &JsTracer::hold_guard),
                        InstanceMethod("releaseGuard", &JsTracer::release_guard),
                        InstanceMethod("close", &JsTracer::close),
                        InstanceMethod("abandon", &JsTracer::abandon)});
}

} // namespace

Napi::Object InitPtrace(Napi::Env env, Napi::Object exports) {
    exports.Set("Tracer", JsTracer::define(env));
    return exports;
}
