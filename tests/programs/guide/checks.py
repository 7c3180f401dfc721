# Calls the snippets of the guide, which stand before this file, and checks what they do.
import asyncio
import base64
import json

from connectcreds.testing import mock_failure

VIEWER = "viewer"


def service(name, get):
    """Prints what a snippet asks Connect for."""
    credentials = {"accessKeyId": "AKIA", "secretAccessKey": "s", "sessionToken": "t"}
    asked = {}

    def answer(request):
        asked.update(request.params)
        return {"access_token": base64.b64encode(json.dumps(credentials).encode()).decode()}

    with mock_function(answer):
        assert get(VIEWER)
    assert asked["subject_token"] == VIEWER
    words = (("resource", "resource"), ("scope", "scope"), ("type", "requested_token_type"))
    print("service", name, *(f"{word}={asked.get(parameter, '-')}" for word, parameter in words))


def page(name):
    """Says that a page was checked."""
    print("page", name)


async def get_page():
    """Asks the FastAPI application for its page, as a server does."""
    scope = {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "http_version": "1.1",
        "scheme": "http", "server": ("localhost", 80), "client": ("localhost", 1),
        "headers": [(b"posit-connect-user-session-token", b"alice")],
    }
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent)


with mock_viewers():
    assert token_for("alice").access_token == "token-of-alice"
    assert token_for(None).access_token == "token-of-session-token"
    assert access_token("alice") == "token-of-alice"
    token = connectcreds.service_account_token()
    assert token.access_token not in printed(token)
    page("whose-token.md")
    page("how/mocks.md")
    page("migrating.md")
    page("how/secrets.md")

with mock_token("t"):
    status, body = asyncio.run(get_page())
    assert status == 200 and b"expires at 20" in body, (status, body)
    page("web-servers.md")

asked_for = []
with mock_function(lambda request: asked_for.append(request.params.get("audience")) or {"access_token": "t"}) as mock:
    mock.set_integrations([connectcreds.Integration(guid="guid-1", name="Warehouse")])
    warehouse_token()
    print_integrations()
assert asked_for == ["guid-1"], asked_for
page("integrations.md")

test_that_the_program_gets_a_token()
test_that_an_expired_token_is_replaced()
page("testing.md")

try:
    trust("/nowhere/ca.pem")
    raise AssertionError
except connectcreds.InvalidArgumentError:
    page("networks.md")

assert "connectcreds" in report()
page("no-token.md")

with mock_responses([{"access_token": "short", "expires_in": 600}, {"access_token": "long", "expires_in": 3600}]):
    connectcreds.service_account_token()
    assert token_for_a_long_query().access_token == "long"
    page("how/freshness.md")

with mock_token("t"):
    assert token_of_a_thread().access_token == "t"
    assert calls_that_shared_an_exchange() == 0
    page("how/fork-and-threads.md")
    page("how/single-flight.md")

with mock_failure():
    try:
        connectcreds.service_account_token()
    except connectcreds.RefusedError as error:
        assert retry_in_s(error) == -1
with mock_responses([]):
    try:
        connectcreds.service_account_token()
    except connectcreds.ConnectCredentialsError as error:
        assert retry_in_s(error) == 30
        page("how/failures.md")

# cat stands for the program that content starts.
assert run_program("cat", "the session token") == "the session token"
page("deploying.md")

for name in ("databricks", "snowflake", "aws", "azure", "azure_openai", "google", "github", "salesforce",
             "microsoft_graph", "connect_api"):
    service(name, globals()[f"{name}_token"])
