/* Attaching to a running process, all its threads, and letting go of one. Source: ptrace(2). */
#include "tracer.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <sys/ptrace.h>

namespace {

std::vector<pid_t> list_tasks(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    std::vector<pid_t> tids;
    DIR *directory = opendir(path);
    if (directory == nullptr)
        return tids;
    while (dirent *entry = readdir(directory))
        if (entry->d_name[0] != '.')
            tids.push_back(atoi(entry->d_name));
    closedir(directory);
    return tids;
}

} // namespace

/* Attaches one thread; false if it is exiting, so that there is nothing to attach. */
bool Tracer::seize_thread(Process &process, pid_t tid) {
    if (ptrace(PTRACE_SEIZE, tid, nullptr, options()) == 0) {
        add_thread(process, tid, ThreadState::running);
        return true;
    }
    int number = errno;
    char state = thread_state(tid);
    if (state == 0 || state == 'Z' || state == 'X')
        return false;
    if (status_number(tid, "TracerPid:") != own_tid_)
        throw SystemError(number, "ptrace");
    add_thread(process, tid, ThreadState::expected);
    return true;
}

void Tracer::seize_threads(Process &process) {
    for (int clean = 0; clean < 2; clean++) {
        for (pid_t tid : list_tasks(process.pid)) {
            if (find(tid) == nullptr && seize_thread(process, tid))
                clean = -1;
        }
    }
    if (process.threads.empty())
        throw SystemError(ESRCH, "ptrace");
}

std::vector<pid_t> Tracer::seize(pid_t pid) {
    if (processes_.count(pid) != 0)
        throw SystemError(EBUSY, "process is traced already");
    Process &target = add_process(pid, 0);
    try {
        seize_threads(target);
    } catch (const SystemError &) {
        if (target.threads.empty()) {
            processes_.erase(pid);
            throw;
        }
        stop(pid, 5000);
        detach(pid);
        throw;
    }
    std::vector<pid_t> tids;
    for (const auto &entry : target.threads)
        tids.push_back(entry.first);
    return tids;
}

/* Lets go of a stopped process; each held signal is delivered. */
void Tracer::detach(pid_t pid) {
    Process &target = process(pid);
    if (!all_stopped(target))
        throw SystemError(EBUSY, "process runs");
    for (const auto &entry : target.threads)
        detach_thread(*entry.second);
    for (const auto &entry : target.threads)
        threads_.erase(entry.first);
    processes_.erase(pid);
}

void Tracer::detach_thread(Thread &thread) {
    if (thread.state == ThreadState::stopped)
        ptrace(PTRACE_DETACH, thread.tid, nullptr,
               static_cast<long>(thread.group_stop ? 0 : thread.signal));
}
