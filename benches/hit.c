/*
 * Measures a cache hit through the C ABI, and its parts. See README.md; `benches/run` builds and
 * runs it.
 *
 *     hit                   all tables
 *     hit hits              the first two
 *     hit count WHAT CALLS  CALLS hits of one kind, to count instructions (WHAT: the first table)
 */
#define _GNU_SOURCE
#include <connectcreds.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 101, CALLS = 5000, SESSIONS = 100000, TOKEN_BYTES = 1000 };

static void fail(const char *what)
{
    fprintf(stderr, "hit: %s\n", what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Returns the processor time of this thread, on which other programs have less influence. */
static int64_t worked_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static uint64_t random_number(void)
{
    static _Thread_local uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* ---- The environment: about 40 variables, as content on Connect has ---- */

/* One name a line would fill a page. */
/* clang-format off */
static const char *const OTHERS[] = {
    "BASH_ENV", "CONNECT_CONTENT_GUID", "CONNECT_CONTENT_JOB_KEY", "CONNECT_OAUTH_INTEGRATION",
    "EDITOR", "HOME", "HOSTNAME", "LANG", "LANGUAGE", "LC_ALL", "LD_LIBRARY_PATH", "LOGNAME",
    "LS_COLORS", "MAIL", "MPLCONFIGDIR", "OMP_NUM_THREADS", "PATH", "PIP_CACHE_DIR",
    "PYTHONPATH", "PYTHONUNBUFFERED", "PWD", "RETICULATE_PYTHON", "RSTUDIO_PANDOC",
    "RSTUDIO_PRODUCT", "R_CONFIG_ACTIVE", "R_HOME", "R_LIBS_SITE", "R_LIBS_USER", "SHELL",
    "SHLVL", "SSL_CERT_DIR", "TERM", "TMPDIR", "TZ", "USER", "XDG_CACHE_HOME",
};
static const char *const OURS[] = {
    "CONNECT_API_KEY", "CONNECT_CONTENT_SESSION_TOKEN", "CONNECT_SERVER", "POSIT_PRODUCT",
};
/* The variables that the library reads, in its order. */
static const char *const ASKED[] = {
    "POSIT_PRODUCT", "CONNECT_CONTENT_SESSION_TOKEN_FILE", "CONNECT_CONTENT_SESSION_TOKEN",
    "CONNECT_SERVER", "CONNECT_API_KEY",
};
/* clang-format on */
enum { N_OTHERS = sizeof OTHERS / sizeof *OTHERS, N_OURS = sizeof OURS / sizeof *OURS };

static char server[200], api_key[200], content_token[200], standin_url[200];

static void keep(char *place, const char *name)
{
    const char *value = getenv(name);
    if (value == NULL || strlen(value) >= sizeof server)
        fail("run it under connect-standin, see benches/run");
    strcpy(place, value);
}

static void set_environment(void)
{
    keep(server, "CONNECT_SERVER");
    keep(api_key, "CONNECT_API_KEY");
    keep(content_token, "CONNECT_CONTENT_SESSION_TOKEN");
    keep(standin_url, "STANDIN_URL");
    const char *values[N_OURS] = {api_key, content_token, server, "CONNECT"};
    clearenv();
    /* Sorted by name. */
    for (size_t other = 0, our = 0; other + our < N_OTHERS + N_OURS;) {
        if (our == N_OURS || (other < N_OTHERS && strcmp(OTHERS[other], OURS[our]) < 0))
            setenv(OTHERS[other++], "/some/value", 1);
        else {
            setenv(OURS[our], values[our], 1);
            our++;
        }
    }
}

/* ---- Orders the server to issue tokens of a realistic size ---- */

static void order_tokens(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)atoi(strrchr(standin_url, ':') + 1));
    char token[TOKEN_BYTES + 1], body[TOKEN_BYTES + 400], request[TOKEN_BYTES + 800];
    memset(token, 'a', TOKEN_BYTES);
    token[TOKEN_BYTES] = '\0';
    int length =
        snprintf(body, sizeof body,
                 "{\"always\": {\"order\": \"success\", \"json\": {\"access_token\": \"%s\", "
                 "\"issued_token_type\": \"urn:ietf:params:oauth:token-type:access_token\", "
                 "\"token_type\": \"Bearer\", \"expires_in\": 36000}}}",
                 token);
    length = snprintf(
        request, sizeof request,
        "POST /__standin__/order HTTP/1.1\r\nhost: standin\r\ncontent-type: application/json\r\n"
        "connection: close\r\ncontent-length: %d\r\n\r\n%s",
        length, body);
    int connection = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address) != 0 ||
        write(connection, request, (size_t)length) != length ||
        read(connection, body, sizeof body) < 12 || body[9] != '2')
        fail("the stand-in takes no order");
    close(connection);
}

/* ---- A million session tokens of 200 bytes, which differ in their last 8 bytes ---- */

enum { SESSION_BYTES = 13 + 188 };
static char quads[1000][4];

static void encode(char *quad, const char *three)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | (uint32_t)three[2];
    for (int i = 0; i < 4; i++)
        quad[i] = DIGITS[bits >> (18 - 6 * i) & 63];
}

static void set_session(char *session, uint32_t number)
{
    memcpy(session + SESSION_BYTES - 8, quads[number / 1000], 4);
    memcpy(session + SESSION_BYTES - 4, quads[number % 1000], 4);
}

static void first_session(char *session, uint32_t number)
{
    strcpy(session, "user-session-");
    for (int at = 13; at < SESSION_BYTES; at += 4)
        encode(session + at, "ada");
    session[SESSION_BYTES] = '\0';
    for (int i = 0; i < 1000; i++) {
        char three[4];
        snprintf(three, sizeof three, "%03d", i);
        encode(quads[i], three);
    }
    set_session(session, number);
}

/* ---- Measures: each function repeats one operation a number of times ---- */

static cc_request *prepared, *prepared_content;
static char session[2][SESSION_BYTES + 1];
static cc_token *shared;
static uint32_t sessions_in_use = 1;

static void must(cc_status status)
{
    if (status != CC_OK)
        fail(cc_status_name(status));
}

static void viewer_hit(const char *of, const cc_request *request)
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

static void viewer_prepared(long calls)
{
    REPEAT viewer_hit(session[0], prepared);
}
static void viewer_started(long calls)
{
    REPEAT started_hit(session[0], prepared);
}
static void other_viewer_prepared(long calls)
{
    REPEAT viewer_hit(session[1], prepared);
}
static void service_prepared(long calls)
{
    REPEAT service_account_hit(prepared_content);
}
static void viewer_null(long calls)
{
    REPEAT viewer_hit(session[0], NULL);
}
static void service_null(long calls)
{
    REPEAT service_account_hit(NULL);
}

static void viewers_at_random(long calls)
{
    char some[SESSION_BYTES + 1];
    memcpy(some, session[0], sizeof some);
    REPEAT
    {
        set_session(some, (uint32_t)(random_number() % sessions_in_use));
        viewer_hit(some, prepared);
    }
}

static void names_at_random(long calls)
{
    char some[SESSION_BYTES + 1];
    memcpy(some, session[0], sizeof some);
    REPEAT
    {
        set_session(some, (uint32_t)(random_number() % sessions_in_use));
        KEEP(some);
    }
}

static void getenv_hit(long calls)
{
    REPEAT KEEP(getenv("POSIT_PRODUCT"));
}
static void getenv_miss(long calls)
{
    REPEAT KEEP(getenv("NOT_THERE"));
}
static void getenv_5(long calls)
{
    REPEAT for (int i = 0; i < 5; i++) KEEP(getenv(ASKED[i]));
}

static void clock_fine(long calls)
{
    struct timespec time;
    REPEAT
    {
        clock_gettime(CLOCK_MONOTONIC, &time);
        KEEP(&time);
    }
}

static void clocks_coarse(long calls)
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
static void mutex_pair(long calls)
{
    REPEAT
    {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
}

static _Alignas(128) _Atomic long count = 1;
static void count_pair(long calls)
{
    REPEAT
    {
        atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
        atomic_fetch_sub_explicit(&count, 1, memory_order_release);
    }
}

static _Alignas(16) char bytes[2][256];
static void compare_250(long calls)
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
static void hash_250(long calls)
{
    size_t length = 250;
    REPEAT
    {
        __asm__ volatile("" : "+r"(length));
        KEEP(hash_of(bytes[0], length));
    }
}

static void token_ref_free(long calls)
{
    REPEAT cc_token_free(cc_token_ref(shared));
}

/* ---- Measuring ---- */

typedef void (*repeated)(long calls);

struct measure {
    const char *name;
    repeated one;   /* on this thread, or on a second one if there is another */
    repeated other; /* NULL: one thread */
    double aim_ns;  /* 0: none */
    double ns[ROUNDS];
};

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
static void measure(struct measure *all, size_t n)
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

static double median(const struct measure *of)
{
    return of->ns[ROUNDS / 2];
}

static void print(const struct measure *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct measure *it = &all[i];
        printf("  %-44s %7.1f  (%.1f to %.1f)", it->name, median(it), it->ns[0],
               it->ns[ROUNDS - 1]);
        if (it->aim_ns > 0)
            printf("   aim %.0f: %s", it->aim_ns, median(it) <= it->aim_ns ? "reached" : "missed");
        printf("\n");
    }
}

static void title(const char *text)
{
    printf("\n%s\n\n", text);
}

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

/* ---- Many sessions ---- */

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

static void sizes(void)
{
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

static void churn(void)
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

/* ---- */

static void prepare(void)
{
    prepared = cc_request_new();
    must(cc_request_set_server_url(prepared, server));
    must(cc_request_set_api_key(prepared, api_key));
    prepared_content = cc_request_new();
    must(cc_request_set_server_url(prepared_content, server));
    must(cc_request_set_api_key(prepared_content, api_key));
    must(cc_request_set_content_token(prepared_content, content_token));
    first_session(session[0], 0);
    first_session(session[1], 1);
    must(cc_viewer_token(session[0], prepared, &shared, NULL));
    viewer_hit(session[1], prepared);
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
    cc_cache_clear();
    cc_config_set_cache_capacity(2 * SESSIONS);
    sizes();
    churn();
    return 0;
}
