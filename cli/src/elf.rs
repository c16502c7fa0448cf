//! The facts in an ELF file about how it is loaded.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use memmap2::Mmap;
use object::FileKind;
use object::elf::{ELF_NOTE_GNU, FileHeader32, FileHeader64, NT_GNU_BUILD_ID, SHT_DYNSYM, SHT_SYMTAB};
use object::endian::Endianness;
use object::read::elf::{FileHeader, Note, ProgramHeader, Sym, SymbolTable};

/// The part of an ELF file that matters to a preloaded library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elf {
    /// The properties that must be equal in a program and its libraries.
    pub(crate) abi: Abi,
    /// The dynamic linker that it asks for; `None` if it is statically linked (or a library).
    pub(crate) interpreter: Option<PathBuf>,
    /// Whether it exports a `malloc`.
    pub(crate) exports_malloc: bool,
    /// Whether larder is linked into it and its `malloc` is larder's. Only the symbol table tells.
    pub(crate) has_larder: bool,
    /// Whether it has no symbol table.
    pub(crate) is_stripped: bool,
}

/// Word size, byte order and machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abi {
    /// 32 or 64.
    pub(crate) bits: u8,
    big_endian: bool,
    machine: u16,
}

/// Reads the file; `None` if it is not an ELF file.
pub(crate) fn read(path: &Path) -> Result<Option<Elf>> {
    let name = || path.display().to_string();
    let file = File::open(path).with_context(name)?;
    if file.metadata().with_context(name)?.len() == 0 {
        return Ok(None);
    }
    // SAFETY: the map is private and only read. If the file were truncated meanwhile, this short-lived tool would end by
    // SIGBUS; the kernel refuses to truncate the file of a running program.
    let data = unsafe { Mmap::map(&file) }.with_context(name)?;
    parse(&data).with_context(name)
}

/// The identification of the build in the beginning of a 64-bit ELF file, in which its program headers and notes lie.
pub(crate) fn build_id(beginning: &[u8]) -> Option<Vec<u8>> {
    let header = FileHeader64::<Endianness>::parse(beginning).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, beginning).ok()?;
    let notes = segments.iter().filter_map(|segment| segment.notes(endian, beginning).ok().flatten());
    let names_build = |note: &Note<'_, FileHeader64<Endianness>>| {
        note.name() == ELF_NOTE_GNU && note.n_type(endian) == NT_GNU_BUILD_ID
    };
    notes
        .flat_map(|mut notes| std::iter::from_fn(move || notes.next().ok().flatten()))
        .find(names_build)
        .map(|note| note.desc().to_vec())
}

fn parse(data: &[u8]) -> Result<Option<Elf>> {
    Ok(match FileKind::parse(data) {
        Ok(FileKind::Elf32) => Some(describe::<FileHeader32<Endianness>>(data, 32)?),
        Ok(FileKind::Elf64) => Some(describe::<FileHeader64<Endianness>>(data, 64)?),
        _ => None,
    })
}

fn describe<H: FileHeader<Endian = Endianness>>(data: &[u8], bits: u8) -> object::Result<Elf> {
    let header = H::parse(data)?;
    let endian = header.endian()?;
    let mut interpreter = None;
    for segment in header.program_headers(endian, data)? {
        interpreter = interpreter.or(segment.interpreter(endian, data)?);
    }
    let sections = header.sections(endian, data)?;
    let exported = sections.symbols(endian, data, SHT_DYNSYM)?;
    let symbols = sections.symbols(endian, data, SHT_SYMTAB)?;
    let own = address::<H>(&symbols, endian, b"larder_own_malloc");
    Ok(Elf {
        abi: Abi { bits, big_endian: header.is_big_endian(), machine: header.e_machine(endian).0 },
        interpreter: interpreter.map(|path| PathBuf::from(OsStr::from_bytes(path))),
        exports_malloc: address::<H>(&exported, endian, b"malloc").is_some(),
        has_larder: own.is_some() && own == address::<H>(&symbols, endian, b"malloc"),
        is_stripped: symbols.is_empty(),
    })
}

/// Where a symbol table defines `name`.
fn address<H: FileHeader>(symbols: &SymbolTable<'_, H>, endian: H::Endian, name: &[u8]) -> Option<u64> {
    let defines = |symbol: &&H::Sym| {
        !symbol.is_undefined(endian) && symbol.name(endian, symbols.strings()).is_ok_and(|it| it == name)
    };
    symbols.iter().find(defines).map(|symbol| symbol.st_value(endian).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_dynamic_and_brings_no_malloc() {
        let elf = read(Path::new("/proc/self/exe")).unwrap().unwrap();
        assert_eq!(u32::from(elf.abi.bits), usize::BITS);
        let interpreter = elf.interpreter.unwrap();
        assert!(interpreter.to_str().unwrap().contains("/ld-"), "{interpreter:?}");
        assert!(!elf.exports_malloc && !elf.has_larder);
    }

    #[test]
    fn libc_exports_malloc() {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let libc = maps
            .lines()
            .filter_map(|line| line.split_whitespace().nth(5))
            .find(|path| path.contains("/libc.so"))
            .unwrap();
        assert!(read(Path::new(libc)).unwrap().unwrap().exports_malloc);
    }

    #[test]
    fn text_and_nothing_are_no_elf_files() {
        assert_eq!(parse(b"#!/bin/sh\necho").unwrap(), None);
        let empty = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(read(empty.path()).unwrap(), None);
    }

    #[test]
    fn a_broken_file_is_an_error_that_names_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut bytes = std::fs::read("/proc/self/exe").unwrap();
        bytes.truncate(70);
        std::fs::write(file.path(), bytes).unwrap();
        let error = format!("{:#}", read(file.path()).unwrap_err());
        assert!(error.contains(file.path().to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_small_32_bit_static_program_is_seen_as_such() {
        // The 52 bytes of an ELF header without segments and sections.
        let mut bytes = vec![0u8; 52];
        bytes[..7].copy_from_slice(b"\x7fELF\x01\x01\x01");
        bytes[16] = 2; // ET_EXEC
        bytes[18] = 3; // EM_386
        bytes[20] = 1; // version
        bytes[40] = 52; // header size
        let elf = parse(&bytes).unwrap().unwrap();
        assert_eq!(elf.abi, Abi { bits: 32, big_endian: false, machine: 3 });
        assert_eq!(elf.interpreter, None);
        assert!(!elf.exports_malloc && !elf.has_larder && elf.is_stripped);
    }
}
