//! Commands that use a connection: `send`, `files`.

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct Send {
    /// An id, any unique end of one, KIND, or KIND:LABEL
    pub(crate) connection: String,
    /// GET, POST, …
    pub(crate) method: String,
    /// Below the connection's base; begins with `/`
    pub(crate) path: String,
    /// A header; may be repeated
    #[arg(short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Prints status and headers too
    #[arg(short)]
    pub(crate) include: bool,
    /// The body, from a file or from standard input
    #[arg(long, value_name = "@FILE|@-")]
    pub(crate) data: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FilesCommand {
    /// What is in a directory
    Ls {
        /// Relative to the granted directory; with several, `NAME/…` or an absolute path
        #[arg(default_value = "")]
        path: String,
    },
    /// Prints a file
    Cat {
        /// As for `ls`
        path: String,
    },
}
