/*
 * What handlers that run here look at: system calls of a process, where its threads are, which of
 * them access some data, and events that the kernel or the processor counts.
 *
 * A thread of which such an event is told stays parked until its handlers are done. Stops of our
 * own cut system calls short, and the kernel makes them again: neither that end nor that second
 * begin is an event of the program. All of it is undone by the kernel if we die: a parked thread
 * goes on as from any ptrace stop. Source: ptrace(2), signal(7).
 *
 * Events that the kernel brings about are only recorded, with the thread's registers: a signal at
 * each page fault or context switch would keep a system call or an instruction from ever ending.
 *
 * Data and other events are watched by a perf event of each thread (perf_event_open(2), data as
 * PERF_TYPE_BREAKPOINT) that sends its own thread SIGURG, before the next instruction. The thread
 * stops for it as for any signal, and the signal ends here. If we die, the events go with our
 * descriptors, and a SIGURG that is on its way does nothing, unlike the SIGTRAP of debug registers
 * set by ptrace(2): signals that nobody handles and that are ignored by default end no program.
 */
#include "tracer.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

/*
 * System calls that fail with EINTR when a stop without a signal interrupts them (signal(7)), and
 * that are the same when made once more.
 */
bool is_cut_short(uint64_t number) {
    switch (number) {
    case SYS_epoll_wait:
    case SYS_epoll_pwait:
    case 441: /* epoll_pwait2 */
    case SYS_semop:
    case SYS_semtimedop:
    case SYS_rt_sigtimedwait:
    case SYS_io_getevents:
    case 333: /* io_pgetevents */
        return true;
    default:
        return false;
    }
}

/* Kernel's values for calls that are made again (include/linux/errno.h). */
constexpr int64_t ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514,
                  ERESTART_RESTARTBLOCK = 516;

/* True if the call that ends with `regs` is made again unless a signal handler runs. */
bool is_made_again(const user_regs_struct &regs) {
    int64_t result = -static_cast<int64_t>(regs.rax);
    return result == ERESTARTSYS || result == ERESTARTNOINTR || result == ERESTARTNOHAND ||
           result == ERESTART_RESTARTBLOCK || (result == EINTR && is_cut_short(regs.orig_rax));
}

bool is_call_begin(pid_t tid, const user_regs_struct &regs) {
    __ptrace_syscall_info info{};
    if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0)
        return info.op == PTRACE_SYSCALL_INFO_ENTRY;
    /* Linux before 5.3: the kernel puts this into rax before the call. */
    return static_cast<int64_t>(regs.rax) == -ENOSYS;
}

void check(bool good, const char *what) {
    if (!good)
        throw SystemError(errno, what);
}

/* In the order of their bits in sample_regs_user (asm/perf_regs.h): its segments are not there. */
constexpr uint64_t RECORDED_REGISTERS = 0xff0fff;

/* A record with registers (perf_event_open(2), PERF_RECORD_SAMPLE). */
struct Record {
    perf_event_header header;
    /* 0: there are none. */
    uint64_t abi;
    uint64_t ax, bx, cx, dx, si, di, bp, sp, ip, flags, cs, ss, r8, r9, r10, r11, r12, r13, r14,
        r15;
};

user_regs_struct registers_of(const Record &record) {
    user_regs_struct regs{};
    regs.orig_rax = static_cast<uint64_t>(-1);
    if (record.abi == 0)
        return regs;
    regs.rax = record.ax, regs.rbx = record.bx, regs.rcx = record.cx, regs.rdx = record.dx;
    regs.rsi = record.si, regs.rdi = record.di, regs.rbp = record.bp, regs.rsp = record.sp;
    regs.r8 = record.r8, regs.r9 = record.r9, regs.r10 = record.r10, regs.r11 = record.r11;
    regs.r12 = record.r12, regs.r13 = record.r13, regs.r14 = record.r14, regs.r15 = record.r15;
    regs.rip = record.ip, regs.eflags = record.flags, regs.cs = record.cs, regs.ss = record.ss;
    return regs;
}

/* A perf event, still disabled, that counts for a thread. */
int open_event(pid_t tid, const Watch &watch) {
    bool records = watch.how != Watch::stops;
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = watch.type;
    attributes.config = watch.config;
    attributes.sample_period = watch.sample;
    attributes.freq = watch.is_frequency;
    attributes.bp_type = watch.access;
    attributes.bp_addr = watch.address;
    attributes.bp_len = watch.bytes;
    attributes.sample_type = records ? PERF_SAMPLE_REGS_USER : 0;
    attributes.sample_regs_user = records ? RECORDED_REGISTERS : 0;
    attributes.wakeup_events = 1;
    attributes.disabled = 1;
    /* A signal that comes while the kernel is at work would end system calls. */
    attributes.exclude_kernel = !records;
    attributes.exclude_hv = 1;
    auto open = [&] {
        return syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC);
    };
    long file = open();
    if (file < 0 && errno == EACCES && watch.how == Watch::records_permitted) {
        attributes.exclude_kernel = 1;
        file = open();
    }
    check(file >= 0, "perf_event_open");
    return static_cast<int>(file);
}

/*
 * True if what is counted does not say when something is due: the period of a frequency changes,
 * and clocks go on in the kernel, where nothing is told.
 */
bool is_timed(const Watch &watch) {
    bool is_clock = watch.type == PERF_TYPE_SOFTWARE && (watch.config == PERF_COUNT_SW_CPU_CLOCK ||
                                                         watch.config == PERF_COUNT_SW_TASK_CLOCK);
    return is_clock || watch.is_frequency;
}

/* `watch` with its address in a thread, which is stopped. */
Watch place(Watch watch, pid_t tid) {
    if (!watch.is_in_thread)
        return watch;
    user_regs_struct regs{};
    check(ptrace(PTRACE_GETREGS, tid, nullptr, &regs) == 0, "read the thread pointer");
    if (regs.fs_base == 0)
        throw SystemError(ENXIO, "thread pointer");
    watch.address += regs.fs_base;
    return watch;
}

/* For some 700 records; a power of two. Fewer where a user may not lock so much memory. */
constexpr size_t RECORD_PAGES = 32;

} // namespace

OpenWatch::OpenWatch(pid_t tid, pid_t tracer, const Watch &watch)
    : OpenWatch(open_event(tid, watch)) {
    period_ = watch.sample;
    is_recording_ = watch.how != Watch::stops;
    is_timed_ = is_timed(watch);
    if (is_recording_)
        map_records(PROT_READ | PROT_WRITE, RECORD_PAGES);
    else if (is_timed_)
        map_records(PROT_READ, 1);
    f_owner_ex owner = {F_OWNER_TID, is_recording_ ? tracer : tid};
    check(fcntl(event_fd_, F_SETOWN_EX, &owner) == 0 && fcntl(event_fd_, F_SETSIG, SIGURG) == 0 &&
              fcntl(event_fd_, F_SETFL, O_ASYNC) == 0 &&
              ioctl(event_fd_, PERF_EVENT_IOC_ENABLE, 0) == 0,
          "enable a perf event");
}

OpenWatch::OpenWatch(int event_fd) : event_fd_(event_fd) {
}

OpenWatch::~OpenWatch() {
    if (page_ != nullptr)
        munmap(page_, mapped_);
    ::close(event_fd_);
}

/* Pages that we cannot write are filled again and again. */
void OpenWatch::map_records(int protection, size_t pages) {
    size_t page = static_cast<size_t>(getpagesize());
    for (;; pages /= 2) {
        mapped_ = (1 + pages) * page;
        void *start = mmap(nullptr, mapped_, protection, MAP_SHARED, event_fd_, 0);
        if (start != MAP_FAILED) {
            page_ = static_cast<perf_event_mmap_page *>(start);
            return;
        }
        if (errno == EPERM && pages == 1)
            throw SystemError(ENOMEM, "mmap of a perf event");
        check(errno == EPERM, "mmap of a perf event");
    }
}

/*
 * How many of the records since `counted_` are samples, which are bare headers where they stop the
 * thread; of what has been overwritten since, which are most of them, all count as such.
 */
uint64_t OpenWatch::count_samples() {
    uint64_t head = __atomic_load_n(&page_->data_head, __ATOMIC_ACQUIRE);
    uint64_t count = 0;
    if (head - counted_ > mapped_ - static_cast<size_t>(getpagesize())) {
        count = (head - counted_) / sizeof(perf_event_header);
        counted_ = head;
    }
    while (counted_ < head) {
        perf_event_header header{};
        copy_records(counted_, &header, sizeof header);
        counted_ += std::max<uint64_t>(header.size, sizeof header);
        count += header.type == PERF_RECORD_SAMPLE;
    }
    return count;
}

/* How often something has been due; seen_ if that cannot be known. */
uint64_t OpenWatch::all_seen() {
    uint64_t count = 0;
    if (is_timed_)
        return is_recording_ ? seen_ : seen_ + count_samples();
    return ::read(event_fd_, &count, sizeof count) == sizeof count ? count / period_ : seen_;
}

void OpenWatch::disable() {
    ioctl(event_fd_, PERF_EVENT_IOC_DISABLE, 0);
}

uint64_t OpenWatch::newly_seen() {
    uint64_t all = all_seen();
    uint64_t fresh = all - seen_;
    seen_ = all;
    return fresh;
}

/* Records go round in the pages behind the first one. */
void OpenWatch::copy_records(uint64_t from, void *to, size_t bytes) const {
    size_t page = static_cast<size_t>(getpagesize());
    const auto *records = reinterpret_cast<const uint8_t *>(page_) + page;
    size_t start = from % (mapped_ - page);
    size_t first = std::min(bytes, mapped_ - page - start);
    memcpy(to, records + start, first);
    memcpy(static_cast<uint8_t *>(to) + first, records, bytes - first);
}

void OpenWatch::take_records(const std::function<void(const user_regs_struct &)> &take) {
    uint64_t head = __atomic_load_n(&page_->data_head, __ATOMIC_ACQUIRE);
    uint64_t at = page_->data_tail;
    while (at < head) {
        Record record{};
        copy_records(at, &record.header, sizeof record.header);
        copy_records(at, &record, std::min<size_t>(record.header.size, sizeof record));
        at += record.header.size;
        if (record.header.type != PERF_RECORD_SAMPLE)
            continue;
        seen_++;
        take(registers_of(record));
    }
    __atomic_store_n(&page_->data_tail, at, __ATOMIC_RELEASE);
}

/*
 * A system call that our interrupt made fail with EINTR is made to restart, as one that a signal
 * without handler interrupts. The kernel still turns it into EINTR if a handler runs first.
 */
void Tracer::keep_restartable(Thread &thread) {
    user_regs_struct regs{};
    if (ptrace(PTRACE_GETREGS, thread.tid, nullptr, &regs) != 0)
        return;
    if (!is_cut_short(regs.orig_rax) || static_cast<int64_t>(regs.rax) != -EINTR)
        return;
    regs.rax = static_cast<uint64_t>(-ERESTARTNOHAND);
    ptrace(PTRACE_SETREGS, thread.tid, nullptr, &regs);
}

/* Tells of an event of a stopped thread, which goes on when that has been dealt with. */
void Tracer::park(Thread &thread, Event::Kind kind, const user_regs_struct &regs, int64_t value) {
    thread.parked++;
    report_({kind, thread.process->pid, thread.tid, value, regs});
}

/* Has a thread wait where it stands, or stops next, for one `unpark` more. */
void Tracer::park(pid_t tid) {
    Thread *thread = find(tid);
    if (thread != nullptr)
        thread->parked++;
}

void Tracer::unpark(pid_t tid) {
    Thread *thread = find(tid);
    if (thread == nullptr || thread->parked == 0 || --thread->parked > 0)
        return;
    if (thread->state == ThreadState::stopped)
        rest(*thread);
}

/* Tells of the end of a thread; that of the first one is the end of its process. */
void Tracer::leaving(Thread &thread) {
    Process &process = *thread.process;
    thread.leaves = true;
    bool is_last = std::all_of(process.threads.begin(), process.threads.end(),
                               [](const auto &entry) { return entry.second->leaves; });
    auto tell = [&](bool of_process) {
        thread.parked++;
        report_({Event::leave, process.pid, thread.tid, of_process, {}, true});
    };
    if (thread.tid != process.pid)
        tell(false);
    if (is_last)
        tell(true);
}

void Tracer::saw_call(Thread &thread, const user_regs_struct &regs) {
    if (!is_call_begin(thread.tid, regs)) {
        if (thread.interrupted && is_made_again(regs))
            thread.cut_call = regs;
        else
            park(thread, Event::call_end, regs);
        return;
    }
    std::optional<user_regs_struct> cut = thread.cut_call;
    thread.cut_call.reset();
    if (cut && cut->rip == regs.rip)
        return;
    /* A handler ran after all, so the program has seen the end of the call. */
    if (cut) {
        cut->rax = static_cast<uint64_t>(-EINTR);
        park(thread, Event::call_end, *cut);
    }
    park(thread, Event::call, regs);
}

/*
 * A thread has stopped because we asked for it. In a handler of ours, where it may have locks that
 * those of samples want, it does nothing of the program's that a sample could tell.
 */
void Tracer::saw_interrupt(Thread &thread) {
    uint32_t sampled = thread.group_stop ? 0 : thread.sampled;
    thread.interrupted = false;
    thread.sampled = 0;
    user_regs_struct regs{};
    if (sampled != 0 && ptrace(PTRACE_GETREGS, thread.tid, nullptr, &regs) == 0 &&
        !thread.process->is_own(regs))
        park(thread, Event::sample, regs, sampled);
}

/* The process must be stopped or held: running threads would go on as they do. */
void Tracer::trace_calls(pid_t pid, bool on) {
    Process &target = process(pid);
    target.traces_calls = on;
    for (const auto &entry : target.threads)
        entry.second->cut_call.reset();
}

/* Looks at where the threads are that have a processor or wait for one. */
void Tracer::sample(pid_t pid, uint32_t value) {
    for (const auto &[tid, thread] : process(pid).threads) {
        if (thread->state != ThreadState::running || thread_state(tid) != 'R')
            continue;
        if (thread->sampled == 0)
            interrupt(*thread);
        thread->sampled |= value;
    }
}

/* Replaces what is watched in a process that is stopped or held; if it fails, nothing is. */
void Tracer::watch(pid_t pid, const std::vector<Watch> &watches) {
    Process &target = process(pid);
    for (const auto &entry : target.threads)
        close_watches(*entry.second);
    target.watches = watches;
    target.was_watched |= !watches.empty();
    long wanted = options() | (watches.empty() ? 0 : PTRACE_O_TRACEEXIT);
    try {
        for (const auto &[tid, thread] : target.threads) {
            /* Fails for a thread that ends or still runs: then it tells of its end, no harm. */
            ptrace(PTRACE_SETOPTIONS, tid, nullptr, wanted);
            open_watches(*thread);
        }
    } catch (const SystemError &) {
        watch(pid, {});
        throw;
    }
}

void Tracer::open_watches(Thread &thread) {
    for (const Watch &watch : thread.process->watches) {
        try {
            Watch placed = place(watch, thread.tid);
            thread.watches.push_back(std::make_unique<OpenWatch>(thread.tid, own_tid_, placed));
        } catch (const SystemError &error) {
            /* A thread that has ended does nothing. */
            if (error.number != ESRCH)
                throw;
            return;
        }
    }
}

/* Tells what has been recorded of threads whose last records have been dealt with. */
void Tracer::read_records() {
    for (const auto &[pid, process] : processes_) {
        if (process->watches.empty())
            continue;
        for (const auto &[tid, thread] : process->threads)
            if (thread->recorded == 0)
                read_records(*thread);
    }
}

void Tracer::read_records(Thread &thread) {
    for (size_t i = 0; i < thread.watches.size(); i++) {
        if (!thread.watches[i]->is_recording())
            continue;
        thread.watches[i]->take_records([&](const user_regs_struct &regs) {
            thread.recorded++;
            report_({Event::recorded, thread.process->pid, thread.tid, int64_t(1) << i, regs});
        });
    }
}

void Tracer::acknowledge(pid_t tid) {
    Thread *thread = find(tid);
    if (thread == nullptr || thread->recorded == 0 || --thread->recorded > 0)
        return;
    if (thread->event == PTRACE_EVENT_EXIT && thread->state == ThreadState::stopped)
        rest(*thread);
}

/* Ends the watches of a thread; what came with a signal that it blocks has not been told. */
void Tracer::close_watches(Thread &thread) {
    uint64_t missed = 0;
    /* Its own stop is a context switch, which may be still to come. */
    for (const auto &open : thread.watches)
        open->disable();
    read_records(thread);
    for (const auto &open : thread.watches)
        missed += open->newly_seen();
    thread.watches.clear();
    if (missed > 0)
        report_({Event::missed, thread.process->pid, thread.tid, static_cast<int64_t>(missed)});
}

/* True if the signal that a thread is to get is that of a watch; it shall not get that. */
bool Tracer::saw_watched(Thread &thread, int signal) {
    siginfo_t info{};
    if (signal != SIGURG || !thread.process->was_watched ||
        ptrace(PTRACE_GETSIGINFO, thread.tid, nullptr, &info) != 0 || info.si_code != POLL_IN)
        return false;
    user_regs_struct regs{};
    if (ptrace(PTRACE_GETREGS, thread.tid, nullptr, &regs) != 0)
        return true;
    int64_t seen = 0;
    uint64_t missed = 0;
    for (size_t i = 0; i < thread.watches.size(); i++) {
        OpenWatch &open = *thread.watches[i];
        uint64_t fresh = open.is_recording() ? 0 : open.newly_seen();
        seen |= static_cast<int64_t>(fresh > 0) << i;
        missed += fresh > 0 ? fresh - 1 : 0;
    }
    /* In a handler, which may look at memory, or for a remote system call: not the program's. */
    if (thread.driven || thread.process->is_own(regs))
        return true;
    if (missed > 0)
        report_({Event::missed, thread.process->pid, thread.tid, static_cast<int64_t>(missed)});
    if (seen != 0)
        park(thread, Event::watched, regs, seen);
    return true;
}
