/*
 * Measures an exchange beside libcurl's, which sends the same request and reads no token out of the
 * response. See README.md; `benches/run` builds and runs it, with a server with TLS and one
 * without.
 *
 *     exchange             on a kept connection, over http and https
 *     exchange first WHO   the first https call of a process, in us; WHO: library or libcurl
 */
#define _GNU_SOURCE
#include <connectcreds.h>

#include <curl/curl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 101, CALLS = 10, FIRST = 21 };

static void fail(const char *what)
{
    fprintf(stderr, "exchange: %s\n", what);
    exit(1);
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    if (value == NULL)
        fail("run it by benches/run");
    return value;
}

static double now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

/* ---- A server, asked by the library and by libcurl ---- */

struct server {
    const char *url, *api_key, *content_token;
    cc_request *request;
    CURL *curl;
    struct curl_slist *headers;
    char form[2000];
    size_t received;
};

static size_t count(char *bytes, size_t size, size_t n, void *server)
{
    (void)bytes;
    ((struct server *)server)->received += size * n;
    return size * n;
}

static void prepare_library(struct server *server)
{
    server->request = cc_request_new();
    cc_request_set_server_url(server->request, server->url);
    cc_request_set_api_key(server->request, server->api_key);
    cc_request_set_content_token(server->request, server->content_token);
    cc_request_set_force_refresh(server->request, true);
}

static void prepare_libcurl(struct server *server)
{
    server->curl = curl_easy_init();
    char url[300], key[300];
    snprintf(url, sizeof url, "%s/__api__/v1/oauth/integrations/credentials", server->url);
    snprintf(key, sizeof key, "Authorization: Key %s", server->api_key);
    server->headers = curl_slist_append(NULL, key);
    server->headers = curl_slist_append(server->headers, "Accept: application/json");
    char *token = curl_easy_escape(server->curl, server->content_token, 0);
    snprintf(server->form, sizeof server->form,
             "grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Atoken-exchange&"
             "subject_token_type=urn%%3Aposit%%3Aconnect%%3Acontent-session-token&subject_token=%s",
             token);
    curl_free(token);
    curl_easy_setopt(server->curl, CURLOPT_URL, url);
    curl_easy_setopt(server->curl, CURLOPT_HTTPHEADER, server->headers);
    curl_easy_setopt(server->curl, CURLOPT_POSTFIELDS, server->form);
    curl_easy_setopt(server->curl, CURLOPT_WRITEFUNCTION, count);
    curl_easy_setopt(server->curl, CURLOPT_WRITEDATA, server);
    curl_easy_setopt(server->curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(server->curl, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
}

static void ask_library(struct server *server)
{
    cc_token *token;
    cc_error *error;
    if (cc_service_account_token(server->request, &token, &error) != CC_OK)
        fail(cc_error_message(error));
    cc_token_free(token);
}

static void ask_libcurl(struct server *server)
{
    server->received = 0;
    CURLcode code = curl_easy_perform(server->curl);
    if (code != CURLE_OK || server->received == 0)
        fail(curl_easy_strerror(code));
}

/* ---- On a kept connection ---- */

struct measure {
    const char *name;
    void (*ask)(struct server *);
    struct server *server;
    double us[ROUNDS];
};

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Prints it, and adds it to the results that summary.py reads. */
static void report(const char *name, double *us, size_t n)
{
    qsort(us, n, sizeof *us, by_size);
    printf("  %-44s %9.1f  (%.1f to %.1f)\n", name, us[n / 2], us[0], us[n - 1]);
    const char *path = getenv("BENCH_RESULTS");
    FILE *results = path == NULL ? NULL : fopen(path, "a");
    if (results != NULL) {
        fprintf(results, "%s\tus\t%.2f\n", name, us[n / 2]);
        fclose(results);
    }
}

static void kept(struct server *plain, struct server *tls)
{
    static struct measure all[] = {
        {"exchange, http: libconnectcreds", ask_library, NULL, {0}},
        {"exchange, http: libcurl", ask_libcurl, NULL, {0}},
        {"exchange, https: libconnectcreds", ask_library, NULL, {0}},
        {"exchange, https: libcurl", ask_libcurl, NULL, {0}},
    };
    all[0].server = all[1].server = plain;
    all[2].server = all[3].server = tls;
    for (int round = -1; round < ROUNDS; round++) /* the first connects */
        for (int i = 0; i < 4; i++) {
            double began = now_us();
            for (int call = 0; call < CALLS; call++)
                all[i].ask(all[i].server);
            if (round >= 0)
                all[i].us[round] = (now_us() - began) / CALLS;
        }
    printf("\nAn exchange on a kept connection, beside libcurl: us, median (least to most)\n\n");
    for (int i = 0; i < 4; i++)
        report(all[i].name, all[i].us, ROUNDS);
    printf("\n  The library takes %.2f times libcurl's time over http, %.2f times over https.\n",
           all[0].us[ROUNDS / 2] / all[1].us[ROUNDS / 2],
           all[2].us[ROUNDS / 2] / all[3].us[ROUNDS / 2]);
}

/* ---- The first https call of a process ---- */

static double first_us(const char *self, const char *who)
{
    char command[4200], line[40];
    snprintf(command, sizeof command, "'%s' first %s", self, who);
    FILE *child = popen(command, "r");
    if (child == NULL || fgets(line, sizeof line, child) == NULL || pclose(child) != 0)
        fail("the child fails");
    return atof(line);
}

static void firsts(const char *self)
{
    double us[2][FIRST];
    for (int i = 0; i < FIRST; i++) {
        us[0][i] = first_us(self, "library");
        us[1][i] = first_us(self, "libcurl");
    }
    printf("\nThe first https call of a process, which reads the system's authorities: us\n\n");
    report("first https call: libconnectcreds", us[0], FIRST);
    report("first https call: libcurl", us[1], FIRST);
    printf("\n  The library takes %.2f times libcurl's time.\n",
           us[0][FIRST / 2] / us[1][FIRST / 2]);
}

int main(int argc, char **argv)
{
    struct server plain = {.url = variable("PLAIN_SERVER"),
                           .api_key = variable("PLAIN_API_KEY"),
                           .content_token = variable("PLAIN_CONTENT_TOKEN")};
    struct server tls = {.url = variable("CONNECT_SERVER"),
                         .api_key = variable("CONNECT_API_KEY"),
                         .content_token = variable("CONNECT_CONTENT_SESSION_TOKEN")};
    if (argc == 3 && strcmp(argv[1], "first") == 0) {
        double began = now_us();
        if (strcmp(argv[2], "library") == 0) {
            prepare_library(&tls);
            ask_library(&tls);
        } else {
            prepare_libcurl(&tls);
            ask_libcurl(&tls);
        }
        printf("%.1f\n", now_us() - began);
        return 0;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    struct server *servers[] = {&plain, &tls};
    for (int i = 0; i < 2; i++) {
        prepare_library(servers[i]);
        prepare_libcurl(servers[i]);
    }
    kept(&plain, &tls);
    firsts(argv[0]);
    return 0;
}
