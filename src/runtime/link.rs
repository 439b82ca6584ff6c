//! What two cores share: a bounded queue of batches in each direction, and a bell to wake the other.
//!
//! A batch is moved whole, as one box, so a queue holds pointers and a push is one store. The queue has
//! one producer and one consumer; each remembers what it last saw of the other's position and looks
//! again only when that says full (or empty), so cores in full flight rarely touch each other's cache
//! lines. A full queue gives the box back: nobody ever waits here.
//!
//! Sleeping is Dekker's handshake. The sleeper says that it sleeps, then looks at its queues once more; the
//! sender pushes, then looks whether the other sleeps; a full fence between the two steps on both sides makes it
//! impossible that both miss each other. A sender writes to the eventfd only when the flag was up, and
//! takes it down, so of all senders one pays for the wake.

use crate::runtime::signal::EventFd;
use std::cell::{Cell, UnsafeCell};
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};

/// Keeps what one core writes off the cache line (and its neighbour, which CPUs fetch along) that
/// another core writes.
#[repr(align(128))]
#[derive(Debug, Default)]
struct Padded<T>(T);

struct Queue<B> {
    slots: Box<[UnsafeCell<MaybeUninit<Box<B>>>]>,
    /// Next slot to fill; counts up for ever, written by the sender.
    tail: Padded<AtomicUsize>,
    /// Next slot to take; counts up for ever, written by the receiver.
    head: Padded<AtomicUsize>,
}

// SAFETY: a slot is touched by the sender while it lies outside `head..tail` and by the receiver while
// it lies inside; `tail` and `head` hand it over with release and acquire. What is in it is `Send`.
unsafe impl<B: Send> Sync for Queue<B> {}

impl<B> Queue<B> {
    fn slot(&self, position: usize) -> *mut MaybeUninit<Box<B>> {
        self.slots[position & (self.slots.len() - 1)].get()
    }
}

impl<B> Drop for Queue<B> {
    fn drop(&mut self) {
        for position in self.head.0.load(Ordering::Relaxed)..self.tail.0.load(Ordering::Relaxed) {
            // SAFETY: both ends are gone (we have `&mut`), and the slots of `head..tail` are filled.
            unsafe { (*self.slot(position)).assume_init_drop() };
        }
    }
}

/// The end that pushes.
pub struct Sender<B> {
    queue: Arc<Queue<B>>,
    tail: Cell<usize>,
    head_seen: Cell<usize>,
}

/// The end that pops.
pub struct Receiver<B> {
    queue: Arc<Queue<B>>,
    head: Cell<usize>,
    tail_seen: Cell<usize>,
}

/// A queue from one core to another for at most `capacity` batches, a power of two.
pub fn link<B: Send>(capacity: usize) -> (Sender<B>, Receiver<B>) {
    assert!(capacity.is_power_of_two());
    let slots = (0..capacity).map(|_| UnsafeCell::new(MaybeUninit::uninit())).collect();
    let queue = Arc::new(Queue { slots, tail: Padded::default(), head: Padded::default() });
    (
        Sender { queue: queue.clone(), tail: Cell::new(0), head_seen: Cell::new(0) },
        Receiver { queue, head: Cell::new(0), tail_seen: Cell::new(0) },
    )
}

impl<B: Send> Sender<B> {
    /// Whether the next push will succeed: only this end fills the queue, so the answer keeps.
    pub fn has_room(&self) -> bool {
        let capacity = self.queue.slots.len();
        if self.tail.get() - self.head_seen.get() < capacity {
            return true;
        }
        self.head_seen.set(self.queue.head.0.load(Ordering::Acquire));
        self.tail.get() - self.head_seen.get() < capacity
    }

    /// Moves the batch to the other core, or gives it back when the queue is full.
    pub fn push(&self, batch: Box<B>) -> Result<(), Box<B>> {
        if !self.has_room() {
            return Err(batch);
        }
        let tail = self.tail.get();
        // SAFETY: the slot lies outside `head..tail` (there is room), so the receiver does not touch it,
        // and this is the only sender: it is not `Sync` and cannot be cloned.
        unsafe { (*self.queue.slot(tail)).write(batch) };
        self.tail.set(tail + 1);
        self.queue.tail.0.store(tail + 1, Ordering::Release);
        Ok(())
    }
}

impl<B: Send> Receiver<B> {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        if self.tail_seen.get() == self.head.get() {
            self.tail_seen.set(self.queue.tail.0.load(Ordering::Acquire));
        }
        self.tail_seen.get() == self.head.get()
    }

    /// The oldest batch.
    pub fn pop(&self) -> Option<Box<B>> {
        if self.is_empty() {
            return None;
        }
        let head = self.head.get();
        // SAFETY: the slot lies inside `head..tail`, so it is filled and the sender does not touch it;
        // this is the only receiver, and it moves `head` past the slot before anyone can read it again.
        let batch = unsafe { (*self.queue.slot(head)).assume_init_read() };
        self.head.set(head + 1);
        self.queue.head.0.store(head + 1, Ordering::Release);
        Some(batch)
    }
}

const AWAKE: u8 = 0;
const DOZING: u8 = 1;
const ASLEEP: u8 = 2;

/// How the other cores wake this one: by one of two bells, for the two places where it sleeps.
///
/// Two, because the ring polls the one and rings the other: were a peer to ring the first while the core
/// sleeps on the second, the kernel would have to pass one eventfd's wake on to another, which it does
/// not do at once.
#[derive(Debug)]
pub struct Doorbell {
    sleeping: Padded<AtomicU8>,
    bell: Arc<EventFd>,
    bed_bell: Arc<EventFd>,
}

impl Doorbell {
    /// Of a core that is awake.
    pub fn new() -> io::Result<Self> {
        let (bell, bed_bell) = (Arc::new(EventFd::new()?), Arc::new(EventFd::new()?));
        Ok(Doorbell { sleeping: Padded::default(), bell, bed_bell })
    }

    /// Rung while the core dozes in its ring, which polls it.
    pub fn bell(&self) -> &Arc<EventFd> {
        &self.bell
    }

    /// Rung while the core is asleep outside its ring; by the ring as well.
    pub fn bed_bell(&self) -> &Arc<EventFd> {
        &self.bed_bell
    }

    /// The core is about to wait in its ring. It has to look at everything that others may have sent
    /// after this call and before it waits.
    pub fn doze(&self) {
        self.lie_down(DOZING);
    }

    /// The core is about to wait on its bed's bell; as for [`Doorbell::doze`].
    pub fn fall_asleep(&self) {
        self.lie_down(ASLEEP);
    }

    fn lie_down(&self, how: u8) {
        self.sleeping.0.store(how, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    /// The core is awake, for whatever reason.
    pub fn get_up(&self) {
        self.sleeping.0.store(AWAKE, Ordering::Relaxed);
    }

    /// Wakes the core if it sleeps, after something was sent to it; whether that took a system call.
    pub fn wake(&self) -> bool {
        fence(Ordering::SeqCst);
        // Looking before swapping keeps the line shared while the core is awake.
        if self.sleeping.0.load(Ordering::Relaxed) == AWAKE {
            return false;
        }
        match self.sleeping.0.swap(AWAKE, Ordering::AcqRel) {
            AWAKE => return false,
            DOZING => self.bell.ring(),
            _ => self.bed_bell.ring(),
        }
        true
    }
}

/// One core's ends of all links, and everybody's doorbell.
pub struct Mesh<B> {
    me: usize,
    /// By peer; `None` at our own place.
    pub senders: Vec<Option<Sender<B>>>,
    /// By peer; `None` at our own place.
    pub receivers: Vec<Option<Receiver<B>>>,
    doorbells: Arc<[Doorbell]>,
}

impl<B: Send> Mesh<B> {
    /// Links between every two of as many cores as there are doorbells; one mesh for each of them.
    pub fn between(doorbells: &Arc<[Doorbell]>, capacity: usize) -> Vec<Mesh<B>> {
        let cores = doorbells.len();
        let mut meshes: Vec<Mesh<B>> = (0..cores)
            .map(|me| Mesh {
                me,
                senders: (0..cores).map(|_| None).collect(),
                receivers: (0..cores).map(|_| None).collect(),
                doorbells: doorbells.clone(),
            })
            .collect();
        for from in 0..cores {
            for to in (0..cores).filter(|&to| to != from) {
                let (sender, receiver) = link(capacity);
                meshes[from].senders[to] = Some(sender);
                meshes[to].receivers[from] = Some(receiver);
            }
        }
        meshes
    }

    /// Our own doorbell.
    pub fn doorbell(&self) -> &Doorbell {
        &self.doorbells[self.me]
    }

    /// Wakes a peer if it sleeps.
    pub fn wake(&self, peer: usize) -> bool {
        self.doorbells[peer].wake()
    }

    /// Whether a peer has sent something that was not taken yet.
    pub fn has_mail(&self) -> bool {
        self.receivers.iter().flatten().any(|receiver| !receiver.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn batches_arrive_in_the_order_they_were_sent_and_a_full_link_gives_them_back() {
        let (sender, receiver) = link(4);
        for number in 0..4 {
            sender.push(Box::new(number)).unwrap();
        }
        assert!(!sender.has_room());
        assert_eq!(*sender.push(Box::new(4)).unwrap_err(), 4);
        assert_eq!(*receiver.pop().unwrap(), 0);
        sender.push(Box::new(4)).unwrap();
        let rest: Vec<i32> = std::iter::from_fn(|| receiver.pop()).map(|batch| *batch).collect();
        assert_eq!(rest, [1, 2, 3, 4]);
        assert!(receiver.is_empty());
    }

    #[test]
    fn what_was_never_taken_is_dropped_with_the_link() {
        let counted = Arc::new(());
        let (sender, receiver) = link(8);
        for _ in 0..5 {
            sender.push(Box::new(counted.clone())).unwrap();
        }
        drop(receiver.pop());
        assert_eq!(Arc::strong_count(&counted), 5);
        drop((sender, receiver));
        assert_eq!(Arc::strong_count(&counted), 1);
    }

    #[test]
    fn two_threads_in_full_flight_lose_and_reorder_nothing() {
        let (sender, receiver) = link(16);
        let last = if cfg!(miri) { 300u64 } else { 300_000 };
        let producer = std::thread::spawn(move || {
            for number in 0..last {
                let mut batch = Box::new(number);
                while let Err(back) = sender.push(batch) {
                    batch = back;
                    std::thread::yield_now();
                }
            }
        });
        for expected in 0..last {
            let batch = loop {
                match receiver.pop() {
                    Some(batch) => break batch,
                    None => std::thread::yield_now(),
                }
            };
            assert_eq!(*batch, expected);
        }
        producer.join().unwrap();
        assert!(receiver.pop().is_none());
    }

    #[test]
    fn ping_pong_between_two_sleepers_never_misses_a_wake() {
        let doorbells: Arc<[Doorbell]> = (0..2).map(|_| Doorbell::new().unwrap()).collect();
        let mut meshes = Mesh::<u32>::between(&doorbells, 4);
        let right = meshes.pop().unwrap();
        let left = meshes.pop().unwrap();
        let rounds = 20_000;
        let play = move |mesh: Mesh<u32>, peer: usize, starts: bool| {
            if starts {
                mesh.senders[peer].as_ref().unwrap().push(Box::new(0)).unwrap();
                mesh.wake(peer);
            }
            loop {
                let receiver = mesh.receivers[peer].as_ref().unwrap();
                let number = loop {
                    if let Some(batch) = receiver.pop() {
                        break *batch;
                    }
                    mesh.doorbell().doze();
                    if !mesh.has_mail() {
                        // A wake that was missed shows as a test that ends here.
                        let rung = mesh.doorbell().bell().wait(Some(Duration::from_secs(20)));
                        assert!(rung || mesh.has_mail(), "asleep with nothing to come");
                    }
                    mesh.doorbell().get_up();
                };
                if number < rounds {
                    mesh.senders[peer].as_ref().unwrap().push(Box::new(number + 1)).unwrap();
                    mesh.wake(peer);
                }
                if number + 1 >= rounds {
                    return number;
                }
            }
        };
        let other = std::thread::spawn(move || play(right, 0, false));
        let mine = play(left, 1, true);
        let theirs = other.join().unwrap();
        assert_eq!(mine.max(theirs), rounds);
    }
}
