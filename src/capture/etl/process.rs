//! Process events → names by process id.
//!
//! What enters: events of the kernel logger (group 3) and of Microsoft-Windows-Kernel-Process. What leaves: (pid, image
//! name). Guaranteed: reads stay inside the user data.

use super::event::{Event, Kind, wide_string};
use super::names::{KERNEL_PROCESS, KERNEL_PROCESS_CLASS};
use super::value::one_line;
use crate::bytes::Cursor;

/// Kernel group of process events.
const GROUP_PROCESS: u8 = 0x03;

/// Process id and image name, if `event` is a process event that can be read without a schema.
pub fn read(event: &Event<'_>) -> Option<(u32, String)> {
    match event.kind {
        Kind::System | Kind::Compact | Kind::PerfInfo if event.group == GROUP_PROCESS => kernel(event),
        Kind::Classic if event.provider == KERNEL_PROCESS_CLASS => kernel(event),
        Kind::Event if event.provider == KERNEL_PROCESS && matches!(event.id, 1 | 15) => manifest(event),
        _ => None,
    }
}

/// Process_TypeGroup1 of versions 0 to 4 (published class definitions of the kernel logger).
fn kernel(event: &Event<'_>) -> Option<(u32, String)> {
    // Start, end, rundown at start, rundown at end.
    if !matches!(event.opcode, 1..=4) {
        return None;
    }
    let mut c = Cursor::new(event.user);
    let pointer = usize::from(event.pointer);
    let pid = if event.version == 0 {
        let pid = if pointer == 8 { c.u64_le()? as u32 } else { c.u32_le()? };
        c.skip(pointer)?;
        pid
    } else {
        c.skip(pointer)?;
        let pid = c.u32_le()?;
        // Parent, session, exit status.
        c.skip(12)?;
        if event.version >= 3 {
            c.skip(pointer)?;
        }
        if event.version >= 4 {
            c.skip(4)?;
        }
        pid
    };
    // User: TOKEN_USER (two pointers) with the SID behind it, or a zero where there is none.
    match sid_bytes(c.rest().get(2 * pointer..).unwrap_or(&[])) {
        Some(sid) => c.skip(2 * pointer + sid)?,
        None if c.peek(4)? == [0; 4] => c.skip(4)?,
        None => return None,
    }
    let rest = c.rest();
    let len = rest.iter().position(|b| *b == 0).unwrap_or(rest.len());
    named(pid, &String::from_utf8_lossy(rest.get(..len)?))
}

/// Length of the SID that `bytes` begin with: revision 1, 1 to 15 sub-authorities, a six-byte authority that is small.
fn sid_bytes(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [1, count @ 1..=15, 0, 0, 0, 0, 0, _, ..] => Some(8 + 4 * usize::from(*count)),
        _ => None,
    }
}

/// ProcessStart and ProcessRundown of versions 0 to 2; later ones need their schema.
fn manifest(event: &Event<'_>) -> Option<(u32, String)> {
    let mut c = Cursor::new(event.user);
    let pid = c.u32_le()?;
    c.skip(8 + 4 + 4)?;
    match event.version {
        0 => {}
        1 | 2 => c.skip(4)?,
        _ => return None,
    }
    named(pid, &wide_string(&mut c))
}

/// The file name of an image path.
pub fn named(pid: u32, image: &str) -> Option<(u32, String)> {
    let name = image.rsplit(['\\', '/']).next().unwrap_or(image);
    let name = one_line(name);
    (!name.is_empty()).then_some((pid, name))
}
