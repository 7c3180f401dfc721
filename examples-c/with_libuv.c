/*
 * Gets tokens in a libuv loop, which goes on while they are exchanged.
 *
 *     with_libuv [INTEGRATION...]
 *
 * Each argument is the GUID of an integration; without any, one token is requested.
 */
#define _POSIX_C_SOURCE 200809L /* libuv's header needs it */

#include <connectcreds.h>

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct operation {
    uv_poll_t poll;
    cc_call *call;
    const char *integration;
};

static int failures;
static uv_timer_t ticks;
static int pending;

static void report(const cc_token *token, cc_error *error)
{
    if (error != NULL) {
        fprintf(stderr, "%s: %s\n", cc_status_name(cc_error_status(error)),
                cc_error_message(error));
        cc_error_free(error);
        failures++;
    } else {
        printf("token    %s, expires at %lld\n", cc_token_type(token),
               (long long)cc_token_expires_at(token));
    }
    if (--pending == 0)
        uv_close((uv_handle_t *)&ticks, NULL);
}

/* The loop has let go of the descriptor: now the call may close it. */
static void closed(uv_handle_t *handle)
{
    struct operation *operation = handle->data;
    cc_call_free(operation->call);
    free(operation);
}

static void done(uv_poll_t *poll, int status, int events)
{
    struct operation *operation = poll->data;
    cc_token *token;
    cc_error *error;
    (void)status;
    (void)events;
    cc_call_finish(operation->call, &token, &error); /* does not block: the call is done */
    report(token, error);
    cc_token_free(token);
    uv_close((uv_handle_t *)poll, closed);
}

static void begin(uv_loop_t *loop, const char *integration)
{
    struct operation *operation = calloc(1, sizeof *operation);
    cc_request *request = cc_request_new();
    cc_error *error;
    if (operation == NULL)
        abort();
    pending++;
    cc_request_set_audience(request, integration);
    /* The request is copied. */
    cc_status status = cc_service_account_token_start(request, &operation->call, &error);
    cc_request_free(request);
    if (status != CC_OK) {
        report(NULL, error);
        free(operation);
        return;
    }
    operation->poll.data = operation;
    if (uv_poll_init(loop, &operation->poll, cc_call_fd(operation->call)) != 0 ||
        uv_poll_start(&operation->poll, UV_READABLE, done) != 0) {
        fprintf(stderr, "no descriptor\n");
        exit(EXIT_FAILURE);
    }
}

/* Stands for the rest of a program that goes on. */
static void tick(uv_timer_t *timer)
{
    (void)timer;
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_timer_init(loop, &ticks);
    uv_timer_start(&ticks, tick, 1, 1);
    if (argc == 1)
        begin(loop, NULL);
    for (int i = 1; i < argc; i++)
        begin(loop, argv[i]);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_loop_close(loop);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
