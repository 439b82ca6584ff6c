//! The checksum at the end of payloads: CRC-64 with Jones's polynomial, bits reflected, nothing inverted.

/// The polynomial 0xad93d23594c935a9 with its bits in reverse.
const POLYNOMIAL: u64 = 0x95ac_9329_ac4b_c9b5;

/// `TABLES[n][byte]`: what a byte does to the sum from `n` bytes before the end of eight.
static TABLES: [[u64; 256]; 8] = tables();

const fn tables() -> [[u64; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte as u64, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut level = 1;
    while level < 8 {
        let mut byte = 0;
        while byte < 256 {
            let sum = tables[level - 1][byte];
            tables[level][byte] = (sum >> 8) ^ tables[0][(sum & 0xff) as usize];
            byte += 1;
        }
        level += 1;
    }
    tables
}

/// The checksum of `bytes`. Eight bytes at a time.
pub fn crc64(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sum = 0;
    for word in words {
        let mixed = (sum ^ u64::from_le_bytes(*word)).to_le_bytes();
        sum = (0..8).fold(0, |sum, at| sum ^ TABLES[7 - at][usize::from(mixed[at])]);
    }
    rest.iter().fold(sum, |sum, byte| (sum >> 8) ^ TABLES[0][usize::from(sum as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::crc64;

    /// One bit at a time.
    fn slow(bytes: &[u8]) -> u64 {
        bytes.iter().fold(0, |sum, &byte| {
            (0..8).fold(sum ^ u64::from(byte), |sum: u64, _| {
                if sum & 1 == 1 { (sum >> 1) ^ super::POLYNOMIAL } else { sum >> 1 }
            })
        })
    }

    #[test]
    fn the_check_value_is_the_catalogues() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
    }

    #[test]
    fn eight_at_a_time_is_one_at_a_time() {
        let bytes: Vec<u8> = (0..100_u32).map(|n| (n * n * 7) as u8).collect();
        for len in 0..bytes.len() {
            assert_eq!(crc64(&bytes[..len]), slow(&bytes[..len]), "{len}");
        }
    }
}
