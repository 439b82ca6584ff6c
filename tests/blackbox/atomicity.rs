//! Many real threads at once: nobody sees half of a command, at any core count.
//!
//! `src/testing/atomicity.rs` proves this under thousands of simulated schedules; here the schedule is
//! the machine's. Each test runs a fixed number of operations, not a fixed time.

use crate::at_each_core_count;
use crate::common::Server;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

const ROUNDS: usize = 1_500;

/// Runs writers to their end while readers go on; each gets a connection of its own.
fn while_writing(
    server: &Server,
    writers: &[&(dyn Fn(&mut crate::common::Wire) + Sync)],
    reader: impl Fn(&mut crate::common::Wire) + Sync,
) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut wire = server.connect();
                while !done.load(Ordering::Relaxed) {
                    reader(&mut wire);
                }
            });
        }
        let writing: Vec<_> = writers
            .iter()
            .map(|write| {
                scope.spawn(|| {
                    // However it ends, the readers must learn of it.
                    struct Done<'a>(&'a AtomicBool);
                    impl Drop for Done<'_> {
                        fn drop(&mut self) {
                            if std::thread::panicking() {
                                self.0.store(true, Ordering::Relaxed);
                            }
                        }
                    }
                    let _done = Done(&done);
                    write(&mut server.connect());
                })
            })
            .collect();
        let ended: Vec<_> = writing.into_iter().map(|thread| thread.join()).collect();
        done.store(true, Ordering::Relaxed);
        assert!(ended.iter().all(Result::is_ok), "a writer failed");
    });
}

#[test]
fn mget_never_sees_half_of_an_mset() {
    at_each_core_count(|server| {
        let keys: Vec<String> = (0..8).map(|number| format!("part:{number}")).collect();
        let write = |name: &'static str| {
            let keys = keys.clone();
            move |wire: &mut crate::common::Wire| {
                for round in 0..ROUNDS {
                    let value = format!("{name}:{round}");
                    let pairs = keys.iter().flat_map(|key| [key.as_str(), value.as_str()]);
                    let words: Vec<&str> = std::iter::once("MSET").chain(pairs).collect();
                    assert_eq!(wire.call(&words), b"+OK\r\n");
                }
            }
        };
        let (left, right) = (write("left"), write("right"));
        let words: Vec<&str> = std::iter::once("MGET").chain(keys.iter().map(String::as_str)).collect();
        while_writing(server, &[&left, &right], |wire| {
            let reply = String::from_utf8(wire.call(&words)).unwrap();
            let values: BTreeSet<&str> =
                reply.lines().skip(1).filter(|line| !line.starts_with('$') || *line == "$-1").collect();
            assert_eq!(values.len(), 1, "a mixture: {reply}");
        });
    });
}

#[test]
fn a_key_renamed_to_and_fro_always_exists_once() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        assert_eq!(wire.ask("SET ping x"), "+OK\r\n");
        let rename = |wire: &mut crate::common::Wire| {
            for _ in 0..ROUNDS {
                assert_eq!(wire.ask("RENAME ping pong"), "+OK\r\n");
                assert_eq!(wire.ask("RENAME pong ping"), "+OK\r\n");
            }
        };
        while_writing(server, &[&rename], |wire| {
            assert_eq!(wire.ask("EXISTS ping pong"), ":1\r\n");
        });
    });
}

#[test]
fn msetnx_lets_one_of_many_win() {
    at_each_core_count(|server| {
        for round in 0..100 {
            let keys: Vec<String> = (0..5).map(|number| format!("{round}:{number}")).collect();
            let won: usize = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|thread: usize| {
                        let (keys, server) = (&keys, &*server);
                        scope.spawn(move || {
                            let value = thread.to_string();
                            // Everyone starts at another key, so that they overlap from all sides.
                            let pairs =
                                (0..5).flat_map(|at| [keys[(at + thread) % 5].as_str(), value.as_str()]);
                            let words: Vec<&str> = std::iter::once("MSETNX").chain(pairs).collect();
                            usize::from(server.connect().call(&words) == b":1\r\n")
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).sum()
            });
            assert_eq!(won, 1, "round {round}");
        }
    });
}

#[test]
fn increments_of_many_connections_are_all_counted() {
    at_each_core_count(|server| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut wire = server.connect_tcp();
                    for round in 0..50 {
                        for number in 0..20 {
                            wire.command(&["INCR", &format!("counter:{}", (number + round) % 10)]);
                        }
                        for _ in 0..20 {
                            assert_eq!(wire.reply()[0], b':');
                        }
                    }
                });
            }
        });
        let mut wire = server.connect();
        for number in 0..10 {
            assert_eq!(wire.ask(&format!("GET counter:{number}")), "$3\r\n800\r\n");
        }
    });
}

/// A whole SCAN; panics when it does not end.
fn scan(wire: &mut crate::common::Wire, count: &str) -> Vec<String> {
    let (mut cursor, mut keys) = ("0".to_string(), Vec::new());
    for _ in 0..100_000 {
        let reply = String::from_utf8(wire.call(&["SCAN", &cursor, "COUNT", count])).unwrap();
        let mut lines = reply.lines();
        assert_eq!(lines.next(), Some("*2"), "{reply}");
        cursor = lines.nth(1).unwrap().to_string();
        // Past the array's header, every second line is a key.
        keys.extend(lines.skip(2).step_by(2).map(str::to_string));
        if cursor == "0" {
            return keys;
        }
    }
    panic!("a SCAN that does not end");
}

#[test]
fn scan_returns_what_stays_while_others_come_and_go() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        let stays: BTreeSet<String> = (0..2_000).map(|number| format!("stays:{number}")).collect();
        for key in &stays {
            wire.command(&["SET", key, "x"]);
        }
        for _ in &stays {
            assert_eq!(wire.reply(), b"+OK\r\n");
        }
        let churn = |wire: &mut crate::common::Wire| {
            // Grows the tables to many times their size and empties them again.
            for round in 0..3 {
                for verb in ["SET", "DEL"] {
                    for number in 0..8_000 {
                        let key = format!("goes:{round}:{number}");
                        if verb == "SET" {
                            wire.command(&[verb, &key, "x"])
                        } else {
                            wire.command(&[verb, &key])
                        }
                        if number % 100 == 99 {
                            for _ in 0..100 {
                                wire.reply();
                            }
                        }
                    }
                }
            }
        };
        while_writing(server, &[&churn], |wire| {
            for count in ["7", "100"] {
                let found: BTreeSet<String> = scan(wire, count).into_iter().collect();
                let missing: Vec<_> = stays.difference(&found).take(5).collect();
                assert!(missing.is_empty(), "missed {missing:?}");
            }
        });
        let found: BTreeSet<String> = scan(&mut wire, "10").into_iter().collect();
        assert_eq!(found, stays);
    });
}

#[test]
fn flushall_leaves_nothing_of_what_was_there_before() {
    at_each_core_count(|server| {
        let mut wire = server.connect();
        for round in 0..20 {
            for number in 0..50 {
                assert_eq!(wire.ask(&format!("SET key:{number} {round}")), "+OK\r\n");
            }
            assert_eq!(wire.ask("DBSIZE"), ":50\r\n");
            assert_eq!(wire.ask(if round % 2 == 0 { "FLUSHALL" } else { "FLUSHDB ASYNC" }), "+OK\r\n");
            assert_eq!(wire.ask("DBSIZE"), ":0\r\n");
            assert_eq!(wire.ask("KEYS *"), "*0\r\n");
        }
    });
}

#[test]
fn an_element_that_moves_is_always_in_exactly_one_list() {
    at_each_core_count(|server| {
        let lists: Vec<String> = (0..6).map(|number| format!("list:{number}")).collect();
        assert_eq!(server.connect().call(&["RPUSH", &lists[0], "token"]), b":1\r\n");
        let mover = |step: usize| {
            let lists = &lists;
            move |wire: &mut crate::common::Wire| {
                for round in 0..ROUNDS {
                    let (from, to) = (&lists[round % 6], &lists[(round * step + 1) % 6]);
                    let moved = wire.call(&["LMOVE", from, to, "LEFT", "RIGHT"]);
                    assert!(moved == b"$5\r\ntoken\r\n" || moved == b"$-1\r\n", "{}", moved.escape_ascii());
                }
            }
        };
        let (one, other) = (mover(1), mover(5));
        let exists: Vec<&str> = std::iter::once("EXISTS").chain(lists.iter().map(String::as_str)).collect();
        while_writing(server, &[&one, &other], |wire| {
            assert_eq!(wire.call(&exists), b":1\r\n");
        });
    });
}

#[test]
fn elements_that_are_popped_from_many_lists_are_popped_once() {
    at_each_core_count(|server| {
        let lists: Vec<String> = (0..6).map(|number| format!("list:{number}")).collect();
        let mut wire = server.connect();
        for number in 0..ROUNDS {
            wire.call(&["RPUSH", &lists[number % 6], &format!("e{number}")]);
        }
        let popped = std::sync::Mutex::new(BTreeSet::new());
        let popper = |wire: &mut crate::common::Wire| {
            let mut words = vec!["LMPOP", "6"];
            words.extend(lists.iter().map(String::as_str));
            words.extend(["RIGHT", "COUNT", "3"]);
            loop {
                let reply = String::from_utf8(wire.call(&words)).unwrap();
                if reply == "*-1\r\n" {
                    break;
                }
                for element in reply.lines().filter(|line| line.starts_with('e')) {
                    let new = popped.lock().expect("no popper has panicked").insert(element.to_owned());
                    assert!(new, "{element} was popped twice");
                }
            }
        };
        while_writing(server, &[&popper, &popper, &popper], |wire| {
            assert!(wire.call(&["LLEN", &lists[5]]).starts_with(b":"));
        });
        assert_eq!(popped.into_inner().expect("no popper has panicked").len(), ROUNDS);
    });
}
