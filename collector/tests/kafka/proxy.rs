//! A network that can be cut.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

pub struct Proxy {
    address: SocketAddr,
    wire: Arc<Mutex<Wire>>,
}

#[derive(Default)]
struct Wire {
    target: Option<SocketAddr>,
    cut: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    /// Listens; until it is said where it leads to, it hangs up on everybody.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let wire: Arc<Mutex<Wire>> = Arc::default();
        let shared = wire.clone();
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let _ = connect(&shared, near);
            }
        });
        Self { address, wire }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn lead_to(&self, target: SocketAddr) {
        self.wire.lock().unwrap().target = Some(target);
    }

    /// Hangs up on everybody, and for so long on those who come.
    pub fn cut(&self, lasts: Duration) {
        self.part();
        thread::sleep(lasts);
        self.mend();
    }

    /// Cuts all connections, and lets no other through until it is mended.
    pub fn part(&self) {
        let mut wire = self.wire.lock().unwrap();
        wire.cut = true;
        for stream in wire.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.wire.lock().unwrap().cut = false;
    }
}

fn connect(wire: &Arc<Mutex<Wire>>, near: TcpStream) -> io::Result<()> {
    let mut wire = wire.lock().unwrap();
    let (Some(target), false) = (wire.target, wire.cut) else {
        return near.shutdown(Shutdown::Both);
    };
    let far = TcpStream::connect(target)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    for (from, to) in [(&near, &far), (&far, &near)] {
        let (from, to) = (from.try_clone()?, to.try_clone()?);
        thread::spawn(move || copy(from, to));
    }
    wire.open.extend([near, far]);
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
