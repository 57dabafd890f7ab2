//! Profiles, as shown in the guide.

use connection_contract::Kind;
use connection_core::{ConnectionRegistry, Error, NewProfile, Profile, Profiles, SpawnOptions};

use crate::tool::{TOOL, Tools};

// region: list
/// Creates a second identity of a tool, for work, and lists it with the first one.
async fn two_identities(registry: &ConnectionRegistry, tool: &Kind) -> Result<Vec<Profile>, Error> {
    let profiles = registry.profiles(tool)?;
    profiles.create(NewProfile::new("work", "/home/ada/.tools/work")).await?;
    profiles.list().await
}
// end: list

// region: start
/// Returns the options with which to start the tool in a workspace. The profile is applied last.
async fn start(profiles: &Profiles, workspace: &str) -> Result<SpawnOptions, Error> {
    let mut options = SpawnOptions::new("tool").arg("--print").cwd("/home/ada/project");
    let profile = profiles.resolve(None, Some(workspace)).await?;
    profiles.apply_profile(&mut options, profile.id).await?;
    Ok(options)
}
// end: start

#[tokio::test]
async fn two_identities_of_a_tool_are_started_as_the_guide_has_it() {
    let it = Tools::new().await;
    let all = two_identities(&it.registry, &TOOL).await.unwrap();
    assert_eq!(all.iter().map(|profile| profile.label.as_str()).collect::<Vec<_>>(), ["Default", "work"]);
    it.profiles().set_slot("a", all[1].id).await.unwrap();
    let in_slot = start(&it.profiles(), "a").await.unwrap();
    let elsewhere = start(&it.profiles(), "b").await.unwrap();
    assert_eq!((in_slot.profile().unwrap().0, elsewhere.profile().unwrap().0), (all[1].id, all[0].id));
}
