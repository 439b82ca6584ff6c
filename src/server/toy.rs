//! A service for the loop's own tests: a few commands over a sharded map, in as little code as shows
//! everything a service may ask of the loop. No part of the server.

use crate::base::clock::Now;
use crate::base::ids::{ClientId, ConnectionId, ShardId};
use crate::net::service::{Address, Intent, Request, Service};
use crate::server::boot::CoreStart;
use std::collections::{HashMap, VecDeque};

const HOLD_BYTES: usize = 128 << 10;
const INPUT_BYTES: usize = 64 << 10;

/// Commands for a peer, or their replies.
#[derive(Default)]
pub struct ToyBatch {
    replies: bool,
    heads: Vec<(ConnectionId, u64, usize)>,
    bytes: Vec<u8>,
}

#[derive(Default)]
struct Client {
    id: u64,
    peer: String,
    input: Vec<u8>,
    output: Vec<u8>,
    produced: usize,
    sent: usize,
    slots: VecDeque<Option<Vec<u8>>>,
    first_slot: u64,
    intent: Intent,
    dirty: bool,
    ready: bool,
}

/// The toy on one core.
pub struct Toy {
    start: CoreStart,
    clients: Vec<(u32, Option<Client>)>,
    free: Vec<u32>,
    map: HashMap<Vec<u8>, Vec<u8>>,
    dirty: Vec<ConnectionId>,
    ready: VecDeque<ConnectionId>,
    requests_out: Vec<Option<Box<ToyBatch>>>,
    replies_out: Vec<Option<Box<ToyBatch>>>,
    asked: Option<Request>,
    crons: u64,
    hangups: u64,
    /// As `Service::next_wake_ns`, in milliseconds.
    pub wake_ms: Option<u64>,
    input_max: usize,
}

/// What a toy has seen.
#[derive(Debug, PartialEq, Eq)]
pub struct ToyReport {
    pub crons: u64,
    pub hangups: u64,
    pub left: usize,
    pub input_max: usize,
}

impl Toy {
    pub fn new(start: CoreStart) -> Self {
        let cores = usize::from(start.cores);
        Toy {
            start,
            clients: Vec::new(),
            free: Vec::new(),
            map: HashMap::new(),
            dirty: Vec::new(),
            ready: VecDeque::new(),
            requests_out: (0..cores).map(|_| None).collect(),
            replies_out: (0..cores).map(|_| None).collect(),
            asked: None,
            crons: 0,
            hangups: 0,
            wake_ms: None,
            input_max: 0,
        }
    }

    fn client(&mut self, at: ConnectionId) -> Option<&mut Client> {
        let (generation, client) = self.clients.get_mut(at.index as usize)?;
        client.as_mut().filter(|_| *generation == at.generation)
    }

    fn get(&self, at: ConnectionId) -> Option<&Client> {
        let (generation, client) = self.clients.get(at.index as usize)?;
        client.as_ref().filter(|_| *generation == at.generation)
    }

    fn mark(&mut self, at: ConnectionId) {
        let Some(client) = self.client(at) else { return };
        if !std::mem::replace(&mut client.dirty, true) {
            self.dirty.push(at);
        }
    }

    fn run(&mut self, at: ConnectionId, fresh: &[u8]) {
        let Some(client) = self.client(at) else { return };
        let mut kept = std::mem::take(&mut client.input);
        let borrowed = kept.is_empty();
        if !borrowed {
            kept.extend_from_slice(fresh);
        }
        let input = if borrowed { fresh } else { &kept[..] };
        let mut from = 0;
        let mut spans = Vec::new();
        loop {
            let Some(client) = self.client(at) else { return };
            if client.produced - client.sent >= HOLD_BYTES || client.intent != Intent::Open {
                break;
            }
            let Some(len) = parse(&input[from..], &mut spans) else { break };
            self.command(at, &input[from..from + len], &spans);
            from += len;
        }
        let rest = input.len() - from;
        let mut left = Vec::new();
        if rest > 0 {
            if borrowed {
                left.extend_from_slice(&fresh[from..]);
            } else {
                kept.drain(..from);
                left = kept;
            }
        }
        self.input_max = self.input_max.max(rest);
        if let Some(client) = self.client(at) {
            client.input = left;
        }
        self.mark(at);
    }

    fn command(&mut self, at: ConnectionId, frame: &[u8], spans: &[(usize, usize)]) {
        let argument = |index: usize| spans.get(index).map_or(&b""[..], |&(from, to)| &frame[from..to]);
        let name = argument(0).to_ascii_uppercase();
        let key = argument(1);
        let cores = usize::from(self.start.cores);
        let owner = if matches!(&name[..], b"GET" | b"SET") {
            hash(key) as usize % cores
        } else {
            self.start.id.index()
        };
        if owner != self.start.id.index() {
            let Some(client) = self.client(at) else { return };
            let number = client.first_slot + client.slots.len() as u64;
            client.slots.push_back(None);
            let batch = self.requests_out[owner].get_or_insert_default();
            batch.heads.push((at, number, frame.len()));
            batch.bytes.extend_from_slice(frame);
            return;
        }
        let Some(client) = self.client(at) else { return };
        let ordered = client.slots.is_empty();
        let mut reply = if ordered { std::mem::take(&mut client.output) } else { Vec::new() };
        let before = reply.len();
        match &name[..] {
            b"GET" | b"SET" => execute(&mut self.map, frame, spans, &mut reply),
            b"PING" => reply.extend_from_slice(b"+PONG\r\n"),
            b"BIG" => {
                let bytes: usize = String::from_utf8_lossy(key).parse().unwrap_or(0);
                reply.extend_from_slice(format!("${bytes}\r\n").as_bytes());
                let pattern = b"abcdefghijklmnopqrstuvw".repeat(bytes / 23 + 1);
                reply.extend_from_slice(&pattern[..bytes]);
                reply.extend_from_slice(b"\r\n");
            }
            b"WHERE" => reply.extend_from_slice(format!(":{}\r\n", self.start.id.0).as_bytes()),
            b"WHO" => {
                let client = self.client(at).expect("asks");
                reply.extend_from_slice(format!("+{} {}\r\n", client.id, client.peer).as_bytes());
            }
            b"QUIT" => {
                reply.extend_from_slice(b"+OK\r\n");
                self.client(at).expect("asks").intent = Intent::CloseAfterOutput;
            }
            b"KILL" => self.client(at).expect("asks").intent = Intent::CloseNow,
            b"CRONS" => reply.extend_from_slice(format!(":{}\r\n", self.crons).as_bytes()),
            b"SHUTDOWN" => self.asked = Some(Request::Shutdown),
            b"CONFIG" => reply.extend_from_slice(b"*2\r\n$4\r\nsave\r\n$0\r\n\r\n"),
            _ => reply.extend_from_slice(b"-ERR unknown\r\n"),
        }
        let Some(client) = self.client(at) else { return };
        client.produced += reply.len() - before;
        if ordered {
            client.output = reply;
        } else {
            client.slots.push_back(Some(reply));
        }
    }

    fn wake_up(&mut self, at: ConnectionId) {
        if let Some(client) = self.client(at)
            && !client.input.is_empty()
            && !std::mem::replace(&mut client.ready, true)
        {
            self.ready.push_back(at);
        }
    }
}

impl Service for Toy {
    type Batch = ToyBatch;
    type Report = ToyReport;

    fn connect(&mut self, id: ClientId, address: Address) -> ConnectionId {
        let client = Client { id: id.0, peer: address.peer, ..Client::default() };
        let index = self.free.pop().unwrap_or_else(|| {
            self.clients.push((0, None));
            self.clients.len() as u32 - 1
        });
        let slot = &mut self.clients[index as usize];
        slot.0 += 1;
        slot.1 = Some(client);
        ConnectionId { index, generation: slot.0 }
    }

    fn on_refused(&mut self) {}

    fn begin_turn(&mut self, _now: Now) {}

    fn on_bytes(&mut self, connection: ConnectionId, bytes: &[u8]) {
        self.run(connection, bytes);
    }

    fn on_sent(&mut self, connection: ConnectionId, bytes: usize) {
        if let Some(client) = self.client(connection) {
            client.sent += bytes;
            assert!(client.sent <= client.produced);
            self.wake_up(connection);
        }
    }

    fn preview(&mut self, _: ConnectionId, _: &[u8]) {}

    fn preview_ends(&mut self) {}

    fn on_hangup(&mut self, connection: ConnectionId) {
        let slot = &mut self.clients[connection.index as usize];
        assert_eq!(slot.0, connection.generation);
        assert!(slot.1.take().is_some(), "hung up twice");
        self.free.push(connection.index);
        self.hangups += 1;
    }

    fn on_mail(&mut self, from: ShardId, batch: Box<ToyBatch>) {
        let mut at = 0;
        let mut spans = Vec::new();
        for (connection, number, len) in &batch.heads {
            let bytes = &batch.bytes[at..at + len];
            at += len;
            if batch.replies {
                let Some(client) = self.client(*connection) else { continue };
                client.produced += len;
                client.slots[(number - client.first_slot) as usize] = Some(bytes.to_vec());
                while let Some(Some(reply)) = client.slots.front() {
                    client.output.extend_from_slice(reply);
                    client.slots.pop_front();
                    client.first_slot += 1;
                }
                self.mark(*connection);
                continue;
            }
            parse(bytes, &mut spans).expect("whole commands travel");
            let out = self.replies_out[from.index()].get_or_insert_default();
            out.replies = true;
            let before = out.bytes.len();
            execute(&mut self.map, bytes, &spans, &mut out.bytes);
            out.heads.push((*connection, *number, out.bytes.len() - before));
        }
    }

    fn wants_mail(&self, _: ShardId) -> bool {
        true
    }

    fn run_ready(&mut self) -> bool {
        for _ in 0..self.ready.len() {
            let Some(at) = self.ready.pop_front() else { break };
            if let Some(client) = self.client(at) {
                client.ready = false;
                self.run(at, b"");
            }
        }
        !self.ready.is_empty()
    }

    fn next_dirty(&mut self) -> Option<ConnectionId> {
        let at = self.dirty.pop()?;
        if let Some(client) = self.client(at) {
            client.dirty = false;
        }
        Some(at)
    }

    fn has_corked(&self) -> bool {
        false
    }

    fn output(&mut self, connection: ConnectionId) -> Option<&mut Vec<u8>> {
        self.client(connection).map(|client| &mut client.output)
    }

    fn intent(&self, connection: ConnectionId) -> Intent {
        self.get(connection).map_or(Intent::CloseNow, |client| client.intent)
    }

    fn wants_input(&self, connection: ConnectionId) -> bool {
        self.get(connection).is_some_and(|client| client.input.len() < INPUT_BYTES)
    }

    fn is_busy(&self, connection: ConnectionId) -> bool {
        self.get(connection).is_some_and(|client| !client.slots.is_empty() || client.ready)
    }

    fn take_mail(&mut self, peer: ShardId) -> Option<Box<ToyBatch>> {
        self.replies_out[peer.index()].take().or_else(|| self.requests_out[peer.index()].take())
    }

    fn on_cron(&mut self) {
        self.crons += 1;
    }

    fn next_wake_ns(&self) -> Option<u64> {
        self.wake_ms.map(|ms| ms * 1_000_000)
    }

    fn take_request(&mut self) -> Option<Request> {
        self.asked.take()
    }

    fn into_report(self) -> ToyReport {
        let left = self.clients.iter().filter(|(_, client)| client.is_some()).count();
        ToyReport { crons: self.crons, hangups: self.hangups, left, input_max: self.input_max }
    }
}

fn execute(map: &mut HashMap<Vec<u8>, Vec<u8>>, frame: &[u8], spans: &[(usize, usize)], reply: &mut Vec<u8>) {
    let argument = |index: usize| spans.get(index).map_or(&b""[..], |&(from, to)| &frame[from..to]);
    if argument(0).eq_ignore_ascii_case(b"SET") {
        map.insert(argument(1).to_vec(), argument(2).to_vec());
        reply.extend_from_slice(b"+OK\r\n");
        return;
    }
    match map.get(argument(1)) {
        Some(value) => {
            reply.extend_from_slice(format!("${}\r\n", value.len()).as_bytes());
            reply.extend_from_slice(value);
            reply.extend_from_slice(b"\r\n");
        }
        None => reply.extend_from_slice(b"$-1\r\n"),
    }
}

fn hash(key: &[u8]) -> u64 {
    let hash = key
        .iter()
        .fold(0xcbf29ce484222325u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100000001b3));
    hash ^ (hash >> 29)
}

// The length of the first whole command (inline or array) and where its arguments are.
fn parse(input: &[u8], spans: &mut Vec<(usize, usize)>) -> Option<usize> {
    spans.clear();
    if *input.first()? != b'*' {
        let end = input.iter().position(|&byte| byte == b'\n')?;
        let mut from = 0;
        for word in input[..end].trim_ascii_end().split(|&byte| byte == b' ') {
            spans.push((from, from + word.len()));
            from += word.len() + 1;
        }
        return Some(end + 1);
    }
    let mut at = 1;
    let number = |at: &mut usize| {
        let mut value = 0;
        loop {
            match *input.get(*at)? {
                b'\r' => {
                    *at += 2;
                    return Some(value);
                }
                digit => value = value * 10 + usize::from(digit - b'0'),
            }
            *at += 1;
        }
    };
    for _ in 0..number(&mut at)? {
        at += 1;
        let len = number(&mut at)?;
        if at + len + 2 > input.len() {
            return None;
        }
        spans.push((at, at + len));
        at += len + 2;
    }
    Some(at)
}
