//! What is in a directory of a tool, as far as its files tell without running anything: is somebody signed in, and who.
//!
//! All is read through the file service, below the directory and within the host's bounds, and of what is outside of them
//! not even what it is is told: no link leads out of the directory, and no file of more than a mebibyte is read. What is kept of a file is what is said here, never what it holds.

use std::{
    io,
    path::{Path, PathBuf},
};

use connection_contract::{
    Descriptor, DisplayText, FileService as _, ProbeSpec, ProbeValue, ProfileProbe, ProfileSpec, Reason, Root, Secret,
    ServiceError, Value, encode, host, reason,
};

use super::{Profiles, rules};
use crate::{
    Error, FilesPolicy, MachineTools,
    services::{
        file_cache::{Cache, Made},
        files::{Bounds, LocalFiles, Reading},
    },
};

const LONGEST_FILE: usize = 1024 * 1024;
const LONGEST_TOKEN: usize = 64 * 1024;

/// What was found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryProbe {
    /// Whether it is there and the tool has been in it.
    pub exists: bool,
    /// Whether a login is in it; `Some(false)` for one that is there and is none, `None` when nothing says, or nobody can
    /// tell what it says.
    pub authenticated: Option<bool>,
    /// Why nobody can tell: a file that may hold a login cannot be judged.
    pub reason: Option<Reason>,
    /// Whose login it is.
    pub account_label: Option<DisplayText>,
    /// What the path itself is.
    pub state: DirectoryState,
}

/// What a path is, of which a profile says that it is its directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectoryState {
    /// Nothing is there; the tool may make it.
    Gone,
    /// A link to a directory, in which was looked.
    Link(PathBuf),
    /// It is outside what this host allows to be read.
    NotAllowed,
    /// Something else is there.
    NotADirectory,
    /// A directory.
    There,
    /// This program may not look into it.
    Unreadable,
}

impl Profiles {
    /// What is in a directory, which need not be of a profile. Asks no network, and runs nothing.
    ///
    /// # Repetition
    ///
    /// What a file says is kept until its size or the time of its last change is another one.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Directory`](super::ProfileError::Directory) for a path that cannot be one. A directory that is gone,
    /// unreadable or a link is no error: its [state](DirectoryProbe::state) says so.
    pub async fn probe(&self, path: impl AsRef<Path>) -> Result<DirectoryProbe, Error> {
        let path = PathBuf::from(rules::absolute(path.as_ref())?);
        let reading = Reading::of(&self.shared, &self.owner);
        let bounds = reading.bounds().await.map_err(Error::Files)?;
        let look = move || look(&bounds, &path);
        let looked = self.shared.runtimes.spawn(async move { tokio::task::spawn_blocking(look).await });
        // It does not crash; a runtime that goes away takes the registry with it.
        let (state, real) = looked.await.ok().and_then(Result::ok).unwrap_or((DirectoryState::Unreadable, None));
        let whose = format!("{}\0{}", self.owner, self.kind);
        let prober = Prober { cache: &self.shared.file_cache, reading, whose: &whose };
        Ok(prober.probed(state, real, &self.spec).await)
    }
}

impl MachineTools {
    /// What is in the directory that a tool uses by itself, as the environment is now, and where that is; for a host that
    /// tells people of the tool without opening a registry. `None` where nothing says where the directory is, or the policy
    /// does not allow the profiles of the kind. Runs nothing.
    pub async fn probe(
        &self,
        descriptor: &Descriptor,
        spec: &ProfileSpec,
        files: &FilesPolicy,
    ) -> Option<(PathBuf, DirectoryProbe)> {
        if !self.allows_profiles(descriptor, spec) {
            return None;
        }
        let path = PathBuf::from(rules::directory(spec, &self.resolved(&spec.implicit_dir)?).ok()?);
        let (bounds, looked_at) = (Bounds::from(files.clone()), path.clone());
        let looked = tokio::task::spawn_blocking(move || look(&bounds, &looked_at)).await;
        let (state, real) = looked.unwrap_or((DirectoryState::Unreadable, None));
        // Nothing is kept.
        let prober = Prober { cache: &Cache::default(), reading: files.clone().into(), whose: "" };
        Some((path, prober.probed(state, real, spec).await))
    }
}

/// What a look into a directory needs.
struct Prober<'a> {
    cache: &'a Cache,
    reading: Reading,
    /// Who sees what is kept of files.
    whose: &'a str,
}

impl Prober<'_> {
    async fn probed(&self, state: DirectoryState, real: Option<PathBuf>, spec: &ProfileSpec) -> DirectoryProbe {
        let Some(root) = real.as_deref().and_then(Path::to_str).map(host::root) else {
            return DirectoryProbe::of(state, ProfileProbe::absent(), None);
        };
        let files = LocalFiles::new([root.clone()], self.reading.clone());
        match files.stat(&root, "").await {
            Ok(_) => {}
            Err(ServiceError::Denied) => {
                return DirectoryProbe::of(DirectoryState::NotAllowed, ProfileProbe::absent(), None);
            }
            Err(_) => return DirectoryProbe::of(DirectoryState::Unreadable, ProfileProbe::absent(), None),
        }
        let nothing = ProbeSpec::new();
        let (found, doubt) = self.found(&files, &root, spec.probe.as_ref().unwrap_or(&nothing)).await;
        DirectoryProbe::of(state, found, doubt)
    }

    /// What is there; and why nobody can tell whether somebody is signed in, where that is so.
    async fn found(&self, files: &LocalFiles, root: &Root, spec: &ProbeSpec) -> (ProfileProbe, Option<Reason>) {
        let mut was_there = spec.markers.is_empty();
        for marker in &spec.markers {
            was_there = was_there || files.stat(root, marker).await.is_ok();
        }
        if !was_there {
            return (ProfileProbe::absent(), None);
        }
        let (mut authenticated, mut doubt) = (None, None);
        for login in &spec.logins {
            match judged(&login.file, self.value(files, root, login, What::Login).await) {
                // One is enough.
                Ok(said) => authenticated = authenticated.max(said),
                Err(why) => doubt = doubt.or(Some(why)),
            }
        }
        match authenticated {
            Some(true) => doubt = None,
            // The file that cannot be judged may be the one that holds a login.
            _ if doubt.is_some() => authenticated = None,
            _ => {}
        }
        let mut label = None;
        for account in &spec.accounts {
            if label.is_none() {
                label = self
                    .value(files, root, account, What::Account)
                    .await
                    .ok()
                    .flatten()
                    .filter(|name| !name.is_empty());
            }
        }
        let found = ProfileProbe::present().authenticated(authenticated).account_label(label.map(DisplayText::from));
        (found, doubt)
    }

    /// What is said of a value; `None` when its file is not there.
    async fn value(
        &self,
        files: &LocalFiles,
        root: &Root,
        value: &ProbeValue,
        what: What,
    ) -> Result<Option<String>, ServiceError> {
        // Two values of one file are two things that are made of it.
        let claim = value.claim.as_deref().unwrap_or_default();
        let namespace = format!("profile\0{}\0{what:?}\0{}\0{claim}", self.whose, value.pointer);
        let made = Made { namespace: &namespace, root, path: &value.file, version: VERSION, limit: LONGEST_FILE };
        let compute = |content: &Secret| Ok(Some(said(content, value, what)));
        self.cache.cached(made, files, compute).await
    }
}

/// What is asked of a value.
#[derive(Clone, Copy, Debug)]
enum What {
    /// Its text.
    Account,
    /// Whether there is one.
    Login,
}

/// Of what is made of a file.
const VERSION: u32 = 2;
const YES: &str = "yes";
const NO: &str = "no";
const NOT_JSON: &str = "not JSON";

/// Whether there is a login, as far as its file tells; or why nobody can tell what the file says.
fn judged(file: &str, told: Result<Option<String>, ServiceError>) -> Result<Option<bool>, Reason> {
    let doubt = |code, problem| Err(Reason::new(code, format!("'{file}' {problem}")));
    match told.as_ref().map(Option::as_deref) {
        Ok(Some(YES)) => Ok(Some(true)),
        Ok(Some(NO)) => Ok(Some(false)),
        Ok(Some(NOT_JSON)) => doubt(reason::NOT_JSON, "is not JSON, as one that is just being written"),
        // It is not there, or tells of something else.
        Ok(_) | Err(ServiceError::NotFound) => Ok(None),
        Err(ServiceError::Denied) => doubt(reason::DENIED, "leads out of the directory, or may not be read here"),
        Err(ServiceError::TooLarge) => doubt(reason::TOO_LARGE, "has more than 1 MiB, and is not read"),
        Err(_) => doubt(reason::PROVIDER_ERROR, "cannot be read now"),
    }
}

/// An account is empty, and so is a login of which the file does not tell: it may be of another sort.
fn said(content: &Secret, value: &ProbeValue, what: What) -> String {
    let file = Value::parse(content.expose()).ok();
    match (what, &file) {
        (What::Account, Some(file)) => find(file, value, name).unwrap_or_default(),
        (What::Login, None) => NOT_JSON.to_owned(),
        (What::Login, Some(file)) if tells(file, value) => {
            if find(file, value, is_there).unwrap_or(false) {
                YES.to_owned()
            } else {
                NO.to_owned()
            }
        }
        _ => String::new(),
    }
}

/// What is said of the value; `None` for a file that does not have it.
fn find<T>(file: &Value, value: &ProbeValue, say: fn(&Value) -> T) -> Option<T> {
    let found = file.pointer(&value.pointer)?;
    let Some(claim) = &value.claim else { return Some(say(found)) };
    let token = found.as_str().filter(|token| token.len() <= LONGEST_TOKEN)?;
    claims(token)?.pointer(claim).map(say)
}

/// Whether there is the part of the file in which the value would be.
fn tells(file: &Value, value: &ProbeValue) -> bool {
    let part = value.pointer.rsplit_once('/').map_or("", |(part, _)| part);
    file.pointer(part).is_some()
}

/// What a token claims (RFC 7519, section 3). Nobody looks at its signature: it is a name to show.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let bytes = Secret::new(encode::from_base64url(claims)?);
    Value::parse(bytes.expose()).ok()
}

/// Whether there is something.
fn is_there(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Text(text) => !text.trim().is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// A name that can be shown.
fn name(value: &Value) -> String {
    let text = DisplayText::from(value.as_str().unwrap_or_default().to_owned());
    text.as_str().trim().to_owned()
}

/// What is there, and where it really is. Asks the disk, and tells nothing of what is out of bounds.
fn look(bounds: &Bounds, path: &Path) -> (DirectoryState, Option<PathBuf>) {
    // Of what is not there, the directory in which it would be.
    let nearest = path.ancestors().find_map(|path| path.canonicalize().ok());
    let is_open =
        |nearest: &Path| bounds.allows(nearest) && bounds.look().and_then(|look| look.shows(nearest)).unwrap_or(false);
    if !nearest.is_some_and(|nearest| is_open(&nearest)) {
        return (DirectoryState::NotAllowed, None);
    }
    let state = match std::fs::symlink_metadata(path) {
        Err(error) => return (missing(&error), None),
        Ok(metadata) => metadata.file_type(),
    };
    let real = match path.canonicalize() {
        Err(error) => return (missing(&error), None),
        Ok(real) => real,
    };
    if !real.is_dir() {
        return (DirectoryState::NotADirectory, None);
    }
    match std::fs::read_dir(&real) {
        Err(_) => (DirectoryState::Unreadable, None),
        Ok(_) if state.is_symlink() => (DirectoryState::Link(real.clone()), Some(real)),
        Ok(_) => (DirectoryState::There, Some(real)),
    }
}

fn missing(error: &io::Error) -> DirectoryState {
    match error.kind() {
        io::ErrorKind::NotFound => DirectoryState::Gone,
        io::ErrorKind::NotADirectory => DirectoryState::NotADirectory,
        _ => DirectoryState::Unreadable,
    }
}

impl DirectoryProbe {
    fn of(state: DirectoryState, found: ProfileProbe, reason: Option<Reason>) -> Self {
        let ProfileProbe { exists, authenticated, account_label, .. } = found;
        Self { exists, authenticated, reason, account_label, state }
    }
}
