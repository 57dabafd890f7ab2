//! Runs the real binary on SQLite, as a user would, against loopback servers that follow the providers' documentation.

include!("both.rs");

// These modules test words, files and terminals, which are the same on either engine.
mod canary;
mod damage;
mod embedding;
mod errors;
#[cfg(unix)]
mod first_hour;
mod input;
mod keys;
#[cfg(unix)]
mod manners;
mod mistakes;
mod oauth2;
#[cfg(unix)]
mod screen;
mod shapes;
#[cfg(unix)]
mod terminal;
mod trusted;
#[cfg(unix)]
mod typing;
mod usage;
#[cfg(unix)]
mod waits;
mod webhooks;
mod words;
