/*
 * A wait4(2) that another thread can end: the signal's handler moves a thread that is between the
 * test of its flag and the system call out of that gap, so no wake-up is ever lost.
 */
#ifndef WT_WAIT_H
#define WT_WAIT_H

#include <ctime>
#include <sys/types.h>

/* Installs the handler of the wake-up signal for the whole process, once. */
void install_wake_handler();
/* Blocks every signal but the wake-up in the calling thread. */
void prepare_wake();
/* Ends a wakeable_wait of thread `tid` of this process, now or when it comes to it. */
void wake_thread(pid_t tid);
/* Forgets wake-ups that came so far. */
void clear_wake();
/* A timer that wakes thread `tid`; `set_wake_timer` starts it, 0 stops it. */
timer_t create_wake_timer(pid_t tid);
void set_wake_timer(timer_t timer, int milliseconds);
/* wait4(-1, status, options): thread id, or -errno; -EINTR when woken. */
long wakeable_wait(int *status, int options);

#endif
