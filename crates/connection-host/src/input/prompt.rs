//! Questions to a person at a terminal, on standard error. Secrets are not echoed.

use std::io::IsTerminal as _;

use connection_contract::{Field, Input, Secret};
use connection_core::PassphraseUse;
use inquire::{Confirm, InquireError, MultiSelect, Password, PasswordDisplayMode, Select, Text, ui::RenderConfig};

use crate::{Error, Exit, platform, platform::without_line};

/// The line after an empty answer to a question that needs one.
const ANSWER_NEEDED: &str = "  This question needs an answer; control-C cancels.";

/// The question after a line that is not the last one of a key.
const NEXT_LINE: &str = "The next line, up to -----END; control-C cancels";

/// The person cancelled the question with control-C or escape.
#[derive(Debug)]
pub(crate) struct Cancelled;

impl From<Cancelled> for Error {
    fn from(Cancelled: Cancelled) -> Self {
        Self::new(Exit::SetupFailed, "setup_cancelled", "the setup was cancelled; nothing was kept")
    }
}

/// Turns the colours of prompts off, unless `colours` is `true`.
pub(crate) fn settle_colours(colours: bool) {
    if !colours {
        inquire::set_global_render_config(RenderConfig::empty());
    }
}

/// Asks for the values of one field; the result is empty if an optional one was left empty.
///
/// `alone` is `true` if the prompt has no required field, in which case no field is marked as optional.
pub(super) fn ask(field: &Field, alone: bool) -> Result<Vec<Secret>, Error> {
    let mut values = Vec::new();
    loop {
        let first = values.is_empty();
        match one(field, first, alone)? {
            Some(value) => values.push(value),
            None if first && is_needed(field) => {
                platform::write_stderr(format_args!("{ANSWER_NEEDED}"));
                continue;
            }
            None => break,
        }
        if !field.many {
            break;
        }
    }
    Ok(values)
}

/// Asks a question that is not part of a setup. The answer is empty if an optional question was left empty.
pub(crate) fn question(field: &Field) -> Result<String, Error> {
    loop {
        let answers = ask(field, false)?;
        let answer = answers.first().and_then(Secret::expose_str);
        let answer = answer.or(field.default.as_deref()).unwrap_or_default().trim();
        if !answer.is_empty() || !is_needed(field) {
            return Ok(answer.to_owned());
        }
        platform::write_stderr(format_args!("{ANSWER_NEEDED}"));
    }
}

/// Returns `true` if an empty answer answers nothing.
fn is_needed(field: &Field) -> bool {
    field.required && field.default.is_none()
}

fn one(field: &Field, first: bool, alone: bool) -> Result<Option<Secret>, Error> {
    let label = match (first, field.required || alone) {
        (false, _) => format!("{} (another one, or empty)", field.label),
        (true, false) => format!("{} (optional)", field.label),
        (true, true) => field.label.to_string(),
    };
    let hint = field.is_private_key.then(|| private_key_hint(field));
    let help = hint.as_deref().or_else(|| field.help.as_ref().map(|help| help.as_str()));
    let default = field.default.as_deref().filter(|_| first);
    let answer: Secret = match &field.input {
        Input::Bool => {
            let mut prompt = Confirm::new(&label);
            prompt.help_message = help;
            prompt.default = Some(default == Some("true"));
            prompt.prompt().map_err(failed)?.to_string().into()
        }
        Input::Choice(choices) => {
            let labels: Vec<_> = choices.iter().map(|(_, label)| label.as_str()).collect();
            let mut prompt = Select::new(&label, labels);
            prompt.help_message = help;
            let chosen = prompt.raw_prompt().map_err(failed)?.index;
            choices.get(chosen).map(|(value, _)| Secret::from(&**value)).unwrap_or_default()
        }
        Input::Secret => secret(&label, help)?,
        _ => {
            let mut prompt = Text::new(&label);
            prompt.help_message = help;
            prompt.default = default;
            prompt.placeholder = field.placeholder.as_ref().map(|text| text.as_str());
            prompt.prompt().map_err(failed)?.into()
        }
    };
    Ok(Some(answer).filter(|answer| !answer.is_empty()))
}

/// Returns the help of a field for a private key, with the ways to enter several lines.
fn private_key_hint(field: &Field) -> String {
    let ways = format!("paste all of its lines, or use --field {}=@FILE", field.name);
    match &field.help {
        Some(help) => format!("{}; {ways}", help.as_str().trim_end_matches('.')),
        None => ways,
    }
}

/// Asks for a secret, which may be a private key of several lines.
///
/// Most terminals mark a pasted text, and its line breaks are then a part of the answer. Others send its lines one by one.
/// The remaining lines of a key are read from them as well: otherwise they would answer the next questions, and then reach
/// the shell.
fn secret(label: &str, help: Option<&str>) -> Result<Secret, Error> {
    let hidden = |label: &str, help: Option<&str>| {
        let mut prompt = Password::new(label).without_confirmation().with_display_mode(PasswordDisplayMode::Hidden);
        prompt.help_message = help;
        prompt.prompt().map(Secret::from).map_err(failed)
    };
    let mut answer = hidden(label, help)?;
    while is_begun_key(&answer) {
        let line = hidden(NEXT_LINE, None)?;
        answer = Secret::concat(&[answer.expose(), b"\n", line.expose()]);
    }
    Ok(answer)
}

/// Returns `true` if the answer begins a text in PEM form that it does not end.
fn is_begun_key(answer: &Secret) -> bool {
    let text = answer.expose_str().unwrap_or_default();
    text.contains("-----BEGIN ") && !text.contains("-----END ")
}

/// Asks whether the person wants to answer optional fields. Cancelling ends the setup, as in every other question of
/// it.
pub(super) fn offered(question: &str) -> Result<bool, Error> {
    Confirm::new(question).with_default(false).prompt().map_err(failed)
}

/// Asks for a confirmation, for a prompt without fields.
pub(super) fn confirmation(title: &str) -> Result<(), Error> {
    if confirm(title)? { Ok(()) } else { Err(Cancelled.into()) }
}

/// Lets a person choose a line; returns its index.
pub(crate) fn pick(question: &str, lines: Vec<String>) -> Result<usize, Error> {
    Ok(Select::new(question, lines).raw_prompt().map_err(failed)?.index)
}

/// Lets a person choose any number of lines; returns their indices.
pub(crate) fn pick_some(question: &str, lines: Vec<String>) -> Result<Vec<usize>, Error> {
    let chosen = MultiSelect::new(question, lines).raw_prompt().map_err(failed)?;
    Ok(chosen.into_iter().map(|line| line.index).collect())
}

/// Asks a question to be answered with yes or no. Cancelling means no.
pub(crate) fn confirm(question: &str) -> Result<bool, Error> {
    match Confirm::new(question).with_default(false).prompt() {
        Err(InquireError::OperationCanceled | InquireError::OperationInterrupted) => Ok(false),
        answer => answer.map_err(failed),
    }
}

/// Asks for the passphrase of the database, and twice for a new one, because it is not echoed.
///
/// The error is the reason why there is none.
pub(crate) fn passphrase(purpose: PassphraseUse) -> Result<Secret, String> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        return Err("nobody can be asked here".to_owned());
    }
    let _asking = without_line();
    let prompt = match purpose {
        PassphraseUse::Open => Password::new("Passphrase of the database").without_confirmation(),
        PassphraseUse::New => Password::new("New passphrase of the database")
            .with_custom_confirmation_message("The same passphrase again")
            .with_custom_confirmation_error_message("The two are not the same"),
    };
    prompt.with_display_mode(PasswordDisplayMode::Hidden).prompt().map(Secret::from).map_err(|error| match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => "the question was cancelled".to_owned(),
        _ => "the terminal cannot be read".to_owned(),
    })
}

/// As [`passphrase`], for the new passphrase of a database.
pub(crate) fn new_passphrase(_: PassphraseUse) -> Result<Secret, String> {
    passphrase(PassphraseUse::New)
}

fn failed(error: InquireError) -> Error {
    match error {
        InquireError::OperationCanceled | InquireError::OperationInterrupted => Cancelled.into(),
        InquireError::IO(error) => Error::io("the terminal", &error),
        // The other errors hold no value either, but their text is not ours.
        _ => Error::new(Exit::Usage, "input_required", "nobody can be asked here").remedy("use --input"),
    }
}
