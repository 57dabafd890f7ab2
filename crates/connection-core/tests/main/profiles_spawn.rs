//! What a profile puts into the start of its tool: the last step before it.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use connection_core::{NewProfile, ProfileId, SpawnOptions};

use crate::tool::Tools;

fn start() -> SpawnOptions {
    SpawnOptions::new("/usr/bin/tool").arg("--model").arg("big").env("TOKEN", "canary-value").env("TOOL_HOME", "/host")
}

fn env(options: &SpawnOptions) -> BTreeMap<String, String> {
    let text = |text: &OsString| text.to_str().unwrap().to_owned();
    options.env.iter().map(|(name, value)| (text(name), text(value))).collect()
}

/// R-JACK-009
#[tokio::test]
async fn a_profile_points_the_tool_at_its_directory() {
    let it = Tools::new().await;
    let work = it.profiles().create(NewProfile::new("work", "/profiles/work")).await.unwrap();
    let mut options = start();
    for _ in 0..2 {
        let applied = it.profiles().apply_profile(&mut options, work.id).await.unwrap();
        assert_eq!(applied.as_ref(), Some(&work), "once is as good as twice");
        let expected = [
            ("TOKEN", "canary-value"),
            ("TOOL_HOME", "/profiles/work"),
            ("TOOL_ISOLATED", "1"),
            ("TOOL_PARENT", "/profiles"),
        ];
        let expected: BTreeMap<_, _> = expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(env(&options), expected);
        assert_eq!(options.args, ["--isolated", "--model", "big"]);
        assert_eq!(options.program, Path::new("/usr/bin/tool"));
    }
    let shown = format!("{options:?}");
    assert!(shown.contains("TOKEN") && !shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn another_profile_takes_the_place_of_the_one_before() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let first = profiles.default_profile().await.unwrap();
    let work = profiles.create(NewProfile::new("work", "/profiles/work")).await.unwrap();
    let (mut twice, mut once) = (start(), start());
    profiles.apply_profile(&mut twice, work.id).await.unwrap();
    profiles.apply_profile(&mut twice, first.id).await.unwrap();
    profiles.apply_profile(&mut once, first.id).await.unwrap();
    assert_eq!((&twice, twice.profile()), (&once, Some((first.id, &*it.path(".tool")))));
}

/// R-JACK-008
#[tokio::test]
async fn an_unknown_profile_leaves_the_start_as_it_is_and_says_nothing() {
    let it = Tools::new().await;
    let unknown: ProfileId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let mut options = start();
    assert_eq!(it.profiles().apply_profile(&mut options, unknown).await.unwrap(), None);
    assert_eq!(options, start());
    // Of another owner it is as unknown.
    let others = it.registry.owner("u42").unwrap().profiles(&crate::tool::TOOL).unwrap();
    let other = others.create(NewProfile::new("own", it.path("u42"))).await.unwrap();
    assert_eq!(it.profiles().apply_profile(&mut options, other.id).await.unwrap(), None);
    assert_eq!(options, start());
}
