//! An output file that is packed as its ending says: `.gz`, `.zst`, or not at all.

use std::io::{self, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::wire::{Fault, OutFile};

/// The level at which packing keeps up with generating.
const ZST_LEVEL: i32 = 1;

/// An output on its way; it has its name only when it is whole.
pub struct PackedFile {
    name: String,
    packer: Packer,
}

enum Packer {
    Plain(OutFile),
    Gz(GzEncoder<OutFile>),
    Zst(zstd::Encoder<'static, OutFile>),
}

impl PackedFile {
    /// Begins the output at `path`.
    ///
    /// # Errors
    ///
    /// A fault where nothing can be written there.
    pub fn create(path: &Path) -> Result<PackedFile, Fault> {
        let name = path.display().to_string();
        let file = OutFile::create(path)?;
        let packer = match path.extension().and_then(|ending| ending.to_str()) {
            Some("gz") => Packer::Gz(GzEncoder::new(file, Compression::fast())),
            Some("zst") => {
                let packer = zstd::Encoder::new(file, ZST_LEVEL);
                Packer::Zst(packer.map_err(|error| cannot_write(&name, &error))?)
            }
            _ => Packer::Plain(file),
        };
        Ok(PackedFile { name, packer })
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    ///
    /// A fault where they cannot be written; some of them may stand in `.part`.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let written = match &mut self.packer {
            Packer::Plain(file) => file.write_all(bytes),
            Packer::Gz(packer) => packer.write_all(bytes),
            Packer::Zst(packer) => packer.write_all(bytes),
        };
        written.map_err(|error| match &self.packer {
            Packer::Plain(file) => file.fault(&error),
            Packer::Gz(packer) => packer.get_ref().fault(&error),
            Packer::Zst(packer) => packer.get_ref().fault(&error),
        })
    }

    /// Writes what is left and puts the whole output under its name.
    ///
    /// # Errors
    ///
    /// A fault where that fails; what there is then stands in `.part`.
    pub fn finish(self) -> Result<(), Fault> {
        let file = match self.packer {
            Packer::Plain(file) => Ok(file),
            Packer::Gz(packer) => packer.finish(),
            Packer::Zst(packer) => packer.finish(),
        };
        file.map_err(|error| cannot_write(&self.name, &error))?.finish()
    }
}

fn cannot_write(name: &str, error: &io::Error) -> Fault {
    Fault::Output(format!("cannot write: {name}: {error}; {name}.part is not whole"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at its first surprise")]

    use std::fs;
    use std::io::Read;

    use super::*;

    #[test]
    fn the_ending_says_how_it_is_packed() {
        let folder = tempfile::tempdir().unwrap();
        let lines = b"one\ntwo\n".repeat(1_000);
        for name in ["a.gz", "a.zst", "a.jsonl"] {
            let path = folder.path().join(name);
            let mut file = PackedFile::create(&path).unwrap();
            file.write_all(&lines).unwrap();
            assert!(!path.exists());
            file.finish().unwrap();
            let written = fs::read(&path).unwrap();
            let mut found = Vec::new();
            match name {
                "a.gz" => flate2::read::GzDecoder::new(&written[..]).read_to_end(&mut found),
                "a.zst" => zstd::Decoder::new(&written[..]).unwrap().read_to_end(&mut found),
                _ => Read::read_to_end(&mut &written[..], &mut found),
            }
            .unwrap();
            assert_eq!(found, lines);
            assert_eq!(written.len() < lines.len() / 10, name != "a.jsonl");
        }
    }
}
