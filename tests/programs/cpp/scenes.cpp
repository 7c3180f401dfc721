/* A C++ host, for all that include/connectcreds.hpp adds to C.
 *
 * Usage: scenes SCENE
 *
 * Run by tests/cpp.rs. What is not as it should be is printed, and makes the exit status 1. */
#include <connectcreds.hpp>

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <type_traits>

#include "check.hpp"

namespace cc = connectcreds;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;

int without_exceptions();

/* The error of a call that has to fail. */
template <class F> static cc::error error_of(F call)
{
    try {
        call();
    } catch (const cc::error &error) {
        return error;
    }
    return {};
}

/* Whether a call throws std::runtime_error with these words. */
template <class F> static bool throws(const char *words, F call)
{
    try {
        call();
    } catch (const std::runtime_error &error) {
        return same(error.what(), words);
    }
    return false;
}

template <class T> static constexpr bool only_moves()
{
    return std::is_nothrow_move_constructible<T>::value &&
           std::is_nothrow_move_assignable<T>::value && !std::is_copy_constructible<T>::value &&
           !std::is_copy_assignable<T>::value;
}
static_assert(only_moves<cc::token>() && only_moves<cc::aws_credentials>() &&
                  only_moves<cc::request>() && only_moves<cc::mock>(),
              "handles are move-only");
static_assert(std::is_nothrow_copy_constructible<cc::error>::value, "an exception can be copied");

static void tokens()
{
    const cc::mock mock = cc::mock::token("my-token");
    CHECK(cc::running_on_connect());
    cc::token token = cc::service_account_token();
    CHECK(same(token.access_token(), "my-token") && same(token.authorization(), "Bearer my-token"));
    CHECK(same(token.type(), "Bearer") && same(token.issued_type(), CC_TOKEN_TYPE_ACCESS_TOKEN));
    CHECK(token.has_expiry() && token.expires_at() - system_clock::now() <= hours(1));
    CHECK(token.expires_at() - system_clock::now() > seconds(3500));
    CHECK(token.field_count() == 4 && same(token.field_name(3), "expires_in"));
    CHECK(same(token.field_value(3), "3600") && same(token.field("expires_in"), "3600"));
    CHECK(token.field("another") == nullptr && token.field_name(4) == nullptr);

    const cc::token other = token.share();
    const cc::token taken(token.release());
    CHECK(!token && taken && token.access_token() == nullptr && !token.has_expiry() &&
          !token.invalidate());
    CHECK(other.access_token() == taken.access_token());
    CHECK(same(cc::viewer_token("session").access_token(), "my-token"));
    CHECK(same(cc::viewer_token(nullptr).access_token(), "my-token"));
    CHECK(same(cc::workload_token().issued_type(), CC_TOKEN_TYPE_ID_TOKEN));
    CHECK(same(cc::exchange_token("subject", CC_TOKEN_TYPE_ID_TOKEN).access_token(), "my-token"));
    CHECK(cc::has_service_account_token() && cc::has_viewer_token("session") &&
          cc::has_workload_token());
    CHECK(mock.request_count() == 5);
    CHECK(error_of([] { return cc::viewer_token(""); }).status() == CC_ERR_NOT_SUPPORTED);
}

static void errors()
{
    auto error = error_of([] { return cc::service_account_token(); });
    CHECK(error.status() == CC_ERR_NOT_ON_CONNECT && same(error.name(), "CC_ERR_NOT_ON_CONNECT"));
    CHECK(same(error.what(),
               "Service account credentials are only available when running on Connect."));
    CHECK(error.http_status() == 0 && error.oauth_code() == nullptr && error.connect_code() == 0);
    CHECK(!error.is_retryable() && error.retry_after() < milliseconds(0));

    cc::mock mock = cc::mock::failure();
    error = error_of([] { return cc::service_account_token(); });
    CHECK(error.status() == CC_ERR_REFUSED && error.http_status() == 400 &&
          error.connect_code() == 212);
    mock = cc::mock::responses({{429, R"({"error": "slow_down"})"}, {500, "<p>", "text/html"}});
    auto failed = cc::try_workload_token();
    const cc::error copy = failed.error();
    CHECK(!failed && copy.is_retryable() && same(copy.oauth_code(), "slow_down"));
    CHECK(error_of([&] { return std::move(failed.value()); }).get() == copy.get());
    CHECK(error_of([] {
              return cc::workload_token(cc::request().scope("another"));
          }).http_status() == 500);
    CHECK(mock.request_count() == 2);

    /* A status is all that some C functions return. */
    CHECK(same(cc::error(CC_ERR_TIMEOUT).what(), "CC_ERR_TIMEOUT") &&
          same(cc::error().what(), "CC_OK"));
    cc_token *token;
    cc_error *handle;
    CHECK(cc_service_account_token(nullptr, &token, &handle) == cc::error(handle).status());
    CHECK(error_of([] { cc::config::ca_bundle("/nowhere"); }).status() == CC_ERR_INVALID_ARGUMENT);
    CHECK(error_of([] {
              return cc::mock::responses({{99, ""}});
          }).status() == CC_ERR_INVALID_ARGUMENT);
    CHECK(!mock.advance_time(seconds(-1)) && mock.advance_time(seconds(1)));
}

/* A mock that keeps what it was asked. */
static cc::mock echo(std::string &parameters)
{
    return cc::mock::function(
        [&parameters](const cc::mock_request &request, cc::mock_reply &reply) {
            parameters.clear();
            for (std::size_t i = 0; i < request.param_count(); i++) {
                const std::string name = request.param_name(i);
                if (name != "grant_type" && name.find("subject") != 0)
                    parameters += name + "=" + request.param_value(i) + " ";
            }
            CHECK(same(request.method(), "POST") && request.header("ACCEPT") != nullptr);
            CHECK(request.header_count() > 0 &&
                  request.header(request.header_name(0)) == request.header_value(0));
            reply.set(200, R"({"access_token": "echo"})");
            return true;
        });
}

static void several_integrations()
{
    std::string sent;
    cc::mock mock = echo(sent);
    CHECK(mock.set_integrations({{"g1", "Warehouse", "all", "databricks", "Service Account"},
                                 {"g2", "Files", nullptr, "aws", nullptr}}));
    CHECK(!mock.set_integrations({{nullptr, "Files", nullptr, nullptr, nullptr}}));
    const cc::integrations list = cc::list_integrations();
    CHECK(list && list.size() == 2 && list.get() != nullptr && list.guid(2) == nullptr);
    CHECK(same(list.guid(0), "g1") && same(list.name(0), "Warehouse"));
    CHECK(same(list.description(0), "all") && same(list.service(0), "databricks"));
    CHECK(same(list.auth_type(0), "Service Account") && list.auth_type(1) == nullptr);
    cc::request request;
    request.integration("warehouse");
    CHECK(cc::service_account_token(request) && sent == "audience=g1 ");
    CHECK(cc::service_account_token(cc::request().integration("aws")) && sent == "audience=g2 ");
    CHECK(cc::try_service_account_token(cc::request().integration("x")).error().status() ==
          CC_ERR_REFUSED);
    mock.set_environment("CONNECT_CONTENT_GUID", nullptr);
    CHECK(cc::try_list_integrations().error().status() == CC_ERR_NOT_SUPPORTED);
}

static void requests()
{
    std::string sent;
    const cc::mock mock = echo(sent);
    cc::request request;
    request.resource("https://a.example").scope(std::string("b c")).audience("d").param("e", "f");
    CHECK(!cc::service_account_token(request).has_expiry());
    CHECK(sent == "audience=d resource=https://a.example scope=b c e=f ");
    auto chained =
        cc::request().resource("https://g.example").requested_token_type(CC_TOKEN_TYPE_API_KEY);
    cc::request moved =
        std::move(chained.timeout(seconds(1)).min_validity(seconds(1)).force_refresh());
    CHECK(same(cc::service_account_token(moved).access_token(), "echo"));
    CHECK(cc::service_account_token(moved).expires_at() == system_clock::time_point::max());
    CHECK(mock.request_count() == 3 && sent.find("https://g.example") != std::string::npos);
    moved.resource("").requested_token_type(nullptr).server_url("https://h.example").api_key("i");
    moved.content_token("j").on_connect(false);
    CHECK(cc::has_service_account_token(moved) && sent.empty());
#if __cplusplus >= 201703L
    const std::string_view view("https://k.example, and more");
    CHECK(cc::service_account_token(cc::request().resource(view.substr(0, 17))));
    CHECK(sent.find("k.example ") != std::string::npos);
    CHECK(error_of([&] {
              return cc::service_account_token(cc::request().scope(std::string_view("a\0b", 3)));
          }).status() == CC_ERR_INVALID_ARGUMENT);
#endif
    const auto before = mock.request_count();
    /* Never cut off, never all from the environment. */
    const std::string cut("a\0b", 3);
    auto error = error_of([&] { return cc::service_account_token(cc::request().scope(cut)); });
    CHECK(error.status() == CC_ERR_INVALID_ARGUMENT &&
          std::strstr(error.what(), "scope") != nullptr);
    CHECK(error_of([&] { return cc::viewer_token(cut); }).status() == CC_ERR_INVALID_ARGUMENT);
    const cc::request taken = std::move(moved);
    error = error_of([&] { return cc::service_account_token(moved.scope("a")); });
    CHECK(error.status() == CC_ERR_INVALID_ARGUMENT && !cc::has_service_account_token(moved));
    CHECK(!moved && taken && mock.request_count() == before);
}

static void copies()
{
    std::string sent;
    const cc::mock mock = echo(sent);
    const cc::request base = cc::request().scope("a");
    cc::request copy = base.copy();
    CHECK(cc::service_account_token(copy.param("b", "c")) && sent == "scope=a b=c ");
    CHECK(cc::service_account_token(base) && sent == "scope=a ");

    /* A rejected value is copied, and a good one replaces it. */
    cc::request wrong = cc::request().scope("a\nb");
    cc::request good = wrong.copy();
    const auto error = error_of([&] { wrong.check(); });
    CHECK(error.status() == CC_ERR_INVALID_ARGUMENT &&
          std::strstr(error.what(), "scope") != nullptr);
    CHECK(good.try_check().status() == CC_ERR_INVALID_ARGUMENT);
    good.scope("a").check();
    CHECK(wrong.try_check().status() == CC_ERR_INVALID_ARGUMENT);

    /* What was moved from is not "all from the environment". */
    const cc::request taken = std::move(good);
    CHECK(taken && !good.copy() && good.try_check().status() == CC_ERR_INVALID_ARGUMENT);

    /* A copy has the cancel callback, which outlives the request that it was set on. */
    auto witness = std::make_shared<int>(0);
    copy = cc::request()
               .cancel([witness] { return ++*witness == 1; })
               .copy()
               .server_url("http://localhost:3030");
    CHECK(error_of([&] { return cc::workload_token(copy); }).status() == CC_ERR_CANCELLED);
    CHECK(*witness == 1 && witness.use_count() == 2);
    copy = cc::request();
    CHECK(witness.use_count() == 1);
}

static void mock_environments()
{
    cc::mock mock = cc::mock::function([](const cc::mock_request &, cc::mock_reply &reply) {
        reply.set_header("Retry-After", "7");
        reply.set(503, "");
        return true;
    });
    auto error = error_of([] { return cc::workload_token(); });
    CHECK(error.retry_after() == seconds(7) && error.http_status() == 503);
    CHECK(error.option() == nullptr && same(error.message_without_hint(), error.what()));
    CHECK(mock.set_environment("CONNECT_SERVER", nullptr));
    error = error_of([] { return cc::workload_token(cc::request().scope("a")); });
    CHECK(error.status() == CC_ERR_NO_SERVER && same(error.option(), "server_url"));
    CHECK(std::strstr(error.what(), "cc_request_set_server_url") != nullptr);
    CHECK(std::strstr(error.message_without_hint(), "cc_request_set_server_url") == nullptr);
    CHECK(mock.set_user_session_token(nullptr));
    CHECK(error_of([] { return cc::viewer_token(nullptr); }).status() == CC_ERR_NO_SESSION);
    CHECK(!mock.set_environment("PATH", "/") && !mock.set_user_session_token("a\nb"));
    mock.end();
    CHECK(!mock.set_environment("CONNECT_SERVER", "http://localhost") &&
          !mock.set_user_session_token("a"));
    CHECK(same(cc::error(CC_ERR_TIMEOUT).message_without_hint(), "CC_ERR_TIMEOUT"));
}

static void durations()
{
    CHECK(cc::detail::count(milliseconds(1500)) == 1500 && cc::detail::count(seconds(-1)) == 0);
    /* C rejects larger numbers. */
    CHECK(cc::detail::count(milliseconds::max()) == INT32_MAX);
    const cc::mock mock = cc::mock::token("my-token");
    const auto request = cc::request().timeout(milliseconds::max()).min_validity(seconds::max());
    CHECK(request.try_check().status() == CC_OK);
    /* What is left of a deadline is never "the default". */
    for (const auto left : {milliseconds(0), milliseconds(-5), milliseconds::min()})
        CHECK(error_of([&] {
                  return cc::service_account_token(cc::request().timeout(left));
              }).status() == CC_ERR_TIMEOUT);
    CHECK(mock.request_count() == 0);
    CHECK(cc::service_account_token(cc::request().timeout(seconds(0)).default_timeout()));
    CHECK(cc::service_account_token(cc::request().timeout(seconds(0))));
    CHECK(cc::detail::time(-1) == system_clock::time_point::max());
    CHECK(cc::detail::time(253402300799) - system_clock::now() > hours(0));
    CHECK(cc::detail::time(86400) == system_clock::from_time_t(86400));
}

static void aws()
{
    /* {"accessKeyId":"a","secretAccessKey":"b","sessionToken":"c","expiration":"2030-01-01T00:00:00Z"}
     */
    const cc::mock mock =
        cc::mock::responses({{200, R"({"access_token": "eyJhY2Nlc3NLZXlJZCI6ImEiLCJzZWNyZXRBY2Nl)"
                                   R"(c3NLZXkiOiJiIiwic2Vzc2lvblRva2VuIjoiYyIsImV4cGlyYXRpb24i)"
                                   R"(OiIyMDMwLTAxLTAxVDAwOjAwOjAwWiJ9"})"}});
    const auto token = cc::service_account_token(
        cc::request().requested_token_type(CC_TOKEN_TYPE_AWS_CREDENTIALS));
    auto credentials = token.aws_credentials();
    CHECK(same(credentials.access_key_id(), "a") && same(credentials.secret_access_key(), "b"));
    CHECK(same(credentials.session_token(), "c") && credentials.has_expiry());
    CHECK(credentials.expires_at() == system_clock::from_time_t(1893456000));
    const cc::aws_credentials taken(credentials.release());
    CHECK(taken && !credentials && credentials.access_key_id() == nullptr &&
          !credentials.has_expiry());
    CHECK(error_of([] { return cc::token().aws_credentials(); }).status() ==
          CC_ERR_INVALID_ARGUMENT);
}

static void a_cache()
{
    cc::mock mock = cc::mock::token("my-token");
    const auto token = cc::viewer_token("session");
    CHECK(cc::has_viewer_token("session"));
    const cc_cache_stats stats = cc::cache::stats();
    CHECK(stats.hits == 1 && stats.misses == 1 && stats.exchanges == 1 && stats.entries == 1);
    cc::cache::forget_session("session");
    CHECK(cc::cache::stats().entries == 0);
    CHECK(cc::viewer_token("session").invalidate() && cc::cache::stats().entries == 0);
    CHECK(cc::has_workload_token());
    cc::cache::clear();
    CHECK(cc::cache::stats().entries == 0 && mock.advance_time(hours(2)));
    mock.end();
    CHECK(!mock && mock.request_count() == 0 && !mock.advance_time(hours(1)) &&
          !cc::running_on_connect());
}

static void settings()
{
    cc::config::timeout(seconds(5));
    cc::config::attempt_timeout(seconds(2));
    cc::config::connect_timeout(milliseconds(500));
    cc::config::max_attempts(2);
    cc::config::cache_capacity(77);
    cc::config::cache_bytes(7654321);
    cc::config::default_lifetime(std::chrono::minutes(2));
    cc::config::background_refresh(false);
    const std::string report = cc::diagnose();
    CHECK(report.find("77") != std::string::npos && same(cc::version(), CC_VERSION));
    CHECK(cc::version_number() == CC_VERSION_NUMBER);
    cc::config::timeout(seconds(-1));
    cc::config::max_attempts(-1);
    cc::config::cache_capacity(-1);
    cc::config::cache_bytes(0);
    CHECK(cc::diagnose().find("77") == std::string::npos);
    cc::config::ca_bundle(nullptr);
}

static void a_mock_function_throws()
{
    const cc::mock mock =
        cc::mock::function([](const cc::mock_request &request, cc::mock_reply &) -> bool {
            throw std::runtime_error(request.param("scope"));
        });
    const auto ask = [](const char *scope) {
        return cc::service_account_token(cc::request().scope(scope));
    };
    CHECK(throws("first", [&] { return ask("first"); }));
    CHECK(throws("try",
                 [&] { return cc::try_workload_token(cc::request().scope("try")).has_value(); }));
    CHECK(throws("has", [&] { return cc::has_workload_token(cc::request().scope("has")); }));

    /* Each thread has its own. */
    std::atomic<int> right(0);
    std::vector<std::thread> threads;
    for (const char *name : {"one", "two", "three", "four"})
        threads.emplace_back([&, name] {
            for (int i = 0; i < 20; i++)
                right += throws(name, [&] { return ask(name); });
        });
    for (auto &thread : threads)
        thread.join();
    CHECK(right == 80);

    /* No C++ call is there to throw from; the next one throws nothing of it. */
    cc_token *token;
    cc_error *error;
    cc_request *request = cc_request_new();
    cc_request_set_scope(request, "c");
    CHECK(cc_service_account_token(request, &token, &error) == CC_ERR_INTERNAL);
    cc_error_free(error);
    cc_request_free(request);
    const cc::mock inner = cc::mock::token("fine");
    CHECK(same(cc::service_account_token().access_token(), "fine"));
}

/* A mock function's own question fails: what it does not catch leaves the outer call, what it does
 * catch stays there. */
static void a_mock_function_calls_the_library()
{
    const cc::mock mock = cc::mock::function([](const cc::mock_request &request,
                                                cc::mock_reply &reply) {
        const std::string scope = request.param("scope");
        if (scope == "inner")
            throw std::runtime_error("inner");
        if (scope == "catches")
            CHECK(throws("inner", [] { return cc::workload_token(cc::request().scope("inner")); }));
        else
            cc::workload_token(cc::request().scope("inner")).invalidate();
        reply.set(200, R"({"access_token": "outer"})");
        return true;
    });
    CHECK(throws("inner", [] { return cc::service_account_token(cc::request().scope("leaves")); }));
    CHECK(same(cc::service_account_token(cc::request().scope("catches")).access_token(), "outer"));
}

static void a_mock_function_ends_its_mock()
{
    auto witness = std::make_shared<int>(1);
    cc::mock mock;
    mock = cc::mock::function([&mock, witness](const cc::mock_request &, cc::mock_reply &reply) {
        mock.end();
        mock = cc::mock::token("next");
        /* What it captured is still there. */
        reply.set(200, *witness == 1 ? R"({"access_token": "last"})" : "");
        return true;
    });
    CHECK(same(cc::service_account_token().access_token(), "last"));
    CHECK(same(cc::service_account_token().access_token(), "next") && witness.use_count() == 1);
}

static void a_log()
{
    const cc::mock mock = cc::mock::token("my-token");
    auto witness = std::make_shared<std::string>();
    cc::set_log(CC_LOG_DEBUG, [witness](int level, const char *message) {
        CHECK(level >= CC_LOG_ERROR && level <= CC_LOG_DEBUG);
        *witness += message;
    });
    CHECK(cc::has_workload_token() && !witness->empty() && witness.use_count() == 2);
    cc::set_log(CC_LOG_DEBUG, [](int, const char *) { throw std::runtime_error("log"); });
    CHECK(witness.use_count() == 1);
    CHECK(throws("log", [] { return cc::service_account_token(); }));
    CHECK(throws("log", [] { return cc::has_viewer_token("session"); }));
    /* One that takes itself away still has what it captured. */
    cc::set_log(CC_LOG_DEBUG, [witness](int, const char *) {
        cc::set_log(0, nullptr);
        *witness = "taken away";
    });
    CHECK(cc::service_account_token(cc::request().force_refresh()) && *witness == "taken away");
    witness->clear();
    CHECK(cc::service_account_token(cc::request().force_refresh()) && witness->empty() &&
          witness.use_count() == 1);
}

/* On a server that does not answer. */
static void a_cancel_callback()
{
    int asked = 0;
    cc::request request;
    CHECK(error_of([&] {
              return cc::service_account_token(request.cancel([&asked] { return ++asked == 2; }));
          }).status() == CC_ERR_CANCELLED);
    CHECK(asked == 2);
    const auto leave = []() -> bool { throw std::runtime_error("leave"); };
    CHECK(throws("leave", [&] { return cc::service_account_token(request.cancel(leave)); }));
    /* One that replaces itself still has what it captured. */
    auto witness = std::make_shared<int>(0);
    request.cancel([&request, witness] {
        request.cancel(nullptr);
        return ++*witness == 1;
    });
    CHECK(error_of([&] { return cc::service_account_token(request); }).status() ==
          CC_ERR_CANCELLED);
    CHECK(*witness == 1 && witness.use_count() == 1);
    /* The call asks the one that it began with again, although that one has been replaced. */
    *witness = 0;
    request.cancel([&request, witness] {
        request.cancel([] { return false; });
        return ++*witness == 3;
    });
    CHECK(error_of([&] { return cc::service_account_token(request); }).status() ==
          CC_ERR_CANCELLED);
    CHECK(*witness == 3 && witness.use_count() == 1);
    /* One may destroy the request of its call. */
    std::unique_ptr<cc::request> owned(new cc::request());
    owned->cancel([&owned, witness] {
        owned.reset();
        return ++*witness == 6;
    });
    CHECK(error_of([&] { return cc::service_account_token(*owned); }).status() == CC_ERR_CANCELLED);
    CHECK(*witness == 6 && witness.use_count() == 1);
    /* Time that is used up is not the default of 20 seconds. */
    CHECK(error_of([&] {
              return cc::service_account_token(request.timeout(milliseconds(0)));
          }).status() == CC_ERR_TIMEOUT);
}

static void no_exceptions()
{
    failures += without_exceptions();
}

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        void (*play)();
    } scenes[] = {
        {"tokens", tokens},
        {"errors", errors},
        {"requests", requests},
        {"several_integrations", several_integrations},
        {"copies", copies},
        {"mock_environments", mock_environments},
        {"durations", durations},
        {"aws", aws},
        {"a_cache", a_cache},
        {"settings", settings},
        {"a_mock_function_throws", a_mock_function_throws},
        {"a_mock_function_calls_the_library", a_mock_function_calls_the_library},
        {"a_mock_function_ends_its_mock", a_mock_function_ends_its_mock},
        {"a_log", a_log},
        {"a_cancel_callback", a_cancel_callback},
        {"no_exceptions", no_exceptions},
    };
    for (const auto &scene : scenes)
        if (argc == 2 && std::strcmp(scene.name, argv[1]) == 0) {
            scene.play();
            return failures > 0;
        }
    std::fprintf(stderr, "no such scene\n");
    return 2;
}
