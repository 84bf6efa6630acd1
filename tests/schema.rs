//! The JSON Schema in the repository is the one of the code, and every sample's JSON is valid against it.
//!
//! After fields were added: `NETTRIAGE_UPDATE=1 cargo test --locked --test schema`.

#[path = "support/samples.rs"]
mod samples;

use nettriage::lang::Lang;
use nettriage::report::json;
use serde_json::{Map, Value};

const PATH: &str = "tests/schema/nettriage.case-1.json";

#[test]
fn the_schema_in_the_repository_is_that_of_the_code() {
    let made = serde_json::to_string_pretty(&json::schema()).expect("a schema is JSON") + "\n";
    if std::env::var_os("NETTRIAGE_UPDATE").is_some() {
        std::fs::write(PATH, &made).expect("the schema is written");
    }
    let committed = std::fs::read_to_string(PATH).expect("the schema is committed").replace("\r\n", "\n");
    assert!(committed == made, "{PATH} is stale: NETTRIAGE_UPDATE=1 cargo test --locked --test schema");
}

#[test]
fn every_sample_is_valid_against_the_schema() {
    let schema = json::schema();
    for sample in samples::all() {
        let analysis = sample.analyse(&samples::quiet());
        for lang in [Lang::En, Lang::Ja] {
            let case = serde_json::to_value(json::case(&analysis.report, lang)).expect("a report is JSON");
            let wrong = errors(&schema, &case);
            assert!(wrong.is_empty(), "{}: {wrong:#?}", sample.name);
        }
    }
}

#[test]
fn every_sample_has_the_fields_and_words_of_the_contract() {
    const OUTCOMES: &[&str] = &["network_fault", "no_network_fault", "insufficient_evidence"];
    const ROLES: &[&str] = &["service", "proxy", "dns_server", "other"];
    const VERDICTS: &[&str] = &[
        "ok",
        "degraded",
        "dns_failure",
        "dns_sinkhole",
        "syn_no_answer",
        "refused",
        "icmp_unreachable",
        "reset_after_client_hello",
        "silent_after_client_hello",
        "reset_mid_handshake",
        "closed_before_server_hello",
        "stalled_mid_handshake",
        "tls_alert",
        "tls_legacy",
        "intercepted",
        "cert_invalid",
        "proxy_denied",
        "proxy_auth_required",
        "proxy_upstream_error",
        "proxy_no_response",
        "block_page",
        "captive_portal",
        "inconclusive",
    ];
    for sample in samples::all() {
        let analysis = sample.analyse(&samples::quiet());
        let case = serde_json::to_value(json::case(&analysis.report, Lang::En)).expect("a report is JSON");
        assert_eq!(case["schema"], "nettriage.case/1");
        let one_of = |value: &Value, words: &[&str]| value.as_str().is_some_and(|w| words.contains(&w));
        assert!(one_of(&case["diagnosis"]["outcome"], OUTCOMES), "{}", sample.name);
        let findings = case["findings"].as_array().expect("a list");
        let hosts = case["hosts"].as_array().expect("a list");
        for host in hosts {
            assert!(one_of(&host["verdict"], VERDICTS) && one_of(&host["role"], ROLES), "{host}");
            assert!(one_of(&host["confidence"], &["observed", "inferred"]), "{host}");
        }
        for finding in findings {
            assert!(one_of(&finding["severity"], &["critical", "warning", "info"]), "{finding}");
        }
        let root = &case["diagnosis"]["root_cause"];
        if !root.is_null() {
            let finding =
                root["finding"].as_u64().and_then(|i| findings.get(i as usize)).expect("the finding is there");
            assert_eq!(finding["host"], root["host"], "{}", sample.name);
            let host = hosts.iter().find(|h| h["name"] == root["host"]).expect("the host is there");
            assert_eq!(host["verdict"], root["verdict"], "{}", sample.name);
        }
    }
}

#[test]
fn the_check_itself_refuses_what_is_wrong() {
    let schema = json::schema();
    let sample = samples::all().remove(0);
    let case = serde_json::to_value(json::case(&sample.analyse(&samples::quiet()).report, Lang::En)).expect("JSON");
    assert!(errors(&schema, &case).is_empty());
    for (pointer, wrong) in [
        ("/schema", Value::Null),
        ("/evidence/0/bytes", Value::from("many")),
        ("/evidence/0/bytes", Value::from(-1)),
        ("/hosts/0/required", Value::from(3)),
        ("/hosts/0/connections", Value::from(Map::new())),
    ] {
        let mut broken = case.clone();
        *broken.pointer_mut(pointer).expect("the field is there") = wrong;
        assert!(!errors(&schema, &broken).is_empty(), "{pointer} passes");
    }
    let mut more = case;
    more["surprise"] = Value::from(1);
    assert!(!errors(&schema, &more).is_empty());
}

/// What is wrong with `value`, by place. Knows the keywords that derived schemas use, and no others; fields that the
/// schema does not name are wrong too, since a reader could not know them.
fn errors(schema: &Value, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check(schema, schema, value, "", &mut out);
    out
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str, out: &mut Vec<String>) {
    let Some(keywords) = schema.as_object() else {
        assert_eq!(schema, &Value::Bool(true), "a schema is an object or true");
        return;
    };
    for (keyword, rule) in keywords {
        let good = match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
            "$ref" => {
                let target = rule.as_str().and_then(|r| root.pointer(r.trim_start_matches('#')));
                check(root, target.expect("the reference leads somewhere"), value, at, out);
                true
            }
            "type" => match rule {
                Value::Array(kinds) => kinds.iter().any(|k| is_of(value, k)),
                kind => is_of(value, kind),
            },
            "const" => value == rule,
            "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
            "minimum" => value.as_f64().is_none_or(|v| rule.as_f64().is_some_and(|least| v >= least)),
            "maximum" => value.as_f64().is_none_or(|v| rule.as_f64().is_some_and(|most| v <= most)),
            "anyOf" => rule.as_array().is_some_and(|all| {
                all.iter().any(|one| {
                    let mut wrong = Vec::new();
                    check(root, one, value, at, &mut wrong);
                    wrong.is_empty()
                })
            }),
            "items" => {
                for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, rule, item, &format!("{at}/{i}"), out);
                }
                true
            }
            "required" => rule.as_array().is_some_and(|names| {
                value.as_object().is_none_or(|o| names.iter().filter_map(Value::as_str).all(|n| o.contains_key(n)))
            }),
            "properties" => {
                for (name, field) in value.as_object().into_iter().flatten() {
                    match rule.get(name) {
                        Some(rule) => check(root, rule, field, &format!("{at}/{name}"), out),
                        None => out.push(format!("{at}/{name}: not in the schema")),
                    }
                }
                true
            }
            other => panic!("the schema uses {other}, which is not checked here yet"),
        };
        if !good {
            out.push(format!("{at}: {keyword}"));
        }
    }
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => panic!("no such type: {kind}"),
    }
}
