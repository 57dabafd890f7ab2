//! Requests: a member or a word that is not known is refused.

use connection_api::{
    AcceptKind, AddExtension, Answers, BeginHandOff, BeginSetup, ChangeProfile, ChangeProfileSlot, Choice, Code,
    ConfirmStep, ConsentGrant, ConsentRequest, Empty, EraseUses, ImportAccount, ImportRow, Imports, ListState,
    NewAgent, NewAgentGrant, NewAgentToken, NewApproval, NewAudience, NewConsent, NewFreeze, NewGrant, NewProfile,
    NewRefusal, NewSetupLink, NewToken, OwnerName, Rename, SendHeader, SendRequest, SetDefault, SetPreferences,
    SetTags, UsageRequest, UsageSession, Verification,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use utoipa::ToSchema;

use crate::examples::example;

fn check<T: ToSchema + DeserializeOwned>() {
    let mut request = example::<T>();
    assert!(serde_json::from_value::<T>(request.clone()).is_ok(), "{}: {request}", T::name());
    request["other"] = json!(1);
    assert!(serde_json::from_value::<T>(request).is_err(), "{}", T::name());
}

#[test]
fn a_member_that_is_not_known_is_refused_in_each_request() {
    check::<AcceptKind>();
    check::<AddExtension>();
    check::<Answers>();
    check::<BeginHandOff>();
    check::<BeginSetup>();
    check::<ChangeProfile>();
    check::<ChangeProfileSlot>();
    check::<Choice>();
    check::<Code>();
    check::<ConfirmStep>();
    check::<ConsentGrant>();
    check::<ConsentRequest>();
    check::<Empty>();
    check::<EraseUses>();
    check::<ImportAccount>();
    check::<ImportRow>();
    check::<Imports>();
    check::<NewAgent>();
    check::<NewAgentGrant>();
    check::<NewAgentToken>();
    check::<NewApproval>();
    check::<NewConsent>();
    check::<NewFreeze>();
    check::<NewGrant>();
    check::<NewProfile>();
    check::<NewRefusal>();
    check::<NewSetupLink>();
    check::<NewToken>();
    check::<OwnerName>();
    check::<Rename>();
    check::<SendHeader>();
    check::<SendRequest>();
    check::<SetDefault>();
    check::<SetPreferences>();
    check::<SetTags>();
    check::<UsageRequest>();
    check::<UsageSession>();
    check::<Verification>();
}

#[test]
fn a_word_that_is_not_known_is_refused() {
    let mut token = example::<NewToken>();
    token["role"] = json!("root");
    assert!(serde_json::from_value::<NewToken>(token).is_err());
    let mut send = example::<SendRequest>();
    send["encoding"] = json!("utf16");
    assert!(serde_json::from_value::<SendRequest>(send).is_err());
    assert!(serde_json::from_value::<NewAudience>(json!("api")).is_err());
    assert!(serde_json::from_value::<ListState>(json!("asleep")).is_err());
}

#[test]
fn a_header_is_an_object() {
    assert!(serde_json::from_value::<SendHeader>(json!(["accept", "application/json"])).is_err());
}

#[test]
fn a_field_that_is_answered_twice_is_refused() {
    let twice = r#"{"step": 1, "answers": {"apiKey": "a", "apiKey": "b"}}"#;
    assert!(serde_json::from_str::<Answers>(twice).is_err());
}
