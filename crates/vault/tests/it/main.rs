#[cfg(test)]
mod keyring;
#[cfg(test)]
mod root;
