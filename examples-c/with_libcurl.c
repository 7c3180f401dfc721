/*
 * Sends a request to a service with the content's token, by libcurl.
 *
 *     with_libcurl URL [RESOURCE]
 *
 * URL is what the service is asked for. RESOURCE is the URL of the service that the token is for,
 * where the integration needs it. When the service rejects the token (401), the program drops it
 * from the cache and tries once more with another: the service may have revoked a token that was
 * still valid by its lifetime.
 *
 * Link it with -lconnectcreds -lcurl.
 */
#include <connectcreds.h>

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#define UNAUTHORIZED 401

/* Sends the request with this token. Its response goes to standard output, except for a 401's.
 * Returns the response's status; 0 when there was none, and then standard error has the reason. */
static long send_request(CURL *curl, const char *url, const cc_token *token)
{
    char why[CURL_ERROR_SIZE] = "";
    long status = 0;

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L); /* as in a program with threads */
    /* The header "Authorization: Bearer ...". libcurl keeps it from another host that a redirect
     * leads to. */
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, cc_token_access_token(token));

    CURLcode sent = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (sent != CURLE_OK && status != UNAUTHORIZED)
        fprintf(stderr, "%s: %s\n", url, why[0] != '\0' ? why : curl_easy_strerror(sent));
    if (sent != CURLE_OK && sent != CURLE_HTTP_RETURNED_ERROR)
        return 0;
    return status;
}

/* Gets a token that can be sent as a Bearer token; NULL, with the reason on standard error, when
 * there is none. */
static cc_token *get_token(const cc_request *request)
{
    cc_token *token = NULL;
    cc_error *error = NULL;

    cc_status status = cc_service_account_token(request, &token, &error);
    if (status != CC_OK) {
        fprintf(stderr, "%s: %s\n", cc_status_name(status), cc_error_message(error));
    } else if (cc_token_authorization(token) == NULL) {
        /* AWS credentials for one sign a request, and are not sent with it: see aws.c. */
        fprintf(stderr, "A token of type %s cannot be sent as a Bearer token.\n",
                cc_token_type(token));
        cc_token_free(token);
        token = NULL;
    }
    cc_error_free(error);
    return token;
}

/* Returns the status of the service's response, 0 when there was none. */
static long ask_service(CURL *curl, const char *url, const cc_request *request)
{
    long status = UNAUTHORIZED;

    for (int attempt = 0; attempt < 2 && status == UNAUTHORIZED; attempt++) {
        /* Before each request: a token that is still good comes from the cache. */
        cc_token *token = get_token(request);
        if (token == NULL)
            return 0;
        status = send_request(curl, url, token);
        if (status == UNAUTHORIZED)
            cc_token_invalidate(token); /* or the cache would return it again */
        cc_token_free(token);
    }
    if (status == UNAUTHORIZED)
        fprintf(stderr, "%s: the service rejected two tokens (401).\n", url);
    return status;
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: with_libcurl URL [RESOURCE]\n");
        return 2;
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return EXIT_FAILURE;
    CURL *curl = curl_easy_init();
    cc_request *request = cc_request_new();
    long status = 0;

    if (argc > 2)
        cc_request_set_resource(request, argv[2]);
    if (curl != NULL)
        status = ask_service(curl, argv[1], request);

    cc_request_free(request);
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return status >= 200 && status < 300 ? EXIT_SUCCESS : EXIT_FAILURE;
}
