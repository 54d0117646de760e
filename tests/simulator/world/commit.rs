//! Commits: what is noted as done, at once or once it has arrived.

use ebb::run::settings::Delivery;
use ebb::wire::{Committed, Position};

use super::{Ending, Fate, SIMULATED, World};

/// A commit that nobody waits for.
#[derive(Debug)]
pub(super) struct Coming {
    /// How many of those in flight go before it.
    pub(super) n_before: usize,
    /// What is to be noted, once that was asked for.
    asked: Option<Vec<Position>>,
    answer: Option<Committed>,
}

impl World {
    pub(in crate::simulator) fn commit(&mut self, client: usize, ours: &[Position]) -> Committed {
        let fate = self.clients[client].fate.take();
        self.clients[client].coming = None;
        match self.delivery {
            Delivery::EffectivelyOnce => {
                self.arrive(client, usize::MAX);
                self.commit_offsets(client, ours, fate)
            }
            Delivery::ExactlyOnce => self.commit_transaction(client, ours, fate),
        }
    }

    /// Whether somebody has read what is not committed.
    pub(in crate::simulator) fn has_uncommitted(&self) -> bool {
        let committed = self.committed.iter().zip(&self.input);
        let ends = committed.map(|(it, log)| it.map_or(log.begin, |it| it.next_offset));
        self.read.iter().zip(ends).any(|(read, end)| end < *read)
    }

    /// Begins a commit that nobody waits for.
    pub(in crate::simulator) fn begin_commit(&mut self, client: usize) {
        let client = &mut self.clients[client];
        let n_before = client.in_flight.len();
        client.coming = Some(Coming { n_before, asked: None, answer: None });
    }

    /// What became of the commit that `client` has begun. Once what goes before it has arrived,
    /// `ours` are asked for; the answer is heard later.
    pub(in crate::simulator) fn hear_commit(
        &mut self,
        client: usize,
        ours: &[Position],
    ) -> Option<Committed> {
        let is_prompt = self.is_prompt;
        if is_prompt || self.random.chance(30) {
            let coming = self.clients[client].coming.as_ref()?;
            self.arrive(client, coming.n_before);
        }
        let coming = self.clients[client].coming.as_mut()?;
        if coming.asked.is_none() && coming.n_before == 0 {
            coming.asked = Some(ours.to_vec());
            if !is_prompt {
                return None;
            }
        }
        if is_prompt || self.random.chance(50) {
            self.carry_out(client);
        }
        self.clients[client].coming.take_if(|coming| coming.answer.is_some())?.answer
    }

    /// Carries out the commit that `client` has asked for.
    pub(super) fn carry_out(&mut self, client: usize) {
        let coming = self.clients[client].coming.as_ref();
        let asked = coming.filter(|coming| coming.answer.is_none());
        let Some(ours) = asked.and_then(|coming| coming.asked.clone()) else { return };
        let fate = self.clients[client].fate.take();
        let answer = Some(self.commit_offsets(client, &ours, fate));
        if let Some(coming) = &mut self.clients[client].coming {
            coming.answer = answer;
        }
    }

    /// The group is divided anew for `client`: what it has asked for was carried out before that,
    /// or is refused.
    pub(super) fn settle(&mut self, client: usize) {
        if self.clients[client].is_member && self.random.chance(50) {
            self.carry_out(client);
        }
        if let Some(coming) = &mut self.clients[client].coming
            && coming.asked.is_some()
        {
            coming.answer.get_or_insert(Committed::Later);
        }
    }

    /// Lets some milliseconds pass: what `client` has sent and asked for is mostly done by then.
    pub(in crate::simulator) fn pass(&mut self, client: usize) {
        if self.random.chance(80) {
            self.arrive(client, usize::MAX);
            self.carry_out(client);
        }
    }

    fn commit_offsets(
        &mut self,
        client: usize,
        ours: &[Position],
        fate: Option<Fate>,
    ) -> Committed {
        if ours.is_empty() {
            return Committed::Done;
        }
        if !self.clients[client].is_member {
            self.tell_lost(client);
            return Committed::Later;
        }
        if fate == Some(Fate::Later) {
            for position in ours {
                if self.random.chance(50) {
                    self.note(position);
                }
            }
            return Committed::Later;
        }
        ours.iter().for_each(|position| self.note(position));
        Committed::Done
    }

    fn commit_transaction(
        &mut self,
        client: usize,
        ours: &[Position],
        fate: Option<Fate>,
    ) -> Committed {
        if ours.is_empty() && self.clients[client].transaction.is_none() {
            return Committed::Done;
        }
        let transaction = self.begin(client);
        self.clients[client].transaction = None;
        let is_open = self.transactions[transaction] == Ending::Open;
        let is_member = self.clients[client].is_member;
        if !is_member {
            self.tell_lost(client);
        }
        let ending = match fate {
            _ if !is_open || !is_member => Ending::Undone,
            Some(Fate::Undone | Fate::Later) => Ending::Undone,
            Some(Fate::DoneUnknown) | None => Ending::Done,
        };
        if is_open {
            self.end(transaction, ending);
        }
        if ending == Ending::Done {
            ours.iter().for_each(|position| self.note(position));
        }
        if ending == Ending::Done && fate.is_none() {
            return Committed::Done;
        }
        self.clients[client].journal_ends.clear();
        Committed::Undone(SIMULATED.to_owned())
    }

    fn note(&mut self, position: &Position) {
        self.committed[position.partition as usize] = Some(*position);
    }
}
