//! The process that is killed: a host with its clerk, as the program runs them. This binary starts it from itself.

use std::{
    env,
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use alloy::{
    primitives::{Address, B256},
    signers::local::PrivateKeySigner,
};
use serde::{Deserialize, Serialize};
use tracing_subscriber::{Layer, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt};
use tributary_chain::Chain;
use tributary_sdk::{client::Client, release::VersionRef};
use tributary_server::{
    clerk::{Clerk, Duties},
    host::{Host, Opening, Shelf, Source},
    http::{Access, Listening},
};

use super::moments::{Blow, Listener};
use crate::{
    studio::Studio,
    town::{DAY, run},
};

const ORDERS: &str = "TRIBUTARY_CRASH_ORDERS";
/// How long an epoch is.
pub(crate) const EPOCH: u64 = DAY;
const SIGKILL: i32 = 9;
/// Nothing takes this many looks unless it never comes.
pub(crate) const LOOKS: usize = 4_000;
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// What the process is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Orders {
    rpc: String,
    data: PathBuf,
    release: PathBuf,
    version: VersionRef,
    token: Address,
    host: B256,
    poster: B256,
    pub(crate) blow: Option<Blow>,
    /// Longest that a file may become, in blocks of 512 bytes.
    longest_file: Option<u64>,
    /// The moment from which on nothing can be written.
    full_at: Option<String>,
}

impl Orders {
    /// To serve a model and post its roots.
    pub(crate) fn of(studio: &Studio, poster: &PrivateKeySigner) -> Self {
        Self {
            rpc: studio.town().chain.url().to_owned(),
            data: studio.community.folder.path().to_owned(),
            release: studio.community.data.release(),
            version: studio.model.version,
            token: studio.town().dollar,
            host: studio.host.to_bytes(),
            poster: poster.to_bytes(),
            blow: None,
            longest_file: None,
            full_at: None,
        }
    }

    /// On a disk that is full once a file would become longer than this, in blocks of 512 bytes.
    pub(crate) fn with_files_up_to(self, blocks: u64) -> Self {
        Self { longest_file: Some(blocks), ..self }
    }

    /// On a disk that is full from a moment on.
    pub(crate) fn with_a_full_disk_from(self, moment: &str) -> Self {
        Self { full_at: Some(moment.to_owned()), ..self }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    fn opening(&self) -> Opening {
        let shelf = Shelf {
            data: self.data.clone(),
            source: Source::Run { release: self.release.clone(), version: self.version },
            token: self.token,
            options: Default::default(),
        };
        Opening {
            key: PrivateKeySigner::from_bytes(&self.host).unwrap(),
            onnxruntime: None,
            license_age: Duration::ZERO,
            block_age: Duration::MAX,
            request_timeout: Duration::from_secs(60),
            authority: None,
            keeps_inputs: 1,
            shelves: vec![shelf],
            library: None,
        }
    }

    /// The host and the clerk, who comes to moments in this order.
    pub(crate) async fn open(&self) -> (Arc<Host>, Clerk) {
        let chain = Chain::connect(&self.rpc).await.unwrap();
        let host = Arc::new(Host::open(&chain, self.opening()).await.unwrap());
        let duties = Duties {
            folder: self.data.join("submission"),
            key: PrivateKeySigner::from_bytes(&self.poster).unwrap(),
            more: Vec::new(),
            policy: tributary_submission::Policy::default(),
            epoch: EPOCH,
            every: Duration::from_millis(20),
        };
        let clerk = Clerk::open(Arc::clone(&host), duties).await.unwrap();
        (host, clerk)
    }
}

/// Not a test by itself: the process that the tests start and kill.
#[test]
#[ignore = "a child of other tests, which does nothing without their orders"]
fn the_process_that_is_killed() {
    let Ok(orders) = env::var(ORDERS) else { return };
    let orders: Orders = serde_json::from_str(&orders).unwrap();
    // Whoever started it may be killed as well.
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(1);
    });
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let listener = Listener::new(orders.blow.clone(), orders.full_at.clone());
    let moments = tracing_subscriber::filter::filter_fn(|event| event.target().ends_with("::moment"));
    tracing_subscriber::registry().with(log.with_filter(LevelFilter::INFO)).with(listener.with_filter(moments)).init();
    run(async {
        let (host, clerk) = orders.open().await;
        let listening = Listening::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
        println!("\nserving {}", listening.url());
        let access = Access { admin_token: None, max_body: 1 << 20, clerk: None };
        let serving = tokio::spawn(listening.serve(host, access, std::future::pending()));
        clerk.run(std::future::pending()).await;
        serving.await.unwrap().unwrap();
    });
}

/// What is known of a process.
#[derive(Debug, Default)]
struct Heard {
    url: Option<String>,
    moments: Vec<String>,
    is_struck: bool,
    ended: Option<ExitStatus>,
}

/// A running process. It is killed the moment it stops, or when it has lived as long as it should.
pub(crate) struct Process {
    child: Arc<Mutex<Child>>,
    heard: Arc<Mutex<Heard>>,
    log: Arc<Mutex<String>>,
}

impl Process {
    pub(crate) fn start(orders: &Orders) -> Self {
        // A limit on the length of files is the one full disk that needs no rights: the kernel refuses to make one longer.
        let limit = orders.longest_file.map(|blocks| blocks.to_string()).unwrap_or_default();
        let mut child = Command::new("sh")
            .args(["-c", "trap '' XFSZ; test -z \"$0\" || ulimit -f \"$0\"; exec \"$@\"", &limit])
            .arg(env::current_exe().unwrap())
            .args([
                "crash::process::the_process_that_is_killed",
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(ORDERS, serde_json::to_string(orders).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // No file: the disk may be full.
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (output, errors) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (child, heard) = (Arc::new(Mutex::new(child)), Arc::new(Mutex::new(Heard::default())));
        let process = Self { child, heard, log: Arc::default() };
        let served = match orders.blow {
            Some(Blow::Served(time)) => Some(time),
            _ => None,
        };
        process.listen(output, served);
        process.keep(errors);
        if let Some(Blow::After(life)) = orders.blow {
            strike_after(life, &process.child, &process.heard);
        }
        process
    }

    fn keep(&self, errors: ChildStderr) {
        let log = Arc::clone(&self.log);
        thread::spawn(move || {
            for line in BufReader::new(errors).lines().map_while(Result::ok) {
                let mut log = log.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
    }

    fn listen(&self, output: ChildStdout, served: Option<Duration>) {
        let (child, heard) = (Arc::clone(&self.child), Arc::clone(&self.heard));
        thread::spawn(move || {
            // The last line of somebody who is killed may be half a line.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(moment) = line.strip_prefix("at ") {
                    heard.lock().unwrap().moments.push(moment.to_owned());
                } else if let Some(url) = line.strip_prefix("serving ") {
                    heard.lock().unwrap().url = Some(url.to_owned());
                    if let Some(time) = served {
                        strike_after(time, &child, &heard);
                    }
                } else if line == "stopped" {
                    strike(&child, &heard);
                }
            }
            let ended = child.lock().unwrap().wait().unwrap();
            heard.lock().unwrap().ended = Some(ended);
        });
    }

    /// Kills it now; the moments that it came to.
    pub(crate) async fn end(&self) -> Vec<String> {
        strike(&self.child, &self.heard);
        for _ in 0..LOOKS {
            if let Some(moments) = self.killed() {
                return moments;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("it does not die");
    }

    /// A client of it, once it serves.
    pub(crate) async fn serving(&self) -> Client {
        for _ in 0..LOOKS {
            if let Some(url) = self.url() {
                return Client::connect(&url).await.unwrap();
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("no host comes up:\n{}", self.said());
    }

    /// Waits until its log has these words.
    pub(crate) async fn says(&self, words: &str) {
        for _ in 0..LOOKS {
            if self.said().contains(words) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("it never says `{words}`:\n{}", self.said());
    }

    /// From now on nothing can be written.
    pub(crate) fn fill_disk(&self) {
        keep_files_to(self.child.lock().unwrap().id(), "0");
    }

    /// From now on everything can be written.
    pub(crate) fn free_disk(&self) {
        keep_files_to(self.child.lock().unwrap().id(), "unlimited");
    }

    /// Where it serves, if it does so far.
    pub(crate) fn url(&self) -> Option<String> {
        self.heard.lock().unwrap().url.clone()
    }

    /// The moments that it has come to so far.
    pub(crate) fn moments(&self) -> Vec<String> {
        self.heard.lock().unwrap().moments.clone()
    }

    /// The moments that it came to, if it is dead. It must have been killed, and by nobody else.
    pub(crate) fn killed(&self) -> Option<Vec<String>> {
        let heard = self.heard.lock().unwrap();
        let ended = heard.ended?;
        assert!(heard.is_struck && ended.signal() == Some(SIGKILL), "it ended by itself, {ended}:\n{}", self.said());
        Some(heard.moments.clone())
    }

    /// Its log.
    pub(crate) fn said(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

/// Keeps a running process, which is this one or a child, from writing anything further into its files than this.
pub(super) fn keep_files_to(process: u32, length: &str) {
    let (process, limit) = (format!("--pid={process}"), format!("--fsize={length}:"));
    assert!(Command::new("prlimit").args([process, limit]).status().unwrap().success());
}

fn strike_after(time: Duration, child: &Arc<Mutex<Child>>, heard: &Arc<Mutex<Heard>>) {
    let (child, heard) = (Arc::clone(child), Arc::clone(heard));
    thread::spawn(move || {
        thread::sleep(time);
        strike(&child, &heard);
    });
}

fn strike(child: &Mutex<Child>, heard: &Mutex<Heard>) {
    heard.lock().unwrap().is_struck = true;
    child.lock().unwrap().kill().unwrap();
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.lock().unwrap().kill();
    }
}
