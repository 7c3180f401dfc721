/* Hits among many sessions: their time, their memory, and the slowest of them while entries come
 * and go. */
#include "hit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SESSIONS = 100000 };

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* ---- By the number of sessions ---- */

static void fill(uint32_t from, uint32_t to)
{
    char some[SESSION_BYTES + 1];
    memcpy(some, session[0], sizeof some);
    for (uint32_t number = from; number < to; number++) {
        set_session(some, number);
        viewer_hit(some, prepared);
    }
}

static double resident_bytes(void)
{
    long all, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &all, &resident) != 2)
        fail("/proc/self/statm");
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

void sizes(void)
{
    cc_cache_clear();
    cc_config_set_cache_capacity(2 * SESSIONS);
    cc_config_set_cache_bytes((size_t)1 << 32); /* all of them stay */
    static const uint32_t SIZES[] = {1, 1000, SESSIONS};
    title("A viewer's hit by the number of sessions: ns per call, median (least to most)");
    double first = 0, before = 0;
    for (int i = 0; i < 3; i++) {
        uint32_t size = SIZES[i];
        int64_t began = now_ns();
        fill(i == 0 ? 0 : SIZES[i - 1], size);
        double each_us = (double)(now_ns() - began) / 1e3 / (size - (i == 0 ? 0 : SIZES[i - 1]));
        sessions_in_use = size;
        char names[2][60];
        snprintf(names[0], sizeof names[0], "%u: always the same", size);
        snprintf(names[1], sizeof names[1], "%u: at random", size);
        struct measure all[3] = {
            {names[0], viewer_prepared, NULL, i == 0 ? 0 : 1.5 * first, {0}},
            {names[1], viewers_at_random, NULL, 0, {0}},
            {"   of which choosing one", names_at_random, NULL, 0, {0}},
        };
        measure(all, 3);
        if (i == 0)
            first = median(&all[0]);
        print(all, 3);
        if (size == 1000)
            before = resident_bytes();
        if (size == SESSIONS)
            printf("\n  Memory: %.0f bytes per entry (a token of %d bytes, a session token of %d), "
                   "%.0f MB in all; an exchange took %.0f us.\n",
                   (resident_bytes() - before) / (SESSIONS - 1000), TOKEN_BYTES, SESSION_BYTES,
                   (resident_bytes() - before) / 1e6, each_us);
    }
}

/* ---- The slowest hit, while entries are added and dropped ---- */

enum { BUCKET_NS = 10, BUCKETS = 200000 };
static atomic_bool over;
static atomic_long misses, forgets;

static void *spin(void *unused)
{
    (void)unused;
    while (!atomic_load_explicit(&over, memory_order_relaxed))
        names_at_random(1000);
    return NULL;
}

static void *come(void *unused)
{
    (void)unused;
    for (uint32_t number = SESSIONS; !atomic_load(&over) && number < 1000000; number++) {
        fill(number, number + 1);
        atomic_fetch_add(&misses, 1);
    }
    return NULL;
}

static void *come_and_go(void *unused)
{
    (void)unused;
    char some[SESSION_BYTES + 1];
    memcpy(some, session[0], sizeof some);
    for (uint32_t number = SESSIONS - 1; !atomic_load(&over) && number > 0; number--) {
        set_session(some, number);
        cc_cache_forget_session(some);
        atomic_fetch_add(&forgets, 1);
        fill(number, number + 1);
        atomic_fetch_add(&misses, 1);
    }
    return NULL;
}

static void slowest_beside(const char *name, void *(*first)(void *), void *(*second)(void *))
{
    static uint32_t buckets[BUCKETS];
    memset(buckets, 0, sizeof buckets);
    over = false;
    misses = forgets = 0;
    pthread_t threads[2];
    void *(*works[2])(void *) = {first, second};
    for (int i = 0; i < 2; i++)
        if (works[i] != NULL && pthread_create(&threads[i], NULL, works[i], NULL) != 0)
            fail("no thread");
    int64_t slowest = 0, began = now_ns(), then = began;
    long calls = 0;
    while (then - began < INT64_C(3000000000)) {
        viewer_hit(session[0], prepared);
        int64_t now = now_ns(), took = now - then;
        then = now;
        slowest = took > slowest ? took : slowest;
        buckets[took / BUCKET_NS < BUCKETS ? took / BUCKET_NS : BUCKETS - 1]++;
        calls++;
    }
    over = true;
    for (int i = 0; i < 2; i++)
        if (works[i] != NULL)
            pthread_join(threads[i], NULL);
    long above = calls;
    double at[3];
    int bucket = 0;
    for (int i = 0; i < 3; i++) {
        static const double BEYOND[3] = {1e-2, 1e-4, 1e-5};
        while (bucket < BUCKETS && (double)above > BEYOND[i] * (double)calls)
            above -= buckets[bucket++];
        at[i] = bucket * BUCKET_NS / 1e3;
    }
    printf("  %-32s %8ld %9.2f %9.2f %9.2f %10.1f %8ld %8ld\n", name, calls / 1000, at[0], at[1],
           at[2], (double)slowest / 1e3, atomic_load(&misses), atomic_load(&forgets));
}

void churn(void)
{
    title("One token hit for 3 s among 100,000 sessions: us by which a part of the hits are done "
          "(2000.00: or later),\n"
          "and the slowest");
    printf("  %-32s %8s %9s %9s %9s %10s %8s %8s\n", "alongside", "k hits", "99 %", "99.99 %",
           "99.999 %", "slowest", "misses", "forgets");
    slowest_beside("nothing", NULL, NULL);
    slowest_beside("a thread that only computes", spin, NULL);
    slowest_beside("2 threads that only compute", spin, spin);
    slowest_beside("misses", come, NULL);
    slowest_beside("forgets and misses", come_and_go, NULL);
    slowest_beside("both", come, come_and_go);
}
