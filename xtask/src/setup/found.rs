//! Whether a tool is there, in a version that will do.

use std::fmt;

/// What a look at the machine gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It is there.
    Here,
    /// It is not there.
    Missing,
    /// It is there in this version, which will not do.
    Outdated(String),
}

impl Found {
    /// There or missing.
    pub(crate) fn when(is_there: bool) -> Self {
        if is_there { Self::Here } else { Self::Missing }
    }
}

/// The versions that will do: all that semver calls compatible with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The first number.
    pub(crate) major: u32,
    /// The second number.
    pub(crate) minor: u32,
}

impl Version {
    /// Reads what a tool says of itself: `name 1.2.3`, or the number alone.
    pub(crate) fn judge(self, said: &str) -> Found {
        let Some(version) = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())) else {
            return Found::Missing;
        };
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        let (major, minor) = (numbers.next().flatten(), numbers.next().flatten());
        let fits = major == Some(self.major)
            && if self.major == 0 { minor == Some(self.minor) } else { minor >= Some(self.minor) };
        if fits { Found::Here } else { Found::Outdated(version.to_owned()) }
    }

    /// As cargo wants it.
    pub(crate) fn requirement(self) -> String {
        format!("^{self}")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
