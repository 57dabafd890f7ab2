//! Events that are sent to the operator: signed, each once, and again until the receiver accepts them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_lc_rs::hmac;
use connection_contract::{Liveness, Secret, Timestamp, VerifyResult, encode};
use connection_core::{ConnectionRegistry, EventReceiver, MESSAGE_TYPES, OutgoingEvent};
use serde_json::Value;
use tokio::{runtime::Handle, task::JoinHandle};

use crate::{
    fake::Fake,
    renewing::{Renewals, Renewing, run},
    sql,
    test_host::{World, database_clock, on_postgres},
    test_server::{Reply, TestServer},
};

/// The secret of the examples of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

type Answer = Box<dyn Fn(&str) -> Reply + Send>;

/// An endpoint of an operator, whose answers a test sets.
pub(crate) struct Operator {
    pub(crate) server: TestServer,
    answer: Arc<Mutex<Answer>>,
}

/// A message as the operator received it.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Operator {
    pub(crate) async fn new() -> Self {
        let answer: Arc<Mutex<Answer>> = Arc::new(Mutex::new(Box::new(|_| Reply::whole(204, "", ""))));
        let answering = answer.clone();
        let server = TestServer::start(move |request| (answering.lock().unwrap())(request)).await;
        Self { server, answer }
    }

    pub(crate) fn answers(&self, answer: impl Fn(&str) -> Reply + Send + 'static) {
        *self.answer.lock().unwrap() = Box::new(answer);
    }

    /// Sends events of this store, and returns when the first one can be recorded.
    pub(crate) async fn runs(&self, world: &World, registry: &ConnectionRegistry) -> JoinHandle<()> {
        runs(world, registry, &format!("{}/events", self.server.origin())).await
    }

    /// Returns the messages, each with a valid signature.
    pub(crate) fn messages(&self) -> Vec<Message> {
        self.server.requests().iter().map(|request| verified(request)).collect()
    }

    pub(crate) async fn until(&self, messages: usize) -> Vec<Message> {
        self.server.until_asked(messages).await;
        self.messages()
    }
}

/// A store whose events an operator gets.
pub(crate) struct Setting {
    pub(crate) world: World,
    pub(crate) fake: Fake,
    pub(crate) registry: ConnectionRegistry,
    pub(crate) operator: Operator,
    pub(crate) running: JoinHandle<()>,
}

impl Setting {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let fake = Fake::new();
        let registry = world.open(fake.clone()).await;
        let operator = Operator::new().await;
        let running = operator.runs(&world, &registry).await;
        Self { world, fake, registry, operator, running }
    }

    /// Creates the same as [`new`](Self::new) after the operator has accepted the event of one connection.
    pub(crate) async fn after_one() -> Self {
        let setting = Self::new().await;
        setting.fake.connected(&setting.registry, "ada").await;
        setting.operator.until(1).await;
        recorded(&setting.registry, <[_]>::is_empty).await;
        setting
    }
}

async fn runs(world: &World, registry: &ConnectionRegistry, url: &str) -> JoinHandle<()> {
    let receiver = Arc::new(EventReceiver::new(url, &Secret::from(SECRET)).unwrap());
    let running = registry.clone();
    let task = Handle::current().spawn(async move { running.outgoing_events().run(receiver).await });
    while sql::number(&world.database(), "SELECT COUNT(*) FROM connection_event_receiver").await != Some(1) {
        tokio::task::yield_now().await;
    }
    task
}

/// Verifies a message as the specification of Standard Webhooks says.
fn verified(request: &str) -> Message {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /events HTTP/1.1\r\n"), "{head}");
    let header = |name: &str| {
        let value = head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_else(|| panic!("{name} is not in {head}"))
    };
    let id = header("webhook-id");
    let key = encode::from_base64(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let signature = header("webhook-signature").strip_prefix("v1,").and_then(encode::from_base64).unwrap();
    let signed = format!("{id}.{}.{body}", header("webhook-timestamp"));
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes(), &signature).unwrap();
    assert_eq!(header("content-type"), "application/json");
    let body: Value = serde_json::from_str(body).unwrap();
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'), "{body}");
    let name = body["type"].as_str().unwrap().to_owned();
    assert!(MESSAGE_TYPES.contains(&&*name), "{name}");
    Message { id: id.to_owned(), name, data: body["data"].clone() }
}

/// Waits until the list of events that were not delivered is so.
pub(crate) async fn recorded(
    registry: &ConnectionRegistry,
    is_so: impl Fn(&[OutgoingEvent]) -> bool,
) -> Vec<OutgoingEvent> {
    loop {
        let found = registry.outgoing_events().undelivered(None, None, 100).await.unwrap().items;
        if is_so(&found) {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

/// Returns `true` if there is one such event, and the result of this attempt is recorded.
fn failed(events: &[OutgoingEvent], attempt: u32, now: i64) -> bool {
    let [event] = events else { return false };
    // While an attempt is in progress, it is claimed for 60 seconds. All pauses but the first are longer.
    let is_claimed = attempt > 1 && event.next_attempt.is_some_and(|at| at.seconds() <= now + 60);
    event.attempts == attempt && event.failure.is_some() && !is_claimed
}

async fn after(world: &World, registry: &ConnectionRegistry, attempt: u32) -> OutgoingEvent {
    let now = world.now();
    recorded(registry, |events| failed(events, attempt, now)).await.remove(0)
}

#[tokio::test]
async fn an_operator_is_told_in_signed_messages_without_secrets() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    fake.connected(&registry, "before").await;
    let operator = Operator::new().await;
    let _running = operator.runs(&world, &registry).await;
    let theirs = registry.owner("u42").unwrap();
    *fake.blob.lock().unwrap() = b"plain-credential-bytes".to_vec();
    let ada = fake.connected(&theirs, "ada").await;
    operator.until(1).await;
    ada.rename("work").await.unwrap();
    fake.is(Liveness::Failing);
    ada.verify().await.unwrap();
    operator.until(2).await;
    fake.is(Liveness::Live);
    ada.verify().await.unwrap();
    // A connection that is removed before the message is made did not recover.
    operator.until(3).await;
    theirs.remove(ada.id()).await.unwrap();
    let messages = operator.until(4).await;
    let names: Vec<_> = messages.iter().map(|message| &*message.name).collect();
    assert_eq!(
        names,
        ["connection.connected", "connection.needs_attention", "connection.recovered", "connection.removed"]
    );
    let account = &ada.info().identity;
    for message in &messages {
        let data = &message.data;
        assert_eq!(data["id"], ada.id().to_string());
        assert_eq!((&data["owner"], &data["kind"]), (&"u42".into(), &"fake".into()));
        assert_eq!(
            (&data["account"]["id"], &data["account"]["label"]),
            (&account.account_id.as_str().into(), &account.label.as_str().into())
        );
        assert!(!data.to_string().contains("plain"), "{data}");
    }
    assert_eq!((&messages[0].data["event"], &messages[0].data["reason"]), (&"connected".into(), &Value::Null));
    assert_eq!(
        (&messages[1].data["label"], &messages[1].data["reason"]["code"]),
        (&"work".into(), &"unauthorized".into())
    );
    assert_eq!(messages[3].data["label"], "work");
    // The renaming has a number, too, and no message.
    let numbers: Vec<_> = messages.iter().map(|message| message.data["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [1, 3, 4, 5]);
    recorded(&registry, <[_]>::is_empty).await;
    registry.close().await;
}

#[tokio::test]
async fn a_refreshed_credential_is_told() {
    let it = Renewals::new().await;
    let operator = Operator::new().await;
    let _running = operator.runs(&it.world, &it.registry).await;
    it.expire().await;
    it.connection.verify().await.unwrap();
    let messages = operator.until(1).await;
    assert_eq!(
        (&*messages[0].name, &messages[0].data["event"]),
        ("connection.refreshed", &"credential_rotated".into())
    );
    it.registry.close().await;
}

/// Lets time pass until the end of this many credentials was recorded.
async fn until_announced(world: &World, ends: i64) {
    let announced = "SELECT COUNT(*) FROM connection_event WHERE kind = 'expiring'";
    for _ in 0..600 {
        if sql::number(&world.database(), announced).await == Some(ends) {
            return;
        }
        world.clock.advance(Duration::from_secs(1));
        // Tasks that it began take a moment, and a message has twenty seconds, even on a busy machine.
        sql::look_on(&world.database(), 1, if on_postgres() { 120 } else { 20 }, || ()).await;
    }
    panic!("no end was recorded");
}

#[tokio::test]
async fn an_end_that_no_refresh_extends_is_told_once_with_its_time() {
    let Setting { world, fake, registry, operator, .. } = Setting::after_one().await;
    let other = world.open(fake.clone()).await;
    let theirs = registry.owner("u42").unwrap();
    let bob = fake.connected(&theirs, "bob").await;
    operator.until(2).await;
    recorded(&registry, <[_]>::is_empty).await;
    // The provider says at the next look when the key ends.
    let end = Timestamp::from_seconds(world.now() + 6 * 86_400);
    fake.finds(move |_| VerifyResult::live().valid_until(Some(end)));
    bob.verify().await.unwrap();
    // Two processes look for ends, and send what they find.
    let _there = operator.runs(&world, &other).await;
    let _schedulers = [run(&registry), run(&other)];
    until_announced(&world, 1).await;
    let messages = operator.until(3).await;
    let Message { name, data, .. } = &messages[2];
    assert_eq!((&**name, &data["event"]), ("connection.expiring", &"expiring".into()));
    assert_eq!((&data["id"], &data["owner"]), (&bob.id().to_string().into(), &"u42".into()));
    assert_eq!((&data["kind"], &data["label"]), (&"fake".into(), &bob.info().label.as_str().into()));
    assert_eq!((&data["endsAt"], &data["reason"]), (&end.to_rfc3339().into(), &Value::Null));
    assert_eq!((&messages[1].data["event"], &messages[1].data["endsAt"]), (&"connected".into(), &Value::Null));
    // It is told once, however long the schedulers look on. The answer is recorded first, because a message whose
    // answer is not recorded is sent again.
    recorded(&registry, <[_]>::is_empty).await;
    world.clock.advance(Duration::from_secs(3600));
    fake.connected(&other, "last").await;
    let messages = operator.until(4).await;
    assert_eq!(messages[3].data["event"], "connected");
    recorded(&registry, <[_]>::is_empty).await;
    assert_eq!(operator.messages().len(), 4);
    registry.close().await;
    other.close().await;
}

#[tokio::test]
async fn the_end_of_an_authorization_is_told_and_that_of_a_credential_that_is_renewed_is_not() {
    let plugin = Renewing::new();
    *plugin.authorized_for.lock().unwrap() = Some(5 * 86_400);
    let it = Renewals::of(plugin).await;
    let info = it.connection.info();
    let (credential, authorization) = (info.valid_until.unwrap(), info.ends_at().unwrap());
    assert!(credential.seconds() < authorization.seconds(), "{credential:?} {authorization:?}");
    let operator = Operator::new().await;
    let _running = operator.runs(&it.world, &it.registry).await;
    let _scheduler = run(&it.registry);
    until_announced(&it.world, 1).await;
    let messages = operator.until(1).await;
    assert_eq!((&*messages[0].name, &messages[0].data["event"]), ("connection.expiring", &"expiring".into()));
    assert_eq!(messages[0].data["endsAt"], authorization.to_rfc3339());
    it.registry.close().await;
}

#[tokio::test]
async fn what_a_receiver_that_is_down_missed_is_sent_again_and_holds_up_nothing() {
    let Setting { world, fake, registry, operator, .. } = Setting::new().await;
    operator.answers(|_| Reply::whole(500, "", ""));
    let ada = fake.connected(&registry, "ada").await;
    let found = after(&world, &registry, 1).await;
    assert_eq!((&*found.owner, found.connection), ("local", ada.id()));
    assert_eq!(found.failure.as_deref(), Some("the receiver answered 500"));
    assert_eq!(found.next_attempt.unwrap().seconds(), world.now() + 5);
    operator.answers(|_| Reply::redirect(307, "/elsewhere"));
    world.clock.advance(Duration::from_secs(5));
    let found = after(&world, &registry, 2).await;
    assert_eq!(found.failure.as_deref(), Some("the receiver answered 307"));
    assert_eq!(found.next_attempt.unwrap().seconds(), world.now() + 300);
    // A later event is sent although the former one waits.
    operator.answers(|_| Reply::whole(200, "", ""));
    let bob = fake.connected(&registry, "bob").await;
    let messages = operator.until(3).await;
    assert_eq!(messages[2].data["id"], bob.id().to_string());
    recorded(&registry, |events| events.len() == 1).await;
    world.clock.advance(Duration::from_secs(300));
    let messages = operator.until(4).await;
    assert_eq!(messages[3].data["id"], ada.id().to_string());
    assert!(
        messages[0].id == messages[1].id && messages[1].id == messages[3].id && messages[2].id != messages[0].id,
        "{messages:?}"
    );
    recorded(&registry, <[_]>::is_empty).await;
    registry.close().await;
}

#[tokio::test]
async fn what_failed_for_more_than_a_day_is_kept_until_it_is_sent_again_by_hand() {
    let Setting { world, fake, registry, operator, .. } = Setting::new().await;
    operator.answers(|_| Reply::whole(500, "", ""));
    fake.connected(&registry, "ada").await;
    let began = world.now();
    let mut found = after(&world, &registry, 1).await;
    for attempt in 2..=8 {
        let pause = found.next_attempt.unwrap().seconds() - world.now();
        world.clock.advance(Duration::from_secs(pause.unsigned_abs()));
        found = after(&world, &registry, attempt).await;
    }
    assert_eq!((found.attempts, found.next_attempt), (8, None));
    assert_eq!(world.now() - began, 5 + 5 * 60 + 30 * 60 + (2 + 5 + 10 + 14) * 3600);
    operator.answers(|_| Reply::whole(200, "", ""));
    let outgoing = registry.outgoing_events();
    assert!(outgoing.retry(found.id, Some("another")).await.unwrap().is_none());
    assert!(outgoing.undelivered(Some("another"), None, 9).await.unwrap().items.is_empty());
    assert_eq!(outgoing.undelivered(Some("local"), None, 9).await.unwrap().items, [found.clone()]);
    assert!(outgoing.retry(found.id, Some("local")).await.unwrap().is_some());
    world.clock.advance(Duration::from_secs(5));
    recorded(&registry, <[_]>::is_empty).await;
    assert_eq!(operator.messages().len(), 9);
    assert!(outgoing.retry(found.id, None).await.unwrap().is_none(), "it was delivered");
    registry.close().await;
}

#[tokio::test]
async fn a_receiver_that_hangs_or_asks_for_a_pause_is_asked_again_later() {
    let Setting { world, fake, registry, operator, .. } = Setting::new().await;
    operator.answers(|_| Reply::silence());
    fake.connected(&registry, "ada").await;
    operator.until(1).await;
    operator.answers(|_| Reply::whole(503, "retry-after: 7200\r\n", ""));
    world.clock.advance(Duration::from_secs(20));
    let found = after(&world, &registry, 1).await;
    assert_eq!(found.failure.as_deref(), Some("the receiver did not answer in time"));
    world.clock.advance(Duration::from_secs(5));
    let found = after(&world, &registry, 2).await;
    assert_eq!(found.next_attempt.unwrap().seconds(), world.now() + 7200);
    operator.answers(|_| Reply::whole(502, "retry-after: 9000\r\n", ""));
    world.clock.advance(Duration::from_secs(7200));
    let found = after(&world, &registry, 3).await;
    assert_eq!(found.next_attempt.unwrap().seconds(), world.now() + 9000, "a gateway may ask for a pause, too");
    operator.answers(|_| Reply::whole(429, "retry-after: 99999999\r\n", ""));
    world.clock.advance(Duration::from_secs(9000));
    let found = after(&world, &registry, 4).await;
    assert_eq!(found.next_attempt.unwrap().seconds(), world.now() + 86_400, "the pause is bounded");
    registry.close().await;
}

#[tokio::test]
async fn several_processes_send_each_event_once() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let other = world.open(fake.clone()).await;
    let operator = Operator::new().await;
    let _running = operator.runs(&world, &registry).await;
    let _there = operator.runs(&world, &other).await;
    for number in 0..10 {
        let by = if number % 2 == 0 { &registry } else { &other };
        fake.connected(by, &format!("a{number}")).await;
    }
    operator.until(10).await;
    recorded(&registry, <[_]>::is_empty).await;
    // Both look again, and find nothing but the next event.
    world.clock.advance(Duration::from_secs(60));
    fake.connected(&other, "last").await;
    let messages = operator.until(11).await;
    let ids: BTreeSet<_> = messages.iter().map(|message| &message.id).collect();
    assert_eq!((messages.len(), ids.len()), (11, 11));
    registry.close().await;
    other.close().await;
}

#[tokio::test]
async fn a_restart_loses_no_event_and_repeats_none() {
    let Setting { world, fake, registry, operator, running } = Setting::after_one().await;
    running.abort();
    drop(running.await);
    // These are recorded while nobody sends, and the connection is gone before it is told of.
    let bob = fake.connected(&registry, "bob").await;
    registry.remove(bob.id()).await.unwrap();
    registry.close().await;
    let registry = world.open(fake.clone()).await;
    let _running = operator.runs(&world, &registry).await;
    let messages = operator.until(3).await;
    let mut names: Vec<_> = messages[1..].iter().map(|message| &*message.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["connection.connected", "connection.removed"]);
    for Message { data, .. } in &messages[1..] {
        assert_eq!(data["id"], bob.id().to_string());
        assert_eq!((&data["kind"], &data["label"]), (&"fake".into(), &bob.info().label.as_str().into()));
    }
    recorded(&registry, <[_]>::is_empty).await;
    assert_eq!(operator.messages().len(), 3);
    registry.close().await;
}

#[tokio::test]
async fn an_attempt_whose_process_died_is_repeated_with_the_same_id() {
    let Setting { world, fake, registry, operator, .. } = Setting::new().await;
    operator.answers(|_| Reply::whole(500, "", ""));
    fake.connected(&registry, "ada").await;
    after(&world, &registry, 1).await;
    operator.answers(|_| Reply::whole(204, "", ""));
    // The row is as a process leaves it that dies before the answer.
    let held = format!("lease_owner = 'gone', lease_until = {} + 60", database_clock());
    assert_eq!(sql::run(&world.database(), format!("UPDATE connection_outbox SET {held}")).await, 1);
    world.clock.advance(Duration::from_secs(60));
    recorded(&registry, |events| failed(events, 1, world.now())).await;
    assert_eq!(operator.messages().len(), 1, "the other process may live");
    world.leases_expire().await;
    world.clock.advance(Duration::from_secs(5));
    let messages = operator.until(2).await;
    assert_eq!(messages[0].id, messages[1].id);
    recorded(&registry, <[_]>::is_empty).await;
    registry.close().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_told_nothing_until_the_next_start() {
    let Setting { world, fake, registry, operator, running } = Setting::new().await;
    operator.answers(|_| Reply::whole(410, "", ""));
    fake.connected(&registry, "ada").await;
    running.await.unwrap();
    fake.connected(&registry, "bob").await;
    operator.answers(|_| Reply::whole(200, "", ""));
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(operator.messages().len(), 1);
    let _running = operator.runs(&world, &registry).await;
    operator.until(3).await;
    recorded(&registry, <[_]>::is_empty).await;
    registry.close().await;
}

#[tokio::test]
async fn a_private_address_is_refused_unless_the_host_allows_it() {
    let world = World::new().await;
    let fake = Fake::new();
    let registry = world.open(fake.clone()).await;
    let url = "https://10.0.0.1/events";
    let _running = runs(&world, &registry, url).await;
    fake.connected(&registry, "ada").await;
    let found = after(&world, &registry, 1).await;
    assert!(found.failure.as_deref().unwrap().contains("is private"), "{found:?}");
    registry.close().await;
    // The host maps the address, and thereby allows it.
    let operator = Operator::new().await;
    let policy = world.policy().endpoint("https://10.0.0.1", &operator.server.origin()).unwrap();
    let registry = world.builder().kind(fake.clone()).http(policy).open().await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    let _running = runs(&world, &registry, url).await;
    operator.until(1).await;
    recorded(&registry, <[_]>::is_empty).await;
    registry.close().await;
}
