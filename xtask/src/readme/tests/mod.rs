//! Tests of running the commands of a document and comparing their output.

mod blocks;
mod session;
