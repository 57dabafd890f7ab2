//! Batches, which only revision 2025-03-26 has.

use serde_json::json;

use super::harness::Harness;

const BATCH: &str = concat!(
    r#"[{"jsonrpc":"2.0","id":1,"method":"ping"},"#,
    r#"{"jsonrpc":"2.0","method":"notifications/a"}, {"jsonrpc":"2.0","id":2,"method":"ping"}]"#
);

#[tokio::test]
async fn a_batch_is_passed_on_as_a_whole() {
    let mut harness = Harness::in_session("2025-03-26").await;
    harness.client.send(BATCH).await;
    let incoming = harness.server.next().await;
    assert_eq!(incoming.body(), BATCH);
    let answer = r#"[{"jsonrpc":"2.0","id":2,"result":{}},{"jsonrpc":"2.0","id":1,"result":{}}]"#;
    incoming.answer(200, &[], answer);
    assert_eq!(harness.client.line().await, answer);
}

#[tokio::test]
async fn the_answers_to_a_batch_may_arrive_one_by_one() {
    let mut harness = Harness::in_session("2025-03-26").await;
    harness.client.send(BATCH).await;
    let stream = harness.server.next().await.stream(&[]);
    stream.message(&json!({"jsonrpc": "2.0", "id": 2, "result": {}}));
    assert_eq!(harness.client.receive().await["id"], 2);
    drop(stream);
    let missing = harness.client.receive().await;
    assert_eq!((&missing["id"], &missing["error"]["data"]["code"]), (&json!(1), &json!("no_answer")));
}

#[tokio::test]
async fn a_batch_of_notifications_has_no_answer() {
    let mut harness = Harness::in_session("2025-03-26").await;
    let batch = r#"[{"jsonrpc":"2.0","method":"notifications/a"},{"jsonrpc":"2.0","id":"q","result":{}}]"#;
    harness.client.send(batch).await;
    let incoming = harness.server.next().await;
    assert_eq!(incoming.body(), batch);
    incoming.accept();
}

#[tokio::test]
async fn a_batch_is_refused_in_other_revisions_and_before_the_handshake() {
    let mut harness = Harness::in_session("2025-06-18").await;
    harness.client.send(BATCH).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let answer = harness.client.receive().await;
        assert_eq!(answer["error"]["code"], -32600);
        ids.push(answer["id"].clone());
    }
    ids.sort_by_key(ToString::to_string);
    assert_eq!(ids, [1, 2]);
    harness.server.assert_idle();

    let mut harness = Harness::start();
    harness.client.send(r#"[{"jsonrpc":"2.0","id":0,"method":"initialize"}]"#).await;
    assert_eq!(harness.client.receive().await["error"]["code"], -32600);
    harness.server.assert_idle();
}
