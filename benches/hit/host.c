/* What surrounds the calls: an environment as content has it, the server's responses, sessions,
 * requests. */
#define _GNU_SOURCE
#include "hit.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void fail(const char *what)
{
    fprintf(stderr, "hit: %s\n", what);
    exit(1);
}

void must(cc_status status)
{
    if (status != CC_OK)
        fail(cc_status_name(status));
}

/* ---- The environment: about 40 variables ---- */

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
const char *const ASKED[5] = {
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

void set_environment(void)
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

/* ---- Tokens of a realistic size ---- */

void order_tokens(void)
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

static char quads[1000][4];

static void encode(char *quad, const char *three)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | (uint32_t)three[2];
    for (int i = 0; i < 4; i++)
        quad[i] = DIGITS[bits >> (18 - 6 * i) & 63];
}

void set_session(char *session, uint32_t number)
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

/* ---- Requests ---- */

cc_request *prepared, *prepared_content;
char session[2][SESSION_BYTES + 1];
cc_token *shared;

void prepare(void)
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
