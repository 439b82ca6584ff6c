//! What Redis 7.0.15 answered to each of these inputs, asked by hand.

use super::*;
use crate::base::prng::Prng;
use crate::resp::fuzz::{Parsed, parse};

fn whole(input: &[u8]) -> Parsed {
    parse(input, &ParseLimits::default(), || usize::MAX)
}

#[track_caller]
fn frames(input: &[u8], expected: &[&[&[u8]]]) {
    let expected: Vec<Vec<Vec<u8>>> =
        expected.iter().map(|frame| frame.iter().map(|word| word.to_vec()).collect()).collect();
    assert_eq!(whole(input), (expected, None, input.len()), "{}", input.escape_ascii());
}

#[track_caller]
fn fails(input: &[u8], error: ProtocolError) {
    assert_eq!(whole(input).1, Some(error), "{}", input[..input.len().min(80)].escape_ascii());
}

#[track_caller]
fn waits(input: &[u8]) {
    assert_eq!(whole(input), (vec![], None, 0), "{}", input[..input.len().min(80)].escape_ascii());
}

#[test]
fn arguments_are_binary_safe_and_pipelined_frames_come_one_by_one() {
    frames(b"*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$3\r\n\r\n\0\r\n", &[&[b"PING"], &[b"ECHO", b"\r\n\0"]]);
    frames(b"*2\r\n$0\r\n\r\n$0\r\n\r\n", &[&[b"", b""]]);
}

#[test]
fn frames_may_hold_no_argument() {
    frames(b"*0\r\n*-1\r\n*-7\r\n\r\n\n  \nPING\n", &[&[], &[], &[], &[], &[], &[], &[b"PING"]]);
}

#[test]
fn a_count_is_an_integer_that_fits() {
    for line in ["*x", "*2147483648", "*01", "*+1", "*-0", "*", "* 1", "*1 ", "*99999999999999999999"] {
        fails(format!("{line}\r\n").as_bytes(), ProtocolError::MultibulkLength);
    }
    waits(b"*2147483647\r\n");
}

#[test]
fn an_argument_begins_with_a_dollar() {
    fails(b"*1\r\nx4\r\n", ProtocolError::ExpectedDollar(b'x'));
    fails(b"*1\r\n\xff4\r\n", ProtocolError::ExpectedDollar(0xff));
    fails(b"*1\r\n\r\nx", ProtocolError::ExpectedDollar(b'\r'));
    fails(b"*1\r\n\nx\r\n", ProtocolError::ExpectedDollar(b'\n'));
    // Redis says so only once the line is complete.
    waits(b"*1\r\nx4");
}

#[test]
fn a_length_is_an_integer_within_the_limit() {
    for line in ["$-1", "$536870913", "$04", "$4\n", "$", "$x", "$ 4", "$+4", "$99999999999999999999"] {
        fails(format!("*1\r\n{line}\r\nPING\r\n").as_bytes(), ProtocolError::BulkLength);
    }
    waits(b"*1\r\n$536870912\r\n");
    let limits = ParseLimits { bulk_bytes_max: 3, authenticated: true };
    assert_eq!(parse(b"*1\r\n$4\r\n", &limits, || 1).1, Some(ProtocolError::BulkLength));
    let limits = ParseLimits { bulk_bytes_max: 1 << 40, authenticated: true };
    assert_eq!(parse(b"*1\r\n$4294967290\r\n", &limits, || 1).1, Some(ProtocolError::BulkLength));
}

#[test]
fn the_bytes_after_an_argument_and_after_a_carriage_return_are_not_looked_at() {
    frames(b"*1\r\n$4\r\nPINGxx", &[&[b"PING"]]);
    frames(b"*1\rx$4\rxPINGxx", &[&[b"PING"]]);
}

#[test]
fn a_zero_byte_hides_the_rest_of_a_line() {
    waits(b"*1\0\r\n$4\r\nPING\r\n");
    assert_eq!(whole(b"*1\r\n$4\0\r\nPING\r\n"), (vec![], None, 0));
    waits(b"PING a\0b\n");
}

#[test]
fn lines_have_a_longest_length() {
    let digits = |count| vec![b'1'; count];
    fails(&[b"*".as_slice(), &digits(65536)].concat(), ProtocolError::MultibulkLineTooLong);
    waits(&[b"*".as_slice(), &digits(65535)].concat());
    fails(&[b"*1\r\n$".as_slice(), &digits(65536)].concat(), ProtocolError::BulkLineTooLong);
    waits(&[b"*1\r\n$".as_slice(), &digits(65535)].concat());
    fails(&vec![b'a'; 65537], ProtocolError::InlineTooLong);
    waits(&vec![b'a'; 65536]);
    let longest = [vec![b'a'; 65536], b"\n".to_vec()].concat();
    frames(&longest, &[&[&longest[..65536]]]);
    // A line end further away is no excuse, however much came in one read.
    fails(&[vec![b'a'; 65537], b"\n".to_vec()].concat(), ProtocolError::InlineTooLong);
}

#[test]
fn before_a_password_limits_are_small() {
    let limits = ParseLimits { authenticated: false, ..ParseLimits::default() };
    let ask = |input: &[u8]| parse(input, &limits, || usize::MAX).1;
    assert_eq!(ask(b"*11\r\n"), Some(ProtocolError::UnauthenticatedMultibulkLength));
    assert_eq!(ask(b"*10\r\n"), None);
    assert_eq!(ask(b"*1\r\n$16385\r\n"), Some(ProtocolError::UnauthenticatedBulkLength));
    assert_eq!(ask(b"*1\r\n$16384\r\n"), None);
    assert_eq!(ask(b"*2147483648\r\n"), Some(ProtocolError::MultibulkLength));
    assert_eq!(ask(b"*1\r\n$-1\r\n"), Some(ProtocolError::BulkLength));
}

#[test]
fn inline_commands_are_words_with_quotes() {
    frames(b"PING\r\n", &[&[b"PING"]]);
    frames(b"set key  value\n", &[&[b"set", b"key", b"value"]]);
    frames(b"PING \"a\\x41\\n\\q\\xzz\"\r\n", &[&[b"PING", b"aA\nqxzz"]]);
    frames(b"PING 'a\\'b\\n'\r\n", &[&[b"PING", b"a'b\\n"]]);
    frames(b"PING a\"b c\"\n", &[&[b"PING", b"ab c"]]);
    frames(b"PING \"\" ''\n", &[&[b"PING", b"", b""]]);
    frames(b"PING a\x0bb\n\x0bPING a\\n\n", &[&[b"PING", b"a\x0bb"], &[b"PING", b"a\\n"]]);
    frames(b"PI\rNG\nPING\r\r\n", &[&[b"PI", b"NG"], &[b"PING"]]);
    frames(b"foo\xffbar\n", &[&[b"foo\xffbar"]]);
    for line in [b"\"foo".as_slice(), b"PING \"a\"b", b"PING 'a'b", b"\"\\\"", b"PING \"a\\"] {
        fails(&[line, b"\r\n"].concat(), ProtocolError::UnbalancedQuotes);
    }
}

#[test]
fn quoted_inline_commands_and_frames_may_follow_each_other() {
    frames(
        b"ECHO \"a b\"\r\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\nECHO c\r\n'ECHO' d\r\n",
        &[&[b"ECHO", b"a b"], &[b"ECHO", b"x"], &[b"ECHO", b"c"], &[b"ECHO", b"d"]],
    );
}

#[test]
fn an_unfinished_argument_says_how_much_it_lacks() {
    let mut parser = Parser::new();
    let limits = ParseLimits::default();
    assert_eq!(parser.next(b"*2\r\n$3\r\nGET\r\n$10\r\nabc", &limits), Ok(None));
    assert_eq!(parser.bytes_wanted(), 9);
    assert_eq!(parser.next(b"*2\r\n$3\r\nGET\r\n$10\r\nabcdefghij\r\n", &limits), Ok(Some(30)));
    assert_eq!(parser.bytes_wanted(), 0);
}

#[test]
fn frames_cut_at_every_byte_are_the_frames_as_they_were() {
    for seed in 0..300 {
        let mut prng = Prng::new(seed);
        let (mut input, mut sent) = (Vec::new(), Vec::new());
        for _ in 0..1 + prng.below(3) {
            let words: Vec<Vec<u8>> = (0..prng.below(5))
                .map(|_| {
                    let len = *prng.pick(&[0, 1, 2, 9, 10, 11, 99, 100, 130]);
                    (0..len).map(|_| *prng.pick(b"\r\n$*\0a1")).collect()
                })
                .collect();
            input.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
            for word in &words {
                input.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
                input.extend_from_slice(word);
                input.extend_from_slice(b"\r\n");
            }
            sent.push(words);
        }
        let expected = (sent, None, input.len());
        assert_eq!(whole(&input), expected, "seed {seed}");
        for cut in 1..input.len() {
            let mut pieces = [cut, usize::MAX].into_iter();
            let got = parse(&input, &ParseLimits::default(), || pieces.next().unwrap_or(usize::MAX));
            assert_eq!(got, expected, "seed {seed}, cut at {cut}");
        }
    }
}

#[test]
fn a_promise_of_a_billion_arguments_reserves_nothing() {
    let mut parser = Parser::new();
    assert_eq!(parser.next(b"*2147483647\r\n$1\r\na\r\n", &ParseLimits::default()), Ok(None));
    assert!(parser.spans.capacity() < 16);
}

#[test]
fn a_big_frame_does_not_keep_its_memory() {
    let mut parser = Parser::new();
    let limits = ParseLimits::default();
    let mut input = b"*100000\r\n".to_vec();
    for _ in 0..100_000 {
        input.extend_from_slice(b"$0\r\n\r\n");
    }
    assert_eq!(parser.next(&input, &limits), Ok(Some(input.len())));
    assert_eq!(parser.args(&input).len(), 100_000);
    assert_eq!(parser.next(b"*1\r\n$0\r\n\r\n", &limits), Ok(Some(10)));
    assert!(parser.spans.capacity() <= SPANS_KEPT);
}
