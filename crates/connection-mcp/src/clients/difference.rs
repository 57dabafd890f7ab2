//! The difference between two texts, line by line.

use std::fmt::{self, Write as _};

/// The number of equal lines that are shown before and after a change.
const CONTEXT: usize = 2;
/// The maximum number of pairs of lines that are compared. Beyond it, the whole middle counts as changed.
const MAX_PAIRS: usize = 4_000_000;

/// The difference between two contents of a file, for people: `Display` writes the changed lines in the form of
/// `diff -u`. The lines may contain secrets, so `Debug` shows only how many there are.
///
/// ```
/// use connection_mcp::clients::Difference;
///
/// let difference = Difference::between(b"one\ntwo\nthree\n", b"one\n2\nthree\n");
/// assert_eq!(difference.to_string(), "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
/// assert_eq!(format!("{difference:?}"), "Difference(1 removed, 1 added)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Difference {
    lines: Vec<Line>,
}

#[derive(Clone, PartialEq, Eq)]
struct Line {
    kind: Kind,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Added,
    Kept,
    Removed,
}

impl Difference {
    /// Compares two contents. Bytes that are not UTF-8 are shown as `�`.
    pub fn between(before: &[u8], after: &[u8]) -> Self {
        let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
        let before: Vec<&str> = before.split_inclusive('\n').collect();
        let after: Vec<&str> = after.split_inclusive('\n').collect();
        let head = before.iter().zip(&after).take_while(|(one, other)| one == other).count();
        let (head_lines, before_rest) = before.split_at(head);
        let after_rest = after.get(head..).unwrap_or_default();
        let tail =
            before_rest.iter().rev().zip(after_rest.iter().rev()).take_while(|(one, other)| one == other).count();
        let (before_middle, tail_lines) = before_rest.split_at(before_rest.len() - tail);
        let (after_middle, _) = after_rest.split_at(after_rest.len() - tail);
        let mut lines = Vec::new();
        push(&mut lines, Kind::Kept, head_lines);
        middle(&mut lines, before_middle, after_middle);
        push(&mut lines, Kind::Kept, tail_lines);
        Self { lines }
    }

    /// Returns `true` if the contents have the same lines.
    pub fn is_empty(&self) -> bool {
        self.count(Kind::Added) + self.count(Kind::Removed) == 0
    }

    fn count(&self, kind: Kind) -> usize {
        self.lines.iter().filter(|line| line.kind == kind).count()
    }

    /// Returns the ranges of lines to show: each change with its context.
    fn hunks(&self) -> Vec<std::ops::Range<usize>> {
        let mut hunks: Vec<std::ops::Range<usize>> = Vec::new();
        for (index, _) in self.lines.iter().enumerate().filter(|(_, line)| line.kind != Kind::Kept) {
            let (start, end) = (index.saturating_sub(CONTEXT), (index + CONTEXT + 1).min(self.lines.len()));
            match hunks.last_mut() {
                Some(last) if start <= last.end => last.end = end,
                _ => hunks.push(start..end),
            }
        }
        hunks
    }
}

fn push(lines: &mut Vec<Line>, kind: Kind, texts: &[&str]) {
    lines.extend(texts.iter().map(|text| Line { kind, text: (*text).to_owned() }));
}

/// Adds the lines between the common beginning and the common end, by a longest common subsequence.
fn middle(lines: &mut Vec<Line>, before: &[&str], after: &[&str]) {
    let width = after.len() + 1;
    if before.len().saturating_mul(after.len()) > MAX_PAIRS {
        push(lines, Kind::Removed, before);
        push(lines, Kind::Added, after);
        return;
    }
    // The length of the longest common subsequence of the lines from each pair on.
    let mut lengths = vec![0_u32; (before.len() + 1) * width];
    let length = |lengths: &[u32], row: usize, column: usize| lengths.get(row * width + column).copied().unwrap_or(0);
    for (row, one) in before.iter().enumerate().rev() {
        for (column, other) in after.iter().enumerate().rev() {
            let best = if one == other {
                length(&lengths, row + 1, column + 1) + 1
            } else {
                length(&lengths, row + 1, column).max(length(&lengths, row, column + 1))
            };
            if let Some(cell) = lengths.get_mut(row * width + column) {
                *cell = best;
            }
        }
    }
    let (mut row, mut column) = (0, 0);
    loop {
        match (before.get(row), after.get(column)) {
            (Some(one), Some(other)) if one == other => {
                push(lines, Kind::Kept, &[*one]);
                row += 1;
                column += 1;
            }
            (Some(one), other) => {
                if other.is_none() || length(&lengths, row + 1, column) >= length(&lengths, row, column + 1) {
                    push(lines, Kind::Removed, &[*one]);
                    row += 1;
                } else {
                    push(lines, Kind::Added, &other.copied().into_iter().collect::<Vec<_>>());
                    column += 1;
                }
            }
            (None, Some(other)) => {
                push(lines, Kind::Added, &[*other]);
                column += 1;
            }
            (None, None) => return,
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hunk in self.hunks() {
            let (earlier, rest) = self.lines.split_at(hunk.start);
            let (shown, _) = rest.split_at(hunk.len());
            let count = |lines: &[Line], other: Kind| lines.iter().filter(|line| line.kind != other).count();
            let side = |other: Kind| {
                let (before, inside) = (count(earlier, other), count(shown, other));
                format!("{},{inside}", if inside == 0 { before } else { before + 1 })
            };
            writeln!(f, "@@ -{} +{} @@", side(Kind::Added), side(Kind::Removed))?;
            for line in shown {
                f.write_char(match line.kind {
                    Kind::Added => '+',
                    Kind::Kept => ' ',
                    Kind::Removed => '-',
                })?;
                f.write_str(&line.text)?;
                if !line.text.ends_with('\n') {
                    f.write_str("\n\\ No newline at end of file\n")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Difference({} removed, {} added)", self.count(Kind::Removed), self.count(Kind::Added))
    }
}
