//! The terminal while a demo runs: a page of its own, given back at the end however it comes.

use std::io::{self, Write};

use console::Term;

/// A page of its own, without a cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[2J";
/// The page and the cursor as they were.
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";
/// To the upper left corner.
const HOME: &str = "\x1b[H";
/// The rest of the line, or of the page, is blank.
const REST_OF_LINE: &str = "\x1b[K";
const REST_OF_PAGE: &str = "\x1b[J";

/// A terminal that shows page after page.
pub struct Screen {
    term: Term,
}

impl Screen {
    /// Turns to a page of its own, or `None` where standard output is no terminal.
    pub fn enter() -> Option<Screen> {
        let term = Term::stdout();
        if !term.is_term() {
            return None;
        }
        io::stdout().write_all(ENTER.as_bytes()).ok()?;
        Some(Screen { term })
    }

    /// Columns and lines.
    pub fn size(&self) -> (usize, usize) {
        let (height, width) = self.term.size();
        (usize::from(width), usize::from(height))
    }

    /// Shows `lines` in one go, so that nothing flickers.
    ///
    /// # Errors
    ///
    /// Whatever the terminal says.
    pub fn show(&self, lines: &[String]) -> io::Result<()> {
        let mut page = String::from(HOME);
        for (at, line) in lines.iter().enumerate() {
            if at != 0 {
                page.push_str("\r\n");
            }
            page.push_str(line);
            page.push_str(REST_OF_LINE);
        }
        page.push_str(REST_OF_PAGE);
        let mut out = io::stdout().lock();
        out.write_all(page.as_bytes())?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The terminal may be gone; then there is nothing to give back.
        let mut out = io::stdout().lock();
        let _gone = out.write_all(LEAVE.as_bytes()).and_then(|()| out.flush());
    }
}
