#[cfg(test)]
mod addresses;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod peers;
#[cfg(test)]
mod pool;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod tls;
