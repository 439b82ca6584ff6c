//! Arguments read as what they must be: the value, or the finished error.

use crate::base::args::Args;
use crate::base::number::parse_i64;
use crate::command::error::CommandError;

/// An integer argument.
pub fn integer(word: &[u8]) -> Result<i64, CommandError> {
    parse_i64(word).ok_or(CommandError::NotInteger)
}

/// An integer argument that must fit 32 bits, as database numbers must.
pub fn integer_32(word: &[u8]) -> Result<i32, CommandError> {
    i32::try_from(integer(word)?).map_err(|_| {
        CommandError::Text("ERR value is out of range, value must between -2147483648 and 2147483647")
    })
}

/// The option `COUNT count` of the popping commands, which is all that may stand from word `at` on; 1 where nothing
/// does. The reference looks at the count before what is behind it.
pub fn pop_count(args: Args<'_>, at: usize) -> Result<usize, CommandError> {
    let left = args.len() - at;
    let is_count = left >= 2 && args.is(at, "count");
    let mut count = 1;
    if is_count {
        let above_zero = integer(args.at(at + 1)).ok().filter(|&number| number > 0);
        count = above_zero.ok_or(CommandError::Text("ERR count should be greater than 0"))?;
    }
    if left == 0 || (is_count && left == 2) {
        Ok(usize::try_from(count).unwrap_or(usize::MAX))
    } else {
        Err(CommandError::Syntax)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_too_wide_has_an_error_of_its_own() {
        assert_eq!(integer_32(b"-2147483648"), Ok(i32::MIN));
        assert_eq!(integer_32(b"x"), Err(CommandError::NotInteger));
        assert_eq!(integer_32(b"9223372036854775808"), Err(CommandError::NotInteger));
        assert!(matches!(integer_32(b"2147483648"), Err(CommandError::Text(_))));
    }
}
