/* Runs operations in rounds and prints their medians. */
#define _GNU_SOURCE
#include "hit.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* Returns the processor time of this thread, on which other programs have less influence. */
static int64_t worked_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static double time_one(repeated work)
{
    int64_t began = worked_ns();
    work(CALLS);
    return (double)(worked_ns() - began) / CALLS;
}

struct racer {
    repeated work;
    atomic_int *waiting;
    int processor;
    double ns;
};

static void *race(void *argument)
{
    struct racer *racer = argument;
    /* One processor each, so that they run at the same time. */
    cpu_set_t processor;
    CPU_ZERO(&processor);
    CPU_SET(racer->processor, &processor);
    pthread_setaffinity_np(pthread_self(), sizeof processor, &processor);
    racer->work(100);
    atomic_fetch_sub(racer->waiting, 1);
    while (atomic_load(racer->waiting) > 0)
        ;
    int64_t began = worked_ns();
    racer->work(CALLS);
    racer->ns = (double)(worked_ns() - began) / CALLS;
    return NULL;
}

/* Returns the time per call of one thread, while both run. */
static double time_two(repeated one, repeated other)
{
    atomic_int waiting = 2;
    struct racer racers[2] = {{one, &waiting, 0, 0}, {other, &waiting, 1, 0}};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, race, &racers[i]) != 0)
            fail("no thread");
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    return (racers[0].ns + racers[1].ns) / 2;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each round runs every measure once, so that other programs disturb all of them alike. */
void measure(struct measure *all, size_t n)
{
    for (int round = -1; round < ROUNDS; round++) /* the first warms up */
        for (size_t i = 0; i < n; i++) {
            double ns =
                all[i].other == NULL ? time_one(all[i].one) : time_two(all[i].one, all[i].other);
            if (round >= 0)
                all[i].ns[round] = ns;
        }
    for (size_t i = 0; i < n; i++)
        qsort(all[i].ns, ROUNDS, sizeof(double), by_size);
}

double median(const struct measure *of)
{
    return of->ns[ROUNDS / 2];
}

/* Adds it to the results that summary.py reads. */
static void record(const struct measure *it)
{
    const char *path = getenv("BENCH_RESULTS");
    FILE *results = path == NULL ? NULL : fopen(path, "a");
    if (results != NULL) {
        fprintf(results, "%s\tns\t%.2f\n", it->name, median(it));
        fclose(results);
    }
}

void print(const struct measure *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct measure *it = &all[i];
        printf("  %-44s %7.1f  (%.1f to %.1f)", it->name, median(it), it->ns[0],
               it->ns[ROUNDS - 1]);
        if (it->aim_ns > 0)
            printf("   aim %.0f: %s", it->aim_ns, median(it) <= it->aim_ns ? "reached" : "missed");
        printf("\n");
        record(it);
    }
}

void title(const char *text)
{
    printf("\n%s\n\n", text);
}
