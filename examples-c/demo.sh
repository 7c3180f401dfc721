#!/bin/sh
# Runs the programs in the environment that Connect gives to content, and then where they must fail.
# `make demo` starts it inside the stand-in server. The exit status is 0 if every program did what was expected.
set -u
cd "$(dirname "$0")/build" || exit 1

# A proxy could not reach the server, which listens on loopback.
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1

wrong=0

# succeeds TITLE COMMAND…
succeeds() {
    printf '\n== %s\n' "$1"
    shift
    "$@"
    status=$?
    if [ "$status" -ne 0 ]; then
        echo "!! exit status $status instead of 0"
        wrong=$((wrong + 1))
    fi
}

# fails STATUS TITLE COMMAND…
fails() {
    expected=$1
    printf '\n== %s\n' "$2"
    shift 2
    output=$("$@" 2>&1)
    status=$?
    printf '%s\n' "$output"
    case $status:$output in
    1:*"$expected: "*) ;;
    *)
        echo "!! exit status $status instead of 1 with $expected"
        wrong=$((wrong + 1))
        ;;
    esac
}

succeeds 'Service account: the content acts as itself' \
    ./service_account https://service.example.com
succeeds 'Viewer: the content acts as the person viewing it' \
    ./viewer "$STANDIN_VIEWER_TOKEN"
succeeds 'Workload identity: the content proves its identity' \
    ./workload "$STANDIN_INTEGRATION"
succeeds 'AWS: temporary credentials of the service account' \
    ./aws "$STANDIN_INTEGRATION"
# These two are built where libcurl's headers and a C++ compiler are installed.
if [ -x ./with_libcurl ]; then
    succeeds 'libcurl: a request to a service with the token' \
        sh -c './with_libcurl "$1" >/dev/null && echo "sent     the service accepted the request"' sh "$STANDIN_URL/"
fi
if [ -x ./with_cpp ]; then
    succeeds 'C++: a service account and a viewer' \
        ./with_cpp "$STANDIN_VIEWER_TOKEN"
fi

succeeds 'An event loop: 50 viewers on one thread' \
    ./epoll_server "$STANDIN_VIEWER_TOKEN"
if [ -e with_libuv ]; then
    succeeds 'An event loop of libuv' \
        ./with_libuv "$STANDIN_INTEGRATION"
else
    printf '\n== Skipped: libuv is not installed\n'
fi

fails CC_ERR_NOT_ON_CONNECT 'An error: outside Connect' \
    env -u POSIT_PRODUCT -u RSTUDIO_PRODUCT ./service_account
fails CC_ERR_NO_SESSION 'An error: outside a viewer session' \
    ./viewer
fails CC_ERR_REFUSED 'An error: the server rejects a wrong API key' \
    env CONNECT_API_KEY=wrong ./workload

succeeds 'The report for a bug ticket' \
    ./doctor --ask https://service.example.com

succeeds 'Tests with mocks: outside Connect, and without a server' \
    env -u POSIT_PRODUCT -u RSTUDIO_PRODUCT -u CONNECT_SERVER ./test_with_mocks

if [ "$wrong" -ne 0 ]; then
    printf '\nUnexpected results: %s.\n' "$wrong"
    exit 1
fi
printf '\nAs expected: tokens, event loops, errors, a report, and the tests pass.\n'
