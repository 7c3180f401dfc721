//! A day of 10,000 processes that start together and ask one server for tokens: what the server sees of the rules of this
//! library, and of those of others. See ../README.md.
//!
//!     cargo bench --bench fleet --features _fleet

mod clients;
mod plot;
mod random;
mod server;
mod simulation;

use connectcreds::fleet::Process;

use clients::{AZURE_IDENTITY, BOTOCORE, GOOGLE_AUTH, HTTR2, Other, POSIT_SDK, Rules};
use server::{MINUTE_MS, OUTAGE, SECOND_MS};
use simulation::{DAY_MS, Seen, simulate};

/// The tables and the picture are of the first one.
const SEEDS: [u64; 5] = [17, 18, 19, 20, 21];

fn main() {
    let of = |rules: &'static Rules| simulate(SEEDS[0], || Other::new(rules));
    let days = [
        ("libconnectcreds", simulate(SEEDS[0], Process::default)),
        ("connectcreds on httr2", of(&HTTR2)),
        ("posit-sdk", of(&POSIT_SDK)),
        ("google-auth", of(&GOOGLE_AUTH)),
        ("azure-identity", of(&AZURE_IDENTITY)),
        ("botocore", of(&BOTOCORE)),
    ];
    println!("Requests per second at the server, from the third minute on\n");
    println!(
        "  {:<22} {:>8} {:>10} {:>8} {:>10} {:>12} {:>14}",
        "", "mean", "most in 1s", "at", "most in 1m", "most / mean", "after outage"
    );
    for (name, seen) in &days {
        let rates = Rates::of(seen);
        println!(
            "  {name:<22} {:>8.2} {:>10.0} {:>5}:{:02} {:>10.1} {:>12.1} {:>14.1}",
            rates.mean,
            rates.most_second,
            rates.most_at_minute / 60,
            rates.most_at_minute % 60,
            rates.most_minute,
            rates.most_second / rates.mean,
            rates.after_outage
        );
    }
    println!("\nCalls\n");
    println!(
        "  {:<22} {:>10} {:>10} {:>12} {:>12} {:>10} {:>12}",
        "", "all", "failed", "with a token", "in outage", "waited", "longest, s"
    );
    for (name, seen) in &days {
        println!(
            "  {name:<22} {:>10} {:>10} {:>12} {:>12} {:>10} {:>12.1}",
            seen.calls,
            seen.failed,
            seen.failed_with_token,
            seen.failed_in_outage,
            seen.waited,
            seen.longest_ms as f64 / 1000.0
        );
    }
    println!("\nlibconnectcreds by other seeds: most / mean in a second and in a minute, after outage\n");
    for seed in &SEEDS[1..] {
        let rates = Rates::of(&simulate(*seed, Process::default));
        println!(
            "  {seed:<22} {:>8.1} {:>10.1} {:>14.1}",
            rates.most_second / rates.mean,
            rates.most_minute / rates.mean,
            rates.after_outage
        );
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fleet.svg");
    match std::fs::write(path, plot::svg(&days)) {
        Ok(()) => println!("\n{path} shows them."),
        Err(why) => println!("\n{path} cannot be written: {why}"),
    }
}

/// Rates of a day, in requests per second, from the third minute on.
struct Rates {
    mean: f64,
    most_second: f64,
    /// When that was, in minutes since the beginning.
    most_at_minute: usize,
    most_minute: f64,
    /// The most in a minute of the ten minutes after the outage, by the mean rate of the hour before it.
    after_outage: f64,
}

impl Rates {
    fn of(seen: &Seen) -> Self {
        let between = |from_ms: i64, to_ms: i64| {
            &seen.requests[(from_ms / SECOND_MS) as usize..(to_ms / SECOND_MS) as usize]
        };
        let settled = between(2 * MINUTE_MS, DAY_MS);
        let after = between(OUTAGE.1, OUTAGE.1 + 10 * MINUTE_MS);
        let before = between(OUTAGE.0 - 60 * MINUTE_MS, OUTAGE.0);
        let most = settled.iter().copied().max().unwrap_or_default();
        let most_at = settled.iter().position(|requests| *requests == most);
        Self {
            mean: mean(settled),
            most_second: f64::from(most),
            most_at_minute: most_at.unwrap_or_default() / 60 + 2,
            most_minute: most_minute(settled),
            after_outage: most_minute(after) / mean(before),
        }
    }
}

fn mean(seconds: &[u32]) -> f64 {
    seconds.iter().map(|requests| f64::from(*requests)).sum::<f64>() / seconds.len() as f64
}

/// The most requests per second in any minute.
fn most_minute(seconds: &[u32]) -> f64 {
    seconds.windows(60).map(mean).fold(0.0, f64::max)
}
