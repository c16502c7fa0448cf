//! Functions of the vDSO, the small library that the kernel maps into every process.
//!
//! libc has functions of the same names that call these, but another library (one that fakes the time, say) may have put its own in their place,
//! which allocate or use thread-local storage; the helper thread has none. So larder finds the functions by itself: the auxiliary vector says where
//! the image lies, its program headers say where the dynamic section is, and that says where symbols and names are. Only a hash table tells how many
//! symbols there are: the old kind by a word, the GNU kind by where its last chain ends.
//!
//! ```text
//! | ELF header | program headers … hash tables … symbols … names … dynamic section … code |
//! ```
//!
//! Everything is read from a slice of the image, so in a broken image no function is found. Only its first page is touched, where the linker puts all
//! of this.
#![allow(unsafe_code, reason = "the image that the kernel mapped")]

use super::environment::auxiliary;
use crate::base::units::PAGE;
use core::slice;

const MAGIC_64_BITS: &[u8] = b"\x7fELF\x02";
const PT_LOAD: usize = 1;
const PT_DYNAMIC: usize = 2;
const DT_NULL: usize = 0;
const DT_HASH: usize = 4;
const DT_STRTAB: usize = 5;
const DT_SYMTAB: usize = 6;
const DT_GNU_HASH: usize = 0x6fff_fef5;
const STT_FUNC: usize = 2;
/// Bytes of a program header, of an entry of the dynamic section, and of a symbol.
const HEADER: usize = 56;
const ENTRY: usize = 16;
const SYMBOL: usize = 24;

/// Returns the address of a function; `None` if there is no vDSO, or if it has no such function.
pub fn function(name: &str) -> Option<usize> {
    let image = image()?;
    Some(image.as_ptr() as usize + offset_of(image, name)?)
}

fn image() -> Option<&'static [u8]> {
    let base = auxiliary(libc::AT_SYSINFO_EHDR) as *const u8;
    if base.is_null() {
        return None;
    }
    // SAFETY: the kernel maps whole pages for as long as the process lives, and does not change them.
    let head = unsafe { slice::from_raw_parts(base, PAGE) };
    let len = number::<8>(segment(head, PT_LOAD)?, 40)?;
    // SAFETY: the one segment that is mapped has this length and begins with the header.
    Some(unsafe { slice::from_raw_parts(base, len) })
}

fn offset_of(image: &[u8], name: &str) -> Option<usize> {
    let (mapped, dynamic) = (segment(image, PT_LOAD)?, segment(image, PT_DYNAMIC)?);
    // Addresses are those that the image was linked for, not those where it lies.
    let linked_at = number::<8>(mapped, 16)?.wrapping_sub(number::<8>(mapped, 8)?);
    let entries = image.get(number::<8>(dynamic, 8)?..)?;
    let table = |tag| {
        let mut entries = entries.chunks_exact(ENTRY).take_while(|entry| number::<8>(entry, 0) != Some(DT_NULL));
        let entry = entries.find(|entry| number::<8>(entry, 0) == Some(tag))?;
        image.get(number::<8>(entry, 8)?.wrapping_sub(linked_at)..)
    };
    let (symbols, names) = (table(DT_SYMTAB)?, table(DT_STRTAB)?);
    let by_hash = || number::<4>(table(DT_HASH)?, 4);
    let count = by_hash().or_else(|| symbols_of_gnu_hash(table(DT_GNU_HASH)?))?;
    let mut symbols = symbols.chunks_exact(SYMBOL).take(count);
    let symbol = symbols.find(|symbol| is_function(symbol) && is_named(symbol, names, name) == Some(true))?;
    let offset = number::<8>(symbol, 8)?.wrapping_sub(linked_at);
    (offset < image.len()).then_some(offset)
}

/// Returns the first program header of a kind.
fn segment(image: &[u8], kind: usize) -> Option<&[u8]> {
    if !image.starts_with(MAGIC_64_BITS) || number::<2>(image, 54)? != HEADER {
        return None;
    }
    let headers = image.get(number::<8>(image, 32)?..)?.chunks_exact(HEADER);
    headers.take(number::<2>(image, 56)?).find(|header| number::<4>(header, 0) == Some(kind))
}

/// Returns whether a symbol is a function that is defined here.
fn is_function(symbol: &[u8]) -> bool {
    number::<1>(symbol, 4).is_some_and(|info| info & 15 == STT_FUNC) && number::<2>(symbol, 6) != Some(0)
}

fn is_named(symbol: &[u8], names: &[u8], name: &str) -> Option<bool> {
    let rest = names.get(number::<4>(symbol, 0)?..)?.strip_prefix(name.as_bytes())?;
    Some(rest.first() == Some(&0))
}

/// Returns the number of symbols. The table has: the numbers of buckets, of symbols before those in chains, and of words of a filter; a shift; the
/// filter; for each bucket the first symbol of its chain; for each symbol in a chain a word, which is odd where the chain ends.
fn symbols_of_gnu_hash(table: &[u8]) -> Option<usize> {
    let (buckets, unchained, filter) = (number::<4>(table, 0)?, number::<4>(table, 4)?, number::<4>(table, 8)?);
    let words = table.get(16 + filter * 8..)?.chunks_exact(4).map(|word| number::<4>(word, 0).unwrap_or(0));
    let last = words.clone().take(buckets).max()?;
    let behind = words.skip(buckets).skip(last.checked_sub(unchained)?).position(|word| word % 2 == 1)?;
    Some(last + behind + 1)
}

/// Reads a number of `LEN` bytes.
fn number<const LEN: usize>(bytes: &[u8], at: usize) -> Option<usize> {
    let mut word = [0; 8];
    word.get_mut(..LEN)?.copy_from_slice(bytes.get(at..)?.get(..LEN)?);
    Some(usize::from_le_bytes(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    const NAME: &str = "__vdso_clock_gettime";

    /// Returns the image with another tag in the place of `tag`.
    fn without(image: &[u8], tag: usize) -> Vec<u8> {
        let mut copy = image.to_vec();
        let begin = number::<8>(segment(image, PT_DYNAMIC).unwrap(), 8).unwrap();
        let mut entries = copy[begin..].chunks_exact_mut(ENTRY).take_while(|entry| number::<8>(entry, 0) != Some(0));
        if let Some(entry) = entries.find(|entry| number::<8>(entry, 0) == Some(tag)) {
            entry[..8].copy_from_slice(&0x7000_0000_usize.to_le_bytes());
        }
        copy
    }

    #[test]
    fn a_name_is_found_whole() {
        let Some(image) = image() else { return };
        assert!(offset_of(image, NAME).is_some());
        assert_eq!(offset_of(image, "__vdso_clock_gettim"), None);
        assert_eq!(offset_of(image, "_vdso_clock_gettime_"), None);
        assert_eq!(offset_of(image, "LINUX_2.6"), None, "the version is no function");
    }

    #[test]
    fn either_hash_table_tells_the_number_of_symbols() {
        let Some(image) = image() else { return };
        let (old, gnu) = (without(image, DT_GNU_HASH), without(image, DT_HASH));
        assert_eq!(offset_of(&gnu, NAME), offset_of(image, NAME));
        assert!(offset_of(&old, NAME).is_none_or(|found| Some(found) == offset_of(image, NAME)));
        assert_eq!(offset_of(&without(&gnu, DT_GNU_HASH), NAME), None);
    }

    #[test]
    fn a_broken_image_gives_none() {
        let Some(image) = image() else { return };
        let found = offset_of(image, NAME).unwrap();
        for len in 0..=found {
            assert_eq!(offset_of(&image[..len], NAME), None, "{len} bytes");
        }
        for tag in [DT_SYMTAB, DT_STRTAB] {
            assert_eq!(offset_of(&without(image, tag), NAME), None, "{tag}");
        }
        let mut copy = image.to_vec();
        for at in 0..copy.len().min(PAGE) {
            for wrong in [0, 0x7F, 0xFF] {
                copy[at] = wrong;
                assert!(offset_of(&copy, NAME).is_none_or(|found| found < image.len()), "{wrong} at {at}");
            }
            copy[at] = image[at];
        }
    }

    #[test]
    fn an_image_may_be_linked_for_any_address() {
        const ELSEWHERE: usize = 64;
        let Some(image) = image() else { return };
        let (mut copy, mut moved) = (image.to_vec(), 0);
        let begin = image.windows(HEADER).position(|bytes| Some(bytes) == segment(image, PT_LOAD)).unwrap();
        copy[begin + 16..begin + 24].copy_from_slice(&ELSEWHERE.to_le_bytes());
        let begin = number::<8>(segment(image, PT_DYNAMIC).unwrap(), 8).unwrap();
        for entry in copy[begin..].chunks_exact_mut(ENTRY).take_while(|entry| number::<8>(entry, 0) != Some(0)) {
            if [DT_HASH, DT_GNU_HASH, DT_SYMTAB, DT_STRTAB].map(Some).contains(&number::<8>(entry, 0)) {
                let address = number::<8>(entry, 8).unwrap() + ELSEWHERE;
                entry[8..].copy_from_slice(&address.to_le_bytes());
                moved += 1;
            }
        }
        assert!(moved >= 3);
        // The symbols' own addresses stayed the same, so the function is found that much earlier.
        assert_eq!(offset_of(&copy, NAME), Some(offset_of(image, NAME).unwrap() - ELSEWHERE));
    }
}
