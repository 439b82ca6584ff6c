//! What tests are made of: the rules of the house, random commands, simulated cores.

pub mod differences;
pub mod generate;
pub mod history;
pub mod sim;
pub mod transcript;

#[cfg(test)]
mod atomicity;
#[cfg(test)]
mod atomicity_history;
#[cfg(test)]
mod blocking;
#[cfg(test)]
mod cost;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod groups;
#[cfg(test)]
mod many;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod shards;
#[cfg(test)]
mod slices;
#[cfg(test)]
mod spanning;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod twins;

pub use transcript::check;
