//! Forms with files (`multipart/form-data`, RFC 7578). Small and whole in memory: a logo, not a film.

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::Response;
use http::header;
use http_body_util::{BodyExt as _, Limited};
use keybearer_core::{Code, Error, Result, SecretString};

use super::Dashboard;
use super::form::Form;
use super::guard::{Visit, counted, is_own};
use crate::web::hosted::Submitted;

/// Largest form: two logos and everything else.
const LIMIT: usize = 512 * 1024;
/// Most parts.
const PARTS: usize = 300;

/// A form with files, of a signed-in member, that counts.
pub(super) struct Uploaded {
    pub visit: Visit,
    pub form: Form,
    files: Vec<(String, Vec<u8>)>,
}

impl Uploaded {
    /// The file of a field; `None` where none was chosen.
    pub fn file(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|(given, bytes)| given == name && !bytes.is_empty());
        file.map(|(_, bytes)| bytes.as_slice())
    }
}

impl FromRequest<Dashboard> for Uploaded {
    type Rejection = Response;

    async fn from_request(request: Request, dash: &Dashboard) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let own = is_own(&parts.headers);
        let visit = Visit::from_request_parts(&mut parts, dash).await?;
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let read = async {
            let boundary = kind.and_then(boundary).ok_or_else(|| malformed(Code::UnsupportedMediaType))?;
            let body = Limited::new(body, LIMIT).collect().await.map_err(|_| malformed(Code::TooLarge))?;
            let (values, files) =
                read(&body.to_bytes(), boundary).ok_or_else(|| malformed(Code::InvalidArgument))?;
            Ok((Form(Submitted(values)), files))
        };
        match read.await {
            Ok((form, files)) => {
                let visit = counted(visit, &form, own, parts.uri.path()).await?;
                Ok(Self { visit, form, files })
            }
            Err(error) => Err(visit.answer(Err(error))),
        }
    }
}

fn malformed(code: Code) -> Error {
    Error::new(code, "the form did not come whole; it may have at most 512 KB")
        .with_help("choose a smaller file")
}

fn boundary(kind: &str) -> Option<&str> {
    let rest = kind.trim().strip_prefix("multipart/form-data")?;
    let value = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let value = value.trim_matches('"');
    (1..=70).contains(&value.len()).then_some(value)
}

type Values = Vec<(String, SecretString)>;
type Files = Vec<(String, Vec<u8>)>;

fn read(body: &[u8], boundary: &str) -> Option<(Values, Files)> {
    let (mut values, mut files) = (Vec::new(), Vec::new());
    let first = format!("--{boundary}");
    let next = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes())?;
    for _ in 0..PARTS {
        if rest.starts_with(b"--") {
            return Some((values, files));
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let (head, tail) = split(rest, b"\r\n\r\n")?;
        let (content, tail) = split(tail, next.as_bytes())?;
        let head = std::str::from_utf8(head).ok()?;
        let name = parameter(head, "name")?;
        if parameter(head, "filename").is_some() {
            files.push((name, content.to_vec()));
        } else {
            values.push((name, SecretString::new(std::str::from_utf8(content).ok()?.replace("\r\n", "\n"))));
        }
        rest = tail;
    }
    None
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = bytes.windows(at.len()).position(|window| window == at)?;
    Some((bytes.get(..found)?, bytes.get(found + at.len()..)?))
}

/// A quoted parameter of the part's `Content-Disposition`.
fn parameter(head: &str, name: &str) -> Option<String> {
    let is_it = |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let line = head.split("\r\n").find(is_it)?;
    let wanted = format!("{name}=\"");
    let begins = line.split("; ").find_map(|part| part.strip_prefix(wanted.as_str()))?;
    begins.split_once('"').map(|(value, _)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--xx\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\ntwo\r\n--xx\r\nContent-Disposition: \
                        form-data; name=\"logo\"; filename=\"name=x.svg\"\r\nContent-Type: image/svg+xml\r\n\r\n<svg/>\r\n--xx--\r\n";

    #[test]
    fn values_and_files_come_apart() {
        let (values, files) = read(BODY.as_bytes(), "xx").unwrap();
        let values: Vec<_> =
            values.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        assert_eq!(values, [("a", "one\ntwo")]);
        assert_eq!(files, [("logo".to_owned(), b"<svg/>".to_vec())]);
    }

    #[test]
    fn a_form_that_is_cut_anywhere_is_no_form() {
        for end in 0..BODY.len() - 4 {
            assert!(read(&BODY.as_bytes()[..end], "xx").is_none(), "{end}");
        }
        assert!(read(BODY.as_bytes(), "other").is_none());
    }

    #[test]
    fn the_boundary_is_read_with_and_without_quotes() {
        assert_eq!(boundary("multipart/form-data; boundary=----Web1"), Some("----Web1"));
        assert_eq!(boundary("multipart/form-data; charset=x; boundary=\"a b\""), Some("a b"));
        for bad in
            ["application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary="]
        {
            assert_eq!(boundary(bad), None, "{bad}");
        }
    }
}
