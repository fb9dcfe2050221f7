//! The names and amounts of a rate card's file, turned into Slurm's: `a100-gpu-hour`, `2GB`, `382GB/48`.
//!
//! A GB is Slurm's G, 1,024 MiB, for memory; stored data are counted in bytes and know both GB and GiB.

use super::card::Unit;
use super::consumption::GPU;
use super::exact::Exact;
use crate::cli::amount::digits;

/// What a key of `[rates]` is a price of, and what one unit of it is.
pub(super) fn priced(key: &str) -> Option<(String, Unit)> {
    let unit = |size| Unit { size: Exact::whole(size), whole: false };
    let name = key.strip_suffix("-hour")?;
    if name == "memory-gb" {
        return Some(("mem".to_owned(), unit(1_024)));
    }
    if name.starts_with("storage/") {
        let sizes = [("-gib", 1 << 30), ("-tib", 1 << 40), ("-gb", 1_000_000_000), ("-tb", 1_000_000_000_000)];
        let found = sizes.into_iter().find_map(|(suffix, size)| Some((name.strip_suffix(suffix)?, size)));
        return found.and_then(|(place, size)| Some((tres(place)?, unit(size))));
    }
    // A price of memory without its unit could be meant for a MiB as well.
    tres(name).filter(|name| name != "mem").map(|name| (name, Unit::ONE))
}

/// A TRES by the name that people use: `cpu`, `memory`, `gpu`, `a100-gpu`, `license/matlab`, or Slurm's own.
pub(super) fn tres(name: &str) -> Option<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/' | b'@');
    if name.len() > 128 || !name.bytes().all(allowed) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "cpu" | "node" | "billing" | "mem" => Some(name),
        "memory" => Some("mem".to_owned()),
        "gpu" => Some(GPU.to_owned()),
        _ => match name.strip_suffix("-gpu").filter(|of| !of.is_empty() && !of.contains(['/', ':'])) {
            Some(of) => Some(format!("{GPU}:{of}")),
            None => {
                let (kind, rest) = name.split_once('/')?;
                (!kind.is_empty() && !rest.is_empty()).then_some(name)
            }
        },
    }
}

/// So many of a TRES; memory may be written as `512MB`, `4GB` or `2TB` and is counted in MiB.
pub(super) fn count(text: &str) -> Option<u64> {
    let sizes = [("MB", 1), ("MiB", 1), ("GB", 1_024), ("GiB", 1_024), ("TB", 1_048_576), ("TiB", 1_048_576)];
    let (number, size) =
        sizes.iter().find_map(|(word, size)| Some((text.strip_suffix(word)?, *size))).unwrap_or((text, 1));
    digits(number.trim_end())?.checked_mul(size)
}

/// How many of a TRES one unit has: a count or, as `382GB/48`, a share of one.
pub(super) fn unit_size(text: &str) -> Option<Exact> {
    let (whole, parts) = text.split_once('/').unwrap_or((text, "1"));
    let (whole, parts) = (count(whole.trim())?, digits(parts.trim())?);
    Exact::new(i128::from(whole), i128::from(parts)).filter(|size| size.is_positive())
}

/// The decimals of a currency: those of ISO 4217 for what it lists with other than two.
pub(super) fn decimals(code: &str) -> u8 {
    const NONE: [&str; 16] = [
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF",
    ];
    const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
    match code {
        _ if NONE.contains(&code) => 0,
        _ if THREE.contains(&code) => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_a_key_of_a_price_then_it_is_one_of_slurms_tres_or_none() {
        let named = |key| priced(key).map(|(name, unit)| (name, unit.size.over()));
        for (key, name, size) in [
            ("cpu-hour", "cpu", 1),
            ("memory-gb-hour", "mem", 1_024),
            ("gpu-hour", "gres/gpu", 1),
            ("A100-gpu-hour", "gres/gpu:a100", 1),
            ("a100_1g.5gb-gpu-hour", "gres/gpu:a100_1g.5gb", 1),
            ("gres/gpu:h100-hour", "gres/gpu:h100", 1),
            ("gres/gpumem-hour", "gres/gpumem", 1),
            ("license/matlab-hour", "license/matlab", 1),
            ("storage/work-tib-hour", "storage/work", 1 << 40),
            ("storage/work-gb-hour", "storage/work", 1_000_000_000),
        ] {
            assert_eq!(named(key), Some((name.to_owned(), size)), "{key}");
        }
        for key in
            ["cpu", "mem-hour", "disk-hour", "-gpu-hour", "storage/work-hour", "gres/-hour", "a b/c-hour", "-hour"]
        {
            assert_eq!(priced(key), None, "{key}");
        }
    }

    #[test]
    fn given_an_amount_then_it_is_exact_or_none() {
        assert_eq!([count("16"), count("2GB"), count("2 GiB"), count("512MB")], [16, 2_048, 2_048, 512].map(Some));
        assert_eq!([count("2G"), count("-1"), count("1.5GB"), count("GB")], [None; 4]);
        assert_eq!(unit_size("382GB/48"), Exact::new(382 * 1_024, 48));
        assert_eq!([unit_size("0"), unit_size("4GB/0"), unit_size("4/x")], [None; 3]);
        assert_eq!([decimals("EUR"), decimals("JPY"), decimals("KWD"), decimals("SU")], [2, 0, 3, 2]);
    }
}
