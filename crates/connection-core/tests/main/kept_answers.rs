//! An answer that came and could not be read is kept, and the token that was spent for it is not sent again by itself.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use connection_contract::{Liveness, NotLive, RefreshSemantics, reason};
use connection_core::{ConnectionInfo, Error};

use crate::{
    old_rows::scheduled,
    renewing::{LIFE, Renewals, Renewing, process},
    running::run,
    sql,
    test_host::START,
};

const UNKNOWN: &str = reason::REFRESH_OUTCOME_UNKNOWN;
const DAY: i64 = 86_400;
const KEPT: i64 = 30 * DAY;
const STATES: &str = "SELECT state FROM connection_exchange";

/// Returns a connection whose provider answers with tokens that the plugin cannot read.
async fn unreadable(semantics: RefreshSemantics) -> Renewals {
    let it = Renewals::of(Renewing::of(semantics)).await;
    it.provider.lock().prefix = ")]}',";
    it
}

fn not_renewed(refreshed: Result<connection_core::RefreshedConnection, Error>) -> NotLive {
    let Err(Error::NotRenewed { why, .. }) = refreshed else { panic!("{refreshed:?}") };
    *why
}

fn code(info: &ConnectionInfo) -> Option<&str> {
    info.reason.as_ref().map(|reason| &*reason.code)
}

async fn exchanges(it: &Renewals) -> Vec<String> {
    sql::texts(&it.world.database(), STATES).await
}

/// Makes the kept answers older, by the clock of the database and by that of this boot.
async fn passes(it: &Renewals, seconds: i64) {
    it.note_passes(seconds).await;
    it.boot_passes(seconds).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_kept_and_its_token_is_not_sent_again() {
    let grace = RefreshSemantics::Grace(Duration::from_secs(3_600));
    for semantics in [RefreshSemantics::Strict, grace] {
        let it = unreadable(semantics).await;
        it.at(100);
        let why = not_renewed(it.connection.refresh().await);
        assert_eq!((why.liveness, &*why.reason.code, why.recheck_after), (Liveness::Offline, UNKNOWN, None));
        let message = why.reason.message.as_str();
        let said = ["the provider answered, and the answer could not be read: ", "; it is kept until 20"];
        assert!(said.iter().all(|part| message.contains(part)), "{message}");
        assert!(why.reason.remedy.is_some());
        let info = it.registry.connection(it.connection.id()).await.unwrap().info().clone();
        assert_eq!((info.liveness, code(&info)), (Liveness::Live, Some(UNKNOWN)), "the access token works");
        for at in [200, LIFE, LIFE + 3_600, LIFE + 2 * DAY, LIFE + 20 * DAY] {
            it.at(at);
            passes(&it, 3_600).await;
            let info = it.connection.verify().await.unwrap();
            // The provider no longer accepts the former access token.
            assert_eq!((info.liveness, code(&info)), (Liveness::Offline, Some(UNKNOWN)), "{semantics:?} {at}");
            not_renewed(it.connection.refresh().await);
            assert_eq!((it.provider.request_count(), exchanges(&it).await), (1, vec!["answered".to_owned()]));
        }
        assert!(it.connection.verify().await.unwrap().is_to_choose(), "a person sees it among what needs attention");
        assert!(!it.provider.lock().is_revoked);
    }
}

#[tokio::test]
async fn a_kept_answer_is_read_by_a_newer_version_without_a_request() {
    let it = unreadable(RefreshSemantics::Strict).await;
    it.at(LIFE);
    assert_eq!(it.connection.verify().await.unwrap().liveness, Liveness::Offline);
    it.at(LIFE + 9 * DAY);
    it.plugin.skips.store(true, SeqCst);
    let refreshed = it.connection.refresh().await.unwrap();
    assert_eq!((refreshed.connection.liveness, code(&refreshed.connection)), (Liveness::Live, None));
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()));
    assert!(exchanges(&it).await.is_empty());
    it.connection.refresh().await.unwrap();
    assert_eq!((it.provider.request_count(), it.token().await), (2, "access-3".to_owned()), "its token is the next");
}

#[tokio::test]
async fn the_scheduler_reads_a_kept_answer_again_every_day() {
    let it = unreadable(RefreshSemantics::Strict).await;
    it.at(LIFE);
    not_renewed(it.connection.refresh().await);
    assert_eq!(it.credential("refresh_at").await, Some(START + LIFE + DAY));
    it.plugin.skips.store(true, SeqCst);
    it.at(LIFE + DAY);
    let _running = run(&it.registry);
    it.until_renewed(1).await;
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()));
}

#[tokio::test]
async fn force_reads_a_kept_answer_first_and_then_sends_the_former_token() {
    let it = unreadable(RefreshSemantics::Strict).await;
    it.at(100);
    not_renewed(it.connection.force_refresh().await);
    assert_eq!(exchanges(&it).await, ["answered"], "an answer that has just come is not dropped");
    passes(&it, 61).await;
    it.plugin.skips.store(true, SeqCst);
    assert_eq!(it.connection.force_refresh().await.unwrap().connection.liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()), "nothing was sent");

    let it = unreadable(RefreshSemantics::Strict).await;
    it.at(100);
    not_renewed(it.connection.refresh().await);
    passes(&it, 61).await;
    // The provider did not process the request after all.
    it.provider.lock().number = 1;
    it.provider.lock().prefix = "";
    assert_eq!(it.connection.force_refresh().await.unwrap().connection.liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), it.token().await), (2, "access-2".to_owned()));
    assert!(exchanges(&it).await.is_empty());
}

#[tokio::test]
async fn force_in_the_quarantine_of_a_kept_answer_keeps_it_and_says_when_the_token_is_sent() {
    let it = unreadable(RefreshSemantics::Strict).await;
    it.at(100);
    not_renewed(it.connection.refresh().await);
    for _ in 0..2 {
        let why = not_renewed(it.connection.force_refresh().await);
        let minute = Duration::from_secs(60);
        assert!(why.recheck_after.is_some_and(|after| !after.is_zero() && after <= minute), "{why:?}");
        let message = why.reason.message.as_str();
        assert!(message.contains("could not be read") && message.contains("; it is kept until 20"), "{message}");
        assert_eq!((it.provider.request_count(), exchanges(&it).await), (1, vec!["answered".to_owned()]));
    }
    it.plugin.skips.store(true, SeqCst);
    assert_eq!(it.connection.refresh().await.unwrap().connection.liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), it.token().await), (1, "access-2".to_owned()), "nothing was lost");
}

#[tokio::test]
async fn a_kept_answer_stays_when_force_gets_no_token() {
    for (status, body) in [(400, r#"{"error":"invalid_grant"}"#), (429, "{}"), (503, ""), (200, "no json")] {
        let it = unreadable(RefreshSemantics::Strict).await;
        it.at(100);
        not_renewed(it.connection.refresh().await);
        passes(&it, 61).await;
        it.provider.says(Some((status, "", body)));
        let why = not_renewed(it.connection.force_refresh().await);
        let message = why.reason.message.as_str();
        let is_told =
            message.contains("an earlier answer could not be read and is kept, and api.acme.example answered");
        assert_eq!(is_told, status == 400, "{message}");
        assert_eq!(it.provider.request_count(), 2, "{status}: what a person forces is sent");
        assert!(exchanges(&it).await.contains(&"answered".to_owned()), "{status}");
        it.plugin.skips.store(true, SeqCst);
        let refreshed = it.connection.refresh().await.unwrap();
        assert_eq!((refreshed.connection.liveness, code(&refreshed.connection)), (Liveness::Live, None), "{status}");
        assert_eq!((it.provider.request_count(), it.token().await), (2, "access-2".to_owned()), "{status}");
        assert!(exchanges(&it).await.is_empty(), "{status}: also an attempt without an answer");
    }
}

#[tokio::test]
async fn the_newest_of_the_kept_answers_that_can_be_read_is_used() {
    let it = unreadable(RefreshSemantics::Strict).await;
    it.at(100);
    not_renewed(it.connection.refresh().await);
    passes(&it, 61).await;
    it.provider.says(Some((200, "", r#")]}',{"access":"access-9","refresh":"refresh-9","life":3600}"#)));
    not_renewed(it.connection.force_refresh().await);
    assert_eq!(exchanges(&it).await, ["answered", "answered"]);
    it.plugin.skips.store(true, SeqCst);
    assert_eq!(it.connection.refresh().await.unwrap().connection.liveness, Liveness::Live);
    assert_eq!((it.provider.request_count(), it.token().await), (2, "access-9".to_owned()));
    assert!(exchanges(&it).await.is_empty());
}

#[tokio::test]
async fn a_younger_answer_is_read_after_the_first_one_is_kept_no_longer() {
    for is_swept in [false, true] {
        let it = unreadable(RefreshSemantics::Strict).await;
        it.at(100);
        not_renewed(it.connection.refresh().await);
        passes(&it, 61).await;
        it.provider.says(Some((200, "", r#")]}',{"access":"access-9","refresh":"refresh-9","life":3600}"#)));
        not_renewed(it.connection.force_refresh().await);
        assert_eq!(exchanges(&it).await, ["answered", "answered"]);
        let first = "WHERE concluded_at < (SELECT MAX(concluded_at) FROM connection_exchange)";
        if is_swept {
            let swept = "state = 'intent', sealed = NULL, node_id = NULL, process_id = ''";
            it.edit(&format!("UPDATE connection_exchange SET {swept} {first}")).await;
        }
        it.edit(&format!("UPDATE connection_exchange SET concluded_at = 1 {first}")).await;
        let why = not_renewed(it.connection.refresh().await);
        let message = why.reason.message.as_str();
        assert!(message.contains("could not be read") && message.contains("; it is kept until 20"), "{message}");
        it.plugin.skips.store(true, SeqCst);
        assert_eq!(it.connection.refresh().await.unwrap().connection.liveness, Liveness::Live, "{is_swept}");
        assert_eq!((it.provider.request_count(), it.token().await), (2, "access-9".to_owned()), "{is_swept}");
        assert!(exchanges(&it).await.is_empty(), "{is_swept}");
    }
}

#[tokio::test]
async fn force_keeps_at_most_eight_answers_for_a_token() {
    let it = unreadable(RefreshSemantics::Strict).await;
    it.provider.says(Some((200, "", "no json")));
    it.at(100);
    not_renewed(it.connection.refresh().await);
    for _ in 0..10 {
        passes(&it, 61).await;
        not_renewed(it.connection.force_refresh().await);
    }
    assert_eq!((it.provider.request_count(), exchanges(&it).await), (8, vec!["answered".to_owned(); 8]));
}

#[tokio::test]
async fn an_answer_that_was_kept_for_thirty_days_is_lost_and_its_token_is_sent_by_force_alone() {
    for is_ended in [false, true] {
        let it = unreadable(RefreshSemantics::Strict).await;
        it.at(LIFE);
        not_renewed(it.connection.refresh().await);
        passes(&it, KEPT).await;
        it.at(LIFE + DAY);
        if is_ended {
            it.edit("UPDATE connection_exchange SET concluded_at = 1").await;
            let kept = "SELECT COUNT(*) FROM connection_exchange WHERE sealed IS NOT NULL";
            // The scheduler of another process, whose verification nobody here joins, and which has ended before time
            // passes.
            let other = process(&it.world, &it.plugin, it.world.clock.clone()).await;
            scheduled(&it.world, &other, kept, 0).await;
            other.close().await;
        }
        it.at(LIFE + 3 * DAY);
        it.plugin.skips.store(true, SeqCst);
        let info = it.connection.verify().await.unwrap();
        assert_eq!((info.liveness, code(&info)), (Liveness::Failing, Some(UNKNOWN)), "{is_ended}");
        not_renewed(it.connection.refresh().await);
        assert_eq!(it.provider.request_count(), 1, "{is_ended}");
        it.provider.lock().number = 1;
        it.provider.lock().prefix = "";
        it.edit("UPDATE connection_exchange SET concluded_at = 1").await;
        assert_eq!(it.connection.force_refresh().await.unwrap().connection.liveness, Liveness::Live, "{is_ended}");
        assert_eq!((it.provider.request_count(), it.token().await), (2, "access-2".to_owned()), "{is_ended}");
    }
}

#[tokio::test]
async fn a_page_or_an_empty_answer_is_not_kept_and_the_token_is_sent_again() {
    for (headers, body) in [
        ("content-type: text/html\r\n", "<!DOCTYPE html><html><body>Sign in to the guest network</body></html>"),
        ("", ""),
        ("", r#"{"error":"temporarily_unavailable"}"#),
    ] {
        let it = Renewals::new().await;
        it.provider.says(Some((200, headers, body)));
        it.at(LIFE);
        not_renewed(it.connection.refresh().await);
        assert_eq!(exchanges(&it).await, ["intent"], "{body}");
        it.provider.says(None);
        passes(&it, 61).await;
        it.connection.refresh().await.unwrap();
        assert_eq!((it.provider.request_count(), it.token().await), (2, "access-2".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn tokens_after_the_warnings_of_a_script_are_kept() {
    let it = Renewals::new().await;
    let body = "<br />\n<b>Warning</b>: in token.php\n{\"access_token\":\"access-2\"}";
    it.provider.says(Some((200, "content-type: text/html\r\n", body)));
    it.at(LIFE);
    not_renewed(it.connection.refresh().await);
    it.provider.says(None);
    passes(&it, 61).await;
    not_renewed(it.connection.refresh().await);
    assert_eq!((it.provider.request_count(), exchanges(&it).await), (1, vec!["answered".to_owned()]));
}

#[tokio::test]
async fn tokens_in_a_text_or_a_document_are_kept() {
    for (headers, body) in [
        ("", r#""{\"access_token\": \"access-2\"}""#),
        ("", r#"{"statusCode": 200, "body": "{\"access_token\": \"access-2\"}"}"#),
        ("content-type: text/html\r\n", "<OAuth><access_token>access-2</access_token></OAuth>"),
        ("content-type: text/html\r\n", "<html><input name='access_token' value='access-2'></html>"),
    ] {
        let it = Renewals::new().await;
        it.provider.says(Some((200, headers, body)));
        it.at(LIFE);
        not_renewed(it.connection.refresh().await);
        it.provider.says(None);
        passes(&it, 61).await;
        not_renewed(it.connection.refresh().await);
        assert_eq!((it.provider.request_count(), exchanges(&it).await), (1, vec!["answered".to_owned()]), "{body}");
    }
}

#[tokio::test]
async fn a_stable_token_is_sent_again_after_an_answer_that_cannot_be_read() {
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.provider.says(Some((200, "", "no json")));
    it.at(100);
    not_renewed(it.connection.refresh().await);
    assert!(exchanges(&it).await.is_empty());
    it.provider.says(None);
    it.connection.refresh().await.unwrap();
    assert_eq!((it.provider.request_count(), it.token().await), (2, "access-2".to_owned()));
}
