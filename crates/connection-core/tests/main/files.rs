//! Files of a connection with granted directories: read only, inside these directories, and as far as the host
//! allows them now.

use std::{fs, path::Path, sync::OnceLock};

use connection_contract::{FileType, ServiceError, prelude::*};
use connection_core::{Connection as Handle, ConnectionRegistry, Error, FilesPolicy, Outcome};
use connection_faults::scripted::Scripted;
use tempfile::TempDir;

use crate::test_host::{World, code, connect, connected};

pub(crate) const KIND: Kind = Kind::from_static("folders");

fn descriptor() -> Descriptor {
    let roots = Field::directory("roots", "Directory").many();
    Descriptor::new(KIND, "Folders", AuthType::None).needs(Need::Files).field(roots)
}

/// A plugin that takes the directories that the user names, and is live while they can be examined.
pub(crate) fn folders() -> Scripted {
    Scripted::new(descriptor())
        .setup(|_, ctx| {
            Box::pin(async move {
                let answers = ctx.prompt(Prompt::new("Which?").field("roots")).await;
                let roots = answers.directories("roots")?;
                let reach = roots.into_iter().fold(Reach::declared(), Reach::root);
                let account = reach.roots.iter().map(GrantedDirectory::as_str).collect::<Vec<_>>().join(":");
                Ok(SetupResult::new("key".into(), Identity::new(account, "here")).reach(reach))
            })
        })
        .verify(|_, _, ctx| {
            Box::pin(async move {
                let files = ctx.files().ok_or(ConnectionError::Bug("no files".into()))?;
                for root in ctx.connection().roots() {
                    files.stat(root, "").await.map_err(NotLive::from)?;
                }
                Ok(VerifyResult::live())
            })
        })
}

/// A plugin that grants every connection the first directory that any person named.
fn hoarder() -> Scripted<OnceLock<GrantedDirectory>> {
    Scripted::with(OnceLock::new(), descriptor()).setup(|first, ctx| {
        Box::pin(async move {
            let answers = ctx.prompt(Prompt::new("Which?").field("roots")).await;
            let named = answers.directory("roots")?;
            let kept = first.get_or_init(|| named.clone()).clone();
            Ok(SetupResult::new("key".into(), Identity::new(named.as_str().to_owned(), "here"))
                .reach(Reach::declared().root(kept)))
        })
    })
}

#[tokio::test]
async fn a_directory_that_somebody_else_named_is_not_granted() {
    let world = World::new().await;
    let mine = directory();
    let yours = directory();
    let policy = FilesPolicy::new().allow(mine.path()).allow(yours.path());
    let registry = world.builder().files(policy).kind(hoarder()).open().await.unwrap();
    granted(&registry, &[mine.path()]).await;
    let outcome = connect(&registry.owner("another").unwrap(), &KIND, &[("roots", &text(yours.path()))]).await;
    assert_eq!(code(&outcome), "plugin_fault");
}

/// Creates a directory with a file, a subdirectory, and links in and out.
fn directory() -> TempDir {
    let made = TempDir::new().unwrap();
    fs::create_dir(made.path().join("notes")).unwrap();
    fs::write(made.path().join("notes/today.txt"), "buy milk").unwrap();
    fs::write(made.path().join("readme"), "hello").unwrap();
    made
}

fn text(path: &Path) -> String {
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}

async fn granted(registry: &ConnectionRegistry, roots: &[&Path]) -> Handle {
    let texts: Vec<_> = roots.iter().map(|root| text(root)).collect();
    let pairs: Vec<_> = texts.iter().map(|root| ("roots", root.as_str())).collect();
    match connect(registry, &KIND, &pairs).await {
        Outcome::Done(done) => registry.connection(done.connection).await.unwrap(),
        other => panic!("not connected: {}", code(&other)),
    }
}

fn why(error: Error) -> ServiceError {
    match error {
        Error::Files(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn granted_directories_are_listed_stated_and_read() {
    let world = World::new().await;
    let first = directory();
    let second = directory();
    let registry = world.open(folders()).await;
    let connection = granted(&registry, &[first.path(), second.path()]).await;
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
    let files = connection.files().await.unwrap();
    let roots: Vec<_> = files.roots().iter().map(GrantedDirectory::as_str).collect();
    assert_eq!(roots, [text(first.path()), text(second.path())]);
    let root = &files.roots()[0];
    let names: Vec<_> = files.list(root, "").await.unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, ["notes", "readme"]);
    let stat = files.stat(root, "notes/today.txt").await.unwrap();
    assert_eq!((stat.file_type, stat.size), (FileType::File, 8));
    assert_eq!(files.read(root, "notes/today.txt", 8).await.unwrap().expose(), b"buy milk");
    assert!(matches!(why(files.read(root, "notes/today.txt", 7).await.unwrap_err()), ServiceError::TooLarge));
    assert!(matches!(why(files.stat(root, "nothing").await.unwrap_err()), ServiceError::NotFound));
}

#[tokio::test]
async fn nothing_outside_is_reached_by_path_or_by_another_root() {
    let world = World::new().await;
    let inside = directory();
    let outside = directory();
    let registry = world.open(folders()).await;
    let files = granted(&registry, &[inside.path()]).await.files().await.unwrap();
    let root = &files.roots()[0];
    let name = outside.path().file_name().unwrap().to_str().unwrap().to_owned();
    for path in
        ["..", "notes/../..", &format!("../{name}/readme"), &*text(&outside.path().join("readme")), "/etc/passwd"]
    {
        let error = files.read(root, path, 1024).await.unwrap_err();
        assert!(matches!(why(error), ServiceError::Denied | ServiceError::NotFound), "{path}");
        assert!(files.list(root, path).await.is_err() && files.stat(root, path).await.is_err(), "{path}");
    }
    // A root of another connection does not belong to this one.
    let other = granted(&registry, &[outside.path()]).await.files().await.unwrap();
    let foreign = &other.roots()[0];
    assert_eq!(other.read(foreign, "readme", 10).await.unwrap().expose(), b"hello");
    let error = files.read(foreign, "readme", 10).await.unwrap_err();
    assert_eq!(error.code(), "denied");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_leads_nowhere_that_was_not_granted() {
    use std::os::unix::fs::symlink;
    let world = World::new().await;
    let inside = directory();
    let outside = directory();
    symlink(outside.path(), inside.path().join("out")).unwrap();
    symlink(outside.path().join("readme"), inside.path().join("out.txt")).unwrap();
    symlink("notes/today.txt", inside.path().join("in.txt")).unwrap();
    let registry = world.open(folders()).await;
    let files = granted(&registry, &[inside.path()]).await.files().await.unwrap();
    let root = &files.roots()[0];
    for path in ["out", "out/readme", "out.txt"] {
        assert!(matches!(why(files.read(root, path, 1024).await.unwrap_err()), ServiceError::Denied), "{path}");
        assert!(matches!(why(files.stat(root, path).await.unwrap_err()), ServiceError::Denied), "{path}");
    }
    assert!(matches!(why(files.list(root, "out").await.unwrap_err()), ServiceError::Denied));
    // The control: a link that stays inside.
    assert_eq!(files.read(root, "in.txt", 1024).await.unwrap().expose(), b"buy milk");
}

#[tokio::test]
async fn a_directory_that_is_gone_is_offline_and_comes_back() {
    let world = World::new().await;
    let parent = TempDir::new().unwrap();
    let root = parent.path().join("root");
    fs::create_dir(&root).unwrap();
    let registry = world.open(folders()).await;
    let connection = granted(&registry, &[&root]).await;
    fs::rename(&root, parent.path().join("away")).unwrap();
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Offline, "root_missing"));
    let files = connection.files().await.unwrap();
    assert!(matches!(why(files.list(&files.roots()[0], "").await.unwrap_err()), ServiceError::NotFound));
    fs::rename(parent.path().join("away"), &root).unwrap();
    assert_eq!(connection.verify().await.unwrap().liveness, Liveness::Live);
}

#[tokio::test]
async fn a_host_that_narrows_its_bounds_is_obeyed_at_the_next_use() {
    let world = World::new().await;
    let inside = directory();
    let parent = inside.path().join("notes");
    let open = async |policy: FilesPolicy| world.builder().files(policy).kind(folders()).open().await.unwrap();
    let registry = open(FilesPolicy::new().allow(inside.path())).await;
    let id = granted(&registry, &[inside.path()]).await.id();
    registry.close().await;
    let registry = open(FilesPolicy::new().allow(parent)).await;
    let connection = registry.connection(id).await.unwrap();
    let files = connection.files().await.unwrap();
    assert!(matches!(why(files.read(&files.roots()[0], "readme", 10).await.unwrap_err()), ServiceError::Denied));
    let info = connection.verify().await.unwrap();
    assert_eq!((info.liveness, &*info.reason.unwrap().code), (Liveness::Failing, "denied"));
}

#[tokio::test]
async fn kinds_without_directories_say_so() {
    let world = World::new().await;
    let registry = world.acme().await;
    let refused = connected(&registry, "key-1").await.files().await.unwrap_err();
    assert!(matches!(&refused, Error::NotSupported { what: "read files", .. }), "{refused:?}");
    assert_eq!(refused.code(), "not_supported");
}
