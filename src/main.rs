//! `medusa`: arguments to configuration to server; the only place that ends the process.

fn main() {}
