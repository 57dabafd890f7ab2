//! The final content of a terminal, computed from text and from sequences that move the cursor and erase.

/// The terminal of a person, without colours.
pub(crate) struct Screen {
    columns: usize,
    lines: Vec<Vec<char>>,
    row: usize,
    column: usize,
}

impl Screen {
    /// Returns the lines that a terminal of this width shows after these bytes, each of which is given as a character.
    pub(crate) fn shown(columns: usize, written: &str) -> String {
        let bytes = written.chars().map(|c| u8::try_from(u32::from(c)).expect("a byte")).collect();
        let text = String::from_utf8(bytes).expect("it is text");
        let mut screen = Self { columns, lines: Vec::new(), row: 0, column: 0 };
        let mut rest = text.as_str();
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match (c, rest.strip_prefix('[')) {
                ('\u{1b}', Some(sequence)) => {
                    let end = sequence.find(|c: char| c.is_ascii_alphabetic()).expect("a sequence ends");
                    screen.obey(&sequence[..end], &sequence[end..=end]);
                    rest = &sequence[end + 1..];
                }
                _ => screen.put(c),
            }
        }
        let lines = screen.lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned() + "\n");
        lines.collect()
    }

    fn put(&mut self, c: char) {
        match c {
            '\r' => self.column = 0,
            '\n' => self.row += 1,
            '\u{7}' => {}
            c => {
                if self.column == self.columns {
                    (self.row, self.column) = (self.row + 1, 0);
                }
                let column = self.column;
                let line = self.line();
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                self.column += 1;
            }
        }
    }

    /// Applies a control sequence, as far as our prompts use them: <https://www.xfree86.org/current/ctlseqs.html>.
    fn obey(&mut self, parameters: &str, sequence: &str) {
        let count = parameters.parse().unwrap_or(1).max(1);
        let column = self.column;
        match sequence {
            "A" => self.row = self.row.saturating_sub(count),
            "B" => self.row += count,
            "C" => self.column = (column + count).min(self.columns - 1),
            "D" => self.column = column.saturating_sub(count),
            "G" => self.column = count - 1,
            "J" => {
                self.line().truncate(column);
                let row = self.row;
                self.lines.truncate(row + 1);
            }
            "K" if parameters == "2" => self.line().clear(),
            "K" if parameters == "1" => self.line().iter_mut().take(column + 1).for_each(|c| *c = ' '),
            "K" => self.line().truncate(column),
            // Colours and the visibility of the cursor are not recorded.
            "m" | "h" | "l" => {}
            other => panic!("the terminal of these tests does not know ESC [ {parameters} {other}"),
        }
    }

    fn line(&mut self) -> &mut Vec<char> {
        self.lines.resize(self.lines.len().max(self.row + 1), Vec::new());
        &mut self.lines[self.row]
    }
}

#[test]
fn what_is_erased_or_written_over_is_not_shown() {
    assert_eq!(Screen::shown(80, "one\r\ntwo"), "one\ntwo\n");
    assert_eq!(Screen::shown(80, "waiting (1 s)\r\u{1b}[2Kdone\r\n"), "done\n");
    assert_eq!(Screen::shown(80, "abc\u{1b}[2DX\u{1b}[K\u{1b}[1B\rd\u{1b}[1A\u{1b}[32mY\u{1b}[0m"), "aY\nd\n");
    assert_eq!(Screen::shown(80, "a\r\nb\r\nc\u{1b}[2A\u{1b}[J"), "a\n");
    assert_eq!(Screen::shown(3, "abcd"), "abc\nd\n");
    assert_eq!(Screen::shown(80, "\u{c2}\u{b7}"), "·\n");
}
