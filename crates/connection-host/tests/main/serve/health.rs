//! `/healthz` tells a monitor whether the store answers, and tells nothing else. `/livez` tells a supervisor whether a
//! restart helps.

use serde_json::{Value, json};

use super::{Serving, machine, until};
use crate::program::on_postgres;

fn health(serving: &Serving) -> (u16, Value) {
    asked(serving, "/healthz")
}

fn asked(serving: &Serving, path: &str) -> (u16, Value) {
    let answer = serving.get(path);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[test]
fn healthz_says_whether_the_store_answers_and_nothing_else() {
    let machine = machine();
    let serving = Serving::start(&machine);
    machine.add_github("canary-label").exits(0);
    assert_eq!(health(&serving), (200, json!({ "ok": true, "reason": null })));
    if !on_postgres() {
        return;
    }
    machine.lose_database();
    until("the store is gone", || health(&serving).0 == 503);
    assert_eq!(health(&serving), (503, json!({ "ok": false, "reason": "store" })));
}

#[test]
fn an_outage_of_the_database_is_no_reason_for_a_restart() {
    let machine = machine();
    let serving = Serving::start(&machine);
    let fine = (200, json!({ "ok": true, "reason": null }));
    assert_eq!(asked(&serving, "/livez"), fine);
    if !on_postgres() {
        return;
    }
    machine.lose_database();
    until("the store is gone", || health(&serving).0 == 503);
    assert_eq!(asked(&serving, "/livez"), fine);
}
