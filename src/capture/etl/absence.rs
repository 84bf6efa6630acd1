//! Why a trace holds no packets, or not all of them.
//!
//! What enters: what the trace does hold. What leaves: one explanation in both languages: the cause, how it is known, and
//! the commands that take a good trace. Guaranteed: a trace without packets always gets one.

use super::Tally;
use super::container::Index;
use super::guid::Guid;
use super::names;
use super::pktmon::Components;
use super::schema::Schemas;
use super::value::one_line;
use crate::lang::{Message, Text};
use crate::message;
use crate::problem::Problems;
use hashbrown::HashMap;

/// Providers counted one by one.
const PROVIDERS_MAX: usize = 4096;

/// Providers named in an explanation.
const NAMED: usize = 4;

/// Events by provider, to say what a trace without packets holds instead.
#[derive(Debug, Default)]
pub struct Providers {
    counts: HashMap<Guid, u64>,
    kernel: u64,
    last: Option<(Guid, u64)>,
}

impl Providers {
    /// Counts one event.
    pub fn count(&mut self, provider: Guid, group: u8) {
        if provider == Guid::NONE {
            self.kernel += u64::from(group != 0);
            return;
        }
        match &mut self.last {
            Some((last, n)) if *last == provider => *n += 1,
            _ => {
                self.flush();
                self.last = Some((provider, 1));
            }
        }
    }

    fn flush(&mut self) {
        if let Some((provider, n)) = self.last.take()
            && (self.counts.len() < PROVIDERS_MAX || self.counts.contains_key(&provider))
        {
            *self.counts.entry(provider).or_insert(0) += n;
        }
    }

    /// Counts with the one in hand, most first.
    fn sorted(&self) -> Vec<(Guid, u64)> {
        let mut counts = self.counts.clone();
        if let Some((provider, n)) = self.last {
            *counts.entry(provider).or_insert(0) += n;
        }
        let mut list: Vec<_> = counts.into_iter().collect();
        list.sort_unstable_by_key(|(g, n)| (std::cmp::Reverse(*n), *g));
        list
    }
}

/// Providers that only a network trace turns on.
const NETWORK: [Guid; 8] = [
    names::TCPIP,
    names::AFD,
    names::WINHTTP,
    names::WEBIO,
    names::WININET,
    names::NDIS,
    names::WFP,
    names::NAME_RESOLUTION,
];

const TAKE_NETSH: Text = Text {
    en: "To take a good trace, as administrator: netsh trace start scenario=netconnection capture=yes maxsize=2048 \
         filemode=circular overwrite=yes tracefile=C:\\Temp\\NetTrace.etl ; reproduce the failure ; netsh trace stop ; \
         then send NetTrace.etl and NetTrace.cab",
    ja: "正しいトレースの採取手順 (管理者として実行): netsh trace start scenario=netconnection capture=yes maxsize=2048 \
         filemode=circular overwrite=yes tracefile=C:\\Temp\\NetTrace.etl → 現象を再現 → netsh trace stop → \
         NetTrace.etl と NetTrace.cab を送付",
};

const TAKE_PKTMON: Text = Text {
    en: "To take a good trace, as administrator: pktmon filter remove ; pktmon start --capture --pkt-size 0 --file-name \
         C:\\Temp\\PktMon.etl --file-size 2048 ; reproduce the failure ; pktmon stop",
    ja: "正しいトレースの採取手順 (管理者として実行): pktmon filter remove → pktmon start --capture --pkt-size 0 --file-name \
         C:\\Temp\\PktMon.etl --file-size 2048 → 現象を再現 → pktmon stop",
};

/// Says why there are no packets.
pub(super) fn explain(
    index: &Index,
    tally: &Tally,
    components: &Components,
    providers: &Providers,
    schemas: &Schemas,
) -> Message {
    let header = &index.header;
    let list = providers.sorted();
    let (cause, take) = if tally.pktmon_packets + tally.ndis_packets + tally.ras_packets > 0 {
        (unreadable(tally), TAKE_NETSH)
    } else if index.cut && tally.ndis_other + tally.pktmon_other == 0 {
        (cut(index, tally), if header.mode & 0x0400_0000 != 0 { TAKE_PKTMON } else { TAKE_NETSH })
    } else if tally.pktmon_other > 0 {
        (pktmon_only(tally, components), TAKE_PKTMON)
    } else if header.is_circular() && tally.ndis_other > 0 {
        (overwritten(header.max_file_mb, tally), TAKE_NETSH)
    } else if tally.ndis_other > 0 {
        (ndis_only(tally), TAKE_NETSH)
    } else if tally.events <= 3 && !header.is_closed() {
        (not_closed(tally), TAKE_NETSH)
    } else if list.iter().any(|(g, _)| NETWORK.contains(g))
        || file_name(index).to_ascii_lowercase().contains("nettrace")
    {
        (no_capture(tally, &list, schemas), TAKE_NETSH)
    } else {
        (other_trace(index, tally, &list, providers.kernel, schemas), TAKE_NETSH)
    };
    let mut message =
        Message { en: format!("{}. {}.", cause.en, take.en), ja: format!("{}。{}。", cause.ja, take.ja) };
    if header.events_lost > 0 || header.buffers_lost > 0 {
        let more = message!(
            en: " The session also lost {} events and {} buffers.",
            ja: "なお、このセッションでは {} 個のイベントと {} 個のバッファーが失われています。",
            header.events_lost, header.buffers_lost
        );
        message.push(more);
    }
    message
}

fn unreadable(tally: &Tally) -> Message {
    let records = tally.ndis_packets + tally.pktmon_packets + tally.ras_packets;
    message!(
        en: "The trace holds {records} packet records, but none of them is whole: the file is damaged",
        ja: "パケットの記録が {records} 個ありますが、完全なものがありません。ファイルが破損しています"
    )
}

fn cut(index: &Index, tally: &Tally) -> Message {
    message!(
        en: "The file was cut before its first packet: it ends in the middle of a buffer after {} bytes and {} events. Copy \
             it again, and only after the trace was stopped",
        ja: "最初のパケットより前でファイルが途切れています ({} バイト、{} イベントの時点でバッファーの途中)。トレースの停止後に、\
             もう一度コピーしてください",
        index.bytes, tally.events
    )
}

fn pktmon_only(tally: &Tally, components: &Components) -> Message {
    let (counted, dropped) = (components.flowed.packets, components.dropped.packets);
    let records = tally.pktmon_other;
    if components.filters > 0 && counted == 0 {
        return message!(
            en: "Packet Monitor's capture filter let nothing through: {} filter(s) were set, and the flow counters at the end \
                 stand at 0 ({records} describing records, no packet)",
            ja: "パケットモニターのキャプチャフィルターに一致するパケットがありませんでした。{} 個のフィルターが設定され、終了時の\
                 フローカウンターは 0 です (説明用の記録 {records} 個、パケットなし)",
            components.filters
        );
    }
    message!(
        en: "Packet Monitor counted packets but was not asked to log them (pktmon start without --capture, with \
             --counters-only, or with --type drop while nothing was dropped): its counters at the end show {counted} packets \
             that passed and {dropped} dropped, with {records} describing records and no packet",
        ja: "パケットモニターはパケット数を数えただけで、パケット自体を記録していません (--capture なし、--counters-only 付き、または\
             --type drop で破棄が発生しなかった場合)。終了時のカウンターは通過 {counted}、破棄 {dropped} で、説明用の記録は \
             {records} 個、パケットはありません"
    )
}

fn overwritten(max_mb: u32, tally: &Tally) -> Message {
    message!(
        en: "The packets were overwritten: the trace is circular and keeps the newest {max_mb} MB, of which {} events are \
             left, none of them a packet. Stop the trace as soon as the failure was reproduced, or raise maxsize",
        ja: "パケットが上書きされています。循環ログのため最新の {max_mb} MB だけが残り、残っている {} イベントにパケットはありません。\
             現象の再現後すぐに停止するか、maxsize を大きくしてください",
        tally.events
    )
}

fn ndis_only(tally: &Tally) -> Message {
    message!(
        en: "Packet capture was on, but no packet came through it: {} records of the NDIS capture driver, none of them a \
             packet. Either a capture filter (Ethernet.Type=, IPv4.Address=, CaptureInterface=) fits nothing, or the traffic \
             does not pass an NDIS adapter of this machine",
        ja: "パケットキャプチャは有効でしたが、パケットが 1 つも記録されていません (NDIS キャプチャドライバーの記録 {} 個、パケットなし)。\
             キャプチャフィルター (Ethernet.Type=、IPv4.Address=、CaptureInterface=) に一致しないか、通信がこのマシンの NDIS \
             アダプターを通っていません",
        tally.ndis_other
    )
}

fn not_closed(tally: &Tally) -> Message {
    message!(
        en: "The file was taken while the session was still running: only its header is there ({} events), the rest was not \
             written yet. Stop the trace first, then copy the file",
        ja: "セッションの実行中に取得されたファイルです。ヘッダーのみで ({} イベント)、残りはまだ書き込まれていません。先にトレースを\
             停止してから、ファイルをコピーしてください",
        tally.events
    )
}

fn no_capture(tally: &Tally, list: &[(Guid, u64)], schemas: &Schemas) -> Message {
    let held = held(list, schemas);
    message!(
        en: "The network trace was started without capture=yes: of {} events none comes from the packet capture driver; it \
             holds {held}",
        ja: "ネットワークトレースが capture=yes なしで開始されています。{} 個のイベントの中にパケットキャプチャドライバーのものが\
             ありません。内容: {held}",
        tally.events
    )
}

fn other_trace(index: &Index, tally: &Tally, list: &[(Guid, u64)], kernel: u64, schemas: &Schemas) -> Message {
    let logger = one_line(&index.header.logger_name);
    let name = file_name(index);
    let mut held = held(list, schemas);
    if kernel > 0 {
        if !held.is_empty() {
            held.push_str(", ");
        }
        held.push_str(&format!("Windows Kernel ({kernel})"));
    }
    if held.is_empty() {
        held.push('-');
    }
    message!(
        en: "This is no network trace but an event log of another component (session {logger:?}, file {name:?}): {} events, \
             {held}",
        ja: "ネットワークトレースではなく、別のコンポーネントのイベントログです (セッション {logger:?}、ファイル {name:?})。イベント数 {}、\
             内容: {held}",
        tally.events
    )
}

/// The last part of the path that the file had on the traced machine.
fn file_name(index: &Index) -> String {
    let path = &index.header.file_name;
    one_line(path.rsplit(['\\', '/']).next().unwrap_or(path))
}

/// The providers with most events, by name.
fn held(list: &[(Guid, u64)], schemas: &Schemas) -> String {
    let mut text = String::new();
    for (guid, n) in list.iter().take(NAMED) {
        let name = names::provider(*guid).or_else(|| schemas.provider_name(*guid)).filter(|n| !n.is_empty());
        let name = name.map_or_else(|| guid.to_string(), str::to_owned);
        text.push_str(&format!("{}{name} ({n})", if text.is_empty() { "" } else { ", " }));
    }
    if list.len() > NAMED {
        text.push_str(", …");
    }
    text
}

/// Notes what a trace with packets leaves out by the way it was taken.
pub(super) fn note_partial(tally: &Tally, components: &Components, problems: &mut Problems) {
    problems.note_many("etl_packets_cut", tally.cut_packets, None, None, || {
        if tally.pktmon_packets > 0 {
            message!(
                en: "packets were logged only in part (Packet Monitor keeps 128 bytes of each by default), so names, \
                     certificates and alerts are mostly not visible. Take the trace again with: pktmon start --capture \
                     --pkt-size 0",
                ja: "パケットの一部のみが記録されています (パケットモニターの既定は 1 パケットあたり 128 バイト)。このためサーバー名、\
                     証明書、アラートはほとんど確認できません。pktmon start --capture --pkt-size 0 で採取し直してください"
            )
        } else {
            message!(
                en: "packets were logged only in part (packettruncatebytes), so names, certificates and alerts may not be \
                     visible. Take the trace again without packettruncatebytes",
                ja: "パケットの一部のみが記録されています (packettruncatebytes 指定)。このためサーバー名、証明書、アラートを確認できない\
                     可能性があります。packettruncatebytes を指定せずに採取し直してください"
            )
        }
    });
    if tally.pktmon_packets > 0 {
        problems.note_many("etl_pktmon_filter", components.filters, None, None, || {
            message!(
                en: "Packet Monitor ran with capture filters: packets that do not match them are not in the trace, so their \
                     absence proves nothing. Remove them with: pktmon filter remove",
                ja: "パケットモニターにキャプチャフィルターが設定されています。一致しないパケットはトレースに含まれないため、パケットが\
                     ないことは根拠になりません。pktmon filter remove で解除できます"
            )
        });
    }
}
