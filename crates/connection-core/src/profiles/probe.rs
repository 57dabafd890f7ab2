//! Probes the directory of a tool: its files tell whether somebody is signed in, and as whom, without running
//! anything.
//!
//! Everything is read through the file service, below the directory and within the host's bounds. Nothing is reported
//! about a path outside of these bounds, not even its type. No link leads out of the directory, and files larger than
//! one mebibyte are not read. The cache holds the conclusions about a file, never its content.

use std::{
    io,
    path::{Path, PathBuf},
};

use connection_contract::{
    BoxFuture, Descriptor, DisplayText, FileService as _, GrantedDirectory, ProbeSpec, ProbeValue, ProfileProbe,
    ProfileSpec, Reason, Secret, ServiceError, Value, encode, host, reason,
};

use super::Profiles;
use crate::{
    Error, FilesPolicy, MachineTools,
    profile_rows::rules,
    services::{
        file_cache::{Cache, Computation},
        files::{Bounds, LocalFiles, Reading},
    },
};

const MAX_FILE_LENGTH: usize = 1024 * 1024;
const MAX_TOKEN_LENGTH: usize = 64 * 1024;

/// The result of probing a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryProbe {
    /// `true` if the directory exists and the tool has used it.
    pub exists: bool,
    /// `Some(true)` if the directory holds a login, `Some(false)` if the tool is signed out, and `None` if no file
    /// says so or a file cannot be judged.
    pub authenticated: Option<bool>,
    /// The reason why the login state is unknown: a file that may hold a login cannot be judged.
    pub reason: Option<Reason>,
    /// The name of the account that is logged in, if a file in the directory states it.
    pub account_label: Option<DisplayText>,
    /// The state of the path itself.
    pub state: DirectoryState,
}

/// The state of a path that a profile names as its directory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DirectoryState {
    /// Nothing exists at the path; the tool may create it.
    Gone,
    /// The path is a link to this directory, which was probed.
    Link(PathBuf),
    /// The path is outside of what this host allows to be read.
    NotAllowed,
    /// Something other than a directory exists at the path.
    NotADirectory,
    /// The path is a directory, which was probed.
    There,
    /// This program may not read the directory.
    Unreadable,
}

impl Profiles {
    /// Probes a directory, which does not have to belong to a profile. This sends no request and runs nothing.
    ///
    /// # Repetition
    ///
    /// The conclusions about a file are cached until its size or modification time changes.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Directory`](crate::ProfileError::Directory) for a path that cannot be a profile's directory.
    /// A missing or unreadable directory and a link are not errors; see [`DirectoryProbe::state`].
    pub fn probe(&self, path: impl AsRef<Path>) -> BoxFuture<'_, Result<DirectoryProbe, Error>> {
        self.probe_path(path.as_ref().to_owned())
    }

    fn probe_path(&self, path: PathBuf) -> BoxFuture<'_, Result<DirectoryProbe, Error>> {
        Box::pin(async move {
            let path = PathBuf::from(rules::absolute(&path)?);
            let reading = self.system.ground.reading(&self.of.owner);
            let bounds = reading.bounds().await.map_err(Error::Files)?;
            let look = move || directory_state(&bounds, &path);
            let looked = self.system.ground.runtimes.spawn(async move { tokio::task::spawn_blocking(look).await });
            // The task does not panic. It is lost only when its runtime shuts down, which also ends the registry.
            let (state, real) = looked.await.ok().and_then(Result::ok).unwrap_or((DirectoryState::Unreadable, None));
            let whose = format!("{}\0{}", self.of.owner, self.of.kind);
            let prober = Prober { cache: &self.system.ground.file_cache, reading, whose: &whose };
            Ok(prober.probed(state, real, &self.of.spec).await)
        })
    }
}

impl MachineTools {
    /// Probes the directory that a tool uses by itself in the current environment, and returns it with its path.
    ///
    /// This is for a host that reports on a tool without opening a registry. Returns `None` if the directory is not
    /// known or the policy does not allow the profiles of the kind. Runs nothing.
    pub fn probe<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        spec: &'a ProfileSpec,
        files: &'a FilesPolicy,
    ) -> BoxFuture<'a, Option<(PathBuf, DirectoryProbe)>> {
        Box::pin(async move {
            if !self.allows_profiles(descriptor, spec) {
                return None;
            }
            let path = PathBuf::from(rules::directory(spec, &self.resolved(&spec.implicit_dir)?).ok()?);
            let bounds = Bounds::from(files.clone());
            let looked_at = path.clone();
            let looked = tokio::task::spawn_blocking(move || directory_state(&bounds, &looked_at)).await;
            let (state, real) = looked.unwrap_or((DirectoryState::Unreadable, None));
            // Nothing is cached.
            let prober = Prober { cache: &Cache::default(), reading: files.clone().into(), whose: "" };
            Some((path, prober.probed(state, real, spec).await))
        })
    }
}

/// Reads the files of one directory.
struct Prober<'a> {
    cache: &'a Cache,
    reading: Reading,
    /// The namespace in the cache, so that an owner sees no conclusions from another owner.
    whose: &'a str,
}

impl Prober<'_> {
    async fn probed(&self, state: DirectoryState, real: Option<PathBuf>, spec: &ProfileSpec) -> DirectoryProbe {
        let Some(root) = real.as_deref().and_then(Path::to_str).map(host::granted_directory) else {
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
        let (found, doubt) = self.login_state(&files, &root, spec.probe.as_ref().unwrap_or(&nothing)).await;
        DirectoryProbe::of(state, found, doubt)
    }

    /// Returns what the files of the directory say, and why the login state is unknown if a file cannot be judged.
    async fn login_state(
        &self,
        files: &LocalFiles,
        root: &GrantedDirectory,
        spec: &ProbeSpec,
    ) -> (ProfileProbe, Option<Reason>) {
        let mut was_there = spec.markers.is_empty();
        for marker in &spec.markers {
            was_there = was_there || files.stat(root, marker).await.is_ok();
        }
        if !was_there {
            return (ProfileProbe::absent(), None);
        }
        let mut authenticated = None;
        let mut doubt = None;
        for login in &spec.logins {
            match login_from(&login.file, self.value(files, root, login, ProbeQuestion::Login).await) {
                // One login is enough.
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
                    .value(files, root, account, ProbeQuestion::Account)
                    .await
                    .ok()
                    .flatten()
                    .filter(|name| !name.is_empty());
            }
        }
        let found = ProfileProbe::present().authenticated(authenticated).account_label(label.map(DisplayText::from));
        (found, doubt)
    }

    /// Returns what a file says about a value, or `None` if the file does not exist.
    async fn value(
        &self,
        files: &LocalFiles,
        root: &GrantedDirectory,
        value: &ProbeValue,
        what: ProbeQuestion,
    ) -> Result<Option<String>, ServiceError> {
        // Two values of one file need two cache entries.
        let claim = value.claim.as_deref().unwrap_or_default();
        let namespace = format!("profile\0{}\0{what:?}\0{}\0{claim}", self.whose, value.pointer);
        let made =
            Computation { namespace: &namespace, root, path: &value.file, version: VERSION, limit: MAX_FILE_LENGTH };
        let compute = |content: &Secret| Ok(Some(conclusion(content, value, what)));
        self.cache.cached(made, files, compute).await
    }
}

/// The question about a value.
#[derive(Clone, Copy, Debug)]
enum ProbeQuestion {
    /// The question for the text of the value.
    Account,
    /// The question whether there is a value.
    Login,
}

/// Version of the cached conclusions.
const VERSION: u32 = 2;
const YES: &str = "yes";
const NO: &str = "no";
const NOT_JSON: &str = "not JSON";

/// Returns whether a file holds a login, `None` if it does not say, or the reason why it cannot be judged.
fn login_from(file: &str, answer: Result<Option<String>, ServiceError>) -> Result<Option<bool>, Reason> {
    let doubt = |code, problem| Err(Reason::new(code, format!("'{file}' {problem}")));
    match answer.as_ref().map(Option::as_deref) {
        Ok(Some(YES)) => Ok(Some(true)),
        Ok(Some(NO)) => Ok(Some(false)),
        Ok(Some(NOT_JSON)) => doubt(reason::NOT_JSON, "is not JSON; perhaps it is just being written"),
        // The file does not exist, or says nothing about a login.
        Ok(_) | Err(ServiceError::NotFound) => Ok(None),
        Err(ServiceError::Denied) => doubt(reason::DENIED, "leads out of the directory, or may not be read here"),
        Err(ServiceError::TooLarge) => doubt(reason::TOO_LARGE, "has more than 1 MiB and is not read"),
        Err(_) => doubt(reason::PROVIDER_ERROR, "cannot be read now"),
    }
}

/// Returns the conclusion for the cache. It is empty for an account without a name, and for a login if the file
/// lacks the part that would hold it: the file may be of another format.
fn conclusion(content: &Secret, value: &ProbeValue, what: ProbeQuestion) -> String {
    let file = Value::parse(content.expose()).ok();
    match (what, &file) {
        (ProbeQuestion::Account, Some(file)) => find(file, value, name).unwrap_or_default(),
        (ProbeQuestion::Login, None) => NOT_JSON.to_owned(),
        (ProbeQuestion::Login, Some(file)) if tells(file, value) => {
            if find(file, value, is_there).unwrap_or(false) {
                YES.to_owned()
            } else {
                NO.to_owned()
            }
        }
        _ => String::new(),
    }
}

/// Applies `say` to the value; `None` if the file does not contain the value.
fn find<T>(file: &Value, value: &ProbeValue, say: fn(&Value) -> T) -> Option<T> {
    let found = file.pointer(&value.pointer)?;
    let Some(claim) = &value.claim else { return Some(say(found)) };
    let token = found.as_str().filter(|token| token.len() <= MAX_TOKEN_LENGTH)?;
    claims(token)?.pointer(claim).map(say)
}

/// Returns `true` if the file has the object in which the value would be.
fn tells(file: &Value, value: &ProbeValue) -> bool {
    let part = value.pointer.rsplit_once('/').map_or("", |(part, _)| part);
    file.pointer(part).is_some()
}

/// Returns the claims of a token (RFC 7519, section 3). The signature is not verified, because the claims only
/// provide a name to show.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let bytes = Secret::new(encode::from_base64url(claims)?);
    Value::parse(bytes.expose()).ok()
}

/// Returns `true` unless the value is null, false or empty.
fn is_there(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Text(text) => !text.trim().is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(fields) => !fields.is_empty(),
        _ => true,
    }
}

/// Returns a name that can be shown.
fn name(value: &Value) -> String {
    let text = DisplayText::from(value.as_str().unwrap_or_default().to_owned());
    text.as_str().trim().to_owned()
}

/// Returns the state of the path and its real path. Reads the disk, and reports nothing about paths that are out of
/// bounds.
fn directory_state(bounds: &Bounds, path: &Path) -> (DirectoryState, Option<PathBuf>) {
    // For a path that does not exist, its nearest existing ancestor is checked.
    let nearest = path.ancestors().find_map(|path| path.canonicalize().ok());
    let is_open = |nearest: &Path| {
        bounds.allows(nearest) && bounds.forbidden_files().and_then(|look| look.shows(nearest)).unwrap_or(false)
    };
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
