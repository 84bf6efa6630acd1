//! Failures of which the evidence does not tell whether they stopped the sign-in.
//!
//! What enters: the hosts with their verdicts, where none of them is the cause. What leaves: the one that may have been,
//! and the answer "cannot tell" in words that say what hangs on it.

use super::course::{Course, Failure, Weight};
use super::{good_attempts, is_authority, may_be_authority_reached, stopped, take_again, takes_part};
use crate::case::{Case, HostStory, Role};
use crate::finding::Finding;
use crate::knowledge;
use crate::message;
use crate::report::{Diagnosis, Outcome};
use crate::time::Timestamp;
use crate::verdict::host::deciding;
use crate::verdict::{HostVerdict, Judged, Verdict, agents};
use std::collections::HashMap;
use std::net::SocketAddr;

/// The first host, in the order of suspicion, that failed and may have stopped the sign-in.
pub(super) fn doubted<'h, 'a>(
    case: &Case,
    hosts: &'h [(&'a HostStory, &'a HostVerdict)],
    course: &Course<'_>,
) -> Option<&'h (&'a HostStory, &'a HostVerdict)> {
    let failing = || hosts.iter().filter(|(h, v)| stopped(case, h, v));
    let mut proxies = failing().filter(|(h, _)| h.role == Role::Proxy).peekable();
    let proxy = proxies
        .peek()
        .is_some()
        .then(|| Ways::of(case, hosts))
        .and_then(|ways| proxies.find(|(h, v)| ways.weight_of(h, v) == Weight::Doubt));
    let authority_open = hosts.iter().any(may_be_authority_reached);
    let is_open = |(h, v): &&(&HostStory, &HostVerdict)| {
        let may_count = h.required.is_none() && takes_part(h) || h.required == Some(true);
        let is_one_of_many = authority_open && knowledge::is_entra_address(&h.name);
        // A cause that others' sign-ins kept from being named is no less than a doubt.
        let is_kept = h.required.is_none() && !h.in_log && !knowledge::is_connectivity_probe(&h.name);
        let is_doubt = |weight: Weight| weight == Weight::Doubt || weight == Weight::Cause && is_kept;
        h.role == Role::Service && may_count && !is_one_of_many && is_doubt(course.weight(h, v))
    };
    proxy.or_else(|| failing().filter(is_open).min_by_key(|(h, _)| (h.required != Some(true), h.order_in_time())))
}

/// The answer where that host may have been the cause.
pub(super) fn doubtful(case: &Case, host: &HostStory, verdict: &HostVerdict, findings: &[Finding]) -> Diagnosis {
    let (name, title) = (&host.name, verdict.verdict.title());
    let (en, ja) = (title.en, title.ja);
    let text = if host.role == Role::Proxy {
        message!(
            en: "After the last traffic of the sign-in hosts a client tried only the proxy {name}, which failed ({en}). Whether that was the command, the evidence does not tell.",
            ja: "サインインのホストへの最後の通信より後、クライアントはプロキシ {name} だけを試し、失敗している ({ja})。それがコマンドの通信かどうかは判定できない。"
        )
    } else if agents::is_of_another_program(case, host, verdict) {
        message!(
            en: "The proxy let one program through to {name}, and never another one of the same client ({en}). Whether that is the command that failed, or a service of the machine, the evidence does not tell.",
            ja: "プロキシは {name} への要求で、あるプログラムを通過させ、同じクライアントの別のプログラムは一度も通過させていない ({ja})。それが失敗したコマンドか、端末のサービスかは判定できない。"
        )
    } else if is_beside_current_tls(host, verdict) {
        message!(
            en: "A connection to {name} used TLS 1.0/1.1, which is refused there; others of the same client used a current version, and a sign-in went on. Whether the program that failed is the one with the old version, the evidence does not tell.",
            ja: "{name} への接続の一つが TLS 1.0/1.1 を使用している (拒否される)。同じクライアントの他の接続は現行バージョンを使用し、サインインは先へ進んでいる。失敗したプログラムが古いバージョンのものかどうかは判定できない。"
        )
    } else if host.endpoint.is_none() {
        message!(
            en: "{name} failed ({en}). If it is the federation server (identity provider) of the organisation, that stopped the sign-in; its name alone does not tell.",
            ja: "{name} への通信は失敗している ({ja})。組織のフェデレーション サーバー (ID プロバイダー) であれば、サインインはここで止まっている。名前だけでは判定できない。"
        )
    } else {
        message!(
            en: "{name} failed ({en}), while other hosts of the sign-in were reached. Whether the sign-in that failed needed it, the evidence does not tell.",
            ja: "サインインの他のホストには到達しているが、{name} への通信は失敗している ({ja})。失敗したサインインに必要だったかどうかは判定できない。"
        )
    };
    let about = |f: &&Finding| f.host.as_deref() == Some(name.as_str()) && f.verdict == Some(verdict.verdict);
    let next_step = findings.iter().find(about).map_or_else(take_again, |f| {
        let (en, ja) = (&f.advice.en, &f.advice.ja);
        if is_beside_current_tls(host, verdict) {
            return message!(
                en: "Find out which program made the connection with the old version (time, source port). If it is the command that failed: {en}",
                ja: "古いバージョンの接続を行ったプログラムを確認する (時刻、送信元ポート)。失敗したコマンドのものである場合: {ja}",
            );
        }
        message!(
            en: "Find out whether the command, or its browser, waits for {name} (debug option; address bar). If it does: {en}",
            ja: "コマンドまたはそのブラウザーが {name} を待っているかどうかを確認する (デバッグ オプション、アドレス バー)。待っている場合: {ja}",
        )
    });
    Diagnosis { outcome: Outcome::InsufficientEvidence, root_cause: None, text, next_step }
}

/// Whether some connections to a Microsoft host used an old version, and others a current one.
fn is_beside_current_tls(host: &HostStory, verdict: &HostVerdict) -> bool {
    let current = |j: &Judged| j.verdict.is_some_and(Verdict::is_good);
    verdict.verdict == Verdict::TlsLegacy && host.endpoint.is_some() && verdict.judged.iter().any(current)
}

/// The peers over which hosts that the sign-in needs were reached.
pub(super) struct Ways {
    /// When the last answer came over each.
    used: HashMap<SocketAddr, Option<Timestamp>>,
    /// Whether a sign-in went through.
    signed_in: bool,
}

impl Ways {
    pub(super) fn of(case: &Case, hosts: &[(&HostStory, &HostVerdict)]) -> Ways {
        let mut ways = Ways { used: HashMap::new(), signed_in: false };
        let (mut entered, mut went_on) = (false, false);
        for (h, v) in hosts.iter().filter(|(h, _)| h.role == Role::Service && h.required == Some(true)) {
            for attempt in good_attempts(h, v) {
                let used = ways.used.entry(attempt.peer).or_insert(None);
                *used = (*used).max(case.answered_until(attempt));
                entered |= is_authority(h);
                went_on |= !is_authority(h);
            }
        }
        ways.signed_in = entered && went_on;
        ways
    }

    /// How much the failure of a proxy explains: nothing where there is another way (the next one of a PAC file, another
    /// program's) that was of use after it. Where it was so only before, the one that failed may have been the command's;
    /// a program that tries it all the time beside a sign-in is another.
    pub(super) fn weight_of(&self, host: &HostStory, verdict: &HostVerdict) -> Weight {
        let failure = Failure::of(host, verdict);
        let failed = deciding(host, verdict);
        let own = failed.and_then(|a| self.used.get(&a.peer));
        if let (Some(own), Some(failed)) = (own, failed)
            && *own > Some(failed.end.time)
        {
            return Weight::Harmless;
        }
        let others = || self.used.iter().filter(|(peer, _)| failed.is_none_or(|a| a.peer != **peer)).map(|(_, at)| *at);
        let Some(last) = others().max() else { return if failed.is_some() { Weight::Cause } else { Weight::Harmless } };
        let Some(failure) = failure else { return Weight::Harmless };
        if last > Some(failure.last.time) || self.signed_in && last > Some(failure.first.time) {
            Weight::Harmless
        } else {
            Weight::Doubt
        }
    }
}
