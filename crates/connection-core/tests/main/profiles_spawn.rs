//! Applying a profile to the start of its tool, as the last step before it.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
};

use connection_core::{Error, NewProfile, ProfileId, SpawnOptions};

use crate::tool::{STRICT, Tools};

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

/// If a variable names its own directory, a tool may look for fewer files.
#[tokio::test]
async fn a_profile_on_the_tools_own_directory_takes_away_what_would_point_elsewhere() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let own = profiles.default_profile().await.unwrap();
    let names = ["TOOL_HOME", "TOOL_ISOLATED", "TOOL_PARENT"];
    let mut options = start();
    for _ in 0..2 {
        profiles.apply_profile(&mut options, own.id).await.unwrap();
        assert_eq!(env(&options), BTreeMap::from([("TOKEN".to_owned(), "canary-value".to_owned())]));
        assert!(options.without.iter().eq(names), "{options:?}");
        assert_eq!((&*options.args, options.profile().unwrap().0), (&["--model".into(), "big".into()][..], own.id));
    }
    // With another home the tool would use another directory by itself.
    let mut elsewhere = start().env("HOME", "/elsewhere");
    profiles.apply_profile(&mut elsewhere, own.id).await.unwrap();
    assert_eq!(elsewhere.env[OsStr::new("TOOL_HOME")], *it.path(".tool").as_os_str());
    assert!(elsewhere.without.is_empty() && elsewhere.args[0] == "--isolated", "{elsewhere:?}");
    // No variable of a profile stays when another profile replaces it, here one of another kind.
    let strict = it.registry.profiles(&STRICT).unwrap();
    let work = strict.create(NewProfile::new("work", "/profiles/.tool")).await.unwrap();
    let mut once = start();
    strict.apply_profile(&mut once, work.id).await.unwrap();
    strict.apply_profile(&mut options, work.id).await.unwrap();
    assert_eq!(options, once);
    assert!(options.without.is_empty(), "{options:?}");
}

#[tokio::test]
async fn another_profile_takes_the_place_of_the_one_before() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let first = profiles.default_profile().await.unwrap();
    let work = profiles.create(NewProfile::new("work", "/profiles/work")).await.unwrap();
    let mut twice = start();
    let mut once = start();
    profiles.apply_profile(&mut twice, work.id).await.unwrap();
    profiles.apply_profile(&mut twice, first.id).await.unwrap();
    profiles.apply_profile(&mut once, first.id).await.unwrap();
    assert_eq!((&twice, twice.profile()), (&once, Some((first.id, &*it.path(".tool")))));
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_its_tool_wants_is_made_for_its_owner_alone_and_stays_as_it_is() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let it = Tools::new().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let strict = it.registry.profiles(&STRICT).unwrap();
    let work = strict.create(NewProfile::new("work", it.path("new/.tool"))).await.unwrap();
    let mut named = start();
    strict.apply_profile(&mut named, work.id).await.unwrap();
    assert!(!it.path("new").exists(), "to say where it is makes nothing");
    assert!(strict.make_directory(&named).await.unwrap());
    assert_eq!((mode(&it.path("new")), mode(&it.path("new/.tool"))), (0o700, 0o700));
    fs::set_permissions(it.path("new/.tool"), fs::Permissions::from_mode(0o750)).unwrap();
    assert!(!strict.make_directory(&named).await.unwrap());
    assert_eq!(mode(&it.path("new/.tool")), 0o750);
    it.write("file", "content");
    let odd = strict.create(NewProfile::new("odd", it.path("file/.tool"))).await.unwrap();
    strict.apply_profile(&mut named, odd.id).await.unwrap();
    let Err(Error::Profile(refusal)) = strict.make_directory(&named).await else { panic!("it was made") };
    let path = it.path("file/.tool").display().to_string();
    assert_eq!(refusal.to_string(), format!("the directory '{path}' cannot be created: something else has its path"));
    assert_eq!(
        (refusal.code(), fs::read_to_string(it.path("file")).unwrap()),
        ("directory_not_made", "content".into())
    );
    // The tool creates its own directory by itself, and so does another tool.
    let first = strict.default_profile().await.unwrap();
    strict.apply_profile(&mut named, first.id).await.unwrap();
    assert!(!strict.make_directory(&named).await.unwrap() && !it.path(".tool").exists());
    let own = it.profiles().create(NewProfile::new("work", it.path("own"))).await.unwrap();
    it.profiles().apply_profile(&mut named, own.id).await.unwrap();
    assert!(!it.profiles().make_directory(&named).await.unwrap() && !it.path("own").exists());
    assert!(!strict.make_directory(&named).await.unwrap() && !it.path("own").exists(), "that is another kind's");
}

/// R-JACK-008
#[tokio::test]
async fn an_unknown_profile_leaves_the_start_as_it_is_and_says_nothing() {
    let it = Tools::new().await;
    let unknown: ProfileId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let mut options = start();
    assert_eq!(it.profiles().apply_profile(&mut options, unknown).await.unwrap(), None);
    assert_eq!(options, start());
    // For another owner, the profile does not exist either.
    let others = it.registry.owner("u42").unwrap().profiles(&crate::tool::TOOL).unwrap();
    let other = others.create(NewProfile::new("own", it.path("u42"))).await.unwrap();
    assert_eq!(it.profiles().apply_profile(&mut options, other.id).await.unwrap(), None);
    assert_eq!(options, start());
}

/// By itself, the tool would run with the login of the user who runs the process.
#[tokio::test]
async fn an_unknown_profile_of_another_owner_is_an_error_since_the_tool_would_run_as_somebody_else() {
    let it = Tools::new().await;
    let others = it.registry.owner("u42").unwrap().profiles(&crate::tool::TOOL).unwrap();
    let first = it.profiles().default_profile().await.unwrap();
    let mut options = start();
    for round in ["before there is one of theirs", "and with one of theirs"] {
        let error = others.apply_profile(&mut options, first.id).await.unwrap_err();
        assert_eq!((error.code(), error.remedy().is_some()), ("profile_not_found", true), "{round}");
        assert_eq!(options, start(), "{round}");
        others.create(NewProfile::new(round, it.path(round))).await.unwrap();
    }
}
