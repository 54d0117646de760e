//! The view as lines of a terminal.
//!
//! Rules   as many lines as the terminal has, none wider than it; colours only where the terminal
//!         wants them.

use console::{Alignment, Style, pad_str, truncate_str};

use crate::run::counts::thousands;

use super::view::{AlertLine, By, Row, Tone, View};
use super::words;

/// Below this height only the most important is shown.
const LINES_MIN: usize = 12;
/// Lines that are neither customers nor alerts.
const LINES_FIXED: usize = 11;

/// `view` for a terminal of `width` columns and `height` lines.
pub fn draw(view: &View, width: usize, height: usize) -> Vec<String> {
    let mut lines = vec![title(view, width), String::new(), clock(view), numbers(view)];
    lines.push(String::new());
    lines.push(bar(view, width.saturating_sub(2)));
    lines.push(bands(view));
    let room = height.max(LINES_MIN).saturating_sub(LINES_FIXED);
    let n_rows = view.at_risk.len().min(room / 2).max(1);
    lines.push(String::new());
    lines.push(head("MOST AT RISK", "WHY", "IF NOTHING HAPPENS"));
    let rows = view.at_risk.iter().take(n_rows).map(row);
    lines.extend(rows.chain(std::iter::repeat_n(String::new(), n_rows)).take(n_rows));
    lines.push(String::new());
    let n_doors = if view.doors.is_empty() { 0 } else { view.doors.len() + 1 };
    let n_alerts = room.saturating_sub(n_rows + n_doors);
    lines.push(head("ALERTS AS THEY RING", "WHY", ""));
    let alerts = view.alerts.iter().take(n_alerts).map(alert);
    lines.extend(alerts.chain(std::iter::repeat_n(String::new(), n_alerts)).take(n_alerts));
    if 0 < n_doors {
        lines.push(head("ASK ABOUT THEM, IN ANOTHER TERMINAL", "", ""));
        lines.extend(view.doors.iter().map(|door| format!(" {door}")));
    }
    lines.truncate(height.max(1));
    lines.into_iter().map(|line| truncate_str(&line, width, "…").into_owned()).collect()
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Bad => Style::new().red(),
        Tone::Warn => Style::new().yellow(),
        Tone::Good => Style::new().green(),
        Tone::Plain => Style::new(),
    }
}

fn title(view: &View, width: usize) -> String {
    let name = Style::new().bold().apply_to(" ebb demo");
    let left = view.frame.seconds.saturating_sub(view.elapsed.as_secs());
    let right = format!("{left} s left · Ctrl-C ends it ");
    let pad = width.saturating_sub(9 + right.chars().count());
    format!("{name}{:pad$}{}", "", Style::new().dim().apply_to(right))
}

fn clock(view: &View) -> String {
    let frame = view.frame;
    format!(
        " {} UTC   {} customers, {} of theirs in a second of yours",
        Style::new().bold().apply_to(words::moment(view.now)),
        thousands(u64::from(frame.customers)),
        words::length(frame.speed),
    )
}

fn numbers(view: &View) -> String {
    let tally = &view.tally;
    format!(
        " {} events/s   {} events   {} alerts, {} of them rung by silence   engine {}.{} % busy",
        Style::new().bold().apply_to(thousands(view.rate)),
        thousands(view.events),
        thousands(tally.in_all()),
        thousands(tally.by_silence),
        view.busy / 10,
        view.busy % 10,
    )
}

/// Everyone as one bar: a stretch a band.
fn bar(view: &View, width: usize) -> String {
    let all: u64 = view.bands.iter().map(|band| band.customers).sum();
    let mut text = String::from(" ");
    let (mut sum, mut drawn) = (0, 0);
    for band in &view.bands {
        sum += band.customers;
        let until = sum * width as u64 / all.max(1);
        let until = usize::try_from(until).unwrap_or(width);
        // Someone is someone: a band with a customer has a stretch.
        let until = if 0 < band.customers { until.max(drawn + 1) } else { until };
        let stretch = "█".repeat(until.saturating_sub(drawn));
        text.push_str(&style(band.tone).apply_to(stretch).to_string());
        drawn = until.max(drawn);
    }
    text
}

fn bands(view: &View) -> String {
    let mut words: Vec<String> = view
        .bands
        .iter()
        .map(|band| {
            let text = format!("{} {}", thousands(band.customers), band.name);
            style(band.tone).apply_to(text).to_string()
        })
        .collect();
    words.push(Style::new().dim().apply_to(format!("{} gone", view.unscored)).to_string());
    format!(" {}", words.join("   "))
}

/// The columns: who, what, what comes, why.
const WHO: usize = 8;
const WHAT: usize = 16;
const NEXT: usize = 19;

fn head(what: &str, why: &str, next: &str) -> String {
    let text = format!(" {what:<width$} {next:<NEXT$} {why}", width = WHO + 1 + WHAT);
    Style::new().bold().apply_to(text.trim_end()).to_string()
}

fn row(row: &Row) -> String {
    let what = format!("{:>5}  {}", row.score.to_string(), row.band);
    let what = style(row.tone).apply_to(padded(&what, WHAT)).to_string();
    let next = match &row.next {
        Some((band, at)) => format!("{band} {}", words::moment(*at)),
        None => "stays so".to_owned(),
    };
    let next = Style::new().dim().apply_to(padded(&next, NEXT)).to_string();
    format!(" {} {what} {next} {}", padded(&row.customer, WHO), row.why)
}

fn alert(alert: &AlertLine) -> String {
    let what = style(alert.tone).apply_to(padded(&alert.what, WHAT)).to_string();
    let by = match alert.by {
        By::Silence => "silence",
        By::Event => "event",
    };
    let when = padded(&format!("{} {by}", words::moment(alert.at)), NEXT);
    let when = Style::new().dim().apply_to(when).to_string();
    format!(" {} {what} {when} {}", padded(&alert.customer, WHO), alert.why)
}

fn padded(text: &str, width: usize) -> String {
    pad_str(text, width, Alignment::Left, Some("…")).into_owned()
}
