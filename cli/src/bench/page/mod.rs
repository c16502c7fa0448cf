use std::path::Path;
use anyhow::Result;
use super::cell::Cell;
use super::contender::Contender;
use super::facts::Facts;
pub(super) fn write(_: &Path, _: &Facts, _: &[Cell], _: &[Contender]) -> Result<()> { Ok(()) }
