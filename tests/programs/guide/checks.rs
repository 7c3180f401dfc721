// Calls the snippets of the guide, which stand before this file, and checks what they do.

use connectcreds::{ErrorKind, Mock, MockIntegration, MockResponse, Request};

type Service = fn(&str) -> Result<Arc<connectcreds::Token>, connectcreds::Error>;

fn service(name: &'static str, get: Service) {
    let mock = Mock::function(move |request| {
        let param = |name: &str| request.param(name).unwrap_or("-").to_owned();
        assert_eq!(param("subject_token"), "viewer");
        let (resource, scope, kind) = (param("resource"), param("scope"), param("requested_token_type"));
        println!("service {name} resource={resource} scope={scope} type={kind}");
        MockResponse::json(200, r#"{"access_token": "t"}"#).ok()
    });
    get("viewer").expect("a token");
    assert_eq!(mock.request_count(), 1);
}

fn page(name: &str) {
    println!("page {name}");
}

fn busy() -> Mock {
    Mock::responses([])
}

fn main() {
    let request = Request::new();
    {
        let _mock = mock_viewers();
        let token = token_for(Some("alice"), &request).expect("a token");
        assert_eq!(token.access_token(), "token-of-alice");
        assert!(!printed(&token).contains("token-of-alice"));
        let token = token_for(None, &request).expect("a token");
        assert_eq!(token.access_token(), "token-of-session-token");
        assert_eq!(serve(Some("alice"), &request), 200);
        assert_eq!(serve(Some(""), &request), 401);
        token_of_a_thread(&request).expect("a token");
        assert_eq!(calls_that_shared_an_exchange(), 0);
    }
    page("whose-token.md");
    page("how/mocks.md");
    page("how/secrets.md");
    page("how/fork-and-threads.md");
    page("how/single-flight.md");
    {
        let _mock = busy();
        assert_eq!(serve(Some("alice"), &request), 503);
        let error = connectcreds::service_account_token(&request).expect_err("503");
        assert_eq!(retry_in_s(&error), Some(30));
    }
    {
        let _mock = Mock::failure().expect("a mock");
        let error = connectcreds::service_account_token(&request).expect_err("refused");
        assert_eq!(retry_in_s(&error), None);
    }
    page("web-servers.md");
    page("how/failures.md");
    {
        let mock = Mock::token("t").expect("a mock");
        let warehouse = MockIntegration { guid: "guid-1", name: "Warehouse", ..MockIntegration::default() };
        mock.set_integrations([warehouse]).expect("a list");
        warehouse_token().expect("a token");
        print_integrations().expect("a list");
    }
    page("integrations.md");
    {
        let json = |body| MockResponse::json(200, body).expect("a response");
        let _mock = Mock::responses([
            json(r#"{"access_token": "short", "expires_in": 600}"#),
            json(r#"{"access_token": "long", "expires_in": 3600}"#),
        ]);
        connectcreds::service_account_token(&request).expect("a token");
        assert_eq!(token_for_a_long_query().expect("a token").access_token(), "long");
    }
    page("how/freshness.md");
    test_that_the_program_gets_a_token().expect("a token");
    test_that_an_expired_token_is_replaced().expect("two tokens");
    page("testing.md");
    let error = trust(std::path::Path::new("/nowhere/ca.pem")).expect_err("no such file");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    page("networks.md");
    assert!(report().contains("connectcreds"));
    page("no-token.md");
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
}
