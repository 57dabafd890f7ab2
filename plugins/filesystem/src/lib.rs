//! Local directories, bounded and read only.
#![no_std]
#![forbid(unsafe_code)]
