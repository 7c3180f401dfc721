/* Shared parts of the programs with mocks. Include this in one source file of a program. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <connectcreds.h>

#include "checked.h"

static int failures;

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            failures++; \
        } \
    } while (0)

/* The outcome of a call is the text of a token or the name of a status. */
#define IS(outcome, expected) is(outcome, expected, #outcome, __LINE__)

static inline void is(char *outcome, const char *expected, const char *what, int line)
{
    if (strcmp(outcome, expected) != 0) {
        printf("line %d: %s is %s instead of %s\n", line, what, outcome, expected);
        failures++;
    }
    free(outcome);
}

static inline char *copy_of(const char *text)
{
    return strcpy(malloc(strlen(text) + 1), text);
}

/* Returns the text of the outcome, and frees the token and the error. */
static inline char *outcome(cc_status status, cc_token *token, cc_error *error)
{
    char *text = copy_of(status == CC_OK ? cc_token_access_token(token) : cc_status_name(status));
    cc_token_free(token);
    cc_error_free(error);
    return text;
}

static inline char *service_account(const cc_request *request)
{
    cc_token *token;
    cc_error *error;
    cc_status status = cc_service_account_token(request, &token, &error);
    return outcome(status, token, error);
}

static inline char *viewer(const char *session_token, const cc_request *request)
{
    cc_token *token;
    cc_error *error;
    cc_status status = cc_viewer_token(session_token, request, &token, &error);
    return outcome(status, token, error);
}

static inline char *workload(const cc_request *request)
{
    cc_token *token;
    cc_error *error;
    cc_status status = cc_workload_token(request, &token, &error);
    return outcome(status, token, error);
}

/* Creates a request with a cache key of its own. */
static inline char *scoped(const char *scope)
{
    cc_request *request = cc_request_new();
    cc_request_set_scope(request, scope);
    char *answer = service_account(request);
    cc_request_free(request);
    return answer;
}

/* Returns the message of a failed call. */
static inline char *message(const cc_request *request)
{
    cc_token *token;
    cc_error *error;
    cc_service_account_token(request, &token, &error);
    char *text = copy_of(error != NULL ? cc_error_message(error) : "");
    cc_error_free(error);
    cc_token_free(token);
    return text;
}

static inline cc_mock *mock_token(const char *access_token)
{
    cc_mock *mock;
    CHECK(cc_mock_token(access_token, &mock, NULL) == CC_OK);
    return mock;
}

static inline cc_mock *mock_function(cc_mock_fn function, void *user_data)
{
    cc_mock *mock;
    CHECK(cc_mock_function(function, user_data, &mock, NULL) == CC_OK);
    return mock;
}

static inline cc_cache_stats stats(void)
{
    cc_cache_stats stats;
    cc_cache_get_stats(&stats, sizeof stats);
    return stats;
}

/* Replies with this token, which expires in an hour. */
static inline void reply_token(cc_mock_reply *reply, const char *name)
{
    char body[200];
    snprintf(body, sizeof body, "{\"access_token\": \"%s\", \"expires_in\": 3600}", name);
    cc_mock_reply_set(reply, 200, NULL, body);
}

/* ---- Threads ---- */

/* Steps for which threads wait. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int step;

static inline void reach(int which)
{
    pthread_mutex_lock(&lock);
    step = which;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static inline void await(int which)
{
    pthread_mutex_lock(&lock);
    while (step < which)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static inline pthread_t start(void *(*work)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, work, argument) != 0) {
        puts("no thread");
        exit(1);
    }
    return thread;
}

static inline char *finish(pthread_t thread)
{
    void *result;
    pthread_join(thread, &result);
    return result;
}

static inline void *ask(void *scope)
{
    return scope != NULL ? scoped(scope) : service_account(NULL);
}

/* An alarm ends a scene that hangs, after this time. */
#define SCENE_S 120

/* A scene and its name. */
struct scene {
    const char *name;
    void (*play)(void);
};

static inline int play(const struct scene *scenes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(scenes[i].name, name) == 0) {
            alarm(SCENE_S * slower());
            prepare_for_checker();
            scenes[i].play();
            return failures > 0;
        }
    }
    fprintf(stderr, "no such scene: %s\n", name);
    return 2;
}
