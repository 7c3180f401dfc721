/* The operations that are measured: kinds of hits, and their parts. */
#include "hit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint32_t sessions_in_use = 1;

uint64_t random_number(void)
{
    static _Thread_local uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

void viewer_hit(const char *of, const cc_request *request)
{
    cc_token *token;
    must(cc_viewer_token(of, request, &token, NULL));
    cc_token_free(token);
}

static void service_account_hit(const cc_request *request)
{
    cc_token *token;
    must(cc_service_account_token(request, &token, NULL));
    cc_token_free(token);
}

/* The same through a call that was started. */
static void started_hit(const char *of, const cc_request *request)
{
    cc_call *call;
    cc_token *token;
    must(cc_viewer_token_start(of, request, &call, NULL));
    must(cc_call_finish(call, &token, NULL));
    cc_call_free(call);
    cc_token_free(token);
}

#define REPEAT for (long left = calls; left > 0; left--)
#define KEEP(value) __asm__ volatile("" : : "r"(value) : "memory")

void viewer_prepared(long calls)
{
    REPEAT viewer_hit(session[0], prepared);
}
void viewer_started(long calls)
{
    REPEAT started_hit(session[0], prepared);
}
void other_viewer_prepared(long calls)
{
    REPEAT viewer_hit(session[1], prepared);
}
void service_prepared(long calls)
{
    REPEAT service_account_hit(prepared_content);
}
void viewer_null(long calls)
{
    REPEAT viewer_hit(session[0], NULL);
}
void service_null(long calls)
{
    REPEAT service_account_hit(NULL);
}

void viewers_at_random(long calls)
{
    char some[SESSION_BYTES + 1];
    memcpy(some, session[0], sizeof some);
    REPEAT
    {
        set_session(some, (uint32_t)(random_number() % sessions_in_use));
        viewer_hit(some, prepared);
    }
}

void names_at_random(long calls)
{
    char some[SESSION_BYTES + 1];
    memcpy(some, session[0], sizeof some);
    REPEAT
    {
        set_session(some, (uint32_t)(random_number() % sessions_in_use));
        KEEP(some);
    }
}

void getenv_hit(long calls)
{
    REPEAT KEEP(getenv("POSIT_PRODUCT"));
}
void getenv_miss(long calls)
{
    REPEAT KEEP(getenv("NOT_THERE"));
}
void getenv_5(long calls)
{
    REPEAT for (int i = 0; i < 5; i++) KEEP(getenv(ASKED[i]));
}

void clock_fine(long calls)
{
    struct timespec time;
    REPEAT
    {
        clock_gettime(CLOCK_MONOTONIC, &time);
        KEEP(&time);
    }
}

void clocks_coarse(long calls)
{
    struct timespec time;
    REPEAT
    {
        clock_gettime(CLOCK_REALTIME_COARSE, &time);
        KEEP(&time);
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
        KEEP(&time);
    }
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
void mutex_pair(long calls)
{
    REPEAT
    {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static _Alignas(128) _Atomic long count = 1;
void count_pair(long calls)
{
    REPEAT
    {
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&count, 1, memory_order_release);
    }
}

static _Alignas(16) char bytes[2][256];
void compare_250(long calls)
{
    size_t length = 250;
    KEEP(bytes);
    REPEAT
    {
        __asm__ volatile("" : "+r"(length));
        KEEP(memcmp(bytes[0], bytes[1], length));
    }
}

static uint64_t hash_of(const char *at, size_t length)
{
    uint64_t hash = length;
    for (const char *end = at + length; at < end; at += 16) {
        uint64_t words[2];
        memcpy(words, at, 16);
        unsigned __int128 product =
            (unsigned __int128)(words[0] ^ hash) * (words[1] ^ 0x9E3779B97F4A7C15u);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64);
    }
    return hash;
}
void hash_250(long calls)
{
    size_t length = 250;
    REPEAT
    {
        __asm__ volatile("" : "+r"(length));
        KEEP(hash_of(bytes[0], length));
    }
}

void token_ref_free(long calls)
{
    REPEAT cc_token_free(cc_token_ref(shared));
}
