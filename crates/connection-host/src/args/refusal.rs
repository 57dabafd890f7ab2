//! What clap refuses, said without a value: it may be a secret that was typed into the wrong place.

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::help::reached;
use crate::{Error, nearest::misspelled};

/// A word that is longer is no misspelled command.
const LONGEST_WORD: usize = 24;

/// What clap refuses of these arguments, in one sentence that repeats no value.
pub(super) fn refusal(error: &clap::Error, arguments: impl IntoIterator<Item = String>) -> Error {
    let (command, path) = reached(arguments);
    let name = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(argument_name(text)),
        Some(ContextValue::Strings(texts)) => {
            Some(texts.iter().map(|t| argument_name(t)).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    };
    let argument = name(ContextKind::InvalidArg).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => unknown_option(&argument, &command),
        ErrorKind::UnknownArgument => format!("there is an argument too many for `{path}`"),
        ErrorKind::InvalidSubcommand => {
            unknown_command(&name(ContextKind::InvalidSubcommand).unwrap_or_default(), &command)
        }
        ErrorKind::MissingRequiredArgument => format!("missing: {argument}"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
            format!("`{path}` needs one of the commands {}", names.join(", "))
        }
        ErrorKind::ArgumentConflict => format!("{argument} does not go with the rest of the command"),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue if error.get(ContextKind::InvalidValue).is_none_or(is_empty) => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => format!("{argument} does not take this value"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the command is not well formed".to_owned(),
    };
    Error::usage(message).remedy(format!("see `{path} --help`"))
}

/// Repeats what was typed if it can be a misspelled command, and names the nearest one.
fn unknown_command(typed: &str, command: &Command) -> String {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    if typed.is_empty() || typed.len() > LONGEST_WORD || !typed.bytes().all(is_letter) {
        return "there is no such command".to_owned();
    }
    match misspelled(typed, command.get_subcommands().map(Command::get_name)) {
        Some(meant) => format!("there is no command '{typed}'. Did you mean '{meant}'?"),
        None => format!("there is no command '{typed}'"),
    }
}

fn unknown_option(typed: &str, command: &Command) -> String {
    let root = super::command();
    let known: Vec<_> = command.get_arguments().chain(root.get_arguments()).filter_map(clap::Arg::get_long).collect();
    let meant = typed.strip_prefix("--").and_then(|typed| misspelled(typed, known));
    match meant {
        Some(meant) => format!("there is no option '{typed}'. Did you mean '--{meant}'?"),
        None => format!("there is no option '{typed}'"),
    }
}

fn is_empty(value: &ContextValue) -> bool {
    matches!(value, ContextValue::String(text) if text.is_empty())
}

/// The part of an argument that names it: `--token` of `--token=value`, and nothing of a value.
fn argument_name(text: &str) -> String {
    text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(name, _)| name).to_owned()
}
