//! The arguments of the commands `link` and `tag`.

use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct Link {
    /// The connection to repair: KIND, KIND:LABEL, an id, or the end of an id
    #[arg(required_unless_present = "kinds")]
    pub(crate) connection: Option<String>,
    /// Connect a new account of this kind instead; may be repeated
    #[arg(long = "kind", value_name = "KIND", conflicts_with = "connection", value_parser = super::parse_kind)]
    pub(crate) kinds: Vec<String>,
    /// Set this tag on the new connection; may be repeated
    #[arg(long = "tag", value_name = "NAME=VALUE", conflicts_with = "connection")]
    pub(crate) tags: Vec<String>,
    /// Lead the person back to this address at the end
    #[arg(long, value_name = "URL")]
    pub(crate) return_to: Option<String>,
    /// Name by which the link is listed with the tokens
    #[arg(long, default_value = "Setup link")]
    pub(crate) name: String,
}

#[derive(Args, Debug)]
pub(crate) struct Tag {
    /// KIND, KIND:LABEL, an id, or the end of an id
    pub(crate) connection: String,
    /// All tags that the connection is to have
    #[arg(value_name = "NAME=VALUE", required_unless_present = "none")]
    pub(crate) tags: Vec<String>,
    /// Remove all tags
    #[arg(long, conflicts_with = "tags")]
    pub(crate) none: bool,
}
