//! `ebb demo`: generated customers live at an accelerated clock, and what rings is seen.
//!
//! Shape   `stage` has the stream and the engine, `view` what there is to see, `draw` and `plain`
//!         two ways of showing it, `screen` the terminal; here is the clock.
//! Rules   weeks of their lives pass before the curtain, so that baselines and graces are there;
//!         the same arguments show the same customers, and `ebb generate` gives their events.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::Failure;
use super::setup::Sources;
use crate::record::Alert;
use crate::state::rules::Publish;
use crate::unit::{EventTime, Span};
use crate::wire::generate::{DAYS_MAX, END, Flavour, Plan, Shares};

pub mod draw;
pub mod open;
pub mod plain;
pub mod screen;
pub mod stage;
#[cfg(test)]
mod tests;
pub mod view;
pub mod words;

use open::Open;
use screen::Screen;
use stage::Stage;
use view::{FirstScore, Frame, View};

/// Days before the curtain: two thirds of the login baseline, all graces but the longest.
const DAYS_BEFORE: u32 = 60;
/// Events of a customer in a day: enough for sessions, mails and all the rest.
const EVENTS_A_DAY: u64 = 6;
/// How often the picture changes.
const PICTURE: Duration = Duration::from_millis(100);
/// How often everyone is looked at, and the rate taken.
const LOOK: Duration = Duration::from_millis(500);
/// How often a plain status line comes.
const STATUS: Duration = Duration::from_secs(5);
/// Rows of those most at risk.
const ROWS: usize = 16;

/// `ebb demo`.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// How long it lasts, in seconds of yours
    #[arg(long, value_name = "S", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// How many customers
    #[arg(long, value_name = "N", default_value_t = 1_000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub customers: u32,
    /// What tells these customers from others
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// How much of their time passes in a second of yours: 15m, 6h, 1d
    #[arg(long, value_name = "SPAN", default_value = "6h", value_parser = parse_speed)]
    pub speed: Span,
    /// Model: a path, or the name of a shipped one (default, bench)
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
}

fn parse_speed(text: &str) -> Result<Span, String> {
    Span::parse(text)
        .filter(|span| Span::ZERO < *span && *span <= Span::days(30))
        .ok_or_else(|| "wanted a span up to 30d such as 15m, 6h or 1d".to_owned())
}

/// What is known only at the end.
pub struct Ended {
    /// When the curtain rose, in the customers' time.
    pub curtain: EventTime,
    /// How long the engine worked.
    pub worked: Duration,
    /// The command that gives the same events.
    pub command: String,
}

impl Args {
    fn plan(&self) -> Result<Plan, Failure> {
        let lived = self.speed.as_millis().saturating_mul(i64::try_from(self.seconds).unwrap_or(0));
        let days = i64::from(DAYS_BEFORE) + lived / Span::DAY.as_millis() + 1;
        let days = u32::try_from(days).ok().filter(|days| *days <= DAYS_MAX).ok_or_else(|| {
            Failure::usage(format!(
                "cannot start: {} s at {} a second are {days} days; wanted at most {DAYS_MAX}",
                self.seconds, self.speed
            ))
        })?;
        Ok(Plan {
            customers: self.customers,
            events: u64::from(self.customers) * u64::from(days) * EVENTS_A_DAY,
            days,
            seed: self.seed,
            shares: Shares::default(),
            flavour: Flavour::Default,
            end: END,
        })
    }
}

/// Runs the demo until its time is over or Ctrl-C is pressed.
///
/// # Errors
///
/// Exit 2 for a plan that cannot be, 3 for a faulty model, 1 where the output is gone.
pub fn run(args: &Args) -> Result<(), Failure> {
    let plan = args.plan()?;
    let sources = Sources { settings: None, model: args.model.clone(), set: Vec::new() };
    let rules = sources.read(None)?.rules(Publish::Never, None);
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))
            .map_err(|fault| Failure::failed(format!("cannot listen for Ctrl-C: {fault}")))?;
    }
    let stage = Stage::new(&plan, rules)
        .map_err(|fault| Failure::usage(format!("cannot start: {fault}")))?;
    let Args { customers, seed, speed, seconds, .. } = *args;
    let begin = plan.end.minus(Span::days(i64::from(plan.days)));
    let view = View::new(Frame { customers, seed, speed, seconds }, begin);
    let first = stage.first_score();
    let mut show = Show { stage, view, first, stop, open: None };
    show.before_the_curtain(begin).or_else(forgive)?;
    show.open = Open::new(show.stage.model()).map(|(open, witness)| {
        show.stage.watch(witness);
        open
    });
    let curtain = show.view.now;
    let (_, worked_before) = show.stage.effort();
    let played = show.play(curtain, worked_before);
    let (_, worked) = show.stage.effort();
    let command = format!(
        "ebb generate --customers {customers} --events {} --days {} --seed {seed}",
        plan.events, plan.days
    );
    let ended = Ended { curtain, worked, command };
    played.and_then(|()| say(&plain::summary(&show.view, &ended))).or_else(forgive)
}

/// A reader who hangs up ends a demo; nothing is lost.
fn forgive(fault: io::Error) -> Result<(), Failure> {
    if fault.kind() == io::ErrorKind::BrokenPipe {
        return Ok(());
    }
    Err(Failure::failed(format!("cannot write: standard output: {fault}")))
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())
}

/// A demo on its way.
struct Show {
    stage: Stage,
    view: View,
    first: FirstScore,
    stop: Arc<AtomicBool>,
    open: Option<Open>,
}

impl Show {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The weeks that nobody watches, as fast as they go.
    fn before_the_curtain(&mut self, begin: EventTime) -> io::Result<()> {
        say(&format!("{}\n", plain::greeting(&self.view)))?;
        let bar = if console::user_attended_stderr() {
            ProgressBar::new(u64::from(DAYS_BEFORE))
        } else {
            ProgressBar::hidden()
        };
        for day in 1..=i64::from(DAYS_BEFORE) {
            if self.is_stopped() {
                break;
            }
            self.view.now = begin.plus(Span::days(day));
            self.stage.play(self.view.now);
            bar.inc(1);
        }
        bar.finish_and_clear();
        (self.view.events, _) = self.stage.effort();
        self.look();
        Ok(())
    }

    fn look(&mut self) {
        self.stage.look(&self.first, ROWS, &mut self.view);
    }

    /// The time that is watched, from `curtain` on.
    fn play(&mut self, curtain: EventTime, worked_before: Duration) -> io::Result<()> {
        let screen = Screen::enter();
        if screen.is_none() {
            say(&format!("{}\n", plain::status(&self.view)))?;
        }
        let began = Instant::now();
        let end = Duration::from_secs(self.view.frame.seconds);
        let (mut looked_at, mut told_at) = (Duration::ZERO, Duration::ZERO);
        let mut events_before = self.view.events;
        while self.view.elapsed < end && !self.is_stopped() {
            thread::sleep(PICTURE);
            let elapsed = began.elapsed().min(end);
            self.view.elapsed = elapsed;
            let alerts = self.advance(curtain, elapsed);
            let since = elapsed.saturating_sub(looked_at);
            if LOOK <= since || elapsed == end {
                let (events, worked) = self.stage.effort();
                let millis = since.as_millis();
                self.view.rate = crate::run::counts::per_second(events - events_before, millis);
                let busy = worked.saturating_sub(worked_before).as_micros();
                let busy = busy / elapsed.as_millis().max(1);
                self.view.busy = u64::try_from(busy).unwrap_or(u64::MAX);
                (looked_at, events_before) = (elapsed, events);
                self.look();
            }
            match &screen {
                Some(screen) => {
                    let (width, height) = screen.size();
                    screen.show(&draw::draw(&self.view, width, height))?;
                }
                None => {
                    self.tell(&alerts)?;
                    if STATUS <= elapsed.saturating_sub(told_at) {
                        told_at = elapsed;
                        say(&format!("{}\n", plain::status(&self.view)))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Moves the customers to where they are `elapsed` after the curtain; returns the lines of
    /// what rang.
    fn advance(&mut self, curtain: EventTime, elapsed: Duration) -> Vec<String> {
        let millis = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        let lived = self.view.frame.speed.as_millis().saturating_mul(millis) / 1_000;
        let now = curtain.plus(Span::millis(lived));
        let alerts: Vec<Alert> = self.stage.play(now);
        self.view.now = now;
        let (events, _) = self.stage.effort();
        self.view.events = events;
        let mut lines = Vec::new();
        for alert in &alerts {
            lines.extend(self.view.hear(alert, &self.first).map(plain::alert));
        }
        if let Some(open) = &mut self.open {
            let doors = open.turn(self.stage.engine_mut(), events);
            lines.extend(doors.iter().cloned());
            self.view.doors.extend(doors);
        }
        lines
    }

    fn tell(&self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() { Ok(()) } else { say(&format!("{}\n", lines.join("\n"))) }
    }
}
