//! Random texts that nobody can guess.

use std::fmt::Write;

/// Returns 128 random bits as 32 hexadecimal digits. Fails if the system has no randomness.
pub fn fresh() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text never fails.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let [one, other] = [fresh().unwrap(), fresh().unwrap()];
        assert_eq!((one.len(), other.len()), (32, 32));
        assert_ne!(one, other);
    }
}
