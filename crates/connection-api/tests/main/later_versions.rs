//! Answers of a later version of the server: with members and words that this version does not know.

use connection_api::{
    Approval, ApprovalResult, ApprovalState, ChangeKind, Connection, ConnectionPage, Decided, Delivery, Doctor,
    ErasedUses, EventPage, Extension, FollowedHandOff, Freezes, Froze, GrantPreview, Impact, ImportResult, Kind,
    Liveness, Me, Problem, Profile, Refreshed, Removed, Setup, SetupState, ShownAgent, ShownApproval, ShownConnection,
    ShownConsent, System, Thawed, Token, Usage, Use, UseDoor, UseOutcome, UsePage, Webhook, Widening,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::examples::{ALTERNATIVES, example, example_of};

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

/// Returns the places of all texts in a value, as JSON pointers (RFC 6901).
fn texts(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::String(_) => vec![place.to_owned()],
        Value::Object(members) => {
            members.iter().flat_map(|(name, value)| texts(value, &format!("{place}/{name}"))).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(index, item)| texts(item, &format!("{place}/{index}"))).collect()
        }
        _ => Vec::new(),
    }
}

fn check<T: ToSchema + DeserializeOwned>() {
    let name = T::name();
    for alternative in 0..ALTERNATIVES {
        let answer = example_of::<T>(alternative);
        let mut later = answer.clone();
        add_members(&mut later);
        restore_maps(&mut later, &answer);
        serde_json::from_value::<T>(later.clone()).unwrap_or_else(|error| panic!("{name}: {error}: {later}"));
        // Only a list of requests refuses a word.
        for place in texts(&answer, "") {
            let mut later = answer.clone();
            *later.pointer_mut(&place).unwrap() = json!("asleep");
            serde_json::from_value::<T>(later).unwrap_or_else(|error| panic!("{name} {place}: {error}"));
        }
    }
}

#[test]
fn members_and_words_that_are_not_known_are_read_in_each_answer() {
    check::<ApprovalResult>();
    check::<ConnectionPage>();
    check::<Decided>();
    check::<Delivery>();
    check::<Doctor>();
    check::<ErasedUses>();
    check::<EventPage>();
    check::<Extension>();
    check::<FollowedHandOff>();
    check::<Freezes>();
    check::<Froze>();
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
    check::<ShownApproval>();
    check::<ShownConnection>();
    check::<ShownConsent>();
    check::<System>();
    check::<Thawed>();
    check::<Token>();
    check::<Usage>();
    check::<UsePage>();
    check::<Webhook>();
    check::<Widening>();
}

/// Checks that a word which is not known is read, and that the answer is then never written.
#[track_caller]
fn check_word<T: ToSchema + Serialize + DeserializeOwned>(place: &str, is_unrecognized: impl Fn(&T) -> bool) {
    let mut answer = example::<T>();
    *answer.pointer_mut(place).unwrap() = json!("asleep");
    let read: T = serde_json::from_value(answer).unwrap();
    assert!(is_unrecognized(&read), "{} {place}", T::name());
    assert!(serde_json::to_string(&read).is_err(), "{} {place}", T::name());
}

#[test]
fn words_that_are_not_known_are_read_and_never_written() {
    check_word("/liveness", |read: &Connection| read.liveness == Liveness::Unrecognized);
    check_word("/state", |read: &Approval| read.state == ApprovalState::Unrecognized);
    check_word("/impact", |read: &Approval| read.impact == Impact::Unrecognized);
    check_word("/door", |read: &Approval| read.door == UseDoor::Unrecognized);
    check_word("/state", |read: &ApprovalResult| read.state == ApprovalState::Unrecognized);
    check_word("/changes/0/kind", |read: &ShownApproval| {
        read.changes.iter().flatten().all(|change| change.kind == ChangeKind::Unrecognized)
    });
    check_word("/door", |read: &Use| read.door == UseDoor::Unrecognized);
    check_word("/outcome", |read: &Use| read.outcome == Some(UseOutcome::Unrecognized));
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
