//! The source of the database key that is used, and others that are configured or left over.
//!
//! Exactly one source is used. If several are configured, `key.source` selects one. There is no order of precedence,
//! because a source that silently takes precedence can lock people out of the database.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

use connection_contract::Secret;
use connection_core::{KeyCommand, KeyFile, KeyPassphrase, KeySource, KeyVariable, PassphraseUse, RegistryBuilder};

use super::{Environment, Settings};
use crate::{Error, Exit};

/// Asks a person for a passphrase if no file holds it.
pub(crate) type AskPassphrase = fn(PassphraseUse) -> Result<Secret, String>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Environment,
    Command,
    Keyring,
    Passphrase,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "file" => Ok(Self::File),
            "environment" => Ok(Self::Environment),
            "command" => Ok(Self::Command),
            "keyring" => Ok(Self::Keyring),
            "passphrase" => Ok(Self::Passphrase),
            _ => Err(()),
        }
    }
}

/// The configuration keys below `key`.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySettings {
    pub(crate) source: Option<Kind>,
    pub(crate) file: Option<PathBuf>,
    pub(crate) variable: Option<String>,
    /// The variables that commands receive, besides the usual ones.
    pub(crate) variables: Vec<String>,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) wrap: Option<Vec<String>>,
    pub(crate) unwrap: Option<Vec<String>>,
    /// `true` if commands write to the standard error of this process.
    pub(crate) shows_errors: bool,
}

/// The sources of a database's key.
pub(crate) struct KeySources {
    pub(crate) used: Arc<dyn KeySource>,
    kind: Kind,
    /// `true` if a person at the terminal is asked for the key.
    pub(crate) asks: bool,
    /// The file of the source `file`.
    pub(crate) file: Option<PathBuf>,
    /// Sources that are configured but not used; they must hold the same key.
    configured: Vec<Arc<dyn KeySource>>,
    /// Existing key files at the usual places that are not configured.
    left: Vec<KeyFile>,
}

impl KeySources {
    /// Sets the sources on the builder of a registry.
    pub(crate) fn apply(&self, builder: RegistryBuilder) -> RegistryBuilder {
        let sources = connection_core::KeySources::new(self.used.clone());
        let sources = self.configured.iter().cloned().fold(sources, connection_core::KeySources::agreeing);
        builder.key(self.left.iter().cloned().fold(sources, connection_core::KeySources::known))
    }

    /// Returns a sentence that says how the key that is used gets to another machine.
    pub(crate) fn to_another_machine(&self, settings: &KeySettings) -> String {
        let name = self.used.name();
        match self.kind {
            Kind::File => format!(
                "Copy {name} to the server over a connection that you trust, such as `scp`, into a file that only the user \
                 of the program can read, and name it there with key.file."
            ),
            Kind::Environment => format!(
                "Set the same value on the server, from the secrets of the machine, for the user of the program alone: \
                 {name}."
            ),
            Kind::Command if settings.command.is_some() => {
                format!("Let the same command print the same key on the server: {name}.")
            }
            Kind::Command => format!(
                "The key stays in its service: let the server use the same key there, with the same key.wrap and \
                 key.unwrap ({name})."
            ),
            Kind::Keyring => format!(
                "The key does not leave {name}: on this machine, with the new database in the configuration, run \
                 `connections key change --to-source file --to-file FILE`, and copy FILE to the server; or use \
                 `--to-source passphrase`."
            ),
            Kind::Passphrase => {
                "Enter the same passphrase on the server, or put it into a file that only the user of the \
                                 program can read, and name it there with key.passphrase_file."
                    .to_owned()
            }
        }
    }
}

impl Settings {
    /// Returns the sources that the configuration selects.
    pub(crate) fn key_sources(&self, environment: &Environment, ask: AskPassphrase) -> Result<KeySources, Error> {
        let key = &self.key;
        let configured = key.configured();
        let used = match (key.source, &*configured) {
            (Some(used), _) => used,
            (None, []) => Kind::File,
            (None, [used]) => *used,
            (None, [one, other, ..]) => {
                let one = one.keys();
                let other = other.keys();
                return Err(Error::configuration(format!(
                    "{one} and {other} are both set, but only one source is used"
                ))
                .remedy("select one with key.source, or remove the other one"));
            }
        };
        let usual = self.key_file();
        let file = (used == Kind::File).then(|| key.file.clone().unwrap_or_else(|| usual.clone()));
        let others = configured.iter().filter(|other| **other != used);
        let configured = others.map(|other| key.source(*other, &usual, environment, ask)).collect::<Result<_, _>>()?;
        let other = self.other_key_file();
        if file.as_ref() == Some(&usual)
            && key.file.is_none()
            && !self.holds_both()
            && let Some(there) = other.as_ref().filter(|there| there.exists() && !usual.exists())
        {
            return Err(misplaced(there, &usual));
        }
        let spoken_of = |place: &PathBuf| file.as_ref() == Some(place) || key.file.as_ref() == Some(place);
        let usual_places = std::iter::once(&usual).chain(&other);
        let left = usual_places.filter(|place| !spoken_of(place) && place.exists()).map(KeyFile::at).collect();
        let asks = used == Kind::Passphrase && key.passphrase_file.is_none();
        Ok(KeySources { used: key.source(used, &usual, environment, ask)?, kind: used, asks, file, configured, left })
    }

    /// Returns the source to change to. Settings in `named` take precedence over the configured ones.
    pub(crate) fn next_key_source(
        &self,
        named: KeySettings,
        environment: &Environment,
        ask: AskPassphrase,
    ) -> Result<Arc<dyn KeySource>, Error> {
        let key = &self.key;
        let next = KeySettings {
            source: named.source,
            file: named.file.or_else(|| key.file.clone()),
            variable: named.variable.or_else(|| key.variable.clone()),
            variables: key.variables.clone(),
            passphrase_file: named.passphrase_file.or_else(|| key.passphrase_file.clone()),
            // `command` and the pair of `wrap` and `unwrap` exclude each other; a named one replaces the other
            // configured one.
            command: named.command.clone().or_else(|| key.command.clone().filter(|_| named.wrap.is_none())),
            wrap: named.wrap.clone().or_else(|| key.wrap.clone().filter(|_| named.command.is_none())),
            unwrap: named.unwrap.or_else(|| key.unwrap.clone().filter(|_| named.command.is_none())),
            shows_errors: key.shows_errors,
        };
        next.source(next.source.unwrap_or(Kind::File), &self.key_file(), environment, ask)
    }
}

/// Returns the error for a key that is at the other usual place of the data directory.
///
/// No second key is made, because one of the two would open nothing.
fn misplaced(there: &Path, usual: &Path) -> Error {
    let there = there.display();
    let directory = usual.parent().unwrap_or(usual).display();
    let message = format!("there is a key at {there}, and none at {}", usual.display());
    let remedy = format!(
        "if it is the key of this database, move it: mkdir -p -m 700 {directory} && mv {there} {}; else name the key's place \
         with key.file (CONNECTIONS_KEY__FILE)",
        usual.display()
    );
    Error::new(Exit::Refused, "key_failed", message).remedy(remedy)
}

impl KeySettings {
    fn configured(&self) -> Vec<Kind> {
        let command = self.command.is_some() || self.wrap.is_some() || self.unwrap.is_some();
        let all = [
            (Kind::File, self.file.is_some()),
            (Kind::Environment, self.variable.is_some()),
            (Kind::Command, command),
            (Kind::Passphrase, self.passphrase_file.is_some()),
        ];
        all.into_iter().filter_map(|(kind, set)| set.then_some(kind)).collect()
    }

    fn source(
        &self,
        kind: Kind,
        usual: &Path,
        environment: &Environment,
        ask: AskPassphrase,
    ) -> Result<Arc<dyn KeySource>, Error> {
        let lacks = |what: &str| {
            let keys = kind.keys();
            Err(Error::configuration(format!("the key source '{}' {what}", kind.word())).remedy(format!("set {keys}")))
        };
        Ok(match kind {
            Kind::File => Arc::new(KeyFile::at(self.file.as_deref().unwrap_or(usual))),
            Kind::Environment => {
                let Some(name) = &self.variable else { return lacks("lacks the name of a variable") };
                Arc::new(KeyVariable::new(name, environment.key(name)))
            }
            Kind::Command => {
                let command = match (&self.command, &self.wrap, &self.unwrap) {
                    (Some(command), None, None) => KeyCommand::prints(command),
                    (None, Some(wrap), Some(unwrap)) => KeyCommand::wraps(wrap, unwrap),
                    (None, None, None) => return lacks("lacks a command"),
                    _ => {
                        return lacks("is either one command that prints the key, or a pair that wraps and unwraps it");
                    }
                };
                let command = if self.shows_errors { command.shows_errors() } else { command };
                let variables = environment.of_commands(&self.variables);
                Arc::new(variables.fold(command, |command, (name, value)| command.variable(name, value)))
            }
            Kind::Keyring => keyring()?,
            Kind::Passphrase => Arc::new(match &self.passphrase_file {
                Some(path) => KeyPassphrase::in_file(path),
                None => KeyPassphrase::from_prompt(ask),
            }),
        })
    }
}

#[cfg(feature = "keyring")]
fn keyring() -> Result<Arc<dyn KeySource>, Error> {
    Ok(Arc::new(connection_core::KeyKeyring::system()))
}

#[cfg(not(feature = "keyring"))]
fn keyring() -> Result<Arc<dyn KeySource>, Error> {
    Err(Error::configuration("this program was built without the key source 'keyring'")
        .remedy("build it with the feature keyring, or use another key source"))
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Environment => "environment",
            Self::Command => "command",
            Self::Keyring => "keyring",
            Self::Passphrase => "passphrase",
        }
    }

    /// Returns the configuration keys that set up this source.
    const fn keys(self) -> &'static str {
        match self {
            Self::File => "key.file",
            Self::Environment => "key.variable",
            Self::Command => "key.command, or key.wrap and key.unwrap",
            Self::Keyring => "key.source",
            Self::Passphrase => "key.passphrase_file",
        }
    }
}
