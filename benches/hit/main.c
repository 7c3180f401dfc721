/*
 * Measures a cache hit through the C ABI, and its parts. See ../README.md; `benches/run` builds and
 * runs it.
 *
 *     hit                   all tables
 *     hit hits              the first two
 *     hit count WHAT CALLS  CALLS hits of one kind, to count instructions (WHAT: the first table)
 */
#include "hit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VIEWER, SERVICE, VIEWER_NULL, SERVICE_NULL, STARTED, SAME, DIFFERENT, N_HITS };
static struct measure hits[N_HITS] = {
    {"viewer-prepared", viewer_prepared, NULL, 65, {0}},
    {"service-account-prepared", service_prepared, NULL, 65, {0}},
    {"viewer-null", viewer_null, NULL, 0, {0}},
    {"service-account-null", service_null, NULL, 0, {0}},
    {"viewer-started", viewer_started, NULL, 0, {0}},
    {"2 threads, one token, viewer-prepared", viewer_prepared, viewer_prepared, 100, {0}},
    {"2 threads, two tokens, viewer-prepared", viewer_prepared, other_viewer_prepared, 0, {0}},
};

enum { ENV_HIT, ENV_MISS, ENV_5, COARSE, FINE, MUTEX, COUNT, COUNT_2, COMPARE, HASH, REF, N_PARTS };
static struct measure parts[N_PARTS] = {
    {"getenv, there", getenv_hit, NULL, 0, {0}},
    {"getenv, not there", getenv_miss, NULL, 0, {0}},
    {"5 getenv: all that is asked", getenv_5, NULL, 0, {0}},
    {"2 coarse clocks", clocks_coarse, NULL, 0, {0}},
    {"clock_gettime, fine", clock_fine, NULL, 0, {0}},
    {"mutex: lock and unlock", mutex_pair, NULL, 0, {0}},
    {"atomic count: up and down", count_pair, NULL, 0, {0}},
    {"atomic count from 2 threads", count_pair, count_pair, 0, {0}},
    {"memcmp, 250 bytes", compare_250, NULL, 0, {0}},
    {"hash, 250 bytes", hash_250, NULL, 0, {0}},
    {"cc_token_ref and cc_token_free", token_ref_free, NULL, 0, {0}},
};

static void hits_and_parts(void)
{
    struct measure all[N_HITS + N_PARTS];
    memcpy(all, hits, sizeof hits);
    memcpy(all + N_HITS, parts, sizeof parts);
    measure(all, N_HITS + N_PARTS);
    title("A hit, cc_token_free() included: ns per call, median (least to most)");
    print(all, N_HITS);
    double started = median(&all[STARTED]) / median(&all[VIEWER]);
    printf("\n  viewer-started is %.2f times viewer-prepared   aim 1.50: %s\n", started,
           started <= 1.5 ? "reached" : "missed");
    title("Its parts, in the same rounds");
    const struct measure *part = all + N_HITS;
    print(part, N_PARTS);
    double sum = median(&part[ENV_5]) + median(&part[COARSE]) + median(&part[MUTEX]) +
                 median(&part[COUNT]) + median(&part[HASH]);
    double ratio = median(&all[SERVICE_NULL]) / sum;
    printf("\n  5 getenv + 2 coarse clocks + mutex + count + hash = %.1f; service-account-null is "
           "%.2f times that   aim 1.30: %s\n",
           sum, ratio, ratio <= 1.3 ? "reached" : "missed");
}

__attribute__((noinline)) void counted(repeated work, long calls)
{
    work(calls);
}

int main(int argc, char **argv)
{
    set_environment();
    order_tokens();
    prepare();
    if (argc == 4) {
        for (int i = 0; i < SAME; i++)
            if (strcmp(hits[i].name, argv[2]) == 0) {
                hits[i].one(10);
                counted(hits[i].one, atol(argv[3]));
                return 0;
            }
        fail("count what?");
    }
    hits_and_parts();
    if (argc == 2 && strcmp(argv[1], "hits") == 0)
        return 0;
    sizes();
    churn();
    return 0;
}
