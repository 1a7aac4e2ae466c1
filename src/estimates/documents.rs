//! Containment: of a row that contains a document, the keys of the document are among those of the row.

use super::sources::{Source, Sources};
use crate::node::index::KeyFunction;
use fhir_search::keys::Paths;
use jsonb::Value;

/// The share of rows that contain one of these documents, where statistics tell.
pub fn share(sources: &Sources, documents: &[Value<'_>]) -> Option<f64> {
    // The texts that rows have one of, by what knows of them: two documents that name different elements may have the same texts
    // among the keys of both.
    let mut asked: Vec<(*const Source, Vec<Vec<u8>>, f64)> = Vec::new();
    for document in documents {
        let (source, text, share) = rarest(sources, *document)?;
        let same = asked.iter_mut().find(|(other, ..)| *other == source);
        match same {
            Some((_, texts, _)) if texts.contains(&text) => {}
            Some((_, texts, all)) => {
                *all = *all + share - *all * share;
                texts.push(text);
            }
            None => asked.push((source, vec![text], share)),
        }
    }
    let without: f64 = asked.iter().map(|(_, _, share)| 1.0 - share).product();
    Some(1.0 - without)
}

/// The text of the document that the fewest rows have.
fn rarest(sources: &Sources, document: Value<'_>) -> Option<(*const Source, Vec<u8>, f64)> {
    let mut least: Option<(*const Source, Vec<u8>, f64)> = None;
    for (function, paths, source) in sources.of_texts() {
        let texts = keys(function, paths, document);
        if texts.is_empty() {
            continue;
        }
        let Some(known) = sources.texts_of(source) else {
            continue;
        };
        for text in texts {
            let share = known.one(text.as_bytes());
            if least.as_ref().is_none_or(|(.., least)| share < *least) {
                least = Some((std::ptr::from_ref(source), text.into_bytes(), share));
            }
        }
    }
    least
}

/// The keys that every row which contains the document has, too.
fn keys(function: KeyFunction, paths: &Paths, document: Value<'_>) -> Vec<String> {
    match function {
        KeyFunction::Strings => paths.strings(document),
        KeyFunction::Uris => paths.uris(document),
        KeyFunction::Targets => paths.targets(document),
        KeyFunction::Tokens => {
            let mut tokens = paths.tokens(document);
            // That the document names no system does not say that the row has none.
            tokens.retain(|token| !token.starts_with('|'));
            tokens
        }
        _ => Vec::new(),
    }
}
