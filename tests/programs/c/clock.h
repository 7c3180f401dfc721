/* Replaces `clock_gettime` in order to move the clocks by which the library measures the age of a
 * token. The clock for waiting is unchanged.
 *
 * Include this in one source file of a program. */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile time_t wall_clock_moved_s, monotonic_clock_moved_s;

int clock_gettime(clockid_t clock, struct timespec *time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, time);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        time->tv_sec += wall_clock_moved_s;
    else if (clock == CLOCK_MONOTONIC_COARSE)
        time->tv_sec += monotonic_clock_moved_s;
    return result;
}

/* Sets the wall clock. */
static void set_wall_clock(long seconds)
{
    wall_clock_moved_s += seconds;
}

/* Moves all clocks forward by a number of seconds. */
static void advance_clocks(long seconds)
{
    set_wall_clock(seconds);
    monotonic_clock_moved_s += seconds;
}
