use keybearer_core::Timestamp;

/// A place in a list that is ordered by creation, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the row was made.
    pub created_at: Timestamp,
    /// Its id, which decides among rows of one moment.
    pub id: String,
}

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Position {
    /// The newest rows.
    Start,
    /// The rows that follow this one (older).
    After(Cursor),
    /// The rows right before this one (newer).
    Before(Cursor),
}

/// One page to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Where it lies.
    pub position: Position,
    /// How many rows at most.
    pub limit: i64,
}

impl PageRequest {
    /// The newest `limit` rows.
    pub fn first(limit: i64) -> Self {
        Self { position: Position::Start, limit }
    }
}

/// One page of a list, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// How many rows the whole list has.
    pub total: i64,
    /// [`Position::Before`] this reads the page before; `None` on the first one.
    pub previous: Option<Cursor>,
    /// [`Position::After`] this reads the page after; `None` on the last one.
    pub next: Option<Cursor>,
}

/// A row that lists are ordered by.
pub(crate) trait Keyed {
    fn cursor(&self) -> Cursor;
}

impl PageRequest {
    /// The key to compare with, and whether the rows come oldest first from it.
    pub(crate) fn bounds(&self) -> (Timestamp, &str, bool) {
        match &self.position {
            // later than any row
            Position::Start => (Timestamp::from_micros(i64::MAX), "", false),
            Position::After(cursor) => (cursor.created_at, &cursor.id, false),
            Position::Before(cursor) => (cursor.created_at, &cursor.id, true),
        }
    }

    /// One more than asked for, which shows whether there is another page.
    pub(crate) fn fetch(&self) -> i64 {
        self.limit.max(1).saturating_add(1)
    }

    /// Makes the page of what was fetched in the direction of [`Self::bounds`].
    pub(crate) fn page<T: Keyed>(&self, mut rows: Vec<T>, total: i64) -> Page<T> {
        let wanted = usize::try_from(self.limit.max(1)).unwrap_or(usize::MAX);
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let backward = matches!(self.position, Position::Before(_));
        if backward {
            rows.reverse();
        }
        let has_previous = if backward { more } else { self.position != Position::Start };
        let has_next = backward || more;
        let previous = rows.first().filter(|_| has_previous).map(Keyed::cursor);
        let next = rows.last().filter(|_| has_next).map(Keyed::cursor);
        Page { rows, total, previous, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keyed for i64 {
        fn cursor(&self) -> Cursor {
            Cursor { created_at: Timestamp::from_micros(*self), id: self.to_string() }
        }
    }

    #[test]
    fn the_only_page_has_no_neighbours() {
        let page = PageRequest::first(2).page(vec![9, 8], 2);
        assert_eq!((page.rows, page.previous, page.next), (vec![9, 8], None, None));
    }

    #[test]
    fn a_page_read_backwards_is_newest_first_and_has_a_next_one() {
        let request = PageRequest { position: Position::Before(5.cursor()), limit: 2 };
        let page = request.page(vec![6, 7, 8], 9);
        assert_eq!(page.rows, vec![7, 6]);
        assert_eq!((page.previous, page.next), (Some(7.cursor()), Some(6.cursor())));
    }
}
