/* Calls that do not block: started here, driven by the library, finished later.
 *
 * Usage: calls SCENE
 *
 * Run by tests/calls.rs. Failed checks are printed, and make the exit status 1. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "mock.h"

#define PATIENCE_MS (30000 * (int)slower())

/* ---- Helpers ---- */

/* Counts the entries of a directory: the descriptors or the threads of this process. */
static int count_of(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

static int descriptors(void)
{
    return count_of("/proc/self/fd");
}

static int threads(void)
{
    return count_of("/proc/self/task");
}

static void tell(const char *what)
{
    puts(what);
    fflush(stdout);
}

/* Starts a call whose cache key is its own. */
static cc_call *start_scoped(const char *scope, uint32_t timeout_ms)
{
    cc_call *call;
    cc_request *request = cc_request_new();
    cc_request_set_scope(request, scope);
    cc_request_set_timeout_ms(request, timeout_ms);
    CHECK(cc_service_account_token_start(request, &call, NULL) == CC_OK && call != NULL);
    cc_request_free(request);
    return call;
}

/* Returns the outcome of a call, and does not free it. */
static char *result_of(cc_call *call)
{
    cc_token *token;
    cc_error *error;
    cc_status status = cc_call_finish(call, &token, &error);
    return outcome(status, token, error);
}

static void *finish_elsewhere(void *call)
{
    return result_of(call);
}

static void is_a_token(char *outcome, const char *kind)
{
    if (strncmp(outcome, kind, strlen(kind)) != 0) {
        printf("%s is no token of the %s\n", outcome, kind);
        failures++;
    }
    free(outcome);
}

static bool is_readable(cc_call *call, int patience_ms)
{
    struct pollfd entry = {.fd = cc_call_fd(call), .events = POLLIN};
    return entry.fd >= 0 && poll(&entry, 1, patience_ms) == 1 && (entry.revents & POLLIN) != 0;
}

static void finish_and_free(cc_call *call)
{
    is_a_token(result_of(call), "sa-");
    cc_call_free(call);
}

/* Waits until a count is at most this. Returns the count. */
static int settles(int (*count)(void), int at_most)
{
    int seen = count();
    for (int i = 0; i < 3000 * (int)slower() && seen > at_most; i++, seen = count())
        poll(NULL, 0, 10);
    return seen;
}

/* ---- Misuse, and hits ---- */

static void nulls(void)
{
    cc_mock *mock = mock_token("token");
    cc_call *call = (cc_call *)mock;
    cc_error *error;
    CHECK(cc_service_account_token_start(NULL, NULL, &error) == CC_ERR_INVALID_ARGUMENT);
    CHECK(error != NULL);
    cc_error_free(error);
    CHECK(cc_viewer_token_start("v", NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_workload_token_start(NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_exchange_token_start("s", "t", NULL, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(cc_exchange_token_start(NULL, "t", NULL, &call, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(call == NULL);
    CHECK(cc_exchange_token_start("s", NULL, NULL, &call, NULL) == CC_ERR_INVALID_ARGUMENT);
    CHECK(!cc_call_is_done(NULL) && cc_call_fd(NULL) == -1);
    cc_token *token = (cc_token *)mock;
    CHECK(cc_call_finish(NULL, &token, &error) == CC_ERR_INVALID_ARGUMENT && token == NULL);
    cc_error_free(error);
    CHECK(cc_service_account_token_start(NULL, &call, NULL) == CC_OK);
    CHECK(cc_call_finish(call, NULL, NULL) == CC_ERR_INVALID_ARGUMENT);
    IS(result_of(call), "token");
    cc_call_free(call);
    cc_call_free(NULL);
    cc_mock_end(mock);
}

static void each_kind(void)
{
    cc_mock *mock = mock_token("token");
    cc_call *calls[4];
    CHECK(cc_service_account_token_start(NULL, &calls[0], NULL) == CC_OK);
    CHECK(cc_viewer_token_start("ada", NULL, &calls[1], NULL) == CC_OK);
    CHECK(cc_workload_token_start(NULL, &calls[2], NULL) == CC_OK);
    CHECK(cc_exchange_token_start("s", "t", NULL, &calls[3], NULL) == CC_OK);
    CHECK(cc_mock_request_count(mock) == 4);
    for (int i = 0; i < 4; i++) {
        CHECK(cc_call_is_done(calls[i]) && is_readable(calls[i], 0));
        IS(result_of(calls[i]), "token");
        cc_call_free(calls[i]);
    }
    cc_mock_end(mock);
}

static void hit(void)
{
    cc_token *first, *token;
    cc_call *call;
    CHECK(cc_service_account_token(NULL, &first, NULL) == CC_OK);
    int before = descriptors();
    CHECK(cc_service_account_token_start(NULL, &call, NULL) == CC_OK);
    CHECK(cc_call_is_done(call));
    for (int i = 0; i < 2; i++) {
        CHECK(cc_call_finish(call, &token, NULL) == CC_OK && token == first);
        cc_token_free(token);
    }
    CHECK(descriptors() == before);
    CHECK(is_readable(call, 0) && cc_call_fd(call) == cc_call_fd(call));
    CHECK(descriptors() == before + 1);
    cc_call_free(call);
    CHECK(descriptors() == before);
    CHECK(stats().exchanges == 1 && stats().hits == 1);
    cc_token_free(first);
}

static bool refuse(const cc_mock_request *request, cc_mock_reply *reply, void *called_on)
{
    (void)request;
    *(pthread_t *)called_on = pthread_self();
    cc_mock_reply_set(reply, 503, NULL, "{}");
    return true;
}

static void mock_function_thread(void)
{
    pthread_t called_on;
    cc_mock *mock = mock_function(refuse, &called_on);
    cc_call *call = start_scoped("a", 0);
    CHECK(cc_mock_request_count(mock) == 1 && cc_call_is_done(call));
    CHECK(pthread_equal(called_on, pthread_self()));
    IS(finish(start(finish_elsewhere, call)), "CC_ERR_BAD_RESPONSE");
    IS(result_of(call), "CC_ERR_BAD_RESPONSE");
    CHECK(cc_mock_request_count(mock) == 1);
    cc_mock_end(mock);
    IS(result_of(call), "CC_ERR_BAD_RESPONSE");
    cc_call_free(call);
}

/* ---- While the server holds its responses back: until a scene has told ---- */

static void miss(void)
{
    cc_call *call = start_scoped("a", 0);
    CHECK(!cc_call_is_done(call) && !is_readable(call, 0));
    tell("started");
    CHECK(is_readable(call, PATIENCE_MS) && is_readable(call, 0) && cc_call_is_done(call));
    char *token = result_of(call);
    IS(result_of(call), token);
    CHECK(is_readable(call, 0));
    is_a_token(token, "sa-");
    cc_call_free(call);
    CHECK(stats().exchanges == 1 && stats().misses == 1);
}

static void finish_blocks(void)
{
    cc_call *call = start_scoped("a", 0);
    CHECK(!cc_call_is_done(call));
    tell("started");
    finish_and_free(call);
}

static void freeing(void)
{
    cc_call *gone = start_scoped("a", 0), *stays = start_scoped("a", 0);
    CHECK(cc_call_fd(gone) >= 0);
    pthread_t blocked = start(ask, "a");
    while (stats().coalesced < 2)
        sched_yield();
    cc_call_free(gone);
    tell("started");
    is_a_token(finish(blocked), "sa-");
    finish_and_free(stays);
    CHECK(stats().exchanges == 1 && stats().failures == 0);
}

static void no_background_refresh(void)
{
    CHECK(cc_config_set_background_refresh(false) == CC_OK);
    cc_call *gone = start_scoped("gone", 0), *call = start_scoped("a", 0);
    cc_call_free(gone);
    tell("started");
    CHECK(is_readable(call, PATIENCE_MS));
    finish_and_free(call);
}

/* A start waits for no exchange of another thread. */
static void beside_a_slow_exchange(void)
{
    pthread_t slow = start(ask, "slow");
    while (stats().exchanges == 0)
        sched_yield();
    cc_call *call = start_scoped("a", 0), *same = start_scoped("slow", 0);
    CHECK(!cc_call_is_done(call) && !cc_call_is_done(same));
    tell("started");
    is_a_token(finish(slow), "sa-");
    finish_and_free(call);
    finish_and_free(same);
    CHECK(stats().exchanges == 2);
}

static void *watch_until_done(void *call)
{
    while (!cc_call_is_done(call))
        sched_yield();
    return NULL;
}

static void shared_by_threads(void)
{
    cc_call *call = start_scoped("a", 0);
    pthread_t watching[4], finishing[2];
    for (int i = 0; i < 4; i++)
        watching[i] = start(watch_until_done, call);
    for (int i = 0; i < 2; i++)
        finishing[i] = start(finish_elsewhere, call);
    /* One of the two fails at once, unless it is so late that there is a result. */
    CHECK(!is_readable(call, 0));
    tell("started");
    int tokens = 0;
    for (int i = 0; i < 2; i++) {
        char *outcome = finish(finishing[i]);
        bool is_token = strncmp(outcome, "sa-", strlen("sa-")) == 0;
        CHECK(is_token || strcmp(outcome, "CC_ERR_INVALID_ARGUMENT") == 0);
        tokens += is_token;
        free(outcome);
    }
    CHECK(tokens >= 1);
    for (int i = 0; i < 4; i++)
        finish(watching[i]);
    CHECK(is_readable(call, 0));
    finish_and_free(call);
    CHECK(stats().exchanges == 1);
}

/* ---- Deadlines ---- */

static void deadline(void)
{
    cc_call *watched = start_scoped("a", 200), *not_watched = start_scoped("b", 200);
    CHECK(is_readable(watched, PATIENCE_MS) && cc_call_is_done(watched));
    IS(result_of(watched), "CC_ERR_TIMEOUT");
    IS(result_of(watched), "CC_ERR_TIMEOUT");
    IS(result_of(not_watched), "CC_ERR_TIMEOUT");
    cc_call_free(watched);
    cc_call_free(not_watched);
    cc_call *call;
    cc_error *error;
    cc_request *request = cc_request_new();
    cc_request_set_time_left_ms(request, 0);
    CHECK(cc_service_account_token_start(request, &call, &error) == CC_ERR_TIMEOUT && call == NULL);
    cc_error_free(error);
    cc_request_free(request);
}

/* ---- Many ---- */

#define MANY 1000

static char *session_tokens[MANY];

static void read_session_tokens(void)
{
    FILE *file = fopen(getenv("VIEWERS"), "r");
    char line[1000];
    for (int i = 0; i < MANY && fgets(line, sizeof line, file) != NULL; i++) {
        line[strcspn(line, "\n")] = '\0';
        session_tokens[i] = copy_of(line);
    }
    fclose(file);
}

static void many(void)
{
    static cc_call *calls[MANY];
    static struct pollfd entries[MANY];
    read_session_tokens();
    int before = descriptors(), alone = threads(), most = 0, most_threads = 0;
    for (int i = 0; i < MANY; i++)
        CHECK(cc_viewer_token_start(session_tokens[i], NULL, &calls[i], NULL) == CC_OK);
    /* The driver's own, and connections: no descriptor is asked for in the first half. */
    for (int done = 0; done < MANY / 2; sched_yield()) {
        int now = descriptors(), running = threads();
        most = now > most ? now : most;
        most_threads = running > most_threads ? running : most_threads;
        done = 0;
        for (int i = 0; i < MANY / 2; i++)
            done += cc_call_is_done(calls[i]);
    }
    printf("descriptors %d threads %d\n", most - before, most_threads - alone);
    for (int i = 0; i < MANY; i++)
        entries[i] = (struct pollfd){.fd = cc_call_fd(calls[i]), .events = POLLIN};
    for (int left = MANY; left > 0;) {
        if (poll(entries, MANY, PATIENCE_MS) <= 0) {
            printf("%d are left\n", left);
            exit(1);
        }
        for (int i = 0; i < MANY; i++)
            if (entries[i].fd >= 0 && (entries[i].revents & POLLIN) != 0) {
                entries[i].fd = -1;
                CHECK(cc_call_is_done(calls[i]));
                is_a_token(result_of(calls[i]), "viewer-");
                left--;
            }
    }
    CHECK(threads() <= alone + 1);
    for (int i = 0; i < MANY; i++) {
        cc_call_free(calls[i]);
        free(session_tokens[i]);
    }
    cc_cache_clear();
    CHECK(settles(threads, alone) == alone);
    CHECK(stats().exchanges == MANY);
}

#define DROPPED 10000

static void dropped_at_once(void)
{
    static cc_call *calls[DROPPED];
    char scope[20];
    is_a_token(service_account(NULL), "sa-");
    cc_cache_clear();
    int before = descriptors(), alone = threads();
    for (int i = 0; i < DROPPED; i++) {
        snprintf(scope, sizeof scope, "%d", i);
        calls[i] = start_scoped(scope, 0);
        if (i % 1000 == 0)
            CHECK(cc_call_fd(calls[i]) >= 0);
    }
    for (int i = 0; i < DROPPED; i++)
        cc_call_free(calls[i]);
    /* Left exchanges that had begun go on, and are over soon. */
    CHECK(settles(threads, alone) == alone);
    cc_cache_clear();
    CHECK(settles(descriptors, before) <= before);
    is_a_token(service_account(NULL), "sa-");
}

/* ---- Failures that need no exchange ---- */

static cc_status started(const cc_request *request,
                         cc_status (*function)(const cc_request *, cc_call **, cc_error **))
{
    cc_call *call;
    cc_error *error;
    cc_status status = function(request, &call, &error);
    CHECK((call != NULL) == (status == CC_OK) && (error != NULL) == (status != CC_OK));
    cc_call_free(call);
    cc_error_free(error);
    return status;
}

static cc_status viewer_started(const cc_request *request, cc_call **call, cc_error **error)
{
    return cc_viewer_token_start(NULL, request, call, error);
}

static void failures_at_the_start(void)
{
    cc_request *request = cc_request_new();
    CHECK(started(NULL, cc_service_account_token_start) == CC_ERR_NOT_ON_CONNECT);
    CHECK(started(NULL, viewer_started) == CC_ERR_NOT_ON_CONNECT);
    CHECK(started(NULL, cc_workload_token_start) == CC_ERR_NOT_ON_CONNECT);
    cc_request_set_on_connect(request, true);
    CHECK(started(request, viewer_started) == CC_ERR_NO_SESSION);
    CHECK(started(request, cc_service_account_token_start) == CC_ERR_NOT_SUPPORTED);
    CHECK(started(request, cc_workload_token_start) == CC_ERR_NOT_SUPPORTED);
    /* The same order with a server and a key. */
    cc_request_set_server_url(request, "http://127.0.0.1:9");
    cc_request_set_api_key(request, "key");
    CHECK(started(request, cc_service_account_token_start) == CC_ERR_NOT_SUPPORTED);
    cc_request_set_server_url(request, NULL);
    cc_request_set_api_key(request, NULL);
    cc_request_set_content_token(request, "content");
    CHECK(started(request, cc_service_account_token_start) == CC_ERR_NO_SERVER);
    cc_request_set_server_url(request, "http://127.0.0.1:9");
    CHECK(started(request, cc_service_account_token_start) == CC_ERR_NO_API_KEY);
    cc_request_set_scope(request, "a\nb");
    CHECK(started(request, cc_service_account_token_start) == CC_ERR_INVALID_ARGUMENT);
    cc_request_free(request);
    CHECK(threads() == 3); /* this one, "." and ".." */
}

/* A file that is never read keeps its time of access. */
static void no_file(void)
{
    cc_request *request = cc_request_new();
    struct stat before, after;
    const char *path = getenv("CONNECT_CONTENT_SESSION_TOKEN_FILE");
    cc_request_set_on_connect(request, true);
    struct timespec old[2] = {{.tv_sec = 1}, {.tv_sec = 1000}};
    CHECK(utimensat(AT_FDCWD, path, old, 0) == 0 && stat(path, &before) == 0);
    CHECK(started(request, cc_service_account_token_start) == CC_ERR_NO_SERVER);
    cc_request_set_server_url(request, "http://127.0.0.1:9");
    CHECK(started(request, cc_service_account_token_start) == CC_ERR_NO_API_KEY);
    CHECK(stat(path, &after) == 0 && before.st_atime == 1 && after.st_atime == 1);
    cc_request_free(request);
}

/* ---- Forks ---- */

static void wait_for(pid_t child)
{
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* In the child, a call that was not done exchanges anew; the parent's is not affected. */
static void forked(void)
{
    cc_call *call = start_scoped("a", 0), *freed = start_scoped("b", 0);
    int parents = cc_call_fd(call);
    CHECK(cc_call_fd(freed) >= 0);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        CHECK(cc_call_is_done(call) && is_readable(call, 0));
        cc_call_free(freed);
        tell("started");
        char *token = result_of(call);
        IS(result_of(call), token);
        is_a_token(token, "sa-");
        cc_call_free(call);
        fflush(stdout);
        _exit(failures > 0);
    }
    CHECK(cc_call_fd(call) == parents && !is_readable(call, 0));
    CHECK(is_readable(call, PATIENCE_MS));
    finish_and_free(call);
    finish_and_free(freed);
    wait_for(child);
    CHECK(stats().exchanges == 2);
}

static volatile bool over;

/* Starts, watches and finishes calls without end. */
static void *use_calls(void *name)
{
    char scope[40];
    for (int i = 0; !over; i++) {
        snprintf(scope, sizeof scope, "%s %d", (const char *)name, i);
        cc_call *call = start_scoped(scope, 0);
        CHECK(is_readable(call, PATIENCE_MS));
        finish_and_free(call);
    }
    return NULL;
}

static void *look_without_end(void *call)
{
    while (!over) {
        cc_call_is_done(call);
        cc_call_fd(call);
    }
    return NULL;
}

static void forks_beside_calls(void)
{
    cc_call *call = start_scoped("shared", 0);
    pthread_t workers[3] = {start(use_calls, "a"), start(use_calls, "b"),
                            start(look_without_end, call)};
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        if (child == 0) {
            alarm(30 * slower());
            cc_call_is_done(call);
            CHECK(is_readable(call, PATIENCE_MS));
            finish_and_free(call);
            finish_and_free(start_scoped("child", 0));
            fflush(stdout);
            _exit(failures > 0);
        }
        wait_for(child);
    }
    over = true;
    for (int i = 0; i < 3; i++)
        finish(workers[i]);
    finish_and_free(call);
}

int main(int count, char **arguments)
{
    static const struct scene scenes[] = {
        {"nulls", nulls},
        {"each_kind", each_kind},
        {"hit", hit},
        {"mock_function_thread", mock_function_thread},
        {"miss", miss},
        {"finish_blocks", finish_blocks},
        {"freeing", freeing},
        {"no_background_refresh", no_background_refresh},
        {"beside_a_slow_exchange", beside_a_slow_exchange},
        {"shared_by_threads", shared_by_threads},
        {"deadline", deadline},
        {"many", many},
        {"dropped_at_once", dropped_at_once},
        {"failures_at_the_start", failures_at_the_start},
        {"no_file", no_file},
        {"forked", forked},
        {"forks_beside_calls", forks_beside_calls},
    };
    return play(scenes, sizeof scenes / sizeof *scenes, count > 1 ? arguments[1] : "");
}
