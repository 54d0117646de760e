//! The fenced blocks of a Markdown text, and how what they show is compared.

/// What lies between two fences.
#[derive(Debug)]
pub struct Block {
    /// The word behind the opening fence.
    pub language: String,
    /// Its lines.
    pub text: String,
    /// The line of the opening fence, from 1.
    pub line: usize,
}

impl Block {
    /// Whether this is the command that passes the tests: it is compared, not run within itself.
    pub fn is_the_test_command(&self) -> bool {
        self.language == "sh" && self.text.trim() == "tests/run"
    }

    /// The name that a first line `# name` gives, and the lines after it.
    pub fn file(&self) -> (&str, &str) {
        let (first, rest) = self.text.split_once('\n').unwrap();
        (first.strip_prefix("# ").expect("a file's name on the first line"), rest)
    }

    /// The commands of a `console` block, each with what it shows below; as in a shell, a command
    /// goes on in the lines that begin with `> `.
    pub fn commands(&self) -> Vec<(String, String)> {
        let mut commands: Vec<(String, String)> = Vec::new();
        for line in self.text.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                commands.push((command.to_owned(), String::new()));
            } else {
                let (command, shown) = commands.last_mut().expect("a command before what it shows");
                if let Some(more) = line.strip_prefix("> ").filter(|_| shown.is_empty()) {
                    command.push('\n');
                    command.push_str(more);
                    continue;
                }
                shown.push_str(line);
                shown.push('\n');
            }
        }
        commands
    }
}

/// The blocks of `markdown` in their order.
pub fn read(markdown: &str) -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, bool) = (Vec::new(), false);
    for (index, line) in markdown.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(language) if !open => {
                let (language, text) = (language.to_owned(), String::new());
                blocks.push(Block { language, text, line: index + 1 });
            }
            None if open => {
                let text = &mut blocks.last_mut().unwrap().text;
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
        open ^= line.starts_with("```");
    }
    assert!(!open, "the last block has no end");
    blocks
}

/// Whether `printed` is what `shown` shows: `…` alone on a line stands for any lines, or none,
/// and within a line for any text.
pub fn matches(shown: &str, printed: &str) -> bool {
    let (shown, printed): (Vec<&str>, Vec<&str>) =
        (shown.lines().collect(), printed.lines().collect());
    lines(&shown, &printed)
}

fn lines(shown: &[&str], printed: &[&str]) -> bool {
    match shown {
        [] => printed.is_empty(),
        ["…", rest @ ..] => (0..=printed.len()).any(|skipped| lines(rest, &printed[skipped..])),
        [first, rest @ ..] => {
            printed.first().is_some_and(|line| within(first, line)) && lines(rest, &printed[1..])
        }
    }
}

fn within(shown: &str, printed: &str) -> bool {
    let Some((head, mut tail)) = shown.split_once('…') else { return shown == printed };
    let Some(mut left) = printed.strip_prefix(head) else { return false };
    while let Some((part, rest)) = tail.split_once('…') {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
        tail = rest;
    }
    left.ends_with(tail)
}
