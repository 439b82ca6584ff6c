//! The few questions the load asks a server itself, over one blocking connection.

use crate::resp::value::{Decoder, Value};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Requests in one write while keys are being filled in.
const FILL_BATCH: u64 = 512;

/// A connection to a server under load.
pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    decoder: Decoder,
}

impl Client {
    /// Connects to a port on this machine.
    pub fn connect(port: u16) -> io::Result<Client> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.set_nodelay(true)?;
        Ok(Client { stream, input: Vec::new(), decoder: Decoder::new() })
    }

    /// Sends one command and waits for its reply; an error reply is an error.
    pub fn ask(&mut self, words: &[&str]) -> io::Result<Value> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let mut out = Vec::new();
        push_command(&mut out, &words);
        self.stream.write_all(&out)?;
        self.reply()
    }

    /// Whether the server has a command, by its own word.
    pub fn has(&mut self, command: &str) -> io::Result<bool> {
        let reply = self.ask(&["COMMAND", "INFO", command])?;
        Ok(matches!(&reply, Value::Array(all) if matches!(all.first(), Some(Value::Array(_)))))
    }

    /// The fields of one section of `INFO`.
    pub fn info(&mut self, section: &str) -> io::Result<BTreeMap<String, String>> {
        let reply = self.ask(&["INFO", section])?;
        let text = String::from_utf8_lossy(reply.as_bytes().unwrap_or_default()).into_owned();
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        Ok(fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect())
    }

    /// Sets the keys that redis-benchmark will ask for, `key:000000000000` up, so that reads hit.
    pub fn fill(&mut self, keys: u64, value: &[u8]) -> io::Result<()> {
        let mut from = 0;
        while from < keys {
            let to = keys.min(from + FILL_BATCH);
            let mut out = Vec::new();
            for key in from..to {
                push_command(&mut out, &[b"SET", format!("key:{key:012}").as_bytes(), value]);
            }
            self.stream.write_all(&out)?;
            for _ in from..to {
                self.reply()?;
            }
            from = to;
        }
        Ok(())
    }

    fn reply(&mut self) -> io::Result<Value> {
        loop {
            match self.decoder.next(&self.input) {
                Ok(Some((value, consumed))) => {
                    self.input.drain(..consumed);
                    return match value {
                        Value::Error(text) => Err(io::Error::other(String::from_utf8_lossy(&text))),
                        value => Ok(value),
                    };
                }
                Ok(None) => {}
                Err(error) => return Err(io::Error::other(error)),
            }
            let mut chunk = [0; 16 << 10];
            match self.stream.read(&mut chunk)? {
                0 => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the server closed the connection",
                    ));
                }
                read => self.input.extend_from_slice(&chunk[..read]),
            }
        }
    }
}

fn push_command(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}
