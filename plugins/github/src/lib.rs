//! GitHub with a personal access token.
#![no_std]
#![forbid(unsafe_code)]
