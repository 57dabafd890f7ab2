//! The faults of a server's certificate, each with its sentence and its remedy.

use alloc::format;
use core::fmt;

use crate::{DisplayText, Timestamp};

/// The reason why a host does not accept the certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The certificate has ended.
    Expired {
        /// The time by which the host decided, which is wrong if its clock is.
        clock: Timestamp,
    },
    /// The certificate has not begun.
    NotYetValid {
        /// The time by which the host decided, which is wrong if its clock is.
        clock: Timestamp,
    },
    /// The certificate is for other host names.
    OtherName,
    /// The certificate is signed with its own key, so that no authority vouches for it.
    SelfSigned,
    /// The authority that issued the certificate is not one that the host trusts.
    UnknownAuthority,
}

impl CertificateFault {
    /// Returns what a person can do about it.
    pub fn remedy(self) -> DisplayText {
        DisplayText::from(match self {
            Self::Expired { .. } => {
                "if that date is wrong, set the clock of this machine; otherwise the server's operator has to renew the \
                 certificate"
            }
            Self::NotYetValid { .. } => {
                "set the clock of this machine if that date is wrong; otherwise wait until the certificate begins, or ask \
                 the server's operator"
            }
            Self::OtherName => {
                "correct the host name in the address, or ask the server's operator for a certificate of that name; in a \
                 network with a sign-in page of its own, sign in there first"
            }
            Self::SelfSigned => "if the server is your own, add its certificate to those that this host trusts",
            Self::UnknownAuthority => {
                "if an authority of your own issued the certificate, add it to the authorities that this host trusts"
            }
        })
    }
}

/// Formats what is wrong as a clause that follows the name of the server and a colon.
impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired { clock } => {
                write!(f, "its certificate has expired (the clock of this machine says {})", clock.to_rfc3339())
            }
            Self::NotYetValid { clock } => {
                write!(f, "its certificate is not valid yet (the clock of this machine says {})", clock.to_rfc3339())
            }
            Self::OtherName => f.write_str("its certificate is for another host name"),
            Self::SelfSigned => f.write_str("its certificate is self-signed, so no authority vouches for it"),
            Self::UnknownAuthority => {
                f.write_str("its certificate is not trusted here, because no authority that this host knows issued it")
            }
        }
    }
}

impl From<CertificateFault> for DisplayText {
    fn from(fault: CertificateFault) -> Self {
        format!("{fault}").into()
    }
}
