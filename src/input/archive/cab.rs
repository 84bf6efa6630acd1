//! Cabinets, as `netsh trace` writes them (NetTrace.cab).
//!
//! What enters: the bytes of a cabinet. What leaves: its members, unpacked. Guaranteed: every folder is unpacked
//! once, from front to back, whatever the order and number of its members; a member is held in memory only when it
//! is wanted and the budget allows.
//!
//! The cab crate unpacks, but would start a folder again for each member; so the directory is read here, and the
//! crate is shown a cabinet in which each folder is one single file. The format: MS-CAB.

use super::{Budget, Member, member_name, too_many};
use crate::bytes::Cursor;
use crate::input::evidence::{Content, limit_message};
use crate::input::source::Bytes;
use crate::lang::Message;
use crate::limits;
use crate::message;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes of the fixed part of the header (MS-CAB 2.1).
const HEADER_BYTES: usize = 36;
/// Flag: reserved areas are described behind the fixed part.
const FLAG_RESERVE: u16 = 4;

/// One folder: a run of packed blocks.
struct Folder {
    offset: u32,
    blocks: u16,
}

/// One member as the directory has it.
struct Entry {
    name: String,
    size: u64,
    /// Where it begins in its unpacked folder.
    start: u64,
    folder: u16,
}

/// The directory of a cabinet.
struct Directory {
    folders: Vec<Folder>,
    entries: Vec<Entry>,
    block_reserve: u8,
    /// The directory was cut or damaged behind these entries.
    damaged: bool,
}

/// The members of a cabinet. `wanted` decides by a member's first bytes and name whether the rest is kept.
pub(crate) fn cab_members(
    archive: &Bytes,
    budget: &mut Budget,
    wanted: &dyn Fn(&[u8], &str) -> bool,
) -> Result<Vec<Member>, Message> {
    let damaged = |what: &dyn std::fmt::Display| message!(en: "the cabinet cannot be read: {what}", ja: "キャビネットを読めません: {what}");
    let mut directory = Directory::read(archive).ok_or_else(|| damaged(&"its header is cut"))?;
    let totals: Vec<u64> = directory.folders.iter().map(|f| f.total(archive, directory.block_reserve)).collect();
    let view = View::new(archive, &totals).ok_or_else(|| damaged(&"it is too large"))?;
    let mut cabinet = cab::Cabinet::new(view).map_err(|e| damaged(&e))?;
    let mut members = Vec::new();
    let count = directory.entries.len();
    directory.entries.truncate(limits::ARCHIVE_MEMBERS_MAX);
    // Stable, so members of equal start keep the order of the directory.
    directory.entries.sort_by_key(|e| (e.folder, e.start));
    let mut entries = directory.entries.into_iter().peekable();
    while let Some(folder) = entries.peek().map(|e| e.folder) {
        let mut mine = Vec::new();
        while let Some(entry) = entries.next_if(|e| e.folder == folder) {
            mine.push(entry);
        }
        let Some(total) = totals.get(usize::from(folder)) else {
            members.extend(mine.into_iter().map(|e| unreadable(e.name, &"it continues in another cabinet")));
            continue;
        };
        match cabinet.read_file(&folder.to_string()) {
            Ok(reader) => unpack_folder(reader, *total, mine, budget, wanted, &mut members),
            Err(e) => members.extend(mine.into_iter().map(|m| unreadable(m.name, &e))),
        }
    }
    if count > limits::ARCHIVE_MEMBERS_MAX {
        members.push(too_many(count));
    }
    if directory.damaged {
        members.push(unreadable("...".to_owned(), &"the directory is cut"));
    }
    Ok(members)
}

fn unreadable(name: String, why: &dyn std::fmt::Display) -> Member {
    let message = message!(
        en: "the member of the cabinet cannot be read: {why}",
        ja: "キャビネットのメンバーを読めません: {why}"
    );
    Member::unreadable(name, "archive_damaged", message)
}

/// Unpacks the members of one folder in one pass.
fn unpack_folder(
    mut reader: impl Read,
    total: u64,
    entries: Vec<Entry>,
    budget: &mut Budget,
    wanted: &dyn Fn(&[u8], &str) -> bool,
    members: &mut Vec<Member>,
) {
    let mut at = 0;
    let mut broken: Option<io::Error> = None;
    for entry in entries {
        if let Some(e) = &broken {
            members.push(unreadable(entry.name, e));
            continue;
        }
        if entry.start < at || entry.start.saturating_add(entry.size) > total {
            members.push(unreadable(entry.name, &"it overlaps another member or the end of its folder"));
            continue;
        }
        if entry.size > budget.unpack {
            members.push(over_budget(entry.name));
            continue;
        }
        budget.unpack -= entry.size;
        let size = entry.size;
        let result = skip(&mut reader, entry.start - at).and_then(|()| {
            let mut bytes = Vec::new();
            let head = size.min(crate::input::kind::KIND_BYTES as u64);
            (&mut reader).take(head).read_to_end(&mut bytes)?;
            let name = entry.name.rsplit('/').next().unwrap_or("");
            if size > head && !wanted(&bytes, name) {
                skip(&mut reader, size - head)?;
                return Ok(Some(bytes));
            }
            if size > budget.hold {
                skip(&mut reader, size - head)?;
                return Ok(None);
            }
            (&mut reader).take(size - head).read_to_end(&mut bytes)?;
            if (bytes.len() as u64) < size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            budget.hold -= size;
            Ok(Some(bytes))
        });
        at = entry.start.saturating_add(size);
        match result {
            Ok(Some(bytes)) => {
                let content = Ok(Content::Memory(Bytes::from(bytes)));
                members.push(Member { name: entry.name, content, bytes: Some(size) });
            }
            Ok(None) => members.push(over_budget(entry.name)),
            Err(e) => {
                members.push(unreadable(entry.name, &e));
                broken = Some(e);
            }
        }
    }
}

fn over_budget(name: String) -> Member {
    Member::unreadable(name, "archive_limit", limit_message())
}

fn skip(reader: &mut impl Read, n: u64) -> io::Result<()> {
    let skipped = io::copy(&mut reader.take(n), &mut io::sink())?;
    if skipped < n { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

impl Directory {
    fn read(bytes: &[u8]) -> Option<Directory> {
        let mut c = Cursor::new(bytes);
        c.skip(16)?;
        let first_entry = c.u32_le()?;
        c.skip(6)?;
        let (folder_count, entry_count, flags) = (c.u16_le()?, c.u16_le()?, c.u16_le()?);
        c.skip(4)?;
        let (mut folder_reserve, mut block_reserve) = (0, 0);
        if flags & FLAG_RESERVE != 0 {
            let header_reserve = c.u16_le()?;
            folder_reserve = c.u8()?;
            block_reserve = c.u8()?;
            c.skip(usize::from(header_reserve))?;
        }
        // Names of the cabinet and disk before and after this one, where it is one of several.
        for _ in 0..2 * (flags & 3).count_ones() {
            text_to_zero(&mut c)?;
        }
        let mut folders = Vec::new();
        for _ in 0..folder_count {
            let (offset, blocks) = (c.u32_le()?, c.u16_le()?);
            c.skip(2 + usize::from(folder_reserve))?;
            folders.push(Folder { offset, blocks });
        }
        let mut c = Cursor::new(bytes.get(usize::try_from(first_entry).ok()?..)?);
        let mut entry = || {
            let (size, start, folder) = (c.u32_le()?, c.u32_le()?, c.u16_le()?);
            c.skip(6)?;
            let name = member_name(text_to_zero(&mut c)?);
            Some(Entry { name, size: size.into(), start: start.into(), folder })
        };
        let entries: Vec<Entry> = (0..entry_count).map_while(|_| entry()).collect();
        let damaged = entries.len() < usize::from(entry_count);
        Some(Directory { folders, entries, block_reserve, damaged })
    }
}

fn text_to_zero<'a>(c: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = memchr::memchr(0, c.rest())?;
    let text = c.take(length)?;
    c.skip(1)?;
    Some(text)
}

impl Folder {
    /// Unpacked size, by the headers of its blocks; a folder that is cut ends where it is cut.
    fn total(&self, bytes: &[u8], reserve: u8) -> u64 {
        let start = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let mut c = Cursor::new(bytes.get(start..).unwrap_or(&[]));
        let mut block = || {
            c.skip(4)?;
            let (packed, unpacked) = (c.u16_le()?, c.u16_le()?);
            c.skip(usize::from(reserve))?;
            // The packed bytes of the last block may be cut; then reading it fails, and says so.
            let _ = c.skip(usize::from(packed).min(c.remaining()));
            Some(u64::from(unpacked))
        };
        (0..self.blocks).map_while(|_| block()).sum()
    }
}

/// The cabinet as the cab crate sees it: its header points to a directory behind its end, in which folder `n` is one
/// file with the name `n`.
struct View {
    header: [u8; HEADER_BYTES],
    archive: Bytes,
    directory: Vec<u8>,
    at: u64,
}

impl View {
    fn new(archive: &Bytes, totals: &[u64]) -> Option<View> {
        let mut header: [u8; HEADER_BYTES] = *archive.first_chunk()?;
        let end = u32::try_from(archive.len()).ok()?.to_le_bytes();
        let count = u16::try_from(totals.len()).ok()?;
        header.get_mut(16..20)?.copy_from_slice(&end);
        header.get_mut(28..30)?.copy_from_slice(&count.to_le_bytes());
        let mut directory = Vec::new();
        for (folder, total) in (0..count).zip(totals) {
            directory.extend(u32::try_from(*total).unwrap_or(u32::MAX).to_le_bytes());
            directory.extend(0u32.to_le_bytes());
            directory.extend(folder.to_le_bytes());
            directory.extend([0; 6]);
            directory.extend(folder.to_string().as_bytes());
            directory.push(0);
        }
        Some(View { header, archive: archive.clone(), directory, at: 0 })
    }

    fn len(&self) -> u64 {
        self.archive.len() as u64 + self.directory.len() as u64
    }
}

impl Read for View {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let from = match at {
            0..HEADER_BYTES => self.header.get(at..),
            _ if at < self.archive.len() => self.archive.get(at..),
            _ => self.directory.get(at - self.archive.len()..),
        }
        .unwrap_or(&[]);
        let n = from.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..n), from.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for View {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(n) => Some(n),
            SeekFrom::Current(n) => self.at.checked_add_signed(n),
            SeekFrom::End(n) => self.len().checked_add_signed(n),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
