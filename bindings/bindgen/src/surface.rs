//! The exported surface as text: one line for each thing that an app can name.

use std::path::Path;

use uniffi_bindgen::macro_metadata::extract_from_library;
use uniffi_meta::{
    DefaultValueMetadata, EnumMetadata, FieldMetadata, FnParamMetadata, LiteralMetadata, Metadata, Type,
};

use crate::{Error, text};

/// Lists the exports of the dynamic `library`: functions, objects with methods, records, enums and errors, by name.
/// Fields and variants keep their order, which is part of the binary interface.
pub fn surface(library: &Path) -> Result<String, Error> {
    let items = extract_from_library(text(library)?.into()).map_err(|error| Error::Uniffi(error.into()))?;
    let mut lines: Vec<(String, String)> = items.iter().filter_map(item).collect();
    lines.sort();
    lines.dedup();
    Ok(lines.into_iter().map(|(_, text)| text + "\n").collect())
}

/// The cases of all errors.
pub(crate) fn error_cases(library: &Path) -> Result<Vec<String>, Error> {
    let items = extract_from_library(text(library)?.into()).map_err(|error| Error::Uniffi(error.into()))?;
    let errors = items.into_iter().filter_map(|item| match item {
        Metadata::Enum(found) if found.shape.is_error() => Some(found.variants),
        _ => None,
    });
    Ok(errors.flatten().map(|variant| variant.name).collect())
}

/// Sort key and text of one line.
fn item(item: &Metadata) -> Option<(String, String)> {
    Some(match item {
        Metadata::Namespace(namespace) => {
            let name = &namespace.name;
            (String::new(), format!("namespace {name}"))
        }
        Metadata::Func(function) => {
            let call = call(&function.name, &function.inputs);
            let end = end(function.return_type.as_ref(), function.throws.as_ref());
            let kind = if function.is_async { "async fn" } else { "fn" };
            (format!("1 {}", function.name), format!("{kind} {call}{end}"))
        }
        Metadata::Object(object) => (format!("2 {}", object.name), format!("object {}", object.name)),
        Metadata::Constructor(constructor) => {
            let (owner, name) = (&constructor.self_name, &constructor.name);
            let call = call(name, &constructor.inputs);
            let end = end(None, constructor.throws.as_ref());
            let kind = if constructor.is_async { "async " } else { "" };
            (format!("2 {owner} 1 {name}"), format!("  {kind}constructor {call}{end}"))
        }
        Metadata::Method(method) => {
            let (owner, name) = (&method.self_name, &method.name);
            let call = call(name, &method.inputs);
            let end = end(method.return_type.as_ref(), method.throws.as_ref());
            let kind = if method.is_async { "async fn" } else { "fn" };
            (format!("2 {owner} 2 {name}"), format!("  {kind} {call}{end}"))
        }
        Metadata::Record(record) => {
            let fields: String = record.fields.iter().map(|one| format!("\n  {}", field(one))).collect();
            (format!("3 {}", record.name), format!("record {}{fields}", record.name))
        }
        Metadata::Enum(found) => (format!("4 {}", found.name), enumeration(found)),
        // The facade uses none of these. If it does one day, the listing must show them.
        Metadata::UdlFile(_)
        | Metadata::CallbackInterface(_)
        | Metadata::TraitMethod(_)
        | Metadata::CustomType(_)
        | Metadata::UniffiTrait(_)
        | Metadata::ObjectTraitImpl(_) => ("5".into(), format!("{item:?}")),
    })
}

fn enumeration(found: &EnumMetadata) -> String {
    let kind = if found.shape.is_error() { "error" } else { "enum" };
    let mut text = format!("{kind} {}", found.name);
    for variant in &found.variants {
        text.push_str("\n  ");
        text.push_str(&variant.name);
        if !variant.fields.is_empty() {
            let fields: Vec<_> = variant.fields.iter().map(field).collect();
            text.push_str(&format!("({})", fields.join(", ")));
        }
    }
    text
}

fn field(field: &FieldMetadata) -> String {
    let default = default(field.default.as_ref());
    format!("{}: {}{default}", field.name, name(&field.ty))
}

fn call(name_of: &str, inputs: &[FnParamMetadata]) -> String {
    let inputs: Vec<_> = inputs
        .iter()
        .map(|input| {
            let default = default(input.default.as_ref());
            format!("{}: {}{default}", input.name, name(&input.ty))
        })
        .collect();
    format!("{name_of}({})", inputs.join(", "))
}

fn end(returns: Option<&Type>, throws: Option<&Type>) -> String {
    let returns = returns.map_or_else(String::new, |ty| format!(" -> {}", name(ty)));
    let throws = throws.map_or_else(String::new, |ty| format!(" throws {}", name(ty)));
    returns + &throws
}

fn default(value: Option<&DefaultValueMetadata>) -> String {
    match value {
        None => String::new(),
        Some(DefaultValueMetadata::Default) => " = default".into(),
        Some(DefaultValueMetadata::Literal(LiteralMetadata::None)) => " = none".into(),
        Some(DefaultValueMetadata::Literal(LiteralMetadata::Boolean(value))) => {
            format!(" = {value}")
        }
        Some(DefaultValueMetadata::Literal(LiteralMetadata::String(value))) => {
            format!(" = {value:?}")
        }
        Some(DefaultValueMetadata::Literal(LiteralMetadata::Int(value, ..))) => {
            format!(" = {value}")
        }
        Some(DefaultValueMetadata::Literal(literal)) => format!(" = {literal:?}"),
    }
}

fn name(ty: &Type) -> String {
    match ty {
        Type::Optional { inner_type } => format!("{}?", name(inner_type)),
        Type::Sequence { inner_type } => format!("[{}]", name(inner_type)),
        other => other.name().map_or_else(|| format!("{other:?}").to_lowercase(), str::to_owned),
    }
}
