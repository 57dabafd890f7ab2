//! The person who answers a session, which decides what of the host's computer and network the session reaches.
//!
//! The owner of the process reaches private addresses that this owner enters. The visitor of a setup link reaches none
//! for any owner, except those that the maker of the link entered.

use connection_contract::{Origin, Record, host};
use connection_egress::{AllowedOrigin, NamedBy};

/// Marks a session that the visitor of a setup link answers.
const VISITOR: &str = "visitor";
/// The name of the field with an origin that the maker of the link entered.
const OPENED: &str = "opened";

/// The person who answers a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answerer {
    /// The owner of the session.
    #[default]
    Owner,
    /// The visitor of a setup link, with the origins that the maker of the link entered.
    Visitor(Vec<Origin>),
}

impl Answerer {
    /// Returns the person who counts as having named an origin that was entered in the session.
    pub(crate) fn naming(&self, origin: &Origin) -> NamedBy {
        match self {
            Self::Visitor(opened) if !opened.contains(origin) => NamedBy::Visitor,
            Self::Visitor(_) | Self::Owner => NamedBy::Owner,
        }
    }

    /// Returns an origin that was entered in the session, as requests may go to it.
    pub(crate) fn allowed(&self, origin: &Origin) -> AllowedOrigin {
        AllowedOrigin { origin: origin.clone(), named: self.naming(origin) }
    }

    /// Returns `true` if a visitor answers the session.
    pub(crate) fn is_visitor(&self) -> bool {
        matches!(self, Self::Visitor(_))
    }

    pub(crate) fn add_to(&self, record: Record) -> Record {
        let Self::Visitor(opened) = self else { return record };
        opened.iter().fold(record.with(VISITOR, ""), |record, origin| record.with(OPENED, origin.as_str()))
    }

    /// Returns the answerer in a record; `None` for one that `add_to` cannot have written.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        if record.find(VISITOR).is_none() {
            return Some(Self::Owner);
        }
        let opened = record.fields().filter(|(name, _)| *name == OPENED);
        opened.map(|(_, origin)| host::origin(origin.expose_str()?)).collect::<Option<_>>().map(Self::Visitor)
    }
}
