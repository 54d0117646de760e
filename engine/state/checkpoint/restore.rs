//! A checkpoint back into a partition's state.
//!
//! Cost    one task a section and a lane, on all cores, while the thread that asks reads ahead;
//!         besides the state itself at most twice [`BYTES_AT_ONCE`] of the file are in memory.

use std::io::Read;

use crate::state::checkpoint::frame::{Kind, Reader, Section, unsound};
use crate::state::checkpoint::header::{Header, Print};
use crate::state::checkpoint::refusal::Refusal;
use crate::state::customer::Customer;
use crate::state::erased::{Erased, Request};
use crate::state::lanes::lane_of;
use crate::state::lanes::{Lane, all_at_once, beside};
use crate::state::rules::Rules;
use crate::state::seen::{Chunk, Seen};
use crate::unit::Key;

/// A partition's state, read back whole; the engine takes it in by `install`.
#[derive(Debug)]
pub struct Restored {
    /// Whose state it is, and as of when.
    pub header: Header,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) seen: Seen,
    pub(crate) erased: Erased,
}

/// How much of a file is read before it is decoded: enough to keep every core busy, little enough
/// for the lanes of other partitions to have their turn between two of them.
const BYTES_AT_ONCE: usize = 16 << 20;

/// For so many customers room is made on the header's word alone.
const BELIEVED: u64 = 1 << 24;

/// Reads the state of `partition` back from `source`, whatever number of lanes wrote it.
///
/// # Errors
///
/// A [`Refusal`] that says why it is not the state of this partition under `rules`.
pub fn restore(
    source: &mut (dyn Read + Send),
    partition: u32,
    rules: &Rules,
) -> Result<Restored, Refusal> {
    let (header, mut reader) = Reader::open(source)?;
    check_place(&header, partition, rules)?;
    header.print.check(&Print::of(rules))?;
    let mut back = Back::new(header, rules);
    let mut batch = Batch::read(&mut reader)?;
    loop {
        let is_last = batch.end.is_some();
        let mut taken = Ok(());
        let next = beside(
            || taken = back.take_in(&batch.sections, rules),
            || if is_last { Ok(None) } else { Batch::read(&mut reader).map(Some) },
        );
        taken?;
        match next? {
            Some(next) => batch = next,
            None => break,
        }
    }
    if let Some(end) = &batch.end {
        check_end(end, (back.n_customers, back.n_remembered), &back.header)?;
    }
    reader.end()?;
    let Back { header, lanes, seen, erased, .. } = back;
    Ok(Restored { header, lanes, seen, erased })
}

/// What is read before it is decoded.
struct Batch {
    sections: Vec<Section>,
    /// The end, if it came.
    end: Option<Section>,
}

impl Batch {
    fn read(reader: &mut Reader<'_>) -> Result<Batch, Refusal> {
        let (mut sections, mut n_bytes) = (Vec::new(), 0);
        while n_bytes < BYTES_AT_ONCE {
            let section = reader.next()?;
            n_bytes += section.len();
            if section.kind == Kind::End {
                return Ok(Batch { sections, end: Some(section) });
            }
            sections.push(section);
        }
        Ok(Batch { sections, end: None })
    }
}

/// What is read back so far.
struct Back {
    header: Header,
    lanes: Vec<Lane>,
    seen: Seen,
    erased: Erased,
    n_customers: u64,
    n_remembered: u64,
}

impl Back {
    fn new(header: Header, rules: &Rules) -> Back {
        let n_lanes = rules.n_lanes.max(1);
        let mut lanes: Vec<Lane> = (0..n_lanes).map(|_| Lane::default()).collect();
        let each = usize::try_from(header.n_customers.min(BELIEVED)).unwrap_or(0) / n_lanes;
        // Keys spread evenly, but not to the last one.
        let spare = if 1 < n_lanes { each / 64 + 64 } else { 0 };
        for lane in &mut lanes {
            lane.reserve(each + spare);
        }
        let seen = Seen::new(rules.dedup_horizon);
        let erased = Erased::default();
        Back { header, lanes, seen, erased, n_customers: 0, n_remembered: 0 }
    }

    /// Decodes `sections` side by side and takes in what they hold, in order.
    fn take_in(&mut self, sections: &[Section], rules: &Rules) -> Result<(), Refusal> {
        let n_lanes = self.lanes.len();
        let decoded = all_at_once(sections.iter().collect(), |section| decode(section, n_lanes));
        let mut shares: Vec<Vec<Vec<Customer>>> = (0..n_lanes).map(|_| Vec::new()).collect();
        for (section, decoded) in sections.iter().zip(decoded) {
            match decoded? {
                Decoded::Customers(lanes) => {
                    self.n_customers += u64::from(section.n);
                    for (share, customers) in shares.iter_mut().zip(lanes) {
                        share.push(customers);
                    }
                }
                Decoded::Remembered(chunk) => {
                    self.n_remembered += u64::from(section.n);
                    self.seen.adopt(chunk);
                }
                Decoded::Erased(requests) => {
                    for (key, request) in requests {
                        self.erased.take_in(key, request);
                    }
                }
            }
        }
        let at = sections.first().map_or(0, |section| section.at);
        let lanes = self.lanes.iter_mut().zip(shares).collect();
        let taken = all_at_once(lanes, |(lane, share): (&mut Lane, Vec<Vec<Customer>>)| {
            share.into_iter().flatten().all(|customer| lane.take_in(customer, rules))
        });
        if taken.contains(&false) {
            return Err(unsound(at, "a section", "a customer stands in it twice"));
        }
        Ok(())
    }
}

/// What a section holds, customers by their lane.
enum Decoded {
    Customers(Vec<Vec<Customer>>),
    Remembered(Chunk),
    Erased(Vec<(Key, Request)>),
}

fn decode(section: &Section, n_lanes: usize) -> Result<Decoded, Refusal> {
    if section.kind == Kind::Remembered {
        return remembered(section).map(Decoded::Remembered);
    }
    if section.kind == Kind::Erased {
        return erased(section).map(Decoded::Erased);
    }
    let mut lanes: Vec<Vec<Customer>> = (0..n_lanes).map(|_| Vec::new()).collect();
    customers(section, &mut |customer| {
        if let Some(lane) = lanes.get_mut(lane_of(customer.key(), n_lanes)) {
            lane.push(customer);
        }
    })?;
    Ok(Decoded::Customers(lanes))
}

/// Hands every customer of `section` to `each`.
pub(super) fn customers(section: &Section, each: &mut dyn FnMut(Customer)) -> Result<(), Refusal> {
    let mut bytes = section.body()?;
    for _ in 0..section.n {
        let (customer, rest) = postcard::take_from_bytes::<Customer>(bytes)
            .map_err(|error| unsound(section.at, "a customer in the section", error))?;
        bytes = rest;
        let customer = customer.come_back();
        each(customer.ok_or_else(|| unsound(section.at, "a section", "a customer is not whole"))?);
    }
    if bytes.is_empty() { Ok(()) } else { Err(surplus(section)) }
}

/// The remembered ids of `section`.
pub(super) fn remembered(section: &Section) -> Result<Chunk, Refusal> {
    let chunk = Chunk::decode(section.body()?).filter(|chunk| chunk.len() == section.n as usize);
    chunk.ok_or_else(|| surplus(section))
}

/// The erased customers of `section`.
pub(super) fn erased(section: &Section) -> Result<Vec<(Key, Request)>, Refusal> {
    match postcard::take_from_bytes::<Vec<(Key, Request)>>(section.body()?) {
        Ok((requests, [])) if requests.len() == section.n as usize => Ok(requests),
        Ok(_) => Err(surplus(section)),
        Err(error) => Err(unsound(section.at, "a section", error)),
    }
}

/// Compares what the end says with what came.
pub(super) fn check_end(end: &Section, came: (u64, u64), header: &Header) -> Result<(), Refusal> {
    let said = [came.0.to_le_bytes(), came.1.to_le_bytes()].concat();
    if end.body()? != said || header.n_customers != came.0 {
        return Err(unsound(end.at, "the end", "it counts other than what came before"));
    }
    Ok(())
}

fn surplus(section: &Section) -> Refusal {
    unsound(section.at, "a section", format!("its body is not {} things long", section.n))
}

fn check_place(header: &Header, partition: u32, rules: &Rules) -> Result<(), Refusal> {
    let place = |topic: &Option<String>, partition: u32| {
        format!("{}-{partition}", topic.as_deref().unwrap_or("no topic"))
    };
    let found = place(&header.topic, header.partition);
    let wanted = place(&rules.topic, partition);
    if found == wanted { Ok(()) } else { Err(Refusal::OtherPlace { found, wanted }) }
}
