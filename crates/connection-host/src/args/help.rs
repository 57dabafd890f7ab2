//! The output of `connections`, `connections help` and `--help`, fitted to the terminal.

use clap::{Command, error::ErrorKind};

use super::{command, refusal::refusal};
use crate::{Error, Exit, name, platform};

/// The commands of the overview, grouped by task. Every command is in exactly one group.
const GROUPS: &[(&str, &[&str])] = &[
    ("Get started", &["add", "list", "serve"]),
    (
        "Connections",
        &[
            "show",
            "verify",
            "send",
            "mcp",
            "files",
            "refresh",
            "reauthorize",
            "rollback",
            "rename",
            "tag",
            "default",
            "uses",
            "freeze",
            "thaw",
            "remove",
            "import",
            "link",
            "webhooks",
        ],
    ),
    (
        "Agents, extensions and tools",
        &[
            "agents",
            "approvals",
            "rules",
            "credential",
            "extensions",
            "resolve",
            "preferences",
            "exec",
            "open-settings",
            "profiles",
            "run",
            "sandbox",
            "usage",
        ],
    ),
    (
        "Operations",
        &[
            "kinds",
            "setup",
            "events",
            "watch",
            "backup",
            "restore",
            "move",
            "failover",
            "key",
            "upgrade",
            "tokens",
            "doctor",
            "config",
            "completions",
            "man",
        ],
    ),
];

/// The commands that a new user needs first.
const EXAMPLES: &[(&str, &str)] = &[
    ("connections add github", "connect an account"),
    ("connections list", "see what works, and what needs attention"),
    ("connections send github /user", "use it without the secret"),
];

/// The longest line, however wide the terminal is.
const WIDEST: usize = 100;

/// Prints the requested help, or returns an error that says why the arguments are refused.
pub(crate) fn help_or_refusal(error: &clap::Error) -> Result<Exit, Error> {
    let arguments: Vec<_> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let is_asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let is_missing =
        matches!(error.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    let reads = |word: &String| word == "--json";
    let text = if is_asked {
        error.render().to_string()
    } else if is_missing && reached(arguments.clone()).1 == "connections" && !arguments.iter().any(reads) {
        name::hints(&overview(&command())).into_owned()
    } else {
        return Err(refusal(error, arguments));
    };
    platform::print(fitted(&text, platform::width()).as_bytes())?;
    Ok(Exit::Fine)
}

/// Returns the words of the command that this process runs, such as `connections setup resume`.
pub(crate) fn command_path() -> String {
    reached(std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned())).1
}

/// Returns the overview of the commands, which is the help of the program.
pub(super) fn overview(root: &Command) -> String {
    let mut text = format!(
        "Connect outside accounts, keep them working, and use them without handling secrets.\n\n\
         Usage: {} [OPTIONS] <COMMAND>\n\nExamples\n",
        name::name()
    );
    for (command, what) in EXAMPLES {
        text.push_str(&format!("  {command:<34}  {what}\n"));
    }
    for (group, names) in GROUPS {
        text.push_str(&format!("\n{group}\n"));
        for name in *names {
            let about = root.find_subcommand(name).and_then(Command::get_about);
            text.push_str(&format!("  {name:<13}  {}\n", about.map(ToString::to_string).unwrap_or_default()));
        }
    }
    text.push_str("\nOptions\n");
    for argument in root.get_arguments() {
        let Some(long) = argument.get_long() else { continue };
        let values = argument.get_value_names().filter(|_| argument.get_action().takes_values()).unwrap_or_default();
        let values: String = values.iter().map(|name| format!(" <{name}>")).collect();
        let option = format!("--{long}{values}");
        text.push_str(&format!(
            "  {option:<24}  {}\n",
            argument.get_help().map(ToString::to_string).unwrap_or_default()
        ));
    }
    text.push_str("  --help, --version         Print this overview, or the version\n");
    text.push_str("\n`connections help COMMAND` shows more about a command.\n");
    text
}

/// Breaks the lines of a help text that are longer than the terminal. Text in a column stays in its column.
fn fitted(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let width = width.min(WIDEST);
    text.lines().map(|line| broken(line, width)).collect()
}

fn broken(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return format!("{line}\n");
    }
    let start = line.len() - line.trim_start().len();
    // The text of an option or a command begins after two spaces.
    let gap = line.trim_start().find("  ").map(|gap| start + gap);
    let column = gap.map(|gap| gap + line.get(gap..).map_or(0, |rest| rest.len() - rest.trim_start().len()));
    let (mut out, mut used, indent) = match column {
        Some(column) if column <= width / 2 => (line.get(..column).unwrap_or_default().to_owned(), column, column),
        // If the name takes most of the line, put its text below it.
        Some(_) => {
            let name = line.get(..gap.unwrap_or_default()).unwrap_or_default();
            (format!("{name}\n{}", " ".repeat(start + 4)), start + 4, start + 4)
        }
        None => (" ".repeat(start), start, start),
    };
    let words = line.get(column.unwrap_or(start)..).unwrap_or_default().split_whitespace();
    for (index, word) in words.enumerate() {
        let length = word.chars().count();
        if index > 0 && used + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        } else if index > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out.push('\n');
    out
}

/// Returns the command that the arguments lead to, and the words that name it, such as `connections setup resume`.
pub(super) fn reached(arguments: impl IntoIterator<Item = String>) -> (Command, String) {
    let mut reached = command();
    let mut path = "connections".to_owned();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            break;
        }
        if let Some(long) = argument.strip_prefix("--") {
            let takes = |known: &&clap::Arg| known.get_long() == Some(long) && known.get_action().takes_values();
            if reached.get_arguments().chain(command().get_arguments()).any(|known| takes(&known)) {
                arguments.next();
            }
            continue;
        }
        if argument.starts_with('-') {
            continue;
        }
        let Some(next) = reached.find_subcommand(&argument).cloned() else { break };
        path = format!("{path} {}", next.get_name());
        reached = next;
    }
    (reached, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overview_has_every_command_once() {
        let mut listed: Vec<_> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        listed.sort_unstable();
        let root = command();
        let mut commands: Vec<_> = root.get_subcommands().map(Command::get_name).collect();
        commands.retain(|name| *name != "help");
        commands.sort_unstable();
        assert_eq!(listed, commands);
    }

    #[test]
    fn every_line_of_every_help_fits_a_narrow_terminal() {
        fn check(command: &mut Command) {
            let help = command.render_long_help().to_string();
            for line in fitted(&help, Some(60)).lines() {
                assert!(line.chars().count() <= 60, "{}: {line}", command.get_name());
            }
            command.get_subcommands_mut().for_each(check);
        }
        let mut root = command();
        root.build();
        check(&mut root);
    }

    #[test]
    fn the_help_of_the_server_names_keys_that_exist_and_the_paths_that_it_serves() {
        let mut root = command();
        let help = root.find_subcommand_mut("serve").unwrap().render_long_help().to_string();
        let (settings, _) = help.split_once("Each of these is a key").unwrap();
        let first_words =
            settings.lines().filter_map(|line| line.strip_prefix("  ")).filter(|line| !line.starts_with(' '));
        let named = first_words.flat_map(|line| line.split("  ").next().unwrap_or_default().split(", "));
        let (paths, keys): (Vec<_>, Vec<_>) = named.map(str::trim).partition(|name| name.starts_with('/'));
        assert_eq!(paths, ["/", "/api/v1", "/healthz", "/readyz", "/livez", "/metrics"]);
        for key in ["inbound.listen", "inbound.public_url", "database_url", "key.file", "data_dir", "state_dir", "log"]
        {
            assert!(keys.contains(&key), "{key} is missing: {keys:?}");
        }
        for key in keys {
            assert!(crate::config::KEYS.iter().any(|known| known.name == key), "{key}");
        }
    }

    #[test]
    fn a_broken_line_keeps_its_column() {
        assert_eq!(fitted("  --json  one two three", Some(20)), "  --json  one two\n          three\n");
        assert_eq!(fitted("  --from-env <A=B>  one two", Some(20)), "  --from-env <A=B>\n      one two\n");
        assert_eq!(fitted("one two three", Some(8)), "one two\nthree\n");
        assert_eq!(fitted("one two three", None), "one two three");
    }

    #[test]
    fn options_and_their_values_lead_nowhere() {
        let path = |words: &[&str]| reached(words.iter().map(|word| (*word).to_owned())).1;
        assert_eq!(path(&["--data-dir", "list", "setup", "resume", "x"]), "connections setup resume");
        assert_eq!(path(&["--json", "lsit"]), "connections");
        assert_eq!(path(&["run", "claude", "--", "list"]), "connections run");
    }
}
