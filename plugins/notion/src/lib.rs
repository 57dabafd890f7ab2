//! Notion with an internal integration token.
#![no_std]
#![forbid(unsafe_code)]
