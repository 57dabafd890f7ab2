//! The list of connections says which extensions lack permissions of an account, and leads to the button that asks for them.

use super::{click, enter};
use crate::{
    extensions::FOREIGN,
    serve::{Serving, machine},
    visit::visit,
};

#[test]
fn the_list_names_an_extension_that_lacks_a_scope() {
    let machine = machine();
    machine.add_github("work").exits(0);
    let more = String::from_utf8(FOREIGN.to_vec()).expect("the file is text");
    let more = more.replace(r#"["repo", "read:user"]"#, r#"["repo", "notifications"]"#);
    let file = machine.write("foreign.json", more.as_bytes());
    machine.run(&["extensions", "add", &file]).exits(0);
    machine.run(&["extensions", "grant", "repositories", "github:work"]).exits(0);
    let serving = Serving::with_page(&machine);
    visit(async |browser| {
        enter(browser, &serving).await;
        let lacks = "repositories lacks permissions: notifications";
        browser.shows(lacks).await;
        click(browser, lacks).await;
        browser.shows("Missing permissions").await;
    });
}
