//! Tables: `tasklist /svc` and `Get-NetAdapter`.
//!
//! What enters: a text that may hold them. What leaves: processes and interfaces. The row of equal signs tells the
//! columns of the first, whatever its headings are called; the second has a MAC address in each line.

use super::ENTRIES_MAX;
use super::text::{clean, mac};
use crate::facts::system::{ProcessEntry, SystemFacts, SystemInterface};

/// Reads both.
pub fn read(text: &str, facts: &mut SystemFacts) {
    // Width of the first column, while inside a table of processes.
    let mut width: Option<usize> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("====") && trimmed.chars().all(|c| c == '=' || c == ' ') {
            width = trimmed.split(' ').next().map(str::len).filter(|w| trimmed.len() > *w);
            continue;
        }
        if trimmed.is_empty() {
            width = None;
        }
        if let Some(width) = width {
            process(line, width, facts);
        } else if let Some(p) = csv_process(trimmed) {
            push(p, facts);
        }
        if let Some(interface) = adapter(line)
            && facts.interfaces.len() < ENTRIES_MAX
        {
            let mut one = SystemFacts::default();
            one.interfaces.push(interface);
            facts.merge(one);
        }
    }
}

fn push(p: ProcessEntry, facts: &mut SystemFacts) {
    if facts.processes.len() < ENTRIES_MAX {
        facts.processes.push(p);
    }
}

fn services(text: &str) -> impl Iterator<Item = String> + '_ {
    // A process without services says "N/A" or its translation, which is one word without a comma.
    let known = text.split(',').map(clean).filter(|s| !s.is_empty());
    known.filter(|s| s != "N/A" && s.is_ascii())
}

fn process(line: &str, width: usize, facts: &mut SystemFacts) {
    // Names are ASCII but for rare programs; cut by characters, and take the number that follows.
    let split = line.char_indices().nth(width).map_or(line.len(), |(i, _)| i);
    let (name, rest) = (line.get(..split).unwrap_or(""), line.get(split..).unwrap_or(""));
    if name.trim().is_empty() {
        // Services that wrap.
        if let Some(last) = facts.processes.last_mut()
            && last.services.len() < 256
        {
            last.services.extend(services(rest));
        }
        return;
    }
    let mut words = rest.trim_start().splitn(2, char::is_whitespace);
    let Some(pid) = words.next().and_then(|w| w.parse().ok()) else { return };
    let rest = words.next().unwrap_or("");
    // Plain tasklist has a session and memory behind the number instead of services.
    let services = if rest.trim_end().ends_with([' ', 'K']) && rest.contains("  ") {
        Vec::new()
    } else {
        services(rest).collect()
    };
    push(ProcessEntry { pid, name: clean(name), services }, facts);
}

/// `"svchost.exe","1234","Dnscache"`, as `tasklist /fo csv` writes it.
fn csv_process(line: &str) -> Option<ProcessEntry> {
    let mut parts = line.strip_prefix('"')?.strip_suffix('"')?.split("\",\"");
    let name = parts.next()?;
    let pid = parts.next()?.parse().ok()?;
    let third = parts.next();
    let only_services = parts.next().is_none();
    let services = third.filter(|_| only_services).map(|s| services(s).collect()).unwrap_or_default();
    Some(ProcessEntry { pid, name: clean(name), services })
}

/// `Ethernet   Contoso Gigabit Adapter   12 Up   02-00-00-00-00-01   1 Gbps`
fn adapter(line: &str) -> Option<SystemInterface> {
    let (at, found) = line.match_indices('-').take(64).find_map(|(i, _)| {
        let start = i.checked_sub(2)?;
        let text = line.get(start..start + 17)?;
        Some((start, mac(text)?))
    })?;
    // Longer identifiers are no MAC addresses, and neither are the lines of ipconfig.
    let alone = line.get(at + 17..).is_some_and(|r| r.is_empty() || r.starts_with(' '));
    let before = line.get(..at)?.trim_end();
    let (rest, status) = before.rsplit_once(char::is_whitespace)?;
    let (names, index) = rest.trim_end().rsplit_once(char::is_whitespace)?;
    if !alone || status.is_empty() || !status.chars().all(char::is_alphabetic) {
        return None;
    }
    let if_index = index.parse().ok()?;
    let names = names.trim();
    let (name, description) = match names.find("  ") {
        Some(gap) => (names.get(..gap)?, names.get(gap..).map(str::trim)),
        None => (names, None),
    };
    Some(SystemInterface {
        name: Some(clean(name)),
        description: description.map(clean),
        if_index: Some(if_index),
        mac: Some(found),
        ..SystemInterface::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_list_is_read_by_its_ruler_in_any_language() {
        let text = "
イメージ名                     PID サービス                                    
========================= ======== ============================================
System Idle Process              0 N/A                                         
System                           4 N/A                                         
svchost.exe                   1234 BrokerInfrastructure, DcomLaunch, PlugPlay, 
                                   Power, SystemEventsBroker                   
az.cmd                       12332 N/A                                         
";
        let mut f = SystemFacts::default();
        read(text, &mut f);
        let list: Vec<_> = f.processes.iter().map(|p| (p.pid, p.name.as_str(), p.services.len())).collect();
        assert_eq!(
            list,
            [(0, "System Idle Process", 0), (4, "System", 0), (1234, "svchost.exe", 5), (12332, "az.cmd", 0)]
        );
        let mut f = SystemFacts::default();
        read("\"Image Name\",\"PID\",\"Services\"\r\n\"svchost.exe\",\"77\",\"Dnscache,NlaSvc\"\r\n", &mut f);
        assert_eq!((f.processes[0].pid, f.processes[0].services.len()), (77, 2));
    }

    #[test]
    fn plain_tasklist_gives_names_without_services() {
        let text = "
Image Name                     PID Session Name        Session#    Mem Usage
========================= ======== ================ =========== ============
pwsh.exe                      9876 Console                    1    123,456 K
";
        let mut f = SystemFacts::default();
        read(text, &mut f);
        assert_eq!(f.processes, [ProcessEntry { pid: 9876, name: "pwsh.exe".into(), services: vec![] }]);
    }

    #[test]
    fn adapters_of_powershell_have_an_index() {
        let text = "
Name                      InterfaceDescription                    ifIndex Status       MacAddress             LinkSpeed
----                      --------------------                    ------- ------       ----------             ---------
イーサネット 2            Contoso Gigabit Adapter #2                   12 Up           02-00-00-00-00-01         1 Gbps
Wi-Fi                     Contoso Wireless                              9 Disconnected 02-00-00-00-00-02          0 bps
   Physical Address. . . . . . . . . : 02-00-00-00-00-03
";
        let mut f = SystemFacts::default();
        read(text, &mut f);
        let list: Vec<_> = f.interfaces.iter().map(|i| (i.name.as_deref().unwrap(), i.if_index.unwrap())).collect();
        assert_eq!(list, [("イーサネット 2", 12), ("Wi-Fi", 9)]);
        assert_eq!(f.interfaces[0].description.as_deref(), Some("Contoso Gigabit Adapter #2"));
    }
}
