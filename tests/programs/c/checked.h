/* For programs that tests/sanitizers runs under a checker of memory. Include this in one source
 * file of a program. */
#include <pthread.h>
#include <stdlib.h>

#include <connectcreds.h>

#ifdef CHECKED_BY_VALGRIND
#include <valgrind/valgrind.h>

/* A forked child keeps the memory of its parent's other threads, and of its exchanges in progress:
 * nothing in it may free what they were changing. memcheck calls that lost. Misuse is still
 * reported in children. */
static void in_child(void)
{
    VALGRIND_CLO_CHANGE("--leak-check=no");
}
#endif

/* How many times slower a program may be than without a checker. */
static inline unsigned slower(void)
{
    const char *times = getenv("CONNECTCREDS_TEST_SLOWER");
    return times != NULL ? (unsigned)atoi(times) : 1;
}

/* Gives calls that set no time of their own as much more of it. */
static inline void prepare_for_checker(void)
{
#ifdef CHECKED_BY_VALGRIND
    pthread_atfork(NULL, NULL, in_child);
#endif
    if (slower() > 1) {
        cc_config_set_timeout_ms(20000 * slower());
        cc_config_set_attempt_timeout_ms(8000 * slower());
    }
}
