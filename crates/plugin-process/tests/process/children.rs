//! What this binary is when it is not the test.

use crate::actor::Actor;
use crate::bench::Bench;
use meterbox_plugin_abi::PluginObject;
use meterbox_plugin_process::child::{Child, Greeting};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

fn lane_0() -> UnixStream {
    UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned().unwrap())
}

/// A child that keeps to the protocol.
pub(crate) fn actor() -> ! {
    let (mut greeting, _file) = Greeting::receive(lane_0()).unwrap();
    greeting.answer(Ok("")).unwrap();
    let create =
        Box::new(|host, config: &str| Ok(PluginObject::of(Box::new(Actor::create(host, config)?))));
    let lost = Box::new(|_: &_| std::process::exit(0));
    let child = Child::start(greeting, create, lost).unwrap();
    child.join();
    std::process::exit(0);
}

/// A small generator; the same seed gives the same garbage.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// A child that reads `HELLO` and then sends garbage on all lanes that it was given.
pub(crate) fn hostile(seed: &str) -> ! {
    let mut random = Random(seed.parse::<u64>().unwrap() * 0x9e37_79b9 + 1);
    let stdin = lane_0();
    let mut bytes = [0; 4096];
    let (_, files) = meterbox_plugin_process::fds::receive_with(&stdin, &mut bytes).unwrap();
    let mut lanes: Vec<UnixStream> = files
        .into_iter()
        .skip(2)
        .step_by(2)
        .map(UnixStream::from)
        .collect();
    lanes.insert(0, stdin);
    // HELLO is answered as it should be, now and then.
    let good = !random.next().is_multiple_of(4);
    if good {
        let done = [13, 0, 0, 0, 0x1f, 0, 0, 0];
        let payload = [0; 13];
        let _ = lanes[0]
            .write_all(&done)
            .and_then(|()| lanes[0].write_all(&payload));
    }
    for round in 0..200 {
        let at = random.next() as usize % if good { lanes.len() } else { 1 };
        let lane = &mut lanes[at];
        let mut frame = Vec::new();
        let len = (random.next() % 96) as u32;
        let kinds = [
            0x1f_u16, 0x20, 0x21, 0x22, 0x24, 0x29, 0x2a, 0x2b, 0x2d, 0x2f, 0x42, 0x99,
        ];
        let kind = kinds[random.next() as usize % kinds.len()];
        frame.extend_from_slice(&len.to_le_bytes());
        frame.extend_from_slice(&kind.to_le_bytes());
        frame.extend_from_slice(&u16::from(random.next().is_multiple_of(8)).to_le_bytes());
        // Small numbers everywhere: they look like counts and lengths.
        frame.extend((0..len).map(|_| (random.next() % 5) as u8));
        if random.next().is_multiple_of(16) {
            frame.truncate(frame.len() / 2);
        }
        if lane.write_all(&frame).is_err() {
            break;
        }
        if round % 8 == 0 {
            lane.set_nonblocking(true).unwrap();
            let _ = lane.read(&mut bytes);
            lane.set_nonblocking(false).unwrap();
        }
    }
    std::process::exit(0);
}

/// A host that prints the number of its child and waits to be killed.
pub(crate) fn parent() -> ! {
    let bench = Bench::new("");
    println!("{}", bench.get("pid").text());
    loop {
        std::thread::park();
    }
}
