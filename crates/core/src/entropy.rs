use std::sync::Mutex;

/// Where random bytes come from. Injected, so that tests can repeat a run.
pub trait Entropy: Send + Sync + 'static {
    /// Fills `bytes` with unpredictable values.
    ///
    /// # Errors
    /// [`crate::Code::Internal`] when the source cannot give bytes.
    fn fill(&self, bytes: &mut [u8]) -> crate::Result<()>;
}

/// The operating system's random source, through aws-lc.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the random source")]
    fn fill(&self, bytes: &mut [u8]) -> crate::Result<()> {
        aws_lc_rs::rand::fill(bytes)
            .map_err(|_| crate::Error::internal("the random source of this machine gives no bytes"))
    }
}

/// A repeatable stream of bytes from a seed; for tests only, never for keys.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<u64>);

impl SeededEntropy {
    /// A stream that depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) -> crate::Result<()> {
        let mut state = self.0.lock().map_err(|_| crate::Error::internal("seeded entropy is poisoned"))?;
        for byte in bytes {
            // splitmix64: small, well spread, and not cryptographic, which is all a test needs
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = *state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            *byte = (mixed >> 56) as u8;
        }
        Ok(())
    }
}

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Random text of `bytes` × 8 bits in lower-case Crockford base 32 (safe in URLs, no look-alikes).
///
/// # Errors
/// Those of [`Entropy::fill`].
pub fn random_token(entropy: &dyn Entropy, bytes: usize) -> crate::Result<String> {
    let mut buffer = vec![0_u8; bytes];
    entropy.fill(&mut buffer)?;
    let mut text = String::with_capacity(bytes * 8 / 5 + 1);
    let (mut window, mut bits) = (0_u32, 0_u32);
    for byte in buffer {
        window = (window << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(symbol(window >> bits));
        }
    }
    if bits > 0 {
        text.push(symbol(window << (5 - bits)));
    }
    Ok(text)
}

fn symbol(value: u32) -> char {
    ALPHABET.get((value & 31) as usize).copied().map_or('0', char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_carry_all_bits_and_differ() {
        let first = random_token(&OsEntropy, 20).unwrap();
        let second = random_token(&OsEntropy, 20).unwrap();
        assert_eq!(first.len(), 32);
        assert_ne!(first, second);
    }

    #[test]
    fn seeded_streams_repeat() {
        let token = |seed| random_token(&SeededEntropy::new(seed), 16).unwrap();
        assert_eq!(token(7), token(7));
        assert_ne!(token(7), token(8));
    }
}
