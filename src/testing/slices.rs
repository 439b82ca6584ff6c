//! Who has much to do gets it done in slices: others need not wait for all of it.

use crate::base::ids::ShardId;
use crate::base::limits::{INPUT_HOLD_BYTES, MAIL_SLICE_NS, TURN_SLICE_NS};
use crate::resp::value::Value;
use crate::testing::sim::{Sim, encode};
use std::time::Duration;

#[test]
fn commands_of_one_read_that_take_long_leave_others_their_turn() {
    let mut sim = Sim::new(1, 7);
    let (long, short) = (sim.connect(), sim.connect());
    sim.engines()[0].center().clock.set_reading(Duration::from_nanos(TURN_SLICE_NS / 3));
    // Each takes a third of a slice by the clock of its own statistics: the fourth makes it more than a slice.
    // It comes in many pieces, which end within a command.
    let (at, much) = (sim.connection(long), encode(&[b"incr", b"n"]).repeat(30));
    for piece in much.chunks(25) {
        sim.engines()[0].on_bytes(at, piece);
    }
    assert!(sim.engines()[0].run_ready(), "there is more, but not in this turn");
    sim.deliver(short, &encode(&[b"ping"]));
    assert_eq!(sim.take_replies(short), vec![Value::Simple(b"PONG".to_vec())]);
    assert_eq!(sim.take_replies(long).len(), 4);
    sim.settle();
    let rest: Vec<Value> = (5..=30).map(Value::Integer).collect();
    assert_eq!(sim.take_replies(long), rest);
}

#[test]
fn mail_that_takes_long_leaves_others_their_turn() {
    let (home, owner) = (ShardId(0), ShardId(1));
    let mut sim = Sim::new(2, 7);
    let key = sim.key_on(owner);
    let (far, near) = (sim.connect(), sim.connect());
    let at = sim.connection(far);
    sim.engines()[0].on_bytes(at, &encode(&[b"incr", key.as_bytes()]).repeat(30));
    let batch = sim.engines()[0].take_mail(owner).expect("all of them are asked for");
    let asked = batch.ops.len();
    let engine = &mut sim.engines()[1];
    engine.center().clock.set_reading(Duration::from_nanos(MAIL_SLICE_NS / 3));
    engine.on_mail(home, batch);
    assert!(!engine.wants_mail(home));
    assert_eq!(engine.next_wake_ns(), Some(0), "it does not sleep over it");
    let first = engine.take_mail(home).expect("replies").ops.len();
    assert_eq!(first, 4, "a slice of {asked}");
    engine.center().clock.set_reading(Duration::ZERO);
    sim.deliver(near, &encode(&[b"ping"]));
    assert_eq!(sim.take_replies(near).len(), 1);
    let engine = &mut sim.engines()[1];
    assert!(!engine.run_ready());
    assert!(engine.wants_mail(home));
    assert_eq!(first + engine.take_mail(home).expect("replies").ops.len(), asked);
}

#[test]
fn what_a_client_sends_and_cannot_run_yet_waits_in_its_socket() {
    let mut sim = Sim::new(1, 7);
    let (client, other) = (sim.connect(), sim.connect());
    let at = sim.connection(client);
    let much = encode(&[b"ping"]).repeat(INPUT_HOLD_BYTES / encode(&[b"ping"]).len() + 1);
    // A frame that is not whole needs the rest of it.
    sim.deliver(client, b"*2\r\n$4\r\nECHO\r\n$2000000\r\n");
    sim.deliver(client, &vec![b'x'; 1_999_999]);
    assert!(sim.engines()[0].wants_input(at));
    sim.deliver(client, b"x\r\n");
    assert_eq!(sim.take_replies(client).len(), 1);
    // A pause holds what could run.
    sim.call(other, &[b"client", b"pause", b"100", b"all"]);
    sim.deliver(client, &much[..1_000]);
    assert!(sim.engines()[0].wants_input(at));
    sim.deliver(client, &much[1_000..]);
    assert!(!sim.engines()[0].wants_input(at));
    sim.advance(Duration::from_millis(200));
    assert!(sim.engines()[0].wants_input(at));
    assert_eq!(sim.take_replies(client).len(), much.len() / encode(&[b"ping"]).len());
    // Who waits for a key is read on, or nobody would notice that it hangs up.
    sim.deliver(client, &[encode(&[b"blpop", b"l", b"0"]), much].concat());
    assert!(sim.engines()[0].wants_input(at));
}
