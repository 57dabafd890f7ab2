//! Connections whose application was refused are due when the host provides another application.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connection_contract::Secret;
use connection_core::HostSecret;

use crate::{
    renewing::{RENEWING, Renewals},
    running::run,
    sql,
    test_host::{START, on_postgres},
};

/// The time until which the connections would wait, in seconds.
const LATER: i64 = START + 3_600;

/// The application that the operator configured.
#[derive(Debug)]
struct Application(Mutex<&'static str>);

#[async_trait::async_trait]
impl HostSecret for Application {
    async fn read(&self) -> Result<Secret, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Secret::from(*self.0.lock().unwrap()))
    }
}

/// A value that never comes, or whose host panics.
#[derive(Debug)]
struct Broken {
    panics: bool,
}

#[async_trait::async_trait]
impl HostSecret for Broken {
    async fn read(&self) -> Result<Secret, Box<dyn std::error::Error + Send + Sync>> {
        assert!(!self.panics, "a fault of the host");
        std::future::pending().await
    }
}

/// Makes the connections wait, as after a refusal of their application.
async fn refuse(it: &Renewals) {
    let refused = r#"{"code":"renewing_client_refused","message":"the provider does not accept the application"}"#;
    it.edit(&format!(
        "UPDATE connection_credential SET refresh_failures = 3, refresh_reason = '{refused}', refresh_at = {LATER}"
    ))
    .await;
}

/// Returns the latest time at which a connection is due.
async fn planned(it: &Renewals) -> i64 {
    sql::number(&it.world.database(), "SELECT MAX(refresh_at) FROM connection_credential").await.unwrap()
}

/// Lets time pass for the scheduler.
async fn pass(it: &Renewals, seconds: u64) {
    for _ in 0..seconds {
        it.world.clock.advance(Duration::from_secs(1));
        sql::look_on(&it.world.database(), 1, if on_postgres() { 120 } else { 20 }, || ()).await;
    }
}

/// Returns `true` if the scheduler makes the connections due within a minute.
async fn is_hastened(it: &Renewals) -> bool {
    for _ in 0..60 {
        pass(it, 1).await;
        if planned(it).await < LATER {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn a_replaced_application_makes_the_connections_due_that_were_refused_with_the_former_one() {
    let it = Renewals::new().await;
    *it.plugin.gives.lock().unwrap() = ["access-1", "refresh-1", "2"];
    it.plugin.connected(&it.registry).await;
    let application = Arc::new(Application(Mutex::new("first")));
    let open = async || {
        let builder = it.world.builder().kind(it.plugin.clone());
        builder.secret_value(RENEWING, "client", application.clone()).open().await.unwrap()
    };
    open().await.close().await;
    refuse(&it).await;
    open().await.close().await;
    assert_eq!(planned(&it).await, LATER, "the application is the same");
    *application.0.lock().unwrap() = "second";
    open().await.close().await;
    assert!((START..=START + 120).contains(&planned(&it).await), "{}", planned(&it).await - START);
    refuse(&it).await;
    open().await.close().await;
    assert_eq!(planned(&it).await, LATER, "it is known by now");
}

#[tokio::test]
async fn a_secret_that_is_replaced_while_the_scheduler_runs_makes_the_connections_due() {
    let it = Renewals::new().await;
    let application = Arc::new(Application(Mutex::new("first")));
    let builder = it.world.builder().kind(it.plugin.clone());
    let registry = builder.secret_value(RENEWING, "client", application.clone()).open().await.unwrap();
    let _running = run(&registry);
    // What the scheduler begins with has ended.
    pass(&it, 15).await;
    refuse(&it).await;
    pass(&it, 15).await;
    assert_eq!(planned(&it).await, LATER, "the application is the same");
    *application.0.lock().unwrap() = "second";
    assert!(is_hastened(&it).await);
}

#[tokio::test]
async fn a_value_that_never_comes_or_panics_holds_nothing_up() {
    let it = Renewals::new().await;
    let application = Arc::new(Application(Mutex::new("first")));
    let mut builder = it.world.builder().kind(it.plugin.clone());
    for (key, panics) in [("hangs", false), ("panics", true)] {
        builder = builder.secret_value(RENEWING, key, Arc::new(Broken { panics }));
    }
    let registry = builder.secret_value(RENEWING, "client", application.clone()).open().await.unwrap();
    let _running = run(&registry);
    pass(&it, 30).await;
    refuse(&it).await;
    *application.0.lock().unwrap() = "second";
    assert!(is_hastened(&it).await);
}
