//! What is in a directory of a tool, as far as its files tell without running anything: is somebody signed in, and who.
//!
//! All is read through the file service, below the directory and within the host's bounds: no link leads out of it, and no
//! file of more than a mebibyte is read. What is kept of a file is what is said here, never what it holds.

use std::{
    io,
    path::{Path, PathBuf},
};

use connection_contract::{
    DisplayText, FileService as _, ProbeSpec, ProbeValue, ProfileProbe, Root, Secret, ServiceError, Value, encode, host,
};

use super::{Profiles, rules};
use crate::{
    Error,
    services::{file_cache::Made, files::LocalFiles},
};

const LONGEST_FILE: usize = 1024 * 1024;
const LONGEST_TOKEN: usize = 64 * 1024;

/// What was found at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DirectoryProbe {
    /// Whether it is there and the tool has been in it.
    pub exists: bool,
    /// Whether a login is in it; `Some(false)` for one that is there and is none, `None` when nothing says.
    pub authenticated: Option<bool>,
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
        let policy = self.shared.files.clone();
        let look = move || look(&path);
        let looked = self.shared.runtimes.spawn(async move { tokio::task::spawn_blocking(look).await });
        // It does not crash; a runtime that goes away takes the registry with it.
        let (state, real) = looked.await.ok().and_then(Result::ok).unwrap_or((DirectoryState::Unreadable, None));
        let Some(root) = real.as_deref().and_then(Path::to_str).map(host::root) else {
            return Ok(DirectoryProbe::of(state, ProfileProbe::absent()));
        };
        let files = LocalFiles::new([root.clone()], policy);
        match files.stat(&root, "").await {
            Ok(_) => {}
            Err(ServiceError::Denied) => {
                return Ok(DirectoryProbe::of(DirectoryState::NotAllowed, ProfileProbe::absent()));
            }
            Err(_) => return Ok(DirectoryProbe::of(DirectoryState::Unreadable, ProfileProbe::absent())),
        }
        let nothing = ProbeSpec::new();
        let spec = self.spec.probe.as_ref().unwrap_or(&nothing);
        let found = self.found(&files, &root, spec).await;
        Ok(DirectoryProbe::of(state, found))
    }

    async fn found(&self, files: &LocalFiles, root: &Root, spec: &ProbeSpec) -> ProfileProbe {
        let mut was_there = spec.markers.is_empty();
        for marker in &spec.markers {
            was_there = was_there || files.stat(root, marker).await.is_ok();
        }
        if !was_there {
            return ProfileProbe::absent();
        }
        let mut authenticated = None;
        for login in &spec.logins {
            match self.value(files, root, login, What::Login).await {
                Ok(Some(said)) if said == YES => authenticated = Some(true),
                Ok(Some(_)) => authenticated = authenticated.or(Some(false)),
                // It is not there, or nobody can tell what it says.
                Ok(None) | Err(_) => {}
            }
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
        ProfileProbe::present().authenticated(authenticated).account_label(label.map(DisplayText::from))
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
        let namespace = format!("profile\0{}\0{}\0{what:?}\0{}\0{claim}", self.owner, self.kind, value.pointer);
        let made = Made { namespace: &namespace, root, path: &value.file, version: VERSION, limit: LONGEST_FILE };
        let compute = |content: &Secret| Ok(Some(said(content, value, what)));
        self.shared.file_cache.cached(made, files, compute).await
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
const VERSION: u32 = 1;
const YES: &str = "yes";

/// Empty for what is no JSON, or does not have the value.
fn said(content: &Secret, value: &ProbeValue, what: What) -> String {
    let say = match what {
        What::Account => name,
        What::Login => is_there,
    };
    let Ok(file) = Value::parse(content.expose()) else { return String::new() };
    let Some(found) = file.pointer(&value.pointer) else { return String::new() };
    match &value.claim {
        None => say(found),
        Some(claim) => {
            let claims = found.as_str().filter(|token| token.len() <= LONGEST_TOKEN).and_then(claims);
            claims.as_ref().and_then(|claims| claims.pointer(claim)).map(say).unwrap_or_default()
        }
    }
}

/// What a token claims (RFC 7519, section 3). Nobody looks at its signature: it is a name to show.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    let bytes = Secret::new(encode::from_base64url(claims)?);
    Value::parse(bytes.expose()).ok()
}

/// Whether there is something.
fn is_there(value: &Value) -> String {
    let is_there = match value {
        Value::Null | Value::Bool(false) => false,
        Value::Text(text) => !text.trim().is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Map(fields) => !fields.is_empty(),
        _ => true,
    };
    if is_there { YES.to_owned() } else { String::new() }
}

/// A name that can be shown.
fn name(value: &Value) -> String {
    let text = DisplayText::from(value.as_str().unwrap_or_default().to_owned());
    text.as_str().trim().to_owned()
}

/// What is there, and where it really is. Asks the disk.
fn look(path: &Path) -> (DirectoryState, Option<PathBuf>) {
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
    fn of(state: DirectoryState, found: ProfileProbe) -> Self {
        let ProfileProbe { exists, authenticated, account_label, .. } = found;
        Self { exists, authenticated, account_label, state }
    }
}
