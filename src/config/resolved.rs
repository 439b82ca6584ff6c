//! What was typed, understood on this machine: decided once, before anything starts.
//!
//! Flags win over the environment, that over the file, that over the defaults. The machine is an
//! argument, so that a test can be 64 cores wide. Whether the kernel agrees (addresses free, limits
//! high enough) is asked later, by the server's preflight.

use crate::base::limits;
use crate::config::options::Options;
use crate::config::raw::{ConfigError, Given, Origin, Raw};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

/// The CPUs this process may use.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Their numbers: the affinity mask.
    pub cpus: Vec<usize>,
    /// How many of them a container's quota pays for; never more than `cpus`.
    pub paid: usize,
}

/// A TCP address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Address and port; port 0 for one the kernel chooses.
    pub address: SocketAddr,
    /// Whether to go on without it when this machine has no such address.
    pub optional: bool,
}

/// A unix socket to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnixListen {
    /// Its path.
    pub path: PathBuf,
    /// Its permissions; `None` leaves them to the umask.
    pub mode: Option<u32>,
}

/// A configuration that can be acted on.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// Every option; `cores` is the real number of executors.
    pub options: Options,
    /// The configuration file, if there is one.
    pub file: Option<PathBuf>,
    /// TCP addresses, as `bind` and `port` mean them.
    pub listen: Vec<Listen>,
    /// The unix socket.
    pub unix: Option<UnixListen>,
    /// The CPU of each executor, or nothing when they float (`pin no`).
    pub cpus: Vec<usize>,
    /// What was ignored or adjusted, for the banner.
    pub warnings: Vec<String>,
}

/// Decides what `raw` means on `machine`.
pub fn resolve(raw: Raw, machine: &Machine) -> Result<Resolved, ConfigError> {
    let mut options = Options::default();
    for given in &raw.given {
        given.row.set(&mut options, &given.value).map_err(|reason| given.refused(&reason))?;
    }
    let cores_given = raw.given.iter().rfind(|given| given.row.name == "cores");
    if cores_given.is_none() {
        options.cores = machine.paid.clamp(1, limits::CORES_MAX) as u16;
    }
    let cores = usize::from(options.cores);
    if options.pin && cores > machine.cpus.len() {
        return Err(too_many_cores(cores, machine.cpus.len(), cores_given));
    }
    let bind_origin =
        raw.given.iter().rfind(|given| given.row.name == "bind").map(|given| given.origin.clone());
    let listen = options
        .bind
        .iter()
        .map(|text| listen_on(text, options.port, bind_origin.as_ref()))
        .collect::<Result<Vec<Listen>, ConfigError>>()?;
    if listen.is_empty() && options.unixsocket.is_empty() {
        return Err(ConfigError {
            origin: bind_origin,
            option: Some("bind"),
            sentence: "there is nothing to listen on: give bind an address, or unixsocket a path".into(),
        });
    }
    let unix = (!options.unixsocket.is_empty()).then(|| UnixListen {
        path: PathBuf::from(&options.unixsocket),
        mode: (options.unixsocketperm.0 != 0).then_some(options.unixsocketperm.0),
    });
    let cpus = if options.pin { machine.cpus[..cores].to_vec() } else { Vec::new() };
    Ok(Resolved { options, file: raw.file, listen, unix, cpus, warnings: raw.warnings })
}

fn too_many_cores(cores: usize, cpus: usize, given: Option<&Given>) -> ConfigError {
    ConfigError {
        origin: given.map(|given| given.origin.clone()),
        option: Some("cores"),
        sentence: format!(
            "{cores} cores are more than the {cpus} CPU{} this process may use; ask for at most {cpus}, or add \
             --no-pin to let executors share CPUs",
            if cpus == 1 { "" } else { "s" }
        ),
    }
}

/// One word of `bind`: an address or a name, `*`, `::*`, with a leading `-` when it may be missing.
fn listen_on(text: &str, port: u16, origin: Option<&Origin>) -> Result<Listen, ConfigError> {
    let optional = text.starts_with('-');
    let name = text.strip_prefix('-').unwrap_or(text);
    let ip: Option<IpAddr> = match name {
        "*" => Some(Ipv4Addr::UNSPECIFIED.into()),
        "::*" => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => name.trim_start_matches('[').trim_end_matches(']').parse().ok(),
    };
    let address = match ip {
        Some(ip) => Some(SocketAddr::new(ip, port)),
        None => (name, port).to_socket_addrs().ok().and_then(|mut found| found.next()),
    };
    match address {
        Some(address) => Ok(Listen { address, optional }),
        None => Err(ConfigError {
            origin: origin.cloned(),
            option: Some("bind"),
            sentence: format!(
                "bind cannot be '{text}': it must be an IPv4 or IPv6 address, a name of this machine, '*' or '::*'"
            ),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::row;

    fn machine(cpus: usize, paid: usize) -> Machine {
        Machine { cpus: (0..cpus).map(|cpu| cpu * 2).collect(), paid }
    }

    fn raw(pairs: &[(&str, &str)]) -> Raw {
        let given = pairs.iter().map(|(name, value)| Given {
            origin: Origin::Flag(format!("--{name}")),
            row: row(name.as_bytes()).expect("an option"),
            value: value.as_bytes().to_vec(),
        });
        Raw { given: given.collect(), ..Raw::default() }
    }

    fn refused(pairs: &[(&str, &str)]) -> ConfigError {
        resolve(raw(pairs), &machine(2, 2)).map(|_| ()).expect_err("refused")
    }

    #[test]
    fn cores_are_the_cpus_that_are_paid_for_and_pinned_in_order() {
        let resolved = resolve(raw(&[]), &machine(8, 3)).expect("valid");
        assert_eq!((resolved.options.cores, resolved.cpus), (3, vec![0, 2, 4]));
        assert!(resolved.options.cores_by_machine);
        let resolved = resolve(raw(&[("cores", "8")]), &machine(8, 3)).expect("affinity allows it");
        assert_eq!(resolved.options.cores, 8);
        assert!(!resolved.options.cores_by_machine);
    }

    #[test]
    fn more_cores_than_cpus_need_no_pin() {
        let error = refused(&[("cores", "99")]);
        assert_eq!(error.option, Some("cores"));
        assert_eq!(
            error.to_string(),
            "--cores: 99 cores are more than the 2 CPUs this process may use; ask for at most 2, or add --no-pin \
             to let executors share CPUs"
        );
        let resolved = resolve(raw(&[("cores", "4"), ("pin", "no")]), &machine(2, 2)).expect("they float");
        assert_eq!((resolved.options.cores, resolved.cpus.len()), (4, 0));
        for cores in ["0", "129", "many"] {
            assert_eq!(refused(&[("cores", cores), ("pin", "no")]).option, Some("cores"), "{cores}");
        }
    }

    #[test]
    fn the_last_of_equal_options_wins() {
        let resolved =
            resolve(raw(&[("port", "1"), ("timeout", "5"), ("port", "2")]), &machine(1, 1)).expect("valid");
        assert_eq!((resolved.options.port, resolved.options.timeout), (2, 5));
    }

    #[test]
    fn bind_takes_addresses_stars_and_forgiveness() {
        let resolved = resolve(raw(&[("bind", "127.0.0.1 -::1 * ::* [::1]"), ("port", "7")]), &machine(1, 1))
            .expect("valid");
        let shown: Vec<(String, bool)> =
            resolved.listen.iter().map(|listen| (listen.address.to_string(), listen.optional)).collect();
        let expected = [
            ("127.0.0.1:7", false),
            ("[::1]:7", true),
            ("0.0.0.0:7", false),
            ("[::]:7", false),
            ("[::1]:7", false),
        ];
        assert_eq!(shown, expected.map(|(address, optional)| (address.to_owned(), optional)));
        assert!(refused(&[("bind", "no/where")]).to_string().contains("bind cannot be 'no/where'"));
        assert!(refused(&[("bind", "")]).to_string().contains("nothing to listen on"));
        resolve(raw(&[("bind", ""), ("unixsocket", "/tmp/s")]), &machine(1, 1))
            .expect("a unix socket is enough");
    }
}
