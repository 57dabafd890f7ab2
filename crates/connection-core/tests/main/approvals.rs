//! Requests about which a person is asked: what waits, what a person sees and answers, and what the agent gets.

use std::time::Duration;

use connection_core::{
    ApprovalError, ApprovalFilter, ApprovalState, ChangeKind, Consent, Error, Impact, LapseReason, UseFilter,
    UseOutcome,
};
use connection_rules::RequestParts;
use serde_json::json;

use crate::{
    approvals_kit::{Asking, PATIENCE, approval_of, comment, upload},
    old_rows::scheduled,
    outgoing_events::Operator,
    running::run,
    sql,
};

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> ApprovalError {
    match result.unwrap_err() {
        Error::Approval(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_waits_for_a_person_and_is_sent_once_after_the_approval() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    let waiting = it.get(id).await;
    assert_eq!((waiting.state, waiting.impact), (ApprovalState::Waiting, Impact::Changes));
    assert_eq!((&*waiting.rule, &*waiting.method, &*waiting.agent_name), ("comment", "POST", "deploy"));
    assert!(waiting.path.ends_with("/issues/7/comments"), "{}", waiting.path);
    assert_eq!((waiting.account.account_id.to_string(), waiting.bytes), ("1".to_owned(), 18));
    assert_eq!(waiting.ends_at.seconds() - waiting.created_at.seconds(), 600);
    assert_eq!(it.changes(), 0);

    let approved = it.approve(id).await.unwrap();
    assert_eq!((approved.state, approved.answered_by.as_deref()), (ApprovalState::Approved, Some("ada")));
    let settled = it.settled(id).await;
    assert_eq!((settled.state, settled.status, settled.is_complete), (ApprovalState::Answered, Some(201), Some(true)));
    assert_eq!((settled.proof.as_deref(), settled.has_widened), (Some("library"), false));
    assert_eq!(it.changes(), 1);
    let sent = it.last_change();
    assert!(sent.starts_with("POST ") && sent.contains("/issues/7/comments") && sent.contains("key-1"), "{sent}");
    assert!(sent.ends_with(r#"{"body":"Thanks!"}"#), "{sent}");

    // The agent sends the request again and finds the answer. The next equal request is a new one.
    assert_eq!(it.comment("Thanks!").await, id);
    let fetched = it.fetched(id).await;
    let answer = fetched.answer.unwrap();
    assert_eq!((answer.status, &*answer.body, answer.is_complete), (201, &br#"{"number":1}"#[..], true));
    assert!(it.get(id).await.fetched_at.is_some());
    let next = it.comment("Thanks!").await;
    assert_ne!(next, id);
    assert_eq!(it.changes(), 1);
    it.registry.close().await;
}

#[tokio::test]
async fn a_repetition_with_other_headers_belongs_to_the_request_that_waits() {
    let it = Asking::new().await;
    let body = r#"{"body":"Thanks!"}"#;
    let id = it.asked(comment().header("idempotency-key", "1").header("x-retry", "0"), body).await;
    assert_eq!(it.asked(comment().header("idempotency-key", "2"), body).await, id);
    assert_eq!(it.list().await.len(), 1);
    it.approve(id).await.unwrap();
    assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
    let sent = it.last_change();
    assert!(sent.contains("idempotency-key: 1\r\n") && sent.contains("x-retry: 0\r\n"), "{sent}");
    // A client of today sends a third key and gets the answer.
    assert_eq!(it.asked(comment().header("idempotency-key", "3"), body).await, id);
    // Everything else makes another request.
    for (parts, body) in [
        (comment(), r#"{"body":"Thanks?"}"#),
        (RequestParts::new("POST", "/issues/8/comments").header("content-type", "application/json"), body),
        (RequestParts::new("POST", "/issues/7/comments?x=1").header("content-type", "application/json"), body),
        (
            RequestParts::new("POST", "/issues/7/comments").header("content-type", "application/json; charset=utf-8"),
            body,
        ),
    ] {
        assert_ne!(it.asked(parts, body).await, id);
    }
    assert_eq!(it.changes(), 1);
    it.registry.close().await;
}

#[tokio::test]
async fn a_person_refuses_with_a_reason_that_the_agent_is_told_once() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    let refused = it.registry.approvals().by("ada").refuse(id, "Not before the release.").await.unwrap();
    assert_eq!((refused.state, refused.refusal.as_deref()), (ApprovalState::Refused, Some("Not before the release.")));
    assert_eq!(it.comment("Thanks!").await, id);
    let told = it.fetched(id).await;
    assert_eq!((told.state, told.refusal.as_deref()), (ApprovalState::Refused, Some("Not before the release.")));
    assert_eq!(told.answer, None);
    assert_ne!(it.comment("Thanks!").await, id);
    // What was refused is erased.
    assert!(it.registry.approvals().get(id).await.unwrap().request.is_none());
    assert_eq!(it.changes(), 0);
    it.registry.close().await;
}

#[tokio::test]
async fn an_answer_is_given_once_and_to_the_request_that_was_shown() {
    let it = Asking::new().await;
    let (id, other) = (it.comment("Thanks!").await, it.comment("Go away!").await);
    let approvals = || it.registry.approvals();
    let digest_of_other = it.get(other).await.digest;
    let differs = refused(approvals().approve(id, &digest_of_other, Consent::Once).await);
    assert_eq!(differs.code(), "approval_differs");
    assert_eq!(it.get(id).await.state, ApprovalState::Waiting);
    it.approve(id).await.unwrap();
    for result in [it.approve(id).await, approvals().refuse(id, "").await] {
        assert_eq!(refused(result).code(), "approval_answered");
    }
    assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
    let unknown = connection_core::ApprovalId::from(uuid::Uuid::nil());
    assert_eq!(refused(approvals().get(unknown).await).code(), "unknown_approval");
    // Another owner, and another agent, have no such approval.
    let bob = it.registry.owner("bob").unwrap();
    assert_eq!(refused(bob.approvals().get(other).await).code(), "unknown_approval");
    let eve = it.registry.agents().create("eve").await.unwrap();
    let eve = crate::door::caller(&it.registry, &eve).await;
    let seen = it.registry.for_agent(&eve).approval(id, Duration::ZERO).await;
    assert_eq!(refused(seen).code(), "unknown_approval");
    it.registry.close().await;
}

#[tokio::test]
async fn a_person_sees_the_whole_request_with_everything_made_visible() {
    let it = Asking::new().await;
    let parts = upload().header("x-note", "caf\u{e9}".as_bytes().to_vec());
    let id = it.asked(parts, "pay \u{202e}01\u{200b} EUR\r\n").await;
    let details = it.registry.approvals().get(id).await.unwrap();
    let request = details.request.unwrap();
    assert_eq!(request.body, "pay ⟨U+202E⟩01⟨U+200B⟩ EUR⟨U+000D⟩\n");
    assert!(request.headers.contains(&("x-note".to_owned(), "caf\u{e9}".to_owned())), "{:?}", request.headers);
    assert!(request.text().starts_with("PUT https://") && request.text().ends_with(&request.body));
    assert!(!request.text().contains("key-1"), "no credential is shown");
    assert_eq!((details.ran_before, details.rule_ran_before, details.previous), (0, 0, None));
    it.registry.close().await;
}

#[tokio::test]
async fn a_person_sees_what_ran_before_and_the_difference_from_it() {
    let it = Asking::new().await;
    for text in ["to bob", "to bob", "to ada"] {
        let id = it.comment(text).await;
        it.approve(id).await.unwrap();
        assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
        it.fetched(id).await;
    }
    let id = it.comment("to bob").await;
    let details = it.registry.approvals().get(id).await.unwrap();
    assert_eq!((details.ran_before, details.rule_ran_before), (2, 3));
    let changes = details.changes.unwrap();
    let of = |kind| changes.iter().find(|change| change.kind == kind).map(|change| change.text.clone()).unwrap();
    assert!(of(ChangeKind::Removed).contains("ada") && of(ChangeKind::Added).contains("bob"), "{changes:?}");
    it.registry.close().await;
}

#[tokio::test]
async fn what_waits_is_in_the_order_in_which_a_person_judges_it() {
    let it = Asking::new().await;
    let first = it.comment("first").await;
    let upload = it.asked(upload(), "data").await;
    let delete = it.asked(RequestParts::new("DELETE", "/issues/7"), "").await;
    let second = it.comment("second").await;
    let order: Vec<_> = it.list().await.into_iter().map(|approval| approval.id).collect();
    assert_eq!(order, [delete, first, second, upload], "deletions first, then by agent and rule");
    it.registry.approvals().refuse(first, "").await.unwrap();
    let order: Vec<_> = it.list().await.into_iter().map(|approval| approval.id).collect();
    assert_eq!(order, [delete, second, upload, first]);
    let open = it.registry.approvals().list(ApprovalFilter::new().open()).await.unwrap();
    assert_eq!(open.len(), 3);
    let refused = ApprovalFilter::new().state(ApprovalState::Refused).agent(it.agent.id()).limit(1);
    let refused = it.registry.approvals().list(refused.connection(it.connection.id())).await.unwrap();
    assert_eq!(refused.iter().map(|approval| approval.id).collect::<Vec<_>>(), [first]);
    it.registry.close().await;
}

#[tokio::test]
async fn a_request_lapses_with_its_time_and_is_erased() {
    let it = Asking::new().await;
    let (waiting, approved) = (it.comment("a").await, it.comment("b").await);
    it.registry.freezes().freeze(connection_core::Frozen::Agent(it.agent.id())).await.unwrap();
    it.approve(approved).await.unwrap();
    it.world.clock.advance(Duration::from_secs(601));
    for id in [waiting, approved] {
        let found = it.get(id).await;
        assert_eq!((found.state, found.lapse), (ApprovalState::Lapsed, Some(LapseReason::Ended)));
        assert_eq!(refused(it.approve(id).await).code(), "approval_answered");
    }
    it.registry.freezes().thaw(connection_core::Frozen::Agent(it.agent.id())).await.unwrap();
    // An equal request is a new one, and the scheduler erases what lapsed.
    assert_ne!(it.comment("a").await, waiting);
    assert!(it.registry.approvals().get(waiting).await.unwrap().request.is_some());
    let left = "SELECT COUNT(*) FROM connection_approval WHERE sealed_request IS NOT NULL";
    scheduled(&it.world, &it.registry, left, 1).await;
    assert!(it.registry.approvals().get(waiting).await.unwrap().request.is_none());
    assert_eq!(it.changes(), 0);
    it.registry.close().await;
}

#[tokio::test]
async fn an_agent_has_sixty_four_requests_that_wait_and_none_with_more_than_a_mebibyte() {
    let it = Asking::new().await;
    for number in 0..64 {
        it.comment(&number.to_string()).await;
    }
    let body = json!({ "body": "one more" }).to_string();
    assert_eq!(it.open(comment(), &body).await.unwrap_err().code(), "too_many_approvals");
    // A repetition is no further one, and another agent has its own.
    it.comment("7").await;
    let other = it.registry.agents().create("other").await.unwrap();
    other.grant(it.connection.id()).rules(crate::approvals_kit::rules()).await.unwrap();
    let other = crate::door::caller(&it.registry, &other).await;
    let body = connection_core::RequestBody::whole(body);
    let error = it.registry.for_agent(&other).open(it.connection.id(), comment(), body).await.unwrap_err();
    approval_of(&error);
    let long = "x".repeat((1 << 20) + 1);
    let error = it.open(upload(), &long).await.unwrap_err();
    assert_eq!(error.code(), "approval_too_long");
    it.registry.close().await;
}

#[tokio::test]
async fn a_person_widens_a_grant_for_a_while() {
    let it = Asking::new().await;
    let id = it.comment("1").await;
    let consent = Consent::Widen { time: Duration::from_secs(600), requests: 2 };
    let approved = it.approve_as(id, consent).await.unwrap();
    assert!(approved.has_widened);
    assert_eq!(it.settled(id).await.state, ApprovalState::Answered);
    let widened = it.agent.grants().await.unwrap().remove(0).widened;
    assert_eq!(widened.len(), 1);
    assert_eq!((&*widened[0].rule, &*widened[0].method, widened[0].left), ("comment", "POST", 2));
    assert_eq!(widened[0].path, "/issues/7/comments");
    // The request itself, sent again, gets its answer and is not sent a second time.
    assert_eq!(it.comment("1").await, id);
    assert_eq!(it.fetched(id).await.answer.unwrap().status, 201);
    // Two more requests pass with other bodies and queries, and none with another path or method.
    let other = RequestParts::new("POST", "/issues/8/comments").header("content-type", "application/json");
    it.asked(other, r#"{"body":"2"}"#).await;
    for text in ["2", "3"] {
        let body = json!({ "body": text }).to_string();
        assert_eq!(it.open(comment(), &body).await.unwrap().status(), 201);
    }
    it.comment("4").await;
    assert_eq!(it.changes(), 3);
    assert!(it.agent.grants().await.unwrap()[0].widened.is_empty());
    it.registry.close().await;
}

#[tokio::test]
async fn a_widening_ends_with_its_time_and_with_every_change_of_the_grant() {
    for change in 0..3 {
        let it = Asking::new().await;
        let id = it.comment("1").await;
        let consent = Consent::Widen { time: Duration::from_hours(9), requests: 1_000 };
        it.approve_as(id, consent).await.unwrap();
        it.settled(id).await;
        let widened = it.agent.grants().await.unwrap().remove(0).widened.remove(0);
        assert_eq!((widened.left, widened.ends_at.seconds() - widened.created_at.seconds()), (100, 3600));
        assert_eq!(it.open(comment(), r#"{"body":"2"}"#).await.unwrap().status(), 201, "the control");
        let waiting = it.asked(upload(), "data").await;
        match change {
            0 => it.world.clock.advance(Duration::from_secs(3600)),
            1 => drop(it.agent.grant(it.connection.id()).rules(crate::approvals_kit::rules()).await.unwrap()),
            _ => {
                assert!(it.agent.revoke(it.connection.id()).await.unwrap().was_there);
                it.agent.grant(it.connection.id()).rules(crate::approvals_kit::rules()).await.unwrap();
            }
        }
        it.comment("3").await;
        assert_eq!(it.changes(), 2);
        // What was asked under the former grant cannot widen the new one.
        if change == 1 {
            let consent = Consent::Widen { time: Duration::from_secs(60), requests: 1 };
            assert_eq!(refused(it.approve_as(waiting, consent).await).code(), "grant_changed");
            it.approve(waiting).await.unwrap();
            assert_eq!(it.settled(waiting).await.state, ApprovalState::Answered);
        }
        it.registry.close().await;
    }
}

#[tokio::test]
async fn the_record_names_the_approval() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    it.approve(id).await.unwrap();
    it.settled(id).await;
    let page = it.registry.uses().list(UseFilter::new(), None, 100).await.unwrap();
    let of_approval: Vec<_> = page.items.iter().filter(|of| of.approval == Some(id)).collect();
    let outcomes: Vec<_> = of_approval.iter().map(|of| of.end.as_ref().unwrap().outcome).collect();
    assert_eq!(outcomes, [UseOutcome::Answered, UseOutcome::Asked]);
    assert!(
        of_approval.iter().all(|of| of.agent.as_deref() == Some("deploy") && of.rule.as_deref() == Some("comment"))
    );
    let history = it.connection.id();
    let events = it.registry.events().history(history, None).await.unwrap().page.items;
    let names: Vec<_> = events.iter().map(|event| &*event.name).filter(|name| name.starts_with("approval")).collect();
    assert_eq!(names, ["approval_requested", "approval_decided", "approval_ended"]);
    it.registry.close().await;
}

#[tokio::test]
async fn an_answer_is_kept_for_a_day_and_an_approval_for_thirty() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    it.approve(id).await.unwrap();
    it.settled(id).await;
    let answer = async || it.registry.for_agent(&it.caller).approval(id, Duration::ZERO).await.unwrap().answer;
    it.world.clock.advance(Duration::from_hours(23));
    assert!(answer().await.is_some());
    it.world.clock.advance(Duration::from_hours(1));
    assert!(answer().await.is_none());
    let stored = "SELECT COUNT(*) FROM connection_approval WHERE sealed_answer IS NOT NULL";
    assert_eq!(sql::number(&it.world.database(), stored).await, Some(1), "it is old, and there");
    scheduled(&it.world, &it.registry, stored, 0).await;
    let running = run(&it.registry);
    assert_eq!(it.get(id).await.status, Some(201));
    it.world.clock.advance(Duration::from_hours(31 * 24));
    while it.registry.approvals().get(id).await.is_ok() {
        it.world.clock.advance(Duration::from_secs(60));
    }
    drop(running);
    assert_eq!(it.registry.events().edited_rows().await.unwrap(), []);
    it.registry.close().await;
}

#[tokio::test]
async fn an_agent_waits_for_the_answer_of_a_person() {
    let it = Asking::new().await;
    let id = it.comment("Thanks!").await;
    let waiting = it.registry.for_agent(&it.caller).approval(id, Duration::ZERO).await.unwrap();
    assert_eq!((waiting.state, &*waiting.rule), (ApprovalState::Waiting, "comment"));
    let (found, approved) = tokio::join!(it.registry.for_agent(&it.caller).approval(id, PATIENCE), it.approve(id));
    approved.unwrap();
    assert_eq!(found.unwrap().answer.unwrap().status, 201);
    it.registry.close().await;
}

#[tokio::test]
async fn the_operator_is_told_that_a_person_is_asked_and_what_came_of_it() {
    let it = Asking::new().await;
    let operator = Operator::new().await;
    let running = operator.runs(&it.world, &it.registry).await;
    let (id, other) = (it.comment("Thanks!").await, it.comment("Go away!").await);
    it.approve(id).await.unwrap();
    it.settled(id).await;
    it.registry.approvals().refuse(other, "").await.unwrap();
    let messages = operator.until(4).await;
    let mut told: Vec<_> = messages
        .iter()
        .map(|message| {
            let of = &message.data["approval"];
            assert_eq!((&of["agent"], &of["rule"]), (&json!("deploy"), &json!("comment")));
            format!("{} {} {}", message.name, of["state"].as_str().unwrap(), of["id"].as_str().unwrap())
        })
        .collect();
    told.sort();
    let expected = [
        format!("approval.closed answered {id}"),
        format!("approval.closed refused {other}"),
        format!("approval.requested waiting {id}"),
        format!("approval.requested waiting {other}"),
    ];
    assert_eq!(told, expected);
    assert!(!format!("{:?}", operator.server.requests()).contains("Go away"), "nothing of the request is sent");
    running.abort();
    it.registry.close().await;
}
