//! The dialog that makes a setup link: its kinds are found by a search, and selected or left all at once.

use serde_json::json;

use super::{click, enter, go, screens};
use crate::{serve::Serving, visit::visit};

/// The number of ticked boxes of the dialog, the number of all, and the text that counts them.
const BOXES: &str = "
    const boxes = [...document.querySelectorAll('dialog[open] .pick-kinds input')];
    const status = document.querySelector('dialog[open] fieldset [role=status]').innerText;
    return [boxes.filter((box) => box.checked).length, boxes.length, status]";

#[test]
fn a_person_selects_all_kinds_that_the_search_finds_or_none_of_them() {
    let machine = screens::furnished();
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        enter(browser, &serving).await;
        go(browser, &serving, "/system").await;
        click(browser, "New setup link").await;
        browser
            .until("the kinds are listed", "return document.querySelectorAll('.pick-kinds input').length > 2", vec![])
            .await;
        let all = browser.run(BOXES, Vec::new()).await[1].as_u64().unwrap();
        assert_eq!(browser.run(BOXES, Vec::new()).await, json!([0, all, "0 kinds selected"]));
        browser.write("dialog[open] input[type=search]", "acme").await;
        browser
            .until("one kind is found", "return document.querySelectorAll('.pick-kinds input').length === 1", vec![])
            .await;
        click(browser, "Select all").await;
        let one =
            "return document.querySelector('dialog[open] fieldset [role=status]').innerText === '1 kind selected'";
        browser.until("one kind is selected", one, Vec::new()).await;
        assert_eq!(browser.run(BOXES, Vec::new()).await, json!([1, 1, "1 kind selected"]));
        let clear = "
            const field = document.querySelector('dialog[open] input[type=search]');
            field.value = '';
            field.dispatchEvent(new Event('input', { bubbles: true }))";
        browser.run(clear, Vec::new()).await;
        browser
            .until("every kind is found", "return document.querySelectorAll('.pick-kinds input').length > 2", vec![])
            .await;
        click(browser, "Select all").await;
        let every = "return document.querySelectorAll('.pick-kinds input:not(:checked)').length === 0
            && document.querySelectorAll('.pick-kinds input').length === arguments[0]";
        browser.until("every kind is selected", every, vec![json!(all)]).await;
        click(browser, "Select none").await;
        let none = "return document.querySelectorAll('.pick-kinds input:checked').length === 0";
        browser.until("no kind is selected", none, Vec::new()).await;
        assert_eq!(browser.run(BOXES, Vec::new()).await, json!([0, all, "0 kinds selected"]));
    });
}
