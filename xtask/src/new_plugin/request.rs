//! The arguments of `cargo xtask new-plugin`.

use super::{OAUTH2, TEMPLATE};
use crate::failure::Failure;

pub(crate) const HELP: &str = "\
Make a plugin that builds and whose tests pass

usage: cargo xtask new-plugin NAME [--oauth2] [--at DIR]

  NAME       the kind, as in `acme` or `acme-mail`: 1 to 64 of a-z, 0-9 and `-`
  --oauth2   a kind of OAuth 2, which is a configuration; otherwise an API key
  --at DIR   the directory to make it in, which must be empty or absent
             [default: connection-plugin-NAME beside this checkout]
  -h, --help show this help

The package is a workspace of its own. It builds against this checkout until
you delete its .cargo/config.toml. docs/guide/plugins.md goes on from there.";

/// The plugin that the arguments describe.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) name: &'a str,
    pub(crate) template: &'static str,
    pub(crate) at: Option<&'a str>,
}

impl<'a> Request<'a> {
    /// Reads the words after the command's name. Returns `None` if they ask for help.
    pub(crate) fn read(words: &[&'a str]) -> Result<Option<Self>, Failure> {
        let mut name = None;
        let mut template = TEMPLATE;
        let mut at = None;
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "-h" | "--help" => return Ok(None),
                "--oauth2" => template = OAUTH2,
                "--at" => at = Some(*words.next().ok_or_else(|| refused("`--at` needs a directory"))?),
                option if option.starts_with('-') => return Err(refused(&format!("unknown option `{option}`"))),
                _ if name.is_some() => return Err(refused(&format!("unexpected argument `{word}`"))),
                given => name = Some(given),
            }
        }
        let name = name.ok_or_else(|| refused("the name of the plugin is missing"))?;
        Ok(Some(Self { name, template, at }))
    }
}

fn refused(why: &str) -> Failure {
    Failure::new(format!("{why}; see `cargo xtask new-plugin --help`"))
}
