//! The rules of profiles, the same for every kind.

use std::{fs, time::Duration};

use connection_contract::{ConfigMount, ProfileSpec, SandboxSpec, prelude::*};
use connection_core::{Error, Machine, NewProfile, Profile, ProfileError, ProfileId, ProfilePatch};
use connection_faults::scripted::Scripted;

use crate::tool::{PLAIN, STRICT, TOOL, Tools, home};

/// Returns the labels in order, with a star at the default and a tilde at the implicit profile.
fn shape(profiles: &[Profile]) -> String {
    let one = |profile: &Profile| {
        let star = if profile.is_default { "*" } else { "" };
        format!("{}{star}{}", profile.label, if profile.is_implicit { "~" } else { "" })
    };
    profiles.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Returns the error of a rejected operation on profiles.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> ProfileError {
    match result.unwrap_err() {
        Error::Profile(error) => {
            let whole = Error::Profile(error.clone());
            assert_eq!(whole.remedy().is_some(), !matches!(error, ProfileError::Unsupported { .. }), "{error}");
            error
        }
        other => panic!("{other:?}"),
    }
}

/// R-JACK-003, R-JACK-012
#[tokio::test]
async fn the_first_list_makes_the_default_on_the_tools_own_directory_once() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let (one, two, three) = tokio::join!(profiles.list(), profiles.list(), profiles.list());
    let one = one.unwrap();
    let two = two.unwrap();
    let three = three.unwrap();
    assert_eq!((shape(&one), &one, &one), ("Default*~".into(), &two, &three));
    assert_eq!(one[0].directory, it.path(".tool"));
    assert!(!it.path(".tool").exists(), "nothing is made on the disk");
    assert_eq!(profiles.get(one[0].id).await.unwrap(), one[0]);
    // It stays where it was created, wherever the home is later, and in another process.
    it.home.moves(Some("/elsewhere".into()));
    let other = it.home.builder(it.world.builder()).open().await.unwrap();
    assert_eq!(other.profiles(&TOOL).unwrap().list().await.unwrap(), one);
    // Another kind has separate profiles.
    let strict = it.registry.profiles(&STRICT).unwrap().list().await.unwrap();
    assert_eq!(shape(&strict), "Default*~");
    assert!(strict[0].id != one[0].id);
    assert_eq!(profiles.list().await.unwrap(), one);
}

/// The directory belongs to the user who runs the process, and to no other owner.
#[tokio::test]
async fn another_owner_has_no_profile_until_one_is_created_and_none_on_the_process_own_directory() {
    let it = Tools::new().await;
    it.profiles().list().await.unwrap();
    let others = it.registry.owner("u42").unwrap().profiles(&TOOL).unwrap();
    let refusal = refused(others.list().await);
    assert_eq!(refusal, ProfileError::NoHome { kind: TOOL });
    assert!(refusal.remedy().unwrap().starts_with("create a profile"));
    assert_eq!(refused(others.default_profile().await), ProfileError::NoHome { kind: TOOL });
    let own = others.create(NewProfile::new("own", it.path("u42"))).await.unwrap();
    assert!(own.is_default && !own.is_implicit);
    assert_eq!(others.list().await.unwrap(), std::slice::from_ref(&own));
    assert!(matches!(refused(it.profiles().get(own.id).await), ProfileError::NotFound { .. }));
}

/// R-JACK-004
#[tokio::test]
async fn a_profile_that_is_made_before_any_list_finds_the_default_there() {
    let it = Tools::new().await;
    let work = it.profiles().create(NewProfile::new(" work\u{7} ", it.path("./work//x/"))).await.unwrap();
    assert_eq!((work.label.as_str(), work.directory.clone()), ("work", it.path("work/x")));
    let all = it.profiles().list().await.unwrap();
    assert_eq!(shape(&all), "Default*~ work");
    // Created in the same second, and still in this order.
    assert_eq!((all[0].created_at, &all[1]), (all[1].created_at, &work));
    it.world.clock.advance(Duration::from_secs(5));
    it.profiles().create(NewProfile::new("a", it.path("a")).make_default()).await.unwrap();
    assert_eq!(shape(&it.profiles().list().await.unwrap()), "Default~ work a*");
}

#[tokio::test]
async fn without_a_home_nothing_is_made_and_a_profile_of_ones_own_is_the_default() {
    let it = Tools::new().await;
    it.home.moves(None);
    assert_eq!(refused(it.profiles().list().await), ProfileError::NoHome { kind: TOOL });
    it.home.moves(Some("relative".into()));
    assert_eq!(refused(it.profiles().list().await), ProfileError::NoHome { kind: TOOL });
    it.profiles().create(NewProfile::new("own", "/somewhere/own")).await.unwrap();
    assert_eq!(shape(&it.profiles().list().await.unwrap()), "own*");
}

/// R-JACK-002, R-JACK-005
#[tokio::test]
async fn one_profile_is_the_default_whatever_is_changed() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let first = profiles.list().await.unwrap().remove(0);
    let work = profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap();
    for _ in 0..2 {
        assert!(profiles.set_default(work.id).await.unwrap().is_default);
        assert_eq!(shape(&profiles.list().await.unwrap()), "Default~ work*");
    }
    let refusal = refused(profiles.update(work.id, ProfilePatch::new().clear_default()).await);
    assert_eq!(refusal, ProfileError::Default { kind: TOOL, label: "work".into() });
    assert_eq!(refusal.to_string(), "the profile 'work' of kind 'tool' is the default, and there is always a default");
    // Clearing the flag of a profile that is not the default changes nothing; nor does an empty patch.
    let before = profiles.get(first.id).await.unwrap();
    assert_eq!(profiles.update(first.id, ProfilePatch::new().clear_default()).await.unwrap(), before);
    assert_eq!(profiles.update(first.id, ProfilePatch::new()).await.unwrap(), before);
    // An update keeps the members that it does not set. The id and the time cannot even be set.
    let renamed = profiles.update(first.id, ProfilePatch::new().label("home").make_default()).await.unwrap();
    assert_eq!((renamed.id, renamed.created_at), (first.id, first.created_at));
    assert_eq!(shape(&profiles.list().await.unwrap()), "home*~ work");
}

/// R-JACK-012
#[tokio::test]
async fn the_registrys_default_and_the_tools_own_directory_are_two_things() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let first = profiles.list().await.unwrap().remove(0);
    let patch = ProfilePatch::new().directory(it.path("moved"));
    profiles.update(first.id, patch).await.unwrap();
    assert_eq!(shape(&profiles.list().await.unwrap()), "Default*");
    let own = profiles.create(NewProfile::new("own", it.path(".tool"))).await.unwrap();
    assert_eq!(shape(&profiles.list().await.unwrap()), "Default* own~");
    // With another home the tool's own directory is another one, and at most one profile is on it.
    it.home.moves(Some("/elsewhere".into()));
    profiles.create(NewProfile::new("there", "/elsewhere/.tool")).await.unwrap();
    assert_eq!(shape(&profiles.list().await.unwrap()), "Default* own there~");
    profiles.update(own.id, ProfilePatch::new().label("was own")).await.unwrap();
    assert_eq!(shape(&profiles.list().await.unwrap()), "Default* was own there~");
}

/// R-JACK-006, R-JACK-011
#[tokio::test]
async fn the_last_and_the_default_stay_and_the_files_of_one_that_goes_do_too() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let first = profiles.list().await.unwrap().remove(0);
    assert_eq!(refused(profiles.remove(first.id).await), ProfileError::Last { kind: TOOL, label: "Default".into() });
    let kept = it.write("work/kept", "content");
    let work = profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap();
    assert!(matches!(refused(profiles.remove(first.id).await), ProfileError::Default { .. }));
    profiles.remove(work.id).await.unwrap();
    assert_eq!(
        (shape(&profiles.list().await.unwrap()), fs::read_to_string(kept).unwrap()),
        ("Default*~".into(), "content".into())
    );
    assert!(matches!(refused(profiles.remove(work.id).await), ProfileError::NotFound { .. }));
    // Its label and directory are free again.
    profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap();
}

/// R-JACK-007
#[tokio::test]
async fn one_that_the_program_uses_stays() {
    let it = Tools::with(|builder| {
        builder.machine(Machine::new().profile_uses(|owner, kind, _| {
            assert_eq!((owner, kind), ("local", &TOOL));
            3
        }))
    });
    let it = it.await;
    let work = it.profiles().create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let refusal = refused(it.profiles().remove(work.id).await);
    assert_eq!(refusal.code(), "profile_in_use");
    assert_eq!(refusal.to_string(), "the profile 'work' of kind 'tool' is in use: 3 times, according to this program");
}

#[tokio::test]
async fn labels_and_directories_are_of_one_profile_and_what_is_none_is_refused_by_name() {
    let it = Tools::new().await;
    let profiles = it.profiles();
    let work = profiles.create(NewProfile::new("work", it.path("work"))).await.unwrap();
    let create = |label: &'static str, path: &str| profiles.create(NewProfile::new(label, path));
    let taken = refused(create("work", "/other").await);
    assert_eq!(taken.to_string(), "there is already a profile 'work' of kind 'tool'");
    let same = it.path("work").join(".");
    let taken = refused(create("other", same.to_str().unwrap()).await);
    assert_eq!(
        (taken.code(), taken.remedy().unwrap()),
        ("directory_taken", "use 'work', or name another directory".into())
    );
    let own = it.path(".tool");
    assert_eq!(refused(create("other", own.to_str().unwrap()).await).code(), "directory_taken");
    for label in ["", " ", "\u{200b}"] {
        let error = profiles.create(NewProfile::new(label, "/other")).await.unwrap_err();
        assert!(matches!(error, Error::InvalidLabel), "{error}");
        let error = profiles.update(work.id, ProfilePatch::new().label(label)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidLabel), "{error}");
    }
    let long = format!("/{}", "x".repeat(1024));
    for (path, problem) in [
        ("relative", "is not an absolute path"),
        ("", "is not an absolute path"),
        ("~/x", "is not an absolute path"),
        ("/", "is the root of the file system"),
        ("/a/../b", "has a '..' part"),
        ("/a\0b", "has a NUL or another control character in it"),
        ("/a\u{1b}[2J", "has a NUL or another control character in it"),
        (&long, "has more than 1,024 bytes"),
    ] {
        let ProfileError::Directory { problem: found, .. } = refused(create("x", path).await) else { panic!("{path}") };
        assert_eq!(found, problem, "{path:?}");
        let update = profiles.update(work.id, ProfilePatch::new().directory(path)).await;
        assert_eq!(refused(update).code(), "invalid_directory");
    }
    assert_eq!(shape(&profiles.list().await.unwrap()), "Default*~ work");
}

#[tokio::test]
async fn a_tool_that_wants_a_name_for_its_directory_is_given_it() {
    let it = Tools::new().await;
    let profiles = it.registry.profiles(&STRICT).unwrap();
    let refusal = refused(profiles.create(NewProfile::new("work", it.path("work"))).await);
    assert!(refusal.to_string().ends_with("must be called '.tool', because its tool looks for that name"), "{refusal}");
    let work = profiles.create(NewProfile::new("work", it.path("work/.tool"))).await.unwrap();
    assert_eq!(work.directory, it.path("work/.tool"));
}

#[tokio::test]
async fn a_kind_without_profiles_says_so_and_an_unknown_id_or_kind_is_an_error() {
    let it = Tools::new().await;
    let error = it.registry.profiles(&PLAIN).unwrap_err();
    assert_eq!((error.code(), error.remedy()), ("not_supported", None));
    assert_eq!(
        error.to_string(),
        "kind 'plain' has no profiles: its plugin does not say how its tool is given another directory"
    );
    let unknown = Kind::from_static("unknown");
    assert_eq!(it.registry.profiles(&unknown).unwrap_err().code(), "unknown_kind");
    let id: ProfileId = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
    let profiles = it.profiles();
    for refusal in [
        refused(profiles.get(id).await),
        refused(profiles.update(id, ProfilePatch::new()).await),
        refused(profiles.set_default(id).await),
        refused(profiles.remove(id).await),
        refused(profiles.set_slot("s", id).await),
        refused(profiles.resolve(Some(id), None).await),
    ] {
        assert_eq!(refusal, ProfileError::NotFound { kind: TOOL, id });
    }
}

/// A kind whose declarations about its tool no host can use.
fn odd(profiles: impl Into<Option<ProfileSpec>>, sandbox: impl Into<Option<SandboxSpec>>) -> Scripted {
    let descriptor = Descriptor::new(Kind::from_static("odd"), "Odd", AuthType::None).tool(ToolSpec::new("odd"));
    Scripted::new(descriptor).profiles(profiles).sandbox(sandbox)
}

#[tokio::test]
async fn a_kind_whose_tool_cannot_be_started_so_is_not_registered() {
    let it = Tools::new().await;
    let profiles = |variable: &'static str| ProfileSpec::new(variable, home(".odd"));
    let image = |image: &'static str| SandboxSpec::new(image, "odd");
    let place = |place: &'static str| ConfigMount::new(home(".odd"), place).profile();
    for (odd, says) in [
        (odd(profiles("A B"), None), "'A B', the variable"),
        (odd(profiles(""), None), "'', the variable"),
        (odd(profiles("A").dir_name("a/b"), None), "'a/b', the name"),
        (odd(None, image("odd")), "has no tag"),
        (odd(None, image("odd:1").config_mount(place("/odd"))), "has no profiles"),
        (odd(None, image("odd:1").variable("A=B", "c")), "the variable 'A=B'"),
        (odd(profiles("A"), image("odd:1").config_mount(place("odd"))), "absolute and plain"),
        (odd(profiles("A"), image("odd:1").config_mount(place("/a")).config_mount(place("/b"))), "more than one place"),
    ] {
        let refused = it.registry.kinds().register(odd).unwrap_err();
        assert!(refused.to_string().contains(says), "{refused}");
    }
    it.registry.kinds().register(odd(profiles("A"), image("odd:1"))).unwrap();
}
