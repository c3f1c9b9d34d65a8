/*
 * What the tracing thread reads and writes of its tracees: registers, memory; and the guard word
 * that tells them when it is dead (set_robust_list(2)).
 */
#include "tracer.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <unistd.h>

user_regs_struct Tracer::registers(pid_t tid) {
    user_regs_struct regs{};
    if (ptrace(PTRACE_GETREGS, tid, nullptr, &regs) != 0)
        throw SystemError(errno, "read registers");
    return regs;
}

void Tracer::set_registers(pid_t tid, const user_regs_struct &registers) {
    if (ptrace(PTRACE_SETREGS, tid, nullptr, &registers) != 0)
        throw SystemError(errno, "write registers");
}

int Tracer::memory(Process &process) {
    if (process.memory_fd < 0) {
        pid_t tid = process.pid;
        /* The first thread shows no memory once it has ended. */
        for (const auto &entry : process.threads)
            if (thread_state(tid) == 'Z')
                tid = entry.first;
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/mem", tid);
        process.memory_fd = open(path, O_RDWR | O_CLOEXEC);
        if (process.memory_fd < 0)
            throw SystemError(errno, "open memory");
    }
    return process.memory_fd;
}

std::vector<uint8_t> Tracer::read(pid_t pid, uint64_t address, size_t size) {
    std::vector<uint8_t> bytes(size);
    int file = memory(process(pid));
    for (size_t done = 0; done < size;) {
        ssize_t now =
            pread64(file, bytes.data() + done, size - done, static_cast<off64_t>(address + done));
        if (now <= 0)
            throw SystemError(now < 0 ? errno : EFAULT, "read memory");
        done += static_cast<size_t>(now);
    }
    return bytes;
}

namespace {

/* Where /proc/PID/mem may not write read-only pages, PTRACE_POKEDATA does: a word at a time. */
void poke(pid_t tid, uint64_t address, const uint8_t *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        uint64_t at = (address + done) & ~7ull;
        size_t offset = (address + done) & 7;
        size_t part = std::min<size_t>(8 - offset, size - done);
        errno = 0;
        long word = ptrace(PTRACE_PEEKDATA, tid, at, nullptr);
        if (errno != 0)
            throw SystemError(errno, "write memory");
        memcpy(reinterpret_cast<uint8_t *>(&word) + offset, bytes + done, part);
        if (ptrace(PTRACE_POKEDATA, tid, at, word) != 0)
            throw SystemError(errno, "write memory");
        done += part;
    }
}

} // namespace

void Tracer::write(pid_t pid, uint64_t address, const uint8_t *bytes, size_t size) {
    Process &target = process(pid);
    int file = memory(target);
    for (size_t done = 0; done < size;) {
        ssize_t now =
            pwrite64(file, bytes + done, size - done, static_cast<off64_t>(address + done));
        if (now > 0) {
            done += static_cast<size_t>(now);
            continue;
        }
        std::vector<pid_t> tids = ids(target);
        if (tids.empty())
            throw SystemError(now < 0 ? errno : EFAULT, "write memory");
        poke(tids.front(), address + done, bytes + done, size - done);
        return;
    }
}

pid_t Tracer::hold_guard(uint32_t *word) {
    if (guard_word_ != nullptr)
        throw SystemError(EBUSY, "set_robust_list");
    guard_.head.list.next = &guard_.entry;
    guard_.entry.next = &guard_.head.list;
    guard_.head.futex_offset = static_cast<long>(reinterpret_cast<intptr_t>(word) -
                                                 reinterpret_cast<intptr_t>(&guard_.entry));
    guard_.head.list_op_pending = nullptr;
    __atomic_store_n(word, static_cast<uint32_t>(own_tid_), __ATOMIC_SEQ_CST);
    if (syscall(SYS_set_robust_list, &guard_.head, sizeof guard_.head) != 0)
        throw SystemError(errno, "set_robust_list");
    guard_word_ = word;
    return own_tid_;
}

void Tracer::release_guard() {
    if (guard_word_ == nullptr)
        return;
    guard_.head.list.next = &guard_.head.list;
    __atomic_store_n(guard_word_, 0u, __ATOMIC_SEQ_CST);
    guard_word_ = nullptr;
}
