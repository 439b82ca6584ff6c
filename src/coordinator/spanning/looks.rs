//! Looks of a spanning command: names dealt out to their owners, values put back in the order of the names.

use super::Spanning;
use crate::base::clock::Now;
use crate::base::ids::ShardId;
use crate::base::texts::Texts;
use crate::command::spec::{Carry, Look};
use crate::coordinator::center::Center;
use crate::mesh::message::Control;

impl Center {
    /// Asks each owner for its share of these looks, in one message. The command has all shards locked.
    pub(super) fn send_looks(&mut self, number: u64, mut spanning: Spanning, looks: &[Look]) {
        debug_assert!(spanning.has_all_shards(), "a look may reach any shard");
        let shards = spanning.legs.len();
        let mut shares: Vec<Vec<Look>> =
            (0..shards).map(|_| looks.iter().map(Look::without_names).collect()).collect();
        spanning.routes = Vec::with_capacity(looks.len());
        for (at, look) in looks.iter().enumerate() {
            let deal = |name: &[u8]| {
                let shard = self.owners.locate(name).shard;
                shares[shard.index()][at].names.push(name);
                shard.0
            };
            spanning.routes.push(look.names.iter().flatten().map(deal).collect());
        }
        spanning.hop.carries = (0..shards * looks.len()).map(|_| Carry::Nothing).collect();
        spanning.orders =
            (0..shards).map(|shard| (shard * looks.len()..).take(looks.len()).collect()).collect();
        spanning.awaited = 0;
        let (home, db, now) = (self.id, spanning.hop.db, spanning.hop.now);
        for (leg, looks) in spanning.legs.iter().zip(shares) {
            if looks.iter().any(|look| !look.names.is_empty()) {
                spanning.awaited += 1;
                self.send(leg.shard, Control::Look { txn: number, home, db, now, looks });
            }
        }
        assert!(spanning.awaited > 0, "a look asks somebody");
        self.spanning.insert(number, spanning);
    }

    /// A peer's looks at this shard, which it has locked.
    pub(in crate::coordinator) fn on_look(
        &mut self,
        txn: u64,
        home: ShardId,
        (db, now): (u8, Now),
        looks: &[Look],
    ) {
        let began = self.clock.raw();
        let mut keys = self.shard.keyspace(db, now);
        let carries = looks.iter().map(|look| Carry::Texts(look.run(&mut keys))).collect();
        let ns = self.ran_since(began);
        self.send(home, Control::PartsDone { txn, shard: self.id, ns, carries });
    }
}

impl Spanning {
    /// Makes one carry per look of what the shards answered; nothing where parts were under way.
    pub(super) fn weave_looks(&mut self) {
        let routes = std::mem::take(&mut self.routes);
        if routes.is_empty() {
            return;
        }
        let answered = std::mem::take(&mut self.hop.carries);
        let mut by_look: Vec<Vec<Texts>> = routes.iter().map(|_| Vec::new()).collect();
        for (at, carry) in answered.into_iter().enumerate() {
            // A shard without a name of these looks was not asked.
            by_look[at % routes.len()].push(if let Carry::Texts(values) = carry {
                values
            } else {
                Texts::default()
            });
        }
        self.hop.carries = by_look
            .into_iter()
            .zip(&routes)
            .map(|(shares, routes)| Carry::Texts(Texts::woven(shares, routes)))
            .collect();
    }
}
