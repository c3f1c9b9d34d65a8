/*
 * The tracing thread: every ptrace(2) call of a session is made by it, because the kernel ties a
 * tracee to the thread that attached it.
 *
 * One Tracer = one thread. Other threads only `post` work to it. It waits for its tracees with
 * wait4(-1, __WALL | __WNOTHREAD), so children of the rest of the process are never reaped here.
 *
 *             post(work) + signal                events, replies
 *   Node  ───────────────────────►  Tracer  ───────────────────────►  Node (thread-safe function)
 *
 * Threads of a tracee are in one of four states:
 *
 *   expected   a clone or fork event named it, its first stop is yet to come
 *   running    resumed by us; nothing but an interrupt can be asked of it
 *   stopped    in a ptrace stop; registers can be read and written
 *   listening  in a group stop (SIGSTOP …) that we only watch (PTRACE_LISTEN)
 *
 * A process is *stopped* while `stops` > 0: each thread that stops stays stopped, with the signal
 * that it was about to take kept in the kernel (signal-delivery-stop), so that nothing is lost if
 * we die. It is *held* after execve(2), or when asked for, until it is released. A thread is
 * *parked* while handlers look at it (observe.cc).
 */
#ifndef WT_TRACER_H
#define WT_TRACER_H

#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <deque>
#include <functional>
#include <linux/futex.h>
#include <linux/perf_event.h>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <vector>

/* A system call that failed; `what` names it. */
struct SystemError : std::runtime_error {
    int number;
    SystemError(int number, const std::string &what) : std::runtime_error(what), number(number) {
    }
};

enum class ThreadState { expected, running, stopped, listening };

struct Process;

/* Events that handlers look at; as in struct perf_event_attr. */
struct Watch {
    enum How {
        /* The thread stops for each, in its own code. */
        stops,
        /* The kernel records each, also those in the kernel. */
        records,
        /* As `records`, or without those in the kernel where we may not see them. */
        records_permitted,
    } how;
    uint32_t type;
    uint64_t config;
    /* Events between two that are told; or how many are to be told in a second. */
    uint64_t sample;
    bool is_frequency;
    /* Of PERF_TYPE_BREAKPOINT, else 0. */
    uint32_t access;
    uint64_t address, bytes;
    /* The address is counted from the thread pointer. */
    bool is_in_thread;
};

/* A Watch of one thread. */
class OpenWatch {
  public:
    /* Sends SIGURG to the thread, or to the tracing thread if it records. Throws SystemError. */
    OpenWatch(pid_t tid, pid_t tracer, const Watch &watch);
    ~OpenWatch();
    OpenWatch(const OpenWatch &) = delete;
    OpenWatch &operator=(const OpenWatch &) = delete;
    void disable();
    /* How often something was due since the last look. */
    uint64_t newly_seen();
    bool is_recording() const {
        return is_recording_;
    }
    /* Takes what is recorded: registers of each. */
    void take_records(const std::function<void(const user_regs_struct &)> &take);

  private:
    explicit OpenWatch(int event_fd);
    void map_records(int protection, size_t pages);
    uint64_t count_samples();
    uint64_t all_seen();
    void copy_records(uint64_t from, void *to, size_t bytes) const;

    int event_fd_;
    bool is_recording_ = false;
    bool is_timed_ = false;
    /* Where the kernel records what is due, if the count does not say it. */
    perf_event_mmap_page *page_ = nullptr;
    size_t mapped_ = 0;
    uint64_t period_ = 1;
    uint64_t seen_ = 0;
    /* End of the records that were counted. */
    uint64_t counted_ = 0;
};

struct Thread {
    pid_t tid = 0;
    Process *process = nullptr;
    ThreadState state = ThreadState::expected;
    /* PTRACE_EVENT_… of the last stop, 0 for signal-delivery and system call stops. */
    int event = 0;
    /* Signal to deliver on resume; in a group stop the signal that caused it. */
    int signal = 0;
    bool group_stop = false;
    bool syscall_stop = false;
    /* Exits; no stop is to be expected. */
    bool dying = false;
    /* Has come to its end, but is still there. */
    bool leaves = false;
    /* A remote system call watches this thread itself. */
    bool driven = false;
    /* Events about it that handlers still look at. */
    int parked = 0;
    /* Was asked to stop by us, and has not yet. */
    bool interrupted = false;
    /* Not 0: its next stop that we asked for is a sample; bits of those who asked. */
    uint32_t sampled = 0;
    /* A system call that our interrupt cut short, as it ended; the kernel makes it again. */
    std::optional<user_regs_struct> cut_call;
    /* Records that handlers still look at. */
    int recorded = 0;
    /* Those of its process, in their order; may be fewer. */
    std::vector<std::unique_ptr<OpenWatch>> watches;
};

struct Range {
    uint64_t start = 0, end = 0;
    bool has(uint64_t address) const {
        return address >= start && address < end;
    }
};

/* Faults at [start, end) continue at `target`. */
struct Fixup {
    uint64_t start, end, target;
};

struct Process {
    pid_t pid = 0;
    int memory_fd = -1;
    int stops = 0;
    bool held = false;
    /* No thread is in a stub that a killed tracer left behind. */
    bool stubs_left = false;
    /* Handlers look at its system calls. */
    bool traces_calls = false;
    /* Told as a fork. */
    bool forked = false;
    /* Counts execve(2). */
    int generation = 0;
    int exit_status = 0;
    std::map<pid_t, std::unique_ptr<Thread>> threads;
    std::vector<Fixup> fixups;
    /* Our code and stacks: what a thread does there is not the program's. */
    Range own_code, own_stacks;
    /* Address of an int3 → where its thread goes on. */
    std::map<uint64_t, uint64_t> breakpoints;
    /* Of all its threads, also those to come. */
    std::vector<Watch> watches;
    /* Signals of watches may still come. */
    bool was_watched = false;
    /* True of a thread that is in one of our handlers, also in the vDSO for it. */
    bool is_own(const user_regs_struct &regs) const {
        return own_code.has(regs.rip) || own_stacks.has(regs.rsp);
    }
    ~Process();
};

/* What happened to a tracee, for JavaScript. */
struct Event {
    enum Kind {
        exec,
        fork,
        leave,
        exit,
        thread_begin,
        thread_end,
        group_stop,
        call,
        call_end,
        sample,
        watched,
        recorded,
        missed,
        unwatched,
    } kind;
    pid_t pid, tid;
    /*
     * fork: the parent; leave: 1 if no other thread is left, else 0; exit, thread_end: wait status;
     * group_stop: signal; sample: who asked; watched, recorded: bit i for the i-th watch; missed:
     * how many; unwatched: error number.
     */
    int64_t value;
    /*
     * call, call_end, sample, watched: of the thread, which is parked until `unpark`; recorded: of
     * the thread as it was, which goes on; no more of it is told until `acknowledge`.
     */
    std::optional<user_regs_struct> registers = {};
    /*
     * exec, fork, thread_begin: the thread waits for `unpark` before it does anything; leave:
     * before it ends.
     */
    bool parked = false;
};

/* One system call to be made by a tracee. */
struct RemoteCall {
    /* Executable bytes that no code uses, at least REMOTE_STUB_BYTES + data. */
    uint64_t slack;
    uint64_t number;
    uint64_t arguments[6];
    /* Placed at slack + REMOTE_STUB_BYTES for the time of the call. */
    std::vector<uint8_t> data;
    /* Thread to use while it lives, 0 for any. */
    pid_t tid;
};

/* Code of a stub, rounded up; data of the call follows. */
constexpr size_t REMOTE_STUB_BYTES = 112;

/* What each tracee stops for (ptrace(2)); its children and threads have the same options. */
constexpr long TRACE_OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                               PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;

struct SpawnOptions {
    /* Files to try in order, as execvp(3) would. */
    std::vector<std::string> paths;
    std::vector<std::string> arguments;
    std::vector<std::string> environment;
    std::string directory;
};

class Tracer {
  public:
    using Work = std::function<void(Tracer &)>;

    /* `waits`: who begins or ends waits until it is unparked. */
    Tracer(std::function<void(const Event &)> report, bool waits);
    /* Starts the thread; it owns itself through `self` until `close`. */
    static void start(std::shared_ptr<Tracer> self);
    /* Any thread: has the tracing thread run `work`. */
    void post(Work work);

    /* All below: only on the tracing thread. They throw SystemError. */
    std::vector<pid_t> seize(pid_t pid);
    pid_t spawn(const SpawnOptions &options);
    std::vector<pid_t> stop(pid_t pid, int deadline_ms);
    void resume(pid_t pid);
    void release(pid_t pid);
    void hold(pid_t pid);
    void detach(pid_t pid);
    void trace_calls(pid_t pid, bool on);
    void sample(pid_t pid, uint32_t value);
    void watch(pid_t pid, const std::vector<Watch> &watches);
    void park(pid_t tid);
    void unpark(pid_t tid);
    void acknowledge(pid_t tid);
    int64_t call(pid_t pid, const RemoteCall &remote);
    user_regs_struct registers(pid_t tid);
    void set_registers(pid_t tid, const user_regs_struct &registers);
    std::vector<uint8_t> read(pid_t pid, uint64_t address, size_t size);
    void write(pid_t pid, uint64_t address, const uint8_t *bytes, size_t size);
    Process &process(pid_t pid);
    bool idle() const {
        return processes_.empty();
    }
    /* Puts this thread's id into *word and has the kernel mark it when the thread dies. */
    pid_t hold_guard(uint32_t *word);
    void release_guard();
    void close() {
        closing_ = true;
    }

  private:
    void run();
    void run_queue();
    bool wait_once(int deadline_ms);
    void dispatch(pid_t tid, int status);
    void ended(Thread &thread, int status);
    void stopped(Thread &thread, int status);
    void stopped_by_signal(Thread &thread, int signal);
    void stopped_in_system_call(Thread &thread);
    void execed(Thread &thread);
    /* Of ptrace(2), for each tracee. */
    long options() const {
        return TRACE_OPTIONS | (waits_ ? PTRACE_O_TRACEEXIT : 0);
    }
    void named_child(Thread &parent, int event);
    bool fix(Thread &thread, int signal);
    void keep_restartable(Thread &thread);
    void rest(Thread &thread);
    void go_on(Thread &thread);
    void interrupt(Thread &thread);
    void resume_thread(Thread &thread, int request, int signal);
    Thread &adopt(pid_t tid);
    Thread &add_thread(Process &process, pid_t tid, ThreadState state);
    Process &add_process(pid_t pid, pid_t parent);
    Thread *find(pid_t tid);
    bool all_stopped(Process &process);
    void mark_dying(Process &process);
    bool seize_thread(Process &process, pid_t tid);
    void seize_threads(Process &process);
    void detach_thread(Thread &thread);
    std::vector<pid_t> ids(const Process &process) const;
    int memory(Process &process);

    /* observe.cc */
    void park(Thread &thread, Event::Kind kind, const user_regs_struct &regs, int64_t value = 0);
    void leaving(Thread &thread);
    void saw_call(Thread &thread, const user_regs_struct &regs);
    void saw_interrupt(Thread &thread);
    bool saw_watched(Thread &thread, int signal);
    void begin_watching(Thread &thread);
    void open_watches(Thread &thread);
    void close_watches(Thread &thread);
    void read_records();
    void read_records(Thread &thread);

    /* remote.cc */
    pid_t pick_thread(Process &process);
    Thread &wait_for(pid_t tid);
    void settle(pid_t tid);
    bool drive(pid_t tid, const RemoteCall &remote, int64_t *result);
    bool follow_stub(pid_t tid, const RemoteCall &remote, int64_t *result);
    void leave_rseq(Thread &thread, user_regs_struct &regs);
    void leave_old_stub(Process &process, uint64_t slack);

    std::function<void(const Event &)> report_;
    bool waits_;
    std::map<pid_t, std::unique_ptr<Process>> processes_;
    std::map<pid_t, Thread *> threads_;
    pid_t own_tid_ = 0;
    timer_t timer_{};
    bool closing_ = false;
    std::mutex mutex_;
    std::condition_variable posted_;
    std::deque<Work> queue_;
    bool started_ = false;

    struct Guard {
        robust_list_head head;
        robust_list entry;
    } guard_{};
    uint32_t *guard_word_ = nullptr;
};

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t now_ms();
/* State letter of /proc/TID/stat, 0 if there is no such thread. */
char thread_state(pid_t tid);
pid_t status_number(pid_t tid, const char *field);

#endif
