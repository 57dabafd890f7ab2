//! Files below granted roots, and everything that must not be readable.

use std::{fs, path::Path};

use connection_contract::{FileService, FileStat, FileType, GrantedDirectory, Secret, ServiceError, host};

use super::{FilesPolicy, LocalFiles};

/// The tree `granted/{a.txt, b/c.txt}` and `outside/secret.txt`.
struct Tree {
    _directory: tempfile::TempDir,
    outside: String,
    root: GrantedDirectory,
}

impl Tree {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().canonicalize().unwrap();
        fs::create_dir_all(at.join("granted/b")).unwrap();
        fs::create_dir(at.join("outside")).unwrap();
        fs::write(at.join("granted/a.txt"), "aaa").unwrap();
        fs::write(at.join("granted/b/c.txt"), "ccc").unwrap();
        fs::write(at.join("outside/secret.txt"), "secret").unwrap();
        let text = |path: &str| at.join(path).to_str().unwrap().to_owned();
        let root = FilesPolicy::new().grant(&text("granted")).unwrap();
        Self { _directory: directory, outside: text("outside"), root }
    }

    fn path(&self, below: &str) -> std::path::PathBuf {
        Path::new(self.root.as_str()).join(below)
    }

    fn files(&self) -> LocalFiles {
        LocalFiles::new([self.root.clone()], FilesPolicy::new())
    }

    async fn read(&self, path: &str) -> Result<String, ServiceError> {
        self.files().read(&self.root, path, 100).await.map(text)
    }
}

fn text(secret: Secret) -> String {
    secret.expose_str().unwrap().to_owned()
}

fn shape(stats: &[FileStat]) -> Vec<(&str, FileType, u64)> {
    stats.iter().map(|stat| (stat.name.as_str(), stat.file_type, stat.size)).collect()
}

#[tokio::test]
async fn a_granted_root_is_stated_listed_and_read() {
    let tree = Tree::new();
    let files = tree.files();
    let root = &tree.root;
    let listed = files.list(root, "").await.unwrap();
    assert_eq!(shape(&listed), [("a.txt", FileType::File, 3), ("b", FileType::Directory, 0)]);
    assert_eq!(shape(&files.list(root, "b").await.unwrap()), [("c.txt", FileType::File, 3)]);
    let stat = files.stat(root, "b/c.txt").await.unwrap();
    assert!(stat.modified.is_some());
    assert_eq!(shape(&[stat]), [("c.txt", FileType::File, 3)]);
    assert_eq!(shape(&[files.stat(root, "").await.unwrap()]), [("", FileType::Directory, 0)]);
    assert_eq!(tree.read("b/c.txt").await.unwrap(), "ccc");
    assert_eq!(files.list(root, "a.txt").await, Err(ServiceError::NotFound));
    assert_eq!(tree.read("b").await, Err(ServiceError::NotFound));
    assert_eq!(tree.read("b/none").await, Err(ServiceError::NotFound));
    assert_eq!(tree.read("a.txt/x").await, Err(ServiceError::NotFound));
}

#[tokio::test]
async fn a_root_that_was_not_granted_is_denied() {
    let tree = Tree::new();
    let outside = host::granted_directory(tree.outside.clone());
    assert_eq!(tree.files().read(&outside, "secret.txt", 100).await.err(), Some(ServiceError::Denied));
    assert_eq!(tree.files().list(&outside, "").await, Err(ServiceError::Denied));
    // After it was granted, the same request succeeds.
    let files = LocalFiles::new([outside.clone()], FilesPolicy::new());
    assert_eq!(files.read(&outside, "secret.txt", 100).await.map(text).unwrap(), "secret");
}

#[tokio::test]
async fn a_path_that_climbs_or_starts_anew_is_denied() {
    let tree = Tree::new();
    let absolute = format!("{}/secret.txt", tree.outside);
    for path in [
        "../outside/secret.txt",
        "b/../../outside/secret.txt",
        "b/../a.txt",
        "./a.txt",
        "b//c.txt",
        "b/",
        "/",
        &absolute,
        "a.txt\0",
    ] {
        assert_eq!(tree.read(path).await, Err(ServiceError::Denied), "{path:?}");
        assert_eq!(tree.files().stat(&tree.root, path).await, Err(ServiceError::Denied), "{path:?}");
        assert_eq!(tree.files().list(&tree.root, path).await, Err(ServiceError::Denied), "{path:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_that_leads_out_is_denied_and_one_within_is_followed() {
    use std::os::unix::fs::symlink;
    let tree = Tree::new();
    symlink(&tree.outside, tree.path("out")).unwrap();
    symlink(format!("{}/secret.txt", tree.outside), tree.path("file")).unwrap();
    symlink("b/c.txt", tree.path("within")).unwrap();
    symlink("nowhere", tree.path("zero")).unwrap();
    for path in ["out", "out/secret.txt", "out/none", "file"] {
        assert_eq!(tree.read(path).await, Err(ServiceError::Denied), "{path}");
        assert_eq!(tree.files().stat(&tree.root, path).await, Err(ServiceError::Denied), "{path}");
    }
    assert_eq!(tree.files().list(&tree.root, "out").await, Err(ServiceError::Denied));
    assert_eq!(tree.read("within").await.unwrap(), "ccc");
    assert_eq!(tree.read("zero").await, Err(ServiceError::NotFound));
    let listed = tree.files().list(&tree.root, "").await.unwrap();
    let expected = [
        ("a.txt", FileType::File, 3),
        ("b", FileType::Directory, 0),
        ("file", FileType::Other, 0),
        ("out", FileType::Other, 0),
        ("within", FileType::File, 3),
        ("zero", FileType::Other, 0),
    ];
    assert_eq!(shape(&listed), expected);
}

#[cfg(unix)]
#[test]
fn a_part_that_became_a_link_after_the_check_is_not_followed() {
    use std::os::unix::fs::symlink;
    let tree = Tree::new();
    let root = Path::new(tree.root.as_str());
    let bounds = super::Bounds::from(FilesPolicy::new());
    let look = bounds.forbidden_files().unwrap();
    let open = |below: &Path| super::open::open(&look, root, below).ok().flatten();
    assert!(open(Path::new("b/c.txt")).is_some());
    fs::remove_dir_all(tree.path("b")).unwrap();
    symlink(&tree.outside, tree.path("b")).unwrap();
    symlink(tree.path("a.txt"), tree.path("d")).unwrap();
    assert!(open(Path::new("b/secret.txt")).is_none());
    assert!(open(Path::new("d")).is_none());
    // The refused file exists for callers that follow links.
    assert_eq!(fs::read_to_string(tree.path("b/secret.txt")).unwrap(), "secret");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_listed_as_other_and_not_opened() {
    let tree = Tree::new();
    let pipe = tree.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    assert_eq!(tree.read("pipe").await, Err(ServiceError::NotFound));
    assert_eq!(tree.files().stat(&tree.root, "pipe").await.unwrap().file_type, FileType::Other);
}

#[tokio::test]
async fn a_file_over_the_limit_is_too_large_and_one_of_just_the_limit_is_read() {
    let tree = Tree::new();
    let read = async |limit| tree.files().read(&tree.root, "a.txt", limit).await.map(text);
    assert_eq!(read(2).await, Err(ServiceError::TooLarge));
    assert_eq!(read(3).await.unwrap(), "aaa");
    fs::write(tree.path("large"), vec![b'x'; 300_000]).unwrap();
    assert_eq!(tree.files().read(&tree.root, "large", 300_000).await.unwrap().expose().len(), 300_000);
    assert_eq!(tree.files().read(&tree.root, "large", 299_999).await.err(), Some(ServiceError::TooLarge));
}

#[tokio::test]
async fn a_directory_is_listed_up_to_ten_thousand_entries_the_first_by_name() {
    let tree = Tree::new();
    for at in 0..10_005 {
        fs::write(tree.path(&format!("b/{at:05}")), "").unwrap();
    }
    let listed = tree.files().list(&tree.root, "b").await.unwrap();
    assert_eq!((listed.len(), listed[0].name.as_str(), listed[9_999].name.as_str()), (10_000, "00000", "09999"));
}

#[tokio::test]
async fn a_root_that_is_gone_is_not_found() {
    let tree = Tree::new();
    fs::remove_dir_all(tree.path("")).unwrap();
    assert_eq!(tree.files().stat(&tree.root, "").await, Err(ServiceError::NotFound));
    assert_eq!(tree.read("a.txt").await, Err(ServiceError::NotFound));
}

#[cfg(unix)]
#[tokio::test]
async fn a_root_that_a_link_has_replaced_is_denied() {
    let tree = Tree::new();
    fs::remove_dir_all(tree.path("")).unwrap();
    std::os::unix::fs::symlink(&tree.outside, tree.root.as_str()).unwrap();
    assert_eq!(tree.read("secret.txt").await, Err(ServiceError::Denied));
    assert_eq!(tree.files().list(&tree.root, "").await, Err(ServiceError::Denied));
    assert_eq!(tree.files().stat(&tree.root, "").await, Err(ServiceError::Denied));
}

#[tokio::test]
async fn bounds_that_were_narrowed_since_are_obeyed() {
    let tree = Tree::new();
    let read = async |policy| LocalFiles::new([tree.root.clone()], policy).read(&tree.root, "a.txt", 9).await.err();
    assert_eq!(read(FilesPolicy::new().allow(&tree.outside)).await, Some(ServiceError::Denied));
    assert_eq!(read(FilesPolicy::new().allow("/nowhere/at/all")).await, Some(ServiceError::Denied));
    assert_eq!(read(FilesPolicy::new().allow(&tree.outside).allow(tree.root.as_str())).await, None);
    assert_eq!(read(FilesPolicy::new()).await, None);
}

#[test]
fn a_grant_says_what_is_wrong_and_the_way_out() {
    let tree = Tree::new();
    let file = tree.path("a.txt");
    let none = tree.path("none");
    let grant = |path: &str| FilesPolicy::new().grant(path).map(|_| ()).map_err(|error| error.to_string());
    for relative in ["", "granted", "~/x", "./x", "$HOME"] {
        let expected =
            format!("'{relative}' is not an absolute path: write the path from the root, without ~ and variables");
        assert_eq!(grant(relative), Err(expected));
    }
    let file = file.to_str().unwrap();
    let none = none.to_str().unwrap();
    assert_eq!(grant(file), Err(format!("{file} is not a directory: name the directory that it is in")));
    assert_eq!(grant(none), Err(format!("{none} does not exist: create it, or name another directory")));
    let bounded = FilesPolicy::new().allow(&tree.outside);
    let expected = format!(
        "{root} is outside what this host allows: name a directory below {}, or change [files] allow",
        tree.outside,
        root = tree.root.as_str()
    );
    assert_eq!(bounded.grant(tree.root.as_str()).unwrap_err().to_string(), expected);
    assert!(bounded.grant(&tree.outside).is_ok());
}

#[cfg(unix)]
#[test]
fn a_grant_and_its_bound_are_what_links_lead_to() {
    use std::os::unix::fs::symlink;
    let tree = Tree::new();
    let link = tree.path("link");
    let bound = tree.path("bound");
    symlink(&tree.outside, &link).unwrap();
    symlink(tree.path("b"), &bound).unwrap();
    let link = link.to_str().unwrap();
    assert_eq!(FilesPolicy::new().grant(link).unwrap().as_str(), tree.outside);
    // The link is below this bound, and its target is not.
    assert!(FilesPolicy::new().allow(tree.root.as_str()).grant(link).is_err());
    let policy = FilesPolicy::new().allow(bound);
    assert!(policy.grant(tree.path("b").to_str().unwrap()).is_ok());
    assert!(policy.grant(tree.root.as_str()).is_err());
}
