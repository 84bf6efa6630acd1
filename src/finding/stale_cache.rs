//! An old session in the module's cache stands in the way.

use super::entra_refused;
use super::logs::{clear_cache, runs};
use super::{Context, Finding, Rule, Severity};
use crate::facts::log::{ErrorClass, LogEventKind};
use crate::knowledge::error_groups::{ErrorGroup, error_group};
use crate::lang::Text;
use crate::message;

/// See the module.
pub(super) static RULE: Rule = Rule {
    code: "stale_cache",
    severity: Severity::Critical,
    title: Text { en: "A cached sign-in stands in the way", ja: "認証キャッシュの影響" },
    meaning: Text {
        en: "Entra ID refused a grant that was issued earlier (expired, revoked, password changed since), or the module could not read its own cache. The module keeps tokens of earlier sign-ins and offers them again.",
        ja: "以前に発行された許可を Entra ID が受け付けなかった (期限切れ、取り消し、その後のパスワード変更)。または、モジュールが自身のキャッシュを読み込めなかった。モジュールは以前のサインインのトークンを保存し、再利用する。",
    },
    blind: Text {
        en: "Whether the cache held another account's session is seen only by az account show, Get-AzContext or Get-MgContext on the machine.",
        ja: "キャッシュに別アカウントのセッションが残っていたかは、端末上の az account show、Get-AzContext、Get-MgContext でしか分からない。",
    },
    advice: Text {
        en: "Clear the cache and sign in again: az account clear, Clear-AzContext, Disconnect-MgGraph.",
        ja: "キャッシュを削除して再度サインインする: az account clear、Clear-AzContext、Disconnect-MgGraph。",
    },
    check,
};

/// The part of the module whose file of answers another version may have written.
const HTTP_CACHE: &str = "throttled_http_client";

fn check(context: &Context<'_>) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    for run in runs(context) {
        let clear = clear_cache(run.command());
        let mut advice = message!(
            en: "Delete the cached sign-in and sign in anew: {}. Sign out when the work is done (az logout, Disconnect-AzAccount, Disconnect-MgGraph), so that no session is left behind.",
            ja: "認証キャッシュを削除してから再度サインインする: {}。作業後はサインアウト (az logout、Disconnect-AzAccount、Disconnect-MgGraph) し、キャッシュを残さない。",
            clear.en
        );
        advice.ja = advice.ja.replace(&clear.en, &clear.ja);
        let found = match run.aadsts().filter(|(_, code)| error_group(*code) == ErrorGroup::StaleSession) {
            Some((event, code)) => {
                let mut detail = run.tell(entra_refused::detail("%c", code));
                if let Some(used) = run.attempt.events.iter().find(|e| e.kind == LogEventKind::CacheUsed) {
                    detail.push_sentence(message!(en: "The log shows a cached session in use (line {}).", ja: "ログにキャッシュされたセッションの使用が記録されている ({} 行目)。", used.line),
                    );
                }
                let mut title = entra_refused::title(code);
                title.en = format!("An old session no longer counts. {}", title.en);
                title.ja = format!("古い認証キャッシュが無効になっている。{}", title.ja);
                Finding { title, detail, advice, ..run.finding(context, &RULE, event) }
            }
            None => {
                let damaged = run.ended_by(|c| c == ErrorClass::CacheDamaged);
                let Some((event, _)) = damaged else { continue };
                if event.text.contains(HTTP_CACHE) {
                    advice = message!(
                        en: "Delete the file msal_http_cache.bin in the folder .azure of the user's profile (it was written by another version of the module) and run the command again.",
                        ja: "ユーザー プロファイルの .azure フォルダーにある msal_http_cache.bin (別のバージョンのモジュールが書き込んだもの) を削除し、コマンドを再実行する。",
                    );
                }
                Finding {
                    title: message!(en: "The token cache cannot be read", ja: "トークン キャッシュを読み込めない"),
                    detail: run.tell(message!(en: "%c could not read its own token cache; nothing was sent to Entra ID for it.", ja: "%c は自身のトークン キャッシュを読み込めなかった。このエラーに関して Entra ID への送信はない。")),
                    advice,
                    ..run.finding(context, &RULE, event)
                }
            }
        };
        if !out.iter().any(|f| f.title == found.title) {
            out.push(found);
        }
    }
    out
}
