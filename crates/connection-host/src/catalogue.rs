//! The kinds of the catalogue. A kind is read when it is used, because reading all of them takes longer than most commands.

use std::collections::BTreeSet;

use connection_contract::Kind;
use connection_core::RegistryBuilder;
use connection_manifest::{Catalogue, FileKind};

use crate::{
    args::{Command, kind_name},
    config::{Settings, configured_kinds},
    kind_entry::KindEntry,
};

/// Returns the kinds of the catalogue that a command may use before it opens the database.
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
    let configured =
        settings.kinds.keys().chain(configured_kinds(&settings.sandbox, &settings.usage).map(|(_, kind)| kind));
    let ids: BTreeSet<String> = named.chain(configured.cloned()).collect();
    ids.iter().filter_map(|id| kind(id)).collect()
}

/// Returns a kind of the catalogue; `None` if there is no such kind.
pub(crate) fn kind(id: &str) -> Option<FileKind> {
    let file = Catalogue::kind(id)?;
    // A test reads all files of the catalogue, so none has a problem.
    Some(file.ok()?.definition())
}

/// Returns the kinds of the catalogue with this provider.
pub(crate) fn of_provider(provider: &Kind) -> impl Iterator<Item = KindEntry> {
    let ids = Catalogue::providers().filter(move |(_, other)| *other == provider.as_str());
    ids.filter_map(|(id, _)| Some(KindEntry::of(&kind(id)?)))
}

/// Has a registry read the kinds of the catalogue when they are first used.
pub(crate) fn on_demand(builder: RegistryBuilder) -> RegistryBuilder {
    let names = Catalogue::providers().filter_map(|(id, provider)| Some((Kind::parse(id)?, Kind::parse(provider)?)));
    builder.kinds_on_demand(names, |name| kind(name.as_str()))
}
