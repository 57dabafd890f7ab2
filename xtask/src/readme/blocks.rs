//! Finds the blocks of a document that are to be run.

use crate::failure::Failure;
use crate::tidy::fence_of;

/// A fenced block of commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Which world its commands see.
    pub(crate) world: World,
    /// Where its commands run.
    pub(crate) venue: Venue,
    /// Its commands, in order.
    pub(crate) steps: Vec<Step>,
}

/// Which world the commands of a block see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    /// A machine alone.
    Plain,
    /// The providers on this machine, and credentials for them.
    Provider,
}

/// Where the commands of a block run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Venue {
    /// Into pipes, and pasted at a terminal.
    Everywhere,
    /// At a terminal alone, where a person answers questions.
    Terminal,
    /// Not here: a rule says who runs its first command.
    Elsewhere,
}

/// One command, and what it is said to write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Counted from 1.
    pub(crate) line: usize,
    /// What is typed after `$ `.
    pub(crate) command: String,
    /// The lines below it; where there are none, any output will do.
    pub(crate) expected: Vec<String>,
}

impl Step {
    /// The questions that the document shows, and what a person answers: `? QUESTION  ANSWER`.
    pub(crate) fn answers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.expected.iter().filter_map(|line| question(line))
    }
}

/// The question and the answer of a line, which two spaces keep apart.
pub(crate) fn question(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("? ").and_then(|line| line.split_once("  "))
}

/// The blocks of a document that call themselves `console`, and those that show commands in another way.
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

/// A block whose commands are shown without a promise that they run here.
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
