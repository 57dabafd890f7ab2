//! What happens between an approval and its execution: the request is decided again, and sent at most once, as it was
//! shown.

use std::{sync::Arc, time::Duration};

use connection_core::{ApprovalState, Connection, Frozen, LapseReason, Outcome};
use connection_faults::random::Random;
use connection_rules::{RequestParts, Rules};
use serde_json::json;

use crate::{
    approvals_kit::{Asking, PATIENCE, approval_of, comment, upload},
    test_host::{answers, me, step},
    test_server::Reply,
};

/// What happens to a request that is approved and not sent yet.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Narrows,
    Revokes,
    Ends,
    RemovesAgent,
    RemovesConnection,
    ChangesAccount,
    Passes,
}

const DEEDS: [(Deed, LapseReason); 7] = [
    (Deed::Narrows, LapseReason::Denied),
    (Deed::Revokes, LapseReason::Grant),
    (Deed::Ends, LapseReason::Grant),
    (Deed::RemovesAgent, LapseReason::Grant),
    (Deed::RemovesConnection, LapseReason::Connection),
    (Deed::ChangesAccount, LapseReason::Grant),
    (Deed::Passes, LapseReason::Ended),
];

async fn another_account(connection: &Connection, key: &str) {
    let session = connection.reauthorize().another_account().await.unwrap();
    let (no, _) = step(&session).await;
    session.advance(no, &answers(&[("accessToken", key)])).await.unwrap();
    assert!(matches!(session.terminal().await.unwrap(), Outcome::Done(_)));
}

impl Deed {
    async fn done(self, it: &Asking) {
        let id = it.connection.id();
        match self {
            Self::Narrows => {
                let rule = json!({ "name": "read", "methods": ["GET"], "path": "/issues/**", "effect": "allow" });
                drop(it.agent.grant(id).rules(Rules::from_value(&json!({ "rule": [rule] })).unwrap()).await.unwrap());
            }
            Self::Revokes => assert!(it.agent.revoke(id).await.unwrap().was_there),
            Self::Ends => {
                let rules = crate::approvals_kit::rules();
                drop(it.agent.grant(id).rules(rules).expires(Duration::from_secs(5)).await.unwrap());
                it.world.clock.advance(Duration::from_secs(5));
            }
            Self::RemovesAgent => assert!(it.registry.agents().remove("deploy").await.unwrap().was_there),
            Self::RemovesConnection => drop(it.registry.remove(id).await.unwrap()),
            Self::ChangesAccount => {
                it.world.provider(|_| me("2", "bob"));
                another_account(&it.connection, "key-2").await;
            }
            Self::Passes => it.world.clock.advance(Duration::from_secs(600)),
        }
    }
}

/// A freeze holds the request between its approval and its execution.
#[tokio::test]
async fn what_was_approved_is_not_sent_after_what_it_depends_on_has_changed() {
    for (deed, reason) in DEEDS {
        let it = Asking::new().await;
        let id = it.comment("Thanks!").await;
        it.registry.freezes().freeze(Frozen::All).await.unwrap();
        it.approve(id).await.unwrap();
        assert_eq!(it.registry.approvals().settled(id, Duration::ZERO).await.unwrap().state, ApprovalState::Approved);
        deed.done(&it).await;
        it.registry.freezes().thaw(Frozen::All).await.unwrap();
        let settled = it.settled(id).await;
        assert_eq!((settled.state, settled.lapse), (ApprovalState::Lapsed, Some(reason)), "{deed:?}");
        assert_eq!(it.changes(), 0, "{deed:?}");
        it.registry.close().await;
    }
}

/// The same, while nobody has answered yet.
#[tokio::test]
async fn what_waits_ends_with_what_it_depends_on() {
    for (deed, reason) in DEEDS {
        let it = Asking::new().await;
        let id = it.comment("Thanks!").await;
        deed.done(&it).await;
        let found = it.get(id).await;
        if found.state == ApprovalState::Waiting {
            // The grant is looked at when the request is sent.
            it.approve(id).await.unwrap();
        }
        let settled = it.settled(id).await;
        assert_eq!((settled.state, settled.lapse), (ApprovalState::Lapsed, Some(reason)), "{deed:?}");
        assert_eq!(it.changes(), 0, "{deed:?}");
        it.registry.close().await;
    }
}

#[tokio::test]
async fn a_freeze_holds_an_approved_request_until_the_thaw() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    it.registry.freezes().freeze(Frozen::Connection(it.connection.id())).await.unwrap();
    it.approve(id).await.unwrap();
    let seen = it.registry.for_agent(&it.caller).approval(id, Duration::ZERO).await.unwrap();
    assert_eq!(seen.state, ApprovalState::Approved);
    it.registry.freezes().thaw(Frozen::Connection(it.connection.id())).await.unwrap();
    // The agent sends its request again, which may have been sent since the thaw.
    let again = it.open(comment(), &json!({ "body": "Thanks!" }).to_string()).await.unwrap_err();
    assert_eq!(approval_of(&again), id);
    assert_eq!(it.fetched(id).await.answer.unwrap().status, 201);
    assert_eq!(it.changes(), 1);
    it.registry.close().await;
}

/// A rule that allows what was asked about before lets the approved request pass, too.
#[tokio::test]
async fn a_grant_that_allows_more_now_sends_what_was_approved() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    it.registry.freezes().freeze(Frozen::All).await.unwrap();
    it.approve(id).await.unwrap();
    let rule = json!({ "name": "all", "path": "/**", "effect": "allow" });
    it.agent.grant(it.connection.id()).rules(Rules::from_value(&json!({ "rule": [rule] })).unwrap()).await.unwrap();
    it.registry.freezes().thaw(Frozen::All).await.unwrap();
    assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
    assert_eq!(it.changes(), 1);
    it.registry.close().await;
}

#[tokio::test]
async fn an_approval_is_spent_once_by_sixty_four_in_two_processes() {
    let it = Arc::new(Asking::new().await);
    let other = it.world.acme().await;
    let caller = {
        let text = crate::agents::issued(&it.agent).await;
        other.authenticate_agent(&text, connection_core::Audience::Doors).await.unwrap().unwrap()
    };
    for round in 1..=4 {
        let id = it.comment(&format!("{round}")).await;
        it.registry.freezes().freeze(Frozen::All).await.unwrap();
        it.approve(id).await.unwrap();
        it.registry.freezes().thaw(Frozen::All).await.unwrap();
        let mut racing = tokio::task::JoinSet::new();
        for number in 0..64 {
            let (it, other, caller) = (it.clone(), other.clone(), caller.clone());
            racing.spawn(async move {
                match number % 2 {
                    0 => it.registry.for_agent(&it.caller).approval(id, PATIENCE).await.unwrap().state,
                    _ => other.for_agent(&caller).approval(id, PATIENCE).await.unwrap().state,
                }
            });
        }
        // The other process looks at the database from time to time.
        let mut ended = 0;
        while ended < 64 {
            match racing.try_join_next() {
                Some(state) => {
                    assert_eq!(state.unwrap(), ApprovalState::Answered);
                    ended += 1;
                }
                None => {
                    it.get(id).await;
                    it.world.clock.advance(Duration::from_millis(10));
                }
            }
        }
        assert_eq!(it.changes(), round);
    }
    other.close().await;
    it.registry.close().await;
}

#[tokio::test]
async fn what_is_sent_is_byte_for_byte_what_was_shown() {
    let it = Asking::new().await;
    let mut random = Random::new(7);
    for round in 0..60 {
        let body: String = (0..random.below(40)).map(|_| odd(&mut random)).collect();
        let value: String = (0..random.below(12)).map(|_| char::from(b'!' + random.below(90) as u8)).collect();
        let target = format!("/files/a%20b?q={}&r=%2F{round}", random.below(1000));
        let parts = RequestParts::new("PUT", target)
            .header("content-type", "text/plain")
            .header("X-Note", value.clone())
            .header("x-note", format!("second {round}"));
        let id = it.asked(parts, &body).await;
        let shown = it.registry.approvals().get(id).await.unwrap().request.unwrap();
        it.approve(id).await.unwrap();
        assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
        let sent = it.last_change();
        let (head, sent_body) = sent.split_once("\r\n\r\n").unwrap();
        assert_eq!(sent_body, body, "{round}");
        assert_eq!(connection_core::visible(sent_body.as_bytes()), shown.body);
        let line = head.lines().next().unwrap();
        let path = line.split(' ').nth(1).unwrap();
        assert!(line.starts_with("PUT ") && shown.address.ends_with(path), "{line} {}", shown.address);
        for (name, value) in &shown.headers {
            assert!(head.contains(&format!("{}: {value}", name.to_ascii_lowercase())), "{name}: {value} in {head}");
        }
    }
    it.registry.close().await;
}

fn odd(random: &mut Random) -> char {
    let chars = ['a', ' ', '\n', '\r', '\t', '\u{202e}', '\u{200b}', '\u{e9}', '\u{1f980}', '\\', '"', '\u{27e8}', '\0'];
    chars[random.below(chars.len() as u64) as usize]
}

/// A redirect is an answer, and nothing follows it. A 401 is sent again with the same bytes, as one use.
#[tokio::test]
async fn a_redirect_is_the_answer_and_a_refused_credential_is_no_second_execution() {
    let it = Asking::new().await;
    it.world.provider(|request| match request.starts_with("PUT ") {
        true => Reply::redirect(307, "/elsewhere"),
        false => me("1", "ada"),
    });
    let id = it.asked(upload(), "data").await;
    it.approve(id).await.unwrap();
    let settled = it.settled(id).await;
    assert_eq!((settled.state, settled.status), (ApprovalState::Answered, Some(307)));
    let puts = it.world.server.requests().into_iter().filter(|request| request.starts_with("PUT ")).count();
    assert_eq!(puts, 1);
    it.registry.close().await;
}

/// The budget counts what was approved when it is sent.
#[tokio::test]
async fn an_approved_request_takes_from_the_budget_and_waits_for_it() {
    let it = Asking::new().await;
    let rules = json!({
        "budget": { "requests": 1, "per": "1m" },
        "rule": [{ "name": "comment", "methods": ["POST"], "path": "/issues/**", "effect": "ask" }],
    });
    it.agent.grant(it.connection.id()).rules(Rules::from_value(&rules).unwrap()).await.unwrap();
    let (first, second) = (it.comment("1").await, it.comment("2").await);
    it.approve(first).await.unwrap();
    assert_eq!(it.settled(first).await.state, ApprovalState::Answered);
    it.approve(second).await.unwrap();
    // The attempt is over when its error is recorded.
    while it.get(second).await.code.is_none() {
        tokio::task::yield_now().await;
    }
    let held = it.get(second).await;
    assert_eq!((held.state, held.code.as_deref(), it.changes()), (ApprovalState::Approved, Some("budget_spent"), 1));
    it.world.clock.advance(Duration::from_secs(61));
    assert_eq!(it.settled(second).await.state, ApprovalState::Answered);
    assert_eq!(it.changes(), 2);
    it.registry.close().await;
}

#[tokio::test]
async fn a_comment_is_about_its_own_address() {
    // A control of the kit: requests that differ in nothing are one approval.
    let it = Asking::new().await;
    let id = it.comment("same").await;
    assert_eq!(it.asked(comment(), &json!({ "body": "same" }).to_string()).await, id);
    it.registry.close().await;
}
