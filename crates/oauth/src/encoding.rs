use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 §2.3.
const UNRESERVED_KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes all but `A-Z a-z 0-9 - . _ ~`, with upper-case hexadecimal digits.
///
/// This is the encoding of [RFC 5849 §3.6](https://www.rfc-editor.org/rfc/rfc5849#section-3.6) and of
/// Signature V4.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED_KEPT).to_string()
}

/// The `application/x-www-form-urlencoded` form of one value: space becomes `+`.
pub(crate) fn form_encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreserved_characters_stay_and_the_rest_is_escaped() {
        assert_eq!(percent_encode("aZ0-._~"), "aZ0-._~");
        assert_eq!(percent_encode("r b=%3D/é"), "r%20b%3D%253D%2F%C3%A9");
        assert_eq!(form_encode("a b+c:é"), "a+b%2Bc%3A%C3%A9");
    }
}
