//! The result of looking for a tool, and the check of its version.

use std::fmt;

/// The result of looking for a tool on this machine.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Detection {
    /// The tool is installed.
    Here,
    /// The tool is not installed.
    Missing,
    /// The tool is installed in this version, which is not compatible.
    Outdated(String),
}

impl Detection {
    /// Returns `Here` or `Missing`.
    pub(crate) fn when(is_there: bool) -> Self {
        if is_there { Self::Here } else { Self::Missing }
    }
}

/// The accepted versions: all that semver considers compatible with this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl Version {
    /// Checks the version that a tool prints, in the form `name 1.2.3` or as the number alone.
    pub(crate) fn judge(self, said: &str) -> Detection {
        let Some(version) = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit())) else {
            return Detection::Missing;
        };
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().ok());
        let major = numbers.next().flatten();
        let minor = numbers.next().flatten();
        let fits = major == Some(self.major)
            && if self.major == 0 { minor == Some(self.minor) } else { minor >= Some(self.minor) };
        if fits { Detection::Here } else { Detection::Outdated(version.to_owned()) }
    }

    /// Returns the version as a requirement for cargo.
    pub(crate) fn requirement(self) -> String {
        format!("^{self}")
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
