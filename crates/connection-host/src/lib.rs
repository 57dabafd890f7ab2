//! The binary `connections`.
