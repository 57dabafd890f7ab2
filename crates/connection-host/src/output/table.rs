//! Tables that fit the terminal: the widest columns shrink first, and cut text ends with `…`.

use connection_api::Liveness;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::safe::safe_in_line;

const GAP: usize = 2;
/// The width below which a column shrinks only if no other column can shrink.
const NARROW: usize = 6;
/// The width to which a column that is never typed back may shrink if nothing else fits.
const HINT: usize = 3;
/// The width of the ids in the first column, which stay whole because a part of one would name nothing.
const ID: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Colour {
    Green,
    Red,
    Yellow,
}

/// A cell: text, and a colour that is used if colours are enabled.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    colour: Option<Colour>,
}

impl Cell {
    /// Returns a cell with a liveness in its colour.
    pub(crate) fn liveness(liveness: Liveness) -> Self {
        Self { text: liveness.to_string(), colour: Some(super::human::colour(liveness)) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: safe_in_line(text.into()), colour: None }
    }
}

/// Rows below a heading, whose columns are narrowed to the width of the terminal.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    heading: Vec<Cell>,
    rows: Vec<Vec<Cell>>,
    rigid: usize,
    headless: bool,
}

impl Table {
    /// Returns an empty table. The first `rigid` columns hold text that is typed back (ids, names) and shrink last.
    pub(crate) fn new<const N: usize>(heading: [&str; N], rigid: usize) -> Self {
        Self { heading: heading.map(Cell::from).to_vec(), rows: Vec::new(), rigid, headless: false }
    }

    /// Leaves out the heading, to continue a table that was printed before.
    pub(crate) fn without_heading(mut self) -> Self {
        self.headless = true;
        self
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.to_vec());
    }

    /// Returns the text of the table. Without a width nothing is cut.
    pub(crate) fn render(&self, width: Option<usize>, colours: bool) -> String {
        let mut widths = self.natural();
        if let Some(width) = width {
            fit(&mut widths, width, self.rigid);
        }
        let mut text = String::new();
        for row in Some(&self.heading).filter(|_| !self.headless).into_iter().chain(&self.rows) {
            let mut line = String::new();
            // Spaces are written only before the next cell with text, so that no line ends with spaces.
            let mut pending = 0;
            for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                let cut = truncate(&cell.text, *width);
                let used = cut.width();
                if !cut.is_empty() {
                    line.push_str(&" ".repeat(pending));
                    pending = 0;
                    match cell.colour.filter(|_| colours) {
                        Some(colour) => line.push_str(&paint(&cut, colour)),
                        None => line.push_str(&cut),
                    }
                }
                pending += width.saturating_sub(used) + GAP;
            }
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// Returns the width of the table if nothing is cut.
    pub(crate) fn width(&self) -> usize {
        let shown = self.natural().into_iter().filter(|width| *width > 0);
        shown.map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
    }

    /// Returns the widths of the columns if nothing is cut. A column without text below its heading has no width.
    fn natural(&self) -> Vec<usize> {
        (0..self.heading.len())
            .map(|column| {
                let of = |row: &Vec<Cell>| row.get(column).map_or(0, |cell| cell.text.width());
                let widest = self.rows.iter().map(of).max().unwrap_or(0);
                if widest == 0 { 0 } else { widest.max(of(&self.heading)) }
            })
            .collect()
    }
}

/// Shrinks the widest column again and again until the table fits, flexible columns first.
fn fit(widths: &mut [usize], width: usize, rigid: usize) {
    let (hard, soft) = widths.split_at_mut(rigid.min(widths.len()));
    loop {
        let shown = || hard.iter().chain(&*soft).filter(|width| **width > 0);
        let used = shown().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
        let gives_way = used > width
            && (narrow(soft, NARROW)
                || hard
                    .split_first_mut()
                    .is_some_and(|(first, names)| narrow(names, NARROW) || narrow(&mut [first], ID))
                || narrow(soft, HINT));
        if !gives_way {
            return;
        }
    }
}

/// Shrinks the widest of the columns that are wider than `least`; returns `false` if there is none.
fn narrow<W: std::borrow::BorrowMut<usize>>(columns: &mut [W], least: usize) -> bool {
    match columns.iter_mut().map(|width| width.borrow_mut()).max().filter(|width| **width > least) {
        Some(column) => {
            *column -= 1;
            true
        }
        None => false,
    }
}

/// Cuts the text to this width.
fn truncate(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        cut.push(character);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// Returns the text in a colour (ECMA-48, SGR).
pub(crate) fn paint(text: &str, colour: Colour) -> String {
    let [end, green, red, yellow] = PAINTS;
    let begin = match colour {
        Colour::Green => green,
        Colour::Red => red,
        Colour::Yellow => yellow,
    };
    format!("{begin}{text}{end}")
}

/// The sequences with which text is coloured (ECMA-48, section 8.3.117): the default, green, red and yellow.
pub(super) const PAINTS: [&str; 4] = ["\u{1b}[0m", "\u{1b}[32m", "\u{1b}[31m", "\u{1b}[33m"];

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["ID", "ACCOUNT", "NOTE"], 1);
        table.row(["01234567".into(), "日本語の名前".into(), "a long sentence about what is wrong".into()]);
        table.row(["89abcdef".into(), "octocat".into(), "".into()]);
        table
    }

    #[test]
    fn without_a_width_nothing_is_cut_and_no_line_ends_with_spaces() {
        let text = table().render(None, false);
        assert!(text.contains("a long sentence about what is wrong"));
        assert!(text.lines().all(|line| line == line.trim_end()), "{text}");
    }

    #[test]
    fn every_line_fits_the_terminal_and_ids_stay_whole() {
        for width in [30, 40, 50, 80] {
            let text = table().render(Some(width), false);
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
            assert!(text.contains("01234567"), "{width}:\n{text}");
        }
        assert!(table().render(Some(40), false).contains('…'));
    }

    #[test]
    fn beside_long_names_ids_stay_whole_too() {
        let mut table = Table::new(["ID", "CONNECTION", "ACCOUNT", "STATE", "NOTE"], 2);
        let label = format!("github:{}", "x".repeat(300));
        table.row(["01234567".into(), label.into(), "monalisa".into(), "offline".into(), "no answer in time".into()]);
        for width in [32, 40, 60, 80, 200] {
            let text = table.render(Some(width), false);
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
            assert!(text.contains("01234567"), "{width}:\n{text}");
        }
    }

    #[test]
    fn columns_begin_at_the_same_place() {
        let text = table().render(Some(60), false);
        let places: Vec<_> = text
            .lines()
            .zip(["ACCOUNT", "日本", "octocat"])
            .map(|(line, cell)| line[..line.find(cell).unwrap()].width())
            .collect();
        assert_eq!(places, [10, 10, 10]);
    }

    #[test]
    fn an_empty_column_is_left_out() {
        let mut table = Table::new(["A", "B", "C"], 1);
        table.row(["1".into(), "".into(), "3".into()]);
        assert!(!table.render(None, false).contains('B'));
    }

    #[test]
    fn colours_do_not_move_the_columns() {
        let mut table = Table::new(["A", "B"], 0);
        table.row([Cell::liveness(Liveness::Live), "x".into()]);
        assert_eq!(table.render(None, true), "A     B\n\u{1b}[32mlive\u{1b}[0m  x\n");
        assert_eq!(table.render(None, false), "A     B\nlive  x\n");
    }
}
