//! The windows in which a person logs in.

use core::time::Duration;

use crate::{BoxFuture, DisplayText, Link, Secret, Text};

/// Opens a window in which a person logs in, and reads a cookie from it.
pub trait LoginWindowService: Send + Sync {
    /// Opens a window and waits until it ends.
    ///
    /// # Cancellation
    ///
    /// The window closes when the future is dropped.
    fn open(&self, window: LoginWindow) -> BoxFuture<'_, LoginOutcome>;
}

/// A window in which a person logs in.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LoginWindow {
    /// Address that the window opens first.
    pub link: Link,
    /// Name of the cookie that shows that the person has logged in.
    pub cookie_name: Text,
    /// Domain of the cookie that shows that the person has logged in.
    pub cookie_domain: Text,
    /// Cookie store of the window. Windows of one partition share their cookies with each other and with no other
    /// window. The host prefixes it with the kind and the profile.
    pub partition: Text,
    /// Title of the window, which a person reads.
    pub title: DisplayText,
    /// Time after which the window closes.
    pub timeout: Duration,
}

impl LoginWindow {
    /// Creates a window with the title `Connect` that closes after five minutes.
    pub fn new(link: Link, cookie_name: impl Into<Text>, cookie_domain: impl Into<Text>) -> Self {
        Self {
            link,
            cookie_name: cookie_name.into(),
            cookie_domain: cookie_domain.into(),
            partition: Text::Borrowed("login"),
            title: "Connect".into(),
            timeout: Duration::from_secs(300),
        }
    }

    /// Sets the partition, whose cookies are separate from those of other partitions.
    #[must_use]
    pub fn partition(mut self, partition: impl Into<Text>) -> Self {
        self.partition = partition.into();
        self
    }

    /// Sets the title of the window.
    #[must_use]
    pub fn title(mut self, title: impl Into<DisplayText>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the time after which the window closes.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

/// The result of a login window.
#[derive(Debug)]
#[non_exhaustive]
pub enum LoginOutcome {
    /// The person closed the window.
    Cancelled,
    /// The host could not show the window.
    Failed(DisplayText),
    /// The person logged in. Holds the value of the cookie that shows it.
    Success(Secret),
    /// The window closed because its time was over.
    TimedOut,
}
