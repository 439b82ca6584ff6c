//! `medusa cli` from outside: the real binary against a small server that answers from a script, so that
//! no other server is needed and every reply can be chosen.

use medusa::resp::{ParseLimits, Parser};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server was asked, a command a line, and where it listens.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

/// What to do about one command.
enum Answer {
    Send(&'static [u8]),
    /// Send, then close the connection.
    Close(&'static [u8]),
}

type Script = fn(&str) -> Answer;

fn converse(mut stream: impl Read + Write, script: Script, asked: &Mutex<Vec<String>>) {
    let mut parser = Parser::new();
    let (mut input, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        while let Some(consumed) =
            parser.next(&input, &ParseLimits::default()).expect("a well-formed command")
        {
            let words: Vec<String> =
                parser.args(&input).from(0).map(|word| word.escape_ascii().to_string()).collect();
            input.drain(..consumed);
            let line = words.join(" ");
            asked.lock().expect("no test panicked").push(line.clone());
            let (reply, close) = match script(&line) {
                Answer::Send(reply) => (reply, false),
                Answer::Close(reply) => (reply, true),
            };
            if stream.write_all(reply).is_err() || close {
                return;
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return,
            Ok(got) => input.extend_from_slice(&chunk[..got]),
        }
    }
}

impl Server {
    fn start(script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                converse(stream, script, &log);
            }
        });
        Server { port, asked }
    }

    fn cli(&self, flags: &[&str], stdin: &str) -> Output {
        let port = self.port.to_string();
        cli(&[&["-p", &port], flags].concat(), stdin)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no test panicked").clone()
    }
}

fn command(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_medusa"));
    command.arg("cli").args(flags).env_remove("REDISCLI_AUTH");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finish(mut command: Command, stdin: &str) -> Output {
    let mut child = command.spawn().expect("the binary starts");
    // A client that failed early does not read its input.
    let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn cli(flags: &[&str], stdin: &str) -> Output {
    finish(command(flags), stdin)
}

#[track_caller]
fn check(output: &Output, code: i32, stdout: &str, stderr: &str) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(text(&output.stdout), stdout, "stderr: {}", text(&output.stderr));
    assert_eq!(text(&output.stderr), stderr);
    assert_eq!(output.status.code(), Some(code));
}

/// Answers like a server with a few keys.
fn usual(line: &str) -> Answer {
    Answer::Send(match line.to_lowercase().as_str() {
        "ping" => b"+PONG\r\n",
        "get a" => b"$3\r\nx\n\0\r\n",
        "get missing" => b"$-1\r\n",
        "lrange l 0 -1" => b"*2\r\n$1\r\na\r\n*1\r\n:5\r\n",
        "incr c" => b":1\r\n",
        "info" => b"$15\r\n# Server\r\na:1\r\n\r\n",
        "client reply off" => b"",
        "quit" => return Answer::Close(b"+OK\r\n"),
        line if line.starts_with("set ") || line.starts_with("auth ") || line.starts_with("select ") => {
            b"+OK\r\n"
        }
        line if line.starts_with("hello ") => b"%1\r\n+proto\r\n:3\r\n",
        _ => b"-ERR unknown command\r\n",
    })
}

#[test]
fn output_is_raw_in_a_pipe_and_readable_when_asked() {
    let server = Server::start(usual);
    check(&server.cli(&["get", "a"], ""), 0, "x\n\0\n", "");
    check(&server.cli(&["--no-raw", "get", "a"], ""), 0, "\"x\\n\\x00\"\n", "");
    check(&server.cli(&["--no-raw", "get", "missing"], ""), 0, "(nil)\n", "");
    check(&server.cli(&["lrange", "l", "0", "-1"], ""), 0, "a\n5\n", "");
    check(&server.cli(&["--no-raw", "lrange", "l", "0", "-1"], ""), 0, "1) \"a\"\n2) 1) (integer) 5\n", "");
    check(&server.cli(&["--no-raw", "info"], ""), 0, "# Server\r\na:1\r\n", "");
}

#[test]
fn an_error_reply_is_an_answer_unless_e_is_given() {
    let server = Server::start(usual);
    check(&server.cli(&["nonsense"], ""), 0, "ERR unknown command\n\n", "");
    check(&server.cli(&["--no-raw", "nonsense"], ""), 0, "(error) ERR unknown command\n", "");
    check(&server.cli(&["-e", "nonsense"], ""), 1, "", "ERR unknown command\n\n");
    check(&server.cli(&["-e", "ping"], ""), 0, "PONG\n", "");
    check(&server.cli(&["-e"], "nonsense\nping\n"), 1, "PONG\n", "ERR unknown command\n\n");
}

#[test]
fn connecting_authenticates_then_switches_then_selects() {
    let server = Server::start(usual);
    let output =
        server.cli(&["-3", "-n", "7", "-a", "secret", "--user", "me", "--no-auth-warning", "ping"], "");
    check(&output, 0, "PONG\n", "");
    assert_eq!(server.asked(), ["AUTH me secret", "HELLO 3", "SELECT 7", "ping"]);

    let server = Server::start(usual);
    let port = server.port.to_string();
    let mut command = command(&["-p", &port, "ping"]);
    command.env("REDISCLI_AUTH", "from the environment");
    check(&finish(command, ""), 0, "PONG\n", "");
    assert_eq!(server.asked(), ["AUTH from the environment", "ping"]);
}

#[test]
fn a_refused_password_is_told_and_a_refused_database_ends_it() {
    let server = Server::start(|line| match line {
        "ping" => Answer::Send(b"+PONG\r\n"),
        _ => Answer::Send(b"-ERR no\r\n"),
    });
    let output = server.cli(&["-a", "wrong", "--no-auth-warning", "ping"], "");
    check(&output, 0, "PONG\n", "AUTH failed: ERR no\n");
    check(&server.cli(&["-n", "99", "ping"], ""), 1, "", "SELECT 99 failed: ERR no\n");
}

#[test]
fn a_pipe_gives_one_command_a_line() {
    let server = Server::start(usual);
    let lines = "set \"b c\" 'it\\'s'\n\n  \nget a\r\nfoo \"\n2 ping\nPING \nexit\nping\n";
    check(&server.cli(&[], lines), 0, "OK\nx\n\0\nInvalid argument(s)\nPONG\nPONG\nPONG\n", "");
    assert_eq!(server.asked(), ["set b c it\\'s", "get a", "ping", "ping", "PING"]);
}

#[test]
fn replies_that_will_not_come_are_not_waited_for() {
    let server = Server::start(|line| match line {
        "client reply on" => Answer::Send(b"+OK\r\n"),
        _ => Answer::Send(b""),
    });
    check(
        &server.cli(&[], "client reply off\nset a b\nclient reply on\nclient reply skip\nset a b\n"),
        0,
        "OK\n",
        "",
    );
}

#[test]
fn the_last_argument_may_come_from_the_standard_input() {
    let server = Server::start(usual);
    check(&server.cli(&["-x", "set", "k"], "two\nlines\n"), 0, "OK\n", "");
    assert_eq!(server.asked(), ["set k two\\nlines\\n"]);
    assert_eq!(server.cli(&["-x"], "").status.code(), Some(2));
}

#[test]
fn a_command_may_be_repeated() {
    let server = Server::start(usual);
    check(&server.cli(&["-r", "3", "-i", "0.01", "incr", "c"], ""), 0, "1\n1\n1\n", "");
    check(&server.cli(&["-e", "-r", "-1", "nonsense"], ""), 1, "", "ERR unknown command\n\n");
}

#[test]
fn a_subscription_streams_until_the_server_goes() {
    let server = Server::start(|_| {
        Answer::Close(
            b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n",
        )
    });
    let gone = "Error: Server closed the connection\n";
    check(&server.cli(&["subscribe", "c"], ""), 1, "subscribe\nc\n1\nmessage\nc\nhi\n", gone);
    let readable = "Reading messages... (press Ctrl-C to quit)\n\
        1) \"subscribe\"\n2) \"c\"\n3) (integer) 1\n1) \"message\"\n2) \"c\"\n3) \"hi\"\n";
    check(&server.cli(&["--no-raw", "subscribe", "c"], ""), 1, readable, gone);
}

#[test]
fn a_monitor_streams_and_a_refused_one_ends() {
    let server = Server::start(|_| Answer::Close(b"+OK\r\n+1.5 [0 127.0.0.1:1] \"ping\"\r\n"));
    let lines = "OK\n1.5 [0 127.0.0.1:1] \"ping\"\n";
    check(&server.cli(&["monitor"], ""), 1, lines, "Error: Server closed the connection\n");
    let server = Server::start(|_| Answer::Send(b"-ERR no\r\n"));
    check(&server.cli(&["monitor"], ""), 0, "ERR no\n\n", "");
}

#[test]
fn a_lost_connection_is_made_again_for_the_next_line() {
    let server = Server::start(|line| match line {
        "SELECT 3" | "select 3" => Answer::Send(b"+OK\r\n"),
        "first" => Answer::Close(b"+ONE\r\n"),
        _ => Answer::Send(b"+TWO\r\n"),
    });
    check(&server.cli(&[], "select 3\nfirst\nsecond\n"), 0, "OK\nONE\nTWO\n", "");
    assert_eq!(server.asked(), ["select 3", "first", "SELECT 3", "second"]);
}

#[test]
fn a_lost_transaction_is_not_continued_outside_itself() {
    let server = Server::start(|line| match line {
        "multi" => Answer::Close(b"+OK\r\n"),
        _ => Answer::Send(b"+OK\r\n"),
    });
    let told = "Error: Server closed the connection\nThe transaction is lost; nothing of it was executed.\n";
    let output = server.cli(&[], "multi\nincr c\n");
    check(&output, 1, "OK\n", told);
    assert!(!server.asked().contains(&"incr c".to_string()));
}

#[test]
fn a_shutdown_that_closes_the_connection_has_succeeded() {
    let server = Server::start(|_| Answer::Close(b""));
    check(&server.cli(&["shutdown"], ""), 0, "", "");
    check(&server.cli(&["ping"], ""), 1, "", "Error: Server closed the connection\n");
}

#[test]
fn what_is_not_the_protocol_is_told_as_such() {
    let server = Server::start(|_| Answer::Send(b"HTTP/1.1 400 Bad Request\r\n"));
    let told = "Error: a reply cannot begin with 'H'. Is there really a Redis-like server?\n";
    check(&server.cli(&["ping"], ""), 1, "", told);
}

#[test]
fn a_server_that_is_not_there_comes_with_a_remedy() {
    // A port nobody else gets while we hold it, and where nobody listens once we let go.
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("bound").port();
    let output = cli(&["-p", &port.to_string(), "ping"], "");
    let told = format!(
        "Could not connect to Medusa at 127.0.0.1:{port}: nothing listens there. Start a server with \
         `medusa --port {port}`, or say with -h and -p where one is.\n"
    );
    check(&output, 1, "", &told);
    let output = cli(&["-s", "/nowhere/socket", "ping"], "");
    let told = "Could not connect to Medusa at /nowhere/socket: there is no such socket. Start a server with \
         `medusa --unixsocket /nowhere/socket`, or correct -s.\n";
    check(&output, 1, "", told);
    check(&cli(&["-p", &port.to_string()], "ping\nping\n"), 1, "", &{
        format!(
            "Could not connect to Medusa at 127.0.0.1:{port}: nothing listens there. Start a server with \
             `medusa --port {port}`, or say with -h and -p where one is.\n"
        )
    });
}

#[test]
fn a_unix_socket_will_do() {
    let path = std::env::temp_dir().join(format!("medusa-cli-{}.sock", std::process::id()));
    // Left over from a process of the same number: not there is as good.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).expect("a socket in the temporary directory");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            converse(stream, usual, &Mutex::new(Vec::new()));
        }
    });
    check(&cli(&["-s", path.to_str().expect("text"), "ping"], ""), 0, "PONG\n", "");
    std::fs::remove_file(&path).expect("it was there");
}

#[test]
fn a_reply_of_many_megabytes_arrives_whole() {
    static BIG: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BIG.get_or_init(|| [b"$20000000\r\n".as_slice(), &[b'x'; 20_000_000], b"\r\n"].concat());
    let server = Server::start(|_| Answer::Send(BIG.get().expect("set above")));
    let output = server.cli(&["get", "big"], "");
    assert_eq!(output.stdout.len(), 20_000_001);
    assert!(output.stdout[..20_000_000].iter().all(|&byte| byte == b'x'));
}
