//! Runs a script whose lines are pasted at a terminal.
//!
//! Each line of a paste is input that waits for the next command that reads. Lines that are typed ahead must
//! therefore still be there after the commands have ended.

use std::process::{Command, Stdio};
use std::time::Duration;

use rexpect::{error::Error, session::spawn_command};

use crate::failure::Failure;

/// The line that the script prints when the terminal is ready for input.
const READY: &str = "-- ready 5c1d0e77 --";
/// Lines that are typed before the first command starts.
const TYPED: [&str; 4] = ["typed ahead 1", "typed ahead 2", "typed ahead 3", "typed ahead 4"];
/// Number of lines that are shown of a terminal that stopped.
const LAST: usize = 8;

/// Runs a script to its end or to its first command that fails, and returns its output.
///
/// Each question is awaited and answered. If there are no questions, lines are typed ahead, and must be left over at
/// the end.
pub(crate) fn run(
    command: impl FnOnce(&str) -> Command,
    script: &str,
    answers: &[(String, String)],
    longest: Duration,
    between: &str,
) -> Result<String, Failure> {
    let script = format!("echo '{READY}'\n{script}");
    let script = if answers.is_empty() { script + "IFS= read -r ahead\necho \"read: $ahead\"\n" } else { script };
    let mut command = command(&script);
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
    let patience = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX);
    let mut session = spawn_command(command, Some(patience)).map_err(failed)?;
    session.exp_string(READY).map_err(failed)?;
    if answers.is_empty() {
        session.send(&format!("{}\n", TYPED.join("\n"))).map_err(failed)?;
        session.flush().map_err(failed)?;
    }
    let mut said = String::new();
    for (question, answer) in answers {
        let before = session.exp_string(question).map_err(failed)?;
        said.push_str(&format!("{}{question}\n", plain(&before)));
        // A terminal in raw mode expects a carriage return for Enter.
        session.send(&format!("{answer}\r")).map_err(failed)?;
        session.flush().map_err(failed)?;
        // The rest of the line is the answer as the terminal draws it.
        session.exp_string("\n").map_err(failed)?;
    }
    said.push_str(&plain(&session.exp_eof().map_err(failed)?));
    let said = said.strip_prefix('\n').unwrap_or(&said);
    let (said, after) = said.rsplit_once(&format!("\n{between}\n")).unwrap_or(("", said));
    match after.trim().strip_prefix("read: ") {
        Some(first) if first == TYPED[0] => Ok(format!("{said}\n{between}\n")),
        Some(_) => Err(Failure::new("a command reads what is typed ahead at a terminal, so that it cannot be pasted")),
        None => Ok(format!("{said}\n{between}\n{after}")),
    }
}

/// Makes a failure with the last lines that the terminal showed, which usually contain an unexpected question.
fn failed(error: Error) -> Failure {
    let (what, got) = match error {
        Error::Timeout { got, timeout, .. } => (format!("nothing more came within {} s", timeout.as_secs()), got),
        Error::EOF { expected, got, .. } => (format!("it ended before it showed {expected:?}"), got),
        other => return Failure::new(format!("at a terminal: {other}")),
    };
    let got = plain(&got);
    let lines: Vec<&str> = got.split(['\r', '\n']).filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(LAST)..).unwrap_or_default();
    Failure::new(format!("at a terminal: {what}, and it showed last:\n{}", last.join("\n")))
}

/// Returns the text without control sequences. The terminal yields each byte as a character.
fn plain(shown: &str) -> String {
    let bytes: Vec<u8> = shown.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let shown = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
    let mut out = String::new();
    let mut rest = shown.as_str();
    while let Some((before, escape)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = escape.find(|c: char| c.is_ascii_alphabetic()).map_or(escape.len(), |end| end + 1);
        rest = escape.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}
