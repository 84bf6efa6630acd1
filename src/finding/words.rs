//! What the findings of verdicts share: severity, filter, and the words that several of them use.

use super::portal::{self, Standing};
use super::{Context, Finding, Rule, Severity};
use crate::case::{Attempt, Case, HostStory, Role, Way, may_be_one};
use crate::facts::{Flow, FlowTransport};
use crate::knowledge::endpoints::Role as EndpointRole;
use crate::lang::Message;
use crate::limits;
use crate::message;
use crate::verdict::breaker::BreakerKind;
use crate::verdict::host::deciding;
use crate::verdict::{HostVerdict, Judged, Verdict};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, SocketAddr};

/// Texts of one finding that depend on the case.
pub(super) struct Words {
    /// One line with the host's name.
    pub title: Message,
    /// What was seen, with numbers, and why that means what it says.
    pub detail: Message,
    /// What to do.
    pub advice: Message,
}

/// A finding for every host that has `verdict`; beyond [`limits::FINDINGS_OF_A_RULE_MAX`] the last one says how many more
/// there are.
pub(super) fn for_hosts(
    context: &Context<'_>,
    rule: &Rule,
    verdict: Verdict,
    words: impl Fn(&HostStory, &HostVerdict) -> Words,
) -> Vec<Finding> {
    let mut hosts: Vec<(&HostStory, &HostVerdict)> = context.hosts().filter(|(_, v)| v.verdict == verdict).collect();
    let more = hosts.len().saturating_sub(limits::FINDINGS_OF_A_RULE_MAX);
    if more > 0 {
        // What the sign-in needs and what came first: the root cause is among them.
        hosts.sort_by_cached_key(|(host, v)| (Reverse(severity(context.case, rule, host, v)), host.order_in_time()));
        hosts.truncate(limits::FINDINGS_OF_A_RULE_MAX);
    }
    let mut findings: Vec<Finding> = hosts
        .into_iter()
        .map(|(host, v)| {
            let Words { mut title, mut detail, mut advice } = words(host, v);
            if v.by_log
                && let Some(said) = crate::verdict::log::words(context.case, host, v)
            {
                detail = said.detail;
                title = said.title.unwrap_or(title);
                advice = said.advice.unwrap_or(advice);
            }
            if let Some(agent) = for_local_agent(host, v) {
                advice = agent;
            }
            if let Some(standing) = Standing::of(context, host, v) {
                let told = standing.tell();
                detail.push(told);
                advice = portal::first(v, advice);
            }
            if let Some(before) = reached_before(context.case, host, v) {
                detail.push(before);
            }
            Finding {
                code: rule.code,
                severity: severity(context.case, rule, host, v),
                confidence: v.confidence,
                host: Some(host.name.clone()),
                verdict: Some(verdict),
                title,
                detail,
                doubt: rule.blind.into(),
                advice,
                evidence: context.proof(v),
                filter: display_filter(context.case, host),
            }
        })
        .collect();
    if let Some(last) = findings.last_mut().filter(|_| more > 0) {
        last.detail.push(message!(
            en: " {more} more hosts have this verdict; the list of hosts names them.",
            ja: " 同じ判定のホストが他に {more} 件ある (ホストの一覧を参照)。",
        ));
    }
    findings
}

/// When a host that is not reached in the end was reached last. Interception and old versions show in connections that
/// work as well.
fn reached_before(case: &Case, host: &HostStory, verdict: &HostVerdict) -> Option<Message> {
    if !verdict.verdict.is_fault() || matches!(verdict.verdict, Verdict::Intercepted | Verdict::TlsLegacy) {
        return None;
    }
    let failed = verdict.attempt.filter(|i| !verdict.judged.get(*i).is_some_and(Judged::serves));
    let by_name = matches!(verdict.verdict, Verdict::DnsFailure | Verdict::DnsSinkhole);
    let stopped = verdict.name.stopped.filter(|_| by_name).and_then(|i| host.lookups.get(i));
    let asked = stopped.and_then(|lookup| lookup.asked.first()).map(|at| at.time);
    let until = asked.or_else(|| failed.and_then(|i| host.attempts.get(i)).map(|a| a.start.time));
    let before = host.attempts.iter().zip(&verdict.judged);
    let before = before.filter(|(a, j)| j.serves() && until.is_none_or(|until| a.start.time < until));
    let (attempt, judged) = before.max_by_key(|(a, _)| a.start.time)?;
    let frame = judged.proof.last()?.at.frame;
    let tried = failed.and_then(|i| host.attempts.get(i)).and_then(|failed| port(case, failed));
    let way = match (attempt.way.proxy_text(), &verdict.proxy) {
        (proxy, failed) if proxy == *failed => match port(case, attempt) {
            Some(port) if tried.is_some_and(|tried| tried != port) => {
                message!(en: " on port {port}", ja: "ポート {port} で")
            }
            _ => Message::default(),
        },
        (Some(proxy), _) => message!(en: " through the proxy {proxy}", ja: "プロキシ {proxy} 経由で"),
        (None, _) => message!(en: " without a proxy", ja: "プロキシを経由せずに"),
    };
    let client = stopped
        .map(|lookup| lookup.client.ip())
        .or_else(|| failed.and_then(|i| host.attempts.get(i)).map(|a| a.client));
    if let Some(client) = client.filter(|client| !may_be_one(*client, attempt.client)) {
        let (other, way, way_ja) = (attempt.client, way.en, way.ja);
        return Some(Message {
            en: format!(
                " This is what {client} met; another client, {other}, had reached it{way} before that (#{frame})."
            ),
            ja: format!(
                "これは {client} での失敗で、その前に別のクライアント {other} は{way_ja}到達していた (#{frame})。"
            ),
        });
    }
    Some(Message {
        en: format!(" It was reached{} before that (#{frame}).", way.en),
        ja: format!("その前には{}到達していた (#{frame})。", way.ja),
    })
}

/// The rule's severity for hosts that the sign-in needs, less for others.
fn severity(case: &Case, rule: &Rule, host: &HostStory, verdict: &HostVerdict) -> Severity {
    let cap = match (host.role, host.required) {
        _ if crate::verdict::log::stopped_nothing(case, host, verdict) => Severity::Info,
        _ if verdict.is_accepted_inspection() => Severity::Warning,
        (Role::Proxy, _) | (_, Some(true)) => Severity::Critical,
        (Role::Service, None) => Severity::Warning,
        (Role::Service | Role::DnsServer | Role::Other, _) => Severity::Info,
    };
    rule.severity.min(cap)
}

/// A Wireshark display filter over everything that belongs to a host; of connections that are only counted, over their
/// hellos.
pub fn display_filter(case: &Case, host: &HostStory) -> String {
    let mut parts = stream_filter(case, &host.attempts);
    let fields = [
        // Of the connections that are only counted no stream is known.
        ("tls.handshake.extensions_server_name", host.attempts.iter().any(|a| case.crowd(a).is_some())),
        ("dns.qry.name", !host.lookups.is_empty()),
    ];
    if host.name.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '\\')) {
        let wanted = fields.iter().filter(|(_, wanted)| *wanted);
        parts.extend(wanted.map(|(field, _)| format!("{field} == \"{}\"", host.name)));
    }
    parts.join(" || ")
}

/// The same for several hosts.
pub(super) fn display_filters<'a>(case: &Case, hosts: impl IntoIterator<Item = &'a HostStory>) -> String {
    let each = hosts.into_iter().map(|host| display_filter(case, host)).filter(|filter| !filter.is_empty());
    each.collect::<Vec<_>>().join(" || ")
}

/// Streams, or addresses, that one filter lists: a command line of Windows takes 8,191 characters, and several filters
/// may be put together.
const FILTER_LIST_MAX: usize = 100;

/// Wireshark display filters for the connections of some attempts: one for TCP, one for UDP, as far as there are any. Of
/// more connections than a filter lists, their servers are told instead, as far as it lists those.
pub(super) fn stream_filter<'a>(case: &Case, attempts: impl IntoIterator<Item = &'a Attempt>) -> Vec<String> {
    let flows: Vec<&Flow> = attempts.into_iter().filter_map(|attempt| case.flow(attempt)).collect();
    let mut parts = Vec::new();
    for (transport, name) in [(FlowTransport::Tcp, "tcp"), (FlowTransport::Udp, "udp")] {
        let flows = || flows.iter().filter(|flow| flow.transport == transport);
        let mut seen = HashSet::new();
        let streams: Vec<u32> = flows().map(|flow| flow.stream).filter(|stream| seen.insert(*stream)).collect();
        match streams.as_slice() {
            [] => {}
            [one] => parts.push(format!("{name}.stream eq {one}")),
            many if many.len() <= FILTER_LIST_MAX => parts.push(format!("{name}.stream in {{{}}}", listed(many))),
            _ => parts.extend(server_filters(name, flows().map(|flow| flow.ends.server).collect())),
        }
    }
    parts
}

/// Filters for all connections of some servers, one for each family of addresses.
fn server_filters(transport: &str, servers: BTreeSet<SocketAddr>) -> impl Iterator<Item = String> {
    let (v4, v6): (Vec<SocketAddr>, Vec<SocketAddr>) = servers.into_iter().partition(SocketAddr::is_ipv4);
    [("ip", v4), ("ipv6", v6)].into_iter().filter(|(_, servers)| !servers.is_empty()).map(move |(family, servers)| {
        let ports: BTreeSet<u16> = servers.iter().map(SocketAddr::port).collect();
        let addresses: BTreeSet<IpAddr> = servers.iter().map(SocketAddr::ip).collect();
        let (ports, addresses) = (listed(ports), listed(addresses));
        format!("({family}.addr in {{{addresses}}} && {transport}.port in {{{ports}}})")
    })
}

/// The first of a list as the set of a filter has them.
fn listed<T: ToString>(list: impl IntoIterator<Item = T>) -> String {
    list.into_iter().take(FILTER_LIST_MAX).map(|one| one.to_string()).collect::<Vec<_>>().join(", ")
}

/// ` through the proxy HOST:PORT`, where the attempt went through one.
pub(super) fn through(verdict: &HostVerdict) -> Message {
    match &verdict.proxy {
        Some(proxy) => crate::message!(en: " through the proxy {proxy}", ja: " (プロキシ {proxy} 経由)"),
        None => Message::default(),
    }
}

/// The addresses and ports on which attempts ended as the verdict says, or did not end where it cannot tell:
/// `20.190.151.7:443, ...`.
pub(super) fn peers(host: &HostStory, verdict: &HostVerdict) -> String {
    let mut seen: Vec<String> = Vec::new();
    for (attempt, judged) in host.attempts.iter().zip(&verdict.judged) {
        if judged.verdict.unwrap_or(Verdict::Inconclusive) != verdict.verdict {
            continue;
        }
        let peer = attempt.peer.to_string();
        if !seen.contains(&peer) {
            seen.push(peer);
        }
    }
    seen.truncate(6);
    seen.join(", ")
}

/// A host with its port, as allow-lists have it; `name` may be a bare address (RFC 3986 3.2.2 for IPv6).
fn authority(name: &str, port: u16) -> String {
    if name.contains(':') { format!("[{name}]:{port}") } else { format!("{name}:{port}") }
}

/// The ports of the host on which attempts ended as the verdict says, lowest first; those that the logs tell where no
/// packet shows one. The port of HTTPS where nothing tells, but for a proxy, which may listen anywhere.
fn ports(case: &Case, host: &HostStory, verdict: &HostVerdict) -> Vec<u16> {
    let failed = host.attempts.iter().zip(&verdict.judged).filter(|(_, j)| j.verdict == Some(verdict.verdict));
    let mut ports: Vec<u16> = failed.filter_map(|(attempt, _)| port(case, attempt)).collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        ports.extend(told_port(case, host, verdict).or((host.role != Role::Proxy).then_some(HTTPS)));
    }
    ports
}

/// The port that the logs tell: of a proxy the one that it was set with, of another host that of the last failure.
fn told_port(case: &Case, host: &HostStory, verdict: &HostVerdict) -> Option<u16> {
    if host.role == Role::Proxy {
        let (name, port) = verdict.proxy.as_deref()?.rsplit_once(':')?;
        return port.parse().ok().filter(|_| name.trim_matches(['[', ']']) == host.name.trim_matches(['[', ']']));
    }
    let events = host.said.iter().rev().filter_map(|said| case.line(*said)).map(|(_, event)| event);
    events.filter(|event| event.kind.error().is_some()).find_map(|event| event.port)
}

/// The host's port that an attempt was meant for: behind a proxy the one that this was asked for.
fn port(case: &Case, attempt: &Attempt) -> Option<u16> {
    if attempt.way == Way::Direct {
        return Some(attempt.peer.port());
    }
    let app = &case.flow(attempt)?.app;
    let exchange = attempt.exchange.and_then(|i| app.http.get(i)).filter(|exchange| exchange.is_connect());
    let asked = exchange.map(|exchange| exchange.target.as_str());
    asked.or_else(|| app.socks.as_ref()?.target.as_deref())?.rsplit_once(':')?.1.parse().ok()
}

/// The ports as rules of a firewall have them: `443`, `80, 443`.
pub(super) fn port_list(case: &Case, host: &HostStory, verdict: &HostVerdict) -> String {
    ports(case, host, verdict).iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// The host with each of these ports: `login.microsoftonline.com:443`.
pub(super) fn authorities(case: &Case, host: &HostStory, verdict: &HostVerdict) -> String {
    let each = ports(case, host, verdict).into_iter().map(|port| authority(&host.name, port));
    each.collect::<Vec<_>>().join(", ")
}

/// What to do where the machine's own metadata service is not reached: it is answered by the host of the virtual machine
/// (Microsoft Learn, "Azure Instance Metadata Service": not through a proxy), so that no firewall or proxy of a network can
/// help. `None` for other hosts.
pub(super) fn for_metadata_service(host: &HostStory) -> Option<Message> {
    let name = &host.name;
    (host.endpoint?.role == EndpointRole::ManagedIdentity).then(|| {
        message!(
            en: "{name} is the metadata service of an Azure virtual machine and exists only there, answered by the machine's own host; it must never go through a proxy (exempt it: NO_PROXY={name}). On an Azure VM look at the host firewall, at the route to {name} (route print), and whether a managed identity is assigned. On any other machine sign in by another method.",
            ja: "{name} は Azure 仮想マシンのメタデータ サービスで、Azure 上にのみ存在し、VM のホスト自身が応答する。プロキシを経由させてはならない (除外設定: NO_PROXY={name})。Azure VM では、端末のファイアウォール、{name} への経路 (route print)、マネージド ID の割り当てを確認する。それ以外の端末では別の方法でサインインする。",
        )
    })
}

/// What to do where a connection that was accepted failed within the machine itself: an agent there took it, and no
/// firewall on the way has a part in it.
fn for_local_agent(host: &HostStory, verdict: &HostVerdict) -> Option<Message> {
    let was_taken = matches!(
        verdict.verdict,
        Verdict::ResetAfterClientHello
            | Verdict::SilentAfterClientHello
            | Verdict::ClosedBeforeServerHello
            | Verdict::ResetMidHandshake
            | Verdict::StalledMidHandshake
    );
    let attempt = deciding(host, verdict).filter(|a| a.way == Way::Direct && a.peer.ip().is_loopback())?;
    let (name, peer) = (&host.name, attempt.peer);
    (was_taken && host.role == Role::Service).then(|| {
        message!(
            en: "A program on the client itself took this connection ({peer}): a local proxy, an antivirus or web filter agent, or a debugging proxy. Look at its own log for {name}, allow the name in its policy, and try without it.",
            ja: "この接続を受けたのは端末自身のプログラム ({peer}) である (ローカル プロキシ、ウイルス対策や Web フィルターのエージェント、デバッグ用プロキシなど)。そのログで {name} を確認し、ポリシーで許可するか、無効にして再試行する。",
        )
    })
}

/// What to do about a proxy that cannot be connected to.
pub(super) fn for_dead_proxy(case: &Case, host: &HostStory, verdict: &HostVerdict) -> Option<Message> {
    let (name, port) = (&host.name, port_list(case, host, verdict));
    let (of, of_ja, to) = match port.as_str() {
        "" => (String::new(), String::new(), "TCP".to_owned()),
        port => (format!(" ({port})"), format!(" ({port}) "), format!("TCP {port}")),
    };
    (host.role == Role::Proxy).then(|| {
        message!(
            en: "Check that the proxy {name} runs and that its name and port{of} are right: variables such as HTTPS_PROXY may be left over from another network. If they are, allow {to} from the client to it.",
            ja: "プロキシ {name} の稼働状況と、名前・ポート{of_ja}が正しいかを確認する (HTTPS_PROXY などの変数が別ネットワークの設定のまま残っていることがある)。正しい場合は、クライアントからプロキシへの {to} を許可する。",
        )
    })
}

/// The port of HTTPS.
const HTTPS: u16 = 443;

/// The proxy whose administrator can help, in both languages; a log may tell its answer without its name.
pub(super) fn whose(verdict: &HostVerdict) -> [&str; 2] {
    verdict.proxy.as_deref().map_or(["the proxy", "プロキシ"], |proxy| [proxy, proxy])
}

/// Who sent the reset, where that is known.
pub(super) fn tell_breaker(detail: &mut Message, verdict: &HostVerdict) {
    let Some(breaker) = &verdict.detail.breaker else { return };
    for Message { en, ja } in &breaker.reasons {
        detail.push(message!(en: " Not sent by the host: {en}.", ja: "ホスト自身のものではない根拠: {ja}。"));
    }
    if let (BreakerKind::Host, Some(hops)) = (breaker.kind, breaker.hops) {
        detail.push(message!(
            en: " The reset comes from the same distance as the host's other packets ({hops} hops).",
            ja: "RST はホストの他のパケットと同じ距離 ({hops} ホップ) から届いている。",
        ));
    }
}

/// What the answering device shows of itself.
pub(super) fn tell_product(detail: &mut Message, verdict: &HostVerdict) {
    if let Some(product) = &verdict.detail.product {
        detail.push(message!(en: " The answer names: {product}.", ja: "応答の表示: {product}。"));
    }
    if let Some(title) = &verdict.detail.title {
        detail.push(message!(en: " Title of the page: \"{title}\".", ja: "ページのタイトル: 「{title}」。"));
    }
}

/// Drops inside Windows that belong to the connection.
pub(super) fn tell_dropped(detail: &mut Message, verdict: &HostVerdict) {
    if let Some((component, reason)) = &verdict.detail.dropped {
        detail.push(message!(
            en: " Windows itself dropped packets of this connection: {component}, {reason}.",
            ja: "Windows 自身がこの接続のパケットを破棄している: {component}、{reason}。",
        ));
    }
}

/// Addresses as a list.
pub(super) fn tell_addresses(addresses: &[std::net::IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_authorities() {
        assert_eq!(authority("login.microsoftonline.com", HTTPS), "login.microsoftonline.com:443");
        assert_eq!(authority("20.190.151.7", 49443), "20.190.151.7:49443");
        assert_eq!(authority("2603:1036:3000::9", HTTPS), "[2603:1036:3000::9]:443");
    }

    #[test]
    fn servers_of_many_connections_are_told_by_family() {
        let servers = ["192.0.2.7:443", "192.0.2.7:8443", "192.0.2.1:443", "[2001:db8::7]:443"];
        let servers = servers.iter().map(|server| server.parse().unwrap()).collect();
        assert_eq!(
            server_filters("tcp", servers).collect::<Vec<_>>(),
            [
                "(ip.addr in {192.0.2.1, 192.0.2.7} && tcp.port in {443, 8443})",
                "(ipv6.addr in {2001:db8::7} && tcp.port in {443})"
            ]
        );
    }
}
