/*
 * The tracing thread's loop: waits for stops, keeps the table of tracees, stops and resumes
 * processes. See tracer.h for the states. Source: ptrace(2), signal(7).
 */
#include "tracer.h"
#include "wait.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

constexpr int SYSCALL_STOP = SIGTRAP | 0x80;
/* How often a stop in progress looks for threads that will never stop because they exit. */
constexpr int LOOK_MS = 20;

bool is_stop_signal(int signal) {
    return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

} // namespace

int64_t now_ms() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1000000;
}

/* Number after `field` in /proc/TID/status, 0 if there is none. */
pid_t status_number(pid_t tid, const char *field) {
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/%d/status", tid);
    FILE *file = fopen(path, "re");
    if (file == nullptr)
        return 0;
    pid_t number = 0;
    size_t length = strlen(field);
    while (fgets(line, sizeof line, file) != nullptr)
        if (strncmp(line, field, length) == 0)
            number = atoi(line + length);
    fclose(file);
    return number;
}

/* State letter of proc(5), 0 if there is no such thread, '?' if that cannot be known. */
char thread_state(pid_t tid) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", tid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno == ENOENT || errno == ESRCH ? 0 : '?';
    ssize_t size = ::read(file, text, sizeof text - 1);
    int number = errno;
    ::close(file);
    if (size <= 0)
        return size == 0 || number == ESRCH ? 0 : '?';
    text[size] = 0;
    /* proc(5): the name before the state may hold anything, also parentheses. */
    const char *end = strrchr(text, ')');
    return end != nullptr && end[1] == ' ' ? end[2] : '?';
}

Process::~Process() {
    if (memory_fd >= 0)
        ::close(memory_fd);
}

Tracer::Tracer(std::function<void(const Event &)> report, bool waits)
    : report_(std::move(report)), waits_(waits) {
}

void Tracer::start(std::shared_ptr<Tracer> self) {
    install_wake_handler();
    Tracer *tracer = self.get();
    std::thread([self] { self->run(); }).detach();
    std::unique_lock<std::mutex> lock(tracer->mutex_);
    tracer->posted_.wait(lock, [tracer] { return tracer->started_; });
}

void Tracer::post(Work work) {
    std::lock_guard<std::mutex> lock(mutex_);
    queue_.push_back(std::move(work));
    posted_.notify_all();
    wake_thread(own_tid_);
}

void Tracer::run() {
    prepare_wake();
    own_tid_ = static_cast<pid_t>(syscall(SYS_gettid));
    timer_ = create_wake_timer(own_tid_);
    {
        std::lock_guard<std::mutex> lock(mutex_);
        started_ = true;
    }
    posted_.notify_all();
    while (!closing_) {
        run_queue();
        if (closing_)
            break;
        read_records();
        if (!processes_.empty()) {
            wait_once(-1);
            continue;
        }
        std::unique_lock<std::mutex> lock(mutex_);
        posted_.wait(lock, [this] { return !queue_.empty(); });
    }
    release_guard();
    timer_delete(timer_);
}

void Tracer::run_queue() {
    for (;;) {
        Work work;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            clear_wake();
            if (queue_.empty())
                return;
            work = std::move(queue_.front());
            queue_.pop_front();
        }
        work(*this);
    }
}

/* Waits for one stop or end and handles it. False: nothing came (woken, deadline, no tracees). */
bool Tracer::wait_once(int deadline_ms) {
    int status = 0;
    if (deadline_ms >= 0)
        set_wake_timer(timer_, deadline_ms);
    long tid = wakeable_wait(&status, __WALL | __WNOTHREAD);
    if (deadline_ms >= 0)
        set_wake_timer(timer_, 0);
    if (tid > 0) {
        dispatch(static_cast<pid_t>(tid), status);
        return true;
    }
    clear_wake();
    if (tid == -ECHILD) {
        /* Threads that we believe in are gone without a word: an execve(2) took them away. */
        while (!threads_.empty())
            ended(*threads_.begin()->second, 0);
    }
    return false;
}

void Tracer::dispatch(pid_t tid, int status) {
    Thread *known = find(tid);
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
        if (known != nullptr)
            ended(*known, status);
        return;
    }
    if (!WIFSTOPPED(status))
        return;
    Thread &thread = known != nullptr ? *known : adopt(tid);
    stopped(thread, status);
}

/* A thread that stopped before the event that announces it, or an unknown forked child. */
Thread &Tracer::adopt(pid_t tid) {
    pid_t pid = status_number(tid, "Tgid:");
    if (pid == 0)
        pid = tid;
    auto found = processes_.find(pid);
    if (found != processes_.end())
        return add_thread(*found->second, tid, ThreadState::expected);
    Process &child = add_process(pid, status_number(tid, "PPid:"));
    return add_thread(child, tid, ThreadState::expected);
}

Process &Tracer::add_process(pid_t pid, pid_t parent) {
    auto process = std::make_unique<Process>();
    process->pid = pid;
    auto found = processes_.find(parent);
    if (found != processes_.end()) {
        process->fixups = found->second->fixups;
        process->breakpoints = found->second->breakpoints;
        process->own_code = found->second->own_code;
        process->own_stacks = found->second->own_stacks;
        process->traces_calls = found->second->traces_calls;
        process->watches = found->second->watches;
        process->was_watched = found->second->was_watched;
    }
    Process &added = *process;
    processes_[pid] = std::move(process);
    added.forked = parent != 0;
    if (added.forked)
        report_({Event::fork, pid, pid, parent, {}, waits_});
    return added;
}

Thread &Tracer::add_thread(Process &process, pid_t tid, ThreadState state) {
    auto thread = std::make_unique<Thread>();
    thread->tid = tid;
    thread->process = &process;
    thread->state = state;
    Thread &added = *thread;
    process.threads[tid] = std::move(thread);
    threads_[tid] = &added;
    if (state != ThreadState::expected)
        return added;
    bool is_first = tid == process.pid;
    added.parked = waits_ && (!is_first || process.forked);
    if (!is_first)
        report_({Event::thread_begin, process.pid, tid, 0, {}, waits_});
    return added;
}

/* Watches a new thread before it has done anything. */
void Tracer::begin_watching(Thread &thread) {
    try {
        open_watches(thread);
    } catch (const SystemError &error) {
        report_({Event::unwatched, thread.process->pid, thread.tid, error.number});
    }
}

Thread *Tracer::find(pid_t tid) {
    auto found = threads_.find(tid);
    return found == threads_.end() ? nullptr : found->second;
}

Process &Tracer::process(pid_t pid) {
    auto found = processes_.find(pid);
    if (found == processes_.end())
        throw SystemError(ESRCH, "process is not traced");
    return *found->second;
}

void Tracer::ended(Thread &thread, int status) {
    Process &process = *thread.process;
    pid_t tid = thread.tid;
    if (tid == process.pid || process.threads.size() == 1)
        process.exit_status = status;
    close_watches(thread);
    threads_.erase(tid);
    process.threads.erase(tid);
    if (!process.threads.empty()) {
        report_({Event::thread_end, process.pid, tid, status});
        return;
    }
    Event event = {Event::exit, process.pid, tid, process.exit_status};
    processes_.erase(process.pid);
    report_(event);
}

void Tracer::stopped(Thread &thread, int status) {
    int signal = WSTOPSIG(status);
    if (thread.state == ThreadState::expected)
        begin_watching(thread);
    thread.state = ThreadState::stopped;
    thread.event = status >> 16;
    thread.signal = 0;
    thread.group_stop = false;
    thread.syscall_stop = false;
    switch (thread.event) {
    case 0:
        if (signal == SYSCALL_STOP)
            stopped_in_system_call(thread);
        else
            stopped_by_signal(thread, signal);
        break;
    case PTRACE_EVENT_CLONE:
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
        named_child(thread, thread.event);
        break;
    case PTRACE_EVENT_EXEC:
        execed(thread);
        break;
    case PTRACE_EVENT_EXIT:
        close_watches(thread);
        if (waits_)
            leaving(thread);
        break;
    case PTRACE_EVENT_STOP:
        thread.group_stop = is_stop_signal(signal);
        thread.signal = thread.group_stop ? signal : 0;
        if (thread.group_stop)
            report_({Event::group_stop, thread.process->pid, thread.tid, signal});
        else
            keep_restartable(thread);
        saw_interrupt(thread);
        break;
    default:
        break;
    }
    rest(thread);
}

void Tracer::stopped_by_signal(Thread &thread, int signal) {
    thread.signal = saw_watched(thread, signal) || fix(thread, signal) ? 0 : signal;
}

/* Recovers faults in registered ranges and int3 sites; true if the signal is dealt with. */
bool Tracer::fix(Thread &thread, int signal) {
    Process &process = *thread.process;
    bool fault = (signal == SIGSEGV || signal == SIGBUS) && !process.fixups.empty();
    bool trap = signal == SIGTRAP && !process.breakpoints.empty();
    siginfo_t info{};
    user_regs_struct regs{};
    if ((!fault && !trap) || ptrace(PTRACE_GETSIGINFO, thread.tid, nullptr, &info) != 0 ||
        info.si_code <= 0 || ptrace(PTRACE_GETREGS, thread.tid, nullptr, &regs) != 0)
        return false;
    uint64_t target = 0;
    if (trap) {
        auto found = process.breakpoints.find(regs.rip - 1);
        target = found == process.breakpoints.end() ? 0 : found->second;
    } else {
        for (const Fixup &fixup : process.fixups)
            if (regs.rip >= fixup.start && regs.rip < fixup.end)
                target = fixup.target;
    }
    if (target == 0)
        return false;
    regs.rip = target;
    return ptrace(PTRACE_SETREGS, thread.tid, nullptr, &regs) == 0;
}

void Tracer::stopped_in_system_call(Thread &thread) {
    thread.syscall_stop = true;
    user_regs_struct regs{};
    if (thread.driven || !thread.process->traces_calls ||
        ptrace(PTRACE_GETREGS, thread.tid, nullptr, &regs) != 0)
        return;
    if (!thread.process->is_own(regs))
        saw_call(thread, regs);
}

void Tracer::named_child(Thread &parent, int event) {
    unsigned long message = 0;
    if (ptrace(PTRACE_GETEVENTMSG, parent.tid, nullptr, &message) != 0)
        return;
    pid_t tid = static_cast<pid_t>(message);
    /* Known from its own first stop, or gone already: then its end concerns nobody. */
    char state = thread_state(tid);
    if (find(tid) != nullptr || state == 0 || state == 'Z' || state == 'X')
        return;
    pid_t pid = event == PTRACE_EVENT_CLONE ? status_number(tid, "Tgid:") : tid;
    if (pid == parent.process->pid) {
        add_thread(*parent.process, tid, ThreadState::expected);
        return;
    }
    if (pid != 0)
        add_thread(add_process(pid, parent.process->pid), tid, ThreadState::expected);
}

/* execve(2): every other thread is gone, the caller has the id of the leader. */
void Tracer::execed(Thread &thread) {
    Process &process = *thread.process;
    for (auto other = process.threads.begin(); other != process.threads.end();) {
        if (other->second.get() == &thread) {
            ++other;
            continue;
        }
        close_watches(*other->second);
        threads_.erase(other->first);
        other = process.threads.erase(other);
    }
    close_watches(thread);
    process.watches.clear();
    process.generation++;
    process.held = true;
    process.fixups.clear();
    process.breakpoints.clear();
    process.own_code = process.own_stacks = {};
    if (process.memory_fd >= 0)
        ::close(process.memory_fd);
    process.memory_fd = -1;
    thread.leaves = false;
    thread.parked += waits_;
    report_({Event::exec, process.pid, thread.tid, process.generation, {}, waits_});
}

/* After a stop: lets the thread go on unless somebody wants it stopped. */
void Tracer::rest(Thread &thread) {
    if (!thread.driven && thread.process->stops == 0 && !thread.process->held)
        go_on(thread);
}

void Tracer::go_on(Thread &thread) {
    bool to_call = thread.process->traces_calls;
    /* One that ends stays until handlers have seen what it did: then nothing is left of it. */
    bool is_ending = thread.event == PTRACE_EVENT_EXIT;
    if (thread.parked > 0 || (is_ending && thread.recorded > 0))
        return;
    if (thread.group_stop)
        resume_thread(thread, PTRACE_LISTEN, 0);
    else
        resume_thread(thread, to_call ? PTRACE_SYSCALL : PTRACE_CONT, thread.signal);
}

void Tracer::resume_thread(Thread &thread, int request, int signal) {
    /* Fails only for a thread that was killed; its end is still to come. */
    ptrace(static_cast<__ptrace_request>(request), thread.tid, nullptr, static_cast<long>(signal));
    thread.state = request == PTRACE_LISTEN ? ThreadState::listening : ThreadState::running;
    thread.signal = 0;
}

void Tracer::interrupt(Thread &thread) {
    thread.interrupted = true;
    ptrace(PTRACE_INTERRUPT, thread.tid, nullptr, nullptr);
}

std::vector<pid_t> Tracer::ids(const Process &process) const {
    std::vector<pid_t> tids;
    for (const auto &[tid, thread] : process.threads)
        if (thread->state == ThreadState::stopped)
            tids.push_back(tid);
    return tids;
}

bool Tracer::all_stopped(Process &process) {
    for (const auto &entry : process.threads) {
        const Thread &thread = *entry.second;
        if (thread.state != ThreadState::stopped && !thread.dying)
            return false;
    }
    return true;
}

/* Zombies (a main thread that has exited) never stop; their end is reported later or never. */
void Tracer::mark_dying(Process &process) {
    for (const auto &[tid, thread] : process.threads) {
        if (thread->state == ThreadState::stopped)
            continue;
        char state = thread_state(tid);
        thread->dying = state == 0 || state == 'Z' || state == 'X';
    }
}

std::vector<pid_t> Tracer::stop(pid_t pid, int deadline_ms) {
    Process &target = process(pid);
    int generation = target.generation;
    target.stops++;
    for (const auto &entry : target.threads) {
        Thread &thread = *entry.second;
        if (thread.state == ThreadState::running || thread.state == ThreadState::listening)
            interrupt(thread);
    }
    int64_t deadline = now_ms() + deadline_ms;
    for (;;) {
        Process &now = process(pid);
        if (now.generation != generation) {
            resume(pid);
            throw SystemError(ESTALE, "process executes another program");
        }
        if (all_stopped(now))
            return ids(now);
        if (now_ms() >= deadline) {
            resume(pid);
            throw SystemError(ETIMEDOUT, "threads do not stop");
        }
        if (!wait_once(LOOK_MS))
            mark_dying(process(pid));
    }
}

void Tracer::resume(pid_t pid) {
    Process &target = process(pid);
    if (target.stops > 0 && --target.stops > 0)
        return;
    if (target.held)
        return;
    for (const auto &entry : target.threads)
        if (entry.second->state == ThreadState::stopped)
            go_on(*entry.second);
}

void Tracer::release(pid_t pid) {
    Process &target = process(pid);
    if (!target.held)
        return;
    target.held = false;
    target.stops++;
    resume(pid);
}

/* Keeps a process that is stopped from going on until it is released. */
void Tracer::hold(pid_t pid) {
    process(pid).held = true;
}
