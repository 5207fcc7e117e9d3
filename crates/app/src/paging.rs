//! Pages of a list and the tokens that name them.
//!
//! A token is 32 characters, the wire's limit: base64url of creation time (8 bytes, the top bit says "before"
//! instead of "after"), id number (8 bytes) and the first 8 bytes of a MAC over both, the environment, the list and
//! its filters. A token of another environment or query, or a changed one, is refused; it opens nothing by itself.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keybearer_core::ids::EnvironmentId;
use keybearer_core::{Error, Result, Timestamp};
use keybearer_store::{Cursor, PageRequest, Position};

use crate::keys::vault_error;
use crate::state::App;

const BEFORE: u64 = 1 << 63;
const PURPOSE: &str = "page-token";

/// Which page of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageAsk {
    /// How many entries at most; the list's own default when 0.
    pub size: u32,
    /// `next` or `previous` of an earlier page; the first page when empty.
    pub token: String,
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The entries.
    pub items: Vec<T>,
    /// How many entries the whole list has.
    pub total: i64,
    /// Token of the page after this one.
    pub next: Option<String>,
    /// Token of the page before this one.
    pub previous: Option<String>,
}

impl PageAsk {
    /// The first page with `size` entries at most.
    pub fn first(size: u32) -> Self {
        Self { size, token: String::new() }
    }
}

/// A list with its filters: what a token is bound to.
pub(crate) struct List<'a> {
    pub environment: &'a EnvironmentId,
    /// Name of the list.
    pub name: &'a str,
    /// All filters as text.
    pub query: &'a str,
    /// Prefix of the ids in it.
    pub prefix: &'a str,
    /// How many entries a page has when nobody says.
    pub default_size: u32,
    /// The most it can have.
    pub max_size: u32,
}

impl List<'_> {
    /// What the store is asked for.
    ///
    /// # Errors
    /// `InvalidArgument` at `page_size` or `page_token`.
    pub fn request(&self, app: &App, ask: &PageAsk) -> Result<PageRequest> {
        if ask.size > self.max_size {
            return Err(Error::field("page_size", format!("must be at most {}", self.max_size)));
        }
        let size = if ask.size == 0 { self.default_size } else { ask.size };
        let position = if ask.token.is_empty() { Position::Start } else { self.position(app, &ask.token)? };
        Ok(PageRequest { position, limit: i64::from(size) })
    }

    /// Rows of the store as a page.
    pub fn listed<T>(&self, app: &App, page: keybearer_store::Page<T>) -> Result<Listed<T>> {
        let token =
            |cursor: Option<Cursor>, before: bool| cursor.map(|cursor| self.token(app, &cursor, before));
        Ok(Listed {
            total: page.total,
            next: token(page.next, false).transpose()?,
            previous: token(page.previous, true).transpose()?,
            items: page.rows,
        })
    }

    /// One page of rows that are all here, newest first; for lists that stay short.
    ///
    /// # Errors
    /// Those of [`Self::request`].
    pub fn slice<T>(
        &self,
        app: &App,
        ask: &PageAsk,
        mut rows: Vec<T>,
        cursor: impl Fn(&T) -> Cursor,
    ) -> Result<Listed<T>> {
        let request = self.request(app, ask)?;
        let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let key = |row: &T| {
            let cursor = cursor(row);
            (cursor.created_at, cursor.id)
        };
        rows.sort_by_key(|row| std::cmp::Reverse(key(row)));
        if let Position::After(last) | Position::Before(last) = request.position {
            rows.retain(|row| key(row) < (last.created_at, last.id.clone()));
        }
        let size = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        let next = rows.last().filter(|_| more).map(&cursor);
        self.listed(app, keybearer_store::Page { rows, total, previous: None, next })
    }

    fn token(&self, app: &App, cursor: &Cursor, before: bool) -> Result<String> {
        let number = cursor.id.strip_prefix(self.prefix).and_then(|digits| digits.parse::<u64>().ok());
        let number = number.ok_or_else(|| Error::internal("a listed id has no number"))?;
        let at = u64::try_from(cursor.created_at.micros()).unwrap_or_default() & !BEFORE;
        let place = place(at | if before { BEFORE } else { 0 }, number);
        let key = app.keyring()?.mac_key(self.environment, PURPOSE).map_err(vault_error)?;
        let tag = key.sign(&self.parts(&place)).map_err(vault_error)?;
        let mut bytes = place.to_vec();
        bytes.extend(tag.iter().take(8));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn position(&self, app: &App, token: &str) -> Result<Position> {
        let refused = || Error::field("page_token", "must be a token of an earlier page of the same list");
        let bytes =
            (token.len() == 32).then(|| URL_SAFE_NO_PAD.decode(token).ok()).flatten().ok_or_else(refused)?;
        let (place, tag) = bytes.split_at_checked(16).ok_or_else(refused)?;
        let (at, number) = place.split_first_chunk::<8>().ok_or_else(refused)?;
        let number = u64::from_be_bytes(number.try_into().map_err(|_| refused())?);
        let at = u64::from_be_bytes(*at);
        let keys = app.keyring()?.mac_keys(self.environment, PURPOSE).map_err(vault_error)?;
        let expected = keys.iter().filter_map(|key| key.sign(&self.parts(place)).ok());
        if !expected.into_iter().any(|known| same(&known, tag)) {
            return Err(refused());
        }
        let created_at = Timestamp::from_micros(i64::try_from(at & !BEFORE).map_err(|_| refused())?);
        let cursor = Cursor { created_at, id: format!("{}{number}", self.prefix) };
        Ok(if at & BEFORE == 0 { Position::After(cursor) } else { Position::Before(cursor) })
    }

    fn parts<'p>(&'p self, place: &'p [u8]) -> [&'p [u8]; 4] {
        [self.environment.as_str().as_bytes(), self.name.as_bytes(), self.query.as_bytes(), place]
    }
}

fn place(at: u64, number: u64) -> [u8; 16] {
    (u128::from(at) << 64 | u128::from(number)).to_be_bytes()
}

/// Compares the part of the tag that a token carries, in the same time for every wrong one.
fn same(known: &[u8; 32], tag: &[u8]) -> bool {
    use subtle::ConstantTimeEq as _;
    known.get(..tag.len()).is_some_and(|known| tag.len() == 8 && known.ct_eq(tag).into())
}
