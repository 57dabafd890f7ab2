//! The tabs of a window, and moving between the pages of a tab.

use fantoccini::wd::WindowHandle;

use super::{Browser, must};

/// A tab of a browser window. All tabs of a browser share its profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tab(WindowHandle);

impl Browser {
    /// Returns the tab to which the other methods apply.
    ///
    /// # Panics
    ///
    /// Panics if the browser does not answer.
    pub async fn tab(&self) -> Tab {
        Tab(must("a tab", self.client.window().await))
    }

    /// Opens an empty tab and shows it.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn open_tab(&self) -> Tab {
        let opened = must("a new tab", self.client.new_window(true).await);
        let tab = Tab(opened.handle);
        self.show(&tab).await;
        tab
    }

    /// Shows a tab.
    ///
    /// # Panics
    ///
    /// Panics if the tab was closed.
    pub async fn show(&self, tab: &Tab) {
        must("another tab", self.client.switch_to_window(tab.0.clone()).await);
    }

    /// Loads the current page again.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn reload(&self) {
        must("a reload", self.client.refresh().await);
    }

    /// Goes back to the previous page.
    ///
    /// # Panics
    ///
    /// Panics if the browser rejects the command.
    pub async fn back(&self) {
        must("back", self.client.back().await);
    }
}
