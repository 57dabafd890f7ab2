//! Completion of what a person types at a shell: commands and options, kinds, and connections.
//!
//! The script that `completions SHELL` prints starts the program again, with the words of the command line after `--`
//! and the name of the shell in a variable. Such a process asks nothing, runs no command, opens no key and creates no
//! store. After [`MAX_DURATION`] it ends and offers nothing, because a shell waits for it at each press of a key.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::Write as _,
    sync::{Arc, mpsc},
    time::Duration,
};

use clap_complete::{
    engine::{ArgValueCandidates, CompletionCandidate, complete},
    env::{EnvCompleter, Shells},
};
use connection_core::{StoreSource, connection_names};
use secrecy::ExposeSecret as _;

use crate::{
    Error, args,
    config::{COMPLETE, Environment, Global, Settings},
    kinds_directory,
    name::name,
};

/// The time after which nothing is offered, with the start of the process left out.
const MAX_DURATION: Duration = Duration::from_millis(150);
/// The character between two candidates in the script for Bash, which no label contains.
const SEPARATOR: &str = "\u{b}";
/// The owner for whom a command acts unless another one is named.
const OWNER: &str = "local";

/// Writes the script that a shell reads once.
pub(crate) fn script(shell: &str) -> Result<Vec<u8>, Error> {
    let mut text = Vec::new();
    if let Some(shell) = Shells::builtins().completer(shell) {
        shell
            .write_registration(COMPLETE, name(), name(), name(), &mut text)
            .map_err(|error| Error::io("the script", &error))?;
    }
    Ok(text)
}

/// Prints what can follow the words of a command line. `kinds` are the kinds of the program.
pub(crate) fn run(shell: &str, environment: Environment, kinds: BTreeSet<String>) {
    let mut words = std::env::args_os().skip_while(|word| word != "--").skip(1).peekable();
    if words.peek().is_none() {
        // Some users load the script by starting the program with the variable alone.
        drop(script(shell).map(|text| std::io::stdout().write_all(&text)));
        return;
    }
    let (words, shell) = (words.collect(), shell.to_owned());
    let (sender, receiver) = mpsc::channel();
    // The thread may wait for a disk or a server. It ends with the process.
    let work = move || sender.send(candidates(&shell, words, environment, kinds));
    if std::thread::Builder::new().spawn(work).is_ok()
        && let Ok(text) = receiver.recv_timeout(MAX_DURATION)
    {
        // A shell that no longer reads needs no answer.
        drop(std::io::stdout().write_all(&text));
    }
}

fn candidates(shell: &str, words: Vec<OsString>, environment: Environment, kinds: BTreeSet<String>) -> Vec<u8> {
    let mut text = Vec::new();
    let index = environment.completed_word();
    let is_bash = shell == "bash";
    let (words, index, cut) = if is_bash { joined(words, index) } else { (words, index, 0) };
    let store = Arc::new(StoreOfWords { global: global(&words), environment, kinds });
    let quoted = move |values: Vec<String>| {
        let value = |value: String| CompletionCandidate::new(if is_bash { escaped(&value) } else { value });
        values.into_iter().map(value).collect::<Vec<_>>()
    };
    let of_kinds = store.clone();
    let kinds = ArgValueCandidates::new(move || quoted(of_kinds.kinds()));
    let connections = ArgValueCandidates::new(move || quoted(store.connections()));
    let mut command = offering(args::command(), &kinds, &connections);
    let directory = std::env::current_dir().ok();
    if is_bash {
        let found = complete(&mut command, words, index, directory.as_deref()).unwrap_or_default();
        let values = found.iter().map(|found| found.get_value().to_string_lossy());
        let values: Vec<_> = values.map(|value| value.get(cut..).unwrap_or_default().to_owned()).collect();
        text.extend(values.join(SEPARATOR).into_bytes());
    } else if let Some(shell) = Shells::builtins().completer(shell) {
        // An error of the engine means that nothing is offered.
        drop(EnvCompleter::write_complete(shell, &mut command, words, directory.as_deref(), &mut text));
    }
    text
}

/// Adds what can be offered to the arguments of a command and of those below it.
fn offering(command: clap::Command, kinds: &ArgValueCandidates, connections: &ArgValueCandidates) -> clap::Command {
    let command = command.mut_args(|argument| match argument.get_id().as_str() {
        "kind" => argument.add(kinds.clone()),
        "connection" | "connections" => argument.add(connections.clone()),
        _ => argument,
    });
    command.mut_subcommands(|command| offering(command, kinds, connections))
}

/// Joins the words that Bash has split at colons. Returns the words, the index of the completed one, and the length of
/// its part that Bash keeps.
fn joined(words: Vec<OsString>, index: usize) -> (Vec<OsString>, usize, usize) {
    let mut joined: Vec<OsString> = Vec::new();
    let (mut completed, mut cut) = (0, 0);
    let mut goes_on = false;
    for (at, word) in words.into_iter().enumerate() {
        let is_colon = word == ":";
        match joined.last_mut().filter(|_| goes_on || is_colon) {
            Some(last) => {
                // Bash replaces only the part after the colon.
                cut = last.len() + if is_colon { 1 } else { 0 };
                last.push(&word);
            }
            None => {
                cut = 0;
                joined.push(word);
            }
        }
        goes_on = is_colon;
        if at == index {
            completed = joined.len().saturating_sub(1);
            break;
        }
    }
    (joined, completed, cut)
}

/// Escapes what Bash would not read as part of a word.
fn escaped(value: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_.,:@/+=%".contains(letter);
    let escape = |text: String, letter| if is_plain(letter) { text } else { text + "\\" };
    value.chars().fold(String::new(), |text, letter| {
        let mut text = escape(text, letter);
        text.push(letter);
        text
    })
}

/// Returns the options that decide which store is read. The rest of the command line may be unfinished.
fn global(words: &[OsString]) -> Global {
    let mut global = Global::default();
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        let (option, value) = match word.split_once('=') {
            Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
            None => (word.into_owned(), None),
        };
        let mut value = || value.clone().or_else(|| words.next().map(|word| word.into_owned()));
        match option.as_str() {
            "--config" => global.config = value().map(Into::into),
            "--data-dir" => global.data_dir = value().map(Into::into),
            "--database" => global.database = value(),
            "--host" => global.host = value(),
            "--owner" => global.owner = value(),
            _ => {}
        }
    }
    global
}

/// The store that the words of a command line name, and the kinds of the program.
struct StoreOfWords {
    global: Global,
    environment: Environment,
    kinds: BTreeSet<String>,
}

impl StoreOfWords {
    /// Returns the settings; `None` if they cannot be read or are not trusted.
    fn settings(&self) -> Option<Settings> {
        let settings = Settings::load(&self.global, &self.environment).ok()?;
        settings.exposed.is_none().then_some(settings)
    }

    /// Returns the kinds of the program, and those that the files of the user are named after.
    fn kinds(&self) -> Vec<String> {
        let directory = self.settings().and_then(|settings| settings.kinds_directory());
        let files = directory.map(|directory| kinds_directory::files(&directory)).unwrap_or_default();
        let own = files.iter().filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()));
        let all: BTreeSet<String> = self.kinds.iter().cloned().chain(own).collect();
        all.into_iter().collect()
    }

    /// Returns the connections as `KIND:LABEL`; none of a server, which a completion does not ask.
    fn connections(&self) -> Vec<String> {
        let Some(settings) = self.settings().filter(|_| self.global.host.is_none()) else { return Vec::new() };
        let store = match &settings.database {
            Some(url) => StoreSource::from(url.expose_secret()),
            None => StoreSource::from(settings.database_file().display().to_string()),
        };
        let store = settings.direct.iter().cloned().fold(store, StoreSource::direct);
        let owner = settings.owner.as_deref().unwrap_or(OWNER);
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
        let names = runtime.block_on(connection_names(store, owner)).unwrap_or_default();
        // The connection is closed by the server when the process ends. The other threads end at once and are joined, as
        // those of a command.
        runtime.shutdown_timeout(MAX_DURATION);
        names.into_iter().map(|(kind, label)| format!("{kind}:{label}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    #[test]
    fn the_words_that_bash_has_split_at_a_colon_are_one() {
        let split = words(&["connections", "show", "github", ":", "wo"]);
        assert_eq!(joined(split.clone(), 4), (words(&["connections", "show", "github:wo"]), 2, 7));
        assert_eq!(joined(split[..4].to_vec(), 3), (words(&["connections", "show", "github:"]), 2, 7));
        assert_eq!(joined(split[..3].to_vec(), 2), (words(&["connections", "show", "github"]), 2, 0));
        assert_eq!(joined(words(&["connections", "sh"]), 1), (words(&["connections", "sh"]), 1, 0));
    }

    #[test]
    fn a_label_with_spaces_and_quotes_is_one_word_of_bash() {
        assert_eq!(escaped("notion:Ada's Notion"), "notion:Ada\\'s\\ Notion");
        assert_eq!(escaped("github:zoë@work"), "github:zoë@work");
    }

    #[test]
    fn the_store_is_that_of_the_options_also_if_the_command_is_unfinished() {
        let global = global(&words(&["connections", "--data-dir", "/d", "show", "--owner=ada", "--database"]));
        assert_eq!(global.data_dir, Some("/d".into()));
        assert_eq!(global.owner.as_deref(), Some("ada"));
        assert_eq!(global.database, None);
    }
}
