//! The options for starting a tool. A profile is applied to them as the last step before the start.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fmt,
    path::{Path, PathBuf},
};

use connection_contract::{BoxFuture, Kind, ProfileSpec, Text};

use super::{Profile, Profiles};
use crate::{
    Environment, Error, ProfileError, ProfileId, guard,
    owner::has_environment,
    profile_variables::{arguments, names, variables},
    services::environment,
};

/// The options for starting a process. Its variables are added to those that the host gives to every process.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpawnOptions {
    /// The program: a name, or a path.
    pub program: PathBuf,
    /// The arguments, without the name of the program.
    pub args: Vec<OsString>,
    /// The variables. Their values may be secret and are never shown.
    pub env: BTreeMap<OsString, OsString>,
    /// The variables to remove from those that the host gives to every process, because they would point the tool
    /// at another directory.
    pub without: BTreeSet<OsString>,
    /// The working directory, or `None` for that of the host.
    pub cwd: Option<PathBuf>,
    /// The changes of the applied profile, so that another profile can replace it.
    applied: Option<Applied>,
}

#[derive(Clone, PartialEq, Eq)]
struct Applied {
    id: ProfileId,
    owner: String,
    kind: Kind,
    directory: PathBuf,
    /// The variables that belong to the profile, with their values from before.
    before: Vec<(OsString, Option<OsString>)>,
    /// The variables that were added to `without` for the profile.
    without: Vec<OsString>,
    /// The arguments that were put before the others for the profile.
    args: Vec<OsString>,
}

impl SpawnOptions {
    /// Creates options for a program without arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Default::default(),
            without: Default::default(),
            cwd: None,
            applied: None,
        }
    }

    /// Appends an argument after the others.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Sets an environment variable of the program.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// Sets the directory in which the program starts.
    #[must_use]
    pub fn cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }

    /// Returns the profile that was applied last, and its directory.
    pub fn profile(&self) -> Option<(ProfileId, &Path)> {
        self.applied.as_ref().map(|applied| (applied.id, applied.directory.as_path()))
    }

    /// Returns the kind of the profile that was applied last.
    pub fn profile_kind(&self) -> Option<&Kind> {
        self.applied.as_ref().map(|applied| &applied.kind)
    }

    /// Returns the owner of the profile that was applied last.
    pub fn profile_owner(&self) -> Option<&str> {
        self.applied.as_ref().map(|applied| applied.owner.as_str())
    }

    /// Returns the arguments without those of a profile.
    pub fn own_args(&self) -> &[OsString] {
        let first = self.applied.as_ref().map(|applied| &*applied.args).unwrap_or_default();
        self.args.strip_prefix(first).unwrap_or(&self.args)
    }

    /// Applies a profile in place of any other. For a profile on the tool's own directory, the variables are
    /// removed instead of set: a tool that gets the same directory from a variable may look for fewer files.
    fn put(&mut self, profiles: &Profiles, profile: &Profile) {
        let spec = &profiles.of.spec;
        let environment = &*profiles.system.ground.environment;
        self.take_out();
        let before: Vec<_> = names(spec).map(|name| (name.clone(), self.env.remove(&name))).collect();
        let mut without = Vec::new();
        let mut args = Vec::new();
        if self.leads_to(&profile.directory, spec, environment) {
            without.extend(names(spec).filter(|name| self.without.insert(name.clone())));
        } else {
            self.env.extend(variables(spec, &profile.directory));
            args = arguments(spec);
            self.args.splice(..0, args.clone());
        }
        self.applied = Some(Applied {
            id: profile.id,
            owner: profiles.of.owner.to_string(),
            kind: profiles.of.kind.clone(),
            directory: profile.directory.clone(),
            before,
            without,
            args,
        });
    }

    /// Adds a token or key, and the arguments with which the tool reads it, to the profile that was applied last. Applying
    /// another profile removes them.
    pub(super) fn put_token(&mut self, variable: &str, value: &str, args: &[Text]) {
        let args = args.iter().map(|arg| OsString::from(&**arg));
        let before = self.env.insert(variable.into(), value.into());
        let Some(applied) = &mut self.applied else {
            self.args.splice(..0, args);
            return;
        };
        if !applied.before.iter().any(|(name, _)| name == variable) {
            applied.before.push((variable.into(), before));
        }
        let args: Vec<_> = args.collect();
        let place = applied.args.len();
        // A host may have changed the arguments since then; then these come first.
        let place = if self.args.starts_with(&applied.args) { place } else { 0 };
        self.args.splice(place..place, args.clone());
        applied.args.splice(place..place, args);
    }

    /// Undoes what the applied profile changed.
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

    /// Returns `true` if the tool uses this directory when no variable of its profiles is set.
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

impl fmt::Debug for SpawnOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.env.keys().collect();
        f.debug_struct("SpawnOptions")
            .field("program", &self.program)
            // Everybody on the machine can see the arguments of a process. Values of variables are left out.
            .field("args", &self.args)
            .field("env", &names)
            .field("without", &self.without)
            .field("cwd", &self.cwd)
            .field("profile", &self.applied.as_ref().map(|applied| applied.id))
            .finish()
    }
}

impl Profiles {
    /// Points a start of the tool at a profile's directory. This is the last step before the tool is started.
    ///
    /// If the profile does not exist, the options stay as they are and the result is `None`: the tool then runs in
    /// its own directory, with the login of the user who runs this process. For an owner other than the one for
    /// whom the registry was opened, a missing profile is therefore an error.
    ///
    /// For a profile on the directory that the tool uses by itself, no variable is set. The variables that would
    /// point the tool at another directory are removed; see [`SpawnOptions::without`].
    ///
    /// # Repetition
    ///
    /// Applying the same profile again changes nothing. Another profile replaces the previous one with its
    /// variables and arguments.
    ///
    /// # Errors
    ///
    /// [`ProfileError::NotFound`] for such an owner, and errors of the store. The options are then unchanged.
    pub fn apply_profile<'a>(
        &'a self,
        options: &'a mut SpawnOptions,
        id: ProfileId,
    ) -> BoxFuture<'a, Result<Option<Profile>, Error>> {
        Box::pin(async move {
            let row = self.system.ground.reader().await?.profile(&self.of.owner, self.of.kind.as_str(), id).await?;
            if let Some(row) = &row {
                guard::check(&self.system.ground.sealer, row)?;
            }
            let profile = row.map(Profile::from);
            match &profile {
                Some(profile) => options.put(self, profile),
                None if has_environment(&self.of.owner) => {}
                None => return Err(ProfileError::NotFound { kind: self.of.kind.clone(), id }.into()),
            }
            Ok(profile)
        })
    }
}
