//! What a tool is started with, and what a profile adds to it: the last of what a host does before it starts it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

use connection_contract::{EnvValue, Kind, ProfileSpec};

use super::{Profile, ProfileError, Profiles};
use crate::{Environment, Error, ProfileId, registry::has_environment, services::environment};

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
    /// Variables that are taken from those that the host gives to every process: they would point the tool elsewhere.
    pub without: BTreeSet<OsString>,
    /// Where it runs; where the host does, unless said.
    pub cwd: Option<PathBuf>,
    /// What a profile has put in, so that another one can take it out.
    applied: Option<Applied>,
}

#[derive(Clone, PartialEq, Eq)]
struct Applied {
    id: ProfileId,
    owner: String,
    kind: Kind,
    directory: PathBuf,
    /// The variables that are the profile's, as they were before.
    before: Vec<(OsString, Option<OsString>)>,
    /// What was taken away for it.
    without: Vec<OsString>,
    /// The first so many arguments.
    args: Vec<OsString>,
}

impl SpawnOptions {
    /// A program without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        let (args, env, without, cwd, applied) = Default::default();
        Self { program: program.into(), args, env, without, cwd, applied }
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

    /// Whose profile it is that was applied last.
    pub(crate) fn profile_owner(&self) -> Option<&str> {
        self.applied.as_ref().map(|applied| applied.owner.as_str())
    }

    /// The arguments without those of a profile.
    pub(crate) fn own_args(&self) -> &[OsString] {
        let first = self.applied.as_ref().map(|applied| &*applied.args).unwrap_or_default();
        self.args.strip_prefix(first).unwrap_or(&self.args)
    }

    /// Puts a profile in, in the place of another. One on the directory that the tool uses by itself is nothing but the
    /// absence of what would point it elsewhere: told of it by a variable, a tool may look for less.
    fn put(&mut self, of: &Profiles, profile: &Profile) {
        let (spec, environment) = (&of.spec, &*of.shared.environment);
        self.take_out();
        let before: Vec<_> = names(spec).map(|name| (name.clone(), self.env.remove(&name))).collect();
        let (mut without, mut args) = (Vec::new(), Vec::new());
        if self.leads_to(&profile.directory, spec, environment) {
            without.extend(names(spec).filter(|name| self.without.insert(name.clone())));
        } else {
            self.env.extend(variables(spec, &profile.directory));
            args = extra_args(spec);
            self.args.splice(..0, args.clone());
        }
        let (id, owner, kind) = (profile.id, of.owner.to_string(), of.kind.clone());
        let directory = profile.directory.clone();
        self.applied = Some(Applied { id, owner, kind, directory, before, without, args });
    }

    /// Puts a token in for the profile that was applied last; another profile takes it out.
    pub(super) fn put_token(&mut self, variable: &str, value: &str) {
        let before = self.env.insert(variable.into(), value.into());
        if let Some(applied) = &mut self.applied
            && !applied.before.iter().any(|(name, _)| name == variable)
        {
            applied.before.push((variable.into(), before));
        }
    }

    /// Leaves it as it was before a profile.
    fn take_out(&mut self) {
        self.args = self.own_args().to_vec();
        let Some(applied) = self.applied.take() else { return };
        for (name, value) in applied.before {
            match value {
                Some(value) => drop(self.env.insert(name, value)),
                None => drop(self.env.remove(&name)),
            }
        }
        self.without.retain(|name| !applied.without.contains(name));
    }

    /// Whether the tool comes to that directory when no variable of its profiles is set.
    fn leads_to(&self, directory: &Path, spec: &ProfileSpec, environment: &dyn Environment) -> bool {
        let variable = |name: &str| -> Option<OsString> {
            if names(spec).any(|of_profiles| of_profiles == name) {
                return None;
            }
            self.env.get(OsStr::new(name)).cloned().or_else(|| environment.variable(name))
        };
        environment::resolve(&variable, &spec.implicit_dir).as_deref() == Some(directory)
    }
}

/// The variables that a profile decides of.
pub(crate) fn names(spec: &ProfileSpec) -> impl Iterator<Item = OsString> {
    std::iter::once(&spec.env_var)
        .chain(spec.extra_env.iter().map(|(name, _)| name))
        .map(|name| OsString::from(&**name))
}

/// The arguments that go with its variables.
pub(crate) fn extra_args(spec: &ProfileSpec) -> Vec<OsString> {
    spec.extra_args.iter().map(|arg| OsString::from(&**arg)).collect()
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
            .field("without", &self.without)
            .field("cwd", &self.cwd)
            .field("profile", &self.applied.as_ref().map(|applied| applied.id))
            .finish()
    }
}

impl Profiles {
    /// Points a start of the tool at a profile's directory: the last step before it is started. One that is not there
    /// leaves everything as it is, so that the tool runs where it does by itself; `None` then. That is with the login of
    /// whoever runs this process, so for an owner other than the one for whom the registry was opened it is an error.
    ///
    /// For a profile on the directory that the tool uses by itself nothing is put in, and what would point it elsewhere is
    /// taken away: see [`SpawnOptions::without`].
    ///
    /// # Repetition
    ///
    /// The same profile twice is as good as once; another one takes the place of the one before, with its variables and
    /// arguments.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`] for such an owner, and the store's; nothing was put in.
    pub async fn apply_profile(&self, options: &mut SpawnOptions, id: ProfileId) -> Result<Option<Profile>, Error> {
        let row = self.shared.reader().await?.profile(&self.owner, self.kind.as_str(), id).await?;
        if let Some(row) = &row {
            self.marks().check(row)?;
        }
        let profile = row.map(Profile::from);
        match &profile {
            Some(profile) => options.put(self, profile),
            None if has_environment(&self.owner) => {}
            None => return Err(ProfileError::NotFound { kind: self.kind.clone(), id }.into()),
        }
        Ok(profile)
    }
}
