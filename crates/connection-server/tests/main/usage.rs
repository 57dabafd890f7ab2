//! Usage over the API: as it was fetched last, as it is fetched now, and its history.

use std::{
    sync::atomic::{AtomicU32, Ordering::SeqCst},
    time::Duration,
};

use connection_contract::prelude::*;
use connection_core::Role;
use connection_faults::scripted::Scripted;
use serde_json::{Value, json};

use crate::{kinds::by_key, test_host::World};

const DAY: Duration = Duration::from_hours(24);

/// A kind that reports the usage of its accounts.
pub(crate) fn metered() -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("metered"), "Metered", AuthType::ApiKey);
    let descriptor = descriptor.field(Field::secret("apiKey", "API key"));
    Scripted::new(descriptor).setup(|_, ctx| Box::pin(by_key(ctx))).usage(Metered::default())
}

/// Uses a tenth of the quota more with each fetch, up to the third fetch, which fails.
#[derive(Default)]
struct Metered(AtomicU32);

impl UsageSource<Secret> for Metered {
    fn fetch<'a>(
        &'a self,
        _: &'a Secret,
        ctx: &'a UsageContext<'_>,
    ) -> BoxFuture<'a, Result<UsageSnapshot, ConnectionError>> {
        Box::pin(async move {
            let number = self.0.fetch_add(1, SeqCst) + 1;
            if number == 3 {
                return Err(NotLive::offline(Reason::new("rate_limited", "the provider asks to wait")).into());
            }
            let week = TimeWindow::new("week", "This week", f64::from(number) / 10.0);
            Ok(UsageSnapshot::new(ctx.now()).metric(week))
        })
    }

    fn auth_mode(&self, _: &Secret) -> Option<Text> {
        Some("subscription".into())
    }

    fn format_session_metrics(&self, session: &SessionTokens) -> Vec<UsageMetric> {
        let document = session.document.as_ref();
        let used = document.and_then(|document| document["fiveHours"].as_i64());
        let hours = Duration::from_hours(5);
        let window = used.map(|used| TimeWindow::new("five_hour", "Limit", used as f64 / 100.0).window(hours).into());
        let context = TokenUtilization::new("context", "Context", session.context_used);
        let context = session.context_max.map_or(context.clone(), |max| context.max(max));
        [context.into()].into_iter().chain(window).collect()
    }
}

pub(crate) async fn connected(world: &World, token: &str) -> String {
    let setup = world.post(token, "/setups", json!({ "kind": "metered" })).await.ok(201);
    let id = setup["id"].as_str().unwrap();
    let setup = world.until(token, id, &setup, "prompt").await;
    let answers = json!({ "step": setup["step"], "answers": { "apiKey": crate::test_host::KEY } });
    let setup = world.post(token, &format!("/setups/{id}/answers"), answers).await.ok(202);
    world.until(token, id, &setup, "done").await["connection"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn usage_is_fetched_on_request_and_a_failure_keeps_the_last_good_snapshot() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = connected(&world, &token).await;
    world.connected(&token, "octocat").await;
    let listed = world.get(&token, "/usage").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1, "only kinds that report usage are listed");
    let before = &listed["items"][0];
    assert_eq!((&before["connection"], &before["snapshot"], &before["age"]), (&json!(id), &json!(null), &json!(null)));
    let path = format!("/connections/{id}/usage");
    let fetched = world.post(&token, &path, json!({})).await.ok(200);
    assert_eq!((&fetched["account"], &fetched["authMode"]), (&json!("ada"), &json!("subscription")));
    assert_eq!(fetched["snapshot"]["metrics"][0]["utilization"], 0.1);
    world.clock.advance(Duration::from_mins(20));
    world.post(&token, &path, json!({})).await.ok(200);
    world.clock.advance(Duration::from_mins(20));
    let failed = world.post(&token, &path, json!({})).await.ok(200);
    assert_eq!(failed["error"]["code"], "rate_limited");
    assert_eq!((&failed["snapshot"]["metrics"][0]["utilization"], &failed["age"]), (&json!(0.2), &json!(1200)));
    assert_eq!(world.get(&token, "/usage").await.ok(200)["items"][0], failed);
    let bob = world.token(Role::Manage, Some("bob")).await;
    assert_eq!(world.get(&bob, "/usage").await.ok(200)["items"], json!([]));
    for answer in [world.post(&bob, &path, json!({})).await, world.get(&bob, &path).await] {
        assert_eq!(answer.refusal(), (404, "not_found".into()));
    }
    world.check_answers();
}

#[tokio::test]
async fn the_report_of_a_session_is_taken_and_shown_until_its_windows_end() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = connected(&world, &token).await;
    let path = format!("/connections/{id}/usage");
    let program = world.token(Role::Use, Some("ada")).await;
    let session = json!({ "document": { "fiveHours": 25, "cwd": "/canary" }, "contextUsed": 7, "contextMax": 9 });
    let reported = world.post(&program, &path, json!({ "session": session })).await.ok(200);
    let metrics = reported["snapshot"]["metrics"].as_array().unwrap();
    assert_eq!((&metrics[0]["id"], &metrics[0]["used"], &metrics[0]["max"]), (&json!("context"), &json!(7), &json!(9)));
    assert_eq!((&metrics[1]["id"], &metrics[1]["utilization"]), (&json!("five_hour"), &json!(0.25)));
    assert_eq!((&reported["age"], &reported["error"]), (&json!(0), &json!(null)));
    let ids = async || -> Vec<String> {
        let listed = world.get(&token, "/usage").await.ok(200);
        assert!(!listed.to_string().contains("canary"), "{listed}");
        let metrics = listed["items"][0]["snapshot"]["metrics"].as_array().cloned().unwrap_or_default();
        metrics.iter().map(|metric| metric["id"].as_str().unwrap().to_owned()).collect()
    };
    // The context belongs to the session alone.
    assert_eq!(ids().await, ["five_hour"]);
    assert_eq!(world.get(&token, &path).await.ok(200)["series"][0]["metric"], "five_hour");
    world.post(&token, &path, json!({})).await.ok(200);
    assert_eq!(ids().await, ["week", "five_hour"]);
    world.clock.advance(Duration::from_hours(5));
    assert_eq!(ids().await, ["week"]);
    world.check_answers();
}

#[tokio::test]
async fn a_report_is_bounded_and_needs_a_token_that_may_use_the_connection() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = connected(&world, &token).await;
    let path = format!("/connections/{id}/usage");
    let report = |document: Value| json!({ "session": { "document": document } });
    let fits = report(json!({ "fiveHours": 25, "text": "x".repeat(60_000) }));
    world.post(&token, &path, fits.clone()).await.ok(200);
    for wrong in [
        report(json!({ "fiveHours": 25, "text": "x".repeat(66_000) })),
        report(json!({ "deep": (0..40).fold(json!(1), |inner, _| json!([inner])) })),
        report(json!(["fiveHours"])),
        json!({ "session": { "contextUsed": -1 } }),
        json!({ "session": { "said": {} } }),
        json!({ "document": {} }),
    ] {
        let status = world.post(&token, &path, wrong.clone()).await.refusal().0;
        assert_eq!(status, 422, "{}", &wrong.to_string()[..40.min(wrong.to_string().len())]);
    }
    let reader = world.token(Role::Read, Some("ada")).await;
    assert_eq!(world.post(&reader, &path, fits.clone()).await.refusal(), (403, "not_allowed".into()));
    let bob = world.token(Role::Use, Some("bob")).await;
    assert_eq!(world.post(&bob, &path, fits.clone()).await.refusal(), (404, "not_found".into()));
    let github = world.connected(&token, "octocat").await;
    let refusal = world.post(&token, &format!("/connections/{github}/usage"), fits).await.refusal();
    assert_eq!(refusal, (501, "not_supported".into()));
    world.check_answers();
}

#[tokio::test]
async fn the_history_has_the_highest_number_of_each_part_of_the_days() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let id = connected(&world, &token).await;
    let path = format!("/connections/{id}/usage");
    assert_eq!(world.get(&token, &path).await.ok(200), json!({ "series": [] }));
    // Fetches 1, 2 and 4 to 6 succeed, ten minutes apart.
    for _ in 0..6 {
        world.post(&token, &path, json!({})).await.ok(200);
        world.clock.advance(Duration::from_mins(10));
    }
    let points = async |days: u32| -> Vec<Value> {
        let history = world.get(&token, &format!("{path}?days={days}")).await.ok(200);
        assert_eq!(history["series"][0]["metric"], "week");
        let points = history["series"][0]["points"].as_array().unwrap().iter();
        points.map(|point| point[1].clone()).collect()
    };
    let start = 1_800_000_000;
    let first = world.get(&token, &path).await.ok(200)["series"][0]["points"][0].clone();
    assert_eq!(first[0].as_i64().unwrap() % 600, 0);
    assert!(first[0].as_i64().unwrap() >= start);
    assert_eq!(points(1).await, [0.1, 0.2, 0.4, 0.5, 0.6]);
    assert_eq!(points(90).await, [0.6], "the points of eight hours are one");
    world.clock.advance(2 * DAY);
    assert_eq!(world.get(&token, &format!("{path}?days=1")).await.ok(200), json!({ "series": [] }));
    for days in ["0", "91", "-1", "x"] {
        let refused = world.get(&token, &format!("{path}?days={days}")).await;
        assert_eq!(refused.refusal(), (422, "invalid_body".into()), "{days}");
    }
}

#[tokio::test]
async fn usage_is_listed_page_by_page_by_the_id_of_the_connection() {
    let world = World::new().await;
    let token = world.token(Role::Manage, Some("ada")).await;
    let first = connected(&world, &token).await;
    let page = world.get(&token, "/usage?limit=1").await.ok(200);
    assert_eq!((&page["items"][0]["connection"], &page["next"]), (&json!(first), &json!(null)));
    assert_eq!(world.get(&token, &format!("/usage?after={first}")).await.ok(200)["items"], json!([]));
    assert_eq!(world.get(&token, "/usage?after=x").await.refusal().0, 422);
}
