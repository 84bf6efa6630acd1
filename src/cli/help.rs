//! What stands below the options in `--help`, and the headings that part them.

/// Options on what comes out.
pub const REPORT: &str = "Report";
/// Options on how evidence is read.
pub const READING: &str = "Reading";
/// Options on what is said on standard error.
pub const MESSAGES: &str = "Messages";

/// Below the help of the program.
pub const PROGRAM: &str = "\
Examples:
  nettriage NetTrace.etl NetTrace.cab debug.txt     one case, report on the screen
  nettriage case-folder --lang ja                   a folder is one case; report in Japanese
  nettriage capture.pcapng --format html -o r.html  a page to open in a browser
  nettriage batch traces -o reports                 every trace below a folder
  nettriage explain proxy_denied                    what a finding means

Exit status: 0 nothing at or above --fail-on, 1 such a finding, 2 bad usage or unreadable input.";

/// Below the help of `analyze`.
pub const ANALYZE: &str = "\
Examples:
  nettriage analyze NetTrace.etl NetTrace.cab debug.txt  all evidence of one problem together
  nettriage analyze case.zip --format markdown           to paste into a ticket
  nettriage analyze trace.pcapng --keylog keys.txt       opens the sessions of the key log
  nettriage analyze - --format json < trace.pcapng       from a pipe, for a script

Exit status: 0 nothing at or above --fail-on, 1 such a finding, 2 bad usage or unreadable input.";

/// Below the help of `batch`.
pub const BATCH: &str = "\
What is a case: logs and cabinets with a capture's name (a.etl, a.cab, a-debug.log) belong to it; a subfolder with \
up to eight captures and something else beside them is one case; every other capture, log or archive is its own.

What is written to OUT: cases/ with a report per case and format; rollup.html, rollup.txt, rollup.json, rollup.csv; \
and .nettriage/ with what --resume needs. The roll-up also goes to standard output; with --format jsonl standard \
output has one line a case instead, each as soon as all cases before it are done.

Examples:
  nettriage batch traces -o reports                 HTML and JSON per case, and the roll-up
  nettriage batch traces -o reports --resume        goes on after Ctrl-C, or with what is new
  nettriage batch a b -o reports --format markdown  several folders
  nettriage batch traces -o reports --format jsonl | jq -c '[.case, .diagnosis.outcome]'

Exit status: 0 nothing at or above --fail-on, 1 such a finding, 2 bad usage or unreadable input, \
130 after Ctrl-C.";

/// Below the help of `facts`.
pub const FACTS: &str = "\
Examples:
  nettriage facts trace.etl                               everything, one JSON object a line
  nettriage facts traces --type client_hello,dns          only these, of all captures of a folder
  nettriage facts trace.pcap --format csv --type connect  a table
  nettriage facts az-debug.txt                            what a debug log tells, one object an event

Exit status: 0 all was read, 2 bad usage or unreadable input.";

/// Below the help of `convert`.
pub const CONVERT: &str = "\
Examples:
  nettriage convert NetTrace.etl -o trace.pcapng            for Wireshark
  nettriage convert NetTrace.zip -o - | tshark -r -         through a pipe

Exit status: 0 written, 2 bad usage or unreadable input.";

/// Below the help of `diff`.
pub const DIFF: &str = "\
Examples:
  nettriage diff good.pcapng bad.pcapng                     what differs, the most telling first
  nettriage diff monday-folder tuesday-folder --lang ja     each is a case; in Japanese

Exit status: 0 BAD alone has no finding at or above --fail-on, 1 it has one, 2 bad usage or unreadable input.";

/// Below the help of `explain`.
pub const EXPLAIN: &str = "\
Examples:
  nettriage explain                                         the list of all findings
  nettriage explain proxy_denied --lang ja                  one of them, in Japanese";

/// Below the help of `completions`.
pub const COMPLETIONS: &str = "\
Examples:
  nettriage completions bash > ~/.local/share/bash-completion/completions/nettriage
  nettriage completions powershell >> $PROFILE";

/// Below the help of `man`.
pub const MAN: &str = "\
Examples:
  nettriage man > nettriage.1
  nettriage man batch > nettriage-batch.1";
