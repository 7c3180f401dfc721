/* A program that was linked without the library: opens it by its soname, and sees that a process
 * has one copy of it. */
#include <connectcreds.h>
#include <dlfcn.h>
#include <stdio.h>

typedef cc_status mock_token(const char *, cc_mock **, cc_error **);
typedef cc_status account_token(const cc_request *, cc_token **, cc_error **);
typedef const char *access_token(const cc_token *);

/* ISO C has no conversion from an object's pointer to a function's; POSIX has. */
#define FUNCTION(type, library, name) (*(type **)&(void *){dlsym(library, name)})

int main(int argc, char **argv)
{
    void *library, *again;
    cc_mock *mock;
    cc_token *token;

    if (argc != 2 || dlopen("libconnectcreds.so.0", RTLD_NOW | RTLD_NOLOAD))
        return 2;
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    again = dlopen("libconnectcreds.so.0", RTLD_NOW | RTLD_NOLOAD);
    if (again != library) {
        fputs("not known by its soname\n", stderr);
        return 2;
    }
    if (FUNCTION(mock_token, library, "cc_mock_token")("mocked", &mock, NULL) != CC_OK ||
        FUNCTION(account_token, again, "cc_service_account_token")(NULL, &token, NULL) != CC_OK)
        return 1;
    printf("%s\n", FUNCTION(access_token, library, "cc_token_access_token")(token));
    return 0;
}
