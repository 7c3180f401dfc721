/*
 * Serves many viewers on one thread, with epoll.
 *
 *     epoll_server SESSION_TOKEN [VIEWERS]
 *
 * Each viewer has a connection, here one end of a socket pair. A viewer sends its session token;
 * the server gets the viewer's token without blocking and responds. Between the two it serves
 * others.
 */
#define _GNU_SOURCE
#include <connectcreds.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 1000 };

struct viewer {
    int browser, connection; /* the two ends */
    cc_request *request;
    cc_call *call; /* NULL: not started */
};

static struct viewer viewers[MOST];
static int loop;

static void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(int descriptor, struct viewer *viewer)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = viewer};
    if (descriptor < 0 || epoll_ctl(loop, EPOLL_CTL_ADD, descriptor, &event) != 0)
        fail("epoll_ctl");
}

static void respond(struct viewer *viewer, const char *text)
{
    if (send(viewer->connection, text, strlen(text), MSG_NOSIGNAL) < 0)
        perror("send");
}

static void respond_with_error(struct viewer *viewer, cc_error *error)
{
    fprintf(stderr, "%s: %s\n", cc_status_name(cc_error_status(error)), cc_error_message(error));
    cc_error_free(error);
    respond(viewer, "503");
}

/* The call is done: this does not block. */
static void finish(struct viewer *viewer)
{
    cc_token *token;
    cc_error *error;
    if (cc_call_finish(viewer->call, &token, &error) == CC_OK)
        /* A real server calls its service with cc_token_authorization(token). */
        respond(viewer, "200");
    else
        respond_with_error(viewer, error);
    cc_token_free(token);
    /* Closes the call's descriptor, which leaves epoll with it. */
    cc_call_free(viewer->call);
    viewer->call = NULL;
}

/* A viewer has sent its session token. */
static void start(struct viewer *viewer)
{
    char session_token[4096];
    ssize_t length = recv(viewer->connection, session_token, sizeof session_token - 1, 0);
    if (length < 0)
        fail("recv");
    session_token[length] = '\0';

    cc_error *error;
    if (cc_viewer_token_start(session_token, viewer->request, &viewer->call, &error) != CC_OK)
        respond_with_error(viewer, error);
    else if (cc_call_is_done(viewer->call)) /* cached: no descriptor is needed */
        finish(viewer);
    else
        watch(cc_call_fd(viewer->call), viewer);
}

static void connect_viewer(struct viewer *viewer, int number, const char *session_token)
{
    int ends[2];
    char scope[40];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        fail("socketpair");
    viewer->browser = ends[0];
    viewer->connection = ends[1];
    /* The example has one session token: a scope makes each viewer's token another one. */
    snprintf(scope, sizeof scope, "viewer-%d", number);
    viewer->request = cc_request_new();
    cc_request_set_scope(viewer->request, scope);
    watch(viewer->connection, viewer);
    if (send(viewer->browser, session_token, strlen(session_token), MSG_NOSIGNAL) < 0)
        fail("send");
}

/* Returns whether the response has arrived, and is a good one. */
static bool is_served(const struct viewer *viewer, bool *well)
{
    char response[4];
    ssize_t length = recv(viewer->browser, response, sizeof response, MSG_DONTWAIT);
    if (length > 0)
        *well = *well && length == 3 && memcmp(response, "200", 3) == 0;
    return length > 0;
}

int main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 50, served = 0;
    bool well = true;
    if (argc < 2 || count < 1 || count > MOST) {
        fprintf(stderr, "usage: epoll_server SESSION_TOKEN [VIEWERS]\n");
        return 2;
    }
    loop = epoll_create1(EPOLL_CLOEXEC);
    if (loop < 0)
        fail("epoll_create1");
    for (int i = 0; i < count; i++)
        connect_viewer(&viewers[i], i, argv[1]);

    while (served < count) {
        struct epoll_event events[64];
        int ready = epoll_wait(loop, events, 64, 60000);
        if (ready <= 0)
            fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct viewer *viewer = events[i].data.ptr;
            if (viewer->call == NULL)
                start(viewer);
            else
                finish(viewer);
            served += is_served(viewer, &well);
        }
    }
    printf("served   %d viewers on one thread\n", served);

    for (int i = 0; i < count; i++) {
        cc_request_free(viewers[i].request);
        close(viewers[i].browser);
        close(viewers[i].connection);
    }
    close(loop);
    return well ? EXIT_SUCCESS : EXIT_FAILURE;
}
