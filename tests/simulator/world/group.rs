//! The group: who owns which partition, and who is told.

use std::collections::{BTreeMap, VecDeque};

use super::{Change, Client, World};

impl World {
    /// A new client that joins; its number.
    pub(in crate::simulator) fn join(&mut self) -> usize {
        self.clients.push(Client { is_member: true, ..Client::default() });
        self.divide();
        self.clients.len() - 1
    }

    /// `client` takes the place of `before`, as one of the same name does.
    pub(in crate::simulator) fn replace(&mut self, before: usize) -> usize {
        self.clear_up(before);
        let client = self.clients.len();
        let ours: Vec<u32> = (0..)
            .zip(&self.owners)
            .filter(|(_, owner)| **owner == Some(before))
            .map(|(partition, _)| partition)
            .collect();
        for of in self.owners.iter_mut().chain(&mut self.targets).filter(|of| **of == Some(before))
        {
            *of = Some(client);
        }
        self.clients[before].is_member = false;
        self.leaving.retain(|partition| !ours.contains(partition));
        let changes = VecDeque::from([Change::Assigned(ours)]);
        self.clients.push(Client { is_member: true, changes, ..Client::default() });
        self.hand_on();
        client
    }

    /// `client` is a member again, with nothing.
    pub(in crate::simulator) fn rejoin(&mut self, client: usize) {
        self.settle(client);
        self.clients[client].is_member = true;
        self.divide();
    }

    /// `client` is no member any more, whether it knows or not.
    pub(in crate::simulator) fn expel(&mut self, client: usize) {
        self.clients[client].is_member = false;
        for (partition, owner) in (0..).zip(&mut self.owners) {
            if *owner == Some(client) {
                *owner = None;
                self.leaving.remove(&partition);
            }
        }
        self.divide();
    }

    /// Tells `client` that it is no member, once.
    pub(in crate::simulator) fn tell_lost(&mut self, client: usize) {
        let client = &mut self.clients[client];
        if !client.is_member && !client.changes.contains(&Change::Lost) {
            client.changes.push_back(Change::Lost);
        }
    }

    /// `client` has let `partitions` go.
    pub(in crate::simulator) fn let_go(&mut self, client: usize, partitions: &[u32]) {
        self.settle(client);
        for partition in partitions {
            let owner = &mut self.owners[*partition as usize];
            if *owner == Some(client) {
                *owner = None;
                self.leaving.remove(partition);
            }
        }
        self.hand_on();
    }

    /// Divides the partitions among the members, at random.
    pub(in crate::simulator) fn divide(&mut self) {
        let members: Vec<usize> =
            (0..self.clients.len()).filter(|number| self.clients[*number].is_member).collect();
        for partition in 0..self.owners.len() {
            let is_content = self.owners[partition].is_some_and(|owner| members.contains(&owner));
            let stays = is_content && self.random.chance(50);
            let owner = self.owners[partition].filter(|_| stays);
            self.targets[partition] = owner.or_else(|| self.random.pick(&members));
        }
        self.hand_on();
    }

    /// Tells the members what changes.
    fn hand_on(&mut self) {
        let mut told: BTreeMap<usize, [Vec<u32>; 2]> = BTreeMap::new();
        for (partition, target) in (0..).zip(&self.targets) {
            let owner = &mut self.owners[partition as usize];
            match (*owner, *target) {
                (None, Some(next)) => {
                    *owner = Some(next);
                    told.entry(next).or_default()[1].push(partition);
                }
                (Some(before), target)
                    if target != Some(before) && self.leaving.insert(partition) =>
                {
                    told.entry(before).or_default()[0].push(partition);
                }
                _ => {}
            }
        }
        for (client, [revoked, assigned]) in told {
            let changes = &mut self.clients[client].changes;
            if !revoked.is_empty() {
                changes.push_back(Change::Revoked(revoked));
            }
            if !assigned.is_empty() {
                changes.push_back(Change::Assigned(assigned));
            }
        }
    }

    /// Whether every partition is where it is to be, and everyone knows.
    pub(in crate::simulator) fn is_at_rest(&self) -> bool {
        let members = self.clients.iter().filter(|client| client.is_member);
        self.leaving.is_empty() && members.into_iter().all(|client| client.changes.is_empty())
    }
}
