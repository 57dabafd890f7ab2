//! `completions SHELL` and `man`, generated from the command line's description.

use crate::{Error, Exit, args, cli::Program, name::name};

pub(super) fn completions(program: &Program, shell: clap_complete::Shell) -> Result<Exit, Error> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut args::command(), name(), &mut text);
    program.output.bytes(&text)?;
    Ok(Exit::Fine)
}

pub(super) fn manual(program: &Program) -> Result<Exit, Error> {
    let mut text = Vec::new();
    clap_mangen::Man::new(args::command()).render(&mut text).map_err(|error| Error::io("the manual", &error))?;
    program.output.bytes(&text)?;
    Ok(Exit::Fine)
}
