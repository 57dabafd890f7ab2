//! The table of tools, with one file for each.
//!
//! Each value comes from the tool's public documentation, which a comment beside it names. A value that only the
//! published package shows is marked with the version in which it was seen.

mod claude;
mod codex;
mod gemini;

pub(crate) use claude::CLAUDE;
pub(crate) use codex::CODEX;
pub(crate) use gemini::GEMINI;
