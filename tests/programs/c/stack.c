/* How much stack a call needs: the smallest of a thread that survives one. Prints KiB, for a call
 * in a mock ("mock") or one to the server in the environment ("server"). */
#include <limits.h>
#include <sys/wait.h>

#include "mock.h"

static void *make_call(void *unused)
{
    (void)unused;
    free(service_account(NULL));
    return NULL;
}

/* Whether a call succeeds with so much stack, in a process of its own. */
static bool is_enough(size_t bytes, bool mocked)
{
    pid_t child = fork();
    if (child == 0) {
        pthread_attr_t attributes;
        pthread_t thread;
        cc_mock *mock = mocked ? mock_token("token") : NULL;
        alarm(20);
        pthread_attr_init(&attributes);
        if (pthread_attr_setstacksize(&attributes, bytes) != 0 ||
            pthread_create(&thread, &attributes, make_call, NULL) != 0)
            _exit(2);
        pthread_join(thread, NULL);
        cc_mock_end(mock);
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main(int count, char **arguments)
{
    bool mocked = count > 1 && strcmp(arguments[1], "mock") == 0;
    size_t too_little = PTHREAD_STACK_MIN - 4096, enough = 1024 * 1024;
    while (enough - too_little > 4096) {
        size_t middle = (too_little + enough) / 2 / 4096 * 4096;
        if (is_enough(middle, mocked))
            enough = middle;
        else
            too_little = middle;
    }
    printf("%zu\n", enough / 1024);
    return 0;
}
