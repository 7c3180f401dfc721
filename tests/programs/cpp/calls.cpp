/* A C++ host of calls that do not block: on a descriptor, as futures, and awaited where the
 * compiler has coroutines.
 *
 * Usage: calls SCENE
 *
 * Run by tests/cpp.rs. What is not as it should be is printed, and makes the exit status 1. */
#include <connectcreds.hpp>

#include <poll.h>

#include <type_traits>

#include "check.hpp"

namespace cc = connectcreds;

static_assert(std::is_nothrow_move_constructible<cc::call>::value &&
                  std::is_nothrow_move_assignable<cc::call>::value &&
                  !std::is_copy_constructible<cc::call>::value &&
                  !std::is_copy_assignable<cc::call>::value,
              "a call is move-only");

template <class F> static cc_status status_of(F call)
{
    try {
        call();
    } catch (const cc::error &error) {
        return error.status();
    }
    return CC_OK;
}

/* Whether a descriptor is readable, now or within a time. */
static bool is_readable(int fd, int milliseconds)
{
    pollfd readable = {fd, POLLIN, 0};
    return fd >= 0 && poll(&readable, 1, milliseconds) == 1;
}

static void calls_in_a_mock_are_done_at_once()
{
    const cc::mock mock = cc::mock::token("my-token");
    cc::call call = cc::service_account_token_start(cc::request().scope("a"));
    CHECK(call.is_done() && is_readable(call.fd(), 0));
    CHECK(same(call.finish().access_token(), "my-token"));
    CHECK(same(call.finish().access_token(), "my-token"));
    CHECK(same(cc::viewer_token_start("session").finish().access_token(), "my-token"));
    CHECK(same(cc::workload_token_start().finish().access_token(), "my-token"));
    CHECK(same(cc::exchange_token_start("subject", CC_TOKEN_TYPE_ID_TOKEN).finish().access_token(),
               "my-token"));

    cc::call moved = std::move(call);
    CHECK(!call && moved && call.fd() == -1 && !call.is_done());
    CHECK(call.try_finish().error().status() == CC_ERR_INVALID_ARGUMENT);
    const cc::call taken(moved.release());
    CHECK(!moved && taken && taken.is_done());
    cc::request gone;
    const cc::request other = std::move(gone);
    CHECK(cc::try_workload_token_start(gone).error().status() == CC_ERR_INVALID_ARGUMENT);
}

static void failures_are_thrown_or_returned()
{
    const cc::mock refusing = cc::mock::failure();
    CHECK(status_of([] { return cc::workload_token_start().finish(); }) == CC_ERR_REFUSED);
    const auto start = [] { return cc::exchange_token_start("", ""); };
    CHECK(status_of(start) == CC_ERR_INVALID_ARGUMENT);
    auto call = cc::try_service_account_token_start(cc::request().scope("another"));
    CHECK(call && call->try_finish().error().status() == CC_ERR_REFUSED);
}

static void futures_are_deferred()
{
    auto future = cc::viewer_token_start("session", cc::request().scope("future")).future();
    CHECK(future.wait_for(std::chrono::seconds(0)) == std::future_status::deferred);
    CHECK(future.get());
    const cc::mock refusing = cc::mock::failure();
    future = cc::service_account_token_start().future();
    CHECK(status_of([&] { return future.get(); }) == CC_ERR_REFUSED);
}

/* On a server that answers. */
static void answered()
{
    calls_in_a_mock_are_done_at_once();
    failures_are_thrown_or_returned();
    cc::call call = cc::service_account_token_start();
    CHECK(is_readable(call.fd(), 30000) && call.is_done());
    const cc::token token = call.finish();
    CHECK(same(cc::service_account_token().access_token(), token.access_token()));
    const cc::mock mock = cc::mock::token("my-token");
    futures_are_deferred();
}

/* On a server that does not answer. */
static void held()
{
    cc::call call = cc::service_account_token_start();
    CHECK(!call.is_done() && !is_readable(call.fd(), 0));
    /* One of two on the same exchange. */
    cc::call other = cc::service_account_token_start(cc::request().timeout(std::chrono::seconds(1)));
    CHECK(other.fd() != call.fd());
    call = cc::call();
    CHECK(!call && !other.is_done() && !is_readable(other.fd(), 0));
    CHECK(is_readable(other.fd(), 30000) && other.is_done());
    CHECK(status_of([&] { return other.finish(); }) == CC_ERR_TIMEOUT);
    /* A future that is dropped does not wait. */
    static_cast<void>(cc::service_account_token_start().future());
}

#ifdef __cpp_impl_coroutine
/* A coroutine that runs by itself to its end. */
struct task {
    struct promise_type {
        task get_return_object()
        {
            return {};
        }
        std::suspend_never initial_suspend() noexcept
        {
            return {};
        }
        std::suspend_never final_suspend() noexcept
        {
            return {};
        }
        void return_void()
        {
        }
        void unhandled_exception()
        {
            std::terminate();
        }
    };
};

/* An event loop. */
struct loop {
    std::vector<std::pair<int, std::function<void()>>> waiting;
    int waits = 0;

    void run()
    {
        while (!waiting.empty()) {
            const auto next = std::move(waiting.back());
            waiting.pop_back();
            CHECK(is_readable(next.first, 30000));
            next.second();
        }
    }
};

static task ask(loop &on, int &finished)
{
    const auto reactor = [&on](int fd, std::function<void()> resume) {
        on.waits++;
        on.waiting.emplace_back(fd, std::move(resume));
    };
    cc::token token = co_await cc::service_account_token_start().on(reactor);
    CHECK(token.access_token() != nullptr && on.waits == 1);
    /* Cached: the coroutine is not suspended. */
    token = co_await cc::service_account_token_start().on(reactor);
    CHECK(token.access_token() != nullptr && on.waits == 1);
    const cc::mock refusing = cc::mock::failure();
    try {
        token = co_await cc::workload_token_start().on(reactor);
        CHECK(false);
    } catch (const cc::error &error) {
        CHECK(error.status() == CC_ERR_REFUSED);
    }
    try {
        token = co_await cc::call().on(reactor);
        CHECK(false);
    } catch (const cc::error &error) {
        CHECK(error.status() == CC_ERR_INVALID_ARGUMENT);
    }
    finished++;
}

static void awaited()
{
    loop on;
    int finished = 0;
    ask(on, finished);
    CHECK(finished == 0 && on.waiting.size() == 1);
    on.run();
    CHECK(finished == 1);
}
#endif

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        void (*play)();
    } scenes[] = {
        {"answered", answered},
        {"held", held},
#ifdef __cpp_impl_coroutine
        {"awaited", awaited},
#endif
    };
    for (const auto &scene : scenes)
        if (argc == 2 && std::strcmp(scene.name, argv[1]) == 0) {
            scene.play();
            return failures > 0;
        }
    std::fprintf(stderr, "no such scene\n");
    return 2;
}
