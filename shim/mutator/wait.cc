/* See wait.h. */
#include "wait.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

extern "C" {
long wt_wait_entry(const volatile int *woken, int *status, int options);
extern const char wt_wait_test[], wt_wait_end[], wt_wait_woken[];
}

/* System V ABI in; wait4(-1, status, options, NULL) unless *woken. */
__asm__(".pushsection .text\n"
        ".hidden wt_wait_entry, wt_wait_test, wt_wait_end, wt_wait_woken\n"
        ".globl wt_wait_entry, wt_wait_test, wt_wait_end, wt_wait_woken\n"
        ".type wt_wait_entry, @function\n"
        "wt_wait_entry:\n"
        "  mov %rdi, %r8\n"
        "  mov $-1, %rdi\n"
        "  xor %r10d, %r10d\n"
        "  mov $61, %eax\n"
        "wt_wait_test:\n"
        "  cmpl $0, (%r8)\n"
        "  jne wt_wait_woken\n"
        "  syscall\n"
        "wt_wait_end:\n"
        "  ret\n"
        "wt_wait_woken:\n"
        "  mov $-4, %rax\n"
        "  ret\n"
        ".size wt_wait_entry, . - wt_wait_entry\n"
        ".popsection\n");

namespace {

thread_local volatile int woken = 0;

int wake_signal() {
    return SIGRTMAX - 3;
}

void on_wake(int, siginfo_t *, void *context) {
    auto *user = static_cast<ucontext_t *>(context);
    greg_t &ip = user->uc_mcontext.gregs[REG_RIP];
    woken = 1;
    if (ip >= reinterpret_cast<greg_t>(wt_wait_test) && ip < reinterpret_cast<greg_t>(wt_wait_end))
        ip = reinterpret_cast<greg_t>(wt_wait_woken);
}

} // namespace

void install_wake_handler() {
    struct sigaction action {};
    action.sa_sigaction = on_wake;
    action.sa_flags = SA_SIGINFO;
    sigfillset(&action.sa_mask);
    sigaction(wake_signal(), &action, nullptr);
    sigaction(SIGURG, &action, nullptr);
}

void prepare_wake() {
    sigset_t set;
    woken = 0;
    sigfillset(&set);
    sigdelset(&set, wake_signal());
    sigdelset(&set, SIGURG);
    pthread_sigmask(SIG_SETMASK, &set, nullptr);
}

void wake_thread(pid_t tid) {
    syscall(SYS_tgkill, getpid(), tid, wake_signal());
}

void clear_wake() {
    woken = 0;
}

timer_t create_wake_timer(pid_t tid) {
    timer_t timer{};
    struct sigevent event {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = wake_signal();
    event._sigev_un._tid = tid;
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    return timer;
}

void set_wake_timer(timer_t timer, int milliseconds) {
    struct itimerspec spec {};
    spec.it_value.tv_sec = milliseconds / 1000;
    spec.it_value.tv_nsec = (milliseconds % 1000) * 1000000l;
    timer_settime(timer, 0, &spec, nullptr);
}

long wakeable_wait(int *status, int options) {
    return wt_wait_entry(&woken, status, options);
}
