/* Starts a traced program: a child that waits until it is seized, then executes the program. */
#include "tracer.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <unistd.h>

namespace {

std::vector<char *> pointers(const std::vector<std::string> &texts) {
    std::vector<char *> list;
    for (const std::string &text : texts)
        list.push_back(const_cast<char *>(text.c_str()));
    list.push_back(nullptr);
    return list;
}

struct Prepared {
    std::vector<char *> paths, arguments, environment, shell_arguments;
    const char *directory;
    int go, failure;
};

/* Only async-signal-safe functions from here on: the other threads' locks may be held for ever. */
void reset_signals() {
    struct sigaction action {};
    action.sa_handler = SIG_DFL;
    for (int signal = 1; signal <= SIGRTMAX; signal++)
        sigaction(signal, &action, nullptr);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void run_child(Prepared &prepared) {
    char byte;
    ssize_t got;
    do
        got = read(prepared.go, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1)
        _exit(127);
    reset_signals();
    /* Node marks the descriptors that it was started with close-on-exec. */
    for (int standard = 0; standard <= 2; standard++)
        fcntl(standard, F_SETFD, 0);
    int failure = ENOENT;
    if (prepared.directory[0] != 0 && chdir(prepared.directory) != 0)
        failure = errno;
    else {
        for (char *path : prepared.paths) {
            if (path == nullptr)
                break;
            execve(path, prepared.arguments.data(), prepared.environment.data());
            /* execvp(3): a file without a magic number is a script of the shell. */
            if (errno == ENOEXEC) {
                prepared.shell_arguments[1] = path;
                execve("/bin/sh", prepared.shell_arguments.data(), prepared.environment.data());
            }
            if (errno != ENOENT && errno != ENOTDIR)
                failure = errno;
            if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
                break;
        }
    }
    ssize_t written = write(prepared.failure, &failure, sizeof failure);
    _exit(written == sizeof failure ? 127 : 126);
}

struct Pipe {
    int ends[2] = {-1, -1};
    Pipe() {
        if (pipe2(ends, O_CLOEXEC) != 0)
            throw SystemError(errno, "pipe");
    }
    ~Pipe() {
        close(0);
        close(1);
    }
    void close(int end) {
        if (ends[end] >= 0)
            ::close(ends[end]);
        ends[end] = -1;
    }
};

} // namespace

/* Gives the process, held at the end of its execve(2). */
pid_t Tracer::spawn(const SpawnOptions &options) {
    Pipe go, failure;
    Prepared prepared = {pointers(options.paths),
                         pointers(options.arguments),
                         pointers(options.environment),
                         {},
                         options.directory.c_str(),
                         go.ends[0],
                         failure.ends[1]};
    static char shell[] = "/bin/sh";
    prepared.shell_arguments = {shell, nullptr};
    for (size_t i = 1; i < prepared.arguments.size(); i++)
        prepared.shell_arguments.push_back(prepared.arguments[i]);
    pid_t pid = fork();
    if (pid < 0)
        throw SystemError(errno, "fork");
    if (pid == 0) {
        ::close(go.ends[1]);
        run_child(prepared);
    }
    failure.close(1);
    Process &child = add_process(pid, 0);
    try {
        seize_threads(child);
    } catch (const SystemError &) {
        kill(pid, SIGKILL);
        if (child.threads.empty())
            processes_.erase(pid);
        throw;
    }
    if (::write(go.ends[1], "", 1) != 1)
        throw SystemError(errno, "start program");
    while (processes_.count(pid) != 0 && process(pid).generation == 0)
        wait_once(100);
    int number = 0;
    if (::read(failure.ends[0], &number, sizeof number) == sizeof number)
        throw SystemError(number, "execve");
    process(pid);
    return pid;
}
