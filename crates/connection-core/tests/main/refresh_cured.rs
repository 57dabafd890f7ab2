//! A refresh makes a failing connection live if a new token repairs it, and no other. For any other fault, the next
//! probe decides.

use connection_contract::{Liveness, reason};
use connection_core::ConnectionInfo;

use crate::renewing::Renewals;

/// For these reasons, the credential or a token derived from it was at fault.
const CURED: [&str; 7] = [
    reason::CREDENTIAL_UNREADABLE,
    reason::EXPIRED,
    reason::PLUGIN_FAULT,
    reason::PLUGIN_PANICKED,
    reason::PLUGIN_TIMEOUT,
    reason::RESTORED,
    reason::UNAUTHORIZED,
];
/// For these reasons, another rule determines whether anything is sent at all.
const ENDED: [&str; 2] = [reason::NEEDS_REAUTHORIZATION, reason::REFRESH_OUTCOME_UNKNOWN];

/// Stores the result of the last probe in the row, as the probe would have.
async fn measured(it: &Renewals, liveness: &str, code: &str) {
    let reason = format!(r#"{{"code":"{code}","message":"the last probe said so"}}"#);
    let sql = "UPDATE connection_liveness SET liveness = '";
    let rows = it.edit(&format!("{sql}{liveness}', reason = '{reason}', next_check_at = NULL, failures = 3")).await;
    assert_eq!(rows, 1);
}

fn shown(info: &ConnectionInfo) -> (Liveness, Option<String>) {
    (info.liveness, info.reason.as_ref().map(|reason| reason.code.to_string()))
}

#[tokio::test]
async fn only_what_a_fresh_token_mends_is_live_after_a_refresh() {
    let it = Renewals::new().await;
    let own = ["renewing_suspended", "twilio_inactive", ""];
    let codes = reason::ALL.iter().chain(&own).filter(|code| !ENDED.contains(code));
    for (times, code) in (1..).zip(codes) {
        measured(&it, "failing", code).await;
        it.at(times * 100);
        let info = it.connection.refresh().await.unwrap().connection;
        assert_eq!(it.provider.request_count(), usize::try_from(times).unwrap(), "{code}: it was renewed");
        if CURED.contains(code) {
            assert_eq!(shown(&info), (Liveness::Live, None), "{code}");
        } else {
            assert_eq!(shown(&info), (Liveness::Failing, Some((*code).to_owned())), "{code}");
            assert_eq!(it.lease("failures").await, Some(3), "{code}: nothing was measured");
        }
        // In any case, a probe is due now.
        let due = it.lease("next_check_at").await;
        assert_eq!(due, Some(it.world.now()), "{code}");
        let generation = it.number("generation").await;
        assert_eq!(it.lease("generation").await, Some(generation), "{code}: it is told of the fresh credential");
    }
}

/// A pause that the provider asked for at a verification is kept, unless it began later than now: then it was stored
/// before the clock was set back.
#[tokio::test]
async fn a_refresh_does_not_end_a_pause_of_verifications() {
    let it = Renewals::new().await;
    for (times, began, is_kept) in [(1, 0, true), (2, 10, false)] {
        measured(&it, "offline", reason::RATE_LIMITED).await;
        it.at(times * 100);
        let now = it.world.now();
        let (began, until) = (now + began, now + 600);
        let sql = "UPDATE connection_liveness SET checked_at =";
        assert_eq!(it.edit(&format!("{sql} {began}, paused_until = {until}, next_check_at = {until}")).await, 1);
        let info = it.connection.refresh().await.unwrap().connection;
        assert_eq!(shown(&info), (Liveness::Live, None));
        let kept = is_kept.then_some(until);
        assert_eq!(info.paused_until.map(|until| until.seconds()), kept);
        assert_eq!(it.lease("next_check_at").await, Some(kept.unwrap_or(now)));
    }
}

/// The control: a provider that could not be reached has been reached.
#[tokio::test]
async fn an_offline_connection_is_live_after_a_refresh() {
    let it = Renewals::new().await;
    for (times, code) in (1..).zip([reason::CONNECT, reason::TIMEOUT, reason::PROVIDER_ERROR, reason::SCOPE_MISSING]) {
        measured(&it, "offline", code).await;
        it.at(times * 100);
        assert_eq!(shown(&it.connection.refresh().await.unwrap().connection), (Liveness::Live, None), "{code}");
    }
}

/// A code of the plugin's own, as for an application that its provider did not accept for a while.
#[tokio::test]
async fn a_successful_refresh_clears_the_reason_of_a_failed_one() {
    let it = Renewals::new().await;
    let expected = [(false, Liveness::Failing), (true, Liveness::Live)];
    for (times, (is_of_refresh, liveness)) in (1..).zip(expected) {
        measured(&it, "failing", "client_refused").await;
        if is_of_refresh {
            let reason = r#"{"code":"client_refused","message":"the last refresh said so"}"#;
            let sql = "UPDATE connection_credential SET refresh_failures = 1, refresh_reason = '";
            assert_eq!(it.edit(&format!("{sql}{reason}' WHERE state = 'current'")).await, 1);
        }
        it.at(times * 100);
        assert_eq!(it.connection.refresh().await.unwrap().connection.liveness, liveness, "{is_of_refresh}");
    }
}
