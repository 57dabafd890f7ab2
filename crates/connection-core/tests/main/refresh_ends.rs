//! Ends of credentials: announced once in advance, recovered from if possible, and never reported by mistake.

use std::time::Duration;

use connection_contract::{Liveness, reason};
use connection_core::ConnectionInfo;
use connection_faults::eventually::eventually;
use tokio::runtime::Handle;

use crate::{
    renewing::{LIFE, Renewals, Renewing, refreshed, run},
    sql,
    test_server::Reply,
};

const DAY: i64 = 86_400;

/// Lets time pass until the condition holds.
async fn until(it: &Renewals, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        sql::pass(&it.world.database(), &it.world.clock, 1).await;
    }
    panic!("it does not come to it: {what}");
}

/// Waits while no time passes.
async fn settled(what: &str, mut is_so: impl FnMut() -> bool) {
    eventually(what, async || is_so()).await;
}

async fn info(it: &Renewals) -> ConnectionInfo {
    it.registry.connection(it.connection.id()).await.unwrap().info().clone()
}

fn is(info: &ConnectionInfo, liveness: Liveness, code: Option<&str>) -> bool {
    info.liveness == liveness && info.reason.as_ref().map(|reason| &*reason.code) == code
}

async fn announced(it: &Renewals) -> usize {
    it.events().await.iter().filter(|kind| *kind == "expiring").count()
}

/// Q24: after an operator repairs a wrong setting, the connection refreshes by itself, even long after the
/// credential's end.
#[tokio::test]
async fn a_refresh_resumes_after_the_operator_repaired_the_application() {
    let it = Renewals::new().await;
    it.provider.says(Some((401, "", r#"{"error":"invalid_client"}"#)));
    it.at(LIFE - 100);
    let _running = run(&it.registry);
    until(&it, "it fails", async || is(&info(&it).await, Liveness::Failing, Some(reason::UNAUTHORIZED))).await;
    assert!(it.world.now() >= crate::test_host::START + LIFE, "while the old one works nobody is told anything else");
    let requests = it.provider.request_count();
    it.provider.says(None);
    until(&it, "it is renewed", async || is(&info(&it).await, Liveness::Live, None)).await;
    assert_eq!((it.number("generation").await, it.token().await), (2, "access-2".to_owned()));
    assert_eq!(it.provider.request_count(), requests + 1);
}

/// The end of a credential without a refresh token is announced. It is not refreshed before, and has ended then.
#[tokio::test]
async fn an_end_without_refresh_is_announced_and_then_reported() {
    let plugin = Renewing::new();
    *plugin.renew_in.lock().unwrap() = Some(LIFE);
    *plugin.authorized_for.lock().unwrap() = Some(LIFE);
    let it = Renewals::of(plugin).await;
    it.provider.lock().is_revoked = true;
    assert_eq!(info(&it).await.ends_at().unwrap().seconds(), crate::test_host::START + LIFE);
    let _running = run(&it.registry);
    until(&it, "it is told", async || announced(&it).await == 1).await;
    it.at(LIFE - 1);
    for _ in 0..20 {
        it.number("generation").await;
    }
    assert_eq!((refreshed(&it.plugin), info(&it).await.liveness), (0, Liveness::Live));
    let ended = Some(reason::NEEDS_REAUTHORIZATION);
    until(&it, "it has ended", async || is(&info(&it).await, Liveness::Failing, ended)).await;
    assert_eq!((refreshed(&it.plugin), announced(&it).await), (1, 1));
}

/// An end that a refresh has moved to a later time is announced again; one that was moved to an earlier time is
/// not.
#[tokio::test]
async fn an_end_that_was_moved_is_told_again() {
    let it = Renewals::new().await;
    let moved = async |days: i64, to: i64| {
        it.provider.lock().more = format!(r#","authorizedFor":{to}"#);
        it.at(days * DAY);
        it.connection.refresh().await.unwrap();
    };
    moved(1, 5 * DAY).await;
    let _running = run(&it.registry);
    until(&it, "it is told", async || announced(&it).await == 1).await;
    // The same end, from a provider that counts down and is a second off.
    moved(2, 4 * DAY + 1).await;
    moved(3, 3 * DAY).await;
    for _ in 0..30 {
        it.world.clock.advance(Duration::from_secs(1));
        it.number("generation").await;
    }
    assert_eq!(announced(&it).await, 1);
    // The end is later than the one that was reported.
    moved(4, 90 * DAY).await;
    assert_eq!(it.credential("announced_at").await, None);
    it.at(88 * DAY);
    until(&it, "it is told again", async || announced(&it).await == 2).await;
}

/// Returns the recorded reason after this time without an answer of a provider that accepts the request. The host is patient.
async fn given_up_after(time: Duration) -> String {
    let it = Renewals::new().await;
    let policy = it.world.policy().timeout(Duration::from_secs(600));
    let patient = it.world.builder().http(policy).kind(it.plugin.clone()).open().await.unwrap();
    let connection = patient.connection(it.connection.id()).await.unwrap();
    it.world.provider(|_| Reply::silence());
    it.at(LIFE - 100);
    let asking = Handle::current().spawn(async move { connection.refresh().await });
    settled("it is asked", || it.world.server.requests().iter().any(|request| request.starts_with("POST /token")))
        .await;
    it.world.clock.advance(time);
    settled("it is given up", || asking.is_finished()).await;
    assert_eq!(asking.await.unwrap().unwrap_err().code(), "not_renewed");
    let code = "SELECT refresh_reason FROM connection_credential";
    sql::texts(&it.world.database(), code).await.remove(0)
}

/// A provider that accepts the request and never answers does not extend the lease, however patient the host is.
#[tokio::test]
async fn a_provider_that_says_nothing_is_given_up_within_the_lease() {
    let details = given_up_after(Duration::from_secs(20)).await;
    assert!(details.contains(reason::REFRESH_OUTCOME_UNKNOWN), "{details}");
}

/// The process was stopped for longer than a plugin may take, and the request was out.
#[tokio::test]
async fn a_process_that_was_stopped_in_a_refresh_blames_no_plugin() {
    let details = given_up_after(Duration::from_secs(60)).await;
    assert!(details.contains(reason::REFRESH_OUTCOME_UNKNOWN), "{details}");
    assert!(!details.contains(reason::PLUGIN_TIMEOUT), "{details}");
}
