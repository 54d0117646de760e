//! Editions: what is copied while a partition goes on, put over what was copied before, shows every
//! customer as they stand.

use std::collections::BTreeMap;

use ebb::state::edition::Place;
use ebb::state::{Engine, Row, Whom};
use ebb::unit::{EventTime, Span};

use crate::checkpoint::script::Script;
use crate::oracle::streams::{Random, Size};
use crate::played::Timers;

/// How many seeds are played where none is asked for.
const SEEDS: u64 = 60;
/// How far a forecast looks.
const FORECAST: Span = Span::days(120);

/// Rows by the place of their customers, as a reader of editions has them.
type Mirror = BTreeMap<(u32, Place), Row>;

#[test]
fn editions_put_over_each_other_show_every_customer() {
    let asked = std::env::var("EBB_SEED").ok().and_then(|text| text.parse().ok());
    let seeds: Vec<u64> = asked.map_or_else(|| (1..=SEEDS).collect(), |seed| vec![seed]);
    let mut n_unchanged = 0;
    for seed in seeds {
        let at = usize::try_from(seed).unwrap();
        n_unchanged += check(seed, Size { customers: [1, 4, 9, 40][at % 4], events: 400 });
    }
    assert!(asked.is_some() || 1_000 < n_unchanged, "too few stood still: {n_unchanged}");
}

/// Plays `seed`; how many rows were right though nothing was copied of them.
fn check(seed: u64, size: Size) -> usize {
    let script = Script::new(seed, size);
    let mut random = Random(seed ^ 0xed17);
    let mut engine = script.engine(usize::try_from(1 + random.below(3)).unwrap());
    let (mut mirror, mut wanted) = (Mirror::new(), None);
    let slice = random.pick(&[1, 3, 100]).unwrap();
    let mut n_unchanged = 0;
    for index in 0..script.steps.len() {
        if wanted.is_none() && random.chance(20) {
            let whom = if random.chance(10) { Whom::All } else { Whom::Changed };
            for partition in 0..engine.n_partitions() {
                if engine.begin_edition(partition, whom) == Whom::All {
                    mirror.retain(|(other, _), _| *other != partition);
                }
            }
            wanted = Some(rows(&engine));
        }
        script.play(index, &mut engine);
        if let Some((nows, rows)) = &wanted
            && copy(&mut engine, nows, slice, &mut mirror)
        {
            if script.options.timers == Timers::On {
                n_unchanged += compare(seed, index, &mirror, rows);
            }
            wanted = None;
        }
    }
    n_unchanged
}

/// Copies a slice of every partition; whether that was all.
fn copy(engine: &mut Engine, nows: &[EventTime], slice: usize, mirror: &mut Mirror) -> bool {
    let mut is_all = true;
    for (partition, now) in (0..).zip(nows) {
        let mut copied = Vec::new();
        is_all &= engine.continue_edition(partition, slice, &mut copied);
        for one in copied.into_iter().flatten() {
            let at = (partition, one.place);
            match one.customer {
                Some(customer) => {
                    mirror.insert(at, Row::of(&customer, &engine.rules().model, *now));
                }
                None => {
                    mirror.remove(&at);
                }
            }
        }
    }
    is_all
}

/// Where every partition stands, and every customer's row as the definition has it.
fn rows(engine: &Engine) -> (Vec<EventTime>, BTreeMap<String, Row>) {
    let nows: Vec<EventTime> = (0..engine.n_partitions()).map(|p| engine.now(p)).collect();
    let of = |(partition, now): (u32, &EventTime)| {
        let model = &engine.rules().model;
        let rows =
            engine.customers(partition).map(|c| (c.id().to_owned(), Row::of(c, model, *now)));
        rows.collect::<Vec<_>>()
    };
    let rows = (0..).zip(&nows).flat_map(of).collect();
    (nows, rows)
}

fn compare(seed: u64, index: usize, mirror: &Mirror, wanted: &BTreeMap<String, Row>) -> usize {
    let ids = mirror.values().map(|row| &row.scores.customer_id);
    let mut found: Vec<&String> = ids.collect();
    found.sort();
    assert_eq!(found, wanted.keys().collect::<Vec<_>>(), "EBB_SEED={seed}: step {index}");
    let mut n_unchanged = 0;
    for row in mirror.values() {
        let now = &wanted[&row.scores.customer_id];
        let says = format!("EBB_SEED={seed}: step {index}: {}", row.scores.customer_id);
        if row.scores.at == now.scores.at {
            assert_eq!(row, now, "{says}");
            continue;
        }
        n_unchanged += 1;
        assert_eq!(row.about, now.about, "{says}");
        assert_eq!(row.scores.scores, now.scores.scores, "{says}");
        assert_eq!(row.scores.status, now.scores.status, "{says}");
        let flags = |row: &Row| row.signals.iter().map(|cell| cell.active).collect::<Vec<_>>();
        assert_eq!(flags(row), flags(now), "{says}");
        match (&row.scores.next, &now.scores.next) {
            // It was too far away to be seen then.
            (None, Some(next)) => assert!(FORECAST < next.at.since(row.scores.at), "{says}"),
            (then, now) => assert_eq!(then, now, "{says}"),
        }
    }
    n_unchanged
}
