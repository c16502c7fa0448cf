//! Reports as files.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// Writes what `--json` asks for.
pub(crate) fn json(path: &Path, report: &impl Serialize) -> Result<()> {
    let write = || -> Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        serde_json::to_writer_pretty(&mut file, report)?;
        writeln!(file)?;
        Ok(file.flush()?)
    };
    write().with_context(|| format!("--json {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let error = json(Path::new("/no/dir/x.json"), &1).unwrap_err();
        assert!(format!("{error:#}").starts_with("--json /no/dir/x.json: "));
    }
}
