// Calls the snippets of the guide, which stand before this file, and checks what they do.
#include <functional>

static void service(const char *name,
                    const std::function<connectcreds::token(const std::string &)> &get)
{
    std::string asked;
    const auto mock = connectcreds::mock::function(
        [&](const connectcreds::mock_request &request, connectcreds::mock_reply &reply) {
            const auto param = [&](const char *parameter) {
                const char *value = request.param(parameter);
                return std::string(value != nullptr ? value : "-");
            };
            assert(param("subject_token") == "viewer");
            asked = "resource=" + param("resource") + " scope=" + param("scope") +
                    " type=" + param("requested_token_type");
            reply.set(200, "{\"access_token\": \"t\"}");
            return true;
        });
    assert(get("viewer"));
    std::cout << "service " << name << ' ' << asked << '\n';
}

static void page(const char *name)
{
    std::cout << "page " << name << '\n';
}

static void check_statuses()
{
    const connectcreds::request request;
    {
        auto mock = connectcreds::mock::token("t");
        assert(serve("alice", request) == 200 && serve("", request) == 401);
    }
    {
        const auto mock = connectcreds::mock::failure();
        assert(serve("alice", request) == 503);
        assert(retry_in_s(connectcreds::try_service_account_token().error()) == -1);
    }
    {
        const auto mock = connectcreds::mock::responses({{503, "{}"}});
        assert(retry_in_s(connectcreds::try_service_account_token().error()) == 30);
    }
    page("web-servers.md");
    page("how/failures.md");
}

static void check_viewers()
{
    const connectcreds::request request;
    const auto mock = mock_viewers();
    assert(std::string(token_for("alice", request).access_token()) == "token-of-alice");
    assert(std::string(token_for(nullptr, request).access_token()) == "token-of-session-token");
    page("whose-token.md");
    page("how/mocks.md");
}

static void check_integrations()
{
    auto mock = connectcreds::mock::token("t");
    mock.set_integrations({{"guid-1", "Warehouse", nullptr, "databricks", "Service Account"}});
    assert(warehouse_token());
    print_integrations();
    page("integrations.md");
}

static void check_freshness()
{
    const auto mock = connectcreds::mock::responses(
        {{200, "{\"access_token\": \"short\", \"expires_in\": 600}"},
         {200, "{\"access_token\": \"long\", \"expires_in\": 3600}"}});
    assert(connectcreds::service_account_token());
    assert(std::string(token_for_a_long_query().access_token()) == "long");
    page("how/freshness.md");
}

static void check_threads()
{
    const auto mock = connectcreds::mock::token("t");
    assert(token_of_a_thread(connectcreds::request()));
    assert(calls_that_shared_an_exchange() == 0);
    page("how/fork-and-threads.md");
    page("how/single-flight.md");
}

static void check_signals()
{
    const auto mock = connectcreds::mock::token("t");
    interrupted_in_cpp = 1;
    try {
        interruptible_token();
        assert(false);
    } catch (const connectcreds::error &error) {
        assert(error.status() == CC_ERR_CANCELLED);
    }
    page("how/signals.md");
}

int main()
{
    check_statuses();
    check_viewers();
    check_integrations();
    check_freshness();
    check_threads();
    check_signals();
    test_that_the_program_gets_a_token();
    test_that_an_expired_token_is_replaced();
    page("testing.md");
    try {
        trust("/nowhere/ca.pem");
        assert(false);
    } catch (const connectcreds::error &error) {
        assert(error.status() == CC_ERR_INVALID_ARGUMENT);
    }
    page("networks.md");
    assert(report().find("connectcreds") != std::string::npos);
    page("no-token.md");
    assert(library_is_new_enough());
    page("how/versions.md");
    service("databricks", databricks_token);
    service("snowflake", snowflake_token);
    service("aws", aws_token);
    service("azure", azure_token);
    service("azure_openai", azure_openai_token);
    service("google", google_token);
    service("github", github_token);
    service("salesforce", salesforce_token);
    service("microsoft_graph", microsoft_graph_token);
    service("connect_api", connect_api_token);
    return 0;
}
