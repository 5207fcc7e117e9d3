//! One encoder per position. An encoded value can never end its position.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but unreserved characters and those that mean nothing inside a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',');

/// Everything but unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a value may not be in its position.
pub(crate) type Refusal = &'static str;

/// A value as one path segment, or a part of one.
///
/// # Errors
/// An empty value, control characters, and everything that reads as a dot segment after decoding twice.
pub fn path_segment(value: &str) -> Result<String, Refusal> {
    if value.is_empty() {
        return Err("must not be empty in a path");
    }
    if value.chars().any(char::is_control) {
        return Err("must not hold control characters");
    }
    if has_dot_segment(value) {
        return Err("must not hold `.` or `..` as a path segment");
    }
    Ok(utf8_percent_encode(value, SEGMENT).to_string())
}

/// A value as a query value.
///
/// # Errors
/// Control characters.
pub fn query_value(value: &str) -> Result<String, Refusal> {
    if value.chars().any(char::is_control) {
        return Err("must not hold control characters");
    }
    Ok(utf8_percent_encode(value, QUERY).to_string())
}

/// A value as (part of) a header value.
///
/// # Errors
/// Anything but visible ASCII, space and tab inside.
pub fn header_value(value: &str) -> Result<String, Refusal> {
    if value.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        Ok(value.to_owned())
    } else {
        Err("must be visible ASCII in a header (no line breaks)")
    }
}

/// A value as (part of) a host name.
///
/// # Errors
/// Anything but letters, digits, `-`, `_` and single dots inside.
pub fn host_label(value: &str) -> Result<String, Refusal> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if value.is_empty() || value.len() > 253 {
        return Err("must have 1 to 253 characters in a host name");
    }
    if !value.bytes().all(allowed) {
        return Err("must hold only letters, digits, `-`, `_` and dots in a host name");
    }
    if value.starts_with('.') || value.ends_with('.') || value.contains("..") {
        return Err("must not start or end with a dot or hold two in a row");
    }
    Ok(value.to_ascii_lowercase())
}

/// A value as a whole host name with an optional port.
///
/// # Errors
/// Those of [`host_label`], and a port that is not a number from 1 to 65535.
pub fn host_and_port(value: &str) -> Result<String, Refusal> {
    let Some((host, port)) = value.rsplit_once(':') else {
        return host_label(value);
    };
    let host = host_label(host)?;
    match port.parse::<u16>() {
        Ok(number) if number > 0 && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(format!("{host}:{number}"))
        }
        _ => Err("must have a port from 1 to 65535"),
    }
}

/// Whether a path holds `.` or `..` between slashes as written, or after decoding once or twice; also the
/// `..;x` form that some servers read as `..`, and backslashes read as slashes.
pub fn has_dot_segment(path: &str) -> bool {
    let once = percent_decode_str(path).decode_utf8_lossy().into_owned();
    let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
    [path, &once, &twice].into_iter().any(|text| {
        text.split(['/', '\\']).any(|segment| {
            let name = segment.split(';').next().unwrap_or_default().trim();
            matches!(name, "." | "..")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_stay_one_segment() {
        assert_eq!(path_segment("a/b?c#d%"), Ok("a%2Fb%3Fc%23d%25".to_owned()));
        assert_eq!(path_segment("110201543:AAHdqTcv"), Ok("110201543:AAHdqTcv".to_owned()));
        for bad in ["", ".", "..", "a/../b", "%2e%2e", "%252e%252e", "..\\x", "..;a", "a\nb"] {
            assert!(path_segment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_values_cannot_leave_the_host() {
        assert_eq!(host_label("Acme-1.eu"), Ok("acme-1.eu".to_owned()));
        for bad in ["", "a/b", "a?b", "a#b", "u@h", "a:80", "a\\b", "a%2fb", ".a", "a.", "a..b", "é", "a b"]
        {
            assert!(host_label(bad).is_err(), "{bad}");
        }
        assert_eq!(host_and_port("a.b:08443"), Ok("a.b:8443".to_owned()));
        for bad in ["a:", "a:0", "a:x", "a:70000", "[::1]:80", "a:80:90", "a:+80"] {
            assert!(host_and_port(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn segments_never_hold_a_delimiter(value in ".*") {
            if let Ok(encoded) = path_segment(&value) {
                prop_assert!(!encoded.contains(['/', '?', '#', '\\', ' ', ';', '&']));
                prop_assert!(encoded.is_ascii());
                prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().unwrap(), value);
            }
        }

        #[test]
        fn query_values_never_hold_a_delimiter(value in ".*") {
            if let Ok(encoded) = query_value(&value) {
                prop_assert!(!encoded.contains(['&', '=', '#', '?', '/', '+', ' ']));
                prop_assert_eq!(percent_decode_str(&encoded).decode_utf8().unwrap(), value);
            }
        }

        #[test]
        fn header_values_are_one_line(value in any::<String>()) {
            if let Ok(encoded) = header_value(&value) {
                prop_assert!(http::HeaderValue::from_str(&encoded).is_ok());
            }
        }

        #[test]
        fn host_labels_are_hosts(value in "[a-zA-Z0-9._/:@?#\\\\-]{0,40}") {
            if let Ok(encoded) = host_label(&value) {
                prop_assert!(!encoded.contains(['/', ':', '@', '?', '#', '\\']));
            }
        }
    }
}
