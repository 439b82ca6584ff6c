//! What tests are made of: the rules of the house, random commands, simulated cores.

#[cfg(test)]
mod tidy;
