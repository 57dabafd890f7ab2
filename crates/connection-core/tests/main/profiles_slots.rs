//! Default profiles of a host's slots, in addition to the default of the kind.

use connection_core::{NewProfile, ProfileError};

use crate::{
    profiles_rules::refused,
    tool::{STRICT, Tools},
};

#[tokio::test]
async fn the_named_one_is_meant_before_that_of_the_slot_and_that_before_the_default() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let a = profiles.create(NewProfile::new("a", it.path("a"))).await.unwrap();
    let b = profiles.create(NewProfile::new("b", it.path("b"))).await.unwrap();
    let resolved = async |named, slot| profiles.resolve(named, slot).await.unwrap().label.to_string();
    assert_eq!(resolved(None, Some("work/space 1")).await, "Default");
    for _ in 0..2 {
        profiles.set_slot("work/space 1", a.id).await.unwrap();
    }
    assert_eq!(resolved(None, Some("work/space 1")).await, "a");
    assert_eq!(resolved(Some(b.id), Some("work/space 1")).await, "b");
    assert_eq!(resolved(None, None).await, "Default");
    assert_eq!(resolved(None, Some("another")).await, "Default");
    // The default of the kind does not affect a slot with its own default.
    profiles.set_default(b.id).await.unwrap();
    assert_eq!((resolved(None, Some("work/space 1")).await, resolved(None, None).await), ("a".into(), "b".into()));
    profiles.set_slot("work/space 1", b.id).await.unwrap();
    assert_eq!(profiles.slots().await.unwrap().into_iter().collect::<Vec<_>>(), [("work/space 1".to_owned(), b.id)]);
    assert!(profiles.clear_slot("work/space 1").await.unwrap());
    assert!(!profiles.clear_slot("work/space 1").await.unwrap());
    assert_eq!(resolved(None, Some("work/space 1")).await, "b");
}

#[tokio::test]
async fn a_profile_that_a_slot_names_stays_and_the_slot_is_named() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let a = profiles.create(NewProfile::new("a", it.path("a"))).await.unwrap();
    for slot in ["two", "one"] {
        profiles.set_slot(slot, a.id).await.unwrap();
    }
    let refusal = refused(profiles.remove(a.id).await);
    assert_eq!(refusal.to_string(), "the profile 'a' of kind 'tool' is in use: by the slots one, two");
    for slot in ["two", "one"] {
        profiles.clear_slot(slot).await.unwrap();
    }
    profiles.remove(a.id).await.unwrap();
}

#[tokio::test]
async fn slots_are_of_one_owner_and_kind_and_their_names_can_be_seen() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let a = profiles.create(NewProfile::new("a", it.path("a"))).await.unwrap();
    profiles.set_slot("s", a.id).await.unwrap();
    let strict = it.registry.profiles(&STRICT).unwrap();
    assert!(strict.slots().await.unwrap().is_empty());
    // A profile of another kind does not exist for this one.
    assert!(matches!(refused(strict.set_slot("s", a.id).await), ProfileError::NotFound { .. }));
    let long = "x".repeat(201);
    for slot in ["", "a\nb", "a\u{200b}", &long] {
        assert_eq!(refused(profiles.set_slot(slot, a.id).await).code(), "invalid_slot");
        assert_eq!(refused(profiles.clear_slot(slot).await).code(), "invalid_slot");
        assert_eq!(refused(profiles.resolve(None, Some(slot)).await).code(), "invalid_slot");
    }
}
