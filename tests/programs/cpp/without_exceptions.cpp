/* The same header where exceptions and run-time type information are switched off. Linked into
 * scenes.cpp's program. */
#include <connectcreds.hpp>

#include "check.hpp"

namespace cc = connectcreds;

int without_exceptions();

int without_exceptions()
{
    auto error = cc::try_service_account_token();
    CHECK(!error && error.error().status() == CC_ERR_NOT_ON_CONNECT && !*error);
    CHECK(error->access_token() == nullptr);

    auto started = cc::mock::try_token("my-token");
    CHECK(started.has_value());
    cc::mock mock = std::move(started).value();
    auto got = cc::try_viewer_token(nullptr, cc::request().resource("https://service.example.com"));
    CHECK(got && same(got->access_token(), "my-token") && got.error().status() == CC_OK);
    CHECK(!got->try_aws_credentials());
    CHECK(mock.request_count() == 1);
    auto call = cc::try_viewer_token_start("session");
    CHECK(call && call->is_done());
    CHECK(same(call->try_finish()->access_token(), "my-token"));
    CHECK(cc::try_exchange_token_start("", "").error().status() == CC_ERR_INVALID_ARGUMENT);

    auto inner = cc::mock::try_function([](const cc::mock_request &request, cc::mock_reply &reply) {
        reply.set(200, request.param("scope") != nullptr ? R"({"access_token": "scoped"})" : "{}");
        return true;
    });
    CHECK(same(cc::try_workload_token(cc::request().scope("a")).value().access_token(), "scoped"));
    CHECK(cc::try_workload_token().error().status() == CC_ERR_BAD_RESPONSE);
    inner->end();

    int lines = 0;
    cc::set_log(CC_LOG_DEBUG, [&lines](int, const char *) { lines++; });
    CHECK(cc::has_workload_token());
    cc::set_log(0, nullptr);
    CHECK(lines > 0);
    CHECK(cc::config::try_ca_bundle("/nowhere").status() == CC_ERR_INVALID_ARGUMENT);
    CHECK(!cc::mock::try_responses({{99, "{}"}}));
    CHECK(!cc::mock::try_failure()->request_count());
    return failures;
}
