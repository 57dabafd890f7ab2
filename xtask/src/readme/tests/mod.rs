//! What of a document is run, and how it is compared.

mod blocks;
mod session;
