//! What was asked, in which order: one per connection.
