//! Everything that a person does with a mouse can be done with keys alone.

use connection_faults::browser::{Browser, Key};
use serde_json::Value;

use super::{click, enter, first_start, go, loaded};
use crate::{program::Machine, provider::NOTION_KEY, serve::Serving, visit::visit};

/// The largest number of controls between two that a person wants.
const MAX_STOPS: usize = 60;

/// Returns the element that has the focus.
const FOCUSED: &str = "
    const element = document.activeElement;
    const outlined = element.closest('.card') ?? element;
    const hasOutline = [element, outlined].some((each) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(each);
        return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0;
    });
    const { width, height, top, bottom } = element.getBoundingClientRect();
    const isInView = width > 0 && height > 0 && top < innerHeight && bottom > 0;
    const label = element.labels?.[0] ?? element.querySelector('strong') ?? element;
    const name = element.getAttribute('aria-label') ?? label.innerText;
    return {
        name: name.trim().split('\\n')[0],
        isNothing: element === document.body,
        isInDialog: element.closest('dialog[open]') !== null,
        isVisible: hasOutline && isInView && element.matches(':focus-visible'),
    }";

async fn focused(browser: &Browser) -> Value {
    browser.run(FOCUSED, Vec::new()).await
}

/// Presses a key that moves the focus, and returns the name of the control that has it now, or `None` after the last.
/// The focus must be visible.
async fn stop(browser: &Browser) -> Option<String> {
    browser.press(Key::Tab).await;
    let focused = focused(browser).await;
    if focused["isNothing"] == true {
        return None;
    }
    assert_eq!(focused["isVisible"], true, "the focus is not visible: {focused}");
    Some(focused["name"].as_str().unwrap().to_owned())
}

/// Moves the focus to the control with this name.
async fn move_to(browser: &Browser, name: &str) {
    let mut passed = Vec::new();
    while passed.len() < MAX_STOPS {
        match stop(browser).await {
            Some(stop) if stop == name => return,
            stop => passed.push(stop),
        }
    }
    panic!("no control is named {name:?}: {passed:?}");
}

/// Waits until the control with this name has the focus.
async fn gets_focus(browser: &Browser, name: &str) {
    let script = format!("const focused = (() => {{ {FOCUSED} }})(); return focused.name === arguments[0]");
    browser.until(&format!("{name:?} gets the focus"), &script, vec![name.into()]).await;
}

/// Moves the focus once around the dialog in each direction. It must not leave the dialog.
async fn stays_in_dialog(browser: &Browser) {
    let count = "return document.querySelectorAll('dialog[open] :is(a, button, input, select, textarea)').length";
    let count = browser.run(count, Vec::new()).await.as_u64().unwrap();
    assert!(count > 1, "the dialog has controls");
    for is_back in [false, true] {
        let mut inside = 0;
        for _ in 0..count * 2 + 2 {
            match is_back {
                true => browser.press_with_shift(Key::Tab).await,
                false => browser.press(Key::Tab).await,
            }
            let focused = focused(browser).await;
            assert!(focused["isInDialog"] == true || focused["isNothing"] == true, "it left the dialog: {focused}");
            inside += u64::from(focused["isInDialog"] == true);
        }
        assert!(inside > count, "the focus comes back into the dialog");
    }
}

#[test]
fn a_person_needs_no_mouse() {
    let machine = first_start();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        browser.resize(1280, 900).await;
        enter(browser, &serving).await;
        connects_an_account_and_renames_it(browser, &machine).await;
        finds_the_focus_on_the_next_step_of_a_setup_that_was_cancelled_or_waits(browser, &serving, &machine).await;
    });
}

async fn connects_an_account_and_renames_it(browser: &Browser, machine: &Machine) {
    // Without a screen before it, the focus begins at the top. The order is that of the screen.
    let mut stops = Vec::new();
    while let Some(name) = stop(browser).await {
        assert!(stops.len() < MAX_STOPS, "{stops:?}");
        stops.push(name);
    }
    let expected = [
        "Skip to the content",
        "Connections",
        "Connect an account",
        "Connections",
        "Extensions",
        "Agents",
        "Approvals",
        "Profiles",
        "Usage",
        "Activity",
        "System",
        "Appearance",
        "Connect an account",
    ];
    assert_eq!(stops, expected);

    // The link at the top leads past the navigation.
    move_to(browser, "Skip to the content").await;
    browser.press(Key::Enter).await;
    move_to(browser, "Connect an account").await;
    browser.press(Key::Enter).await;
    gets_focus(browser, "Search providers").await;
    loaded(browser).await;
    browser.type_text("acme").await;
    let one = "return document.querySelectorAll('.kind-pick').length === 1";
    browser.until("the search finds one kind", one, Vec::new()).await;
    move_to(browser, "Acme").await;
    browser.press(Key::Enter).await;

    // The field has the focus, and so has a field that is not filled in.
    gets_focus(browser, "API key").await;
    browser.press(Key::Enter).await;
    browser.shows("Enter a value for").await;
    gets_focus(browser, "API key").await;
    browser.type_text(NOTION_KEY).await;
    browser.press(Key::Enter).await;
    browser.shows("<b>Ada</b>").await;
    gets_focus(browser, "Show the connection").await;
    browser.press(Key::Enter).await;

    // A dialog takes the focus, keeps it, and gives it back.
    browser.shows("Who uses it").await;
    loaded(browser).await;
    gets_focus(browser, "<b>Ada</b>").await;
    move_to(browser, "Rename").await;
    browser.press(Key::Enter).await;
    gets_focus(browser, "Name").await;
    stays_in_dialog(browser).await;
    browser.press(Key::Escape).await;
    gets_focus(browser, "Rename").await;
    browser.press(Key::Enter).await;
    gets_focus(browser, "Name").await;
    browser.press(Key::End).await;
    browser.type_text(" at work").await;
    browser.press(Key::Enter).await;
    browser.shows("The name was changed.").await;
    gets_focus(browser, "Rename").await;
    machine.run(&["list"]).exits(0).says("<b>Ada</b> at work");
}

async fn finds_the_focus_on_the_next_step_of_a_setup_that_was_cancelled_or_waits(
    browser: &Browser,
    serving: &Serving,
    machine: &Machine,
) {
    go(browser, serving, "/connect/acme").await;
    click(browser, "Begin").await;
    gets_focus(browser, "API key").await;
    click(browser, "Cancel this setup").await;
    browser.shows("Cancel this setup?").await;
    // The same button of the dialog.
    click(browser, "Cancel this setup").await;
    gets_focus(browser, "Begin again").await;
    browser.press(Key::Enter).await;
    gets_focus(browser, "API key").await;
    machine.provider.tell(500, "", "");
    browser.type_text(NOTION_KEY).await;
    browser.press(Key::Enter).await;
    gets_focus(browser, "Try again now").await;
}
