//! Binds the installed Slurm headers and tells the code which Slurm it is built for.
//!
//! The plugin is loaded by exactly the version it was built against (slurmctld compares major, minor and micro), so
//! the bindings are made at build time and never committed. Headers elsewhere: `BINDGEN_EXTRA_CLANG_ARGS=-IDIR`.

use std::cell::Cell;
use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use bindgen::callbacks::{IntKind, ParseCallbacks};

const REMEDY: &str = "install libslurm-dev and libclang-dev, or point BINDGEN_EXTRA_CLANG_ARGS=-IDIR at the headers \
                      and LIBCLANG_PATH at libclang.so";

/// `SLURM_VERSION_NUM(23,2,0)`: job_modify can send text.
const MODIFY_TEXT: u32 = 0x17_02_00;
/// `SLURM_VERSION_NUM(25,11,0)`: `job_id` became `step_id.job_id`.
const STEP_ID: u32 = 0x19_0b_00;
/// `SLURM_VERSION_NUM(22,5,0)`: the oldest whose calls are known.
const OLDEST: u32 = 0x16_05_00;

/// Remembers the version that the headers state.
#[derive(Debug, Clone, Default)]
struct Version(Rc<Cell<Option<u32>>>);

impl ParseCallbacks for Version {
    fn int_macro(&self, name: &str, value: i64) -> Option<IntKind> {
        if name != "SLURM_VERSION_NUMBER" {
            return None;
        }
        self.0.set(u32::try_from(value).ok());
        Some(IntKind::U32)
    }

    fn read_env_var(&self, key: &str) {
        println!("cargo::rerun-if-env-changed={key}");
    }

    fn include_file(&self, path: &str) {
        println!("cargo::rerun-if-changed={path}");
    }
}

fn bind() -> Result<u32, String> {
    let version = Version::default();
    let builder = bindgen::Builder::default()
        .header_contents(
            "bursar.h",
            "#include <slurm/slurm.h>\n#include <slurm/slurm_errno.h>\n#include <slurm/slurm_version.h>\n",
        )
        .allowlist_type("job_descriptor|job_desc_msg_t|slurm_err_t")
        .allowlist_var("SLURM_VERSION_NUMBER|NO_VAL|NO_VAL16|INFINITE|INFINITE16|ESLURM_.*")
        .prepend_enum_name(false)
        .derive_debug(false)
        .generate_comments(false)
        .formatter(bindgen::Formatter::None)
        .parse_callbacks(Box::new(version.clone()));
    // With libclang loaded at run time, bindgen reports its absence by a panic.
    let bindings = catch_unwind(AssertUnwindSafe(|| builder.generate()))
        .map_err(|_| format!("cannot load libclang to read the Slurm headers; {REMEDY}"))?
        .map_err(|cause| format!("cannot read <slurm/slurm.h>: {cause}; {REMEDY}"))?;
    let out = env::var_os("OUT_DIR").map(PathBuf::from).ok_or("OUT_DIR is not set: run through cargo")?;
    bindings.write_to_file(out.join("slurm.rs")).map_err(|cause| format!("cannot write the bindings: {cause}"))?;
    version.0.get().ok_or_else(|| format!("the Slurm headers state no SLURM_VERSION_NUMBER; {REMEDY}"))
}

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(slurm_modify_text)");
    println!("cargo::rustc-check-cfg=cfg(slurm_step_id)");
    // The fuzzer's build sets it by itself.
    println!("cargo::rustc-check-cfg=cfg(fuzzing)");
    match bind() {
        Ok(version) if version < OLDEST => {
            println!(
                "cargo::error=Slurm {version:#08x} is older than 22.05, the oldest that bursar knows; upgrade Slurm"
            );
            ExitCode::FAILURE
        }
        Ok(version) => {
            if version >= MODIFY_TEXT {
                println!("cargo::rustc-cfg=slurm_modify_text");
            }
            if version >= STEP_ID {
                println!("cargo::rustc-cfg=slurm_step_id");
            }
            ExitCode::SUCCESS
        }
        Err(fault) => {
            println!("cargo::error={}", fault.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}
