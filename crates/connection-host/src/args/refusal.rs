//! Messages for arguments that clap refuses. They repeat no value, because it may be a secret in the wrong place.

use clap::{
    Command,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::help::reached;
use crate::{Error, spelling::misspelled};

/// The length of the longest word that is treated as a misspelled command.
const MAX_WORD_LENGTH: usize = 24;

/// Commands of other programs, and our command for the same purpose.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("check", "verify"),
    ("connect", "add"),
    ("create", "add"),
    ("delete", "remove"),
    ("disconnect", "remove"),
    ("history", "events"),
    ("info", "show"),
    ("log", "events"),
    ("login", "add"),
    ("logout", "remove"),
    ("ls", "list"),
    ("reconnect", "reauthorize"),
    ("request", "send"),
    ("rm", "remove"),
    ("status", "list"),
    ("test", "verify"),
];

/// Converts clap's error to one sentence that repeats no value.
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
        ErrorKind::UnknownArgument => format!("`{path}` was given too many arguments"),
        ErrorKind::InvalidSubcommand => {
            unknown_command(&name(ContextKind::InvalidSubcommand).unwrap_or_default(), &command)
        }
        ErrorKind::MissingRequiredArgument => format!("`{path}` needs {argument}"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
            format!("`{path}` needs one of the commands {}", names.join(", "))
        }
        ErrorKind::ArgumentConflict => format!("{argument} cannot be used with the other arguments"),
        ErrorKind::NoEquals | ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue if error.get(ContextKind::InvalidValue).is_none_or(is_empty) => {
            format!("{argument} needs a value")
        }
        ErrorKind::InvalidValue => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(valid)) if !valid.is_empty() => {
                format!("{argument} must be one of: {}", valid.join(", "))
            }
            _ => format!("{argument} does not accept this value"),
        },
        ErrorKind::ValueValidation => format!("{argument} does not accept this value"),
        ErrorKind::InvalidUtf8 => "an argument is not UTF-8".to_owned(),
        _ => "the command cannot be read".to_owned(),
    };
    Error::usage(message).remedy(format!("see `{path} --help`"))
}

/// Repeats the word if it can be a misspelled command, and suggests the nearest one.
fn unknown_command(typed: &str, command: &Command) -> String {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
    if typed.is_empty() || typed.len() > MAX_WORD_LENGTH || !typed.bytes().all(is_letter) {
        return "unknown command".to_owned();
    }
    let other = OTHER_WORDS.iter().find(|(other, _)| *other == typed).map(|(_, ours)| *ours);
    let other = other.filter(|ours| command.find_subcommand(ours).is_some());
    match other.or_else(|| misspelled(typed, command.get_subcommands().map(Command::get_name))) {
        Some(suggestion) => format!("unknown command '{typed}'. Did you mean '{suggestion}'?"),
        None => format!("unknown command '{typed}'"),
    }
}

fn unknown_option(typed: &str, command: &Command) -> String {
    let root = super::command();
    let known: Vec<_> = command.get_arguments().chain(root.get_arguments()).filter_map(clap::Arg::get_long).collect();
    let suggestion = match typed.strip_prefix("--") {
        Some(typed) => misspelled(typed, known),
        None => typed.strip_prefix('-').and_then(|letter| begun_with(letter, command)),
    };
    match suggestion {
        Some(suggestion) => format!("unknown option '{typed}'. Did you mean '--{suggestion}'?"),
        None => format!("unknown option '{typed}'"),
    }
}

/// Returns the only option of the command that begins with a letter, for the short form that another program has.
fn begun_with<'c>(letter: &str, command: &'c Command) -> Option<&'c str> {
    let is_letter = letter.chars().count() == 1;
    let mut begun = command.get_arguments().filter_map(clap::Arg::get_long).filter(|long| long.starts_with(letter));
    begun.next().filter(|_| is_letter && begun.next().is_none())
}

fn is_empty(value: &ContextValue) -> bool {
    matches!(value, ContextValue::String(text) if text.is_empty())
}

/// Returns the part of an argument that names it: `--token` for `--token=value`, without the value.
fn argument_name(text: &str) -> String {
    text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(name, _)| name).to_owned()
}
