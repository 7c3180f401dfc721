/* A server without a scheme, as curl and so connectcreds take it: localhost:3030,
 * connect.example.com/rsc. */

#include "connectcreds_r.h"

#include <string.h>

/* The characters of a host, a port and a path. Anything else is left to the library, which
 * names the fault. */
static bool is_host_and_path(const char *url)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_~%[]:/";
    return url[0] != '\0' && url[0] != '/' && url[0] != ':' && url[strspn(url, plain)] == '\0';
}

static bool starts_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* This machine itself: nobody else can read along. */
static bool is_loopback(const char *url)
{
    if (starts_with(url, "127.") || starts_with(url, "[::1]"))
        return true;
    return starts_with(url, "localhost") &&
           strchr(":/", url[strlen("localhost")]) != NULL; /* its end, too */
}

SEXP with_scheme(SEXP url)
{
    const char *given = or_null(url);
    if (given == NULL || strstr(given, "://") != NULL || !is_host_and_path(given))
        return url;
    const char *scheme = is_loopback(given)
                             ? "http://"
                             : "https://"; /* the API key goes to no other host in plain text */
    char *whole = R_alloc(strlen(scheme) + strlen(given) + 1, 1);
    strcpy(whole, scheme);
    strcat(whole, given);
    return Rf_mkCharCE(whole, CE_UTF8);
}
