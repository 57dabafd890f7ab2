//! `completions SHELL`, which prints the script of a shell, and `man`, generated from the command line's description.

use crate::{Error, Exit, args, completion, program::Program};

pub(super) fn completions(program: &Program, shell: clap_complete::Shell) -> Result<Exit, Error> {
    program.output.bytes(&completion::script(&shell.to_string())?)?;
    Ok(Exit::Fine)
}

pub(super) fn manual(program: &Program) -> Result<Exit, Error> {
    let mut text = Vec::new();
    clap_mangen::Man::new(args::command()).render(&mut text).map_err(|error| Error::io("the manual", &error))?;
    program.output.bytes(&text)?;
    Ok(Exit::Fine)
}
