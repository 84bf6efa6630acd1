//! cab, zip, gz and zst, nested, unpacked in memory within a budget.
//!
//! What enters: the bytes of an archive. What leaves: its members, each as content that is unpacked when it is read
//! (zip, gz, zst) or was unpacked in one pass (cab), and a note for each member that cannot be read. Guaranteed:
//! nothing is written to disk; no member's name is used as a path; what is held in memory and what is unpacked in all
//! stays within [`crate::limits`]; a damaged member does not take the others away.

pub(super) mod cab;
pub(super) mod stream;

use super::evidence::{Content, Unreadable};
use super::source::Bytes;
use crate::lang::Message;
use crate::limits;
use crate::message;
use std::io::Cursor;
use std::sync::Arc;
use stream::Codec;

/// What unpacking may still cost, over all inputs of one call.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes that may still be unpacked.
    pub unpack: u64,
    /// Bytes of unpacked members that may still be held in memory.
    pub hold: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { unpack: limits::ARCHIVE_BYTES_MAX, hold: limits::ARCHIVE_HELD_BYTES_MAX }
    }
}

/// One member of an archive.
pub(super) struct Member {
    pub name: String,
    pub content: Result<Content, Unreadable>,
    pub bytes: Option<u64>,
}

impl Member {
    fn unreadable(name: String, code: &'static str, message: Message) -> Member {
        Member { name, content: Err(Unreadable { code, message }), bytes: None }
    }
}

/// The members of a zip archive, in the order of its directory. They are unpacked when they are read.
pub(super) fn zip_members(archive: &Bytes) -> Result<Vec<Member>, Message> {
    let mut zip = zip::ZipArchive::new(Cursor::new(archive.clone())).map_err(|e| {
        message!(
            en: "the zip archive cannot be read: {e}",
            ja: "zip アーカイブを読めません: {e}"
        )
    })?;
    let count = zip.len();
    let mut members = Vec::new();
    for index in 0..count.min(limits::ARCHIVE_MEMBERS_MAX) {
        match zip.by_index_raw(index) {
            Ok(file) => {
                if file.is_dir() {
                    continue;
                }
                let name = member_name(file.name_raw());
                members.push(zip_member(archive, name, &file));
            }
            Err(e) => members.push(Member::unreadable(
                format!("#{index}"),
                "archive_damaged",
                message!(en: "the member cannot be found: {e}", ja: "メンバーが見つかりません: {e}"),
            )),
        }
    }
    if count > limits::ARCHIVE_MEMBERS_MAX {
        members.push(too_many(count));
    }
    Ok(members)
}

fn too_many(count: usize) -> Member {
    let most = limits::ARCHIVE_MEMBERS_MAX;
    Member::unreadable(
        "...".to_owned(),
        "archive_limit",
        message!(
            en: "the archive has {count} members; only the first {most} were looked at",
            ja: "アーカイブのメンバーは {count} 個あります。先頭の {most} 個だけを調べました"
        ),
    )
}

fn zip_member(archive: &Bytes, name: String, file: &zip::read::ZipFile<'_, Cursor<Bytes>>) -> Member {
    if file.encrypted() {
        return Member::unreadable(
            name,
            "archive_encrypted",
            message!(
                en: "the member is encrypted; unpack it with its password first",
                ja: "メンバーが暗号化されています。先にパスワードで展開してください"
            ),
        );
    }
    let start = file.data_start().and_then(|s| usize::try_from(s).ok());
    let range = start.zip(usize::try_from(file.compressed_size()).ok()).and_then(|(s, n)| Some(s..s.checked_add(n)?));
    let Some(range) = range.filter(|r| r.end <= archive.len()) else {
        return Member::unreadable(
            name,
            "archive_damaged",
            message!(en: "the member reaches over the end of the archive", ja: "メンバーがアーカイブの終端を越えています"),
        );
    };
    let packed = archive.part(range);
    let size = file.size();
    let content = match file.compression() {
        zip::CompressionMethod::Stored => Content::Memory(packed),
        zip::CompressionMethod::Deflated => {
            let codec = Codec::Deflate { size, crc: file.crc32() };
            Content::Packed { inner: Arc::new(Content::Memory(packed)), codec }
        }
        method => {
            return Member::unreadable(
                name,
                "archive_method",
                message!(
                    en: "the member is packed with {method}, which is not read here; unpack it first",
                    ja: "メンバーの圧縮方式 {method} には対応していません。先に展開してください"
                ),
            );
        }
    };
    Member { name, content: Ok(content), bytes: Some(size) }
}

/// A member's name for display. Zip and cab say whether it is UTF-8, but not reliably, so the bytes decide; Japanese
/// Windows writes CP932.
pub(super) fn member_name(raw: &[u8]) -> String {
    let name = match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::SHIFT_JIS.decode_without_bom_handling(raw).0.into_owned(),
    };
    name.replace('\\', "/")
}
