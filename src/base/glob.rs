//! Patterns of KEYS, SCAN MATCH and PSUBSCRIBE: `*`, `?`, `[a-z]`, `[^a-z]`, `\` before a byte to mean it.
//!
//! Redis matches by recursion; we go back to the last `*` only, which finds the same matches because
//! everything else in a pattern stands for exactly one byte, and takes at most pattern times text steps.
//! The corners are Redis's: an unclosed class ends with the pattern, ranges compare signed bytes and may
//! be written backwards, and a pattern of `*` does not match the empty text (commands that want all keys
//! do not ask).

/// Whether `pattern` describes all of `text`.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    search(pattern, text, Case::Kept)
}

/// Like `matches`, with ASCII letters alike in both cases.
pub fn matches_any_case(pattern: &[u8], text: &[u8]) -> bool {
    search(pattern, text, Case::Ignored)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Kept,
    Ignored,
}

impl Case {
    fn fold(self, byte: u8) -> u8 {
        if self == Case::Ignored { byte.to_ascii_lowercase() } else { byte }
    }
}

fn search(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut at, mut read) = (0, 0);
    // Behind the last `*`, and the first byte of the text it has not swallowed.
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            if at == pattern.len() {
                return true;
            }
            star = Some((at, read));
            continue;
        }
        match one(pattern, at, text[read], case) {
            Some(next) => {
                at = next;
                read += 1;
            }
            None => match &mut star {
                None => return false,
                Some((behind, from)) => {
                    *from += 1;
                    (at, read) = (*behind, *from);
                }
            },
        }
    }
    !text.is_empty() && pattern[at..].iter().all(|&byte| byte == b'*')
        || pattern.is_empty() && text.is_empty()
}

/// Where the pattern goes on if what stands at `at` (no `*`) describes `byte`.
fn one(pattern: &[u8], at: usize, byte: u8, case: Case) -> Option<usize> {
    let rest = &pattern[at..];
    match *rest {
        [] => None,
        [b'?', ..] => Some(at + 1),
        [b'[', ..] => {
            let (matched, len) = class(&rest[1..], byte, case);
            matched.then_some(at + 1 + len)
        }
        [b'\\', escaped, ..] => (case.fold(escaped) == case.fold(byte)).then_some(at + 2),
        [literal, ..] => (case.fold(literal) == case.fold(byte)).then_some(at + 1),
    }
}

/// Whether the class that `pattern` begins with (behind its `[`) holds `byte`, and the class's length.
fn class(pattern: &[u8], byte: u8, case: Case) -> (bool, usize) {
    let negated = pattern.first() == Some(&b'^');
    let mut at = usize::from(negated);
    let mut found = false;
    loop {
        match pattern[at..] {
            // An escaped byte counts in its own case only, in Redis too.
            [b'\\', escaped, ..] => {
                found |= escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [] => break,
            [first, b'-', last, ..] => {
                // Signed, as `char` is on the machines Redis runs on.
                let (low, high) = ((first as i8).min(last as i8), (first as i8).max(last as i8));
                let [low, high, byte] = [low as u8, high as u8, byte].map(|byte| case.fold(byte) as i8);
                found |= (low..=high).contains(&byte);
                at += 3;
            }
            [literal, ..] => {
                found |= case.fold(literal) == case.fold(byte);
                at += 1;
            }
        }
    }
    (found != negated, at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::prng::Prng;

    #[test]
    fn patterns_describe_whole_texts() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("", "a", false),
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "abc", true),
            ("*", "", false),
            ("a*", "a", true),
            ("a***", "a", true),
            ("*a", "banana", true),
            ("*an*an*", "banana", true),
            ("*x*", "banana", false),
            ("h?llo", "hello", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hallo", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hallo", true),
            ("h[^e]llo", "hello", false),
            ("[a-c]", "b", true),
            ("[c-a]", "b", true),
            ("[a-c]", "d", false),
            ("[a-]", "^", true),
            ("[", "a", false),
            ("[a", "a", true),
            ("[^", "a", true),
            ("[]a]", "a]", false),
            ("[\\]]", "]", true),
            ("[\\", "\\", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("\\", "\\", true),
            ("a\\", "a\\", true),
            ("*\\", "a\\", true),
            ("?*", "", false),
            ("H?LLO", "hello", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
        assert!(matches_any_case(b"H?L[K-M]\\O", b"helLO"));
        assert!(!matches_any_case(b"[\\A]", b"a"));
        assert!(matches(b"[\xf0-\x05]", b"\xff"), "-16..5 holds -1");
        assert!(!matches(b"[\xf0-\x05]", b"\x7f"));
    }

    #[test]
    fn many_stars_do_not_explode() {
        let text = vec![b'a'; 10_000];
        let pattern = [b"a*".repeat(40), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &text));
    }

    /// The definition, by recursion and without care for time.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some(b'*'), _) => (0..=text.len()).any(|skipped| slow(&pattern[1..], &text[skipped..])),
            (Some(_), None) => false,
            (Some(_), Some((&byte, rest))) => {
                one(pattern, 0, byte, Case::Kept).is_some_and(|next| slow(&pattern[next..], rest))
            }
        }
    }

    #[test]
    fn going_back_to_the_last_star_finds_what_recursion_finds() {
        for seed in 0..20_000 {
            let mut prng = Prng::new(seed);
            let pattern: Vec<u8> = (0..prng.below(9)).map(|_| *prng.pick(b"***?ab[]^-\\")).collect();
            let text: Vec<u8> = (0..1 + prng.below(8)).map(|_| *prng.pick(b"aabb]-\\")).collect();
            assert_eq!(
                matches(&pattern, &text),
                slow(&pattern, &text),
                "seed {seed}: {} {}",
                pattern.escape_ascii(),
                text.escape_ascii()
            );
        }
    }
}
