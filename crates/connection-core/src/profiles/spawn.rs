//! What a tool is started with, and what a profile adds to it: the last of what a host does before it starts it.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

use connection_contract::{EnvValue, Kind, ProfileSpec};

use super::{Profile, Profiles};
use crate::{Error, ProfileId};

/// What a process is started with. Its variables are added to those that the host gives to every process.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpawnOptions {
    /// The program: a name, or a path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Variables; their values may be secret, and are never shown.
    pub env: BTreeMap<OsString, OsString>,
    /// Where it runs; where the host does, unless said.
    pub cwd: Option<PathBuf>,
    /// What a profile has put in, so that another one can take it out.
    applied: Option<Applied>,
}

#[derive(Clone, PartialEq, Eq)]
struct Applied {
    id: ProfileId,
    kind: Kind,
    directory: PathBuf,
    variables: Vec<OsString>,
    /// The first so many arguments.
    args: Vec<OsString>,
}

impl SpawnOptions {
    /// A program without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let (args, env, cwd, applied) = Default::default();
        Self { program: program.into(), args, env, cwd, applied }
    }
    /// An argument behind the others.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }
    /// A variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }
    /// Where it runs.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }
    /// The profile that was applied last, and its directory.
    pub fn profile(&self) -> Option<(ProfileId, &Path)> {
        self.applied.as_ref().map(|applied| (applied.id, applied.directory.as_path()))
    }

    /// Of which kind the profile is that was applied last.
    pub(crate) fn profile_kind(&self) -> Option<&Kind> {
        self.applied.as_ref().map(|applied| &applied.kind)
    }

    /// Puts a profile in, in the place of another.
    pub(crate) fn put(&mut self, kind: &Kind, spec: &ProfileSpec, profile: &Profile) {
        if let Some(before) = self.applied.take() {
            for variable in &before.variables {
                self.env.remove(variable);
            }
            if self.args.starts_with(&before.args) {
                self.args.drain(..before.args.len());
            }
        }
        let variables = variables(spec, &profile.directory);
        let args: Vec<OsString> = spec.extra_args.iter().map(|arg| OsString::from(&**arg)).collect();
        self.applied = Some(Applied {
            id: profile.id,
            kind: kind.clone(),
            directory: profile.directory.clone(),
            variables: variables.iter().map(|(name, _)| name.clone()).collect(),
            args: args.clone(),
        });
        self.env.extend(variables);
        self.args.splice(..0, args);
    }
}

/// What points a tool at a directory.
pub(crate) fn variables(spec: &ProfileSpec, directory: &Path) -> Vec<(OsString, OsString)> {
    let first = (OsString::from(&*spec.env_var), directory.as_os_str().to_owned());
    let more = spec.extra_env.iter().filter_map(|(name, value)| {
        let value = match value {
            EnvValue::Directory => directory.as_os_str(),
            EnvValue::Parent => directory.parent().map(Path::as_os_str)?,
            EnvValue::Text(text) => OsStr::new(&**text),
            _ => return None,
        };
        Some((OsString::from(&**name), value.to_owned()))
    });
    std::iter::once(first).chain(more).collect()
}

impl fmt::Debug for SpawnOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.keys().collect();
        f.debug_struct("SpawnOptions")
            .field("program", &self.program)
            // An argument is seen by everybody on the machine; a value of a variable is not.
            .field("args", &self.args)
            .field("env", &names)
            .field("cwd", &self.cwd)
            .field("profile", &self.applied.as_ref().map(|applied| applied.id))
            .finish()
    }
}

impl Profiles {
    /// Points a start of the tool at a profile's directory: the last step before it is started. One that is not there
    /// leaves everything as it is, so that the tool runs where it does by itself; `None` then.
    ///
    /// # Repetition
    ///
    /// The same profile twice is as good as once; another one takes the place of the one before, with its variables and
    /// arguments.
    ///
    /// # Errors
    ///
    /// The store's, and nothing was put in.
    pub async fn apply_profile(&self, options: &mut SpawnOptions, id: ProfileId) -> Result<Option<Profile>, Error> {
        let row = self.shared.reader().await?.profile(&self.owner, self.kind.as_str(), id).await?;
        let profile = row.map(Profile::from);
        if let Some(profile) = &profile {
            options.put(&self.kind, &self.spec, profile);
        }
        Ok(profile)
    }
}
