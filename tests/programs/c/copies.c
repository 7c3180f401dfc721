/*
 * Opens the library as two hosts of one process do: by a path of its own, and by the soname.
 *
 *     copies PATH first|second
 *
 * Mocks through one handle, asks through the other, in a forked child too, and closes the first or
 * the second handle first. Prints the tokens.
 */
#define _GNU_SOURCE
#include <connectcreds.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef cc_status token_function(const cc_request *, cc_token **, cc_error **);
typedef cc_status mock_function(const char *, cc_mock **, cc_error **);
typedef const char *text_function(const cc_token *);

static void *function(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(EXIT_FAILURE);
    }
    return found;
}

/* Casts between pointers to data and to functions are POSIX's, not C's. */
#define FUNCTION(type, pointer) (*(type **)&pointer)

static int ask(void *library, const char *who)
{
    void *get = function(library, "cc_service_account_token");
    void *text = function(library, "cc_token_access_token");
    cc_token *token = NULL;
    if (FUNCTION(token_function, get)(NULL, &token, NULL) != CC_OK)
        return EXIT_FAILURE;
    printf("%s: %s\n", who, FUNCTION(text_function, text)(token));
    fflush(stdout);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    void *first = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    void *second = dlopen("libconnectcreds.so.0", RTLD_NOW | RTLD_NOLOAD);
    if (first == NULL || second == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return EXIT_FAILURE;
    }
    void *mock = function(first, "cc_mock_token");
    cc_mock *mocked;
    if (FUNCTION(mock_function, mock)("shared", &mocked, NULL) != CC_OK ||
        ask(second, "second") != 0)
        return EXIT_FAILURE;

    pid_t child = fork();
    if (child == 0)
        _exit(ask(first, "child"));
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        return EXIT_FAILURE;

    int first_goes = strcmp(argv[2], "first") == 0;
    dlclose(first_goes ? first : second);
    if (ask(first_goes ? second : first, "after one was closed") != 0)
        return EXIT_FAILURE;
    dlclose(first_goes ? second : first);
    /* It stays in the process, with all that it has. */
    void *again = dlopen("libconnectcreds.so.0", RTLD_NOW | RTLD_NOLOAD);
    return again != NULL ? ask(again, "after both were closed") : EXIT_FAILURE;
}
