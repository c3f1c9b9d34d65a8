/*
 * What handlers that run here look at: system calls of a process, where its threads are, and which
 * of them access some data.
 *
 * A thread of which such an event is told stays parked until its handlers are done. Stops of our
 * own cut system calls short, and the kernel makes them again: neither that end nor that second
 * begin is an event of the program. All of it is undone by the kernel if we die: a parked thread
 * goes on as from any ptrace stop. Source: ptrace(2), signal(7).
 *
 * Data is watched by a perf event of each thread (perf_event_open(2), PERF_TYPE_BREAKPOINT) that
 * sends its own thread SIGURG, before the next instruction. The thread stops for it as for any
 * signal, and the signal ends here. If we die, the events go with our descriptors, and a SIGURG
 * that is on its way does nothing, unlike the SIGTRAP of debug registers set by ptrace(2): signals
 * that nobody handles and that are ignored by default end no program.
 */
#include "tracer.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
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

/* A perf event that counts the accesses of a thread and sends it a signal at each. */
int open_watch(pid_t tid, const Watch &watch) {
    perf_event_attr attributes{};
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_BREAKPOINT;
    attributes.bp_type = watch.reads ? HW_BREAKPOINT_RW : HW_BREAKPOINT_W;
    attributes.bp_addr = watch.address;
    attributes.bp_len = watch.bytes;
    attributes.sample_period = 1;
    attributes.wakeup_events = 1;
    attributes.disabled = 1;
    /* A signal that comes while the kernel accesses the data would end system calls. */
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    int file = static_cast<int>(
        syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC));
    if (file < 0)
        throw SystemError(errno, "perf_event_open");
    f_owner_ex owner = {F_OWNER_TID, tid};
    if (fcntl(file, F_SETOWN_EX, &owner) == 0 && fcntl(file, F_SETSIG, SIGURG) == 0 &&
        fcntl(file, F_SETFL, O_ASYNC) == 0 && ioctl(file, PERF_EVENT_IOC_ENABLE, 0) == 0)
        return file;
    int number = errno;
    close(file);
    throw SystemError(number, "enable a perf event");
}

/* Accesses since the last look. */
uint64_t new_accesses(OpenWatch &watch) {
    uint64_t count = 0;
    if (read(watch.event_fd, &count, sizeof count) != sizeof count)
        return 0;
    uint64_t fresh = count - watch.seen;
    watch.seen = count;
    return fresh;
}

} // namespace

Thread::~Thread() {
    for (const OpenWatch &watch : watches)
        close(watch.event_fd);
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

void Tracer::unpark(pid_t tid) {
    Thread *thread = find(tid);
    if (thread == nullptr || thread->parked == 0 || --thread->parked > 0)
        return;
    if (thread->state == ThreadState::stopped)
        rest(*thread);
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

/* A thread has stopped because we asked for it. */
void Tracer::saw_interrupt(Thread &thread) {
    uint32_t sampled = thread.group_stop ? 0 : thread.sampled;
    thread.interrupted = false;
    thread.sampled = 0;
    user_regs_struct regs{};
    if (sampled != 0 && ptrace(PTRACE_GETREGS, thread.tid, nullptr, &regs) == 0)
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

/* Replaces what is watched in a process; if it fails, nothing is. */
void Tracer::watch_data(pid_t pid, const std::vector<Watch> &watches) {
    Process &target = process(pid);
    for (const auto &entry : target.threads)
        close_watches(*entry.second);
    target.watches = watches;
    target.was_watched |= !watches.empty();
    try {
        for (const auto &entry : target.threads)
            open_watches(*entry.second);
    } catch (const SystemError &) {
        watch_data(pid, {});
        throw;
    }
}

void Tracer::open_watches(Thread &thread) {
    for (const Watch &watch : thread.process->watches) {
        try {
            thread.watches.push_back({open_watch(thread.tid, watch), 0});
        } catch (const SystemError &error) {
            /* A thread that has ended accesses nothing. */
            if (error.number != ESRCH)
                throw;
            return;
        }
    }
}

/* Ends the watches of a thread; accesses that came with a signal it blocks have not been told. */
void Tracer::close_watches(Thread &thread) {
    uint64_t missed = 0;
    for (OpenWatch &watch : thread.watches) {
        missed += new_accesses(watch);
        ::close(watch.event_fd);
    }
    thread.watches.clear();
    if (missed > 0)
        report_({Event::missed, thread.process->pid, thread.tid, static_cast<int64_t>(missed)});
}

/* True if the signal that a thread is to get is that of a watch; it shall not get that. */
bool Tracer::saw_access(Thread &thread, int signal) {
    siginfo_t info{};
    if (signal != SIGURG || !thread.process->was_watched ||
        ptrace(PTRACE_GETSIGINFO, thread.tid, nullptr, &info) != 0 || info.si_code != POLL_IN)
        return false;
    user_regs_struct regs{};
    if (ptrace(PTRACE_GETREGS, thread.tid, nullptr, &regs) != 0)
        return true;
    int64_t touched = 0;
    uint64_t missed = 0;
    for (size_t i = 0; i < thread.watches.size(); i++) {
        uint64_t fresh = new_accesses(thread.watches[i]);
        touched |= static_cast<int64_t>(fresh > 0) << i;
        missed += fresh > 0 ? fresh - 1 : 0;
    }
    /* Where faults are repaired, our own handlers look at memory. */
    for (const Fixup &fixup : thread.process->fixups)
        if (regs.rip >= fixup.start && regs.rip <= fixup.end)
            return true;
    if (missed > 0)
        report_({Event::missed, thread.process->pid, thread.tid, static_cast<int64_t>(missed)});
    if (touched != 0)
        park(thread, Event::access, regs, touched);
    return true;
}
