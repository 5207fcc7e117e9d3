//! Rebuilds the crate when a migration is added; the macro that embeds them cannot see new files.

fn main() {
    // cargo reads this line from the standard output; there is no other way to tell it
    let mut out = std::io::stdout();
    let _ = std::io::Write::write_all(&mut out, b"cargo:rerun-if-changed=migrations\n");
}
