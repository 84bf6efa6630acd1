//! The exported sign-in log beside the attempt: a success, a failure, or no entry at all.

use super::entra_refused;
use super::logs::{runs, tenant_option};
use super::{Context, Evidence, Finding, Rule, Severity};
use crate::case::{Case, Role};
use crate::facts::log::{LogEventKind, Outcome, SigninEntry};
use crate::lang::{Message, Text};
use crate::message;
use crate::time::{NANOS_PER_SECOND, Timestamp};

/// The sign-in log has a success.
pub(super) static SUCCESS: Rule = Rule {
    code: "signin_recorded_success",
    severity: Severity::Warning,
    title: Text {
        en: "The sign-in log shows a success: the failure came after it",
        ja: "サインイン ログは成功: 失敗は認証の後に起きている",
    },
    meaning: Text {
        en: "Entra ID recorded the sign-in as successful. What fails on the client comes after the authentication: a call to Resource Manager or Graph, or the module itself.",
        ja: "Entra ID では認証が成功している。クライアントのエラーは認証後の処理 (Resource Manager や Graph の呼び出し、モジュール自体の処理) で発生している。",
    },
    blind: Text {
        en: "An entry is matched by correlation id, request id, or time; by time alone it may belong to another sign-in of the same minutes.",
        ja: "関連付け ID、要求 ID、または時刻で照合している。時刻だけの場合、同じ時間帯の別のサインインである可能性がある。",
    },
    advice: Text {
        en: "Look at what the command does after the token: Resource Manager, Graph, the module's own error.",
        ja: "トークン取得後の処理 (Resource Manager、Graph、モジュール自体のエラー) を確認する。",
    },
    check: successes,
};

/// The sign-in log has a failure.
pub(super) static FAILURE: Rule = Rule {
    code: "signin_recorded_failure",
    severity: Severity::Critical,
    title: Text {
        en: "The sign-in log shows a failure", ja: "サインイン ログに失敗が記録されている"
    },
    meaning: Text {
        en: "The request reached Entra ID, which refused it; the code in the entry says why. The network did its part.",
        ja: "要求は Entra ID に届き、拒否されている。理由は記録のエラー コードが示す。ネットワークは役割を果たしている。",
    },
    blind: Text {
        en: "An entry is matched by correlation id, request id, or time; by time alone it may belong to another sign-in of the same minutes. Interrupts such as 50058 or 50140 are steps of a normal sign-in.",
        ja: "関連付け ID、要求 ID、または時刻で照合している。時刻だけの場合、同じ時間帯の別のサインインである可能性がある。50058 や 50140 などは正常なサインインの途中経過である。",
    },
    advice: Text {
        en: "Act on the code of the entry.", ja: "記録されたエラー コードに応じて対処する。"
    },
    check: failures,
};

/// The sign-in log has no entry.
pub(super) static NONE: Rule = Rule {
    code: "signin_not_recorded",
    severity: Severity::Warning,
    title: Text {
        en: "The sign-in log has no entry for the attempt", ja: "サインイン ログにこの試行の記録がない"
    },
    meaning: Text {
        en: "No entry means that the authentication of this attempt never began in this tenant: the request did not reach Entra ID (network, proxy), it went to another tenant (whose log has the entry), or the command stopped before it asked.",
        ja: "記録がないのは、このテナントで認証処理が始まっていないことを示す。要因は、要求が Entra ID に届いていない (ネットワーク、プロキシ)、別のテナントに対して認証している (記録はそのテナントにある)、コマンドが認証開始前に失敗した、のいずれかである。",
    },
    blind: Text {
        en: "The export must cover the time and hold interactive, non-interactive and service principal sign-ins; entries appear after some minutes.",
        ja: "エクスポートが該当時刻を含み、対話型・非対話型・サービス プリンシパルのサインインを含んでいる必要がある。記録の反映には数分かかる。",
    },
    advice: Text {
        en: "Check the network to Entra ID first, then the tenant (--tenant, -Tenant, -TenantId).",
        ja: "まず Entra ID までの通信を、次にテナントの指定 (--tenant、-Tenant、-TenantId) を確認する。",
    },
    check: none,
};

/// An entry and an attempt this close are taken for the same sign-in; a browser sign-in takes a person some minutes.
const NEAR_NS: i64 = 5 * 60 * NANOS_PER_SECOND;

/// What the exports say of the case's attempts.
enum Record<'a> {
    /// No export, or nothing to compare it with.
    Unknown,
    /// Entries that belong to the attempt: piece and entry, by id or by time.
    Entries(Vec<(usize, &'a SigninEntry, bool)>),
    /// The exports hold no such entry.
    Missing,
}

/// When the client tried to sign in, and the ids that it used.
fn attempted(context: &Context<'_>) -> (Vec<(Timestamp, Timestamp)>, Vec<String>) {
    let mut ids = Vec::new();
    let mut spans = Vec::new();
    for run in runs(context).into_iter().filter(|r| r.standing) {
        ids.extend(run.attempt.correlation_ids.iter().cloned());
        let mut times: Vec<Timestamp> = Vec::new();
        for event in &run.attempt.events {
            if let LogEventKind::Aadsts { trace_id, correlation_id, timestamp, .. } = &event.kind {
                ids.extend(trace_id.iter().chain(correlation_id).cloned());
                times.extend(*timestamp);
            }
            if let LogEventKind::ServerDate { date } = &event.kind {
                times.push(*date);
            }
            times.extend(run.placed(context, event).filter(|p| p.exact).map(|p| p.time));
        }
        if let (Some(first), Some(last)) = (times.iter().min(), times.iter().max()) {
            spans.push((*first, *last));
        }
    }
    if spans.is_empty() {
        let captures = context.case.captures();
        spans.extend(captures.filter_map(|(_, c)| Some((c.info.earliest?, c.info.latest?))));
    }
    (spans, ids)
}

fn record<'a>(context: &Context<'a>) -> Record<'a> {
    let entries: Vec<(usize, &SigninEntry)> =
        context.case.signins().flat_map(|(piece, log)| log.entries.iter().map(move |e| (piece, e))).collect();
    if context.case.signins().next().is_none() {
        return Record::Unknown;
    }
    let (spans, ids) = attempted(context);
    let has_id = |e: &SigninEntry| {
        [&e.correlation_id, &e.request_id]
            .into_iter()
            .flatten()
            .any(|have| ids.iter().any(|id| id.eq_ignore_ascii_case(have)))
    };
    let by_id: Vec<_> = entries.iter().filter(|(_, e)| has_id(e)).map(|(p, e)| (*p, *e, true)).collect();
    if !by_id.is_empty() {
        return Record::Entries(by_id);
    }
    let near = |e: &SigninEntry| {
        e.time.is_some_and(|t| spans.iter().any(|(a, b)| a.since(t) <= NEAR_NS && t.since(*b) <= NEAR_NS))
    };
    let accounts: Vec<&str> =
        context.case.logs().flat_map(|(_, l)| &l.attempts).filter_map(|a| a.account.as_deref()).collect();
    let same_user = |e: &SigninEntry| {
        let user = e.user.as_deref();
        accounts.is_empty()
            || user.is_none_or(|u| accounts.iter().any(|a| a.eq_ignore_ascii_case(u)))
            || user.is_some_and(|u| !u.contains('@'))
    };
    let by_time: Vec<_> =
        entries.iter().filter(|(_, e)| near(e) && same_user(e)).map(|(p, e)| (*p, *e, false)).collect();
    match (by_time.is_empty(), spans.is_empty()) {
        (false, _) => Record::Entries(by_time),
        (true, false) => Record::Missing,
        // Nothing to compare with: the entries speak for themselves.
        (true, true) if !entries.is_empty() => Record::Entries(entries.iter().map(|(p, e)| (*p, *e, false)).collect()),
        (true, true) => Record::Unknown,
    }
}

fn evidence(case: &Case, piece: usize, e: &SigninEntry) -> Evidence {
    let status = e.status.map_or_else(|| "-".to_owned(), |s| s.to_string());
    let app = e.app.as_deref().unwrap_or("-");
    let policy = e.conditional_access.as_deref().unwrap_or("-");
    Evidence {
        capture: case.pieces.get(piece).map(|p| p.path.clone()).unwrap_or_default(),
        time: e.time,
        text: message!(
            en: "sign-in entry: error code {status}, application {app}, Conditional Access {policy}",
            ja: "サインインの記録: エラー コード {status}、アプリケーション {app}、条件付きアクセス {policy}",
        ),
        ..Evidence::default()
    }
}

fn matched_by(by_id: bool) -> Message {
    if by_id {
        message!(en: "Matched by its id.", ja: "ID で照合した。")
    } else {
        message!(en: "Matched by time only.", ja: "時刻のみで照合した。")
    }
}

/// Whether any run of a command still stands as failed (or no log tells).
fn something_failed(context: &Context<'_>) -> bool {
    let runs = runs(context);
    runs.is_empty() || runs.iter().any(|r| r.standing && r.attempt.outcome != Outcome::Unknown)
}

fn successes(context: &Context<'_>) -> Vec<Finding> {
    let Record::Entries(entries) = record(context) else { return Vec::new() };
    let failed = entries.iter().any(|(_, e, _)| e.succeeded() == Some(false) && !is_step(e));
    let Some((piece, entry, by_id)) = entries.iter().rev().find(|(_, e, _)| e.succeeded() == Some(true)) else {
        return Vec::new();
    };
    if failed || !something_failed(context) {
        return Vec::new();
    }
    let mut detail = message!(
        en: "Entra ID recorded this sign-in as a success, so the authentication itself is done; what fails on the client comes after it.",
        ja: "Entra ID はこのサインインを成功として記録しており、認証自体は完了している。クライアントのエラーはその後の処理で発生している。",
    );
    detail.push_sentence(matched_by(*by_id));
    vec![Finding { detail, evidence: vec![evidence(context.case, *piece, entry)], ..SUCCESS.finding() }]
}

/// A code that is a step of a normal sign-in.
fn is_step(e: &SigninEntry) -> bool {
    use crate::knowledge::error_groups::{ErrorGroup, error_group};
    e.status.is_some_and(|code| error_group(code) == ErrorGroup::Normal)
}

fn failures(context: &Context<'_>) -> Vec<Finding> {
    let Record::Entries(entries) = record(context) else { return Vec::new() };
    let mut out: Vec<Finding> = Vec::new();
    for (piece, entry, by_id) in entries.iter().rev() {
        let Some(code) = entry.status.filter(|c| *c != 0) else { continue };
        // A success after the failure ends the matter; steps of a normal sign-in are none.
        let mended = entries.iter().any(|(_, e, _)| e.succeeded() == Some(true) && e.time > entry.time);
        if is_step(entry) || out.len() >= 4 {
            continue;
        }
        let title = Message {
            en: format!("Sign-in log: {}", entra_refused::title(code).en),
            ja: format!("サインイン ログ: {}", entra_refused::title(code).ja),
        };
        if out.iter().any(|f| f.title == title) {
            continue;
        }
        let mut detail = entra_refused::detail("The sign-in", code);
        detail.ja = entra_refused::detail("サインイン", code).ja;
        if let Some(reason) = &entry.failure_reason {
            detail.push_sentence(message!(en: "Reason in the entry: {reason}", ja: " 記録された理由: {reason} "));
        }
        detail.push_sentence(matched_by(*by_id));
        out.push(Finding {
            severity: if mended { Severity::Info } else { Severity::Critical },
            title,
            detail,
            advice: entra_refused::advice(code),
            evidence: vec![evidence(context.case, *piece, entry)],
            ..FAILURE.finding()
        });
    }
    out
}

fn none(context: &Context<'_>) -> Vec<Finding> {
    if !matches!(record(context), Record::Missing) || !something_failed(context) {
        return Vec::new();
    }
    let runs = runs(context);
    let answered = runs.iter().rev().filter(|r| r.standing).find_map(|r| Some((*r, r.aadsts()?)));
    let blocked = context.hosts().find(|(h, v)| {
        let authority = h.endpoint.is_some_and(|e| e.role.is_authority());
        (authority || h.role == Role::Proxy) && v.verdict.is_fault()
    });
    let exported: Vec<&str> =
        context.case.signins().flat_map(|(_, l)| &l.entries).filter_map(|e| e.tenant.as_deref()).collect();
    let used = runs.iter().rev().find_map(|r| {
        let tenant = r.attempt.tenant_used.as_deref()?;
        (!matches!(tenant, "organizations" | "common" | "consumers")).then_some(tenant)
    });
    let elsewhere =
        used.filter(|u| !exported.is_empty() && u.len() == 36 && !exported.iter().any(|t| t.eq_ignore_ascii_case(u)));
    let command = runs.last().and_then(|r| r.command());
    let option = tenant_option(command, "YOUR_TENANT_ID");
    let mut evidence: Vec<Evidence> = Vec::new();
    let (detail, advice) = if let Some((run, (event, code))) = answered {
        evidence.extend(run.evidence(context, event));
        (
            run.tell(message!(en: "Entra ID did answer (%c got AADSTS{code}), yet this log has no entry: the sign-in was recorded in another tenant.", ja: "Entra ID は応答している (%c は AADSTS{code} を受信) が、このログに記録がない。サインインは別のテナントに記録されている。")),
            message!(
                en: "Look at the sign-in log of the tenant that was used, and name the tenant that is meant: {option}",
                ja: "実際の認証先テナントのサインイン ログを確認し、アクセス先のテナントを明示する: {option}",
            ),
        )
    } else if let Some((host, verdict)) = blocked {
        evidence.extend(context.proof(verdict));
        let title = verdict.verdict.title();
        (
            Message {
                en: format!(
                    "The request never reached Entra ID: {} ({}). That is why nothing is recorded.",
                    host.name, title.en
                ),
                ja: format!("要求が Entra ID に届いていない: {} ({})。そのため記録がない。", host.name, title.ja),
            },
            message!(
                en: "Mend the way to {} first; the sign-in log will have an entry once the request arrives.",
                ja: "まず {} への通信を回復させる。要求が届けばサインイン ログに記録される。",
                host.name
            ),
        )
    } else if let Some(used) = elsewhere {
        (
            message!(
                en: "The command signed in to the tenant {used}, and the export is of another tenant: the entry is in the log of {used}.",
                ja: "コマンドの認証先はテナント {used} だが、エクスポートは別のテナントのものである。記録は {used} のログにある。",
            ),
            message!(
                en: "Export the sign-in log of {used}, or name the tenant that is meant: {option}",
                ja: "{used} のサインイン ログを取得するか、アクセス先のテナントを明示する: {option}",
            ),
        )
    } else {
        (
            message!(
                en: "The export holds no entry within five minutes of the attempt. The evidence does not show a blocked way to Entra ID, so the sign-in went to another tenant, or the command stopped before it asked.",
                ja: "エクスポートには試行の前後 5 分の記録がない。Entra ID への通信が妨げられた形跡はないため、別のテナントに対する認証か、コマンドが認証開始前に失敗したと考えられる。",
            ),
            message!(
                en: "Name the tenant that is meant: {option}. Make sure that the export covers the time and all kinds of sign-ins (interactive, non-interactive, service principals).",
                ja: "アクセス先のテナントを明示する: {option}。エクスポートが該当時刻とすべての種類のサインイン (対話型、非対話型、サービス プリンシパル) を含むことも確認する。",
            ),
        )
    };
    vec![Finding { detail, advice, evidence, ..NONE.finding() }]
}
