//! A server that takes part in a comparison: its name and its command line with places for port and cores.

use super::BenchError;
use crate::base::words;

/// A server that takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entrant {
    pub name: String,
    /// Program and arguments with their places.
    pub words: Vec<String>,
}

impl Entrant {
    /// `NAME=COMMAND`.
    pub fn parse(text: &str) -> Result<Entrant, BenchError> {
        let wrong = || {
            BenchError(format!("--server '{text}': as in NAME='program --port {{port}} --threads {{cores}}'"))
        };
        let (name, line) = text.split_once('=').ok_or_else(wrong)?;
        let words = words::split_owned(line.as_bytes()).map_err(|_| wrong())?;
        let words: Vec<String> =
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        if words.is_empty() || name.is_empty() || !words.iter().any(|word| word.contains("{port}")) {
            return Err(wrong());
        }
        Ok(Entrant { name: name.to_owned(), words })
    }

    /// `program` with the arguments `rest`.
    pub fn of(name: &str, program: &std::path::Path, rest: &[&str]) -> Entrant {
        let program = program.display().to_string();
        let words = [program.as_str()].iter().chain(rest).map(|word| (*word).to_owned()).collect();
        Entrant { name: name.to_owned(), words }
    }

    /// Arguments with their places filled in.
    pub fn arguments(&self, port: u16, cores: usize) -> Vec<String> {
        let fill =
            |word: &String| word.replace("{port}", &port.to_string()).replace("{cores}", &cores.to_string());
        self.words[1..].iter().map(fill).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_ones_own_has_places_for_port_and_cores() {
        let entrant = Entrant::parse("Other='other server' -p {port} -t {cores} --name 'a b'").unwrap();
        assert_eq!(entrant.arguments(7000, 2), ["-p", "7000", "-t", "2", "--name", "a b"]);
        for wrong in ["other -p {port}", "Other=", "Other=other", "=x {port}", "O='x {port}"] {
            assert!(Entrant::parse(wrong).unwrap_err().to_string().contains("as in NAME="), "{wrong}");
        }
    }
}
