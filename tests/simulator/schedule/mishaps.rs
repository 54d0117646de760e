//! What befalls the instances.

use ebb::unit::Span;

use super::Play;
use crate::mishap::Mishap;
use crate::simulator::door::lock;
use crate::simulator::world::Fate;

impl Play<'_> {
    pub(super) fn befall(&mut self, mishap: Mishap) {
        let Some(at) = self.any(|_| true) else { return };
        let client = self.instances[at].client();
        self.note(format!("{mishap:?} befalls {client}"));
        let n_calls = self.random.below(14);
        match mishap {
            Mishap::Kill if self.random.chance(40) => self.kill(at),
            Mishap::Kill => lock(&self.world).clients[client].calls_left = Some(n_calls),
            Mishap::Stop if !self.instances[at].is_frozen => self.stop(at),
            Mishap::Zombie => self.freeze_or_thaw(at),
            Mishap::Rebalance => lock(&self.world).divide(),
            Mishap::BrokerAway => {
                let mut world = lock(&self.world);
                let is_away = &mut world.clients[client].is_away;
                *is_away = !*is_away;
            }
            Mishap::Undone => {
                let fates = [Fate::Later, Fate::Undone, Fate::DoneUnknown];
                lock(&self.world).clients[client].fate = self.random.pick(&fates);
            }
            Mishap::Stop => {}
        }
        self.expel_some();
    }

    fn stop(&mut self, at: usize) {
        if let Err(fault) = self.instances[at].service.finish(Span::millis(1_000)) {
            return self.fault(at, &fault);
        }
        let client = self.instances[at].client();
        self.kill(at);
        lock(&self.world).expel(client);
    }

    /// A frozen instance goes on; any other stands still.
    pub(super) fn freeze_or_thaw(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        instance.is_frozen = !instance.is_frozen;
        let mut world = lock(&self.world);
        if instance.is_frozen {
            // What was handed over is there two milliseconds later. Whoever freezes within those
            // writes it on waking, which nothing but transactions can keep from the topics.
            world.arrive(instance.client(), usize::MAX);
        } else {
            // After so long a pause it asks before it does anything else.
            world.tell_lost(instance.client());
        }
    }

    /// Those who do not answer are members only for so long.
    fn expel_some(&mut self) {
        let answers = |number: usize| {
            let mut of = self.instances.iter().filter(|it| it.client() == number);
            of.any(|instance| !instance.is_frozen)
        };
        let mut world = lock(&self.world);
        for number in 0..world.clients.len() {
            if world.clients[number].is_member && !answers(number) && self.random.chance(40) {
                self.trace.steps.push(format!("{number} is expelled"));
                world.expel(number);
            }
        }
    }
}
