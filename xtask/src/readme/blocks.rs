//! Finds the blocks of a document whose commands are run.

use crate::failure::Failure;
use crate::markdown::fence_of;

/// A fenced block of commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The environment that its commands see.
    pub(crate) world: World,
    /// The way in which its commands are run.
    pub(crate) venue: Venue,
    /// The commands of the block, in the order in which they are run.
    pub(crate) steps: Vec<Step>,
}

/// The environment that the commands of a block see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// A machine from which no provider can be reached.
    Plain,
    /// A machine that runs the providers, and has credentials for them.
    Provider,
}

/// The way in which the commands of a block are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Venue {
    /// The commands run with pipes, and also pasted at a terminal.
    Everywhere,
    /// The commands run only at a terminal, where a person answers questions.
    Terminal,
    /// The commands are not run by this check. A rule names the check that runs the first of them.
    Elsewhere,
}

/// A command and its expected output.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// The line of the command, counted from 1.
    pub(crate) line: usize,
    /// The command line, without the prompt `$ `.
    pub(crate) command: String,
    /// The expected lines. If there are none, any output is accepted.
    pub(crate) expected: Vec<String>,
}

impl Step {
    /// Returns the questions and answers that the document shows in the form `? QUESTION  ANSWER`.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.expected.iter().filter_map(|line| question(line))
    }
}

/// Splits a line into its question and its answer, which are separated by two spaces.
pub(crate) fn question(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("? ").and_then(|line| line.split_once("  "))
}

/// Returns the `console` blocks of a document, and the blocks that show commands in another way.
pub(crate) fn blocks(text: &str) -> Result<Vec<Block>, Failure> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((_, line)) = lines.next() {
        let Some(fence) = fence_of(line) else { continue };
        let info = line.trim_start().trim_start_matches(fence).trim();
        let inside: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, line)| line.trim() != fence).collect();
        let mut words = info.split([',', ' ']).filter(|word| !word.is_empty());
        match words.next() {
            Some("console") => {
                let words: Vec<&str> = words.collect();
                let world = if words.contains(&"provider") { World::Provider } else { World::Plain };
                let venue = if words.contains(&"terminal") { Venue::Terminal } else { Venue::Everywhere };
                blocks.push(Block { world, venue, steps: steps(&inside)? });
            }
            Some(language) => blocks.extend(shown(language, &inside)),
            None => {}
        }
    }
    Ok(blocks)
}

/// Returns a block whose commands are shown, but not run by this check.
fn shown(language: &str, lines: &[(usize, &str)]) -> Option<Block> {
    let (line, first) = lines.first()?;
    let command = match language {
        "sh" | "bash" | "shell" => first,
        "text" => first.strip_prefix("$ ")?,
        _ => return None,
    };
    let step = Step { line: *line, command: command.to_owned(), expected: Vec::new() };
    Some(Block { world: World::Plain, venue: Venue::Elsewhere, steps: vec![step] })
}

fn steps(lines: &[(usize, &str)]) -> Result<Vec<Step>, Failure> {
    let mut steps: Vec<Step> = Vec::new();
    let mut goes_on = false;
    for (number, line) in lines {
        if goes_on && let Some(step) = steps.last_mut() {
            step.command.push('\n');
            step.command.push_str(line.strip_prefix("> ").unwrap_or(line));
        } else if let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { line: *number, command: command.to_owned(), expected: Vec::new() });
        } else if let Some(step) = steps.last_mut() {
            step.expected.push((*line).to_owned());
            continue;
        } else if line.trim().is_empty() {
            continue;
        } else {
            return Err(Failure::new(format!("{number}: a `console` block starts with a line that begins with `$ `")));
        }
        goes_on = line.ends_with('\\');
    }
    Ok(steps)
}
