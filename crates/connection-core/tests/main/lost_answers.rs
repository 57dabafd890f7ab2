//! A refresh token that may be used up is reported with the host that was asked, and with its status if it answered.

use connection_contract::{RefreshSemantics, reason};
use connection_core::{Error, RefreshedConnection};
use tokio::runtime::Handle;

use crate::{
    acme::API,
    renewing::{Renewals, Renewing},
    sql,
    test_server::Reply,
};

/// An answer to a refresh, and how its end is told.
type Case = (fn() -> Reply, &'static str);

/// A connection whose token endpoint gives this answer.
async fn answered(semantics: RefreshSemantics, reply: impl Fn() -> Reply + Send + 'static) -> Renewals {
    let it = Renewals::of(Renewing::of(semantics)).await;
    let issued = it.provider.clone();
    it.world.provider(move |request| match request.starts_with("POST /token") {
        true => reply(),
        false => issued.answer(request),
    });
    it.at(100);
    it
}

/// Returns the code and the message of a refresh that failed.
fn told(refreshed: Result<RefreshedConnection, Error>) -> (String, String) {
    let Err(Error::NotRenewed { why, .. }) = refreshed else { panic!("{refreshed:?}") };
    (why.reason.code.into_owned(), why.reason.message.to_string())
}

fn unknown(end: &str) -> (String, String) {
    (reason::REFRESH_OUTCOME_UNKNOWN.to_owned(), format!("a refresh token may have been used: {end}"))
}

#[tokio::test]
async fn an_unclear_end_of_a_refresh_names_the_host_and_the_status_until_the_next_attempt() {
    let cases: [Case; 4] = [
        (|| Reply::whole(503, "", ""), "api.acme.example answered 503 Service Unavailable"),
        (|| Reply::whole(200, "content-type: text/html\r\n", "<html>"), "api.acme.example answered 200 OK"),
        (
            || Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
            "api.acme.example answered 200 OK, and the rest could not be read",
        ),
        (|| Reply::raw(""), "the answer of api.acme.example was lost"),
    ];
    for (reply, end) in cases {
        let it = answered(RefreshSemantics::Strict, reply).await;
        assert_eq!(told(it.connection.refresh().await), unknown(end));
        let requests = it.world.server.requests().len();
        assert_eq!(told(it.connection.refresh().await), unknown(end), "in the quarantine, nobody is asked");
        assert_eq!(it.world.server.requests().len(), requests, "{end}");
    }
}

#[tokio::test]
async fn an_unclear_end_that_uses_nothing_up_names_the_host_and_the_status() {
    let it = answered(RefreshSemantics::Stable, || Reply::whole(503, "", "")).await;
    let (code, message) = told(it.connection.refresh().await);
    assert_eq!(
        (code.as_str(), message.as_str()),
        (reason::PROVIDER_ERROR, "api.acme.example answered 503 Service Unavailable")
    );
}

#[tokio::test]
async fn a_refusal_after_an_unclear_end_names_the_host_and_the_status() {
    let it = Renewals::new().await;
    it.provider.says(Some((503, "", "")));
    it.at(100);
    told(it.connection.refresh().await);
    it.provider.says(Some((400, "", r#"{"error":"invalid_grant"}"#)));
    it.at(200);
    let end = "an earlier answer was lost, and api.acme.example answered 400 Bad Request";
    assert_eq!(told(it.connection.refresh().await), unknown(end));
}

/// A process that finds an attempt without its answer knows the host from the row.
#[tokio::test]
async fn the_host_is_stored_before_it_is_asked() {
    let it = Renewals::new().await;
    it.at(100);
    it.plugin.after.close();
    let asking = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { connection.refresh().await }
    });
    it.plugin.after.until_inside(1).await;
    let stored = sql::texts(&it.world.database(), "SELECT refresh_origin FROM connection_liveness").await;
    assert_eq!(stored, [API]);
    it.plugin.after.open();
    asking.await.unwrap().unwrap();
}
