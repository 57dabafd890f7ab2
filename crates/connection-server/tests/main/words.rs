//! The words of the core are those of the API.

use connection_api as api;
use connection_core::{ApprovalState, ChangeKind, Door, Impact, UseOutcome};

/// An answer with a word that its list lacks could not be written.
#[test]
fn each_word_of_uses_and_approvals_is_in_its_list() {
    assert_eq!(Door::ALL.map(Door::as_str), *api::UseDoor::WORDS);
    assert_eq!(UseOutcome::ALL.map(UseOutcome::as_str), *api::UseOutcome::WORDS);
    assert_eq!(Impact::ALL.map(Impact::as_str), *api::Impact::WORDS);
    assert_eq!(ApprovalState::ALL.map(ApprovalState::as_str), *api::ApprovalState::WORDS);
    assert_eq!(ChangeKind::ALL.map(ChangeKind::as_str), *api::ChangeKind::WORDS);
}
