//! The text of a file before it is parsed: its name, its format, its size and its encoding.

use std::path::Path;

use super::problem::Problem;

/// The maximum size of a file in bytes.
pub(crate) const MAX_BYTES: usize = 64 * 1024;
/// The maximum depth of a JSON file. The parser of TOML has a limit of its own.
const MAX_DEPTH: usize = 24;

/// The text of a file, and its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'t> {
    pub(crate) name: &'t str,
    pub(crate) text: &'t str,
    /// The line of the file at which the text begins, for one text of a file that has several.
    pub(crate) first_line: Option<u32>,
    /// `true` if the file must be called after its id.
    is_named: bool,
}

impl<'t> Text<'t> {
    /// Returns the text of a file that is called after its id.
    pub(crate) fn named(name: &'t str, text: &'t str) -> Self {
        Self { name, text, first_line: None, is_named: true }
    }

    /// Returns the text of a file that may have any name, or of one line of a file.
    pub(crate) fn loose(name: &'t str, text: &'t str, first_line: Option<u32>) -> Self {
        Self { name, text, first_line, is_named: false }
    }

    fn has_extension(self, wanted: &str) -> bool {
        Path::new(self.name).extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted))
    }

    /// Returns `true` for JSON: by the extension, or by the first character of a file without a known one. A file with
    /// several texts has one JSON value on each line.
    pub(crate) fn is_json(self) -> bool {
        self.first_line.is_some()
            || self.has_extension("json")
            || !self.has_extension("toml") && self.text.trim_start().starts_with('{')
    }

    /// Returns the id that a file of this name must have: its name without directory and extension. `None` if the file
    /// may have any name.
    pub(crate) fn stem(self) -> Option<&'t str> {
        let is_known = self.is_named && (self.has_extension("toml") || self.has_extension("json"));
        Path::new(self.name).file_stem().and_then(|stem| stem.to_str()).filter(|_| is_known)
    }

    /// Refuses what no parser should be given.
    pub(crate) fn sized(self) -> Result<(), Problem> {
        if self.text.len() > MAX_BYTES {
            return Err(too_large(self.name, self.first_line));
        }
        if self.is_json() && crate::json::depth(self.text.as_bytes()) > MAX_DEPTH {
            let rule = "a file may have at most 24 levels; nest it less deeply";
            return Err(Problem::new(self.name, self.first_line, "", rule));
        }
        Ok(())
    }
}

/// Returns the bytes of a file as text. A byte order mark is left out.
pub(crate) fn decode<'b>(name: &str, first_line: Option<u32>, bytes: &'b [u8]) -> Result<&'b str, Problem> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large(name, first_line));
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.iter().take(error.valid_up_to());
        let breaks = u32::try_from(before.filter(|byte| **byte == b'\n').count()).unwrap_or(u32::MAX);
        let line = first_line.unwrap_or(1).saturating_add(breaks);
        Problem::new(name, Some(line), "", "this is not text in UTF-8; save the file in this encoding")
    })
}

fn too_large(name: &str, first_line: Option<u32>) -> Problem {
    let rule = match first_line {
        None => "a file may have at most 64 KiB; describe one kind in each file",
        Some(_) => "a line may have at most 64 KiB; describe one kind in each line",
    };
    Problem::new(name, first_line, "", rule)
}
