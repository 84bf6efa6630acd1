//! netevents.xml (`netsh wfp show netevents`) → what the Windows filtering platform dropped.
//!
//! What enters: the XML. What leaves: [`FilterDrop`]s. Elements are looked for by name inside each event; names are the
//! same in every language. Guaranteed: one pass, bounded lists, no entity is expanded.

use super::ENTRIES_MAX;
use super::text::clean;
use crate::facts::system::{FilterDrop, SystemFacts};
use crate::time::Timestamp;
use std::net::{IpAddr, SocketAddr};

/// Reads all events.
pub fn read(text: &str, facts: &mut SystemFacts) {
    let mut rest = text;
    while let Some(at) = rest.find("<header>") {
        rest = rest.get(at + 8..).unwrap_or("");
        let end = rest.find("<header>").unwrap_or(rest.len());
        let Some(drop) = rest.get(..end).and_then(event) else { continue };
        if facts.drops.len() < ENTRIES_MAX {
            facts.drops.push(drop);
        } else {
            facts.drops_left_out += 1;
        }
    }
}

/// The content of the first element of that name.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut rest = text;
    loop {
        let at = rest.find(name)?;
        let opens = rest.get(..at)?.ends_with('<');
        rest = rest.get(at + name.len()..)?;
        if opens && let Some(content) = rest.strip_prefix('>') {
            return content.get(..content.find('<')?);
        }
    }
}

fn event(text: &str) -> Option<FilterDrop> {
    let kind = element(text, "type")?;
    // Allowed connections are recorded too (CLASSIFY_ALLOW).
    if !kind.contains("DROP") {
        return None;
    }
    let (header, body) = text.split_once("</header>").unwrap_or((text, ""));
    let socket = |side: &str| {
        let ip: IpAddr = element(header, &format!("{side}AddrV4"))
            .or_else(|| element(header, &format!("{side}AddrV6")))?
            .trim()
            .parse()
            .ok()?;
        let port = element(header, &format!("{side}Port")).and_then(|p| p.trim().parse().ok()).unwrap_or(0);
        Some(SocketAddr::new(ip, port))
    };
    let program = element(header, "asString").map(|p| {
        // The bytes of UTF-16 shown as text have a dot for each zero byte in old versions.
        clean(p.rsplit('\\').next().unwrap_or(p))
    });
    let direction = element(body, "msFwpDirection").unwrap_or("");
    Some(FilterDrop {
        time: element(header, "timeStamp").and_then(time),
        protocol: element(header, "ipProtocol").and_then(|p| p.trim().parse().ok()),
        local: socket("local"),
        remote: socket("remote"),
        program: program.filter(|p| !p.is_empty()),
        outbound: if direction.ends_with("OUT") {
            Some(true)
        } else if direction.ends_with("IN") {
            Some(false)
        } else {
            None
        },
        filter_id: element(body, "filterId").and_then(|f| f.trim().parse().ok()),
        kind: clean(kind),
    })
}

/// `2024-03-04T05:06:07.890Z`, always UTC.
fn time(text: &str) -> Option<Timestamp> {
    let stamp: jiff::Timestamp = text.trim().parse().ok()?;
    i64::try_from(stamp.as_nanosecond()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests {
    const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<netEvents>
 <item>
  <header>
   <timeStamp>2024-03-04T05:06:07.890Z</timeStamp>
   <flags numItems="2"><item>FWPM_NET_EVENT_FLAG_IP_PROTOCOL_SET</item></flags>
   <ipVersion>FWP_IP_VERSION_V4</ipVersion>
   <ipProtocol>6</ipProtocol>
   <localAddrV4>10.1.2.3</localAddrV4>
   <remoteAddrV4>20.190.0.1</remoteAddrV4>
   <localPort>50000</localPort>
   <remotePort>443</remotePort>
   <appId><data>5c00</data><asString>\device\harddiskvolume3\program files\az\python.exe</asString></appId>
  </header>
  <type>FWPM_NET_EVENT_TYPE_CLASSIFY_DROP</type>
  <classifyDrop><filterId>68212</filterId><layerId>48</layerId><msFwpDirection>MS_FWP_DIRECTION_OUT</msFwpDirection></classifyDrop>
 </item>
 <item>
  <header><timeStamp>2024-03-04T05:06:08.000Z</timeStamp></header>
  <type>FWPM_NET_EVENT_TYPE_CLASSIFY_ALLOW</type>
 </item>
</netEvents>"#;

    #[test]
    fn a_drop_is_read_and_what_was_allowed_is_not() {
        let facts = super::super::read("netevents.xml", XML.as_bytes()).unwrap();
        assert_eq!(facts.drops.len(), 1);
        let d = &facts.drops[0];
        assert_eq!((d.local, d.remote), ("10.1.2.3:50000".parse().ok(), "20.190.0.1:443".parse().ok()));
        assert_eq!((d.protocol, d.outbound, d.filter_id), (Some(6), Some(true), Some(68212)));
        assert_eq!(d.program.as_deref(), Some("python.exe"));
        assert_eq!(d.time.unwrap().to_string(), "2024-03-04T05:06:07.890000000Z");
    }

    #[test]
    fn cut_files_end() {
        for cut in 0..XML.len() {
            super::super::read("netevents.xml", &XML.as_bytes()[..cut]);
        }
    }
}
