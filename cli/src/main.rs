//! larder's command-line tool.
fn main() {}
