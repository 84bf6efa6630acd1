//! `nettriage explain` and `nettriage guide`.

use crate::error::Error;
use crate::finding::{self, Rule};
use crate::lang::{Lang, Text};
use crate::message;
use std::fmt::Write;

/// One finding explained, or the list of all.
///
/// # Errors
/// [`Error::Usage`] for a code that no finding has.
pub fn explain(code: Option<&str>, lang: Lang, markdown: bool) -> Result<String, Error> {
    let mut out = String::new();
    match code {
        Some(code) => {
            let rule = finding::rule(&code.to_ascii_lowercase()).ok_or_else(|| {
                Error::Usage(message!(
                    en: "no finding has the code '{code}'; 'nettriage explain' lists them",
                    ja: "コード '{code}' の検出項目はありません。'nettriage explain' で一覧を表示します",
                ))
            })?;
            one(&mut out, rule, lang, markdown);
        }
        None if markdown => {
            for rule in finding::all() {
                one(&mut out, rule, lang, true);
            }
        }
        None => {
            let width = finding::all().map(|r| r.code.len()).max().unwrap_or(0);
            for rule in finding::all() {
                let _ = writeln!(out, "{:width$}  {}", rule.code, rule.title.get(lang));
            }
        }
    }
    Ok(out)
}

fn one(out: &mut String, rule: &Rule, lang: Lang, markdown: bool) {
    let sections = [
        (Text { en: "What it means", ja: "意味" }, rule.meaning),
        (Text { en: "What it cannot see", ja: "判定の限界" }, rule.blind),
        (Text { en: "What to do", ja: "対処" }, rule.advice),
    ];
    // Writing to a String cannot fail.
    let _ = if markdown {
        writeln!(out, "### `{}`: {} ({})\n", rule.code, rule.title.get(lang), rule.severity.code())
    } else {
        writeln!(out, "{} ({})\n{}\n", rule.code, rule.severity.code(), rule.title.get(lang))
    };
    for (name, text) in sections {
        let _ = if markdown {
            writeln!(out, "**{}.** {}\n", name.get(lang), text.get(lang))
        } else {
            writeln!(out, "{}\n  {}\n", name.get(lang), text.get(lang))
        };
    }
}

/// How to collect the evidence, for the customer.
pub fn guide(lang: Lang) -> String {
    GUIDE.get(lang).to_owned()
}

const GUIDE: Text = Text {
    en: "\
How to collect the evidence (Windows)

1. Open a command prompt as administrator.
2. Start the trace:            netsh trace start capture=yes maxSize=2000M
3. Clear the caches:           ipconfig /flushdns
                               nbtstat -R
                               klist purge
                               klist purge -li 0x3e7
4. In another PowerShell window run the failing command with its debug option, and save everything it prints:
     az login --debug *> az-debug.txt
     Connect-AzAccount -Debug *> az-debug.txt
     Connect-MgGraph -Debug *> graph-debug.txt
5. Stop the trace:             netsh trace stop     (it says where it wrote the files)
6. Send these files together:  NetTrace.etl, NetTrace.cab, the debug text,
                               and the sign-in log of that time exported from the Entra portal (JSON).

Then: nettriage FOLDER-WITH-THESE-FILES

Other systems: sudo tcpdump -i any -s 0 -w trace.pcap (or Wireshark) instead of netsh,
and in a shell of theirs: az login --debug > az-debug.txt 2>&1
The debug text can hold tokens and names; nettriage never prints tokens, and --redact hides names.
",
    ja: "\
証跡の採取手順 (Windows)

1. 管理者としてコマンド プロンプトを開く。
2. トレースを開始する:         netsh trace start capture=yes maxSize=2000M
3. キャッシュを消去する:       ipconfig /flushdns
                               nbtstat -R
                               klist purge
                               klist purge -li 0x3e7
4. 別の PowerShell で、失敗するコマンドをデバッグ オプション付きで実行し、出力をすべて保存する:
     az login --debug *> az-debug.txt
     Connect-AzAccount -Debug *> az-debug.txt
     Connect-MgGraph -Debug *> graph-debug.txt
5. トレースを停止する:         netsh trace stop     (ファイルの保存先が表示される)
6. 次のファイルをまとめて送付する: NetTrace.etl、NetTrace.cab、デバッグ出力、
                               Entra ポータルからエクスポートした該当時刻のサインイン ログ (JSON)。

続いて: nettriage これらのファイルのあるフォルダー

他の OS では netsh の代わりに sudo tcpdump -i any -s 0 -w trace.pcap (または Wireshark) を使い、
シェルでは次のように保存する: az login --debug > az-debug.txt 2>&1
デバッグ出力にはトークンや名前が含まれることがある。nettriage はトークンを出力せず、--redact で名前も伏せる。
",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_has_all_its_texts_in_both_languages() {
        for rule in finding::all() {
            for text in [rule.title, rule.meaning, rule.blind, rule.advice] {
                assert!(!text.en.is_empty() && !text.ja.is_empty(), "{}", rule.code);
                assert!(!text.ja.is_ascii(), "{}: not Japanese", rule.code);
            }
        }
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<&str> = finding::all().map(|r| r.code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn an_unknown_code_is_a_usage_error() {
        assert!(matches!(explain(Some("nonsense"), Lang::En, false), Err(Error::Usage(_))));
    }
}
