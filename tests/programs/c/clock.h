/* The clocks by which the library tells how old a token is, moved on request: a program's own
 * `clock_gettime` comes before the C library's. The clock that waiting goes by stays as it is.
 *
 * For one source file of a program. */
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

/* As if so many seconds had passed. */
static void advance_clocks(long seconds)
{
    wall_clock_moved_s += seconds;
    monotonic_clock_moved_s += seconds;
}

/* As if someone had set the clock. */
static void set_wall_clock(long seconds)
{
    wall_clock_moved_s += seconds;
}
