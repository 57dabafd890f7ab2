//! Files that no connection can read, whatever was granted, and files that other owners can read.

use std::{fs, path::Path};

use connection_contract::{Liveness, prelude::*};
use connection_core::{
    AdvanceError, Connection as Handle, ConnectionRegistry, DirectoryState, FilesPolicy, KeyFile, KeySources,
    NewProfile, Outcome,
};

use crate::{
    files::{KIND, folders},
    test_host::{on_postgres, World, answers, code, connect, step},
    tool::{TOOL, Tools, write},
};

async fn open(world: &World, policy: FilesPolicy) -> ConnectionRegistry {
    world.builder().files(policy).kind(folders()).open().await.unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn granted(registry: &ConnectionRegistry, root: &Path) -> Handle {
    match connect(registry, &KIND, &[("roots", text(root))]).await {
        Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
        other => panic!("not connected: {}", code(&other)),
    }
}

/// Returns the error that a person gets for a directory that is refused.
async fn refused(registry: &ConnectionRegistry, root: &Path) -> String {
    let session = registry.setups().begin(&KIND).await.unwrap();
    let (no, _) = step(&session).await;
    let refused = session.advance(no, &answers(&[("roots", text(root))])).await;
    let Err(AdvanceError::Invalid(problems)) = refused else { panic!("{} is granted", root.display()) };
    session.cancel().await.unwrap();
    problems[0].problem.to_string()
}

/// Reads a file of the only root, and returns the content or the code of the error.
async fn read(connection: &Handle, path: &str) -> Result<String, &'static str> {
    let files = connection.files().await.unwrap();
    let read = files.read(&files.roots()[0], path, 1024).await;
    read.map(|content| content.expose_str().unwrap().to_owned()).map_err(|error| error.code())
}

async fn verified(connection: &Handle) -> (Liveness, Option<String>) {
    let info = connection.verify().await.unwrap();
    (info.liveness, info.reason.map(|reason| reason.code.into_owned()))
}

fn failing(code: &str) -> (Liveness, Option<String>) {
    (Liveness::Failing, Some(code.to_owned()))
}

/// The canonical path, as roots have it.
fn base(world: &World) -> std::path::PathBuf {
    world.directory.path().canonicalize().unwrap()
}

#[tokio::test]
async fn no_root_is_contains_or_lies_inside_what_a_registry_keeps() {
    let world = World::new().await;
    let at = base(&world);
    write(&at.join("notes/a"), "mine");
    write(&at.join("host/kinds/a.toml"), "");
    let unbounded = || FilesPolicy::new().protect(at.join("host/kinds"));
    for policy in [unbounded(), unbounded().allow("/").allow_for("local", at.join("key"))] {
        let registry = open(&world, policy).await;
        fs::create_dir_all(at.join("key/deeper")).unwrap();
        let mut kept = vec![at.join("key"), at.join("key/deeper"), at.clone(), at.join("host"), at.join("host/kinds")];
        kept.push(world.state().canonicalize().unwrap());
        if !on_postgres() {
            kept.push(at.join("store"));
        }
        for root in kept {
            let why = refused(&registry, &root).await;
            assert!(why.starts_with(&format!("{} is not opened", root.display())), "{why}");
            assert!(why.contains("this host protects") && why.contains("name another directory"), "{why}");
        }
        let connection = granted(&registry, &at.join("notes")).await;
        assert_eq!(read(&connection, "a").await, Ok("mine".into()), "the control");
        registry.remove(connection.id()).await.unwrap();
        registry.close().await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_a_protected_directory_is_not_granted() {
    let world = World::new().await;
    let at = base(&world);
    let registry = open(&world, FilesPolicy::new()).await;
    for (name, to) in [("link", "key"), ("above", "."), ("plain", "notes")] {
        std::os::unix::fs::symlink(at.join(to), at.join(name)).unwrap();
    }
    fs::create_dir(at.join("notes")).unwrap();
    assert!(refused(&registry, &at.join("link")).await.contains("this host protects"));
    assert!(refused(&registry, &at.join("above")).await.contains("this host protects"));
    granted(&registry, &at.join("plain")).await;
}

/// The path is that of a granted directory; the directory that is there now is protected.
#[cfg(unix)]
#[tokio::test]
async fn a_protected_directory_that_is_moved_to_a_granted_path_is_not_read() {
    let world = World::new().await;
    let at = base(&world);
    write(&at.join("notes/root.key"), "mine");
    write(&at.join("above/a"), "mine");
    let registry = open(&world, FilesPolicy::new()).await;
    let is = granted(&registry, &at.join("notes")).await;
    let contains = granted(&registry, &at.join("above")).await;
    fs::rename(at.join("notes"), at.join("away")).unwrap();
    fs::rename(at.join("key"), at.join("notes")).unwrap();
    assert_eq!(read(&is, "root.key").await, Err("directory_protected"));
    let files = is.files().await.unwrap();
    assert_eq!(files.list(&files.roots()[0], "").await.unwrap_err().code(), "directory_protected");
    assert_eq!(files.stat(&files.roots()[0], "root.key").await.unwrap_err().code(), "directory_protected");
    assert_eq!(verified(&is).await, failing("directory_protected"));
    assert_eq!(read(&contains, "a").await, Ok("mine".into()), "the control");

    fs::rename(at.join("notes"), at.join("above/key")).unwrap();
    assert_eq!(read(&contains, "a").await, Err("directory_protected"));
    fs::rename(at.join("above/key"), at.join("key")).unwrap();
    fs::rename(at.join("away"), at.join("notes")).unwrap();
    assert_eq!((read(&is, "root.key").await, verified(&is).await.0), (Ok("mine".into()), Liveness::Live));
    assert_eq!(read(&contains, "a").await, Ok("mine".into()));
}

/// A directory above the protected one is created below a granted root, as an older version granted it.
#[tokio::test]
async fn a_root_that_was_granted_before_the_directory_was_protected_is_not_opened() {
    let world = World::new().await;
    let at = base(&world);
    for name in ["is/a", "above/inner/a", "outer/inside/a", "apart/a"] {
        write(&at.join(name), "mine");
    }
    let registry = open(&world, FilesPolicy::new()).await;
    let mut ids = Vec::new();
    for name in ["is", "above", "outer/inside", "apart"] {
        ids.push(granted(&registry, &at.join(name)).await.id());
    }
    registry.close().await;
    let policy =
        ["is", "above/inner", "outer"].iter().fold(FilesPolicy::new(), |policy, name| policy.protect(at.join(name)));
    let registry = open(&world, policy).await;
    for (index, id) in ids.into_iter().enumerate() {
        let connection = registry.connection(id).await.unwrap();
        let is_control = index == 3;
        let expected = if is_control { Ok("mine".into()) } else { Err("directory_protected") };
        let path = if index == 1 { "inner/a" } else { "a" };
        assert_eq!(read(&connection, path).await, expected, "{index}");
        let liveness = if is_control { (Liveness::Live, None) } else { failing("directory_protected") };
        assert_eq!(verified(&connection).await, liveness, "{index}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_hard_link_to_the_key_or_the_database_is_not_read() {
    let world = World::new().await;
    let at = base(&world);
    write(&at.join("notes/plain"), "mine");
    let registry = open(&world, FilesPolicy::new()).await;
    let connection = granted(&registry, &at.join("notes")).await;
    fs::hard_link(world.key(), at.join("notes/link")).unwrap();
    fs::hard_link(at.join("notes/plain"), at.join("notes/other")).unwrap();
    assert_eq!(read(&connection, "link").await, Err("denied"));
    assert_eq!(read(&connection, "other").await, Ok("mine".into()), "the control");
    if !on_postgres() {
        for (name, end) in [("db", ""), ("wal", "-wal"), ("shm", "-shm")] {
            let file = format!("{}{end}", world.file().display());
            fs::hard_link(file, at.join("notes").join(name)).unwrap();
            assert_eq!(read(&connection, name).await, Err("denied"), "{name}");
        }
    }
    // Without the first name it is still the same file.
    fs::rename(world.key(), at.join("notes/moved")).unwrap();
    assert_eq!(read(&connection, "moved").await, Err("denied"));
    assert_eq!(read(&connection, "link").await, Err("denied"));
}

#[tokio::test]
async fn another_owner_reads_nothing_unless_the_host_allows_it_a_directory() {
    let world = World::new().await;
    let at = base(&world);
    write(&at.join("notes/a"), "hers");
    write(&at.join("other/a"), "his");
    let notes = at.join("notes");
    let registry = open(&world, FilesPolicy::new()).await;
    let why = refused(&registry.owner("ada").unwrap(), &notes).await;
    assert!(why.contains("is not opened for this owner") && why.contains("[files] allow"), "{why}");
    granted(&registry, &notes).await;
    registry.close().await;

    let registry = open(&world, FilesPolicy::new().allow_for("ada", &notes)).await;
    let ada = registry.owner("ada").unwrap();
    let bob = registry.owner("bob").unwrap();
    let connection = granted(&ada, &notes).await;
    assert_eq!(read(&connection, "a").await, Ok("hers".into()));
    assert!(refused(&ada, &at.join("other")).await.contains("is outside what this host allows"));
    assert!(refused(&bob, &notes).await.contains("is not opened for this owner"));
    // This limits no other owner.
    granted(&registry, &at.join("other")).await;
    registry.close().await;

    let registry = open(&world, FilesPolicy::new()).await;
    let theirs = registry.owner("ada").unwrap().connection(connection.id()).await.unwrap();
    assert_eq!(read(&theirs, "a").await, Err("directory_not_allowed"));
    assert_eq!(verified(&theirs).await, failing("directory_not_allowed"));
    registry.close().await;

    let registry = open(&world, FilesPolicy::new().allow(&notes)).await;
    granted(&registry.owner("bob").unwrap(), &notes).await;
}

/// The directories of a tool, one of the owner of the process, and the directories that every owner is allowed.
async fn tools(policy: impl FnOnce(&Path, FilesPolicy) -> FilesPolicy) -> Tools {
    let world = World::new().await;
    let at = base(&world).join("home");
    write(&at.join("work/settings.json"), "{}");
    write(&at.join("work/logs/a"), "log");
    write(&at.join("notes/a"), "note");
    let home = crate::tool::Home::at(&at);
    let policy = policy(&at, FilesPolicy::new());
    let registry = home.builder(world.builder()).files(policy).kind(folders()).open().await.unwrap();
    Tools { world, home, registry }
}

async fn profile(registry: &ConnectionRegistry, directory: &Path) {
    let profiles = registry.profiles(&TOOL).unwrap();
    profiles.create(NewProfile::new("Work", directory)).await.unwrap();
}

#[tokio::test]
async fn the_directory_of_another_owners_profile_is_not_read() {
    let it = tools(|home, policy| policy.allow(home)).await;
    let home = base(&it.world).join("home");
    let local = &it.registry;
    let ada = it.registry.owner("ada").unwrap();
    let bob = it.registry.owner("bob").unwrap();
    let before = granted(&ada, &home.join("work")).await;
    profile(local, &home.join("work")).await;
    for root in ["work", "work/logs"] {
        let why = refused(&ada, &home.join(root)).await;
        assert!(why.contains("this host protects") && !why.contains("Work"), "{why}");
        // Its own owner can read it.
        let own = granted(local, &home.join(root)).await;
        assert_eq!(verified(&own).await.0, Liveness::Live);
    }
    assert_eq!(read(&before, "settings.json").await, Err("directory_protected"), "it was granted before");
    // A directory that contains it is opened, and the directory itself is closed.
    let above = granted(&ada, &home).await;
    assert_eq!(read(&above, "notes/a").await, Ok("note".into()));
    assert_eq!(read(&above, "work/settings.json").await, Err("denied"));
    let files = above.files().await.unwrap();
    assert_eq!(files.list(&files.roots()[0], "work").await.unwrap_err().code(), "denied");

    // A directory of another owner is closed to the owner of the process, too.
    write(&home.join("hers/settings.json"), "{}");
    profile(&ada, &home.join("hers")).await;
    assert!(refused(local, &home.join("hers")).await.contains("this host protects"));
    assert!(refused(&bob, &home.join("hers")).await.contains("this host protects"));
    granted(&ada, &home.join("hers")).await;
}

#[tokio::test]
async fn an_owner_closes_no_directory_to_others_by_a_profile_above_it() {
    let it = tools(|home, policy| policy.allow_for("bob", home).allow_for("ada", home.join("hers"))).await;
    let home = base(&it.world).join("home");
    let local = &it.registry;
    let ada = it.registry.owner("ada").unwrap();
    let bob = it.registry.owner("bob").unwrap();
    write(&home.join("hers/settings.json"), "{}");
    write(&home.join("settings.json"), "{}");
    // Not where she can read nothing herself,
    profile(&ada, &home).await;
    granted(local, &home.join("notes")).await;
    granted(&bob, &home.join("notes")).await;
    // nor where no tool has been.
    write(&home.join("bare/deeper/a"), "a");
    profile(&bob, &home.join("bare")).await;
    granted(local, &home.join("bare/deeper")).await;
    // The control: she can read the directory, and a tool has used it.
    ada.profiles(&TOOL).unwrap().create(NewProfile::new("Hers", home.join("hers"))).await.unwrap();
    assert!(refused(&bob, &home.join("hers")).await.contains("this host protects"));
    assert!(refused(local, &home.join("hers")).await.contains("this host protects"));
    // No owner can close a profile's directory of the owner of the process to that owner.
    profile(local, &home.join("work")).await;
    bob.profiles(&TOOL).unwrap().create(NewProfile::new("Taken", home.join("work"))).await.unwrap();
    granted(local, &home.join("work")).await;
}

#[tokio::test]
async fn a_profile_is_looked_into_within_the_bounds_of_its_owner() {
    let it = tools(|home, policy| policy.allow_for("ada", home)).await;
    let home = base(&it.world).join("home");
    let state = async |registry: &ConnectionRegistry, path: &Path| {
        registry.profiles(&TOOL).unwrap().probe(path).await.unwrap().state
    };
    let ada = it.registry.owner("ada").unwrap();
    let bob = it.registry.owner("bob").unwrap();
    let work = home.join("work");
    assert_eq!(state(&it.registry, &work).await, DirectoryState::There);
    assert_eq!(state(&ada, &work).await, DirectoryState::There);
    assert_eq!(state(&bob, &work).await, DirectoryState::NotAllowed);
    profile(&it.registry, &work).await;
    assert_eq!(state(&ada, &work).await, DirectoryState::NotAllowed);
    let key = base(&it.world).join("key");
    for path in [key.clone(), key.join("gone")] {
        assert_eq!(state(&it.registry, &path).await, DirectoryState::NotAllowed, "{path:?}");
    }
}

/// A source that is not used may hold the key of another database.
#[tokio::test]
async fn the_files_of_every_key_source_are_protected() {
    let world = World::new().await;
    let at = base(&world);
    write(&at.join("old/root.key"), "");
    write(&at.join("older/a"), "a");
    let sources = KeySources::new(KeyFile::at(world.key())).known(KeyFile::at(at.join("old/root.key")));
    let registry = world.builder().key(sources).kind(folders()).open().await.unwrap();
    assert!(refused(&registry, &at.join("old")).await.contains("this host protects"));
    granted(&registry, &at.join("older")).await;
}

#[cfg(feature = "passphrase")]
#[tokio::test]
async fn the_file_of_a_passphrase_is_protected() {
    let world = World::new().await;
    let at = base(&world);
    write(&at.join("words/passphrase"), "");
    write(&at.join("other/a"), "a");
    let source = connection_core::KeyPassphrase::in_file(at.join("words/passphrase"));
    let sources = KeySources::new(KeyFile::at(world.key())).known(source);
    let registry = world.builder().key(sources).kind(folders()).open().await.unwrap();
    assert!(refused(&registry, &at.join("words")).await.contains("this host protects"));
    granted(&registry, &at.join("other")).await;
}
