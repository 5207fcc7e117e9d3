//! Compiles `proto/` without any installed tool: messages and services for tonic, and the descriptors that the
//! REST side, the field checks and the OpenAPI document are read from.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};

use protox::prost_reflect::{DescriptorPool, ExtensionDescriptor, Kind, MessageDescriptor};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let out = PathBuf::from(std::env::var("OUT_DIR")?);

    // protox's own encoding keeps the extension data (HTTP bindings, rules); a decoded FileDescriptorSet loses it
    let plain = compile(&root, &files, false)?;
    std::fs::write(out.join("descriptors.bin"), plain.encode_file_descriptor_set())?;
    let documented = compile(&root, &files, true)?;
    std::fs::write(out.join("descriptors_documented.bin"), documented.encode_file_descriptor_set())?;

    tonic_prost_build::configure()
        .build_transport(false)
        .skip_debug(secret_holders(&documented.descriptor_pool()))
        .compile_fds(documented.file_descriptor_set())?;
    slim(&out)
}

/// Lets every unary method run through one function of ours. tonic's own is compiled anew for each method, streams,
/// compression and all, none of which these methods use.
fn slim(out: &Path) -> Result<(), Box<dyn Error>> {
    let (begin, end) =
        ("let codec = tonic_prost::ProstCodec::default();", "let res = grpc.unary(method, req).await;");
    for entry in std::fs::read_dir(out)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let mut slim = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some((piece, after)) = rest.split_once(end) {
            let (before, _) =
                piece.rsplit_once(begin).ok_or("tonic generates methods in another shape now")?;
            slim.push_str(before);
            slim.push_str("let res = crate::api::unary(method, req).await;");
            rest = after;
        }
        slim.push_str(rest);
        std::fs::write(&path, slim)?;
    }
    Ok(())
}

fn compile(root: &Path, files: &[PathBuf], documented: bool) -> Result<protox::Compiler, protox::Error> {
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_imports(true).include_source_info(documented).open_files(files)?;
    Ok(compiler)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}

/// Messages that hold a field marked secret, directly or inside another message: they get no `Debug`.
fn secret_holders(pool: &DescriptorPool) -> Vec<String> {
    let Some(mark) = pool.get_extension_by_name("keybearer.v1.secret") else {
        return Vec::new();
    };
    let mut holders = BTreeSet::new();
    loop {
        let before = holders.len();
        for message in pool.all_messages() {
            if holds_secret(&message, &mark, &holders) {
                holders.insert(message.full_name().to_owned());
            }
        }
        if holders.len() == before {
            return holders.into_iter().map(|name| format!(".{name}")).collect();
        }
    }
}

fn holds_secret(message: &MessageDescriptor, mark: &ExtensionDescriptor, known: &BTreeSet<String>) -> bool {
    message.fields().any(|field| {
        let nested = matches!(field.kind(), Kind::Message(inner) if known.contains(inner.full_name()));
        nested || field.options().has_extension(mark)
    })
}
