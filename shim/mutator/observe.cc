/*
 * What handlers that run here look at: system calls of a process, and where its threads are.
 *
 * A thread of which such an event is told stays parked until its handlers are done. Stops of our
 * own cut system calls short, and the kernel makes them again: neither that end nor that second
 * begin is an event of the program. All of it is undone by the kernel if we die: a parked thread
 * goes on as from any ptrace stop. Source: ptrace(2), signal(7).
 */
#include "tracer.h"

#include <cerrno>
#include <sys/ptrace.h>
#include <sys/syscall.h>

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

} // namespace

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
        else if (!thread.hide_end)
            park(thread, Event::call_end, regs);
        thread.hide_end = false;
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
    for (const auto &entry : target.threads) {
        entry.second->hide_end = false;
        entry.second->cut_call.reset();
    }
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
