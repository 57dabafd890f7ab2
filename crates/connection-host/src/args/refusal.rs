//! What clap refuses, said without a value: it may be a secret that was typed into the wrong place.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::Error;

/// What clap refuses, in one sentence that repeats no value.
pub(crate) fn refusal(error: &clap::Error) -> Error {
    let name = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(argument_name(text)),
        Some(ContextValue::Strings(texts)) => {
            Some(texts.iter().map(|t| argument_name(t)).collect::<Vec<_>>().join(", "))
        }
        _ => None,
    };
    let argument = name(ContextKind::InvalidArg).unwrap_or_default();
    let message = match error.kind() {
        ErrorKind::UnknownArgument if argument.starts_with('-') => format!("there is no option '{argument}'"),
        ErrorKind::UnknownArgument => "there is an argument too many".to_owned(),
        ErrorKind::InvalidSubcommand => "there is no such command".to_owned(),
        ErrorKind::MissingRequiredArgument => format!("missing: {argument}"),
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "a command is missing".to_owned()
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
    Error::usage(message).remedy("see `connections --help`")
}

fn is_empty(value: &ContextValue) -> bool {
    matches!(value, ContextValue::String(text) if text.is_empty())
}

/// The part of an argument that names it: `--token` of `--token=value`, and nothing of a value.
fn argument_name(text: &str) -> String {
    text.split_once('=').filter(|_| text.starts_with('-')).map_or(text, |(name, _)| name).to_owned()
}
