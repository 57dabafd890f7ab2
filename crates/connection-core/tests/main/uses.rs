//! The record of use: what has an entry, what the entries say, and what becomes of them.

use std::time::Duration;

use connection_contract::Timestamp;
use connection_core::{Audience, Door, Frozen, Grantee, RecordedPaths, RequestBody, UseFilter, UseOutcome};
use connection_rules::{Place, RequestParts};

use crate::{
    acme::Acme,
    agents::issued,
    extension_kit::{handle, secret_name},
    sql,
    test_host::{World, connected, me},
    test_server::Reply,
    uses_kit::{Agents, all, line, lines},
};

#[tokio::test]
async fn a_request_of_a_host_has_an_entry_with_everything_but_query_headers_and_bodies() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    world.provider(|_| Reply::whole(201, "", "0123456789"));
    let mut request = connection.request("POST", "/things/a%20b?q=private-query").await.unwrap();
    request.headers.push(("x-mine".into(), "private-header".into()));
    request.body = connection_contract::Secret::from("private-body".to_owned());
    connection.send(request).await.unwrap().bytes(100).await.unwrap();
    let [of] = &all(&registry).await[..] else { panic!() };
    assert_eq!(line(of), "host library POST /things/a%20b: answered 201");
    assert_eq!((of.connection, of.kind.as_deref(), of.token), (Some(connection.id()), Some("acme"), None));
    assert_eq!(of.origin.as_deref(), Some(crate::acme::API));
    assert_eq!(of.label.as_deref(), Some(&*connection.info().label.to_string()));
    assert_eq!(of.account.as_ref(), Some(&connection.info().identity));
    let end = of.end.clone().unwrap();
    assert_eq!((end.sent, end.received, end.is_complete, end.code), (12, 10, Some(true), None));
    assert!(!of.is_edited && !end.is_redacted);
    let stored = sql::texts(&world.database(), "SELECT entry FROM connection_use".to_owned()).await.concat();
    assert!(!stored.contains("private-") && !stored.contains("key-1"), "{stored}");
    assert_eq!(registry.uses().get(of.id).await.unwrap().map(|found| line(&found)), Some(line(of)));
    assert!(registry.owner("other").unwrap().uses().get(of.id).await.unwrap().is_none());
    assert!(all(&registry.owner("other").unwrap()).await.is_empty());
}

#[tokio::test]
async fn secrets_that_are_handed_out_have_an_entry() {
    let world = World::new().await;
    let registry = world.acme().await;
    let connection = connected(&registry, "key-1").await;
    connection.through(Door::Command, None).with_access_token(async |_| ()).await.unwrap();
    let issues = handle(&registry, "issues");
    registry.extensions().grant("issues", connection.id(), &[secret_name("accessToken")]).await.unwrap();
    issues.inject(Some("list")).await.unwrap();
    let expected = ["host command accessToken: released", "extension:issues library accessToken for list: released"];
    assert_eq!(lines(&registry).await, expected);
    // Nothing is handed out if it cannot be recorded.
    sql::refuse(&world.database(), "INSERT ON connection_use").await;
    let released = connection.with_access_token(async |_| panic!("handed out")).await;
    assert_eq!(released.unwrap_err().code(), "store_failed");
    assert_eq!(issues.inject(Some("list")).await.unwrap_err().code(), "store_failed");
}

#[tokio::test]
async fn a_use_of_an_agent_names_the_agent_the_token_the_door_and_the_rule() {
    let agents = Agents::new(100).await;
    assert_eq!(agents.ask("GET", "/issues/7?token=x").await.unwrap_err().code(), "ambiguous_request");
    assert_eq!(agents.ask("GET", "/issues/7?page=2").await.unwrap(), 200);
    assert_eq!(agents.ask("PATCH", "/issues/7").await.unwrap_err().code(), "approval_required");
    assert_eq!(agents.ask("DELETE", "/issues/7").await.unwrap_err().code(), "rule_denied");
    agents.registry.freezes().freeze(Frozen::Agent(agents.agent.id())).await.unwrap();
    assert_eq!(agents.ask("GET", "/issues/7").await.unwrap_err().code(), "frozen");
    agents.registry.freezes().thaw(Frozen::Agent(agents.agent.id())).await.unwrap();
    agents.agent.revoke(agents.connection.id()).await.unwrap();
    assert_eq!(agents.ask("GET", "/issues/7").await.unwrap_err().code(), "not_granted");
    let uses = all(&agents.registry).await;
    let expected = [
        "deploy reverse GET /issues/7: ambiguous",
        "deploy reverse GET /issues/7: answered 200",
        "deploy reverse PATCH /issues/7: asked",
        "deploy reverse DELETE /issues/7: denied",
        "deploy reverse GET /issues/7: frozen",
        "deploy reverse GET /issues/7: not_granted",
    ];
    assert_eq!(uses.iter().map(line).collect::<Vec<_>>(), expected);
    let rules: Vec<_> = uses.iter().map(|of| of.rule.as_deref()).collect();
    assert_eq!(rules, [None, Some("read"), Some("close"), None, None, None]);
    let connections: Vec<_> = uses.iter().map(|of| of.connection.is_some()).collect();
    assert_eq!(connections, [true, true, true, true, false, false], "what is not granted is not named");
    let agent = Grantee::Agent(agents.agent.id());
    let token = Some(agents.caller.token().unwrap().id);
    assert!(uses.iter().all(|of| of.grantee.as_ref() == Some(&agent) && of.token == token));
}

#[tokio::test]
async fn a_use_of_an_agent_or_an_extension_is_not_sent_if_its_beginning_cannot_be_recorded() {
    let agents = Agents::new(100).await;
    let issues = handle(&agents.registry, "issues");
    agents.registry.extensions().grant("issues", agents.connection.id(), &[]).await.unwrap();
    let request = issues.request("GET", "/me").await.unwrap();
    assert_eq!(issues.send(request).await.unwrap().status(), 200);
    assert_eq!(lines(&agents.registry).await, ["extension:issues library GET /me: answered 200"]);
    sql::refuse(&agents.world.database(), "INSERT ON connection_use").await;
    let before = agents.world.server.requests().len();
    assert_eq!(agents.ask("GET", "/issues/7").await.unwrap_err().code(), "store_failed");
    let request = issues.request("GET", "/me").await.unwrap();
    assert_eq!(issues.send(request).await.unwrap_err().code(), "store_failed");
    assert_eq!(agents.world.server.requests().len(), before);
    // A person's request is sent, and its entries wait.
    let request = agents.connection.request("GET", "/me").await.unwrap();
    assert_eq!(agents.connection.send(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn equal_refusals_within_a_minute_are_one_entry_with_a_count() {
    let agents = Agents::new(1).await;
    assert_eq!(agents.ask("GET", "/issues/7").await.unwrap(), 200);
    for _ in 0..5 {
        agents.ask("DELETE", "/issues/7").await.unwrap_err();
        assert_eq!(agents.ask("GET", "/issues/7").await.unwrap_err().code(), "budget_spent");
    }
    let seen = || lines(&agents.registry);
    let at_once = [
        "deploy reverse GET /issues/7: answered 200",
        "deploy reverse DELETE /issues/7: denied",
        "deploy reverse GET /issues/7: budget",
    ];
    assert_eq!(seen().await, at_once);
    agents.world.clock.advance(Duration::from_secs(61));
    let mut counted = Vec::new();
    while counted.len() < 2 {
        tokio::task::yield_now().await;
        counted = seen().await.split_off(3);
    }
    counted.sort();
    let expected = ["deploy reverse DELETE /issues/7: denied x4", "deploy reverse GET /issues/7: budget x4"];
    assert_eq!(counted, expected);
    // A flood of different refusals is bounded.
    for number in 0..300 {
        agents.ask("DELETE", &format!("/issues/{number}")).await.unwrap_err();
    }
    agents.registry.close().await;
    let again = agents.world.acme().await;
    let uses = all(&again).await;
    assert_eq!(uses.len(), 5 + 100 + 2, "a hundred, one for all others, and one with their count");
    let counted: u64 = uses.iter().filter_map(|of| of.end.as_ref()).map(|end| end.count).sum();
    assert_eq!(counted, 1 + 10 + 300);
}

#[tokio::test]
async fn uses_are_found_by_each_filter_and_page_by_page() {
    let agents = Agents::new(100).await;
    agents.world.provider(|request| if request.contains("key-2") { me("grace", "Grace") } else { me("ada", "Ada") });
    let other = connected(&agents.registry, "key-2").await;
    for number in 0..5 {
        agents.ask("GET", &format!("/issues/{number}")).await.unwrap();
        agents.ask("DELETE", &format!("/issues/{number}")).await.unwrap_err();
        other.send(other.request("GET", "/me").await.unwrap()).await.unwrap();
        agents.world.clock.advance(Duration::from_secs(60));
    }
    let count = async |filter: UseFilter| {
        // Pages of two, each beginning where the one before ended.
        let (mut seen, mut position) = (Vec::new(), None);
        loop {
            let page = agents.registry.uses().list(filter.clone(), position, 2).await.unwrap();
            seen.extend(page.items.iter().map(|of| of.id));
            position = page.next;
            if position.is_none() {
                break;
            }
        }
        let ids = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!(ids, seen.len(), "no use is on two pages");
        ids
    };
    let now = agents.world.now();
    let all_of = UseFilter::new;
    assert_eq!(count(all_of()).await, 15);
    assert_eq!(count(all_of().grantee(&Grantee::Agent(agents.agent.id()))).await, 10);
    assert_eq!(count(all_of().grantee(&Grantee::Extension("issues".into()))).await, 0);
    assert_eq!(count(all_of().token(agents.caller.token().unwrap().id)).await, 10);
    assert_eq!(count(all_of().connection(other.id())).await, 5);
    assert_eq!(count(all_of().rule("read")).await, 5);
    assert_eq!(count(all_of().outcome(Some(UseOutcome::Denied))).await, 5);
    assert_eq!(count(all_of().outcome(Some(UseOutcome::Answered))).await, 10);
    assert_eq!(count(all_of().outcome(None)).await, 0);
    assert_eq!(count(all_of().from(Timestamp::from_seconds(now - 120))).await, 6);
    assert_eq!(count(all_of().until(Timestamp::from_seconds(now - 120))).await, 9);
    let both = all_of().connection(agents.connection.id()).outcome(Some(UseOutcome::Denied));
    assert_eq!(count(both.rule("read")).await, 0);
}

#[tokio::test]
async fn an_entry_that_was_edited_or_moved_says_nothing() {
    edited().await;
}

/// Edits entries, and looks at what is shown of them.
pub(crate) async fn edited() {
    let agents = Agents::new(100).await;
    for (edit, is_began) in [
        ("UPDATE connection_use SET entry = REPLACE(entry, '/issues/7', '/issues/8') WHERE part = 'began'", true),
        ("UPDATE connection_use SET entry = REPLACE(entry, 'answered', 'denied') WHERE part = 'ended'", false),
        ("UPDATE connection_use SET mark = commitment", true),
        ("UPDATE connection_use SET commitment = mark", true),
    ] {
        agents.ask("GET", "/issues/7").await.unwrap();
        all(&agents.registry).await;
        sql::run(&agents.world.database(), edit).await;
        let of = all(&agents.registry).await.pop().unwrap();
        assert!(of.is_edited, "{edit}");
        assert_eq!((of.path.is_none(), of.end.is_none()), (is_began, !is_began || edit.contains("mark")), "{edit}");
        sql::run(&agents.world.database(), "DELETE FROM connection_use").await;
    }
    agents.ask("GET", "/issues/7").await.unwrap();
    all(&agents.registry).await;
    sql::run(&agents.world.database(), "UPDATE connection_use SET owner = 'other'").await;
    let moved = all(&agents.registry.owner("other").unwrap()).await.pop().unwrap();
    assert!(moved.is_edited && moved.path.is_none() && moved.agent.is_none() && moved.end.is_none());
}

#[tokio::test]
async fn erased_texts_leave_their_commitments_and_old_ones_are_erased_by_the_scheduler() {
    let world = World::new().await;
    let registry = world.builder().kind(Acme::default()).keep_uses(Duration::from_secs(86_400)).open().await.unwrap();
    let agents = Agents::of(world, registry, 100).await;
    agents.ask("GET", "/issues/7").await.unwrap();
    assert_eq!(lines(&agents.registry).await.len(), 1);
    let counts = async || {
        let sql = "SELECT COUNT(entry) || ' ' || COUNT(commitment) FROM connection_use".to_owned();
        sql::texts(&agents.world.database(), sql).await.concat()
    };
    agents.world.clock.advance(Duration::from_secs(3600));
    agents.ask("GET", "/issues/8").await.unwrap();
    assert_eq!(lines(&agents.registry).await.len(), 2);
    let before = Timestamp::from_seconds(agents.world.now() - 60);
    assert_eq!(agents.registry.owner("other").unwrap().uses().erase(before).await.unwrap(), 0);
    assert_eq!(agents.registry.uses().erase(before).await.unwrap(), 2);
    assert_eq!(counts().await, "2 4");
    assert_eq!(lines(&agents.registry).await, ["deploy reverse GET /issues/8: answered 200"]);
    // The scheduler erases what is kept no longer.
    agents.world.clock.advance(Duration::from_secs(86_500));
    let running = agents.registry.clone();
    let run = async { running.run().await };
    let erased = async {
        while counts().await != "0 4" {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { () = run => panic!("it runs until the end"), () = erased => {} }
}

#[tokio::test]
async fn the_path_of_the_rule_is_recorded_if_the_host_wants_no_more() {
    let world = World::new().await;
    let builder = world.builder().kind(Acme::default()).recorded_paths(RecordedPaths::Templates);
    let registry = builder.open().await.unwrap();
    let agents = Agents::of(world, registry, 100).await;
    agents.ask("GET", "/issues/7").await.unwrap();
    agents.connection.send(agents.connection.request("GET", "/me").await.unwrap()).await.unwrap();
    agents.ask("DELETE", "/issues/7").await.unwrap_err();
    let expected = [
        "deploy reverse GET /issues/{number}: answered 200",
        "host library GET -: answered 200",
        "deploy reverse DELETE -: denied",
    ];
    assert_eq!(lines(&agents.registry).await, expected);
}

/// A use takes no lock of its connection and wakes nobody.
#[tokio::test]
async fn a_use_wakes_no_waiter_and_drops_no_row() {
    let agents = Agents::new(100).await;
    let mut watch = agents.registry.events().watch().await.unwrap();
    let reads = agents.world.server.requests().len();
    agents.ask("GET", "/issues/7").await.unwrap();
    all(&agents.registry).await;
    let mut waiting = std::pin::pin!(watch.next());
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(waiting.as_mut().poll(cx).is_pending())).await);
    assert_eq!(agents.world.server.requests().len(), reads + 1);
}

#[tokio::test]
async fn a_refused_request_to_another_origin_is_recorded_with_that_origin() {
    let agents = Agents::new(100).await;
    let parts = RequestParts::new("GET", "/things").place(Place::Origin("https://files.acme.example".to_owned()));
    let id = agents.connection.id();
    let refused = agents.registry.for_agent(&agents.caller).open(id, parts, RequestBody::empty()).await;
    assert_eq!(refused.unwrap_err().code(), "rule_denied");
    let of = all(&agents.registry).await.pop().unwrap();
    assert_eq!(of.origin.as_deref(), Some("https://files.acme.example"));
    assert_eq!(of.path.as_deref(), Some("/things"));
}

#[tokio::test]
async fn refusals_of_two_tokens_are_counted_apart() {
    let agents = Agents::new(100).await;
    let text = issued(&agents.agent).await;
    let other = agents.registry.authenticate_agent(&text, Audience::Doors).await.unwrap().unwrap();
    for caller in [&agents.caller, &other, &other] {
        let parts = RequestParts::new("DELETE", "/issues/7");
        let id = agents.connection.id();
        let refused = agents.registry.for_agent(caller).open(id, parts, RequestBody::empty()).await;
        assert_eq!(refused.unwrap_err().code(), "rule_denied");
    }
    agents.registry.close().await;
    let uses = all(&agents.world.acme().await).await;
    let count = |token| {
        let ends = uses.iter().filter(|of| of.token == Some(token)).filter_map(|of| of.end.as_ref());
        ends.map(|end| end.count).sum::<u64>()
    };
    assert_eq!((count(agents.caller.token().unwrap().id), count(other.token().unwrap().id)), (1, 2));
}
