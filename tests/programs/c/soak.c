/* Eight threads ask for the tokens of thousands of sessions at a server with faults, while the
 * process forks, clears and resizes its cache and moves its clocks. Every token must answer the
 * question that it was asked for: the server's tokens say whose they are.
 *
 * Usage: soak SECONDS SESSIONS; on standard input one session token a line. Each second it prints
 * what it has done and what it takes of the system.
 *
 * Run by tests/pressure.rs. */
#define _DEFAULT_SOURCE /* syscall() and the coarse clocks, for clock.h */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <connectcreds.h>

#include "clock.h"

enum { THREADS = 8, LONGEST = 256 };

static char (*sessions)[LONGEST];
static size_t session_count;
static volatile int over;
static unsigned long tokens, failures, forks, wrong, hung;
static int most_threads, most_files;

static void count(unsigned long *counter)
{
    __sync_fetch_and_add(counter, 1);
}

/* "user-session-NAME" is answered by "viewer-…-NAME". */
static bool answers(const char *token, const char *session)
{
    const char *name = session + strlen("user-session");
    size_t length = strlen(name), whole = strlen(token);
    return strncmp(token, "viewer-", 7) == 0 && whole > length &&
           strcmp(token + whole - length, name) == 0;
}

static void ask(unsigned *random)
{
    const char *session = sessions[(size_t)rand_r(random) % session_count];
    cc_request *request = cc_request_new();
    cc_token *token = NULL;
    int how = rand_r(random) % 20;
    cc_request_set_timeout_ms(request, how == 0 ? 5 : 3000);
    cc_request_set_force_refresh(request, how == 1);
    if (how == 2) {
        cc_call *call = NULL;
        if (cc_viewer_token_start(session, request, &call, NULL) == CC_OK && rand_r(random) % 2)
            cc_call_finish(call, &token, NULL);
        cc_call_free(call);
    } else if (cc_viewer_token(session, request, &token, NULL) != CC_OK) {
        count(&failures);
    }
    if (token != NULL) {
        count(&tokens);
        if (!answers(cc_token_access_token(token), session)) {
            count(&wrong);
            fprintf(stderr, "%s for %s\n", cc_token_access_token(token), session);
        }
    }
    if (how == 3)
        cc_token_invalidate(token);
    if (how == 4)
        cc_cache_forget_session(session);
    cc_token_free(token);
    cc_request_free(request);
}

static void fork_and_ask(unsigned *random)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        unsigned long before = wrong;
        alarm(30);
        for (int i = 0; i < 3; i++)
            ask(random);
        _exit(wrong != before);
    }
    count(&forks);
    while (waitpid(child, &status, 0) == -1)
        continue;
    if (WIFSIGNALED(status))
        count(&hung);
    else if (status != 0)
        count(&wrong);
}

static void *work(void *number)
{
    unsigned random = (unsigned)*(int *)number;
    while (!over) {
        ask(&random);
        if (rand_r(&random) % 50 == 0)
            fork_and_ask(&random);
    }
    return NULL;
}

static int entries_of(const char *directory)
{
    DIR *open = opendir(directory);
    int entries = 0;
    while (readdir(open) != NULL)
        entries++;
    closedir(open);
    return entries - 2;
}

/* The memory of this process that is not swapped out, in kB. */
static long memory_kb(void)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%*s %ld", &pages) != 1)
        exit(4);
    fclose(statm);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(int argc, char **argv)
{
    static const size_t capacities[] = {1, 10, 100, 1000, 4000, 10000};
    pthread_t threads[THREADS];
    int numbers[THREADS];
    if (argc != 3)
        return 2;
    int seconds = atoi(argv[1]);
    session_count = (size_t)atol(argv[2]);
    sessions = calloc(session_count, sizeof *sessions);
    for (size_t i = 0; i < session_count; i++) {
        if (fgets(sessions[i], LONGEST, stdin) == NULL)
            return 2;
        sessions[i][strcspn(sessions[i], "\n")] = '\0';
    }
    cc_config_set_attempt_timeout_ms(250);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i + 1;
        if (pthread_create(&threads[i], NULL, work, &numbers[i]) != 0)
            return 3;
    }
    for (int tick = 0; tick < seconds * 10; tick++) {
        /* From the last tick on, the threads have a minute to end. On a busy machine ticks take
         * longer. */
        alarm(60);
        usleep(100000);
        int now_threads = entries_of("/proc/self/task"), now_files = entries_of("/proc/self/fd");
        if (now_threads > most_threads)
            most_threads = now_threads;
        if (now_files > most_files)
            most_files = now_files;
        cc_config_set_cache_capacity(capacities[(size_t)tick % 6]);
        if (tick % 17 == 0)
            cc_cache_clear();
        if (tick % 5 == 0)
            advance_clocks(300);
        cc_config_set_background_refresh(tick % 40 < 30);
        if (tick % 10 == 9) {
            printf("second=%d tokens=%lu memory_kb=%ld threads=%d files=%d\n", tick / 10 + 1,
                   tokens, memory_kb(), now_threads - THREADS, now_files);
            fflush(stdout);
        }
    }
    over = 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("tokens=%lu failures=%lu forks=%lu wrong=%lu hung=%lu threads=%d files=%d\n", tokens,
           failures, forks, wrong, hung, most_threads - THREADS, most_files);
    free(sessions);
    return 0;
}
