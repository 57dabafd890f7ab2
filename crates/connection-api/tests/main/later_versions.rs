//! Answers of a later version of the server: with members and words that this version does not know.

use connection_api::{
    Connection, ConnectionPage, Delivery, Doctor, EventPage, Extension, FollowedHandOff, GrantPreview, ImportResult,
    Kind, Liveness, Me, Problem, Profile, Refreshed, Removed, Setup, SetupState, ShownAgent, ShownConnection, System,
    Token, Usage, Webhook,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::examples::example;

/// Adds a member that this version does not know to each object.
fn add_members(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(add_members);
            members.insert("addedLater".to_owned(), json!({ "whatever": [1, 2] }));
        }
        Value::Array(items) => items.iter_mut().for_each(add_members),
        _ => {}
    }
}

/// Sets the members that are maps to what they were: their names are not those of members.
fn restore_maps(later: &mut Value, before: &Value) {
    match (later, before) {
        (Value::Object(later), Value::Object(before)) => {
            for (name, value) in before {
                match name.as_str() {
                    "config" | "tags" | "variables" => drop(later.insert(name.clone(), value.clone())),
                    _ => restore_maps(&mut later[name], value),
                }
            }
        }
        (Value::Array(later), Value::Array(before)) => {
            later.iter_mut().zip(before).for_each(|(later, before)| restore_maps(later, before));
        }
        _ => {}
    }
}

fn check<T: ToSchema + DeserializeOwned>() {
    let answer = example::<T>();
    let mut later = answer.clone();
    add_members(&mut later);
    restore_maps(&mut later, &answer);
    serde_json::from_value::<T>(later.clone()).unwrap_or_else(|error| panic!("{}: {error}: {later}", T::name()));
}

#[test]
fn members_that_are_not_known_are_ignored_in_each_answer() {
    check::<ConnectionPage>();
    check::<Delivery>();
    check::<Doctor>();
    check::<EventPage>();
    check::<Extension>();
    check::<FollowedHandOff>();
    check::<GrantPreview>();
    check::<ImportResult>();
    check::<Kind>();
    check::<Me>();
    check::<Problem>();
    check::<Profile>();
    check::<Refreshed>();
    check::<Removed>();
    check::<Setup>();
    check::<ShownAgent>();
    check::<ShownConnection>();
    check::<System>();
    check::<Token>();
    check::<Usage>();
    check::<Webhook>();
}

#[test]
fn words_that_are_not_known_are_read_and_never_written() {
    let mut answer = example::<Connection>();
    answer["liveness"] = json!("asleep");
    let read: Connection = serde_json::from_value(answer).unwrap();
    assert_eq!(read.liveness, Liveness::Unrecognized);
    assert!(serde_json::to_string(&read).is_err());
}

#[test]
fn a_state_of_a_setup_that_is_not_known_is_read_with_the_other_members() {
    let mut answer = example::<Setup>();
    answer["type"] = json!("paused");
    answer["until"] = json!("2027-01-15T08:00:00Z");
    let read: Setup = serde_json::from_value(answer).unwrap();
    assert_eq!((read.state.clone(), &*read.id), (SetupState::Unrecognized, "a text"));
    assert!(!read.state.is_end());
    assert!(serde_json::to_string(&read).is_err());
}
