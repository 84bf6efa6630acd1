//! Debug logs → what the report tells of them: the runs of the commands with their lines and connections interleaved,
//! the lines for the timeline, the distance of their clocks, and the evidence that is missing.
//!
//! What enters: the case, its verdicts, the answer. What leaves: owned values in a fixed order.

use super::{AttemptReport, Diagnosis, Lane, Outcome as Answer, TimelineEntry};
use crate::capture::Format;
use crate::case::log_join::Placed;
use crate::case::{AttemptJoin, Case, HostStory};
use crate::facts::log::{self, Dialect, LogEvent, LogEventKind, LogTime, Outcome};
use crate::finding::{Context, Evidence};
use crate::knowledge::endpoints::{Command, command_of};
use crate::lang::Message;
use crate::limits;
use crate::message;
use crate::time::Timestamp;
use crate::verdict::{Confidence, HostVerdict, Verdict, log::LogProof};

/// The runs of the commands, as the logs tell them.
pub fn collect(context: &Context<'_>) -> Vec<AttemptReport> {
    let mut out = Vec::new();
    for join in &context.case.joins {
        let Some(attempt) = attempt(context.case, join) else { continue };
        // An error that stands alone in a file is no run of a command worth a line of its own.
        if attempt.command.is_empty() && attempt.events.len() < 2 {
            continue;
        }
        out.push(AttemptReport {
            command: command(attempt),
            versions: versions(attempt),
            start: start(context.case, join, attempt),
            outcome: outcome(attempt),
            events: events(context, join, attempt),
        });
    }
    out
}

fn attempt<'a>(case: &'a Case, join: &AttemptJoin) -> Option<&'a log::Attempt> {
    case.logs().find(|(piece, _)| *piece == join.piece)?.1.attempts.get(join.attempt)
}

fn command(a: &log::Attempt) -> String {
    let name = match (a.command.as_str(), a.tool().and_then(command_of)) {
        ("", Some(command)) => command.name(),
        ("", None) if a.by_library => "MSAL / Azure SDK",
        ("", None) => a.dialect.code(),
        (name, _) => name,
    };
    let mut parts = vec![name.to_owned()];
    parts.extend(a.arguments.iter().cloned());
    parts.join(" ")
}

fn versions(a: &log::Attempt) -> Vec<String> {
    let v = &a.versions;
    let named = |name: &str, text: &Option<String>| {
        text.as_ref().map(|t| {
            let has_name = t.chars().next().is_some_and(char::is_alphabetic);
            if has_name { t.clone() } else { format!("{name} {t}") }
        })
    };
    [
        named("azure-cli", &v.cli),
        named("module", &v.module),
        named("MSAL", &v.msal),
        named("runtime", &v.runtime),
        named("PowerShell", &v.powershell),
        named("OS", &v.os),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// When the run began, by the capture's clock where that is known.
fn start(case: &Case, join: &AttemptJoin, a: &log::Attempt) -> Option<Timestamp> {
    let offset = case.clocks.iter().find(|c| c.piece == join.piece).and_then(|c| c.offset);
    match (a.start, offset) {
        (Some(LogTime::Utc(t)), _) => Some(t),
        (Some(LogTime::Local(t)), Some(offset)) => Some(t.plus(offset.nanos)),
        _ => join.placed.iter().flatten().next().map(|p| p.time),
    }
}

fn outcome(a: &log::Attempt) -> Message {
    let line = |index: usize| a.events.get(index);
    match a.outcome {
        Outcome::Succeeded => message!(en: "succeeded", ja: "成功"),
        Outcome::Failed { event } => match line(event) {
            Some(e) => message!(en: "failed, line {}: {}", ja: "失敗 ({} 行目): {}", e.line, e.text),
            None => message!(en: "failed", ja: "失敗"),
        },
        Outcome::Waiting { event } => match line(event) {
            Some(e) => {
                message!(en: "the log ends while it waits, line {}: {}", ja: "待機中にログが終了 ({} 行目): {}", e.line, e.text)
            }
            None => message!(en: "the log ends while it waits", ja: "待機中にログが終了"),
        },
        Outcome::Unknown => message!(en: "the log does not tell the end", ja: "ログからは結果が分からない"),
    }
}

/// Whether a line says something that a reader of the report wants to see.
fn is_telling(e: &LogEvent) -> bool {
    match &e.kind {
        LogEventKind::ServerDate { .. }
        | LogEventKind::EntraNamed
        | LogEventKind::TenantSeen { .. }
        | LogEventKind::Proxy { .. } => false,
        // Said again by the answer.
        LogEventKind::HttpRequest { .. } => false,
        _ => true,
    }
}

/// Log lines and the connections that belong to them, in the order of time.
fn events(context: &Context<'_>, join: &AttemptJoin, a: &log::Attempt) -> Vec<Evidence> {
    let mut rows: Vec<(Option<Timestamp>, Evidence)> = Vec::new();
    let mut told: Vec<(usize, usize)> = Vec::new();
    for (e, placed) in a.events.iter().zip(&join.placed) {
        if rows.len() >= limits::ATTEMPT_EVENTS_SHOWN_MAX {
            break;
        }
        if let Some(flow) = placed.and_then(|p| p.flow).filter(|f| !told.contains(f)) {
            told.push(flow);
            rows.extend(connection(context, e.host.as_deref(), flow));
        }
        if is_telling(e) {
            let mut line = context.line(&LogProof::new(join.piece, e));
            let time = placed.map(|p| p.time);
            line.time = placed.filter(|p| p.exact).map(|p| p.time);
            rows.push((time, line));
        }
    }
    // Stable: lines without a place stay behind the ones before them.
    let mut last = None;
    for (time, _) in &mut rows {
        *time = time.or(last);
        last = *time;
    }
    rows.sort_by_key(|(time, _)| *time);
    rows.into_iter().map(|(_, e)| e).collect()
}

/// The connection of a line: its beginning, and what became of it.
fn connection(
    context: &Context<'_>,
    host: Option<&str>,
    (piece, flow): (usize, usize),
) -> Vec<(Option<Timestamp>, Evidence)> {
    let case = context.case;
    let Some(fact) = case.capture(piece).and_then(|c| c.flows.get(flow)) else { return Vec::new() };
    let capture = case.pieces.get(piece).map(|p| p.path.clone()).unwrap_or_default();
    let row = |at: crate::packet::At, text: Message| {
        let evidence = Evidence {
            capture: capture.clone(),
            frame: Some(at.frame),
            stream: Some(fact.stream),
            time: Some(at.time),
            text,
        };
        (Some(at.time), evidence)
    };
    let server = fact.ends.server;
    let name = host.unwrap_or("?");
    let mut out = vec![row(
        fact.first,
        message!(en: "connection for {name} to {server}", ja: "{name} のための {server} への接続"),
    )];
    let judged = host.and_then(|host| context.host(host)).and_then(|(h, v)| {
        let i = h.attempts.iter().position(|a| a.piece == piece && a.flow == flow)?;
        v.judged.get(i).and_then(|j| j.verdict)
    });
    if let Some(verdict) = judged {
        let title = verdict.title();
        out.push(row(
            fact.last,
            Message {
                en: format!("{name}: {} (last frame of the connection)", title.en),
                ja: format!("{name}: {} (接続の最後のフレーム)", title.ja),
            },
        ));
    }
    out
}

/// The lines of the logs as entries of the timeline.
pub fn log_lane(case: &Case) -> Vec<TimelineEntry> {
    let mut out = Vec::new();
    for join in &case.joins {
        let Some(attempt) = attempt(case, join) else { continue };
        let path = case.pieces.get(join.piece).map(|p| p.path.clone()).unwrap_or_default();
        for (e, placed) in attempt.events.iter().zip(&join.placed) {
            let Some(Placed { time, .. }) = *placed else { continue };
            if !is_telling(e) {
                continue;
            }
            out.push(TimelineEntry {
                time,
                end: None,
                lane: Lane::Log,
                host: e.host.clone(),
                good: good(&e.kind),
                text: Message::same(e.text.clone()),
                evidence: Evidence {
                    capture: path.clone(),
                    frame: Some(e.line),
                    time: Some(time),
                    ..Evidence::default()
                },
            });
        }
    }
    out
}

/// Whether a line tells of something that went well.
fn good(kind: &LogEventKind) -> Option<bool> {
    match kind {
        LogEventKind::HttpResponse { status, .. } => Some((1..400).contains(status)),
        LogEventKind::Finished { exit_code: Some(code) } => Some(*code == 0),
        LogEventKind::TokenReceived
        | LogEventKind::Connected { .. }
        | LogEventKind::TlsEstablished { .. }
        | LogEventKind::AuthorityKnown => Some(true),
        kind if kind.error().is_some() => Some(false),
        _ => None,
    }
}

/// Milliseconds to add to the clock of a log to get the capture's.
pub fn clock_offset_ms(case: &Case, piece: usize) -> Option<i64> {
    let offset = case.clocks.iter().find(|c| c.piece == piece)?.offset?;
    Some(offset.nanos.div_euclid(1_000_000))
}

const TRACE: crate::lang::Text = crate::lang::Text {
    en: "A network trace of the failing command. As administrator: netsh trace start capture=yes maxSize=2000M; ipconfig /flushdns; nbtstat -R; klist purge; klist purge -li 0x3e7; then the command in another window; netsh trace stop. Send NetTrace.etl and NetTrace.cab. (Linux, macOS: sudo tcpdump -i any -s 0 -w trace.pcap)",
    ja: "失敗するコマンド実行中のネットワーク トレース。管理者で netsh trace start capture=yes maxSize=2000M、ipconfig /flushdns、nbtstat -R、klist purge、klist purge -li 0x3e7 を実行し、別のウィンドウでコマンドを実行した後、netsh trace stop。NetTrace.etl と NetTrace.cab を送付する (Linux、macOS では sudo tcpdump -i any -s 0 -w trace.pcap)。",
};

/// Evidence that would settle what is open, with the commands that collect it.
pub fn missing(context: &Context<'_>, diagnosis: &Diagnosis) -> Vec<Message> {
    let case = context.case;
    let has_capture = case.captures().next().is_some();
    let has_log = case.logs().next().is_some();
    let last_run = case.logs().last().and_then(|(_, l)| l.leading_attempt());
    let succeeded = last_run.is_some_and(|a| a.outcome == Outcome::Succeeded);
    let open = diagnosis.outcome == Answer::InsufficientEvidence;
    let root = diagnosis.root_cause.as_ref().and_then(|r| context.host(&r.host).map(|(_, v)| v));
    let unsure = root.is_some_and(|v| v.confidence == Confidence::Inferred || v.by_log);
    let mut out: Vec<Message> = Vec::new();
    if !has_capture && (open || root.is_some()) {
        out.push(TRACE.into());
    }
    if !has_log && (diagnosis.outcome != Answer::NetworkFault || unsure) {
        out.push(debug_output(last_run.map(|a| a.dialect)));
    }
    let refused = has_log && case.logs().any(|(_, l)| l.attempts.iter().any(answered_by_entra));
    if case.signins().next().is_none() && root.is_none() && !succeeded && !refused && (has_log || has_capture) {
        out.push(message!(
            en: "The sign-in log of Microsoft Entra ID for this time: Entra admin center, Monitoring, Sign-in logs, download as JSON (interactive, non-interactive and service principal sign-ins). A success, a failure, or no entry tells three different stories.",
            ja: "この時刻の Microsoft Entra ID サインイン ログ: Entra 管理センター > 監視 > サインイン ログから JSON でダウンロード (対話型、非対話型、サービス プリンシパル)。成功・失敗・記録なしで原因が分かれる。",
        ));
    }
    out.extend(issuer_unseen(context));
    let windows =
        case.captures().any(|(_, c)| matches!(c.info.format, Some(Format::EtlNdis | Format::EtlPktmon | Format::Etl)));
    if windows && case.systems().next().is_none() && diagnosis.outcome != Answer::NoNetworkFault {
        out.push(message!(
            en: "NetTrace.cab, which netsh trace stop writes beside NetTrace.etl: proxy settings, processes, routes and name servers of the machine.",
            ja: "netsh trace stop が NetTrace.etl と同じ場所に出力する NetTrace.cab: 端末のプロキシ設定、プロセス、経路、DNS サーバーが分かる。",
        ));
    }
    if case.clocks.iter().any(|c| c.apart.is_some()) {
        out.push(message!(
            en: "Log and capture of one and the same attempt: the ones here are of different times.",
            ja: "同一の試行のログとキャプチャ: 今回の 2 つは時刻が異なる。",
        ));
    }
    out
}

fn answered_by_entra(a: &log::Attempt) -> bool {
    a.events.iter().any(|e| matches!(e.kind, LogEventKind::Aadsts { .. }))
}

/// How to see who signs the certificates that a device puts in the place of the hosts' own, where nothing shows it.
fn issuer_unseen(context: &Context<'_>) -> Option<Message> {
    if context.case.pieces.iter().any(|p| matches!(p.facts, crate::case::PieceFacts::KeyLog)) {
        return None;
    }
    let is_hidden = |(h, v): &(&HostStory, &HostVerdict)| {
        v.verdict == Verdict::Intercepted && v.detail.trust.is_none() && h.required != Some(false)
    };
    let hidden = context.hosts().filter(is_hidden);
    // What only a log tells of, no keys would open.
    let seen = hidden.map(|(_, v)| v.attempt.is_some()).reduce(|a, b| a || b)?;
    Some(if seen {
        message!(
            en: "Who signs the certificate is hidden by TLS 1.3. Either collect the keys with the capture (before az or a browser, in PowerShell: $env:SSLKEYLOGFILE='C:\\temp\\keys.txt'), or show the issuer on the machine: openssl s_client -connect HOST:443 -servername HOST -showcerts",
            ja: "TLS 1.3 のため証明書の発行者が見えない。キャプチャと同時に鍵を採取する (az やブラウザーの前に PowerShell で $env:SSLKEYLOGFILE='C:\\temp\\keys.txt') か、端末で発行者を表示する: openssl s_client -connect ホスト:443 -servername ホスト -showcerts",
        )
    } else {
        message!(
            en: "Who signs the certificate that the machine is shown: openssl s_client -connect HOST:443 -servername HOST -showcerts",
            ja: "端末に提示される証明書の発行者: openssl s_client -connect ホスト:443 -servername ホスト -showcerts",
        )
    })
}

fn debug_output(dialect: Option<Dialect>) -> Message {
    let command = match dialect.and_then(command_of) {
        Some(Command::AzLogin) => "az login --debug *> az-debug.txt",
        Some(Command::ConnectAzAccount) => "Connect-AzAccount -Debug *> az-debug.txt",
        Some(Command::ConnectMgGraph) => "Connect-MgGraph -Debug *> graph-debug.txt",
        None => {
            "az login --debug *> az-debug.txt / Connect-AzAccount -Debug *> az-debug.txt / Connect-MgGraph -Debug *> graph-debug.txt"
        }
    };
    message!(
        en: "The command's debug output: {command}. For az also the file of this run in %USERPROFILE%\\.azure\\commands, which has times.",
        ja: "コマンドのデバッグ出力: {command}。az の場合は、時刻の入った %USERPROFILE%\\.azure\\commands の該当ファイルも。",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_tell_whether_they_went_well() {
        let response = |status| LogEventKind::HttpResponse {
            method: String::new(),
            path: String::new(),
            status,
            duration_ms: None,
            bytes: None,
            request_id: None,
        };
        assert_eq!(good(&response(200)), Some(true));
        assert_eq!(good(&response(503)), Some(false));
        assert_eq!(good(&LogEventKind::Finished { exit_code: Some(1) }), Some(false));
        assert_eq!(good(&LogEventKind::Warning), None);
    }

    #[test]
    fn the_debug_output_is_asked_of_the_command_that_failed() {
        assert!(debug_output(Some(Dialect::GraphPowerShell)).ja.contains("Connect-MgGraph -Debug"));
        assert!(debug_output(None).en.contains("az login --debug"));
    }
}
