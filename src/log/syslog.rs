//! Which program a line of a system's log is of.
//!
//! What enters: a line. What leaves: the program's name, without its number. Journals hold the lines of all programs of a
//! machine, and what one of them cannot reach says nothing of what another asked for.

// `Nov 02 10:00:00 host app[123]: text`, and the same with a date in ISO 8601.
regex!(
    PROGRAM,
    r"^(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,20}) [A-Za-z0-9_.-]{1,255} ([A-Za-z0-9_./@-]{1,64})\[\d{1,9}\]: "
);

/// The program that wrote `line`.
pub(super) fn program(line: &str) -> Option<&str> {
    Some(PROGRAM.as_ref()?.captures(line)?.get(1)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_stands_before_its_number() {
        assert_eq!(program("Nov 02 10:00:00 host1 app[123]: Connection refused"), Some("app"));
        assert_eq!(program("Nov  2 10:00:00 host1 app@1.service[7]: x"), Some("app@1.service"));
        assert_eq!(program("2026-11-02T10:00:00.1+09:00 host1 app[7]: x"), Some("app"));
        for line in ["Nov 02 10:00:00 Connection refused", "2026-11-02T10:00:00Z ERROR x: y", "app[1]: x"] {
            assert_eq!(program(line), None, "{line}");
        }
    }

    #[test]
    fn what_another_program_cannot_reach_is_not_what_this_one_asked_for() {
        let asked = "Nov 02 10:00:01 host1 app[123]: ERROR Post \"https://login.microsoftonline.com/x/oauth2/v2.0/token\": dial tcp: lookup login.microsoftonline.com on 127.0.0.53:53: server misbehaving\n";
        let hosts = |who: &str| -> Vec<Option<String>> {
            let facts = crate::log::read_text(&format!("{asked}Nov 02 10:00:02 host1 {who}[99]: Connection refused\n"));
            let attempt = facts.attempts.into_iter().next().unwrap_or_default();
            attempt.events.iter().filter(|e| e.elsewhere).map(|e| e.host.clone()).collect()
        };
        assert_eq!(hosts("redis"), [None]);
        assert_eq!(hosts("app"), []);
    }
}
