//! Finds the blocks of a document that are to be run.

use crate::failure::Failure;
use crate::tidy::fence_of;

/// A fenced block of commands.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// Which world its commands see.
    pub(crate) world: World,
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

/// The blocks of a document that call themselves `console`.
pub(crate) fn blocks(text: &str) -> Result<Vec<Block>, Failure> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((_, line)) = lines.next() {
        let Some(fence) = fence_of(line) else { continue };
        let info = line.trim_start().trim_start_matches(fence).trim();
        let inside: Vec<(usize, &str)> = lines.by_ref().take_while(|(_, line)| line.trim() != fence).collect();
        if let Some(world) = world(info) {
            blocks.push(Block { world, steps: steps(&inside)? });
        }
    }
    Ok(blocks)
}

fn world(info: &str) -> Option<World> {
    let mut words = info.split([',', ' ']).filter(|word| !word.is_empty());
    if words.next() != Some("console") {
        return None;
    }
    Some(if words.any(|word| word == "provider") { World::Provider } else { World::Plain })
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
