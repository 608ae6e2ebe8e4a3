//! What of resources and their operations no schema can say.

use leeward_expression::Template;

use super::Report;
use super::words::nearest;
use crate::types::{Name, Operation, PageSize, Pagination, PaginationType, Provider, Resource};

/// The names that an operation's path may read.
const NAMES: [&str; 5] = ["id", "query", "headers", "body", "account"];

/// Checks the resources of a provider.
pub(crate) fn check(provider: &Provider, report: &mut Report<'_>) {
    for (name, resource) in &provider.resources {
        let pointer = format!("/resources/{}", name.replace('~', "~0").replace('/', "~1"));
        for (operation_name, operation) in resource.operations() {
            let pointer = format!(
                "{pointer}/{}",
                operation_name.replace('~', "~0").replace('/', "~1")
            );
            one(
                provider,
                resource,
                operation_name,
                operation,
                &pointer,
                report,
            );
        }
    }
}

fn one(
    provider: &Provider,
    resource: &Resource,
    name: &str,
    operation: &Operation,
    pointer: &str,
    report: &mut Report<'_>,
) {
    base(provider, operation.base.as_ref(), pointer, report);
    names(&operation.path, &NAMES, &format!("{pointer}/path"), report);
    if operation.response.is_some() && operation.item.is_some() {
        let message = "`item` is not allowed beside `response`, which gives the records themselves";
        report.fault(&format!("{pointer}/item"), &[], message);
    }
    if name == "list"
        && operation.pagination.is_none()
        && provider.pagination.is_empty()
        && operation.items.is_none()
    {
        let none_given = operation.response.is_none();
        if none_given {
            report.warn(
                pointer,
                "neither `pagination` nor `items`: the answer itself must be the list, in one page",
            );
        }
    }
    if let Some(pagination) = &operation.pagination {
        pages(pagination, &format!("{pointer}/pagination"), report);
    }
    if operation.then.is_some() && resource.get.is_none() {
        report.fault(
            &format!("{pointer}/then"),
            &[],
            "`then: get` needs a `get` beside it",
        );
    }
    if matches!(name, "get" | "update" | "delete")
        && operation.path.is_literal().is_some()
        && !names_a_record(operation)
    {
        report.warn(
            &format!("{pointer}/path"),
            "nothing in it uses `id`: it is the same for every record",
        );
    }
    let mut seen: Vec<&str> = Vec::new();
    for (index, step) in operation.steps.iter().enumerate() {
        let pointer = format!("{pointer}/steps/{index}");
        base(provider, step.base.as_ref(), &pointer, report);
        names(&step.path, &NAMES, &format!("{pointer}/path"), report);
        if seen.contains(&&*step.id) {
            report.fault(
                &format!("{pointer}/id"),
                &[],
                format!("a step before it is called `{}`, too", step.id),
            );
        }
        seen.push(&step.id);
    }
    if let Some(expand) = &operation.expand {
        base(
            provider,
            expand.base.as_ref(),
            &format!("{pointer}/expand"),
            report,
        );
    }
}

/// Whether an expression of the operation may tell the vendor which record is meant.
fn names_a_record(operation: &Operation) -> bool {
    [&operation.query, &operation.headers, &operation.body]
        .into_iter()
        .flatten()
        .any(|expression| expression.source().contains("id"))
}

fn base(provider: &Provider, base: Option<&Name>, pointer: &str, report: &mut Report<'_>) {
    let Some(base) = base else { return };
    if !provider.bases.contains_key(&**base) {
        let hint = nearest(base, provider.bases.keys().map(String::as_str))
            .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let message = format!("`{base}` is none of `bases`{hint}");
        report.fault(&format!("{pointer}/base"), &["/bases"], message);
    }
}

/// What a kind of pagination needs, and what has no meaning for it.
pub(super) fn pages(pages: &Pagination, pointer: &str, report: &mut Report<'_>) {
    use PaginationType as T;
    let kind = pages.kind;
    let takes_next = matches!(kind, T::Cursor | T::NextUrl);
    let missing = match kind {
        T::Cursor | T::NextUrl if pages.next.is_none() => Some("next"),
        T::Keyset if pages.key.is_none() => Some("key"),
        _ => None,
    };
    if let Some(key) = missing {
        let message = format!("missing key `{key}`, which `type: {}` needs", kind.as_str());
        report.fault(pointer, &[&format!("{pointer}/{key}")], message);
    }
    let useless = [
        ("next", pages.next.is_some() && !takes_next),
        ("more", pages.more.is_some() && kind == T::None),
        ("key", pages.key.is_some() && kind != T::Keyset),
        (
            "start",
            pages.start.is_some() && !matches!(kind, T::Page | T::Offset),
        ),
        (
            "param",
            pages.param.is_some() && matches!(kind, T::LinkHeader | T::NextUrl | T::None),
        ),
        ("size", pages.size != PageSize::default() && kind == T::None),
    ];
    for (key, _) in useless.into_iter().filter(|(_, useless)| *useless) {
        report.warn(
            &format!("{pointer}/{key}"),
            format!("`{key}` means nothing with `type: {}`", kind.as_str()),
        );
    }
    if let (Some(value), Some(max)) = (pages.size.value, pages.size.max)
        && value > max
    {
        report.fault(
            &format!("{pointer}/size"),
            &[],
            "`value` must not be more than `max`",
        );
    }
}

/// A template must read only what is bound.
pub(super) fn names(template: &Template, bound: &[&str], pointer: &str, report: &mut Report<'_>) {
    if template.names().reads_all() {
        return;
    }
    for name in template.names().iter() {
        if bound.contains(&name) {
            continue;
        }
        let hint = nearest(name, bound.iter().copied()).map_or_else(
            || format!("; there are `{}`", bound.join("`, `")),
            |near| format!("; did you mean `{near}`?"),
        );
        report.fault_at(
            pointer,
            name,
            format!("nothing is called `{name}` here{hint}"),
        );
    }
}
