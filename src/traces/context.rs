//! Which trace something belongs to, and whether it is recorded.

/// What a caller says of the trace that its request belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    pub trace: u128,
    pub span: u64,
    /// Whether the caller records its part.
    pub sampled: bool,
}

impl Parent {
    /// Of the header `traceparent`; of anything else, none. Source: W3C Trace Context, section 3.2.
    #[must_use]
    pub fn of(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let mut next = |digits| hexadecimal(parts.next()?, digits);
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        // A later version may have more parts.
        let known = version != 0xff && (version != 0 || parts.next().is_none());
        let span = u64::try_from(span).ok()?;
        (known && trace != 0 && span != 0).then_some(Self { trace, span, sampled: flags & 1 == 1 })
    }
}

fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_whole = text.len() == digits && text.bytes().all(is_digit);
    is_whole.then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

/// Which traces are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampler {
    /// Whether a caller that records its part decides, or does not.
    follows_parent: bool,
    /// Of the traces that begin here: those whose lowest 63 bits are below it.
    below: u64,
}

impl Sampler {
    /// By its name in the OpenTelemetry specification, and the share of traces from 0 to 1.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn of(name: &str, share: f64) -> Result<Self, String> {
        let (follows_parent, name) = match name.strip_prefix("parentbased_") {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        let share = match name {
            "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" => share,
            _ => {
                return Err(
                    "must be always_on, always_off or traceidratio, or parentbased_ and one of them"
                        .into(),
                );
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of 2^63 is in the range"
        )]
        let below = (share * (1_u64 << 63) as f64) as u64;
        Ok(Self { follows_parent, below })
    }

    /// Servers of one trace decide alike, because they decide by its id.
    #[must_use]
    pub fn takes(self, trace: u128, parent: Option<Parent>) -> bool {
        match parent {
            Some(parent) if self.follows_parent => parent.sampled,
            #[expect(clippy::cast_possible_truncation, reason = "only the lower half counts")]
            _ => (trace as u64) >> 1 < self.below,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_the_standard_has_it() {
        let parent = Parent::of(HEADER).unwrap();
        assert_eq!(parent.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((parent.span, parent.sampled), (0x00f0_67aa_0ba9_02b7, true));
        assert!(!Parent::of(&HEADER.replace("-01", "-02")).unwrap().sampled);
        assert!(Parent::of(&HEADER.replacen("00-", "01-", 1).replace("-01", "-01-more")).is_some());
        for header in [
            "",
            "rubbish",
            &HEADER.replacen("00-", "ff-", 1),
            &HEADER.to_uppercase(),
            &HEADER.replace("4bf9", "+bf9"),
            &HEADER.replace("-01", "-01-more"),
            &HEADER.replace("-01", ""),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        ] {
            assert_eq!(Parent::of(header), None, "{header}");
        }
    }

    #[test]
    fn a_share_of_the_traces_is_taken_by_their_ids() {
        let half = Sampler::of("traceidratio", 0.5).unwrap();
        let taken =
            |sampler: Sampler| (0..1000_u128).filter(|n| sampler.takes(n << 54, None)).count();
        assert_eq!(taken(half), 512);
        assert_eq!(taken(Sampler::of("traceidratio", 0.0).unwrap()), 0);
        assert_eq!(taken(Sampler::of("always_on", 0.0).unwrap()), 1000);
        assert!(Sampler::of("always_on", 0.0).unwrap().takes(u128::MAX, None));
        assert!(Sampler::of("jaeger_remote", 1.0).is_err());
    }

    #[test]
    fn a_sampler_by_the_parent_does_as_the_caller_does() {
        let parent = |sampled| Some(Parent { trace: 1, span: 1, sampled });
        let takes = |name, parent| Sampler::of(name, 0.0).unwrap().takes(1, parent);
        assert!(takes("parentbased_traceidratio", parent(true)));
        assert!(!takes("parentbased_always_on", parent(false)));
        assert!(takes("parentbased_always_on", None));
        assert!(!takes("traceidratio", parent(true)));
        assert!(takes("always_on", parent(false)));
    }
}
