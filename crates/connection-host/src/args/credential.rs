//! Commands that use a connection: `send`, `files`.

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
#[command(allow_missing_positional = true)]
pub(crate) struct Send {
    /// KIND, KIND:LABEL, an id, or the end of an id
    pub(crate) connection: String,
    /// GET, POST or another method
    #[arg(default_value = "GET")]
    pub(crate) method: String,
    /// The path at the provider's API; begins with `/`
    pub(crate) path: String,
    /// Send this header; may be repeated
    #[arg(short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// Print the status and the headers, too
    #[arg(short)]
    pub(crate) include: bool,
    /// Read the body from a file or standard input
    #[arg(long, value_name = "@FILE|@-")]
    pub(crate) data: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FilesCommand {
    /// List a directory
    Ls {
        /// A path in the connected directory; if there are several, `NAME/…` or an absolute path
        #[arg(default_value = "")]
        path: String,
    },
    /// Print a file
    Cat {
        /// A path, as for `ls`
        path: String,
    },
}
