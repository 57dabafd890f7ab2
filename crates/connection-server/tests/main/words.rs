//! The words of the core are those of the API.

use std::collections::BTreeSet;

use connection_api as api;
use connection_core::{
    ApprovalState, Audience, ChangeKind, ConnectionStatus, Door, Impact, RefreshOutcome, RequiredAction, Teardown,
    UseOutcome,
};
use connection_rules::Effect;

#[track_caller]
fn check(core: &[&str], api: &[&str]) {
    assert_eq!(core.iter().collect::<BTreeSet<_>>(), api.iter().collect());
}

/// An answer with a word that its list lacks could not be written.
#[test]
fn each_word_of_the_core_is_in_its_list() {
    check(&ApprovalState::ALL.map(ApprovalState::as_str), api::ApprovalState::WORDS);
    check(&Audience::ALL.map(Audience::as_str), api::Audience::WORDS);
    check(&ChangeKind::ALL.map(ChangeKind::as_str), api::ChangeKind::WORDS);
    check(&ConnectionStatus::ALL.map(ConnectionStatus::as_str), api::RequirementStatus::WORDS);
    check(&Door::ALL.map(Door::as_str), api::UseDoor::WORDS);
    check(&Impact::ALL.map(Impact::as_str), api::Impact::WORDS);
    check(&RefreshOutcome::ALL.map(RefreshOutcome::as_str), api::RefreshOutcome::WORDS);
    check(&RequiredAction::ALL.map(RequiredAction::as_str), api::RequiredAction::WORDS);
    check(&Teardown::ALL.map(Teardown::as_str), api::Teardown::WORDS);
    check(&UseOutcome::ALL.map(UseOutcome::as_str), api::UseOutcome::WORDS);
    let effects = [Effect::Allow, Effect::Ask, Effect::Deny].map(Effect::as_str);
    check(&effects, api::RuleEffect::WORDS);
    assert!(effects.iter().all(|effect| api::RulesDecision::parse(effect).is_some()));
}
