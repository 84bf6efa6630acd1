//! Command line → resolved options; the only file that knows clap.

pub mod help;
mod job;
mod near;

use crate::lang::Lang;
use crate::records;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
pub use job::{Color, Job, Options, ReportFormat};
use std::path::PathBuf;

/// Says what stopped a Microsoft Entra ID sign-in, from the network trace and the debug log.
///
/// Reads NetTrace.etl and NetTrace.cab (netsh trace), PktMon.etl, pcap and pcapng, NetMon captures, `--debug`/`-Debug`
/// logs and sign-in log exports; bare or inside cab, zip, gz, zst. Nothing leaves this machine.
#[derive(Debug, Parser)]
#[command(
    name = "nettriage",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    arg_required_else_help = true,
    after_help = help::PROGRAM
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    analyze: AnalyzeArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Analyse one case: all PATHs together (the default command)
    #[command(after_help = help::ANALYZE)]
    Analyze(AnalyzeArgs),
    /// Analyse every case below the folders: a report each, and a roll-up over all
    #[command(after_help = help::BATCH)]
    Batch(BatchArgs),
    /// Print the extracted facts, one record a line
    #[command(after_help = help::FACTS)]
    Facts(FactsArgs),
    /// Write any capture as pcapng that Wireshark opens
    #[command(after_help = help::CONVERT)]
    Convert(ConvertArgs),
    /// Show what differs between a working and a failing trace
    #[command(after_help = help::DIFF)]
    Diff(DiffArgs),
    /// Explain a finding; without CODE list them all
    #[command(after_help = help::EXPLAIN)]
    Explain(ExplainArgs),
    /// Print how to collect the evidence
    Guide(GuideArgs),
    /// Count the events of an ETL file by provider, id and version
    #[command(hide = true)]
    Census(CensusArgs),
    /// Print completions for a shell
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print a manual page (troff)
    #[command(after_help = help::MAN)]
    Man {
        /// Page of this command instead of the whole program
        command: Option<String>,
    },
    /// Print the JSON Schema of `--format json`
    #[command(hide = true)]
    Schema,
}

#[derive(Debug, Args)]
struct AnalyzeArgs {
    /// Captures, logs, archives or folders of one case; `-` reads standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Format of the report
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = FormatArg::Text)]
    format: FormatArg,
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    read: ReadArgs,
    /// Lowest severity that makes the exit status 1
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = FailOn::Critical, value_name = "SEVERITY")]
    fail_on: FailOn,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// Write to this file instead of standard output
    #[arg(help_heading = help::REPORT, short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Language of the report [default: the locale, else en]
    #[arg(help_heading = help::REPORT, long, value_enum)]
    lang: Option<LangArg>,
    /// Replace user names, tenants, internal hosts and addresses by placeholders, the same one for the same name
    #[arg(help_heading = help::REPORT, long)]
    redact: bool,
    /// Threads to use [default: all cores]
    #[arg(help_heading = help::READING, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Colours
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = ColorArg::Auto, value_name = "WHEN")]
    color: ColorArg,
    /// Show all evidence in text reports, say more on standard error
    #[arg(help_heading = help::MESSAGES, short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(help_heading = help::MESSAGES, short, long, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Args)]
struct ReadArgs {
    /// TLS key log (SSLKEYLOGFILE) that opens the customer's sessions; `convert` puts it into the file for Wireshark
    #[arg(help_heading = help::READING, long, value_name = "FILE")]
    keylog: Vec<PathBuf>,
    /// Read files instead of mapping them into memory
    #[arg(help_heading = help::READING, long)]
    no_mmap: bool,
    /// Keep the copies of packets that multi-layer captures hold
    #[arg(help_heading = help::READING, long)]
    keep_duplicates: bool,
    /// Bytes of one window of a capture
    #[arg(help_heading = help::READING, long, hide = true, value_name = "BYTES")]
    window: Option<usize>,
}

#[derive(Debug, Args)]
struct BatchArgs {
    /// Folders (or files) to search for cases
    #[arg(required = true, value_name = "FOLDER")]
    paths: Vec<PathBuf>,
    /// Folder for the reports
    #[arg(help_heading = help::REPORT, short, long, value_name = "OUT")]
    output: PathBuf,
    /// Formats of the reports per case, several with commas between them (--format json,html)
    #[arg(help_heading = help::REPORT, long, value_enum, value_delimiter = ',', default_values_t = [FormatArg::Json, FormatArg::Html])]
    format: Vec<FormatArg>,
    /// Skip cases whose report of the same content, options and version is there (not with --redact)
    #[arg(help_heading = help::READING, long)]
    resume: bool,
    /// Language of the reports [default: the locale, else en]
    #[arg(help_heading = help::REPORT, long, value_enum)]
    lang: Option<LangArg>,
    /// Replace names and addresses by placeholders
    #[arg(help_heading = help::REPORT, long)]
    redact: bool,
    /// Threads to use [default: all cores]
    #[arg(help_heading = help::READING, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Lowest severity that makes the exit status 1
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = FailOn::Critical, value_name = "SEVERITY")]
    fail_on: FailOn,
    /// Colours of the roll-up on the screen
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = ColorArg::Auto, value_name = "WHEN")]
    color: ColorArg,
    /// Say on standard error what became of each case; show all evidence in text reports
    #[arg(help_heading = help::MESSAGES, short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(help_heading = help::MESSAGES, short, long, conflicts_with = "verbose")]
    quiet: bool,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Args)]
struct FactsArgs {
    /// Captures, logs, archives or folders; `-` reads standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Format of the records
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = FactsFormatArg::Jsonl)]
    format: FactsFormatArg,
    /// Only records of these types, several with commas between them
    #[arg(help_heading = help::REPORT, long = "type", value_name = "TYPE", value_delimiter = ',', value_parser = records::TYPES)]
    types: Vec<String>,
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    read: ReadArgs,
}

#[derive(Debug, Args)]
struct ConvertArgs {
    /// Capture to read; `-` is standard input
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// pcapng file to write; `-` is standard output
    #[arg(help_heading = help::REPORT, short, long, value_name = "OUT.pcapng")]
    output: PathBuf,
    #[command(flatten)]
    read: ReadArgs,
    /// Refused: a capture cannot be redacted
    #[arg(long, hide = true)]
    redact: bool,
    /// Threads to use [default: all cores]
    #[arg(help_heading = help::READING, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Nothing is coloured
    #[arg(long, hide = true, value_enum)]
    color: Option<ColorArg>,
    /// Language of the messages [default: the locale, else en]
    #[arg(help_heading = help::MESSAGES, long, value_enum)]
    lang: Option<LangArg>,
    /// Say on standard error how many frames were written
    #[arg(help_heading = help::MESSAGES, short, long, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Say nothing on standard error but errors
    #[arg(help_heading = help::MESSAGES, short, long, conflicts_with = "verbose")]
    quiet: bool,
}

/// Options of all commands that change nothing where no evidence is read: taken, so that a script can give the same
/// ones to each.
#[derive(Debug, Args)]
struct IdleArgs {
    /// Nothing of a customer is told
    #[arg(long, hide = true)]
    redact: bool,
    /// One thread does
    #[arg(long, hide = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Nothing is coloured
    #[arg(long, hide = true, value_enum)]
    color: Option<ColorArg>,
    /// There is no more to say
    #[arg(short, long, hide = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Nothing is said but errors
    #[arg(short, long, hide = true, conflicts_with = "verbose")]
    quiet: bool,
}

#[derive(Debug, Args)]
struct DiffArgs {
    /// Trace in which the sign-in works
    good: PathBuf,
    /// Trace in which it fails
    bad: PathBuf,
    /// Format of the report
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = DiffFormatArg::Text)]
    format: DiffFormatArg,
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    read: ReadArgs,
    /// Lowest severity that makes the exit status 1, of the findings that BAD alone has
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = FailOn::Critical, value_name = "SEVERITY")]
    fail_on: FailOn,
}

#[derive(Debug, Args)]
struct ExplainArgs {
    /// Code of a finding
    code: Option<String>,
    /// Language [default: the locale, else en]
    #[arg(help_heading = help::REPORT, long, value_enum)]
    lang: Option<LangArg>,
    /// Format
    #[arg(help_heading = help::REPORT, long, value_enum, default_value_t = ExplainFormatArg::Text)]
    format: ExplainFormatArg,
    /// Write to this file instead of standard output
    #[arg(help_heading = help::REPORT, short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    idle: IdleArgs,
}

#[derive(Debug, Args)]
struct GuideArgs {
    /// Language [default: the locale, else en]
    #[arg(help_heading = help::REPORT, long, value_enum)]
    lang: Option<LangArg>,
    /// Write to this file instead of standard output
    #[arg(help_heading = help::REPORT, short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    idle: IdleArgs,
}

#[derive(Debug, Args)]
struct CensusArgs {
    /// ETL file
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    Text,
    Json,
    Jsonl,
    Html,
    Markdown,
    Csv,
}

/// A comparison has no tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DiffFormatArg {
    Text,
    Json,
    Jsonl,
    Html,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FactsFormatArg {
    Jsonl,
    Csv,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainFormatArg {
    Text,
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LangArg {
    En,
    Ja,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ColorArg {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Info,
    Warning,
    Critical,
    Never,
}

impl From<FormatArg> for ReportFormat {
    fn from(f: FormatArg) -> ReportFormat {
        match f {
            FormatArg::Text => ReportFormat::Text,
            FormatArg::Json => ReportFormat::Json,
            FormatArg::Jsonl => ReportFormat::Jsonl,
            FormatArg::Html => ReportFormat::Html,
            FormatArg::Markdown => ReportFormat::Markdown,
            FormatArg::Csv => ReportFormat::Csv,
        }
    }
}

impl From<DiffFormatArg> for ReportFormat {
    fn from(f: DiffFormatArg) -> ReportFormat {
        match f {
            DiffFormatArg::Text => ReportFormat::Text,
            DiffFormatArg::Json => ReportFormat::Json,
            DiffFormatArg::Jsonl => ReportFormat::Jsonl,
            DiffFormatArg::Html => ReportFormat::Html,
            DiffFormatArg::Markdown => ReportFormat::Markdown,
        }
    }
}

/// How much is said: less than 0 for `-q`, more for each `-v`.
fn verbosity(quiet: bool, verbose: u8) -> i8 {
    if quiet { -1 } else { i8::try_from(verbose).unwrap_or(i8::MAX) }
}

fn color(arg: ColorArg) -> Color {
    match arg {
        ColorArg::Auto => Color::Auto,
        ColorArg::Always => Color::Always,
        ColorArg::Never => Color::Never,
    }
}

fn lang(arg: Option<LangArg>) -> Lang {
    match arg {
        Some(LangArg::En) => Lang::En,
        Some(LangArg::Ja) => Lang::Ja,
        None => sys_locale::get_locale().map_or(Lang::En, |l| Lang::from_locale(&l)),
    }
}

impl ReadArgs {
    fn fill(self, options: &mut Options) {
        options.keylogs = self.keylog;
        options.no_mmap = self.no_mmap;
        options.keep_duplicates = self.keep_duplicates;
        if let Some(window) = self.window {
            options.window = window.clamp(1 << 16, 1 << 30);
        }
    }
}

impl CommonArgs {
    fn resolve(self, read: ReadArgs) -> (Option<PathBuf>, Options) {
        let mut options = Options {
            lang: lang(self.lang),
            redact: self.redact,
            threads: self.threads.map_or(0, usize::from),
            color: color(self.color),
            verbosity: verbosity(self.quiet, self.verbose),
            ..Options::default()
        };
        read.fill(&mut options);
        (self.output, options)
    }
}

fn fail_on(arg: FailOn) -> Option<crate::finding::Severity> {
    use crate::finding::Severity;
    match arg {
        FailOn::Info => Some(Severity::Info),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Critical => Some(Severity::Critical),
        FailOn::Never => None,
    }
}

/// The manual page of a command, or of the program. Ends the process (status 2) where there is no such command.
fn manual(command: Option<&str>) -> String {
    let mut program = Cli::command();
    // Names the commands in full, as their pages do.
    program.build();
    let page = match command {
        None => program,
        Some(name) => match program.find_subcommand(name) {
            Some(found) => found.clone().display_name(format!("nettriage-{name}")),
            None => program.error(clap::error::ErrorKind::InvalidSubcommand, format!("no command '{name}'")).exit(),
        },
    };
    let mut out = Vec::new();
    // Writing to memory cannot fail.
    let _ = clap_mangen::Man::new(page).render(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Ends the process (status 2) where the first path is none, but a command that stands behind options or is misspelt:
/// taken for a path, `bacth traces -o reports` would write one report in the place of a folder.
fn refuse_command_as_path(paths: &[PathBuf]) {
    let Some(name) = paths.first().filter(|path| !path.exists()).and_then(|path| path.to_str()) else { return };
    let mut program = Cli::command();
    if program.find_subcommand(name).is_some() {
        let text = format!("the command '{name}' comes before all options: nettriage {name} [OPTIONS]");
        program.error(clap::error::ErrorKind::ArgumentConflict, text).exit();
    }
    let commands = program.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name);
    if let Some(meant) = near::nearest(name, commands) {
        let text = format!("'{name}' is neither a file nor a command; did you mean '{meant}'?");
        program.error(clap::error::ErrorKind::InvalidSubcommand, text).exit();
    }
}

/// The job that the process's arguments ask for. Ends the process on `--help`, `--version` and wrong usage (status 2).
pub fn job() -> Job {
    let cli = Cli::parse();
    if cli.command.is_none() {
        refuse_command_as_path(&cli.analyze.paths);
    }
    match cli.command.unwrap_or(Command::Analyze(cli.analyze)) {
        Command::Analyze(a) => {
            let (output, mut options) = a.common.resolve(a.read);
            options.fail_on = fail_on(a.fail_on);
            Job::Analyze { paths: a.paths, format: a.format.into(), output, options }
        }
        Command::Batch(b) => {
            let mut options = Options {
                lang: lang(b.lang),
                redact: b.redact,
                threads: b.threads.map_or(0, usize::from),
                color: color(b.color),
                verbosity: verbosity(b.quiet, b.verbose),
                fail_on: fail_on(b.fail_on),
                ..Options::default()
            };
            b.read.fill(&mut options);
            let formats = b.format.into_iter().map(ReportFormat::from).collect();
            Job::Batch { paths: b.paths, output: b.output, formats, resume: b.resume, options }
        }
        Command::Facts(f) => {
            let (output, options) = f.common.resolve(f.read);
            let csv = f.format == FactsFormatArg::Csv;
            Job::Facts { paths: f.paths, csv, types: f.types, output, options }
        }
        Command::Convert(c) => {
            let verbosity = verbosity(c.quiet, c.verbose);
            let threads = c.threads.map_or(0, usize::from);
            let mut options =
                Options { lang: lang(c.lang), redact: c.redact, threads, verbosity, ..Options::default() };
            c.read.fill(&mut options);
            Job::Convert { input: c.input, output: c.output, options }
        }
        Command::Diff(d) => {
            let (output, mut options) = d.common.resolve(d.read);
            options.fail_on = fail_on(d.fail_on);
            Job::Diff { good: d.good, bad: d.bad, format: d.format.into(), output, options }
        }
        Command::Explain(e) => {
            let markdown = e.format == ExplainFormatArg::Markdown;
            Job::Explain { code: e.code, lang: lang(e.lang), markdown, output: e.output }
        }
        Command::Guide(g) => Job::Guide { lang: lang(g.lang), output: g.output },
        Command::Census(c) => Job::Census { path: c.path },
        Command::Completions { shell } => {
            let mut out = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "nettriage", &mut out);
            Job::Print(String::from_utf8_lossy(&out).into_owned())
        }
        Command::Man { command } => Job::Print(manual(command.as_deref())),
        Command::Schema => {
            let text = serde_json::to_string_pretty(&crate::report::json::schema()).unwrap_or_default();
            Job::Print(text + "\n")
        }
    }
}
