//! The table: one file per tool.
//!
//! Each value is of the tool's public documents, which are named beside it; what only the published package showed says
//! with which version it was seen.

mod claude;
mod codex;
mod gemini;

pub(crate) use claude::CLAUDE;
pub(crate) use codex::CODEX;
pub(crate) use gemini::GEMINI;
