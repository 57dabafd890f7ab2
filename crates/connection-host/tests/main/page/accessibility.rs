//! Every screen of the page, every step of a setup and every dialog in both themes, under a checker of accessibility. Each
//! screen also moves nothing for a person who wants no motion, and does not scroll sideways at any width.

use std::collections::BTreeSet;

use connection_faults::browser::{AccessibilityChecker, Browser, Theme};
use serde_json::json;

use super::{add_acme, click, enter, go, loaded, screens};
use crate::{
    provider::NOTION_KEY,
    real::Real,
    serve::{Serving, links},
    visit::{visit, visit_with_failing_requests},
};

/// The widths of a small telephone, of a usual window, and of the widest screen.
const WIDTHS: [u32; 3] = [360, 3840, 1280];
const HEIGHT: u32 = 900;

/// Returns the width of the window, and the elements that are wider than their place.
const TOO_WIDE: &str = "
    const root = document.documentElement;
    const scrolls = (element) => ['auto', 'scroll'].includes(getComputedStyle(element).overflowX);
    const isTooWide = (element) => element.scrollWidth > element.clientWidth + 1;
    const found = [...document.querySelectorAll('#app *')].filter(
        (element) => element.checkVisibility() && scrolls(element) && isTooWide(element));
    if (isTooWide(root)) {
        const end = (element) => element.getBoundingClientRect().right;
        found.push(root, ...[...document.querySelectorAll('#app *')].filter((element) => end(element) > innerWidth + 1));
    }
    return [innerWidth, ...found.map((element) => `${element.tagName}.${element.getAttribute('class')}`)]";

/// Returns the elements that move by themselves or when they change, and their styles before and after them.
const MOVING: &str = "
    return [...document.querySelectorAll('*')].flatMap((element) => [null, '::before', '::after'].filter((part) => {
        const style = getComputedStyle(element, part);
        const lasts = style.transitionDuration.split(',').some((duration) => parseFloat(duration) > 0);
        return style.animationName !== 'none' || lasts || style.scrollBehavior === 'smooth';
    }).map((part) => `${element.tagName}.${element.className}${part ?? ''}`))";

/// A browser with the checker, and the violations found so far.
struct Audit<'a> {
    browser: &'a Browser,
    checker: &'a AccessibilityChecker,
    violations: Vec<String>,
}

impl<'a> Audit<'a> {
    async fn begin(browser: &'a Browser, checker: &'a AccessibilityChecker) -> Self {
        browser.set_view(1280, HEIGHT).await;
        Self { browser, checker, violations: Vec::new() }
    }

    /// Waits until a screen shows a text, and checks it in both themes, without motion and at all widths.
    async fn check_screen(&mut self, name: &str, shown: &str) {
        self.check(name, shown).await;
        self.check_motion(name).await;
        for width in WIDTHS {
            self.browser.set_view(width, HEIGHT).await;
            let found = self.browser.run(TOO_WIDE, Vec::new()).await;
            assert_eq!(found[0], width, "{name}");
            if found[1].is_string() {
                self.violations.push(format!("{name} is too wide at {found}"));
            }
        }
    }

    /// Checks that nothing moves, for a person who wants no motion.
    async fn check_motion(&mut self, name: &str) {
        let moving = self.moving().await;
        self.violations.extend(moving.iter().map(|element| format!("{name}: {element} moves")));
    }

    /// Waits until the page shows a text, and checks it in both themes.
    async fn check(&mut self, name: &str, shown: &str) {
        self.browser.shows(shown).await;
        loaded(self.browser).await;
        let mut colours = BTreeSet::new();
        for theme in [Theme::Light, Theme::Dark] {
            self.browser.set_theme(theme).await;
            let colour = self.browser.run("return getComputedStyle(document.body).backgroundColor", Vec::new()).await;
            colours.insert(colour.to_string());

            let violations = self.checker.violations(self.browser).await;
            self.violations.extend(violations.iter().map(|violation| format!("{name}, {theme:?}: {violation}")));
        }
        assert_eq!(colours.len(), 2, "{name} looks the same in both themes");
        let titles = self.browser.run("return document.querySelectorAll('h1').length", Vec::new()).await;
        assert_eq!(titles, 1, "{name} has one main heading");
    }

    async fn moving(&self) -> Vec<String> {
        serde_json::from_value(self.browser.run(MOVING, Vec::new()).await).unwrap()
    }

    fn end(self) {
        assert!(self.violations.is_empty(), "{}", self.violations.join("\n"));
    }
}

#[test]
fn every_screen_is_accessible_in_both_themes_moves_nothing_and_fits_any_width() {
    let Some(checker) = AccessibilityChecker::load() else { return };
    let machine = screens::furnished();
    let visits = screens::visits(&machine);
    let serving = Serving::with_page(&machine);
    visit_with_failing_requests(async |browser| {
        let mut audit = Audit::begin(browser, &checker).await;
        enter(browser, &serving).await;
        assert_ne!(audit.moving().await, [""; 0], "buttons change their colour by and by for others");
        for (path, shown) in &visits {
            go(browser, &serving, path).await;
            if path == "/system" {
                click(browser, "Check now").await;
                audit.check_screen("the report of the doctor", "State directory").await;
            } else {
                audit.check_screen(path, shown).await;
            }
        }
        // A link within the page may lead nowhere.
        let script = "history.pushState({}, '', '/nowhere'); window.dispatchEvent(new PopStateEvent('popstate'))";
        browser.run(script, Vec::new()).await;
        audit.check_screen("no screen", "There is no such page").await;
        audit.end();
        browser.set_view(500, HEIGHT).await;
        go(browser, &serving, "/").await;
        click(browser, "Menu").await;
        browser.shows("Extensions").await;
        assert_eq!(checker.violations(browser).await, [""; 0], "the menu of a narrow window");
    });
}

#[test]
fn every_dialog_is_accessible_in_both_themes() {
    let Some(checker) = AccessibilityChecker::load() else { return };
    let machine = screens::furnished();
    let github = format!("/connections/{}", screens::id_of(&machine, "github"));
    let dialogs = [
        (github.as_str(), "Rename", "Name"),
        (&github, "Reconnect", "stays in use until"),
        (&github, "No longer the default", "default connection"),
        (&github, "Remove", "This cannot be undone"),
        ("/extensions", "Add an extension", "Manifest"),
        ("/extensions/issues", "Remove the extension", "is revoked"),
        ("/agents", "New agent", "For example nightly-report"),
        ("/agents/nightly-report", "Grant a connection", "Which connection may"),
        ("/agents/nightly-report", "Change the rules: work", "at most 500 requests in 1h"),
        ("/agents/nightly-report", "Revoke: work", "is refused"),
        ("/agents/nightly-report", "New token", "Accepted at"),
        ("/agents/nightly-report", "Freeze", "Within a second"),
        ("/agents/nightly-report", "Remove the agent", "Its connections stay"),
        (&github, "Freeze", "Within a second"),
        ("/system", "Freeze everything", "Within a second"),
        ("/profiles", "New profile", "Directory"),
        ("/system", "New token", "What the token is for"),
        ("/system", "New setup link", "Kinds that may be connected"),
        ("/system", "Sign out of this browser", "is revoked"),
    ];
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        let mut audit = Audit::begin(browser, &checker).await;
        enter(browser, &serving).await;
        for (path, name, shown) in dialogs {
            go(browser, &serving, path).await;
            click(browser, name).await;
            browser.until("the dialog is open", "return document.querySelector('dialog[open]') !== null", vec![]).await;
            audit.check(&format!("the dialog {name:?}"), shown).await;
        }
        go(browser, &serving, "/system").await;
        click(browser, "New token").await;
        browser.write("dialog input", "Cockpit").await;
        browser.click("dialog button[type=submit]").await;
        audit.check("a new token", "It is not shown again").await;
        audit.check_motion("a dialog").await;
        audit.end();
    });
}

#[test]
fn every_step_of_a_setup_is_accessible_in_both_themes() {
    let Some(checker) = AccessibilityChecker::load() else { return };
    let Some(real) = Real::start(json!({})) else { return };
    add_acme(&real.machine, &format!("\"{0}\" = \"{0}\"\n", real.server.issuer()));
    let mut command = real.command(&["serve", "--json", "--print-page"]);
    command.env("CONNECTIONS_INBOUND__LISTEN", "127.0.0.1:0");
    let serving = Serving::of(command);
    visit(async |browser| {
        let mut audit = Audit::begin(browser, &checker).await;
        enter(browser, &serving).await;
        audit.check_screen("the first start", "Connect your first account").await;
        for connected in ["Connected as", "This account was not connected"] {
            begin(browser, &serving, "acme").await;
            audit.check_screen("a form", "API key").await;
            browser.click("form button[type=submit]").await;
            audit.check_screen("a form that is not filled in", "Enter a value for").await;
            browser.write("form input[type=password]", NOTION_KEY).await;
            browser.click("form button[type=submit]").await;
            audit.check_screen(connected, connected).await;
        }
        begin(browser, &serving, "real").await;
        audit.check_screen("a form with a guide", "Register an application").await;
        begin(browser, &serving, "real-public").await;
        audit.check_screen("an address to open", "Sign in at Real").await;
        begin(browser, &serving, "real-chosen").await;
        audit.check_screen("a choice", "Continue").await;
        browser.run("document.querySelector('form select').value = 'device'; document.querySelector('form select').dispatchEvent(new Event('change', { bubbles: true }))", vec![]).await;
        browser.click("form button[type=submit]").await;
        audit.check_screen("a code for another device", "Enter this code").await;
        click(browser, "Cancel this setup").await;
        audit.check("the question whether to cancel", "Keep it").await;
        click(browser, "Cancel this setup").await;
        audit.check_screen("a setup that was cancelled", "This setup was cancelled").await;
        audit.end();
    });
}

/// Begins a setup of a kind and waits for its first step.
async fn begin(browser: &Browser, serving: &Serving, kind: &str) {
    go(browser, serving, &format!("/connect/{kind}")).await;
    browser.click("form button[type=submit]").await;
    browser.until("a setup has begun", "return location.pathname.startsWith('/setups/')", Vec::new()).await;
}

#[test]
fn the_pages_of_visitors_without_access_and_of_setup_links_are_accessible_in_both_themes() {
    let Some(checker) = AccessibilityChecker::load() else { return };
    let machine = links::host();
    let serving = Serving::start(&machine);
    let address = links::link(&machine, &serving, &["acme", "notion"]);
    visit_with_failing_requests(async |browser| {
        let mut audit = Audit::begin(browser, &checker).await;
        browser.open(&format!("{}/", serving.url)).await;
        audit.check("a visitor without access", "Open this page from your terminal").await;
        browser.open(&format!("{}/#code=cn_unknown", serving.url)).await;
        browser.reload().await;
        browser.open("about:blank").await;
        browser.open(&format!("{}/#code=cn_unknown", serving.url)).await;
        audit.check("a visitor with a code that is not valid", "Open this page from your terminal").await;
        browser.open("about:blank").await;
        browser.open(&address).await;
        audit.check("a setup link", "Choose what to connect").await;
        browser.click("button.kind-pick").await;
        audit.check("the form of a setup link", "Continue").await;
        browser.write("form input[type=password]", NOTION_KEY).await;
        browser.click("form button[type=submit]").await;
        audit.check("the end of a setup link", "Return to Example Reports").await;
        browser.open_tab().await;
        browser.open(&address).await;
        audit.check("a setup link that was used", "This link was already opened").await;
        audit.end();
    });
}
