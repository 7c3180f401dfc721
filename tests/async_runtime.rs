//! The Rust API inside an asynchronous runtime: calls block their thread, and neither panic nor deadlock.

use std::time::Duration;

use connect_standin::Standin;
use connectcreds::{Error, Request, exchange_token, token_type};

fn request(connect: &Standin, scope: &str) -> Request {
    let mut request = Request::new();
    request.set_server_url(&connect.url()).expect("a URL");
    request.set_api_key(connect.api_key()).expect("a key");
    request.set_scope(scope).expect("a scope");
    request.set_timeout(Duration::from_secs(20));
    request
}

fn token(connect: &Standin, scope: &str) -> Result<String, Error> {
    let session = connect.viewer_token("a viewer");
    let token = exchange_token(&session, token_type::USER_SESSION, &request(connect, scope))?;
    Ok(token.access_token().to_owned())
}

#[test]
fn calls_on_a_runtimes_own_thread_and_on_its_blocking_threads_get_tokens() {
    for connect in [Standin::start(), Standin::start_tls()] {
        connectcreds::config::set_ca_bundle(
            connect
                .url()
                .starts_with("https")
                .then(|| connect.ca_certificate_file()),
        )
        .expect("a bundle");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let on_the_worker = token(&connect, "on the worker").expect("a token");
            assert!(on_the_worker.starts_with("viewer-"), "{on_the_worker}");
            std::thread::scope(|threads| {
                // Joins the exchange of a thread that is in no runtime, or the other way round.
                let outside = threads.spawn(|| token(&connect, "both"));
                let inside = token(&connect, "both").expect("a token");
                assert_eq!(outside.join().expect("no panic").expect("a token"), inside);
            });
        });
        let url = (
            connect.url(),
            connect.api_key().to_owned(),
            connect.viewer_token("blocking"),
        );
        let blocking = runtime.block_on(runtime.spawn(async move {
            tokio::task::spawn_blocking(move || {
                let mut request = Request::new();
                request.set_server_url(&url.0)?;
                request.set_api_key(&url.1)?;
                exchange_token(&url.2, token_type::USER_SESSION, &request).map(drop)
            })
            .await
            .expect("no panic")
        }));
        blocking.expect("no panic").expect("a token");
        // It ends inside of a task, too.
        runtime.block_on(async { connectcreds::clear_cache() });
    }
}
