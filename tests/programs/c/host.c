/* Makes one call for each line of standard input, and writes its outcome to standard output: lines
 * `name=value`, and an empty line at the end.
 *
 * Words are separated by tabs. `\xHH` is a byte, and `(null)` is NULL. All calls use one request,
 * which is NULL until the line `request` creates it. */
#define _DEFAULT_SOURCE /* syscall() and the coarse clocks, for clock.h */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <connectcreds.h>

#include "clock.h"

#define MAX_WORDS 16

static cc_request *request;
static cc_token *last_token, *kept_token;

/* Prints `name=value` with line feeds as `\n`, or nothing for NULL. */
static void tell(const char *name, const char *value)
{
    if (value == NULL)
        return;
    printf("%s=", name);
    for (; *value != '\0'; value++) {
        if (*value == '\n')
            fputs("\\n", stdout);
        else
            putchar(*value);
    }
    putchar('\n');
}

static void tell_number(const char *name, long long value)
{
    printf("%s=%lld\n", name, value);
}

static void tell_status(cc_status status)
{
    tell("status", cc_status_name(status));
}

static void tell_token(cc_token *token)
{
    tell("access_token", cc_token_access_token(token));
    tell("type", cc_token_type(token));
    tell("issued_type", cc_token_issued_type(token));
    tell("authorization", cc_token_authorization(token));
    tell_number("expires_at", (long long)cc_token_expires_at(token));
    for (size_t i = 0; i < cc_token_field_count(token); i++) {
        char name[100];
        snprintf(name, sizeof name, "field.%s", cc_token_field_name(token, i));
        tell(name, cc_token_field_value(token, i));
        if (strcmp(cc_token_field(token, name + strlen("field.")),
                   cc_token_field_value(token, i)) != 0)
            tell("broken", "cc_token_field() differs from cc_token_field_value()");
    }
    if (cc_token_field_name(token, cc_token_field_count(token)) != NULL ||
        cc_token_field_value(token, cc_token_field_count(token)) != NULL)
        tell("broken", "there is a field behind the last one");
}

static void tell_error(cc_error *error)
{
    tell("error_status", cc_status_name(cc_error_status(error)));
    tell("message", cc_error_message(error));
    tell_number("http_status", cc_error_http_status(error));
    tell("oauth_code", cc_error_oauth_code(error));
    tell_number("connect_code", cc_error_connect_code(error));
    tell_number("retryable", cc_error_is_retryable(error));
    tell_number("retry_after_ms", (long long)cc_error_retry_after_ms(error));
}

/* Prints the outcome of a call. Keeps the token as the last one, and frees the error. */
static void tell_outcome(cc_status status, cc_token *token, cc_error *error)
{
    tell_status(status);
    if ((status == CC_OK) != (token != NULL) || (status == CC_OK) != (error == NULL))
        tell("broken", "not exactly one of token and error was given");
    if (token != NULL) {
        tell_token(token);
        cc_token_free(last_token);
        last_token = token;
    } else {
        tell_error(error);
    }
    cc_error_free(error);
}

static void tell_aws(void)
{
    cc_aws_credentials *aws = NULL;
    cc_error *error = NULL;
    tell_status(cc_token_aws_credentials(last_token, &aws, &error));
    if (aws != NULL) {
        tell("access_key_id", cc_aws_credentials_access_key_id(aws));
        tell("secret_access_key", cc_aws_credentials_secret_access_key(aws));
        tell("session_token", cc_aws_credentials_session_token(aws));
        tell_number("expires_at", (long long)cc_aws_credentials_expires_at(aws));
    } else {
        tell_error(error);
    }
    cc_aws_credentials_free(aws);
    cc_error_free(error);
}

static void tell_stats(void)
{
    cc_cache_stats stats;
    cc_cache_get_stats(&stats, sizeof stats);
    tell_number("hits", (long long)stats.hits);
    tell_number("stale_hits", (long long)stats.stale_hits);
    tell_number("misses", (long long)stats.misses);
    tell_number("exchanges", (long long)stats.exchanges);
    tell_number("coalesced", (long long)stats.coalesced);
    tell_number("failures", (long long)stats.failures);
    tell_number("evictions", (long long)stats.evictions);
    tell_number("entries", (long long)stats.entries);
}

/* The number of polls until the callback cancels. */
static bool cancelled(void *polls_left)
{
    return --*(int *)polls_left <= 0;
}

/* The log callback. It prints at once, because the library calls it only inside a call. */
static struct {
    pthread_t caller;
    int lines;
    const char *then; /* a further action of the callback */
} logged;

static void log_line(int32_t level, const char *message, void *user_data)
{
    char name[32];
    if (user_data != &logged)
        tell("broken", "the log's user data is another one");
    if (!pthread_equal(pthread_self(), logged.caller))
        tell("broken", "the log is told on a thread that makes no call");
    snprintf(name, sizeof name, "log.%03d", logged.lines++);
    printf("%s=%d %s\n", name, level, message);
    if (strcmp(logged.then, "call") == 0) {
        cc_token *token = NULL;
        cc_service_account_token(NULL, &token, NULL);
        cc_token_free(token);
    } else if (strcmp(logged.then, "remove") == 0) {
        cc_log_set_callback(CC_LOG_DEBUG, NULL, NULL);
    } else if (strcmp(logged.then, "fork") == 0) {
        pid_t child = fork();
        int status = 0;
        if (child == 0) {
            alarm(10);
            _exit(cc_has_service_account_token(NULL) ? 0 : 1);
        }
        waitpid(child, &status, 0);
        if (status != 0)
            tell("broken", "a child forked in the log's callback has no token");
    }
}

/* Sets the log callback for a level. The second word is a further action of the callback. */
static void set_log(const char *level, const char *then)
{
    static char doing[16];
    snprintf(doing, sizeof doing, "%s", then != NULL ? then : "");
    logged.caller = pthread_self();
    logged.lines = 0;
    logged.then = doing;
    cc_log_set_callback(atoi(level), log_line, &logged);
}

static void tell_report(void)
{
    char *report = NULL;
    tell_status(cc_diagnose(&report));
    tell("report", report);
    cc_string_free(report);
}

static cc_status set(const char *what, const char *value)
{
    static const struct {
        const char *name;
        cc_status (*set)(cc_request *, const char *);
    } setters[] = {
        {"resource", cc_request_set_resource},
        {"scope", cc_request_set_scope},
        {"audience", cc_request_set_audience},
        {"integration", cc_request_set_integration},
        {"requested_token_type", cc_request_set_requested_token_type},
        {"content_token", cc_request_set_content_token},
        {"server_url", cc_request_set_server_url},
        {"api_key", cc_request_set_api_key},
    };
    for (size_t i = 0; i < sizeof setters / sizeof *setters; i++)
        if (strcmp(setters[i].name, what) == 0)
            return setters[i].set(request, value);
    if (strcmp(what, "timeout_ms") == 0)
        return cc_request_set_timeout_ms(request, (uint32_t)strtoul(value, NULL, 10));
    if (strcmp(what, "min_validity_s") == 0)
        return cc_request_set_min_validity_s(request, (uint32_t)strtoul(value, NULL, 10));
    if (strcmp(what, "force_refresh") == 0)
        return cc_request_set_force_refresh(request, strcmp(value, "1") == 0);
    if (strcmp(what, "cancel_at_poll") == 0) {
        static int polls_left;
        polls_left = atoi(value);
        return cc_request_set_cancel(request, polls_left > 0 ? cancelled : NULL, &polls_left);
    }
    if (strcmp(what, "call_timeout_ms") == 0)
        return cc_config_set_timeout_ms((uint32_t)strtoul(value, NULL, 10));
    if (strcmp(what, "attempt_timeout_ms") == 0)
        return cc_config_set_attempt_timeout_ms((uint32_t)strtoul(value, NULL, 10));
    if (strcmp(what, "connect_timeout_ms") == 0)
        return cc_config_set_connect_timeout_ms((uint32_t)strtoul(value, NULL, 10));
    if (strcmp(what, "max_attempts") == 0)
        return cc_config_set_max_attempts((uint32_t)strtoul(value, NULL, 10));
    if (strcmp(what, "cache_capacity") == 0)
        return cc_config_set_cache_capacity((size_t)strtoul(value, NULL, 10));
    if (strcmp(what, "cache_bytes") == 0)
        return cc_config_set_cache_bytes((size_t)strtoul(value, NULL, 10));
    if (strcmp(what, "default_lifetime_s") == 0)
        return cc_config_set_default_lifetime_s((uint32_t)strtoul(value, NULL, 10));
    if (strcmp(what, "background_refresh") == 0)
        return cc_config_set_background_refresh(strcmp(value, "1") == 0);
    fprintf(stderr, "no setter for %s\n", what);
    exit(2);
}

static void set_ca_bundle(const char *path)
{
    cc_error *error = NULL;
    cc_status status = cc_config_set_ca_bundle(path, &error);
    tell_status(status);
    if ((status == CC_OK) != (error == NULL))
        tell("broken", "an error was given, or none, against the status");
    if (error != NULL)
        tell_error(error);
    cc_error_free(error);
}

/* Describes whether SIGPIPE's mask and disposition are unchanged and none is pending. */
static const char *sigpipe(void)
{
    sigset_t blocked, pending;
    struct sigaction action;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    sigpending(&pending);
    sigaction(SIGPIPE, NULL, &action);
    if (sigismember(&blocked, SIGPIPE))
        return "blocked";
    if (sigismember(&pending, SIGPIPE))
        return "pending";
    return action.sa_handler == SIG_DFL ? "untouched" : "handled";
}

/* The host's own threads, on which the library may read the environment. */
static __thread bool is_host_thread;
static volatile int reads_here, reads_elsewhere;
extern char **environ;

/* Comes before the C library's, so that it sees every read of the library. */
char *getenv(const char *name)
{
    size_t length = strlen(name);
    if (is_host_thread)
        reads_here++;
    else
        reads_elsewhere++;
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
            return *variable + length + 1;
    return NULL;
}

/* Has no more than `count` descriptors opened from now on; those that are open stay so. NULL: as
 * many as at the start. */
static void limit_files(const char *count)
{
    static rlim_t at_start;
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (at_start == 0)
        at_start = limit.rlim_cur;
    limit.rlim_cur = count != NULL ? (rlim_t)strtoul(count, NULL, 10) : at_start;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        exit(3);
}

static void set_variable(const char *name, const char *value)
{
    if ((value != NULL ? setenv(name, value, 1) : unsetenv(name)) != 0)
        exit(3);
}

static void call(char **word);

/* Makes the call in a forked child, which prints the outcome. An alarm ends it after 10 seconds. */
static void call_in_child(char **word)
{
    pid_t child;
    int status;
    fflush(stdout);
    child = fork();
    if (child == 0) {
        alarm(10);
        call(word);
        fflush(stdout);
        _exit(0);
    }
    waitpid(child, &status, 0);
    tell_number("child_signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
}

/* Threads that get one viewer token each, and their session tokens. */
struct asking {
    pthread_t thread;
    char *session;
};
static struct asking *asking;
static size_t asking_count;

static void *viewer_thread(void *session)
{
    cc_token *token = NULL;
    is_host_thread = true;
    return cc_viewer_token(session, request, &token, NULL) == CC_OK ? token : NULL;
}

/* Starts threads that get viewer tokens, for each word in turn. The request must not change before
 * finish_viewers(). */
static void start_viewers(size_t count, char **word)
{
    size_t viewers = 0;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 256 * 1024);
    while (word[viewers] != NULL)
        viewers++;
    asking = calloc(count, sizeof *asking);
    for (asking_count = 0; asking_count < count; asking_count++) {
        struct asking *one = &asking[asking_count];
        one->session = strdup(word[asking_count % viewers]);
        if (pthread_create(&one->thread, &small, viewer_thread, one->session) != 0)
            exit(3);
    }
    pthread_attr_destroy(&small);
}

static void finish_viewers(void)
{
    size_t got = 0, failed = 0;
    for (size_t i = 0; i < asking_count; i++) {
        void *token = NULL;
        pthread_join(asking[i].thread, &token);
        *(token != NULL ? &got : &failed) += 1;
        cc_token_free(token);
        free(asking[i].session);
    }
    free(asking);
    tell_number("got", (long long)got);
    tell_number("failed", (long long)failed);
}

/* Lists the integrations, one line each: kind|template|name|description. */
static void tell_integrations(void)
{
    cc_integrations *list;
    cc_error *error;
    cc_status status = cc_integrations_list(request, &list, &error);
    tell_status(status);
    if ((status == CC_OK) != (list != NULL) || (status == CC_OK) != (error == NULL))
        tell("broken", "a list or an error was given, or none, against the status");
    if (error != NULL)
        tell_error(error);
    tell_number("count", (long long)cc_integrations_count(list));
    for (size_t i = 0; i <= cc_integrations_count(list); i++) {
        const char *texts[] = {
            cc_integrations_auth_type(list, i),
            cc_integrations_template(list, i),
            cc_integrations_name(list, i),
            cc_integrations_description(list, i),
        };
        char name[32], line[200] = "";
        if ((cc_integrations_guid(list, i) == NULL) != (i == cc_integrations_count(list)))
            tell("broken", "an integration without a GUID, or one beyond the end");
        for (size_t text = 0; text < 4; text++) {
            strncat(line, texts[text] != NULL ? texts[text] : "-", 45);
            strcat(line, text < 3 ? "|" : "");
        }
        snprintf(name, sizeof name, "integration.%zu", i);
        if (i < cc_integrations_count(list))
            tell(name, line);
    }
    cc_integrations_free(list);
    cc_error_free(error);
}

static void call(char **word)
{
    const char *what = word[0];
    cc_token *token = NULL;
    cc_error *error = NULL;
    if (strcmp(what, "request") == 0) {
        cc_request_free(request);
        request = cc_request_new();
    } else if (strcmp(what, "set") == 0 && strcmp(word[1], "ca_bundle") == 0) {
        set_ca_bundle(word[2]);
    } else if (strcmp(what, "set") == 0) {
        tell_status(set(word[1], word[2]));
    } else if (strcmp(what, "param") == 0) {
        tell_status(cc_request_set_param(request, word[1], word[2]));
    } else if (strcmp(what, "service_account") == 0) {
        cc_status status = cc_service_account_token(request, &token, &error);
        tell_outcome(status, token, error);
    } else if (strcmp(what, "viewer") == 0) {
        cc_status status = cc_viewer_token(word[1], request, &token, &error);
        tell_outcome(status, token, error);
    } else if (strcmp(what, "workload") == 0) {
        cc_status status = cc_workload_token(request, &token, &error);
        tell_outcome(status, token, error);
    } else if (strcmp(what, "exchange") == 0) {
        cc_status status = cc_exchange_token(word[1], word[2], request, &token, &error);
        tell_outcome(status, token, error);
    } else if (strcmp(what, "integrations") == 0) {
        tell_integrations();
    } else if (strcmp(what, "has_service_account") == 0) {
        tell_number("has", cc_has_service_account_token(request));
    } else if (strcmp(what, "has_viewer") == 0) {
        tell_number("has", cc_has_viewer_token(word[1], request));
    } else if (strcmp(what, "has_workload") == 0) {
        tell_number("has", cc_has_workload_token(request));
    } else if (strcmp(what, "on_connect") == 0) {
        tell_number("on_connect", cc_running_on_connect());
    } else if (strcmp(what, "clear") == 0) {
        cc_cache_clear();
    } else if (strcmp(what, "forget") == 0) {
        cc_cache_forget_session(word[1]);
    } else if (strcmp(what, "keep") == 0) {
        cc_token_free(kept_token);
        kept_token = cc_token_ref(last_token);
    } else if (strcmp(what, "invalidate") == 0) {
        tell_number("invalidated", cc_token_invalidate(last_token));
    } else if (strcmp(what, "invalidate_kept") == 0) {
        tell_number("invalidated", cc_token_invalidate(kept_token));
    } else if (strcmp(what, "log") == 0) {
        set_log(word[1], word[2]);
    } else if (strcmp(what, "report") == 0) {
        tell_report();
    } else if (strcmp(what, "stats") == 0) {
        tell_stats();
    } else if (strcmp(what, "in_child") == 0) {
        call_in_child(word + 1);
    } else if (strcmp(what, "start_viewers") == 0) {
        start_viewers((size_t)strtoul(word[1], NULL, 10), word + 2);
    } else if (strcmp(what, "finish_viewers") == 0) {
        finish_viewers();
    } else if (strcmp(what, "advance") == 0) {
        advance_clocks(strtol(word[1], NULL, 10));
    } else if (strcmp(what, "set_wall_clock") == 0) {
        set_wall_clock(strtol(word[1], NULL, 10));
    } else if (strcmp(what, "limit_files") == 0) {
        limit_files(word[1]);
    } else if (strcmp(what, "environment_reads") == 0) {
        tell_number("here", reads_here);
        tell_number("elsewhere", reads_elsewhere);
    } else if (strcmp(what, "setenv") == 0) {
        set_variable(word[1], word[2]);
    } else if (strcmp(what, "sigpipe") == 0) {
        tell("sigpipe", sigpipe());
    } else if (strcmp(what, "complain") == 0) {
        fprintf(stderr, "%s\n", word[1]);
    } else if (strcmp(what, "aws") == 0) {
        tell_aws();
    } else {
        fprintf(stderr, "no such call: %s\n", what);
        exit(2);
    }
}

/* Replaces `\xHH` by the byte, in place. Returns NULL for `(null)`. */
static char *word_of(char *text)
{
    char *to = text;
    if (strcmp(text, "(null)") == 0)
        return NULL;
    for (const char *from = text; *from != '\0'; to++) {
        unsigned byte;
        if (from[0] == '\\' && from[1] == 'x' && sscanf(from + 2, "%2x", &byte) == 1) {
            *to = (char)byte;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
    return text;
}

int main(void)
{
    static char line[1 << 16];
    is_host_thread = true;
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *word[MAX_WORDS + 1] = {NULL};
        char *rest = line;
        line[strcspn(line, "\n")] = '\0';
        for (size_t i = 0; rest != NULL && i < MAX_WORDS; i++) {
            char *tab = strchr(rest, '\t');
            if (tab != NULL)
                *tab++ = '\0';
            word[i] = word_of(rest);
            rest = tab;
        }
        call(word);
        putchar('\n');
        fflush(stdout);
    }
    cc_token_free(kept_token);
    cc_token_free(last_token);
    cc_request_free(request);
    return 0;
}
