//! The rule of the lock table under random requests: waits close no circle, lines are first come, first served.

use super::*;
use crate::base::prng::Prng;

const TABLES: usize = 3;

/// Whether a request is a parked command on one shard.
type Parked = bool;

/// A command over several tables, as its home sees it.
struct Asking {
    stamp: u64,
    extents: Vec<(usize, Extent)>,
    exclusive: bool,
    /// Requests that are still on their way: indexes of `extents`.
    on_the_way: Vec<usize>,
}

fn meet(left: &Entry<Parked>, right: &Entry<Parked>) -> bool {
    let same = match (&left.extent, &right.extent) {
        (Extent::Keys(left), Extent::Keys(right)) => left.iter().any(|key| right.contains(key)),
        _ => true,
    };
    same && (left.exclusive || right.exclusive)
}

/// Everybody in line has somebody before it to wait for, none of a later stamp; who holds, met nobody.
fn look(locks: &Locks<Parked>) -> Result<(), String> {
    for (ticket, entry) in &locks.entries {
        let before = locks.entries.range(..ticket).map(|(_, other)| other).filter(|other| meet(entry, other));
        let stamps: Vec<u64> = before.map(|other| other.stamp).collect();
        if entry.granted != stamps.is_empty() {
            return Err(format!("granted {}, but behind {stamps:?}", entry.granted));
        }
        let latest = if entry.work { entry.stamp } else { entry.stamp - 1 };
        if stamps.iter().any(|&stamp| stamp > latest) {
            return Err(format!("{} waits for {stamps:?}", entry.stamp));
        }
    }
    Ok(())
}

/// Requests arrive in any order and are refused, granted or kept waiting; parked commands stand between them.
/// Returns how many were refused and how many had to wait.
fn play(seed: u64) -> Result<(u64, u64), String> {
    let mut prng = Prng::new(seed);
    let mut tables: [Locks<Parked>; TABLES] = Default::default();
    let mut clock = 0;
    let mut open: Vec<Asking> = Vec::new();
    let (mut left, mut refused, mut waited) = (60, 0, 0);
    for _ in 0..20_000 {
        if left == 0 && open.is_empty() {
            let idle = tables.iter().all(|table| table.is_empty() && table.lines.is_empty());
            return if idle { Ok((refused, waited)) } else { Err("a table is not empty".into()) };
        }
        if left > 0 && (open.is_empty() || prng.one_in(3)) {
            left -= 1;
            clock += 1;
            let key = |prng: &mut Prng| prng.below(4);
            let extents: Vec<(usize, Extent)> = (0..TABLES)
                .map(|table| match prng.below(10) {
                    0 => (table, Extent::Whole),
                    _ => (table, Extent::Keys(vec![key(&mut prng), key(&mut prng)])),
                })
                .collect();
            open.push(Asking {
                stamp: clock,
                extents,
                exclusive: prng.one_in(2),
                on_the_way: (0..TABLES).collect(),
            });
        }
        let at = prng.below(open.len().max(1) as u64) as usize;
        let mut now = Vec::new();
        if let Some(asking) = open.get_mut(at) {
            let stamp = asking.stamp;
            if asking.on_the_way.is_empty() {
                let holds =
                    |table: &Locks<Parked>| table.find(stamp).is_some_and(|ticket| table.is_granted(ticket));
                if tables.iter().all(holds) {
                    for table in &mut tables {
                        let ticket = table.find(stamp).ok_or("a lock is gone")?;
                        table.release(ticket, &mut now);
                    }
                    open.remove(at);
                }
            } else {
                let next = prng.below(asking.on_the_way.len() as u64) as usize;
                let (table, extent) = asking.extents[asking.on_the_way.remove(next)].clone();
                match tables[table].request(stamp, extent, asking.exclusive, false) {
                    Admission::Granted(_) => {}
                    Admission::Waits(_) => waited += 1,
                    Admission::Refused(seen) => {
                        refused += 1;
                        for table in &mut tables {
                            if let Some(ticket) = table.find(stamp) {
                                table.release(ticket, &mut now);
                            }
                        }
                        clock = clock.max(seen) + 1;
                        (asking.stamp, asking.on_the_way) = (clock, (0..TABLES).collect());
                    }
                }
            }
        }
        let table = &mut tables[prng.below(TABLES as u64) as usize];
        let (key, exclusive) = (prng.below(4), prng.one_in(2));
        if table.conflicts([key], exclusive) && table.len() < 12 {
            table.park(vec![key], exclusive, true);
        }
        // A parked command runs as soon as it holds its lock, and is gone.
        for table in &mut tables {
            while let Some(ticket) = table.entries.iter().find(|(_, entry)| entry.work && entry.granted) {
                let ticket = *ticket.0;
                table.release(ticket, &mut now);
            }
            look(table)?;
        }
    }
    Err(format!("{} commands wait for ever", open.len()))
}

#[test]
fn waits_point_from_later_to_earlier_stamps_and_everybody_comes_through() {
    let (mut refused, mut waited) = (0, 0);
    for seed in 0..50 {
        let (refusals, waits) = play(seed).unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
        refused += refusals;
        waited += waits;
    }
    assert!(refused > 50 && waited > 50, "{refused} refused, {waited} waited: too few to mean anything");
}

#[test]
fn those_who_want_the_same_key_get_it_in_the_order_they_came() {
    let mut locks: Locks<Parked> = Locks::default();
    let Admission::Granted(first) = locks.request(1, Extent::Keys(vec![7]), true, false) else { panic!() };
    let mut line = vec![first];
    for stamp in 2..20 {
        let ticket = if stamp % 3 == 0 {
            locks.park(vec![7], true, true)
        } else {
            let Admission::Waits(ticket) = locks.request(stamp, Extent::Keys(vec![7]), true, false) else {
                panic!("{stamp} slipped in")
            };
            ticket
        };
        line.push(ticket);
    }
    let mut now = Vec::new();
    for at in 0..line.len() {
        locks.release(line[at], &mut now);
        assert_eq!(std::mem::take(&mut now), line[at + 1..].first().copied().as_slice());
    }
    assert!(locks.is_empty());
}

/// What a command on one shard asks first: it looks no further while nothing spans.
#[test]
fn a_table_is_empty_exactly_while_nobody_holds_or_waits() {
    let mut locks: Locks<Parked> = Locks::default();
    assert!(locks.is_empty() && !locks.conflicts([1, 2, 3], true));
    let Admission::Granted(holder) = locks.request(1, Extent::Keys(vec![1]), false, false) else { panic!() };
    assert!(!locks.is_empty());
    let Admission::Waits(waiter) = locks.request(2, Extent::Keys(vec![1]), true, false) else { panic!() };
    locks.release(holder, &mut Vec::new());
    assert!(!locks.is_empty() && locks.conflicts([1], false));
    locks.release(waiter, &mut Vec::new());
    assert!(locks.is_empty() && !locks.conflicts([1, 2, 3], true));
    assert_eq!(locks.request(1, Extent::Whole, true, false), Admission::Granted(Ticket(3)));
}

/// Whoever looks at all of a line to leave it would be at this for hours.
#[test]
fn very_many_may_wait_in_one_line() {
    const MANY: u64 = 100_000;
    let mut locks: Locks<Parked> = Locks::default();
    let Admission::Granted(holder) = locks.request(1, Extent::Keys(vec![7]), true, false) else { panic!() };
    // A block of writers, a block of readers, and then one of each in turn.
    let exclusive = |number: u64| number < MANY / 3 || (number > 2 * MANY / 3 && number.is_multiple_of(2));
    let line: Vec<Ticket> = (0..MANY)
        .map(|number| {
            assert!(locks.conflicts([7], exclusive(number)));
            locks.park(vec![7], exclusive(number), true)
        })
        .collect();
    let mut turns = Vec::new();
    let mut left = Vec::new();
    locks.release(holder, &mut turns);
    while let Some(ticket) = turns.pop() {
        assert!(locks.is_granted(ticket));
        left.push(ticket);
        locks.release(ticket, &mut turns);
    }
    assert!(locks.is_empty());
    left.sort_unstable();
    assert_eq!(left, line);
}
