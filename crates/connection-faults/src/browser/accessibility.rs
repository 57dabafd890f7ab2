//! The checker of accessibility `axe-core`, which is run in a page.

use std::{fs, path::Path};

use serde_json::Value;

use super::Browser;
use crate::skip_notice;

/// The checker, which a test loads once and runs on many pages.
#[derive(Debug)]
pub struct AccessibilityChecker {
    source: String,
}

impl AccessibilityChecker {
    /// Loads the checker from the packages of `servers/`.
    ///
    /// Returns `None` if the packages are missing, after a notice. In continuous integration the test fails instead.
    ///
    /// # Panics
    ///
    /// Panics in continuous integration if the packages are missing.
    pub fn load() -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers/node_modules/axe-core/axe.min.js");
        let source = fs::read_to_string(path).ok();
        if source.is_none() {
            skip_notice::say("of accessibility", "the packages of `servers/` are not here");
        }
        source.map(|source| Self { source })
    }

    /// Checks the current page, and returns what a person with a disability cannot use or can hardly use: each rule
    /// that is violated in a serious or critical way, with the elements concerned.
    ///
    /// # Panics
    ///
    /// Panics if the checker fails.
    pub async fn violations(&self, browser: &Browser) -> Vec<String> {
        const RUN: &str = "return axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations)";
        if browser.run("return typeof axe", Vec::new()).await == "undefined" {
            browser.run(&self.source, Vec::new()).await;
        }
        let found = browser.run(RUN, Vec::new()).await;
        let found = found.as_array().expect("the checker returns a list").clone();
        found
            .iter()
            .filter(|violation| violation["impact"] == "serious" || violation["impact"] == "critical")
            .map(described)
            .collect()
    }
}

/// Returns the name of a rule with the elements that violate it and the reasons.
fn described(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    let nodes = nodes.iter().map(|node| {
        let reason = node["failureSummary"].as_str().unwrap_or_default().replace('\n', " ");
        format!("{}: {reason}", node["target"])
    });
    format!("{}: {}", violation["id"].as_str().unwrap_or_default(), nodes.collect::<Vec<_>>().join("; "))
}
