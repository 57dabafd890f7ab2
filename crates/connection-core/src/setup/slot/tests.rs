//! The view of a session: each step is shown once, in the order of the journal.

use connection_contract::{Kind, Prompt};
use uuid::Uuid;

use super::Slot;
use crate::{SessionId, SetupStep};

fn slot() -> Slot {
    Slot::new(SessionId::from(Uuid::nil()), "local".to_owned(), Kind::from_static("acme"))
}

fn prompt(title: &'static str) -> SetupStep {
    SetupStep::Prompt { prompt: Prompt::new(title), fields: Vec::new(), open: None, beside: Vec::new() }
}

#[test]
fn a_run_that_shows_a_wait_after_its_answer_does_not_ask_again() {
    let slot = slot();
    slot.rest((1, prompt("a token")), Some(0));
    assert!(slot.shows(1));
    slot.working(Some(0));
    // A second run had stored the same wait before the answer was recorded, and shows it only now.
    slot.rest((1, prompt("a token")), Some(0));
    assert!(slot.view().borrow().step.is_none(), "the question is asked twice");
    slot.rest((2, prompt("another token")), Some(1));
    assert!(slot.shows(2), "the next question is shown");
}

#[test]
fn a_wait_that_was_not_answered_is_shown_by_each_run() {
    let slot = slot();
    slot.rest((1, prompt("a token")), Some(0));
    let first = slot.view().borrow().version;
    slot.rest((1, prompt("a token")), Some(0));
    assert!(slot.shows(1) && slot.view().borrow().version == first, "the same step is not new");
    slot.rest((1, prompt("another title")), Some(0));
    assert!(slot.view().borrow().version > first, "a step that looks different is new");
}
