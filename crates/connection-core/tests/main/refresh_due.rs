//! The time of a refresh: shortly before the end of the credential, when its plugin says so, or when it is refused.

use connection_contract::{Liveness, RefreshSemantics};
use connection_core::Error;

use crate::{
    fake::{Fake, count},
    renewing::{LIFE, RENEWING, Renewals, Renewing, refreshed},
    sql,
    test_host::{START, World},
};

#[tokio::test]
async fn a_credential_is_not_renewed_before_its_time() {
    let it = Renewals::new().await;
    // At most 300 seconds before its end, and at most half of that earlier.
    it.at(LIFE - 451);
    assert_eq!(it.send().await.unwrap(), 200);
    assert_eq!((it.provider.request_count(), it.connection.verify().await.unwrap().liveness), (0, Liveness::Live));
    assert_eq!(it.provider.request_count(), 0);
    it.at(LIFE - 300);
    assert_eq!(it.send().await.unwrap(), 200);
    it.until_renewed(1).await;
    assert_eq!(it.token().await, "access-2");
}

/// R-INSEAM-073, Q26
#[tokio::test]
async fn a_credential_that_lives_a_minute_is_renewed_once_in_its_last_quarter() {
    let plugin = Renewing::new();
    *plugin.valid_for.lock().unwrap() = Some(60);
    let it = Renewals::of(plugin).await;
    it.provider.lock().life = Some(60);
    let due = it.credential("refresh_at").await.unwrap() - START;
    assert!((42..=48).contains(&due), "{due}");
    it.at(due - 1);
    for _ in 0..5 {
        assert_eq!(it.send().await.unwrap(), 200);
    }
    assert_eq!(it.provider.request_count(), 0);
    it.at(due);
    it.connection.verify().await.unwrap();
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()));
    for _ in 0..5 {
        it.connection.verify().await.unwrap();
    }
    assert_eq!(it.provider.request_count(), 1);
}

#[tokio::test]
async fn the_plugins_own_time_goes_before_the_end() {
    let plugin = Renewing::new();
    *plugin.renew_in.lock().unwrap() = Some(100);
    let it = Renewals::of(plugin).await;
    it.provider.lock().more = r#","renewIn":500,"authorizedFor":604800"#.to_owned();
    assert_eq!(it.credential("renew_at").await, Some(START + 100));
    it.at(99);
    it.connection.verify().await.unwrap();
    assert_eq!(it.provider.request_count(), 0);
    it.at(100);
    let info = it.connection.verify().await.unwrap();
    assert_eq!(it.provider.request_count(), 1);
    assert_eq!(info.valid_until.unwrap().seconds(), START + 100 + LIFE);
    assert_eq!(info.authorized_until.unwrap().seconds(), START + 100 + 604_800);
    assert_eq!((it.credential("refresh_at").await, info.renews), (Some(START + 600), true));
    // The next answer does not repeat the end of the authorization, which then stays as it was.
    it.provider.lock().more = String::new();
    it.at(600);
    let info = it.connection.verify().await.unwrap();
    assert_eq!((it.provider.request_count(), info.authorized_until.unwrap().seconds()), (2, START + 100 + 604_800));
    assert_eq!(it.credential("renew_at").await, None);
}

/// Q8, Q13
#[tokio::test]
async fn one_that_says_nothing_of_its_end_is_renewed_when_it_is_refused() {
    let plugin = Renewing::new();
    *plugin.valid_for.lock().unwrap() = None;
    let it = Renewals::of(plugin).await;
    it.provider.lock().life = None;
    it.at(10_000_000);
    assert_eq!(it.send().await.unwrap(), 200);
    it.connection.verify().await.unwrap();
    assert_eq!(it.provider.request_count(), 0);
    // The credential is refreshed by a use and by a probe. The refresh token is still that of the first credential.
    for (requests, number) in [(1, 2), (2, 4)] {
        it.at(10_000_000 + 100 * i64::from(number));
        sql::run(&it.world.database(), "UPDATE connection_liveness SET liveness = 'live'").await;
        break_access(&it).await;
        if requests == 1 {
            assert_eq!(it.send().await.unwrap(), 200);
        } else {
            assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Live);
        }
        assert_eq!(it.provider.request_count(), requests, "{number}");
    }
}

/// The provider forgets the access tokens, but not the grant.
async fn break_access(it: &Renewals) {
    let number = it.provider.lock().number;
    let issued = it.provider.clone();
    let forgotten = format!("bearer access-{number}\r\n");
    it.world.provider(move |request| {
        if request.to_lowercase().contains(&forgotten) {
            return crate::test_server::Reply::whole(401, "", "{}");
        }
        issued.answer(request)
    });
}

#[tokio::test]
async fn a_requested_refresh_ignores_the_schedule() {
    let it = Renewals::new().await;
    let info = it.connection.refresh().await.unwrap().connection;
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()));
    assert_eq!((info.liveness, info.valid_until.unwrap().seconds()), (Liveness::Live, START + LIFE));
    it.connection.refresh().await.unwrap();
    assert_eq!((it.provider.request_count(), it.token().await), (2, "access-3".to_owned()));
    assert_eq!(it.lease("lease_until").await, None);
}

#[tokio::test]
async fn kinds_that_renew_nothing_say_so_and_take_no_lease() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let connection = fake.connected(&registry, "ada").await;
    let refused = connection.refresh().await.unwrap_err();
    assert!(matches!(&refused, Error::NotSupported { what: "renew their credential", .. }), "{refused:?}");
    for _ in 0..3 {
        connection.verify().await.unwrap();
    }
    let fence = sql::number(&world.database(), "SELECT fence FROM connection_liveness").await;
    assert_eq!((fence, count(&fake.verified), connection.info().renews), (Some(0), 3, false));
}

#[tokio::test]
async fn the_capabilities_of_a_kind_say_how_it_refreshes() {
    let world = World::new().await;
    let registry = world.builder().kind(Fake::new()).kind(Renewing::new()).open().await.unwrap();
    let of = |kind| registry.kinds().get(kind).unwrap().capabilities.refresh;
    assert_eq!((of(&crate::fake::FAKE), of(&RENEWING)), (None, Some(RefreshSemantics::Strict)));
}

/// A provider whose tokens have expired when they arrive gets one request for each use, and not an endless series.
#[tokio::test]
async fn a_credential_that_comes_ended_is_not_renewed_again_at_once() {
    let it = Renewals::new().await;
    it.provider.lock().life = Some(0);
    it.at(LIFE);
    for _ in 0..5 {
        assert_eq!(it.send().await.unwrap(), 200);
    }
    assert_eq!((it.provider.request_count(), refreshed(&it.plugin)), (1, 1));
    it.at(LIFE + 30);
    assert_eq!(it.send().await.unwrap(), 200);
    assert_eq!(it.provider.request_count(), 2);
}
