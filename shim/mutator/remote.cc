/*
 * System calls made by a tracee for us.
 *
 * The thread runs a stub in executable bytes that no code uses. The stub restores every register
 * that the call destroys and jumps back to where the thread was, all by itself; we only watch it
 * with system-call stops. So if this process is killed in the middle, the tracee finishes the stub
 * alone and computes on as if nothing had been.
 *
 *      0  syscall                        rax rdi rsi rdx r10 r8 r9 are set when we send it here
 *      2  movabs rax … r11, saved value  9 × 10 bytes; flags and rsp are never touched
 *     92  jmp [rip+0]
 *     98  address of the interrupted instruction
 *    112  data of the call
 *
 * A thread that waits in a system call is saved twice: the stub has what user space must see to
 * make the call again (the kernel does the same in arch_do_signal_or_restart); when we are alive we
 * put back the very registers we found, orig_rax too, before the thread goes on, so that the kernel
 * itself decides between restarting and EINTR. A signal that comes meanwhile ends the attempt:
 * the thread gets its old registers back first and the signal is delivered in that state.
 */
#include "tracer.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/ptrace.h>

namespace {

constexpr size_t SYSCALL_BYTES = 2;
constexpr int ATTEMPTS = 1000;
constexpr int64_t SETTLE_MS = 5000;

/* Kernel's restart codes (include/linux/errno.h) and restart_syscall(2). */
constexpr int64_t ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514,
                  ERESTART_RESTARTBLOCK = 516;
constexpr uint64_t RESTART_SYSCALL = 219;

/* What the thread has in user space when it goes on without us and without a signal. */
user_regs_struct resumed_state(user_regs_struct regs) {
    if (static_cast<int64_t>(regs.orig_rax) >= 0) {
        switch (-static_cast<int64_t>(regs.rax)) {
        case ERESTARTSYS:
        case ERESTARTNOINTR:
        case ERESTARTNOHAND:
            regs.rax = regs.orig_rax;
            regs.rip -= SYSCALL_BYTES;
            break;
        case ERESTART_RESTARTBLOCK:
            regs.rax = RESTART_SYSCALL;
            regs.rip -= SYSCALL_BYTES;
            break;
        default:
            break;
        }
    }
    return regs;
}

void put(std::vector<uint8_t> &code, std::initializer_list<uint8_t> opcode, uint64_t value) {
    code.insert(code.end(), opcode);
    for (int i = 0; i < 8; i++)
        code.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

/* What a call destroys, and the opcodes of movabs to it. */
constexpr struct {
    unsigned long long user_regs_struct::*field;
    uint8_t rex, opcode;
} RESTORED[] = {
    {&user_regs_struct::rax, 0x48, 0xb8}, {&user_regs_struct::rdi, 0x48, 0xbf},
    {&user_regs_struct::rsi, 0x48, 0xbe}, {&user_regs_struct::rdx, 0x48, 0xba},
    {&user_regs_struct::r10, 0x49, 0xba}, {&user_regs_struct::r8, 0x49, 0xb8},
    {&user_regs_struct::r9, 0x49, 0xb9},  {&user_regs_struct::rcx, 0x48, 0xb9},
    {&user_regs_struct::r11, 0x49, 0xbb},
};
constexpr size_t MOVE_BYTES = 10;
constexpr size_t JUMP_BYTES = 6;

std::vector<uint8_t> stub_bytes(const user_regs_struct &regs) {
    std::vector<uint8_t> code = {0x0f, 0x05};
    for (const auto &[field, rex, opcode] : RESTORED)
        put(code, {rex, opcode}, regs.*field);
    put(code, {0xff, 0x25, 0, 0, 0, 0}, regs.rip);
    code.resize(REMOTE_STUB_BYTES, 0xcc);
    return code;
}

/* Gives a thread what the stub in `code` would leave it with. False: that is no stub. */
bool finish_stub(const std::vector<uint8_t> &code, user_regs_struct &regs) {
    user_regs_struct end = regs;
    const uint8_t *at = code.data() + SYSCALL_BYTES;
    for (const auto &[field, rex, opcode] : RESTORED) {
        memcpy(&(end.*field), at + 2, sizeof(uint64_t));
        at += MOVE_BYTES;
    }
    memcpy(&end.rip, at + JUMP_BYTES, sizeof(uint64_t));
    if (stub_bytes(end) != code)
        return false;
    regs = end;
    regs.orig_rax = ~0ull;
    return true;
}

user_regs_struct stub_state(user_regs_struct regs, const RemoteCall &remote) {
    regs.orig_rax = ~0ull;
    regs.rip = remote.slack;
    regs.rax = remote.number;
    regs.rdi = remote.arguments[0];
    regs.rsi = remote.arguments[1];
    regs.rdx = remote.arguments[2];
    regs.r10 = remote.arguments[3];
    regs.r8 = remote.arguments[4];
    regs.r9 = remote.arguments[5];
    return regs;
}

/* True if a forced SIGSYS (seccomp(2), SECCOMP_RET_TRAP) waits for the thread. */
bool denied_by_seccomp(pid_t tid) {
    __ptrace_peeksiginfo_args query = {0, 0, 8};
    siginfo_t pending[8];
    long count = ptrace(PTRACE_PEEKSIGINFO, tid, &query, pending);
    for (long i = 0; i < count; i++)
        if (pending[i].si_signo == SIGSYS)
            return true;
    return false;
}

} // namespace

/* Waits until the thread is stopped. Throws when it ends or does not stop. */
Thread &Tracer::wait_for(pid_t tid) {
    int64_t deadline = now_ms() + SETTLE_MS;
    for (;;) {
        Thread *thread = find(tid);
        if (thread == nullptr)
            throw SystemError(ESRCH, "thread ended");
        if (thread->state == ThreadState::stopped)
            return *thread;
        if (now_ms() >= deadline)
            throw SystemError(ETIMEDOUT, "thread does not stop");
        wait_once(100);
    }
}

/* A thread for a remote call: asleep in a system call before running, settled before others. */
pid_t Tracer::pick_thread(Process &process) {
    pid_t best = 0;
    int best_rank = -1;
    for (const auto &[tid, thread] : process.threads) {
        if (thread->state != ThreadState::stopped || thread->dying)
            continue;
        user_regs_struct regs{};
        if (ptrace(PTRACE_GETREGS, tid, nullptr, &regs) != 0)
            continue;
        int rank = thread->event != PTRACE_EVENT_STOP         ? 0
                   : static_cast<int64_t>(regs.orig_rax) >= 0 ? 2
                                                              : 1;
        if (rank > best_rank) {
            best = tid;
            best_rank = rank;
        }
    }
    if (best == 0)
        throw SystemError(ESRCH, "no thread left");
    return best;
}

/*
 * Brings a thread from any stop to PTRACE_EVENT_STOP, the one from which registers are taken over
 * unchanged: out of execve(2) or clone(2), and past signals that it is about to take.
 */
void Tracer::settle(pid_t tid) {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        Thread &thread = wait_for(tid);
        if (thread.event == PTRACE_EVENT_STOP)
            return;
        interrupt(thread);
        resume_thread(thread, PTRACE_CONT, thread.signal);
    }
    throw SystemError(EAGAIN, "signals do not end");
}

/*
 * rseq(2): the kernel would abort a restartable sequence that was interrupted, but it does not see
 * the one that the stub jumps back to. So abort it here.
 */
void Tracer::leave_rseq(Thread &thread, user_regs_struct &regs) {
#ifdef PTRACE_GET_RSEQ_CONFIGURATION
    __ptrace_rseq_configuration rseq{};
    if (ptrace(PTRACE_GET_RSEQ_CONFIGURATION, thread.tid, sizeof rseq, &rseq) <= 0 ||
        rseq.rseq_abi_pointer == 0)
        return;
    try {
        uint64_t pointer = 0, fields[3];
        std::vector<uint8_t> bytes = read(thread.process->pid, rseq.rseq_abi_pointer + 8, 8);
        memcpy(&pointer, bytes.data(), 8);
        if (pointer == 0)
            return;
        bytes = read(thread.process->pid, pointer + 8, sizeof fields);
        memcpy(fields, bytes.data(), sizeof fields);
        if (regs.rip - fields[0] < fields[1])
            regs.rip = fields[2];
    } catch (const SystemError &) {
        /* Not a sequence then: the kernel would kill the thread for a bad pointer. */
    }
#else
    (void)thread;
    (void)regs;
#endif
}

/* Follows the stub to the end of its call. False: interrupted by a signal before the call. */
bool Tracer::follow_stub(pid_t tid, const RemoteCall &remote, int64_t *result) {
    bool entered = false;
    for (;;) {
        resume_thread(*find(tid), PTRACE_SYSCALL, 0);
        Thread &thread = wait_for(tid);
        user_regs_struct regs = registers(tid);
        bool at_call = regs.rip == remote.slack + SYSCALL_BYTES;
        if (thread.event == 0 && !thread.syscall_stop) {
            if (thread.signal != SIGSYS || !at_call)
                return false;
            thread.signal = 0;
            *result = -EPERM;
            return true;
        }
        if (!thread.syscall_stop || !at_call)
            continue;
        if (!entered) {
            entered = true;
        } else if (regs.rax != remote.number || !denied_by_seccomp(tid)) {
            *result = static_cast<int64_t>(regs.rax);
            interrupt(thread);
            resume_thread(thread, PTRACE_CONT, 0);
            wait_for(tid);
            return true;
        }
    }
}

/* One attempt with one thread, which has its own registers again afterwards. */
bool Tracer::drive(pid_t tid, const RemoteCall &remote, int64_t *result) {
    Thread &thread = *find(tid);
    Process &process = *thread.process;
    thread.driven = true;
    settle(tid);
    user_regs_struct found = registers(tid);
    if (static_cast<int64_t>(found.orig_rax) < 0)
        leave_rseq(thread, found);
    std::vector<uint8_t> stub = stub_bytes(resumed_state(found));
    stub.insert(stub.end(), remote.data.begin(), remote.data.end());
    std::vector<uint8_t> slack = read(process.pid, remote.slack, stub.size());
    write(process.pid, remote.slack, stub.data(), stub.size());
    set_registers(tid, stub_state(found, remote));
    bool done = follow_stub(tid, remote, result);
    set_registers(tid, found);
    thread.driven = false;
    write(process.pid, remote.slack, slack.data(), slack.size());
    return done;
}

/* Takes threads out of the stub of a tracer that was just killed: ours comes in its place. */
void Tracer::leave_old_stub(Process &process, uint64_t slack) {
    if (process.stubs_left)
        return;
    std::vector<uint8_t> code = read(process.pid, slack, REMOTE_STUB_BYTES);
    for (const auto &[tid, thread] : process.threads) {
        user_regs_struct regs{};
        if (thread->state != ThreadState::stopped ||
            ptrace(PTRACE_GETREGS, tid, nullptr, &regs) != 0)
            continue;
        if (regs.rip - slack < REMOTE_STUB_BYTES && finish_stub(code, regs))
            set_registers(tid, regs);
    }
    process.stubs_left = true;
}

int64_t Tracer::call(pid_t pid, const RemoteCall &remote) {
    int64_t result = 0;
    leave_old_stub(process(pid), remote.slack);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        Process &target = process(pid);
        if (target.stops == 0 && !target.held)
            throw SystemError(EBUSY, "process runs");
        pid_t tid = target.threads.count(remote.tid) != 0 ? remote.tid : pick_thread(target);
        try {
            if (drive(tid, remote, &result))
                return result;
        } catch (const SystemError &error) {
            Thread *thread = find(tid);
            if (thread != nullptr)
                thread->driven = false;
            if (error.number != ESRCH || thread != nullptr)
                throw;
        }
    }
    throw SystemError(EAGAIN, "signals do not end");
}
