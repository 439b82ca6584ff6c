//! Sends of which the kernel speaks and those of which it is silent; bells.

use super::*;

/// Enters until the kernel has nothing more to say; how often the bell was heard.
fn rung(ring: &mut SocketRing) -> usize {
    let mut count = 0;
    loop {
        ring.enter(Wait::No).unwrap();
        if !ring.has_collected() {
            return count;
        }
        while let Some(event) = ring.next_event() {
            count += usize::from(matches!(event, Event::Rung));
        }
    }
}

/// Sends `total` bytes in pieces to a peer that reads only once the socket is full; how often the ring spoke of
/// a part.
fn send_all(silence: bool, total: usize) -> usize {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut peer = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let socket = OwnedFd::from(listener.accept().unwrap().0);
    let mut ring = SocketRing::new(SLOTS_FEWEST, Arc::new(EventFd::new().unwrap())).unwrap();
    ring.silence = silence;
    let slot = ring.adopt(&socket).unwrap();
    drop(socket);
    let (mut handed, mut taken, mut parts, mut stuck) = (0, 0, 0, 0);
    let byte_at = |at: usize| (at % 251) as u8;
    let mut reader = None;
    while taken < total {
        if !ring.is_sending(slot) && handed < total {
            let len = (total - handed).min(300_000);
            ring.send(slot, (handed..handed + len).map(byte_at).collect());
            handed += len;
        }
        ring.enter(Wait::AtMost(Duration::from_millis(10))).unwrap();
        stuck = if ring.has_collected() { 0 } else { stuck + 1 };
        while let Some(event) = ring.next_event() {
            match event {
                Event::Sent(_, len, buffer) => {
                    taken += len;
                    parts += usize::from(buffer.is_none());
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(stuck < 1_000, "{taken} of {total} bytes were taken");
        if stuck > 2 && reader.is_none() {
            let mut peer = peer.try_clone().unwrap();
            reader = Some(std::thread::spawn(move || {
                let mut bytes = vec![0; total];
                std::io::Read::read_exact(&mut peer, &mut bytes).unwrap();
                bytes
            }));
        }
    }
    let arrived = reader.map(|reader| reader.join().unwrap()).unwrap_or_else(|| {
        let mut bytes = vec![0; total];
        std::io::Read::read_exact(&mut peer, &mut bytes).unwrap();
        bytes
    });
    assert!(arrived.iter().enumerate().all(|(at, &byte)| byte == byte_at(at)), "bytes out of order");
    parts
}

#[test]
fn a_silent_send_that_fills_the_socket_goes_on_where_it_stopped() {
    assert!(send_all(true, 32 << 20) > 0);
    assert_eq!(send_all(true, 1_000), 0);
}

#[test]
fn without_silence_every_byte_arrives_as_well() {
    send_all(false, 32 << 20);
    assert_eq!(send_all(false, 1_000), 0);
}

#[test]
fn a_bell_that_is_not_heeded_is_not_heard_until_it_is_again() {
    let bell = Arc::new(EventFd::new().unwrap());
    let mut ring = SocketRing::new(SLOTS_FEWEST, bell.clone()).unwrap();
    assert_eq!(rung(&mut ring), 0);
    bell.ring();
    assert_eq!(rung(&mut ring), 1);
    assert!(ring.watches_bell());
    ring.heed_bell(false);
    assert_eq!(rung(&mut ring), 0);
    assert!(!ring.watches_bell());
    bell.ring();
    assert_eq!(rung(&mut ring), 0);
    ring.heed_bell(true);
    assert_eq!(rung(&mut ring), 1);
    // Turned off and on in one go: the kernel is asked anew once it has let go.
    ring.heed_bell(false);
    ring.heed_bell(true);
    rung(&mut ring);
    assert!(ring.watches_bell());
    bell.ring();
    assert_eq!(rung(&mut ring), 1);
}
