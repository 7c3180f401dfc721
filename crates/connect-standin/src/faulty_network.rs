//! A network between a client and a server, which delays, cuts, silences and changes what passes, by a plan.

use crate::standin::Standin;
use crate::wire::reset_when_closed;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::runtime;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

/// Bytes that one direction of a connection passes at most between two faults: those of a dozen exchanges.
const LATEST: usize = 8_000;
/// A connection that was silenced is reset after this time, far above the timeouts of clients, to bound their number.
const SILENCE: Duration = Duration::from_secs(10);

/// Which faults the connections of a [`FaultyNetwork`] have.
///
/// The seed decides kind and place of the faults of each direction of each connection, by the number of the connection.
#[derive(Clone, Copy, Debug)]
pub struct FaultPlan {
    /// Two networks with the same seed have the same faults.
    pub seed: u64,
    /// Whether bytes are also changed, repeated and swapped. Only TLS protects its client against that.
    pub changes_bytes: bool,
}

/// What happens to one direction of a connection after a number of bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Delay(Duration),
    Trickle,
    Silence,
    Close,
    Reset,
    Corrupt(u8),
    Duplicate,
    Reorder,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Direction {
    ToServer,
    ToClient,
}

/// The faults of one direction of a connection, one after the other.
#[derive(Debug)]
struct Faults {
    random: fastrand::Rng,
    changes_bytes: bool,
    next: Planned,
}

/// A fault, and after how many bytes of its direction it comes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Planned {
    fault: Fault,
    after_bytes: usize,
}

impl FaultPlan {
    fn of_connection(self, number: u64, direction: Direction) -> Faults {
        let seed = self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number << 1 | direction as u64);
        let mut random = fastrand::Rng::with_seed(seed);
        let next = Planned::any(&mut random, self.changes_bytes, 0);
        Faults {
            random,
            changes_bytes: self.changes_bytes,
            next,
        }
    }
}

impl Planned {
    fn any(random: &mut fastrand::Rng, changes_bytes: bool, passed: usize) -> Planned {
        let kinds = if changes_bytes { 8 } else { 5 };
        let fault = match random.u8(0..kinds) {
            0 => Fault::Delay(Duration::from_millis(random.u64(1..400))),
            1 => Fault::Trickle,
            2 => Fault::Silence,
            3 => Fault::Close,
            4 => Fault::Reset,
            5 => Fault::Corrupt(1 << random.u8(0..8)),
            6 => Fault::Duplicate,
            _ => Fault::Reorder,
        };
        // Some are in the first message of a connection, others where it has been kept for a while.
        let within = match random.u8(0..4) {
            0 => 1 << random.u8(0..11),
            _ => LATEST,
        };
        Planned {
            fault,
            after_bytes: passed + random.usize(0..within),
        }
    }
}

impl Faults {
    /// Returns the fault that comes before `end` bytes have passed, and plans the next one for the bytes behind `end`.
    fn take_before(&mut self, end: usize) -> Option<Planned> {
        (self.next.after_bytes < end).then(|| {
            let following = Planned::any(&mut self.random, self.changes_bytes, end);
            std::mem::replace(&mut self.next, following)
        })
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Fault::Delay(_) => "delayed",
            Fault::Trickle => "trickled",
            Fault::Silence => "silenced",
            Fault::Close => "closed",
            Fault::Reset => "reset",
            Fault::Corrupt(_) => "corrupted",
            Fault::Duplicate => "duplicated",
            Fault::Reorder => "reordered",
        }
    }
}

/// How a connection ends.
enum Ending {
    Close,
    Reset,
}

impl From<io::Error> for Ending {
    /// One side has reset its connection: the other side sees the same.
    fn from(_: io::Error) -> Ending {
        Ending::Reset
    }
}

#[derive(Debug)]
struct Shared {
    plan: Option<FaultPlan>,
    server: SocketAddr,
    met: Mutex<BTreeMap<&'static str, usize>>,
    is_down: watch::Sender<bool>,
}

impl Shared {
    fn count(&self, fault: Fault) {
        let mut met = self.met.lock().expect("no holder panics");
        *met.entry(fault.name()).or_default() += 1;
    }
}

/// A running network in front of a [`Standin`]. Dropping it resets its connections and joins its thread.
#[derive(Debug)]
pub struct FaultyNetwork {
    url: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultyNetwork {
    /// Starts a network on a port of loopback that the system chooses. Without a plan it has no faults.
    ///
    /// # Errors
    ///
    /// If there is no port or no thread.
    pub fn start(connect: &Standin, plan: Option<FaultPlan>) -> io::Result<FaultyNetwork> {
        let (scheme, server) = connect.origin().split_once("://").expect("a URL has a scheme");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = connect.url().replacen(
            connect.origin(),
            &format!("{scheme}://{}", listener.local_addr()?),
            1,
        );
        let shared = Arc::new(Shared {
            plan,
            server: server.parse().expect("the server's origin has an address"),
            met: Mutex::default(),
            is_down: watch::Sender::new(false),
        });
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _in_runtime = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let state = shared.clone();
        let thread = thread::Builder::new()
            .name("faulty-network".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = accept(state, listener) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(FaultyNetwork {
            url,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the URL by which a client reaches the server through this network.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns how many connections met each kind of fault.
    pub fn faults(&self) -> BTreeMap<&'static str, usize> {
        self.shared.met.lock().expect("no holder panics").clone()
    }

    /// Resets all connections, and new ones at once, until it is called with false: the server restarts.
    pub fn set_down(&self, is_down: bool) {
        self.shared.is_down.send_replace(is_down);
    }
}

impl Drop for FaultyNetwork {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(shared: Arc<Shared>, listener: tokio::net::TcpListener) {
    let mut number = 0;
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                tokio::spawn(connect(shared.clone(), client, number));
                number += 1;
            }
            // The client disconnected, or there is no free file descriptor. Both pass.
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Passes the bytes of one connection until it ends.
async fn connect(shared: Arc<Shared>, mut client: TcpStream, number: u64) {
    let mut down = shared.is_down.subscribe();
    let server = TcpStream::connect(shared.server).await;
    let (Ok(mut server), false) = (server, *down.borrow_and_update()) else {
        return reset_when_closed(&client);
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let of = |direction| shared.plan.map(|plan| plan.of_connection(number, direction));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let ending = tokio::select! {
        ended = async {
            tokio::try_join!(
                pass(&shared, from_client, to_server, of(Direction::ToServer)),
                pass(&shared, from_server, to_client, of(Direction::ToClient)),
            )
        } => ended.err(),
        _ = down.wait_for(|is_down| *is_down) => Some(Ending::Reset),
    };
    if let Some(Ending::Reset) = ending {
        reset_when_closed(&client);
        reset_when_closed(&server);
    }
}

/// Passes the bytes of one direction to their end, or to the end of the connection.
async fn pass(
    shared: &Shared,
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut faults: Option<Faults>,
) -> Result<(), Ending> {
    let mut buffer = vec![0; 16 * 1024];
    let mut passed = 0;
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            to.shutdown().await?;
            return Ok(());
        }
        let mut bytes = &mut buffer[..length];
        let due = faults
            .as_mut()
            .and_then(|faults| faults.take_before(passed + length));
        if let Some(Planned { fault, after_bytes }) = due {
            shared.count(fault);
            let (before, rest) = bytes.split_at_mut(after_bytes - passed);
            to.write_all(before).await?;
            let sent = apply(fault, rest, &mut to).await?;
            bytes = &mut rest[sent..];
        }
        to.write_all(bytes).await?;
        passed += length;
    }
}

/// Does what the fault does before or to `bytes`, which are sent next. Returns how many of them it has sent.
async fn apply(fault: Fault, bytes: &mut [u8], to: &mut WriteHalf<'_>) -> Result<usize, Ending> {
    match fault {
        Fault::Delay(time) => sleep(time).await,
        Fault::Trickle => {
            for byte in &*bytes {
                to.write_all(&[*byte]).await?;
                tokio::task::yield_now().await;
            }
            return Ok(bytes.len());
        }
        Fault::Silence => {
            sleep(SILENCE).await;
            return Err(Ending::Reset);
        }
        Fault::Close => return Err(Ending::Close),
        Fault::Reset => return Err(Ending::Reset),
        Fault::Corrupt(bit) => bytes[0] ^= bit,
        Fault::Duplicate => to.write_all(bytes).await?,
        Fault::Reorder => bytes.rotate_left(bytes.len() / 2),
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(seed: u64, changes_bytes: bool) -> Vec<Planned> {
        let plan = FaultPlan { seed, changes_bytes };
        let first = |number| plan.of_connection(number, Direction::ToClient).next;
        (0..1000).map(first).collect()
    }

    #[test]
    fn a_seed_decides_every_fault() {
        assert_eq!(planned(1, true), planned(1, true));
        assert_ne!(planned(1, true), planned(2, true));
    }

    #[test]
    fn bytes_are_changed_only_where_the_plan_says_so() {
        let changes = |planned: &Planned| {
            matches!(
                planned.fault,
                Fault::Corrupt(_) | Fault::Duplicate | Fault::Reorder
            )
        };
        assert!(!planned(1, false).iter().any(changes));
        assert!(planned(1, true).iter().any(changes));
    }

    #[test]
    fn a_connection_that_goes_on_has_another_fault() {
        let plan = FaultPlan {
            seed: 1,
            changes_bytes: true,
        };
        let mut faults = plan.of_connection(0, Direction::ToServer);
        let count = (1..1000)
            .filter(|end| faults.take_before(end * 1000).is_some())
            .count();
        assert!(count > 100, "{count}");
    }
}
