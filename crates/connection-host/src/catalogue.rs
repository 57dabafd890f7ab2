//! Which kinds of the catalogue a command uses. The others are not read, because reading all of them takes longer than
//! most commands.

use std::{collections::BTreeSet, sync::Arc};

use connection_contract::Kind;
use connection_core::{ConnectionRegistry, OwnKinds, RegisterError};
use connection_manifest::{Catalogue, FileKind};
use connection_server::declared::DeclaredKinds;

use crate::{
    args::{Command, kind_name},
    config::Settings,
};

/// Returns the kinds of the catalogue that a command may use before the database says which ones have connections.
pub(crate) fn wanted(command: &Command, settings: &Settings) -> Vec<FileKind> {
    if command.uses_any_kind() {
        return Catalogue::ids().filter_map(kind).collect();
    }
    // The arguments after `--` belong to another program, and one that is no text names no kind.
    let own = std::env::args_os().skip(1).take_while(|argument| argument != "--");
    let words = own.filter_map(|argument| argument.into_string().ok());
    // A word names a kind alone, before a label, before a preset of rules, or as the value of an option.
    let named = words.map(|word| {
        let value = word.split_once('=').filter(|_| word.starts_with("--")).map_or(&*word, |(_, value)| value);
        kind_name(value.split([':', '/']).next().unwrap_or_default())
    });
    let ids: BTreeSet<String> = named.chain(settings.kinds.keys().cloned()).collect();
    ids.iter().filter_map(|id| kind(id)).collect()
}

/// Registers the kinds of the catalogue that have connections.
pub(crate) fn register_connected(registry: &ConnectionRegistry, connected: &[Kind]) {
    connected.iter().for_each(|name| register(registry, name));
}

/// Registers all kinds of the catalogue, for a command that has to say what can be connected.
pub(crate) fn register_all(registry: &ConnectionRegistry) {
    Catalogue::ids().filter_map(Kind::parse).for_each(|name| register(registry, &name));
}

/// Registers the kind of the catalogue with this name, unless the registry has a kind of that name.
fn register(registry: &ConnectionRegistry, name: &Kind) {
    let is_new = registry.kinds().get(name).is_none();
    if let Some(kind) = kind(name.as_str()).filter(|_| is_new) {
        match registry.kinds().register(kind) {
            Ok(()) | Err(RegisterError::Taken { .. }) => {}
            Err(error) => tracing::warn!(kind = %name, %error, "a kind of the catalogue cannot be registered"),
        }
    }
}

/// Returns a kind of the catalogue; `None` if there is no such kind.
pub(crate) fn kind(id: &str) -> Option<FileKind> {
    let file = Catalogue::kind(id)?;
    // A test reads all files of the catalogue, so none has a problem.
    Some(file.ok()?.definition())
}

/// Returns what makes the kinds of declarations. A provider of the catalogue is covered, although a command registers
/// only the kinds that it uses.
pub(crate) fn own_kinds(has_catalogue: bool) -> Arc<dyn OwnKinds> {
    Arc::new(match has_catalogue {
        true => DeclaredKinds::connects(|provider| Catalogue::text(provider.as_str()).is_some()),
        false => DeclaredKinds::new(),
    })
}
