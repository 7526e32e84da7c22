//! `multiproc` and its peers on the same work, side by side.
//!
//! `cargo run --release -p multiproc-benches -- --help` tells how.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are rounded to three digits anyway"
)]
#![expect(
    clippy::needless_pass_by_value,
    reason = "what workers are handed they own, however little they do with it"
)]

mod bench;
mod compare;
mod groups;
mod machine;
mod measure;
mod past;
mod plot;
mod python;
mod report;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use bench::Bench;
use compare::Comparison;
use groups::{GROUPS, Group};
use machine::Machine;
use measure::Failable;
use past::PastReport;
use report::Report;

const HELP: &str = "\
Measures multiproc beside its peers.

    multiproc-benches [NAME]... [--quick] [--out DIR] [--plot] [--compare OLD.json] [--list]
    multiproc-benches --from REPORT.json [--plot] [--compare OLD.json] [--out DIR]

NAME...             run these groups only
--quick             fewer samples and smaller cases, under a minute in all
--out DIR           where report.md and report.json go; benches/ in the target directory by default
--plot              draw the report, too: report.html, and each picture as a file in plots/
--compare OLD.json  say what became slower or faster than in an earlier report, beyond noise;
                    the exit code is 3 if something became slower
--from REPORT.json  measure nothing, and take this report
--list              print the groups";

/// The exit code if something became slower.
const SLOWER: u8 = 3;

/// What a reader of the figures should know.
const NOTES: &[&str] = &[
    "Contestants take turns, a sample each, after a round that does not count if it takes less than 5 ms; nothing is pinned. Ratios are of medians.",
    "`crossmist` 1.1.2 is absent: it does not work with current Rust, each of its spawns panics (`entered unreachable code`).",
    "CPython measures itself, in a process of its own that is idle in the others' turns.",
    "The load says what else ran on the machine: ratios suffer less from it than times.",
];

fn main() -> ExitCode {
    // Must be the first thing in `main`: in procspawn's children it is where the call is served,
    // and it does not return. It does not disturb us, nor we it: our children are served before
    // `main` and never come here; procspawn's lack our marker, so that our hook lets them pass.
    procspawn::init();
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprint(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// The command line.
struct Options {
    names: Vec<String>,
    quick: bool,
    out: PathBuf,
    plot: bool,
    compare: Option<PathBuf>,
    from: Option<PathBuf>,
}

#[expect(clippy::print_stdout, reason = "it is a program")]
fn run() -> Failable<ExitCode> {
    let mut options = Options {
        names: Vec::new(),
        quick: false,
        out: default_out()?,
        plot: false,
        compare: None,
        from: None,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(ExitCode::SUCCESS);
            }
            "--list" => {
                for group in GROUPS {
                    println!("{:<10} {}", group.name, group.about);
                }
                return Ok(ExitCode::SUCCESS);
            }
            "--plot" => options.plot = true,
            "--compare" | "--from" => {
                let path = arguments.next().map(PathBuf::from);
                let path = path.ok_or_else(|| format!("{argument} lacks its file"))?;
                match &*argument {
                    "--from" => options.from = Some(path),
                    _ => options.compare = Some(path),
                }
            }
            "--quick" => options.quick = true,
            "--out" => options.out = arguments.next().ok_or("--out lacks its directory")?.into(),
            name if GROUPS.iter().any(|group| group.name == name) => {
                options.names.push(argument);
            }
            other => return Err(format!("there is no `{other}`; see --help and --list").into()),
        }
    }
    // Before the minutes that measuring takes.
    let old = options.compare.as_deref().map(PastReport::read);
    let old = old.transpose()?;
    let report = match &options.from {
        Some(path) => path.clone(),
        None => measure(&options)?,
    };
    let report = PastReport::read(&report)?;
    if options.plot {
        plot::write(&report, &options.out)?;
        println!("Drawn in {}", options.out.join("report.html").display());
    }
    let Some(old) = old else {
        return Ok(ExitCode::SUCCESS);
    };
    if (&old.machine.cpu, old.machine.cores, old.quick)
        != (&report.machine.cpu, report.machine.cores, report.quick)
    {
        println!(
            "Another machine, or another effort: it is only the ratios that can be compared.\n"
        );
    }
    let comparison = Comparison::of(&old, &report);
    println!("{}", comparison.text());
    Ok(if comparison.slower.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(SLOWER)
    })
}

/// Returns where the report is.
#[expect(clippy::print_stdout, reason = "it is a program")]
fn measure(options: &Options) -> Failable<PathBuf> {
    raise_descriptor_limit();
    let machine = Machine::look();
    println!("{}", machine.markdown());
    let mut bench = Bench::new(options.quick);
    let is_chosen =
        |group: &Group| options.names.is_empty() || options.names.iter().any(|n| n == group.name);
    for group in GROUPS.iter().filter(|group| is_chosen(group)) {
        bench.enter(group.name);
        (group.run)(&mut bench)?;
    }
    let report = Report {
        machine,
        quick: options.quick,
        tables: bench.into_tables(),
        notes: NOTES,
    };
    fs::create_dir_all(&options.out)?;
    let [markdown, json] = ["report.md", "report.json"].map(|name| options.out.join(name));
    fs::write(&markdown, report.markdown())?;
    fs::write(&json, serde_json::to_string_pretty(&report)?)?;
    println!("Written to {} and {}", markdown.display(), json.display());
    Ok(json)
}

/// A directory beside that of the profile, in whatever target directory this was built.
fn default_out() -> Failable<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).ok_or("no target directory")?;
    Ok(target.join("benches"))
}

/// A thousand live children take some.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    // If that is not allowed, the case that needs it will say so.
    let _ = setrlimit(Resource::Nofile, raised);
}

#[expect(clippy::print_stderr, reason = "it is a program")]
fn eprint(text: &str) {
    eprintln!("{text}");
}
