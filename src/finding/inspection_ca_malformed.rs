//! The inspecting authority lacks what strict clients demand.

use super::{Context, Finding, Rule, Severity};
use crate::lang::Text;
use crate::message;
use crate::verdict::{Proof, Verdict};

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "inspection_ca_malformed",
    severity: Severity::Warning,
    title: Text {
        en: "The inspecting certificate authority lacks required extensions",
        ja: "インスペクション用認証局に必要な拡張がない",
    },
    meaning: Text {
        en: "Python 3.13 and later verify strictly (RFC 5280): a CA certificate whose Basic Constraints are not critical, or that lacks the key identifiers, is refused even when it is trusted.",
        ja: "Python 3.13 以降は RFC 5280 に厳密に従って検証する。Basic Constraints が critical でない、または鍵識別子のない CA 証明書は、信頼済みでも拒否される。",
    },
    blind: Text {
        en: "The root is often not sent; then only the intermediate can be checked.",
        ja: "ルートは送られないことが多く、その場合は中間証明書しか確認できない。",
    },
    advice: Text {
        en: "Reissue the inspecting CA with critical Basic Constraints and both key identifiers.",
        ja: "Basic Constraints を critical とし、両方の鍵識別子を含めてインスペクション用 CA を再発行する。",
    },
    check,
};

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for (host, v) in context.hosts().filter(|(_, v)| v.verdict == Verdict::Intercepted) {
        let fault = host.attempts.iter().find_map(|a| {
            let flow = context.case.flow(a)?;
            let session = flow.app.tls.get(a.session?)?;
            let ca =
                session.certificates.iter().skip(1).filter(|c| c.parse_error.is_none() && c.is_ca).find_map(|c| {
                    if c.basic_constraints_critical == Some(false) {
                        Some((c, "Basic Constraints not critical"))
                    } else if !c.has_ski {
                        Some((c, "Subject Key Identifier missing"))
                    } else if !c.has_aki && !c.self_issued {
                        Some((c, "Authority Key Identifier missing"))
                    } else {
                        None
                    }
                })?;
            Some((a.piece, flow.stream, ca))
        });
        let Some((piece, stream, (ca, what))) = fault else { continue };
        let subject = &ca.subject;
        let proof = Proof::new(ca.at, message!(en: "{subject}: {what}", ja: "{subject}: {what}"));
        found.push(Finding {
            host: Some(host.name.clone()),
            verdict: None,
            title: message!(en: "The inspecting authority is refused by strict clients: {what}", ja: "厳密なクライアントはインスペクション用認証局を拒否する: {what}"),
            detail: message!(en: "{subject}: {what}. Python 3.13 (az) refuses it even where it is trusted.", ja: "{subject}: {what}。信頼済みでも Python 3.13 (az) は拒否する。"),
            evidence: vec![context.evidence(piece, Some(stream), &proof)],
            confidence: v.confidence,
            ..RULE.finding()
        });
    }
    found
}
