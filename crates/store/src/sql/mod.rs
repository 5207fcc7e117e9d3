//! Every statement of the program, one text for both servers. A test prepares all of them on both.

pub(crate) mod accounts;
pub(crate) mod brand;
pub(crate) mod calls;
pub(crate) mod clients;
pub(crate) mod connections;
pub(crate) mod custom_connectors;
pub(crate) mod environments;
pub(crate) mod figures;
pub(crate) mod flows;
pub(crate) mod journal;
pub(crate) mod logs;
pub(crate) mod members;
pub(crate) mod organizations;
pub(crate) mod passkeys;
pub(crate) mod refresh;
pub(crate) mod sealed;
pub(crate) mod survey;
pub(crate) mod system;
pub(crate) mod trials;
pub(crate) mod user_pages;
pub(crate) mod webhooks;

/// Declares statements and lists them for the test that prepares them.
macro_rules! sql {
    ($($(#[$meta:meta])* $name:ident = ($($part:tt)+);)*) => {
        $($(#[$meta])* pub(crate) const $name: &str = concat!($($part)+);)*

        /// Name and text of each statement of this file.
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name),)*];
    };
}

pub(crate) use sql;

/// Name and text of every statement.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = [
        accounts::ALL,
        brand::ALL,
        calls::ALL,
        clients::ALL,
        connections::ALL,
        custom_connectors::ALL,
        environments::ALL,
        figures::ALL,
        flows::ALL,
        journal::ALL,
        logs::ALL,
        members::ALL,
        organizations::ALL,
        passkeys::ALL,
        refresh::ALL,
        sealed::ALL,
        trials::ALL,
        user_pages::ALL,
        survey::ALL,
        system::ALL,
        webhooks::ALL,
    ];
    files.into_iter().flatten().copied()
}
