//! What the Windows broker (WAM) says in the words of MSAL and of the modules: names, codes, reasons.
//!
//! What enters: a line. What leaves: an event, or more of the one before: MSAL.NET writes a message over several lines.

use crate::facts::log::{BrokerFault, ErrorClass, LogEventKind};
use crate::limits::LOG_TEXT_CHARS_MAX;
use crate::log::build::{Builder, shown};
use crate::log::is;
use crate::log::pattern;

regex!(
    WAM_CODE,
    r"(?i)(?:error ?code:?|api_error_code, Value:|Status: Response_Status\.Status_\w+, Error code:|error:|WAM_\w{1,40}_)\s*(-?\d{5,10}|0x[0-9a-f]{8})\b"
);
// The lines of MSAL.NET's message about the broker behind its name: reason, code, and the place in its source.
regex!(
    BROKER_DETAIL,
    r"^(?:Context: .*|Error: (0x[0-9A-Fa-f]{8})|(?:[\w.]+Exception: )?Unknown Status: .*|Tag: 0x[0-9A-Fa-f]+ \(error code (-?\d{1,10})\).*)$"
);
regex!(
    WAM_STATUS,
    r"(?i)(?:Error Message:|(?:Status:\s*)?Response_Status\.Status_|StatusInternal::|Status:)\s*([A-Za-z]+)"
);
// MSAL.NET prints code and status on lines of their own.
regex!(WAM_LINE, r"^\s*(?:Error Code: (?:-?\d{9,10}|0x[0-9A-Fa-f]{8})|Error Message: [A-Za-z]+)\s*$");

/// MSAL's own names of what the broker ended with, which no language changes, and what each means.
const BROKER_NAMES: &[(&str, BrokerFault)] = &[
    ("WAM_no_network", BrokerFault::NoNetwork),
    ("WAM_network_temporarily_unavailable", BrokerFault::NoNetwork),
    ("WAM_server_temporarily_unavailable", BrokerFault::ConnectionAborted),
    ("WAM_interaction_required", BrokerFault::InteractionRequired),
    ("failed_to_acquire_token_silently_from_broker", BrokerFault::InteractionRequired),
    ("unknown_broker_error", BrokerFault::Unspecified),
];

/// Whether one of MSAL's names of a failure of the broker stands in the text.
pub(super) fn is_named(text: &str) -> bool {
    named_by_msal(text).is_some()
}

/// A line about the broker; false where it is none.
pub(super) fn line(b: &mut Builder, message: &str) -> bool {
    let of_broker = ["WAM", "Response_Status", "StatusInternal", "no Internet connection"];
    let is_told = || of_broker.iter().any(|w| message.contains(w)) || is_named(message);
    broker_detail(b, message) || (is_told() || is(&WAM_LINE, message)) && wam(b, message, message)
}

/// What the broker ended with by one of MSAL's names.
fn named_by_msal(text: &str) -> Option<BrokerFault> {
    BROKER_NAMES.iter().find(|(name, _)| text.contains(name)).map(|(_, fault)| *fault)
}

/// Whether a line of MSAL names what the Windows broker ended with.
pub(crate) fn names_a_broker(line: &str) -> bool {
    is_named(line) || line.contains("WAM Error") || line.contains("WAM_aad_provider_error_")
}

/// Whether a line is a part of the message of MSAL.NET about the broker that is read just now: reason and code stand on
/// lines of their own behind its name, and are kept with it.
fn broker_detail(b: &mut Builder, message: &str) -> bool {
    let text = message.trim();
    let c = BROKER_DETAIL.as_ref().and_then(|r| r.captures(text));
    let Some(c) = c else { return false };
    let Some(event) = b.attempt.events.last_mut() else { return false };
    let LogEventKind::Wam { code, class } = &mut event.kind else { return false };
    let found = c.get(1).or_else(|| c.get(2)).and_then(|code| broker_code(code.as_str())).filter(|code| *code != 0);
    if code.is_none()
        && let Some(found) = found
    {
        *code = Some(found);
        let fault = pattern::broker(found);
        if *class == ErrorClass::Broker(BrokerFault::Unspecified) {
            *class = ErrorClass::Broker(fault);
        }
    }
    if event.text.chars().count().saturating_add(text.chars().count()) < LOG_TEXT_CHARS_MAX {
        event.text.push_str("; ");
        event.text.push_str(&shown(text));
    }
    true
}

/// A code of the broker: signed ones are the same 32 bits.
fn broker_code(text: &str) -> Option<u32> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => text.parse::<i64>().ok().and_then(|n| u32::try_from(n & 0xFFFF_FFFF).ok()),
    }
}

/// A failure of the Windows broker, its code decimal (signed or not) or hexadecimal.
pub(crate) fn wam(b: &mut Builder, message: &str, line: &str) -> bool {
    let code = WAM_CODE.as_ref().and_then(|r| broker_code(r.captures(message)?.get(1)?.as_str()));
    let named = named_by_msal(message);
    let status = WAM_STATUS.as_ref().and_then(|r| Some(r.captures(message)?.get(1)?.as_str().to_ascii_lowercase()));
    let by_status = match status.as_deref() {
        Some("nonetwork" | "networktemporarilyunavailable") => Some(BrokerFault::NoNetwork),
        Some("interactionrequired" | "accountunusable") => Some(BrokerFault::InteractionRequired),
        Some("usercanceled" | "usercancelled") => Some(BrokerFault::UserCancelled),
        Some("servertemporarilyunavailable") => Some(BrokerFault::ConnectionAborted),
        _ if named.is_some_and(|f| f != BrokerFault::Unspecified) => named,
        _ if message.contains("no Internet connection") => Some(BrokerFault::NoNetwork),
        _ => None,
    };
    let by_code = code.map(pattern::broker).filter(|f| *f != BrokerFault::Unspecified);
    let is_failure = || pattern::classify(message).is_some_and(|c| matches!(c, ErrorClass::Broker(_)));
    if code.is_none() && by_status.is_none() && named.is_none() && !(status.is_some() && is_failure()) {
        return false;
    }
    if code.is_none() && named.is_none() {
        // The status completes the code on the line before; alone it would name no failure of the broker.
        let known = b.attempt.events.iter_mut().rev().take(3).find_map(|e| match &mut e.kind {
            LogEventKind::Wam { class, .. } => Some(class),
            _ => None,
        });
        if known.is_none() && message.contains("Response_Status.") {
            // Without a code, or with none that is one, the status is all that the broker tells.
            let class = ErrorClass::Broker(by_status.unwrap_or(BrokerFault::Unspecified));
            b.attempt.broker = Some(true);
            b.event(LogEventKind::Wam { code: None, class }, None, line);
            return true;
        }
        return match (known, by_status) {
            (Some(class), Some(fault)) => {
                if *class == ErrorClass::Broker(BrokerFault::Unspecified) {
                    *class = ErrorClass::Broker(fault);
                }
                true
            }
            _ => false,
        };
    }
    let fault = by_code.or(by_status).unwrap_or(BrokerFault::Unspecified);
    b.attempt.broker = Some(true);
    if let Some(code_aad) = pattern::aadsts(message) {
        b.aadsts(code_aad, line);
        return true;
    }
    let class = ErrorClass::Broker(fault);
    // The code under the heading that announced it.
    let heading = b.attempt.events.iter_mut().rev().take(2).find(|e| {
        e.kind == LogEventKind::Exception { class: ErrorClass::Broker(BrokerFault::Unspecified) }
            && e.text.trim_end().ends_with("WAM Error")
    });
    if let Some(event) = heading {
        event.kind = LogEventKind::Wam { code, class };
        event.text.push(' ');
        event.text.push_str(line.trim());
        return true;
    }
    let known = b.attempt.events.iter().rev().take(8).any(|e| match e.kind {
        LogEventKind::Wam { code: c, class: k } => (c == code || code.is_none()) && (k == class || c.is_some()),
        _ => false,
    });
    if !known {
        b.event(LogEventKind::Wam { code, class }, None, line);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::read_text as read;

    #[test]
    fn broker_codes_are_read_in_every_notation() {
        for text in [
            "WAM Error \n Error Code: 3399942148 Error Message: NoNetwork WAM Error Message: ",
            "Microsoft.Identity.Client.MsalServiceException: WAM Error Error Code: -895025148 Error Message: NoNetwork",
            "WAM: (pii) Status: NoNetwork, Error code: 0xCAA70004",
            "ERROR: (pii). Status: Response_Status.Status_NoNetwork, Error code: 3399942148, Tag: 557973645",
            "(pii). Status: Response_Status.Status_NoNetwork, Error code: 3399680404, Tag: 557973641",
            "MsalServiceException: WAM Error\n Error Code: 1\n Error Code: -895025148 \n Error Message: NoNetwork \n Internal Error Code: 557973645 \n",
            "MsalServiceException: WAM Error\n Error Code: 3047943712\n Error Message: NoNetwork\n",
            "\"ErrorMessage\": \"WAM Error x \\n Error Code: WAM_no_network \\n\n Error Message: x\n",
            "WAM Error x\n Error Code: WAM_no_network\n Internal Error Code: 3399942148\n",
        ] {
            let facts = read(text);
            let class = facts.attempts.first().and_then(|a| a.error_class());
            assert_eq!(class, Some(ErrorClass::Broker(BrokerFault::NoNetwork)), "{text}: {facts:#?}");
        }
    }

    #[test]
    fn reason_and_code_on_lines_of_their_own_are_kept_with_the_name() {
        let facts = read(
            "MSAL.Desktop.4.53.0.0.MsalServiceException: \n\tErrorCode: unknown_broker_error\n\
             Microsoft.Identity.Client.MsalServiceException: Unknown Status: Unexpected\nError: 0x80040154\n\
             Context: it did not start\nTag: 0x1 (error code 2147746132) (internal error code 5)\n",
        );
        let attempt = facts.attempts.first().unwrap();
        let cause = attempt.cause().unwrap();
        assert!(matches!(cause.kind, LogEventKind::Wam { code: Some(0x8004_0154), .. }), "{attempt:#?}");
        assert!(cause.text.contains("unknown_broker_error") && cause.text.contains("it did not start"), "{attempt:#?}");
    }

    #[test]
    fn words_of_the_broker_elsewhere_are_nothing_of_it() {
        for text in ["Context: a request\n", "Tag: 0x12 (error code 5)\n", "the message broker failed, error: 12345\n"]
        {
            let facts = read(text);
            assert!(facts.attempts.iter().flat_map(|a| &a.events).all(|e| !matches!(e.kind, LogEventKind::Wam { .. })));
        }
    }
}
