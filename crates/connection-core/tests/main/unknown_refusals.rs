//! A refresh that is refused in words that no rule knows is told as an end after a day, and is asked about daily.

use std::sync::atomic::Ordering::SeqCst;

use connection_contract::prelude::*;

use crate::renewing::{LIFE, Renewals, Renewing};

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Verifies the connection, and returns its liveness, with the code and the message of its reason.
async fn found(it: &Renewals) -> (Liveness, String, String) {
    let info = it.connection.verify().await.unwrap();
    let reason = info.reason.expect("it is not live");
    (info.liveness, reason.code.to_string(), reason.message.to_string())
}

/// Verifies the connection for four days while its provider refuses, and then accepts again. In the first day, the reason is
/// that of the plugin.
async fn is_told_after_a_day(it: &Renewals, at_first: (Liveness, &str), status: &str) {
    it.at(LIFE);
    let mut requests = 0;
    for minutes in (0..24 * 60).step_by(61) {
        it.at(LIFE + minutes * MINUTE);
        let (liveness, code, _) = found(it).await;
        assert_eq!((liveness, code.as_str()), at_first, "{status} {minutes}");
        assert!(it.provider.request_count() > requests, "{status} {minutes}");
        requests = it.provider.request_count();
    }
    for days in 1..4 {
        it.at(LIFE + days * (DAY + HOUR));
        let (liveness, code, message) = found(it).await;
        assert_eq!((liveness, code.as_str()), (Liveness::Failing, "needs_reauthorization"), "{status} {days}");
        assert!(message.contains(status) && message.contains("since 2027-01-15T09:00:00Z"), "{message}");
        requests += 1;
        assert_eq!(it.provider.request_count(), requests, "{status} {days}");
        it.connection.verify().await.unwrap();
        assert_eq!(it.provider.request_count(), requests, "{status} {days}: once a day");
    }
    it.provider.says(None);
    it.at(LIFE + 5 * DAY);
    assert_eq!((it.connection.verify().await.unwrap().liveness, it.send().await.unwrap()), (Liveness::Live, 200));
}

#[tokio::test]
async fn a_refusal_that_no_rule_knows_is_told_as_an_end_after_a_day_and_is_asked_daily_on() {
    for semantics in [RefreshSemantics::Strict, RefreshSemantics::Stable] {
        let it = Renewals::of(Renewing::of(semantics)).await;
        it.provider.says(Some((404, "", r#"{"status":"BAD_REFRESH_TOKEN"}"#)));
        is_told_after_a_day(&it, (Liveness::Offline, "provider_error"), "404").await;
    }
}

/// The answer of a token endpoint that has forgotten a token may be a page, a text, or nothing at all.
#[tokio::test]
async fn a_refusal_that_cannot_be_read_is_told_as_an_end_after_a_day_and_is_asked_daily_on() {
    for (status, headers, body) in [
        (404, "", ""),
        (422, "content-type: text/plain\r\n", "no such session"),
        (404, "content-type: application/xml\r\n", "<fault>no such session</fault>"),
    ] {
        let it = Renewals::of(Renewing::of(RefreshSemantics::Strict)).await;
        it.provider.says(Some((status, headers, body)));
        is_told_after_a_day(&it, (Liveness::Offline, "provider_error"), &status.to_string()).await;
    }
}

/// Cloudflare answers a program in JSON where a browser gets a page.
#[tokio::test]
async fn an_error_of_something_before_the_provider_is_never_told_as_an_end() {
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.provider.says(Some((404, "", r#"{"status":404,"error_code":1042,"cloudflare_error":true}"#)));
    for days in 0..4 {
        it.at(LIFE + days * (DAY + HOUR));
        let (liveness, code, message) = found(&it).await;
        assert_eq!((liveness, code.as_str()), (Liveness::Offline, "provider_error"), "{days}: {message}");
    }
}

/// Some providers refuse with the status of a success, and say so in the body alone.
#[tokio::test]
async fn a_refusal_with_the_status_of_a_success_is_told_as_an_end_after_a_day_too() {
    for body in [r#"{"ok":false,"error":"whatever"}"#, r#"{"error":"whatever"}"#] {
        let it = Renewals::new().await;
        it.plugin.refuses.store(true, SeqCst);
        it.provider.says(Some((200, "", body)));
        is_told_after_a_day(&it, (Liveness::Failing, "renewing_refused"), "200").await;
    }
    // The control: a success that states no error is no refusal.
    let it = Renewals::of(Renewing::of(RefreshSemantics::Stable)).await;
    it.provider.says(Some((200, "", r#"{"ok":true}"#)));
    for days in 0..4 {
        it.at(LIFE + days * (DAY + HOUR));
        let (liveness, code, message) = found(&it).await;
        assert_eq!((liveness, code.as_str()), (Liveness::Offline, "not_json"), "{days}: {message}");
    }
}
