//! A temporary failure disconnects no connection, an end at the provider is reported, and a fault of the plugin
//! loses nothing.

use std::time::Duration;

use connection_contract::{Liveness, RefreshSemantics, reason};
use connection_core::{Connection, ConnectionInfo, Error, Outcome};
use tokio::runtime::Handle;

use crate::{
    fake::{Deed, set},
    renewing::{LIFE, Renewals, Renewing, refreshed},
    sql,
    test_host::{answers, step},
};

fn code(info: &ConnectionInfo) -> Option<&str> {
    info.reason.as_ref().map(|reason| &*reason.code)
}

fn not_renewed(result: Result<u16, Error>) -> String {
    match result {
        Err(error @ Error::NotRenewed { .. }) if error.code() == "not_renewed" => match error {
            Error::NotRenewed { why, .. } => format!("{:?} {}", why.liveness, why.reason.code),
            _ => unreachable!(),
        },
        other => panic!("{other:?}"),
    }
}

/// Q24
#[tokio::test]
async fn a_provider_that_is_down_for_ten_minutes_disconnects_nobody() {
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.provider.says(Some((503, "", "")));
    // The first half is before the end: the connection works all the time.
    for seconds in (0..300).step_by(10) {
        it.at(LIFE - 300 + seconds);
        assert_eq!(it.send().await.unwrap(), 200);
        let info = it.connection.verify().await.unwrap();
        assert_eq!((info.liveness, code(&info)), (Liveness::Live, None));
        it.not_due().await;
    }
    let early = it.provider.request_count();
    // The API of the same origin answers, so each pause after the first one has a minute.
    assert!((2..=6).contains(&early), "{early}: a pause lies between two tries");
    // The other half is after its end.
    for seconds in (0..300).step_by(10) {
        it.at(LIFE + seconds);
        assert_eq!(not_renewed(it.send().await), "Offline provider_error");
        let info = it.connection.verify().await.unwrap();
        assert_eq!((info.liveness, code(&info)), (Liveness::Offline, Some(reason::PROVIDER_ERROR)));
    }
    assert!(it.provider.request_count() <= early + 3, "{}", it.provider.request_count());
    it.provider.says(None);
    it.at(LIFE + 3_900);
    assert_eq!(it.send().await.unwrap(), 200);
    let info = it.registry.connection(it.connection.id()).await.unwrap().info().clone();
    assert_eq!((info.liveness, code(&info)), (Liveness::Live, None));
    assert_eq!((it.credential("refresh_failures").await, it.provider.lock().is_revoked), (Some(0), false));
}

#[tokio::test]
async fn a_provider_that_asks_for_a_pause_gets_it() {
    let it = Renewals::new().await;
    it.provider.says(Some((429, "retry-after: 120\r\n", "")));
    it.at(LIFE);
    assert_eq!(not_renewed(it.send().await), "Offline rate_limited");
    it.at(LIFE + 119);
    assert_eq!(not_renewed(it.send().await), "Offline rate_limited");
    assert_eq!(it.provider.request_count(), 1);
    it.provider.says(None);
    it.at(LIFE + 120);
    assert_eq!((it.send().await.unwrap(), it.provider.request_count()), (200, 2));
}

/// S13
#[tokio::test]
async fn a_grant_that_is_gone_needs_a_person_and_is_not_tried_again() {
    let it = Renewals::new().await;
    it.provider.lock().is_revoked = true;
    it.at(LIFE - 100);
    let mut changes = it.connection.on_liveness_change();
    let info = it.connection.verify().await.unwrap();
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, Some(reason::NEEDS_REAUTHORIZATION)));
    assert_eq!(info.reason.unwrap().remedy.unwrap().as_str(), "authorize this connection again");
    assert_eq!(changes.next().await.unwrap().liveness, Liveness::Failing);
    it.at(LIFE + 100_000);
    for _ in 0..3 {
        assert_eq!(not_renewed(it.send().await), "Failing needs_reauthorization");
        assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Failing);
    }
    assert_eq!(
        (it.provider.request_count(), it.events().await.join(" ")),
        (1, "connected not_renewed liveness_changed".into())
    );
    // A person re-authorizes it.
    *it.provider.lock() = crate::strict_issuer::Strict::new().lock().clone();
    reauthorize(&it.connection).await;
    assert_eq!(it.send().await.unwrap(), 200);
    it.at(LIFE + 200_000);
    assert_eq!((it.send().await.unwrap(), it.token().await), (200, "access-2".to_owned()));
}

async fn reauthorize(connection: &Connection) {
    let session = connection.reauthorize().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("name", "ada")])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
}

/// Q24: a refusal of a credential that a person has replaced in the meantime.
#[tokio::test]
async fn a_caller_refused_after_a_concurrent_refresh_adopts_its_credential() {
    let it = Renewals::new().await;
    it.provider.says(Some((400, "", r#"{"error":"invalid_grant"}"#)));
    it.plugin.after.close();
    it.at(LIFE - 100);
    let asking = Handle::current().spawn({
        let connection = it.connection.clone();
        async move { connection.refresh().await }
    });
    it.plugin.after.until_inside(1).await;
    reauthorize(&it.connection).await;
    it.plugin.after.open();
    let info = asking.await.unwrap().unwrap().connection;
    assert_eq!((info.liveness, code(&info), it.number("generation").await), (Liveness::Live, None, 2));
}

#[tokio::test]
async fn a_fault_of_the_plugin_loses_no_credential() {
    for (deed, expected) in [
        (Deed::Bug, reason::PLUGIN_FAULT),
        (Deed::Panics, reason::PLUGIN_PANICKED),
        (Deed::PanicsInDrop, reason::PLUGIN_PANICKED),
        (Deed::Hangs, reason::PLUGIN_TIMEOUT),
        (Deed::Unreadable, reason::CREDENTIAL_UNREADABLE),
        (Deed::Unavailable, reason::PLUGIN_FAULT),
    ] {
        let it = Renewals::new().await;
        let before = sql::blob(&it.world.database(), "SELECT sealed FROM connection_credential").await;
        let is_endless = matches!(deed, Deed::Hangs | Deed::PanicsInDrop);
        set(&it.plugin.deed, deed);
        it.at(100);
        let asking = Handle::current().spawn({
            let connection = it.connection.clone();
            async move { connection.refresh().await }
        });
        if is_endless {
            it.world.clock.until_asleep(3).await;
            it.world.clock.advance(Duration::from_secs(45));
        }
        let failed = asking.await.unwrap().unwrap_err();
        let Error::NotRenewed { why, .. } = failed else { panic!("{expected}: {failed:?}") };
        assert_eq!(why.reason.code, expected);
        // It works as before, and so does the next attempt.
        let info = it.connection.verify().await.unwrap();
        assert_eq!((info.liveness, it.send().await.unwrap()), (Liveness::Live, 200), "{expected}");
        assert!(before == sql::blob(&it.world.database(), "SELECT sealed FROM connection_credential").await);
        set(&it.plugin.deed, Deed::Well);
        it.connection.refresh().await.unwrap();
        assert_eq!((it.token().await, it.lease("lease_until").await), ("access-2".to_owned(), None), "{expected}");
    }
}

#[tokio::test]
async fn a_clock_that_was_wrong_when_it_failed_holds_nobody_up() {
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.provider.says(Some((503, "", "")));
    it.at(LIFE * 24 * 365);
    assert_eq!(not_renewed(it.send().await), "Offline provider_error");
    it.provider.says(None);
    it.world.clock.jump_to(connection_contract::Timestamp::from_seconds(crate::test_host::START + LIFE));
    assert_eq!((it.send().await.unwrap(), refreshed(&it.plugin)), (200, 2));
}

#[tokio::test]
async fn a_refresh_that_loses_a_required_scope_is_noticed_and_its_credential_is_stored() {
    let it = Renewals::new().await;
    it.provider.lock().more = r#","lacks":"mail.read mail.send""#.to_owned();
    it.at(100);
    let info = it.connection.refresh().await.unwrap().connection;
    assert_eq!((info.liveness, code(&info)), (Liveness::Failing, Some(reason::SCOPE_MISSING)));
    let said = info.reason.clone().unwrap();
    assert!(said.message.as_str().contains("mail.read mail.send") && said.remedy.is_some(), "{said:?}");
    assert!(said.message.as_str().contains(" answered 200 OK: "), "{said:?}");
    assert_eq!(it.token().await, "access-2", "the new credential is stored all the same");
    assert!(it.events().await.contains(&"liveness_changed".to_owned()));
    let pause = it.lease("next_check_at").await.expect("it is asked again") - it.world.now();
    assert!((300..=375).contains(&pause), "{pause}");
    // The scopes were granted again.
    it.provider.lock().more = String::new();
    it.connection.refresh().await.unwrap();
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
}
